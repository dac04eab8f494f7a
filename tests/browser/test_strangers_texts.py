"""Strangers' texts, in a real browser: shown as they are, whatever they mean to Markdown."""

from urllib.parse import urlencode

from playwright.sync_api import expect

from tests.support.app_servers import DemoSite
from tests.support.screen import Windows
from tests.support.steps import assert_nothing_went_wrong

JOINER = "\u2060"
TEXTS = [
    "[x](y) ![x](https://evil.example/x.png) [x][1] <b>x</b> <https://evil.example>",
    "https://evil.example www.evil.example ada@evil.example ftp://evil.example mailto:a@b.example",
    "HTTPS://evil.example WWW.evil.example",
    ":material/delete: :smile: :+1: :100: :streamlit: 12:30:45 a:b",
    ":red[x] :red-background[x] :blue-badge[x] :small[x] :color[x]{foreground='red'}",
    "$x^2$ $$x^2$$ \\(x\\) `code` ~~x~~ **x** __x__ *x* _x_ a_b_c _a_b_ a__b__ ==x==",
    "a -> b <- c <-> d -- e >= f <= g ~= h",
    ":::red[x] ::red[x] [x]:red[y] :red [x] a:red[x] ![x]",
    "&amp; &lt;b&gt; &#65; &copy; \\* %2e%2e [^1] | a | b |",
]
READ = "a[href*=evil], img, .katex, code, strong, em, del, mark, b, svg, span[style]"


def test_a_text_is_shown_as_it_is(demo_site: DemoSite, new_page: Windows) -> None:
    """In a button's label, in a message, and nothing of it is a link, an icon, a style or a formula."""
    screen = new_page()
    page = screen.page
    chip = page.locator(".st-key-line button").first.get_by_test_id("stMarkdownContainer")
    message = page.get_by_test_id("stAlertContainer").get_by_test_id("stMarkdownContainer")
    for text in TEXTS:
        screen.open(f"{demo_site.address}?{urlencode({'q': text})}")
        for shown in (chip, message):
            expect(shown).to_be_visible()
            assert text in shown.inner_text().replace(JOINER, "")
            assert shown.locator(READ).count() == 0
    assert_nothing_went_wrong(screen)
