"""The health checks for service managers and load balancers; they need no session."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable
from typing import Final

from anyio import CapacityLimiter, to_thread
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import BaseRoute, Route

from jobs_data import addresses
from jobs_data.platform.errors import NO_ANSWER
from web.answers import plain

CACHE_SECONDS: Final = 1.0
"""How long an answer is cached: any number of requests reads the databases once in this time."""

ANSWER_SECONDS: Final = 5.0
"""How long a check waits for the databases. The read goes on, and the next check gets its result."""

_HEADERS: Final = {"Cache-Control": "no-store"}


class Health:
    """Answers whether the process runs, and whether it can serve its users."""

    def __init__(
        self, why_not_ready: Callable[[], str], clock: Callable[[], float] = time.monotonic
    ) -> None:
        """Take the reason from `why_not_ready`, which is empty while all is well."""
        self._why_not_ready = why_not_ready
        self._clock = clock
        self._reading: asyncio.Task[str] | None = None
        self._valid_until = 0.0
        # A thread of its own: downloads may use all others.
        self._turn = CapacityLimiter(1)

    def routes(self) -> list[BaseRoute]:
        """Return the two routes."""
        return [
            Route(addresses.HEALTH_LIVE, self.live),
            Route(addresses.HEALTH_READY, self.ready),
        ]

    async def live(self, request: Request) -> Response:
        """Answer 200 while the process serves requests; it asks no database."""
        return plain(request, 200, "ok", _HEADERS)

    async def ready(self, request: Request) -> Response:
        """Answer 200, or 503 with the reason."""
        if self._reading is None or (self._reading.done() and self._clock() >= self._valid_until):
            self._reading = asyncio.create_task(self._read())
        try:
            # Shielded: the read goes on for the others when one stops waiting.
            reason = await asyncio.wait_for(asyncio.shield(self._reading), ANSWER_SECONDS)
        except TimeoutError:
            reason = NO_ANSWER
        return plain(request, 503 if reason else 200, reason or "ok", _HEADERS)

    async def _read(self) -> str:
        try:
            return await to_thread.run_sync(self._why_not_ready, limiter=self._turn)
        finally:
            self._valid_until = self._clock() + CACHE_SECONDS
