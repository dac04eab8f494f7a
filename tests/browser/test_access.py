"""Signing in and out, in a real browser on the real app."""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import timedelta
from typing import Literal
from urllib.parse import quote

import pyotp
import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Page, expect

from jobs_data import addresses
from jobs_data.demo import DEMO_ADMINISTRATOR, DEMO_PASSWORD
from jobs_data.platform import tables
from tests.support.app_servers import AppServers
from tests.support.screen import Screen, Windows
from tests.support.steps import (
    assert_nothing_went_wrong,
    let_the_timer_fire,
    names,
    send_to_background,
    tab_to,
    tick,
)
from tests.support.store import NOON, PASSWORD, Store
from web.activity import PageActivity

EDITORS = 101
ASKS_EVERY = 20_000
AT_THE_SIGN_IN = re.compile(rf"http://[^/]+{addresses.SIGN_IN}(\?.*)?$")
FAILED_JOBS = re.compile(rf"http://[^/]+{addresses.BASE}/?\?status=failed$")
FAILED_SIGN_IN = r"POST .*/sign-in: 401"
PROGRAM = {"Accept": "application/json"}
STOPPED_SCRIPT = r"GET .*\.js: csp"
NO_RIGHT = r"POST .*/sign-in: 403"

EVERYBODYS = ("Jobs", "Queues", "Batches", "Statistics", "Deleted jobs")
"""The screens in the sidebar that a reader sees, too."""


@dataclass(frozen=True)
class Site:
    """A platform on SQLite with a failed and an active job, and the address of its list."""

    store: Store
    job_id: int
    active_id: int
    address: str


@pytest.fixture(scope="module")
def store(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Store]:
    """Give a platform that locks nobody out."""
    file = tmp_path_factory.mktemp("database") / "jobs.sqlite"
    file.touch()
    store = Store(f"sqlite:///{file}")
    store.security(lockout_max_attempts="1000")
    yield store
    store.engine.dispose()


@pytest.fixture(scope="module")
def site(store: Store, app_server: AppServers) -> Site:
    """Serve that platform, with its editors as readers."""
    job_id = store.job("arFailed", 185)
    active_id = store.job("arActive", 183, NOON - timedelta(hours=1))
    address = app_server(
        HERATIO_JOBS_DATABASE_URL=store.url,
        HERATIO_JOBS_READER_GROUPS=str(EDITORS),
        HERATIO_JOBS_ACCESS_SECONDS="1",
    )
    return Site(store, job_id, active_id, address)


def fill_in(page: Page, name: str = DEMO_ADMINISTRATOR, password: str = DEMO_PASSWORD) -> None:
    """Fill in the sign-in form and send it."""
    page.get_by_label("E-mail or user name").fill(name)
    page.get_by_label("Password").fill(password)
    page.get_by_role("button", name="Sign in").click()


def test_in_and_out(site: Site, new_page: Windows) -> None:
    """Refused, a wrong password, in and at the wanted address, a reload, a second tab, out of both.

    All of it by keyboard.
    """
    screen = new_page()
    page = screen.page
    page.goto(f"{site.address}?status=failed")
    came_for = quote(f"{addresses.BASE}?status=failed", safe="")
    expect(page).to_have_url(site.address + f"/sign-in?next={came_for}")
    expect(page.get_by_label("E-mail or user name")).to_be_focused()
    page.keyboard.type(DEMO_ADMINISTRATOR)
    page.keyboard.press("Tab")
    page.keyboard.type("wrong")
    page.keyboard.press("Tab")
    expect(page.get_by_role("button", name="Sign in")).to_be_focused()
    page.keyboard.press("Enter")
    expect(page.get_by_role("alert")).to_be_visible()
    expect(page.get_by_label("E-mail or user name")).to_have_value(DEMO_ADMINISTRATOR)
    expect(page.get_by_label("Password")).to_have_value("")
    expect(page.get_by_label("Password")).to_be_focused()
    page.keyboard.type(DEMO_PASSWORD)
    page.keyboard.press("Enter")
    expect(page).to_have_url(FAILED_JOBS)
    expect_in(page)
    expect_screens(page, "Audit log", "API tokens")
    expect(page.get_by_role("radio", name="Failed")).to_be_checked()
    second = Screen(page.context.new_page())
    second.page.goto(site.address)
    expect_in(second.page)
    tab_to(page, page.get_by_role("button", name="Sign out"))
    page.keyboard.press("Enter")
    expect(page).to_have_url(AT_THE_SIGN_IN)
    assert_nothing_went_wrong(screen, FAILED_SIGN_IN)
    # Looked at again, the other tab asks at once.
    send_to_background(second.page, hidden=False)
    expect(second.page).to_have_url(AT_THE_SIGN_IN)
    page.goto(site.address)
    expect(page).to_have_url(AT_THE_SIGN_IN)


def test_back_after_signing_out_leads_to_the_sign_in(site: Site, new_page: Windows) -> None:
    """The browser stores no page: each is asked for again, and refused."""
    screen = new_page()
    page = screen.page
    page.goto(site.address)
    fill_in(page)
    expect_in(page)
    page.get_by_role("button", name="Sign out").click()
    expect(page).to_have_url(AT_THE_SIGN_IN)
    page.go_back()
    expect(page).to_have_url(AT_THE_SIGN_IN)
    expect(page.get_by_label("Password")).to_be_visible()
    assert_nothing_went_wrong(screen)


def test_a_session_that_ends_while_a_hidden_page_is_open(site: Site, new_page: Windows) -> None:
    """The page leads to the sign-in, not to Streamlit's "Connection failed with status 401"."""
    screen = new_page()
    page = screen.page
    page.clock.install()  # no timer of the page's fires unless it is moved
    page.goto(site.address)
    fill_in(page)
    expect_in(page)
    send_to_background(page)
    assert page.request.post(f"{site.address}/sign-out", max_redirects=0).status == 303
    expect(page.locator('[data-test-connection-state="CONNECTED"]')).to_have_count(0)
    page.clock.fast_forward(2_000)
    expect(page).to_have_url(AT_THE_SIGN_IN)


def expect_in(page: Page) -> None:
    """Wait until the list shows its newest job."""
    expect(names(page).first).to_have_text("arFailed")


def expect_screens(page: Page, *names: str) -> None:
    """Wait until the sidebar leads to these screens alone, in this order."""
    links = page.get_by_test_id("stSidebarNavLink")
    expect(links).to_contain_text([*EVERYBODYS, *names])
    expect(links).to_have_count(len(EVERYBODYS) + len(names))


def test_a_reader_sees_and_removes_nothing(site: Site, new_page: Windows) -> None:
    """No control that removes is on the screen, and the routes that do are closed."""
    site.store.account("reader", EDITORS, names={"en": "Rita Reader"})
    screen = new_page()
    page = screen.page
    page.goto(site.address)
    fill_in(page, "reader", PASSWORD)
    expect_in(page)
    expect_screens(page)
    expect(page.get_by_text("Rita Reader")).to_be_visible()
    expect(page.get_by_text("They cannot delete any")).to_be_visible()
    expect(page.get_by_role("button", name="Export CSV")).to_be_visible()
    tick(page, "arFailed")
    expect(page.get_by_role("button", name="Clear selection")).to_be_visible()
    expect_no_removal(page)
    page.goto(f"{site.address}/job?id={site.job_id}")
    expect(page.get_by_role("heading", name="Output")).to_be_visible()
    expect(page.get_by_test_id("stApp")).to_have_attribute("data-test-script-state", "notRunning")
    expect_no_removal(page)
    for path in (f"delete/{site.job_id}", "clear-inactive"):
        assert page.request.post(f"{site.address}/{path}").status == 403
    assert site.job_id in site.store.ids()
    assert_nothing_went_wrong(screen)


def expect_no_removal(page: Page) -> None:
    """Fail where there is a button that deletes."""
    expect(page.get_by_role("button", name=re.compile("Delete"))).to_have_count(0)


@pytest.mark.parametrize("color_scheme", ["light", "dark"])
def test_the_sign_in_page_is_accessible(
    site: Site, new_page: Windows, color_scheme: Literal["light", "dark"]
) -> None:
    """Empty, after a failure, and as the page of a message; at 200 % zoom nothing scrolls sideways."""
    page = new_page(width=640, height=400, color_scheme=color_scheme).page
    page.goto(site.address)
    assert Axe().run(page).violations_count == 0
    fill_in(page, password="wrong")
    expect(page.get_by_role("alert")).to_be_visible()
    assert Axe().run(page).violations_count == 0
    assert page.evaluate("document.documentElement.scrollWidth <= innerWidth")
    fill_in(page)
    expect_in(page)
    page.goto(f"{site.address}/1/nothing")
    expect(page.get_by_role("link", name="Back to the jobs")).to_be_visible()
    assert Axe().run(page).violations_count == 0


def test_signing_in_takes_no_script(site: Site, new_page: Windows) -> None:
    """A browser that runs none gets in: the form posts, asks for the second factor, and leads on."""
    secret = pyotp.random_base32()
    user_id = site.store.account("totp", tables.ADMINISTRATOR_GROUP_ID)
    site.store.insert(tables.user_totp_secret, user_id=user_id, secret=secret, enabled_at=NOON)
    screen = new_page(java_script=False)
    page = screen.page
    page.goto(f"{site.address}?status=failed")
    fill_in(page, "totp", PASSWORD)
    expect(page.get_by_role("alert")).to_contain_text("six-digit code")
    assert page.request.get(f"{site.address}/session", headers=PROGRAM).status == 401
    page.get_by_label("Password").fill(PASSWORD)
    page.get_by_label("Code from your authenticator app").fill(pyotp.TOTP(secret).now())
    page.get_by_role("button", name="Sign in").click()
    expect(page).to_have_url(FAILED_JOBS)
    assert page.request.get(f"{site.address}/session").status == 204
    assert_nothing_went_wrong(screen, FAILED_SIGN_IN, STOPPED_SCRIPT)


def test_a_right_withdrawn_while_watching(site: Site, new_page: Windows) -> None:
    """The websocket is closed, and soon the page is taken away."""
    user_id = site.store.account("leaver", tables.ADMINISTRATOR_GROUP_ID)
    page = new_page().page
    page.clock.install()
    page.goto(f"{site.address}?auto=true")
    with page.expect_websocket() as opening:
        fill_in(page, "leaver", PASSWORD)
    expect_in(page)
    websocket = opening.value
    # Far less than the 28 seconds for which a right is believed where the setting is not heeded.
    with websocket.expect_event("close", timeout=15_000):
        site.store.leave_groups(user_id)
    page.clock.fast_forward(ASKS_EVERY)
    expect(page).to_have_url(AT_THE_SIGN_IN)


def test_who_has_no_right_is_told_so_on_a_phone(site: Site, new_page: Windows) -> None:
    """Nothing is to be scrolled sideways for it."""
    site.store.account("outsider")
    screen = new_page(width=390, height=844, color_scheme="dark")
    page = screen.page
    page.goto(site.address)
    fill_in(page, "outsider", PASSWORD)
    expect(page.get_by_role("alert")).to_contain_text("Ask an administrator")
    assert page.evaluate("document.documentElement.scrollWidth <= innerWidth")
    assert_nothing_went_wrong(screen, NO_RIGHT)


def test_only_what_a_person_does_is_activity(site: Site, new_page: Windows) -> None:
    """Of Streamlit's own messages, those of auto refresh are not, and a press is."""
    page = new_page().page
    page.clock.install()
    page.goto(f"{site.address}?auto=true")
    with page.expect_websocket() as opening:
        fill_in(page)
    activity = PageActivity()
    sent: list[bool] = []
    # All of them, in turn: each is compared with the one before.
    opening.value.on(
        "framesent", lambda frame: sent.append(activity.is_user_action({"bytes": bytes_of(frame)}))
    )
    expect_in(page)
    for _ in range(2):
        with opening.value.expect_event("framesent"):
            let_the_timer_fire(page)
        expect(page.get_by_test_id("stApp")).to_have_attribute("data-test-script-state", "notRunning")
    assert sent
    assert not any(sent)
    with opening.value.expect_event("framesent"):
        page.get_by_role("button", name="Refresh").click()
    assert sent[-1]


def bytes_of(frame: bytes | str) -> bytes:
    """Return what a websocket's frame holds."""
    return frame if isinstance(frame, bytes) else frame.encode()
