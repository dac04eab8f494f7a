"""What becomes of those who are signed in when the app starts anew."""

from pathlib import Path

import httpx2

from jobs_data import addresses
from tests.support.app_servers import DEMO_SIGN_IN, AppServers
from tests.support.mariadb import free_port
from tests.support.store import Store

KEY = "a key that is known to the tests alone"


def test_a_restart_keeps_sessions_and_sign_outs_if_the_key_is_set(
    app_server: AppServers, tmp_path: Path
) -> None:
    """With the same key nobody notices, and who signed out stays out; without one all sign in anew."""
    store = Store(f"sqlite:///{tmp_path / 'jobs.sqlite'}")
    store.close()
    settings = {
        "HERATIO_JOBS_DATABASE_URL": store.url,
        "STREAMLIT_SERVER_PORT": str(free_port()),
    }
    address = app_server(**settings, HERATIO_JOBS_SECRET_KEY=KEY)
    with httpx2.Client(base_url=address.removesuffix(addresses.BASE), timeout=20) as client:
        assert client.post(addresses.SIGN_IN, data=DEMO_SIGN_IN).status_code == 303
        app_server.stop_last()
        app_server(**settings, HERATIO_JOBS_SECRET_KEY=KEY)
        assert client.get(f"{addresses.BASE}/session").status_code == 204
        cookies = dict(client.cookies)
        assert client.post(addresses.SIGN_OUT).status_code == 303
        client.cookies.update(cookies)
        assert client.get(f"{addresses.BASE}/session").status_code == 401
        app_server.stop_last()
        app_server(**settings, HERATIO_JOBS_SECRET_KEY=KEY)
        assert client.get(f"{addresses.BASE}/session").status_code == 401
        client.cookies.clear()
        assert client.post(addresses.SIGN_IN, data=DEMO_SIGN_IN).status_code == 303
        assert client.get(f"{addresses.BASE}/session").status_code == 204
        app_server.stop_last()
        app_server(**settings)
        assert client.get(f"{addresses.BASE}/session").status_code == 401
