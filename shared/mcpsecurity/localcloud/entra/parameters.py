"""Parameters of requests: forms, and the authorization request (RFC 6749 4.1.1, OIDC Core 3.1.2.1)."""

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from aiohttp import web
from multidict import MultiDict, MultiMapping

from mcpsecurity.localcloud.entra.directory import Client, Directory
from mcpsecurity.localcloud.entra.errors import EntraError, Sts
from mcpsecurity.localcloud.entra.ids import TENANT_ID
from mcpsecurity.localcloud.entra.scopes import Requested, parse_scopes


@dataclass(frozen=True, slots=True)
class AskedClaims:
    """`acrs` are authentication contexts, `capabilities` what the client can do, such as CP1 (`xms_cc`)."""

    acrs: tuple[str, ...] = ()
    capabilities: tuple[str, ...] = ()


NO_CLAIMS = AskedClaims()


def read_claims(text: str | None) -> AskedClaims:
    """Read a `claims` parameter.

    Raises:
        EntraError: it is not JSON of the expected form (AADSTS9002313).
    """
    if text is None:
        return NO_CLAIMS
    try:
        asked = json.loads(text).get("access_token", {})
        return AskedClaims(_values(asked.get("acrs")), _values(asked.get("xms_cc")))
    except (AttributeError, TypeError, ValueError):
        raise EntraError(Sts.MALFORMED, detail="The claims parameter cannot be read.") from None


def _values(member: Any) -> tuple[str, ...]:
    member = member or {}
    values = member.get("values", [member["value"]] if "value" in member else [])
    return tuple(str(value) for value in values)


_RESPONSE_MODES = frozenset({"query", "fragment", "form_post"})
_KEPT_EMPTY = frozenset({"scope"})  # Entra tells an empty scope from none (AADSTS28003)
_PROMPTS = frozenset({"none", "login", "consent", "select_account"})
_CHALLENGE = re.compile(r"^[A-Za-z0-9_-]{43}$")  # base64url of a SHA-256


@dataclass(frozen=True, slots=True)
class ReplyTo:
    """Where the answer goes, checked first: a client, one of its redirect URIs, and the response mode."""

    client: Client
    redirect_uri: str
    response_mode: str
    state: str | None


@dataclass(frozen=True, slots=True)
class AuthorizeRequest:
    """An authorization request that can be answered once a person has signed in."""

    reply_to: ReplyTo
    requested: Requested
    challenge: str
    nonce: str | None
    prompt: str | None
    login_hint: str | None
    claims: AskedClaims = NO_CLAIMS

    @property
    def client(self) -> Client:
        """The client application that asks."""
        return self.reply_to.client


def single_values(parameters: MultiMapping[str]) -> dict[str, str]:
    """Return the parameters; each may come once. An empty one counts as absent (RFC 6749 3.1).

    Raises:
        EntraError: a parameter is duplicated (AADSTS9000411).
    """
    for name in parameters:
        if len(parameters.getall(name)) > 1:
            raise EntraError(Sts.DUPLICATE_PARAMETER, parameter=name)
    return {name: value for name, value in parameters.items() if value or name in _KEPT_EMPTY}


async def form_values(request: web.Request) -> dict[str, str]:
    """Return the parameters of a form that was posted, as `single_values` does.

    Raises:
        EntraError: the body is not a form of texts (AADSTS9002313), or as for `single_values`.
    """
    if request.content_type != "application/x-www-form-urlencoded":
        raise EntraError(Sts.MALFORMED, detail="The body must be application/x-www-form-urlencoded.")
    try:
        form = await request.post()
    except (LookupError, UnicodeDecodeError):
        raise EntraError(Sts.MALFORMED, detail="The body is not text in the charset it claims.") from None
    return single_values(MultiDict((name, str(value)) for name, value in form.items()))


def find_client(directory: Directory, client_id: str | None) -> Client:
    """Return the client of that id.

    Raises:
        EntraError: no id (AADSTS900144), or none that is registered (700016).
    """
    if not client_id:
        raise EntraError(Sts.MISSING_PARAMETER, parameter="client_id")
    client = directory.clients.get(client_id.lower())
    if client is None:
        raise EntraError(Sts.UNKNOWN_CLIENT, client=client_id, tenant=TENANT_ID)
    return client


def read_reply_to(directory: Directory, values: Mapping[str, str]) -> ReplyTo:
    """Return where to answer.

    Raises:
        EntraError: the client is unknown (AADSTS700016) or the redirect URI is not one of its own (50011). It
            must not be sent to the redirect URI, so a page tells the person (RFC 6749 4.1.2.1).
    """
    client = find_client(directory, values.get("client_id"))
    redirect_uri = values.get("redirect_uri")
    if not redirect_uri:
        raise EntraError(Sts.MISSING_PARAMETER, parameter="redirect_uri")
    if not client.accepts_redirect(redirect_uri):
        raise EntraError(Sts.REDIRECT_MISMATCH, redirect_uri=redirect_uri, client=client.client_id)
    mode = values.get("response_mode", "query")
    return ReplyTo(client, redirect_uri, mode if mode in _RESPONSE_MODES else "query", values.get("state"))


def read_request(directory: Directory, reply_to: ReplyTo, values: Mapping[str, str]) -> AuthorizeRequest:
    """Return the checked request.

    Raises:
        EntraError: something in it is refused; the answer goes to `reply_to`.
    """
    response_type, mode, prompt = (values.get(name) for name in ("response_type", "response_mode", "prompt"))
    if response_type is None:
        raise EntraError(Sts.MISSING_PARAMETER, parameter="response_type")
    if response_type != "code":
        raise EntraError(Sts.UNSUPPORTED_RESPONSE_TYPE, response_type=response_type)
    if mode is not None and mode not in _RESPONSE_MODES:
        raise EntraError(Sts.UNSUPPORTED_RESPONSE_MODE, mode=mode)
    if prompt is not None and prompt not in _PROMPTS:
        raise EntraError(Sts.BAD_PROMPT, prompt=prompt)
    if not values.get("scope"):
        raise EntraError(Sts.MISSING_PARAMETER, parameter="scope")
    requested = parse_scopes(directory, reply_to.client, values["scope"])
    requested.check_resource(directory, values.get("resource"))
    return AuthorizeRequest(
        reply_to=reply_to,
        requested=requested,
        challenge=_challenge(values),
        nonce=values.get("nonce"),
        prompt=prompt,
        login_hint=values.get("login_hint"),
        claims=read_claims(values.get("claims")),
    )


def _challenge(values: Mapping[str, str]) -> str:
    challenge = values.get("code_challenge")
    if challenge is None:
        raise EntraError(Sts.CHALLENGE_MISSING)
    if values.get("code_challenge_method") != "S256" or not _CHALLENGE.match(challenge):
        raise EntraError(Sts.CHALLENGE_METHOD)
    return challenge
