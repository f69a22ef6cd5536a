"""One MCP server of a conversation: connected when needed, with its own state and failures."""

import asyncio
import logging
import ssl
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Any, Protocol, cast

import httpx
from mcp import types
from mcp.client.session import ElicitationFnT, SamplingFnT
from mcp.shared.session import ProgressFnT
from semantic_kernel.functions import KernelPlugin

from mcpsecurity.client import (
    BridgeError,
    Challenge,
    GetToken,
    HeaderAuth,
    InsufficientScopeError,
    KeyRefusedError,
    McpConnection,
    ProtocolError,
    ServerUnavailableError,
    SignInRequiredError,
    TokenAuth,
)
from mcpsecurity.sentences import Sentence
from mcpsecurity_webclient.chat.mcp.plugins import Toolset, cached_toolset
from mcpsecurity_webclient.chat.mcp.policy import ToolPolicy
from mcpsecurity_webclient.chat.mcp.wording import (
    left_out_words,
    nothing_to_give,
    only_the_operator,
    signed_out,
    tool_view,
)
from mcpsecurity_webclient.chat.views import ServerView
from mcpsecurity_webclient.languages import translated
from mcpsecurity_webclient.server_settings import McpServerSettings

_log = logging.getLogger(__name__)
_FIRST_PAUSE = 1.0
_LONGEST_PAUSE = 60.0
_LONGEST_PAUSE_WATCHED = 5.0  # a person who looks at the page sees a server return within ten seconds
_CHECK_SECONDS = 15.0
_OFFERED = 12
"""How many tools an event names; the page reads the others when a person opens the list."""

SignInUrl = Callable[[BridgeError], str]


class Tokens(Protocol):
    """The person's tokens for a server."""

    async def get(self, force: bool) -> str:
        """Return a token; with `force` a new one."""

    async def step_up(self, challenge: Challenge) -> str | None:
        """Return a token that has what the server asks for, if there is one without the person."""


class NoTokenError(SignInRequiredError):
    """The person's session gives no token; a server was not asked."""


class SignedOutError(BridgeError):
    """The person signed out of the server before it had answered; it may have done what it was asked."""


@dataclass(frozen=True, slots=True)
class ServerCallbacks:
    """What a conversation does when its servers ask or change; `elicitation` and `sampling` get the server's
    name. `watched` tells whether a page shows the conversation."""

    elicitation: Callable[[str], ElicitationFnT]
    sampling: Callable[[str], SamplingFnT] | None
    changed: Callable[[], None]
    catalog_changed: Callable[[], None]
    watched: Callable[[], bool]


class McpServer:
    """One server. `listed` are its tools, `functions` those that the model was given, by what the kernel
    calls them, `questions` counts what it has asked the person, `refused` is why it wants a sign-in,
    `left_out` names the tools that the model does not get. It is `prompt` unless the last look at it
    failed or found it silent. `sign_in_url` says where what a refusal asks for is granted; without `tokens`
    no sign-in helps. `signed_in` tells whether the person has signed in for this server by itself.
    """

    def __init__(
        self,
        settings: McpServerSettings,
        callbacks: ServerCallbacks,
        tokens: Tokens | httpx.Auth | None,
        tls: ssl.SSLContext,
        *,
        policy: ToolPolicy,
        sign_in_url: SignInUrl | None = None,
        signed_in: Callable[[], bool] = lambda: False,
    ) -> None:
        self.settings = settings
        self.policy = policy
        self.status = "connecting"
        self.message: str | None = None
        self._shown: tuple[str, str | None, bool] = (self.status, None, False)
        self.refused: SignInRequiredError | None = None
        self.listed: Toolset | None = None
        self.functions: dict[str, types.Tool] = {}
        self.searched = 0
        self.left_out: list[str] = []
        self.questions = 0
        self.prompt = True
        self._callbacks = callbacks
        self._sign_in_url = sign_in_url if tokens is not None else None
        self._signed_in = signed_in
        self._sign_outs = 0
        self._stale = True
        self._listed_from: types.InitializeResult | None = None
        self._looking: asyncio.Task[None] | None = None
        self._checking: asyncio.Task[None] | None = None
        self._again: asyncio.TimerHandle | None = None
        self._pause = _FIRST_PAUSE
        self.connection = self._new_connection(_auth(settings, tokens), tls)

    @property
    def plugin_name(self) -> str:
        """The name of its plugin in the kernel."""
        return self.settings.plugin_name

    @property
    def title(self) -> str:
        """What the person calls it."""
        return self.settings.title or self.settings.name

    def to_json(self) -> ServerView:
        """Return the page's view."""
        known = self.listed.named.values() if self.listed else ()
        seen = [tool for tool in known if self.sees(tool)]
        body = {
            "name": self.settings.name,
            "title": self.title,
            "status": self.status,
            "tools": len(seen),
            "offers": [tool_view(tool) for tool in seen[:_OFFERED]],
        }
        url = self._sign_in_url(self.refused) if self._sign_in_url and self.refused else None
        optional = {
            "message": translated(self.message) if self.message else None,
            "left_out": self.left_out,
            "searched": self.searched,
            "sign_in_url": url,
            "signed_in": self._signed_in(),
        }
        return cast("ServerView", body | {name: value for name, value in optional.items() if value})

    def look(self) -> asyncio.Task[None] | None:
        """Begin to connect and to list the tools, if they may have changed; return the task, which never
        fails. A server that is down is looked at again by itself, at growing intervals."""
        same = self._listed_from is self.connection.server
        if same and not self._stale and self.status == "ready":
            return None
        if self._looking is None or self._looking.done():
            self._forget_timer()
            self._looking = asyncio.create_task(self._look(), name=f"look at {self.settings.name}")
        return self._looking

    def connect(self) -> None:
        """Begin to connect, because a page shows the conversation; see whether the server is still there if
        that is not being done."""
        if self.look() is None and self._again is None:
            self._check()

    async def call_tool(
        self,
        name: str,
        arguments: dict[str, Any],
        progress: ProgressFnT | None = None,
        meta: dict[str, Any] | None = None,
    ) -> types.CallToolResult:
        """Call a tool. Raises `BridgeError`; a server that does not answer is checked again."""
        sign_outs = self._sign_outs
        try:
            return await self.connection.call_tool(name, arguments, progress, meta)
        except ServerUnavailableError as error:
            if self._sign_outs != sign_outs:
                raise SignedOutError(signed_out(self.title)) from error
            self._is_down(str(error))
            raise

    def step_up_url(self, error: BridgeError) -> str | None:
        """Return where the person gives what `error` says the token lacks; None if nothing would help."""
        if isinstance(error, InsufficientScopeError):
            return self._sign_in_url(error) if self._sign_in_url else None
        asks = isinstance(error, SignInRequiredError) and not isinstance(error, NoTokenError) and error.claims
        return self._sign_in_url(error) if self._sign_in_url and asks else None

    def needs_sign_in(self, error: SignInRequiredError) -> None:
        """Show that only a sign-in helps, or that none does."""
        self._lacks_tools(error)
        self._set("sign_in", str(error) if self._sign_in_url else nothing_to_give(error))

    def sees(self, tool: types.Tool) -> bool:
        """Tell whether the person gets to see a tool, and the model can call it."""
        return self.policy.sees(tool.name)

    def function_of(self, tool: str) -> str | None:
        """Return what the kernel calls a tool."""
        named = self.listed.named if self.listed else {}
        return next((name for name, known in named.items() if known.name == tool), None)

    def offer(self, names: Iterable[str], searched: int) -> KernelPlugin | None:
        """Return the plugin with the functions of these names, or None without any. `searched` tools more
        have to be looked for."""
        made = self.listed.functions(names) if self.listed else {}
        self.functions = {name: self.listed.named[name] for name in made} if self.listed else {}
        left_out = self._left_out()
        if (left_out, searched) != (self.left_out, self.searched):
            self.left_out, self.searched = left_out, searched
            if self.status == "ready":
                self._set("ready", left_out_words(left_out))
        return KernelPlugin(name=self.plugin_name, functions=list(made.values())) if made else None

    async def leave(self) -> None:
        """Close the connection because the person signs out of the server; running calls fail."""
        self._sign_outs += 1
        await self.aclose()

    async def aclose(self) -> None:
        """Close the connection; the next use reopens it."""
        self._stale = True
        self._forget_timer()
        tasks = [task for task in (self._looking, self._checking) if task is not None and not task.done()]
        self._looking = self._checking = None
        for task in tasks:
            task.cancel()
        if tasks:
            await asyncio.wait(tasks)
        await self.connection.aclose()

    def _new_connection(self, auth: httpx.Auth | None, tls: ssl.SSLContext) -> McpConnection:
        settings, callbacks = self.settings, self._callbacks
        return McpConnection(
            settings.url,
            auth=auth,
            elicitation=self._counted(callbacks.elicitation(settings.name)),
            sampling=callbacks.sampling(settings.name) if callbacks.sampling else None,
            on_notification=self._heard,
            tls=tls,
            timeout=settings.timeout,
        )

    async def _look(self) -> None:
        try:
            listed = await self._listed()
        except SignInRequiredError as error:
            self.needs_sign_in(error)
        except KeyRefusedError as error:
            self._refuses_key(error)
        except BridgeError as error:
            self.prompt = False
            self._is_down(str(error))
        except Exception:  # noqa: BLE001 - an error of one server must not stop the others
            _log.exception("the MCP server %s cannot be used", self.settings.name)
            self.prompt = False
            self._is_down(Sentence("The MCP server answers with something that cannot be read."))
        else:
            definitions = tuple(tool.model_dump_json(by_alias=True) for tool in listed)
            self.listed = cached_toolset(self.plugin_name, definitions)
            self._stale, self._listed_from = False, self.connection.server
            self.refused, self.prompt, self._pause = None, True, _FIRST_PAUSE
            self.left_out = self._left_out()
            self._set("ready", left_out_words(self.left_out))
            self._look_later(_CHECK_SECONDS, self._check)

    def _look_later(self, seconds: float, look: Callable[[], object]) -> None:
        self._forget_timer()
        self._again = asyncio.get_running_loop().call_later(seconds, look)

    def _check(self) -> None:
        """Check that the server still answers, as long as a page is open."""
        self._again = None
        idle = self._checking is None or self._checking.done()
        if idle and self._callbacks.watched():
            self._checking = asyncio.create_task(self._ping(), name=f"check {self.settings.name}")

    async def _ping(self) -> None:
        try:
            await self.connection.ping()
        except SignInRequiredError as error:
            self.needs_sign_in(error)
        except KeyRefusedError as error:
            self._refuses_key(error)
        except ServerUnavailableError as error:
            self._is_down(str(error))
        except BridgeError:  # it is there, but has no answer to this
            self._look_later(_CHECK_SECONDS, self._check)
        else:
            self._look_later(_CHECK_SECONDS, self._check)

    async def _listed(self) -> list[types.Tool]:
        """Return the tools; a server that has prompts or resources only has none."""
        await self.connection.open()
        said = self.connection.server.capabilities if self.connection.server else types.ServerCapabilities()
        if said.tools is None and (said.prompts is not None or said.resources is not None):
            return []
        try:
            return await self.connection.list_tools()
        except ProtocolError as error:
            if error.code == types.METHOD_NOT_FOUND:
                return []
            raise

    def _is_down(self, message: str) -> None:
        self._lacks_tools(None)
        longest = _LONGEST_PAUSE_WATCHED if self._callbacks.watched() else _LONGEST_PAUSE
        self._pause = min(self._pause, longest)
        self._look_later(self._pause, self.look)
        self._pause *= 2
        self._set("down", message)

    def _refuses_key(self, error: KeyRefusedError) -> None:
        """Show that the operator's key is refused. It is tried again seldom: servers lock clients out after
        too many wrong keys."""
        self._lacks_tools(None)
        self._look_later(_LONGEST_PAUSE, self.look)
        if self.status != "key_refused":
            name = self.settings.name
            _log.warning("the MCP server %s refuses its headers in WEBCLIENT_MCP_SERVERS: %s", name, error)
        self._set("key_refused", only_the_operator(error))

    def _lacks_tools(self, refused: SignInRequiredError | None) -> None:
        self._stale, self.refused = True, refused
        self.listed, self.functions, self.left_out, self.searched = None, {}, [], 0

    def _left_out(self) -> list[str]:
        """Return the names of the tools that the model cannot get."""
        return [*self.connection.left_out, *(self.listed.left_out if self.listed else ())]

    def _forget_timer(self) -> None:
        if self._again is not None:
            self._again.cancel()
        self._again = None

    def _counted(self, ask: ElicitationFnT) -> ElicitationFnT:
        """Return a callback that counts the questions that could be asked."""

        async def counted(context: Any, params: types.ElicitRequestParams) -> Any:
            outcome = await ask(context, params)
            self.questions += isinstance(outcome, types.ElicitResult)
            return outcome

        return counted

    async def _heard(self, notification: types.ServerNotification) -> None:
        match notification.root:
            case types.ToolListChangedNotification():
                self._stale = True
                self._callbacks.catalog_changed()
            case types.PromptListChangedNotification() | types.ResourceListChangedNotification():
                self._callbacks.catalog_changed()

    def _set(self, status: str, message: str | None) -> None:
        shown = (status, message, self._signed_in())
        changed = shown != self._shown or status == "ready"
        self._log_change(status, message)
        self.status, self.message, self._shown = status, message, shown
        if changed:
            self._callbacks.changed()

    def _log_change(self, status: str, message: str | None) -> None:
        name = self.settings.name
        if status == "down" and self.status != "down":
            _log.warning("the MCP server %s is down: %.300s", name, message)
        elif status != "down" and self.status == "down":
            _log.info("the MCP server %s answers again", name)


def _auth(settings: McpServerSettings, tokens: Tokens | httpx.Auth | None) -> httpx.Auth | None:
    """Return the authentication: the person's token, the operator's headers, or both."""
    token = tokens if isinstance(tokens, httpx.Auth) else None
    if tokens is not None and not isinstance(tokens, httpx.Auth):
        token = TokenAuth(_marked_refusals(tokens.get), tokens.step_up)
    return HeaderAuth(settings.sent_headers, token) if settings.headers else token


def _marked_refusals(get_token: GetToken) -> GetToken:
    """Return a source of tokens whose refusals raise `NoTokenError`, unlike those of a server."""

    async def token(force: bool) -> str:
        try:
            return await get_token(force)
        except SignInRequiredError as error:
            raise NoTokenError(str(error), scope=error.scope, claims=error.claims) from error

    return token
