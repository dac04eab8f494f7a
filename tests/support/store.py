"""A platform database for a test: the tables, and one method for each thing that lies in them."""

import hashlib
import re
import secrets
import tempfile
from contextlib import closing
from datetime import datetime
from functools import cache
from pathlib import Path
from typing import Any, Self

from argon2 import PasswordHasher
from sqlalchemy import Connection, Engine, Table, delete, event, func, insert, select, update

from jobs_data.audit import Actor
from jobs_data.jobs.creation_order import CreationOrder
from jobs_data.platform import tables
from jobs_data.platform.database import Database
from jobs_data.platform.engine import make_engine
from jobs_data.removal.removal import Removals
from jobs_data.removal.restore import Restores
from jobs_data.store.database import Store as OwnStore
from jobs_data.store.database import file_store
from jobs_data.store.receipt_writer import Action, Reason

CAUSE = Reason(Actor("ada"), Action.DELETE, "what a test removes")
CLEARING = Reason(Actor("ada"), Action.DELETE_ALL, "all finished jobs")
NOON = datetime(2026, 6, 15, 12, 0, 0)
PASSWORD = "right"
_CHEAP = PasswordHasher(time_cost=1, memory_cost=8, parallelism=1)


class Store:
    """Fills a database with what a test needs, in the platform's own tables, and counts rows."""

    def __init__(self, url: str, *, atom: bool = False) -> None:
        """Create the platform's tables; `atom` leaves out those that only Heratio has."""
        self.url = url
        self.state_dir = new_state_dir()
        self.own = file_store(self.state_dir)
        self.engine = make_engine(url)
        created = [
            table
            for table in tables.metadata.sorted_tables
            if not (atom and table.name in tables.HERATIO_ONLY)
        ]
        with self.engine.begin() as connection:
            tables.metadata.create_all(connection, created)
            insert_statuses(connection)

    @classmethod
    def on(cls, url: str, *, foreign_keys: bool = True) -> Self:
        """Return a store on a database that has its tables, with connections of its own.

        Without `foreign_keys` they delete rows as if there were none.
        """
        store = cls.__new__(cls)
        store.url, store.engine = url, make_engine(url)
        store.state_dir = new_state_dir()
        store.own = file_store(store.state_dir)
        if not foreign_keys:
            _without_foreign_keys(store.engine)
        return store

    def database(self, culture: str = "en", timezone: str = "UTC") -> Database:
        """Return the database as the app sees it."""
        return Database(self.engine, culture, timezone)

    def removals(self, database: Database | None = None, own: OwnStore | None = None) -> Removals:
        """Return removals from the database, with their receipts in a store of the test's own."""
        return Removals(database or self.database(), own or self.own)

    def restores(self, database: Database | None = None) -> Restores:
        """Return restores to the database, from the same store."""
        database = database or self.database()
        return Restores(database, self.own, CreationOrder(database))

    def close(self) -> None:
        """Close all connections."""
        self.engine.dispose()
        self.own.close()

    def insert(self, table: Table, **values: Any) -> int:
        """Insert a row and return its key."""
        with self.engine.begin() as connection:
            key = connection.execute(insert(table).values(**values)).inserted_primary_key
        assert key is not None
        return int(key[0])

    def object(self, class_name: str = "QubitInformationObject", **values: Any) -> int:
        """Insert an object and return its id."""
        times = {"created_at": NOON, "updated_at": NOON}
        return self.insert(tables.object_, **{**times, "class_name": class_name, **values})

    def term(self, term_id: int, **names: str) -> None:
        """Insert a term with its name in each culture given."""
        self.object("QubitTerm", id=term_id)
        self.insert(tables.term, id=term_id, taxonomy_id=1, source_culture="en")
        for culture, name in names.items():
            self.insert(tables.term_i18n, id=term_id, culture=culture, name=name)

    def user(self, username: str | None, **names: str) -> int:
        """Insert a user with a display name in each culture given, and return the id."""
        user_id = self.object("QubitUser")
        self.insert(tables.actor, id=user_id, source_culture="en")
        for culture, name in names.items():
            self.insert(tables.actor_i18n, id=user_id, culture=culture, authorized_form_of_name=name)
        self.insert(tables.user, id=user_id, username=username)
        return user_id

    def account(
        self,
        username: str | None = "ada",
        *groups: int,
        password: str = PASSWORD,
        names: dict[str, str] | None = None,
        **values: Any,
    ) -> int:
        """Insert a user with a cheaply hashed password in some groups, and return the id."""
        user_id = self.user(username, **(names or {}))
        salt = hashlib.md5(str(user_id).encode()).hexdigest()  # noqa: S324 - as AtoM makes salts
        password_hash = hash_of(password, salt)
        self.set_user(user_id, **{"salt": salt, "password_hash": password_hash, **values})
        for group_id in groups:
            self.join_group(user_id, group_id)
        return user_id

    def set_user(self, user_id: int, **values: Any) -> None:
        """Change a user, as the platform's own screens do."""
        with self.engine.begin() as connection:
            connection.execute(update(tables.user).where(tables.user.c.id == user_id).values(**values))

    def join_group(self, user_id: int, group_id: int) -> None:
        """Make a user a member of a group, which is made if it is not there."""
        if group_id not in self.ids(tables.acl_group):
            self.insert(tables.acl_group, id=group_id)
        self.insert(tables.acl_user_group, user_id=user_id, group_id=group_id)

    def leave_groups(self, user_id: int) -> None:
        """Take a user out of all groups."""
        with self.engine.begin() as connection:
            connection.execute(
                delete(tables.acl_user_group).where(tables.acl_user_group.c.user_id == user_id)
            )

    def security(self, **values: str | None) -> None:
        """Set Heratio's settings named `security_…`."""
        settings = tables.ahg_settings
        for name, value in values.items():
            key = f"security_{name}"
            with self.engine.begin() as connection:
                connection.execute(delete(settings).where(settings.c.setting_key == key))
            self.insert(settings, setting_key=key, setting_value=value)

    def attempt(self, identifier: str, address: str, success: bool, at: datetime) -> None:
        """Insert a sign-in at the platform's own door."""
        self.insert(
            tables.login_attempt,
            identifier=identifier,
            ip_address=address,
            success=int(success),
            attempted_at=at,
        )

    def record(self, slug: str | None = None) -> int:
        """Insert a record, with a slug where one is given, and return its id."""
        object_id = self.object()
        if slug is not None:
            self.insert(tables.slug, object_id=object_id, slug=slug)
        return object_id

    def job(
        self,
        name: str | None = "arFindingAidJob",
        status_id: int | None = 184,
        created: datetime = NOON,
        job_id: int | None = None,
        **values: Any,
    ) -> int:
        """Insert a job with its object, completed at noon unless 183 or told else; return its id."""
        own = {} if job_id is None else {"id": job_id}
        job_id = self.object("QubitJob", created_at=created, updated_at=created, **own)
        completed = None if status_id in {183, None} else NOON
        values = {"completed_at": completed, **values}
        self.insert(tables.job, id=job_id, name=name, status_id=status_id, **values)
        return job_id

    def execution(self, job_id: int, **values: Any) -> None:
        """Insert what Heratio keeps of a job's run."""
        self.insert(tables.job_execution, job_id=job_id, **values)

    def note(self, job_id: int, type_id: int | None = 197, source: str = "en", **contents: str) -> int:
        """Insert a note on a job with its content in each culture given, and return its id."""
        note_id = self.insert(
            tables.note, object_id=job_id, type_id=type_id, source_culture=source, serial_number=0
        )
        for culture, content in contents.items():
            self.insert(tables.note_i18n, id=note_id, culture=culture, content=content)
        return note_id

    def property(self, job_id: int, value: str, name: str = "key") -> int:
        """Insert a property of a job and return its id."""
        property_id = self.insert(tables.property_, object_id=job_id, name=name, source_culture="en")
        self.insert(tables.property_i18n, id=property_id, culture="en", value=value)
        return property_id

    def belongings(self, job_id: int) -> None:
        """Give a job one of everything that a job can own."""
        self.note(job_id, en="it broke", fr="ça a cassé")
        self.property(job_id, "value")
        self.execution(job_id, type="finding_aid", duration=3)

    def setting(
        self,
        name: str,
        value: str | None,
        scope: str | None = None,
        *,
        source_culture: str = "en",
        **others: str,
    ) -> None:
        """Insert a setting of the platform with its English value, and those in other cultures."""
        setting_id = self.insert(tables.setting, name=name, scope=scope, source_culture=source_culture)
        for culture, text in {"en": value, **others}.items():
            self.insert(tables.setting_i18n, id=setting_id, culture=culture, value=text)

    def set_job(self, job_id: int, **values: Any) -> None:
        """Change a job as its worker does."""
        with self.engine.begin() as connection:
            connection.execute(update(tables.job).where(tables.job.c.id == job_id).values(**values))

    def set_status(
        self, job_id: int, status_id: int | None, completed_at: datetime | None = None
    ) -> None:
        """Do what a worker does when it takes up or ends a job."""
        with self.engine.begin() as connection:
            connection.execute(
                update(tables.job)
                .where(tables.job.c.id == job_id)
                .values(status_id=status_id, completed_at=completed_at)
            )

    def ids(self, table: Table = tables.job, column: str = "id") -> list[Any]:
        """Return a column of all rows of a table, in order."""
        with self.engine.connect() as connection:
            found = connection.execute(select(table.c[column]).order_by(table.c[column]))
            return list(found.scalars())

    def rows(self, table: Table) -> int:
        """Return how many rows a table has."""
        with self.engine.connect() as connection:
            return connection.execute(select(func.count()).select_from(table)).scalar_one()


# 182 and 186 are named for something else, and 185 has no French name.
STATUSES = {
    182: {"en": "Unrelated one"},
    183: {"en": "In progress", "fr": "En cours"},
    184: {"en": "Completed", "fr": "Complété"},
    185: {"en": "Error"},
    186: {"en": "Unrelated two"},
}


def insert_statuses(connection: Connection) -> None:
    """Insert the terms that the platform names a job's status with, into empty tables."""
    objects = [
        {"id": i, "class_name": "QubitTerm", "created_at": NOON, "updated_at": NOON} for i in STATUSES
    ]
    terms = [{"id": i, "taxonomy_id": 1, "source_culture": "en"} for i in STATUSES]
    names = [
        {"id": i, "culture": culture, "name": name}
        for i, named in STATUSES.items()
        for culture, name in named.items()
    ]
    connection.execute(insert(tables.object_), objects)
    connection.execute(insert(tables.term), terms)
    connection.execute(insert(tables.term_i18n), names)


@cache
def _all_states() -> tempfile.TemporaryDirectory[str]:
    return tempfile.TemporaryDirectory(prefix="state-")


def new_state_dir() -> Path:
    return Path(_all_states().name) / secrets.token_hex(8)


def hash_of(password: str, salt: str) -> str:
    """Return what the platform stores of a password, at next to no cost."""
    return _CHEAP.hash(hashlib.sha1((salt + password).encode()).hexdigest())  # noqa: S324 - PHP's


def _without_foreign_keys(engine: Engine) -> None:
    """Let an engine's connections delete rows as if there were none."""
    is_sqlite = engine.dialect.name == "sqlite"
    off = "PRAGMA foreign_keys = OFF" if is_sqlite else "SET SESSION foreign_key_checks = 0"

    @event.listens_for(engine, "connect")
    def _switch_off(connection: Any, _record: Any) -> None:
        with closing(connection.cursor()) as cursor:
            cursor.execute(off)


def documented_grants(database: str, account: str) -> list[str]:
    """Return the GRANT statements of docs/connecting.md, for a database and an account."""
    document = Path(__file__).parents[2] / "docs" / "connecting.md"
    statements = re.findall(r"GRANT [^;]+;", document.read_text("utf-8"))
    assert statements
    return [
        statement.rstrip(";").replace("atom.", f"{database}.").replace("jobs@localhost", account)
        for statement in statements
    ]
