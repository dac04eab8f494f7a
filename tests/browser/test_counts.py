"""The counts as radio buttons: what a press sends, and what they show until it is answered."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Browser, Page, expect

from pages.parts.jobs import counts
from pages.parts.shared.elements import ELEMENTS

SHOWN = [
    {"id": each, "title": label, "value": "1", "fact": "", "words": f"{label} 1", "days": [1, 2]}
    for each, label in counts._LABELS.items()
]

MOUNT = """
const root = document.querySelector("div").attachShadow({ mode: "open" })
window.sent = []
window.show = (data, run) => {
  draw({ data, parentElement: root, setTriggerValue: (_, id) => sent.push([run, id]) })
}
"""


@pytest.fixture
def page(browser: Browser) -> Iterator[Page]:
    """Show the component alone, whose clock is the test's."""
    page = browser.new_page()
    page.clock.install(time=0)
    page.clock.pause_at(1000)
    page.set_content("<div></div>")
    script = ELEMENTS + Path(counts.__file__).with_suffix(".js").read_text("utf-8")
    script = script.replace("export default", "const draw =")
    page.add_script_tag(content=f"{{{script}\n{MOUNT}}}")
    show(page, "first", "all")
    yield page
    page.close()


def show(page: Page, run: str, current: str) -> None:
    """Draw it as a run of the list does."""
    page.evaluate("([data, run]) => show(data, run)", [{"cards": SHOWN, "current": current}, run])


def sent(page: Page) -> Any:
    """Return what was sent since the last call, each with the run whose function sent it."""
    return page.evaluate("sent.splice(0)")


def test_the_mouse_sends_at_once_and_the_keyboard_when_it_rests(page: Page) -> None:
    """Each choice is a read and an entry for Back. The function of the last run sends it."""
    page.get_by_role("radio", name="Active").click()
    assert sent(page) == [["first", "active"]]
    show(page, "second", "active")
    for _ in range(2):
        page.keyboard.press("ArrowRight")
    assert sent(page) == []
    page.clock.run_for(1000)
    assert sent(page) == [["second", "failed"]]


def test_a_press_without_an_answer_does_not_stay(page: Page) -> None:
    """The list is then still that of the choice before."""
    page.get_by_role("radio", name="Failed").click()
    expect(page.get_by_role("radio", name="Failed")).to_be_checked()
    page.clock.run_for(60_000)
    expect(page.get_by_role("radio", name="Total")).to_be_checked()
