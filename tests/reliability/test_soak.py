"""A short form of `make soak`: the same load, of few sessions for some seconds."""

from pathlib import Path

from tests.reliability.soak import Load, soaked
from tests.support.mariadb import MariaDB

SHORT = Load(
    seconds=4,
    jobs=1_500,
    sessions=5,
    pause=0.5,
    changes_a_second=20,
    warm_seconds=2,
    left_seconds=0,
    may_grow=20,
)


def test_a_load_breaks_nothing(mariadb_server: MariaDB, tmp_path: Path) -> None:
    """No error, no leak, no job lost; and each kind of work was done."""
    soak = soaked(mariadb_server, tmp_path, SHORT, "test_soak")
    assert soak.problems == []
    assert soak.restored == soak.cleaned > 0
    assert soak.deleted
    assert soak.platform.restarted
