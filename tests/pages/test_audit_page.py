"""The screen of the audit log, run without a browser."""

import pytest

from jobs_data.audit import Actor, Event
from jobs_data.store.audit_entries import list_entries
from pages.parts.audit.entries import LABELS, to_csv
from pages.parts.shared.services import get_services
from tests.support.pages import press, show, table, words
from tests.support.store import Store

pytestmark = pytest.mark.usefixtures("served")
HOSTILE = "=cmd()\u202e[no](link)"


@pytest.mark.usefixtures("reader")
def test_readers_see_nothing(store: Store) -> None:
    """They learn whom to ask, at the address of the page too."""
    get_services().audit.write(Event.SIGN_IN, Actor(HOSTILE, 7))
    app = show("audit.py")
    assert "Only administrators" in words(app)
    assert not table(app, "Audit log")


@pytest.mark.usefixtures("administrator")
def test_entries_are_filtered_by_event_and_user(store: Store) -> None:
    """Newest first; an empty list says why, and hostile names stay text, also as CSV."""
    assert "There are no entries yet" in words(show("audit.py"))
    audit = get_services().audit
    audit.write(Event.SIGN_IN, Actor(HOSTILE, 7, "192.0.2.1", "r1"), right="reader")
    audit.write(Event.REMOVAL, Actor("bob", 8), ids=[1, 2], removed=2)
    rows = table(show("audit.py"), "Audit log")
    assert [(row["event"], row["details"]) for row in rows] == [
        ("Deletion", "ids: 1, 2 · removed: 2"),
        ("Sign-in", "right: reader"),
    ]
    assert "\u202e" not in rows[1]["user"]
    assert len(table(show("audit.py", event="removal"), "Audit log")) == 1
    app = show("audit.py", user="=CMD", event="nonsense")
    assert [row["request"] for row in table(app, "Audit log")] == ["r1"]
    assert "No entry matches" in words(show("audit.py", user="x\0" * 60_000))
    app = show("audit.py", user="=cmd", event="removal")
    assert "No entry matches" in words(app)
    press(app, "Clear filters")
    assert len(table(app, "Audit log")) == 2
    exported = to_csv(list_entries(get_services().store, None, "", 1, 9).items).decode()
    assert f'"\'{HOSTILE}",7,"192.0.2.1","r1","right: reader"' in exported


def test_each_event_has_a_label() -> None:
    """Or the screen could not offer it as a filter."""
    assert set(LABELS) == set(Event)
