"""The signed-in person, or agent, and the calling application, from a validated access token."""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final, Literal

from mcp.server.auth.middleware.auth_context import get_access_token
from mcp.server.auth.provider import AccessToken
from pydantic import ConfigDict

from mcpsecurity.oidc import Claims, Reason, TokenError, optional_text, required_text
from mcpsecurity_server.transport import Owner

_IDENTITY: Final = "11"
_ACCOUNT: Final = "13"
_FACETS = re.compile(r"[0-9]{1,4}( [0-9]{1,4}){0,63}")
_GUID = re.compile(r"[0-9a-fA-F]{8}(-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12}")


@dataclass(frozen=True, slots=True)
class Agent:
    """The agent that calls: its client ID, and that of its parent application (blueprint) if it is known.

    `is_subject`: the agent acts as itself, and no person is behind the call.
    """

    client_id: str
    parent_id: str | None
    is_subject: bool

    @property
    def acts_for(self) -> Literal["itself", "person"]:
        """The word for logs: `itself`, or `person`."""
        return "itself" if self.is_subject else "person"


def agent_of(claims: Claims) -> Agent | None:
    """Return the agent of a verified token, or None if a person calls with another application.

    Raises:
        TokenError: `Reason.CLAIMS`: a facet is not a list of numbers, or the parent is not a GUID.
    """
    subject, actor = _facets(claims, "xms_sub_fct"), _facets(claims, "xms_act_fct")
    parent = claims.get("xms_par_app_azp")
    if parent is not None and not (isinstance(parent, str) and _GUID.fullmatch(parent)):
        raise TokenError(Reason.CLAIMS, "xms_par_app_azp is no GUID")
    is_subject = not subject.isdisjoint((_ACCOUNT, _IDENTITY))
    if not is_subject and _IDENTITY not in actor and parent is None:
        return None
    client_id = optional_text(claims, "azp") or optional_text(claims, "appid") or ""
    return Agent(client_id.lower(), parent.lower() if parent else None, is_subject)


def _facets(claims: Claims, name: str) -> frozenset[str]:
    """Return the numbers of a facet claim, which are separated by spaces, in any order."""
    value = claims.get(name)
    if value is None and name not in claims:
        return frozenset()
    if not isinstance(value, str) or not _FACETS.fullmatch(value):
        raise TokenError(Reason.CLAIMS, f"{name} is no list of numbers")
    return frozenset(value.split(" "))


class Principal(AccessToken):
    """The SDK's access token with names for Entra's claims. Its repr shows neither token nor claims.

    `client_id` is the calling application's (empty if the token names none), `scopes` are short names,
    `expires_at` is the token's `exp`, `subject` its `sub`, `resource` its `aud`. It cannot be changed: all
    requests with the token share it.
    """

    model_config = ConfigDict(frozen=True)

    tenant_id: str
    object_id: str
    name: str | None
    username: str | None
    roles: tuple[str, ...]
    contexts: tuple[str, ...]
    """The authentication contexts that the sign-in satisfied (`acrs`)."""
    agent: Agent | None
    """The agent that calls, as itself or for the person; None if the application is not an agent."""
    owner: Owner
    """The owner of the principal's sessions: tenant, person and application."""
    caller: Mapping[str, str | None]
    """The fields of a log line that name the person, the client and the agent."""

    def __repr_args__(self) -> list[tuple[str | None, Any]]:
        return [("tenant_id", self.tenant_id), ("object_id", self.object_id), ("client_id", self.client_id)]

    @classmethod
    def from_claims(cls, token: str, claims: Claims) -> "Principal":
        """Build a principal from validated claims.

        Raises:
            mcpsecurity.oidc.TokenError: `tid`, `oid`, `sub` or `aud` is missing, or a claim about an agent is
                malformed.
        """
        client_id = optional_text(claims, "azp") or optional_text(claims, "appid") or ""
        tenant_id, object_id = required_text(claims, "tid"), required_text(claims, "oid")
        agent, owner = agent_of(claims), Owner(tenant_id, object_id, client_id)
        return cls.model_construct(
            token=token,
            client_id=client_id,
            scopes=scopes_of(claims),
            expires_at=int(claims["exp"]),
            resource=required_text(claims, "aud"),
            subject=required_text(claims, "sub"),
            claims=dict(claims),
            tenant_id=tenant_id,
            object_id=object_id,
            name=optional_text(claims, "name"),
            username=optional_text(claims, "preferred_username") or optional_text(claims, "upn"),
            roles=roles_of(claims),
            contexts=_texts(claims, "acrs"),
            agent=agent,
            owner=owner,
            caller=_caller(owner, agent),
        )


def _caller(owner: Owner, agent: Agent | None) -> dict[str, str | None]:
    """Return the fields of a log line that name who calls; an agent is the calling client."""
    caller: dict[str, str | None] = {"user": owner.user, "tenant": owner.tenant, "client": owner.client}
    if agent is not None:
        caller |= {"agent": owner.client, "agent_acts_for": agent.acts_for, "agent_parent": agent.parent_id}
    return caller


def scopes_of(claims: Claims) -> list[str]:
    """Return the permissions that a person gave the client; spaces separate them, and nothing else does."""
    scp = claims.get("scp")
    return [scope for scope in scp.split(" ") if scope] if isinstance(scp, str) else []


def roles_of(claims: Claims) -> tuple[str, ...]:
    """Return the app roles in the token."""
    return _texts(claims, "roles")


def _texts(claims: Claims, name: str) -> tuple[str, ...]:
    listed = claims.get(name)
    return tuple(text for text in listed if isinstance(text, str)) if isinstance(listed, list) else ()


def current_principal() -> Principal | None:
    """Return the principal of the request that runs now; None if the server runs without authentication."""
    token = get_access_token()
    return token if isinstance(token, Principal) else None
