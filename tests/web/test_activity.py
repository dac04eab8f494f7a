"""What counts as a person's doing, in the messages that Streamlit's page sends."""

from typing import Any

from streamlit.proto.BackMsg_pb2 import BackMsg

from web.activity import PageActivity

TIMER = "$$ID-36f9526e5a777b7d1d2f66066c29b2e6-timer"
GRID = "$$ID-cd65ae1b174732b407995cad31de355b-grid-1"
SEARCH = "$$ID-518911c6e512fe1e58adc7c9e6346b1e-search"
BUTTON = "$$ID-718ff0aa6172d4d1cf461132423df4bd-None"


def rerun(page: str = "list", *, auto: bool = False, **widgets: Any) -> dict[str, Any]:
    """Return what an ASGI server hands over of a page that asks for a run with some widgets."""
    message = BackMsg()
    message.rerun_script.page_script_hash = page
    message.rerun_script.is_auto_rerun = auto
    ids = {"timer": TIMER, "grid": GRID, "search": SEARCH, "button": BUTTON}
    for name, value in widgets.items():
        widget = message.rerun_script.widget_states.widgets.add(id=ids[name])
        if name == "button":
            widget.trigger_value = value
        elif name == "timer":
            widget.json_value = value
        else:
            widget.string_value = value
    return {"type": "websocket.receive", "bytes": message.SerializeToString()}


def test_a_page_by_itself_is_nobody() -> None:
    """Connecting, auto refresh, new rows, and a fragment's timer: whatever comes first or again."""
    page = PageActivity()
    assert not page.is_by_person(rerun())
    assert not page.is_by_person(rerun(search="", timer="1"))
    assert not page.is_by_person(rerun(search="", timer="2", grid="nothing"))
    assert not page.is_by_person(rerun(search="", timer="3", grid="nothing"))
    assert not page.is_by_person(rerun(auto=True, search="", timer="3"))
    heartbeat = BackMsg(app_heartbeat=True).SerializeToString()
    for odd in (heartbeat, b"", b"\xff" * 9, b"ping"):
        assert not page.is_by_person({"type": "websocket.receive", "bytes": odd})
    assert not page.is_by_person({"type": "websocket.receive", "text": "ping"})
    assert not page.is_by_person({"type": "websocket.disconnect", "code": 1000})
    # Connected anew, a page first sends all its widgets.
    assert not PageActivity().is_by_person(rerun(search="import", timer="3"))


def test_a_person_is_noticed() -> None:
    """A text, a button, twice the same button, another page, and a press amid the timer's message."""
    page = PageActivity()
    page.is_by_person(rerun(search="", timer="1"))
    for did in (
        rerun(search="import", timer="1"),
        rerun(search="import", timer="1", button=True),
        rerun(search="import", timer="1", button=True),
        rerun(search="import", timer="2", button=True),
        rerun(search="export", timer="3"),
        rerun("report"),
        rerun("report"),
    ):
        assert page.is_by_person(did)
