"""The process ends in time, and says when it is full."""

import asyncio
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from web.process import SILENT_SECONDS, log_waits

ROOT = Path(__file__).resolve().parents[2]
PATIENCE = 20.0
# A server that notes the signal and goes on, and a thread that Python waits for at its end.
HANGING = """
import signal, threading, time
from web.process import end_in_time
signal.signal(signal.SIGTERM, lambda *_: print("noted", flush=True))
signal.signal(signal.SIGINT, signal.getsignal(signal.SIGTERM))
end_in_time(0.2)
threading.Thread(target=time.sleep, args=(600,)).start()
print("ready", flush=True)
"""


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_a_process_ends_although_a_thread_hangs(number: signal.Signals) -> None:
    """The server's own handler gets the signal, too."""
    with subprocess.Popen(
        [sys.executable, "-c", HANGING], cwd=ROOT, stdout=subprocess.PIPE, text=True
    ) as process:
        try:
            assert process.stdout is not None
            assert process.stdout.readline() == "ready\n"
            process.send_signal(number)
            assert process.wait(PATIENCE) == 0
            assert process.stdout.read() == "noted\n"
        finally:
            process.kill()


class Loop:
    """A loop whose turns are late by the given numbers of seconds, and that then ends."""

    def __init__(self, *late: float) -> None:
        self.now = 0.0
        self.late = list(late)

    async def sleep(self, seconds: float) -> None:
        if not self.late:
            raise asyncio.CancelledError
        self.now += seconds + (self.late.pop(0) if seconds < SILENT_SECONDS else 0)


@pytest.mark.parametrize(
    ("late", "lines"),
    [
        ([0.01] * 100, 0),
        ([0.01] * 30 + [90.0] + [0.01] * 30, 0),  # the machine slept
        ([0.01] * 20 + [0.5] * 25, 1),
        ([0.5] * 45, 2),
    ],
)
def test_it_is_logged_when_refreshes_wait(
    late: list[float], lines: int, caplog: pytest.LogCaptureFixture
) -> None:
    """Not for a moment, and after it has been said not again for some minutes."""
    loop = Loop(*late)
    with pytest.raises(asyncio.CancelledError):
        asyncio.run(log_waits(loop.sleep, lambda: loop.now))
    assert ["docs/scaling.md" in line for line in caplog.messages] == [True] * lines
