"""Whether a request was asked for by our own pages: the one check against other sites' pages."""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Final
from urllib.parse import urlsplit

from starlette.datastructures import Headers
from starlette.types import Scope

from jobs_data.settings import Network
from web import peers

SAFE_METHODS: Final = frozenset({"GET", "HEAD", "OPTIONS"})
"""Methods that change nothing. Source: RFC 9110, section 9.2.1 (TRACE is served nowhere)."""

FOREIGN: Final = "This request came from a page of another site. Nothing was changed."

_ORIGIN: Final = re.compile(r"(?P<scheme>https?)://(?P<host>[^\s/?#@]+)")
_DEFAULT_PORTS: Final = {"http": 80, "https": 443}


def is_foreign(scope: Scope, proxies: Sequence[Network]) -> bool:
    """Return whether a request that may change something comes from another site's page.

    Source: the Fetch Metadata specification. Every current browser sends Sec-Fetch-Site, which no
    page can forge; for the others Origin has to name the host that was asked. What sends neither is
    no browser.
    """
    if scope["method"] in SAFE_METHODS:
        return False
    headers = Headers(scope=scope)
    if sites := headers.getlist("sec-fetch-site"):
        return not {"same-origin", "none"}.issuperset(sites)
    origins = headers.getlist("origin")
    return bool(origins) and not _is_own(origins, scope, proxies)


def is_foreign_websocket(scope: Scope, proxies: Sequence[Network]) -> bool:
    """Return whether a websocket is opened by anything but a page of our own.

    Source: RFC 6455, section 10.2. Every browser sends Origin, so a websocket without one is refused.
    """
    headers = Headers(scope=scope)
    return not (
        {"same-origin"}.issuperset(headers.getlist("sec-fetch-site"))
        and _is_own(headers.getlist("origin"), scope, proxies)
    )


def own_origin(scope: Scope, proxies: Sequence[Network]) -> str:
    """Return scheme and host as the client asked for them, such as `https://archives.example.org`."""
    scheme = "https" if peers.is_secure(scope, proxies) else "http"
    return f"{scheme}://{next(reversed(_hosts(scope, proxies)), '')}"


def _is_own(origins: list[str], scope: Scope, proxies: Sequence[Network]) -> bool:
    """Return whether there is one origin, and it names the host that was asked."""
    # An opaque origin is `null`, and matches as little as one with a path or a user.
    origin = _ORIGIN.fullmatch(origins[0].lower()) if len(origins) == 1 else None
    if origin is None or (origin["scheme"] == "http" and peers.is_secure(scope, proxies)):
        return False
    named = _host_and_port(origin["host"], origin["scheme"])
    asked = [_host_and_port(host, origin["scheme"]) for host in _hosts(scope, proxies)]
    return named is not None and named in asked


def _hosts(scope: Scope, proxies: Sequence[Network]) -> list[str]:
    """Return what the client asked for: Host, and what a listed proxy says that Host was."""
    headers = Headers(scope=scope)
    named = [headers.getlist("host")]
    if peers.is_listed(peers.peer_of(scope), proxies):
        named.append(headers.getlist("x-forwarded-host"))
    return [values[0] for values in named if len(values) == 1]


def _host_and_port(host: str, scheme: str) -> tuple[str | None, int] | None:
    try:
        parts = urlsplit(f"//{host}")
        return parts.hostname, parts.port or _DEFAULT_PORTS[scheme]
    except ValueError:
        return None
