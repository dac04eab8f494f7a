"""Signing in at a provider and out of both, in a real browser on the real app."""

import re
from pathlib import Path

from playwright.sync_api import expect

from jobs_data import addresses
from tests.support.app_servers import AppServers
from tests.support.mariadb import free_port
from tests.support.oidc_provider import CLIENT_ID, CLIENT_SECRET, EMAIL, PASSWORD, running_provider
from tests.support.screen import Windows
from tests.support.store import Store


def test_in_at_the_provider_and_out_of_both(
    app_server: AppServers, new_page: Windows, tmp_path: Path
) -> None:
    """Denied, then accepted; out, in again without a password; out there too, and asked for it."""
    (tmp_path / "jobs.sqlite").touch()
    store = Store(f"sqlite:///{tmp_path / 'jobs.sqlite'}")
    store.account("ada", 100, email=EMAIL)
    store.engine.dispose()
    port = free_port()
    site = f"http://127.0.0.1:{port}"
    with running_provider(f"{site}{addresses.OIDC_CALLBACK}") as provider:
        app_server(
            STREAMLIT_SERVER_PORT=str(port),
            HERATIO_JOBS_DATABASE_URL=store.url,
            HERATIO_JOBS_OIDC_ISSUER=provider.issuer,
            HERATIO_JOBS_OIDC_CLIENT_ID=CLIENT_ID,
            HERATIO_JOBS_OIDC_CLIENT_SECRET=CLIENT_SECRET,
        )
        page = new_page().page
        to_provider = page.get_by_role("link", name="Sign in with your organisation")
        sign_out = page.get_by_role("button", name="Sign out")

        page.goto(f"{site}{addresses.BASE}?status=failed")
        to_provider.click()
        page.get_by_label("Login").fill(EMAIL)
        page.get_by_role("button", name="Continue").click()
        page.get_by_role("textbox", name="Password").fill(PASSWORD)
        page.get_by_role("button", name="Sign in").click()
        page.get_by_role("button", name="Deny").click()
        expect(page.get_by_role("alert")).to_be_visible()
        to_provider.click()
        page.get_by_role("button", name="Accept").click()
        expect(page).to_have_url(re.compile(r"/admin/jobs/?\?status=failed$"))
        sign_out.click()
        page.get_by_role("link", name="Sign in again").click()
        to_provider.click()
        sign_out.click()
        page.get_by_role("link", name="Sign out there too").click()
        page.get_by_role("button", name="Logout").click()
        expect(page).to_have_url(f"{site}{addresses.SIGN_IN}")
        to_provider.click()
        expect(page.get_by_label("Login")).to_be_visible()
