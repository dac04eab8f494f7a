"""The rows of a demo database besides its jobs: status names, people, groups, records, a setting."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from random import Random
from typing import Any, Final

from sqlalchemy import Connection

from jobs_data.platform.tables import (
    ADMINISTRATOR_GROUP_ID,
    acl_group,
    acl_user_group,
    actor,
    actor_i18n,
    object_,
    setting,
    setting_i18n,
    slug,
    term,
    term_i18n,
    user,
)

JOB_STATUS_TAXONOMY: Final = 65
RECORDS: Final = 200
ROOT_ACTOR_ID: Final = 3
FIRST_USER_ID: Final = 445
FIRST_RECORD_ID: Final = 500

EDITORS: Final = 101
CONTRIBUTORS: Final = 102
TRANSLATORS: Final = 103
GROUPS: Final = (ADMINISTRATOR_GROUP_ID, EDITORS, CONTRIBUTORS, TRANSLATORS)

DEMO_ADMINISTRATOR: Final = "admin@example.org"
"""An administrator; with the reader's, the only account to sign in with."""
DEMO_READER: Final = "reader@example.org"
"""A member of group 101."""
DEMO_PASSWORD: Final = "demo"  # noqa: S105 - it is meant to be known, and opens nothing but a demo
"""The password of both."""

TERMS: Final[Mapping[int, Mapping[str, str]]] = {
    182: {
        "en": "Supporting technology",
        "fr": "Technologie connexe",
        "es": "Tecnología de apoyo",
        "nl": "Ondersteunende technologie",
        "de": "Unterstützende Technologie",
    },
    183: {
        "en": "In progress",
        "fr": "En cours",
        "es": "En curso",
        "nl": "In uitvoering",
        "de": "In Bearbeitung",
        "pt": "Em andamento",
        "pl": "W toku",
        "ar": "قيد التنفيذ",
        "ja": "処理中",
    },
    184: {
        "en": "Completed",
        "fr": "Terminé",
        "es": "Completado",
        "nl": "Voltooid",
        "de": "Abgeschlossen",
        "pt": "Concluído",
        "pl": "Ukończone",
        "ar": "مكتمل",
        "ja": "完了",
    },
    185: {
        "en": "Error",
        "fr": "Erreur",
        "es": "Error",
        "nl": "Fout",
        "de": "Fehler",
        "pt": "Erro",
        "pl": "Błąd",
        "ar": "خطأ",
        "ja": "エラー",
    },
    186: {
        "en": "Offline",
        "fr": "Hors ligne",
        "es": "Sin conexión",
        "nl": "Offline",
        "de": "Offline",
    },
}


@dataclass(frozen=True, slots=True)
class StoredPassword:
    """The platform's hash of a password: PHP's `password_hash(sha1(salt + password))`."""

    salt: str
    password_hash: str


NO_PASSWORD: Final = StoredPassword("", "")
"""Matches no password."""


@dataclass(frozen=True, slots=True)
class Person:
    """A person who starts jobs: names by culture, the first one in the person's own."""

    username: str
    names: Mapping[str, str]
    group_id: int | None = None
    active: bool = True
    password: StoredPassword = NO_PASSWORD


# Both are the hash of DEMO_PASSWORD, made by PHP once: a demo of one seed is always the same.
ADMINISTRATORS_PASSWORD: Final = StoredPassword(
    "b0d1f5a2c7e84963a5b4d3e2f1c0a987",
    "$argon2id$v=19$m=65536,t=4,p=1$UHp0Q0l6eC9wUk5maFlzVg$HnICDalRJ2afeZX5wbl/FzQSjiwhw4UZoDk9V1FU2W8",
)
READERS_PASSWORD: Final = StoredPassword(
    "5e6f7a8b9c0d1e2f3a4b5c6d7e8f9a0b",
    "$argon2id$v=19$m=65536,t=4,p=1$cHROa1I1cnMxcmc3RUs4Ng$dstkr6tNFz/hvnJyg867AKaUakFHS4R9L6mP49rAcK4",
)

PEOPLE: Final = (
    Person(
        "admin",
        {"en": "Administrator", "fr": "Administrateur", "de": "Administration"},
        ADMINISTRATOR_GROUP_ID,
        password=ADMINISTRATORS_PASSWORD,
    ),
    Person("mgarcia", {"es": "María José García Núñez", "en": "María José García"}, EDITORS),
    Person("fdubois", {"fr": "François Dubois-Lefèvre", "en": "François Dubois-Lefèvre"}, TRANSLATORS),
    Person("jmueller", {"de": "Jürgen Müller-Groß", "en": "Juergen Mueller-Gross"}, EDITORS),
    Person("sato", {"ja": "佐藤 美咲", "en": "Satō Misaki"}, ADMINISTRATOR_GROUP_ID),
    Person("haddad", {"ar": "ليلى حداد", "en": "Layla Haddad", "fr": "Leïla Haddad"}, TRANSLATORS),
    Person("ivanova", {"ru": "Екатерина Иванова", "en": "Ekaterina Ivanova"}, CONTRIBUTORS),
    Person("lwojcik", {"pl": "Łukasz Wójcik", "en": "Łukasz Wójcik"}, CONTRIBUTORS),
    Person("thandi.n", {"zu": "Thandiwe Nkosi", "en": "Thandiwe Nkosi"}, EDITORS),
    Person("papadopoulou", {"el": "Ελένη Παπαδοπούλου", "en": "Eleni Papadopoulou"}, CONTRIBUTORS),
    Person("oshea", {"en": "Siobhán O'Shea <Archives & Records>"}, EDITORS),
    Person(
        "former.colleague",
        {"nl": "Anneke van der Meer", "en": "Anneke van der Meer"},
        ADMINISTRATOR_GROUP_ID,
        active=False,
    ),
    Person("carvalho", {"pt": "João Carvalho", "en": "João Carvalho"}, EDITORS),
    Person("script-account", {}),
    Person(
        "reader",
        {"en": "Reading Room", "fr": "Salle de lecture"},
        EDITORS,
        password=READERS_PASSWORD,
    ),
)

CREATORS: Final = ("dupont", "okafor", "lindqvist", "mokoena", "tanaka", "brennan", "castillo")
SERIES: Final = ("fonds", "papers", "photographs", "letters", "minutes", "maps-and-plans")


@dataclass(frozen=True, slots=True)
class Surroundings:
    """The ids that jobs refer to; `slugs` holds those records' slugs that have one."""

    user_ids: tuple[int, ...]
    cultures: Mapping[int, str]
    """Each user's own culture."""
    record_ids: tuple[int, ...]
    slugs: Mapping[int, str]
    last_id: int


def create_surroundings(connection: Connection, rng: Random, now: datetime) -> Surroundings:
    """Insert everything but the jobs, as though it were older than the jobs; return the ids."""
    installed = now - timedelta(days=900)
    user_ids = tuple(range(FIRST_USER_ID, FIRST_USER_ID + len(PEOPLE)))
    record_ids = tuple(FIRST_RECORD_ID + 3 * number for number in range(RECORDS))
    slugs = {
        record_id: f"{rng.choice(CREATORS)}-{rng.choice(SERIES)}-{number}"
        for number, record_id in enumerate(record_ids)
        if number % 40 != 39
    }
    _insert_terms(connection, installed)
    _insert_people(connection, user_ids, installed)
    described = [installed + timedelta(days=rng.randrange(800)) for _ in record_ids]
    connection.execute(
        object_.insert(),
        [
            _object(record_id, "QubitInformationObject", moment)
            for record_id, moment in zip(record_ids, sorted(described), strict=True)
        ],
    )
    connection.execute(
        slug.insert(), [{"object_id": record_id, "slug": text} for record_id, text in slugs.items()]
    )
    connection.execute(
        setting.insert(), {"id": 1, "name": "hits_per_page", "scope": None, "source_culture": "en"}
    )
    connection.execute(setting_i18n.insert(), {"id": 1, "culture": "en", "value": "10"})
    cultures = {i: _culture_of(person) for i, person in zip(user_ids, PEOPLE, strict=True)}
    return Surroundings(user_ids, cultures, record_ids, slugs, last_id=record_ids[-1])


def _culture_of(person: Person) -> str:
    return next(iter(person.names), "en")


def _object(object_id: int, class_name: str, created_at: datetime) -> dict[str, Any]:
    return {
        "id": object_id,
        "class_name": class_name,
        "created_at": created_at,
        "updated_at": created_at,
    }


def _insert_terms(connection: Connection, created_at: datetime) -> None:
    connection.execute(
        object_.insert(), [_object(term_id, "QubitTerm", created_at) for term_id in TERMS]
    )
    connection.execute(
        term.insert(),
        [
            {"id": term_id, "taxonomy_id": JOB_STATUS_TAXONOMY, "source_culture": "en"}
            for term_id in TERMS
        ],
    )
    connection.execute(
        term_i18n.insert(),
        [
            {"id": term_id, "culture": culture, "name": name}
            for term_id, names in TERMS.items()
            for culture, name in names.items()
        ],
    )


def _insert_people(connection: Connection, user_ids: tuple[int, ...], created_at: datetime) -> None:
    people = list(zip(user_ids, PEOPLE, strict=True))
    connection.execute(
        object_.insert(), [_object(user_id, "QubitUser", created_at) for user_id in user_ids]
    )
    connection.execute(
        actor.insert(),
        [
            {
                "id": user_id,
                "parent_id": ROOT_ACTOR_ID,
                "source_culture": _culture_of(person),
            }
            for user_id, person in people
        ],
    )
    connection.execute(
        actor_i18n.insert(),
        [
            {"id": user_id, "culture": culture, "authorized_form_of_name": name}
            for user_id, person in people
            for culture, name in person.names.items()
        ],
    )
    connection.execute(
        user.insert(),
        [
            {
                "id": user_id,
                "username": person.username,
                "email": f"{person.username}@example.org",
                "active": int(person.active),
                "salt": person.password.salt,
                "password_hash": person.password.password_hash,
            }
            for user_id, person in people
        ],
    )
    connection.execute(acl_group.insert(), [{"id": group_id} for group_id in GROUPS])
    connection.execute(
        acl_user_group.insert(),
        [
            {"user_id": user_id, "group_id": person.group_id}
            for user_id, person in people
            if person.group_id
        ],
    )
