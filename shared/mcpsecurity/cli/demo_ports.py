"""The demo's ports and addresses: which they are, and whether they can be used here and now."""

import errno
import socket
from collections.abc import Callable
from dataclasses import dataclass

from mcpsecurity.localcloud import LocalCloud, local_cloud_here
from mcpsecurity.localcloud.entra.ids import TENANT_ID

BLOCKED_BY_BROWSERS = frozenset(
    {1719, 1720, 1723, 2049, 3659, 4045, 4190, 5060, 5061, 6000, 6566, *range(6665, 6670), 6679, 6697, 10080}
)
"""Ports from 1024 on that browsers do not open (Fetch standard, "port blocking")."""

_STEP, _TRIED = 10, 100


class PortError(Exception):
    """The demo cannot use its ports; the message says which, why, and which option helps."""


@dataclass(frozen=True, slots=True)
class DemoPorts:
    """Where the demo's services listen, on loopback."""

    webclient: int = 5001
    mcp: int = 7133
    https: int = 7443
    http: int = 7080

    def plus(self, offset: int) -> "DemoPorts":
        return DemoPorts(self.webclient + offset, self.mcp + offset, self.https + offset, self.http + offset)

    def named(self) -> dict[int, str]:
        return {
            self.webclient: "web chat",
            self.mcp: "MCP server",
            self.https: "local cloud",
            self.http: "sign-in pages",
        }


def usable_ports(offset: int, taken: Callable[[int], bool] | None = None, typed: str = "{}") -> DemoPorts:
    """Return the ports with this offset.

    Args:
        offset: is added to each default port.
        taken: whether another program listens on a port of this machine; default: a look at it.
        typed: how the person types an option, which stands for the braces.

    Raises:
        PortError: a port needs rights, browsers refuse to open it, or another program uses it.
    """
    taken = taken or is_taken
    ports = DemoPorts().plus(offset)
    named = ports.named()
    if problem := _never(ports):
        raise PortError(f"{problem}; for example: {typed.format(_option(offset, taken))}")
    if used := [f"localhost:{port} ({what})" for port, what in named.items() if taken(port)]:
        those = "this port" if len(used) == 1 else "these ports"
        end = f"End it – perhaps another demo –, or take other ports: {typed.format(_option(offset, taken))}"
        raise PortError(f"another program already uses {those}: {', '.join(used)}. {end}")
    return ports


def is_taken(port: int) -> bool:
    """Say whether a program listens on this port of the loopback interface, or it cannot be listened on."""
    for family, host in ((socket.AF_INET, "127.0.0.1"), (socket.AF_INET6, "::1")):
        with socket.socket(family, socket.SOCK_STREAM) as probe:
            probe.settimeout(1.0)
            if probe.connect_ex((host, port)) == 0:
                return True
    try:
        socket.create_server(("127.0.0.1", port)).close()
    except OSError as error:
        return error.errno in (errno.EADDRINUSE, errno.EACCES)
    return False


def _never(ports: DemoPorts) -> str:
    """Return why these ports cannot be used on any machine; "": they can."""
    for port, what in ports.named().items():
        if not 1024 <= port <= 65535:
            return f"the {what} would be at port {port}, which is not between 1024 and 65535"
        if port in BLOCKED_BY_BROWSERS:
            return f"the {what} would be at port {port}, which browsers refuse to open"
    return ""


def _option(offset: int, taken: Callable[[int], bool]) -> str:
    """Return the option for the nearest offset whose ports are free."""
    start = min(max(offset, 0), 50_000)
    for other in range(start + _STEP, start + _STEP * _TRIED, _STEP):
        ports = DemoPorts().plus(other)
        if not _never(ports) and not any(map(taken, ports.named())):
            return f"--port-offset {other}"
    return "--port-offset N"


def demo_environment(offset: int = 0) -> dict[str, str]:
    """Return the environment variables of the demo whose ports are `offset` above the usual ones."""
    ports = DemoPorts().plus(offset)
    authority = f"https://localhost:{ports.https}"
    return {
        "ENTRA_AUTHORITY": authority,
        "ENTRA_TENANT_ID": TENANT_ID,
        "MCPSECURITY_CA_FILE": str(local_cloud_here().folder / "ca.pem"),
        "MCP_SERVER_URL": f"http://localhost:{ports.mcp}/mcp",
        "MCP_SERVER_CLIENT_ID": LocalCloud.api_client_id,
        "MCP_SERVER_SCOPE": LocalCloud.scope,
        "WEBCLIENT_URL": f"http://localhost:{ports.webclient}",
        "WEBCLIENT_CLIENT_ID": LocalCloud.web_client_id,
        "WEBCLIENT_CLIENT_SECRET": LocalCloud.web_client_secret,
        "AZURE_OPENAI_ENDPOINT": authority,
        "AZURE_OPENAI_CHAT_DEPLOYMENT_NAME": LocalCloud.openai_deployment,
        "AZURE_OPENAI_API_KEY": LocalCloud.openai_api_key,
    }
