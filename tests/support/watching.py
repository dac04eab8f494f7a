"""A page of the app as the browser's side of Streamlit's websocket protocol sees it, undrawn."""

from __future__ import annotations

import asyncio
import json
import time
from collections import Counter
from dataclasses import dataclass, field
from typing import Final
from urllib.parse import urlsplit

from streamlit.proto.BackMsg_pb2 import BackMsg
from streamlit.proto.Element_pb2 import Element
from streamlit.proto.ForwardMsg_pb2 import ForwardMsg
from websockets.asyncio.client import ClientConnection, connect

from web.sessions import COOKIE

PATIENCE: Final = 60.0


class NotShown(Exception):
    """A run of the page ended with an error, or without its timer."""


@dataclass
class Run:
    """What a message to the app was answered with."""

    seconds: float = 0.0
    elements: list[Element] = field(default_factory=list)

    @property
    def kinds(self) -> Counter[str]:
        """Return how many elements of each kind it sent."""
        return Counter(element.WhichOneof("type") or "" for element in self.elements)

    def button(self, name: str) -> str:
        """Return the id of a button that is enabled, by its key or label; empty without one."""
        buttons = [each.button for each in self.elements if not each.button.disabled]
        return next((b.id for b in buttons if b.id.endswith(f"-{name}") or b.label == name), "")

    def texts(self) -> str:
        """Return what its captions, alerts and components say, on lines."""
        texts = []
        for each in self.elements:
            texts += [each.markdown.body, each.alert.body, each.bidi_component.json]
        return "\n".join(filter(None, texts))


class Watcher:
    """One session: a websocket, opened and spoken to as the browser's side of Streamlit does."""

    def __init__(self, address: str, cookie: str) -> None:
        """Watch the list at an address, as the session of a cookie."""
        parts = urlsplit(address)
        self._origin = f"{parts.scheme}://{parts.netloc}"
        self._address = f"ws://{parts.netloc}{parts.path}/_stcore/stream"
        self._list_address = address
        self._cookie = cookie
        self._page, self._query = "", "auto=true"
        self._connection: ClientConnection
        self._timer = self._fragment = self._list = self._script = ""
        self._count = 0
        self._known: dict[str, ForwardMsg] = {}

    async def open(self) -> Run:
        """Connect and run the page for the first time, until its timer is mounted."""
        self._connection = await connect(
            self._address,
            origin=self._origin,  # type: ignore[arg-type]
            additional_headers={"Cookie": f"{COOKIE}={self._cookie}"},
            # The browser puts its XSRF token second, and the session to come back to third.
            subprotocols=["streamlit", "PLACEHOLDER_AUTH_TOKEN"],  # type: ignore[list-item]
            max_size=None,
            proxy=None,
            open_timeout=PATIENCE,
        )
        run = await self.run(is_whole=True)
        if not self._timer:
            raise NotShown(f"the page came without its timer: {run.kinds}")
        return run

    async def close(self) -> None:
        """Leave."""
        if hasattr(self, "_connection"):
            await self._connection.close()

    async def visit(self, page: str = "", query: str = "auto=true") -> Run:
        """Go to another page, by the end of its address, or to the list. Raises NotShown."""
        self._page, self._query, self._script = page, query, ""
        return await self.run(is_whole=True)

    async def run(self, *, is_whole: bool = False, is_press: bool = False, button: str = "") -> Run:
        """Send what the timer sends, and return what came until the run had ended.

        With `is_press` the list runs, as after a press on it; with `is_whole` all of the page, as after
        Back, or after a press on the button with an id. Raises NotShown.
        """
        message = BackMsg()
        asked = message.rerun_script
        asked.query_string = self._query
        asked.page_script_hash = self._script
        if not self._script:
            asked.page_name = self._page
        asked.context_info.timezone = "UTC"
        asked.context_info.locale = "en-GB"
        asked.context_info.url = f"{self._list_address}/{self._page}?{self._query}"
        asked.cached_message_hashes.extend(self._known)
        if not is_whole:
            asked.fragment_id = self._list if is_press else self._fragment
        if self._timer and not (is_press or button):
            self._count += 1
            timer = asked.widget_states.widgets.add()
            timer.id = self._timer
            timer.json_value = json.dumps(self._count)
        if button:
            asked.widget_states.widgets.add(id=button, trigger_value=True)
        run, began = Run(), time.monotonic()
        await self._connection.send(message.SerializeToString())
        is_running = True
        while is_running:
            received = ForwardMsg()
            raw = await asyncio.wait_for(self._connection.recv(), PATIENCE)
            received.ParseFromString(raw if isinstance(raw, bytes) else raw.encode())
            if received.WhichOneof("type") == "ref_hash":
                received = self._known[received.ref_hash]
            elif received.metadata.cacheable:
                self._known[received.hash] = received
            if received.WhichOneof("type") == "script_finished":
                # One that has ended for a rerun is followed by that rerun.
                is_running = received.script_finished == ForwardMsg.FINISHED_EARLY_FOR_RERUN
            else:
                self._note(received, run)
        run.seconds = time.monotonic() - began
        if run.kinds["exception"]:
            raise NotShown(f"a run ended with {run.kinds}")
        return run

    def _note(self, message: ForwardMsg, run: Run) -> None:
        if message.WhichOneof("type") == "navigation":
            self._script = message.navigation.page_script_hash
        if message.WhichOneof("type") != "delta" or message.delta.WhichOneof("type") != "new_element":
            return
        element = message.delta.new_element
        run.elements.append(element)
        self._list = self._list or message.delta.fragment_id
        if element.WhichOneof("type") == "component_instance":
            self._timer = element.component_instance.id
            self._fragment = message.delta.fragment_id
