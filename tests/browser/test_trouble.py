"""What the screen says when there is nothing to show, somebody else is at work, or all is gone."""

import re
import secrets
from collections.abc import Iterator
from contextlib import closing, contextmanager

import pytest
from playwright.sync_api import expect

from jobs_data.platform import tables
from tests.support.app_servers import AppServers
from tests.support.mariadb import MariaDB
from tests.support.screen import Screen, Windows
from tests.support.silent_proxy import SilentProxy, in_front_of
from tests.support.steps import (
    assert_nothing_went_wrong,
    delete_button,
    expect_jobs,
    expect_selected,
    expect_ticked,
    let_the_timer_fire,
    names,
    query,
    sort_by,
    tick,
)
from tests.support.store import Store

HOSTILE_NAME = '<img src=x onerror="window.broken = true"> **bold** [a](https://evil.example)'
SENTENCE = re.compile(r"The .*database.* has no (table|database) ")
AGE = re.compile(r"As of \d\d:\d\d:\d\d .*The database")


@pytest.fixture(scope="module")
def site(
    app_server: AppServers, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[tuple[Store, str]]:
    """Serve a platform on SQLite."""
    with closing(Store(f"sqlite:///{tmp_path_factory.mktemp('database') / 'jobs.sqlite'}")) as store:
        yield store, app_server(HERATIO_JOBS_DATABASE_URL=store.url)


@pytest.fixture
def small_store(site: tuple[Store, str]) -> Store:
    """Give that platform without a job."""
    store, _ = site
    with store.engine.begin() as connection:
        jobs = tables.object_.c.class_name == tables.JOB_CLASS
        connection.execute(tables.object_.delete().where(jobs))
    return store


@pytest.fixture
def address(site: tuple[Store, str]) -> str:
    """Return the address of the list of that platform."""
    return site[1]


def test_empty_lists_say_why(small_store: Store, address: str, new_page: Windows) -> None:
    """No jobs at all, and none with this filter; from the latter a button leads back."""
    screen = new_page()
    page = screen.page
    screen.open(address)
    expect(page.get_by_text("There are no jobs. The platform creates a job")).to_be_visible()
    expect(page.get_by_role("button", name="Export CSV")).to_be_disabled()
    page.get_by_label("Export options").click()
    expect(page.get_by_text("No job matches, so there is nothing to export.")).to_be_visible()
    page.keyboard.press("Escape")
    small_store.job(HOSTILE_NAME, 184)
    screen.open(f"{address}?status=failed")
    page.wait_for_timeout(2_100)  # a slow machine shows counts of a moment ago, until Refresh
    page.get_by_role("button", name="Refresh").click()
    expect(page.get_by_text("Found no failed jobs among 1 job.")).to_be_visible()
    page.get_by_role("button", name="Clear filters").last.click()
    expect_jobs(page, [HOSTILE_NAME])
    assert page.evaluate("window.broken") is None
    assert query(page) == {}
    assert_nothing_went_wrong(screen)


def test_auto_refresh_waits_for_its_viewer(small_store: Store, address: str, new_page: Windows) -> None:
    """It survives a reload, stands still under an open dialog, and leaves a selection what it is."""
    small_store.job("arFirst", 184)
    screen = new_page()
    page = screen.page
    page.clock.install()
    screen.open(address)
    page.get_by_text("Auto refresh", exact=True).click()
    running = page.get_by_text("again every 15 seconds")
    expect(running).to_be_visible()
    assert query(page) == {"auto": "true"}
    page.reload()
    expect(page.get_by_role("switch", name="Auto refresh")).to_be_checked()
    expect(running).to_be_visible()
    expect_jobs(page, ["arFirst"])
    delete_button(page, "arFirst").click()
    expect(page.get_by_text("auto refresh waits while a dialog is open")).to_be_visible()
    assert_stands_still(screen, small_store)
    page.keyboard.press("Escape")
    expect_jobs(page, ["arMeanwhile", "arFirst"])
    expect(running).to_be_visible()
    page.reload()
    expect(running).to_be_visible()
    expect_jobs(page, ["arMeanwhile", "arFirst"])
    tick(page, "arMeanwhile")
    expect_selected(page, "1 selected (1 finished)")
    small_store.job("arLast", 183)
    let_the_timer_fire(page)
    expect_jobs(page, ["arLast", "arMeanwhile", "arFirst"])
    expect_ticked(page, "arMeanwhile")
    sort_by(page, "Created")
    expect_jobs(page, ["arFirst", "arMeanwhile", "arLast"])
    assert query(page)["auto"] == "true"
    assert_nothing_went_wrong(screen)


def assert_stands_still(screen: Screen, store: Store) -> None:
    """Fail where a new job shows up by itself."""
    expect(screen.page.get_by_title("streamlit_autorefresh")).to_have_count(0)
    jobs = names(screen.page).all_text_contents()
    store.job("arMeanwhile", 184)
    screen.page.clock.fast_forward(60_000)
    expect_jobs(screen.page, jobs)


def test_a_form_comes_back_to_the_list_with_its_message(
    small_store: Store, address: str, new_page: Windows
) -> None:
    """The platform's own way to delete works from a page of the same site, and says what it did."""
    finished = small_store.job("arFinished", 184)
    active = small_store.job("arActive", 183)
    screen = new_page()
    page = screen.page
    screen.open(address)
    expect_jobs(page, ["arActive", "arFinished"])
    submit_form(screen, f"/admin/jobs/delete/{finished}")
    expect(page.get_by_text(f"Job {finished} was deleted.")).to_be_visible()
    expect_jobs(page, ["arActive"])
    assert query(page) == {}
    submit_form(screen, f"/admin/jobs/delete/{active}")
    expect(page.get_by_text(f"Job {active} is not finished, so it was not deleted")).to_be_visible()
    assert small_store.ids() == [active]
    assert_nothing_went_wrong(screen)


def submit_form(screen: Screen, action: str) -> None:
    """Send a form without fields to an address of the same site."""
    with screen.page.expect_navigation():
        screen.page.evaluate(
            """action => {
                const form = document.createElement("form")
                form.method = "post"
                form.action = action
                document.body.append(form)
                form.submit()
            }""",
            action,
        )


def test_a_database_that_goes_away_is_told_in_a_sentence(
    mariadb_server: MariaDB, app_server: AppServers, new_page: Windows
) -> None:
    """On the list, after a dialog, and on a report: no traceback, no blank page, and a way to go on."""
    name = f"test_{secrets.token_hex(8)}"
    mariadb_server.create_database(name)
    store = Store(mariadb_server.url(name))
    job_id = store.job("arThere", 184)
    store.engine.dispose()
    address = app_server(HERATIO_JOBS_DATABASE_URL=store.url)
    screen = new_page()
    page = screen.page
    screen.open(address)
    expect_jobs(page, ["arThere"])
    delete_button(page, "arThere").click()
    dialog = page.get_by_role("dialog")
    expect(dialog).to_contain_text("arThere")

    mariadb_server.drop_database(name)
    dialog.get_by_role("button", name="Delete", exact=True).click()
    expect(dialog).to_have_count(0)
    told = page.get_by_role("alert").filter(has_text=SENTENCE)
    expect(told.filter(has_text="Nothing was changed.")).to_be_visible()
    expect(told.filter(has_text="As of ")).to_be_visible()
    expect_jobs(page, ["arThere"])
    screen.open(f"{address}/job?id={job_id}")
    expect(page.get_by_role("alert")).to_contain_text(SENTENCE)

    mariadb_server.create_database(name)
    store = Store(mariadb_server.url(name))
    store.job("arBack", 184, job_id=job_id)
    store.engine.dispose()
    page.get_by_role("button", name="Try again").click()
    expect(page.get_by_role("heading", level=1)).to_have_text("arBack")
    assert_nothing_went_wrong(screen)
    mariadb_server.drop_database(name)


@contextmanager
def platform_behind_proxy(server: MariaDB) -> Iterator[tuple[Store, SilentProxy, str]]:
    """Give a platform with a job `arThere`, the proxy in front of its database, and the URL there."""
    with (
        server.database() as url,
        closing(Store(url)) as store,
        in_front_of(server.port) as proxy,
    ):
        store.job("arThere", 184)
        behind = store.engine.url.set(port=proxy.port)
        yield store, proxy, behind.render_as_string(hide_password=False)


def test_auto_refresh_survives_an_outage(
    mariadb_server: MariaDB, app_server: AppServers, new_page: Windows
) -> None:
    """The list stays with its age, and is fresh again by itself when the database answers."""
    with platform_behind_proxy(mariadb_server) as (store, proxy, url):
        address = app_server(
            HERATIO_JOBS_DATABASE_URL=url,
            HERATIO_JOBS_ACCESS_SECONDS="1",
        )
        screen = new_page()
        page = screen.page
        page.clock.install()
        screen.open(f"{address}/queue-browse?auto=true")
        for _ in range(2):
            let_the_timer_fire(page)
            expect(page.get_by_role("heading", name="Queues", exact=True)).to_be_visible()
        screen.open(f"{address}?auto=true")
        expect_jobs(page, ["arThere"])
        age = page.get_by_role("alert").filter(has_text=AGE)
        expect(age).to_have_count(0)
        proxy.silence_all()
        for _ in range(2):
            let_the_timer_fire(page)
            expect(age).to_be_visible()
            expect_jobs(page, ["arThere"])
            expect(page.get_by_text("again every 15 seconds")).to_be_visible()
        store.job("arBack", 184)
        proxy.greet()
        let_the_timer_fire(page)
        expect_jobs(page, ["arBack", "arThere"])
        expect(age).to_have_count(0)
        assert query(page) == {"auto": "true"}
        assert_nothing_went_wrong(screen, r"GET .*: 503")
        app_server.stop_last()


def test_a_list_opened_in_an_outage_comes_by_itself(
    mariadb_server: MariaDB, app_server: AppServers, new_page: Windows
) -> None:
    """What stands around the rows could not be shown at first; the timer runs the list alone."""
    with platform_behind_proxy(mariadb_server) as (_, proxy, url):
        address = app_server(HERATIO_JOBS_DATABASE_URL=url)
        screen = new_page()
        page = screen.page
        page.clock.install()
        screen.open(f"{address}/queue-browse")
        expect(page.get_by_role("heading", name="Queues", exact=True)).to_be_visible()
        proxy.silence_all()
        screen.open(address)
        expect(page.get_by_text("Tries again every 15 seconds.")).to_be_visible()
        proxy.greet()
        let_the_timer_fire(page)
        expect_jobs(page, ["arThere"])
        expect(page.get_by_role("alert")).to_have_count(0)
        expect(page.get_by_role("radio", name="Completed")).to_be_visible()
        assert_nothing_went_wrong(screen, r"GET .*: 503")
        app_server.stop_last()
