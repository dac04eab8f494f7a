"""Finding jobs without a mouse: search, filters, chips, order, a number, and back."""

import re
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path

import pytest
from playwright.sync_api import Locator, Page, expect

from tests.support.app_servers import AppServers
from tests.support.screen import Windows
from tests.support.steps import (
    assert_nothing_went_wrong,
    download,
    expect_jobs,
    names,
    query,
    tab_to,
)
from tests.support.store import NOON, Store


@pytest.fixture
def small_store(tmp_path: Path) -> Iterator[Store]:
    """Give a platform database on SQLite with a few jobs of two owners, a day apart."""
    file = tmp_path / "jobs.sqlite"
    file.touch()
    store = Store(f"sqlite:///{file}")
    ada, bob = store.user("ada", en="Ada"), store.user("bob", en="Bob <b>*x*</b>")
    for day, (name, owner) in enumerate(
        [("import c", ada), ("import a", ada), ("import b", bob), ("export", ada), ("50%_import", bob)]
    ):
        store.job(name, 184 + day % 2, NOON - timedelta(days=day), user_id=owner)
    yield store
    store.engine.dispose()


def test_jobs_are_found_by_keyboard(
    small_store: Store, app_server: AppServers, new_page: Windows
) -> None:
    """Each step is in the address, so that a reload shows the same."""
    address = app_server(HERATIO_JOBS_DATABASE_URL=small_store.url)
    screen = new_page()
    page = screen.page
    screen.open(address)
    expect_jobs(page, ["import c", "import a", "import b", "export", "50%_import"])

    type_into(page, page.get_by_role("searchbox", name="Find jobs"), "import")
    expect_jobs(page, ["import c", "import a", "import b", "50%_import"])
    expect(page.get_by_text("4 of 5 match")).to_be_visible()

    tab_to(page, page.get_by_role("button", name=re.compile("Filters")))
    page.keyboard.press("Enter")
    choose(page, page.get_by_role("combobox", name="User"), "Bob")
    expect_jobs(page, ["import b", "50%_import"])
    choose(page, page.get_by_role("combobox", name="Job name"), "import b")
    expect_jobs(page, ["import b"])
    tab_to(page, page.get_by_role("radio", name="Any").first)
    page.keyboard.press("ArrowRight")
    page.keyboard.press("ArrowRight")
    page.keyboard.press("Space")
    expect(page.get_by_text("Result file: without")).to_be_visible()
    page.wait_for_timeout(APPLIED)
    choose(page, page.get_by_role("combobox", name="Order"), "Name Z", is_typed=False)
    expect_jobs(page, ["import b"])
    page.wait_for_timeout(APPLIED)
    page.keyboard.press("Escape")
    expect(page.get_by_role("combobox", name="User")).to_be_hidden()
    expect(page.get_by_role("columnheader", name="Job", exact=True)).to_have_attribute(
        "aria-sort", "descending"
    )
    expect(page.get_by_role("button", name="Filters · 3")).to_be_visible()
    asked = query(page)
    assert asked["result"] == "without"
    assert (asked["q"], asked["name"], asked["sort"], asked["dir"]) == (
        *("import", "import b"),
        *("name", "desc"),
    )
    page.reload()
    expect_jobs(page, ["import b"])
    expect(page.locator(".st-key-line button")).to_have_text(
        [
            *("Search: import ✕", "User: Bob <b>*x*</b> ✕", "Name: import b ✕"),
            *("Result file: without ✕", re.compile("Clear filters")),
        ]
    )

    remove(page, "Name: import b")
    expect(page.get_by_role("button", name="Name: import b")).to_have_count(0)
    remove(page, "Result file: without")
    expect_jobs(page, ["import b", "50%_import"])

    type_into(page, page.get_by_role("searchbox", name="Find jobs"), f"#{small_store.ids()[3]}")
    expect(page.get_by_role("heading", level=1)).to_have_text("export")
    tab_to(page, page.get_by_role("button", name="Back to jobs"))
    page.keyboard.press("Enter")
    expect_jobs(page, ["import b", "50%_import"])
    expect(page.get_by_role("searchbox", name="Find jobs")).to_have_value("import")

    tab_to(page, page.get_by_role("button", name="Clear filters"))
    page.keyboard.press("Enter")
    expect(names(page)).to_have_count(5)
    assert query(page) == {"sort": "name", "dir": "desc"}
    assert_nothing_went_wrong(screen)


def test_frequent_tasks_take_few_clicks(
    small_store: Store, app_server: AppServers, new_page: Windows
) -> None:
    """A job by its number one, the failed ones one, the export of a user's failed jobs three."""
    address = app_server(HERATIO_JOBS_DATABASE_URL=small_store.url)
    screen = new_page()
    page = screen.page
    search = page.get_by_role("searchbox", name="Find jobs")
    screen.open(address)
    search.click()
    page.keyboard.type(f"{small_store.ids()[3]}\n")
    expect(page.get_by_role("heading", level=1)).to_have_text("export")

    screen.open(address)
    page.get_by_role("radio", name="Failed").click()
    expect_jobs(page, ["import a", "export"])

    screen.open(address)
    expect(names(page)).to_have_count(5)
    page.evaluate(
        """() => {
            const name = Object.keys(localStorage).find((name) => name.startsWith("heratio-jobs-visit"))
            localStorage.setItem(name, ` ${Date.parse("2026-06-01T12:00Z")}`)
        }"""
    )
    for _ in range(2):  # a reload soon after belongs to the same visit
        page.reload()
        expect(page.get_by_text("Since your last visit (1 Jun")).to_be_visible()
    page.get_by_role("button", name="2 failed").click()
    expect_jobs(page, ["import a", "export"])

    screen.open(address)
    search.click()
    page.keyboard.type("ada\n")
    expect_jobs(page, ["import c", "import a", "export"])
    page.get_by_role("radio", name="Failed").click()
    expect_jobs(page, ["import a", "export"])
    exported = download(page, page.get_by_role("button", name="Export CSV")).decode()
    assert [line.split(",")[0] for line in exported.splitlines()[1:]] == ['"import a"', '"export"']
    assert_nothing_went_wrong(screen)


def type_into(page: Page, box: Locator, text: str) -> None:
    """Type into a box and press Enter."""
    tab_to(page, box)
    page.keyboard.press("Control+A")
    page.keyboard.type(text)
    page.keyboard.press("Enter")


APPLIED = 1_000
"""In milliseconds: each key has a run of its own, which draws the options of an open box again."""


def choose(page: Page, box: Locator, text: str, *, is_typed: bool = True) -> None:
    """Choose an option of a box: typed where it can be, else by its arrows."""
    tab_to(page, box)
    # What was left a moment ago is applied by a run, which draws the options again.
    expect(page.get_by_test_id("stApp")).to_have_attribute("data-test-script-state", "notRunning")
    option = page.get_by_role("option").filter(has_text=text).first
    if is_typed:
        page.keyboard.press("Control+A")
        page.keyboard.type(text)
        expect(option).to_be_visible()
    else:
        page.keyboard.press("ArrowDown")
        expect(option).to_be_visible()
        options = page.get_by_role("option")
        expect(page.locator('[role="option"][data-focused]')).to_have_count(1)
        begins, ends = options.evaluate_all(
            """(options, text) => [
                options.findIndex((option) => option.dataset.focused),
                options.findIndex((option) => option.textContent.includes(text)),
            ]""",
            text,
        )
        for _ in range(ends - begins):
            page.keyboard.press("ArrowDown")
        expect(option).to_have_attribute("data-focused", "true")
    page.keyboard.press("Enter")
    if is_typed:  # the options stay open for more; on a busy machine Tab may then not leave the box
        options = page.get_by_test_id("stMultiSelectDropdown")
        expect(options.get_by_text(text)).to_have_count(0)
        expect(options).to_be_visible()
        page.keyboard.press("Escape")
        expect(options).to_have_count(0)


def remove(page: Page, chip: str) -> None:
    """Press a chip."""
    tab_to(page, page.get_by_role("button", name=chip))
    page.keyboard.press("Enter")
