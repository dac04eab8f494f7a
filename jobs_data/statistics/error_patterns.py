"""Error texts whose varying parts are folded, so that the same reason has the same pattern."""

from __future__ import annotations

import re
from typing import Final

from jobs_data.reasons.lines import without_colours

PATTERN_CHARACTERS: Final = 300
"""The length of a pattern. A text is folded before it is cut, so that no long value splits a group."""

FOLDED_CHARACTERS: Final = 20_000

_FIRST_MARK: Final = 0xE000
"""The first of the private characters that stand for codes while the rest is folded."""
_MARKS: Final = dict.fromkeys(range(_FIRST_MARK, 0xF900))

# Codes, which stay the same for the same error.
_CODES: Final = re.compile(
    r"""
    \bSQLSTATE\[\w+\] (?: :? \s* \[?\d{1,5}\b | :\s [^\d:\n]{0,200} :\s \d{1,5}\b )?
  | \bHTTP(?:/\d(?:\.\d)?)? \s+ (?: (?:error|code|status|status\s+code) [\s:=]+ )? \d{3}\b
  | \bSQL(?:STATE|CODE) [\s:=]+ -?\w{3,6}\b
  | (?<![^\W_])["']?(?:[a-z]{0,40}error|err(?:no)?|code|status|hresult|signal|http|ftp|smtp|exit
      |response|rc|fehler(?:code|nummer)?|erreur|errore?|c[oó]digo|codice|statut|foutcode|felkod|kod
      |błędu|код|ошибк[аи]|エラーコード|错误代码|錯誤代碼|오류)
      (?: [\s_-]* (?:code|number|no\.|nr\.?|n[°º]|№|ошибки|błędu|코드) )? ["']?
      (?: (?:(?<=code)|(?<=status)) \s (?:is|was|of(?=\s[1-5]\d\d\b)) )?
      [\s:=\#(\[]{0,3}
      (?: (?-i:[A-Z]{0,3})-?\d{1,5}\b | 0x[0-9a-f]{1,8}\b | "\d{1,5}" | '\d{1,5}' )
  | \breturned \s \d{1,2} (?=[.,;:)]|$)
  | \bexited (?:\s with)? \s \d{1,3}\b
  | \bcode: \s? (?=\d{0,4}[a-z])(?=[a-z]{0,4}\d)[0-9a-z]{5}\b
  | \bcurl:\s \(\d{1,3}\)
  | \b(?:returned|responded|resulted|replied|answered|said|failed|refused|rejected|denied|got)
      (?:\s(?:with|in)|:)? (?:\s an?)?
      \s [`'"]? [45]\d\d\b (?: \s [A-Z][A-Za-z\ ]{1,40} [`'"] )?
      (?! \s (?!error|response|status|for\b|from\b|to\b|on\b)[a-z] )
  | \b(?:failed|error|response|request|refused|rejected|denied|found|forbidden|unauthorized|unavailable
      |gateway|storage|large|timeout) \s [(\[] [45]\d\d [)\]]
  | (?<![\w\#]) [1-5]\d\d \s? [:–-]? \s? (?= (?-i: (?:Client|Server)\sError | Not\sFound
      | Bad\s(?:Request|Gateway) | Forbidden | Unauthorized | Internal\sServer
      | Service\s(?:Temporarily\s)?Un | Gateway\sTime | Too\sMany | Payload\sToo
      | Content\sToo | Request\s(?:Entity|Time|URI) | Conflict\b | Gone\b | Method\sNot
      | Insufficient\sSt | Precondition | Unprocessable ) )
  | \((?:\d{3,5}),\s (?=["']) | \b0x8[0-9a-f]{7}\b
  | \b(?:ORA|PLS|TNS|RMAN|KUP|DPI|DPY)-\d{4,5}\b
  | \b(?:X[A-Z]|FO|SX|SE)[A-Z]{2}\d{4}\b
  | \b(?:UTF-|ISO-8859-|SHA-?|MD|PDF/A-|EAD\ |latin-?|base|CP|Windows-)\d{1,5}\b
    """,
    re.IGNORECASE | re.VERBOSE,
)

_MONTH: Final = (
    r"(?:jan|jän|ene|gen|sty|янв|feb|fév|fev|lut|фев|mar|mär|mrt|maa|мар|apr|avr|abr|kwi|апр|may|mai|maj|mei|mag|мая"
    r"|май|jun|juin|giu|cze|июн|jul|juil|lug|lip|июл|aug|aoû|aou|ago|sie|авг|sep|set|wrz|сен|oct|okt|out|ott|paź|окт"
    r"|nov|lis|ноя|dec|dez|déc|dic|des|gru|дек)[^\W\d_]{0,8}\.?"
)
_WEEKDAY: Final = (
    r"(?:(?:mon|tues|wednes|thurs|fri|satur|sun)day|mon|tue|wed|thu|fri|sat|sun|(?:mon|diens|donners|frei|sams|sonn)tag"
    r"|mittwoch|lundi|mardi|mercredi|jeudi|vendredi|samedi|dimanche|lunes|martes|miércoles|jueves|viernes|sábado|domingo"
    r"|(?:segunda|terça|quarta|quinta|sexta)-feira|maandag|dinsdag|woensdag|donderdag|vrijdag|zaterdag|zondag)\.?,?"
)
_ZONE: Final = (
    r"(?:\s?(?:Z\b|(?:UTC|GMT)?[+-]\d\d:?\d\d\b)|\s(?:UTC|GMT|[A-Z]{2,3}[SD]?T|Uhr)\b)?"
    r"(?:\[[A-Z][\w+-]*/[\w/+-]{1,40}\])?"
)
_CLOCK: Final = (
    rf"\d\d?:\d\d(?::\d\d(?:[.,]\d+)?)?(?:\s?[ap]\.?m\b\.?)?{_ZONE}"
    r"|\d\d?\s?[ap]\.?m\b\.?|\d\d?h\d\d\b|\d\d?\.\d\d\sUhr\b"
)

_EXTENSIONS: Final = (
    "csv|tsv|txt|xml|json|jsonl|ndjson|pdf|zip|t?gz|tar|7z|rar|bz2|xz|jpe?g|png|gif|tiff?|jp2|bmp|svg|webp|mp[34]|m4[av]"
    "|mov|avi|mkv|wav|flac|ogg|webm|docx?|xlsx?|pptx?|od[tsp]|rtf|x?html?|xslt?|xsd|fo|dtd|php|phtml|py|java|class|jar|sql"
    "|log|tmp|bak|lock|sock|pid|ini|conf|env|ya?ml|md|epub|warc|ead|mets|mods|eml|msg|mbox|iso|dng|nef|cr2|psd|ai|indd"
    "|dwg|dat|bin|db|sqlite|rdf|ttl|vtt|srt|sh|bat|exe|dll|so|part"
)
_NAME: Final = r"[\w%+~@&=#-]"
"""A character of a file's name but for the dot."""

_DIGITS: Final = "0123456789"
_IN_PATH: Final = r"[^\s'\",;:()\[\]<>]"

# What varies: characters of which a text must have one, a pattern, and what is put in its place. No
# pattern begins in the middle of what it has just failed on: the time is that of the length alone.
# Between alike quotation marks an opening one follows no word, and a closing one is followed by none:
# an apostrophe within a word is neither. What is opened far before the end and never closed was cut.
_FOLDS: Final = tuple(
    (frozenset(needs), re.compile(pattern, re.IGNORECASE), put)
    for needs, pattern, put in (
        # Laravel puts the values into the statement as they are: of that, the verb and the table count.
        (
            "(",
            r"\((?:Connection: [^()\n]{0,300}?, )?SQL: (?P<verb>(?:insert(?: ignore)? into|replace into"
            r"|delete from|(?:alter|create|drop) table)(?= )|\w+)(?: [`\"\[]?(?P<table>\w+))?[\s\S]*",
            r"(SQL: \g<verb> \g<table> …)",
        ),
        (":", r"(?<![\w+.-])[a-z][a-z0-9+.-]{1,10}://[^\s'\"<>`“”„‘’»]+", "<address>"),
        ("@", r"(?<![\w.+-])[\w.+-]+@[\w-]+(?:\.[\w-]+)+", "<e-mail>"),
        ("-", r"\b[0-9a-f]{8}-(?:[0-9a-f]{4}-){3}[0-9a-f]{12}\b", "<uuid>"),
        *(
            (
                mark,
                rf"(?<!\w){mark}(?:[^{mark}\n]|(?<=\w){mark}(?=\w))*{mark}(?!\w)|(?<!\w){mark}[^{mark}\n]{{150,}}$",
                f"{mark}…{mark}",
            )
            for mark in ("'", '"')
        ),
        ("`", r"`[^`\n]*`|`[^`'\n]*'", "“…”"),
        ("„‚‟‛", r"(?<!\w)[„‚‟‛](?:[^„‚“”‘’\"\n]|(?<=\w)’(?=\w))*[“”‘’\"](?!\w)", "“…”"),
        ("“”", r"“[^“”\"\n]*[“”\"]|(?<!\w)”[^”\n]*”(?!\w)", "“…”"),
        ("«»‹›", r"«[^«»\n]*»|»[^«»\n]*«|‹[^‹›\n]*›|›[^‹›\n]*‹", "“…”"),
        ("‘’", r"‘(?:[^‘’\n]|(?<=\w)’(?=\w))*’|(?<!\w)’(?:[^’\n]|(?<=\w)’(?=\w))*’(?!\w)", "“…”"),
        (
            "「『《〈〝【",
            r"「[^「」\n]*」|『[^『』\n]*』|《[^《》\n]*》|〈[^〈〉\n]*〉|〝[^〝〟\n]*〟|【[^【】\n]*】",
            "“…”",
        ),
        ("„“«‘「『《", r"[„“«‘「『《][^„“”«»‘’「」『』《》\n]{150,}$", "“…”"),
        ("[({", r"\b(with params|parameters:|bindings:) ?[\[({][^\n]*", r"\1 …"),
        (_DIGITS, rf"\b\d{{4}}([-/.])\d\d?\1\d\d?(?!\d)(?:[T ]\s?(?:{_CLOCK}))?", "<time>"),
        (_DIGITS, r"(?<![\d.])\d\d?(?:\.\s?|/|-)\d\d?(?:\.\s?|/|-)\d{4}\b", "<time>"),
        (
            _DIGITS,
            rf"\b\d\d?(?:st|nd|rd|th|er|\.|º)?[\s/-](?:de\s|of\s)?{_MONTH}[\s/-]?,?(?:de\s|del\s)?\s?\d{{4}}\b"
            rf"(?:\sг\.)?(?::(?=\d\d:\d\d)(?:{_CLOCK}))?",
            "<time>",
        ),
        (
            _DIGITS,
            rf"\b(?=[^\W\d_]{{3,12}}\.?\s\d){_MONTH}"
            rf"(?:\s\d\d?(?:st|nd|rd|th)?(?:\s(?:{_CLOCK}))?,?)?\s\d{{4}}\b",
            "<time>",
        ),
        (
            ":",
            rf"\b\d\d?(?:\.|\s)\s?{_MONTH}(?=\s(?:{_CLOCK}))|\b(?=[^\W\d_]{{3,12}}\.?\s\d){_MONTH}\s\d\d?(?=\s(?:{_CLOCK}))",
            "<time>",
        ),
        (
            "年",
            r"\d{4}\s?年\s?\d\d?\s?月\s?\d\d?\s?日(?:\s?\d\d?\s?時\s?(?:\d\d?\s?分)?(?:\s?\d\d?\s?秒)?)?",
            "<time>",
        ),
        (_DIGITS, rf"(?<![\w:.])(?:{_CLOCK})(?![:\d])", "<time>"),
        (">", rf"\b{_WEEKDAY}\s<time>", "<time>"),
        (">", rf"<time>(?:(?:,|\s-)?\s(?:at\s|um\s|à\s|a\slas\s|às\s|om\s)?<time>)+{_ZONE}", "<time>"),
        (".", r"\b\d{1,3}(?:\.\d{1,3}){3}(?::\d+)?(?:/\d\d?)?\b(?!\.\d)", "<address>"),
        (
            ":",
            r"(?<![\w:])(?=[0-9a-f:]{0,39}\d)(?:[0-9a-f]{0,4}:){2,7}[0-9a-f]{1,4}(?![\w:])",
            "<address>",
        ),
        # What stands in brackets at the end of a file's name, such as `(2)`, is part of it.
        (".", rf" ?\([^()\n]{{1,30}}\)(?=\.(?:{_EXTENSIONS})\b)", ""),
        # A drive's or a server's path may have blanks up to its last backslash.
        (
            "\\/",
            rf"(?<![\w/<])(?:[a-z]:[\\/]|\\\\[\w.$-]+\\)"
            rf"(?:[^\s'\",;:()\[\]<>\\/]+(?: [^\s'\",;:()\[\]<>\\/]+){{0,4}}[\\/])*{_IN_PATH}*",
            "<path>",
        ),
        ("/", rf"(?<![\w/<])(?:~/|\.{{0,2}}/)(?:\\ |{_IN_PATH})+", "<path>"),
        (
            "/",
            rf"(?<!{_NAME}|[./])(?:{_NAME}|\.)+/(?:(?:{_NAME}|\.)+/)+(?:{_NAME}|\.)*{_NAME}",
            "<path>",
        ),
        (
            "\\/",
            rf"(?<!{_NAME}|[./\\])(?:{_NAME}|\.)+[\\/](?:(?:{_NAME}|\.)+[\\/])*(?:{_NAME}|\.)*\.(?:{_EXTENSIONS})\b",
            "<path>",
        ),
        (".", rf"(?<!{_NAME}|[./\\])(?:{_NAME}|\.)+\.(?:{_EXTENSIONS})\b(?!\()", "<file>"),
        # A path with blanks of which the last part has an extension.
        (">", rf"<path>(?:(?: {_NAME}+/{_IN_PATH}*){{0,3}} (?:<path>|<file>))+", "<path>"),
        (_DIGITS, r"\b0x[0-9a-f]+\b|\b(?=[a-f]*\d)(?=\d*[a-f])[0-9a-f]{8,}\b", "<hex>"),
    )
)
_NUMBER: Final = re.compile(
    r"(?:(?<![\w.)>])[-−])?(?:(?<![^\W_])|(?<=[^\W\d_])(?=\d{3})|(?<=[\u2e80-\uffef]))"
    r"\d+(?:[.,'’ \u00a0\u202f]\d{3}(?!\d))*(?:[.,]\d+)*"
    r"(?:\s?[kmgtp]i?b\b|[kmg]\b|(?:ns|[mµu]?s|h|min)\b|(?:st|nd|rd|th)\b)?",
    re.IGNORECASE,
)


def fold(text: str) -> str:
    """Return a text with its addresses, paths, files, names in quotes, times, ids and numbers folded.

    At most PATTERN_CHARACTERS. An error's code stays as it is, for another code is another reason: a
    number of up to five digits after "error", "errno", "code", "status", "exit", "signal", "HTTP" or
    "SQLSTATE[…]", where a colon, an equals sign, a number sign or a bracket may stand between, PDO's
    code after the words of a SQLSTATE ("SQLSTATE[40001]: Serialization failure: 1213"), HTTP's before
    its words ("404 Not Found"), and Oracle's.
    """
    text = " ".join(without_colours(text[:FOLDED_CHARACTERS]).translate(_MARKS).split())
    codes: list[str] = []

    def mark(code: re.Match[str]) -> str:
        if len(codes) >= len(_MARKS):
            return "<number>"
        codes.append(code[0])
        return chr(_FIRST_MARK + len(codes) - 1)

    text = _CODES.sub(mark, text)
    has = {*text, ">"}
    for needs, varying, put in _FOLDS:
        if not needs.isdisjoint(has):
            text = varying.sub(put, text)
    text = _NUMBER.sub("<number>", text)
    for number, code in enumerate(codes):
        text = text.replace(chr(_FIRST_MARK + number), code, 1)
    return text[:PATTERN_CHARACTERS]
