"""Agents of Microsoft Entra Agent ID, read from the claims of an access token.

An agent has a user account of its own, whose tokens look like a person's, or it acts for a person who signed
in. Only the facets of subject and actor tell (learn.microsoft.com, entra/agent-id/agent-token-claims).
"""

import re
from dataclasses import dataclass
from typing import Final, Literal

from mcpsecurity.oidc import Claims, Reason, TokenError, optional_text

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
    """Return the agent of a verified token, or None for a person with an application that is no agent.

    Raises:
        TokenError: `Reason.CLAIMS`: a facet is no list of numbers, or the parent is no GUID.
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
