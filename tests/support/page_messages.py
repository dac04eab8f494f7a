"""Messages of Streamlit's page to its server."""

from typing import Any

from streamlit.proto.BackMsg_pb2 import BackMsg

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
        widget = message.rerun_script.widget_states.widgets.add(id=ids.get(name, f"$$ID-0-{name}"))
        if name == "button":
            widget.trigger_value = value
        elif name.endswith("timer"):
            widget.json_value = value
        else:
            widget.string_value = value
    return {"type": "websocket.receive", "bytes": message.SerializeToString()}
