"""Who and what is registered in the local tenant: users, client applications, and the API.

The identifiers and the development secrets are fixed and public, so that services can be configured before
the tenant runs. They open nothing but this tenant, which listens on loopback only.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from enum import Enum
from urllib.parse import urlsplit

__all__ = [
    "API_CLIENT_ID",
    "API_CLIENT_SECRET",
    "COGNITIVE_SERVICES_ID",
    "DAEMON_CLIENT_ID",
    "DAEMON_CLIENT_SECRET",
    "GRAPH_ID",
    "PUBLIC_CLIENT_ID",
    "TENANT_ID",
    "WEB_CLIENT_ID",
    "WEB_CLIENT_SECRET",
    "Api",
    "Client",
    "ClientKind",
    "Directory",
    "User",
]

TENANT_ID = "10ca1c10-0d00-4000-8000-000000000001"
HOME_TENANT_OF_GUESTS = "fab21ca0-0000-4000-8000-000000000001"
API_CLIENT_ID = "10ca1c10-0d00-4000-8000-0000000000a1"
WEB_CLIENT_ID = "10ca1c10-0d00-4000-8000-0000000000b1"
PUBLIC_CLIENT_ID = "10ca1c10-0d00-4000-8000-0000000000b2"
DAEMON_CLIENT_ID = "10ca1c10-0d00-4000-8000-0000000000b3"
GRAPH_ID = "00000003-0000-0000-c000-000000000000"  # this one and the next are the same in every tenant
COGNITIVE_SERVICES_ID = "7d312290-28c8-473c-a0ed-8e53749b6d6d"

API_CLIENT_SECRET = "local-development-only~mcp-server"  # noqa: S105 - fixed and public, see above
WEB_CLIENT_SECRET = "local-development-only~webclient"  # noqa: S105 - fixed and public, see above
DAEMON_CLIENT_SECRET = "local-development-only~daemon"  # noqa: S105 - fixed and public, see above

_LOOPBACK_HOSTS = frozenset({"localhost", "127.0.0.1", "[::1]", "::1"})


@dataclass(frozen=True, slots=True)
class User:
    """A person who can sign in. `home_*` differ from the tenant's own values for a guest."""

    name: str
    sign_in_name: str
    oid: str
    home_oid: str
    home_tenant_id: str = TENANT_ID
    job_title: str = ""

    @property
    def is_guest(self) -> bool:
        """Whether another tenant is this person's home."""
        return self.home_tenant_id != TENANT_ID

    @property
    def principal_name(self) -> str:
        """The user principal name in this tenant: a guest's has Entra's `#EXT#` form."""
        if not self.is_guest:
            return self.sign_in_name
        return f"{self.sign_in_name.replace('@', '_')}#EXT#@contoso.example"


class ClientKind(Enum):
    """How a client application proves who it is."""

    PUBLIC = "public"
    CONFIDENTIAL = "confidential"


@dataclass(frozen=True, slots=True)
class Client:
    """A client application's registration.

    Attributes:
        secrets: development secrets, any of which authenticates a confidential client.
        certificates: PEM certificates that verify its client assertions.
        redirect_uris: accepted as they are, character by character.
        any_loopback_redirect: accept http redirects to loopback on any port and path (RFC 8252 7.3).
        roles: application roles of the API granted to it, for app-only tokens.
    """

    client_id: str
    name: str
    kind: ClientKind
    secrets: frozenset[str] = frozenset()
    certificates: tuple[bytes, ...] = ()
    redirect_uris: frozenset[str] = frozenset()
    logout_uris: frozenset[str] = frozenset()
    any_loopback_redirect: bool = False
    roles: tuple[str, ...] = ()

    def accepts_redirect(self, uri: str) -> bool:
        """Return whether an authorization response may be sent to `uri`."""
        if uri in self.redirect_uris:
            return True
        return self.any_loopback_redirect and _is_loopback(uri)


@dataclass(frozen=True, slots=True)
class Api:
    """A resource: an API's registration, with the texts that consent shows for its scopes."""

    app_id: str
    name: str
    identifier_uris: tuple[str, ...]
    scopes: Mapping[str, str]
    default_scopes: tuple[str, ...] = ()
    """What `/.default` stands for: the delegated permissions that the clients have been granted."""


def _is_loopback(uri: str) -> bool:
    try:
        parts = urlsplit(uri)
        _ = parts.port  # raises when it is not a number
    except ValueError:
        return False
    credentials = parts.username is not None or parts.password is not None
    return (
        parts.scheme == "http"
        and parts.hostname in _LOOPBACK_HOSTS
        and not parts.fragment
        and not credentials
    )


def _users() -> tuple[User, ...]:
    def member(name: str, sign_in_name: str, number: int, job_title: str) -> User:
        oid = f"10ca1c10-0d00-4000-8000-0000000000c{number}"
        return User(name, sign_in_name, oid, home_oid=oid, job_title=job_title)

    guest = User(
        "Gina Guest",
        "guest@fabrikam.example",
        oid="10ca1c10-0d00-4000-8000-0000000000c9",
        home_oid="fab21ca0-0000-4000-8000-0000000000c9",
        home_tenant_id=HOME_TENANT_OF_GUESTS,
        job_title="Consultant",
    )
    return (
        member("Alice Adams", "alice@contoso.example", 1, "Engineer"),
        member("Bob Brown", "bob@contoso.example", 2, "Analyst"),
        guest,
    )


_GRAPH = Api(
    GRAPH_ID,
    "Microsoft Graph (local stand-in)",
    ("https://graph.microsoft.com", GRAPH_ID),
    {
        "User.Read": "Sign you in and read your profile",
        "openid": "Sign you in",
        "profile": "View your basic profile",
        "email": "View your email address",
    },
    default_scopes=("User.Read",),
)
_COGNITIVE_SERVICES = Api(
    COGNITIVE_SERVICES_ID,
    "Azure OpenAI (local stand-in)",
    ("https://cognitiveservices.azure.com", COGNITIVE_SERVICES_ID),
    {"user_impersonation": "Use Azure OpenAI as you"},
    default_scopes=("user_impersonation",),
)
_MCP_SCOPES = {"mcp:tools": "Use the tools of the MCP server as you"}


def _clients(webclient_url: str) -> tuple[Client, ...]:
    return (
        _web_client(webclient_url),
        Client(
            API_CLIENT_ID,
            "MCP server",
            ClientKind.CONFIDENTIAL,
            secrets=frozenset({API_CLIENT_SECRET}),
        ),
        Client(
            PUBLIC_CLIENT_ID,
            "MCP console and notebooks",
            ClientKind.PUBLIC,
            any_loopback_redirect=True,
        ),
        Client(
            DAEMON_CLIENT_ID,
            "Nightly job",
            ClientKind.CONFIDENTIAL,
            secrets=frozenset({DAEMON_CLIENT_SECRET}),
            roles=("Mcp.Tools.All",),
        ),
    )


def _web_client(webclient_url: str) -> Client:
    base = webclient_url.rstrip("/")
    return Client(
        WEB_CLIENT_ID,
        "MCP web chat",
        ClientKind.CONFIDENTIAL,
        secrets=frozenset({WEB_CLIENT_SECRET}),
        redirect_uris=frozenset({f"{base}/signin-oidc"}),
        logout_uris=frozenset({base, f"{base}/"}),
    )


@dataclass(slots=True)
class Directory:
    """The registrations of one running tenant. Tests may add to `clients` and `apis`."""

    users: dict[str, User] = field(default_factory=dict)
    clients: dict[str, Client] = field(default_factory=dict)
    apis: dict[str, Api] = field(default_factory=dict)

    @classmethod
    def with_defaults(cls, *, mcp_url: str, webclient_url: str) -> "Directory":
        """Return the directory that design.md describes."""
        directory = cls(
            {user.sign_in_name: user for user in _users()},
            {client.client_id: client for client in _clients(webclient_url)},
            {api.app_id: api for api in (_GRAPH, _COGNITIVE_SERVICES)},
        )
        directory.register_mcp_url(mcp_url)
        return directory

    @property
    def mcp_api(self) -> Api:
        """The API registration of the MCP server."""
        return self.apis[API_CLIENT_ID]

    def register_mcp_url(self, url: str) -> None:
        """Make `url` an identifier URI of the API, beside `api://<client id>`."""
        known = self.apis.get(API_CLIENT_ID)
        scopes = known.scopes if known else _MCP_SCOPES
        uris = (f"api://{API_CLIENT_ID}", API_CLIENT_ID, url)
        self.apis[API_CLIENT_ID] = Api(API_CLIENT_ID, "MCP server", uris, scopes, tuple(scopes))

    def register_webclient_url(self, url: str) -> None:
        """Make the web client's redirect URIs begin with `url`; what it had before stays registered."""
        known, added = self.clients[WEB_CLIENT_ID], _web_client(url)
        self.clients[WEB_CLIENT_ID] = replace(
            known,
            redirect_uris=known.redirect_uris | added.redirect_uris,
            logout_uris=known.logout_uris | added.logout_uris,
        )

    def publish_scope(self, name: str, text: str) -> None:
        """Add a delegated scope to the MCP server's registration, with the text that consent shows."""
        api = self.mcp_api
        scopes = {**api.scopes, name: text}
        self.apis[API_CLIENT_ID] = replace(api, scopes=scopes, default_scopes=tuple(scopes))

    def add_certificate(self, client_id: str, certificate: bytes) -> None:
        """Let a client authenticate by assertions that this certificate (PEM) verifies."""
        client = self.clients[client_id]
        self.clients[client_id] = replace(client, certificates=(*client.certificates, certificate))

    def user(self, sign_in_name: str) -> User | None:
        """Return the user of that sign-in name, whatever its case."""
        return self.users.get(sign_in_name.strip().lower())

    def user_by_oid(self, oid: str) -> User | None:
        """Return the user of that object id."""
        return next((user for user in self.users.values() if user.oid == oid), None)

    def api_by_identifier(self, identifier: str) -> Api | None:
        """Return the API one of whose identifier URIs (or its app id) is `identifier`."""
        return next((api for api in self.apis.values() if identifier in api.identifier_uris), None)
