"""The signed-in person: from the access token and, if configured, from Microsoft Graph."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Literal

from pydantic import BaseModel, Field

from mcpsecurity_server.auth.errors import InsufficientClaims
from mcpsecurity_server.auth.principal import Principal, current_principal
from mcpsecurity_server.profile import ProfileError, ProfileService, SignInNeededError
from mcpsecurity_server.tools.elicitation import ToolContext
from mcpsecurity_server.tools.errors import ServiceError
from mcpsecurity_server.tools.registration import Toolbox


class CallingAgent(BaseModel):
    """An agent of Microsoft Entra Agent ID."""

    client_id: str = Field(description="Client ID of the agent.")
    parent_id: str | None = Field(description="Client ID of its parent application (blueprint).")
    acts_for: Literal["itself", "person"] = Field(
        description="person: it acts for the signed-in person; itself: the account is the agent's own."
    )


class WhoAmI(BaseModel):
    """The signed-in person, as the access token says. Nothing in it is secret."""

    name: str | None = Field(description="Display name.")
    username: str | None = Field(description="Sign-in name.")
    tenant_id: str = Field(description="Directory (tenant) ID.")
    client_id: str = Field(description="Client ID of the application that calls for the person.")
    scopes: list[str] = Field(description="Permissions the person gave the application.")
    roles: list[str] = Field(description="App roles assigned to the person.")
    agent: CallingAgent | None = Field(description="The agent that calls, if the application is one.")


class MyProfile(BaseModel):
    """The signed-in person's profile in Microsoft Graph."""

    display_name: str | None = Field(description="Display name.")
    user_principal_name: str | None = Field(description="User principal name.")
    mail: str | None = Field(description="Mail address.")
    job_title: str | None = Field(description="Job title.")


def register(toolbox: Toolbox) -> None:
    """Register `who_am_i`."""

    @toolbox.tool(title="Who am I", idempotent=True)
    async def who_am_i(context: ToolContext) -> WhoAmI:
        """Tell who is signed in: name, user name, tenant, calling application and permissions."""
        principal = _principal()
        await toolbox.elicitor.approve(context, "who_am_i", "Show the account that you are signed in with.")
        return WhoAmI(
            name=principal.name,
            username=principal.username,
            tenant_id=principal.tenant_id,
            client_id=principal.client_id,
            scopes=principal.scopes,
            roles=list(principal.roles),
            agent=_agent(principal),
        )


def register_profile(toolbox: Toolbox, profiles: ProfileService) -> None:
    """Register `get_my_profile`."""

    @toolbox.tool(title="My profile", idempotent=True, open_world=True)
    async def get_my_profile(context: ToolContext) -> MyProfile:
        """Get the signed-in person's profile from Microsoft Graph: name, mail address and job title."""
        principal = _principal()
        failure: ServiceError | None = None
        try:
            with _told():  # a claims challenge comes before the person is asked, any other failure after it
                await profiles.prepare(principal)
        except ServiceError as error:
            failure = error
        await toolbox.elicitor.approve(context, "get_my_profile", "Read your profile from Microsoft Graph.")
        if failure is not None:
            raise failure
        with _told():
            profile = await profiles.profile(principal)
        return MyProfile(
            display_name=profile.display_name,
            user_principal_name=profile.user_principal_name,
            mail=profile.mail,
            job_title=profile.job_title,
        )


@contextmanager
def _told() -> Iterator[None]:
    """Turn errors of reading a profile into a claims challenge, or an error for the model."""
    try:
        yield
    except SignInNeededError as error:
        if error.claims is None:
            raise ServiceError(str(error)) from error
        raise InsufficientClaims("claims_challenge", str(error), error.claims) from error
    except ProfileError as error:
        raise ServiceError(str(error)) from error


def _agent(principal: Principal) -> CallingAgent | None:
    if (agent := principal.agent) is None:
        return None
    return CallingAgent(client_id=agent.client_id, parent_id=agent.parent_id, acts_for=agent.acts_for)


def _principal() -> Principal:
    principal = current_principal()
    if principal is None:
        raise ServiceError("Nobody is signed in: this server runs without authentication.")
    return principal
