"""Settings of one MCP server of the chat: where it is, and what its tools may do."""

from typing import Annotated, Any, Literal, Self

from pydantic import (
    BaseModel,
    ConfigDict,
    Field,
    SecretStr,
    StringConstraints,
    field_validator,
    model_validator,
)

from mcpsecurity.environment import filled
from mcpsecurity.server_headers import check_address, checked_headers
from mcpsecurity.settings import WebUrl

URL_PATTERN = r"^https?://[^/]+(/.*)?$"
_MAX_PATTERNS = 500

GrantScope = Literal["arguments", "chat", "person"]
"""What a person can allow to run without asking: a call with its arguments, a tool in a conversation, a
tool."""

Pattern = Annotated[str, StringConstraints(min_length=1, max_length=200)]
Patterns = Annotated[tuple[Pattern, ...], Field(max_length=_MAX_PATTERNS)]
"""Names of tools, in which `*` and `?` stand for other characters."""


class McpServerSettings(BaseModel):
    """One MCP server of the chat."""

    model_config = ConfigDict(frozen=True, extra="forbid", hide_input_in_errors=True)

    name: str = Field(
        pattern=r"^[A-Za-z][A-Za-z0-9_-]{0,31}$", description="Short name, shown with its tools."
    )
    url: WebUrl = Field(pattern=URL_PATTERN, description="Its MCP endpoint.")
    scope: str | None = Field(None, description="Entra scope of its tokens; none: no token is sent.")
    headers: dict[str, SecretStr] = Field(
        default_factory=dict,
        description="Headers that it wants with each request, such as an API key; ${NAME} in a value stands "
        "for a variable of the environment.",
    )
    sign_in: Literal["oauth"] | None = Field(
        None,
        description="oauth: each person signs in at the authorization server that it names, as the MCP "
        "specification says.",
    )
    client_id: str | None = Field(
        None,
        min_length=1,
        max_length=2000,
        description="Client ID of the chat at that authorization server, if it lets no client register by "
        "itself.",
    )
    client_secret: SecretStr | None = Field(
        None, description="Secret of that client, if it has one; ${NAME} stands for a variable."
    )
    issuer: str | None = Field(
        None,
        pattern=URL_PATTERN,
        description="What that authorization server calls itself, if its document names another than the MCP "
        "server does, and its operator confirms that.",
    )
    title: str | None = Field(None, description="Name for people.")
    timeout: float = Field(30.0, gt=0, le=600, description="Seconds until an answer must begin.")
    asks: bool = Field(
        False,
        description="Whether it asks the person itself before it acts, so that Elicitation mode need not.",
    )
    trust_annotations: bool = Field(
        False,
        description="Whether to believe its word that a tool only reads: then Elicitation mode runs it.",
    )
    include: Patterns = Field(("*",), description="Patterns of the tools to offer; * and ? are wildcards.")
    exclude: Patterns = Field((), description="Patterns of tools that nobody gets to see.")
    always_ask: Patterns = Field(
        (), description="Patterns of tools that never run unasked: neither a mode nor a permission lets them."
    )
    never_ask: Patterns = Field(
        (),
        description="Patterns of tools that run unasked, unless their server says that they may destroy.",
    )
    refuse: Patterns = Field((), description="Patterns of tools that are listed, and never run.")
    roles: dict[Pattern, tuple[str, ...]] = Field(
        default_factory=dict,
        max_length=_MAX_PATTERNS,
        description="App roles of the web client by pattern: who sees which tools. Of each pattern that "
        "fits, one is needed.",
    )

    @field_validator("headers", mode="before")
    @classmethod
    def _can_be_sent(cls, headers: Any) -> Any:
        """Put in the variables' values, and refuse what cannot be sent."""
        if not isinstance(headers, dict):
            return headers
        texts = {str(name): _text(value) for name, value in headers.items()}
        return checked_headers({name: filled(text) for name, text in texts.items()})

    @field_validator("client_secret", mode="before")
    @classmethod
    def _has_its_variable(cls, secret: Any) -> Any:
        return filled(secret) if isinstance(secret, str) else secret

    @model_validator(mode="after")
    def _signs_in_one_way(self) -> Self:
        if self.sign_in is None:
            if (self.client_id, self.client_secret, self.issuer) != (None, None, None):
                raise ValueError('client_id, client_secret and issuer belong to "sign_in": "oauth"')
            return self
        check_address(self.url)
        if self.scope is not None:
            raise ValueError("scope is for tokens of Entra ID; remove it, or sign_in")
        if any(name.lower() == "authorization" for name in self.headers):
            raise ValueError("sign_in has a token sent in Authorization; remove this header")
        if self.client_secret is not None and self.client_id is None:
            raise ValueError("client_secret needs a client_id")
        return self

    @model_validator(mode="after")
    def _keeps_its_key(self) -> Self:
        if not self.headers:
            return self
        check_address(self.url)
        if self.scope is not None and any(name.lower() == "authorization" for name in self.headers):
            raise ValueError("scope has a token sent in Authorization; remove it, or this header")
        return self

    @property
    def sent_headers(self) -> dict[str, str]:
        """Its headers, in clear."""
        return {name: value.get_secret_value() for name, value in self.headers.items()}

    @property
    def plugin_name(self) -> str:
        """The name of its plugin in the kernel."""
        return self.name.replace("-", "_")


def _text(value: Any) -> str:
    if isinstance(value, SecretStr):
        return value.get_secret_value()
    if not isinstance(value, str):
        raise ValueError("write each value as a text, in quotes")  # noqa: TRY004 - Pydantic tells ValueError only
    return value
