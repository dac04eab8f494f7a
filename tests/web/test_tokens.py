"""API tokens at the gate: what they open, and when they stop; on both kinds of database."""

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from sqlalchemy import func, select
from starlette.requests import Request
from starlette.responses import PlainTextResponse
from starlette.routing import Route, WebSocketRoute
from starlette.testclient import TestClient
from starlette.websockets import WebSocket, WebSocketDisconnect

from jobs_data import addresses
from jobs_data.accounts.tokens import Scope
from jobs_data.platform import tables
from jobs_data.store import receipts
from jobs_data.store.audit_entries import list_entries
from pages.parts.shared.services import get_services
from tests.support.gated import gated_app
from tests.support.store import Store
from web import bearer

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
    return get_services().tokens.make(account, "nightly", scope, 30, **more)


def ask(client: TestClient, token: str, path: str = addresses.LIST_JSON, method: str = "GET") -> int:
    """Return the status of a program's request, which comes as JSON."""
    headers = {"Authorization": f"Bearer {token}", "Accept": "application/json"}
    answer = client.request(method, path, headers=headers)
    if answer.status_code in {401, 403, 429}:
        assert answer.json()["message"]
        assert "location" not in answer.headers
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
        assert (refused.status_code, refused.text) == (403, bearer.READ_ONLY)
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
    assert entries[0].details == {"method": "GET", "path": addresses.LIST_JSON}
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


def test_failed_tokens_lock_their_address(client: TestClient, store: Store, ada: int) -> None:
    """As failed sign-ins do, but neither another token nor an account; and not without end."""
    store.security(lockout_max_attempts="1")
    wrong = [ask(client, f"hj_{number}") for number in range(12)]
    assert wrong == [401] * 10 + [429] * 2
    with store.engine.connect() as connection:
        counted = select(func.count()).select_from(tables.login_attempt)
        assert connection.execute(counted).scalar() == 10
    assert ask(client, make(ada)) == 200
    fields = {"identifier": "ada", "password": "right"}
    assert client.post(addresses.SIGN_IN, data=fields).status_code == 429


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
        assert not tokens.note_use(earlier, at)  # another request has noted it meanwhile
        found = tokens.find(value)
        assert tokens.newest()[0].used_at == now + timedelta(seconds=used)
    stored = b"".join(file.read_bytes() for file in served.state_dir.iterdir())
    assert b"nightly" in stored
    assert value[3:].encode() not in stored
    assert [token.name for token in tokens.newest()] == ["nightly"]
    make(ada, now=now + timedelta(days=150))  # the first ended long before
    assert len(tokens.newest()) == 1
