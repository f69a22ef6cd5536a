"""The store of conversations in SQLite or PostgreSQL."""

import asyncio
import json
import time
from collections.abc import Callable, Coroutine
from typing import Any, Self, TypeVar

from sqlalchemy import (
    ColumnElement,
    ScalarSelect,
    Table,
    and_,
    bindparam,
    delete,
    exists,
    extract,
    func,
    insert,
    null,
    or_,
    select,
    update,
)
from sqlalchemy.exc import IntegrityError, SQLAlchemyError
from sqlalchemy.ext.asyncio import AsyncConnection

from mcpsecurity.runtime.exact_decimals import dumps, loads
from mcpsecurity_webclient.errors import LaterSchemaError, StaleConversationError, StoreUnavailableError
from mcpsecurity_webclient.store.conversations import Conversation, Entry, Owner, Part
from mcpsecurity_webclient.store.engine import GetPassword, database_url, make_engine, migrate
from mcpsecurity_webclient.store.grants import GrantStore
from mcpsecurity_webclient.store.models import conversations, parts

T = TypeVar("T")
_SECONDS = 15.0
_Key = tuple[str, str]
_Work = Callable[[AsyncConnection], Coroutine[Any, Any, T]]


class ConversationStore:
    """Conversations in the database of `url` (see `database_url`), each found only by its owner.

    Enter it before use. Every method may raise `StoreUnavailableError`.

    `clock` gives seconds since 1970, as for the times that it is given. `password` returns the password of
    each new connection to PostgreSQL, if the address has none; it may block.
    """

    def __init__(
        self, url: str, *, clock: Callable[[], float] = time.time, password: GetPassword | None = None
    ) -> None:
        self._clock = clock
        self._engine = make_engine(database_url(url), password)
        self._running: set[asyncio.Task[Any]] = set()
        self.grants = GrantStore(self._shielded)

    async def __aenter__(self) -> Self:
        """Connect, and bring the schema up to date.

        Raises:
            LaterSchemaError: a later release has brought it up to date.
            StoreUnavailableError: the database cannot be used.
        """
        try:
            await migrate(self._engine)
        except LaterSchemaError:
            await self._engine.dispose()
            raise
        except Exception as error:  # drivers, SQLAlchemy and Alembic each have their own
            await self._engine.dispose()
            text = f"the database of the conversations cannot be used: {type(error).__name__}"
            raise StoreUnavailableError(text) from error
        return self

    async def __aexit__(self, *_: object) -> None:
        """Close the connections after running transactions have ended."""
        if self._running:
            await asyncio.wait(set(self._running))
        await self._engine.dispose()

    async def entries(self, owner: Owner, search: str | None = None, *, limit: int = 200) -> list[Entry]:
        """Return an owner's conversations in which something was said, pinned ones first, then the latest.
        With `search` those that have it in their title or in a message, ignoring case."""
        table = conversations.c
        columns = [table.chat_id, table.title, table.updated_at, table.pinned]
        query = select(*columns, _saying(search) if search else null())
        query = query.where(_of(conversations, owner), table.messages > 0)
        if search:
            query = query.where(_has(search))
        query = query.order_by(table.pinned.desc(), table.updated_at.desc()).limit(limit)

        async def work(connection: AsyncConnection) -> list[Entry]:
            rows = await connection.execute(query)
            return [Entry(*row[:4], snippet=snippet_of(row[4], search or "")) for row in rows]

        return await self._shielded(work)

    async def load(self, owner: Owner, chat_id: str) -> Conversation | None:
        """Return a conversation; None if the owner has no conversation of that id."""
        which = select(conversations).where(_of(conversations, owner, chat_id))
        pieces = select(parts.c.kind, parts.c.part_id, parts.c.body).where(_of(parts, owner, chat_id))

        async def work(connection: AsyncConnection) -> Conversation | None:
            found = (await connection.execute(which)).one_or_none()
            if found is None:
                return None
            rows = (await connection.execute(pieces.order_by(parts.c.kind, parts.c.position))).all()
            return Conversation(
                chat_id=chat_id,
                title=found.title,
                created_at=found.created_at,
                updated_at=found.updated_at,
                state=loads(found.state),
                parts=[Part(row.kind, row.part_id, loads(row.body)) for row in rows],
                revision=found.revision,
                pinned=found.pinned,
            )

        return await self._shielded(work)

    async def save(self, owner: Owner, conversation: Conversation) -> int:
        """Save a conversation, of which only parts that have changed are written; return its new revision.

        Raises:
            StaleConversationError: the one that is kept is not of `conversation.revision`.
        """
        rows = _part_rows(conversation.parts)

        async def work(connection: AsyncConnection) -> int:
            revision = await _save_head(connection, owner, conversation)
            await _save_parts(connection, owner, conversation.chat_id, rows)
            return revision

        return await self._shielded(work)

    async def claim(self, owner: Owner, conversation: Conversation, writer: str) -> int:
        """Make `writer` the writer of a conversation as it was loaded; return its new revision. Saves of the
        writer before are refused from then on.

        Raises:
            StaleConversationError: it was changed or deleted since.
        """
        known, table = conversation.revision, conversations.c
        which = and_(_of(conversations, owner, conversation.chat_id), table.revision == known)
        values = {"revision": known + 1, "writer": writer}

        async def work(connection: AsyncConnection) -> int:
            if not (await connection.execute(update(conversations).where(which).values(values))).rowcount:
                raise StaleConversationError("this conversation was changed or deleted elsewhere")
            return known + 1

        return await self._shielded(work)

    async def is_current(self, owner: Owner, chat_id: str, revision: int, writer: str) -> bool:
        """Return whether the stored revision is this one, or `writer` has saved since."""
        table = conversations.c
        mine = and_(table.revision == revision + 1, table.writer == writer)
        known = and_(_of(conversations, owner, chat_id), or_(table.revision == revision, mine))

        async def work(connection: AsyncConnection) -> bool:
            return (await connection.execute(select(table.chat_id).where(known))).first() is not None

        return await self._shielded(work)

    async def delete(self, owner: Owner, chat_id: str) -> None:
        """Delete a conversation, if the owner has it."""

        async def work(connection: AsyncConnection) -> None:
            await connection.execute(delete(conversations).where(_of(conversations, owner, chat_id)))

        await self._shielded(work)

    async def purge(self, before: float, *, empty_before: float) -> int:
        """Delete conversations not used since `before`, and those without messages not used since
        `empty_before`; return how many."""
        table = conversations.c

        async def work(connection: AsyncConnection) -> int:
            ahead = await self._seconds_ahead(connection)
            empty = and_(table.updated_at < empty_before - ahead, table.messages == 0)
            unused = or_(table.updated_at < before - ahead, empty)
            return int((await connection.execute(delete(conversations).where(unused))).rowcount)

        return await self._shielded(work)

    async def check(self) -> None:
        """Return if the database answers."""

        async def work(connection: AsyncConnection) -> None:
            await connection.execute(select(1))

        await self._shielded(work)

    def _ended(self, task: asyncio.Task[Any]) -> None:
        self._running.discard(task)
        if not task.cancelled():
            task.exception()  # the caller gets it, unless it was cancelled

    async def _seconds_ahead(self, connection: AsyncConnection) -> float:
        """Return the seconds by which this machine's clock is ahead: `purge` must not delete too early."""
        if connection.dialect.name != "postgresql":
            return 0.0
        there = (await connection.execute(select(extract("epoch", func.clock_timestamp())))).scalar_one()
        return max(0.0, self._clock() - float(there))

    async def _shielded(self, work: _Work[T]) -> T:
        """Return the result of `work` in a transaction, which is committed even if the caller is cancelled.

        A connection whose work is cancelled is thrown away, and with it a database in memory. Raises
        `StoreUnavailableError` when the database fails or the deadline has passed.
        """
        task = asyncio.create_task(self._transaction(work), name="conversations")
        self._running.add(task)
        task.add_done_callback(self._ended)
        return await asyncio.shield(task)

    async def _transaction(self, work: _Work[T]) -> T:
        try:
            async with asyncio.timeout(_SECONDS), self._engine.begin() as connection:
                return await work(connection)
        except (SQLAlchemyError, OSError, TimeoutError) as error:
            raise StoreUnavailableError("conversations cannot be read or saved at the moment") from error


def _of(table: Table, owner: Owner, chat_id: str | None = None) -> ColumnElement[bool]:
    """Return the condition that every query has: the row belongs to `owner`."""
    mine = and_(table.c.tenant_id == owner.tenant_id, table.c.user_id == owner.user_id)
    return mine if chat_id is None else and_(mine, table.c.chat_id == chat_id)


def _has(search: str) -> ColumnElement[bool]:
    in_title = conversations.c.title_folded.contains(_folded(search), autoescape=True)
    return or_(in_title, exists().where(_said(search)))


def _saying(search: str) -> ScalarSelect[str]:
    """Return the body of a conversation's first message that has something in it."""
    return select(parts.c.body).where(_said(search)).order_by(parts.c.position).limit(1).scalar_subquery()


def _said(search: str) -> ColumnElement[bool]:
    same = and_(*(parts.c[name] == conversations.c[name] for name in ("tenant_id", "user_id", "chat_id")))
    return and_(
        same, parts.c.kind == "message", parts.c.text_folded.contains(_folded(search), autoescape=True)
    )


async def _save_head(connection: AsyncConnection, owner: Owner, conversation: Conversation) -> int:
    known, table = conversation.revision, conversations.c
    title = _storable(conversation.title)
    values = {
        "title": title,
        "title_folded": _folded(title),
        "updated_at": conversation.updated_at,
        "state": _json(conversation.state),
        "revision": known + 1,
        "writer": conversation.writer,
        "messages": sum(part.kind in ("message", "version") for part in conversation.parts),
        "pinned": conversation.pinned,
    }
    # A save whose answer was lost is this writer's own.
    mine = and_(table.revision == known + 1, table.writer == conversation.writer)
    which = and_(_of(conversations, owner, conversation.chat_id), or_(table.revision == known, mine))
    if (await connection.execute(update(conversations).where(which).values(values))).rowcount:
        return known + 1
    if known:
        raise StaleConversationError("this conversation was changed or deleted elsewhere")
    key = {**owner._asdict(), "chat_id": conversation.chat_id, "created_at": conversation.created_at}
    try:
        await connection.execute(insert(conversations).values(**key, **values))
    except IntegrityError as error:
        raise StaleConversationError("this conversation was begun elsewhere") from error
    return 1


def _part_rows(pieces: list[Part]) -> dict[_Key, dict[str, Any]]:
    rows: dict[_Key, dict[str, Any]] = {}
    positions = dict.fromkeys((part.kind for part in pieces), 0)
    for part in pieces:
        position = positions[part.kind]
        positions[part.kind] += 1
        rows[part.kind, part.part_id] = {
            "position": position,
            "digest": part.digest(position),
            "text_folded": _folded(part.text),
            "body": part.written,
        }
    return rows


async def _save_parts(
    connection: AsyncConnection, owner: Owner, chat_id: str, rows: dict[_Key, dict[str, Any]]
) -> None:
    query = select(parts.c.kind, parts.c.part_id, parts.c.digest).where(_of(parts, owner, chat_id))
    kept = {(row.kind, row.part_id): row.digest for row in await connection.execute(query)}
    changed = [key for key, row in rows.items() if key in kept and kept[key] != row["digest"]]
    gone = [key for key in kept if key not in rows]
    this = and_(
        _of(parts, owner, chat_id),
        parts.c.kind == bindparam("of_kind"),
        parts.c.part_id == bindparam("of_id"),
    )
    if gone:
        await connection.execute(delete(parts).where(this), [_which(key) for key in gone])
    if changed:
        names = ("position", "digest", "text_folded", "body")
        values: dict[str, Any] = {name: bindparam(f"new_{name}") for name in names}
        await connection.execute(
            update(parts).where(this).values(values),
            [_which(key) | {f"new_{name}": rows[key][name] for name in names} for key in changed],
        )
    if new := [key for key in rows if key not in kept]:
        whose = {**owner._asdict(), "chat_id": chat_id}
        await connection.execute(
            insert(parts), [{**whose, "kind": key[0], "part_id": key[1], **rows[key]} for key in new]
        )


def _which(key: _Key) -> dict[str, Any]:
    return {"of_kind": key[0], "of_id": key[1]}


def _json(value: Any) -> str:
    """Return JSON of ASCII characters only: a database takes neither NUL nor half a surrogate pair."""
    return dumps(value, separators=(",", ":"), default=str)


def _storable(text: str) -> str:
    return text.replace("\x00", "").encode("utf-8", "replace").decode()


def _folded(text: str) -> str:
    return _storable(text.casefold())


_BEFORE = 30
_LENGTH = 120


def snippet_of(body: str | None, search: str) -> str:
    """Return the words of a message around the first place of `search`, on one line; "" without a message.

    `body` is a stored message, a JSON object with a `text`. The place is found as the search finds it,
    without regard to case.
    """
    if body is None:
        return ""
    text = " ".join(str(json.loads(body).get("text", "")).split())
    place = text.casefold().find(" ".join(search.casefold().split()))
    start = max(place - _BEFORE, 0)
    cut = text[start : start + _LENGTH]
    return f"{'…' if start else ''}{cut}{'…' if start + _LENGTH < len(text) else ''}"
