"""Names of result files: which are secrets, how a disk may spell them, how they are shown."""

from __future__ import annotations

import os
import re
import unicodedata
from collections.abc import Iterator
from contextlib import suppress
from typing import Final

# Jobs make CSV, XML, EAD, PDF, RTF, JSON, text, ZIP, office and image files, and none of these.
_SECRET: Final = re.compile(
    # Settings, keys, databases and PHP, anywhere in a name: `config.php.bak`, `x.PHP~`, `dump.sql.gz`.
    r"\.(ph(p[a-z]*|t|tml|ar)|inc|env|ini|ya?ml|toml|neon|conf|config|cfg|cnf|properties|htaccess"
    r"|htpasswd|key|pem|p12|pfx|jks|keystore|ppk|kdbx|sql|sqlite|mdb|frm|ibd|myd|db|dump"
    r")[0-9]*(?![a-z0-9])"
    # Other code and its copies, only at the end: `finding-aid.pl.pdf` is in Polish.
    r"|\.(module|twig|tpl|py[cow]?|p[lm]|rb|lua|go|cs?|h|cpp|java|class|jar|war|[cm]?jsx?|tsx?|vue|jsp"
    r"|aspx?|cgi|bash|z?sh|bat|cmd|ps1|exe|dll|so|lock)(~|\.(bak|old|orig|save|swp|tmp|dist))*$"
    r"|^id_(rsa|dsa|ecdsa|ed25519)",
    re.IGNORECASE,
)

# These reverse the text that follows, on the screen and in a folder of downloads.
_BIDI_MARKS: Final = re.compile("[\u061c\u200e\u200f\u202a-\u202e\u2066-\u2069]")
_HARMFUL: Final = frozenset({"Cc", "Cs", "Zl", "Zp"})


def is_secret(name: str) -> bool:
    """Return whether a file or folder with this name is never served: hidden, code or a secret."""
    return name.startswith(".") or _SECRET.search(name) is not None


def shown(name: bytes) -> str:
    """Return a file's name as text for a screen, a header and a user's disk.

    Bytes that are no UTF-8 are read as Windows-1252, which older platforms wrote. Control characters,
    line breaks and marks of direction become `_`.
    """
    try:
        text = name.decode("utf-8")
    except UnicodeDecodeError:
        text = name.decode("cp1252", "replace")
    text = _BIDI_MARKS.sub("_", text)
    return "".join("_" if unicodedata.category(c) in _HARMFUL else c for c in text)


def spellings(folder: int, name: str) -> Iterator[bytes]:
    """Yield the spellings that the disk may have for a name in the database, the likeliest first.

    The name itself, its composed and decomposed forms (a Mac writes the latter), its bytes in
    Windows-1252 and Latin-1 (which also mends UTF-8 that was read as one of these), and, where bytes
    were lost on the way, the one name in the folder with which it agrees in all others. Raises
    UnicodeEncodeError for a name that no file can have.
    """
    forms = [name, unicodedata.normalize("NFC", name), unicodedata.normalize("NFD", name)]
    found = [form.encode("utf-8", "surrogateescape") for form in forms]
    for encoding in ("cp1252", "latin-1"):
        with suppress(UnicodeEncodeError):
            found.append(name.encode(encoding))
    yield from dict.fromkeys(found)
    if "\ufffd" in name:
        # The descriptor of a folder without the right to list it cannot be listed.
        listable = os.open(".", os.O_RDONLY | os.O_DIRECTORY, dir_fd=folder)
        try:
            with os.scandir(listable) as entries:
                there = [os.fsencode(entry.name) for entry in entries]
        finally:
            os.close(listable)
        alike = [entry for entry in there if entry.decode("utf-8", "replace") == name]
        if len(alike) == 1:
            yield alike[0]
