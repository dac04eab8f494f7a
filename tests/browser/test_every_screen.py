"""What holds on every screen: everybody can read and use it, and nothing moves while it loads."""

from typing import Literal

import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import expect

from tests.support.app_servers import DemoSite
from tests.support.screen import Windows
from tests.support.steps import assert_nothing_went_wrong

SCREENS = [
    "",
    "?status=failed&q=a",
    "/job?id={job}",
    "/cleanup",
    "/queue-browse",
    "/queue-batches",
    "/queue-job?id=1",
    "/report",
    "/name?name=arFileImportJob",
    "/receipts",
    "/audit",
    "/tokens",
]
QUIET = "[data-testid=stApp][data-test-script-state=notRunning]"
SETTLED = 1_500  # in milliseconds: charts and tables are drawn after their data has come
MOST_SHIFT = 0.1
"""Source: what web.dev calls good for Cumulative Layout Shift."""
SHIFTS = """
window.shift = 0
new PerformanceObserver((list) => {
  for (const entry of list.getEntries()) if (!entry.hadRecentInput) window.shift += entry.value
}).observe({ type: "layout-shift", buffered: true })
"""
STREAMLITS: set[str] = {
    "svg-img-alt",  # the marks of a metric's own chart
}
"""The rules that elements of Streamlit break, which are not ours to mend."""


@pytest.mark.parametrize(
    ("width", "scheme"), [(1440, "light"), (390, "dark")], ids=["wide-light", "phone-dark"]
)
def test_screens_are_accessible_and_still(
    demo_site: DemoSite, new_page: Windows, width: int, scheme: Literal["light", "dark"]
) -> None:
    """By axe-core; nothing scrolls sideways, each tab has a title, and nothing was logged."""
    for path in SCREENS:
        screen = new_page(width, 900, scheme)
        page = screen.page
        page.add_init_script(SHIFTS)
        screen.open(demo_site.address + path.format(job=demo_site.failed_id))
        expect(page.locator(QUIET)).to_be_visible()
        if "q=" in path:  # on a busy machine the hits come after the page, and move what is below
            page.reload()
            expect(page.locator(QUIET)).to_be_visible()
        page.wait_for_timeout(SETTLED)
        broken = {
            violation["id"]: [node["html"] for node in violation["nodes"]]
            for violation in Axe().run(page).response["violations"]
        }
        assert {rule: nodes for rule, nodes in broken.items() if rule not in STREAMLITS} == {}, path
        assert page.evaluate("document.documentElement.scrollWidth") <= width, path
        assert page.evaluate("window.shift") <= MOST_SHIFT, path
        assert page.title() not in {"", "Streamlit"}, path
        assert_nothing_went_wrong(screen)
        page.context.close()
