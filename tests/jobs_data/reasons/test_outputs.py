"""What an output says, in outputs of both platforms' job classes and in texts that look like errors."""

from datetime import datetime
from typing import NamedTuple

import pytest

from jobs_data.reasons.finding import error_lines, find_reason
from jobs_data.reasons.outputs import (
    CUT_BYTES,
    CUT_CHARACTERS,
    MOST_ERRORS,
    count_errors,
    cut_at,
    is_waiting_in,
    last_time_in,
    read_output,
    row_errors,
)
from jobs_data.reasons.parameters import MOST_DEPTH
from tests.support.outputs import read_outputs

OUTPUTS = read_outputs()
ATOM = '[{}] [2026-11-25 09:14:02] Job 4711 "arFileImportJob": {}\n'


class Said(NamedTuple):
    """What an output says."""

    errors: int = 0
    warnings: int = 0
    lines: tuple[int, ...] = ()
    first: str = ""
    closing: str = ""


FAILED_CONVERSION = "Converting the XSL-FO document to a pdf file has failed."
SECTOR = (
    "Sector classification failed for #9120 (imported but may not appear under a sector-filtered "
    "browse): SQLSTATE[42S02]: Base table or view not found"
)
RETRY = "Another sensitive job is being executed, will retry in 10 seconds"
EXPECTED = {
    "atom-csv-check": Said(),
    "atom-csv-export": Said(closing="Exported 1204 records"),
    "atom-csv-export-nothing": Said(closing="No relevant records were found to export"),
    "atom-dates": Said(),
    "atom-exception": Said(
        1, 0, (2,), "Either the eventId or eventTypeId parameter must be specified."
    ),
    "atom-export-fr": Said(closing="1 204 notices exportées"),
    "atom-failed-pt": Said(
        1, 0, (2,), "Erro: não foi possível encontrar um objeto de informação com id: 1"
    ),
    "atom-finding-aid": Said(
        closing="Finding aid generated successfully: downloads/ministry-of-errors.pdf"
    ),
    "atom-finding-aid-failed": Said(
        2, 0, (3, 4), FAILED_CONVERSION, "Generating a public finding aid (letters)"
    ),
    "atom-import": Said(),
    "atom-import-fr": Said(2, 1, (3, 4), "Ligne 12 : aucun parent « F-1 »."),
    "atom-import-kept-file": Said(
        1,
        0,
        (3,),
        "Failed to delete temporary file /tmp/TMP1 -- please check your folder permissions.",
    ),
    "atom-import-pt": Said(2, 0, (3, 4), "Linha 7: pai não encontrado"),
    "atom-import-refused": Said(3, 1, (15, 20, 29), "CSV Column Count Test"),
    "atom-import-rows": Said(0, 3, closing="Updated: 8"),
    "atom-index": Said(closing="Updated 120 descriptions"),
    "atom-move": Said(),
    "atom-name-with-lines": Said(1, 0, (2,), "Row 3: bad date"),
    "atom-old-exports": Said(closing="Exported 1000 items"),
    "atom-program-severe": Said(1, 0, (3,), "Exception"),
    "atom-program-unmarked": Said(2, 1, (3, 8), "Converting the XSL-FO to pdf has failed."),
    "atom-publication-fr": Said(closing="57 descriptions mises à jour"),
    "atom-publication-pt": Said(closing="57 descrições atualizadas"),
    "atom-report": Said(closing="No results found for box label report"),
    "atom-rights": Said(),
    "atom-waited": Said(),
    "atom-waiting": Said(closing=RETRY),
    "atom-waiting-fr": Said(
        closing="Une autre tâche sensible est en cours, nouvel essai dans 10 secondes"
    ),
    "atom-wrong-alarms": Said(closing="Exported 3 records"),
    "heratio-finding-aid": Said(),
    "heratio-finding-aid-failed": Said(
        1,
        0,
        (1,),
        "Information object ID 99 not found.",
        "Generating finding aid for information object ID 99",
    ),
    "heratio-finding-aid-no-pdf": Said(0, 1),
    "heratio-import-bad-xml": Said(
        2,
        0,
        (1, 2),
        "XML parse error line 12: Opening and ending tag mismatch: did line 10 and c",
        "0 records imported",
    ),
    "heratio-import-complete": Said(closing="120 records imported"),
    "heratio-import-no-file": Said(
        1,
        0,
        (1,),
        "Import file not found: /var/www/heratio/storage/app/private/imports/error.csv",
        "Starting csv import: informationObject (update: create)",
    ),
    "heratio-import-nothing": Said(
        2, 0, (1, 2), "Row 2: missing authorizedFormOfName. Skipping.", "0 records imported"
    ),
    "heratio-import-one": Said(closing="1 record imported"),
    "heratio-import-reindex-error": Said(
        2,
        0,
        (1, 3),
        "Row 8: column count mismatch (expected 18, got 19). Skipping.",
        "40 records imported",
    ),
    "heratio-import-row-errors": Said(
        4,
        0,
        (1, 2, 3, 4),
        "Row 3: column count mismatch (expected 18, got 17). Skipping.",
        "116 records imported",
    ),
    "heratio-import-timeout": Said(closing="Import failed: App\\Jobs\\ImportJob has timed out"),
    "heratio-import-xml": Said(1, 0, (2,), SECTOR, "15 records imported"),
    "heratio-json": Said(closing="120 processed, 118 imported, 2 skipped"),
    "heratio-json-empty": Said(),
    "heratio-json-errors": Said(2, 1, (0,), "No such parent", "120 processed, 2 failed"),
    "heratio-json-message": Said(3, 0, (0,), "", "Synchronised 12 records"),
    "heratio-laravel-log": Said(1, 1, (1,), "Row 7: Bad date", "12 records imported"),
    "heratio-wrong-alarms": Said(closing="3 records imported"),
}


def said_by(output: str) -> Said:
    """Return what an output says."""
    counts, facts = count_errors(output), read_output(output)
    assert (facts.errors, facts.warnings) == (counts.errors, counts.warnings)
    lines = tuple(error_lines(output))
    return Said(counts.errors, counts.warnings, lines, facts.first_error, facts.closing)


@pytest.mark.parametrize("name", OUTPUTS)
def test_what_each_output_says(name: str) -> None:
    """Counts, lines, the first error and the closing line; with colours and other line ends, too."""
    output = OUTPUTS[name]
    assert said_by(output) == EXPECTED[name]
    if not name.startswith("heratio-json"):
        coloured = "".join(f"\x1b[31m{line}\x1b[0m\r\n" for line in output.split("\n")[:-1])
        assert said_by(coloured or output) == EXPECTED[name]


def test_each_output_is_expected() -> None:
    """No file is left out, and none is missing."""
    assert OUTPUTS.keys() == EXPECTED.keys()


ROW_3 = "column count mismatch (expected 18, got 17). Skipping."
ROWS = {
    "heratio-import-row-errors": [
        (1, 3, ROW_3),
        (3, 12, OUTPUTS["heratio-import-row-errors"].split("\n")[3].partition("Row 12: ")[2]),
        (4, 19, 'Undefined array key "levelOfDescription"'),
    ],
    "heratio-import-bad-xml": [
        (1, 12, "Opening and ending tag mismatch: did line 10 and c"),
        (2, 40, "Premature end of data in tag ead line 2"),
    ],
    "heratio-laravel-log": [(1, 7, "Bad date")],
    "atom-import-fr": [
        (3, 12, "aucun parent « F-1 »."),
        (4, 19, "date illisible"),
        (5, 20, "la colonne « notes » est inconnue"),
    ],
    "atom-import-pt": [(3, 7, "pai não encontrado"), (4, 8, "erro de banco de dados")],
    "atom-import-rows": [
        (5, 1, "WARNING: Column 'title ' has whitespace before or after its name."),
        (7, 3, "Unable to match row. Skipping record: Letters home (id: F-12)"),
        (
            8,
            9,
            "legacyId 19: could not find parentId 7 in key_map table or existing data. Setting parent "
            "to default...",
        ),
    ],
    "atom-exception": [],
    "atom-program-severe": [],
}


@pytest.mark.parametrize("name", ROWS)
def test_errors_of_rows_have_their_numbers(name: str) -> None:
    """In any language; the words of an exception and of a database are no rows."""
    found = [(error.line, error.row, error.message) for error in row_errors(OUTPUTS[name])]
    assert found == ROWS[name]


@pytest.mark.parametrize(
    "line", ["ERROR: Error 1045: Access denied", "ERROR: Code 5: x", "Row 5: fine", "ERROR: 7: x"]
)
def test_what_is_no_row(line: str) -> None:
    """A number after another word, or in a line that is no error."""
    assert row_errors(f"{line}\n") == []


def test_parameters_are_pairs_of_text() -> None:
    """PHP's escapes are read; nested values are compact JSON; of a cut line the rest is there."""
    output = OUTPUTS["atom-import-fr"]
    file = '{"name":"décès 1911.csv","tmp_name":"/tmp/TMP9"}'
    known = (("importType", "csv"), ("objectType", "informationObject"))
    whole = (*known, ("file", file), ("name", "arFileImportJob"), ("id", "4740"))
    assert read_output(output).parameters == whole
    assert read_output(output[: output.index("rmationObject")]).parameters == (
        known[0],
        ("objectType", "info…"),
    )
    cut = read_output(output[: output.index(" 1911")]).parameters[2]
    assert cut == ("file", '{"name":"décès…')
    assert read_output("Parameters: {}\n").parameters == ()


@pytest.mark.parametrize(
    "value", ["[]", "{", '{"a":', '{"a":"\\ud83d"}', '{"a":[[[', "null", '"x"', "x"]
)
def test_parameters_that_are_none_are_no_trouble(value: str) -> None:
    """What follows may be anything: a value that has no UTF-8 is shown with a replacement."""
    found = read_output(ATOM.format("info", f"Parameters: {value}")).parameters
    assert str(found).encode()


@pytest.mark.parametrize("text", [r"half a character: \ud83d", r"\udc00 is the other half"])
def test_half_characters_have_utf_8(text: str) -> None:
    """JSON can escape them alone; no file, store or message to a browser can have one."""
    failed = f'{{"error": "{text}", "message": "{text}"}}'
    facts = read_output(failed)
    parameters = read_output(ATOM.format("info", f'Parameters: {{"{text}": "{text}"}}')).parameters
    reason = find_reason(failed)
    assert reason
    for found in (facts.first_error, facts.closing, reason.text, *parameters[0]):
        assert "half" in found
        assert found.encode()


DEEP = f'{"[" * MOST_DEPTH}"…"{"]" * MOST_DEPTH}'


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        (r'{"b":2,"a\q":1,"c":3', (("b", "2"),)),
        (f'{{"b":2,"a":{"[" * 500}{"]" * 500},"c":3}}', (("b", "2"), ("a", DEEP), ("c", "3"))),
    ],
    ids=["no escape of JSON", "nested too deep"],
)
def test_the_other_parameters_are_read(value: str, expected: tuple[tuple[str, str], ...]) -> None:
    """Those before a name that is no JSON, and those beside a value of too many levels."""
    assert read_output(ATOM.format("info", f"Parameters: {value}")).parameters == expected


def test_a_job_that_waits_repeats_one_line() -> None:
    """AtoM logs the parameters after the wait; exports of an older version count on."""
    waiting = {name for name, output in OUTPUTS.items() if is_waiting_in(output)}
    assert waiting == {"atom-waiting", "atom-waiting-fr"}
    assert not is_waiting_in(OUTPUTS["atom-waiting"] + ATOM.format("err", "Retries"))


def test_the_last_time_is_the_last_line_s() -> None:
    """A line may have none, and a time that does not exist is none."""
    last = datetime(2026, 11, 25, 9, 18, 32)
    assert last_time_in(OUTPUTS["atom-csv-export"] + "no time\n[2026-02-31 09:14:02] x") == last
    assert last_time_in("[2026-02-31 09:14:02] x") is None
    assert last_time_in(OUTPUTS["heratio-import-one"]) is None


def test_an_output_of_just_that_length_was_cut() -> None:
    """AtoM counts characters; a column of the type TEXT bytes, and it keeps no half character."""
    lines = ATOM.format("err", "Row 3: Bad date.") * 1_000
    whole = read_output(lines[:CUT_CHARACTERS])
    assert (whole.cut_at, whole.errors) == ("65,534 characters", lines[:CUT_CHARACTERS].count('": '))
    assert not read_output(lines[: CUT_CHARACTERS - 1]).cut_at
    assert read_output(lines[:2_000], lines[-2_000:], characters=CUT_CHARACTERS, size=70_000).cut_at
    assert cut_at(CUT_BYTES, CUT_BYTES) == cut_at(30_000, CUT_BYTES - 1) == "65,535 bytes"
    assert not cut_at(CUT_BYTES - 2, CUT_BYTES - 2)


def test_the_larger_number_counts() -> None:
    """Of a cut output only the closing line is there, or the closing line is lost."""
    closing = "Import finished with 7 error(s). 120 record(s) imported.\n"
    assert count_errors(f"…\n{closing}").errors == 7
    assert error_lines(f"…\n{closing}") == [1]
    assert count_errors("ERROR: x\n" * 9 + closing).errors == 9
    assert count_errors("ERROR: x\n" * 3).errors == 3
    assert count_errors(f"A title: {closing}").errors == 0


@pytest.mark.parametrize(
    ("output", "errors"),
    [
        ("", 0),
        ('{"errors": 0}', 0),
        ('{"errors": [], "error": null, "failed": false}', 0),
        ('{"error": "Boom"}', 1),
        ('{"result": {"Errors": 12}}', 12),
        ('{"title": "errors", "errors": "none"}', 0),
        ('{"processed": 5, "errors": 4, "cut": "here', 4),
        ("{errors}", 0),
        (f'{{"errors": {"9" * 30}}}', MOST_ERRORS),
        (f'{{"errors": -{"9" * 30}, "failed": NaN, "exception": Infinity, "error": 1e400}}', 0),
        (f'[{{"errors": {MOST_ERRORS}}}, {{"errors": {MOST_ERRORS}}}]', MOST_ERRORS),
        ("Errors: 999999999\nWarnings: 0\n" * 2, MOST_ERRORS),
        ('[{"errors": ["a"]}, 5, {"failed": 2}, [], null]', 3),
        ("{\r\n[err]\r\nErrors: 3\nWarnings: 1\n", 3),
        (ATOM.format("warning", "x") + "Errors: 3\nWarnings: 1\n", 3),
        ("[]", 0),
        ('"errors"', 0),
        ("5", 0),
        ("[error] of the Ministry", 0),
        ("[31mERROR: x[0m", 1),
        ("50%\rERROR: x", 1),
        (ATOM.format("notice", "x") + ATOM.format("debug", "x"), 0),
        (ATOM.format("alert", "x") + ATOM.format("emerg", "x"), 2),
        (ATOM.format("info", "a title\nERROR: of two lines"), 0),
    ],
)
def test_the_same_rule_for_the_number_and_the_lines(output: str, errors: int) -> None:
    """What has errors has a line to go to, and what has none has no line."""
    assert count_errors(output).errors == errors
    assert bool(error_lines(output)) == bool(errors)


def test_a_failed_job_without_marks_is_searched_for_reasons() -> None:
    """An exception ends a job; in a job that was completed it is no mark of the platform."""
    output = "Start\nPHP Fatal error:  Uncaught Exception: No space left in /x.php:3\n"
    assert error_lines(output) == []
    assert error_lines(output, is_failed=True) == [1]
