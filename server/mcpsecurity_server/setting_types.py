"""Types of settings that several settings of the server share."""

import json
import re
from collections.abc import Mapping
from typing import Annotated

from pydantic import BeforeValidator
from pydantic_core import PydanticCustomError
from pydantic_settings import NoDecode

GUID = re.compile(r"[0-9a-fA-F]{8}(-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12}")


def split_words(value: object) -> object:
    """Accept "a b, c" for ("a", "b", "c")."""
    return tuple(value.replace(",", " ").split()) if isinstance(value, str) else value


def _parse_object(value: object) -> object:
    """Accept JSON text for an object."""
    if not isinstance(value, str):
        return value
    try:
        return json.loads(value)
    except ValueError:
        raise PydanticCustomError("json", 'Must be JSON, like {"tool": "scope other-scope"}') from None


Words = Annotated[tuple[str, ...], NoDecode, BeforeValidator(split_words)]
WordsByTool = Annotated[Mapping[str, Words], NoDecode, BeforeValidator(_parse_object)]
TextByTool = Annotated[Mapping[str, str], NoDecode, BeforeValidator(_parse_object)]
