"""The queues' screens in a real browser: the demo's, an AtoM's, and hostile text."""

import re
from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Page, expect

from jobs_data import platform
from tests.app_servers import AppServers
from tests.browser.conftest import Windows
from tests.browser.steps import (
    assert_nothing_went_wrong,
    let_the_timer_fire,
    query,
)
from tests.store import NOON, Store

HOSTILE = (
    '**bold** <img src=x onerror="window.broken = true"> [link](https://evil.example) www.evil.example'
)
OPEN_FROM_LEFT = 65 + 190 + 95 + 27
FIRST_ROW_CENTRE = 55


@pytest.fixture(scope="module")
def demo(app_server: AppServers, tmp_path_factory: pytest.TempPathFactory) -> str:
    """Give the address of a small demo whose simulator does not run."""
    from jobs_data import demo as demos  # noqa: PLC0415 - the name is the fixture's
    from jobs_data.engine import make_engine  # noqa: PLC0415

    path = tmp_path_factory.mktemp("database") / "demo.sqlite"
    engine = make_engine(f"sqlite:///{path}")
    demos.create(engine, jobs=1_200, seed=7)
    engine.dispose()
    return app_server(HERATIO_JOBS_DATABASE_URL=f"sqlite:///{path}")


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
    expect(page.get_by_text(re.compile(r"Updated \d"))).to_be_visible()
    expect(page.get_by_test_id("stSkeleton")).to_have_count(0)
    expect(page.get_by_test_id("stApp")).to_have_attribute("data-test-script-state", "notRunning")


@pytest.mark.parametrize(
    ("look", "width", "scheme"),
    [("wide", 1440, "light"), ("narrow", 390, "light"), ("dark", 1280, "dark")],
)
def test_every_screen_is_drawn(
    demo: str, new_page: Windows, look: str, width: int, scheme: str
) -> None:
    """Queues, batches, a batch, a job: wide, narrow and dark, without an error in the console."""
    screen = new_page(width, 1500, "dark" if scheme == "dark" else "light")
    page = screen.page
    screen.open(f"{demo}/queue-browse")
    expect(page.get_by_role("heading", name="Queues", exact=True)).to_be_visible()
    settled(page)
    screen.screenshot(f"queues-{look}", full_page=True)
    screen.open(f"{demo}/queue-batches")
    expect(page.get_by_role("heading", name="Batches", exact=True)).to_be_visible()
    settled(page)
    screen.screenshot(f"batches-{look}", full_page=True)
    screen.open(f"{demo}/queue-batches?batch=3")
    expect(page.get_by_text("Batch 3 of Heratio")).to_be_visible()
    settled(page)
    screen.screenshot(f"batch-{look}", full_page=True)
    screen.open(f"{demo}/queue/300")
    expect(page.get_by_text("Queued job 300")).to_be_visible()
    settled(page)
    expect(page.locator(".timeline li")).not_to_have_count(0)
    screen.screenshot(f"queued-job-{look}", full_page=True)
    assert_nothing_went_wrong(screen)


def test_the_sidebar_leads_everywhere(demo: str, new_page: Windows) -> None:
    """Jobs, queues and batches are entries; a job and a filter are addresses."""
    screen = new_page(1440, 900)
    page = screen.page
    screen.open(demo)
    for name in ("Queues", "Batches", "Jobs"):
        page.get_by_test_id("stSidebarNav").get_by_role("link", name=name, exact=True).click()
        expect(page.get_by_role("heading", name=name, exact=True)).to_be_visible()
    screen.open(f"{demo}/queue-browse?status=failed&limit=5")
    settled(page)
    expect(page.get_by_text("Showing 1–5 of")).to_be_visible()
    page.get_by_role("button", name="Page 2", exact=True).click()
    expect(page.get_by_text("Showing 6–10 of")).to_be_visible()
    assert query(page) == {"status": "failed", "limit": "5", "page": "2"}
    assert_nothing_went_wrong(screen)


def test_a_row_opens_its_job_and_back_leads_to_the_same_page(demo: str, new_page: Windows) -> None:
    """The button in the table, then Back to queues."""
    screen = new_page(1440, 1000)
    page = screen.page
    screen.open(f"{demo}/queue-browse?queue=imports&kind=heratio&limit=3")
    settled(page)
    grid = page.get_by_test_id("stDataFrame").last
    grid.scroll_into_view_if_needed()
    box = grid.bounding_box()
    assert box is not None
    page.mouse.click(box["x"] + OPEN_FROM_LEFT, box["y"] + FIRST_ROW_CENTRE)
    expect(page.get_by_text("Queued job ")).to_be_visible()
    page.get_by_role("button", name="Back to queues").click()
    expect(page.get_by_text("Showing 1–3 of")).to_be_visible()
    assert {"queue": "imports", "kind": "heratio", "limit": "3"}.items() <= query(page).items()
    assert_nothing_went_wrong(screen)


def test_hostile_text_is_shown_as_it_is(hostile: tuple[Store, str], new_page: Windows) -> None:
    """In no place of a queued job, of its batch or of its log does it become more than text."""
    store, address = hostile
    batch = store.insert(platform.queue_batch, name=HOSTILE, status=HOSTILE[:20], total_jobs=1)
    job_id = store.insert(
        platform.queue_job,
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
        platform.queue_log,
        job_id=job_id,
        batch_id=batch,
        event_type="<b>x</b>",
        message=HOSTILE,
        details=HOSTILE,
        created_at=NOON,
    )
    screen = new_page()
    page = screen.page
    for path in ("queue-browse", "queue-batches", f"queue-batches?batch={batch}", f"queue/{job_id}"):
        screen.open(f"{address}/{path}")
        settled(page)
        expect(page.locator("main a[href*=evil], main img[src=x], main script")).to_have_count(0)
        assert page.evaluate("window.broken") is None
    expect(page.get_by_role("heading", level=1)).to_have_text(HOSTILE)
    screen.screenshot("queued-job-hostile", full_page=True)
    assert_nothing_went_wrong(screen)


def test_a_running_job_is_followed(hostile: tuple[Store, str], new_page: Windows) -> None:
    """With auto refresh the bar moves by itself."""
    store, address = hostile
    job_id = store.insert(
        platform.queue_job,
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
            platform.queue_job.update()
            .where(platform.queue_job.c.id == job_id)
            .values(progress_current=3)
        )
    let_the_timer_fire(page)
    expect(page.get_by_text("3 of 4")).to_be_visible()
    assert_nothing_went_wrong(screen)


def test_an_atom_says_why_there_is_nothing(
    app_server: AppServers, tmp_path: Path, new_page: Windows
) -> None:
    """The tables are named, and that their lack is normal."""
    path = tmp_path / "atom.sqlite"
    path.touch()
    store = Store(f"sqlite:///{path}", atom=True)
    store.engine.dispose()
    address = app_server(HERATIO_JOBS_DATABASE_URL=store.url)
    screen = new_page()
    page = screen.page
    for name in ("queue-browse", "queue-batches"):
        screen.open(f"{address}/{name}")
        expect(page.get_by_text("That is normal on AtoM, which keeps no queue")).to_be_visible()
        settled(page)
        screen.screenshot(f"{name}-atom")
    assert_nothing_went_wrong(screen)
