"""`python -m jobs_data doctor`: what it finds, its exit codes, and that nothing secret is printed."""

import json
import os
import re
from contextlib import closing
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from sqlalchemy import text
from sqlalchemy.engine import make_url

from jobs_data.__main__ import main
from jobs_data.monitoring.doctor import grants
from jobs_data.platform.tables import metadata
from jobs_data.settings import get_settings
from tests.support.databases import on_mariadb, on_sqlite
from tests.support.grants import PASSWORD, account
from tests.support.mariadb import MariaDB
from tests.support.oidc_provider import running_provider
from tests.support.store import Store, documented_grants

KEY = "a key that nobody can guess, of 40 signs"
TOKEN = "a-token-that-nobody-guesses"
NOW = datetime.now(UTC).replace(tzinfo=None, microsecond=0)

Capture = pytest.CaptureFixture[str]
Patch = pytest.MonkeyPatch


def doctor(capsys: Capture, **settings: str) -> tuple[int, dict[str, tuple[str, str]], list[str]]:
    """Return the exit code, verdict and sentence of each check, and the SQL; nothing secret is printed.

    It prints the same as text.
    """
    with pytest.MonkeyPatch.context() as patch:
        for name, value in settings.items():
            patch.setenv(f"HERATIO_JOBS_{name}", value)
        get_settings.cache_clear()
        code = main(["doctor", "--json"])
        printed, logged = capsys.readouterr()
        found = json.loads(printed)
        assert main(["doctor"]) == code
        lines, _ = capsys.readouterr()
        get_settings.cache_clear()
        for secret in (KEY, TOKEN, PASSWORD):
            assert secret not in printed + logged + lines
    checks = {check["name"]: (check["verdict"], check["sentence"]) for check in found["checks"]}
    for name, (verdict, sentence) in checks.items():
        # Seconds may have passed between the two.
        assert any_number(f"{verdict:<8} {name}: {sentence}\n") in any_number(lines)
    worst = max(["OK", "WARNING", "PROBLEM"].index(verdict) for verdict, _ in checks.values())
    assert code == worst == ["OK", "WARNING", "PROBLEM"].index(found["verdict"])
    return code, checks, [line for check in found["checks"] for line in check["statements"]]


def any_number(text: str) -> str:
    return re.sub(r"\d+", "0", text)


@pytest.fixture
def good(served: Store, tmp_path: Path, monkeypatch: Patch) -> Store:
    """Give the store of an installation that lacks nothing."""
    (tmp_path / "downloads").mkdir()
    (tmp_path / "downloads" / "found.csv").write_text("1")
    served.job(created=NOW - timedelta(minutes=5), download_path="/downloads/found.csv")
    served.setting("hits_per_page", "25")
    with served.own.writing():
        pass
    for name, value in {
        "RESULTS_ROOT": str(tmp_path),
        "SITE_URL": "https://archives.example.org",
        "SECRET_KEY": KEY,
        "METRICS_TOKEN": TOKEN,
        "PROXY_ADDRESSES": "127.0.0.1",
    }.items():
        monkeypatch.setenv(f"HERATIO_JOBS_{name}", value)
    return served


@pytest.mark.usefixtures("good")
def test_a_good_installation_has_no_finding(capsys: Capture) -> None:
    code, checks, _ = doctor(capsys)
    assert (code, {verdict for verdict, _ in checks.values()}) == (0, {"OK"})
    assert checks["page size"][1].startswith("25 jobs")
    assert checks["result files"][1].startswith("1 of the newest 1 result file")


@pytest.mark.parametrize(
    ("settings", "check", "verdict", "word"),
    [
        ({"SECRET_KEY": ""}, "secret key", "WARNING", "HERATIO_JOBS_SECRET_KEY"),
        ({"SITE_URL": ""}, "site", "WARNING", "HERATIO_JOBS_SITE_URL"),
        ({"RESULTS_ROOT": ""}, "result files", "WARNING", "HERATIO_JOBS_RESULTS_ROOT"),
        ({"RESULTS_FOLDERS": "uploads"}, "result files", "PROBLEM", "0 of the newest 1"),
        ({"PROXY_ADDRESSES": "::/0"}, "proxies", "PROBLEM", "every address"),
        ({"PROXY_ADDRESSES": "", "PROXY_USER_HEADER": "X-User"}, "proxies", "PROBLEM", "is ignored"),
        ({"SITEURL": "https://a.example"}, "settings", "WARNING", "HERATIO_JOBS_SITEURL"),
        ({"SECRET_KEY": "short"}, "settings", "PROBLEM", "at least 32 characters"),
        ({"STATE_DIR": "/dev/null/state"}, "own database", "PROBLEM", "cannot be created"),
        ({"DATABASE_TIMEZONE": "Pacific/Honolulu"}, "time zone", "PROBLEM", "in the future"),
        ({"DATABASE_TIMEZONE": "Pacific/Auckland"}, "time zone", "WARNING", "Heratio writes UTC"),
        ({"DATABASE_URL": ""}, "database", "WARNING", "the demo"),
        ({"OIDC_CLIENT_ID": "jobs"}, "OpenID Connect", "WARNING", "HERATIO_JOBS_OIDC_ISSUER"),
        ({"METRICS_NETWORKS": "0.0.0.0/0"}, "metrics", "WARNING", "every address"),
    ],
)
@on_sqlite
@pytest.mark.usefixtures("good")
def test_what_is_wrong_in_the_settings_is_said(
    capsys: Capture, settings: dict[str, str], check: str, verdict: str, word: str
) -> None:
    _, checks, _ = doctor(capsys, **settings)
    assert checks[check][0] == verdict
    assert word in checks[check][1]
    others = {name: found for name, (found, _) in checks.items() if name != check}
    assert settings.get("DATABASE_URL") == "" or set(others.values()) <= {"OK"}


@on_sqlite
@pytest.mark.usefixtures("good")
def test_a_provider_is_asked_for_the_issuer_that_it_names(capsys: Capture) -> None:
    """Whether one that cannot be reached is right is not known."""

    def after(issuer: str) -> tuple[str, str]:
        _, checks, _ = doctor(
            capsys, OIDC_ISSUER=issuer, OIDC_CLIENT_ID="jobs", OIDC_CLIENT_SECRET=PASSWORD
        )
        return checks["OpenID Connect"]

    with running_provider("https://jobs.example.org/callback") as provider:
        assert after(provider.issuer)[0] == "OK"
        verdict, sentence = after(provider.issuer.rstrip("/"))
        assert (verdict, f"the issuer {provider.issuer}" in sentence) == ("PROBLEM", True)
        provider.is_away = True
        assert after(provider.issuer)[0] == "WARNING"
    assert after(provider.issuer)[0] == "WARNING"


@on_sqlite
@pytest.mark.usefixtures("good")
def test_an_audit_log_that_cannot_be_written_is_said(
    capsys: Capture, tmp_path: Path, monkeypatch: Patch
) -> None:
    """A full file is renamed, which needs the right to write in its folder."""
    folder = tmp_path / "log"
    folder.mkdir()
    _, checks, _ = doctor(capsys, AUDIT_LOG=str(folder / "audit.log"))
    assert checks["audit log"][0] == "OK"
    may = os.access
    # Root, as which tests may run, may write everywhere.
    monkeypatch.setattr(os, "access", lambda path, mode: path != folder and may(path, mode))
    _, checks, _ = doctor(capsys, AUDIT_LOG=str(folder / "audit.log"))
    assert (checks["audit log"][0], str(folder) in checks["audit log"][1]) == ("PROBLEM", True)


def test_what_is_wrong_in_the_database_is_said(good: Store, capsys: Capture) -> None:
    def after(statement: str, undo: str = "") -> dict[str, tuple[str, str]]:
        with good.engine.begin() as connection:
            connection.execute(text(statement))
        _, checks, _ = doctor(capsys)
        if undo:
            with good.engine.begin() as connection:
                connection.execute(text(undo))
        return checks

    less = after("ALTER TABLE ahg_queue_job DROP COLUMN error_trace")["tables"]
    assert (less[0], "ahg_queue_job.error_trace" in less[1]) == ("WARNING", True)
    fewer = after("DROP TABLE ahg_queue_job")["tables"]
    assert (fewer[0], "ahg_queue_job" in fewer[1]) == ("OK", True)
    fewer = after("DROP TABLE slug")["tables"]
    assert (fewer[0], "slug" in fewer[1]) == ("WARNING", True)
    less = after("ALTER TABLE job DROP COLUMN download_path")["tables"]
    assert (less[0], "job.download_path" in less[1]) == ("PROBLEM", True)
    gone = after("ALTER TABLE job RENAME TO gone")
    assert (gone["database"][0], "no table named job" in gone["database"][1]) == ("PROBLEM", True)
    assert "rights" not in gone  # the rest of the database is not looked at


@on_sqlite
def test_a_database_of_atom_is_named(
    atom_store: Store, settings_environment: None, capsys: Capture
) -> None:
    _, checks, _ = doctor(capsys, DATABASE_URL=atom_store.url, STATE_DIR=str(atom_store.state_dir))
    verdict, sentence = checks["tables"]
    assert (verdict, "A database of AtoM" in sentence) == ("OK", True)
    assert not atom_store.state_dir.exists()  # it creates nothing: it may run as another user


@on_sqlite
@pytest.mark.usefixtures("good")
def test_a_demo_that_was_never_started_is_not_made(
    tmp_path: Path, monkeypatch: Patch, capsys: Capture
) -> None:
    monkeypatch.setattr("jobs_data.monitoring.doctor.DEMO_DATABASE", tmp_path / "none.sqlite")
    _, checks, _ = doctor(capsys, DATABASE_URL="")
    assert checks["database"][0] == "WARNING"
    assert "tables" not in checks


def one_by_one(grants: list[str]) -> set[str]:
    """Return grants with one right each, without the signs that quote."""
    found = set()
    for grant in grants:
        plain = grant.translate(str.maketrans("", "", "`';\\")).removeprefix("GRANT ")
        rights, _, rest = plain.partition(" ON ")
        found |= {f"{right} ON {rest}" for right in rights.split(", ")}
    return found


@on_mariadb
def test_rights_are_asked_of_the_server_and_the_grants_are_exact(
    good: Store, mariadb_server: MariaDB, capsys: Capture
) -> None:
    """What it prints for a full account makes the account a full one, and is what is documented."""
    url = make_url(good.url)
    before = [good.rows(table) for table in metadata.sorted_tables]
    with account(mariadb_server, good, "SELECT ON {}.*") as own:
        name = make_url(own).username
        _, checks, statements = doctor(capsys, DATABASE_URL=own)
        assert checks["rights"][0] == "WARNING"
        assert "only read" in checks["rights"][1]
        at = statements.index("-- A read-only account:")
        full, reader = statements[1:at], statements[at + 1 :]
        documented = documented_grants(str(url.database), f"{name}@127.0.0.1")
        assert one_by_one(full) == one_by_one(documented)
        assert reader == full[:1]
        with mariadb_server.cursor() as cursor:
            for statement in full:
                cursor.execute(statement)
            code, checks, _ = doctor(capsys, DATABASE_URL=own)
            assert (code, checks["rights"][0]) == (0, "OK")
            cursor.execute(f"REVOKE INSERT ON `{url.database}`.note FROM {name}@127.0.0.1")
            _, checks, _ = doctor(capsys, DATABASE_URL=own)
            assert checks["rights"][0] == "WARNING"
            cursor.execute(f"REVOKE DELETE ON `{url.database}`.job FROM {name}@127.0.0.1")
            _, checks, _ = doctor(capsys, DATABASE_URL=own)
            assert checks["rights"][0] == "PROBLEM"
            assert "INSERT ON note, DELETE ON job." in checks["rights"][1]
    assert before == [good.rows(table) for table in metadata.sorted_tables]


@on_mariadb
def test_the_grants_are_for_this_database_alone(good: Store, mariadb_server: MariaDB) -> None:
    """`_` and `%` in its name stand for themselves."""
    url = make_url(good.url)
    alike = str(url.database).replace("_", "x")
    assert alike != url.database
    mariadb_server.create_database(alike)
    try:
        with account(mariadb_server, good, "USAGE ON *.*") as own:
            [statement] = grants(good.database(), f"{make_url(own).username}@127.0.0.1", [])[1]
            with mariadb_server.cursor() as cursor:
                cursor.execute(statement)
            with closing(Store.on(own)) as theirs, theirs.engine.connect() as connection:
                there = set(connection.exec_driver_sql("SHOW DATABASES").scalars())
    finally:
        mariadb_server.drop_database(alike)
    assert {url.database, alike} & there == {url.database}


@on_mariadb
def test_a_wrong_password_is_a_problem_and_is_not_shown(good: Store, capsys: Capture) -> None:
    wrong = make_url(good.url).set(password=PASSWORD).render_as_string(hide_password=False)
    code, checks, _ = doctor(capsys, DATABASE_URL=wrong)
    assert (code, checks["database"][0]) == (2, "PROBLEM")
    assert "1045" in checks["database"][1]
    code, checks, _ = doctor(capsys, READ_DATABASE_URL=wrong)
    assert (code, checks["replica"][0]) == (2, "PROBLEM")


@on_mariadb
def test_a_wrong_clock_a_wrong_zone_and_an_old_server_are_said(
    atom_store: Store, settings_environment: None, capsys: Capture, monkeypatch: Patch
) -> None:
    """AtoM writes the local time of its own server."""
    settings = {"DATABASE_URL": atom_store.url, "STATE_DIR": str(atom_store.state_dir)}
    with atom_store.engine.connect() as connection:
        utc, local = connection.exec_driver_sql("SELECT UTC_TIMESTAMP(), NOW()").one()
    hours = round((local - utc).total_seconds() / 3600)
    same, other = (f"Etc/GMT{-each:+d}" for each in (hours, hours + 5))
    _, checks, _ = doctor(capsys, DATABASE_TIMEZONE=same, **settings)
    assert (checks["time zone"][0], checks["database"][0]) == ("OK", "OK")
    _, checks, _ = doctor(capsys, DATABASE_TIMEZONE=other, **settings)
    assert (checks["time zone"][0], "AtoM" in checks["time zone"][1]) == ("WARNING", True)
    monkeypatch.setattr("jobs_data.monitoring.doctor.CLOCK_SECONDS", -1)
    monkeypatch.setattr("jobs_data.monitoring.doctor.OLDEST_MARIADB", (99, 1))
    _, checks, _ = doctor(capsys, DATABASE_TIMEZONE=same, **settings)
    assert (checks["time zone"][0], "clock" in checks["time zone"][1]) == ("PROBLEM", True)
    assert (checks["database"][0], "99.1" in checks["database"][1]) == ("WARNING", True)
