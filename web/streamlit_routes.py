"""What of Streamlit is served: its pages, assets and the one websocket; the rest is closed."""

from __future__ import annotations

import re
from typing import Final

from starlette.datastructures import URLPath
from starlette.routing import BaseRoute, Match, NoMatchFound
from starlette.types import Receive, Scope, Send
from starlette.websockets import WebSocketClose

from jobs_data import addresses
from web import answers

_METHODS: Final = frozenset({"GET", "HEAD"})
STREAM: Final = f"{addresses.BASE}/_stcore/stream"

# Pages are one word of letters. `media` has what a download button was given, `component` and
# `bidi-components` the scripts of components.
_SERVED: Final = re.compile(
    rf"{addresses.BASE}(/([a-z-]*|index\.html|favicon\.png|manifest\.json"
    r"|_stcore/(health|host-config)|(static|media|component|_stcore/bidi-components)/.+))?/?"
)


class NotServed(BaseRoute):
    """Answers, as the last of our routes, what Streamlit would serve but no page of ours needs.

    Its uploads, metrics, sign-in and agents among that.
    """

    def matches(self, scope: Scope) -> tuple[Match, Scope]:
        """Return a full match for all that Streamlit must not see."""
        if scope["type"] == "websocket":
            is_served = scope["path"] == STREAM
        else:
            is_served = scope["method"] in _METHODS and bool(_SERVED.fullmatch(scope["path"]))
        return (Match.NONE if is_served else Match.FULL), {}

    def url_path_for(self, name: str, /, **_params: object) -> URLPath:
        """Raise NoMatchFound: it has no address of its own."""
        raise NoMatchFound(name, {})

    async def handle(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer 404, or 405 to what is not asked for to be read."""
        if scope["type"] == "websocket":
            await WebSocketClose()(scope, receive, send)
            return
        answer = answers.not_found if scope["method"] in _METHODS else answers.method_not_allowed
        await answer(scope)(scope, receive, send)
