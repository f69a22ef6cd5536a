"""What a person allows in all conversations, and its store."""

from collections.abc import Callable, Coroutine
from dataclasses import dataclass
from typing import Any, NamedTuple, Protocol, TypeVar

from sqlalchemy import ColumnElement, and_, delete, insert, select
from sqlalchemy.ext.asyncio import AsyncConnection

from mcpsecurity.runtime.exact_decimals import dumps, loads
from mcpsecurity_webclient.store.conversations import Owner
from mcpsecurity_webclient.store.models import grants

T = TypeVar("T")


class GrantKey(NamedTuple):
    """The key of a grant among those of its owner. `arguments_hash` is empty for a tool with any
    arguments."""

    server: str
    tool: str
    arguments_hash: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Grant:
    """A tool that runs without asking its owner, with `arguments` only unless they are None.

    `definition` is the digest of the tool's definition as the person saw it; `given_at` is in seconds since
    1970.
    """

    key: GrantKey
    definition: str
    arguments: dict[str, Any] | None
    given_at: float


class InTransaction(Protocol):
    """Runs work in a transaction of the database, which is committed even if the caller is cancelled."""

    async def __call__(self, work: Callable[[AsyncConnection], Coroutine[Any, Any, T]]) -> T:
        """Return the result of `work`. Raises `StoreUnavailableError`."""


class GrantStore:
    """The grants in the database that `transaction` reaches, each found only by its owner.

    Every method may raise `StoreUnavailableError`.
    """

    def __init__(self, transaction: InTransaction) -> None:
        self._transaction = transaction

    async def all(self, owner: Owner) -> list[Grant]:
        """Return an owner's grants, the latest first."""
        query = select(grants).where(_of(owner)).order_by(grants.c.given_at.desc())

        async def work(connection: AsyncConnection) -> list[Grant]:
            return [
                Grant(
                    key=GrantKey(row.server, row.tool, row.arguments_hash),
                    definition=row.definition,
                    arguments=loads(row.arguments),
                    given_at=row.given_at,
                )
                for row in await connection.execute(query)
            ]

        return await self._transaction(work)

    async def keep(self, owner: Owner, grant: Grant) -> None:
        """Keep a grant, in the place of one with the same key. It is kept when this returns."""
        values = {
            "definition": grant.definition,
            "arguments": dumps(grant.arguments, separators=(",", ":")),
            "given_at": grant.given_at,
        }

        whose = owner._asdict() | grant.key._asdict()

        async def work(connection: AsyncConnection) -> None:
            await connection.execute(delete(grants).where(_of(owner, grant.key)))
            await connection.execute(insert(grants).values(**whose, **values))

        await self._transaction(work)

    async def remove(self, owner: Owner, key: GrantKey) -> None:
        """Remove a grant, if the owner has it."""

        async def work(connection: AsyncConnection) -> None:
            await connection.execute(delete(grants).where(_of(owner, key)))

        await self._transaction(work)


def _of(owner: Owner, key: GrantKey | None = None) -> ColumnElement[bool]:
    """Return the condition that every query has: whose row it is."""
    mine = and_(grants.c.tenant_id == owner.tenant_id, grants.c.user_id == owner.user_id)
    if key is None:
        return mine
    return and_(mine, *(grants.c[name] == value for name, value in key._asdict().items()))
