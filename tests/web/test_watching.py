"""What auto refresh sends to an open list: nothing but the time while there is no news."""

import asyncio
from collections import Counter
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import asynccontextmanager, closing
from dataclasses import dataclass

import httpx2
import pytest

from jobs_data import addresses
from tests.support.app_servers import DEMO_SIGN_IN, AppServers
from tests.support.mariadb import MariaDB
from tests.support.store import Store
from tests.support.watching import Run, Watcher
from web.sessions import COOKIE

QUIET = Counter(markdown=1, component_instance=1)
"""The line that says when the list was read, and the timer."""

TICKS = 100


@dataclass
class Site:
    """A platform on MariaDB, and the address of its list."""

    store: Store
    address: str

    def rename(self, before: str, after: str) -> None:
        """Rename a table."""
        with self.store.engine.begin() as connection:
            connection.exec_driver_sql(f"RENAME TABLE {before} TO {after}")

    @asynccontextmanager
    async def watcher(self) -> AsyncIterator[Watcher]:
        """Open the list with auto refresh on, until it is all known that stands beside it."""
        origin = self.address.removesuffix(addresses.BASE)
        answer = httpx2.post(f"{origin}{addresses.SIGN_IN}", data=DEMO_SIGN_IN)
        watcher = Watcher(self.address, answer.cookies[COOKIE])
        try:
            await watcher.open()
            await ticks_until(watcher, lambda run: run.kinds == QUIET)
            yield watcher
        finally:
            await watcher.close()


async def ticks_until(watcher: Watcher, is_right: Callable[[Run], bool]) -> Run:
    """Let the timer fire until a run is as wanted, and return that run."""
    for _ in range(TICKS):
        run = await watcher.run()
        if is_right(run):
            return run
        await asyncio.sleep(0.1)
    pytest.fail(f"no run of {TICKS} was as wanted; the last: {run.texts()}", pytrace=False)


def widgets(run: Run) -> set[str]:
    """Return the ids of all widgets that a run sent."""
    sent = [getattr(each, each.WhichOneof("type") or "") for each in run.elements]
    return {each.id for each in sent if getattr(each, "id", "").startswith("$$ID")}


@pytest.fixture
def site(mariadb_server: MariaDB, app_server: AppServers) -> Iterator[Site]:
    """Serve a platform with one job."""
    with mariadb_server.database() as url:
        with closing(Store(url)) as store:
            store.job("arThere", 184)
            yield Site(store, app_server(HERATIO_JOBS_DATABASE_URL=store.url))
        app_server.stop_last()


def test_a_list_without_news_is_not_drawn_again(site: Site) -> None:
    """Only the time moves on. News is drawn with the first tick that finds it, and then no more."""

    async def watch() -> None:
        async with site.watcher() as watcher:
            first = await watcher.run()
            later = await ticks_until(watcher, lambda run: run.texts() != first.texts())
            assert first.kinds == later.kinds == QUIET
            site.store.job("arLater", 184)
            news = await watcher.run()
            assert "arLater" in news.texts()
            assert "menu_button" in news.kinds
            assert "account_circle" not in news.texts()
            await ticks_until(watcher, lambda run: run.kinds == QUIET)

    asyncio.run(watch())


def test_news_come_in_the_same_widgets(site: Site) -> None:
    """Streamlit keeps each new one until the page is closed, which may be open for days."""

    async def watch() -> None:
        async with site.watcher() as watcher:
            first = await watcher.run(is_whole=True)
            site.store.job("arLater", 185)
            news = await ticks_until(watcher, lambda run: "2 jobs" in run.texts())
            assert news.kinds["download_button"] == 1
            assert widgets(news) <= widgets(first)

    asyncio.run(watch())


def test_a_press_runs_the_list_alone_and_sends_its_rows_first(site: Site) -> None:
    """A browser draws them while the rest is on its way; the sidebar is no part of it."""

    async def press() -> None:
        async with site.watcher() as watcher:
            run = await watcher.run(is_press=True)
            assert "arThere" in run.elements[0].bidi_component.json
            assert run.kinds["menu_button"] == 1
            assert "account_circle" not in run.texts()
            assert "account_circle" in (await watcher.run(is_whole=True)).texts()

    asyncio.run(press())


def test_an_outage_is_drawn_when_it_begins_and_when_it_ends(site: Site) -> None:
    """During an outage the list stays as it is, with the time of the last read."""

    async def watch() -> None:
        async with site.watcher() as watcher:
            site.rename("job", "away")
            began = await watcher.run()
            assert "As of " in began.texts()
            assert "arThere" in began.texts()
            ticks = [await watcher.run() for _ in range(2)]
            assert [tick.kinds for tick in ticks] == [QUIET, QUIET]
            site.rename("away", "job")
            site.store.job("arBack", 184)
            ended = await watcher.run()
            assert "arBack" in ended.texts()
            assert "As of " not in ended.texts()

    asyncio.run(watch())
