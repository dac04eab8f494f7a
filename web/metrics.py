"""The figures for a monitoring system: for those with the token, or at a listed address."""

from __future__ import annotations

import hmac
from collections.abc import Awaitable, Callable, Sequence
from typing import TYPE_CHECKING, Final

from anyio import CapacityLimiter, to_thread
from starlette.datastructures import Headers
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import BaseRoute, Route
from starlette.types import Scope

from jobs_data import addresses
from jobs_data.settings import Network
from web import peers
from web.answers import plain

if TYPE_CHECKING:  # it loads the whole data layer
    from jobs_data.monitoring.metrics import Metrics
    from jobs_data.services import Services

OFF: Final = (
    "Metrics are off. Set HERATIO_JOBS_METRICS_TOKEN or HERATIO_JOBS_METRICS_NETWORKS to serve them."
)
NOT_ALLOWED: Final = (
    "Metrics need the token in HERATIO_JOBS_METRICS_TOKEN as a Bearer token, or an address in "
    "HERATIO_JOBS_METRICS_NETWORKS."
)

_NO_STORE: Final = {"Cache-Control": "no-store"}
_FORWARDED: Final = ("x-forwarded-", "x-real-ip", "forwarded", "via")
"""How the headers begin that proxies add."""


class MetricsRoute:
    """Answers with the figures that `Metrics` renders."""

    def __init__(
        self,
        metrics: Metrics | None,
        services: Callable[[], Awaitable[Services]],
        token: str = "",
        networks: Sequence[Network] = (),
        proxies: Sequence[Network] = (),
    ) -> None:
        """Serve metrics to those with the token, and to the networks; None if they are off.

        `services` returns the services once they are loaded.
        """
        self._metrics = metrics
        self._services = services
        self._token = token.encode()
        self._networks = networks
        self._proxies = proxies
        # One at a time, and in a thread of its own: downloads may use all others.
        self._turn = CapacityLimiter(1)

    def routes(self) -> list[BaseRoute]:
        """Return the route."""
        return [Route(addresses.METRICS, self.metrics)]

    async def metrics(self, request: Request) -> Response:
        """Answer 200 and the figures, 403, or 404 while they are off."""
        if self._metrics is None:
            return plain(request, 404, OFF, _NO_STORE)
        if not (self._has_token(request) or self._is_listed(request.scope)):
            return plain(request, 403, NOT_ALLOWED, _NO_STORE)
        services = await self._services()
        body, content_type = await to_thread.run_sync(
            self._metrics.render, services, request.headers.get("accept", ""), limiter=self._turn
        )
        return Response(body, headers={**_NO_STORE, "Content-Type": content_type})

    def _has_token(self, request: Request) -> bool:
        scheme, _, token = request.headers.get("authorization", "").partition(" ")
        is_bearer = bool(self._token) and scheme.lower() == "bearer"
        return is_bearer and hmac.compare_digest(token.strip().encode("latin-1"), self._token)

    def _is_listed(self, scope: Scope) -> bool:
        """Return whether the client's address is in the networks.

        Every request through a proxy comes from the proxy's address. So if the proxy is not trusted,
        no address counts.
        """
        if peers.is_listed(peers.peer_of(scope), self._proxies):
            return peers.is_listed(peers.client_of(scope, self._proxies), self._networks)
        if any(name.startswith(_FORWARDED) for name in Headers(scope=scope)):
            return False
        return peers.is_listed(peers.peer_of(scope), self._networks)
