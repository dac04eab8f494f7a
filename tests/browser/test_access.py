"""The door, in a real browser on the real app: refused, let in, looked after, and shown out."""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import timedelta
from typing import Literal
from urllib.parse import quote

import pyotp
import pytest
from playwright.sync_api import Page, expect

from jobs_data import addresses
from jobs_data.demo import DEMO_ADMINISTRATOR, DEMO_PASSWORD
from jobs_data.platform import tables
from tests.support.app_servers import AppServers
from tests.support.mariadb import free_port
from tests.support.screen import Screen, Windows
from tests.support.steps import (
    NAME_COLUMN,
    assert_nothing_went_wrong,
    cells,
    let_the_timer_fire,
    select_rows,
    send_to_background,
    tab_to,
)
from tests.support.store import NOON, PASSWORD, Store

EDITORS = 101
SECRET_KEY = "a key that is known to the tests alone"
RIGHT_IS_BELIEVED = 30_000
SLACK = 15_000
ASKS_EVERY = 20_000
AT_THE_SIGN_IN = re.compile(rf"http://[^/]+{addresses.SIGN_IN}(\?.*)?$")
FAILED_JOBS = re.compile(rf"http://[^/]+{addresses.BASE}/?\?status=failed$")
FAILED_SIGN_IN = r"POST .*/sign-in: 401"
STOPPED_SCRIPT = r"GET .*\.js: csp"
NO_RIGHT = r"POST .*/sign-in: 403"


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
        HERATIO_JOBS_SECRET_KEY=SECRET_KEY,
        HERATIO_JOBS_READER_GROUPS=str(EDITORS),
    )
    return Site(store, job_id, active_id, address)


def fill_in(page: Page, name: str = DEMO_ADMINISTRATOR, password: str = DEMO_PASSWORD) -> None:
    """Fill in the sign-in form and send it."""
    page.get_by_label("E-mail or user name").fill(name)
    page.get_by_label("Password").fill(password)
    page.get_by_role("button", name="Sign in").click()


def test_in_and_out(site: Site, new_page: Windows) -> None:
    """Refused, a wrong password, in and at the wanted address, reload, second tab, out of both."""
    screen = new_page()
    page = screen.page
    page.goto(f"{site.address}?status=failed")
    came_for = quote(f"{addresses.BASE}?status=failed", safe="")
    expect(page).to_have_url(site.address + f"/sign-in?next={came_for}")
    screen.screenshot("sign-in")
    fill_in(page, password="wrong")
    expect(page.get_by_role("alert")).to_have_text(
        "The e-mail, the user name or the password is wrong."
    )
    expect(page.get_by_label("E-mail or user name")).to_have_value(DEMO_ADMINISTRATOR)
    expect(page.get_by_label("Password")).to_have_value("")
    expect(page.get_by_label("Password")).to_be_focused()
    screen.screenshot("sign-in-wrong")
    fill_in(page)
    expect(page).to_have_url(FAILED_JOBS)
    expect_in(page)
    expect(page.get_by_role("radio", name="Failed")).to_be_checked()
    screen.screenshot("list-administrator")
    page.reload()
    expect_in(page)
    second = Screen(page.context.new_page())
    second.page.goto(site.address)
    expect_in(second.page)
    page.get_by_role("button", name="Sign out").click()
    expect(page).to_have_url(AT_THE_SIGN_IN)
    assert_nothing_went_wrong(screen, FAILED_SIGN_IN)
    # Looked at again, the other tab asks at once.
    send_to_background(second.page, hidden=False)
    expect(second.page).to_have_url(AT_THE_SIGN_IN)
    page.goto(site.address)
    expect(page).to_have_url(AT_THE_SIGN_IN)


def expect_in(page: Page) -> None:
    """Wait until the list shows its newest job."""
    expect(cells(page, NAME_COLUMN).first).to_have_text("arFailed")


def test_a_restart_keeps_the_session_if_the_key_is_set(
    store: Store, site: Site, app_server: AppServers, new_page: Windows
) -> None:
    """With the same key nobody notices; without one everybody signs in anew."""
    settings = {
        "HERATIO_JOBS_DATABASE_URL": store.url,
        "STREAMLIT_SERVER_PORT": str(free_port()),
    }
    address = app_server(**settings, HERATIO_JOBS_SECRET_KEY=SECRET_KEY)
    page = new_page().page
    page.goto(address)
    fill_in(page)
    expect_in(page)
    app_server.stop_last()
    app_server(**settings, HERATIO_JOBS_SECRET_KEY=SECRET_KEY)
    page.goto(address)
    expect_in(page)
    app_server.stop_last()
    app_server(**settings)
    page.goto(address)
    expect(page).to_have_url(AT_THE_SIGN_IN)
    app_server.stop_last()


def test_a_reader_sees_and_removes_nothing(site: Site, new_page: Windows) -> None:
    """No control that removes is on the screen, and the routes that do are closed."""
    site.store.account("reader", EDITORS, names={"en": "Rita Reader"})
    screen = new_page()
    page = screen.page
    page.goto(site.address)
    fill_in(page, "reader", PASSWORD)
    expect_in(page)
    expect(page.get_by_text("Rita Reader")).to_be_visible()
    expect(page.get_by_text("they cannot delete or clear any")).to_be_visible()
    headers = page.locator('canvas [role="columnheader"]')
    expect(headers.filter(has_text="Report")).to_have_count(1)
    expect(headers.filter(has_text="Delete")).to_have_count(0)
    expect(page.get_by_role("button", name="Export CSV")).to_be_visible()
    select_rows(page, 0)
    expect(page.get_by_role("button", name="Open report")).to_be_visible()
    expect_no_removal(page)
    screen.screenshot("list-reader")
    page.goto(f"{site.address}/job?id={site.job_id}")
    expect(page.get_by_role("heading", name="Output")).to_be_visible()
    expect(page.get_by_test_id("stApp")).to_have_attribute("data-test-script-state", "notRunning")
    expect_no_removal(page)
    for path in (f"delete/{site.job_id}", "clear-inactive"):
        assert page.request.post(f"{site.address}/{path}").status == 403
    assert site.job_id in site.store.ids()
    assert_nothing_went_wrong(screen)


def expect_no_removal(page: Page) -> None:
    """Fail where there is a button that deletes or clears."""
    expect(page.get_by_role("button", name=re.compile("Delete|Clear"))).to_have_count(0)


def test_a_code_is_asked_for_and_taken(site: Site, new_page: Windows) -> None:
    """Who has a second factor gets no further with the password alone."""
    secret = pyotp.random_base32()
    user_id = site.store.account("totp", tables.ADMINISTRATOR_GROUP_ID)
    site.store.insert(tables.user_totp_secret, user_id=user_id, secret=secret, enabled_at=NOON)
    screen = new_page()
    page = screen.page
    page.goto(site.address)
    fill_in(page, "totp", PASSWORD)
    code = page.get_by_label("Code from your authenticator app")
    expect(page.get_by_role("alert")).to_contain_text("six-digit code")
    screen.screenshot("sign-in-code")
    page.get_by_label("Password").fill(PASSWORD)
    code.fill(pyotp.TOTP(secret).now())
    page.get_by_role("button", name="Sign in").click()
    expect_in(page)
    assert_nothing_went_wrong(screen, FAILED_SIGN_IN)


def test_a_right_withdrawn_while_watching(site: Site, new_page: Windows) -> None:
    """The websocket is closed, and soon the page is taken away."""
    user_id = site.store.account("leaver", tables.ADMINISTRATOR_GROUP_ID)
    page = new_page().page
    page.goto(f"{site.address}?auto=true")
    with page.expect_websocket() as opening:
        fill_in(page, "leaver", PASSWORD)
    expect_in(page)
    site.store.leave_groups(user_id)
    opening.value.wait_for_event("close", timeout=RIGHT_IS_BELIEVED + SLACK)
    expect(page).to_have_url(AT_THE_SIGN_IN, timeout=ASKS_EVERY + SLACK)


def test_the_keyboard_is_enough(site: Site, new_page: Windows) -> None:
    """The first field has the focus, the others follow by Tab, and so does Sign out."""
    screen = new_page()
    page = screen.page
    page.goto(site.address)
    expect(page.get_by_label("E-mail or user name")).to_be_focused()
    page.keyboard.type(DEMO_ADMINISTRATOR)
    page.keyboard.press("Tab")
    page.keyboard.type(DEMO_PASSWORD)
    page.keyboard.press("Tab")
    expect(page.get_by_role("button", name="Sign in")).to_be_focused()
    page.keyboard.press("Enter")
    expect_in(page)
    tab_to(page, page.get_by_role("button", name="Sign out"))
    page.keyboard.press("Enter")
    expect(page).to_have_url(AT_THE_SIGN_IN)
    assert_nothing_went_wrong(screen)


def test_signing_in_takes_no_script(site: Site, new_page: Windows) -> None:
    """The form posts and leads on where the browser runs no JavaScript."""
    screen = new_page(java_script=False)
    page = screen.page
    page.goto(f"{site.address}?status=failed")
    fill_in(page, password="wrong")
    expect(page.get_by_role("alert")).to_be_visible()
    fill_in(page)
    expect(page).to_have_url(FAILED_JOBS)
    assert page.request.get(f"{site.address}/session").status == 204
    assert_nothing_went_wrong(screen, FAILED_SIGN_IN, STOPPED_SCRIPT)


@pytest.mark.parametrize("address", ["?auto=true", "/job?id={active_id}&auto=true"])
def test_the_pages_run_under_the_policy(site: Site, address: str, new_page: Windows) -> None:
    """Nothing that list and report need is blocked, the timer's frame included."""
    screen = new_page()
    page = screen.page
    page.clock.install()
    page.add_init_script(
        "addEventListener('securitypolicyviolation', e => console.error(e.violatedDirective))"
    )
    screen.open(site.address + address.format(active_id=site.active_id))
    expect(page.get_by_text("again every 15 seconds")).to_be_visible()
    let_the_timer_fire(page)
    expect(page.get_by_test_id("stApp")).to_have_attribute("data-test-script-state", "notRunning")
    assert_nothing_went_wrong(screen)


@pytest.mark.parametrize(
    ("name", "width", "height", "scheme"),
    [("wide", 1280, 800, "light"), ("phone", 390, 844, "light"), ("dark", 1280, 800, "dark")],
)
def test_pictures_of_the_door(
    name: str,
    width: int,
    height: int,
    scheme: Literal["light", "dark"],
    site: Site,
    new_page: Windows,
) -> None:
    """The sign-in and the answer to those without a right are kept as pictures."""
    if name not in site.store.ids(tables.user, "username"):
        site.store.account(name)
    screen = new_page(width=width, height=height, color_scheme=scheme)
    page = screen.page
    page.goto(site.address)
    screen.screenshot(f"sign-in-{name}")
    fill_in(page, name, PASSWORD)
    expect(page.get_by_role("alert")).to_contain_text("Ask an administrator")
    assert page.evaluate("document.documentElement.scrollWidth <= innerWidth")
    screen.screenshot(f"no-right-{name}")
    assert_nothing_went_wrong(screen, NO_RIGHT)
