"""The address of a model: every form that people paste, made into one."""

import re
from dataclasses import dataclass
from typing import Literal
from urllib.parse import SplitResult, parse_qs, urlsplit

from mcpsecurity.runtime.loopback import is_loopback

Api = Literal["auto", "responses", "chat"]
"""Which API a model is asked by: Responses, Chat Completions, or the one that the endpoint has."""

_AZURE_HOST = re.compile(
    r"[^.]+\.(openai|cognitiveservices|services\.ai)\.azure\.(com|us|cn)"
    r"|[^.]+\.api\.cognitive\.(microsoft\.com|microsoft\.us|azure\.cn)"
)
_HOST = re.compile(r"[a-z0-9]([a-z0-9_.-]*[a-z0-9])?|[0-9a-f:.]+")
_PORTALS = re.compile(r"(portal|ai|oai|studio)\.azure\.(com|us|cn)|platform\.openai\.com|chatgpt\.com")
_OPERATION = re.compile(r"/(chat/completions|completions|responses|models|embeddings)/?$")
_DEPLOYMENT = re.compile(r"^(?P<before>.*)/openai/deployments/(?P<name>[^/]+)")


class EndpointError(ValueError):
    """An address that leads to no model; the text says what to write instead."""


@dataclass(frozen=True, slots=True)
class ModelEndpoint:
    """Where a model is reached.

    Attributes:
        base_url: what `/responses` or `/chat/completions` is appended to; without a slash at its end.
        azure: whether an Azure OpenAI resource answers there, which takes a key in the header `api-key`.
        api_version: the version of Azure's dated API; None for the v1 API and for everything else.
        resource_url: Azure's resource, which the dated API needs; empty elsewhere.
        deployment: the deployment that the address names, if it names one.
    """

    base_url: str
    azure: bool = False
    api_version: str | None = None
    resource_url: str = ""
    deployment: str | None = None

    @property
    def host(self) -> str:
        """The host's name."""
        return urlsplit(self.base_url).hostname or ""

    @property
    def has_responses(self) -> bool:
        """Whether the endpoint is known to have the Responses API."""
        return self.is_openais and self.api_version is None

    @property
    def is_openais(self) -> bool:
        """Whether OpenAI's own models answer there: at Azure or at OpenAI."""
        return self.azure or self.host == "api.openai.com"

    @property
    def on_this_machine(self) -> bool:
        """Whether the host is this machine."""
        return is_loopback(self.host)


def read_endpoint(url: str, *, azure: bool | None = None, api_version: str | None = None) -> ModelEndpoint:
    """Return the endpoint of an address.

    Args:
        url: a resource's address, a v1 base URL, the address of one operation as Azure's portal and Foundry
            show it, or the base URL of any server that is compatible with OpenAI.
        azure: whether it is an Azure OpenAI resource, for any host name; None decides by the host's name.
        api_version: the dated API of Azure is used, in this version.

    Raises:
        EndpointError: no model can be reached there.
    """
    parts = _split(url.strip())
    host = parts.hostname or ""
    if _PORTALS.fullmatch(host):
        raise EndpointError(
            "this is the address of a web site; write the endpoint that it shows, such as "
            "https://RESOURCE.openai.azure.com/openai/v1/"
        )
    if parts.scheme == "http" and not is_loopback(host):
        raise EndpointError("write https://; http is taken for this machine only (localhost)")
    origin = f"{parts.scheme}://{parts.netloc}"
    path = _OPERATION.sub("", parts.path.rstrip("/"))
    named = parse_qs(parts.query).get("api-version", [None])[0] if "/deployments/" in path else None
    is_azure = azure if azure is not None else _AZURE_HOST.fullmatch(host) or "/openai/deployments/" in path
    if is_azure:
        return _azure(origin, path, api_version or named)
    return ModelEndpoint(f"{origin}{path or '/v1'}")


def _split(url: str) -> SplitResult:
    try:
        parts = urlsplit(url)
        known = parts.scheme in ("http", "https") and _HOST.fullmatch(parts.hostname or "")
        if known and parts.port != 0 and "@" not in parts.netloc and not re.search(r"[\s<>{}]", url):
            return parts
    except ValueError:  # brackets, or a port that is not a number
        pass
    raise EndpointError("write the address as https://HOST/PATH, without a user name")


def _azure(origin: str, path: str, version: str | None) -> ModelEndpoint:
    """Return the endpoint of a resource; the path may be that of its v1 API, an operation or a project."""
    deployment = None
    if found := _DEPLOYMENT.match(path):
        before, deployment = found["before"], found["name"]
    else:
        before = re.sub(r"/(openai(/v1)?|models|api/projects/.*)$", "", path)
    resource = origin + before
    if version in ("v1", "preview", "latest"):
        version = None
    base = f"{resource}/openai/v1"
    return ModelEndpoint(base, azure=True, api_version=version, resource_url=resource, deployment=deployment)
