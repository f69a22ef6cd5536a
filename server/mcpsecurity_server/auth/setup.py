"""Adds authentication to an application: the middleware, the metadata and the cache of signing keys."""

import asyncio
import logging
import ssl
import time
from collections.abc import AsyncIterator, Collection
from dataclasses import dataclass
from functools import partial

import aiohttp
from aiohttp import web

from mcpsecurity.oidc import MULTI_TENANT, CachePolicy, Clock, OidcProvider, ProviderError, Timer
from mcpsecurity.oidc.discovery import issuer_of
from mcpsecurity.runtime.proxy import proxy_for
from mcpsecurity_server.auth.bearer import Challenger
from mcpsecurity_server.auth.metadata import metadata_url, protected_resource_metadata
from mcpsecurity_server.auth.middleware import Authentication
from mcpsecurity_server.auth.policy import AccessPolicy
from mcpsecurity_server.auth.tool_policy import CallersOfPolicy, ToolPolicy
from mcpsecurity_server.auth.verifier import AccessTokenVerifier, TokenRequirements
from mcpsecurity_server.observability.audit import AuditLog
from mcpsecurity_server.settings import LOOPBACK_HOSTS, ServerSettings

_log = logging.getLogger(__name__)

_RESOURCE_RULE = (
    "clients that follow the MCP specification ask Entra for the resource {url}, and get no token "
    "(AADSTS9010010) unless that is an Application ID URI of the registration: add it there and set "
    "MCP_SERVER_APP_ID_URI to it; clients that send no resource are not affected"
)
_NO_PROXY = (
    "every request will be redirected: MCP_SERVER_URL is https, this server speaks http, and it trusts no "
    "proxy's X-Forwarded-Proto; set MCP_SERVER_TRUSTED_PROXIES to the number of proxies in front"
)


@dataclass(frozen=True, slots=True)
class AuthSetup:
    """Builds the parts of authentication from the settings.

    `tls` is the trust of connections to the tenant, `clock` gives seconds since 1970, `timer` monotonic
    seconds, `key_policy` says how long signing keys are cached.
    """

    settings: ServerSettings
    tls: ssl.SSLContext
    clock: Clock = time.time
    timer: Timer = time.monotonic
    key_policy: CachePolicy | None = None

    def install(self, app: web.Application, public_paths: Collection[str], audit: AuditLog) -> Authentication:
        """Add the middleware that refuses requests without a good access token, but for `public_paths`."""
        authentication = Authentication(self.challenger(), public_paths, audit)
        app.middlewares.append(authentication.authenticate)
        app.cleanup_ctx.append(partial(self._run, authentication))
        return authentication

    def metadata(self) -> dict[str, object]:
        """Return the protected resource metadata."""
        settings = self.settings
        tenants = dict.fromkeys((settings.tenant_id, *settings.allowed_tenants))
        issuers = [issuer_of(settings.authority, tenant) for tenant in tenants]
        if settings.issuer is not None:
            issuers[0] = settings.issuer
        return protected_resource_metadata(settings.url, issuers, [settings.full_scope(settings.scope)])

    def policy(self) -> AccessPolicy:
        """Return the access policy."""
        settings = self.settings
        return AccessPolicy(
            base_scope=settings.scope,
            allowed_clients=frozenset(settings.allowed_clients),
            required_roles=frozenset(settings.required_roles),
            allow_guests=settings.allow_guests,
            allowed_agents=frozenset(settings.allowed_agents),
            agents_for_people=settings.agents_for_people,
            agent_answers=settings.agent_answers,
        )

    def tool_policy(self) -> ToolPolicy:
        """Return the policy of single tools."""
        settings = self.settings
        return ToolPolicy(
            base_scope=settings.scope,
            scopes=settings.tool_scopes,
            roles=settings.tool_roles,
            acrs=settings.tool_acrs,
            human=frozenset(settings.human_tools),
        )

    def callers(self) -> CallersOfPolicy | None:
        """Return the transport's rules for callers; None if all see all tools and may answer."""
        rules = CallersOfPolicy(
            self.policy(), self.tool_policy(), list_permitted=self.settings.list_permitted
        )
        return rules if rules.hides_tools or rules.limits_answers else None

    def challenger(self) -> Challenger:
        """Return the object that answers refused requests."""
        settings = self.settings
        return Challenger(metadata_url(settings.url), settings.scope, settings.full_scope)

    def warnings(self) -> list[str]:
        """Return warnings about this configuration for its operator; each names the setting to change."""
        settings, found = self.settings, []
        if settings.url not in settings.identifier_uris:
            found.append(_RESOURCE_RULE.format(url=settings.url))
        if settings.origin.scheme == "http" and settings.origin.host not in LOOPBACK_HOSTS:
            found.append("tokens travel unencrypted: MCP_SERVER_URL is http and not on loopback")
        if settings.origin.scheme == "https" and not settings.trusted_proxies:
            found.append(_NO_PROXY)
        return found

    def verifier(self, provider: OidcProvider) -> AccessTokenVerifier:
        """Return a verifier of access tokens that uses the keys of `provider`."""
        settings = self.settings
        requirements = TokenRequirements(
            client_id=settings.client_id,
            identifier_uris=frozenset(settings.identifier_uris),
            tenants=frozenset({settings.tenant_id, *settings.allowed_tenants}),
            v1_tokens=settings.accept_v1_tokens,
        )
        return AccessTokenVerifier(provider, requirements, self.policy(), cache_size=settings.token_memory)

    async def _run(self, authentication: Authentication, _: web.Application) -> AsyncIterator[None]:
        settings = self.settings
        for warning in self.warnings():
            _log.warning("%s", warning)
        connector = aiohttp.TCPConnector(ssl=self.tls, limit=4)
        async with (
            aiohttp.ClientSession(connector=connector, proxy=proxy_for(settings.authority)) as session,
            OidcProvider(
                session,
                settings.authority,
                MULTI_TENANT if settings.allowed_tenants else settings.tenant_id,
                clock=self.clock,
                timer=self.timer,
                policy=self.key_policy,
                leeway=settings.token_leeway,
                issuer=settings.issuer,
            ) as provider,
        ):
            provider.app_id = settings.client_id if settings.own_signing_keys else None
            authentication.verifier = self.verifier(provider)
            prefetch = asyncio.create_task(_prefetch(provider))
            yield
            prefetch.cancel()
            await asyncio.wait([prefetch])


async def _prefetch(provider: OidcProvider) -> None:
    """Fetch the keys, so that the first caller does not wait; without keys the server answers 503."""
    try:
        await provider.metadata()
    except ProviderError as error:
        _log.warning(
            "%s: requests are answered 503 until the tenant can be reached; "
            "check ENTRA_AUTHORITY, ENTRA_TENANT_ID and MCPSECURITY_CA_FILE",
            error,
        )
