"""Programs that tests start, and what becomes of a test where one is missing."""

import os
import shutil
from pathlib import Path
from typing import NoReturn

import pytest

# What `make test` fetches without installing it.
TOOLS = Path(__file__).parents[2] / ".tools"


class ProgramMissing(Exception):
    """A program is not installed; the message says which package has it."""


def find_program(name: str, package: str) -> str:
    """Return a program's path. Raises ProgramMissing."""
    # A daemon lives in a folder that is not on everybody's path.
    path = shutil.which(name, path=f"{os.environ.get('PATH', os.defpath)}:/usr/sbin:{TOOLS}")
    if path is None:
        raise ProgramMissing(f"{name} is not installed (Debian: apt install {package})")
    return path


def require_program(name: str, package: str) -> str:
    """Return a program's path; where it is missing, skip the test, or fail it where CI=true."""
    try:
        return find_program(name, package)
    except ProgramMissing as missing:
        skip_or_fail(str(missing))


def skip_or_fail(reason: str) -> NoReturn:
    """Skip the test that lacks something, or fail it where CI=true."""
    if os.environ.get("CI") == "true":
        pytest.fail(reason, pytrace=False)
    pytest.skip(reason)
