"""A real nginx that a test sets up, in a folder of its own."""

import re
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import httpx2
import pytest

from jobs_data import addresses
from tests.support.app_servers import stop
from tests.support.programs import require_program

START_SECONDS = 20

DOCUMENT = Path(__file__).parents[2] / "docs" / "connecting.md"
HTTP, SERVER = "# In the http block.", "# In the server block of the platform's site."

CONFIGURATION = """
daemon off;
master_process off;
pid {folder}/pid;
error_log stderr;
events {{}}
http {{
    access_log off;
    client_body_temp_path {folder}/body;
    proxy_temp_path {folder}/proxy;
    fastcgi_temp_path {folder}/fastcgi;
    uwsgi_temp_path {folder}/uwsgi;
    scgi_temp_path {folder}/scgi;
    {http}
}}
"""


def documented_http(app: str, port: int, platform: str) -> str:
    """Return what docs/connecting.md puts into the http block, for an app at an origin.

    `platform` is what the server block has besides.
    """
    [block] = re.findall(r"```nginx\n(.*?)```", DOCUMENT.read_text("utf-8"), re.DOTALL)
    http, server = block.removeprefix(HTTP).split(SERVER)
    assert server.count("http://127.0.0.1:8501;") == 1
    server = server.replace("http://127.0.0.1:8501", app)
    return f"{http}server {{ listen 127.0.0.1:{port}; {server} {platform} }}"


@contextmanager
def running_nginx(folder: Path, http: str, origin: str) -> Iterator[None]:
    """Run nginx with this in its http block, until it answers for the app at an origin and after."""
    nginx = require_program("nginx", "nginx-light")
    configuration, log = folder / "nginx.conf", folder / "log"
    configuration.write_text(CONFIGURATION.format(folder=folder, http=http), "utf-8")
    with log.open("wb") as output:
        process = subprocess.Popen(
            [nginx, "-p", str(folder), "-c", str(configuration)],
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=output,
            start_new_session=True,
        )
    try:
        _wait_until_it_answers(process, origin, log)
        yield
    finally:
        stop(process)


def _wait_until_it_answers(process: subprocess.Popen[bytes], origin: str, log: Path) -> None:
    deadline = time.monotonic() + START_SECONDS
    while process.poll() is None and time.monotonic() < deadline:
        try:
            httpx2.get(f"{origin}{addresses.LIVENESS}", timeout=5).raise_for_status()
        except httpx2.TransportError:
            time.sleep(0.05)
        else:
            return
    pytest.fail(f"nginx did not start:\n{log.read_text('utf-8', 'replace')[-4000:]}", pytrace=False)
