"""Refuses at once what an author passes by mistake, which would fail later by an attribute that it lacks."""

import re
from collections.abc import Iterable
from typing import Any

import httpx
from semantic_kernel import Kernel

from mcpsecurity.client import Command

__all__ = [
    "check_credential",
    "check_kernel",
    "check_plugin_name",
    "check_server",
    "check_session",
    "names_of",
]

_PLUGIN_NAME = re.compile(r"[0-9A-Za-z_]+")


def check_kernel(kernel: object) -> None:
    """Raise `TypeError` for anything but a kernel."""
    if not isinstance(kernel, Kernel):
        raise TypeError(f"kernel is a semantic_kernel.Kernel, not {_kind(kernel)}")


def check_server(server: object) -> None:
    """Raise `TypeError` for what names no server, and `ValueError` for text that is no address."""
    if isinstance(server, Command):
        return
    if not isinstance(server, str):
        raise TypeError(
            f"The server is an address or a mcpsecurity.client.Command((…)), not {_kind(server)}."
        )
    if not server.lower().startswith(("http://", "https://")):
        raise ValueError(
            "The address of an MCP server begins with http:// or https://. A server that is a command is "
            "passed as mcpsecurity.client.Command(('npx', '-y', …))."
        )


def check_credential(credential: object) -> None:
    """Raise `TypeError` for anything but a credential of azure-identity, a sign-in, or None."""
    if credential is None or isinstance(credential, httpx.Auth) or hasattr(credential, "get_token"):
        return
    raise TypeError(
        f"credential is one of azure-identity or an httpx.Auth, not {_kind(credential)}. A token or key that "
        "you have is passed as headers={'Authorization': …}."
    )


def check_plugin_name(name: str) -> None:
    """Raise `ValueError` for a name that a plugin of Semantic Kernel cannot have."""
    if not _PLUGIN_NAME.fullmatch(name):
        raise ValueError(f"plugin_name has letters without accents, digits and _ only, unlike {name!r}")


def check_session(session: Any) -> None:
    """Raise `TypeError` for anything that lists and calls no tools."""
    if not (hasattr(session, "list_tools") and hasattr(session, "call_tool")):
        raise TypeError(f"session is a connected mcp.ClientSession or a McpConnection, not {_kind(session)}")


def names_of(option: str, names: Iterable[str]) -> frozenset[str]:
    """Return the names of tools. Raises `TypeError` for one text, whose letters would be taken for names."""
    if isinstance(names, str):
        raise TypeError(f"{option} is a list of names: write {option}=[{names!r}]")
    return frozenset(names)


def _kind(given: object) -> str:
    return "None" if given is None else type(given).__name__
