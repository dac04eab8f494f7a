"""Takes the picture of README.md from the app itself on a demo database: docs/pictures/list.png.

Run it from anywhere: `python docs/pictures.py`. It needs what tests/requirements.txt installs, and
Chromium.
"""

from __future__ import annotations

import os
import shutil
import socket
import subprocess
import sys
import tempfile
import time
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Final

from playwright.sync_api import Browser, sync_playwright

ROOT: Final = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(ROOT))

from jobs_data.demo import DEMO_ADMINISTRATOR, DEMO_PASSWORD  # noqa: E402 - found by the line above

PICTURE: Final = Path(__file__).resolve().parent / "pictures" / "list.png"
WIDTH, HEIGHT = 1440, 900
JOBS: Final = 1_204
SEED: Final = 7
START_SECONDS: Final = 60
STOP_SECONDS: Final = 10
CHROMIUM_OPTIONS: Final = (
    # Its sandbox needs rights that a container rarely has; the only pages shown are ours.
    "--no-sandbox",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--disable-quic",
    # Nothing but the app is asked.
    "--host-resolver-rules=MAP * ~NOTFOUND, EXCLUDE 127.0.0.1",
)


def main() -> None:
    """Take the picture; exit with a sentence where Chromium is missing."""
    chromium = shutil.which("chromium")
    if not chromium:
        sys.exit("chromium is not installed (Debian: apt install chromium)")
    PICTURE.parent.mkdir(exist_ok=True)
    with tempfile.TemporaryDirectory(prefix="pictures-") as name:
        folder = Path(name)
        url = f"sqlite:///{folder / 'jobs.sqlite'}"
        web_root = folder / "web-root"
        options = [f"--jobs={JOBS}", f"--seed={SEED}", f"--results-root={web_root}"]
        subprocess.run(  # noqa: S603 - our own program
            [sys.executable, "-m", "jobs_data", "demo", url, *options], cwd=ROOT, check=True
        )
        with _app(folder, url, web_root) as address, sync_playwright() as playwright:
            browser = playwright.chromium.launch(executable_path=chromium, args=CHROMIUM_OPTIONS)
            _take(browser, address)
            browser.close()


@contextmanager
def _app(folder: Path, url: str, web_root: Path) -> Iterator[str]:
    """Run the app on a demo database, and give the address of its list."""
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        port: int = listener.getsockname()[1]
    address = f"http://127.0.0.1:{port}/admin/jobs"
    settings = {
        "HERATIO_JOBS_DATABASE_URL": url,
        "HERATIO_JOBS_RESULTS_ROOT": str(web_root),
        "HERATIO_JOBS_SITE_URL": "https://archives.example.org",
        "HERATIO_JOBS_STATE_DIR": str(folder / "state"),
        "STREAMLIT_SERVER_PORT": str(port),
    }
    inherited = {
        name: value
        for name, value in os.environ.items()
        if not name.startswith(("HERATIO_JOBS_", "STREAMLIT_"))
    }
    process = subprocess.Popen(  # noqa: S603 - our own program
        [sys.executable, "-m", "streamlit", "run", str(ROOT / "app.py")],
        env=inherited | settings,
        cwd=folder,  # not the checkout, whose .env would add settings of its own
        stdin=subprocess.DEVNULL,
    )
    try:
        _wait_until_it_answers(process, f"{address}/_stcore/health")
        yield address
    finally:
        process.terminate()
        try:
            process.wait(STOP_SECONDS)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()


def _wait_until_it_answers(process: subprocess.Popen[bytes], address: str) -> None:
    deadline = time.monotonic() + START_SECONDS
    while process.poll() is None and time.monotonic() < deadline:
        try:
            urllib.request.urlopen(address, timeout=5).close()  # noqa: S310 - always http
        except OSError:
            time.sleep(0.1)
        else:
            return
    sys.exit("The app did not start; what it said is above.")


def _take(browser: Browser, address: str) -> None:
    page = browser.new_page(
        viewport={"width": WIDTH, "height": HEIGHT}, timezone_id="UTC", locale="en-GB"
    )
    page.goto(address)
    page.get_by_label("E-mail or user name").fill(DEMO_ADMINISTRATOR)
    page.get_by_label("Password").fill(DEMO_PASSWORD)
    page.get_by_role("button", name="Sign in").click()
    page.get_by_role("table", name="Jobs").get_by_role("row").nth(1).wait_for()
    page.locator("[data-testid=stStatusWidget], [data-testid=stSkeleton]").first.wait_for(
        state="hidden"
    )
    page.wait_for_timeout(11_000)  # the outputs have been read, and the counts are read again
    page.get_by_role("button", name="Refresh").click()
    page.get_by_text("with errors").first.wait_for()
    page.wait_for_timeout(1_000)  # the counts have their bars
    page.screenshot(path=PICTURE)
    page.close()


if __name__ == "__main__":
    main()
