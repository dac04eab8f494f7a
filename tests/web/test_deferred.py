"""What draws pages is loaded while the server already answers; who needs it waits."""

import asyncio
import subprocess
import sys
from pathlib import Path

import pytest
from starlette.types import Message, Receive, Scope, Send

from pages.parts.shared.services import get_services
from tests.support.app_servers import ROOT, own_environment
from tests.support.store import Store
from web.deferred import DeferredAnswers, DeferredPages
from web.job_answers import JobAnswers

LOADED_AT_THE_START = """
import sys
from streamlit import config
config._main_script_path = "app.py"
import app
print(sorted({"pandas", "numpy", "jinja2", "jobs_data.services"} & set(sys.modules)))
"""


@pytest.mark.usefixtures("served")
def test_one_that_stops_waiting_leaves_the_others_their_answer() -> None:
    """A request that hangs up during the start must not cost anybody else the answers."""
    deferred = DeferredAnswers(lambda: JobAnswers(get_services()))

    async def wait() -> None:
        gone, patient = (asyncio.ensure_future(deferred.get()) for _ in range(2))
        await asyncio.sleep(0)
        gone.cancel()
        await asyncio.sleep(0)
        assert deferred.now() is None
        assert await asyncio.to_thread(deferred.load) is await patient is deferred.now()

    asyncio.run(wait())


def test_a_failure_to_load_reaches_all_who_wait() -> None:
    """They must not wait forever."""
    deferred = DeferredAnswers(lambda: JobAnswers(1 / 0))  # type: ignore[arg-type]  # it is never made

    async def wait() -> None:
        waiting = asyncio.ensure_future(deferred.get())
        await asyncio.sleep(0)
        with pytest.raises(ZeroDivisionError):
            await asyncio.to_thread(deferred.load)
        with pytest.raises(ZeroDivisionError):
            await waiting

    asyncio.run(wait())


@pytest.mark.usefixtures("served")
def test_websockets_wait_and_documents_do_not() -> None:
    """A page is drawn in its websocket."""
    deferred, passed = DeferredAnswers(lambda: JobAnswers(get_services())), list[str]()

    async def inner(scope: Scope, _receive: Receive, _send: Send) -> None:
        passed.append(scope["type"])

    async def nothing() -> Message:
        raise AssertionError

    async def ignore(_message: Message) -> None:
        raise AssertionError

    async def ask() -> None:
        app = DeferredPages(inner, deferred)
        websocket = asyncio.ensure_future(app({"type": "websocket"}, nothing, ignore))
        await app({"type": "http"}, nothing, ignore)
        await asyncio.sleep(0)
        assert passed == ["http"]
        await asyncio.to_thread(deferred.load)
        await websocket
        assert passed == ["http", "websocket"]

    asyncio.run(ask())


def test_the_server_answers_before_what_draws_pages_is_loaded(store: Store, tmp_path: Path) -> None:
    """One import too many in what the gate needs would double the start."""
    settings = {"HERATIO_JOBS_DATABASE_URL": store.url, "HERATIO_JOBS_STATE_DIR": str(tmp_path)}
    run = subprocess.run(
        [sys.executable, "-c", LOADED_AT_THE_START],
        env=own_environment() | settings,
        cwd=ROOT,
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        check=True,
    )
    assert run.stdout.strip() == "[]"
