"""Faults around the running app, each with what its users got and what was lost.

Each is injected while lists are open, exports and downloads run, and all finished jobs are deleted.
"""

from __future__ import annotations

import os
import re
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
from jobs_data.audit import Actor
from jobs_data.store.database import FILE_NAME
from jobs_data.store.receipts import list_receipts
from tests.reliability.installation import (
    ACCOUNT,
    DATABASE,
    EACH_TABLE,
    PATIENCE,
    Installation,
    installed,
)
from tests.reliability.users import CUT, OLD, READY, REFUSED, RIGHT, Broken, Users, using
from web.sessions import COOKIE

JOBS: Final = 3_000
SECONDS_PER_JOB: Final = 0.001
LISTS: Final = 5
HOLD_SECONDS: Final = 5.0
LONG_HOLD_SECONDS: Final = 30.0
"""Longer than any limit of a statement that reads, so that each is seen at work."""

HANG_UPS: Final = 100
HEADER: Final = (
    *("Fault", "What users got", "Longest wait", "Health check", "Deletion", "Right after"),
    "Broken",
)
TRACEBACK: Final = re.compile(r"^(?!.* sqlalchemy\.pool).+\nTraceback", re.MULTILINE)
"""SQLAlchemy's pool logs one for a connection that broke, and replaces the connection."""

Inject = Callable[[Installation], AbstractContextManager[None]]


@dataclass(frozen=True)
class Fault:
    """One fault: how it is injected, and what users must get during it."""

    name: str
    inject: Inject
    """The fault is there within its context, and gone after it."""
    shows: tuple[tuple[str, str], ...] = ()
    """What is used and what that comes to; empty if all must be served as usual during it."""
    seconds: float = HOLD_SECONDS
    has_replica: bool = False


@dataclass(frozen=True)
class Outcome:
    """The result of a fault."""

    fault: Fault
    users: Users
    deletion: str
    """How it ended."""
    seconds: float
    """After how long all users were served as before."""
    broken: list[str]
    """The promises that were not kept."""

    def cells(self) -> tuple[str, ...]:
        """Return the row of the table, as HEADER names it."""
        got = [
            f"{what} {how}: {count}"
            for what, counts in self.users.seen.items()
            for how, count in counts.items()
            if how != RIGHT and what != READY
        ]
        unready = self.users.unready.partition(". ")[0]
        return (
            self.fault.name,
            ", ".join(sorted(got)) or RIGHT,
            f"{self.users.longest:.1f} s",
            f"503: {unready}" if unready else "200",
            self.deletion,
            f"{self.seconds:.1f} s",
            f"**{'; '.join(self.broken)}**" if self.broken else "nothing",
        )


@contextmanager
def repeatedly(act: Callable[[], object]) -> Iterator[None]:
    """Do something again and again inside the block."""
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


@contextmanager
def server_ends(site: Installation, how: int) -> Iterator[None]:
    site.stop_server(how)
    yield
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
    """As by a dump with --lock-tables."""
    with site.server.cursor(DATABASE) as cursor:
        cursor.execute(f"LOCK TABLES {' WRITE, '.join(EACH_TABLE)} WRITE")
        yield


def table_is_copied(site: Installation) -> AbstractContextManager[None]:
    """As by an upgrade of the platform."""
    return repeatedly(lambda: site.ask("ALTER TABLE job FORCE, ALGORITHM = COPY"))


def connections_are_killed(site: Installation) -> AbstractContextManager[None]:
    return repeatedly(site.end_connections)


@contextmanager
def no_connection_is_left(site: Installation) -> Iterator[None]:
    """Another program uses all that the server has."""
    server = site.server
    site.ask("CREATE OR REPLACE USER others@127.0.0.1")
    site.ask("SET GLOBAL max_connections = 20")
    with ExitStack() as others:

        def use_all() -> None:
            with suppress(pymysql.err.OperationalError):
                site.end_connections()  # the app may have been faster
                while True:
                    other = pymysql.connect(
                        host=server.host, port=server.port, user="others", ssl_disabled=True
                    )
                    others.enter_context(closing(other))

        with repeatedly(use_all):
            yield
    site.ask("SET GLOBAL max_connections = 151")


@contextmanager
def rights_are_lost(site: Installation) -> Iterator[None]:
    site.ask(f"REVOKE ALL PRIVILEGES, GRANT OPTION FROM {ACCOUNT}")
    site.end_connections()  # one that exists keeps its rights to a database
    yield
    site.grant()


@contextmanager
def replica_goes(site: Installation) -> Iterator[None]:
    """Its connections end, and new ones get no answer."""
    site.replica.silence_all()
    for link in site.replica.links:
        link.close()
    yield
    site.replica.greet()


@contextmanager
def app_ends(site: Installation, how: int) -> Iterator[None]:
    site.stop_app(how)
    yield
    site.start_app()


@contextmanager
def disk_is_full(site: Installation) -> Iterator[None]:
    """The one of the app's own database; where there is no small disk, the app's files cannot grow."""
    pid, other = site.servers.processes[-1].pid, site.state / "other"
    _, hard = limits = resource.prlimit(pid, resource.RLIMIT_FSIZE)
    with closing(sqlite3.connect(site.state / FILE_NAME)) as own:
        own.execute("PRAGMA wal_checkpoint(TRUNCATE)")  # else there is room in the log for a while
    if site.has_small_disk:
        with suppress(OSError), other.open("wb", 0) as file:
            while file.write(bytes(4096)):
                pass
    else:
        resource.prlimit(pid, resource.RLIMIT_FSIZE, (1, hard))
    yield
    other.unlink(missing_ok=True)
    resource.prlimit(pid, resource.RLIMIT_FSIZE, limits)


@contextmanager
def starts_read_only(site: Installation) -> Iterator[None]:
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
    """The files of the app's own database are replaced, and the right ones come back."""
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
    aside = site.results.rename(site.folder / "aside")
    yield
    aside.rename(site.results)


def jobs_turn_active(site: Installation) -> AbstractContextManager[None]:
    """The platform takes up jobs that are about to be deleted."""

    def turn() -> None:
        with (
            site.server.cursor(DATABASE) as cursor,
            suppress(pymysql.err.OperationalError),  # a deadlock, after which a worker tries again
        ):
            cursor.execute("SELECT id FROM job WHERE status_id = 184 ORDER BY id LIMIT 1 OFFSET 100")
            for job_id in cursor.fetchall():
                # It changes no row if the deletion was faster.
                changed = "UPDATE job SET status_id = 183 WHERE id = %s AND status_id = 184"
                if cursor.execute(changed, job_id):
                    site.active += job_id

    return repeatedly(turn)


def clients_hang_up(site: Installation) -> AbstractContextManager[None]:
    """In the middle of an export, all at once."""
    with site.sign_in() as client:
        cookie = f"Cookie: {COOKIE}={client.cookies[COOKIE]}"
    host = site.origin.removeprefix("http://")
    request = f"GET {addresses.BASE}/export-csv HTTP/1.1\r\nHost: {host}\r\n{cookie}\r\n\r\n".encode()

    def hang_up() -> None:
        with ExitStack() as stack:
            for _ in range(HANG_UPS):
                end = stack.enter_context(socket.create_connection(("127.0.0.1", site.port)))
                end.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
                end.sendall(request)
            end.recv(10)

    return repeatedly(hang_up)


UNREADY: Final = (READY, REFUSED)
OLD_LIST: Final = ("lists", OLD)
GONE: Final = (("lists", CUT),)
FAULTS: Final = (
    Fault("Database server killed", partial(server_ends, how=signal.SIGKILL), (UNREADY, OLD_LIST)),
    Fault("Database server stopped", partial(server_ends, how=signal.SIGTERM), (UNREADY, OLD_LIST)),
    Fault("Database server frozen", server_is_frozen, (UNREADY,), LONG_HOLD_SECONDS),
    Fault("Tables locked", tables_are_locked, (UNREADY,), LONG_HOLD_SECONDS),
    Fault("Table copied again and again", table_is_copied),
    Fault("Connections killed, 20 times a second", connections_are_killed, (OLD_LIST,)),
    Fault("No connection left at the server", no_connection_is_left, (UNREADY, OLD_LIST)),
    Fault("Rights of the app's account lost", rights_are_lost, (UNREADY, OLD_LIST)),
    Fault("Replica gone", replica_goes, has_replica=True),
    Fault("App killed", partial(app_ends, how=signal.SIGKILL), GONE),
    Fault("App stopped", partial(app_ends, how=signal.SIGTERM), GONE),
    Fault("State folder: disk full", disk_is_full, (UNREADY,)),
    Fault("State folder: read-only when the app starts", starts_read_only, (UNREADY,)),
    Fault("State folder: locked by another process", state_is_locked),
    Fault("State folder: file replaced by rubbish", state_is_rubbish, (UNREADY,)),
    Fault("Result folder gone", results_vanish, (("downloads", REFUSED),)),
    Fault("Jobs turn active while they are deleted", jobs_turn_active),
    Fault(f"{HANG_UPS} clients hang up in exports, again and again", clients_hang_up),
)


def run(site: Installation, fault: Fault, hold: float, lists: int) -> Outcome:
    """Inject a fault while the app is used, wait until all is as before, and count the jobs.

    All jobs that were deleted are restored then.
    """
    if not site.is_whole:
        raise Broken("An earlier fault has left something broken.")
    site.is_whole = False
    if fault.has_replica:
        site.stop_app(signal.SIGTERM)
        site.start_app(has_replica=True)
    before, jobs, logged = site.checksums(), site.finished(), len(site.log())
    with using(site, lists) as users, ThreadPoolExecutor(1) as pool:
        clearing = pool.submit(clear, site)
        users.wait_until(lambda: site.finished() < jobs, "the first jobs deleted")
        if clearing.done():
            raise Broken(f"The deletion ended before the fault: {clearing.result()}")
        began = time.monotonic()

        def is_shown() -> bool:
            shown = [users.seen[what][how] > 0 for what, how in fault.shows]
            return all(shown or [users.are_served_since(began)])

        with fault.inject(site):
            users.wait_until(is_shown, f"{fault.shows}")
            time.sleep(max(0.0, began + hold - time.monotonic()))
        ended = time.monotonic()
        users.wait_until(lambda: users.are_served_since(ended), "all users served as before")
        seconds = time.monotonic() - ended
        deletion, said = clearing.result()
    deleted, broken = count(site, jobs)
    if said is not None and said != deleted:
        broken.append(f"the app reported {said} deleted jobs, not {deleted}")
    if deletion not in {CUT, ""}:
        users.judge(deletion)
    if site.checksums() != before:
        broken.append("the jobs are not restored as they were")
    if TRACEBACK.search(site.log()[logged:]):
        broken.append("a traceback in the log")
    site.is_whole = True
    how = "cut off" if deletion == CUT else "stopped with a reason" if deletion else "to its end"
    how = f"{how} after {deleted:,} jobs" if deletion else how
    return Outcome(fault, users, how, seconds, broken + sorted(users.wrong))


def clear(site: Installation) -> tuple[str, int | None]:
    """Delete all finished jobs; return why it ended early, and how many jobs the app reported.

    The reason is empty if it ended as it should; None is an unknown number.
    """
    with site.sign_in() as client:
        try:
            answer = client.post(f"{addresses.BASE}/clear-inactive", timeout=5 * PATIENCE)
        except httpx2.TransportError:
            return CUT, None
        result = answer.json()
        is_known = "not known yet" not in result["message"]
        return "" if answer.status_code == 200 else result["message"], (
            result["removed"] if is_known else None
        )


def count(site: Installation, jobs: int) -> tuple[int, list[str]]:
    """Return how many jobs were deleted, and what is wrong with the receipts; restore all jobs.

    A job that is half there cannot be restored, or is not as it was then.
    """
    broken = []
    if site.active:
        ids = ", ".join(map(str, site.active))
        [[there]] = site.ask(f"SELECT count(*) FROM job WHERE id IN ({ids})")
        if there != len(site.active):
            broken.append(f"{len(site.active)} jobs were active, {there} of them are there")
        site.ask(f"UPDATE job SET status_id = 184 WHERE id IN ({ids})")
        site.active.clear()
    with site.restores() as (restores, own), site.sign_in() as client:
        receipts = list_receipts(own, "", 1, 1_000).items
        settled = [each for every in receipts if (each := restores.read_settled(every.id))]
        deleted = sum(each.removed - each.restored for each in settled)
        if pending := sum(each.pending for each in settled):
            broken.append(f"{pending} deleted jobs without an outcome")
        if (gone := jobs - site.finished()) != deleted:
            broken.append(f"{gone} jobs are gone, {deleted} are in receipts")
        for receipt in settled:
            if receipt.to_restore:
                work = restores.start(receipt.id, Actor("ada"))
                work.wait()
                if work.failed or work.error:
                    broken.append(work.sentence())
        # The app deletes again.
        [[newest]] = site.ask("SELECT max(id) FROM job WHERE status_id = 184")
        answer = client.post(f"{addresses.BASE}/delete/{newest}")
        if answer.status_code != 200:
            broken.append(answer.text)
        restores.start(list_receipts(own, "", 1, 1).items[0].id, Actor("ada")).wait()
    return deleted, broken


def measure(folder: Path) -> tuple[str, bool]:
    """Inject each fault, and return the table and whether each promise was kept."""
    rows: list[tuple[str, ...]] = [HEADER]
    holds = True
    with installed(folder, JOBS, SECONDS_PER_JOB) as site:
        for fault in FAULTS:
            try:
                outcome = run(site, fault, fault.seconds, LISTS)
            except Broken as problem:  # the others would be tried on a broken app
                rows.append((fault.name, *[""] * (len(HEADER) - 2), f"**{problem}**"))
                holds = False
                break
            rows.append(outcome.cells())
            holds = holds and not outcome.broken
            sys.stderr.write(" · ".join(rows[-1]) + "\n")
        return f"{markdown(rows)}\n\n{circumstances(site.server)}.", holds
