"""Fixed identifiers and development secrets of the local tenant.

They are public, so that services can be configured before the tenant runs, and open nothing but this tenant,
which listens on loopback only.
"""

MANAGED_IDENTITY_ID = "10ca1c10-0d00-4000-8000-0000000000d1"
TOKEN_EXCHANGE = "api://AzureADTokenExchange"  # noqa: S105 - the audience of client assertions
TENANT_ID = "10ca1c10-0d00-4000-8000-000000000001"
HOME_TENANT_OF_GUESTS = "fab21ca0-0000-4000-8000-000000000001"

API_CLIENT_ID = "10ca1c10-0d00-4000-8000-0000000000a1"
WEB_CLIENT_ID = "10ca1c10-0d00-4000-8000-0000000000b1"
PUBLIC_CLIENT_ID = "10ca1c10-0d00-4000-8000-0000000000b2"
DAEMON_CLIENT_ID = "10ca1c10-0d00-4000-8000-0000000000b3"
AGENT_CLIENT_ID = "10ca1c10-0d00-4000-8000-0000000000b4"
AGENT_PARENT_ID = "10ca1c10-0d00-4000-8000-0000000000b5"

GRAPH_ID = "00000003-0000-0000-c000-000000000000"  # this one and the next are the same in every tenant
COGNITIVE_SERVICES_ID = "7d312290-28c8-473c-a0ed-8e53749b6d6d"

API_CLIENT_SECRET = "local-development-only~mcp-server"  # noqa: S105 - fixed and public, see above
WEB_CLIENT_SECRET = "local-development-only~webclient"  # noqa: S105 - fixed and public, see above
AGENT_CLIENT_SECRET = "local-development-only~agent"  # noqa: S105 - fixed and public, see above
DAEMON_CLIENT_SECRET = "local-development-only~daemon"  # noqa: S105 - fixed and public, see above
