"""What is loaded while the server already answers: all that draws pages and answers for jobs."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from concurrent.futures import Future
from typing import TYPE_CHECKING

from starlette.types import ASGIApp, Receive, Scope, Send

if TYPE_CHECKING:  # it is what is loaded later
    from web.job_answers import JobAnswers


class Later:
    """The answers for jobs, which a thread loads once; requests that need them wait."""

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


class PagesLater:
    """ASGI middleware that lets a websocket, in which a page is drawn, wait for what draws it."""

    def __init__(self, app: ASGIApp, later: Later) -> None:
        """Hold the websockets of an app."""
        self.app = app
        self.later = later

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass everything on, a websocket once it can be served."""
        if scope["type"] == "websocket":
            await self.later.get()
        await self.app(scope, receive, send)
