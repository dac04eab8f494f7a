"""Pages run by Streamlit without a browser, and what they show."""

import json
from contextlib import closing
from pathlib import Path
from typing import Any

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
PANELS = ["May be stuck", "Top errors", "By day", "By name"]
"""The titles of the statistics' panels, in their order."""


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
    parts = [app.header, app.subheader, app.markdown, app.caption, app.text]
    parts += [app.info, app.warning, app.success, app.error, app.toast]
    return "\n".join(str(element.value) for elements in parts for element in elements)


def cards(app: AppTest) -> list[str]:
    """Return the numbers on the cards."""
    return [card["value"] for card in component(app, "status")["cards"]]


def component(app: AppTest, key: str = "jobs") -> dict[str, Any]:
    """Return what a component was given; see `rows_table`."""
    [shown] = [json.loads(part.json) for part in _components(app, key)]
    data: dict[str, Any] = shown
    return data


def rows(app: AppTest, key: str = "jobs") -> list[dict[str, str]]:
    """Return the text of each cell of a table's rows, by column."""
    return [
        {
            name: cell if isinstance(cell, str) else cell.get("text", "")
            for name, cell in row["cells"].items()
        }
        for row in component(app, key)["rows"]
    ]


def names(app: AppTest) -> list[str]:
    """Return the names in the list; nothing where there is no table."""
    return [row["name"] for row in rows(app)] if _components(app, "jobs") else []


def fire(app: AppTest, event: str, value: object, key: str = "jobs") -> None:
    """Let a table of rows send a message, as a press in it does."""
    [shown] = _components(app, key)
    states = app._tree.get_widget_states()
    # Streamlit's own name of the widget that all messages of a component come through.
    states.widgets.add(
        id=f"$$STREAMLIT_INTERNAL_KEY_{shown.id}__events",
        json_trigger_value=json.dumps([{"event": event, "value": value}]),
    )
    app._run(states)
    assert not app.exception


def answer(app: AppTest, key: str, **values: object) -> None:
    """Let a component send values that it keeps, as the browser does."""
    [shown] = _components(app, key)
    states = app._tree.get_widget_states()
    states.widgets.add(id=shown.id, json_value=json.dumps(values))
    app._run(states)
    assert not app.exception


def export_menu(app: AppTest) -> dict[str, Any]:
    """Return what the export was given."""
    return component(app, "export")


def tick(app: AppTest, *names: str) -> None:
    """Tick the rows with these names, or all of the page, and leave the other ticks as they are."""
    data = component(app)
    shown = [row["id"] for row in data["rows"]]
    wanted = [row for row, cells in zip(shown, rows(app), strict=True) if cells["name"] in names]
    changed = dict.fromkeys(wanted if names else shown, True)
    fire(app, "ticked", {"changed": changed, "seq": data["seq"] + 1})


def pick_status(app: AppTest, status: str) -> None:
    """Press the card of a status: `all`, `active`, `completed` or `failed`."""
    fire(app, "picked", status, "status")


def pick_in_menu(app: AppTest, entry: str) -> None:
    """Pick an entry of the list's menu."""
    app.menu_button(key="menu").click(entry).run()
    assert not app.exception


def table(app: AppTest, label: str) -> list[dict[str, str]]:
    """Return the texts of the rows of an HTML table, each with its second line; none without it."""
    for part in app.get("bidi_component"):
        found = json.loads(part.proto.json or "null")
        if isinstance(found, dict) and found.get("label") == label:
            return [{name: _text(cell) for name, cell in row["cells"].items()} for row in found["rows"]]
    return []


def _text(cell: Any) -> str:
    return (
        cell
        if isinstance(cell, str)
        else " / ".join([cell.get("text", ""), *filter(None, [cell.get("detail")])])
    )


def log(app: AppTest) -> list[str]:
    """Return the lines that the log viewer shows, with their prefixes; none without it."""
    return [f"{prefix}{message}" for *_, prefix, message in log_data(app).get("lines", [])]


def log_data(app: AppTest) -> dict[str, Any]:
    """Return what the log viewer is given."""
    found = _components(app, "log_viewer")
    return dict(json.loads(found[0].json)) if found else {}


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


def _components(app: AppTest, key: str) -> list[Any]:
    components = [part.proto for part in app.get("bidi_component")]
    return [each for each in components if each.id.endswith(f"-{key}")]
