"""The process ends in time."""

import signal
import subprocess
import sys
from pathlib import Path

import pytest

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
