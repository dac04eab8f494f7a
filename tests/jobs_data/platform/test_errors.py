"""What each error of a database becomes: its own sentence; on real databases where that can be."""

import re
from collections.abc import Callable
from contextlib import ExitStack, closing, suppress
from pathlib import Path

import pymysql
import pytest
from sqlalchemy import exc, text

from jobs_data.jobs.creation_order import CreationOrder
from jobs_data.jobs.job_report import read_report
from jobs_data.jobs.shared_list import SharedList
from jobs_data.jobs.view import ListView
from jobs_data.platform.database import Database
from jobs_data.platform.engine import make_engine
from jobs_data.platform.errors import (
    DatabaseUnavailable,
    translated_errors,
)
from jobs_data.removal.removal import Removals
from jobs_data.store.database import file_store
from tests.support.databases import on_mariadb, on_sqlite
from tests.support.grants import account
from tests.support.mariadb import MariaDB
from tests.support.statements import listening
from tests.support.store import CAUSE, CLEARING, Store, new_state_dir
from tests.support.waiting import eventually

SECRETS = ("vault", "eve", "hunter2", "db.example.org", "localhost")
A_MOMENT = "in a moment"

SAID: list[tuple[int, str, str]] = [
    (1040, "Too many connections", "no connection left .* max_connections"),
    (1203, "User eve already has more than 'max_user_connections' active connections", "no connection"),
    (
        1226,
        "User 'eve' has exceeded the 'max_queries_per_hour' resource (current value: 5)",
        "per_hour",
    ),
    (1290, "The MySQL server is running with the --read-only option so it cannot", "is read-only"),
    (1290, "The MySQL server is running with the --super-read-only option so", "is read-only"),
    (1290, "The MariaDB server is running with the --read-only=ON option so it", "is read-only"),
    (1290, "The MariaDB server is running with the --secure-file-priv option so", "--secure-file-priv"),
    (1792, "Cannot execute statement in a READ ONLY transaction", "is read-only"),
    (1836, "Running in read-only mode", "is read-only"),
    (1874, "InnoDB is in read only mode", "is read-only"),
    (1036, "Table 'job' is read only", "is read-only"),
    (1223, "Can't execute the query because you have a conflicting read lock", "read-only"),
    (1146, "Table 'vault.job' doesn't exist", r"no table job \("),
    (1932, "Table 'vault.job' doesn't exist in engine", r"no table job \("),
    (1109, "Unknown table 'note_i18n' in SELECT", r"no table note_i18n \("),
    (1054, "Unknown column 'job.output' in 'SELECT'", r"no column output \("),
    (1054, "Unknown column '<b>out\u202eput</b>' in 'SELECT'", r"no column boutputb \("),
    (
        1142,
        "DELETE command denied to user 'eve'@'localhost' for table `vault`.`job`",
        "right DELETE on ta",
    ),
    (
        1143,
        "UPDATE command denied to user 'eve'@'localhost' for column 'a' in table 'b'",
        "on column a in",
    ),
    (1370, "execute command denied to user 'eve'@'localhost' for routine 'vault.f'", "on routine f"),
    (1227, "Access denied; you need (at least one of) the SUPER privilege(s) for this", "right SUPER"),
    (1044, "Access denied for user 'eve'@'localhost' to database 'vault'", "may not do this"),
    (
        1045,
        "Access denied for user 'eve'@'db.example.org' (using password: YES)",
        "refused the connection",
    ),
    (4151, "Access denied, this account is locked", "refused the connection"),
    (1049, "Unknown database 'vault'", "no database with this name"),
    (1021, "Disk full (/tmp/x); waiting for someone to free some space... (errno: 28)", "full"),
    (1114, "The table 'job' is full", "full"),
    (1030, 'Got error 28 "No space left on device" from storage engine InnoDB', "disk .* is full"),
    (
        1026,
        "Error writing file '/tmp/MLfd=8' (Errcode: 28 \"No space left on device\")",
        "disk .* is full",
    ),
    (1030, 'Got error 127 "Index file is crashed" from storage engine MyISAM', "damaged"),
    (1194, "Table 'job' is marked as crashed and should be repaired", "damaged"),
    (1712, "Index PRIMARY is corrupted", "damaged"),
    (1053, "Server shutdown in progress", "shutting down"),
    (1317, "Query execution was interrupted", "stopped the statement"),
    (1927, "Connection was killed", "ended this app's connection"),
    (2006, "MySQL server has gone away", "stopped answering"),
    (2013, "Lost connection to MySQL server during query", "stopped answering"),
    (
        2003,
        "Can't connect to MySQL server on 'db.example.org' ([Errno 111] refused)",
        "cannot be reached",
    ),
    (1969, "Query execution was interrupted (max_statement_time exceeded)", "took too long"),
    (
        3024,
        "Query execution was interrupted, maximum statement execution time exceeded",
        "took too long",
    ),
    (1205, "Lock wait timeout exceeded; try restarting transaction", "using these rows"),
    (1213, "Deadlock found when trying to get lock; try restarting transaction", "using these rows"),
    (1153, "Got a packet bigger than 'max_allowed_packet' bytes", "max_allowed_packet"),
    (
        1366,
        "Incorrect string value: '\\xF0\\x9F\\x8D\\xA3' for column `vault`.`job`.`name`",
        "character set",
    ),
    (1267, "Illegal mix of collations (latin1_swedish_ci,IMPLICIT) and (utf8mb4", "character set"),
    (1047, "WSREP has not yet prepared node for application use", "not ready"),
]
NOT_SOON = re.compile(
    "is read-only|no (table|column|database)|the right|disk .* full|damaged|max_allowed"
)
"""What an administrator has to change first: nobody is told to try again in a moment."""


@pytest.mark.parametrize(("code", "words", "sentence"), SAID)
@pytest.mark.parametrize("driver_error", [pymysql.OperationalError, pymysql.ProgrammingError])
def test_each_error_has_its_own_sentence(
    driver_error: type[Exception], code: int, words: str, sentence: str
) -> None:
    """With its number, without hosts, accounts or databases, and without a promise that is none."""
    with pytest.raises(DatabaseUnavailable, match=sentence) as caught, translated_errors():
        raise exc.DBAPIError.instance("SELECT 1", {}, driver_error(code, words), pymysql.Error)
    said = str(caught.value)
    assert not [secret for secret in SECRETS if re.search(rf"\b{secret}\b", said)]
    assert "<" not in said
    assert "\u202e" not in said
    assert not (NOT_SOON.search(said) and A_MOMENT in said)
    assert not re.search("unchanged|nothing was", said, re.IGNORECASE)


def test_no_file_descriptor_is_told_as_such() -> None:
    """The driver says that the server cannot be reached; the reason lies below that."""

    def connect() -> None:
        try:
            raise OSError(24, "Too many open files")
        except OSError as error:
            raise pymysql.OperationalError(2003, f"Can't connect ({error})") from error

    with pytest.raises(pymysql.OperationalError) as caught:
        connect()
    with pytest.raises(DatabaseUnavailable, match="no file descriptor"), translated_errors():
        raise exc.OperationalError("SELECT 1", {}, caught.value)


# On a real server.


def look(database: Database) -> None:
    """Read the list and, in the background, its counts."""
    with closing(SharedList(database, CreationOrder(database))) as shared_list:
        shared_list.read(ListView())


def remove(database: Database, job_id: int) -> str:
    """Delete a job, and return the sentence; the database must refuse."""
    work = Removals(database, file_store(new_state_dir())).remove_jobs([job_id], CAUSE)
    assert work.error
    assert work.removed == 0
    return work.sentence()


@on_mariadb
def test_a_server_without_connections_says_so(mariadb_server: MariaDB, store: Store) -> None:
    """All of them, or those of the account; when one is free again, the same database works."""
    with account(mariadb_server, store) as url, closing(Store.on(url)) as own:
        database = own.database()
        look(database)
        with mariadb_server.variables(max_connections=10), ExitStack() as others:
            database.close()
            with suppress(pymysql.OperationalError):  # one of them is refused
                for _ in range(11):
                    others.enter_context(closing(connect(own)))
            with pytest.raises(DatabaseUnavailable, match=r"server has no connection left .*1040"):
                look(database)
        look(database)
        database.close()
        user = own.engine.url.username
        with mariadb_server.cursor() as cursor:
            cursor.execute(f"GRANT USAGE ON *.* TO {user}@127.0.0.1 WITH MAX_USER_CONNECTIONS 1")
        with closing(connect(own)), pytest.raises(DatabaseUnavailable, match="account has no conn"):
            look(database)
        eventually(lambda: works(database), "a connection is free again")


def connect(store: Store) -> "pymysql.Connection[pymysql.cursors.Cursor]":
    """Return one more connection of a store's account."""
    url = store.engine.url
    return pymysql.connect(
        host=url.host,
        port=url.port or 0,
        user=url.username,
        password=url.password or "",
        ssl_disabled=True,
    )


def works(database: Database) -> bool:
    """Return whether the list can be read."""
    with suppress(DatabaseUnavailable):
        look(database)
        return True
    return False


@on_mariadb
def test_a_read_only_server_says_so(mariadb_server: MariaDB, store: Store) -> None:
    """The list is shown; a removal says read-only, and removes nothing."""
    job_id = store.job()
    with (
        account(mariadb_server, store) as url,
        closing(Store.on(url)) as own,
        mariadb_server.variables(read_only=1),
    ):
        database = own.database()
        look(database)
        said = remove(database, job_id)
    assert "read-only" in said
    assert A_MOMENT not in said
    assert store.ids() == [job_id]


@on_mariadb
@pytest.mark.parametrize(
    ("right", "sentence"),
    [
        ("DELETE ON `{database}`.object", "right DELETE on table object"),
        ("SELECT ON `{database}`.*", "right SELECT"),
    ],
)
def test_a_right_that_is_revoked_is_named(
    mariadb_server: MariaDB, store: Store, right: str, sentence: str
) -> None:
    """While the app runs, too."""
    job_id = store.job()
    with account(mariadb_server, store) as url, closing(Store.on(url)) as own:
        database = own.database()
        look(database)
        with mariadb_server.cursor() as cursor:
            user, name = own.engine.url.username, own.engine.url.database
            cursor.execute(f"REVOKE {right.format(database=name)} FROM {user}@127.0.0.1")
        database.close()  # the rights on a whole database are read when a connection begins
        assert sentence in remove(database, job_id)
    assert store.ids() == [job_id]


@on_mariadb
@pytest.mark.parametrize("what", ["QUERY", "CONNECTION"])
def test_a_removal_that_is_killed_tells_what_it_did(
    mariadb_server: MariaDB, store: Store, monkeypatch: pytest.MonkeyPatch, what: str
) -> None:
    """The numbers add up, and nothing that was removed is denied."""
    monkeypatch.setattr("jobs_data.removal.removal.BATCH_JOBS", 2)
    for _ in range(6):
        store.job()
    removals = store.removals()
    killed = []

    def kill(connection: object, _cursor: object, statement: str, *_: object) -> None:
        if statement.startswith("DELETE FROM object"):
            killed.append(statement)
            if len(killed) == 3:
                driver = connection.connection.driver_connection  # type: ignore[attr-defined]
                with mariadb_server.cursor() as cursor:
                    cursor.execute(f"KILL {what} {driver.thread_id()}")

    with listening(store.engine, "before_cursor_execute", kill):
        work = removals.start(None, CLEARING)
        work.wait()
    if what == "CONNECTION":
        assert work.error
    left = len(store.ids())
    assert work.removed == 6 - left
    if work.error:
        assert work.sentence().startswith(f"{work.removed} jobs deleted before the deletion")
        assert work.sentence().endswith(f"{work.error} The other jobs are unchanged.")


# On either kind.


@pytest.mark.parametrize(
    ("statement", "sentence"),
    [
        ("ALTER TABLE ahg_job_execution DROP COLUMN started_at", "no column started_at"),
        ("DROP TABLE slug", "no table slug"),
    ],
)
def test_what_goes_while_the_app_runs_is_named_and_then_done_without(
    store: Store, statement: str, sentence: str
) -> None:
    """One read says which table or column is missing; the next one does without it."""
    job_id = store.job(object_id=store.record("there"))
    database = store.database()
    assert read_report(database, job_id)
    with store.engine.begin() as connection:
        connection.execute(text(statement))
    with pytest.raises(DatabaseUnavailable, match=sentence) as caught:
        read_report(database, job_id)
    assert "refuse" not in str(caught.value)
    assert read_report(database, job_id)


def test_a_column_that_every_platform_has_is_named_each_time(store: Store) -> None:
    """Until it is back; then no restart is needed."""
    job_id = store.job(output="a line")
    database = store.database()
    with store.engine.begin() as connection:
        connection.execute(text("ALTER TABLE job RENAME COLUMN output TO mislaid"))
    for _ in range(2):
        with pytest.raises(DatabaseUnavailable, match="no column output"):
            read_report(database, job_id)
    with store.engine.begin() as connection:
        connection.execute(text("ALTER TABLE job RENAME COLUMN mislaid TO output"))
    assert read_report(database, job_id)


@on_sqlite
def test_a_file_that_may_not_be_written_is_read_only(store: Store) -> None:
    """The list is shown; a removal says read-only."""
    job_id = store.job()
    path = store.engine.url.database
    database = Database(make_engine(f"sqlite:///file:{path}?mode=ro&uri=true"))
    look(database)
    assert "is read-only" in remove(database, job_id)
    assert store.ids() == [job_id]


@pytest.mark.parametrize(
    ("spoil", "sentence"),
    [
        (lambda path: path.write_bytes(b"no database at all " * 100), "damaged"),
        (lambda path: (path.unlink(), path.mkdir()), "cannot be opened"),
    ],
)
def test_a_file_that_is_no_database_says_so(
    tmp_path: Path, spoil: Callable[[Path], object], sentence: str
) -> None:
    """Damaged, or not a file that can be opened."""
    path = tmp_path / "own.sqlite"
    path.touch()
    spoil(path)
    with pytest.raises(DatabaseUnavailable, match=sentence):
        look(Database(make_engine(f"sqlite:///{path}")))


@on_sqlite
def test_a_full_disk_is_told_as_such(store: Store) -> None:
    """SQLite may be given a number of pages."""
    large = text("UPDATE term_i18n SET name = zeroblob(9000000)")
    with store.database().writing() as connection:
        connection.exec_driver_sql("PRAGMA max_page_count = 1")
        with pytest.raises(DatabaseUnavailable, match="full"), translated_errors():
            connection.execute(large)
