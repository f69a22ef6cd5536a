"""The users, clients and APIs that the local tenant starts with."""

from mcpsecurity.localcloud.entra.directory import Api, Client, ClientKind, Directory, User
from mcpsecurity.localcloud.entra.ids import (
    AGENT_CLIENT_ID,
    AGENT_CLIENT_SECRET,
    AGENT_PARENT_ID,
    API_CLIENT_ID,
    API_CLIENT_SECRET,
    COGNITIVE_SERVICES_ID,
    DAEMON_CLIENT_ID,
    DAEMON_CLIENT_SECRET,
    GRAPH_ID,
    HOME_TENANT_OF_GUESTS,
    PUBLIC_CLIENT_ID,
    WEB_CLIENT_ID,
    WEB_CLIENT_SECRET,
)


def default_directory(*, mcp_url: str, webclient_url: str) -> Directory:
    """Return the users, clients and APIs of design.md, for services at these URLs."""
    clients = (_web_client(webclient_url), *_other_clients())
    directory = Directory(
        {user.sign_in_name: user for user in _users()},
        {client.client_id: client for client in clients},
        {api.app_id: api for api in _apis()},
    )
    directory.register_mcp_url(mcp_url)
    return directory


def _users() -> tuple[User, ...]:
    alice, bob = "10ca1c10-0d00-4000-8000-0000000000c1", "10ca1c10-0d00-4000-8000-0000000000c2"
    return (
        User("Alice Adams", "alice@contoso.example", alice, home_oid=alice, job_title="Engineer"),
        User("Bob Brown", "bob@contoso.example", bob, home_oid=bob, job_title="Analyst"),
        User(
            "Gina Guest",
            "guest@fabrikam.example",
            oid="10ca1c10-0d00-4000-8000-0000000000c9",
            home_oid="fab21ca0-0000-4000-8000-0000000000c9",
            home_tenant_id=HOME_TENANT_OF_GUESTS,
            job_title="Consultant",
        ),
    )


def _web_client(url: str) -> Client:
    client = Client(
        WEB_CLIENT_ID,
        "mcpsecurity",
        ClientKind.CONFIDENTIAL,
        secrets=frozenset({WEB_CLIENT_SECRET}),
    )
    return client.serving_from(url)


def _other_clients() -> tuple[Client, ...]:
    return (
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
        _agent(),
    )


def _agent() -> Client:
    account = "10ca1c10-0d00-4000-8000-0000000000c3"
    return Client(
        AGENT_CLIENT_ID,
        "Travel agent",
        ClientKind.CONFIDENTIAL,
        secrets=frozenset({AGENT_CLIENT_SECRET}),
        any_loopback_redirect=True,
        agent_parent=AGENT_PARENT_ID,
        agent_account=User("Travel agent", "travel-agent@contoso.example", account, home_oid=account),
    )


def _apis() -> tuple[Api, ...]:
    return (
        Api(
            API_CLIENT_ID,
            "MCP server",
            identifier_uris=(f"api://{API_CLIENT_ID}", API_CLIENT_ID),
            scopes={"mcp:tools": "Use the tools of the MCP server as you"},
            default_scopes=("mcp:tools",),
        ),
        Api(
            GRAPH_ID,
            "Microsoft Graph (local stand-in)",
            identifier_uris=("https://graph.microsoft.com", GRAPH_ID),
            scopes={
                "User.Read": "Sign you in and read your profile",
                "openid": "Sign you in",
                "profile": "View your basic profile",
                "email": "View your email address",
            },
            default_scopes=("User.Read",),
        ),
        Api(
            COGNITIVE_SERVICES_ID,
            "Azure OpenAI (local stand-in)",
            identifier_uris=("https://cognitiveservices.azure.com", COGNITIVE_SERVICES_ID),
            scopes={"user_impersonation": "Use Azure OpenAI as you"},
            default_scopes=("user_impersonation",),
        ),
    )
