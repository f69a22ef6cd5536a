"""Which model the demo's chat talks to: the offline one, or one that the person names."""

from collections.abc import Mapping
from dataclasses import dataclass

from mcpsecurity.localcloud import LocalCloud

_OF_MODEL = ("AZURE_", "OPENAI_", "MCPSECURITY_MODEL_", "WEBCLIENT_MODEL_TIMEOUT")
_ADDRESSES = ("AZURE_OPENAI_ENDPOINT", "AZURE_OPENAI_CHAT_DEPLOYMENT_NAME", "AZURE_OPENAI_API_VERSION")
_OF_DEPLOYMENT = ("ENTRA_TENANT_ID", "MCP_SERVER_CLIENT_ID", "WEBCLIENT_CLIENT_ID")
"""Settings of an environment that runs these services for a real tenant."""

_LOOPBACK = "localhost,127.0.0.1,::1"


@dataclass(frozen=True, slots=True)
class DemoModel:
    """The model of the demo's chat.

    Attributes:
        environment: the web client's settings for it; None: the offline model.
        remark: what the person is told about it; perhaps nothing.
    """

    environment: dict[str, str] | None = None
    remark: str = ""

    def settings(self, cloud: LocalCloud, ambient: Mapping[str, str]) -> dict[str, str]:
        """Return the web client's settings. A model of one's own may be behind a proxy; all else is on this
        machine."""
        if self.environment is None:
            return {
                "AZURE_OPENAI_ENDPOINT": cloud.openai_endpoint,
                "AZURE_OPENAI_CHAT_DEPLOYMENT_NAME": cloud.openai_deployment,
                "AZURE_OPENAI_API_KEY": cloud.openai_api_key,
            }
        direct = ambient.get("no_proxy") or ambient.get("NO_PROXY")
        direct = f"{_LOOPBACK},{direct}" if direct else _LOOPBACK
        return {**self.environment, "NO_PROXY": direct, "no_proxy": direct}


def choose_model(ambient: Mapping[str, str], url: str | None = None, name: str | None = None) -> DemoModel:
    """Return the model that options or the environment name.

    With `url` and `name`: that model; its key is OPENAI_API_KEY. Without: the model of the environment, if it
    has an address and a name and nothing else of a deployment, whose model is not for trying things out.
    """
    given = {key: value for key, value in ambient.items() if value and key.startswith(_OF_MODEL)}
    if url and name:
        for key in _ADDRESSES:
            given.pop(key, None)
        given |= {"OPENAI_BASE_URL": url, "OPENAI_CHAT_MODEL_ID": name}
        return DemoModel(given, f"The model is {name} at {url}.")
    address, model, missing = _named(given)
    if not address:
        return DemoModel()
    if not model:
        return DemoModel(remark=f"{missing} is not set, so the model is the offline one.")
    if set_ones := [key for key in _OF_DEPLOYMENT if ambient.get(key)]:
        return DemoModel(
            remark=f"{set_ones[0]} is set, so this environment is a deployment's, and the model is the "
            "offline one. For another: --model-url and --model."
        )
    return DemoModel(given, f"The model is {model} at {address}, as the environment says.")


def _named(given: Mapping[str, str]) -> tuple[str, str, str]:
    """Return address, name, and the key that the name is missing from."""
    if address := given.get("AZURE_OPENAI_ENDPOINT"):
        key = "AZURE_OPENAI_CHAT_DEPLOYMENT_NAME"
        return address, given.get(key) or _deployment_in(address), key
    key = "OPENAI_CHAT_MODEL_ID"
    name, address = given.get(key, ""), given.get("OPENAI_BASE_URL", "")
    if not address and name and "OPENAI_API_KEY" in given:
        address = "api.openai.com"
    return address, name, key


def _deployment_in(address: str) -> str:
    return address.partition("/openai/deployments/")[2].partition("/")[0]
