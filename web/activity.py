"""Separates user actions from what an open page does by itself: only actions keep a session alive.

Streamlit does not report this, so its messages are parsed. A fragment's timer is marked
(`is_auto_rerun`); a component that acts by itself sends its own new value.
"""

from __future__ import annotations

from typing import Final

from google.protobuf.message import DecodeError
from starlette.types import Message, Scope
from streamlit.proto.BackMsg_pb2 import BackMsg

from jobs_data import addresses

AUTOMATIC_KEYS: Final = ("timer", "tab", "problem_timer", "problem_tab", "visit")
"""The keys of the components that act by themselves: auto refresh, the watcher of the tab, and the
memory of the last visit."""

_TRIGGERS: Final = (
    "trigger_value",
    "string_trigger_value",
    "json_trigger_value",
    "chat_input_value",
)

_AUTOMATIC_PATHS: Final = tuple(
    f"{addresses.BASE}/{folder}/" for folder in ("static", "_stcore", "media", "component")
)
"""What an open page fetches by itself."""


def is_user_action(scope: Scope) -> bool:
    """Return whether an HTTP request is a user action: a page, a download, a change."""
    path = scope["path"]
    return path != addresses.SESSION_CHECK and not path.startswith(_AUTOMATIC_PATHS)


class PageActivity:
    """Reads what one open page sends over its websocket."""

    def __init__(self) -> None:
        """Expect the first message, which a page sends by itself whenever it connects."""
        self._before: dict[str, bytes] | None = None

    def is_user_action(self, message: Message) -> bool:
        """Return whether a message is a user action; call it for each message in turn."""
        sent = BackMsg()
        try:
            sent.ParseFromString(message.get("bytes") or b"")
        except DecodeError:
            return False
        if sent.WhichOneof("type") != "rerun_script":
            return False
        widgets = sent.rerun_script.widget_states.widgets
        before, now = self._before, {each.id: each.SerializeToString() for each in widgets}
        self._before = now
        if before is None or sent.rerun_script.is_auto_rerun:
            return False
        if any(each.WhichOneof("value") in _TRIGGERS for each in widgets):
            return True
        changed = {widget for widget, value in now.items() if before.get(widget) != value}
        by_itself = {widget for widget in changed if widget.rpartition("-")[2] in AUTOMATIC_KEYS}
        # Where a component acted by itself, a widget that was not there before is new on the page.
        return not by_itself or any(widget in before for widget in changed - by_itself)
