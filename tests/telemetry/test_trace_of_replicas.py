"""A command that reaches a replica without the person's conversations is one trace all the same."""

import sys
from pathlib import Path

from cryptography.fernet import Fernet
from tests.support.ports import free_port
from tests.support.programs import Program, redis_server
from tests.telemetry.collector import running_collector
from tests.telemetry.services import running_services, stopping
from tests.telemetry.test_one_trace import COMMAND, RUN, SOON

from mcpsecurity.testing import LocalStack


async def test_a_command_that_is_handed_on_keeps_its_trace(local: LocalStack, tmp_path: Path) -> None:
    async with redis_server() as redis, running_collector() as collector:
        more = {
            "OTEL_EXPORTER_OTLP_ENDPOINT": collector.url,
            "MCPSECURITY_REDIS_URL": f"redis://127.0.0.1:{redis.port}",
            "MCPSECURITY_KEYS": Fernet.generate_key().decode(),
            "WEBCLIENT_DATABASE_URL": f"sqlite:///{tmp_path}/conversations.sqlite3",
            **SOON,
        }
        async with running_services(local, tmp_path, **more) as services:
            port = free_port()
            environment = services.environment | {"WEBCLIENT_PORT": str(port), "OTEL_SERVICE_NAME": "other"}
            command = [sys.executable, "-m", "mcpsecurity", "webclient"]
            other = Program(command, port, environment=environment, log=tmp_path / "other.log")
            async with stopping(other), services.person() as person, person.page() as page:
                await other.start()
                headers = {"X-CSRF-Token": person.csrf, "Origin": services.url}
                url = f"http://localhost:{port}/api/chats/{person.chat_id}/messages"
                async with person.http.post(url, json={"text": "hello"}, headers=headers) as response:
                    assert response.status == 202
                await page.until("run.done")
        (handed_on,) = collector.named(COMMAND, "other")
        (taken,) = collector.named(COMMAND, "mcpsecurity-webclient")
        (run,) = collector.named(RUN)
        assert taken.parent_id == handed_on.span_id
        assert run.trace_id == taken.trace_id == handed_on.trace_id
