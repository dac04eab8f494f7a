"""Which line says why something failed, in what the platforms and their programs write."""

import pytest

from jobs_data.reasons.finding import Weight, choose, find_reason
from jobs_data.reasons.lines import lines_of

ATOM = '[{}] [2026-11-25 09:14:02] Job 4711 "arFileImportJob": {}\n'
IMPORT = (
    "Reading error.csv\nERROR: Row 12: No such parent 'F-1'.\n"
    + "".join(f"Row {n} imported: the Ministry of Errors.\n" for n in range(13, 700))
    + "ERROR: Row 700: Bad date.\n\nImport finished with 2 error(s). 120 record(s) imported.\n"
)
LARAVEL = r"""[2026-11-25 09:14:01] production.INFO: Started {"job":5}
[2026-11-25 09:14:02] production.ERROR: SQLSTATE[23000]: 1062 Duplicate (Connection: mysql, SQL: insert into `x`) {"exception":"[object] (Illuminate\\Database\\QueryException(code: 23000): SQLSTATE[23000]: 1062 Duplicate at /var/www/vendor/x.php:760)
[stacktrace]
#0 /var/www/app/ErrorHandler.php(712): Illuminate\\Database\\Connection->run()
#1 {main}
"""  # noqa: E501 - a record is one line
PHP_CHAIN = r"""Illuminate\Database\QueryException: SQLSTATE[42S02]: No such table in /var/www/c.php:760
Stack trace:
#0 /var/www/a.php(3): x()
#1 {main}

Next RuntimeException: Row 5 could not be imported in /var/www/b.php:3
Stack trace:
#0 {main}"""
FOP = """Running FOP
Nov 25, 2026 9:14:02 AM org.apache.fop.events.LoggingEventListener processEvent
WARNING: Font "Symbol" not found.
Nov 25, 2026 9:14:02 AM org.apache.fop.cli.Main startFOP
SEVERE: Exception
org.apache.fop.apps.FOPException: Failed to transform
\tat org.apache.fop.cli.InputHandler.transformTo(InputHandler.java:302)
Caused by: java.io.FileNotFoundException: /srv/x.fo (No such file or directory)
\tat java.base/java.io.FileInputStream.open0(Native Method)
\t... 23 more
"""
PYTHON_CHAIN = """2026-11-25 09:14:02,123 ERROR worker: Import failed
Traceback (most recent call last):
  File "x.py", line 3, in <module>
    raise KeyError("no such row: error")
    ~~~~~~~~^^^^
KeyError: 'date'

During handling of the above exception, another exception occurred:

Traceback (most recent call last):
  File "x.py", line 5, in <module>
    raise RuntimeError("no")
RuntimeError: Row 5 is bad
2026-11-25 09:14:03,000 INFO worker: Error reported
"""
GROUP = """  + Exception Group Traceback (most recent call last):
  |   File "x.py", line 3, in <module>
  | ExceptionGroup: unhandled errors in a TaskGroup (2 sub-exceptions)
  +-+---------------- 1 ----------------
    | Traceback (most recent call last):
    |   File "x.py", line 9, in a
    |     raise ValueError("bad")
    | ValueError: bad
    +---------------- 2 ----------------
    | TypeError: int
    +------------------------------------
"""
SYMFONY = """
In Connection.php line 712:

  SQLSTATE[HY000] [2002] Connection refused (SQL: select
  * from x)

In Connector.php line 70:

  SQLSTATE[HY000] [2002] No route to host

import:run [--x]
"""
PROCESS = """The command "fop -x" failed.

Exit Code: 127(Command not found)

Output:
================


Error Output:
================
sh: 1: fop: not found
"""
PROGRAM = ATOM.format("err", "Converting the EAD FO to PDF has failed.") + "".join(
    ATOM.format("err", f"ERROR(FOP): {line}") for line in FOP.split("\n")[3:]
)
"""AtoM logs each line of what a program wrote."""

ELASTICSEARCH = (
    '{"error":{"root_cause":[{"type":"index_not_found_exception","reason":"no such index [atom]"}],'
    '"type":"x","reason":"y"},"status":404}'
)

OUTPUTS = {
    "Heratio's import": (IMPORT, "Row 12: No such parent 'F-1'."),
    "Heratio's finding aid": ("Start\nERROR: FOP failed: no heap\nDone.\n", "FOP failed: no heap"),
    "AtoM, translated": (
        ATOM.format("info", "Tâche démarrée")
        + ATOM.format("err", "Ligne 3 : colonne vide")
        + ATOM.format("err", "Fichier introuvable")
        + ATOM.format("info", "Fini"),
        "Fichier introuvable",
    ),
    "AtoM, FOP": (
        PROGRAM + ATOM.format("info", "Job finished."),
        "java.io.FileNotFoundException: /srv/x.fo (No such file or directory)",
    ),
    "AtoM, Saxon": (
        ATOM.format("err", "Transforming the EAD with Saxon has failed.")
        + ATOM.format("err", "ERROR(SAXON): Error on line 2 of x.xml:")
        + ATOM.format("err", "ERROR(SAXON):   SXXP0003: No entity")
        + ATOM.format("err", "ERROR(SAXON): Transformation failed: Run-time errors were reported"),
        "Error on line 2 of x.xml: SXXP0003: No entity",
    ),
    "AtoM, an exception that is no error": (
        ATOM.format("info", "Exception: Disk full") + ATOM.format("info", "Job finished."),
        "Disk full",
    ),
    "AtoM, emerg": (ATOM.format("emerg", "Kaputt") + ATOM.format("info", "x"), "Kaputt"),
    "AtoM, warning alone": (ATOM.format("warning", "Lent") + ATOM.format("info", "x"), "Lent"),
    "AtoM, two lines in a name": ('[err] [2026-11-25 09:14:02] Job 1 "a\nb": Falta\n', "Falta"),
    "AtoM, says nothing last": (
        ATOM.format("err", "Parent 5 is gone.") + ATOM.format("err", "Job ended with an error."),
        "Parent 5 is gone.",
    ),
    "Laravel's log": (
        LARAVEL,
        "SQLSTATE[23000]: 1062 Duplicate (Connection: mysql, SQL: insert into `x`)",
    ),
    "Laravel's log, previous": (
        LARAVEL
        + "\n[previous exception] [object] (PDOException(code: 23000): SQLSTATE[23000]: 1062 Dup"
        ' at /var/www/x.php:760)\n[stacktrace]\n#0 /x.php(1): y()\n"} \n',
        "PDOException: SQLSTATE[23000]: 1062 Dup",
    ),
    "Laravel's console": (
        "   Illuminate\\Database\\QueryException \n\n  SQLSTATE[HY000] [2002] Refused\n\n"
        "  at vendor/laravel/framework/src/Connection.php:825\n    821▕ foo\n",
        "Illuminate\\Database\\QueryException: SQLSTATE[HY000] [2002] Refused",
    ),
    "PHP, uncaught": (
        "PHP Fatal error:  Uncaught PDOException: SQLSTATE[HY000] [2002] Refused in /x.php:12\n"
        "Stack trace:\n#0 /x.php(12): PDO->__construct()\n#1 {main}\n  thrown in /x.php on line 12\n",
        "PDOException: SQLSTATE[HY000] [2002] Refused",
    ),
    "PHP, fatal after rows": (
        "ERROR: Row 1: bad\n"
        "PHP Fatal error:  Allowed memory size of 5 bytes exhausted in /x.php on line 3",
        "Allowed memory size of 5 bytes exhausted",
    ),
    "PHP, in Apache's log": (
        "[Wed Nov 25 09:14:02.123456 2026] [php:error] [pid 12] [client 1.2.3.4:5] "
        "PHP Fatal error:  Uncaught TypeError: foo(): bad in /x.php:3",
        "TypeError: foo(): bad",
    ),
    "PHP, a warning": ("a\nPHP Warning:  fopen(x): denied in /x.php on line 2\nb", "fopen(x): denied"),
    "PHP, frames below a sentence": ("Start\nDisk full\n#0 /a.php(3)\n#1 {main}\n", "Disk full"),
    "Symfony's console": (SYMFONY, "SQLSTATE[HY000] [2002] No route to host"),
    "Symfony's old console": (
        "\n   \n  [PDOException]      \n  SQLSTATE[HY000] [2002] Refused  \n\nimport:run\n",
        "PDOException: SQLSTATE[HY000] [2002] Refused",
    ),
    "Symfony's log": (
        "[2026-11-25T09:14:02.123456+00:00] console.CRITICAL: Error thrown while running command "
        '"app:x". Message: "Disk is full" '
        '{"exception":"[object] (RuntimeException(code: 0): x at /x.php:1)"} []',
        "Disk is full",
    ),
    "FOP": (FOP, "java.io.FileNotFoundException: /srv/x.fo (No such file or directory)"),
    "FOP in German": (
        "25.11.2026 09:14:02 org.apache.fop.events.LoggingEventListener processEvent\n"
        "SCHWERWIEGEND: Bild fehlt\n25.11.2026 09:14:03 org.apache.fop.cli.Main start\nINFORMATION: Ok",
        "Bild fehlt",
    ),
    "FOP in a language that nobody listed": (
        "nov. 25, 2026 9:14:02 org.apache.fop.events.LoggingEventListener processEvent\nZWARTE: Bleh",
        "Bleh",
    ),
    "Java, uncaught": (
        'Exception in thread "main" java.lang.OutOfMemoryError: Java heap space\n'
        "\tat java.util.Arrays.copyOf(Arrays.java:3332)\n\t... 3 more\n",
        "java.lang.OutOfMemoryError: Java heap space",
    ),
    "Java, caught and logged": (
        "2026-11-25 09:14:01,000 [main] WARN org.x.Y - no font\n"
        "java.io.IOException: font\n\tat a.B(C.java:1)\n"
        "2026-11-25 09:14:02,123 [main] ERROR org.x.Y - Could not parse\n",
        "Could not parse",
    ),
    "Saxon": (
        "Error at xsl:template on line 12 of ead.xsl:\n  XTSE0010: Unexpected element\n"
        "Transformation failed: Run-time errors were reported",
        "Error at xsl:template on line 12 of ead.xsl: XTSE0010: Unexpected element",
    ),
    "Python": (PYTHON_CHAIN, "KeyError: 'date'"),
    "Python, a group": (GROUP, "ValueError: bad"),
    "Python, syntax": (
        'Traceback (most recent call last):\n  File "x.py", line 3\n    foo(\n       ^\n'
        "SyntaxError: '(' was never closed\n",
        "SyntaxError: '(' was never closed",
    ),
    "Python, several lines": (
        'Traceback (most recent call last):\n  File "x.py", line 3\n    f()\n'
        "ValueError: the row\nhas two lines\n",
        "ValueError: the row",
    ),
    "Python's log": (
        "2026-11-25 09:14:02,123 ERROR Bad row\n2026-11-25 09:14:03,000 INFO Bye",
        "Bad row",
    ),
    "JSON behind a prefix": (
        'Loading\nResponse: {"error":{"code":507,"message":"Full"}}\n',
        "Full (code 507)",
    ),
    "JSON log": ('{"message":"Disk gone","level_name":"ERROR"}\n{"message":"Bye"}', "Disk gone"),
    "exceptions of rows": (
        "ERROR: PDOException: a\n#0 /x\nERROR: PDOException: b\n#0 /y\nImport finished with 2 errors.",
        "PDOException: a",
    ),
    "an exception that was survived": (
        "ConnectionError: trying again\nDone\n2026-11-25 09:14:02 ERROR Disk full\n",
        "Disk full",
    ),
    "a traceback that was cut": (
        'Traceback (most recent call last):\n  File "x.py", line 3, in f\n    cut\n'
        + ATOM.format("info", "Next")
        + ATOM.format("err", "Disk full"),
        "Disk full",
    ),
    "next is no chain": (
        "Next row: 5 is odd\nRuntimeException: boom in /x.php:3\n#0 /y.php(1)\n",
        "RuntimeException: boom",
    ),
    "shell": ("Running\nsh: 1: fop: not found\n", "sh: 1: fop: not found"),
    "killed": ("Could not open a font\nKilled\n", "Killed"),
    "curl": ("a\ncurl: (6) Could not resolve host: es\n", "curl: (6) Could not resolve host: es"),
    "ffmpeg": (
        "[mov,mp4 @ 0x55d] moov atom not found\nuploads/x.mp4: Invalid data\nConversion failed!",
        "[mov,mp4 @ 0x55d] moov atom not found",
    ),
    "what was tried again": (
        "Attempt 1 failed: timed out, retrying\nAttempt 2 failed: HTTP 401\nGiving up.\n",
        "Attempt 2 failed: HTTP 401",
    ),
    "no is not none": ("a\nwrite error: No space left\nBye\n", "write error: No space left"),
    "code with a pointer": (
        "/x.xml:14: parser error : no entity\n  <t>Smith & Sons</t>\n             ^\n",
        "/x.xml:14: parser error : no entity",
    ),
    "JavaScript": (
        '/x.js:3\n  throw new Error("no");\n  ^\n\nError: No manifest\n    at a (/x.js:3:1)\n',
        "No manifest",
    ),
    "Ruby": (
        "/x.rb:12:in `f': undefined method `b' (NoMethodError)\n\tfrom /x.rb:20:in `<main>'\n",
        "/x.rb:12:in `f': undefined method `b' (NoMethodError)",
    ),
    "PHP, an argument": (
        "Catchable fatal error: Argument 1 must be a Note, null given, called in /x.php on line 8"
        " and defined in /y.php on line 3\n",
        "Argument 1 must be a Note, null given",
    ),
    "Arabic": ("a\nخطأ: b\nc\n", "b"),
    "Danish": ("Starter\nFejl: filen mangler\nOk\n", "filen mangler"),
    "MySQL's client": ("ERROR 1045 (28000): Access denied", "ERROR 1045 (28000): Access denied"),
    "a page that is no answer": (
        "Row 1: kept <html><title>404 Home</title></html>\nERROR: Row 2: bad",
        "Row 2: bad",
    ),
    "colours": ("Start\n\x1b[31mERROR: Row 5: bad\x1b[0m\nok", "Row 5: bad"),
    "a progress bar": ("10%\r20%\rERROR: boom\r30%\r\n", "boom"),
    "a very long line": (f"{'x' * 200_000}\nERROR: Row 5: bad\n{'y' * 200_000}", "Row 5: bad"),
}
ERROR_TEXTS = {
    "PHP's chain": (PHP_CHAIN, "Illuminate\\Database\\QueryException: SQLSTATE[42S02]: No such table"),
    "a process": (PROCESS, "sh: 1: fop: not found"),
    "JSON": ('{"status":"failed","message":"No space"}', "No space"),
    "JSON, a list": (
        '[{"status":"422","title":"Invalid","detail":"Bad date"}]',
        "Bad date (status 422)",
    ),
    "JSON, indented": ('{\n  "errors": [\n    {"detail": "Bad date"}\n  ]\n}', "Bad date"),
    "JSON, cut": ('{"error":"No such record', "No such record"),
    "JSON, line breaks": (
        '"Traceback (most recent call last):\\n  File \\"x.py\\", line 3\\nValueError: bad"',
        "ValueError: bad",
    ),
    "Elasticsearch": (
        ELASTICSEARCH,
        "index_not_found_exception: no such index [atom] (status 404)",
    ),
    "HTML": ("<html><head><title>502 Bad &amp; Gateway</title></head></html>", "502 Bad & Gateway"),
    "S3": (
        '<?xml version="1.0"?><Error><Code>AccessDenied</Code><Message>Denied</Message></Error>',
        "Denied (code AccessDenied)",
    ),
    "first line": ("\n  it broke  \n(see the error log)", "it broke"),
    "an announcement": ("Row 5 could not be read:\nno parent", "Row 5 could not be read: no parent"),
    "vague, then telling": ("An error occurred.\nThe disk is full\n", "The disk is full"),
    "vague in German": (
        "Beim Import ist ein Fehler aufgetreten.\nDie Datei ist leer",
        "Die Datei ist leer",
    ),
    "vague in Spanish": ("Se ha producido un error.\nEl archivo está vacío", "El archivo está vacío"),
    "vague in French": ("Import terminé avec 1 erreur(s)\nFichier vide", "Fichier vide"),
    "vague in Japanese": ("エラーが発生しました\n目録は空です", "目録は空です"),
    "said in German": ("Fehler in Zeile 5 aufgetreten\nEnde", "Fehler in Zeile 5 aufgetreten"),
    "Laravel's apology": ("Whoops, looks like something went wrong.\nNo x", "No x"),
    "a quoted reason": ("An error occurred.\nJob failed: 'disk full'", "Job failed: 'disk full'"),
    "vague alone": ("Import failed", "Import failed"),
}


@pytest.mark.parametrize(("text", "reason"), OUTPUTS.values(), ids=OUTPUTS)
def test_the_reason_of_an_output(text: str, reason: str) -> None:
    found = find_reason(text, is_output=True)
    assert found is not None
    assert found.text == reason
    assert found.weight > Weight.VAGUE


@pytest.mark.parametrize(("text", "reason"), ERROR_TEXTS.values(), ids=ERROR_TEXTS)
def test_the_reason_of_an_error_text(text: str, reason: str) -> None:
    found = find_reason(text)
    assert found is not None
    assert found.text == reason


@pytest.mark.parametrize(
    "text",
    [
        "Import complete. 120 record(s) imported.",
        "Reading error.csv\nImport finished with 0 error(s). 5 record(s) imported.",
        "ErrorHandler loaded\nFinished without errors\n",
        '{"processed": 5, "failed": 0, "errors": 0}',
        "No errors found.",
        'Row 5: "Trial and Error" imported\nDone',
    ],
)
def test_what_went_well_is_no_error(text: str) -> None:
    found = find_reason(text, is_output=True)
    assert found is not None
    assert found.weight <= Weight.PLAIN


def test_the_line_and_the_number_of_others_are_known() -> None:
    found = find_reason(IMPORT, is_output=True)
    assert found is not None
    assert (found.line, found.others) == (1, 1)
    found = find_reason(FOP, is_output=True)
    assert found is not None
    assert lines_of(FOP)[found.line].startswith("Caused by:")


def test_blank_texts_have_no_reason() -> None:
    assert find_reason("") is None
    assert find_reason(" \n\t\r\n ", is_output=True) is None
    assert choose([("", False)]) is None


def test_the_first_text_that_is_specific_wins() -> None:
    closing = "Import finished with 2 error(s). 120 record(s) imported."
    for texts, wins, reason in (
        ([(closing, False), ("#0 {main}", False), (IMPORT, True)], 2, "Row 12: No such parent 'F-1'."),
        ([(closing, False), ("Reading\nDone", True)], 0, closing),
        ([("/var/www/x.php", False), ("12", False), ("It broke", False)], 2, "It broke"),
        ([("It broke", False), (IMPORT, True)], 0, "It broke"),
        ([("", False), ("Reading\nWaiting", True)], 1, "Waiting"),
    ):
        found = choose(texts)
        assert found is not None
        assert (found[0], found[1].text) == (wins, reason)


@pytest.mark.parametrize(
    "text",
    [
        *(
            piece * (200_000 // len(piece))
            for piece in ("'", '"a ', "[", "/a", "1.", "a\\", "(", "{", "\x1b]")
        ),
        *(
            piece * 20_000
            for piece in ("ERROR: a\n", "Caused by: a.B: x\n", '{"error":"x\n', "a:\n", "#0 a\n")
        ),
        "x" * 5_000_000,
        "Row imported\n" * 500_000,
    ],
    ids=lambda text: repr(text[:12]),
)
def test_hostile_texts_take_no_time_that_grows_faster_than_they_do(text: str) -> None:
    for is_output in (False, True):
        find_reason(text, is_output=is_output)
