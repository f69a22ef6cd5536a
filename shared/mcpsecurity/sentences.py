"""English texts for people that can be said in other languages."""

from collections.abc import Mapping
from types import MappingProxyType
from typing import Self


class Sentence(str):
    """An English text that keeps its template and the values in it.

    It is the text itself: `Sentence("Enter {least} or more.", least=3)` is `"Enter 3 or more."`. A program
    with catalogues, such as the web chat, looks its `template` up and puts in the `values`, of which some
    may be sentences themselves. An exception made with a sentence gives it back by `str(error)`.
    """

    __slots__ = ("template", "values")

    template: str
    values: Mapping[str, object]

    def __new__(cls, template: str, /, **values: object) -> Self:
        """Return the text of `template`, with the `values` in the places of their names."""
        sentence = super().__new__(cls, template.format(**values) if values else template)
        sentence.template, sentence.values = template, MappingProxyType(values)
        return sentence

    def __str__(self) -> Self:
        return self
