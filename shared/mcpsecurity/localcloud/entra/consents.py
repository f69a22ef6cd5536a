"""Granted permissions: by the administrator for everyone, or by a person for herself."""

from dataclasses import dataclass, field

from mcpsecurity.localcloud.entra.directory import Client, User
from mcpsecurity.localcloud.entra.scopes import ApiScopes, Requested

Grant = tuple[str, str, str, str]  # user's object id, client id, API's app id, scope


@dataclass(slots=True)
class Consents:
    """The consents that people gave on the consent page, besides the administrator's for every client."""

    given: set[Grant] = field(default_factory=set)

    def are_missing(self, user: User, client: Client, apis: tuple[ApiScopes, ...]) -> bool:
        """Return whether `user` has not granted `client` one of the scopes of `apis`."""
        return not _grants(user, client, apis) <= self.given

    def are_missing_for(self, user: User, client: Client, apis: tuple[ApiScopes, ...]) -> bool:
        """Return whether `user` has not granted one of those scopes that no administrator consents to."""
        personal = {
            grant
            for scopes in apis
            for grant in _grants(user, client, (scopes,))
            if grant[3] in scopes.api.personal_scopes
        }
        return not personal <= self.given

    def give(self, user: User, client: Client, requested: Requested) -> None:
        """Record that `user` accepted what `client` asks for."""
        self.given |= _grants(user, client, requested.apis)


def _grants(user: User, client: Client, apis: tuple[ApiScopes, ...]) -> set[Grant]:
    return {(user.oid, client.client_id, scopes.api.app_id, name) for scopes in apis for name in scopes.names}
