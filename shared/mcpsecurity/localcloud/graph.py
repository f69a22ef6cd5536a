"""A stand-in for the part of Microsoft Graph that the product calls: `GET /v1.0/me`."""

import uuid
from datetime import UTC, datetime

from aiohttp import web

from mcpsecurity.localcloud.entra import Tenant
from mcpsecurity.localcloud.entra.directory import User
from mcpsecurity.localcloud.entra.ids import GRAPH_ID
from mcpsecurity.localcloud.entra.tokens import Claims


class _GraphError(Exception):
    def __init__(self, status: int, code: str, message: str) -> None:
        super().__init__(message)
        self.status = status
        self.code = code


def add_graph_routes(app: web.Application, tenant: Tenant) -> None:
    """Serve Graph from `app` to callers with a token of `tenant`."""

    async def me(request: web.Request) -> web.Response:
        try:
            user = _caller(tenant, request)
        except _GraphError as error:
            return _refusal(error, request)
        return web.json_response(_profile(user, tenant), headers={"Cache-Control": "no-store"})

    app.router.add_get("/v1.0/me", me)


def _caller(tenant: Tenant, request: web.Request) -> User:
    """Return the person in the request's token, which must be Graph's own and carry User.Read."""
    claims = _claims(tenant, request)
    if "scp" not in claims:
        message = "/me request is only valid with delegated authentication flow."
        raise _GraphError(400, "BadRequest", message)
    user = tenant.directory.user_by_oid(claims["oid"])
    if user is None or "User.Read" not in str(claims["scp"]).split():
        raise _GraphError(
            403, "Authorization_RequestDenied", "Insufficient privileges to complete the operation."
        )
    return user


def _claims(tenant: Tenant, request: web.Request) -> Claims:
    scheme, _, token = request.headers.get("Authorization", "").partition(" ")
    if scheme.lower() != "bearer" or not token:
        raise _unauthorized("Access token is empty.")
    claims = tenant.tokens.read(token.strip())
    if claims is None:
        raise _unauthorized("Access token validation failure. Signature is invalid.")
    if claims["aud"] != GRAPH_ID:
        raise _unauthorized("Access token validation failure. Invalid audience.")
    if not claims["nbf"] <= tenant.now() < claims["exp"]:
        raise _unauthorized("Lifetime validation failed, the token is expired.")
    return claims


def _unauthorized(message: str) -> _GraphError:
    return _GraphError(401, "InvalidAuthenticationToken", message)


def _refusal(error: _GraphError, request: web.Request) -> web.Response:
    request_id = str(uuid.uuid4())
    inner = {
        "date": f"{datetime.now(UTC):%Y-%m-%dT%H:%M:%S}",
        "request-id": request_id,
        "client-request-id": request.headers.get("client-request-id", request_id),
    }
    headers = {"WWW-Authenticate": 'Bearer realm=""'} if error.status == 401 else {}
    body = {"error": {"code": error.code, "message": str(error), "innerError": inner}}
    return web.json_response(body, status=error.status, headers=headers)


def _profile(user: User, tenant: Tenant) -> dict[str, object]:
    given, _, surname = user.name.partition(" ")
    return {
        "@odata.context": f"{tenant.urls.https}/v1.0/$metadata#users/$entity",
        "businessPhones": [],
        "displayName": user.name,
        "givenName": given,
        "jobTitle": user.job_title,
        "mail": user.sign_in_name,
        "mobilePhone": None,
        "officeLocation": None,
        "preferredLanguage": "en-US",
        "surname": surname,
        "userPrincipalName": user.principal_name,
        "id": user.oid,
    }
