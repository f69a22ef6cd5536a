"""The versions of a conversation that are not open, to their stored form and back."""

from collections.abc import Iterable, Mapping
from typing import Any

from mcpsecurity_webclient.chat.branches import Fork, Version
from mcpsecurity_webclient.chat.notes import Note
from mcpsecurity_webclient.chat.persistence.parts import calls_from, messages_from, parts_of, turns_from
from mcpsecurity_webclient.store import Part, PartKind


def forks_state(forks: Iterable[Fork]) -> list[dict[str, Any]]:
    """Return where the forks are and which of their versions are open."""
    return [{"after": fork.after, "open": fork.open, "of": len(fork.versions)} for fork in forks]


def version_parts(forks: Iterable[Fork]) -> list[Part]:
    """Return the versions that are not open, one part for each. A part is made once: its version rests."""
    parts = []
    for place, fork in enumerate(forks):
        for number, version in enumerate(fork.versions):
            if version is None:
                continue
            part_id = f"{place:04}.{number:04}"
            if version.stored is None or version.stored.part_id != part_id:
                version.stored = Part("version", part_id, _body(version))
            parts.append(version.stored)
    return parts


def forks_from(stored: Iterable[Mapping[str, Any]], parts: Iterable[Part]) -> list[Fork]:
    """Return the forks with their versions. One that is missing is empty: an older release has saved
    meanwhile, and kept only what it knows."""
    bodies = {part.part_id: part.body for part in parts if part.kind == "version"}
    forks = []
    for place, known in enumerate(stored):
        versions = [_version(bodies.get(f"{place:04}.{number:04}")) for number in range(known["of"])]
        versions[known["open"]] = None
        forks.append(Fork(known["after"], known["open"], versions))
    return forks


def _body(version: Version) -> dict[str, Any]:
    body: dict[str, list[dict[str, Any]]] = {"messages": [], "calls": [], "turns": []}
    for part in parts_of(version.messages, version.calls, version.turns):
        body[f"{part.kind}s"].append(part.body)
    return {**body, "notes": [note.to_json() for note in version.notes]}


def _version(body: dict[str, Any] | None) -> Version | None:
    kinds: tuple[PartKind, ...] = ("message", "call", "turn")
    parts = [Part(kind, "", one) for kind in kinds for one in (body or {}).get(f"{kind}s", ())]
    notes = [Note.of(note) for note in (body or {}).get("notes", ())]
    return Version(messages_from(parts), calls_from(parts), turns_from(parts), notes)
