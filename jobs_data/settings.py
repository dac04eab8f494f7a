"""The settings of an installation: environment variables or a `.env` file, named `HERATIO_JOBS_…`."""

from __future__ import annotations

import re
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

REFRESH_SECONDS: Final = 15
"""How often a page with auto refresh asks."""

SHARED_SECONDS: Final = REFRESH_SECONDS - 0.5
"""How long sessions share a cached read. It is just below the refresh interval: each refresh of an open
page reads again, and the number of reads does not grow with the number of open pages."""

RESULTS_FOLDERS: Final = ("downloads", "storage", "uploads")
"""The folders of result files below the platforms' web root."""

Network = IPv4Network | IPv6Network


class SettingsError(Exception):
    """A setting has an unusable value; the message is one sentence for the operator."""


class _RefusedByDriver(ValueError):
    """A driver refuses a URL; the message completes a sentence that begins with the setting's name."""


def _default_state_dir(others: dict[str, Any]) -> Path:
    is_demo = others.get("database_url") == DEMO_URL
    return DEMO_FOLDER / "state" if is_demo else DEFAULT_STATE_DIR


# Validators: each raises ValueError for an unusable value.


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


def _replica_url(value: str, info: ValidationInfo) -> str:
    if platform := info.data.get("database_url"):  # else that setting has its own error
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
    except OSError as error:  # for example a name that no file can have
        raise ValueError from error


def _log_file(value: Path) -> Path:
    try:
        if value.is_dir() or not value.absolute().parent.is_dir():
            raise ValueError
    except OSError as error:
        raise ValueError from error
    return value.absolute()


def _issuer(value: str, info: ValidationInfo) -> str:
    secret = info.data.get("oidc_client_secret")
    if not (info.data.get("oidc_client_id") and secret and secret.get_secret_value()):
        raise ValueError
    return value  # compared as it is: some end with a slash


def _zone_name(value: str) -> str:
    # An unknown zone is a KeyError, or an OSError for a folder's name.
    try:
        ZoneInfo(value)
    except (KeyError, OSError) as error:
        raise ValueError from error
    return value


def _networks(value: str) -> tuple[Network, ...]:
    parts = (part.strip() for part in value.split(","))
    return tuple(ip_network(part, strict=False) for part in parts if part)


def _bearer_token(value: SecretStr) -> SecretStr:
    if not re.fullmatch(r"[!-~]*", value.get_secret_value()):
        raise ValueError
    return value


def _ids(value: str) -> frozenset[int]:
    return frozenset(int(part) for part in value.split(",") if part.strip())


_GROUPS: Final = r"\s*[0-9]{1,9}\s*(,\s*[0-9]{1,9}\s*)*"


class Settings(BaseSettings):
    """The settings of one installation; each description says what its value must be."""

    # Defaults are not validated: the demo's database does not exist before the start.
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
        "such as mysql+pymysql://user:password@host/atom, whose driver is installed (not set: the "
        "embedded demo)",
    )
    read_database_url: Annotated[str, AfterValidator(_replica_url)] = Field(
        default="",
        description="an SQLAlchemy URL of a replica of the platform's database, of the same kind as "
        "HERATIO_JOBS_DATABASE_URL, which must be set too",
    )
    results_root: Annotated[Path, AfterValidator(_readable_folder)] | None = Field(
        default=None,
        description="an existing folder that the app can read: the platform's web root, or the folder "
        "in it with the jobs' result files",
    )
    results_folders: Annotated[tuple[str, ...], NoDecode, BeforeValidator(_folders_below)] = Field(
        default=RESULTS_FOLDERS,
        description="the folders below HERATIO_JOBS_RESULTS_ROOT with result files, separated by "
        "commas, such as downloads,storage,uploads, and none of them hidden",
    )
    state_dir: Annotated[Path, AfterValidator(_folder_or_nothing)] = Field(
        default_factory=_default_state_dir,
        description="a folder for this app's own database; the app creates it if it is missing",
    )
    state_url: Annotated[str, AfterValidator(_state_url)] = Field(
        default="",
        description="an SQLAlchemy URL of this app's own MySQL, MariaDB or SQLite database, which is "
        "not the platform's, instead of HERATIO_JOBS_STATE_DIR",
    )
    audit_log: Annotated[Path, AfterValidator(_log_file)] | None = Field(
        default=None,
        description="a file in an existing folder, in which the app can create files (not set: the "
        "audit log goes to the standard output)",
    )
    receipts_days: int = Field(
        default=90,
        ge=1,
        le=36_500,
        description="for how many days deleted jobs can be restored: a whole number from 1 to 36500",
    )
    site_url: Annotated[str, AfterValidator(lambda url: url.rstrip("/"))] = Field(
        default="",
        pattern=r"^https?://[^\s/?#]+(/[^\s?#]*)?$",
        description="the http:// or https:// address of the platform's own site, below which "
        "{slug} is the page of a record",
    )
    culture: str = Field(
        default="en",
        max_length=32,
        pattern=r"^[A-Za-z]{2,3}([_@.-][A-Za-z0-9]{1,8})*$",
        description="a language code of the platform, such as en, fr or pt_BR",
    )
    database_timezone: Annotated[str, AfterValidator(_zone_name)] = Field(
        default="UTC",
        description="the IANA name of the time zone in which the platform writes its times, such as "
        "UTC or Europe/Amsterdam",
    )
    list_seconds: float = Field(
        default=SHARED_SECONDS,
        ge=0,
        le=60,
        description="a number from 0 to 60: the lifetime of the cached list in seconds",
    )
    fold: bool = Field(
        default=True,
        description="true or false: whether the list groups repeated jobs",
    )
    secret_key: SecretStr = Field(
        default=SecretStr(""),
        min_length=32,
        description="at least 32 characters that nobody can guess: the key that signs sessions (not "
        "set: a random key, so that a restart ends all sessions)",
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
        description="ids of the platform's groups whose members may see jobs but not delete any, "
        "separated by commas, such as 101,102",
    )
    access_seconds: float = Field(
        default=28,
        ge=1,
        le=28,
        description="a number from 1 to 28: the lifetime of a cached account in seconds",
    )
    oidc_client_id: str = Field(
        default="",
        description="the client id that the OpenID Connect provider has given this app",
    )
    oidc_client_secret: SecretStr = Field(
        default=SecretStr(""),
        description="the client secret that the OpenID Connect provider has given this app",
    )
    oidc_issuer: Annotated[str, AfterValidator(_issuer)] = Field(
        default="",
        pattern=r"^(https://[^\s/?#@]+|http://(127\.0\.0\.1|localhost)(:[0-9]+)?)(/[^\s?#]*)?$",
        description="the https:// address of an OpenID Connect provider, together with "
        "HERATIO_JOBS_OIDC_CLIENT_ID and HERATIO_JOBS_OIDC_CLIENT_SECRET",
    )
    oidc_trust_email: bool = Field(
        default=False,
        description="true where only administrators set the e-mail addresses of the OpenID Connect "
        "provider, so that one counts of which it does not say whether it is verified; else false",
    )
    proxy_user_header: str = Field(
        default="",
        pattern=r"^[A-Za-z0-9-]*$",
        description="the name of the header in which a proxy names the signed-in user, such as "
        "X-Forwarded-Email",
    )
    proxy_addresses: Annotated[tuple[Network, ...], NoDecode, BeforeValidator(_networks)] = Field(
        default=(),
        description="the addresses or networks of trusted proxies, separated by commas, such as "
        "127.0.0.1,10.0.0.0/24",
    )

    metrics_token: Annotated[SecretStr, AfterValidator(_bearer_token)] = Field(
        default=SecretStr(""),
        min_length=16,
        description="at least 16 characters without a space that nobody can guess: the Bearer token "
        "with which a monitoring system reads the metrics",
    )
    metrics_networks: Annotated[tuple[Network, ...], NoDecode, BeforeValidator(_networks)] = Field(
        default=(),
        description="the addresses or networks from which metrics may be read, separated by commas, "
        "such as 127.0.0.1,10.0.0.0/24",
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


def oidc_metadata_url(issuer: str) -> str:
    """Return where a provider has its metadata. Source: OpenID Connect Discovery 1.0, section 4."""
    return f"{issuer.rstrip('/')}/.well-known/openid-configuration"


@cache
def get_settings() -> Settings:
    """Return this process's settings, read once.

    Raises SettingsError with one sentence that names the variable and what it expects, or the file
    that cannot be read.
    """
    try:
        return Settings()
    except ValidationError as error:
        # The message leaves out the value: a database URL holds a password.
        first = error.errors()[0]
        name = str(first["loc"][0])
        refused = first.get("ctx", {}).get("error")
        if isinstance(refused, _RefusedByDriver):
            raise SettingsError(f"{PREFIX}{name.upper()} {refused}.") from None
        field = Settings.model_fields.get(name)
        expected = field.description if field else "another value"
        raise SettingsError(f"{PREFIX}{name.upper()} expects {expected}.") from None
    except (OSError, UnicodeError) as error:
        reason = "it is not UTF-8" if isinstance(error, UnicodeError) else error.strerror
        raise SettingsError(
            f"The settings in {Path('.env').absolute()} cannot be read ({reason}). Let the user that "
            "runs this command or service read the file, which must be a text in UTF-8."
        ) from None
