"""The queues' screens in a real browser: the demo's, and hostile text."""

import re
from collections.abc import Iterator

import pytest
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
MARKERS_WIDTH = 40
OPEN_FROM_LEFT = MARKERS_WIDTH + 27
FIRST_ROW_CENTRE = 55
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
    # For a moment the line of the page that was left can stand beside this one's.
    expect(page.get_by_text(re.compile(r"Updated \d")).last).to_be_visible()
    expect(page.get_by_test_id("stSkeleton")).to_have_count(0)
    expect(page.get_by_test_id("stApp")).to_have_attribute("data-test-script-state", "notRunning")


def press_open(page: Page, grid: Locator) -> None:
    """Press the button of a table's first row, which has to be on the screen."""
    grid.scroll_into_view_if_needed()
    box = grid.bounding_box()
    assert box is not None
    page.mouse.click(box["x"] + OPEN_FROM_LEFT, box["y"] + FIRST_ROW_CENTRE)


def open_by_keyboard(page: Page, grid: Locator, row: int, action: str) -> None:
    """Go to a row of a table, 0 for the first, select it, and press the button that follows."""
    tab_to(page, grid.get_by_test_id("data-grid-canvas"))
    for at in range(row + 1):
        if at:
            page.keyboard.press("ArrowDown")
        # Keys that come before the grid has moved its cursor are lost.
        expect(grid.locator('[role="gridcell"][aria-colindex="1"]').nth(at)).to_be_focused()
    page.keyboard.press("Shift+Space")
    button = page.get_by_role("button", name=action)
    expect(button).to_be_visible()
    tab_to(page, button)
    page.keyboard.press("Enter")


def test_the_sidebar_leads_everywhere_and_back_to_the_same_page(demo: str, new_page: Windows) -> None:
    """Jobs, queues and batches are entries; the button of a row opens its job."""
    screen = new_page(1440, 1000)
    page = screen.page
    screen.open(demo)
    for name in ("Queues", "Batches", "Jobs"):
        page.get_by_test_id("stSidebarNav").get_by_role("link", name=name, exact=True).click()
        expect(page.get_by_role("heading", name=name, exact=True)).to_be_visible()
    screen.open(f"{demo}/queue-browse?queue=imports&kind=heratio&limit=3")
    settled(page)
    expect(page.get_by_text("Showing 1–3 of")).to_be_visible()
    page.get_by_role("button", name="Page 2", exact=True).click()
    expect(page.get_by_text("Showing 4–6 of")).to_be_visible()
    settled(page)
    there = {"queue": "imports", "kind": "heratio", "limit": "3", "page": "2"}
    assert query(page) == there
    press_open(page, page.get_by_test_id("stDataFrame").last)
    expect(page.get_by_text("Queued job ")).to_be_visible()
    page.get_by_role("button", name="Back to queues").click()
    expect(page.get_by_text("Showing 4–6 of")).to_be_visible()
    assert query(page) == there
    assert_nothing_went_wrong(screen)


def test_the_keyboard_opens_the_rows_of_every_table(demo: str, new_page: Windows) -> None:
    """Queues, their jobs of both kinds, a chain, batches and a batch's jobs: no mouse."""
    screen = new_page(1280, 1000)
    page = screen.page
    grids = page.get_by_test_id("stDataFrame")
    screen.open(f"{demo}/queue-browse?limit=3")
    settled(page)
    open_by_keyboard(page, grids.first, 1, "Show its jobs")
    expect(page.get_by_role("button", name="Show its jobs")).to_have_count(0)
    settled(page)
    assert query(page) == {"limit": "3", "queue": "exports", "kind": "heratio"}
    open_by_keyboard(page, grids.last, 1, "Open job")
    expect(page.get_by_text(re.compile(r"Queued job \d+"))).to_be_visible()
    for status, told in (("waiting", "Job of Laravel"), ("failed", "Failed job of Laravel")):
        screen.open(f"{demo}/queue-browse?kind=laravel&status={status}")
        settled(page)
        open_by_keyboard(page, grids.last, 0, "Open job")
        expect(page.get_by_text(told)).to_be_visible()
        settled(page)
    expect(page.get_by_text("Stack trace:")).to_be_visible()
    screen.open(f"{demo}/queue/{IN_CHAIN}")
    expect(page.get_by_text(f"Queued job {IN_CHAIN}", exact=True)).to_be_visible()
    settled(page)
    expect(page.locator(".timeline li")).not_to_have_count(0)
    open_by_keyboard(page, grids.first, 1, "Open job")
    expect(page.get_by_text(f"Queued job {IN_CHAIN + 1}", exact=True)).to_be_visible()
    settled(page)
    expect(page.get_by_role("button", name="Open job")).to_have_count(0)
    assert query(page) == {"id": str(IN_CHAIN + 1)}
    page.go_back()
    expect(page.get_by_text(f"Queued job {IN_CHAIN}", exact=True)).to_be_visible()
    screen.open(f"{demo}/queue-batches")
    settled(page)
    open_by_keyboard(page, grids.first, 2, "Open batch")
    expect(page.get_by_text(re.compile(r"Batch \d+ of Heratio"))).to_be_visible()
    settled(page)
    open_by_keyboard(page, grids.first, 0, "Open job")
    expect(page.get_by_text(re.compile(r"Queued job \d+"))).to_be_visible()
    assert_nothing_went_wrong(screen)


def test_on_a_phone_rows_open_without_scrolling_sideways(demo: str, new_page: Windows) -> None:
    """Each table has the button within the first columns, and what follows a selection is in sight."""
    screen = new_page(PHONE, 900, "dark")
    page = screen.page
    grids = page.get_by_test_id("stDataFrame")
    screen.open(f"{demo}/queue-batches?limit=3")
    settled(page)
    press_open(page, grids.first)
    expect(page.get_by_text(re.compile(r"Batch \d+ of Heratio"))).to_be_visible()
    settled(page)
    press_open(page, grids.first)
    expect(page.get_by_text(re.compile(r"Queued job \d+"))).to_be_visible()
    screen.open(f"{demo}/queue-browse?limit=3")
    settled(page)
    grids.last.scroll_into_view_if_needed()
    box = grids.last.bounding_box()
    assert box is not None
    page.mouse.click(box["x"] + MARKERS_WIDTH / 2, box["y"] + FIRST_ROW_CENTRE)
    button = page.get_by_role("button", name="Open job")
    expect(button).to_be_visible()
    place = button.bounding_box()
    assert place is not None
    assert place["x"] + place["width"] <= PHONE
    settled(page)
    button.click()
    expect(page.get_by_text(re.compile(r"Queued job \d+"))).to_be_visible()
    assert_nothing_went_wrong(screen)


def test_from_a_batchs_job_back_leads_to_the_batch(demo: str, new_page: Windows) -> None:
    """To the same page of its jobs, after a reload too, and from there to the same page of batches."""
    screen = new_page(1280, 1000)
    page = screen.page
    grids = page.get_by_test_id("stDataFrame")
    screen.open(f"{demo}/queue-batches?limit=3&page=2")
    settled(page)
    press_open(page, grids.first)
    expect(page.get_by_text(re.compile(r"Batch \d+ of Heratio"))).to_be_visible()
    settled(page)
    batch = query(page)["batch"]
    page.get_by_role("button", name="Page 2", exact=True).click()
    expect(page.get_by_text("Showing 4–6 of")).to_be_visible()
    settled(page)
    press_open(page, grids.first)
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


def test_a_selected_job_stays_the_one_selected(hostile: tuple[Store, str], new_page: Windows) -> None:
    """A newer job moves the rows; what is selected is opened all the same."""
    store, address = hostile
    kept = store.insert(tables.queue_job, queue="moving", job_type="arKept", created_at=NOON)
    screen = new_page(1280, 1000)
    page = screen.page
    screen.open(f"{address}/queue-browse?queue=moving")
    settled(page)
    grid = page.get_by_test_id("stDataFrame").last
    tab_to(page, grid.get_by_test_id("data-grid-canvas"))
    expect(grid.locator('[role="gridcell"][aria-colindex="1"]').first).to_be_focused()
    page.keyboard.press("Shift+Space")
    expect(page.get_by_role("button", name="Open job")).to_be_visible()
    store.insert(tables.queue_job, queue="moving", job_type="arNewer", created_at=NOON)
    page.get_by_role("button", name="Refresh").click()
    settled(page)
    expect(page.get_by_text("Showing 1–1 of 1 job")).to_be_visible()
    page.get_by_role("button", name="Select none").click()
    expect(page.get_by_text("Showing 1–2 of 2 jobs")).to_be_visible()
    open_by_keyboard(page, grid, 1, "Open job")
    expect(page.get_by_text(f"Queued job {kept}", exact=True)).to_be_visible()
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
        expect(page.locator("main a[href*=evil], main img[src=x], main script")).to_have_count(0)
        assert page.evaluate("window.broken") is None
    expect(page.get_by_role("heading", level=1)).to_have_text(HOSTILE)
    assert_nothing_went_wrong(screen)


def test_a_running_job_is_followed(hostile: tuple[Store, str], new_page: Windows) -> None:
    """With auto refresh the bar moves by itself."""
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
    page.get_by_text("Auto refresh", exact=True).click()
    expect(page.get_by_text("again every 15 seconds")).to_be_visible()
    with store.engine.begin() as connection:
        connection.execute(
            tables.queue_job.update().where(tables.queue_job.c.id == job_id).values(progress_current=3)
        )
    let_the_timer_fire(page)
    expect(page.get_by_text("3 of 4")).to_be_visible()
    assert_nothing_went_wrong(screen)
