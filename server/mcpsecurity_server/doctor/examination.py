"""Runs all checks: tenant, server, registrations, model."""

import time

import aiohttp

from mcpsecurity.oidc import Clock
from mcpsecurity.runtime.tls import client_ssl_context
from mcpsecurity_server.doctor.findings import Finding, Status
from mcpsecurity_server.doctor.model import check_model
from mcpsecurity_server.doctor.more_servers import check_more_servers
from mcpsecurity_server.doctor.registrations import check_registrations
from mcpsecurity_server.doctor.server import check_server
from mcpsecurity_server.doctor.settings import DoctorSettings
from mcpsecurity_server.doctor.tenant import check_tenant


async def examine(settings: DoctorSettings, *, clock: Clock = time.time) -> list[Finding]:
    """Return the findings. Nothing is changed, and a fault in the configuration raises nothing."""
    tls = client_ssl_context(settings.ca_file)
    async with aiohttp.ClientSession(connector=aiohttp.TCPConnector(ssl=tls)) as session:
        tenant = [finding async for finding in check_tenant(session, settings, clock)]
        answers = not any(found.check == "authority" and found.status is Status.FAILED for found in tenant)
        checks = (
            check_server(session, settings),
            check_more_servers(session, settings),
            check_registrations(session, settings, clock, tenant_answers=answers),
            check_model(session, settings, tls),
        )
        return [*tenant, *[finding for check in checks async for finding in check]]
