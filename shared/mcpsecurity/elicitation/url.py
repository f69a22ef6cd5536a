"""URL mode: a page that a server wants a person to visit, and what to warn of."""

import re
from dataclasses import dataclass
from ipaddress import ip_address

from yarl import URL

from mcpsecurity.sentences import Sentence

_MAX_LENGTH = 4096
_NAME = re.compile(r"[a-z0-9_-]+(\.[a-z0-9_-]+)*\.?")


class UrlRefusedError(ValueError):
    """The address must not be offered to a person at all."""


@dataclass(frozen=True, slots=True)
class Visit:
    """An address to show in full, with its host, before the person opens it. Nothing fetches it before."""

    url: str
    host: str
    warnings: tuple[str, ...]


def parse_visit(url: str) -> Visit:
    """Read the address of a URL elicitation.

    Raises:
        UrlRefusedError: it is not http or https, has no host, or is hidden behind odd characters.
    """
    if len(url) > _MAX_LENGTH or any(ord(character) < 33 for character in url):
        raise UrlRefusedError("The address is too long or has characters that do not belong there.")
    try:
        parsed = URL(url)
        host = parsed.raw_host
        _ = parsed.host  # decodes a name in other letters
    except ValueError:
        raise UrlRefusedError("This is not an address.") from None
    if parsed.scheme not in ("http", "https") or not host:
        raise UrlRefusedError("Only http and https addresses can be visited.")
    if not _is_plain(host):
        raise UrlRefusedError("A browser would read the host of this address in another way.")
    return Visit(str(parsed), host, tuple(_warnings(parsed, host)))


def _is_plain(host: str) -> bool:
    """Tell whether browsers go to this very host: they decode %2e, and take 2130706433 for 127.0.0.1."""
    try:
        ip_address(host)
    except ValueError:
        last = host.rstrip(".").rpartition(".")[2]
        return _NAME.fullmatch(host) is not None and not last[:1].isdigit()
    return True


def _warnings(url: URL, host: str) -> list[str]:
    found: list[str] = []
    if url.scheme != "https" and host not in ("localhost", "127.0.0.1", "::1"):
        found.append(Sentence("The connection would not be encrypted (http)."))
    if any(label.startswith("xn--") for label in host.split(".")):
        found.append(
            Sentence(
                "This address uses look-alike letters. Its real name is {host}, and it reads {shown}.",
                host=host,
                shown=url.host,
            )
        )
    if url.raw_user is not None or url.raw_password is not None:
        found.append(Sentence("The address has a user name in front of the host, which can mislead."))
    return found
