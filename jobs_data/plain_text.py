"""Text of other programs for the screen: without control codes and invisible characters.

Downloads and exports do not use this: their text is unchanged.
"""

from __future__ import annotations

import re
from typing import Final

PANEL_CHARACTERS: Final = 400_000
"""How much of a text a panel shows: its beginning and its end, half of each."""

LINE_BEGINNING: Final = 1_000
LINE_END: Final = 300
"""How much of a line that is longer than both a panel shows."""

# Source: ECMA-48, sections 5.4, 5.6 and 8.3.89, and ECMA-35, 13.2: control sequences, control strings
# (titles, hyperlinks), and what else begins with an escape character, in their 7-bit and 8-bit forms.
_CONTROL_CODES: Final = re.compile(
    r"(?:\x1b\[|\x9b)[0-?]*+[ -/]*+[@-~]"
    r"|(?:\x1b[\]PX^_]|[\x90\x98\x9d-\x9f])[^\x07\x1b\x80-\x9f\n\r]*+(?:\x07|\x1b\\|\x9c)"
    r"|\x1b[ -/]*+[0-~]"
)
_BEYOND_TEXT: Final = re.compile(r"[\b\r\x1b\x90-\x9f]")
"""Characters of control codes, backspaces and progress bars; most texts have none."""
_TO_FIRST_COLUMN: Final = re.compile(r"(?:\x1b\[|\x9b)[01]?G")
_ERASES_LINE: Final = re.compile(r"(?:\x1b\[|\x9b)[02]?K")
_LINE_END: Final = re.compile(r"(?<!\r)\r*+\n|[\v\f\x85\u2028\u2029]")
# Source: Unicode, Default_Ignorable_Code_Point, but for joiners and variation selectors, which change
# the characters beside them; with the control characters, and what belongs to no text.
_UNSEEN: Final = (
    "\0-\x08\x0b-\x1f\x7f-\x9f\xad\u034f\u061c\u115f\u1160\u17b4\u17b5\u180e\u200b\u200e\u200f"
    "\u2028-\u202e\u2060-\u206f\u3164\ufeff\uffa0\ufff0-\ufffb\ufffe\uffff\U0001d173-\U0001d17a"
    "\U000e0000-\U000e00ff"
)
_UNSEEN_IN_LINES: Final = re.compile(f"[{_UNSEEN}]")
_UNSEEN_IN_A_LINE: Final = re.compile(f"[{_UNSEEN}\t\n]")

# What a state of a progress bar has, and a line of a log seldom: a percentage, `3/10`, `3 of 10`, a
# bar, a spinner, or dots at its end.
_PROGRESS_MARK: Final = re.compile(
    r"\d\s?%|(?<![\d/])\d+\s?(?:/|of|von|sur|de|van|di)\s?\d+(?![\d/])|--:--"
    r"|\[[ #=>.*+\-]{2,}\]|[\u2501\u2580-\u259f\u2800-\u28ff]|(?<!\S)[|/\\\-](?!\S)|\.\.\s*$"
)
_PROGRESS_CHARACTERS: Final = 1_000
_IS_A_PROBLEM: Final = re.compile(r"\W*(?:err|warn|fail|fatal|crit|emerg|alert|except)", re.IGNORECASE)
_UNIT: Final = re.compile(r"[kmgt]?i?b(?:/s|ps)?|[hms]|ms|min|secs?|it/s|s/it", re.IGNORECASE)
_EDGES: Final = ".…,:;()[]<>|#=*+-?"


def panel(text: str) -> str:
    """Return a text for a panel: as a terminal shows it, cut, with invisible characters named."""
    if len(text) > PANEL_CHARACTERS:
        half = PANEL_CHARACTERS // 2
        text = f"{text[:half]}\n{_gap(len(text) - 2 * half)}\n{text[-half:]}"
    return visible("\n".join(cut_line(line)[0] for line in as_printed(text).split("\n")))


def cut_line(line: str) -> tuple[str, int]:
    """Return a line with its middle left out where it is long, and how many characters that is."""
    more = len(line) - LINE_BEGINNING - LINE_END
    if more <= 0:
        return line, 0
    return f"{line[:LINE_BEGINNING]} {_gap(more)} {line[-LINE_END:]}", more


def as_printed(text: str) -> str:
    """Return the lines that a terminal shows after a program has printed a text, with LF between them.

    CR, LF, CRLF and the line ends of Unicode end a line. Where a line is a progress bar, written again
    and again after a CR, only its last state is kept: see `_is_rewritten`. Backspaces remove
    characters; escape sequences are left out.
    """
    text = _LINE_END.sub("\n", text)
    if not _BEYOND_TEXT.search(text):
        return text
    return "\n".join(line for row in text.split("\n") for line in _lines_of_row(row))


def visible(text: str) -> str:
    """Return a text with a visible sign for each invisible character, except tabs and line feeds.

    These are control characters, characters without a width, and those that reverse the text after
    them (Unicode, annex 9).
    """
    return text if text.isprintable() else _UNSEEN_IN_LINES.sub(_sign, text)


def encodable(text: str) -> str:
    """Return a text that has UTF-8, with `?` for each lone surrogate: JSON can escape such halves."""
    return text.encode("utf-8", "replace").decode("utf-8")


def on_one_line(text: str) -> str:
    """Return a text, such as a name, with a visible sign for each invisible character and line end."""
    return text if text.isprintable() else _UNSEEN_IN_A_LINE.sub(_sign, text)


def _sign(character: re.Match[str]) -> str:
    # Unicode has pictures of control characters, but most fonts do not.
    return f"\u2039U+{ord(character[0]):04X}\u203a"


def _gap(characters: int) -> str:
    return f"… {characters:,} characters left out …"


def _lines_of_row(row: str) -> list[str]:
    """Return the lines in the text between two line feeds."""
    states = _TO_FIRST_COLUMN.sub("\r", row).split("\r")
    if len(states) == 1:
        return [_printed(row)]
    lines: list[str] = []
    empty = 0
    for state in states:
        line = _printed(state)
        if not line.strip():
            empty += bool(lines)
            continue
        if lines and (_erases(state, lines[-1]) or _is_rewritten(lines[-1], line)):
            lines[-1] = line
        else:
            lines += [*[""] * empty, line]
        empty = 0
    return [*lines, *[""] * empty] or [""]


def _printed(state: str) -> str:
    text = _CONTROL_CODES.sub("", state)
    if "\b" not in text:
        return text
    characters: list[str] = []
    for character in text:
        if character != "\b":
            characters.append(character)
        elif characters:
            characters.pop()
    return "".join(characters)


def _erases(state: str, before: str) -> bool:
    """Return whether a state erases its line: all at its beginning, or the rest at its end.

    Compilers erase the rest of each line too: an error there is kept.
    """
    if _ERASES_LINE.match(state):
        return True
    return _ERASES_LINE.search(state) is not None and not _IS_A_PROBLEM.match(before)


def _is_rewritten(state: str, following: str) -> bool:
    """Return whether a text is a state of a progress bar that the next state replaces.

    It must look like one, and both must have the same words up to the end of the shorter. Otherwise
    the CR between them is a line end: an extra line is better than a lost error.
    """
    if len(state) > _PROGRESS_CHARACTERS or _IS_A_PROBLEM.match(state):
        return False
    if not _PROGRESS_MARK.search(state):
        return False
    pairs = zip(_words(state), _words(following[:_PROGRESS_CHARACTERS]), strict=False)
    return all(word == other for word, other in pairs)


def _words(state: str) -> list[str]:
    """Return the words of a state of a progress bar, without figures, units, bars and dots."""
    words = (word.strip(_EDGES) for word in state.split() if not any(map(str.isdigit, word)))
    return [word for word in words if any(map(str.isalpha, word)) and not _UNIT.fullmatch(word)]
