"""The `scope` and `resource` parameters: which API is meant, which of its scopes, and which have consent.

Entra takes the resource from the scopes' prefix (`api://…/mcp:tools`); a scope without a prefix is Graph's.
An RFC 8707 `resource` is accepted only if it names the API that owns the scopes (AADSTS9010010 otherwise).
"""

from collections.abc import Collection
from dataclasses import dataclass, field

from mcpsecurity.localcloud.entra.directory import Api, Client, Directory, User
from mcpsecurity.localcloud.entra.errors import EntraError, Sts
from mcpsecurity.localcloud.entra.ids import GRAPH_ID

OIDC_SCOPES = frozenset({"openid", "profile", "email", "offline_access"})


@dataclass(frozen=True, slots=True)
class ApiScopes:
    """Scopes of one API: short names, and the identifier by which the client called the API."""

    api: Api
    identifier: str
    names: tuple[str, ...]
    is_default: bool = False

    @property
    def on_the_wire(self) -> str:
        """The `scope` member of a token response: Graph's scopes are short, other APIs' have the prefix."""
        if self.api.app_id == GRAPH_ID:
            return " ".join(self.names)
        return " ".join(f"{self.identifier}/{name}" for name in self.names)


@dataclass(frozen=True, slots=True)
class Requested:
    """What a `scope` parameter asks for."""

    text: str
    oidc: frozenset[str]
    apis: tuple[ApiScopes, ...]

    def single(self, directory: Directory) -> ApiScopes:
        """Return the one API of a token request: Graph's sign-in scopes if only OIDC scopes were asked for.

        Raises:
            EntraError: several APIs (AADSTS28000).
        """
        if len(self.apis) > 1:
            raise EntraError(Sts.SEVERAL_RESOURCES, scope=self.text)
        if self.apis:
            return self.apis[0]
        graph = directory.apis[GRAPH_ID]
        names = tuple(name for name in ("openid", "profile", "email") if name in self.oidc)
        return ApiScopes(graph, GRAPH_ID, names)

    def check_resource(self, directory: Directory, resource: str | None) -> None:
        """Refuse an RFC 8707 `resource` that is not an identifier of the API that owns the scopes.

        Raises:
            EntraError: AADSTS9010010.
        """
        if resource is None:
            return
        api = directory.api_by_identifier(resource)
        owners = {scopes.api.app_id for scopes in self.apis} or {GRAPH_ID}
        if api is None or owners != {api.app_id}:
            raise EntraError(Sts.RESOURCE_MISMATCH)


def parse_scopes(directory: Directory, client: Client, text: str) -> Requested:
    """Parse a `scope` parameter.

    Raises:
        EntraError: an API is unknown (AADSTS500011) or does not have the scope (AADSTS650053).
    """
    words = list(dict.fromkeys(text.split()))
    oidc = frozenset(words) & OIDC_SCOPES
    asked: dict[str, tuple[Api, str, list[str]]] = {}
    for word in words:
        if word in OIDC_SCOPES:
            continue
        api, identifier, name = _resolve(directory, word)
        if name != ".default" and name not in api.scopes:
            raise EntraError(Sts.UNKNOWN_SCOPE, client=client.client_id, scope=name, resource=api.app_id)
        asked.setdefault(api.app_id, (api, identifier, []))[2].append(name)
    apis = tuple(_api_scopes(api, identifier, names) for api, identifier, names in asked.values())
    return Requested(" ".join(words), oidc, apis)


def _api_scopes(api: Api, identifier: str, names: Collection[str]) -> ApiScopes:
    is_default = ".default" in names
    expanded = dict.fromkeys([*(api.default_scopes if is_default else ()), *names])
    return ApiScopes(api, identifier, tuple(name for name in expanded if name != ".default"), is_default)


def _resolve(directory: Directory, word: str) -> tuple[Api, str, str]:
    identifier, separator, name = word.rpartition("/")
    if not separator:
        return directory.apis[GRAPH_ID], GRAPH_ID, name
    api = directory.api_by_identifier(identifier)
    if api is None:
        raise EntraError(Sts.UNKNOWN_RESOURCE, resource=identifier)
    return api, identifier, name


Grant = tuple[str, str, str, str]  # user's object id, client id, API's app id, scope


@dataclass(slots=True)
class Consents:
    """The consents that people gave on the consent page, besides the administrator's for every client."""

    given: set[Grant] = field(default_factory=set)

    def are_missing(
        self, user: User, client: Client, apis: tuple[ApiScopes, ...], *, administrator: bool
    ) -> bool:
        """Return whether `user` has not granted `client` one of the scopes of `apis`.

        `administrator`: an administrator has consented to all but those that each person grants for herself.
        """
        needed = _grants(user, client, apis)
        if administrator:
            personal = {(s.api.app_id, name) for s in apis for name in s.api.personal_scopes}
            needed = {grant for grant in needed if grant[2:] in personal}
        return not needed <= self.given

    def give(self, user: User, client: Client, requested: Requested) -> None:
        """Record that `user` accepted what `client` asks for."""
        self.given |= _grants(user, client, requested.apis)


def _grants(user: User, client: Client, apis: tuple[ApiScopes, ...]) -> set[Grant]:
    return {(user.oid, client.client_id, scopes.api.app_id, name) for scopes in apis for name in scopes.names}
