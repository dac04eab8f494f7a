"""A Galera cluster of three MariaDB nodes on loopback: started from nothing, and stopped after use."""

import os
import pwd
import secrets
import shutil
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

import pymysql

from tests.support.mariadb import DidNotStart, MariaDB, free_port
from tests.support.programs import ProgramMissing, find_program

PROVIDER: Final = Path("/usr/lib/galera/libgalera_smm.so")
PACKAGES: Final = "mariadb-server galera-4 rsync haproxy"
START_SECONDS: Final = 120
STOP_SECONDS: Final = 30


@dataclass
class Node:
    """One node: its server, its folder, and the process that may be killed."""

    server: MariaDB
    folder: Path
    cluster_port: int
    process: subprocess.Popen[bytes] | None = None

    def ask(self, statement: str) -> list[tuple[object, ...]]:
        """Run one statement that commits itself, and return its rows."""
        with self.server.cursor() as cursor:
            cursor.execute(statement)
            return list(cursor.fetchall())

    def status(self, name: str) -> str:
        """Return one of the node's `wsrep_…` status values, empty where there is none."""
        return next((str(row[1]) for row in self.ask(f"SHOW GLOBAL STATUS LIKE '{name}'")), "")

    def certification_failures(self) -> int:
        """Return how many transactions were refused when they were to be committed."""
        return int(self.status("wsrep_local_cert_failures"))

    def aborts(self) -> int:
        """Return how many transactions were ended here because another node's change had precedence."""
        return int(self.status("wsrep_local_bf_aborts"))

    def lost(self) -> int:
        """Return how many transactions have lost against another node's, in either way."""
        return self.certification_failures() + self.aborts()

    def kill(self) -> None:
        """End the node as a power cut does."""
        if self.process:
            self.process.kill()
            self.process.wait()
            self.process = None


@dataclass
class Cluster:
    """Three nodes that hold the same databases."""

    folder: Path
    nodes: list[Node] = field(default_factory=list)

    def start(self, node: Node, *options: str) -> None:
        """Start a node that is down, and wait until it has all that the others have.

        Raises DidNotStart.
        """
        user, log = _server_user(), node.folder / "log"
        addresses = ",".join(f"127.0.0.1:{n.cluster_port}" for n in self.nodes)
        options_of_galera = [
            "base_host=127.0.0.1",
            f"gmcast.listen_addr=tcp://127.0.0.1:{node.cluster_port}",
            f"ist.recv_addr=127.0.0.1:{free_port()}",
            "gcache.size=64M",
        ]
        with log.open("ab") as output:
            node.process = subprocess.Popen(
                [
                    find_program("mariadbd", PACKAGES),
                    "--no-defaults",
                    f"--user={user}",
                    f"--datadir={node.folder / 'data'}",
                    f"--tmpdir={node.folder / 'tmp'}",
                    f"--pid-file={node.folder / 'pid'}",
                    f"--socket={node.server.socket_path}",
                    "--bind-address=127.0.0.1",
                    f"--port={node.server.port}",
                    "--skip-name-resolve",
                    "--character-set-server=utf8mb4",
                    "--innodb-buffer-pool-size=128M",
                    # The other nodes have what one loses.
                    "--innodb-flush-log-at-trx-commit=2",
                    # These two are what Galera asks for.
                    "--binlog-format=ROW",
                    "--innodb-autoinc-lock-mode=2",
                    "--wsrep-on=ON",
                    f"--wsrep-provider={PROVIDER}",
                    "--wsrep-cluster-name=tests",
                    f"--wsrep-cluster-address=gcomm://{addresses}",
                    f"--wsrep-node-address=127.0.0.1:{node.cluster_port}",
                    f"--wsrep-provider-options={';'.join(options_of_galera)}",
                    "--wsrep-sst-method=rsync",
                    f"--wsrep-sst-receive-address=127.0.0.1:{free_port()}",
                    *options,
                ],
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=output,
                start_new_session=True,
            )
        self._wait_until_synced(node, node.process, log)

    def _wait_until_synced(self, node: Node, process: subprocess.Popen[bytes], log: Path) -> None:
        deadline = time.monotonic() + START_SECONDS
        while process.poll() is None and time.monotonic() < deadline:
            try:
                if node.status("wsrep_local_state_comment") == "Synced":
                    return
            except pymysql.err.OperationalError:
                pass  # not there yet, or not yet in the cluster
            time.sleep(0.1)
        text = log.read_text("utf-8", "replace")
        raise DidNotStart(f"A node did not join the cluster:\n{text[-4000:]}")

    def mend(self) -> None:
        """Start the nodes that are down."""
        for node in self.nodes:
            if node.process is None:
                self.start(node)

    def settle(self) -> None:
        """Wait until every node that is up has applied what the others have committed."""
        for node in self.nodes:
            if node.process:
                with node.server.cursor() as cursor:
                    cursor.execute("SET SESSION wsrep_sync_wait = 1")
                    cursor.execute("SELECT 1")

    def close(self) -> None:
        """Stop all nodes, in order if they can be."""
        running = [node.process for node in self.nodes if node.process]
        for process in running:
            process.terminate()
        for process in running:
            try:
                process.wait(STOP_SECONDS)
            except subprocess.TimeoutExpired:
                process.kill()
                process.wait()


@contextmanager
def running(folder: Path) -> Iterator[Cluster]:
    """Run three nodes whose data lies below a folder, with a short path: sockets are made in it.

    The first one begins the cluster, and the others copy all its data with rsync, as any new node
    does. Raises ProgramMissing and DidNotStart.
    """
    install = find_program("mariadb-install-db", PACKAGES)
    find_program("wsrep_sst_rsync", PACKAGES)
    find_program("rsync", PACKAGES)
    if not PROVIDER.exists():
        raise ProgramMissing(f"{PROVIDER} is not installed (Debian: apt install {PACKAGES})")
    user, password = _server_user(), secrets.token_hex(16)
    cluster = Cluster(folder)
    shutil.chown(folder, user)
    for number in range(3):
        own = folder / f"node{number + 1}"
        for part in (own, own / "data", own / "tmp"):
            part.mkdir(mode=0o700)
            shutil.chown(part, user)
        server = MariaDB(free_port(), own / "socket", password)
        cluster.nodes.append(Node(server, own, free_port()))
    first, *others = cluster.nodes
    account = first.folder / "account.sql"
    account.touch(mode=0o600)
    shutil.chown(account, user)
    account.write_text(
        f"CREATE USER '{first.server.user}'@'127.0.0.1' IDENTIFIED BY '{password}';\n"
        f"GRANT ALL ON *.* TO '{first.server.user}'@'127.0.0.1' WITH GRANT OPTION;\n",
        encoding="utf-8",
    )
    subprocess.run(
        [
            install,
            "--no-defaults",
            "--skip-test-db",
            f"--user={user}",
            f"--datadir={first.folder / 'data'}",
        ],
        stdin=subprocess.DEVNULL,
        stdout=subprocess.DEVNULL,
        check=True,
        timeout=START_SECONDS,
    )
    try:
        cluster.start(first, "--wsrep-new-cluster", f"--init-file={account}")
        for node in others:
            cluster.start(node)
        yield cluster
    finally:
        cluster.close()


@contextmanager
def proxied(cluster: Cluster, folder: Path) -> Iterator[MariaDB]:
    """Run HAProxy, which leads to the first node, and to the next one when that is down.

    It listens as docs/scaling.md advises. Raises ProgramMissing and DidNotStart.
    """
    program = find_program("haproxy", PACKAGES)
    first = cluster.nodes[0].server
    proxy = MariaDB(free_port(), folder / "none", first.password)
    servers = [
        f"    server node{number} 127.0.0.1:{node.server.port} check{' backup' if number else ''}"
        for number, node in enumerate(cluster.nodes)
    ]
    configuration = folder / "haproxy.cfg"
    configuration.write_text(
        "\n".join(
            [
                "defaults",
                "    mode tcp",
                "    timeout connect 5s",
                "    timeout client 1h",
                "    timeout server 1h",
                "    default-server inter 500ms fall 2 rise 2 on-marked-down shutdown-sessions",
                "listen galera",
                f"    bind 127.0.0.1:{proxy.port}",
                *servers,
                "",
            ]
        ),
        encoding="utf-8",
    )
    with (folder / "haproxy.log").open("wb") as output:
        process = subprocess.Popen(
            [program, "-db", "-f", str(configuration)],
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=output,
            start_new_session=True,
        )
    try:
        wait_until_it_answers(proxy, process)
        yield proxy
    finally:
        process.terminate()
        process.wait(STOP_SECONDS)


def wait_until_it_answers(server: MariaDB, process: subprocess.Popen[bytes] | None = None) -> None:
    """Return when a server lets us in. Raises DidNotStart."""
    deadline = time.monotonic() + START_SECONDS
    while (process is None or process.poll() is None) and time.monotonic() < deadline:
        try:
            with server.cursor():
                return
        except pymysql.err.OperationalError:
            time.sleep(0.1)
    raise DidNotStart(f"Nothing answers at port {server.port}.")


def _server_user() -> str:
    # Where root starts rsync as a server it may not write: the node's data has to be somebody else's.
    return "mysql" if os.getuid() == 0 else pwd.getpwuid(os.getuid()).pw_name
