"""The real app, started as `make run` does, for tests that ask it over the network."""

import os
import ssl
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path

import httpx2
import pytest
from websockets.exceptions import InvalidStatus
from websockets.sync.client import connect

from jobs_data import addresses, demo
from jobs_data.demo import DEMO_ADMINISTRATOR, DEMO_PASSWORD
from jobs_data.platform import tables
from jobs_data.platform.engine import make_engine
from tests.support.mariadb import free_port
from tests.support.store import Store

ROOT = Path(__file__).resolve().parents[2]
ARTEFACTS = ROOT / "test-artefacts"
DEMO_SIGN_IN = {"identifier": DEMO_ADMINISTRATOR, "password": DEMO_PASSWORD}
START_SECONDS = 60
STOP_SECONDS = 10
# The last says whose X-Forwarded-For uvicorn takes.
OWN_SETTINGS = ("HERATIO_JOBS_", "STREAMLIT_", "FORWARDED_ALLOW_IPS")


def own_environment() -> dict[str, str]:
    """Return this process's environment without anything that sets the app up."""
    return {k: v for k, v in os.environ.items() if not k.startswith(OWN_SETTINGS)}


def let_an_administrator_in(url: str) -> None:
    """Give a database the demo's administrator, unless it has one."""
    store = Store.on(url)
    if DEMO_ADMINISTRATOR not in store.ids(tables.user, "email"):
        store.account(
            "administrator",
            tables.ADMINISTRATOR_GROUP_ID,
            password=DEMO_PASSWORD,
            email=DEMO_ADMINISTRATOR,
        )
    store.engine.dispose()


def open_websocket(
    site: str,
    path: str,
    headers: dict[str, str],
    *,
    from_: str = "127.0.0.1",
    with_origin: bool = True,
    trusted: ssl.SSLContext | None = None,
) -> int:
    """Return the status with which a websocket is answered, 101 when it is accepted."""
    origin = {"Origin": site} if with_origin else {}
    try:
        with connect(
            site.replace("http", "ws", 1) + path,
            additional_headers=origin | headers,
            source_address=(from_, 0),
            proxy=None,
            ssl=trusted,
        ):
            return 101
    except InvalidStatus as refused:
        return refused.response.status_code


def stop(process: subprocess.Popen[bytes]) -> None:
    """End a program, in order if it can be."""
    process.terminate()
    try:
        process.wait(STOP_SECONDS)
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait()


@dataclass
class AppServers:
    """Starts the app as `make run` does, each time with settings of its own."""

    log_name: str
    folder: Path
    processes: list[subprocess.Popen[bytes]] = field(default_factory=list)

    def __call__(self, **environment: str) -> str:
        """Start the app as `start` does; the database that it is given gets an administrator."""
        if url := environment.get("HERATIO_JOBS_DATABASE_URL"):
            let_an_administrator_in(url)
        return self.start(**environment)

    def start(self, **environment: str) -> str:
        """Start the app with these environment variables and return the address of its list."""
        # Tests change the database behind the app's back, and want to see that at once.
        own = {
            "STREAMLIT_SERVER_PORT": str(free_port()),
            "HERATIO_JOBS_LIST_SECONDS": "0",
            "HERATIO_JOBS_STATE_DIR": str(self.folder / "state"),
            "HERATIO_JOBS_FOLD": "false",
        }
        environment = own | environment
        address = f"http://127.0.0.1:{environment['STREAMLIT_SERVER_PORT']}/admin/jobs"
        ARTEFACTS.mkdir(exist_ok=True)
        log = ARTEFACTS / f"{self.log_name}-{len(self.processes) + 1}.log"
        with log.open("wb") as output:
            process = subprocess.Popen(
                [sys.executable, "-m", "streamlit", "run", str(ROOT / "app.py")],
                env=own_environment() | environment,
                # Not the checkout, whose .env would add settings of its own.
                cwd=self.folder,
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=output,
                start_new_session=True,
            )
        self.processes.append(process)
        deadline = time.monotonic() + START_SECONDS
        with httpx2.Client(timeout=5) as client:
            while process.poll() is None and time.monotonic() < deadline:
                try:
                    client.get(f"{address}/_stcore/health")
                except httpx2.TransportError:
                    time.sleep(0.1)
                else:
                    return address
        text = log.read_text("utf-8", "replace")
        pytest.fail(f"The app did not start:\n{text[-4000:]}", pytrace=False)

    def stop_last(self) -> None:
        """Stop the app started last; its port can be had again."""
        stop(self.processes[-1])

    def close(self) -> None:
        """Stop every app started."""
        for process in self.processes:
            process.terminate()
        for process in self.processes:
            stop(process)


@dataclass(frozen=True)
class DemoSite:
    """An app that serves a demo which does not change: for tests that only look."""

    database_url: str
    address: str
    """Of the list."""
    failed_id: int
    """A job that failed, with an error and an output."""
    results_root: Path

    @property
    def origin(self) -> str:
        """Return what its addresses begin with."""
        return self.address.removesuffix(addresses.BASE)


DEMO_FAILURES = 40
DEMO_PATTERN = "Box <number> has no shelf"
"""One error is the most frequent of every period, whatever the hour: so often, and grouped so."""


@contextmanager
def serving_demo(folder: Path) -> Iterator[DemoSite]:
    """Serve a demo below a folder."""
    url = f"sqlite:///{folder / 'jobs.sqlite'}"
    engine = make_engine(url)
    demo.create(engine, jobs=1_200, seed=7, results_root=folder)
    engine.dispose()
    with closing(Store.on(url)) as store:
        now = datetime.now(UTC).replace(tzinfo=None, microsecond=0)
        for box in range(DEMO_FAILURES):
            ended = now - timedelta(minutes=box)
            job_id = store.job("Stocktaking", 185, ended, completed_at=ended, output="It began.")
            store.note(job_id, en=f"Box {box} has no shelf")
    with closing(AppServers("demo", folder)) as servers:
        address = servers(HERATIO_JOBS_DATABASE_URL=url, HERATIO_JOBS_RESULTS_ROOT=str(folder))
        yield DemoSite(url, address, job_id, folder)
