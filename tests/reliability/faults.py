"""Faults around the running app, each with what its users got meanwhile and what was lost.

Each is injected while lists are open, exports and downloads run, and all finished jobs are deleted.
"""

from __future__ import annotations

import os
import resource
import signal
import socket
import sqlite3
import struct
import sys
import threading
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import AbstractContextManager, ExitStack, closing, contextmanager, suppress
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Final

import httpx2
import pymysql

from benchmarks.figures import circumstances, markdown
from jobs_data import addresses
from jobs_data.store.database import FILE_NAME
from tests.reliability.installation import (
    ACCOUNT,
    DATABASE,
    EACH_TABLE,
    HALVES,
    PATIENCE,
    Installation,
    installed,
)
from tests.reliability.users import CUT, OLD, REASON, RIGHT, Broken, Users, using
from web.sessions import COOKIE

JOBS: Final = 5_000
SECONDS_PER_JOB: Final = 0.001
LISTS: Final = 5
HOLD_SECONDS: Final = 10.0
LONG_HOLD_SECONDS: Final = 30.0
"""Longer than any limit of a statement, so that each is seen at work."""

HANG_UPS: Final = 100
STOP_SECONDS: Final = 30
"""What a service manager waits for at least."""

HEADER: Final = ("Fault", "Users got meanwhile", "Health check", "Deletion", "Right after", "Lost")
Inject = Callable[[Installation], AbstractContextManager[None]]
Answers = tuple[tuple[str, str], ...]
UNREADY: Final = ("health checks", REASON)
OLD_LIST: Final = ("lists", OLD)


@dataclass(frozen=True)
class Fault:
    """One fault: how it is injected, and what users must get meanwhile."""

    name: str
    inject: Inject
    """The fault is there within its context, and gone after it."""
    shows: Answers = ()
    """What is used and how that is answered; empty if all must be served as usual meanwhile."""
    seconds: float = HOLD_SECONDS
    has_replica: bool = False


@dataclass(frozen=True)
class Outcome:
    """What came of a fault."""

    fault: Fault
    users: Users
    deleted: int
    """How many jobs the deletion has deleted."""
    answer: str
    """What its user got."""
    seconds: float
    """After how long everybody was served as before."""
    broken: list[str]
    """The promises that were not kept."""

    def cells(self, jobs: int) -> tuple[str, ...]:
        """Return the row of the table, as HEADER names it."""
        got = [
            f"{what}: " + ", ".join(f"{count} {how}" for how, count in counts.items() if how != RIGHT)
            for what, counts in self.users.seen.items()
            if counts.total() > counts[RIGHT] and what != "health checks"
        ]
        unready = self.users.unready.partition(". ")[0]
        deletion = (
            "to its end" if self.deleted >= jobs else f"{self.answer}, after {self.deleted:,} jobs"
        )
        return (
            self.fault.name,
            "; ".join([*got, f"waited {self.users.longest:.1f} s at most"]),
            f"503: {unready}" if unready else "200",
            deletion,
            f"{self.seconds:.1f} s",
            f"**{'; '.join(self.broken)}**" if self.broken else "nothing",
        )


@contextmanager
def server_ends(site: Installation, how: int) -> Iterator[None]:
    """The database server ends, and comes back."""
    site.stop_server(how)
    try:
        yield
    finally:
        site.start_server()


@contextmanager
def server_is_frozen(site: Installation) -> Iterator[None]:
    """It accepts connections and answers nothing."""
    os.kill(site.server.pid, signal.SIGSTOP)
    try:
        yield
    finally:
        os.kill(site.server.pid, signal.SIGCONT)


@contextmanager
def tables_are_locked(site: Installation) -> Iterator[None]:
    """As a dump with --lock-tables does."""
    with site.server.cursor(DATABASE) as cursor:
        cursor.execute(f"LOCK TABLES {EACH_TABLE.replace(',', ' WRITE,')} WRITE")
        yield


@contextmanager
def repeatedly(act: Callable[[], object]) -> Iterator[None]:
    """Do something again and again meanwhile."""
    ended = threading.Event()

    def loop() -> None:
        while not ended.wait(0.05):
            act()

    with ThreadPoolExecutor(1) as pool:
        working = pool.submit(loop)
        try:
            yield
        finally:
            ended.set()
            working.result()


def tables_are_altered(site: Installation) -> AbstractContextManager[None]:
    """Each is copied, as an upgrade of the platform does."""
    return repeatedly(lambda: site.ask("ALTER TABLE job FORCE, ALGORITHM = COPY"))


def connections_are_killed(site: Installation) -> AbstractContextManager[None]:
    """Amid whatever they do."""
    return repeatedly(site.end_connections)


@contextmanager
def no_connection_is_left(site: Installation) -> Iterator[None]:
    """Other programs use all that the server has."""
    with ExitStack() as stack:
        site.ask("SET GLOBAL max_connections = 20")
        stack.callback(lambda: site.ask("SET GLOBAL max_connections = 151"))
        others = stack.enter_context(ExitStack())

        def use_all() -> None:
            with suppress(pymysql.err.OperationalError):
                while True:
                    others.enter_context(
                        pymysql.connect(
                            host=site.server.host,
                            port=site.server.port,
                            user="others",
                            ssl_disabled=True,
                        )
                    )

        site.ask("CREATE OR REPLACE USER others@127.0.0.1")
        stack.enter_context(repeatedly(use_all))
        site.end_connections()
        yield


@contextmanager
def rights_are_lost(site: Installation) -> Iterator[None]:
    """The account of the app may do nothing."""
    site.ask(f"REVOKE ALL PRIVILEGES, GRANT OPTION FROM {ACCOUNT}")
    try:
        site.end_connections()  # one that exists keeps its rights to a database
        yield
    finally:
        site.grant()


@contextmanager
def app_ends(site: Installation, how: int) -> Iterator[None]:
    """The app ends, and starts again."""
    site.stop_app(how)
    yield
    site.start_app()


@contextmanager
def disk_is_full(site: Installation) -> Iterator[None]:
    """The one of the app's own database; where there is no small disk, its files may not grow."""
    if not site.has_small_disk:
        limits = resource.prlimit(site.app.pid, resource.RLIMIT_FSIZE)
        resource.prlimit(site.app.pid, resource.RLIMIT_FSIZE, (1, limits[1]))
        yield
        resource.prlimit(site.app.pid, resource.RLIMIT_FSIZE, limits)
        return
    with closing(sqlite3.connect(site.state / FILE_NAME)) as own:
        own.execute("PRAGMA wal_checkpoint(TRUNCATE)")  # else there is room in the log for a while
    other = site.state / "other"
    with other.open("wb", 0) as file, suppress(OSError):
        while file.write(bytes(4096)):
            pass
    yield
    other.unlink()


@contextmanager
def state_is_read_only(site: Installation) -> Iterator[None]:
    """The app starts on a state folder that it cannot write."""
    site.stop_app(signal.SIGTERM)
    site.lock_disk(is_locked=True)
    site.start_app()
    yield
    site.lock_disk(is_locked=False)


@contextmanager
def state_is_locked(site: Installation) -> Iterator[None]:
    """Another process writes to the app's own database."""
    with closing(sqlite3.connect(site.state / FILE_NAME)) as other:
        other.execute("BEGIN IMMEDIATE")
        yield


@contextmanager
def state_is_rubbish(site: Installation) -> Iterator[None]:
    """The files of the app's own database are replaced, and restored later."""
    aside = site.state / "aside"
    aside.mkdir()
    for file in site.state.glob(f"{FILE_NAME}*"):
        file.rename(aside / file.name)
    (site.state / FILE_NAME).write_bytes(b"rubbish" * 10_000)
    yield
    for file in site.state.glob(f"{FILE_NAME}*"):
        file.unlink()
    for file in aside.iterdir():
        file.rename(site.state / file.name)
    aside.rmdir()


@contextmanager
def results_vanish(site: Installation) -> Iterator[None]:
    """The folder of the result files is no longer mounted."""
    aside = site.results.rename(site.folder / "aside")
    yield
    aside.rename(site.results)


@contextmanager
def replica_goes(site: Installation) -> Iterator[None]:
    """Its connections end, and new ones get no answer."""
    site.replica.silence_all()
    for link in site.replica.links:
        link.close()
    yield
    site.replica.greet()


def jobs_turn_active(site: Installation) -> AbstractContextManager[None]:
    """The platform takes up jobs that are about to be deleted."""

    def turn() -> None:
        with (
            site.server.cursor(DATABASE) as cursor,
            suppress(pymysql.err.OperationalError),  # a deadlock, which a worker tries again after
        ):
            cursor.execute("SELECT id FROM job WHERE status_id = 184 ORDER BY id LIMIT 1 OFFSET 100")
            for job_id in cursor.fetchall():
                # It changes no row if the deletion was faster.
                changed = "UPDATE job SET status_id = 183 WHERE id = %s AND status_id = 184"
                if cursor.execute(changed, job_id):
                    site.active += job_id

    return repeatedly(turn)


def clients_hang_up(site: Installation) -> AbstractContextManager[None]:
    """Amid an export, all at once."""
    with site.sign_in() as client:
        cookie = f"{COOKIE}={client.cookies[COOKIE]}"
    request = f"GET {addresses.BASE}/export-csv?columns=all HTTP/1.1\r\nHost: {site.origin[7:]}\r\n"

    def hang_up() -> None:
        with ExitStack() as stack:
            for _ in range(HANG_UPS):
                end = stack.enter_context(socket.create_connection(("127.0.0.1", site.port)))
                end.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
                end.sendall(f"{request}Cookie: {cookie}\r\n\r\n".encode())
            end.recv(10)

    return repeatedly(hang_up)


FAULTS: Final = (
    Fault(
        "The database server is killed", partial(server_ends, how=signal.SIGKILL), (UNREADY, OLD_LIST)
    ),
    Fault(
        "The database server is stopped", partial(server_ends, how=signal.SIGTERM), (UNREADY, OLD_LIST)
    ),
    Fault("The database server freezes", server_is_frozen, (UNREADY,), LONG_HOLD_SECONDS),
    Fault("The jobs' tables are locked", tables_are_locked, (UNREADY,), LONG_HOLD_SECONDS),
    Fault("The jobs' table is rebuilt again and again", tables_are_altered),
    Fault("The app's connections are killed, 20 times a second", connections_are_killed, (OLD_LIST,)),
    Fault("No connection is left", no_connection_is_left, (UNREADY, OLD_LIST)),
    Fault("The app's account loses its rights", rights_are_lost, (UNREADY, OLD_LIST)),
    Fault("The replica goes away", replica_goes, has_replica=True),
    Fault("The app is killed", partial(app_ends, how=signal.SIGKILL), (("lists", CUT),)),
    Fault("The app is stopped", partial(app_ends, how=signal.SIGTERM), (("lists", CUT),)),
    Fault("The disk of the app's own database is full", disk_is_full, (UNREADY,)),
    Fault("The app starts with a read-only state folder", state_is_read_only, (UNREADY,)),
    Fault("Another process locks the app's own database", state_is_locked),
    Fault("The app's own database is replaced by rubbish", state_is_rubbish, (UNREADY,)),
    Fault("The result folder vanishes", results_vanish, (("downloads", REASON),)),
    Fault("Jobs turn active while they are deleted", jobs_turn_active),
    Fault(f"{HANG_UPS} clients hang up in exports, again and again", clients_hang_up),
)


def run(site: Installation, fault: Fault, hold: float, lists: int) -> Outcome:
    """Inject a fault while the app is used, wait until all is as before, and count the jobs.

    All jobs that were deleted are restored then.
    """
    if not site.is_whole:
        raise Broken("An earlier fault has left the app broken.")
    site.is_whole = False
    if fault.has_replica != bool(site.settings):
        site.stop_app(signal.SIGTERM)
        site.start_app(**site.replica_settings() if fault.has_replica else {})
    before, jobs, logged = site.checksums(), site.finished(), len(site.log())
    with using(site, lists) as users, ThreadPoolExecutor(1) as pool:
        clearing = pool.submit(clear, site)
        users.wait_until(lambda: site.finished() < jobs, "the first jobs deleted")
        began = time.monotonic()

        def is_shown() -> bool:
            shown = [users.seen[what][how] for what, how in fault.shows]
            return all(shown or [users.are_served_since(began)])

        if clearing.done():
            raise Broken(f"the deletion ended too early: {clearing.result()}")
        with fault.inject(site):
            users.wait_until(is_shown, f"{fault.shows}")
            time.sleep(max(0.0, began + hold - time.monotonic()))
        ended = time.monotonic()
        users.wait_until(lambda: users.are_served_since(ended), "everybody served as before")
        seconds = time.monotonic() - ended
        answer = clearing.result(PATIENCE)
    deleted, broken = count(site, jobs, before)
    site.is_whole = True
    broken += sorted(users.wrong)
    if "Traceback" in site.log()[logged:]:
        broken.append("a traceback in the log")
    return Outcome(fault, users, deleted, answer, seconds, broken)


def clear(site: Installation) -> str:
    """Delete all finished jobs, and return what the user gets."""
    with site.sign_in() as client:
        try:
            path = f"{addresses.BASE}/clear-inactive"
            answer = client.post(path, headers={"Accept": "application/json"})
        except httpx2.TransportError:
            return CUT
        return f"{answer.status_code}: {answer.json()['message']}"


def count(site: Installation, jobs: int, before: object) -> tuple[int, list[str]]:
    """Return how many jobs were deleted, and what is wrong with the jobs and the receipts.

    A deletion works again, and all that was deleted is restored exactly as it was.
    """
    broken = []
    [[job_id]] = site.ask("SELECT min(id) FROM job")
    with site.sign_in() as client:
        path = f"{addresses.BASE}/delete/{job_id}"
        answer = client.post(path, headers={"Accept": "application/json"})
        if answer.status_code != 200 and site.finished():
            broken.append(f"no deletion afterwards: {answer.status_code} {answer.text}")
    if site.active:
        ids = ", ".join(map(str, site.active))
        [[there]] = site.ask(f"SELECT count(*) FROM job WHERE id IN ({ids})")
        if there != len(site.active):
            broken.append(f"{len(site.active)} jobs were active, {there} of them are there")
        site.ask(f"UPDATE job SET status_id = 184 WHERE id IN ({ids})")
        site.active.clear()
    if halves := [row for statement in HALVES for row in site.ask(statement)]:
        broken.append(f"half jobs: {halves[:5]}")
    receipts = site.receipts()
    deleted = sum(each.removed - each.restored for each in receipts)
    if pending := sum(each.pending for each in receipts):
        broken.append(f"{pending} jobs without an outcome")
    if jobs - site.finished() != deleted:
        broken.append(f"{jobs - site.finished()} jobs are gone, {deleted} are in receipts")
    site.restore()
    if site.checksums() != before:
        broken.append("not restored as it was")
    return deleted, broken


def measure(folder: Path) -> tuple[str, bool]:
    """Inject each fault, and return the table and whether each promise was kept."""
    outcomes = []
    with installed(folder, JOBS, SECONDS_PER_JOB) as site:
        for fault in FAULTS:
            outcomes.append(run(site, fault, fault.seconds, LISTS))
            sys.stderr.write(" · ".join(outcomes[-1].cells(JOBS)) + "\n")
        rows = [HEADER, *(each.cells(JOBS) for each in outcomes)]
        text = f"{markdown(rows)}\n\n{circumstances(site.server)}."
    return text, not any(each.broken for each in outcomes)
