"""The Content-Security-Policy, in a real browser: it stops nothing of ours, and what is not ours."""

import pytest
from playwright.sync_api import Page, expect

from tests.support.app_servers import DemoSite
from tests.support.screen import Windows
from tests.support.steps import assert_nothing_went_wrong, table

VIOLATIONS = """
window.violations = []
addEventListener("securitypolicyviolation", (event) => {
  window.violations.push(`${event.violatedDirective} ${event.blockedURI} ${event.sourceFile}`)
})
"""
QUIET = "[data-testid=stApp][data-test-script-state=notRunning]"
PAGES = [
    "",
    "?status=failed&auto=true",
    "/job?id={job}",
    "/cleanup",
    "/queue-browse",
    "/queue-batches",
    "/queue-job?id=1",
    "/report?period=all",
    "/receipts",
]


def violations(page: Page) -> list[str]:
    """Return what the policy has stopped in all of a page's frames."""
    return [told for frame in page.frames for told in frame.evaluate("window.violations")]


@pytest.mark.parametrize("path", PAGES)
def test_no_page_needs_what_the_policy_stops(demo_site: DemoSite, new_page: Windows, path: str) -> None:
    """Charts, tables, components and dialogs among it."""
    screen = new_page()
    page = screen.page
    page.add_init_script(VIOLATIONS)
    screen.open(demo_site.address + path.format(job=demo_site.failed_id))
    expect(page.locator(QUIET)).to_be_visible()
    if "auto" in path:
        expect(page.locator("iframe")).to_be_attached()
        page.frames[-1].wait_for_load_state()
    if "report" in path:
        expect(page.locator("canvas.marks, svg.marks").first).to_be_visible()
    if not path:
        table(page).get_by_role("button", name="Delete").first.click()
        expect(page.get_by_role("dialog")).to_be_visible()
    expect(page.locator(QUIET)).to_be_visible()
    assert violations(page) == []
    assert_nothing_went_wrong(screen)


def test_a_script_that_is_not_ours_does_not_run(demo_site: DemoSite, new_page: Windows) -> None:
    """Neither one written into the page nor one made of text; nor does the page's base move."""
    screen = new_page()
    page = screen.page
    screen.open(demo_site.address)
    expect(page.locator(QUIET)).to_be_visible()
    page.evaluate(
        """() => {
          const script = document.createElement("script")
          script.textContent = "window.ran = true"
          document.body.append(script)
          const base = document.createElement("base")
          base.href = "https://evil.example/"
          document.head.append(base)
        }"""
    )
    assert page.evaluate("window.ran") is None
    assert page.evaluate("document.baseURI").startswith(demo_site.origin)
    # In a task of the page's own, for what the test itself evaluates the policy does not stop.
    made_of_text = """() => new Promise((done) => setTimeout(() => {
      try { done(eval("'ran'")) } catch (error) { done(error.name) }
    }))"""
    assert page.evaluate(made_of_text) == "EvalError"
