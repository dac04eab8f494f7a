"""The browser that the other tests of this folder stand on does what they expect."""

from tests.support.screen import Windows


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


def test_what_a_policy_blocks_is_an_error(new_page: Windows) -> None:
    """Chromium says so in the console, so every test that looks there sees it."""
    screen = new_page()
    policy = "<meta http-equiv='Content-Security-Policy' content=\"img-src 'none'\">"
    screen.page.set_content(f"{policy}<img src='data:image/gif;base64,R0lGODlhAQABAAAAACw='>")
    screen.page.wait_for_load_state("networkidle")
    [told] = screen.console_errors
    assert "img-src" in told
