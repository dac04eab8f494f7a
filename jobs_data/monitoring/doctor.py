"""Checks of an installation, each with what to do; nothing secret is in them.

They change nothing: rights are asked for with EXPLAIN, which needs the same rights as the statement.
"""

from __future__ import annotations

import os
import re
from collections.abc import Callable, Iterator, Sequence
from contextlib import closing
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from enum import IntEnum
from pathlib import Path
from typing import Final

import httpx2
from sqlalchemy import select
from sqlalchemy.exc import DBAPIError

from jobs_data.jobs.list_page import read_page_size
from jobs_data.jobs.result_files import ResultUnavailable, open_result, read_result_roots
from jobs_data.monitoring.readiness import check_writable
from jobs_data.platform import times, values
from jobs_data.platform.database import Database, database_for
from jobs_data.platform.engine import make_engine
from jobs_data.platform.errors import DatabaseUnavailable, code_of
from jobs_data.platform.tables import (
    HERATIO_ONLY,
    REQUIRED_TABLES,
    job,
    login_attempt,
    metadata,
    object_,
    user_totp_secret,
)
from jobs_data.removal.job_tables import JOB_TABLES
from jobs_data.settings import DEMO_DATABASE, PREFIX, Settings, oidc_metadata_url
from jobs_data.store.database import FILE_NAME, StoreUnavailable, store_for
from jobs_data.wording import counted

OLDEST_MARIADB: Final = (10, 11)
OLDEST_MYSQL: Final = (8, 0)

CLOCK_SECONDS: Final = 30
"""How far the clocks of the server and of this machine may differ."""

NEWEST_JOBS: Final = 20_000
"""Among how many of the newest jobs result files are looked for."""

NEWEST_FILES: Final = 20

PROVIDER_SECONDS: Final = 5
"""How long an OpenID Connect provider may take to answer."""

REFUSED: Final = (1142, 1143, 1044)
"""The errors of MySQL and MariaDB for a missing right on a table, a column or a database."""

_DEMO: Final = "This is the demo. Set HERATIO_JOBS_DATABASE_URL to the platform's database."
_OWN_NAME: Final = re.compile(rf"^\s*(?:export\s+)?({PREFIX}\w+)\s*=", re.MULTILINE | re.IGNORECASE)


class Verdict(IntEnum):
    """The result of a check, and of all of them the exit code."""

    OK = 0
    WARNING = 1
    PROBLEM = 2


@dataclass(frozen=True)
class Check:
    """What was found, and what to do."""

    name: str
    verdict: Verdict
    sentence: str
    statements: tuple[str, ...] = ()
    """SQL for the database's administrator; a comment names what the next lines are for."""


_Result = tuple[Verdict, str] | tuple[Verdict, str, tuple[str, ...]]


def examine(settings: Settings) -> Iterator[Check]:
    """Yield one check after the other.

    Nothing is changed, and nothing created but the tables of an empty HERATIO_JOBS_STATE_URL.
    """
    yield Check("settings", *_names())
    with closing(database_for(settings)) as database:
        is_missing = settings.is_demo and not DEMO_DATABASE.is_file()  # SQLite would create the file
        if is_missing:
            yield Check("database", Verdict.WARNING, f"{_DEMO} It is made at the first start.")
        elif problem := _problem_of(database):
            yield Check("database", Verdict.PROBLEM, problem)
        for name, check in () if is_missing or problem else _OF_DATABASE.items():
            try:
                yield Check(name, *check(settings, database))
            except DatabaseUnavailable as refusal:
                yield Check(name, Verdict.PROBLEM, str(refusal))
    for name, own in _OF_SETTINGS.items():
        yield Check(name, *own(settings))


def _problem_of(database: Database) -> str:
    """Return why a database cannot be used, empty if it can."""
    try:
        with database.reading(primary=True):
            return ""
    except DatabaseUnavailable as problem:
        return str(problem)


def _names() -> _Result:
    file = Path(".env")
    text = file.read_text("utf-8", "replace") if file.is_file() else ""
    named = {*os.environ, *_OWN_NAME.findall(text)}
    known = {f"{PREFIX}{name.upper()}" for name in Settings.model_fields}
    ours = {name.upper() for name in named if name.upper().startswith(PREFIX)}
    if unknown := sorted(ours - known):
        return Verdict.WARNING, f"No setting is called {', '.join(unknown)}: correct or remove it."
    return Verdict.OK, f"{counted(len(ours), 'setting')} set; all names are known."


def _server(settings: Settings, database: Database) -> _Result:
    if settings.is_demo:
        return Verdict.WARNING, _DEMO
    with database.reading(primary=True) as connection:
        function = "sqlite_version" if database.is_sqlite else "VERSION"
        version = values.text(connection.exec_driver_sql(f"SELECT {function}()").scalar())
    url = database.engine.url  # its options may be secrets
    if database.is_sqlite:
        return Verdict.OK, f"{url.database} is a file of SQLite {version}."
    place = f"{url.database} on {url.host or 'this machine'}"
    is_mariadb = "mariadb" in version.lower()
    kind, oldest = ("MariaDB", OLDEST_MARIADB) if is_mariadb else ("MySQL", OLDEST_MYSQL)
    if tuple(map(int, re.findall(r"\d+", version)[:2])) < oldest:
        least = ".".join(map(str, oldest))
        return Verdict.WARNING, f"{place} is {kind} {version}: upgrade to {least} or newer."
    return Verdict.OK, f"{place} answers ({url.drivername}), {kind} {version}."


def _tables(_settings: Settings, database: Database) -> _Result:
    there = database.columns
    missing = {
        name: sorted(set(metadata.tables[name].columns.keys()) - columns)
        for name, columns in there.items()
    }
    lacking = [f"{name}.{column}" for name, columns in sorted(missing.items()) for column in columns]
    if lacking:
        is_needed = any(missing[table.name] for table in REQUIRED_TABLES)
        return (
            Verdict.PROBLEM if is_needed else Verdict.WARNING,
            f"These columns are missing: {', '.join(lacking)}. Complete the platform's upgrade, or "
            "expect that what they hold is not shown.",
        )
    absent = sorted(metadata.tables.keys() - there.keys())
    is_atom = HERATIO_ONLY.isdisjoint(there)
    if is_atom:
        absent = [name for name in absent if name not in HERATIO_ONLY]
    found = f"A database of {'AtoM' if is_atom else 'Heratio'} with {counted(len(there), 'table')}"
    if not absent:
        return Verdict.OK, f"{found} that the app uses."
    which = f"not there: {', '.join(absent)}. docs/database.md says what is not shown then."
    is_normal = HERATIO_ONLY.issuperset(absent)
    return (Verdict.OK if is_normal else Verdict.WARNING), f"{found}; {which}"


def _rights(_settings: Settings, database: Database) -> _Result:
    if database.is_sqlite:
        if os.access(database.engine.url.database or "", os.W_OK):
            return Verdict.OK, "The file can be written."
        return Verdict.WARNING, "The file can only be read: jobs can be seen, but not deleted."
    lacking: list[str] = []
    with database.reading(primary=True) as connection:
        account = values.text(connection.exec_driver_sql("SELECT CURRENT_USER()").scalar())
        for right, probe in _needed_rights(database):
            try:
                connection.exec_driver_sql(f"EXPLAIN {probe}")
            except DBAPIError as error:
                if error.orig is None or code_of(error.orig) not in REFUSED:
                    raise
                lacking.append(right)
    needed = [right for right, _ in _needed_rights(database)]
    full, reader = grants(database, account, needed)
    statements = ("-- A full account:", *full, "-- A read-only account:", *reader)
    if not lacking:
        return Verdict.OK, "The account has all rights that the app can use.", statements
    if lacking == needed:
        sentence = "The account can only read: jobs can be seen, but not deleted or restored."
        return Verdict.WARNING, sentence, statements
    deletes = any(right.startswith("DELETE") for right in lacking)
    sentence = f"The account lacks {', '.join(lacking)}. Grant the rights of a full account."
    return (Verdict.PROBLEM if deletes else Verdict.WARNING), sentence, statements


def _needed_rights(database: Database) -> Iterator[tuple[str, str]]:
    """Yield each right to write, and a statement that needs it and concerns no row."""
    own = [each.name for each in JOB_TABLES if each.name in database.tables]
    for name in (*own, *({login_attempt.name} & database.tables)):
        yield f"INSERT ON {name}", f"INSERT INTO `{name}` SELECT * FROM `{name}` WHERE 1 = 0"  # noqa: S608 - our own names
    for name in own:
        yield f"DELETE ON {name}", f"DELETE FROM `{name}` WHERE 1 = 0"  # noqa: S608 - our own names
    if "last_used_at" in database.columns.get(name := user_totp_secret.name, ()):
        change = f"UPDATE `{name}` SET last_used_at = NULL WHERE 1 = 0"  # noqa: S608 - our own names
        yield f"UPDATE (last_used_at) ON {name}", change


def grants(
    database: Database, account: str, needed: Sequence[str]
) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """Return the GRANT statements of a full account and of a read-only one.

    `account` is as the server spells it, `user@host`; `needed` are such as `DELETE ON job`.
    """
    user, _, host = account.rpartition("@")
    whom = "@".join("'" + part.replace("\\", "\\\\").replace("'", "''") + "'" for part in (user, host))
    schema = "`" + (database.engine.url.database or "").replace("`", "``") + "`"
    # Only before `.*` these stand for any character. Source: "GRANT" of MariaDB and of MySQL.
    every = schema.replace("_", r"\_").replace("%", r"\%")
    read = f"GRANT SELECT ON {every}.* TO {whom};"
    rights: dict[str, list[str]] = {}
    for right in needed:
        what, _, table = right.rpartition(" ON ")
        rights.setdefault(table, []).append(what)
    writes = (f"GRANT {', '.join(of)} ON {schema}.{name} TO {whom};" for name, of in rights.items())
    return (read, *writes), (read,)


def _page_size(_settings: Settings, database: Database) -> _Result:
    with database.reading(primary=True) as connection:
        size = read_page_size(connection, database)
    return Verdict.OK, f"{counted(size)} on a page, by the platform's setting hits_per_page."


def _time_zone(settings: Settings, database: Database) -> _Result:
    zone, advice = settings.database_timezone, "Set HERATIO_JOBS_DATABASE_TIMEZONE"
    with database.reading(primary=True) as connection:
        newest = select(object_.c.created_at).join(job, job.c.id == object_.c.id)
        created = connection.execute(newest.order_by(job.c.id.desc()).limit(10)).scalars().all()
        clocks: tuple[datetime, datetime] | None = None
        if not database.is_sqlite:
            utc, local = connection.exec_driver_sql("SELECT UTC_TIMESTAMP(), NOW()").one()
            clocks = utc, local
    now = datetime.now(UTC)
    found = [moment for value in created if (moment := times.utc(value, database.timezone))]
    if clocks and abs((clocks[0].replace(tzinfo=UTC) - now).total_seconds()) > CLOCK_SECONDS:
        seconds = round((clocks[0].replace(tzinfo=UTC) - now).total_seconds())
        sentence = f"The server's clock differs by {seconds:+,} seconds from this machine's. Set both."
        return Verdict.PROBLEM, sentence
    if found and max(found) > now + times.CLOCK_TOLERANCE:
        return Verdict.PROBLEM, f"If times are in {zone}, the newest jobs are in the future. {advice}."
    is_atom = HERATIO_ONLY.isdisjoint(database.tables)
    if not is_atom and now.astimezone(database.timezone).utcoffset():
        return Verdict.WARNING, f"It is {zone}, but Heratio writes UTC. {advice} to UTC."
    if is_atom and clocks:
        offset = now.astimezone(database.timezone).utcoffset() or timedelta()
        if abs(clocks[1] - clocks[0] - offset) > timedelta(seconds=CLOCK_SECONDS):
            return (
                Verdict.WARNING,
                f"It is {zone}, but the server's clock is in another zone, and AtoM writes the local "
                f"time of its PHP server. {advice} to that server's zone.",
            )
    latest = f" The newest job is of {times.shown(max(found), database.timezone)}." if found else ""
    return Verdict.OK, f"Times are in {zone}.{latest}"


def _result_files(settings: Settings, database: Database) -> _Result:
    if settings.web_root is None:
        return Verdict.WARNING, "HERATIO_JOBS_RESULTS_ROOT is not set: no result can be downloaded."
    roots = read_result_roots(settings.web_root, settings.results_folders)
    newest = (
        select(job.c.id, job.c.download_path).order_by(job.c.id.desc()).limit(NEWEST_JOBS).subquery()
    )
    paths = select(newest.c.download_path).where(newest.c.download_path != "")
    with database.reading() as connection:
        named = connection.execute(paths.order_by(newest.c.id.desc()).limit(NEWEST_FILES)).scalars()
        wanted = [path for path in map(values.text, named) if path.strip()]
    there, reason = 0, ""
    for path in wanted:
        try:
            if file := open_result(roots, path):
                file.close()
                there += 1
        except ResultUnavailable as problem:
            reason = reason or str(problem)
    if not wanted:
        return (
            Verdict.OK,
            f"No recent job has a result file. They are looked for in {settings.web_root}.",
        )
    found = f"{there} of the newest {counted(len(wanted), 'result file')} found in {settings.web_root}."
    if not there:
        return Verdict.PROBLEM, f"{found} {reason} Check HERATIO_JOBS_RESULTS_ROOT."
    return Verdict.OK, found


def _replica(settings: Settings) -> _Result:
    if not settings.read_database_url:
        return Verdict.OK, "None is set."
    with closing(Database(make_engine(settings.read_database_url))) as database:
        if problem := _problem_of(database):
            return Verdict.PROBLEM, f"{problem} The primary is used. (HERATIO_JOBS_READ_DATABASE_URL)"
    return Verdict.OK, "It answers."


def _site(settings: Settings) -> _Result:
    if not settings.site_url:
        return Verdict.WARNING, "HERATIO_JOBS_SITE_URL is not set: related records have no links."
    return Verdict.OK, f"Records are linked below {settings.site_url}."


def _store(settings: Settings) -> _Result:
    file = None if settings.state_url else settings.state_dir / FILE_NAME
    if file and not file.exists():  # not created here: this may be another user than the app's
        folder = next(parent for parent in file.parents if parent.exists())
        if folder.is_dir() and os.access(folder, os.W_OK | os.X_OK):
            return Verdict.OK, f"{file} does not exist yet; the app creates it."
        return Verdict.PROBLEM, f"{file} cannot be created in {folder}: let this user write there."
    with closing(store_for(settings)) as store:
        try:
            check_writable(store)
        except StoreUnavailable as problem:
            return Verdict.PROBLEM, str(problem)
        if file and file.stat().st_uid != os.geteuid():
            return Verdict.WARNING, f"{file} belongs to another user. Run this as the app's user."
        return Verdict.OK, f"{store.place} can be written."


def _secret_key(settings: Settings) -> _Result:
    if settings.secret_key.get_secret_value():
        return Verdict.OK, "It is set."
    return Verdict.WARNING, "HERATIO_JOBS_SECRET_KEY is not set: each restart ends all sessions."


def _proxies(settings: Settings) -> _Result:
    addresses = settings.proxy_addresses
    if any(network.prefixlen == 0 for network in addresses):
        return Verdict.PROBLEM, "HERATIO_JOBS_PROXY_ADDRESSES trusts every address: name the proxy's."
    if settings.proxy_user_header and not addresses:
        return (
            Verdict.PROBLEM,
            "HERATIO_JOBS_PROXY_USER_HEADER is ignored without HERATIO_JOBS_PROXY_ADDRESSES: set both.",
        )
    if os.environ.get("FORWARDED_ALLOW_IPS", "127.0.0.1") != "127.0.0.1":
        sentence = "Remove FORWARDED_ALLOW_IPS: with it the app cannot tell who is a trusted proxy."
        return Verdict.WARNING, sentence
    if not addresses:
        return Verdict.OK, "None is trusted. Behind one, set HERATIO_JOBS_PROXY_ADDRESSES."
    who = ", ".join(map(str, addresses))
    user = f" to name users in {settings.proxy_user_header}" if settings.proxy_user_header else ""
    return Verdict.OK, f"Trusted{user}: {who}."


def _oidc(settings: Settings) -> _Result:
    issuer, url = settings.oidc_issuer, oidc_metadata_url(settings.oidc_issuer)
    if not issuer:
        if settings.oidc_client_id or settings.oidc_client_secret.get_secret_value():
            return (
                Verdict.WARNING,
                "It is off, though a client is set: set HERATIO_JOBS_OIDC_ISSUER too.",
            )
        return Verdict.OK, "It is off."
    try:
        named = httpx2.get(url, timeout=PROVIDER_SECONDS).raise_for_status().json()["issuer"]
    except (httpx2.HTTPError, httpx2.InvalidURL, ValueError, LookupError, TypeError) as problem:
        return (
            Verdict.WARNING,
            f"{url} could not be read ({type(problem).__name__}). Check HERATIO_JOBS_OIDC_ISSUER, and "
            "whether this machine reaches the provider.",
        )
    if named != issuer:
        sentence = (
            f"{url} names the issuer {str(named)[:200]}: set HERATIO_JOBS_OIDC_ISSUER to exactly it."
        )
        return Verdict.PROBLEM, sentence
    return Verdict.OK, f"{issuer} answers."


def _audit_log(settings: Settings) -> _Result:
    file = settings.audit_log
    if file is None:
        return Verdict.OK, "It goes to the standard output."
    is_writable = os.access(file.parent, os.W_OK | os.X_OK)  # also to make a new file when one is full
    if is_writable and (not file.exists() or os.access(file, os.W_OK)):
        return Verdict.OK, f"It goes to {file}."
    return Verdict.PROBLEM, f"{file} cannot be written: let this user write it and {file.parent}."


def _metrics(settings: Settings) -> _Result:
    networks = settings.metrics_networks
    if any(network.prefixlen == 0 for network in networks):
        sentence = "HERATIO_JOBS_METRICS_NETWORKS lets every address read them: name the monitoring's."
        return Verdict.WARNING, sentence
    for_whom = ["with the token"] if settings.metrics_token.get_secret_value() else []
    for_whom += [f"from {', '.join(map(str, networks))}"] if networks else []
    return Verdict.OK, f"They are on, {' or '.join(for_whom)}." if for_whom else "They are off."


_OF_DATABASE: Final[dict[str, Callable[[Settings, Database], _Result]]] = {
    "database": _server,
    "tables": _tables,
    "rights": _rights,
    "page size": _page_size,
    "time zone": _time_zone,
    "result files": _result_files,
}
_OF_SETTINGS: Final[dict[str, Callable[[Settings], _Result]]] = {
    "replica": _replica,
    "site": _site,
    "own database": _store,
    "secret key": _secret_key,
    "proxies": _proxies,
    "OpenID Connect": _oidc,
    "audit log": _audit_log,
    "metrics": _metrics,
}
