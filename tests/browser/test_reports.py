"""Reports in a real browser: hostile text, long output, large files, live output, times, links."""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path

import pytest
from playwright.sync_api import Page, expect
from sqlalchemy import update

from jobs_data import wording
from jobs_data.platform import tables
from tests.support.app_servers import AppServers
from tests.support.screen import Windows
from tests.support.steps import (
    assert_nothing_went_wrong,
    download,
    let_the_timer_fire,
    names,
    query,
    table,
)
from tests.support.store import NOON, Store

HOSTILE_NAME = (
    '**bold** <img src=x onerror="window.broken = true"> [link](https://evil.example) www.evil.example '
    "=1+1 :material/delete: :red[red] $x^2$ 🎉 <script>window.broken = true</script>"
)
HOSTILE_OUTPUT = f"# Heading\n{HOSTILE_NAME}\n| a | b |\n|---|---|\n=cmd|' /C calc'!A0\n"
FILE_SIZE = 20 * 1024 * 1024 + 1


@dataclass(frozen=True)
class Platform:
    """A platform on SQLite, its web root, and the address at which the app serves it."""

    store: Store
    root: Path
    address: str

    def report(self, job_id: int) -> str:
        """Return the address of a job's report."""
        return f"{self.address}/job?id={job_id}"


@pytest.fixture(scope="module")
def platform_(app_server: AppServers, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Platform]:
    """Give an empty platform that all tests of this module fill."""
    root = tmp_path_factory.mktemp("root")
    (root / "downloads").mkdir()
    file = tmp_path_factory.mktemp("database") / "jobs.sqlite"
    file.touch()
    store = Store(f"sqlite:///{file}")
    address = app_server(HERATIO_JOBS_DATABASE_URL=store.url, HERATIO_JOBS_RESULTS_ROOT=str(root))
    yield Platform(store, root, address)
    store.engine.dispose()


def test_hostile_text_is_shown_as_it_is(platform_: Platform, new_page: Windows) -> None:
    """Nothing in a name, an owner, an error or an output becomes a link, bold, an image or a script."""
    store = platform_.store
    owner = store.user("hostile", en=HOSTILE_NAME)
    job_id = store.job(HOSTILE_NAME, 185, datetime(2030, 1, 1), user_id=owner, output=HOSTILE_OUTPUT)
    store.note(job_id, en=HOSTILE_NAME)
    screen = new_page()
    page = screen.page
    screen.open(platform_.address)
    expect(names(page).first).to_have_text(HOSTILE_NAME)
    table(page).get_by_role("button", name="Delete").first.click()
    dialog = page.get_by_role("dialog")
    expect(dialog.get_by_test_id("stText")).to_have_text(f"{HOSTILE_NAME} Job {job_id} · Error")
    assert_harmless(page)
    screen.open(platform_.report(job_id))
    expect(page.get_by_role("heading", level=1)).to_have_text(HOSTILE_NAME)
    expect(page.get_by_test_id("stText").filter(has_text=HOSTILE_NAME)).to_have_count(1)
    expect(page.get_by_test_id("stCode").first).to_have_text(HOSTILE_NAME)
    expect(page.get_by_test_id("stCode").last).to_have_text(HOSTILE_OUTPUT)
    assert_harmless(page)
    assert_nothing_went_wrong(screen)


def assert_harmless(page: Page) -> None:
    """Fail where a stranger's text has become more than text."""
    expect(page.locator("main a[href*=evil], main strong, main script, main .katex")).to_have_count(0)
    expect(page.locator("main img[src=x], main .stMarkdown table")).to_have_count(0)
    assert page.evaluate("window.broken") is None


def test_an_active_jobs_output_is_followed_live(platform_: Platform, new_page: Windows) -> None:
    """New lines appear by themselves; when the job ends its state does too, and the timer stops."""
    job_id = platform_.store.job("arLive", 183, output="line 1\n")
    screen = new_page()
    page = screen.page
    page.clock.install()
    screen.open(platform_.report(job_id))
    output = page.get_by_test_id("stCode")
    expect(output).to_have_text("line 1")
    page.get_by_text("Auto refresh", exact=True).click()
    expect(page.get_by_text("again every 15 seconds")).to_be_visible()
    set_job(platform_.store, job_id, output="line 1\nline 2\n")
    let_the_timer_fire(page)
    expect(output).to_have_text("line 1\nline 2")
    set_job(platform_.store, job_id, status_id=184, completed_at=NOON + timedelta(seconds=90))
    let_the_timer_fire(page)
    expect(page.get_by_text("1 minute and 30 seconds (completed minus created)")).to_be_visible()
    expect(page.get_by_text("this job is not active: nothing more will come")).to_be_visible()
    expect(page.get_by_title("streamlit_autorefresh")).to_have_count(0)
    assert_nothing_went_wrong(screen)


def set_job(store: Store, job_id: int, **values: object) -> None:
    """Change a job as its worker does."""
    statement = update(tables.job).where(tables.job.c.id == job_id).values(**values)
    with store.engine.begin() as connection:
        connection.execute(statement)


def test_what_is_too_long_for_the_page_comes_through_the_routes(
    platform_: Platform, new_page: Windows
) -> None:
    """Of an output over 200 KB the end is shown; it and a file above 20 MB arrive whole."""
    output = "".join(f"line {number} of a long output\n" for number in range(10_000))
    content = b"0123456789abcdef" * (FILE_SIZE // 16) + b"!"
    (platform_.root / "downloads" / "large.zip").write_bytes(content)
    job_id = platform_.store.job("arLong", output=output, download_path="downloads/large.zip")
    screen = new_page()
    page = screen.page
    screen.open(platform_.report(job_id))
    size = wording.size(len(output))
    expect(page.get_by_text(f"This is the end of a long output of {size};")).to_be_visible()
    panel = page.get_by_test_id("stCode")
    expect(panel).to_contain_text("line 9999 of a long output")
    expect(panel).not_to_contain_text("line 0 of a long output")
    assert download(page, page.get_by_role("link", name="Download the whole output")) == output.encode()
    link = page.get_by_role("link", name="Download result")
    expect(link).to_have_attribute("href", f"/admin/jobs/{job_id}/download")
    assert download(page, link) == content
    assert_nothing_went_wrong(screen)


def test_the_platforms_addresses_lead_here(platform_: Platform, new_page: Windows) -> None:
    """Links and bookmarks of the platform's own screen open the failed jobs and a job's report.

    What happened at noon UTC is nine in the evening in Tokyo, where the browser is.
    """
    job_id = platform_.store.job("arBookmarked", 185, datetime(2031, 1, 1, 12))
    site = platform_.address.removesuffix("/admin/jobs")
    screen = new_page(timezone="Asia/Tokyo")
    page = screen.page
    screen.open(f"{site}/jobs/browse?status=error")
    expect(names(page).first).to_have_text("arBookmarked")
    expect(page.get_by_role("radio", name="Failed")).to_be_checked()
    expect(page.get_by_text(re.compile(r"^Updated .*\(Asia/Tokyo\)"))).to_be_visible()
    screen.open(f"{platform_.address}/{job_id}?status=error")
    expect(page.get_by_role("heading", level=1)).to_have_text("arBookmarked")
    expect(page.get_by_text("2031-01-01 21:00:00 (Asia/Tokyo)")).to_be_visible()
    page.get_by_role("button", name="Back to jobs").click()
    expect(page.get_by_role("radio", name="Failed")).to_be_checked()
    assert query(page) == {"status": "failed"}
    assert_nothing_went_wrong(screen)


def test_the_header_covers_no_button_on_a_phone(platform_: Platform, new_page: Windows) -> None:
    """The first row of a report is below it."""
    platform_.store.job()
    job_id = platform_.store.job()
    screen = new_page(width=390, height=844)
    screen.open(platform_.report(job_id))
    button = screen.page.get_by_role("button", name="Next")
    expect(button).to_be_enabled()
    header = screen.page.get_by_test_id("stHeader").bounding_box()
    for name in ("Previous", "Back to jobs"):
        box = screen.page.get_by_role("button", name=name).bounding_box()
        assert box is not None
        assert header is not None
        assert box["y"] >= header["y"] + header["height"]
