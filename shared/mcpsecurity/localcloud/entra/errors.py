"""Refusals of the tenant, the AADSTS codes that they bear, and their representation in HTTP."""

import uuid
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from aiohttp import web


@dataclass(frozen=True, slots=True)
class StsCode:
    """A code: its number, the OAuth error and HTTP status it comes with, and its text."""

    number: int
    error: str
    text: str
    status: int = 400
    suberror: str | None = None


class EntraError(Exception):
    """A request was refused.

    Attributes:
        code: the AADSTS code with its OAuth error and HTTP status.
        description: what Entra would say, without the trace lines.
        claims: a claims challenge (JSON text) to hand back with the next sign-in, if any.
    """

    def __init__(self, code: StsCode, *, claims: str | None = None, **values: str) -> None:
        """Fill the code's text with `values`."""
        self.code = code
        self.claims = claims
        self.description = code.text.format(**values).strip()
        super().__init__(f"AADSTS{code.number}: {self.description}")


def wire_description(error: EntraError) -> str:
    """Return the `error_description` with Entra's trace lines."""
    return str(_body(error)["error_description"])


def token_error(error: EntraError) -> web.Response:
    """Return the token endpoint's JSON answer to a refusal."""
    headers = {"Cache-Control": "no-store", "Pragma": "no-cache"}
    return web.json_response(_body(error), status=error.code.status, headers=headers)


def _body(error: EntraError) -> dict[str, Any]:
    trace, correlation = str(uuid.uuid4()), str(uuid.uuid4())
    timestamp = f"{datetime.now(UTC):%Y-%m-%d %H:%M:%SZ}"
    lines = f"Trace ID: {trace} Correlation ID: {correlation} Timestamp: {timestamp}"
    body: dict[str, Any] = {
        "error": error.code.error,
        "error_description": f"AADSTS{error.code.number}: {error.description} {lines}",
        "error_codes": [error.code.number],
        "timestamp": timestamp,
        "trace_id": trace,
        "correlation_id": correlation,
    }
    if error.code.suberror:
        body["suberror"] = error.code.suberror
    if error.claims:
        body["claims"] = error.claims
    return body


class Sts:
    """The codes that the tenant answers with.

    Texts and OAuth errors follow Entra's own (learn.microsoft.com, "Microsoft Entra authentication and
    authorization error codes"); `{…}` are filled in where the error is raised.
    """

    # fmt: off
    MISSING_PARAMETER = StsCode(900144, "invalid_request",
        "The request body must contain the following parameter: '{parameter}'.")
    MALFORMED = StsCode(9002313, "invalid_request",
        "Invalid request. Request is malformed or invalid. {detail}")
    DUPLICATE_PARAMETER = StsCode(9000411, "invalid_request",
        "The request is not properly formatted. The parameter '{parameter}' is duplicated.")
    UNKNOWN_TENANT = StsCode(90002, "invalid_request", "Tenant '{tenant}' not found.")
    UNKNOWN_CLIENT = StsCode(700016, "unauthorized_client",
        "Application with identifier '{client}' was not found in the directory '{tenant}'.")
    REDIRECT_MISMATCH = StsCode(50011, "invalid_request",
        "The redirect URI '{redirect_uri}' specified in the request does not match the redirect URIs "
        "configured for the application '{client}'.")
    UNSUPPORTED_RESPONSE_TYPE = StsCode(700054, "unsupported_response_type",
        "response_type '{response_type}' is not enabled for the application.")
    UNSUPPORTED_GRANT = StsCode(70003, "unsupported_grant_type",
        "The app requested an unsupported grant type '{grant_type}'.")
    UNSUPPORTED_RESPONSE_MODE = StsCode(70007, "invalid_request",
        "'{mode}' is not a supported value of 'response_mode'.")
    BAD_PROMPT = StsCode(90023, "invalid_request", "Unsupported 'prompt' value '{prompt}'.")
    CHALLENGE_MISSING = StsCode(50147, "invalid_request",
        "Missing code challenge: this tenant requires PKCE with method S256.")
    CHALLENGE_METHOD = StsCode(501491, "invalid_request",
        "Invalid code_challenge or code_challenge_method; S256 is required.")
    VERIFIER_MISMATCH = StsCode(501481, "invalid_grant",
        "The Code_Verifier does not match the code_challenge supplied in the authorization request.")
    INVALID_GRANT = StsCode(70000, "invalid_grant", "Provided grant is invalid or malformed. {detail}")
    EXPIRED_GRANT = StsCode(70008, "invalid_grant",
        "The provided authorization code or refresh token has expired due to inactivity. Send a new "
        "interactive authorization request for this user and resource.")
    REDEEMED = StsCode(54005, "invalid_grant",
        "OAuth2 Authorization code was already redeemed, please retry with a new valid code or use an "
        "existing refresh token.")
    REVOKED = StsCode(50173, "invalid_grant",
        "The provided grant has expired due to it being revoked, a fresh auth token is "
        "needed.", suberror="bad_token")
    WRONG_CLIENT = StsCode(700005, "invalid_grant",
        "Provided Authorization Code is intended to use against other tenant or client, thus rejected.")
    SECRET_MISSING = StsCode(7000218, "invalid_client",
        "The request body must contain the following parameter: 'client_assertion' or 'client_secret'.", 401)
    SECRET_WRONG = StsCode(7000215, "invalid_client",
        "Invalid client secret provided. Ensure the secret being sent in the request is the client secret "
        "value, not the client secret ID, for a secret added to app '{client}'.", 401)
    PUBLIC_CLIENT = StsCode(700025, "invalid_client",
        "Client is public so neither 'client_assertion' nor 'client_secret' should be presented.", 401)
    NOT_FOR_PUBLIC = StsCode(7000219, "unauthorized_client",
        "This grant needs a confidential client; '{client}' is public.")
    UNKNOWN_RESOURCE = StsCode(500011, "invalid_resource",
        "The resource principal named {resource} was not found in the tenant.")
    UNKNOWN_SCOPE = StsCode(650053, "invalid_client",
        "The application '{client}' asked for scope '{scope}' that doesn't exist on the resource "
        "'{resource}'.")
    SEVERAL_RESOURCES = StsCode(28000, "invalid_request",
        "Provided value for the input parameter scope is not valid because it contains more than one "
        "resource. Scope {scope} is not valid.")
    SCOPE_EMPTY = StsCode(28003, "invalid_request",
        "Provided value for the input parameter scope cannot be empty when requesting an access token using "
        "the provided authorization code. Please specify a valid scope.")
    RESOURCE_MISMATCH = StsCode(9010010, "invalid_target",
        "The resource parameter provided in the request doesn't match with the requested scopes.")
    DEFAULT_SCOPE_NEEDED = StsCode(1002012, "invalid_scope",
        "The provided value for scope {scope} is not valid. Client credential flows must have a scope value "
        "with /.default suffixed to the resource identifier (application ID URI).")
    LOGIN_REQUIRED = StsCode(50058, "login_required",
        "Session information is not sufficient for single-sign-on: a silent sign-in request was sent but no "
        "user is signed in.")
    SEVERAL_SESSIONS = StsCode(16000, "interaction_required",
        "Several user accounts are signed in; a silent request must name one with login_hint.")
    UNKNOWN_USER = StsCode(50034, "login_required", "The user account does not exist in the directory.")
    CONSENT_REQUIRED = StsCode(65001, "invalid_grant",
        "The user or administrator has not consented to use the application with ID '{client}' named "
        "'{name}'. Send an interactive authorization request for this user and "
        "resource.", suberror="consent_required")
    CONSENT_DECLINED = StsCode(65004, "access_denied", "User declined to consent to access the app.")
    ASSERTION_SIGNATURE = StsCode(700027, "invalid_client",
        "The certificate with identifier used to sign the client assertion is not registered on application. "
        "{reason}", 401)
    ASSERTION_CLIENT = StsCode(700021, "invalid_client",
        "Client assertion application identifier doesn't match 'client_id' parameter '{client}'.", 401)
    ASSERTION_AUDIENCE = StsCode(700023, "invalid_client",
        "Client assertion audience claim does not match Realm issuer. The audience was '{audience}'.", 401)
    ASSERTION_TIME = StsCode(700024, "invalid_client",
        "Client assertion is not within its valid time range.", 401)
    OBO_SIGNATURE = StsCode(50013, "invalid_grant", "Assertion failed signature validation.")
    OBO_TIME = StsCode(500133, "invalid_grant", "Assertion is not within its valid time range.")
    OBO_AUDIENCE = StsCode(500131, "invalid_grant",
        "Assertion audience does not match the Client app presenting the assertion. The audience in the "
        "assertion was '{audience}' and the expected audience is '{client}'.")
    OBO_APP_ONLY = StsCode(7000114, "unauthorized_client",
        "Application is not allowed to make application on-behalf-of calls: the assertion names no person.")
    DEVICE_PENDING = StsCode(70016, "authorization_pending",
        "OAuth 2.0 device flow error. Authorization is pending. Continue polling.")
    DEVICE_DECLINED = StsCode(65004, "authorization_declined", "User declined to consent to access the app.")
    DEVICE_CODE_EXPIRED = StsCode(70020, "expired_token",
        "The device_code has expired. Start a new device flow.")
    DEVICE_CODE_WRONG = StsCode(70018, "bad_verification_code",
        "Invalid verification code: there is no such device_code.")
    DEVICE_NOT_FOUND = StsCode(700003, "invalid_grant",
        "Device object was not found in the tenant directory.", suberror="device_not_found")
    MFA_REQUIRED = StsCode(50076, "interaction_required",
        "Due to a configuration change made by your administrator, or because you moved to a new location, "
        "you must use multi-factor authentication to access the resource.", suberror="basic_action")
    CONDITIONAL_ACCESS = StsCode(53003, "interaction_required",
        "Access has been blocked by Conditional Access policies. The access policy does not allow token "
        "issuance.", suberror="message_only")
    SECRET_EXPIRED = StsCode(7000222, "invalid_client",
        "The provided client secret keys for the app are expired.", 401)
    TEMPORARY = StsCode(90033, "temporarily_unavailable",
        "A transient error has occurred. Please try again.", 503)
    THROTTLED = StsCode(90055, "temporarily_unavailable",
        "There are too many requests. Please try again later.", 429)
    STALE_PAGE = StsCode(165000, "invalid_request",
        "This page is too old or belongs to another browser. Go back to the application and sign in again.")
    # fmt: on
