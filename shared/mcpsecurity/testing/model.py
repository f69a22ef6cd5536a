"""A model of the local cloud, as a service of Semantic Kernel."""

from mcpsecurity.kernel.model import ChatModel
from mcpsecurity.localcloud import LocalCloud
from mcpsecurity.runtime.tls import client_ssl_context


def local_chat_model(cloud: LocalCloud, deployment: str | None = None) -> ChatModel:
    """Return the service; its connections trust the local cloud's authority and use no proxy.

    Args:
        cloud: the local cloud, which runs.
        deployment: one of its deployments; None is the one that the demo uses.
    """
    return ChatModel.at(
        cloud.openai_endpoint,
        deployment or cloud.openai_deployment,
        key=cloud.openai_api_key,
        azure=True,
        tls=client_ssl_context(cloud.ca_file),
        proxies=False,
    )
