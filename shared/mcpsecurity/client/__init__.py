"""An MCP server in a kernel, for notebooks and programs: sign in, import, stay in step, ask the person.

kernel = Kernel()
client = await McpClient.connect(kernel, url, credential, scope)
answer = await kernel.invoke_prompt("…", settings)      # or an agent with this kernel
"""

from mcpsecurity.client.client import McpClient
from mcpsecurity.client.credentials import CredentialAuth

__all__ = ["CredentialAuth", "McpClient"]
