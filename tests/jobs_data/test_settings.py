"""Settings come from the environment or `.env`; a bad one is named in one sentence."""

from pathlib import Path

import pytest

from jobs_data.__main__ import main
from jobs_data.accounts.account_services import build_account_services
from jobs_data.monitoring.doctor import Verdict
from jobs_data.settings import DEMO_URL, DEMO_WEB_ROOT, SettingsError, get_settings

pytestmark = pytest.mark.usefixtures("settings_environment")


def test_without_any_setting_the_demo_is_served() -> None:
    """Its database and its result files are the embedded ones."""
    settings = get_settings()
    assert settings.is_demo
    assert (settings.database_url, settings.web_root) == (DEMO_URL, DEMO_WEB_ROOT)
    assert (settings.culture, settings.database_timezone, settings.site_url) == ("en", "UTC", "")


def test_an_empty_variable_is_an_unset_one(monkeypatch: pytest.MonkeyPatch) -> None:
    """A line `NAME=` in an environment file means the default."""
    monkeypatch.setenv("HERATIO_JOBS_DATABASE_URL", "")
    assert get_settings().is_demo


def test_settings_are_read_from_the_environment(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    """Each has its name with the prefix; a real database is no demo."""
    monkeypatch.setenv("HERATIO_JOBS_DATABASE_URL", "mysql+pymysql://user:word@host/atom")
    (tmp_path / "downloads").symlink_to(tmp_path)
    monkeypatch.setenv("HERATIO_JOBS_RESULTS_ROOT", str(tmp_path / "downloads"))
    monkeypatch.setenv("HERATIO_JOBS_RESULTS_FOLDERS", "downloads, /public/exports/")
    monkeypatch.setenv("HERATIO_JOBS_SITE_URL", "https://archives.example.org/atom/")
    monkeypatch.setenv("HERATIO_JOBS_CULTURE", "pt_BR")
    monkeypatch.setenv("HERATIO_JOBS_DATABASE_TIMEZONE", "Europe/Amsterdam")
    monkeypatch.setenv("HERATIO_JOBS_METRICS_TOKEN", "correct-horse-battery")
    monkeypatch.setenv("HERATIO_JOBS_METRICS_NETWORKS", "127.0.0.1, fd00::/8")
    settings = get_settings()
    assert not settings.is_demo
    assert settings.metrics_token.get_secret_value() == "correct-horse-battery"
    assert [*map(str, settings.metrics_networks)] == ["127.0.0.1/32", "fd00::/8"]
    assert settings.web_root == tmp_path / "downloads"  # by its own name, which tells what it is
    assert settings.results_folders == ("downloads", "public/exports")
    assert settings.site_url == "https://archives.example.org/atom"
    assert (settings.culture, settings.database_timezone) == ("pt_BR", "Europe/Amsterdam")


def test_settings_are_read_from_a_file_too(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The environment wins, and what is not ours in the file is not ours to judge."""
    (tmp_path / ".env").write_text(
        "HERATIO_JOBS_CULTURE=fr\nHERATIO_JOBS_SITE_URL=https://a.example\nOTHER=1\n"
        "HERATIO_JOBS_OF_A_LATER_VERSION=1\n"
    )
    monkeypatch.setenv("HERATIO_JOBS_CULTURE", "nl")
    assert (get_settings().culture, get_settings().site_url) == ("nl", "https://a.example")


@pytest.mark.parametrize("kind", ["unreadable", "latin-1"])
def test_a_file_of_settings_that_cannot_be_read_is_named(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, kind: str
) -> None:
    """A command that another user than the app's runs may not read it."""
    monkeypatch.chdir(tmp_path)
    if kind == "unreadable":
        Path(".env").symlink_to("/proc/self/mem")  # reading it fails for root, too
    else:
        Path(".env").write_bytes(b"HERATIO_JOBS_SITE_URL=http://\xe9")
    with pytest.raises(SettingsError, match=str(tmp_path / ".env")):
        get_settings()
    assert main(["doctor"]) == Verdict.PROBLEM


@pytest.mark.parametrize(
    ("name", "value", "expectation"),
    [
        ("DATABASE_URL", "localhost/atom", "SQLAlchemy URL"),
        ("DATABASE_URL", "postgresql://user:hunter2@host/atom", "MySQL, MariaDB or SQLite"),
        ("DATABASE_URL", "mysql://user:hunter2@host", "SQLAlchemy URL"),
        ("DATABASE_URL", "mysql://user:hunter2@host:port/atom", "SQLAlchemy URL"),
        ("DATABASE_URL", "sqlite://", "SQLAlchemy URL"),
        ("DATABASE_URL", "mysql+mysqlconnector://user:hunter2@host/atom", "driver is installed"),
        ("DATABASE_URL", "mysql+nosuchdriver://user:hunter2@host/atom", "driver is installed"),
        ("DATABASE_URL", "sqlite:////no/such/file.sqlite", "existing"),
        ("RESULTS_ROOT", "/no/such/folder", "an existing folder"),
        ("RESULTS_FOLDERS", "downloads,,uploads", "separated by commas"),
        ("RESULTS_FOLDERS", "downloads,../config", "separated by commas"),
        ("RESULTS_FOLDERS", "downloads,storage/.private", "separated by commas"),
        ("RESULTS_FOLDERS", "/", "separated by commas"),
        ("SITE_URL", "archives.example.org", "http:// or https://"),
        ("SITE_URL", "javascript:alert(1)", "http:// or https://"),
        ("SITE_URL", "https://", "http:// or https://"),
        ("CULTURE", "english, please", "language code"),
        ("CULTURE", "en'; DROP TABLE job; --", "language code"),
        ("DATABASE_TIMEZONE", "Amsterdam", "IANA name"),
        ("DATABASE_TIMEZONE", "Europe", "IANA name"),
        ("DATABASE_TIMEZONE", "../etc/passwd", "IANA name"),
        ("DATABASE_TIMEZONE", "+02:00", "IANA name"),
        ("STATE_URL", "postgresql://user:hunter2@host/state", "MySQL, MariaDB or SQLite"),
        ("STATE_URL", "mysql://user:hunter2@host", "MySQL, MariaDB or SQLite"),
        ("AUDIT_LOG", "/nowhere/audit.log", "a file in an existing folder"),
        ("AUDIT_LOG", "/", "a file in an existing folder"),
        ("OIDC_ISSUER", "http://id.example.org", "the https:// address"),
        ("OIDC_ISSUER", "https://id.example.org", "HERATIO_JOBS_OIDC_CLIENT_SECRET"),
        ("RECEIPTS_DAYS", "0", "from 1 to 36500"),
        ("RECEIPTS_DAYS", "1000000", "from 1 to 36500"),
        ("ADMIN_GROUPS", "administrators", "ids of the platform's groups"),
        ("ADMIN_GROUPS", "100;101", "ids of the platform's groups"),
        ("ADMIN_GROUPS", "100,", "ids of the platform's groups"),
        ("ADMIN_GROUPS", " ", "ids of the platform's groups"),
        ("READER_GROUPS", "-101", "ids of the platform's groups"),
        ("METRICS_TOKEN", "hunter2", "at least 16 characters"),
        ("METRICS_TOKEN", "hunter2 and two more", "without a space"),
        ("METRICS_NETWORKS", "monitoring.example.org", "addresses or networks"),
    ],
)
def test_a_bad_value_is_named_with_what_is_expected(
    monkeypatch: pytest.MonkeyPatch, name: str, value: str, expectation: str
) -> None:
    """One sentence names the variable; it does not repeat a value that may hold a password."""
    monkeypatch.setenv(f"HERATIO_JOBS_{name}", value)
    with pytest.raises(SettingsError) as caught:
        get_settings()
    message = str(caught.value)
    assert message.startswith(f"HERATIO_JOBS_{name} expects ")
    assert expectation in message
    assert "hunter2" not in message
    assert "\n" not in message


@pytest.mark.parametrize(
    ("value", "groups"), [(None, {100}), ("", {100}), ("101", {101}), (" 100 , 101,7 ", {7, 100, 101})]
)
def test_the_groups_of_administrators_are_set(
    monkeypatch: pytest.MonkeyPatch, value: str | None, groups: set[int]
) -> None:
    """The platform's own group unless others are named; the services go by them."""
    if value is not None:
        monkeypatch.setenv("HERATIO_JOBS_ADMIN_GROUPS", value)
    assert build_account_services(get_settings()).rights.groups.administrators == groups


@pytest.mark.parametrize(
    ("database_url", "read_database_url"),
    [
        ("", "mysql://user:hunter2@replica/atom"),
        ("", "sqlite:///{file}"),
        ("sqlite:///{file}", "mysql://user:hunter2@replica/atom"),
        ("mysql://user:hunter2@host/atom", "sqlite:///{file}"),
        ("mysql://user:hunter2@host/atom", "replica"),
        ("mysql://user:hunter2@host/atom", "mysql://user:hunter2@replica"),
    ],
)
def test_a_replica_must_be_one_of_the_database_that_is_set(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, database_url: str, read_database_url: str
) -> None:
    """It is refused for the demo, for another kind of database, and where it is no URL of one."""
    file = tmp_path / "jobs.sqlite"
    file.touch()
    monkeypatch.setenv("HERATIO_JOBS_DATABASE_URL", database_url.format(file=file))
    monkeypatch.setenv("HERATIO_JOBS_READ_DATABASE_URL", read_database_url.format(file=file))
    with pytest.raises(SettingsError, match=r"^HERATIO_JOBS_READ_DATABASE_URL expects") as caught:
        get_settings()
    assert "hunter2" not in str(caught.value)


@pytest.mark.parametrize("name", ["DATABASE_URL", "READ_DATABASE_URL"])
@pytest.mark.parametrize(
    ("url", "blame"),
    [
        ("mysql://user:hunter2@host/atom?nonsense=1", "the option nonsense ("),
        ("mysql://user:hunter2@host/atom?charset=nonsense", "the option charset ("),
        (
            "mysql://user:hunter2@host/atom?charset=utf8mb4&ssl_ca=/no/hunter2.pem",
            "the option ssl_ca (",
        ),
        ("mysql://user:hunter2@host/atom?ssl_ca={folder}", "the option ssl_ca ("),
        ("mysql://user:hunter2@host/atom?read_timeout=hunter2", "the option read_timeout ("),
        ("mariadb+pymysql://user:hunter2@host/atom?a=hunter2&read_timeout=0", "a, read_timeout ("),
        ("mysql://user:hunter2%E2%82%AC@host/atom", "the user name and the password ("),
    ],
)
def test_what_a_driver_can_never_use_is_named(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, name: str, url: str, blame: str
) -> None:
    """One sentence names the variable and the option; no value, for one may be a password."""
    monkeypatch.setenv("HERATIO_JOBS_DATABASE_URL", "mysql://user:hunter2@host/atom")
    monkeypatch.setenv(f"HERATIO_JOBS_{name}", url.format(folder=tmp_path))
    with pytest.raises(SettingsError, match=f"^HERATIO_JOBS_{name} cannot be used") as caught:
        get_settings()
    message = str(caught.value)
    assert blame in message
    assert "hunter2" not in message
    assert "\n" not in message


def test_a_server_that_is_away_is_no_bad_value(monkeypatch: pytest.MonkeyPatch) -> None:
    """Neither host, port nor socket are asked."""
    for url in (
        "mysql://user:word@no.such.host.invalid:1/atom?charset=utf8mb4&read_timeout=30",
        "mysql://user:word@localhost/atom?unix_socket=/no/such.sock&ssl_disabled=true",
    ):
        monkeypatch.setenv("HERATIO_JOBS_DATABASE_URL", url)
        monkeypatch.setenv("HERATIO_JOBS_READ_DATABASE_URL", url)
        get_settings.cache_clear()
        assert get_settings().read_database_url == url


def test_a_bad_database_is_told_before_its_replica(monkeypatch: pytest.MonkeyPatch) -> None:
    """One sentence at a time, and the one that matters first."""
    monkeypatch.setenv("HERATIO_JOBS_DATABASE_URL", "mysql://host")
    monkeypatch.setenv("HERATIO_JOBS_READ_DATABASE_URL", "nonsense")
    with pytest.raises(SettingsError, match=r"^HERATIO_JOBS_DATABASE_URL expects"):
        get_settings()


def test_a_replica_may_be_reached_by_another_driver(monkeypatch: pytest.MonkeyPatch) -> None:
    """MySQL and MariaDB are one kind."""
    monkeypatch.setenv("HERATIO_JOBS_DATABASE_URL", "mysql://user:word@host/atom")
    monkeypatch.setenv("HERATIO_JOBS_READ_DATABASE_URL", "mariadb+pymysql://user:word@replica/atom")
    assert get_settings().read_database_url == "mariadb+pymysql://user:word@replica/atom"


def test_the_state_is_not_kept_in_the_platforms_database(monkeypatch: pytest.MonkeyPatch) -> None:
    """By whichever account; another database of the same server will do."""
    monkeypatch.setenv("HERATIO_JOBS_DATABASE_URL", "mysql://user:hunter2@host/atom")
    monkeypatch.setenv("HERATIO_JOBS_STATE_URL", "mysql://other:hunter2@host:3306/atom")
    with pytest.raises(SettingsError, match=r"^HERATIO_JOBS_STATE_URL expects") as caught:
        get_settings()
    assert "hunter2" not in str(caught.value)
    monkeypatch.setenv("HERATIO_JOBS_STATE_URL", "mysql://other:hunter2@host/state")
    assert get_settings().state_url == "mysql://other:hunter2@host/state"


def test_the_state_of_the_demo_lies_beside_it(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """And elsewhere where a folder is named."""
    assert get_settings().state_dir == DEMO_WEB_ROOT.parent / "state"
    get_settings.cache_clear()
    monkeypatch.setenv("HERATIO_JOBS_STATE_DIR", str(tmp_path / "new"))
    assert get_settings().state_dir == (tmp_path / "new").resolve()
