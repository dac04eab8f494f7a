"""How soon a process that starts gives its first answer, beside one that serves the bare page."""

from __future__ import annotations

import http.client
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from statistics import median
from typing import Final

from benchmarks.bench import FULL_SIZE, SIGNING_KEY, Bench, running_app
from benchmarks.figures import Figure, seconds, within
from jobs_data import addresses
from tests.support.app_servers import ROOT, START_SECONDS, own_environment, stop
from tests.support.mariadb import free_port
from web.sessions import COOKIE

ROUNDS: Final = 7
TIMES_THE_BARE: Final = 1.5
SECONDS_BETWEEN_LOOKS: Final = 0.01


def measure(bench: Bench) -> list[Figure]:
    """Return the figures of starts, ours and the bare page's by turns."""
    url = bench.url(FULL_SIZE)
    with running_app(url) as app:
        # It is valid in every process with the same key.
        headers = {"Cookie": f"{COOKIE}={app.sign_in()}"}
    settings = {"HERATIO_JOBS_DATABASE_URL": url, "HERATIO_JOBS_SECRET_KEY": SIGNING_KEY}
    ours, theirs = [], []
    # One round more than counts: the first has to read the files from disk.
    for _ in range(ROUNDS + 1):
        theirs.append(start(ROOT / "benchmarks" / "bare_page.py", {}, {}))
        ours.append(start(ROOT / "app.py", settings, headers))
    mine, bare = (tuple(map(median, zip(*rounds[1:], strict=True))) for rounds in (ours, theirs))
    what = "Start of the process to"
    return [
        within(f"{what} its first answer", mine[0], bare[0], "bare page", TIMES_THE_BARE),
        within(f"{what} the first page's HTML", mine[1], bare[1], "bare page", TIMES_THE_BARE),
        Figure(
            f"{what} the first page's HTML, processor time",
            seconds(mine[2]),
            f"bare page {seconds(bare[2])}",
            f"{mine[2] / bare[2]:.2f} ×",
        ),
    ]


def start(
    script: Path, settings: Mapping[str, str], headers: Mapping[str, str]
) -> tuple[float, float, float]:
    """Start a process, and end it when it has answered.

    Return the seconds to the answer of its address for health checks and to a page's HTML, and the
    seconds of the processor that it took until then.
    """
    port = free_port()
    began = time.perf_counter()
    with tempfile.TemporaryDirectory() as state, _process(script, settings, port, state) as process:
        _wait_for(port, addresses.LIVENESS, {}, began)
        health = time.perf_counter() - began
        _wait_for(port, f"{addresses.BASE}/", headers, began)
        return health, time.perf_counter() - began, cpu_seconds(process.pid)


def cpu_seconds(pid: int) -> float:
    """Return how many seconds of the processor a process has taken so far."""
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / 100


@contextmanager
def _process(
    script: Path, settings: Mapping[str, str], port: int, state: str
) -> Iterator[subprocess.Popen[bytes]]:
    own = {"STREAMLIT_SERVER_PORT": str(port), "HERATIO_JOBS_STATE_DIR": state}
    process = subprocess.Popen(
        [sys.executable, "-m", "streamlit", "run", str(script)],
        env={**own_environment(), **own, **settings},
        cwd=ROOT,  # both with the configuration of this folder
        stdin=subprocess.DEVNULL,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        start_new_session=True,
    )
    try:
        yield process
    finally:
        stop(process)


def _wait_for(port: int, path: str, headers: Mapping[str, str], began: float) -> None:
    """Ask for an address until it is answered with 200. Raises TimeoutError."""
    while time.perf_counter() - began < START_SECONDS:
        connection = http.client.HTTPConnection("127.0.0.1", port, timeout=START_SECONDS)
        try:
            connection.request("GET", path, headers=dict(headers))
            if connection.getresponse().status == http.HTTPStatus.OK:
                return
        except ConnectionError:
            pass  # it does not listen yet
        finally:
            connection.close()
        time.sleep(SECONDS_BETWEEN_LOOKS)
    raise TimeoutError(f"{path} was not answered with 200 within {START_SECONDS} s")
