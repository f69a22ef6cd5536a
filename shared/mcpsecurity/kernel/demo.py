"""What a client needs to use the demo that runs on this machine."""

from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any

from semantic_kernel import Kernel
from semantic_kernel.connectors.ai.chat_completion_client_base import ChatCompletionClientBase

from mcpsecurity.kernel.demo_credential import DemoCredential
from mcpsecurity.kernel.model import ChatModel
from mcpsecurity.running_demo import RunningDemo
from mcpsecurity.runtime.tls import client_ssl_context


def client_arguments(demo: RunningDemo, user: str) -> dict[str, Any]:
    """Return address, credential and scope."""
    return {"url": demo.mcp, "credential": DemoCredential(demo, user), "scope": demo.scope}


def add_model(kernel: Kernel, demo: RunningDemo) -> Callable[[], Awaitable[None]] | None:
    """Give a kernel without a model the demo's; return a function that removes it, or None if it has one."""
    if any(isinstance(service, ChatCompletionClientBase) for service in kernel.services.values()):
        return None
    tls = client_ssl_context(Path(demo.ca_file))
    model = ChatModel.at(demo.model_endpoint, demo.model, key=demo.model_key, azure=True, tls=tls)
    kernel.add_service(model)

    async def remove() -> None:
        if kernel.services.get(model.service_id) is model:
            kernel.remove_service(model.service_id)
        await model.close()

    return remove
