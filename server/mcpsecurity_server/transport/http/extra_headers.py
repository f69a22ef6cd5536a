"""Headers for every answer to a request that no application has routed, whose signals would add them."""

from collections.abc import Mapping

from aiohttp import web

__all__ = ["FURTHER_HEADERS", "FurtherHeaders"]


class FurtherHeaders(dict[str, str]):
    """Headers, with their text as it goes over the wire. They are not to be changed."""

    def __init__(self, headers: Mapping[str, str]) -> None:
        super().__init__(headers)
        self.wire = "".join(f"{name}: {value}\r\n" for name, value in headers.items())


FURTHER_HEADERS = web.RequestKey("further_headers", FurtherHeaders)
"""Where whoever handles requests puts them, for answers that are sent, or begun, before he sees them."""
