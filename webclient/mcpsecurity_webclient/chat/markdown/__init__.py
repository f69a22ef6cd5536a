"""Renders a model's Markdown as safe HTML, also while the text is still growing."""

from mcpsecurity_webclient.chat.markdown.rendering import to_html
from mcpsecurity_webclient.chat.markdown.stream import MarkdownStream, Piece

__all__ = ["MarkdownStream", "Piece", "to_html"]
