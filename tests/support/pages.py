"""Pages run by Streamlit without a browser, and what they show."""

from contextlib import closing
from pathlib import Path

import pytest
from streamlit.runtime.context import ContextProxy
from streamlit.testing.v1 import AppTest

from jobs_data.accounts.accounts import Right
from jobs_data.accounts.introductions import HEADER, Introduction
from jobs_data.platform import tables
from jobs_data.platform.errors import DatabaseUnavailable
from pages.parts.shared.services import get_services
from tests.support.store import Store

MAIN = Path(__file__).parents[2] / "pages" / "main.py"
RERUNS = 100
PANELS = [
    "How jobs ended",
    "Failure rate",
    "Durations",
    "Busiest hours",
    "Owners",
    "Failures, grouped",
    "Possibly stuck",
    "Since you last looked",
]
"""The titles of the report's panels, in their order."""


def introduce(monkeypatch: pytest.MonkeyPatch, right: Right | None, who: int = 1) -> None:
    """Let the pages see a header of the gate, or none."""

    def headers(_context: ContextProxy) -> dict[str, str]:
        if right is None:
            return {}
        try:
            fingerprint = fingerprint_of(who, right)
        except DatabaseUnavailable:  # a test wants it so, of a page that changes nothing
            fingerprint = "0"
        introduction = Introduction(who, "*Ada* <b>", right, "s", fingerprint, until=None)
        return {HEADER: get_services().introductions.sign(introduction)}

    monkeypatch.setattr(ContextProxy, "headers", property(headers))


def make_account(store: Store, who: int, right: Right) -> None:
    """Insert an account with an id below all others."""
    store.object("QubitUser", id=who)
    store.insert(tables.actor, id=who, source_culture="en")
    store.insert(tables.user, id=who, username="ada", active=1)
    store.join_group(who, tables.ADMINISTRATOR_GROUP_ID if right is Right.ADMINISTRATOR else 101)


def fingerprint_of(who: int, right: Right) -> str:
    """Return the fingerprint of an account of the served platform; make it where there is none."""
    services = get_services()
    if services.rights.read(who) is None:
        with closing(Store.on(services.settings.database_url)) as store:
            make_account(store, who, right)
    account = services.rights.read(who)
    assert account
    return account.fingerprint


def show(script: str = "", /, **query: str) -> AppTest:
    """Run a page with a query and return what it shows; it must not have failed."""
    app = AppTest.from_file(str(MAIN), default_timeout=30)
    for name, value in query.items():
        app.query_params[name] = value
    app.run()
    if script:
        app.switch_page(script)
        for name, value in query.items():
            app.query_params[name] = value
        app.run()
    assert not app.exception
    return app


def words(app: AppTest) -> str:
    """Return all plain text of the page."""
    parts = [app.subheader, app.markdown, app.caption, app.text]
    parts += [app.info, app.warning, app.success, app.error, app.toast]
    return "\n".join(str(element.value) for elements in parts for element in elements)


def cards(app: AppTest) -> list[str]:
    """Return the numbers on the cards."""
    return [card.value for card in app.metric]


def names(app: AppTest) -> list[str]:
    """Return the names in the table."""
    return list(app.dataframe[0].value["name"])


def press(app: AppTest, label: str) -> None:
    """Press the button with a label."""
    [button] = [button for button in app.button if button.label == label]
    button.click().run()
    assert not app.exception


def until(app: AppTest, text: str) -> None:
    """Run the page again until it says something; fail where it never does."""
    for _ in range(RERUNS):
        if text in words(app):
            return
        app.run()
    pytest.fail(f"The page never said {text!r} but:\n{words(app)}", pytrace=False)
