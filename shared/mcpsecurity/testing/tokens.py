"""Access tokens of the local tenant, good ones and wrong ones."""

from difflib import get_close_matches
from typing import Any

from mcpsecurity.localcloud import AgentSubject, LocalCloud

_HOUR = 3600
_FAULTS = ("audience", "expired", "not_yet_valid", "app_only", "tampered")


class AccessTokens:
    """Makes access tokens: `tokens("alice")`, `tokens("bob", expired=True)`."""

    def __init__(self, cloud: LocalCloud) -> None:
        self._cloud = cloud
        self.claims_of: dict[str, dict[str, Any]] = {}
        """Claims that tokens of a person have besides, by sign-in name."""

    def __call__(
        self,
        user: str = "alice",
        *,
        scope: str | None = "mcp:tools",
        audience: str | None = None,
        expired: bool = False,
        not_yet_valid: bool = False,
        app_only: bool = False,
        tampered: bool = False,
        roles: tuple[str, ...] = (),
        agent: AgentSubject | None = None,
        **claims: Any,
    ) -> str:
        """Return a token that is valid except for the faults that the arguments ask for.

        Args:
            user: a sign-in name, or the part before its @.
            scope: delegated permissions, separated by spaces; None leaves the claim out.
            audience: another resource than the MCP server.
            expired: good until an hour ago.
            not_yet_valid: good in an hour.
            app_only: the daemon's, without a person behind it.
            tampered: changed after it was signed.
            roles: app roles that are assigned to the person.
            agent: `person`: of an agent that acts for the user; `itself`: of an agent's own account.
            claims: any claims besides; None takes one away.

        Raises:
            LookupError: there is no such user.
            TypeError: a claim is nearly named like a fault, which the token would not have.
        """
        _refuse_misspelt(claims)
        changed: dict[str, Any] = {}
        if audience is not None:
            changed["aud"] = audience
        now = int(self._cloud.tenant.now())
        if expired:
            changed |= {"iat": now - 2 * _HOUR, "nbf": now - 2 * _HOUR, "exp": now - _HOUR}
        if not_yet_valid:
            changed |= {"nbf": now + _HOUR, "exp": now + 2 * _HOUR}
        if roles:
            changed["roles"] = list(roles)
        if app_only:
            token = self._cloud.app_token(**changed, **claims)
        else:
            name = self.sign_in_name(user)
            given = {"scp": scope} | self.claims_of.get(name, {}) | changed | claims
            token = self._cloud.access_token(name, agent=agent, **given)
        return _tampered(token) if tampered else token

    def sign_in_name(self, user: str) -> str:
        """Return the sign-in name of a user of the tenant: "alice" is alice@contoso.example.

        Raises:
            LookupError: there is no such user.
        """
        for name in self._cloud.users:
            if user in (name, name.partition("@")[0]):
                return name
        raise LookupError(f"The local tenant has no user {user!r}; it has {', '.join(self._cloud.users)}.")


def _refuse_misspelt(claims: dict[str, Any]) -> None:
    for name in claims:
        if alike := get_close_matches(name, _FAULTS, 1, 0.85):
            raise TypeError(f"There is no {name}; write {alike[0]}. Other names are those of claims.")


def _tampered(token: str) -> str:
    """Return the token with a signature that is a character off; not the last, which has unused bits."""
    head, _, signature = token.rpartition(".")
    other = "A" if signature[10] != "A" else "B"
    return f"{head}.{signature[:10]}{other}{signature[11:]}"
