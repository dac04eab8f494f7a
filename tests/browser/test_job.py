"""A job's page in a real browser: hostile text, live and long output, files, times, links, Back."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path

import pytest
from playwright.sync_api import Page, expect

from jobs_data import wording
from pages.parts.job.header import BUTTON_MAX_BYTES
from tests.support.app_servers import AppServers
from tests.support.screen import Windows
from tests.support.steps import (
    assert_nothing_went_wrong,
    download,
    let_the_timer_fire,
    query,
)
from tests.support.store import NOON, Store

HOSTILE_NAME = (
    '**bold** <img src=x onerror="window.broken = true"> [link](https://evil.example) www.evil.example '
    "=1+1 :material/delete: :red[red] $x^2$ 🎉 <script>window.broken = true</script>"
)
JOINER = "\u2060"
HOSTILE_OUTPUT = f"# Heading\n{HOSTILE_NAME}\n| a | b |\n|---|---|\n=cmd|' /C calc'!A0\n"


@dataclass(frozen=True)
class Platform:
    """A platform on SQLite, its web root, and the address at which the app serves it."""

    store: Store
    root: Path
    address: str

    def page_of(self, job_id: int) -> str:
        """Return the address of a job's page."""
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
    screen.open(platform_.page_of(job_id))
    expect(page.get_by_role("heading", level=1)).to_have_text(HOSTILE_NAME)
    expect(page.locator(".row .text")).to_have_text(HOSTILE_OUTPUT.strip().split("\n"))
    for shown in (page.get_by_role("alert"), page.get_by_text(f"Job {job_id} ·")):
        assert HOSTILE_NAME in shown.inner_text().replace(JOINER, "")
    assert_harmless(page)
    page.get_by_role("button", name="Delete…").click()
    expect(page.get_by_role("dialog").get_by_test_id("stText")).to_contain_text(HOSTILE_NAME)
    assert_harmless(page)
    assert_nothing_went_wrong(screen)


def assert_harmless(page: Page) -> None:
    """Fail where an untrusted text has become more than text."""
    expect(page.locator("main :is(a[href*='//evil'], strong, script, .katex)")).to_have_count(0)
    expect(page.locator("main img[src=x], main table:not(canvas table)")).to_have_count(0)
    assert page.evaluate("window.broken") is None


def test_a_running_job_is_live(platform_: Platform, new_page: Windows) -> None:
    """Its clock ticks and new lines appear by themselves; when it ends the timer stops."""
    job_id = platform_.store.job("arLive", 183, output="a line\n")
    screen = new_page()
    page = screen.page
    page.clock.install()
    screen.open(platform_.page_of(job_id))
    expect(page.get_by_text("again every 15 seconds")).to_be_visible()
    waited = page.locator(".wait").last.inner_text()
    assert waited.startswith("running for")
    page.clock.fast_forward(2_000)
    expect(page.locator(".wait").last).not_to_have_text(waited)
    platform_.store.set_job(job_id, output="a line\nthe newest line\n")
    let_the_timer_fire(page)
    expect(page.locator(".row .text")).to_have_text(["a line", "the newest line"])
    platform_.store.set_job(job_id, status_id=184, completed_at=NOON + timedelta(seconds=90))
    let_the_timer_fire(page)
    expect(page.get_by_text("took 1 min 30 s")).to_be_visible()
    expect(page.get_by_title("streamlit_autorefresh")).to_have_count(0)
    expect(page).to_have_title("Completed: arLive")
    assert_nothing_went_wrong(screen)


def test_files_arrive_whole(platform_: Platform, new_page: Windows) -> None:
    """Large ones by a route; a small one even if it vanishes first. The audit log has both."""
    output = "".join(f"line {number} of a long output\n" for number in range(10_000))
    content = b"0123456789abcdef" * (BUTTON_MAX_BYTES // 16) + b"!"
    large, small = (platform_.root / "downloads" / name for name in ("large.zip", "small.csv"))
    large.write_bytes(content)
    small.write_bytes(b"a,b")
    job_id = platform_.store.job("arLong", output=output, download_path="downloads/large.zip")
    screen = new_page()
    page = screen.page
    screen.open(platform_.page_of(job_id))
    expect(page.get_by_text(f"{wording.size(len(output))} · 200.0 kB of it shown")).to_be_visible()
    expect(page.locator(".row .text").last).to_have_text("line 9999 of a long output")
    expect(page.locator(".row .text").first).not_to_have_text("line 0 of a long output")
    assert download(page, page.get_by_role("link", name="Download output")) == output.encode()
    assert download(page, page.get_by_role("link", name="Result · ZIP 2.0 MB")) == content
    screen.open(platform_.page_of(platform_.store.job(download_path="downloads/small.csv")))
    button = page.get_by_role("button", name="Result · CSV 3 bytes")
    expect(button).to_be_visible()
    small.unlink()
    assert download(page, button) == b"a,b"
    screen.open(f"{platform_.address}/audit?event=download")
    for file in ("large.zip", "small.csv"):
        expect(page.get_by_role("cell", name=f"file: {file}")).to_be_visible()
    assert_nothing_went_wrong(screen)


def test_a_job_costs_one_step_of_back(platform_: Platform, new_page: Windows) -> None:
    """From the list and from the next job; each step shows what was there, and a link can be copied."""
    first, second = (platform_.store.job(f"arBack {n}", 185, datetime(2032, 1, n)) for n in (1, 2))
    screen = new_page()
    page = screen.page
    page.context.grant_permissions(["clipboard-read", "clipboard-write"])
    heading = page.get_by_role("heading", level=1)
    screen.open(f"{platform_.address}?q=arBack")
    link = page.get_by_role("link", name="arBack 2")
    expect(link).to_be_visible()
    entries = page.evaluate("history.length")
    link.click()
    expect(heading).to_have_text("arBack 2")
    page.get_by_role("button", name="Next").click()
    expect(heading).to_have_text("arBack 1")
    page.get_by_role("button", name="Copy link").click()
    expect(page.get_by_role("button", name="Link copied")).to_be_visible()
    assert page.evaluate("navigator.clipboard.readText()") == platform_.page_of(first)
    page.get_by_role("button", name="Back to jobs").click()
    expect(link).to_be_visible()
    assert page.evaluate("history.length") == entries + 3
    for job_id, name in ((first, "arBack 1"), (second, "arBack 2")):
        page.go_back()
        expect(heading).to_have_text(name)
        assert query(page) == {"q": "arBack", "id": str(job_id)}
    page.go_back()
    expect(link).to_be_visible()
    assert query(page) == {"q": "arBack"}
    assert_nothing_went_wrong(screen)


def test_the_platforms_addresses_lead_here(platform_: Platform, new_page: Windows) -> None:
    """Links and bookmarks of the platform's own screen open the failed jobs and a job's page.

    What happened at noon UTC is nine in the evening in Tokyo, where the browser is.
    """
    job_id = platform_.store.job("Bookmarked", 185, datetime(2031, 1, 1, 12))
    site = platform_.address.removesuffix("/admin/jobs")
    screen = new_page(timezone="Asia/Tokyo")
    page = screen.page
    screen.open(f"{site}/jobs/browse?status=error")
    expect(page.get_by_role("link", name="Bookmarked")).to_be_visible()
    screen.open(f"{platform_.address}/{job_id}?status=error")
    expect(page.get_by_role("heading", level=1)).to_have_text("Bookmarked")
    expect(page.get_by_text(f"Job {job_id} ·")).to_contain_text("2031-01-01 21:")
    expect(page.get_by_text(f"Job {job_id} ·")).to_contain_text("(Asia/Tokyo)")
    page.get_by_role("button", name="Back to jobs").click()
    expect(page.get_by_role("link", name="Bookmarked")).to_be_visible()
    assert query(page) == {"status": "failed"}
    assert_nothing_went_wrong(screen)


def test_the_page_fits_a_phone(platform_: Platform, new_page: Windows) -> None:
    """The header covers no button, the navigation is one row, and nothing scrolls sideways."""
    platform_.store.job()
    job_id = platform_.store.job(output="x" * 2_000)
    screen = new_page(width=390, height=844)
    page = screen.page
    screen.open(platform_.page_of(job_id))
    button = page.get_by_role("button", name="Next")
    expect(button).to_be_enabled()
    others = [page.get_by_role("button", name=name) for name in ("Previous", "Back to jobs")]
    tops = {box["y"] for each in (button, *others) if (box := each.bounding_box())}
    assert len(tops) == 1
    for each in (button, others[1]):
        each.click(trial=True)
    expect(page.get_by_placeholder("Find")).to_be_visible()
    main = "document.querySelector('[data-testid=stMain]')"
    for width in (390, 320):
        page.set_viewport_size({"width": width, "height": 844})
        page.wait_for_function(f"() => {main}.scrollWidth <= {main}.clientWidth")
