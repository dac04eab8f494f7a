"""The app as an institution runs it: a MariaDB, and an account with the documented rights alone."""

from __future__ import annotations

import os
import secrets
import subprocess
from collections.abc import Iterator
from contextlib import ExitStack, closing, contextmanager, suppress
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Final

import httpx2
import pymysql
from sqlalchemy import update

from jobs_data import addresses
from jobs_data.jobs.creation_order import CreationOrder
from jobs_data.removal.job_tables import JOB_TABLES
from jobs_data.removal.restore import Restores
from jobs_data.store import schema
from jobs_data.store.database import Store as OwnStore
from jobs_data.store.database import file_store
from tests.support import mariadb
from tests.support.app_servers import ARTEFACTS, DEMO_SIGN_IN, AppServers, let_an_administrator_in
from tests.support.mariadb import MariaDB, free_port
from tests.support.silent_proxy import SilentProxy, in_front_of
from tests.support.store import Store, documented_grants

DATABASE: Final = "reliability"
USER: Final = "jobs"
ACCOUNT: Final = f"{USER}@127.0.0.1"
ALWAYS_THERE: Final = "arAlwaysThere"
"""The newest job: it is active, so that no deletion takes it, and has a result file."""

DISK_MEGABYTES: Final = 64
PATIENCE: Final = 60.0
EACH_TABLE: Final = [each.name for each in JOB_TABLES]
FILL: Final = (
    "INSERT INTO object (class_name, created_at, updated_at, serial_number) SELECT 'QubitJob', NOW(), "
    "NOW(), 0 FROM seq_1_to_{jobs}",
    "INSERT INTO job (id, name, status_id, completed_at, output) SELECT id, REPEAT('arFinished', 20), "
    "184, NOW(), CONCAT('output of ', id) FROM object WHERE class_name = 'QubitJob'",
    "INSERT INTO note (object_id, type_id, source_culture, serial_number) SELECT id, 197, 'en', 0 "
    "FROM job",
    "INSERT INTO note_i18n (id, culture, content) SELECT id, 'en', 'a note' FROM note",
    "INSERT INTO ahg_job_execution (job_id, type, duration) SELECT id, 'import', 3 FROM job",
    "CREATE TRIGGER slow BEFORE DELETE ON object FOR EACH ROW SET @slept = SLEEP({seconds})",
)
"""The jobs, each with rows in five tables, and what makes a deletion last."""


@dataclass
class Installation:
    """A running server and app, which faults are injected into."""

    folder: Path
    servers: AppServers
    server: MariaDB
    replica: SilentProxy
    """The server at another address, which the app reads from if it is set so."""
    server_runs: ExitStack
    """Ends the server."""
    has_small_disk: bool
    """Whether the app's own database lies on a disk that can be filled."""
    always_there: int = 0
    """The number of the job ALWAYS_THERE."""
    active: list[int] = field(default_factory=list)
    """The jobs that a fault has made active, and that no deletion may take."""
    is_whole: bool = True
    """Whether all was as before after the last fault."""
    password: str = field(default_factory=lambda: secrets.token_hex(8))
    port: int = field(default_factory=free_port)

    def __post_init__(self) -> None:
        """Name its folders."""
        self.state, self.results = self.folder / "state", self.folder / "results"
        self.origin = f"http://127.0.0.1:{self.port}"

    def fill(self, jobs: int, seconds: float) -> None:
        """Make finished jobs, each of which takes some seconds to delete, and one that stays."""
        self.server.create_database(DATABASE)
        with closing(Store(self.server.url(DATABASE))) as store:
            for statement in FILL:
                self.ask(statement.format(jobs=jobs, seconds=seconds))
            (self.results / "downloads").mkdir(parents=True)
            (self.results / "downloads" / "result.csv").write_text("a result\n")
            now = datetime.now(UTC).replace(tzinfo=None, microsecond=0)
            path = "downloads/result.csv"
            self.always_there = store.job(ALWAYS_THERE, 183, created=now, download_path=path)
        let_an_administrator_in(self.server.url(DATABASE))
        self.ask(f"CREATE USER {ACCOUNT} IDENTIFIED BY '{self.password}'")
        self.grant()

    def grant(self) -> None:
        """Give the app's account the documented rights."""
        for statement in documented_grants(DATABASE, ACCOUNT):
            self.ask(statement)

    def ask(self, statement: str) -> list[tuple[object, ...]]:
        """Run a statement as the database's administrator, and return its rows."""
        with self.server.cursor(DATABASE) as cursor:
            cursor.execute(statement)
            return list(cursor.fetchall())

    def end_connections(self) -> None:
        """Kill each connection of the app."""
        query = f"SELECT id FROM information_schema.processlist WHERE user = '{USER}'"
        for [number] in self.ask(query):
            with suppress(pymysql.err.OperationalError):  # it has ended by itself
                self.ask(f"KILL {number}")

    def stop_server(self, signal_number: int) -> None:
        """End the server by a signal."""
        os.kill(self.server.pid, signal_number)
        self.server_runs.close()

    def start_server(self) -> None:
        """Start the server again, at its address."""
        self.server_runs.enter_context(mariadb.running(self.folder / "db", again=self.server))

    def start_app(self, *, has_replica: bool = False) -> None:
        """Start the app at its address; sessions of an earlier one stay valid."""
        url = (
            f"mysql+pymysql://{USER}:{self.password}@127.0.0.1:%d/{DATABASE}"
            "?charset=utf8mb4&ssl_disabled=true"
        )
        own = {
            "STREAMLIT_SERVER_PORT": str(self.port),
            "HERATIO_JOBS_DATABASE_URL": url % self.server.port,
            "HERATIO_JOBS_READ_DATABASE_URL": url % self.replica.port if has_replica else "",
            "HERATIO_JOBS_SECRET_KEY": "a key for tests that nobody needs to guess",
            "HERATIO_JOBS_RESULTS_ROOT": str(self.results),
            "HERATIO_JOBS_STATE_DIR": str(self.state),
        }
        self.servers.start(**own)

    def stop_app(self, signal_number: int) -> None:
        """End the app by a signal."""
        self.servers.processes[-1].send_signal(signal_number)
        self.servers.processes[-1].wait(PATIENCE)

    def lock_disk(self, *, is_locked: bool) -> None:
        """Make the state folder read-only, or no longer."""
        if self.has_small_disk:  # its rights would not stop root
            mode = "remount,ro" if is_locked else "remount,rw"
            subprocess.run(["mount", "-o", mode, str(self.state)], check=True)  # noqa: S607 - of the system
        else:
            self.state.chmod(0o500 if is_locked else 0o700)

    def log(self) -> str:
        """Return what the app has logged since its first start."""
        numbers = range(1, len(self.servers.processes) + 1)
        files = [ARTEFACTS / f"{self.servers.log_name}-{number}.log" for number in numbers]
        return "".join(file.read_text("utf-8", "replace") for file in files)

    @contextmanager
    def sign_in(self) -> Iterator[httpx2.Client]:
        """Give a client of the app that has signed in, a program for the app."""
        accept = {"Accept": "application/json"}
        with httpx2.Client(base_url=self.origin, timeout=PATIENCE, headers=accept) as client:
            assert client.post(addresses.SIGN_IN, data=DEMO_SIGN_IN).cookies
            yield client

    def finished(self) -> int:
        """Return how many finished jobs there are."""
        [[count]] = self.ask("SELECT count(*) FROM job WHERE status_id = 184")
        return int(str(count))

    def checksums(self) -> list[tuple[object, ...]]:
        """Return a checksum of the rows of each of a job's tables."""
        return self.ask(f"CHECKSUM TABLE {', '.join(EACH_TABLE)}")

    @contextmanager
    def restores(self) -> Iterator[tuple[Restores, OwnStore]]:
        """Give what restores deleted jobs, and the app's own database, as the app has them."""
        with (
            closing(Store.on(self.server.url(DATABASE))) as store,
            closing(file_store(self.state)) as own,
        ):
            # As if the minute had passed for which a killed app keeps its receipt reserved.
            with own.writing() as connection:
                connection.execute(update(schema.receipt).values(busy_until=None))
            database = store.database()
            yield Restores(database, own, CreationOrder(database)), own


@contextmanager
def installed(folder: Path, jobs: int, seconds: float) -> Iterator[Installation]:
    """Run a server and the app with a number of finished jobs, each slow to delete."""
    for name in ("db", "state", "app"):
        (folder / name).mkdir()
    with ExitStack() as stack:
        options = f"size={DISK_MEGABYTES}m,mode=700"
        mount = ["mount", "-t", "tmpfs", "-o", options, "state", str(folder / "state")]
        has_small_disk = os.geteuid() == 0 and not subprocess.run(mount, check=False).returncode
        if has_small_disk:
            stack.callback(subprocess.run, ["umount", "-l", str(folder / "state")], check=True)
        server_runs = stack.enter_context(ExitStack())
        server = server_runs.enter_context(mariadb.running(folder / "db"))
        servers = stack.enter_context(closing(AppServers("reliability", folder / "app")))
        replica = stack.enter_context(in_front_of(server.port))
        site = Installation(folder, servers, server, replica, server_runs, has_small_disk)
        site.fill(jobs, seconds)
        site.start_app()
        yield site
