"""What the cluster's tests share: three nodes, and a platform database that each of them holds."""

import secrets
import tempfile
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path

import pytest

from tests.support import galera
from tests.support.galera import Cluster
from tests.support.mariadb import DidNotStart
from tests.support.programs import ProgramMissing
from tests.support.store import Store


@pytest.fixture(scope="session")
def running_cluster() -> Iterator[Cluster]:
    """Start three nodes in a folder of their own; all are gone after the session."""
    with tempfile.TemporaryDirectory(prefix="galera-") as folder, ExitStack() as stack:
        try:
            cluster = stack.enter_context(galera.running(Path(folder)))
        except (ProgramMissing, DidNotStart) as failed:
            pytest.fail(str(failed), pytrace=False)  # who asks for these tests wants a cluster
        yield cluster


@pytest.fixture
def cluster(running_cluster: Cluster) -> Iterator[Cluster]:
    """Give the three nodes, all of them up; those that a test has killed are up again after it."""
    yield running_cluster
    running_cluster.mend()
    running_cluster.settle()


@pytest.fixture
def stores(cluster: Cluster) -> Iterator[list[Store]]:
    """Give an empty platform database of Heratio, as each of the three nodes has it."""
    name = f"test_{secrets.token_hex(8)}"
    first = cluster.nodes[0]
    first.server.create_database(name)
    filled = Store(first.server.url(name))
    cluster.settle()
    stores = [filled, *(Store.on(node.server.url(name)) for node in cluster.nodes[1:])]
    yield stores
    for store in stores:
        store.close()
    cluster.mend()
    first.server.drop_database(name)
