"""The short form of `make faults`: some faults while the app is used and deletes all finished jobs."""

import re
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.reliability.faults import FAULTS, Fault, run
from tests.reliability.installation import Installation, installed
from tests.support.mariadb import DidNotStart
from tests.support.programs import ProgramMissing, skip_or_fail

JOBS = 1_200
SECONDS_PER_JOB = 0.002
LISTS = 2
HOLD_SECONDS = 0.5
SHORT = [
    each
    for each in FAULTS
    if re.search("killed|No connection|full|read-only|rubbish|turn active", each.name)
]
"""What no other test shows of the whole app; each takes about five seconds."""


@pytest.fixture(scope="module")
def site() -> Iterator[Installation]:
    """Run the app; the faults come one after the other."""
    # A server makes its socket in it, so the path must be short.
    with tempfile.TemporaryDirectory(prefix="faults-") as folder:
        try:
            with installed(Path(folder), JOBS, SECONDS_PER_JOB) as site:
                yield site
        except ProgramMissing as missing:
            skip_or_fail(str(missing))
        except DidNotStart as failed:
            pytest.fail(str(failed), pytrace=False)


@pytest.mark.parametrize("fault", SHORT, ids=lambda fault: fault.name)
def test_nothing_is_lost_and_users_get_a_reason(site: Installation, fault: Fault) -> None:
    """No half job, no job without a receipt, no traceback; all works again by itself."""
    assert run(site, fault, HOLD_SECONDS, LISTS).broken == []
