"""The queues' screens in a real browser: the demo's, and hostile text."""

import re
from collections.abc import Iterator
from typing import Literal

import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Locator, Page, expect

from jobs_data.platform import tables
from tests.support.app_servers import AppServers, DemoSite
from tests.support.screen import Windows
from tests.support.steps import (
    assert_nothing_went_wrong,
    let_the_timer_fire,
    query,
    tab_to,
)
from tests.support.store import NOON, Store

HOSTILE = (
    '**bold** <img src=x onerror="window.broken = true"> [link](https://evil.example) www.evil.example'
)
PHONE = 390
IN_CHAIN = 9
"""The first job of the demo's first chain, which its next job follows."""


@pytest.fixture
def demo(demo_site: DemoSite) -> str:
    """Give the address of a demo whose queues stand still."""
    return demo_site.address


@pytest.fixture(scope="module")
def hostile(
    app_server: AppServers, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[tuple[Store, str]]:
    """Give an empty platform and the address at which the app serves it."""
    path = tmp_path_factory.mktemp("database") / "hostile.sqlite"
    path.touch()
    store = Store(f"sqlite:///{path}")
    yield store, app_server(HERATIO_JOBS_DATABASE_URL=store.url)
    store.engine.dispose()


def settled(page: Page) -> None:
    """Wait until the page has been drawn whole."""
    expect(page.get_by_role("button", name="Refresh")).to_be_attached()
    expect(page.get_by_test_id("stSkeleton")).to_have_count(0)
    expect(page.get_by_test_id("stApp")).to_have_attribute("data-test-script-state", "notRunning")


def rows(page: Page, table: str) -> Locator:
    """Return the links that open the rows of a table."""
    return page.get_by_role("table", name=table, exact=True).locator("a.main")


def test_the_sidebar_leads_everywhere_and_back_to_the_same_page(demo: str, new_page: Windows) -> None:
    """A card filters the jobs, a name opens its job, and both the button and one step Back return."""
    screen = new_page(1440, 1000)
    page = screen.page
    screen.open(demo)
    for name in ("Batches", "Queues"):
        page.get_by_test_id("stSidebarNav").get_by_role("link", name=name, exact=True).click()
        expect(page.get_by_role("heading", name=name, exact=True)).to_be_visible()
    screen.open(f"{demo}/queue-browse?limit=3")
    settled(page)
    # Anywhere on the card, not its name alone.
    card = page.locator(".st-key-queue_cards .stVerticalBlock").filter(has_text="imports · Heratio")
    card.click(position={"x": 150, "y": 60})
    expect(page.get_by_role("button", name="Queue: imports ✕")).to_be_visible()
    page.get_by_role("button", name="Page 2", exact=True).click()
    expect(page.get_by_text("Showing 4–6 of")).to_be_visible()
    settled(page)
    there = {"queue": "imports", "kind": "heratio", "limit": "3", "page": "2"}
    assert query(page) == there
    for comes_back in (page.get_by_role("button", name="Back to queues").click, page.go_back):
        rows(page, "Queued jobs").first.click()
        expect(page.get_by_text(re.compile(r"Queued job \d+"))).to_be_visible()
        settled(page)
        assert re.search(r"^(Waiting|Running|Completed|Failed|Cancelled): \w", page.title())
        comes_back()
        expect(page.get_by_text("Showing 4–6 of")).to_be_visible()
        settled(page)
        assert query(page) == there
    assert_nothing_went_wrong(screen)


def test_the_keyboard_opens_the_rows_of_every_table(demo: str, new_page: Windows) -> None:
    """Queues, their jobs of both kinds, a chain, batches and a batch's jobs: no mouse."""
    screen = new_page(1280, 1000)
    page = screen.page

    def press(control: Locator, text: str) -> None:
        settled(page)
        expect(control).to_be_attached()
        tab_to(page, control)
        page.keyboard.press("Enter")
        expect(page.get_by_text(re.compile(text)).first).to_be_visible()
        settled(page)

    screen.open(f"{demo}/queue-browse?limit=3&status=completed")
    press(page.locator("summary").filter(has_text="All figures"), "Worker seen")
    press(rows(page, "All figures").nth(1), "Queue: exports ✕")
    there = {"limit": "3", "queue": "exports", "kind": "heratio", "status": "completed"}
    assert query(page) == there
    press(rows(page, "Queued jobs").nth(1), r"Queued job \d+")
    for status, text in (("waiting", "^Job of Laravel"), ("failed", "^Failed job of Laravel")):
        screen.open(f"{demo}/queue-browse?kind=laravel&status={status}")
        press(rows(page, "Queued jobs").first, text)
    screen.open(f"{demo}/queue/{IN_CHAIN}")
    press(rows(page, "Chain").nth(1), f"^Queued job {IN_CHAIN + 1} ")
    assert query(page) == {"id": str(IN_CHAIN + 1)}
    page.go_back()
    expect(page.get_by_text(re.compile(f"^Queued job {IN_CHAIN} "))).to_be_visible()
    screen.open(f"{demo}/queue-batches")
    press(rows(page, "Batches").nth(2), r"Batch \d+ of Heratio")
    press(rows(page, "Queued jobs").first, r"Queued job \d+")
    assert_nothing_went_wrong(screen)


def test_on_a_phone_a_tap_opens_a_row_and_nothing_scrolls_sideways(
    demo: str, new_page: Windows
) -> None:
    """Rows are cards there."""
    screen = new_page(PHONE, 900, "dark")
    page = screen.page
    for path, table, text in (
        ("queue-batches?limit=3", "Batches", r"Batch \d+ of Heratio"),
        ("queue-browse?limit=3", "Queued jobs", r"Queued job \d+"),
    ):
        screen.open(f"{demo}/{path}")
        settled(page)
        card = page.get_by_role("table", name=table, exact=True).locator("tbody tr").first
        card.click(position={"x": 200, "y": 10})
        expect(page.get_by_text(re.compile(text))).to_be_visible()
        settled(page)
        main = "document.querySelector('[data-testid=stMain]')"
        page.wait_for_function(f"() => {main}.scrollWidth <= {main}.clientWidth")
    assert_nothing_went_wrong(screen)


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_no_screen_has_a_violation(
    demo: str, new_page: Windows, scheme: Literal["light", "dark"]
) -> None:
    """By the rules of axe-core: contrast, names, headings in order."""
    screen = new_page(1280, 1000, scheme)
    page = screen.page
    for path in (
        "queue-browse?limit=3",
        "queue-browse?queue=none",
        "queue-batches",
        "queue-batches?batch=1",
        f"queue-job?id={IN_CHAIN}",
        "queue-job?failed=1",
    ):
        screen.open(f"{demo}/{path}")
        settled(page)
        found = Axe().run(page).response["violations"]
        assert [(path, each["id"], each["nodes"][0]["html"]) for each in found] == []


def test_from_a_batchs_job_back_leads_to_the_batch(demo: str, new_page: Windows) -> None:
    """To the same page of its jobs, after a reload too, and from there to the same page of batches."""
    screen = new_page(1280, 1000)
    page = screen.page
    screen.open(f"{demo}/queue-batches?limit=3&page=2")
    rows(page, "Batches").first.click()
    expect(page.get_by_text(re.compile(r"Batch \d+ of Heratio"))).to_be_visible()
    settled(page)
    batch = query(page)["batch"]
    page.get_by_role("button", name="Page 2", exact=True).click()
    expect(page.get_by_text("Showing 4–6 of")).to_be_visible()
    settled(page)
    rows(page, "Queued jobs").first.click()
    expect(page.get_by_text(re.compile(r"Queued job \d+"))).to_be_visible()
    settled(page)
    page.reload()
    page.get_by_role("button", name=f"Back to batch {batch}").click()
    expect(page.get_by_text("Showing 4–6 of")).to_be_visible()
    settled(page)
    assert query(page) == {"batch": batch, "limit": "3", "page": "2", "list": "2"}
    page.get_by_role("button", name="Back to batches").click()
    expect(page.get_by_role("heading", name="Batches", exact=True)).to_be_visible()
    settled(page)
    assert query(page) == {"limit": "3", "page": "2"}
    assert_nothing_went_wrong(screen)


def test_hostile_text_is_shown_as_it_is(hostile: tuple[Store, str], new_page: Windows) -> None:
    """In no place of a queued job, of its batch or of its log does it become more than text."""
    store, address = hostile
    batch = store.insert(tables.queue_batch, name=HOSTILE, status=HOSTILE[:20], total_jobs=1)
    job_id = store.insert(
        tables.queue_job,
        queue=HOSTILE[:90],
        job_type=HOSTILE,
        status="failed",
        payload=HOSTILE,
        error_message=HOSTILE,
        error_trace=HOSTILE,
        worker_id=HOSTILE[:90],
        progress_current=1,
        progress_total=2,
        progress_message=HOSTILE,
        batch_id=batch,
        created_at=NOON,
    )
    store.insert(
        tables.queue_log,
        job_id=job_id,
        batch_id=batch,
        event_type="<b>x</b>",
        message=HOSTILE,
        details=HOSTILE,
        created_at=NOON,
    )
    screen = new_page()
    page = screen.page
    for path in ("queue-browse", f"queue-batches?batch={batch}", f"queue/{job_id}"):
        screen.open(f"{address}/{path}")
        settled(page)
        expect(
            page.locator("main a[href*='/evil'], main a[href*='/www'], main img[src=x], main script")
        ).to_have_count(0)
        assert page.evaluate("window.broken") is None
    expect(page.get_by_role("heading", level=1)).to_have_text(HOSTILE)
    assert_nothing_went_wrong(screen)


def test_a_running_job_is_followed(hostile: tuple[Store, str], new_page: Windows) -> None:
    """The bar moves by itself."""
    store, address = hostile
    job_id = store.insert(
        tables.queue_job,
        job_type="arLive",
        status="running",
        progress_current=1,
        progress_total=4,
        created_at=NOON,
    )
    screen = new_page()
    page = screen.page
    page.clock.install()
    screen.open(f"{address}/queue-job?id={job_id}")
    expect(page.get_by_text("1 of 4")).to_be_visible()
    expect(page.get_by_text("again every 15 seconds")).to_be_visible()
    with store.engine.begin() as connection:
        connection.execute(
            tables.queue_job.update().where(tables.queue_job.c.id == job_id).values(progress_current=3)
        )
    let_the_timer_fire(page)
    expect(page.get_by_text("3 of 4")).to_be_visible()
    assert_nothing_went_wrong(screen)
