"""Streamlit's own files come from memory, compressed, and the first page names them early."""

import re
from collections.abc import Iterator

import httpx2
import pytest

from jobs_data import addresses, demo
from tests.support.app_servers import DemoSite
from web.assets import FOLDER


@pytest.fixture(scope="module")
def site(demo_site: DemoSite) -> Iterator[httpx2.Client]:
    """Ask the app as an administrator."""
    with httpx2.Client(base_url=demo_site.origin, timeout=20) as client:
        fields = {"identifier": demo.DEMO_ADMINISTRATOR, "password": demo.DEMO_PASSWORD}
        assert client.post(addresses.SIGN_IN, data=fields).status_code == 303
        yield client


def test_every_file_named_on_the_first_page_is_sent_compressed_and_whole(site: httpx2.Client) -> None:
    """What the browser is told to load early is there, is what Streamlit has, and is kept for ever."""
    named = named_on(site.get(f"{addresses.BASE}/"))
    assert any(name.startswith("static/js/DataFrame.") for name in named)
    assert len(named) == len(set(named))
    for name in named:
        answer = site.get(f"{addresses.BASE}/{name}")
        assert answer.headers["content-encoding"] == "gzip"
        assert "immutable" in answer.headers["cache-control"]
        assert answer.content == (FOLDER / name).read_bytes()


def test_a_client_that_reads_no_gzip_gets_the_file_as_it_is(site: httpx2.Client) -> None:
    """Streamlit answers for what is only kept compressed."""
    name = named_on(site.get(f"{addresses.BASE}/"))[-1]
    answer = site.get(f"{addresses.BASE}/{name}", headers={"Accept-Encoding": "identity"})
    assert "content-encoding" not in answer.headers
    assert answer.content == (FOLDER / name).read_bytes()


@pytest.mark.parametrize("path", ["/", "/report"])
def test_the_first_page_is_streamlits_own_but_for_the_hints(site: httpx2.Client, path: str) -> None:
    """Without what was put into its head, the page is the one that Streamlit ships."""
    page = site.get(f"{addresses.BASE}{path}")
    without = re.sub(r"<script>window\.__streamlit=.*?(?=</head>)", "", page.text, flags=re.DOTALL)
    assert without == (FOLDER / "index.html").read_text("utf-8")
    assert "etag" not in page.headers


def named_on(page: httpx2.Response) -> list[str]:
    """Return the scripts and styles that a page names, as paths below its own."""
    return re.findall(r'"\./(static/(?:js|css)/[^"]+)"', page.text)
