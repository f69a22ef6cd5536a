"""Images among results: a terminal cannot show them, so they become files."""

import tempfile
from collections.abc import Callable
from pathlib import Path

from mcpsecurity.client import ToolText

_SUFFIXES = {"image/png": ".png", "image/jpeg": ".jpg", "image/gif": ".gif", "image/webp": ".webp"}


def keep_images(tool: str, text: ToolText, write: Callable[[str], None], folder: Path | None = None) -> None:
    """Save a result's images in `folder` (default: that for temporary files) and say where.

    They are readable by this user only; nothing opens them.
    """
    for image in text.images:
        suffix = _SUFFIXES.get(image.mime_type)
        if suffix is None:
            write(f"{tool} returned an image of type {image.mime_type}, which is not kept.")
            continue
        with tempfile.NamedTemporaryFile(
            prefix="mcpsecurity-", suffix=suffix, dir=folder, delete=False
        ) as file:
            file.write(image.data)
        write(f"{tool} returned an image: {Path(file.name)}")
