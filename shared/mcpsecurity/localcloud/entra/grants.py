"""What the tenant remembers between the steps of a flow: codes, refresh tokens, waiting devices."""

import secrets
from collections import OrderedDict
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import Generic, TypeVar

from mcpsecurity.localcloud.entra.directory import Client, User
from mcpsecurity.localcloud.entra.errors import EntraError, Sts
from mcpsecurity.localcloud.entra.parameters import NO_CLAIMS, AskedClaims
from mcpsecurity.localcloud.entra.scopes import Requested

T = TypeVar("T")


class ExpiringStore(Generic[T]):
    """Maps random handles to records, each for its lifetime, or until newer ones exceed the limit."""

    def __init__(self, *, lifetime: float, limit: int, clock: Callable[[], float]) -> None:
        """Keep a record for `lifetime` seconds of `clock`, and at most `limit` of them."""
        self._lifetime = lifetime
        self._limit = limit
        self._clock = clock
        self._records: OrderedDict[str, tuple[float, T]] = OrderedDict()

    def add(self, record: T) -> str:
        """Keep `record` and return its handle (256 bits of randomness)."""
        handle = secrets.token_urlsafe(32)
        self._records[handle] = (self._clock() + self._lifetime, record)
        while len(self._records) > self._limit:
            self._records.popitem(last=False)
        return handle

    def get(self, handle: str) -> T | None:
        """Return the record of `handle`; None when it is unknown or its time is over."""
        expires, record = self._records.get(handle, (0.0, None))
        if record is not None and expires <= self._clock():
            del self._records[handle]
            return None
        return record

    def remove(self, handle: str) -> T | None:
        """Forget `handle` and return its record, if it had one."""
        record = self.get(handle)
        self._records.pop(handle, None)
        return record

    def values(self) -> Iterator[T]:
        """Iterate over the records that are kept."""
        return iter([record for _, record in self._records.values()])


@dataclass(slots=True)
class Family:
    """The grants of one sign-in: its refresh tokens are revoked together.

    Attributes:
        session: the id of the browser's session.
        acrs: authentication contexts that a claims challenge asked for and this sign-in satisfied.
        capabilities: what the client said that it can do, such as CP1.
    """

    user: User
    session: str
    acrs: tuple[str, ...] = ()
    capabilities: tuple[str, ...] = ()
    revoked: bool = False


@dataclass(slots=True)
class CodeGrant:
    """An authorization code: the approved scopes, for whom, and how to redeem it (RFC 6749 4.1, RFC 7636)."""

    client_id: str
    requested: Requested
    redirect_uri: str
    challenge: str
    nonce: str | None
    expires_at: float
    family: Family
    redeemed: bool = False


@dataclass(slots=True)
class RefreshGrant:
    """A refresh token. `successors` were issued when it was used."""

    client_id: str
    requested: Requested
    family: Family
    expires_at: float
    successors: list["RefreshGrant"] = field(default_factory=list)

    @property
    def superseded(self) -> bool:
        """Whether a successor has been used, which proves that it arrived."""
        return any(successor.successors for successor in self.successors)


def take_code(codes: ExpiringStore[CodeGrant], code: str, client: Client, now: float) -> CodeGrant:
    """Return the grant of `code` and mark it redeemed.

    A code that comes a second time revokes what the first one gave (RFC 6749 4.1.2).

    Raises:
        EntraError: unknown (AADSTS70000), another client's (700005), redeemed (54005), expired (70008).
    """
    grant = codes.get(code)
    if grant is None:
        raise EntraError(Sts.INVALID_GRANT, detail="The authorization code is unknown.")
    if grant.client_id != client.client_id:
        raise EntraError(Sts.WRONG_CLIENT)
    if grant.redeemed:
        grant.family.revoked = True
        raise EntraError(Sts.REDEEMED)
    if grant.expires_at <= now:
        raise EntraError(Sts.EXPIRED_GRANT)
    grant.redeemed = True
    return grant


def take_refresh_token(
    tokens: ExpiringStore[RefreshGrant], token: str, client: Client, now: float
) -> RefreshGrant:
    """Return the grant of a refresh token.

    Each use gives a new token. The one before stays good until its successor is used, so that a lost answer
    or two requests at once do no harm; after that it is refused. (Entra itself never refuses it: being
    stricter here finds clients that do not store what they get.)

    Raises:
        EntraError: unknown or superseded (AADSTS70000), another client's (700005), revoked (50173), expired
            (70008).
    """
    grant = tokens.get(token)
    if grant is None:
        raise EntraError(Sts.INVALID_GRANT, detail="The refresh token is unknown.")
    if grant.client_id != client.client_id:
        raise EntraError(Sts.WRONG_CLIENT)
    if grant.family.revoked:
        raise EntraError(Sts.REVOKED)
    if grant.expires_at <= now:
        raise EntraError(Sts.EXPIRED_GRANT)
    if grant.superseded:
        raise EntraError(Sts.INVALID_GRANT, detail="The refresh token was replaced by a newer one.")
    return grant


_ALPHABET = "ABCDEFGHJKLMNPQRSTUVWXYZ23456789"  # nothing that looks like something else


@dataclass(eq=False, slots=True)
class DeviceFlow:
    """A device that waits. `family` is the sign-in once a person approved, `declined` that she did not."""

    client: Client
    requested: Requested
    user_code: str
    expires_at: float
    claims: AskedClaims = NO_CLAIMS
    family: Family | None = None
    declined: bool = False

    @property
    def is_open(self) -> bool:
        """Whether the person has not answered yet."""
        return self.family is None and not self.declined


def new_user_code() -> str:
    """Return a code to type: nine characters, 45 bits."""
    return "".join(secrets.choice(_ALPHABET) for _ in range(9))


def find_device_flow(flows: Iterator[DeviceFlow], user_code: str, now: float) -> DeviceFlow | None:
    """Return the open flow that shows `user_code`, ignoring case and spacing."""
    typed = "".join(user_code.split()).upper()
    return next((f for f in flows if f.user_code == typed and f.is_open and now < f.expires_at), None)
