"""Which requests and websockets are taken for our own pages', and which are another site's."""

from ipaddress import ip_network

import pytest
from starlette.types import Scope

from web.origins import is_foreign, is_foreign_websocket

HOST = ("Host", "jobs.example.org")
PROXY = "10.0.0.5"
PROXIES = (ip_network(PROXY),)
Headers = list[tuple[str, str]]


def asked(*headers: tuple[str, str], method: str = "POST", peer: str = "10.0.0.6") -> Scope:
    """Return the scope of a request from a peer."""
    raw = [(name.lower().encode(), value.encode("latin-1")) for name, value in headers]
    return {"type": "http", "method": method, "headers": raw, "client": (peer, 4711), "scheme": "http"}


def site(value: str) -> tuple[str, str]:
    """Return what a current browser sends."""
    return "Sec-Fetch-Site", value


def origin(value: str) -> tuple[str, str]:
    """Return what an older one sends."""
    return "Origin", value


OWN_ORIGINS: list[Headers] = [
    [HOST, origin("http://jobs.example.org")],
    [HOST, origin("https://jobs.example.org")],
    [HOST, origin("https://JOBS.example.org")],
    [("Host", "jobs.example.org:443"), origin("https://jobs.example.org")],
    [("Host", "jobs.example.org:8501"), origin("http://jobs.example.org:8501")],
    [("Host", "[::1]:8501"), origin("http://[::1]:8501")],
]
FOREIGN_ORIGINS: list[Headers] = [
    [HOST, origin("https://evil.example")],
    [HOST, origin("http://jobs.example.org.evil.example")],
    [HOST, origin("http://evil.example/jobs.example.org")],
    [HOST, origin("http://jobs.example.org@evil.example")],
    [HOST, origin("http://evil.example@jobs.example.org")],
    [HOST, origin("http://jobs.example.org/")],
    [HOST, origin("http://jobs.example.org:81")],
    [HOST, origin("http://jobs.example.org:99999")],
    [HOST, origin("ftp://jobs.example.org")],
    [HOST, origin("http://localhost:3000")],
    [HOST, origin("null")],
    [HOST, origin("")],
    [HOST, origin("http://")],
    [HOST, origin("http://jobs.example.org, http://evil.example")],
    [HOST, origin("http://jobs.example.org"), origin("https://evil.example")],
    [HOST, ("Host", "evil.example"), origin("https://evil.example")],
    [HOST, ("X-Forwarded-Host", "evil.example"), origin("https://evil.example")],
    [origin("https://jobs.example.org")],
    [("Host", ""), origin("http://")],
    [("Host", "["), origin("http://[")],
]


@pytest.mark.parametrize("headers", OWN_ORIGINS)
def test_an_origin_that_names_the_host_is_our_own(headers: Headers) -> None:
    """For a change and for a websocket; the port of the scheme need not be written."""
    assert not is_foreign(asked(*headers), PROXIES)
    assert not is_foreign_websocket(asked(*headers), PROXIES)


@pytest.mark.parametrize("headers", FOREIGN_ORIGINS)
def test_any_other_origin_is_foreign(headers: Headers) -> None:
    """With every method that may change something, known or not, and for a websocket."""
    for method in ("POST", "PUT", "PATCH", "DELETE", "BREW", "post"):
        assert is_foreign(asked(*headers, method=method), PROXIES)
    assert is_foreign_websocket(asked(*headers), PROXIES)


def test_what_only_reads_may_be_asked_for_from_anywhere() -> None:
    """A link on another site leads to us."""
    for method in ("GET", "HEAD", "OPTIONS"):
        assert not is_foreign(asked(HOST, site("cross-site"), method=method), PROXIES)


def test_a_browsers_own_word_is_asked_first() -> None:
    """No page can forge it, and it knows more than Origin."""
    own = origin("http://jobs.example.org")
    for value in ("cross-site", "same-site", "", "same-origin, cross-site", "anything"):
        assert is_foreign(asked(HOST, site(value), own), PROXIES)
        assert is_foreign_websocket(asked(HOST, site(value), own), PROXIES)
    assert is_foreign(asked(HOST, site("same-origin"), site("cross-site")), PROXIES)
    for value in ("same-origin", "none"):
        assert not is_foreign(asked(HOST, site(value)), PROXIES)
    assert not is_foreign_websocket(asked(HOST, site("same-origin"), own), PROXIES)


def test_no_browser_may_change_but_opens_no_websocket() -> None:
    """Programs send neither header; the websocket is for the pages, and every browser sends Origin."""
    assert not is_foreign(asked(HOST), PROXIES)
    assert is_foreign_websocket(asked(HOST), PROXIES)
    assert is_foreign_websocket(asked(HOST, site("same-origin")), PROXIES)


def test_a_listed_proxy_says_which_host_was_asked() -> None:
    """And whether the page came encrypted: then one that did not is another."""
    forwarded = ("X-Forwarded-Host", "public.example.org")
    own = [("Host", "127.0.0.1:8501"), forwarded, origin("https://public.example.org")]
    assert not is_foreign(asked(*own, peer=PROXY), PROXIES)
    assert not is_foreign_websocket(asked(*own, peer=PROXY), PROXIES)
    assert is_foreign(asked(*own), PROXIES)
    plain = [HOST, ("X-Forwarded-Proto", "https"), origin("http://jobs.example.org")]
    assert is_foreign(asked(*plain, peer=PROXY), PROXIES)
