"""What counts as a person's doing, in the messages that Streamlit's page sends."""

from streamlit.proto.BackMsg_pb2 import BackMsg

from tests.support.page_messages import rerun
from web.activity import PageActivity


def test_a_page_by_itself_is_nobody() -> None:
    """Connecting, auto refresh, new rows, and a fragment's timer: whatever comes first or again."""
    page = PageActivity()
    assert not page.is_user_action(rerun())
    assert not page.is_user_action(rerun(search="", timer="1"))
    assert not page.is_user_action(rerun(search="", timer="2", grid="nothing"))
    assert not page.is_user_action(rerun(search="", timer="3", grid="nothing"))
    assert not page.is_user_action(rerun(auto=True, search="", timer="3"))
    heartbeat = BackMsg(app_heartbeat=True).SerializeToString()
    for odd in (heartbeat, b"", b"\xff" * 9, b"ping"):
        assert not page.is_user_action({"type": "websocket.receive", "bytes": odd})
    assert not page.is_user_action({"type": "websocket.receive", "text": "ping"})
    assert not page.is_user_action({"type": "websocket.disconnect", "code": 1000})
    assert not page.is_user_action(rerun(search="", problem_timer="1"))
    assert not page.is_user_action(rerun(search="", problem_timer="2"))
    # Connected anew, a page first sends all its widgets.
    assert not PageActivity().is_user_action(rerun(search="import", timer="3"))


def test_a_person_is_noticed() -> None:
    """A text, a button, twice the same button, another page, and a press amid the timer's message."""
    page = PageActivity()
    page.is_user_action(rerun(search="", timer="1"))
    for did in (
        rerun(search="import", timer="1"),
        rerun(search="import", timer="1", button=True),
        rerun(search="import", timer="1", button=True),
        rerun(search="import", timer="2", button=True),
        rerun(search="export", timer="3"),
        rerun("report"),
        rerun("report"),
    ):
        assert page.is_user_action(did)
