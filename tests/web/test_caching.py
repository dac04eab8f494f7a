"""What browsers may keep of the real app's answers."""

import re
from collections.abc import Iterator

import httpx2
import pytest

from jobs_data import addresses
from tests.support.app_servers import DEMO_SIGN_IN, DemoSite


@pytest.fixture(scope="module")
def site(demo_site: DemoSite) -> Iterator[httpx2.Client]:
    """Ask the app as an administrator."""
    with httpx2.Client(base_url=demo_site.origin, timeout=20) as client:
        assert client.post(addresses.SIGN_IN, data=DEMO_SIGN_IN).status_code == 303
        yield client


@pytest.mark.parametrize("path", ["/", "/report", "/index.html", "/sign-in"])
def test_a_page_is_kept_nowhere(site: httpx2.Client, path: str) -> None:
    """After a sign-out, Back would show it."""
    answer = site.get(addresses.BASE + path, follow_redirects=True)
    assert answer.headers["content-type"].startswith("text/html")
    assert answer.headers["cache-control"] == "no-store"


def test_scripts_are_kept_by_the_browser_alone(site: httpx2.Client) -> None:
    """Their names change with their content. Any answer may bring a session's cookie."""
    [script] = re.findall(r'src="\./(static/js/[^"]+)"', site.get(f"{addresses.BASE}/").text)
    cache_control = site.get(f"{addresses.BASE}/{script}").headers["cache-control"]
    assert {"private", "immutable"} <= set(cache_control.split(", "))
    assert "public" not in cache_control
