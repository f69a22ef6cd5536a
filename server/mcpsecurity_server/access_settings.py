"""Settings of the server: which callers it accepts, and for which tools."""

import json
import re
from collections.abc import Mapping
from typing import Annotated, Literal

from pydantic import BeforeValidator, Field, field_validator
from pydantic_core import PydanticCustomError
from pydantic_settings import NoDecode

from mcpsecurity.settings import Settings

GUID = re.compile(r"[0-9a-fA-F]{8}(-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12}")


def split_words(value: object) -> object:
    """Accept "a b, c" for ("a", "b", "c")."""
    return tuple(value.replace(",", " ").split()) if isinstance(value, str) else value


def _parse_object(value: object) -> object:
    """Accept JSON text for an object."""
    if not isinstance(value, str):
        return value
    try:
        return json.loads(value)
    except ValueError:
        raise PydanticCustomError("json", 'write JSON like {"tool": "scope other-scope"}') from None


Words = Annotated[tuple[str, ...], NoDecode, BeforeValidator(split_words)]
WordsByTool = Annotated[Mapping[str, Words], NoDecode, BeforeValidator(_parse_object)]
TextByTool = Annotated[Mapping[str, str], NoDecode, BeforeValidator(_parse_object)]

AgentAnswers = Literal["none", "for-people", "all"]

_CONTEXT = re.compile(r"c[1-9][0-9]?")


class AccessSettings(Settings):
    """Who may call, and which tools."""

    scope: str = Field(
        "mcp:tools",
        validation_alias="MCP_SERVER_SCOPE_NAME",
        pattern=r"^[!#-\[\]-~]+$",
        examples=["mcp:tools"],
        description="Delegated permission that every caller needs, without the Application ID URI.",
    )
    tool_scopes: WordsByTool = Field(
        {},
        validation_alias="MCP_SERVER_TOOL_SCOPES",
        description='More permissions that single tools need, as JSON: {"tool": "scope other-scope"}.',
    )
    required_roles: Words = Field(
        (),
        validation_alias="MCP_SERVER_REQUIRED_ROLES",
        description="App roles: a caller needs one of them; empty: none is needed.",
    )
    allowed_clients: Words = Field(
        (),
        validation_alias="MCP_SERVER_ALLOWED_CLIENTS",
        description="Client IDs of the applications that may call; empty: any that has the permission.",
    )
    allowed_tenants: Words = Field(
        (),
        validation_alias="MCP_SERVER_ALLOWED_TENANTS",
        description="Tenant IDs whose users may call besides the home tenant's.",
    )
    allow_guests: bool = Field(
        True, validation_alias="MCP_SERVER_ALLOW_GUESTS", description="Whether guest users may call."
    )
    tool_roles: WordsByTool = Field(
        {},
        validation_alias="MCP_SERVER_TOOL_ROLES",
        description='App roles for single tools, as JSON: {"tool": "Role Other"}; a caller needs one.',
    )
    tool_acrs: TextByTool = Field(
        {},
        validation_alias="MCP_SERVER_TOOL_ACRS",
        description='Authentication contexts (conditional access) tools demand, as JSON: {"tool": "c1"}.',
    )
    human_tools: Words = Field(
        (),
        validation_alias="MCP_SERVER_HUMAN_TOOLS",
        description="Tools for people only: no agent may call them by a user account of its own.",
    )
    list_permitted: bool = Field(
        False,
        validation_alias="MCP_SERVER_LIST_PERMITTED_TOOLS",
        description="Whether a caller is shown only the tools that the token allows; else all.",
    )
    allowed_agents: Words = Field(
        (),
        validation_alias="MCP_SERVER_ALLOWED_AGENTS",
        description="Client IDs of agents, or of their parent applications, that may call by user accounts "
        "of their own; empty: none, only people.",
    )
    agents_for_people: bool = Field(
        True,
        validation_alias="MCP_SERVER_AGENTS_FOR_PEOPLE",
        description="Whether agents may call on behalf of people who signed in.",
    )
    agent_answers: AgentAnswers = Field(
        "for-people",
        validation_alias="MCP_SERVER_AGENT_ANSWERS",
        description="Which agents may answer what a tool asks: none, those that act for-people, or all.",
    )

    @field_validator("allowed_tenants")
    @classmethod
    def _are_guids(cls, value: tuple[str, ...]) -> tuple[str, ...]:
        if not all(GUID.fullmatch(tenant) for tenant in value):
            raise PydanticCustomError("guid", "write GUIDs, with blanks between")
        return tuple(tenant.lower() for tenant in value)

    @field_validator("allowed_clients", "allowed_agents")
    @classmethod
    def _are_applications(cls, value: tuple[str, ...]) -> tuple[str, ...]:
        return cls._are_guids(value)

    @field_validator("tool_acrs")
    @classmethod
    def _are_contexts(cls, value: Mapping[str, str]) -> Mapping[str, str]:
        if not all(_CONTEXT.fullmatch(context) for context in value.values()):
            raise PydanticCustomError("acrs", "write ids of authentication contexts, c1 to c99")
        return value
