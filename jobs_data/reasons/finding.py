"""Find the line of a text that says why something failed.

It knows the forms of the platforms and their programs: Heratio's `ERROR:` lines, AtoM's and other logs
with a level, exceptions of PHP, Java and Python with their chains, the consoles of Symfony and Laravel,
JSON, HTML, and messages of shells.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass, replace
from enum import IntEnum
from typing import Final

from jobs_data.plain_text import encodable
from jobs_data.reasons import documents
from jobs_data.reasons import lines as log
from jobs_data.reasons.lines import Level, lines_of
from jobs_data.reasons.marks import marked_lines

REASON_CHARACTERS: Final = 8_000
"""The longest part of the line that is returned."""

END_LINES: Final = 30
"""If no line is marked as an error, how many of the last lines are searched for words of failure."""

JOINED_LINES: Final = 5
MOST_DOCUMENTS: Final = 50


class Weight(IntEnum):
    """How much a line says about why something failed."""

    FINE = 0
    """It reports success."""
    PLAIN = 1
    """It reports no failure."""
    VAGUE = 2
    """It says that something failed, not why."""
    HINT = 3
    """A warning, or words of failure near the end."""
    ERROR = 4
    """It is marked as an error."""
    FATAL = 5
    """It ended the program."""


@dataclass(frozen=True)
class Reason:
    """The line of a text that best says why something failed."""

    text: str
    """Its message in one line, without time, level and place in the code."""
    line: int
    """Its place in `lines_of` the text, from 0."""
    weight: Weight
    others: int = 0
    """How many more lines are marked as errors."""


@dataclass(frozen=True)
class _Found:
    text: str
    line: int
    weight: Weight
    in_log: bool = False
    """Whether it is a record with a time: of these the last counts, of `ERROR:` lines the first."""
    is_named: bool = False
    """Whether it names a class of exceptions, so that it was thrown if a stack trace follows."""


_PHP: Final = re.compile(
    r"(?:<br ?/?>\s*)?(?:PHP\s+)?(?:<b>)?"
    r"(?P<kind>(?:(?:catchable|recoverable) )?fatal error|parse error|compile error"
    r"|core error|warning|notice|deprecated)(?:</b>)?:\s{1,3}",
    re.IGNORECASE,
)
_DEEPER: Final = re.compile(r"caused by: |\[previous exception\] ", re.IGNORECASE)
_OUTER: Final = re.compile(
    r"Next (?=[\w\\]*(?:Exception|Error)\b|\w+\\)"
    r"|During handling of the above|The above exception was the direct"
)
_THROWN: Final = re.compile(
    r"exception in thread \"[^\"]{0,200}\" "
    r"|(?:php )?(?:fatal error:\s+)?uncaught (?:exception )?(?=['\"\w\\])"
    r"|unhandled exception[.:]? |caused by: |\[previous exception\] |\[object\] \(|\+ exception ",
    re.IGNORECASE,
)
_CLASS: Final = re.compile(
    r"(?P<class>\\?[A-Za-z_][\w.\\$]{0,300})(?:\(code: ?(?P<code>\w{1,12})\))?"
    r"(?P<colon>:\s|:$|$)(?P<message>.*)",
    re.DOTALL,
)
_THROWABLE: Final = re.compile(
    r"(?:Exception|Error|Throwable|Interrupt|Failure|Fault|Expired|Timeout|SystemExit|StopIteration"
    r"|BadZipFile|ExceptionGroup)(?:_\w{1,30})?$"
)
_BASE_CLASSES: Final = {"Exception", "Error", "ErrorException", "java.lang.Exception"}
_SYMFONY: Final = re.compile(r"In \S+ line \d+:$")
_SYMFONY_CLASS: Final = re.compile(r"\[\\?(?P<class>[\w\\]*(?:Exception|Error))\]$")
_GROUP_BAR: Final = re.compile(r"[\s|]*\|\s?")
_CODE_PLACE: Final = re.compile(
    r"(?:,? called)?(?:,? in| at|,)"
    r"\s(?:[A-Za-z]:)?[/\\][^\n:]{1,400}\.\w{2,6}(?:\(\d+\)|:\d+| on line \d+)\)?\s*$"
    r"|,? at \S{1,200}\.php:\d+\)\s*$"
)
_NAME_OPENED: Final = re.compile(r'[^\W\d]{2,20} \d+ "[^"]*$')
_SHELL_DEATH: Final = re.compile(
    r"(?P<pid>\S{1,100}: (?:line \d+: )?\s*\d+\s+)?"
    r"(?:killed|segmentation fault|bus error|aborted|illegal instruction|out of memory"
    r"|oom-killed|terminated|trace/breakpoint trap)(?(pid)\b.*|(?: \(core dumped\))?[.!]?)$",
    re.IGNORECASE,
)
_EXCEPTION_IN_CONTEXT: Final = re.compile(
    r'\{"exception":"\[object\] \((?P<class>[\w\\]{1,300})'
    r"\(code: (?P<code>\w{1,12})\): (?P<message>.*)",
    re.DOTALL,
)
_CONSOLE_ERROR: Final = re.compile(
    r'Error thrown while running command "[^\n]{0,300}"\. Message: "(?P<message>[^"]+)"'
)
_MONOLOG_CONTEXT: Final = re.compile(r'(?<=[^:\s])\s+(?:\{"|\[\] ?(?:\[\]|\{)|\{\} )')
_JSON: Final = re.compile(r'[{"]|\[\s*[{"]')
_OUTPUT_OF_PROCESS: Final = re.compile(r"error output:$", re.IGNORECASE)


def find_reason(text: str, *, is_output: bool = False) -> Reason | None:
    """Return the line that best says why something failed; None if all lines are blank.

    Without a marked error, an error text has the reason first. An output (`is_output`) has it last,
    and may have lines without failures.
    """
    lines = lines_of(text)
    if found := _of_document(text, lines, is_output=is_output):
        return found
    found_lines = _Scan(lines, is_output=is_output).run()
    if not found_lines:
        return None
    best = _best(found_lines, is_output=is_output)
    is_error = best.weight is Weight.ERROR
    errors = [one for one in found_lines if one.weight is Weight.ERROR] if is_error else []
    return Reason(_one_line(best.text), best.line, best.weight, max(0, len(errors) - 1))


def error_lines(output: str, *, is_failed: bool = False) -> list[int]:
    """Return which of an output's `lines_of` are errors, from 0, in order.

    They are the lines that `outputs.count_errors` counts. Of a failed job (`is_failed`) without any,
    those that say why, such as exceptions.
    """
    marked = [line for line, level, _ in marked_lines(output) if level >= Level.ERROR]
    if marked or not is_failed:
        return marked
    found = _Scan(lines_of(output), is_output=True).run()
    return [one.line for one in found if one.weight >= Weight.ERROR]


def _of_document(text: str, lines: Sequence[str], *, is_output: bool) -> Reason | None:
    """Return the reason in a text that is JSON or markup, or of an error text with a page in it."""
    whole = text.strip()
    if _JSON.match(whole) and whole[-1] in '}]"' and (message := documents.json_error(whole)):
        reason = find_reason(message) if "\n" in message.strip() else None
        shown = reason.text if reason else _one_line(message)
        # Where in the value: the line that has the beginning of the message.
        start = shown.split('"')[0].split(" (")[0][:40]
        line = next((at for at, one in enumerate(lines) if start in one), None)
        first = next(at for at, one in enumerate(lines) if one.strip())
        weight = Weight.VAGUE if log.is_vague(shown) else Weight.ERROR
        return Reason(shown, first if line is None else line, weight)
    if (whole[:1] == "<" or not is_output) and (markup := documents.markup_error(text)):
        message, position = markup
        return Reason(_one_line(message), len(lines_of(text[:position])) - 1, Weight.ERROR)
    return None


class _Scan:
    """One pass over the lines of a text, which collects the reasons in them."""

    def __init__(self, lines: Sequence[str], *, is_output: bool) -> None:
        self._lines = [self._unwrapped(line) for line in lines]
        self._is_output = is_output
        self._found: list[_Found] = []
        self._root: int | None = None
        """Where in `_found` the root of the exception chain is that is being read."""
        self._is_outer = False
        """Whether the next exception was thrown while that one was handled."""
        self._is_traceback = False
        self._level: tuple[int, Level] | None = None
        """The line and the level of the log record before."""
        self._documents = 0

    def run(self) -> list[_Found]:
        """Return what was found, in order."""
        blank = len([1 for line in self._lines if line.strip()]) - END_LINES
        number, seen = 0, 0
        while number < len(self._lines):
            line = self._lines[number].strip()
            if not line:
                number += 1
                continue
            seen += 1
            number += self._read(number, line, is_near_end=seen > blank)
        return self._found

    def _unwrapped(self, line: str) -> str:
        """Return what a program wrote that AtoM ran, each line of which AtoM logs as an error.

        Source: AtoM's `arFindingAidJob::logCmdOutput`.
        """
        found = log.OF_PROGRAM.match(line)
        if found is None:
            return line
        own = line[found.end() :]
        has_form = (
            log.is_frame(own.strip())
            or log.is_java_header(own)
            or log.read_record(own).level is not None
            or self._exception_text(own) is not None
        )
        return own if has_form else f"ERROR: {own}"

    def _read(  # noqa: PLR0911 - a return for each form of a line
        self, number: int, line: str, *, is_near_end: bool
    ) -> int:
        """Read the line of a number, and return how many lines were read with it."""
        if "|" in line[:40] and self._is_traceback:
            line = _GROUP_BAR.sub("", line, count=1)
        lowered = line[:30].lower()
        if lowered.startswith(
            ("traceback (most recent", "exception group traceback", "+ exception group")
        ):
            self._is_traceback = True
            return 1
        if _OUTER.match(line):
            self._is_outer = True
            if not lowered.startswith("next "):
                return 1
            line = line[5:]
        if log.is_pointer(line):
            # The line above, at which it points, is code and no reason.
            if self._found and self._found[-1].line == number - 1:
                self._found.pop()
            return 1
        if log.is_frame(line):
            self._frame(number)
            return 1
        if self._is_traceback:
            return self._traceback(number, line, is_near_end=is_near_end)
        if _SYMFONY.match(line) or _SYMFONY_CLASS.match(line):
            return self._console(number, line)
        if log.is_java_header(line):
            self._level = (number, Level.INFO)
            return 1 + self._java_record(number)
        if _OUTPUT_OF_PROCESS.match(line):
            # Symfony's ProcessFailedException: what the program itself wrote says more.
            self._found = [
                replace(one, weight=Weight.VAGUE) for one in self._found if one.weight > Weight.PLAIN
            ]
            return 1
        return self._line(number, line, is_near_end=is_near_end)

    def _line(self, number: int, line: str, *, is_near_end: bool) -> int:
        record = log.read_record(line)
        level, message = record.level, record.message.strip()
        if level is not None:
            self._level = (number, level)
        is_step = level is None or level is Level.INFO
        if is_step and not log.is_suspect(message) and (self._is_output or not message.endswith(":")):
            if message:
                self._found.append(_Found(message, number, Weight.PLAIN))
            return 1
        if php := _PHP.match(line if line.startswith("<") else message or line):
            base = line if line.startswith("<") else message or line
            kind = php["kind"].lower()
            if kind in {"notice", "deprecated"}:
                return 1
            is_fatal = kind.endswith("error")
            rest = re.sub(r"</?b>|<br ?/?>", "", base[php.end() :])
            text = self._exception_text(rest) or rest
            self._add(number, text, Weight.FATAL if is_fatal else Weight.HINT, starts_chain=is_fatal)
            return 1
        if level is None and self._exception(number, message):
            return self._joined(number)
        if level is None:
            return self._unmarked(number, message, is_near_end=is_near_end)
        return self._marked(number, message, level, has_time=record.has_time)

    def _marked(self, number: int, message: str, level: Level, *, has_time: bool) -> int:
        """Read a line that has a level."""
        read = 1
        if _NAME_OPENED.match(message):
            # The name of AtoM's job continues in the next line.
            for at in range(number + 1, min(number + 4, len(self._lines))):
                if '": ' in self._lines[at]:
                    message, read = self._lines[at].partition('": ')[2].strip(), at - number + 1
                    break
        exception = _EXCEPTION_IN_CONTEXT.search(message)
        if context := _MONOLOG_CONTEXT.search(message):
            message = message[: context.start()]
        elif level >= Level.WARNING:
            message = self._of_json(message) or message
        if level < Level.WARNING:
            thrown_text = self._exception_text(message)
            weight = Weight.HINT if thrown_text else Weight.PLAIN
            self._found.append(_Found(thrown_text or message, number, weight))
            return read
        if exception and (log.is_vague(message) or level < Level.ERROR):
            thrown = f"{exception['class']}(code: {exception['code']}): {exception['message']}"
            message = self._exception_text(thrown.replace("\\\\", "\\")) or message
        thrown_text = self._exception_text(message) if level >= Level.ERROR else None
        message = thrown_text or message
        if console := _CONSOLE_ERROR.search(message):
            message = console["message"]
        weight = {Level.WARNING: Weight.HINT, Level.ERROR: Weight.ERROR, Level.FATAL: Weight.FATAL}[
            level
        ]
        if read == 1 and (not message or message.endswith(":")):
            more, read = self._following(number)
            message = f"{message} {more}".strip()
        # A log's writer goes on after an error: the last record counts, whatever its level.
        weight = min(weight, Weight.ERROR)
        message = message or self._lines[number].strip()
        self._add(number, message, weight, in_log=has_time, starts_chain=bool(exception or thrown_text))
        return read

    def _unmarked(self, number: int, message: str, *, is_near_end: bool) -> int:
        """Read a line without a level."""
        if self._is_output and _SHELL_DEATH.match(message) and not log.is_vague(message):
            self._add(number, message, Weight.FATAL)
            return 1
        if found := self._of_json(message):
            self._add(number, found, Weight.ERROR)
            return 1
        read = 1
        if message.endswith(":") and (log.says_failure(message) or not self._is_output):
            more, read = self._following(number)
            message = f"{message} {more}".strip()
        if log.is_vague(message) and not log.says_fine(message):
            self._found.append(_Found(message, number, Weight.VAGUE))
            return read
        if (
            not self._is_output
            or not is_near_end
            or log.says_fine(message)
            or not log.says_failure(message)
        ):
            self._found.append(_Found(message, number, Weight.PLAIN))
            return read
        self._add(number, message, Weight.HINT)
        return read

    def _add(
        self,
        number: int,
        text: str,
        weight: Weight,
        *,
        in_log: bool = False,
        starts_chain: bool = False,
    ) -> None:
        text = _CODE_PLACE.sub("", text[:REASON_CHARACTERS]).strip()
        if log.is_vague(text):
            weight = Weight.VAGUE
        self._root = len(self._found) if starts_chain else None
        self._found.append(_Found(text, number, weight, in_log))

    def _frame(self, number: int) -> None:
        """Read a line of a stack trace: the line above it was thrown, unless it was logged."""
        last = self._found[-1] if self._found else None
        if last is None or number - last.line > JOINED_LINES:
            return
        is_sentence = last.weight in {Weight.PLAIN, Weight.HINT} and self._root is None
        if (is_sentence and number - last.line <= 2) or last.is_named:
            self._found[-1] = replace(last, weight=Weight.FATAL)

    def _exception(self, number: int, message: str) -> bool:
        """Read a line without a level that names a class of exceptions; return whether it does."""
        text = self._exception_text(message)
        if text is None:
            return False
        is_deeper = _DEEPER.match(message) is not None
        before = self._level
        logged = (
            before is not None and before[0] in {number - 1, number - 2} and before[1] < Level.ERROR
        )
        weight = Weight.HINT if logged else Weight.ERROR
        weight = Weight.FATAL if _THROWN.match(message) else weight
        self._thrown(number, text, weight, is_deeper=is_deeper, is_named=not logged)
        return True

    def _thrown(
        self, number: int, text: str, weight: Weight, *, is_deeper: bool, is_named: bool = False
    ) -> None:
        """Note an exception: of a chain, the root alone counts."""
        text = _CODE_PLACE.sub("", text[:REASON_CHARACTERS]).strip()
        weight = Weight.VAGUE if _says_nothing(text) else weight
        found = _Found(text, number, weight, is_named=is_named and weight is not Weight.VAGUE)
        root, is_outer = self._root, self._is_outer
        self._is_outer = False
        if root is not None and (is_outer or is_deeper):
            known = self._found[root]
            if (is_deeper and weight is not Weight.VAGUE) or known.weight is Weight.VAGUE:
                self._found[root] = replace(
                    found, weight=max(weight, known.weight) if weight is not Weight.VAGUE else weight
                )
            return
        last = self._found[-1] if self._found else None
        # A log has the message first, then the exception with the same message.
        if (
            last
            and last.weight is Weight.ERROR
            and last.text
            and last.text in text
            and number - last.line <= JOINED_LINES
        ):
            self._root = len(self._found) - 1
            self._found[-1] = replace(last, weight=weight)
            return
        self._root = len(self._found)
        self._found.append(found)

    def _traceback(self, number: int, line: str, *, is_near_end: bool) -> int:
        """Read a line below the head of one of Python's tracebacks."""
        raw = self._lines[number].lstrip(" |+")
        indent = len(self._lines[number]) - len(raw)
        before = next((at for at in range(number - 1, -1, -1) if self._lines[at].strip()), number)
        above = self._lines[before]
        # Code is indented below its file's line; what was thrown is not.
        if log.is_frame(above.strip(" |")) and indent > len(above) - len(above.lstrip(" |+")):
            return 1
        found = _CLASS.match(line)
        if found is None:
            # An indented line is code; any other shows that the traceback was cut.
            self._is_traceback = indent > 0
            return 1 if indent > 0 else self._line(number, line, is_near_end=is_near_end)
        read = 1
        if found["colon"].strip() and not found["message"].strip():
            more, read = self._following(number)
            line = f"{line} {more}"
        self._thrown(number, line, Weight.FATAL, is_deeper=False)
        # The exceptions of a group follow.
        self._is_traceback = "sub-exception" in line
        return read

    def _console(self, number: int, line: str) -> int:
        """Read a block of Symfony's console, outermost exception first."""
        more, read = self._block(number + 1)
        if named := _SYMFONY_CLASS.match(line):
            more = f"{named['class']}: {more}"
        elif named := _SYMFONY_CLASS.match(more.split("  ")[0].strip()):
            more = f"{named['class']}: {more.split(']', 1)[1].strip()}"
        if not more:
            return 1
        at = next((n for n in range(number + 1, number + 1 + read) if self._lines[n].strip()), number)
        self._thrown(at, more, Weight.FATAL, is_deeper=self._root is not None)
        return 1 + read

    def _java_record(self, number: int) -> int:
        """Read the second line of a record of Java's own log, and return how many lines that are."""
        if number + 1 >= len(self._lines):
            return 0
        word, colon, message = self._lines[number + 1].strip().partition(":")
        if not colon or " " in word.strip():
            return 0
        level = log.LEVELS.get(word.strip().lower(), Level.ERROR)
        self._level = (number + 1, level)
        return self._marked(number + 1, message.strip(), level, has_time=True)

    def _exception_text(self, message: str) -> str | None:
        """Return an exception's message with its class, None if a message names no exception."""
        rest, is_thrown = message, False
        while lead := _THROWN.match(rest[: log.LOOKED_AT]):
            rest, is_thrown = rest[lead.end() :], True
        # A log writes an exception's line breaks as `\\n`.
        found = _CLASS.match(rest.split("\\n", 1)[0] if is_thrown or "(code:" in rest else rest)
        if found is None or not (
            (is_thrown and found["colon"].strip()) or _THROWABLE.search(found["class"])
        ):
            return rest if is_thrown and not found else None
        name, said, code = (
            found["class"].lstrip("\\"),
            _CODE_PLACE.sub("", found["message"]).strip(),
            found["code"],
        )
        if not said and not is_thrown and "\\" not in name and "." not in name and name[:1].islower():
            return None
        if code and code != "0" and code not in said:
            said = f"{said} (code: {code})"
        if not said:
            return name
        return said if name in _BASE_CLASSES and not log.is_vague(said) else f"{name}: {said}"

    def _joined(self, number: int) -> int:
        """Add the next line to an exception without a message; return how many lines were read."""
        at = self._root
        if at is None or self._found[at].line != number:
            return 1
        found = self._found[at]
        is_bare = re.fullmatch(r"[\w.\\$]+", found.text) is not None
        if not is_bare and not found.text.endswith(":"):
            return 1
        more, read = self._following(number)
        if more and not (is_bare and log.read_record(more).has_time):
            text = f"{found.text.rstrip(':')}: {more}"
            weight = Weight.VAGUE if _says_nothing(text) else Weight.FATAL
            self._found[at] = replace(found, text=_CODE_PLACE.sub("", text), weight=weight)
            return read
        return 1

    def _following(self, number: int) -> tuple[str, int]:
        """Return the next line unless it is blank or of a trace, and how many lines are then read."""
        for at in range(number + 1, min(number + 4, len(self._lines))):
            line = self._lines[at].strip()
            if line and not log.is_frame(line) and not log.is_java_header(line):
                message = log.read_record(line).message
                return self._of_json(message) or message, at - number + 1
            if line:
                break
        return "", 1

    def _block(self, number: int) -> tuple[str, int]:
        """Return the next lines up to a blank one as one, and how many lines are then read."""
        at = number
        while at < len(self._lines) and not self._lines[at].strip():
            at += 1
        first = at
        while at < len(self._lines) and at - first < JOINED_LINES * 4 and self._lines[at].strip():
            at += 1
        return " ".join(line.strip() for line in self._lines[first:at]), at - number

    def _of_json(self, message: str) -> str | None:
        if ("{" not in message and '"' not in message[:1]) or self._documents >= MOST_DOCUMENTS:
            return None
        self._documents += 1
        found = documents.json_error(message)
        if found is None or "\n" not in found.strip():
            return found
        reason = find_reason(found)
        return reason.text if reason else None


def _says_nothing(text: str) -> bool:
    """Return whether neither class nor message of an exception is a reason."""
    name, _, said = text.partition(": ")
    if "sub-exception" in text:
        return True
    return log.is_vague(said) and (bool(said.strip()) or name in _BASE_CLASSES)


def _best(found: Sequence[_Found], *, is_output: bool) -> _Found:
    """Return the best reason."""
    top = max(one.weight for one in found)
    if not is_output and top in {Weight.VAGUE, Weight.HINT}:
        # In an error text every line that is not vague may be the reason.
        says = (one.weight is Weight.PLAIN and not log.says_nothing(one.text) for one in found)
        top = Weight.PLAIN if any(says) else top
    of_top = [one for one in found if one.weight is top]
    if top is Weight.PLAIN:
        in_order = of_top[::-1] if is_output else of_top
        telling = (one for one in in_order if not log.says_nothing(one.text))
        silent = replace(in_order[0], weight=Weight.FINE)
        # A success at the end of an output overrides failures above it.
        return silent if is_output and log.says_fine(silent.text) else next(telling, silent)
    if top is Weight.ERROR:
        return of_top[-1] if of_top[-1].in_log else next(one for one in of_top if not one.in_log)
    if top is Weight.FATAL:
        return of_top[-1]
    if top is Weight.HINT and is_output:
        return _first_of_last_cluster(of_top)
    return of_top[-1] if is_output else of_top[0]


def _first_of_last_cluster(found: Sequence[_Found]) -> _Found:
    """Return the first of the last consecutive errors: the others follow from it.

    Nothing follows from a retried error.
    """
    first = found[-1]
    for one in reversed(found[:-1]):
        if first.line - one.line > 2 or log.is_tried_again(one.text):
            break
        first = one
    return first


def _one_line(text: str) -> str:
    return " ".join(encodable(text[:REASON_CHARACTERS]).split())


def choose(texts: Sequence[tuple[str, bool]]) -> tuple[int, Reason] | None:
    """Return which of some texts has the reason, and the reason; None if all are blank.

    Each is a text and whether it is an output. The first specific reason wins, else the first text
    that reports a failure.
    """
    best, said = None, 0
    for at, (text, is_output) in enumerate(texts):
        reason = find_reason(text, is_output=is_output) if text.strip() else None
        if reason and (best is None or _says(reason, is_output=is_output) > said):
            best, said = (at, reason), _says(reason, is_output=is_output)
        if said == _SPECIFIC:
            break
    return best


_SPECIFIC: Final = 2


def _says(reason: Reason, *, is_output: bool) -> int:
    """Return how specific a reason is: nothing, a failure, or a specific reason."""
    if reason.weight >= Weight.HINT or (reason.weight is Weight.PLAIN and not is_output):
        return _SPECIFIC
    return 1 if reason.weight is Weight.VAGUE else 0
