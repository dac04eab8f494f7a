"""The app's own routes behind the gate, without Streamlit."""

import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from functools import partial
from ipaddress import ip_network

from starlette.applications import Starlette
from starlette.middleware import Middleware
from starlette.middleware.sessions import SessionMiddleware
from starlette.routing import BaseRoute
from starlette.testclient import TestClient
from starlette.types import Receive, Scope, Send

from jobs_data.accounts.accounts import Groups, Right, find_by_email
from jobs_data.accounts.rights import Rights
from jobs_data.platform.errors import DatabaseUnavailable
from jobs_data.services import Services
from pages.parts.shared.services import get_services
from tests.support.pages import make_account
from tests.support.store import Store
from web.deferred import DeferredAnswers
from web.gate import AccessSettings, AccountCache, Gate, Visitor
from web.headers import content_policy
from web.job_answers import JobAnswers
from web.oidc import Oidc, Provider
from web.request_ids import RequestIds
from web.routes import JobRoutes, database_unavailable
from web.sessions import Sessions
from web.sign_in import SignIn

KEY = "k" * 32


def job_routes(services: Services) -> JobRoutes:
    """Return the routes of answers that are loaded."""
    deferred = DeferredAnswers(lambda: JobAnswers(services))
    deferred.load()
    return JobRoutes(deferred.get)


@contextmanager
def routes_client(store: Store, name: str) -> Iterator[TestClient]:
    """Give a client of the routes without the gate, which does not follow redirects.

    It asks as an administrator with this name, account 1.
    """
    app = Starlette(
        routes=job_routes(get_services()).routes(),
        exception_handlers={DatabaseUnavailable: database_unavailable},
    )
    make_account(store, 1, Right.ADMINISTRATOR)

    async def introduced(scope: Scope, receive: Receive, send: Send) -> None:
        visitor = Visitor(1, name, Right.ADMINISTRATOR, None)
        await app({**scope, "visitor": visitor}, receive, send)

    with TestClient(introduced, "http://jobs.example.org", follow_redirects=False) as client:
        yield client


def gated_app(
    more_routes: Sequence[BaseRoute] = (),
    clock: Callable[[], float] = time.time,
    readers: frozenset[int] = frozenset(),
    header: str = "",
    proxies: str = "",
    seconds: float = 28,
    provider: Provider | None = None,
) -> tuple[Starlette, Sessions]:
    """Return an app behind a gate that believes an account for some seconds, and its sessions."""
    services = get_services()
    sessions = Sessions(KEY, clock, services.store)
    groups = Groups(readers=readers)
    accounts = AccountCache(Rights(services.database, services.store, groups), seconds, clock)
    access = AccessSettings(
        groups, header, tuple(ip_network(proxy) for proxy in proxies.split(",") if proxy)
    )
    sign_in = SignIn(
        services.sign_ins, sessions, accounts, access, services.audit, has_oidc=bool(provider)
    )
    gate = Middleware(
        Gate,
        sessions=sessions,
        accounts=accounts,
        access=access,
        introductions=services.introductions,
        tokens=services.tokens,
        policy=content_policy([]),
        audit=services.audit,
    )
    streamlits = Middleware(SessionMiddleware, secret_key=KEY)
    numbers = Middleware(RequestIds, proxies=access.proxies)
    routes = [*sign_in.routes()]
    if provider:
        find = partial(find_by_email, services.database, groups=groups)
        routes += Oidc(provider, sign_in, find, KEY).routes()
    routes += [*job_routes(services).routes(), *more_routes]
    return Starlette(routes=routes, middleware=[numbers, gate, streamlits]), sessions
