"""Loads the pages' modules and the routes' answers in the background, after the server has started."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from concurrent.futures import Future
from dataclasses import dataclass
from typing import TYPE_CHECKING

from starlette.types import ASGIApp, Receive, Scope, Send

if TYPE_CHECKING:  # it loads the data layer
    from web.job_answers import JobAnswers


class DeferredAnswers:
    """The answers of the job routes; a thread loads them once, and requests wait for them."""

    def __init__(self, load: Callable[[], JobAnswers]) -> None:
        """Load nothing yet; `load` returns the answers."""
        self._load = load
        self._answers: Future[JobAnswers] = Future()

    def load(self) -> JobAnswers:
        """Load the answers, and return them. Raises what `load` raises, as `get` does then."""
        try:
            self._answers.set_result(self._load())
        except BaseException as error:
            self._answers.set_exception(error)
            raise
        return self._answers.result()

    def now(self) -> JobAnswers | None:
        """Return the answers, None while they are not loaded."""
        return self._answers.result() if self._answers.done() else None

    async def get(self) -> JobAnswers:
        """Return the answers once they are loaded."""
        # Shielded: they are loaded for the others when one stops waiting.
        return await asyncio.shield(asyncio.wrap_future(self._answers))


@dataclass(eq=False)
class DeferredPages:
    """ASGI middleware that lets a websocket wait until the pages' modules are loaded."""

    app: ASGIApp
    answers: DeferredAnswers

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass each request on; a websocket first waits."""
        if scope["type"] == "websocket":
            await self.answers.get()
        await self.app(scope, receive, send)
