"""The log of a job's output in a real browser: find, filter, links to lines, following, keyboard."""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest
from playwright.sync_api import Locator, Page, expect

from tests.support.app_servers import AppServers
from tests.support.screen import Screen, Windows
from tests.support.steps import assert_nothing_went_wrong, let_the_timer_fire, names, open_row, query
from tests.support.store import Store

ROWS = "".join(
    f"ERROR: Row {n}: No parent.\n" if n % 100 == 50 else f"Row {n} imported.\n" for n in range(1, 1001)
)
ENDING = "Import finished with 10 error(s). 990 record(s) imported.\n"


@dataclass(frozen=True)
class Platform:
    """A platform on SQLite, and the address at which the app serves it."""

    store: Store
    address: str

    def open(self, screen: Screen, job_id: int, more: str = "") -> Page:
        """Open a job's page, and return it when its log is drawn."""
        screen.open(f"{self.address}/job?id={job_id}{more}")
        expect(log(screen.page)).to_be_visible()
        return screen.page


@pytest.fixture(scope="module")
def platform_(app_server: AppServers, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Platform]:
    """Give an empty platform that all tests of this module fill."""
    file = tmp_path_factory.mktemp("database") / "jobs.sqlite"
    Path(file).touch()
    store = Store(f"sqlite:///{file}")
    yield Platform(store, app_server(HERATIO_JOBS_DATABASE_URL=store.url))
    store.engine.dispose()


def log(page: Page) -> Locator:
    """Return the box with the lines."""
    return page.locator(".log")


def line(page: Page, number: int) -> Locator:
    """Return a line by its number."""
    return page.locator(f'a.n[data-n="{number}"]').locator("..")


def expect_in_sight(page: Page, number: int) -> None:
    """Wait until a line is in sight in the box, and stays there."""
    line(page, number).wait_for(state="attached")
    box = log(page).element_handle()
    page.wait_for_function(
        """([row, log]) => {
            const [line, box] = [row, log].map((each) => each.getBoundingClientRect())
            return line.height > 0 && line.top >= box.top - 1 && line.bottom <= box.bottom + 1
        }""",
        arg=[line(page, number).element_handle(), box],
    )


def test_the_failed_rows_are_two_clicks_from_the_list(platform_: Platform, new_page: Windows) -> None:
    """The first opens the job, at its first error and with the rows; the second shows a row's line."""
    job_id = platform_.store.job("Import: rows.csv", output=ROWS + ENDING)
    screen = new_page()
    page = screen.page
    screen.open(f"{platform_.address}?q=rows.csv")
    open_row(page, "Import: rows.csv")
    expect(page.get_by_text("Completed with 10 errors")).to_be_visible()
    expect_in_sight(page, 50)
    expect(names(page, "Errors of rows")).to_have_text(["No parent."] * 10)
    names(page, "Errors of rows").nth(6).click()
    expect(line(page, 650)).to_have_attribute("aria-current", "true")
    expect_in_sight(page, 650)
    assert query(page) == {"q": "rows.csv", "id": str(job_id), "line": "650"}
    page.get_by_role("button", name="Refresh").click()
    expect_in_sight(page, 650)
    assert_nothing_went_wrong(screen)


def test_words_are_found_and_counted(platform_: Platform, new_page: Windows) -> None:
    """Next and previous by button and by key, around the ends, and only in the lines shown."""
    job_id = platform_.store.job(output=ROWS + ENDING)
    screen = new_page()
    page = platform_.open(screen, job_id)
    find, count = page.get_by_label("Find in the log"), page.locator(".count")
    log(page).focus()
    page.keyboard.press("/")
    expect(find).to_be_focused()
    page.keyboard.type("ROW 99")
    expect(count).to_have_text("1 of 11")
    page.keyboard.press("Shift+Enter")
    expect(count).to_have_text("11 of 11")
    expect_in_sight(page, 999)
    page.keyboard.press("Enter")
    expect(count).to_have_text("1 of 11")
    expect_in_sight(page, 99)
    page.get_by_role("button", name="Match below").click()
    expect(count).to_have_text("2 of 11")
    assert page.evaluate("[...CSS.highlights.get('log-match-now')].map(String)") == ["Row 99"]
    find.fill("row 95")
    expect(count).to_have_text(re.compile(r"of 11$"))
    page.get_by_role("button", name="Only errors (10)").click()
    expect(count).to_have_text("1 match")
    expect(line(page, 50)).to_be_visible()
    expect(line(page, 51)).to_be_hidden()
    expect(page.get_by_role("button", name="Copy 10 lines")).to_be_visible()
    find.fill("no such word.*")
    expect(count).to_have_text("No match")
    expect(page.get_by_role("button", name="Match below")).to_be_disabled()
    find.press("Escape")
    expect(find).to_have_value("")
    assert_nothing_went_wrong(screen)


def test_a_link_to_a_line_can_be_shared(platform_: Platform, new_page: Windows) -> None:
    """The press copies it; in another tab it opens at that line, also far from a long output's end."""
    job_id = platform_.store.job(output="".join(f"line {n} {'x' * 200}\n" for n in range(1, 4_001)))
    screen = new_page()
    page = platform_.open(screen, job_id)
    page.context.grant_permissions(["clipboard-read", "clipboard-write"])
    expect_in_sight(page, 4_000)
    page.get_by_role("button", name="Go to the beginning").click()
    expect_in_sight(page, 1)
    page.get_by_role("link", name="Link to line 7", exact=True).click()
    expect(page.get_by_text("Link to line 7 copied.")).to_be_visible()
    link = page.evaluate("navigator.clipboard.readText()")
    assert link == page.url == f"{platform_.address}/job?id={job_id}&line=7"
    other = new_page()
    other.open(link)
    expect(line(other.page, 7)).to_have_attribute("aria-current", "true")
    expect_in_sight(other.page, 7)
    # By keyboard: lines get their height when they come into sight, and move the button from a pointer.
    other.page.get_by_role("button", name="Go to the end").press("Enter")
    expect_in_sight(other.page, 4_000)
    first = int(other.page.locator("a.n").first.get_attribute("data-n") or 0)
    other.page.get_by_role("button", name="Show earlier lines").click()
    expect(line(other.page, first - 500)).to_be_attached()
    expect_in_sight(other.page, first)
    for each in (screen, other):
        assert_nothing_went_wrong(each)


def test_the_keyboard_reaches_each_line(platform_: Platform, new_page: Windows) -> None:
    """One number is a step of Tab, the arrows lead to the others, Enter copies the link."""
    job_id = platform_.store.job(output=ROWS)
    screen = new_page()
    page = platform_.open(screen, job_id, "&line=300")
    expect_in_sight(page, 300)
    log(page).focus()
    page.keyboard.press("Tab")
    expect(page.get_by_role("link", name="Link to line 300", exact=True)).to_be_focused()
    page.keyboard.press("ArrowDown")
    page.keyboard.press("ArrowDown")
    page.keyboard.press("ArrowUp")
    page.keyboard.press("Enter")
    expect(line(page, 301)).to_have_attribute("aria-current", "true")
    assert query(page)["line"] == "301"
    assert_nothing_went_wrong(screen)


def test_a_running_job_is_followed_until_one_scrolls_up(platform_: Platform, new_page: Windows) -> None:
    """A refresh keeps what is typed, the place, and the selection; a button follows again."""
    lines = [f"line {n} is written\n" for n in range(1, 401)]
    job_id = platform_.store.job(status_id=183, output="".join(lines[:200]))
    screen = new_page()
    screen.page.clock.install()
    page = platform_.open(screen, job_id)
    expect_in_sight(page, 200)

    def write(count: int) -> None:
        platform_.store.set_job(job_id, output="".join(lines[:count]))
        let_the_timer_fire(page)
        expect(line(page, count)).to_be_attached()

    write(260)
    expect_in_sight(page, 260)
    log(page).hover()
    page.mouse.wheel(0, -1500)
    follow = page.get_by_role("button", name="Follow", exact=True)
    expect(follow).to_have_attribute("aria-pressed", "false")
    page.get_by_label("Find in the log").fill("line 190 is")
    expect_in_sight(page, 190)
    line(page, 190).locator(".text").evaluate("each => getSelection().selectAllChildren(each)")
    write(320)
    expect_in_sight(page, 190)
    expect(page.get_by_label("Find in the log")).to_have_value("line 190 is")
    expect(page.locator(".count")).to_have_text("1 of 1")
    assert page.evaluate("String(getSelection())").strip() == "line 190 is written"
    follow.click()
    expect_in_sight(page, 320)
    write(400)
    expect_in_sight(page, 400)
    assert_nothing_went_wrong(screen)


def test_a_log_of_many_lines_is_fast(platform_: Platform, new_page: Windows) -> None:
    """Its lines are all there, laid out only where they are in sight."""
    job_id = platform_.store.job(output="".join(f"{n}\n" for n in range(1, 12_001)))
    screen = new_page()
    page = platform_.open(screen, job_id)
    expect_in_sight(page, 12_000)
    page.get_by_label("Find in the log").fill("1")
    expect(page.locator(".count")).to_have_text(re.compile(" of "))
    assert page.locator(".row").count() == 12_000
    assert page.locator(".chunk").first.evaluate(
        "each => !each.firstElementChild.checkVisibility({contentVisibilityAuto: true})"
    )
    assert_nothing_went_wrong(screen)
