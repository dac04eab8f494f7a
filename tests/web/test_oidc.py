"""Signing in at an OpenID Connect provider that runs, with the platform's accounts and rights."""

import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import Any
from urllib.parse import parse_qs, urlsplit

import httpx2
import pytest
from joserfc.jwk import RSAKey
from sqlalchemy import update
from starlette.testclient import TestClient

from jobs_data import addresses
from jobs_data.platform import tables
from jobs_data.store.audit_entries import list_entries
from pages.parts.shared.services import get_services
from tests.support.gated import gated_app
from tests.support.oidc_provider import CLIENT_ID, CLIENT_SECRET, RunningProvider, running_provider
from tests.support.store import Store
from web import oidc
from web.oidc import Provider
from web.sessions import COOKIE

PERSON = {"Accept": "text/html"}
EMAIL = "ada@example.org"


@pytest.fixture(scope="module")
def running() -> Iterator[RunningProvider]:
    """Run a provider."""
    with running_provider() as provider:
        yield provider


@pytest.fixture
def provider(running: RunningProvider) -> RunningProvider:
    """Give the provider, which has a user with a verified e-mail."""
    running.claims = {"email": EMAIL, "email_verified": True}
    running.spoilt, running.signs_with = {}, None
    running.is_unsigned = running.is_away = False
    running.asked.clear()
    return running


@pytest.fixture
def client(served: Store, provider: RunningProvider) -> Iterator[TestClient]:
    """Ask an app on a platform with an account of that e-mail, and one that has it as user name."""
    served.account("ada", 100, email=EMAIL)
    served.account("eve@example.org", 100, email="eve@example.com")
    client_of = Provider(provider.issuer, CLIENT_ID, CLIENT_SECRET)
    app, _ = gated_app(readers=frozenset({101}), provider=client_of)
    with TestClient(app, "https://jobs.example.org", follow_redirects=False, headers=PERSON) as client:
        yield client


def at_provider(client: TestClient, path: str = addresses.OIDC) -> str:
    """Start the sign-in, let the provider sign the user in, and return where it sends them."""
    answer = client.get(path)
    assert answer.status_code == 302
    back = httpx2.get(answer.headers["location"], follow_redirects=False)
    return str(back.headers["location"])


def signed_in(client: TestClient) -> bool:
    """Return whether the client has a session."""
    return client.get(addresses.SESSION_CHECK).status_code == 204


def reasons() -> list[Any]:
    """Return what the audit log says of sign-ins, newest first."""
    services = get_services()
    services.audit.flush()
    entries = list_entries(services.store, None, "", 1, 99).items
    return [(each.user, each.details.get("reason") or each.details.get("by")) for each in entries]


def test_whom_the_provider_names_is_signed_in(client: TestClient, provider: RunningProvider) -> None:
    """With state, nonce and PKCE; they come to where they wanted to go, and the code works once."""
    wanted = f"{addresses.BASE}?status=failed"
    page = client.get(addresses.SIGN_IN, params={"next": wanted})
    assert f"{addresses.OIDC}?next=/admin/jobs%3Fstatus%3Dfailed" in page.text
    back = at_provider(client, f"{addresses.OIDC}?next=/admin/jobs%3Fstatus%3Dfailed")
    asked = provider.seen[-1]
    assert asked["redirect_uri"] == f"https://jobs.example.org{addresses.OIDC_CALLBACK}"
    assert asked["scope"].split() == ["openid", "email"]
    assert len({asked["state"], asked["nonce"], asked["code_challenge"]}) == 3
    flow = dict(client.cookies)
    answer = client.get(back)
    assert (answer.status_code, answer.headers["location"]) == (303, wanted)
    assert signed_in(client)
    assert reasons() == [("ada", "oidc")]
    assert "__Secure-heratio_jobs_oidc" not in client.cookies
    client.cookies.clear()
    client.cookies.update(flow)
    assert client.get(back).status_code == 401
    assert not signed_in(client)


@pytest.mark.parametrize(
    ("claims", "status"),
    [
        ({"email": EMAIL}, 403),
        ({"email": EMAIL, "email_verified": False}, 403),
        ({"email": EMAIL, "email_verified": "true"}, 403),
        ({"email_verified": True}, 403),
        ({"email": "nobody@example.org", "email_verified": True}, 403),
        ({"email": "eve@example.org", "email_verified": True}, 403),
        ({"email": "ada", "email_verified": True}, 403),
    ],
)
def test_only_a_verified_email_of_an_account_counts(
    client: TestClient, provider: RunningProvider, claims: dict[str, Any], status: int
) -> None:
    """A user name never does: users can choose their own."""
    provider.claims = claims
    answer = client.get(at_provider(client))
    assert answer.status_code == status
    assert 'role="alert"' in answer.text
    assert not signed_in(client)
    assert reasons()[0][1].startswith("oidc: no ")


@pytest.mark.parametrize(
    "spoilt",
    [
        {"nonce": "another"},
        {"aud": "another client"},
        {"iss": "https://evil.example"},
        {"exp": int(time.time()) - 3_600},
        {"key": True},
        {"signature": None},
    ],
    ids=lambda spoilt: next(iter(spoilt)),
)
def test_a_token_that_is_not_for_this_sign_in_is_refused(
    client: TestClient, provider: RunningProvider, spoilt: dict[str, Any]
) -> None:
    """Of another flow, client or provider, expired, signed with another key, or unsigned."""
    provider.is_unsigned = "signature" in spoilt
    if spoilt.get("key"):
        provider.signs_with = RSAKey.generate_key(2048, {"kid": "1"})
    else:
        provider.spoilt = spoilt
    assert client.get(at_provider(client)).status_code == 401
    assert not signed_in(client)
    assert reasons() == [("", "oidc: provider refused")]


def test_a_callback_that_nobody_began_is_refused(
    client: TestClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Another browser's, one with a changed state, one that took too long, and a refusal."""
    back = at_provider(client)
    state = parse_qs(urlsplit(back).query)["state"][0]
    for url in (
        back.replace(state, "x"),
        f"{addresses.OIDC_CALLBACK}?error=access_denied&state={state}",
    ):
        flow = dict(client.cookies)
        assert client.get(url).status_code == 401
        client.cookies.update(flow)
    monkeypatch.setattr(oidc, "FLOW_SECONDS", -1)
    assert client.get(back).status_code == 401
    client.cookies.clear()
    assert client.get(back).status_code == 401
    assert client.get(addresses.OIDC_CALLBACK).status_code == 401
    assert not signed_in(client)


def test_the_provider_is_asked_once_for_all_who_wait(
    client: TestClient, provider: RunningProvider, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Not for a callback that nobody began; and one that is away is left alone for a moment."""
    assert client.get(addresses.OIDC_CALLBACK).status_code == 401
    assert provider.asked == []
    provider.is_away = True
    with ThreadPoolExecutor(5) as pool:
        answers = list(pool.map(client.get, [addresses.OIDC] * 5))
    assert [answer.status_code for answer in answers] == [503] * 5
    assert len(provider.asked) == 1
    provider.is_away = False
    assert client.get(addresses.OIDC).status_code == 503
    monkeypatch.setattr(oidc, "monotonic", lambda: time.monotonic() + oidc.RETRY_SECONDS)
    with ThreadPoolExecutor(5) as pool:
        answers = list(pool.map(client.get, [addresses.OIDC] * 5))
    assert [answer.status_code for answer in answers] == [302] * 5
    assert len(provider.asked) == 2


def test_the_right_is_the_platforms(client: TestClient, store: Store) -> None:
    """An inactive account has none, whatever the provider says."""
    user = tables.user
    with store.engine.begin() as connection:
        connection.execute(update(user).where(user.c.email == EMAIL).values(active=0))
    assert client.get(at_provider(client)).status_code == 403
    assert COOKIE not in client.cookies
    assert not signed_in(client)
    assert reasons() == [("ada", "no right")]


def test_a_provider_that_is_away_is_a_sentence(served: Store) -> None:
    """The password's door stays open."""
    app, _ = gated_app(provider=Provider("http://127.0.0.1:9", CLIENT_ID, CLIENT_SECRET))
    with TestClient(app, "http://jobs.example.org", headers=PERSON) as client:
        answer = client.get(addresses.OIDC)
    assert answer.status_code == 503
    assert 'name="password"' in answer.text
