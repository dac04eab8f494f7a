"""The platform's languages: the fallbacks for a text that is missing in the configured one."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Final

ENGLISH: Final = "en"


def fallbacks(culture: str) -> tuple[str, ...]:
    """Return the configured culture and the more general ones, step by step: de-AT, de_AT, de.

    The platform writes underscores. A character set, as in `fr_CA.UTF-8`, belongs to no culture.
    """
    steps = [re.sub(r"\.[^@]*", "", culture).replace("-", "_")]
    while shorter := re.sub(r"[@_][^@_]*$", "", steps[-1]):
        if shorter == steps[-1]:
            break
        steps.append(shorter)
    return tuple(dict.fromkeys([culture, *steps]))


def preference(culture: str, *source_cultures: str) -> Callable[[str], int]:
    """Return an expression that ranks the cultures of a text, the best lowest.

    First those that `culture` falls back to, then the text's source culture, then English, then any.
    """
    chain = [_plain(each) for each in (*fallbacks(culture), *source_cultures, ENGLISH)]
    ranks = {each: chain.index(each) for each in chain}
    return lambda found: ranks.get(_plain(found), len(chain))


def _plain(culture: str) -> str:
    return culture.replace("-", "_").lower()
