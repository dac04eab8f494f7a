"""The settings of an installation: environment variables or a `.env` file, named `HERATIO_JOBS_…`."""

from __future__ import annotations

import os
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, fields
from functools import cache
from ipaddress import IPv4Network, IPv6Network, ip_network
from pathlib import Path
from typing import Any, Final
from zoneinfo import ZoneInfo

from dotenv import dotenv_values
from sqlalchemy import create_engine
from sqlalchemy.engine import URL, make_url
from sqlalchemy.exc import SQLAlchemyError

PREFIX: Final = "HERATIO_JOBS_"
DEMO_FOLDER: Final = Path(__file__).resolve().parents[1] / ".demo"
DEMO_DATABASE: Final = DEMO_FOLDER / "jobs.sqlite"
DEMO_WEB_ROOT: Final = DEMO_FOLDER / "web-root"
DEMO_URL: Final = f"sqlite:///{DEMO_DATABASE}"
DEFAULT_STATE_DIR: Final = DEMO_FOLDER.parent / "state"
DEFAULT_ADMIN_GROUP: Final = 100
DEMO_READER_GROUP: Final = 101
DEFAULT_PORT: Final = 3306
RESULTS_FOLDERS: Final = ("downloads", "storage", "uploads")
"""The folders of result files below the platforms' web root."""

Network = IPv4Network | IPv6Network


class SettingsError(Exception):
    """A setting has an unusable value; the message is one sentence for the operator."""


class _RefusedByDriver(ValueError):
    """A driver refuses a URL; the message completes a sentence that begins with the setting's name."""


# Parsers: each takes a text and the values of the settings above its own, and raises ValueError for an
# unusable text.

Parser = Callable[[str, Mapping[str, Any]], Any]


def _text(pattern: str) -> Parser:
    def parse(value: str, _above: Mapping[str, Any]) -> str:
        if not re.fullmatch(pattern, value):
            raise ValueError
        return value

    return parse


def _number(kind: type[int] | type[float], least: int, most: int) -> Parser:
    def parse(value: str, _above: Mapping[str, Any]) -> float:
        number = kind(value)
        if not least <= number <= most:  # neither is NaN
            raise ValueError
        return number

    return parse


def _yes_or_no(value: str, _above: Mapping[str, Any]) -> bool:
    if (word := value.strip().lower()) in {"true", "t", "yes", "y", "on", "1"}:
        return True
    if word in {"false", "f", "no", "n", "off", "0"}:
        return False
    raise ValueError


def _parse_url(value: str) -> URL:
    """Return the URL of a database whose driver is installed."""
    try:
        url = with_driver(make_url(value))
        url.get_dialect().import_dbapi()
    except (SQLAlchemyError, ImportError) as error:
        raise ValueError from error
    if url.get_backend_name() not in {"mysql", "mariadb", "sqlite"} or not url.database:
        raise ValueError
    return url


def _platform_url(value: str, _above: Mapping[str, Any]) -> str:
    url = _parse_url(value)
    # SQLite would create a missing file; this app must not.
    if url.get_backend_name() == "sqlite":
        path = Path((url.database or "").removeprefix("file:").split("?")[0])
        try:
            if not path.is_file():
                raise ValueError
        except OSError as error:  # below an unreadable folder
            raise ValueError from error
    if refusal := refusal_by_driver(url):
        raise _RefusedByDriver(refusal)
    return value


def _replica_url(value: str, above: Mapping[str, Any]) -> str:
    _platform_url(value, above)
    platform = above["database_url"]
    kinds = {make_url(url).get_backend_name() == "sqlite" for url in (value, platform)}
    if platform == DEMO_URL or len(kinds) > 1:
        raise ValueError
    return value


def _state_url(value: str, above: Mapping[str, Any]) -> str:
    own, platform = _parse_url(value), make_url(above["database_url"])
    if len({(url.host, url.port or DEFAULT_PORT, url.database) for url in (own, platform)}) == 1:
        raise ValueError
    if refusal := refusal_by_driver(own):
        raise _RefusedByDriver(refusal)
    return value


def _readable_folder(value: str, _above: Mapping[str, Any]) -> Path:
    folder = Path(value)
    try:
        next(folder.iterdir(), None)
        return folder.absolute()
    except OSError as error:
        raise ValueError from error


def _folders_below(value: str, _above: Mapping[str, Any]) -> tuple[str, ...]:
    folders = tuple(part.strip().strip("/") for part in value.split(","))
    if not all(name and not name.startswith(".") for path in folders for name in path.split("/")):
        raise ValueError
    return folders


def _folder_or_nothing(value: str, _above: Mapping[str, Any]) -> Path:
    folder = Path(value)
    try:
        if folder.exists() and not folder.is_dir():
            raise ValueError
        return folder.resolve()
    except OSError as error:  # for example a name that no file can have
        raise ValueError from error


def _zone_name(value: str, _above: Mapping[str, Any]) -> str:
    # An unknown zone is a KeyError, or an OSError for a folder's name.
    try:
        ZoneInfo(value)
    except (KeyError, OSError) as error:
        raise ValueError from error
    return value


def _networks(value: str, _above: Mapping[str, Any]) -> tuple[Network, ...]:
    parts = (part.strip() for part in value.split(","))
    return tuple(ip_network(part, strict=False) for part in parts if part)


def _site_url(value: str, above: Mapping[str, Any]) -> str:
    return str(_text(r"https?://[^\s/?#]+(/[^\s?#]*)?")(value, above)).rstrip("/")


def _ids(value: str) -> frozenset[int]:
    return frozenset(int(part) for part in value.split(",") if part.strip())


_GROUPS: Final = r"\s*[0-9]{1,9}\s*(,\s*[0-9]{1,9}\s*)*"


def _setting(default: Any, parse: Parser, description: str) -> Any:
    """Return the field of a setting; the description says what its value must be."""
    return field(default=default, metadata={"parse": parse, "description": description})


@dataclass(frozen=True, repr=False)  # some values are secret
class Settings:
    """The settings of one installation; each description says what its value must be."""

    database_url: str = _setting(
        DEMO_URL,
        _platform_url,
        "an SQLAlchemy URL of the platform's existing MySQL, MariaDB or SQLite database, such as "
        "mysql+pymysql://user:password@host/atom, whose driver is installed (not set: the embedded "
        "demo)",
    )
    read_database_url: str = _setting(
        "",
        _replica_url,
        "an SQLAlchemy URL of a replica of the platform's database, of the same kind as "
        "HERATIO_JOBS_DATABASE_URL, which must be set too",
    )
    results_root: Path | None = _setting(  # noqa: RUF009 - it makes a field
        None,
        _readable_folder,
        "an existing folder that the app can read: the platform's web root, or the folder in it with "
        "the jobs' result files",
    )
    results_folders: tuple[str, ...] = _setting(
        RESULTS_FOLDERS,
        _folders_below,
        "the folders below HERATIO_JOBS_RESULTS_ROOT with result files, separated by commas, such as "
        "downloads,storage,uploads, and none of them hidden",
    )
    state_dir: Path | None = _setting(  # noqa: RUF009 - it makes a field
        None,
        _folder_or_nothing,
        "a folder for this app's own database; the app creates it if it is missing",
    )
    state_url: str = _setting(
        "",
        _state_url,
        "an SQLAlchemy URL of this app's own MySQL, MariaDB or SQLite database, which is not the "
        "platform's, instead of HERATIO_JOBS_STATE_DIR",
    )
    receipts_days: int = _setting(
        90,
        _number(int, 1, 36_500),
        "for how many days deleted jobs can be restored: a whole number from 1 to 36500",
    )
    site_url: str = _setting(
        "",
        _site_url,
        "the http:// or https:// address of the platform's own site, below which {slug} is the page "
        "of a record",
    )
    culture: str = _setting(
        "en",
        _text(r"(?=.{2,32}\Z)[A-Za-z]{2,3}([_@.-][A-Za-z0-9]{1,8})*"),
        "a language code of the platform, such as en, fr or pt_BR",
    )
    database_timezone: str = _setting(
        "UTC",
        _zone_name,
        "the IANA name of the time zone in which the platform writes its times, such as UTC or "
        "Europe/Amsterdam",
    )
    list_seconds: float = _setting(
        10,
        _number(float, 0, 60),
        "a number from 0 to 60: the lifetime of the cached list in seconds",
    )
    fold: bool = _setting(True, _yes_or_no, "true or false: whether the list groups repeated jobs")
    secret_key: str = _setting(
        "",
        _text(r"(?s:.{32,})"),
        "at least 32 characters that nobody can guess: the key that signs sessions (not set: a random "
        "key, so that a restart ends all sessions)",
    )
    admin_groups: str = _setting(
        str(DEFAULT_ADMIN_GROUP),
        _text(_GROUPS),
        "ids of the platform's groups whose members may delete jobs, separated by commas, such as "
        "100,101",
    )
    reader_groups: str = _setting(
        "",
        _text(_GROUPS),
        "ids of the platform's groups whose members may see jobs but not delete any, separated by "
        "commas, such as 101,102",
    )
    access_seconds: float = _setting(
        28,
        _number(float, 1, 28),
        "a number from 1 to 28: the lifetime of a cached account in seconds",
    )
    proxy_user_header: str = _setting(
        "",
        _text(r"[A-Za-z0-9-]*"),
        "the name of the header in which a proxy names the signed-in user, such as X-Forwarded-Email",
    )
    proxy_addresses: tuple[Network, ...] = _setting(
        (),
        _networks,
        "the addresses or networks of trusted proxies, separated by commas, such as "
        "127.0.0.1,10.0.0.0/24",
    )

    @property
    def is_demo(self) -> bool:
        """Return whether the embedded demo is served, because no database is set."""
        return self.database_url == DEMO_URL

    @property
    def web_root(self) -> Path | None:
        """Return the folder with the result files, None where it is not set."""
        return DEMO_WEB_ROOT if self.is_demo else self.results_root

    @property
    def state_folder(self) -> Path:
        """Return the folder of this app's own database."""
        default = DEMO_FOLDER / "state" if self.is_demo else DEFAULT_STATE_DIR
        return self.state_dir or default

    @property
    def admin_group_ids(self) -> frozenset[int]:
        """Return the groups whose members may delete jobs."""
        return _ids(self.admin_groups)

    @property
    def reader_group_ids(self) -> frozenset[int]:
        """Return the groups whose members may only see jobs; by default in the demo, its editors."""
        if self.is_demo and not self.reader_groups:
            return frozenset({DEMO_READER_GROUP})
        return _ids(self.reader_groups)


def with_driver(url: URL) -> URL:
    """Return a URL that names its driver; the default for MySQL and MariaDB is PyMySQL."""
    if url.drivername in {"mysql", "mariadb"}:
        return url.set(drivername=f"{url.drivername}+pymysql")
    return url


def refusal_by_driver(url: URL) -> str:
    """Return why a driver can never connect with a URL, empty where it may.

    The answer completes a sentence that begins with the setting's name. It names options but no
    values, which may be passwords. It asks no server, so it is empty while a server is down.
    """
    refusal = _refusal(url)
    if refusal is None:
        return ""
    # An option is to blame if the driver accepts the URL without it.
    blamed = [name for name in url.query if not _refusal(url.difference_update_query([name]))]
    options = blamed or list(url.query)
    blame = f"the option{'s' * (len(options) > 1)} {', '.join(options)}"
    return (
        f"cannot be used by its driver, {url.get_driver_name()}: check "
        f"{blame if options else 'the user name and the password'} ({type(refusal).__name__})"
    )


def _refusal(url: URL) -> Exception | None:
    """Return what a driver raises for a URL before it asks a server, None for nothing."""
    try:
        dialect = create_engine(url).dialect
        positional, named = dialect.create_connect_args(url)
        # Other drivers cannot check options without a connection.
        if url.get_driver_name() == "pymysql":
            dialect.connect(*positional, **{**named, "defer_connect": True})
    except Exception as error:  # noqa: BLE001 - drivers raise anything here, AttributeError too
        return error
    return None


@cache
def get_settings() -> Settings:
    """Return this process's settings, read once.

    Raises SettingsError with one sentence that names the variable and what it expects.
    """
    # An empty variable counts as not set, and the environment overrides the file.
    given = {
        name.upper(): text
        for source in (dotenv_values(".env"), os.environ)
        for name, text in source.items()
        if text
    }
    values: dict[str, Any] = {}
    for each in fields(Settings):
        name = f"{PREFIX}{each.name.upper()}"
        text = given.get(name)
        try:
            values[each.name] = each.metadata["parse"](text, values) if text else each.default
        # The sentence leaves out the value: a database URL holds a password.
        except _RefusedByDriver as refusal:
            raise SettingsError(f"{name} {refusal}.") from None
        except ValueError:
            raise SettingsError(f"{name} expects {each.metadata['description']}.") from None
    return Settings(**values)
