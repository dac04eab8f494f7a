"""The gate: who is let in, who is not, and when somebody is shown out; on both kinds of database."""

import asyncio
import base64
import json
import random
import re
import shutil
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass, replace
from typing import Any
from urllib.parse import parse_qs, unquote, urljoin, urlsplit

import pytest
from sqlalchemy import delete, exc, insert, select, update
from starlette.requests import Request
from starlette.responses import JSONResponse
from starlette.routing import Route, WebSocketRoute
from starlette.testclient import TestClient
from starlette.websockets import WebSocket, WebSocketDisconnect

from jobs_data import addresses, demo
from jobs_data.accounts.accounts import Groups
from jobs_data.accounts.introductions import HEADER as ACCOUNT_HEADER
from jobs_data.accounts.rights import WITHDRAWN
from jobs_data.accounts.sign_in import PARALLEL_SIGN_INS, SignIns
from jobs_data.audit import Audit
from jobs_data.platform import tables
from jobs_data.platform.database import Database
from pages.parts.shared.services import get_services
from tests.support.databases import on_sqlite
from tests.support.gated import KEY, gated_app
from tests.support.page_messages import rerun
from tests.support.statements import listening, statements
from tests.support.store import Store, hash_of
from tests.support.waiting import Clock, eventually
from web import answers, gate, sign_in
from web.gate import AccessSettings, AccountCache
from web.sessions import COOKIE, SECURE_COOKIE, Session, Sessions
from web.sign_in import SignIn, safe_next

PERSON = {"Accept": "text/html,application/xhtml+xml"}
PROGRAM = {"Accept": "application/json"}
EDITORS = 101
STREAM = f"ws://jobs.example.org{addresses.BASE}/_stcore/stream"


@dataclass
class Door:
    """An app behind a gate, on a database with the demo's accounts, and a client in front of it."""

    client: TestClient
    clock: Clock
    database: Database
    sessions: Sessions

    def sign_in(self, identifier: str = demo.DEMO_ADMINISTRATOR, **more: str) -> Any:
        """Post the form and return the answer."""
        fields = {"identifier": identifier, "password": demo.DEMO_PASSWORD, **more}
        return self.client.post(addresses.SIGN_IN, data=fields, headers=PERSON)

    def asks(self, path: str = addresses.BASE, **headers: str) -> int:
        """Return the status of a person's request."""
        return int(self.client.get(path, headers=headers or PERSON).status_code)

    def change(self, *statements: Any) -> None:
        """Change the platform's database as the platform would."""
        with self.database.engine.begin() as connection:
            for statement in statements:
                connection.execute(statement)

    def user_id(self, email: str = demo.DEMO_ADMINISTRATOR) -> int:
        """Return a user's id."""
        with self.database.engine.connect() as connection:
            found = connection.execute(tables.user.select().where(tables.user.c.email == email)).one()
            return int(found.id)


class Client(TestClient):
    """A client whose websockets say where they come from, as a browser's do."""

    def websocket_connect(self, *arguments: Any, **more: Any) -> Any:
        """Open a websocket."""
        more["headers"] = {"Origin": "http://jobs.example.org", **more.get("headers", {})}
        return super().websocket_connect(*arguments, **more)


async def inside(request: Request) -> JSONResponse:
    """Answer what the pages are told of the visitor."""
    tokens = request.headers.getlist(ACCOUNT_HEADER)
    told = [get_services().introductions.read(token) for token in tokens]
    return JSONResponse([asdict(introduction) for introduction in told if introduction])


async def alive(_request: Request) -> JSONResponse:
    """Answer as the liveness check does, with the cookie that Streamlit sets."""
    return JSONResponse("ok", headers={"Set-Cookie": "_streamlit_xsrf=2|a|b; Path=/; SameSite=Lax"})


async def echo(websocket: WebSocket) -> None:
    """Accept, and send back what comes."""
    await websocket.accept()
    try:
        while True:
            message = await websocket.receive()
            if message["type"] == "websocket.disconnect":
                return
            if text := message.get("text"):
                await websocket.send_text(text)
            else:
                await websocket.send_bytes(message["bytes"])
    except WebSocketDisconnect:
        return


INSIDE = [
    Route(addresses.BASE, inside),
    WebSocketRoute(f"{addresses.BASE}/_stcore/stream", echo),
    Route(addresses.LIVENESS, alive),
]


@pytest.fixture
def platform_database(served: Store) -> Database:
    """Give a database with the demo's accounts, whose passwords cost little, served by the app."""
    for email, group in ((demo.DEMO_ADMINISTRATOR, 100), (demo.DEMO_READER, EDITORS)):
        served.account(email.partition("@")[0], group, password=demo.DEMO_PASSWORD, email=email)
    served.job("import"), served.job("export", 183)
    return get_services().database


@contextmanager
def opened(database: Database, seconds: float = 28) -> Iterator[Door]:
    """Open an app behind a gate whose readers are the editors."""
    clock = Clock(time.time())
    app, sessions = gated_app(INSIDE, clock, frozenset({EDITORS}), seconds=seconds)
    with Client(app, "http://jobs.example.org", follow_redirects=False) as client:
        yield Door(client, clock, database, sessions)


@pytest.fixture
def door(platform_database: Database) -> Iterator[Door]:
    """Give an app behind a gate that believes an account for 28 seconds."""
    with opened(platform_database) as door:
        yield door


def test_without_a_session_a_person_is_sent_to_the_sign_in(door: Door) -> None:
    """The address comes along, so that it is shown afterwards."""
    response = door.client.get(f"{addresses.BASE}?status=failed&page=2", headers=PERSON)
    assert response.status_code == 303
    location = urlsplit(response.headers["location"])
    assert location.path == addresses.SIGN_IN
    assert parse_qs(location.query) == {"next": [f"{addresses.BASE}?status=failed&page=2"]}


@on_sqlite
@pytest.mark.parametrize(
    "path",
    [
        "/_stcore/host-config/",
        "/_stcore/health/",
        "/_stcore/health/../stream",
        "/sign-in/",
        "/sign-in/x",
        "//sign-in",
    ],
)
def test_an_address_like_an_open_one_is_closed(door: Door, path: str) -> None:
    """`test_all_routes` has those of the routes."""
    assert door.client.get(addresses.BASE + path, headers=PROGRAM).status_code == 401


def test_an_administrator_gets_in_and_is_introduced(door: Door) -> None:
    """The cookie is out of scripts' reach, and the pages are told who is there."""
    response = door.sign_in(next=f"{addresses.BASE}?status=failed")
    assert (response.status_code, response.headers["location"]) == (
        303,
        f"{addresses.BASE}?status=failed",
    )
    cookie = response.headers["set-cookie"]
    assert "HttpOnly" in cookie
    assert "SameSite=Lax" in cookie
    assert f"Path={addresses.BASE};" in cookie
    assert "Secure" not in cookie
    [told] = door.client.get(addresses.BASE).json()
    assert (told["right"], bool(told["session"])) == ("administrator", True)
    assert isinstance(told["who"], int)
    with door.client.websocket_connect(STREAM) as websocket:
        websocket.send_text("hello")
        assert websocket.receive_text() == "hello"


@on_sqlite
def test_a_client_cannot_introduce_itself(door: Door) -> None:
    """A header of the gate's own name is dropped, however it is spelt."""
    door.sign_in(demo.DEMO_READER)
    forged = json.dumps({"name": "x", "right": "administrator", "by_proxy": False})
    for name in ("X-Heratio-Jobs-Account", "x-heratio_jobs-account", "X_HERATIO_JOBS_ACCOUNT"):
        [told] = door.client.get(addresses.BASE, headers={name: forged}).json()
        assert told["right"] == "reader"


def test_a_reader_looks_but_removes_nothing(door: Door) -> None:
    """Seeing and exporting work; the routes that remove answer 403."""
    door.sign_in(demo.DEMO_READER)
    assert door.asks() == 200
    assert door.client.get(f"{addresses.BASE}/export-csv").status_code == 200
    with door.database.reading() as connection:
        before = connection.execute(tables.job.select()).all()
    for path in ("/delete/1", "/delete/1/", "/clear-inactive", "/clear-inactive/"):
        response = door.client.post(addresses.BASE + path, headers=PROGRAM)
        assert response.status_code == 403
        assert response.json()["message"] == gate.READ_ONLY
    with door.database.reading() as connection:
        assert connection.execute(tables.job.select()).all() == before


def test_a_right_password_without_a_right_is_told_whom_to_ask(door: Door) -> None:
    """It is a 403 and no session."""
    user = door.user_id(demo.DEMO_READER)
    groups = tables.acl_user_group
    door.change(delete(groups).where(groups.c.user_id == user))
    response = door.sign_in(demo.DEMO_READER)
    assert response.status_code == 403
    assert "Ask an administrator" in response.text
    assert "set-cookie" not in response.headers
    assert door.asks() == 303


def test_a_wrong_password_says_so_and_keeps_the_name(door: Door) -> None:
    """What was typed is escaped, the password is not repeated."""
    response = door.sign_in('"><script>x', password="hunter2")
    assert response.status_code == 401
    assert "&#34;&gt;&lt;script&gt;x" in response.text
    assert "<script" not in response.text
    assert "hunter2" not in response.text
    assert 'role="alert"' in response.text


def test_a_sixth_try_is_locked_out(door: Door) -> None:
    """The right password does not help then."""
    for _ in range(5):
        assert door.sign_in(password="wrong").status_code == 401
    assert door.sign_in().status_code == 429


SWITCHED_OFF: list[Callable[[int], Any]] = [
    lambda user: update(tables.user).where(tables.user.c.id == user).values(active=0),
    lambda user: update(tables.user).where(tables.user.c.id == user).values(password_hash="x"),
    lambda user: update(tables.user).where(tables.user.c.id == user).values(salt="new"),
    lambda user: delete(tables.acl_user_group).where(tables.acl_user_group.c.user_id == user),
    lambda user: (
        update(tables.acl_user_group)
        .where(tables.acl_user_group.c.user_id == user)
        .values(group_id=EDITORS)
    ),
]


@pytest.mark.parametrize("withdrawal", SWITCHED_OFF)
def test_what_is_withdrawn_is_gone_within_half_a_minute(door: Door, withdrawal: Any) -> None:
    """Switched off, a new password, out of the group, from administrator to reader."""
    door.sign_in()
    assert door.asks() == 200
    door.change(withdrawal(door.user_id()))
    door.clock.now += 30
    assert door.asks() == 303
    # Not even when all is as before again: what ended stays ended.
    door.clock.now += 30
    assert door.asks() == 303


@pytest.mark.parametrize("withdrawal", SWITCHED_OFF)
def test_what_is_withdrawn_removes_nothing_from_that_moment_on(door: Door, withdrawal: Any) -> None:
    """Although the gate believes what it has read before for half a minute."""
    with door.database.reading() as connection:
        job_id = connection.execute(
            select(tables.job.c.id).where(tables.job.c.status_id == 184)
        ).scalar()
    door.sign_in()
    assert door.asks() == 200
    door.change(withdrawal(door.user_id()))
    for path in (f"/delete/{job_id}", "/clear-inactive"):
        for headers in (PROGRAM, PERSON, {}):
            answer = door.client.post(addresses.BASE + path, headers=headers)
            assert (answer.status_code, WITHDRAWN in answer.text) == (403, True)
    assert door.asks() == 200
    with door.database.reading() as connection:
        assert job_id in connection.execute(select(tables.job.c.id)).scalars().all()


def test_an_open_websocket_is_closed_when_the_right_is_withdrawn(platform_database: Database) -> None:
    """The one who watches does not have to do anything for it."""
    with opened(platform_database, seconds=0.2) as door:
        door.sign_in()
        with door.client.websocket_connect(STREAM) as websocket:
            websocket.send_text("hello")
            assert websocket.receive_text() == "hello"
            door.change(SWITCHED_OFF[0](door.user_id()))
            door.clock.now += 30
            with pytest.raises(WebSocketDisconnect) as caught:
                websocket.receive_text()
            assert caught.value.code == 1008


def test_a_re_check_costs_one_statement_in_half_a_minute(door: Door) -> None:
    """However many requests and websockets there are."""
    door.sign_in()
    with statements(door.database.engine, "SELECT") as sent:
        for _ in range(20):
            door.clock.now += 1.4
            assert door.asks() == 200
    assert len(sent) == 1


def test_signing_out_ends_every_copy_and_every_tab(door: Door) -> None:
    """Open websockets are closed, and the cookie is no longer taken."""
    door.sign_in()
    cookie = door.client.cookies[COOKIE]
    with door.client.websocket_connect(STREAM) as websocket:
        response = door.client.post(addresses.SIGN_OUT, headers={"Sec-Fetch-Site": "same-origin"})
        assert (response.status_code, response.headers["location"]) == (303, addresses.SIGN_IN)
        assert "Max-Age=0" in response.headers["set-cookie"]
        with pytest.raises(WebSocketDisconnect):
            websocket.receive_text()
    door.client.cookies.set(COOKIE, cookie)
    assert door.asks() == 303


def test_another_process_knows_a_sign_out(door: Door) -> None:
    """At once where it is asked anything; so does one that starts later, whatever ended the session."""
    door.sign_in()
    cookie = door.client.cookies[COOKIE]
    with opened(door.database) as other:
        other.client.cookies.set(COOKIE, cookie)
        assert other.asks() == 200
        with other.client.websocket_connect(STREAM) as websocket:
            assert door.client.post(addresses.SIGN_OUT).status_code == 303
            assert other.asks(addresses.SIGN_IN) == 200
            assert other.asks() == 303
            with pytest.raises(WebSocketDisconnect):
                websocket.receive_text()
    for ends in (door.sign_in, lambda: door.change(SWITCHED_OFF[0](door.user_id()))):
        door.client.cookies.clear()
        door.sign_in()
        cookie = door.client.cookies[COOKIE]
        ends()
        door.clock.now += 30
        door.asks()
        door.change(update(tables.user).values(active=1))
        with opened(door.database) as later:
            later.clock.now = door.clock.now
            later.client.cookies.set(COOKIE, cookie)
            assert later.asks() == 303


def test_an_open_page_is_closed_when_another_process_ends_its_session(door: Door) -> None:
    """Although nobody asks this process for anything."""
    door.sign_in()
    with opened(door.database) as other:
        other.client.cookies.set(COOKIE, door.client.cookies[COOKIE])
        with other.client.websocket_connect(STREAM) as websocket:
            cookie = door.client.cookies[COOKIE]
            door.client.post(addresses.SIGN_OUT)
            eventually(lambda: other.sessions.read(cookie) is None, "the end of the session")
            with pytest.raises(WebSocketDisconnect):
                websocket.receive_text()


def test_a_sign_out_that_cannot_be_stored_says_so(door: Door) -> None:
    """It holds in this process; a store that cannot be read shuts nobody out."""
    door.sign_in()
    cookie = door.client.cookies[COOKIE]
    services = get_services()
    services.audit.flush()  # which makes the folder, if nothing else has
    services.store.close()
    state = services.settings.state_dir
    shutil.rmtree(state)
    state.write_text("no folder")
    try:
        assert door.asks() == 200
        response = door.client.post(addresses.SIGN_OUT, headers=PERSON)
        assert (response.status_code, "could not store" in response.text) == (200, True)
        assert "Max-Age=0" in response.headers["set-cookie"]
        door.client.cookies.set(COOKIE, cookie)
        assert door.asks() == 303
    finally:
        state.unlink()


@on_sqlite
def test_a_session_idles_out_and_ends_after_twelve_hours(door: Door) -> None:
    """Half an hour unseen ends it; seen again and again it lasts twelve hours."""
    door.sign_in()
    for _ in range(24 * 60 // 50):
        door.clock.now += 25 * 60
        assert door.asks() == 200
    door.clock.now = door.clock.now + 12 * 3600
    assert door.asks() == 303
    door.sign_in()
    door.clock.now += 31 * 60
    assert door.asks() == 303


@on_sqlite
def test_a_page_that_only_refreshes_by_itself_idles_out(door: Door) -> None:
    """What it fetches, asks and sends by itself keeps no session; what a person does, does."""
    by_itself = [
        addresses.SESSION_CHECK,
        addresses.LIVENESS,
        f"{addresses.BASE}/static/js/index.js",
        f"{addresses.BASE}/media/1.csv",
        f"{addresses.BASE}/component/streamlit_autorefresh.st_autorefresh/index.html",
        f"{addresses.BASE}/_stcore/host-config",
    ]
    door.sign_in()
    with door.client.websocket_connect(STREAM) as websocket:
        say(websocket, timer="0")
        for minute in range(29):
            door.clock.now += 60
            say(websocket, timer=str(minute + 1))
            answers = [door.client.get(path, headers=PERSON) for path in by_itself]
            assert not any(COOKIE in answer.headers.get("set-cookie", "") for answer in answers)
        say(websocket, button=True)
        # The next answer tells the cookie, so that another process knows it too.
        assert "set-cookie" in door.client.get(addresses.SESSION_CHECK).headers
        door.clock.now += 29 * 60
        assert Sessions(KEY, door.clock).read(door.client.cookies[COOKIE])
        say(websocket, timer="30")
        assert door.asks(addresses.SESSION_CHECK) == 204
        door.clock.now += 60
        with pytest.raises(WebSocketDisconnect) as caught:
            websocket.receive_bytes()
        assert caught.value.code == 1008
    assert door.asks(addresses.SESSION_CHECK) == 303


@contextmanager
def away(database: Database) -> Iterator[None]:
    """Let no statement get to a database."""

    def refuse(*_: object) -> None:
        raise exc.TimeoutError

    with listening(database.engine, "before_cursor_execute", refuse):
        yield


def test_an_open_page_gets_its_scripts_while_the_database_is_away(door: Door) -> None:
    """It needs them to say so, and for the timer that asks again; nothing else is served."""
    scripts = [f"{addresses.BASE}/{path}" for path in ("static/js/x.js", "component/x/index.html")]
    scripts.append(f"{addresses.BASE}/_stcore/bidi-components/x.js")
    door.sign_in()
    assert door.asks() == 200
    door.clock.now += 29
    with away(door.database):
        assert [door.asks(path) for path in (addresses.BASE, f"{addresses.BASE}/media/1.csv")] == [
            503,
            503,
        ]
        assert [door.asks(path) for path in scripts] == [404] * 3  # let through to what is not here
        door.client.cookies.clear()
        assert [door.asks(path) for path in scripts] == [303] * 3
    assert door.sign_in().status_code == 303
    door.change(SWITCHED_OFF[0](door.user_id()))
    door.clock.now += 29
    assert [door.asks(path) for path in (addresses.BASE, *scripts)] == [303] * 4


def test_a_page_idles_out_while_the_database_is_away(
    platform_database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What was read last does not stay for whoever comes by."""
    monkeypatch.setattr(gate, "RETRY_SECONDS", 0.1)
    with opened(platform_database, seconds=0.2) as door:
        door.sign_in()
        with door.client.websocket_connect(STREAM) as websocket, away(door.database):
            door.clock.now += 29 * 60
            say(websocket, timer="0")
            assert door.asks(addresses.SESSION_CHECK) == 503
            door.clock.now += 60
            eventually(lambda: is_closed(websocket), "the page is closed")


def is_closed(websocket: Any) -> bool:
    """Return whether what a page sends is answered by the end of its websocket."""
    websocket.send_bytes(rerun(timer=str(time.monotonic()))["bytes"])
    return bool(websocket.receive()["type"] == "websocket.close")


def say(websocket: Any, **widgets: Any) -> None:
    """Send what a page would, and wait until it has come in."""
    message = rerun(**widgets)["bytes"]
    websocket.send_bytes(message)
    assert websocket.receive_bytes() == message


def test_the_idle_time_is_the_platforms(door: Door) -> None:
    """It is read when somebody signs in."""
    door.change(
        insert(tables.ahg_settings).values(
            setting_key="security_session_timeout_minutes", setting_value="5"
        )
    )
    door.sign_in()
    door.clock.now += 6 * 60
    assert door.asks() == 303


@on_sqlite
def test_a_restart_with_the_same_key_keeps_the_session(door: Door) -> None:
    """With another key it ends."""
    door.sign_in()
    cookie = door.client.cookies[COOKIE]
    assert Sessions(KEY).read(cookie) is not None
    assert Sessions("another key" * 4).read(cookie) is None


def test_a_sign_in_never_takes_over_a_session_that_was_there(door: Door) -> None:
    """The session before it is ended."""
    door.sign_in(demo.DEMO_READER)
    before = door.client.cookies[COOKIE]
    assert door.client.get(addresses.SIGN_IN).status_code == 303
    door.sign_in()
    assert door.client.cookies[COOKIE] != before
    assert door.sessions.read(before) is None


@on_sqlite
def test_tampered_cookies_are_no_session(door: Door) -> None:
    """No change of any byte of it gets in, and none breaks anything."""
    door.sign_in()
    good = door.client.cookies[COOKIE]
    random_source = random.Random(3)
    alphabet = "abcXYZ019-_.=%\x7f"
    payload = json.dumps({"user_id": 1, "right": "administrator"}).encode()
    made_up = ["", ".", "..", "x" * 5000, base64.urlsafe_b64encode(payload).decode() + ".sig"]
    for _ in range(2000):
        at = random_source.randrange(len(good))
        changed = good[:at] + random_source.choice(alphabet) + good[at + 1 :]
        if changed != good:
            made_up.append(changed)
    # The last character of the signature carries bits that do not count: leave it alone.
    made_up = [cookie for cookie in made_up if cookie[:-1] != good[:-1]]
    assert all(door.sessions.read(cookie) is None for cookie in made_up)
    for cookie in made_up[:60]:
        headers = {**PROGRAM, "Cookie": f"{COOKIE}={cookie}"}
        door.client.cookies.clear()
        assert door.client.get(addresses.BASE, headers=headers).status_code == 401


@on_sqlite
def test_a_signed_cookie_that_is_malformed_is_no_session(door: Door) -> None:
    """A right signature does not make a payload one of ours, and nothing of it breaks anything."""
    door.sign_in()
    good = asdict(whole(door))
    texts = [b"", b"{}", b"[]", b"NaN", b"1e999", b"\xff\xfe", b"[" * 10**5, b"9" * 6000, b"\0"]
    texts += [json.dumps(each).encode() for each in (5, "x", None, [good], {"session": good})]
    odd: list[Any] = [
        None,
        True,
        1.5,
        -1,
        10**40,
        float("nan"),
        float("inf"),
        "",
        "x",
        "\ud800" * 22,
        [],
        {},
        [[1]],
    ]
    for name in good:
        texts.append(json.dumps({k: v for k, v in good.items() if k != name}).encode())
        odd_here = [each for each in odd if each is not True] if name == "by_oidc" else odd
        texts += [json.dumps({**good, name: each}).encode() for each in odd_here if each != good[name]]
    texts += [json.dumps({**good, name: 1}).encode() for name in ("x", "self", "", "\ud800")]
    door.client.cookies.clear()
    for text in texts:
        for payload in (base64.urlsafe_b64encode(text).rstrip(b"="), b"." + text, b"%%"):
            signed = door.sessions._serializer.make_signer("session").sign(payload)
            headers = {b"Accept": b"*/*", b"Cookie": COOKIE.encode() + b"=" + signed}
            answer = door.client.get(addresses.BASE, headers=headers)
            assert (text, answer.status_code) == (text, 401)
    # None of them was taken for this session for as long as it took to end it.
    token = door.sessions.token(Session(**good))
    assert door.asks(**PERSON, Cookie=f"{COOKIE}={token}") == 200


def whole(door: Door) -> Session:
    """Return the session of the client's cookie."""
    session = door.sessions.read(door.client.cookies[COOKIE])
    assert session
    return session


@on_sqlite
def test_a_cookie_from_the_future_is_refused(door: Door) -> None:
    """A clock may be a minute ahead of another's, no more."""
    door.sign_in()
    session, now = whole(door), int(door.clock.now)
    cases: tuple[tuple[dict[str, Any], int], ...] = (
        ({"seen_at": now + 59}, 200),
        ({"seen_at": now + 62}, 303),
        ({"signed_in_at": now + 62}, 303),
        ({"signed_in_at": now + 62, "seen_at": now + 62}, 303),
        ({"seen_at": 2**39}, 303),
    )
    for moments, status in cases:
        token = door.sessions.token(replace(session, **moments))
        door.client.cookies.clear()
        assert door.asks(**PERSON, Cookie=f"{COOKIE}={token}") == status


@on_sqlite
@pytest.mark.parametrize(
    "cookies", ["", "=", ";;;", "{0}", "{0}=", "a=b; {0}", "{0}=\xff; é=ü", '{0}="']
)
def test_odd_cookies_are_no_session_and_hide_none(door: Door, cookies: str) -> None:
    """Whatever else comes along, also under our name, as another path of the host may set it."""
    door.sign_in()
    good = f"{COOKIE}={door.client.cookies[COOKIE]}"
    odd = cookies.format(COOKIE).encode()
    door.client.cookies.clear()
    for header, status in (
        (odd, 401),
        (odd + b"; " + good.encode(), 200),
        (good.encode() + b";" + odd, 200),
    ):
        answer = door.client.get(addresses.BASE, headers={b"Accept": b"*/*", b"Cookie": header})
        assert answer.status_code == status


@on_sqlite
def test_the_platforms_addresses_lead_to_the_list(door: Door) -> None:
    """Our cookie is not sent to them: the sign-in, which gets it, leads on."""
    door.sign_in()
    for path, leads_to in (
        ("/", addresses.BASE),
        ("/jobs/browse", addresses.BASE),
        ("/jobs/browse?status=failed&page=2", f"{addresses.BASE}?status=failed&page=2"),
    ):
        to_the_sign_in = door.client.get(path, headers=PERSON)
        assert to_the_sign_in.status_code == 303
        assert door.client.get(to_the_sign_in.headers["location"]).headers["location"] == leads_to


FORGED_NEXT = [
    "https://evil.example",
    "//evil.example",
    "///evil.example",
    "/\\evil.example",
    "\\\\evil.example",
    "/admin/jobs@evil.example",
    "/admin/jobsevil",
    "/admin/jobs/..//evil.example",
    "/admin/jobs/../../evil",
    "/admin/jobs/%0d%0aSet-Cookie:x=1\r\nX: y",
    "/admin/jobs?\r\nLocation: https://evil.example",
    "javascript:alert(1)",
    "/etc/passwd",
    "",
    " /admin/jobs",
    "/admin/jobs/sign-out",
    "/admin/jobs/sign-in?next=/admin/jobs",
    "/admin/jobs/\x00",
    "/admin/jobs/é",
    "http://jobs.example.org/admin/jobs",
    "https://jobs.example.org@evil.example/admin/jobs",
    "/admin/jobs/%2e%2e/%2e%2e/admin",
    "/admin/jobs/%2E%2e/",
    "/admin/jobs/.%2e/user",
    "/admin/jobs/%252e%252e/user",
    "/admin/jobs/..",
    "/admin/jobs/.",
    "/admin/jobs/..;/user",
    "/admin/jobs/;/../user",
    "/admin/jobs;x",
    "/admin/jobs/%2f%2fevil.example",
    "/admin/jobs/%5c..%5cuser",
    "/admin/jobs\\..\\user",
    "/admin/jobs?x=\\",
    "/admin/jobs//evil.example",
    "/admin/jobs/\t../user",
    "/admin/jobs/.\t./user",
    "/admin/jobs\n",
    "/admin/jobs/#/../x",
    "/admin/jobs?x=\x7f",
    "/admin/jobs?x=\x85",
    "/admin/jobs?q=" + "a" * answers.LONGEST_ADDRESS,
    "/ADMIN/JOBS/../..",
]


@pytest.mark.parametrize("wanted", FORGED_NEXT)
def test_a_forged_next_leads_to_the_list(wanted: str) -> None:
    """Nothing but an address of our own is followed."""
    assert safe_next(wanted) == addresses.BASE


@pytest.mark.parametrize(
    "wanted",
    [
        "/admin/jobs",
        "/admin/jobs/",
        "/admin/jobs/7",
        "/admin/jobs/job?id=7&status=failed",
        "/admin/jobs/receipts/20261123T213605Z-1f3a90c2",
        "/admin/jobs?q=a..b%2F..%2F&x=/../;#x",
    ],
)
def test_an_address_of_our_own_is_followed(wanted: str) -> None:
    """Query and all."""
    assert safe_next(wanted) == wanted


def test_thousands_of_forged_nexts_stay_with_us() -> None:
    """Whatever strangers put together, the answer is one of our addresses."""
    random_source = random.Random(5)
    pieces = [
        "/",
        "\\",
        "admin/jobs",
        "//",
        "..",
        "evil.example",
        "@",
        ":",
        "\t",
        "\n",
        "?",
        "#",
        "%2f",
        "%2e",
        "%252e",
        ".",
        ";",
    ]
    for _ in range(10_000):
        wanted = "".join(random_source.choices(pieces, k=random_source.randint(1, 6)))
        assert re.fullmatch(r"/admin/jobs([/?][!-~]*)?", safe_next(wanted))
        assert urlsplit(urljoin("http://us/x/y", unquote(safe_next(wanted)))).path.startswith(
            addresses.BASE
        )


def test_odd_forms_let_nobody_in(door: Door) -> None:
    """No form, however odd, gets in or breaks anything."""
    random_source = random.Random(7)
    bits = [
        "admin@example.org",
        "reader",
        "",
        " ",
        "'",
        '"',
        "%",
        "\x00",
        "é",
        "😀",
        "a" * 300,
        "demo ",
        "=",
    ]
    door.change(
        insert(tables.ahg_settings).values(
            setting_key="security_lockout_max_attempts", setting_value="3"
        )
    )
    for _ in range(150):
        fields = {
            name: "".join(random_source.choices(bits, k=random_source.randint(0, 3)))
            for name in random_source.sample(["identifier", "password", "code", "next", "x"], 3)
        }
        response = door.client.post(addresses.SIGN_IN, data=fields, headers=PERSON)
        assert response.status_code in {401, 429}
        assert "set-cookie" not in response.headers


@on_sqlite
@pytest.mark.parametrize(
    ("body", "status"),
    [
        (b"identifier=%ff%fe&password=x", 400),
        (b"\xff\xfe=1", 400),
        (b"identifier=a" * 9000, 413),
        (b"&".join(b"f%d=1" % n for n in range(50)), 400),
        (b"", 401),
        (b'{"identifier": "a"}', 401),
    ],
)
def test_a_form_that_is_none_is_told_so(door: Door, body: bytes, status: int) -> None:
    """It may be too long, hold too many fields or no text."""
    assert door.client.post(addresses.SIGN_IN, content=body, headers=PERSON).status_code == status


@on_sqlite
@pytest.mark.parametrize(
    "headers", [{"Sec-Fetch-Site": "cross-site"}, {"Origin": "https://evil.example"}]
)
def test_another_sites_form_signs_nobody_in_or_out(door: Door, headers: dict[str, str]) -> None:
    """Neither door moves for a foreign page."""
    fields = {"identifier": demo.DEMO_ADMINISTRATOR, "password": demo.DEMO_PASSWORD}
    assert door.client.post(addresses.SIGN_IN, data=fields, headers=headers).status_code == 403
    door.sign_in()
    assert door.client.post(addresses.SIGN_OUT, headers=headers).status_code == 403
    assert door.asks() == 200


@on_sqlite
def test_only_post_signs_out(door: Door) -> None:
    """A link cannot."""
    door.sign_in()
    assert door.client.get(addresses.SIGN_OUT).status_code == 405
    assert door.client.put(addresses.SIGN_IN).status_code == 405
    assert door.asks() == 200


@on_sqlite
def test_every_answer_carries_the_headers(door: Door) -> None:
    """The door's own pages, refusals and what lies behind the gate."""
    pages = [
        door.client.get(path, headers=PERSON) for path in (addresses.SIGN_IN, addresses.BASE, "/x")
    ]
    door.sign_in()
    pages.append(door.client.get(addresses.BASE))
    export = door.client.get(f"{addresses.BASE}/export-csv")
    for answer in [*pages, export]:
        assert answer.headers["x-content-type-options"] == "nosniff"
        assert answer.headers["referrer-policy"] == "same-origin"
        assert "strict-transport-security" not in answer.headers
    for page in pages:
        assert "frame-ancestors 'none'" in page.headers["content-security-policy"]
    assert "sandbox" in export.headers["content-security-policy"]


def test_a_database_that_does_not_answer_lets_nobody_in(door: Door) -> None:
    """It is a 503 with a sentence, and nothing of what lies behind the gate."""
    door.sign_in()
    door.clock.now += 30
    with door.database.engine.begin() as connection:
        for table in ("acl_user_group", "user"):
            connection.exec_driver_sql(f"ALTER TABLE `{table}` RENAME TO `gone_{table}`")
    response = door.client.get(addresses.BASE, headers=PERSON)
    assert response.status_code == 503
    assert "database has no table" in response.text
    assert '"right"' not in response.text


HEADER = "X-Forwarded-Email"
CLAIMS = [
    "10.0.0.5",
    "10.0.0.5:4711",
    "1.2.3.4, 10.0.0.5",
    "[::ffff:10.0.0.5]:1, 10.0.0.5",
]


def proxied(client_address: str, header: str = HEADER, proxies: str = "10.0.0.5") -> TestClient:
    """Return a client that connects from an address to a gate that believes some proxies."""
    app, _sessions = gated_app(INSIDE, Clock(time.time()), header=header, proxies=proxies)
    return Client(app, "http://jobs.example.org", follow_redirects=False, client=(client_address, 4711))


def test_a_listed_proxy_is_believed(platform_database: Database) -> None:
    """It names an active account with the right, by e-mail or user name."""
    with proxied("10.0.0.5") as client:
        [told] = client.get(addresses.BASE, headers={HEADER: demo.DEMO_ADMINISTRATOR}).json()
        assert (told["right"], told["session"]) == ("administrator", "")
        with client.websocket_connect(STREAM, headers={HEADER: demo.DEMO_ADMINISTRATOR}) as websocket:
            websocket.send_text("x")
            assert websocket.receive_text() == "x"
        for nobody in (demo.DEMO_READER, "nobody@example.org"):
            assert client.get(addresses.BASE, headers={HEADER: nobody}).status_code == 403
        assert client.get(addresses.BASE, headers=PROGRAM).status_code == 401


@on_sqlite
@pytest.mark.parametrize(
    ("address", "header", "proxies"),
    [
        ("10.0.0.6", HEADER, "10.0.0.5"),
        ("127.0.0.1", HEADER, "10.0.0.5"),
        ("10.0.0.5", HEADER, ""),
        ("10.0.0.5", "", "10.0.0.5"),
        ("testclient", HEADER, "10.0.0.5"),
    ],
)
def test_a_forged_header_is_dropped(
    platform_database: Database, address: str, header: str, proxies: str
) -> None:
    """From another address, or where either setting is missing, it is nobody's word."""
    with proxied(address, header, proxies) as client:
        headers = {HEADER: demo.DEMO_ADMINISTRATOR, **PROGRAM}
        assert client.get(addresses.BASE, headers=headers).status_code == 401


@on_sqlite
def test_a_claimed_address_is_not_the_address(platform_database: Database) -> None:
    """A loopback peer is replaced by what X-Forwarded-For says: that makes nobody a proxy."""
    with proxied("10.0.0.5") as client:
        for claim in CLAIMS:
            headers = {HEADER: demo.DEMO_ADMINISTRATOR, "X-Forwarded-For": claim, **PROGRAM}
            assert client.get(addresses.BASE, headers=headers).status_code == 401


@on_sqlite
def test_behind_tls_the_cookie_is_secure(platform_database: Database) -> None:
    """A listed proxy's word on it counts, anybody else's does not; the other name is not taken."""
    fields = {"identifier": demo.DEMO_ADMINISTRATOR, "password": demo.DEMO_PASSWORD}
    for address, secure in (("10.0.0.5", True), ("10.0.0.6", False)):
        with proxied(address) as client:
            headers = {"X-Forwarded-Proto": "https"}
            response = client.post(addresses.SIGN_IN, data=fields, headers=headers)
            name = SECURE_COOKIE if secure else COOKIE
            assert response.headers["set-cookie"].startswith(f"{name}=")
            assert ("; Secure" in response.headers["set-cookie"]) is secure
            token = response.cookies[name]
            client.cookies.clear()
            for sent, status in ((name, 200), ({COOKIE: SECURE_COOKIE}.get(name, COOKIE), 401)):
                cookie = {"Cookie": f"{sent}={token}"}
                assert (
                    client.get(addresses.BASE, headers=headers | cookie | PROGRAM).status_code == status
                )
            cookie = {"Cookie": f"{name}={token}", "Sec-Fetch-Site": "same-origin"}
            out = client.post(addresses.SIGN_OUT, headers=headers | cookie)
            assert out.headers["set-cookie"].startswith(f"{name}=; Path={addresses.BASE}; Max-Age=0")
            assert ("strict-transport-security" in response.headers) is secure


@on_sqlite
@pytest.mark.parametrize(("scheme", "tail"), [("http", ""), ("https", "; Secure")])
def test_streamlits_cookie_stays_with_our_addresses(
    platform_database: Database, scheme: str, tail: str
) -> None:
    """It sets one for the whole host, without a word on TLS."""
    with proxied("10.0.0.5") as client:
        answer = client.get(addresses.LIVENESS, headers={"X-Forwarded-Proto": scheme})
    cookie = f"_streamlit_xsrf=2|a|b; Path={addresses.BASE}; SameSite=Lax{tail}"
    assert answer.headers["set-cookie"] == cookie


def test_a_new_password_can_be_used_at_once(door: Door) -> None:
    """What was known of the account a moment ago does not end the session that it begins."""
    door.sign_in()
    assert door.asks() == 200
    user = tables.user
    salt = "new salt"
    door.change(
        update(user)
        .where(user.c.id == door.user_id())
        .values(salt=salt, password_hash=hash_of("new password", salt))
    )
    door.client.cookies.clear()
    assert door.sign_in(password="new password").status_code == 303
    assert door.asks() == 200


@on_sqlite
def test_a_sign_in_does_not_wait_for_its_turn_for_ever(
    platform_database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Those before it may wait for a database that has fallen silent; the form then says so."""
    monkeypatch.setattr(sign_in, "TURN_SECONDS", 0.05)
    accounts = AccountCache(get_services().rights, 28)
    access = AccessSettings(Groups(), "", ())
    doors = SignIn(SignIns(platform_database), Sessions(KEY), accounts, access, Audit())
    fields = {"identifier": demo.DEMO_ADMINISTRATOR, "password": demo.DEMO_PASSWORD}

    async def ask() -> Any:
        for _ in range(PARALLEL_SIGN_INS):
            doors._turns.acquire_on_behalf_of_nowait(object())
        return await doors._post(Request({"type": "http", "headers": [], "query_string": b""}), fields)

    answer = asyncio.run(asyncio.wait_for(ask(), 20))
    assert answer.status_code == 503
