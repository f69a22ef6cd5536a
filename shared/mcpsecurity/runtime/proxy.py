"""The company's proxy for what leaves the company: `HTTPS_PROXY`, `HTTP_PROXY` and `NO_PROXY`.

Loopback, link-local addresses (where a virtual machine asks for its identity: 169.254.169.254) and the hosts
of `NO_PROXY` are never reached through a proxy.
"""

from collections.abc import Iterable
from ipaddress import ip_address
from urllib import request as urllib_request
from urllib.parse import urlsplit

from mcpsecurity.runtime.loopback import is_loopback


def proxy_for(url: str) -> str | None:
    """Return the proxy through which a URL is reached, by the environment; None for no proxy."""
    parts = urlsplit(url)
    host, proxies = parts.hostname or "", urllib_request.getproxies_environment()
    bypasses = urllib_request.proxy_bypass_environment  # type: ignore[attr-defined] # typeshed lacks it
    if _is_near(host) or bypasses(f"{host}:{parts.port}" if parts.port else host, proxies):
        return None
    proxy = proxies.get(parts.scheme) or proxies.get("all")
    return (proxy if "://" in proxy else f"http://{proxy}") if proxy else None


def proxy_name(url: str) -> str | None:
    """Return host and port of the proxy for a URL, without the password that its address may have."""
    proxy = proxy_for(url)
    return urlsplit(proxy).netloc.rpartition("@")[2] if proxy else None


def proxied(urls: Iterable[str]) -> list[str]:
    """Return a sentence for each proxy: which of the hosts of these URLs are reached through it."""
    hosts: dict[str, dict[str, None]] = {}
    for url in urls:
        if (proxy := proxy_name(url)) is not None:
            hosts.setdefault(proxy, {})[urlsplit(url).hostname or ""] = None
    return [f"{', '.join(names)}: through the proxy {proxy}" for proxy, names in hosts.items()]


def _is_near(host: str) -> bool:
    """Tell whether a host is this machine, or is reached without a router."""
    try:
        return is_loopback(host) or ip_address(host).is_link_local
    except ValueError:
        return False
