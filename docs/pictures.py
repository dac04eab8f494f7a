"""Takes the pictures of README.md anew, from the app itself on a demo database: docs/pictures/*.png.

Run it from anywhere: `python docs/pictures.py`. It needs what tests/requirements.txt installs, and
Chromium.
"""

from __future__ import annotations

import os
import re
import shutil
import socket
import subprocess
import sys
import tempfile
import time
import urllib.request
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Final, Literal

from playwright.sync_api import Browser, Page, sync_playwright
from sqlalchemy import create_engine, text

ROOT: Final = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(ROOT))

from jobs_data.demo import DEMO_ADMINISTRATOR, DEMO_PASSWORD  # noqa: E402 - found by the line above

PICTURES: Final = Path(__file__).resolve().parent / "pictures"
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
FAILED_JOB: Final = """
    SELECT max(job.id) FROM job JOIN ahg_job_execution ON job_id = job.id
    WHERE status_id = 185 AND stack_trace IS NOT NULL AND object_id IS NOT NULL AND user_id IS NOT NULL
"""


@dataclass(frozen=True)
class Picture:
    """One picture: its file's name, what it shows, and the window it is taken in."""

    name: str
    path: str
    """The address below /admin/jobs; `{failed}` stands for the id of a failed job."""
    prepare: Callable[[Page], None]
    """Waits until the page is whole, after doing what there is to do on it."""
    width: int = 1280
    height: int = 900
    colors: Literal["light", "dark"] = "light"
    signs_in: bool = True


def _wait_for_list(page: Page) -> None:
    page.get_by_text(re.compile(r"Showing \d+ .*of ")).wait_for()
    page.locator("tbody tr").first.wait_for()


def _wait_for_report(page: Page) -> None:
    page.get_by_role("heading", name="Output").wait_for()
    page.get_by_text("Stack trace", exact=True).wait_for()


def _wait_for_panels(page: Page) -> None:
    page.get_by_role("heading", name="By name").wait_for()
    page.locator("[data-testid=stVegaLiteChart] svg").last.wait_for()


def _preview(page: Page) -> None:
    page.locator(".st-key-delete_matching").wait_for()
    page.get_by_role("heading", name="Clean up", exact=True).hover()


def _open_clear_dialog(page: Page) -> None:
    _wait_for_list(page)
    page.get_by_role("button", name="More").click()
    page.get_by_text("Delete all finished…").click()
    page.get_by_role("dialog").get_by_role("button", name=re.compile("^Delete")).wait_for()


ALL_PICTURES: Final = (
    Picture("sign-in", "", lambda _page: None, height=700, signs_in=False),
    Picture("list", "", _wait_for_list),
    Picture("list-dark", "", _wait_for_list, colors="dark"),
    Picture("list-phone", "", _wait_for_list, width=390, height=844),
    Picture("report", "job?id={failed}", _wait_for_report),
    Picture("statistics", "report", _wait_for_panels, height=1100),
    Picture("found", "?q=arUpdateEs&finished=30d", _wait_for_list),
    Picture("cleanup", "cleanup", _preview),
    Picture("clear", "", _open_clear_dialog),
)


def main() -> None:
    """Take every picture; exit with a sentence where Chromium is missing."""
    chromium = shutil.which("chromium")
    if not chromium:
        sys.exit("chromium is not installed (Debian: apt install chromium)")
    PICTURES.mkdir(exist_ok=True)
    with tempfile.TemporaryDirectory(prefix="pictures-") as name:
        folder = Path(name)
        url = f"sqlite:///{folder / 'jobs.sqlite'}"
        web_root = folder / "web-root"
        options = [f"--jobs={JOBS}", f"--seed={SEED}", f"--results-root={web_root}"]
        subprocess.run(  # noqa: S603 - our own program
            [sys.executable, "-m", "jobs_data", "demo", url, *options], cwd=ROOT, check=True
        )
        engine = create_engine(url)
        with engine.connect() as connection:
            failed = connection.scalar(text(FAILED_JOB))
        engine.dispose()
        with _app(folder, url, web_root) as address, sync_playwright() as playwright:
            browser = playwright.chromium.launch(executable_path=chromium, args=CHROMIUM_OPTIONS)
            for picture in ALL_PICTURES:
                _take(browser, picture, f"{address}/{picture.path.format(failed=failed)}")
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


def _take(browser: Browser, picture: Picture, address: str) -> None:
    context = browser.new_context(
        viewport={"width": picture.width, "height": picture.height},
        color_scheme=picture.colors,
        timezone_id="UTC",
        locale="en-GB",
    )
    page = context.new_page()
    page.goto(address)
    if picture.signs_in:
        page.get_by_label("E-mail or user name").fill(DEMO_ADMINISTRATOR)
        page.get_by_label("Password").fill(DEMO_PASSWORD)
        page.get_by_role("button", name="Sign in").click()
    picture.prepare(page)
    page.locator("[data-testid=stStatusWidget], [data-testid=stSkeleton]").first.wait_for(
        state="hidden"
    )
    page.wait_for_timeout(1_000)  # the bars and the dialog have stopped moving
    page.screenshot(path=PICTURES / f"{picture.name}.png")
    context.close()


if __name__ == "__main__":
    main()
