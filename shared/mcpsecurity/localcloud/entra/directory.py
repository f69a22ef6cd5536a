"""The registrations in the tenant: users, client applications and APIs."""

import re
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from enum import Enum
from urllib.parse import urlsplit

from mcpsecurity.localcloud.entra.ids import API_CLIENT_ID, TENANT_ID, WEB_CLIENT_ID

_LOOPBACK_HOSTS = frozenset({"localhost", "127.0.0.1", "::1"})
_URI_CHARACTERS = re.compile(r"[A-Za-z0-9._~:/?\[\]@!$&'()*+,;=%-]+")  # RFC 3986, without a fragment


@dataclass(frozen=True, slots=True)
class User:
    """A person who can sign in. `home_*` differ from the tenant's own values for a guest."""

    name: str
    sign_in_name: str
    oid: str
    home_oid: str
    home_tenant_id: str = TENANT_ID
    job_title: str = ""
    roles: tuple[str, ...] = ()
    """App roles of the MCP server that are assigned to the person."""
    web_roles: tuple[str, ...] = ()
    """App roles of the web client that are assigned to the person: they are in its ID tokens."""

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
    """Whether a client application can keep a secret (RFC 6749 2.1)."""

    PUBLIC = "public"
    CONFIDENTIAL = "confidential"


@dataclass(frozen=True, slots=True)
class Client:
    """A client application's registration.

    Attributes:
        secrets: development secrets; each authenticates a confidential client.
        certificates: PEM certificates that verify its client assertions.
        federated: subjects of the tenant's own tokens that may stand for the client (managed identities).
        redirect_uris: accepted as they are, character by character.
        logout_uris: where a browser may be sent after sign-out, likewise.
        any_loopback_redirect: accept http redirects to loopback on any port and path (RFC 8252 7.3).
        roles: application roles of the MCP server granted to it, for app-only tokens.
        agent_parent: of an agent: the client id of its parent application (blueprint).
        agent_account: of an agent: the user account of its own, which no page offers.
    """

    client_id: str
    name: str
    kind: ClientKind
    secrets: frozenset[str] = frozenset()
    certificates: tuple[bytes, ...] = ()
    federated: frozenset[str] = frozenset()
    redirect_uris: frozenset[str] = frozenset()
    logout_uris: frozenset[str] = frozenset()
    any_loopback_redirect: bool = False
    roles: tuple[str, ...] = ()
    agent_parent: str | None = None
    agent_account: User | None = None

    def accepts_redirect(self, uri: str) -> bool:
        """Return whether an authorization response may be sent to `uri`."""
        return uri in self.redirect_uris or (self.any_loopback_redirect and _is_loopback(uri))

    def serving_from(self, url: str) -> "Client":
        """Return this registration with the redirect URIs of a web client at `url` added."""
        base = url.rstrip("/")
        return replace(
            self,
            redirect_uris=self.redirect_uris | {f"{base}/signin-oidc"},
            logout_uris=self.logout_uris | {base, f"{base}/", f"{base}/signout-callback-oidc"},
        )


@dataclass(frozen=True, slots=True)
class Api:
    """A resource: an API's registration.

    Attributes:
        scopes: its delegated scopes with the texts that consent shows.
        default_scopes: what `/.default` stands for: the scopes that the clients have been granted.
        personal_scopes: those that each person consents to for herself.
    """

    app_id: str
    name: str
    identifier_uris: tuple[str, ...]
    scopes: Mapping[str, str]
    default_scopes: tuple[str, ...]
    personal_scopes: frozenset[str] = frozenset()


@dataclass(slots=True)
class Directory:
    """The registrations of a running tenant, by sign-in name, client id and app id. Tests may add to them."""

    users: dict[str, User] = field(default_factory=dict)
    clients: dict[str, Client] = field(default_factory=dict)
    apis: dict[str, Api] = field(default_factory=dict)

    @property
    def mcp_api(self) -> Api:
        """The API registration of the MCP server."""
        return self.apis[API_CLIENT_ID]

    def register_mcp_url(self, url: str) -> None:
        """Make `url` an identifier URI of the API, beside `api://<client id>`; another one is replaced."""
        uris = (f"api://{API_CLIENT_ID}", API_CLIENT_ID, url)
        self.apis[API_CLIENT_ID] = replace(self.mcp_api, identifier_uris=uris)

    def register_webclient_url(self, url: str) -> None:
        """Accept redirects to the web client at `url`; earlier redirects stay."""
        self.clients[WEB_CLIENT_ID] = self.clients[WEB_CLIENT_ID].serving_from(url)

    def publish_scope(self, name: str, text: str, *, personal: bool = False) -> None:
        """Add a delegated scope to the MCP server's registration, with the text that consent shows.

        `personal`: no administrator has consented to it, so each person is asked when a client wants it.
        """
        api = self.mcp_api
        scopes = {**api.scopes, name: text}
        own = api.personal_scopes | {name} if personal else api.personal_scopes - {name}
        granted = tuple(scope for scope in scopes if scope not in own)
        self.apis[API_CLIENT_ID] = replace(api, scopes=scopes, default_scopes=granted, personal_scopes=own)

    def add_federated_credential(self, client_id: str, subject: str) -> None:
        """Let a managed identity of this tenant (its object id) stand for a client."""
        client = self.clients[client_id]
        self.clients[client_id] = replace(client, federated=client.federated | {subject})

    def add_certificate(self, client_id: str, certificate: bytes) -> None:
        """Let a client authenticate by assertions that this certificate (PEM) verifies."""
        client = self.clients[client_id]
        self.clients[client_id] = replace(client, certificates=(*client.certificates, certificate))

    def user(self, sign_in_name: str) -> User | None:
        """Return the user of that sign-in name, ignoring case."""
        return self.users.get(sign_in_name.strip().lower())

    def user_by_oid(self, oid: str) -> User | None:
        """Return the user of that object id."""
        return next((user for user in self.users.values() if user.oid == oid), None)

    def api_by_identifier(self, identifier: str) -> Api | None:
        """Return the API one of whose identifier URIs (or its app id) is `identifier`."""
        return next((api for api in self.apis.values() if identifier in api.identifier_uris), None)


def _is_loopback(uri: str) -> bool:
    if not _URI_CHARACTERS.fullmatch(uri):
        return False  # what a URI cannot contain is read differently by different parsers
    try:
        parts = urlsplit(uri)
        _ = parts.port  # raises when it is not a number
    except ValueError:
        return False
    if parts.username is not None or parts.password is not None:
        return False
    return parts.scheme == "http" and parts.hostname in _LOOPBACK_HOSTS
