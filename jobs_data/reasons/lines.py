"""Classifies a line of a log: level and message, stack frame, or a sentence without information."""

from __future__ import annotations

import re
from enum import IntEnum
from typing import Final, NamedTuple

from jobs_data.plain_text import as_printed

HEAD_CHARACTERS: Final = 100_000
TAIL_CHARACTERS: Final = 300_000
"""Of a longer text the first and the last characters are read."""

LOOKED_AT: Final = 1_000
"""How much of a line is read to classify it."""

_LOST_COLOUR: Final = re.compile(r"\[\d{1,3}(?:;\d{1,3}){0,4}m")
"""A colour whose escape character was lost."""


class Level(IntEnum):
    """The parts before a log record's message, in order."""

    INFO = 0
    WARNING = 1
    ERROR = 2
    FATAL = 3


class Record(NamedTuple):
    """One log record: its message without time, level and logger."""

    level: Level | None
    message: str
    has_time: bool


# Java translates its levels, and programs their "error".
_WORDS: Final = {
    Level.FATAL: "fatal critical crit alert emergency emerg panic",
    Level.ERROR: "error err severe schwerwiegend grave allvarligt 重大 심각 严重 嚴重 fehler erreur "
    "erro errore fout fel fejl feil virhe hiba hata błąd chyba greška napaka eroare kesalahan ralat "
    "lỗi ошибка помилка грешка σφάλμα خطأ خطا שגיאה エラー 错误 錯誤 오류",
    Level.WARNING: "warning warn warnung avertissement advertencia advertência avvertenza aviso "
    "varning waarschuwing attention 警告 경고",
    Level.INFO: "info information infos informação información informazioni notice debug trace "
    "verbose fine config 情報 信息 資訊 정보",
}
ERROR_WORDS: Final = tuple(f"{_WORDS[Level.FATAL]} {_WORDS[Level.ERROR]}".split())
LEVELS: Final = {word: level for level, words in _WORDS.items() for word in words.split()}

_LEVEL: Final = "|".join(sorted(map(re.escape, LEVELS), key=len, reverse=True))
_LEVEL_FIRST: Final = re.compile(
    rf"""
    [\[<(] (?:\w{{1,20}}:)? (?P<bracketed>{_LEVEL}) [\])>] :? \s* (?:-\s+)?
  | (?:[\w-]{{1,40}}\.)? (?P<colon>{_LEVEL}) \s? [:\uff1a] (?!:) \s*
  | (?P<bare>{_LEVEL}) (?: \s* [|-] \s+ | /\S{{1,60}}\]\s+ | \s+ )
    """,
    re.IGNORECASE | re.VERBOSE,
)
_TIME_FIRST: Final = re.compile(
    r"""
    [\[(]?
    (?: \d{4}[-/.]\d\d?[-/.]\d\d? (?: [T\ ]+ \d\d?[:.]\d\d(?:[:.]\d\d)? (?:[.,]\d+)? )?
      | \d\d?[./-](?:\d\d?|[A-Za-z]{3})[./-]\d{4} (?: [:\ ]+ \d\d?:\d\d(?::\d\d)? )?
      | (?:[A-Z][a-z]{2}\ )? [A-Z][a-z]{2} \ + \d\d? \ \d\d:\d\d:\d\d (?:\.\d+)? (?:\ \d{4})?
      | \d\d?:\d\d:\d\d (?:[.,]\d+)?
    )
    (?: \s? (?: Z | [+-]\d\d:?\d\d | UTC | GMT | CES?T ) )?
    [\])]? [:,]? (?: \s+ (?:-\s+)? | $ )
    """,
    re.VERBOSE,
)
_ATOM_JOB: Final = re.compile(r'[^\W\d]{2,20} \d+ "[^"]{0,300}": ?')
OF_PROGRAM: Final = re.compile(
    rf"\[err\] \[[^\]]{{1,40}}\] {_ATOM_JOB.pattern}ERROR\([^)]{{1,40}}\): ?"
)
_LOGGER_FIRST: Final = re.compile(
    r"(?: \[[^\]]{0,80}\] | [\w.$:/\\#*-]{1,80} (?:\[\d+\])? ) :? \s+ (?:[|-]\s+)?", re.VERBOSE
)
_LOGGER_LAST: Final = re.compile(
    r"(?: \[(?:pid|tid|client|remote)[^\]]{0,80}\] \s* | root: | [\w.$]{1,100} \s+ - \s+ )", re.VERBOSE
)
_MOST_BEFORE_LEVEL: Final = 5

# `Nov 25, 2026 9:14:02 AM org.apache.fop.events.LoggingEventListener processEvent`, in any language.
_JAVA_HEADER: Final = re.compile(
    r"(?=[^\n]{0,40}\b\d{4}\b)(?=[^\n]{0,50}\d[:.]\d\d[:.]\d\d)\S.{10,70}?\s(?:[\w$]+\.)+[\w$]+\s[\w$<>]+$"
)

_FRAME: Final = re.compile(
    r"""
    \#\d+\s
  | at\s (?: [^\s(]+\( | (?:async\s|new\s)?[^(]{0,200}\([^()\s]*:\d+(?::\d+)?\) | \S+:\d+(?::\d+)?\)?$ )
  | \.\.\.\ \d+\ (?:more|common\ frames)
  | (?:\[?stack\s?trace\]?:?|thrown\ in\b.*|\{main\}|"\}\s*|\}\s*)$
  | from\s\S+:\d+:in\s
  | File\ ".{0,300}",\ line\ \d+
  | (?:Suppressed:|Traceback\ \(most\ recent|Exception\ Group\ Traceback)
  | \+[-+\s]*-{4,}
  | \d+▕ | ➜\s+\d+▕
    """,
    re.IGNORECASE | re.VERBOSE,
)

_POINTER: Final = re.compile(r"[~\s-]*\^[~^\s-]*$|~+$")
_TRIED_AGAIN: Final = re.compile(r"\b(?:retry(?:ing)?|trying again|try again in)\b", re.IGNORECASE)

_NO_FAILURE: Final = re.compile(
    r"""
    \b(?:0|no|zero|without(?:\sany)?|keine?|ohne|aucune?|sans|sin|ning[uú]n|sem|nenhum|nessun|senza|geen|zonder)
      \s (?:\w+\s)?
      (?:errors?|failures?|failed|fehler|erreurs?|errore?s?|erros?|errori|fouten|exceptions?|problems?)\b
  | \b(?:errors?|failures?|failed|fehler|erreurs?|errores|erros|errori|exceptions?)(?:\(s\))?
      (?:\s(?:found|occurred|rows?|records?))? \s?[:=]\s* (?:0|none|no(?!\s\w)|null|\[\]|false)\b
  | \berror-free\b
  | ^\W*(?:import|export|job|task)?\s?(?:complete|completed|done|finished|success\w*|ok)\b
      (?!\s+with\s+(?:\S+\s+){0,3}(?:error|fail|problem|warning)|.{0,80}\bfail)
    """,
    re.IGNORECASE | re.VERBOSE,
)

_QUOTED: Final = re.compile(r'"[^"]*"|(?<!\w)\'[^\']*\'(?!\w)|`[^`]*`|“[^”]*”|«[^»]*»')
_FAILURE: Final = re.compile(
    r"""(?<![\w./\\-])(?:
    errors? | npm\serr | fail(?:s|ed|ure|ures)? | fatal | exceptions? | cannot | can['’]t
  | could\s?(?:not|n['’]t) | unable
  | not\s(?:found|permitted|allowed|writable|readable|exist|defined|supported) | no\ssuch | no\sspace
  | denied | refused | forbidden | unauthori[sz]ed | invalid | missing | tim(?:ed|e)\s?out | exceeded
  | exhausted | killed | segmentation\sfault | bus\serror | aborted | terminated | core\sdumped
  | out\sof\s\w*\s?memory | unreachable | unavailable | (?:does|do|is)(?:\snot|n['’]t) | corrupt(?:ed)?
  | mismatch | undefined | unexpected | unrecogni[sz]ed | read-only | gone\saway | lost\sconnection
  | disk\sfull | fehler\w* | fehlgeschlagen | nicht\s(?:gefunden|möglich|gültig) | konnte | kann
  | erreur | échou\w+ | impossible | introuvable | refusée?
  | falh\w+ | erro | não | falló | fallid\w+ | no\sse\spudo | fout | mislukt
    )(?![\w]|[-/\\.]\w)""",
    re.IGNORECASE | re.VERBOSE,
)

# Each word of failure has one of these, and so has what is vague, and each class of exceptions.
_SUSPECT: Final = re.compile(
    "err|fail|fatal|exception|cannot|n't|n’t|not|unable|no such|no space|denied|refus|forbidden"
    "|authori|invalid|missing|time|exceeded|exhausted|kill|segment|abort|terminat|core dump"
    "|out of|unreach|unavail|corrupt|mismatch|undef|unexpect|recogni|read-only|gone away|lost"
    "|full|fehl|nicht|konnte|kann|échou|impossib|introuv|falh|não|falló|fallid|no se|fout"
    "|mislukt|błąd|ошиб|エラー|错误|錯誤|오류"
    "|caused by|next |previous|uncaught|interrupt|fault|expired|warning|exit|zipfile"
    '|iteration|throw|wrong|giving|given|crash|notice|deprecat|null|none|see |[{"]|instruction'
)

_ENDED: Final = r"(?:finished|ended|completed|done|exited|aborted|failed|terminated|stopped|quit)"
_WORK: Final = (
    r"(?:job|task|import|export|process\w*|command|script|conversion|transformation|operation|request|update"
    r"|upload|validation|build|generation|worker|rendering|program|execution|transaction|it)"
)
_ERROR: Final = "fehlern?|erreur|errore|error|erro|fout|fel|fejl|błąd|ошибка|エラー|错误|錯誤|오류"
_OCCURRED: Final = (
    r"(?:aufgetreten|survenue|produite|produci\w{1,3}|ocurri\w{1,3}|ocorr\w{1,3}|opgetreden|verificato|uppstod"
    r"|opstået|wystąpił|произошла|が発生\w{0,8}|发生了?|發生了?)"
)
_VAGUE: Final = re.compile(
    rf"""\W*(?:
    (?:[\w"'./\\:()#-]+\s){{0,6}}?{_ENDED}\swith\s(?:\d+\s|an?\s|some\s|several\s|\w+\s)?
      (?:error|failure|problem|warning|exception|issue)(?:\(s\)|s)?(?!\s*:\s*\S|\s\d)(?:[\s.,;(]+[^:]{{0,120}})?
  | (?:the\s|this\s|your\s)?(?:[\w-]+\s){{0,2}}?{_WORK}\s(?:(?:\S+|"[^"]*")\s)?
      (?:has\s|was\s|is\s|did\s)?(?:been\s)?
      (?:failed|aborted|not\s(?:complete|succeed|finish)\w*|unsuccessful|terminated|interrupted|given\sup|crashed)
      (?:\s(?:with|due\sto|because\sof)\s(?:an?\s)?(?:\w+\s)?errors?)?
  | (?:an?\s|some\s)?
      (?:(?:unknown|unexpected|internal|fatal|general|server|unspecified|unhandled|run-time)\s){{0,2}}
      (?:errors?|failures?|exceptions?|failed|warnings?|fehler|erreur)
      (?:\s(?:has\s|have\s|was\s|were\s)?(?:occurr?ed|happened|encountered|found|detected|reported|thrown))?
  | (?:\S+\s){{0,3}}?errors?\swere\sreported
  | [^:\d"]{{0,40}}(?:{_ERROR})[^:\d"]{{0,20}}{_OCCURRED}
  | [^:\d"]{{0,20}}{_OCCURRED}[^:\d"]{{0,20}}(?:{_ERROR})
  | [^:"]{{0,60}}\b(?:mit|avec|con|com|met|med)\s(?:\S+\s)?(?:{_ERROR})\w?\w?(?:\(\w+\))?(?:\s\w+)?
  | (?:(?:wh)?oops\W+)?(?:looks\slike\s)?something\swent\swrong (?:\W.{{0,60}})?
  | (?:(?:the\s)?(?:\S+\s)?(?:process|command|script|program)\s)?(?:exit(?:ed)?|returned|terminated)
      (?:\swith|\sby)?(?:\snon-zero)?(?:\sexit)?\s(?:code|status|signal)\s?[:=]?\s?\d+
  | (?:please\s)?see\s.{{0,60}}\b(?:logs?|above|below|details)
  | (?:giving\sup|not\stried\sagain|aborting|abort)\b[^:]{{0,80}}
  | [\w\s]{{0,40}}?\b(?:errors?|failed)(?:\(s\))?\s*[:=]\s*\d+
  | (?:found\s)?\d+\s(?:rows?\s|records?\s)?(?:errors?|failed|error\(s\))
  | .{{0,120}}\(\d+\ssub-exceptions?\)
  | null | none | n/a | false | true | undefined
    )\W*$""",
    re.IGNORECASE | re.VERBOSE,
)
# AtoM keeps the file and the line of an exception as notes of their own.
_PLACE: Final = re.compile(
    r"\W*(?:(?:file|line|fichier|ligne|datei|zeile)\s*:?\s*)?(?:\d+|(?:[a-z]:)?[/\\]\S+)\W*$",
    re.IGNORECASE,
)


def without_colours(text: str) -> str:
    """Return a text as a terminal shows it, also without colours whose escape character was lost."""
    return _LOST_COLOUR.sub("", as_printed(text))


def lines_of(text: str) -> list[str]:
    """Return the lines of a text as a terminal shows them, without colours.

    Of a text that is longer than both together, the first HEAD_CHARACTERS and the last TAIL_CHARACTERS.
    """
    if len(text) > HEAD_CHARACTERS + TAIL_CHARACTERS:
        text = f"{text[:HEAD_CHARACTERS]}\n{text[-TAIL_CHARACTERS:]}"
    return without_colours(text).split("\n")


def read_record(line: str) -> Record:
    """Return the level and time before a line's message; a line of no log has neither."""
    rest, has_time, before = line, False, line
    for _ in range(_MOST_BEFORE_LEVEL):
        head = rest[:LOOKED_AT]
        if found := _level_first(head, has_time):
            level, end = found
            if rest[end : end + 1].isdigit() and rest[:5] == "ERROR":
                end = 0  # MySQL's `ERROR 1045 (28000): Access denied`, whose code is part of the reason
            return Record(level, _message(rest[end:]), has_time or bool(_time_at(rest[end:])))
        if end := _time_at(head):
            has_time, before = True, rest[end:]
        elif has_time and (logger := _LOGGER_FIRST.match(head)):
            end = logger.end()
        else:
            break
        rest = rest[end:]
    return Record(None, before, has_time)


def _level_first(head: str, has_time: bool) -> tuple[Level, int] | None:
    found = _LEVEL_FIRST.match(head)
    if found is None:
        return None
    bare = found["bare"]
    rest = head[found.end() :]
    # "Error in row 5" is a sentence; `ERROR  msg`, `ERROR - msg` and `ERROR 1045` are not.
    if bare and not (
        bare.isupper() and (has_time or "  " in found[0] or found[0][-2] in "-|" or rest[:1].isdigit())
    ):
        return None
    return LEVELS[(found["bracketed"] or found["colon"] or bare).lower()], found.end()


def _time_at(text: str) -> int:
    found = _TIME_FIRST.match(text[:LOOKED_AT])
    return found.end() if found else 0


def _message(text: str) -> str:
    """Return a message without the logger's prefix after the level."""
    text = text[_time_at(text) :]
    if job := _ATOM_JOB.match(text):
        return text[job.end() :]
    while logger := _LOGGER_LAST.match(text):
        text = text[logger.end() :]
    return text


def is_frame(line: str) -> bool:
    """Return whether a stripped line is part of a stack trace, but not what was thrown."""
    return _FRAME.match(line[:LOOKED_AT]) is not None


def is_pointer(line: str) -> bool:
    """Return whether a line points at a place in the code above it: `^`, `~~~^^^`."""
    return _POINTER.match(line[:LOOKED_AT]) is not None


def is_tried_again(message: str) -> bool:
    """Return whether a message announces a retry."""
    return _TRIED_AGAIN.search(message[:LOOKED_AT]) is not None


def is_java_header(line: str) -> bool:
    """Return whether a line is the first of a Java log record, whose second has level and message."""
    return len(line) < 300 and _JAVA_HEADER.match(line) is not None


def says_fine(message: str) -> bool:
    """Return whether a message reports success: `0 error(s)`, `Finished without errors`."""
    return _NO_FAILURE.search(message[:LOOKED_AT]) is not None


def says_failure(message: str) -> bool:
    """Return whether a message has a word of failure outside of names and quoted texts."""
    return _FAILURE.search(_QUOTED.sub('""', message[:LOOKED_AT])) is not None


def is_vague(message: str) -> bool:
    """Return whether a message says that something failed, not why."""
    return not message.strip() or _VAGUE.match(_QUOTED.sub('"x"', message[:LOOKED_AT])) is not None


def says_nothing(message: str) -> bool:
    """Return whether a message reports success, or is only a path, a number or a rule."""
    head = message[:LOOKED_AT]
    return says_fine(head) or _PLACE.match(head) is not None or not any(map(str.isalnum, head))


def is_suspect(line: str) -> bool:
    """Return whether a line can be something else than a step of a job, as most lines are."""
    return _SUSPECT.search(line[:LOOKED_AT].lower()) is not None
