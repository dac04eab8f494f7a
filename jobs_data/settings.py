"""What an installation may set: environment variables, or a `.env` file, named `HERATIO_JOBS_…`."""

from __future__ import annotations

from functools import cache
from ipaddress import IPv4Network, IPv6Network, ip_network
from pathlib import Path
from typing import Annotated, Any, Final
from zoneinfo import ZoneInfo

from pydantic import AfterValidator, BeforeValidator, Field, SecretStr, ValidationError, ValidationInfo
from pydantic_settings import BaseSettings, NoDecode, SettingsConfigDict
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
"""Where the platforms put what their jobs make, below their web root."""

Network = IPv4Network | IPv6Network


class SettingsError(Exception):
    """A setting has a value that cannot be used; the message is one sentence for the operator."""


class _RefusedByDriver(ValueError):
    """A URL that its driver refuses; the message ends a sentence that begins with the URL's name."""


def _default_state_dir(others: dict[str, Any]) -> Path:
    is_demo = others.get("database_url") == DEMO_URL
    return DEMO_FOLDER / "state" if is_demo else DEFAULT_STATE_DIR


# What checks a value: each raises ValueError for one that cannot be used.


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


def _platform_url(value: str) -> str:
    url = _parse_url(value)
    # SQLite would create a missing file, and this app creates nothing.
    if url.get_backend_name() == "sqlite":
        path = Path((url.database or "").removeprefix("file:").split("?")[0])
        try:
            if not path.is_file():
                raise ValueError
        except OSError as error:  # below a folder that may not be looked into
            raise ValueError from error
    if refusal := refusal_by_driver(url):
        raise _RefusedByDriver(refusal)
    return value


def _replica_url(value: str, info: ValidationInfo) -> str:
    if platform := info.data.get("database_url"):  # its own sentence comes first
        _platform_url(value)
        kinds = {make_url(url).get_backend_name() == "sqlite" for url in (value, platform)}
        if platform == DEMO_URL or len(kinds) > 1:
            raise ValueError
    return value


def _state_url(value: str, info: ValidationInfo) -> str:
    own, platform = _parse_url(value), make_url(info.data.get("database_url", DEMO_URL))
    if len({(url.host, url.port or DEFAULT_PORT, url.database) for url in (own, platform)}) == 1:
        raise ValueError
    if refusal := refusal_by_driver(own):
        raise _RefusedByDriver(refusal)
    return value


def _readable_folder(value: Path) -> Path:
    try:
        next(value.iterdir(), None)
        return value.absolute()
    except OSError as error:
        raise ValueError from error


def _folders_below(value: str) -> tuple[str, ...]:
    folders = tuple(part.strip().strip("/") for part in value.split(","))
    if not all(name and not name.startswith(".") for path in folders for name in path.split("/")):
        raise ValueError
    return folders


def _folder_or_nothing(value: Path) -> Path:
    try:
        if value.exists() and not value.is_dir():
            raise ValueError
        return value.resolve()
    except OSError as error:  # a name that no file can have, say
        raise ValueError from error


def _zone_name(value: str) -> str:
    # A missing zone is a KeyError or an OSError (a folder's name, say), according to the name.
    try:
        ZoneInfo(value)
    except (KeyError, OSError) as error:
        raise ValueError from error
    return value


def _networks(value: str) -> tuple[Network, ...]:
    parts = (part.strip() for part in value.split(","))
    return tuple(ip_network(part, strict=False) for part in parts if part)


def _ids(value: str) -> frozenset[int]:
    return frozenset(int(part) for part in value.split(",") if part.strip())


_GROUPS: Final = r"\s*[0-9]{1,9}\s*(,\s*[0-9]{1,9}\s*)*"


class Settings(BaseSettings):
    """The settings of one installation; each description says what a value must be."""

    # Defaults are not validated: the app creates the demo when it starts.
    model_config = SettingsConfigDict(
        env_prefix=PREFIX,
        env_file=".env",
        env_ignore_empty=True,
        extra="ignore",
        frozen=True,
        validate_default=False,
    )

    database_url: Annotated[str, AfterValidator(_platform_url)] = Field(
        default=DEMO_URL,
        description="an SQLAlchemy URL of the platform's existing MySQL, MariaDB or SQLite database, "
        "such as mysql+pymysql://user:password@host/atom, whose driver is installed (unset: the "
        "embedded demo)",
    )
    read_database_url: Annotated[str, AfterValidator(_replica_url)] = Field(
        default="",
        description="an SQLAlchemy URL of a replica of the platform's database, of the same kind as "
        "HERATIO_JOBS_DATABASE_URL, which must be set too: the demo has no replica",
    )
    results_root: Annotated[Path, AfterValidator(_readable_folder)] | None = Field(
        default=None,
        description="the platform's web root, or the folder in it that holds the jobs' result files: "
        "an existing folder that can be read",
    )
    results_folders: Annotated[tuple[str, ...], NoDecode, BeforeValidator(_folders_below)] = Field(
        default=RESULTS_FOLDERS,
        description="the folders below HERATIO_JOBS_RESULTS_ROOT from which result files are served, "
        "separated by commas, such as downloads,storage,uploads; none of them hidden",
    )
    state_dir: Annotated[Path, AfterValidator(_folder_or_nothing)] = Field(
        default_factory=_default_state_dir,
        description="a folder of this app's own, which is made where it is missing, for the app's own "
        "database, which keeps the deleted jobs",
    )
    state_url: Annotated[str, AfterValidator(_state_url)] = Field(
        default="",
        description="an SQLAlchemy URL of a MySQL, MariaDB or SQLite database of this app's own, which "
        "is not the platform's, in place of the one in HERATIO_JOBS_STATE_DIR",
    )
    receipts_days: int = Field(
        default=90,
        ge=1,
        le=36_500,
        description="for how many days deleted jobs can be restored, a whole number from 1 to 36500",
    )
    site_url: Annotated[str, AfterValidator(lambda url: url.rstrip("/"))] = Field(
        default="",
        pattern=r"^https?://[^\s/?#]+(/[^\s?#]*)?$",
        description="the http:// or https:// address of the platform's own site, under which "
        "{slug} is the page of a record",
    )
    culture: str = Field(
        default="en",
        max_length=32,
        pattern=r"^[A-Za-z]{2,3}([_@.-][A-Za-z0-9]{1,8})*$",
        description="a culture code of the platform, such as en, fr or pt_BR",
    )
    database_timezone: Annotated[str, AfterValidator(_zone_name)] = Field(
        default="UTC",
        description="the IANA name of the time zone in which the platform writes its times, such as "
        "UTC or Europe/Amsterdam",
    )
    list_seconds: float = Field(
        default=10,
        ge=0,
        le=60,
        description="a number from 0 to 60: for how many seconds all sessions are shown the same "
        "reading of the list",
    )
    fold: bool = Field(
        default=True,
        description="true or false: whether the list groups repeated jobs in one line, unless its "
        "address says otherwise",
    )
    secret_key: SecretStr = Field(
        default=SecretStr(""),
        min_length=32,
        description="at least 32 characters that nobody can guess, with which sessions are signed "
        "(unset: random ones, so that sessions end when the app restarts)",
    )
    admin_groups: str = Field(
        default=str(DEFAULT_ADMIN_GROUP),
        pattern=rf"^{_GROUPS}$",
        description="ids of the platform's groups whose members may delete jobs, separated by commas, "
        "such as 100,101",
    )
    reader_groups: str = Field(
        default="",
        pattern=rf"^({_GROUPS})?$",
        description="ids of the platform's groups whose members may look but not delete, separated "
        "by commas, such as 101,102",
    )
    access_seconds: float = Field(
        default=28,
        ge=1,
        le=28,
        description="a number from 1 to 28: for how many seconds what an account may do is believed "
        "before it is read again",
    )
    proxy_user_header: str = Field(
        default="",
        pattern=r"^[A-Za-z0-9-]*$",
        description="the name of the header in which a proxy says who has signed in with it, such "
        "as X-Forwarded-Email",
    )
    proxy_addresses: Annotated[tuple[Network, ...], NoDecode, BeforeValidator(_networks)] = Field(
        default=(),
        description="the addresses or networks of the proxies that are believed, separated by "
        "commas, such as 127.0.0.1,10.0.0.0/24",
    )

    @property
    def is_demo(self) -> bool:
        """Return whether no database is set, so that the embedded demo is served."""
        return self.database_url == DEMO_URL

    @property
    def web_root(self) -> Path | None:
        """Return the folder below which result files lie, None where it is not known."""
        return DEMO_WEB_ROOT if self.is_demo else self.results_root

    @property
    def admin_group_ids(self) -> frozenset[int]:
        """Return the groups whose members may remove jobs."""
        return _ids(self.admin_groups)

    @property
    def reader_group_ids(self) -> frozenset[int]:
        """Return the groups whose members may look; in the demo, unless set, its editors."""
        if self.is_demo and not self.reader_groups:
            return frozenset({DEMO_READER_GROUP})
        return _ids(self.reader_groups)


def with_driver(url: URL) -> URL:
    """Return a URL that names its driver: PyMySQL, where one of MySQL or MariaDB names none."""
    if url.drivername in {"mysql", "mariadb"}:
        return url.set(drivername=f"{url.drivername}+pymysql")
    return url


def refusal_by_driver(url: URL) -> str:
    """Return why a URL's driver can never connect with it, empty where nothing speaks against it.

    The answer ends a sentence that begins with the URL's name. It names options, and no values: one may
    be a password. No server is asked, so that one which is away is no reason.
    """
    refusal = _refusal(url)
    if refusal is None:
        return ""
    # Each option without which the driver has nothing to say is one to blame.
    blamed = [name for name in url.query if not _refusal(url.difference_update_query([name]))]
    options = blamed or list(url.query)
    blame = f"the option{'s' * (len(options) > 1)} {', '.join(options)}"
    return (
        f"cannot be used by its driver, {url.get_driver_name()}: check "
        f"{blame if options else 'the user name and the password'} ({type(refusal).__name__})"
    )


def _refusal(url: URL) -> Exception | None:
    """Return what a driver raises for a URL before it asks a server, None where it raises nothing."""
    try:
        dialect = create_engine(url).dialect
        positional, named = dialect.create_connect_args(url)
        # Other drivers have no way to look at options without connecting.
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
    try:
        return Settings()
    except ValidationError as error:
        # The value itself stays unsaid: a database URL holds a password.
        first = error.errors()[0]
        name = str(first["loc"][0])
        refused = first.get("ctx", {}).get("error")
        if isinstance(refused, _RefusedByDriver):
            raise SettingsError(f"{PREFIX}{name.upper()} {refused}.") from None
        field = Settings.model_fields.get(name)
        expected = field.description if field else "another value"
        raise SettingsError(f"{PREFIX}{name.upper()} expects {expected}.") from None
