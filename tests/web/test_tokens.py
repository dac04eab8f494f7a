"""API tokens at the gate: what they open, and when they stop; on both kinds of database."""

import sqlite3
import threading
from collections.abc import Iterator
from contextlib import closing
from datetime import UTC, datetime, timedelta
from typing import Any

import anyio
import pytest
from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import PlainTextResponse
from starlette.routing import Route, WebSocketRoute
from starlette.testclient import TestClient
from starlette.websockets import WebSocket, WebSocketDisconnect

from jobs_data import addresses
from jobs_data.accounts import tokens as tokens_module
from jobs_data.accounts.tokens import Scope, Token
from jobs_data.platform import tables
from jobs_data.store import receipts
from jobs_data.store.audit_entries import list_entries
from pages.parts.shared.services import get_services
from tests.support.gated import gated_app
from tests.support.store import Store
from web import bearer
from web.gate import AccountCache

STREAM = f"{addresses.BASE}/_stcore/stream"


async def page(_request: Request) -> PlainTextResponse:
    """Answer as a page of Streamlit's."""
    return PlainTextResponse("a page")


async def stream(websocket: WebSocket) -> None:
    """Accept, as Streamlit's websocket."""
    await websocket.accept()


@pytest.fixture
def ada(served: Store) -> int:
    """Give the id of an administrator."""
    return served.account("ada", 100, names={"en": "Ada"})


@pytest.fixture
def client(served: Store, ada: int) -> Iterator[TestClient]:
    """Ask the app behind a gate that reads an account for each request."""
    pages = [f"{addresses.BASE}/tokens", addresses.BASE]
    more = [*(Route(path, page) for path in pages), WebSocketRoute(STREAM, stream)]
    app, _ = gated_app(more, seconds=0, readers=frozenset({101}))
    with TestClient(app, "http://jobs.example.org", follow_redirects=False) as client:
        yield client


def make(user_id: int, scope: Scope = Scope.READ, **more: Any) -> str:
    """Make a token for an account."""
    account = get_services().rights.read(user_id)
    assert account
    value, _ = get_services().tokens.make(account, "nightly", scope, 30, **more)
    return value


def ask(client: TestClient, token: str, path: str = addresses.LIST_JSON, method: str = "GET") -> int:
    """Return the status of a program's request; it asks for nothing, and a sentence comes as JSON."""
    answer = client.request(method, path, headers={"Authorization": f"Bearer {token}"})
    if answer.status_code in {401, 403, 409, 429} or method == "POST":
        assert answer.json()["message"]
    return answer.status_code


def test_a_token_opens_the_routes_for_programs_alone(
    client: TestClient, store: Store, ada: int
) -> None:
    """Its scope decides about deletions; it is no session, and no session helps it."""
    job_id, token = store.job(output="x", download_path=""), make(ada)
    for path in (
        *(addresses.LIST_JSON, addresses.STATISTICS_JSON, addresses.QUEUES_JSON, addresses.OPENAPI),
        *(f"/admin/jobs/{job_id}.json", f"/admin/jobs/{job_id}/output", "/admin/jobs/export-csv"),
    ):
        assert (path, ask(client, token, path)) == (path, 200)
    for path in (addresses.BASE, f"{addresses.BASE}/tokens", f"{addresses.BASE}/{job_id}", "/"):
        assert (path, ask(client, token, path)) == (path, 403)
    assert ask(client, token, addresses.SIGN_OUT, "POST") == 403
    with pytest.raises(WebSocketDisconnect):
        client.websocket_connect(
            STREAM, headers={"Authorization": f"Bearer {token}", "Origin": "http://jobs.example.org"}
        ).__enter__()
    for path in (f"/admin/jobs/delete/{job_id}", "/admin/jobs/clear-inactive"):
        refused = client.post(path, headers={"Authorization": f"bearer {token}"})
        assert (refused.status_code, refused.json()) == (403, {"message": bearer.READ_ONLY})
    assert store.ids() == [job_id]


def test_a_deletion_says_which_token_it_was(client: TestClient, store: Store, ada: int) -> None:
    """By the account and the token's name; another site's page cannot use it."""
    job_id, token = store.job(), make(ada, Scope.DELETE)
    headers = {"Authorization": f"Bearer {token}", "Origin": "https://evil.example"}
    assert client.post(f"/admin/jobs/delete/{job_id}", headers=headers).status_code == 403
    assert ask(client, token, f"/admin/jobs/delete/{job_id}", "POST") == 200
    [receipt] = receipts.list_receipts(get_services().store, "", 1, 9).items
    assert receipt.by == "Ada (token nightly)"
    assert store.ids() == []


def test_the_audit_log_has_uses_and_refusals(client: TestClient, store: Store, ada: int) -> None:
    """A use once a minute, each refusal with its reason, and the account of the token with each."""
    job_id, token, read = store.job(output="x"), make(ada, Scope.DELETE), make(ada)
    for _ in range(3):
        assert ask(client, token) == 200
    output = f"/admin/jobs/{job_id}/output"
    assert ask(client, token, output) == ask(client, token, "/admin/jobs/export-csv") == 200
    assert ask(client, token, f"/admin/jobs/delete/{job_id}", "POST") == 200
    assert ask(client, read, f"/admin/jobs/delete/{job_id}", "POST") == 403
    assert ask(client, read, f"{addresses.BASE}/tokens") == 403
    services = get_services()
    services.tokens.revoke(services.tokens.newest()[-1].id)
    assert ask(client, token) == ask(client, f"{token}x") == 401
    services.audit.flush()
    entries = [*reversed(list_entries(services.store, None, "", 1, 20).items)]
    ids = [get_services().tokens.find(each) for each in (token, read)]
    own, readers = (each.id for each in ids if each)
    assert [each.details.get("token_id") for each in entries] == [
        *[own] * 4,
        *[readers] * 2,
        own,
        None,
    ]
    assert [(each.event, each.details.get("reason")) for each in entries] == [
        ("token-used", None),
        ("output", None),
        ("export", None),
        ("removal", None),
        ("token-refused", "read only"),
        ("token-refused", "not for programs"),
        ("token-refused", "revoked"),
        ("token-refused", "unknown"),
    ]
    unknown = entries.pop()
    assert (unknown.user, unknown.user_id) == ("", None)
    assert {(each.user, each.user_id) for each in entries} == {("Ada (token nightly)", ada)}
    assert all(each.request and each.client == "testclient" for each in (*entries, unknown))
    assert entries[0].details == {"token_id": own, "method": "GET", "path": addresses.LIST_JSON}
    for secret in (token, read):
        assert secret not in f"{entries}{unknown}"


@pytest.mark.parametrize("how", ["revoked", "expired", "disabled", "demoted", "no account", "unknown"])
def test_a_token_stops(client: TestClient, store: Store, ada: int, how: str) -> None:
    """All with the same answer."""
    other = store.account("eve", 100)
    ago = datetime.now(UTC) - timedelta(days=31 if how == "expired" else 29)
    token = make(ada, now=ago)
    assert ask(client, token) == (401 if how == "expired" else 200)
    if how == "revoked":
        assert get_services().tokens.revoke(get_services().tokens.newest()[0].id)
    elif how == "disabled":
        store.set_user(ada, active=0)
    elif how == "demoted":
        store.leave_groups(ada)
        store.join_group(ada, 101)
    elif how == "no account":
        with store.engine.begin() as connection:
            connection.execute(tables.user.delete().where(tables.user.c.id == ada))
    elif how == "unknown":
        token += "x"
    headers = {"Authorization": f"Bearer {token}", "Accept": "text/html"}
    answer = client.get(addresses.LIST_JSON, headers=headers)
    assert answer.status_code == 401
    assert answer.headers["www-authenticate"] == 'Bearer error="invalid_token"'
    assert answer.json() == {"message": bearer.INVALID}
    assert ask(client, make(other)) == 200


def test_failed_tokens_lock_their_address(
    client: TestClient, store: Store, ada: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    """For a time, without a word to the platform's database; no other token, and no account."""
    monkeypatch.setattr(tokens_module, "MOST_FAILURES", 10)
    store.security(lockout_max_attempts="1")
    token = make(ada)
    get_services().tokens.revoke(get_services().tokens.newest()[0].id)
    # A program whose token has ended locks nobody out.
    assert [ask(client, token) for _ in range(12)] == [401] * 12
    wrong = [ask(client, f"hj_{number}") for number in range(12)]
    assert wrong == [401] * 10 + [429] * 2
    assert store.rows(tables.login_attempt) == 0
    assert ask(client, make(ada)) == 200
    fields = {"identifier": "ada", "password": "right"}
    assert client.post(addresses.SIGN_IN, data=fields).status_code == 303


def test_failures_are_counted_in_bounds(served: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    """The lock ends with its time; of too many addresses, the one that failed first is forgotten."""
    monkeypatch.setattr(tokens_module, "MOST_FAILURES", 2)
    monkeypatch.setattr(tokens_module, "MOST_ADDRESSES", 3)
    tokens, now = get_services().tokens, datetime.now(UTC)
    assert [tokens.count_failure("192.0.2.1", now) for _ in range(3)] == [
        None,
        None,
        tokens_module.LOCK,
    ]
    later = now + timedelta(minutes=14)
    assert tokens.count_failure("192.0.2.1", later) == timedelta(minutes=1)
    assert tokens.count_failure("192.0.2.1", now + tokens_module.LOCK) is None
    for number in range(50):
        tokens.count_failure(f"198.51.100.{number}", now)
    assert len(tokens._failed) == 3


def test_unknown_tokens_do_not_use_up_the_threads(
    served: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Of which all other requests need one, while the store is slow."""
    services, goes_on = get_services(), threading.Event()
    find = services.tokens.find

    def find_slowly(value: str) -> Token | None:
        goes_on.wait(20)
        return find(value)

    monkeypatch.setattr(services.tokens, "find", find_slowly)
    bearers = bearer.Bearers(services.tokens, AccountCache(services.rights, 0), services.audit)
    scope = {"type": "http", "method": "GET", "path": addresses.LIST_JSON}

    async def ask_for_all() -> None:
        async def refused(number: int) -> None:
            with pytest.raises(bearer.TokenRefused):
                await bearers.accept(f"hj_{number}", scope, "192.0.2.1")

        async with anyio.create_task_group() as group:
            for number in range(60):
                group.start_soon(refused, number)
            await anyio.sleep(0.1)
            try:
                with anyio.fail_after(10):
                    assert await run_in_threadpool(lambda: "another") == "another"
            finally:
                goes_on.set()

    anyio.run(ask_for_all)


def test_another_bearer_is_not_ours_to_judge(client: TestClient, store: Store) -> None:
    """A proxy may send one with each request of a session: it is ignored, and counts as nothing."""
    store.security(lockout_max_attempts="1")
    fields = {"identifier": "ada", "password": "right"}
    signed_in = client.post(addresses.SIGN_IN, data=fields)
    cookie = signed_in.headers["set-cookie"].split(";")[0]
    headers = {"Authorization": "Bearer eyJhbGciOi", "Cookie": cookie}
    for _ in range(12):
        assert client.get(addresses.BASE, headers=headers).text == "a page"
    assert client.get(addresses.LIST_JSON, headers={"Authorization": "Bearer e"}).status_code == 401


def test_the_last_use_is_known_and_the_value_is_not(served: Store, ada: int) -> None:
    """The use to the minute; the store has no more of the value than its digest."""
    tokens, now = get_services().tokens, datetime.now(UTC).replace(microsecond=0)
    value = make(ada, now=now)
    assert tokens.newest()[0].used_at is None
    earlier = found = tokens.find(value)
    assert earlier
    for seconds, used in ((1, 1), (30, 1), (90, 90)):
        at = now + timedelta(seconds=seconds)
        assert found
        assert tokens.note_use(found, at) is (used == seconds)
        assert not tokens.note_use(earlier, at)  # another request has noted it already
        found = tokens.find(value)
        assert tokens.newest()[0].used_at == now + timedelta(seconds=used)
    stored = b"".join(file.read_bytes() for file in served.state_dir.iterdir())
    assert b"nightly" in stored
    assert value[3:].encode() not in stored
    assert [token.name for token in tokens.newest()] == ["nightly"]
    make(ada, now=now + timedelta(days=150))  # the first ended long before
    assert len(tokens.newest()) == 1


def test_each_usable_token_is_listed(served: Store, ada: int, monkeypatch: pytest.MonkeyPatch) -> None:
    """Tokens that have ended do not hide it. An account has a limited number of usable tokens."""
    monkeypatch.setattr(tokens_module, "MOST_USABLE", 2)
    monkeypatch.setattr(tokens_module, "MOST_ENDED", 3)
    tokens, now = get_services().tokens, datetime.now(UTC)
    make(ada, now=now)
    [first] = tokens.newest(now)
    for _ in range(5):
        make(ada, now=now)
        with pytest.raises(tokens_module.TooManyTokens):
            make(ada, now=now)
        tokens.revoke(tokens.newest(now)[0].id, now)
    make(served.account("eve", 100), now=now)
    assert [each.revoked_at is None for each in tokens.newest(now)] == [True] * 2 + [False] * 3
    assert first.id in {each.id for each in tokens.newest(now)}
    later = now + timedelta(days=100)
    assert {each.id for each in tokens.newest(later)} == {each.id for each in tokens.newest(now)[:2]}


def test_a_use_is_logged_while_another_program_writes(served: Store, ada: int) -> None:
    """It cannot be noted then, and that is no reason to leave it out of the log."""
    services, value = get_services(), make(ada)
    found = services.tokens.find(value)
    assert found
    with closing(sqlite3.connect(served.state_dir / "state.sqlite", isolation_level=None)) as other:
        other.execute("BEGIN IMMEDIATE")
        assert services.tokens.note_use(found)
