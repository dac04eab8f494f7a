"""The real app, whose database is away at its start, comes step by step, and is there in the end."""

import re
import secrets
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory

import httpx2

from jobs_data import addresses
from jobs_data.accounts.accounts import Account, Groups, Right, find_account
from jobs_data.demo import DEMO_ADMINISTRATOR, DEMO_PASSWORD
from tests.support.app_servers import (
    ROOT,
    AppServers,
    let_an_administrator_in,
    open_websocket,
    own_environment,
)
from tests.support.mariadb import MariaDB, free_port
from tests.support.store import Store
from web.sessions import COOKIE, Sessions

KEY = "k" * 32
PERSON = {"Accept": "text/html"}
SECRET = "hunter2"
START_SECONDS = 60
PATIENCE = 60.0
SIGN_IN = {"identifier": DEMO_ADMINISTRATOR, "password": DEMO_PASSWORD}
SOMEBODY = Account(1, "Ada", Right.ADMINISTRATOR, "0" * 16)

PAGES = [
    addresses.BASE,
    *(f"{addresses.BASE}/{page}" for page in ("job?id=1", "tidy", "report", "receipts")),
]
PAGES += [f"{addresses.BASE}/{page}" for page in ("queue-browse", "queue-batches", "queue-job?id=1")]
ROUTES = [
    "/",
    "/jobs/browse",
    f"{addresses.BASE}/export-csv",
    f"{addresses.BASE}/1",
    f"{addresses.BASE}/queue/1",
]
ROUTES += [f"{addresses.BASE}/{route}" for route in ("1/download", "1/output", "receipts/x", "session")]
CHANGES = [f"{addresses.BASE}/delete/1", f"{addresses.BASE}/clear-inactive", addresses.SIGN_OUT]


def cookie_of(account: Account, seen_ago: int = 0) -> dict[str, str]:
    """Return the header of an account's session, last seen so many seconds ago."""
    sessions = Sessions(KEY, lambda: time.time() - seen_ago)
    return {"Cookie": f"{COOKIE}={sessions.token(sessions.begin(account))}"}


@contextmanager
def account_behind_a_socket(server: MariaDB, name: str) -> Iterator[Callable[[str], None]]:
    """Make an account for one database, through the server's socket; give what sets its password.

    Whoever has signed in with the password before is thrown out.
    """

    def set_password(password: str) -> None:
        with server.cursor() as cursor:
            cursor.execute(f"ALTER USER {name}@localhost IDENTIFIED BY '{password}'")
            cursor.execute(f"KILL USER {name}@localhost")

    with server.cursor() as cursor:
        cursor.execute(f"CREATE USER {name}@localhost IDENTIFIED BY '{SECRET}'")
        cursor.execute(f"GRANT ALL ON {name}.* TO {name}@localhost")
    yield set_password
    with server.cursor() as cursor:
        cursor.execute(f"DROP USER {name}@localhost")
        cursor.execute(f"DROP DATABASE IF EXISTS {name}")


def assert_all_say(site: httpx2.Client, sentence: str) -> None:
    """Fail where a page, a route or the sign-in does not answer 503 with a sentence."""
    cookie = cookie_of(SOMEBODY)
    answers = [site.get(path, headers=cookie | PERSON) for path in PAGES]
    assert {answer.headers["Refresh"] for answer in answers} == {"15"}  # a page tries again by itself
    answers += [site.get(path, headers=cookie) for path in ROUTES]
    answers += [site.post(path, headers=cookie) for path in CHANGES]
    assert site.get(addresses.SIGN_IN).status_code == 200
    answers.append(site.post(addresses.SIGN_IN, data=SIGN_IN))
    for answer in answers:
        assert answer.status_code == 503, answer.url
        assert re.search(sentence, answer.text), answer.url
        assert SECRET not in answer.text
        assert "Refresh" not in answer.headers or answer.request.method == "GET"
    assert open_websocket(str(site.base_url), f"{addresses.BASE}/_stcore/stream", cookie) == 403


def test_the_app_waits_for_its_database(mariadb_server: MariaDB, app_server: AppServers) -> None:
    """It says at each step what it lacks, and works without a restart when nothing is missing."""
    name = f"away_{secrets.token_hex(8)}"
    url = mariadb_server.url(name)
    with (
        account_behind_a_socket(mariadb_server, name) as set_password,
        TemporaryDirectory(prefix="socket-") as folder,  # a socket's path must be short
    ):
        socket = Path(folder) / "socket"

        def fill() -> None:
            set_password("another one")  # nobody is to find half of it
            fill_database(url)

        steps: list[tuple[str, Callable[[], None]]] = [
            ("OperationalError 2003", lambda: socket.symlink_to(mariadb_server.socket_path)),
            ("OperationalError 1049", lambda: mariadb_server.create_database(name)),
            ("no table named", fill),
            ("OperationalError 1045", lambda: set_password(SECRET)),
        ]
        address = app_server.start(
            HERATIO_JOBS_DATABASE_URL=f"mysql://{name}:{SECRET}@localhost/{name}?unix_socket={socket}",
            HERATIO_JOBS_SECRET_KEY=KEY,
        )
        with httpx2.Client(base_url=address.removesuffix(addresses.BASE), timeout=30) as site:
            for sentence, step in steps:
                assert_all_say(site, sentence)
                step()
            assert_works(site, url)
        app_server.stop_last()  # its connections would keep the database from being dropped


def fill_database(url: str) -> None:
    """Make the platform's tables, with an administrator, a job, and a limit of ten idle minutes."""
    store = Store(url)
    store.security(session_timeout_minutes="10")
    store.job("arThere")
    store.engine.dispose()
    let_an_administrator_in(url)


def assert_works(site: httpx2.Client, url: str) -> None:
    """Fail where one cannot sign in and see the job, or the platform's idle time is not known."""
    store = Store.on(url)
    account = find_account(store.database(), DEMO_ADMINISTRATOR, Groups())
    store.engine.dispose()
    assert account
    assert site.get(addresses.SESSION_CHECK, headers=cookie_of(account)).status_code == 204
    # Before anybody signs in, which would read it too.
    deadline = time.monotonic() + PATIENCE
    while site.get(addresses.SESSION_CHECK, headers=cookie_of(account, 20 * 60)).status_code != 401:
        assert time.monotonic() < deadline
        time.sleep(0.2)
    signed_in = site.post(addresses.SIGN_IN, data=SIGN_IN)
    assert signed_in.status_code == 303
    cookie = {"Cookie": signed_in.headers["set-cookie"].split(";")[0]}
    assert "arThere" in site.get(f"{addresses.BASE}/export-csv", headers=cookie).text
    page = site.get(addresses.BASE, headers=cookie | PERSON, follow_redirects=True)
    assert page.status_code == 200
    assert open_websocket(str(site.base_url), f"{addresses.BASE}/_stcore/stream", cookie) == 101


def test_a_url_that_can_never_work_ends_the_start(tmp_path: Path) -> None:
    """With one sentence that names the setting, and nothing of the value; systemd tries it once."""
    ended = subprocess.run(
        [sys.executable, "-m", "streamlit", "run", str(ROOT / "app.py")],
        env=own_environment()
        | {
            "HERATIO_JOBS_DATABASE_URL": f"mysql://jobs:{SECRET}@localhost/atom?nonsense={SECRET}",
            "STREAMLIT_SERVER_ADDRESS": "0.0.0.0",  # noqa: S104 - as in a container
            "STREAMLIT_SERVER_PORT": str(free_port()),
        },
        cwd=tmp_path,
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        timeout=START_SECONDS,
        check=False,
    )
    unit = (ROOT / "deploy" / "heratio-jobs.service").read_text("utf-8")
    assert f"\nRestartPreventExitStatus={ended.returncode}\n" in unit
    assert "Network URL" not in ended.stdout  # nor does it ask the internet for an address
    [sentence] = ended.stderr.splitlines()
    assert "HERATIO_JOBS_DATABASE_URL" in sentence
    assert SECRET not in ended.stdout + ended.stderr
