"""The screen of the API tokens, run without a browser."""

import pytest
from streamlit.testing.v1 import AppTest

from jobs_data.accounts.accounts import Right
from jobs_data.accounts.tokens import MOST_USABLE, Scope
from jobs_data.store.audit_entries import list_entries
from pages.parts.shared.services import get_services
from tests.support.pages import fire, introduce, press, rows, show, words
from tests.support.store import Store

HOSTILE = "[no](link) *b* <b>"

pytestmark = pytest.mark.usefixtures("served")


def make(app: AppTest, name: str) -> AppTest:
    """Fill in the form and press its button."""
    app.text_input(key="token_name").set_value(name)
    press(app, "Make token")
    return app


@pytest.mark.usefixtures("administrator")
def test_a_token_is_shown_once_and_can_be_revoked() -> None:
    """With the right to read alone, unless the other is chosen; its name is shown as it is."""
    app = make(show("tokens.py"), HOSTILE)
    [code] = app.code
    found = get_services().tokens.find(code.value)
    assert found
    assert (found.name, found.scope, found.user_id) == (HOSTILE, Scope.READ, 1)
    assert code.value not in str(app.session_state["token_name"])
    press(app, "Done")
    assert not app.code
    [row] = rows(app, "tokens")
    assert (row["name"], row["state"], row["scope"]) == (HOSTILE, "Active", "Read")
    fire(app, "pressed", {"row": str(found.id), "action": "delete"}, "tokens")
    assert not get_services().tokens.newest()[0].revoked_at  # the question is still open
    press(app, "Revoke")
    services = get_services()
    assert services.tokens.newest()[0].revoked_at
    services.audit.flush()
    revoked, made = list_entries(services.store, None, "", 1, 9).items
    assert {each.details["token_id"] for each in (made, revoked)} == {found.id}
    assert [(each.event, each.user_id, each.details["token"]) for each in (made, revoked)] == [
        ("token-made", 1, HOSTILE),
        ("token-revoked", 1, HOSTILE),
    ]
    assert code.value not in f"{made}{revoked}"
    assert rows(show("tokens.py"), "tokens")[0]["state"] == "Revoked"


@pytest.mark.usefixtures("administrator")
def test_without_a_name_or_the_right_none_is_made(store: Store) -> None:
    """Each says why; the database is asked for the right when the button is pressed."""
    app = show("tokens.py")
    assert "There are no tokens" in words(app)
    assert "name" in words(make(app, "  "))
    store.leave_groups(1)
    assert "may not" in words(make(app, "nightly"))
    assert get_services().tokens.newest() == []


@pytest.mark.usefixtures("administrator")
def test_an_account_without_the_right_has_refused_tokens(store: Store) -> None:
    """The screen says so, and that an account has as many as it can have."""
    tokens = get_services().tokens
    other = get_services().rights.read(store.account("eve", 100))
    assert other
    tokens.make(other, "nightly", Scope.READ, 30)
    assert rows(show("tokens.py"), "tokens")[0]["state"] == "Active"
    store.leave_groups(other.id)
    app = show("tokens.py")
    assert rows(app, "tokens")[0]["state"] == "Refused"
    assert "no administrator now" in words(app)
    own = get_services().rights.read(1)
    assert own
    for number in range(MOST_USABLE):
        tokens.make(own, f"{number}", Scope.READ, 30)
    assert "limit" in words(make(app, "one more"))
    assert not app.code


def test_a_reader_sees_none(monkeypatch: pytest.MonkeyPatch) -> None:
    """Nor the tokens of others. The page says that administrators make them."""
    introduce(monkeypatch, Right.ADMINISTRATOR)
    make(show("tokens.py"), "nightly")
    introduce(monkeypatch, Right.READER, who=2)
    app = show("tokens.py")
    assert "administrator" in words(app)
    assert not app.text_input
    assert "nightly" not in str(app._tree)
