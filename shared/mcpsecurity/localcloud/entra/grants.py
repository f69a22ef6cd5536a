"""What the tenant remembers between the steps of a flow: authorization codes and refresh tokens."""

from dataclasses import dataclass, field

from mcpsecurity.localcloud.entra.aadsts import Sts
from mcpsecurity.localcloud.entra.directory import Client, User
from mcpsecurity.localcloud.entra.errors import EntraError
from mcpsecurity.localcloud.entra.scopes import Requested
from mcpsecurity.localcloud.entra.store import ExpiringStore


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
