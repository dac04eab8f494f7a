"""Accounts of MariaDB with some rights, such as the documented ones."""

import secrets
from collections.abc import Iterator
from contextlib import contextmanager

from tests.support.mariadb import MariaDB
from tests.support.store import Store, documented_grants

PASSWORD = "hunter2hunter2"


@contextmanager
def account(server: MariaDB, store: Store, *rights: str) -> Iterator[str]:
    """Make an account with the documented rights, or with some others; give the URL with it.

    In rights such as `SELECT ON {}.*` the name of the store's database is put in.
    """
    name = f"u_{secrets.token_hex(6)}"
    who, database = f"{name}@127.0.0.1", f"`{store.engine.url.database}`"
    grants = [f"GRANT {right.format(database)} TO {who}" for right in rights]
    with server.cursor() as cursor:
        cursor.execute(f"CREATE USER {who} IDENTIFIED BY '{PASSWORD}'")
        for grant in grants or documented_grants(database, who):
            cursor.execute(grant)
    try:
        url = store.engine.url.set(username=name, password=PASSWORD)
        yield url.render_as_string(hide_password=False)
    finally:
        with server.cursor() as cursor:
            cursor.execute(f"DROP USER {who}")
