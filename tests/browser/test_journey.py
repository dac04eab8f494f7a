"""The day's work of the jobs screen, walked from end to end in a real browser on the real app."""

import csv
import io
import re
from collections.abc import Sequence
from datetime import datetime, timedelta
from pathlib import Path
from urllib.parse import urljoin

from playwright.sync_api import Locator, Page, expect
from sqlalchemy import select

from jobs_data.platform.tables import job, object_
from tests.support.app_servers import AppServers, DemoSite
from tests.support.databases import on_mariadb
from tests.support.screen import Windows
from tests.support.steps import (
    assert_nothing_went_wrong,
    delete_button,
    download,
    expect_jobs,
    expect_selected,
    let_the_timer_fire,
    names,
    open_row,
    query,
    row,
    send_to_background,
    sort_by,
    tab_to,
    table,
)
from tests.support.store import NOON, Store

JOBS = 30
PAGE = 5
STATUSES = (184, 185, 184, 183, 185)
RESULT = "reference,title\r\nF1,Fonds Élise\r\n".encode()


@on_mariadb
def test_the_whole_journey(
    store: Store, app_server: AppServers, new_page: Windows, tmp_path: Path
) -> None:
    """List, filter, sort, page, report, download, back, delete, keyboard, export, clear, refresh."""
    (tmp_path / "root" / "downloads").mkdir(parents=True)
    (tmp_path / "root" / "downloads" / "result.csv").write_bytes(RESULT)
    by_date = fill(store)
    failed = sorted(name for name, status in by_date.items() if status == 185)
    address = app_server(
        HERATIO_JOBS_DATABASE_URL=store.url, HERATIO_JOBS_RESULTS_ROOT=str(tmp_path / "root")
    )
    screen = new_page()
    page = screen.page
    page.clock.install()
    screen.open(f"{address}?limit={PAGE}")
    expect_jobs(page, list(by_date)[:PAGE])

    sort_by_headers(page, list(by_date))
    find_failed_jobs_by_name(page, failed)
    read_reports(page, failed[PAGE : 2 * PAGE])
    left = delete_one(page, store, failed)
    export(page, store, left)
    an_active_job_cannot_be_deleted(page)
    choose_by_keyboard(page, store)
    clear_inactive(page, store)
    follow_new_jobs(page, store)
    assert_nothing_went_wrong(screen)


def fill(store: Store) -> dict[str, int]:
    """Insert jobs an hour apart whose names are in another order; names and statuses, newest first."""
    jobs = {f"job {number * 7 % JOBS:02}": STATUSES[number % 5] for number in range(JOBS)}
    for number, (name, status) in enumerate(jobs.items()):
        created = NOON - timedelta(hours=number)
        store.job(
            name, status, created, download_path="downloads/result.csv", output=f"output of {name}"
        )
    return jobs


def sort_by_headers(page: Page, by_date: Sequence[str]) -> None:
    """The header of a column sorts all pages, not just the rows in sight."""
    sort_by(page, "Job")
    expect_jobs(page, sorted(by_date)[:PAGE])
    assert query(page) == {"sort": "name", "limit": str(PAGE)}
    sort_by(page, "Created")
    expect_jobs(page, by_date[:PAGE])
    assert query(page) == {"limit": str(PAGE)}


def find_failed_jobs_by_name(page: Page, failed: Sequence[str]) -> None:
    """Filter, order and page are chosen around the list, and stand in its address."""
    page.get_by_role("radio", name="Failed").click()
    expect(page.get_by_text(f"1–{PAGE} of {len(failed)} jobs")).to_be_visible()
    sort_by(page, "Job")
    expect_jobs(page, failed[:PAGE])
    page.get_by_role("button", name="Next page").click()
    expect_jobs(page, failed[PAGE : 2 * PAGE])
    assert query(page) == view_of_the_second_page()


def view_of_the_second_page() -> dict[str, str]:
    """Return the query of the second page of the failed jobs by name."""
    return {"status": "failed", "sort": "name", "page": "2", "limit": str(PAGE)}


def read_reports(page: Page, shown: Sequence[str]) -> None:
    """From a row to its report, on to the next, the file down, and back to the same place."""
    heading = page.get_by_role("heading", level=1)
    open_row(page, shown[1])
    expect(heading).to_have_text(shown[1])
    expect(page.locator(".row .text")).to_have_text([f"output of {shown[1]}"])
    page.get_by_role("button", name="Next").click()
    expect(heading).to_have_text(shown[2])
    page.get_by_role("button", name="Previous").click()
    expect(heading).to_have_text(shown[1])
    assert download(page, page.get_by_role("button", name="Result")) == RESULT
    page.get_by_role("button", name="Back to jobs").click()
    expect_jobs(page, shown)
    assert query(page) == view_of_the_second_page()
    # One step there is one step back.
    open_row(page, shown[3])
    expect(heading).to_have_text(shown[3])
    page.go_back()
    expect_jobs(page, shown)
    assert query(page).items() >= view_of_the_second_page().items()


def delete_one(page: Page, store: Store, failed: Sequence[str]) -> list[str]:
    """Escape keeps the job that the dialog names, its button removes it; the failed jobs left."""
    goner = failed[PAGE + 2]
    dialog = page.get_by_role("dialog")
    jobs = store.rows(job)
    delete_button(page, goner).click()
    expect(dialog).to_contain_text(goner)
    page.keyboard.press("Escape")
    expect(dialog).to_have_count(0)
    expect_jobs(page, failed[PAGE : 2 * PAGE])
    assert store.rows(job) == jobs
    delete_button(page, goner).click()
    dialog.get_by_role("button", name="Delete", exact=True).click()
    expect(page.get_by_text("was deleted.")).to_be_visible()
    left = [name for name in failed if name != goner]
    expect_jobs(page, left[PAGE : 2 * PAGE])
    assert query(page).items() >= view_of_the_second_page().items()
    assert goner not in store.ids(column="name")
    assert store.rows(job) == jobs - 1
    return left


def export(page: Page, store: Store, failed: Sequence[str]) -> None:
    """The file holds all jobs of the filter in the list's order, as the database has them."""
    button = page.get_by_role("button", name="Export CSV")
    statement = select(job.c.name, object_.c.created_at, job.c.completed_at).join_from(
        job, object_, object_.c.id == job.c.id
    )
    with store.engine.connect() as connection:
        rows = connection.execute(statement.where(job.c.status_id == 185).order_by(job.c.name)).all()
    assert [row.name for row in rows] == failed
    assert list(csv.reader(io.StringIO(download(page, button).decode("utf-8-sig"), newline=""))) == [
        ["Name", "Status", "User", "Created", "Completed"],
        *([name, "Error", "System", iso(created), iso(completed)] for name, created, completed in rows),
    ]
    export_for_spreadsheets(page)


def export_for_spreadsheets(page: Page) -> None:
    """What is chosen for spreadsheets holds for each link, and the browser remembers it."""
    page.get_by_label("Export options").press("Enter")
    page.get_by_role("combobox", name="Separator").select_option("Semicolon")
    page.get_by_role("checkbox", name="Plain local times (UTC)").press("Space")
    page.keyboard.press("Escape")
    expect(page.get_by_role("combobox", name="Separator")).to_be_hidden()
    page.reload()
    page.get_by_label("Export options").click()
    link = page.get_by_role("link", name="CSV with five columns")
    assert read(page, link).splitlines()[0] == "Name;Status;User;Created (UTC);Completed (UTC)"
    link = page.get_by_role("link", name="CSV with all columns")
    assert read(page, link).startswith("Id;Name;")
    page.get_by_role("combobox", name="Separator").select_option("Comma")
    page.get_by_role("checkbox", name="Plain local times (UTC)").uncheck()
    page.get_by_role("heading", name="Jobs", exact=True).click()
    expect(page.get_by_role("combobox", name="Separator")).to_be_hidden()


def read(page: Page, link: Locator) -> str:
    """Return the file that a link leads to."""
    expect(link).to_have_attribute("href", re.compile("export-csv"))
    answer = page.request.get(urljoin(page.url, link.get_attribute("href")))
    assert "attachment" in answer.headers["content-disposition"]
    return answer.body().decode("utf-8-sig")


def iso(time: datetime) -> str:
    """Return a time of the database, which is in UTC, as the export writes it."""
    return f"{time:%Y-%m-%dT%H:%M:%S}+00:00"


def an_active_job_cannot_be_deleted(page: Page) -> None:
    """Where a finished job has its delete button, an active one has nothing."""
    page.get_by_role("radio", name="Active").click()
    expect(page.get_by_text(f"1–{PAGE} of 6 jobs")).to_be_visible()
    expect(names(page)).to_have_count(PAGE)
    expect(table(page).get_by_role("button", name="Delete")).to_have_count(0)


def choose_by_keyboard(page: Page, store: Store) -> None:
    """Without a mouse one filters, opens one job, and deletes two."""
    tab_to(page, page.get_by_role("radio", name="Active"))
    for key in ("ArrowRight", "Space"):
        page.keyboard.press(key)
    expect(page.get_by_role("radio", name="Completed")).to_be_checked()
    expect(table(page).get_by_role("button", name="Delete")).to_have_count(PAGE)
    first, second, third, *_ = names(page).all_text_contents()
    tab_to(page, names(page).first)
    page.keyboard.press("ArrowDown")
    page.keyboard.press("Enter")
    expect(page.get_by_role("heading", level=1)).to_have_text(second)
    tab_to(page, page.get_by_role("button", name="Back to jobs"))
    page.keyboard.press("Enter")
    expect(names(page).first).to_have_text(first)
    tab_to(page, row(page, second).get_by_role("checkbox"))
    page.keyboard.press("Space")
    page.keyboard.press("ArrowDown")
    page.keyboard.press("Space")
    expect_selected(page, "2 selected (2 finished)")
    delete = page.locator(".st-key-line").get_by_role("button", name="Delete…")
    delete.press("Enter")
    dialog = page.get_by_role("dialog")
    expect(dialog).to_contain_text(second)
    expect(dialog).to_contain_text(third)
    tab_to(page, dialog.get_by_role("button", name="Delete 2 jobs"))
    page.keyboard.press("Enter")
    expect(page.get_by_text("2 jobs deleted.")).to_be_visible()
    assert first in store.ids(column="name")
    assert not {second, third} & set(store.ids(column="name"))


def clear_inactive(page: Page, store: Store) -> None:
    """The dialog says how many will go, exactly these go, and the active jobs stay."""
    page.get_by_role("radio", name="Total").click()
    expect(page.get_by_text(f"1–{PAGE} of 27 jobs")).to_be_visible()
    pick_in_menu(page, "Delete all finished…")
    dialog = page.get_by_role("dialog")
    # Of 30 jobs 6 are active, and 3 are deleted by now.
    expect(dialog).to_contain_text("21 finished jobs")
    expect(dialog).to_contain_text("10 completed and 11 failed")
    dialog.get_by_role("button", name="21 jobs").click()
    expect(page.get_by_text("21 jobs deleted.")).to_be_visible()
    expect(page.get_by_text(f"1–{PAGE} of 6 jobs")).to_be_visible()
    assert store.ids(column="status_id") == [183] * 6


def follow_new_jobs(page: Page, store: Store) -> None:
    """With auto refresh a new job shows up by itself; a hidden tab waits, and catches up at once.

    What has the focus keeps it, and the page stays where it is.
    """
    sort_by(page, "Created")
    expect(page.get_by_role("columnheader", name="Created")).to_have_attribute(
        "aria-sort", "descending"
    )
    page.get_by_text("Auto refresh", exact=True).click()
    expect(page.get_by_text("again every 15 seconds")).to_be_visible()
    assert query(page)["auto"] == "true"
    store.job("newcomer", 183, NOON + timedelta(hours=1))
    watched = names(page).nth(2)
    name = watched.text_content()
    assert name
    watched.focus()
    page.mouse.wheel(0, 40)
    at = page.get_by_test_id("stMain").evaluate("element => element.scrollTop")
    let_the_timer_fire(page)
    expect(names(page).first).to_have_text("newcomer")
    expect(row(page, name).locator("a.main")).to_be_focused()
    assert page.get_by_test_id("stMain").evaluate("element => element.scrollTop") == at
    send_to_background(page)
    expect(page.get_by_text("auto refresh waits while this tab is in the background")).to_be_visible()
    expect(page.get_by_title("streamlit_autorefresh")).to_have_count(0)
    store.job("latecomer", 183, NOON + timedelta(hours=2))
    page.clock.fast_forward(60_000)
    expect(names(page).first).to_have_text("newcomer")
    send_to_background(page, hidden=False)
    expect(names(page).first).to_have_text("latecomer")
    expect(page.get_by_text("again every 15 seconds")).to_be_visible()


def pick_in_menu(page: Page, entry: str) -> None:
    """Pick an entry of the list's menu."""
    page.get_by_role("button", name="More").click()
    page.get_by_role("menuitem", name=entry).click()


def test_the_screens_fit_a_phone_in_the_dark(demo_site: DemoSite, new_page: Windows) -> None:
    """List, report and their dialogs are drawn, and nothing is to be scrolled sideways for them."""
    screen = new_page(width=390, height=844, color_scheme="dark")
    page = screen.page
    screen.open(f"{demo_site.address}?status=failed")
    dialog = page.get_by_role("dialog")
    expect(names(page).first).not_to_be_empty()
    assert_fits(page)
    pick_in_menu(page, "Delete all finished…")
    expect(dialog.get_by_role("button", name="Cancel")).to_be_visible()
    assert_fits(page)
    screen.open(f"{demo_site.address}/job?status=failed&id={demo_site.failed_id}")
    expect(page.get_by_role("heading", name="Output")).to_be_visible()
    expect(page.locator(".row").first).to_be_attached()
    expect(page.get_by_text(re.compile(r"^Updated \d"))).to_be_visible()
    assert_fits(page)
    page.get_by_role("button", name="Delete…").click()
    expect(dialog.get_by_role("button", name="Cancel")).to_be_visible()
    assert_fits(page)
    assert_nothing_went_wrong(screen)


def assert_fits(page: Page) -> None:
    """Fail where the page is wider than the window."""
    assert page.evaluate("document.documentElement.scrollWidth <= innerWidth")
