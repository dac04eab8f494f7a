"""Who makes a request: the peer, the client that a proxy speaks for, or a program with a token."""

from __future__ import annotations

import os
from collections.abc import Sequence
from ipaddress import IPv4Address, IPv6Address, ip_address
from typing import Final

from starlette.datastructures import Headers
from starlette.types import Scope

from jobs_data.accounts.tokens import PREFIX
from jobs_data.settings import Network

_LOOPBACK: Final = "127.0.0.1"


def peer_of(scope: Scope) -> str | None:
    """Return the address that the connection comes from, None where it cannot be known.

    uvicorn has replaced a loopback peer by what X-Forwarded-For says before we see it, so an address
    that stands in that header is a claim. One without a port, which every connection has, was
    written there by a peer whose claims uvicorn takes (FORWARDED_ALLOW_IPS): by default the loopback
    address; any other choice leaves the peer unknown. One with a port may as well be the peer itself,
    that tells its own address to pass for the loopback one.
    """
    client = scope.get("client")
    if not client:
        return None
    host, port = client
    if port == 0:
        believed = os.environ.get("FORWARDED_ALLOW_IPS", _LOOPBACK)
        return _LOOPBACK if believed == _LOOPBACK else None
    return None if host in _forwarded_for(scope) else str(host)


def is_listed(address: str | None, proxies: Sequence[Network]) -> bool:
    """Return whether an address is that of one of the listed proxies."""
    parsed = _parsed(address)
    return parsed is not None and any(parsed in network for network in proxies)


def client_of(scope: Scope, proxies: Sequence[Network]) -> str:
    """Return the address of the person behind a request, for the count of failed sign-ins.

    A listed proxy is believed about whom it speaks for: the last address it did not add itself.
    """
    if is_listed(peer_of(scope), proxies):
        for address in reversed(_forwarded_for(scope)):
            if _parsed(address) and not is_listed(address, proxies):
                return address
    client = scope.get("client")
    return str(client[0]) if client else ""


def token_of(scope: Scope) -> str | None:
    """Return the token of ours that a request has; None without one.

    A proxy may send a token of its own with each request, which is not ours to judge.
    """
    values = Headers(scope=scope).getlist("authorization")
    scheme, _, value = values[0].partition(" ") if len(values) == 1 else ("", "", "")
    is_ours = scheme.lower() == "bearer" and value.strip().startswith(PREFIX)
    return value.strip() if is_ours else None


def is_secure(scope: Scope, proxies: Sequence[Network]) -> bool:
    """Return whether the person's connection is encrypted, to us or to a proxy that says so."""
    if scope.get("scheme") in {"https", "wss"}:
        return True
    said = Headers(scope=scope).get("x-forwarded-proto", "").strip().lower()
    return said in {"https", "wss"} and is_listed(peer_of(scope), proxies)


def _forwarded_for(scope: Scope) -> list[str]:
    values = Headers(scope=scope).getlist("x-forwarded-for")
    return [_host(part) for value in values for part in value.split(",")]


def _host(text: str) -> str:
    """Return an address without the port that some proxies write behind it."""
    text = text.strip()
    if text.startswith("["):
        return text[1:].partition("]")[0]
    return text.partition(":")[0] if text.count(":") == 1 else text


def _parsed(address: str | None) -> IPv4Address | IPv6Address | None:
    try:
        parsed = ip_address(address or "")
    except ValueError:
        return None
    return getattr(parsed, "ipv4_mapped", None) or parsed
