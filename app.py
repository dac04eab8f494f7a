"""The web application: the gate and the plain HTTP routes around the Streamlit pages."""

from __future__ import annotations

import gc

gc.disable()  # until all is loaded: none of that is garbage, and to search it takes a sixth of a start

import asyncio
import logging
import os
import secrets
import sys
import threading
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final
from urllib.parse import urlsplit

import streamlit as st
from starlette.middleware import Middleware

from jobs_data import addresses
from jobs_data.accounts.account_services import get_account_services
from jobs_data.accounts.accounts import find_by_email
from jobs_data.jobs.view import ListView
from jobs_data.monitoring.readiness import why_not_ready
from jobs_data.platform.errors import DatabaseUnavailable
from jobs_data.settings import DEMO_DATABASE, DEMO_WEB_ROOT, SettingsError
from jobs_data.store.expiry import expire
from web.deferred import DeferredAnswers, DeferredPages
from web.gate import AccessSettings, AccountCache, Gate
from web.head import Head
from web.headers import content_policy, streamlit_documents
from web.health import Health
from web.log_lines import RepeatFilter, cap_repeats
from web.metrics import MetricsRoute
from web.process import end_in_time, handle_errors, log_waits, raise_open_files
from web.request_ids import RequestIds, WithRequestId, request_id
from web.routes import JobRoutes, database_unavailable
from web.sessions import Sessions
from web.sign_in import DemoAccounts, SignIn
from web.streamlit_routes import NotServed

if TYPE_CHECKING:  # see `load` and `build_metrics`
    from jobs_data.monitoring.metrics import Metrics
    from jobs_data.services import Services
    from web.job_answers import JobAnswers

RETRY_SECONDS: Final = 5
"""How long to wait before the database is asked again that was away at the start."""

FIRST_SECONDS: Final = 0.1
"""How long the server answers alone, before threads that load and read take half of Python's time."""

CHANGE_SECONDS: Final = 15.0
"""How long the shutdown waits for a removal or a restore to finish its transaction."""

STYLES: Final = Path(__file__).parent / "pages" / "parts" / "shared"
IN_ORDER: Final = [f"{addresses.BASE}/{page}" for page in ("queue-browse", "report", "name")]
"""The pages that are opened with the style of `look.show_in_order`: as an element it might be late."""

log = logging.getLogger("heratio_jobs")
logging.basicConfig(
    level=logging.INFO, format="%(asctime)s %(levelname)s %(name)s%(request)s: %(message)s"
)
for handler in logging.root.handlers:
    handler.addFilter(WithRequestId())
cap_repeats(RepeatFilter())
raise_open_files()

demo_accounts = None
try:
    services = get_account_services()
    settings = services.settings
    if settings.is_demo:
        from jobs_data import demo  # no other start needs to load it

        demo_accounts = DemoAccounts(demo.DEMO_ADMINISTRATOR, demo.DEMO_READER, demo.DEMO_PASSWORD)
        demo.create_embedded(DEMO_DATABASE, DEMO_WEB_ROOT)
except SettingsError as error:
    sys.stderr.write(f"heratio-jobs: {error}\n")
    sys.exit(os.EX_CONFIG)  # which the unit does not start again

key = settings.secret_key.get_secret_value()
if not key:
    key = secrets.token_urlsafe(32)
    log.warning("HERATIO_JOBS_SECRET_KEY is not set: a restart ends all sessions")

sessions = Sessions(key, store=services.store)
access = AccessSettings(services.rights.groups, settings.proxy_user_header, settings.proxy_addresses)
accounts = AccountCache(services.rights, settings.access_seconds)
sign_in = SignIn(
    services.sign_ins,
    sessions,
    accounts,
    access,
    services.audit,
    site_host=urlsplit(settings.site_url).hostname or "",
    demo=demo_accounts,
    has_oidc=bool(settings.oidc_issuer),
)
sign_in_routes = sign_in.routes()
if settings.oidc_issuer:
    from web.oidc import Oidc, Provider  # no other start needs to load it

    provider = Provider(
        settings.oidc_issuer,
        settings.oidc_client_id,
        settings.oidc_client_secret.get_secret_value(),
        settings.oidc_trust_email,
    )
    find = partial(find_by_email, services.database, groups=services.rights.groups)
    sign_in_routes += Oidc(provider, sign_in, find, key).routes()


health = Health(partial(why_not_ready, services.database, services.store))


def load() -> JobAnswers:
    """Return the answers for jobs, with all services: pandas and NumPy take half of a start to load."""
    from pages.parts.shared.services import get_services  # noqa: PLC0415 - it loads them
    from web.job_answers import JobAnswers  # noqa: PLC0415 - so does this

    return JobAnswers(get_services())


deferred = DeferredAnswers(load)


async def loaded_services() -> Services:
    """Return the services once they are loaded."""
    return (await deferred.get()).services


def build_metrics() -> Metrics | None:
    """Return what measures this process from its start on; None if that is off."""
    if not (settings.metrics_token.get_secret_value() or settings.metrics_networks):
        return None
    from jobs_data.monitoring.metrics import Metrics  # noqa: PLC0415 - no other start needs to load it

    return Metrics(services.database, lambda: sessions.open_pages)


metrics = MetricsRoute(
    build_metrics(),
    loaded_services,
    settings.metrics_token.get_secret_value(),
    settings.metrics_networks,
    settings.proxy_addresses,
)


def read_idle_timeout() -> None:
    """Read the idle timeout as soon as the database answers."""
    while not sign_in.read_idle_timeout():
        time.sleep(RETRY_SECONDS)


def expire_receipts() -> None:
    """Erase the receipts that are too old."""
    time.sleep(FIRST_SECONDS)
    with suppress(DatabaseUnavailable):  # it has been logged
        expire(services.store, settings.receipts_days, audit=services.audit)


def warm_up() -> None:
    """Load what draws pages, and read the first page of the list."""
    time.sleep(FIRST_SECONDS)
    try:
        answers = deferred.load()
    except BaseException:
        log.critical("the app cannot be loaded", exc_info=True)
        os._exit(1)  # as if the start had failed
    gc.freeze()  # no later search for garbage goes through what was loaded
    gc.enable()
    with suppress(DatabaseUnavailable):  # it has been logged, and the page will say so
        answers.services.shared_list.read(ListView())


@asynccontextmanager
async def lifespan(_app: st.App) -> AsyncIterator[dict[str, Any]]:
    """Run the demo's simulator while the server runs; it never runs against a real database.

    At the end a removal or a restore may finish its transaction and store its outcome.
    """
    handle_errors(asyncio.get_running_loop())
    end_in_time(at_once=services.switch.set)
    # Daemon threads: neither the start nor the end waits for the database.
    for work in (read_idle_timeout, warm_up, expire_receipts):
        threading.Thread(target=work, name=work.__name__, daemon=True).start()
    waits = asyncio.create_task(log_waits())
    simulator = None
    if settings.is_demo:
        simulator = demo.Simulator(services.database.engine, results_root=DEMO_WEB_ROOT)
        simulator.start()
    try:
        yield {}
    finally:
        waits.cancel()
        services.switch.set()
        if simulator:
            simulator.stop()
        if answers := deferred.now():
            await asyncio.to_thread(answers.services.wait_for_changes, CHANGE_SECONDS)
        await asyncio.to_thread(services.audit.close)


def log_script_error(error: Exception) -> bool:
    """Log the error of a page, and show a sentence in place of Streamlit's own text."""
    log.error("a page failed", exc_info=error)
    st.error(
        "This page cannot be shown because of an unexpected error. Reload the page to try again. The "
        f"server's log has the details, under the number of the request, {request_id()}.",
        icon=":material/error:",
    )
    return True


app = st.App(
    "pages/main.py",
    on_script_error=log_script_error,
    routes=[
        *health.routes(),
        *metrics.routes(),
        *sign_in_routes,
        *JobRoutes(deferred.get).routes(),
        NotServed(),
    ],
    middleware=[
        Middleware(RequestIds, proxies=settings.proxy_addresses),
        Middleware(
            Gate,
            sessions=sessions,
            accounts=accounts,
            access=access,
            introductions=services.introductions,
            tokens=services.tokens,
            policy=content_policy(streamlit_documents()),
            audit=services.audit,
        ),
        Middleware(
            Head,
            style=(STYLES / "style.css").read_text("utf-8"),
            more=dict.fromkeys(IN_ORDER, (STYLES / "in_order.css").read_text("utf-8")),
        ),
        Middleware(DeferredPages, answers=deferred),
    ],
    lifespan=lifespan,
    exception_handlers={DatabaseUnavailable: database_unavailable},
)
