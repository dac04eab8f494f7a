"""The browser and the app that the other tests of this folder stand on do what they expect."""

from pathlib import Path

from playwright.sync_api import expect

from jobs_data import demo
from jobs_data.platform.engine import make_engine
from tests.support.app_servers import AppServers
from tests.support.screen import Windows


def test_the_app_opens_in_a_browser_without_an_error(
    app_server: AppServers, new_page: Windows, tmp_path: Path
) -> None:
    """The list is shown, no other host is asked, and the console holds no error."""
    url = f"sqlite:///{tmp_path / 'jobs.sqlite'}"
    engine = make_engine(url)
    demo.create(engine, jobs=20, seed=1)
    engine.dispose()
    screen = new_page()
    screen.open(app_server(HERATIO_JOBS_DATABASE_URL=url))
    expect(screen.page.get_by_role("heading", name="Jobs")).to_be_visible()
    expect(screen.page.get_by_test_id("stSkeleton")).to_have_count(0)
    assert screen.screenshot("harness").stat().st_size > 0
    assert not screen.console_errors
    assert not screen.failed_requests


def test_a_page_remembers_what_went_wrong(new_page: Windows) -> None:
    """Errors and unanswered requests can be asserted on, and other hosts do not exist."""
    screen = new_page(width=390, height=844, color_scheme="dark", timezone="Asia/Tokyo")
    page = screen.page
    assert page.viewport_size == {"width": 390, "height": 844}
    assert page.evaluate("matchMedia('(prefers-color-scheme: dark)').matches")
    assert page.evaluate("Intl.DateTimeFormat().resolvedOptions().timeZone") == "Asia/Tokyo"
    page.set_content("<img src='http://example.org/x.png'><script>console.error('gone')</script>")
    page.wait_for_load_state("networkidle")
    assert screen.console_errors[0] == "gone"
    assert screen.failed_requests == ["GET http://example.org/x.png: net::ERR_NAME_NOT_RESOLVED"]
