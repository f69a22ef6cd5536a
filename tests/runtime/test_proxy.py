"""Which requests go through the company's proxy."""

import pytest

from mcpsecurity.runtime.proxy import proxied, proxy_for, proxy_name


@pytest.fixture(autouse=True)
def _company(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("HTTP_PROXY", "ALL_PROXY", "all_proxy", "http_proxy", "https_proxy", "no_proxy"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("HTTPS_PROXY", "http://user:secret@proxy.contoso.com:3128")
    monkeypatch.setenv("NO_PROXY", "inside.contoso.com,.corp.example,10.0.0.8")


@pytest.mark.parametrize(
    "url",
    [
        "https://localhost:7443/x", "https://127.0.0.1", "https://[::1]:1", "https://127.9.9.9", "https://a.localhost",
        "https://inside.contoso.com/mcp", "https://mcp.corp.example", "https://10.0.0.8:8443", "http://outside.example",
        "https://169.254.169.254/metadata", "https://[fe80::1]",
    ],
)  # fmt: skip
def test_loopback_link_local_addresses_inner_hosts_and_other_schemes_are_reached_directly(url: str) -> None:
    assert proxy_for(url) is None
    assert proxy_name(url) is None


def test_what_leaves_the_company_goes_through_its_proxy_whose_password_is_not_told() -> None:
    assert proxy_for("https://login.microsoftonline.com") == "http://user:secret@proxy.contoso.com:3128"
    assert proxy_name("https://login.microsoftonline.com") == "proxy.contoso.com:3128"


def test_a_proxy_may_be_named_without_its_scheme(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HTTPS_PROXY", "proxy.contoso.com:3128")
    assert proxy_for("https://login.microsoftonline.com") == "http://proxy.contoso.com:3128"


def test_each_proxy_is_told_with_its_hosts(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HTTP_PROXY", "http://other.contoso.com")
    urls = [
        "https://a.example/x",
        "http://b.example",
        "https://localhost:1",
        "https://a.example/y",
        "https://c.example:1",
    ]
    assert proxied(urls) == [
        "a.example, c.example: through the proxy proxy.contoso.com:3128",
        "b.example: through the proxy other.contoso.com",
    ]
    assert proxied(urls[2:3]) == []
