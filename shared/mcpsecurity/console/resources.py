"""The resources of the servers, which the person lists, and puts into the chat."""

from collections.abc import Callable, Sequence

from mcpsecurity.client import BridgeError
from mcpsecurity.client.parts import LONGEST_ATTACHMENT, shortened
from mcpsecurity.client.uri_templates import expanded, optional_variables, variables
from mcpsecurity.console.terminal import Terminal
from mcpsecurity.kernel import McpClient
from mcpsecurity.runtime.printable import one_line

_SHOWN = 2000
_USAGE = "  Write the URI of a resource or a template, as /resources lists them: /read URI"


class Resources:
    """What the servers have to read. `told` puts an error into words."""

    def __init__(
        self, terminal: Terminal, clients: Sequence[McpClient], told: Callable[[BaseException], str]
    ) -> None:
        self._terminal = terminal
        self._clients = clients
        self._told = told

    async def show(self) -> None:
        """Show the resources of all servers, and the templates that `read` asks the values of."""
        for client in self._clients:
            if len(self._clients) > 1:
                self._terminal.write(one_line(client.server_name), "bold")
            try:
                lines = [f"  {each.uri}  {each.title or each.name}" for each in await client.list_resources()]
                templates = await client.list_resource_templates()
            except BridgeError as error:
                self._terminal.write(self._told(error), "red")
                continue
            lines += [f"  {each.uriTemplate}  {each.title or each.name} (template)" for each in templates]
            for line in lines or ["  There are no resources."]:
                self._terminal.write(one_line(line))

    async def read(self, address: str) -> str | None:
        """Return a resource, with its address, of the first server that has it, and show its beginning.

        Return None if no server has it, or the person gives a template no values.
        """
        if not address:
            self._terminal.write(_USAGE, "yellow")
            return None
        uri = await self._filled(address) if variables(address) else address
        if uri is None:
            return None
        problem: BridgeError | None = None
        for client in self._clients:
            try:
                text = await client.read_resource(uri)
            except BridgeError as error:
                problem = problem or error
                continue
            return self._taken(client, uri, text)
        if problem is not None:
            self._terminal.write(self._told(problem), "red")
        return None

    async def _filled(self, template: str) -> str | None:
        """Return the address that the person's values make; what no server lists as a template is one."""
        if not await self._is_listed(template):
            return template
        optional, values = optional_variables(template), dict[str, str]()
        try:
            for name in variables(template):
                hint = ", Enter to skip" if name in optional else ""
                values[name] = (await self._terminal.read(one_line(f"  {name} (text{hint})") + ": ")).strip()
        except (KeyboardInterrupt, EOFError):
            return None
        uri = expanded(template, values)
        self._terminal.write(one_line(f"  {uri}"), "dim")
        return uri

    async def _is_listed(self, template: str) -> bool:
        for client in self._clients:
            try:
                if template in (each.uriTemplate for each in await client.list_resource_templates()):
                    return True
            except BridgeError:
                continue
        return False

    def _taken(self, client: McpClient, uri: str, text: str) -> str:
        """Return what goes into the chat, and tell what does."""
        taken = shortened(text or "[it is empty]", LONGEST_ATTACHMENT)
        more = f" … ({len(text):,} characters)" if len(text) > _SHOWN else ""
        self._terminal.write(taken[:_SHOWN] + more, "dim")
        if len(text) > LONGEST_ATTACHMENT:
            self._terminal.write(
                f"  Its first {LONGEST_ATTACHMENT:,} characters are in the chat now; the rest is left out.",
                "yellow",
            )
        else:
            self._terminal.write("  It is in the chat now: ask about it.")
        return f"The resource {uri} of {client.server_name}:\n\n{taken}"
