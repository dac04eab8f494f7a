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
from sqlalchemy import update

from jobs_data import addresses
from jobs_data.audit import Actor
from jobs_data.jobs.creation_order import CreationOrder
from jobs_data.removal.job_tables import JOB_TABLES
from jobs_data.removal.restore import Restores
from jobs_data.store import receipts, schema
from jobs_data.store.database import Store as OwnStore
from jobs_data.store.database import file_store
from jobs_data.store.receipts import Receipt
from tests.support import mariadb
from tests.support.app_servers import ARTEFACTS, DEMO_SIGN_IN, AppServers, let_an_administrator_in
from tests.support.mariadb import MariaDB, free_port
from tests.support.silent_proxy import SilentProxy, in_front_of
from tests.support.store import Store, documented_grants

DATABASE: Final = "reliability"
ACCOUNT: Final = "jobs@127.0.0.1"
ALWAYS_THERE: Final = "arAlwaysThere"
"""The newest job: it is active, so no removal takes it, and has a result file."""

DISK_MEGABYTES: Final = 64
PATIENCE: Final = 60.0
MOST: Final = 1_000
EACH_TABLE: Final = ", ".join(each.name for each in JOB_TABLES)
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

HALVES: Final = (
    "SELECT id FROM job WHERE id NOT IN (SELECT id FROM object)",
    "SELECT id FROM object WHERE class_name = 'QubitJob' AND id NOT IN (SELECT id FROM job)",
    "SELECT object_id FROM note WHERE object_id NOT IN (SELECT id FROM job)",
    "SELECT id FROM note_i18n WHERE id NOT IN (SELECT id FROM note)",
    "SELECT job_id FROM ahg_job_execution WHERE job_id NOT IN (SELECT id FROM job)",
    "SELECT id FROM job WHERE status_id <> 183 AND id NOT IN (SELECT object_id FROM note)",
    "SELECT id FROM job WHERE status_id <> 183 AND id NOT IN (SELECT job_id FROM ahg_job_execution)",
)
"""What finds a row of a job that is not whole."""


@dataclass
class Installation:
    """A running server and app, which faults are injected into, and what counts their jobs."""

    folder: Path
    servers: AppServers
    server: MariaDB
    has_small_disk: bool
    """Whether the app's own database lies on a disk that can be filled."""
    replica: SilentProxy
    """The server by another address, which the app reads from if it is set so."""
    stack: ExitStack
    """Stops the server."""
    settings: dict[str, str] = field(default_factory=dict)
    """Of the app that runs now, beside those that each has."""
    always_there: int = 0
    """The number of the job ALWAYS_THERE."""
    active: list[int] = field(default_factory=list)
    """The jobs that a fault has made active, and that no removal may delete."""
    is_whole: bool = True
    """Whether it was as before after the last fault."""
    password: str = field(default_factory=lambda: secrets.token_hex(8))
    port: int = field(default_factory=free_port)

    @property
    def state(self) -> Path:
        """Return the folder of the app's own database."""
        return self.folder / "state"

    @property
    def results(self) -> Path:
        """Return the folder of the jobs' result files."""
        return self.folder / "results"

    @property
    def origin(self) -> str:
        """Return what the app's addresses begin with."""
        return f"http://127.0.0.1:{self.port}"

    @property
    def app(self) -> subprocess.Popen[bytes]:
        """Return the process of the app."""
        return self.servers.processes[-1]

    def url(self, port: int) -> str:
        """Return the URL with which the app reaches its database at a port."""
        user = f"{ACCOUNT.partition('@')[0]}:{self.password}"
        options = "charset=utf8mb4&ssl_disabled=true"
        return f"mysql+pymysql://{user}@127.0.0.1:{port}/{DATABASE}?{options}"

    def fill(self, jobs: int, seconds: float) -> None:
        """Make finished jobs, each of which takes some seconds to delete, and one that stays."""
        self.server.create_database(DATABASE)
        with closing(Store(self.server.url(DATABASE))) as store:
            for statement in FILL:
                self.ask(statement.format(jobs=jobs, seconds=seconds))
            (self.results / "downloads").mkdir(parents=True)
            (self.results / "downloads" / "result.csv").write_text("a result\n")
            self.always_there = store.job(
                ALWAYS_THERE,
                183,
                created=datetime.now(UTC).replace(tzinfo=None, microsecond=0),
                download_path="downloads/result.csv",
            )
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
        with self.server.cursor() as cursor:
            cursor.execute("SELECT id FROM information_schema.processlist WHERE user = 'jobs'")
            for [number] in cursor.fetchall():
                with suppress(Exception):  # it may have ended by itself
                    cursor.execute(f"KILL {number}")

    def stop_server(self, signal_number: int) -> None:
        """End the server as a signal does."""
        os.kill(self.server.pid, signal_number)
        self.stack.close()

    def start_server(self) -> None:
        """Start the server again, at its address."""
        self.stack.enter_context(mariadb.running(self.folder / "db", again=self.server))

    def start_app(self, **settings: str) -> None:
        """Start the app at its address; sessions of an earlier one stay valid."""
        self.settings = settings
        own = {
            "STREAMLIT_SERVER_PORT": str(self.port),
            "HERATIO_JOBS_DATABASE_URL": self.url(self.server.port),
            "HERATIO_JOBS_SECRET_KEY": "a key for tests that nobody needs to guess",
            "HERATIO_JOBS_RESULTS_ROOT": str(self.results),
            "HERATIO_JOBS_STATE_DIR": str(self.state),
        }
        self.servers.start(**own | settings)

    def stop_app(self, signal_number: int) -> None:
        """End the app as a signal does."""
        self.app.send_signal(signal_number)
        self.app.wait(PATIENCE)

    def replica_settings(self) -> dict[str, str]:
        """Return the settings with which the app reads from the replica."""
        return {"HERATIO_JOBS_READ_DATABASE_URL": self.url(self.replica.port)}

    def lock_disk(self, *, is_locked: bool) -> None:
        """Make the state folder read-only, or no longer."""
        if self.has_small_disk:  # its rights would not stop root
            mode = "ro" if is_locked else "rw"
            mount = ["mount", "-o", f"remount,{mode}", str(self.state)]
            subprocess.run(mount, check=True)
        else:
            self.state.chmod(0o500 if is_locked else 0o700)

    def log(self) -> str:
        """Return what the app has logged since its first start."""
        numbers = range(1, len(self.servers.processes) + 1)
        files = [ARTEFACTS / f"{self.servers.log_name}-{number}.log" for number in numbers]
        return "".join(file.read_text("utf-8", "replace") for file in files)

    @contextmanager
    def sign_in(self) -> Iterator[httpx2.Client]:
        """Give a client of the app that has signed in."""
        with httpx2.Client(base_url=self.origin, timeout=PATIENCE) as client:
            assert client.post(addresses.SIGN_IN, data=DEMO_SIGN_IN).status_code == 303
            yield client

    def finished(self) -> int:
        """Return how many finished jobs there are."""
        [[count]] = self.ask("SELECT count(*) FROM job WHERE status_id = 184")
        return int(str(count))

    def checksums(self) -> list[tuple[object, ...]]:
        """Return a checksum of the rows of each of a job's tables."""
        return self.ask(f"CHECKSUM TABLE {EACH_TABLE}")

    def receipts(self) -> list[Receipt]:
        """Return the receipts of all deletions, after pending jobs were looked up."""
        with self._restores() as (restores, own):
            for each in receipts.list_receipts(own, "", 1, MOST).items:
                restores.read_settled(each.id)
            return receipts.list_receipts(own, "", 1, MOST).items

    def restore(self) -> None:
        """Restore all deleted jobs, as *Restore* on the page of deleted jobs does."""
        with self._restores() as (restores, own):
            for each in receipts.list_receipts(own, "", 1, MOST).items:
                if each.to_restore:
                    work = restores.start(each.id, Actor("ada"))
                    work.wait()
                    assert (work.failed, work.error) == (0, "")

    @contextmanager
    def _restores(self) -> Iterator[tuple[Restores, OwnStore]]:
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
    """Run a server and the app with so many finished jobs, each of which takes so long to delete."""
    for name in ("db", "state", "app"):
        (folder / name).mkdir()
    size = f"size={DISK_MEGABYTES}m,mode=700"
    mount = ["mount", "-t", "tmpfs", "-o", size, "state", str(folder / "state")]
    with ExitStack() as stack:
        is_small = os.geteuid() == 0 and not subprocess.run(mount, check=False).returncode
        if is_small:
            stack.callback(subprocess.run, ["umount", "-l", str(folder / "state")], check=True)
        running = stack.enter_context(ExitStack())
        server = running.enter_context(mariadb.running(folder / "db"))
        servers = stack.enter_context(closing(AppServers("reliability", folder / "app")))
        replica = stack.enter_context(in_front_of(server.port))
        site = Installation(folder, servers, server, is_small, replica, running)
        site.fill(jobs, seconds)
        site.start_app()
        yield site
