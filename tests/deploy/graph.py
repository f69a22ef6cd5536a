"""A stand-in for the part of Microsoft Graph that `az ad` uses: applications, service principals, consents.

It keeps what it is sent and refuses what Graph refuses: URIs of domains that nobody verified, https ones
before version 2 of the tokens, changes of an enabled scope, values that stand twice, pre-authorization for a
scope that does not exist, and an application that it was asked about too early: the replicas of Entra ID
learn of it later. A permission that is asked for twice stands there twice (azure-cli#24512). Beside Graph
there is Resource Manager, with no subscription.
"""

import re
import uuid
from collections import Counter
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import urlsplit

from aiohttp import web
from aiohttp.test_utils import TestServer

from mcpsecurity.localcloud import LocalCloud
from mcpsecurity.localcloud.certificates import ensure_certificates
from mcpsecurity.localcloud.entra import Tenant
from mcpsecurity.localcloud.entra.directory import Api
from mcpsecurity.localcloud.entra.ids import GRAPH_ID

__all__ = ["Graph", "serving_graph"]

Object = dict[str, Any]

APP_ID = "10ca1c10-0d00-4000-8000-0000000000aa"
"""The application ID of Graph and Resource Manager in the tenant."""
_GRAPH = {"id": GRAPH_ID, "appId": GRAPH_ID, "displayName": "Microsoft Graph"}
VERIFIED_DOMAIN = "contoso.com"
"""Hosts of https identifier URIs are this one, or below it."""
_FILTER = re.compile(r"^(?:startswith\()?(\w+)(?:/any\(\w:\w eq | eq |,)'([^']*)'\)?$")
_LISTS = ("identifierUris", "appRoles", "keyCredentials", "passwordCredentials", "requiredResourceAccess")
_KNOWN = {
    *_LISTS,
    "displayName",
    "signInAudience",
    "isFallbackPublicClient",
    "optionalClaims",
    "api",
    "web",
    "publicClient",
}
_DUPLICATE = "Request contains a property with duplicate values."
_ENABLED = "Permission (scope or role) cannot be deleted or updated unless disabled first."
_UNVERIFIED = (
    "Values of identifierUris property must use a verified domain of the organization or its subdomain: '{}'"
)


class RefusalError(Exception):
    """Graph's error: a status, a code and a message."""

    def __init__(self, status: int, code: str, message: str) -> None:
        super().__init__(message)
        self.status, self.code = status, code


@dataclass
class Graph:
    """The registrations by object ID, and the properties of the tenant.

    Attributes:
        may_consent: whether the caller may consent for everybody.
        lag: how often a new application is asked for in vain.
    """

    tenant: Tenant
    applications: dict[str, Object] = field(default_factory=dict)
    principals: dict[str, Object] = field(default_factory=lambda: {GRAPH_ID: _GRAPH.copy()})
    grants: dict[str, Object] = field(default_factory=dict)
    federated: dict[str, list[Object]] = field(default_factory=dict)
    may_consent: bool = True
    lag: int = 1
    _asked: Counter[str] = field(default_factory=Counter)

    def named(self, name: str) -> Object:
        """Return the one application of a name."""
        (found,) = [app for app in self.applications.values() if app["displayName"] == name]
        return found

    def check_caller(self, request: web.Request) -> None:
        """Refuse who has no token of the tenant for Graph."""
        claims = self.tenant.tokens.read(request.headers.get("Authorization", "").removeprefix("Bearer "))
        if claims is None or claims["aud"] != APP_ID:
            raise RefusalError(401, "InvalidAuthenticationToken", "Access token validation failure.")

    def list_applications(self, query: str | None) -> list[Object]:
        """Return the applications that a filter names, without those that are too new."""
        return [app for app in _filtered(self.applications, query) if self._is_known(app["id"])]

    def create_application(self, body: Object) -> Object:
        """Register an application."""
        app: Object = {"id": str(uuid.uuid4()), "appId": str(uuid.uuid4()), "isFallbackPublicClient": None}
        app |= {name: [] for name in _LISTS} | {"optionalClaims": None}
        app["api"] = {
            "requestedAccessTokenVersion": None,
            "oauth2PermissionScopes": [],
            "preAuthorizedApplications": [],
        }
        app |= {"web": {"redirectUris": []}, "publicClient": {"redirectUris": []}}
        changed = _merged(app, body)
        self._check(app, changed)
        self.applications[app["id"]] = changed
        return changed

    def update_application(self, object_id: str, body: Object) -> None:
        """Change an application: members that are objects are merged, lists replaced."""
        before = _one(self.applications, object_id)
        changed = _merged(before, body)
        self._check(before, changed)
        self.applications[object_id] = changed

    def create_principal(self, body: Object) -> Object:
        """Make the service principal of an application."""
        apps = [app for app in self.applications.values() if app["appId"] == body["appId"]]
        if not apps or not self._is_known(apps[0]["id"]):
            raise RefusalError(
                400, "NoBackingApplicationObject", "The backing application must be in the local tenant."
            )
        if _filtered(self.principals, f"appId eq '{body['appId']}'"):
            raise RefusalError(
                409, "Request_MultipleObjectsWithSameKeyValue", f"{body['appId']} is already in use."
            )
        principal = {"id": str(uuid.uuid4()), **body, "displayName": apps[0]["displayName"]}
        self.principals[principal["id"]] = principal
        return principal

    def list_principals(self, query: str | None) -> list[Object]:
        """Return the service principals that a filter names; their names are those of their applications."""
        uris = {app["appId"]: app["identifierUris"] for app in self.applications.values()}
        named = {
            key: {**found, "servicePrincipalNames": [found["appId"], *uris.get(found["appId"], [])]}
            for key, found in self.principals.items()
        }
        return _filtered(named, query)

    def create_grant(self, body: Object) -> Object:
        """Consent for everybody."""
        if not self.may_consent:
            raise RefusalError(
                403, "Authorization_RequestDenied", "Insufficient privileges to complete the operation."
            )
        api = self.principals.get(body["resourceId"])
        if api is None or body["clientId"] not in self.principals or body["consentType"] != "AllPrincipals":
            raise RefusalError(
                400, "Request_BadRequest", "The grant names a service principal that does not exist."
            )
        if any(
            grant["clientId"] == body["clientId"] and grant["resourceId"] == body["resourceId"]
            for grant in self.grants.values()
        ):
            raise RefusalError(
                409, "Request_MultipleObjectsWithSameKeyValue", "Permission entry already exists."
            )
        grant = {"id": str(uuid.uuid4()), **body}
        self.grants[grant["id"]] = grant
        return grant

    def create_federated(self, object_id: str, body: Object) -> Object:
        """Let another identity stand for an application."""
        _one(self.applications, object_id)
        if len(body["audiences"]) != 1 or not body["subject"] or not body["issuer"].startswith("https://"):
            raise RefusalError(
                400, "Request_BadRequest", "A federated credential has an issuer, a subject, one audience."
            )
        held = self.federated.setdefault(object_id, [])
        if any(other["name"] == body["name"] or other["subject"] == body["subject"] for other in held):
            raise RefusalError(
                409, "Request_MultipleObjectsWithSameKeyValue", "FederatedIdentityCredential already exists."
            )
        held.append({"id": str(uuid.uuid4()), **body})
        return held[-1]

    def add_password(self, object_id: str, body: Object) -> Object:
        """Make a secret."""
        secret = {"keyId": str(uuid.uuid4()), **body["passwordCredential"]}
        _one(self.applications, object_id)["passwordCredentials"].append(secret)
        return {**secret, "secretText": "made-by-graph"}

    def _is_known(self, object_id: str) -> bool:
        self._asked[object_id] += 1
        return self._asked[object_id] > self.lag

    def _check(self, before: Object, app: Object) -> None:
        if unknown := app.keys() - before.keys() - _KNOWN:
            raise RefusalError(400, "Request_BadRequest", f"Property {min(unknown)} does not exist.")
        self._check_uris(before, app)
        scopes, uris = app["api"]["oauth2PermissionScopes"], app["identifierUris"]
        for values in (uris, [scope["id"] for scope in scopes], [scope["value"] for scope in scopes]):
            if len(values) != len(set(values)):
                raise RefusalError(400, "DuplicateValue", _DUPLICATE)
        if any(
            scope["isEnabled"] and scope not in scopes for scope in before["api"]["oauth2PermissionScopes"]
        ):
            raise RefusalError(400, "CannotDeleteOrUpdateEnabledEntitlement", _ENABLED)
        pre = app["api"]["preAuthorizedApplications"]
        if len(pre) != len({other["appId"] for other in pre}):
            raise RefusalError(400, "DuplicateValue", _DUPLICATE)
        if {ident for other in pre for ident in other["delegatedPermissionIds"]} - {
            scope["id"] for scope in scopes
        }:
            raise RefusalError(
                400,
                "InvalidValue",
                "Property api.preAuthorizedApplications names no permission of the application.",
            )

    def _check_uris(self, before: Object, app: Object) -> None:
        others = {
            uri
            for other in self.applications.values()
            if other["id"] != app["id"]
            for uri in other["identifierUris"]
        }
        for uri in app["identifierUris"]:
            if uri in others:
                raise RefusalError(
                    400,
                    "ObjectConflict",
                    "Another object with the same value for property identifierUris already exists.",
                )
            if uri in before["identifierUris"] or uri == f"api://{app['appId']}":
                continue
            host = urlsplit(uri).hostname or ""
            is_ours = f".{host}".endswith(f".{VERIFIED_DOMAIN}")
            if app["api"]["requestedAccessTokenVersion"] != 2 or not is_ours:
                raise RefusalError(400, "HostNameNotOnVerifiedDomain", _UNVERIFIED.format(uri))


def _one(held: dict[str, Object], object_id: str) -> Object:
    if object_id not in held:
        raise RefusalError(404, "Request_ResourceNotFound", f"Resource '{object_id}' does not exist.")
    return held[object_id]


def _filtered(held: dict[str, Object], query: str | None) -> list[Object]:
    """Return what a `$filter` chooses, of the three forms that azure-cli writes."""
    if query is None:
        return list(held.values())
    match = _FILTER.match(query)
    if match is None:
        raise RefusalError(400, "BadRequest", f"Invalid filter clause: {query}")
    name, value = match.groups()

    def fits(found: Object) -> bool:
        if query.startswith("startswith"):
            return str(found[name]).startswith(value)
        return value in found[name] if isinstance(found[name], list) else found[name] == value

    return [found for found in held.values() if fits(found)]


def _merged(before: Object, body: Object) -> Object:
    """Return an object with the members of another; objects in it are merged likewise."""
    return before | {
        name: _merged(before[name], value)
        if isinstance(value, dict) and isinstance(before.get(name), dict)
        else value
        for name, value in body.items()
    }


def _app(graph: Graph) -> web.Application:
    app, root = web.Application(), "/v1.0"
    one, grants = f"{root}/applications/{{id}}", "{grants:oauth2PermissionGrants|oAuth2PermissionGrants}"

    def serve(method: str, path: str, act: Callable[[web.Request, Object], Any]) -> None:
        app.router.add_route(method, path, _handler(graph, act))

    def query(request: web.Request) -> str | None:
        return request.query.get("$filter")

    def ident(request: web.Request) -> str:
        return request.match_info["id"]

    def federated(request: web.Request, _: Object) -> Object:
        return _one(
            {held["name"]: held for held in graph.federated.get(ident(request), [])},
            request.match_info["name"],
        )

    serve("GET", f"{root}/applications", lambda asked, _: graph.list_applications(query(asked)))
    serve("POST", f"{root}/applications", lambda _, body: graph.create_application(body))
    serve("GET", one, lambda asked, _: _one(graph.applications, ident(asked)))
    serve("PATCH", one, lambda asked, body: graph.update_application(ident(asked), body))
    serve("POST", f"{one}/addPassword", lambda asked, body: graph.add_password(ident(asked), body))
    serve("GET", f"{one}/federatedIdentityCredentials/{{name}}", federated)
    serve(
        "POST",
        f"{one}/federatedIdentityCredentials",
        lambda asked, body: graph.create_federated(ident(asked), body),
    )
    serve("GET", f"{root}/servicePrincipals", lambda asked, _: graph.list_principals(query(asked)))
    serve("POST", f"{root}/servicePrincipals", lambda _, body: graph.create_principal(body))
    serve("GET", f"{root}/servicePrincipals/{{id}}", lambda asked, _: _one(graph.principals, ident(asked)))
    serve("GET", f"{root}/{grants}", lambda asked, _: _filtered(graph.grants, query(asked)))
    serve("POST", f"{root}/{grants}", lambda _, body: graph.create_grant(body))
    serve("DELETE", f"{root}/{grants}/{{id}}", lambda asked, _: graph.grants.pop(ident(asked)) and None)
    serve("GET", "/subscriptions", lambda *_: [])
    return app


def _handler(
    graph: Graph, act: Callable[[web.Request, Object], Any]
) -> Callable[[web.Request], Awaitable[web.Response]]:
    async def handle(request: web.Request) -> web.Response:
        try:
            graph.check_caller(request)
            answer = act(request, await request.json() if request.can_read_body else {})
        except RefusalError as error:
            said = {"error": {"code": error.code, "message": str(error)}}
            return web.json_response(said, status=error.status)
        if answer is None:
            return web.Response(status=204)
        return web.json_response(
            {"value": answer} if isinstance(answer, list) else answer,
            status=201 if request.method == "POST" else 200,
        )

    return handle


@asynccontextmanager
async def serving_graph(cloud: LocalCloud) -> AsyncIterator[tuple[Graph, str]]:
    """Serve it beside a local cloud, whose tenant gives tokens for it; yield it and its address."""
    graph = Graph(cloud.tenant)
    server = TestServer(_app(graph), scheme="https", host="127.0.0.1")
    await server.start_server(ssl=ensure_certificates(cloud.ca_file.parent).server_context())
    url = f"https://localhost:{server.port}/"
    cloud.tenant.directory.apis[APP_ID] = Api(APP_ID, "Graph", (url,), {}, ())
    try:
        yield graph, url
    finally:
        del cloud.tenant.directory.apis[APP_ID]
        await server.close()
