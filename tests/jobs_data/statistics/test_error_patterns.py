"""Which parts of an error text are folded."""

import pytest

from jobs_data.statistics.error_patterns import fold


@pytest.mark.parametrize(
    ("text", "pattern"),
    [
        ("Row 17: no such parent 4,711.", "Row <number>: no such parent <number>."),
        ("Cannot open /srv/atom/uploads/a b.csv", "Cannot open <path> b.csv"),
        (r"Cannot open C:\data\x.csv: denied", "Cannot open <path>: denied"),
        ("Missing downloads/jobs/12.zip", "Missing <path>"),
        ("read and/or write", "read and/or write"),
        ("at 2026-06-15 12:00:01 it broke", "at <time> it broke"),
        ("at 2026-06-15T12:00:01+02:00", "at <time>"),
        ("12:30 was too late", "<time> was too late"),
        ("job 6f9619ff-8b86-d011-b42d-00cf4fc964ff died", "job <uuid> died"),
        ("hash 0xDEADBEEF and d41d8cd98f00b204e9800998ecf8427e", "hash <hex> and <hex>"),
        ("mail to ada.l@example.org refused", "mail to <e-mail> refused"),
        ("GET https://example.org/a?b=1 failed", "GET <address> failed"),
        ("Term 'Photographs' is not in \"Subjects\"", "Term '…' is not in \"…\""),
        ("it can't be, don't ask", "it can't be, don't ask"),
        ("SQLSTATE[23000]: 1062 Duplicate 17", "SQLSTATE[23000]: 1062 Duplicate <number>"),
        (
            "Row 4: SQLSTATE[40001]: Serialization failure: 1213 Deadlock at 88",
            "Row <number>: SQLSTATE[40001]: Serialization failure: 1213 Deadlock at <number>",
        ),
        ("SQLSTATE[HY000] [2002] refused", "SQLSTATE[HY000] [2002] refused"),
        ("SQLSTATE[42S02] in 12 tables", "SQLSTATE[42S02] in <number> tables"),
        ("ERROR 1205 (40001) after 50 s", "ERROR 1205 (<number>) after <number> s"),
        ("General error: 2006 gone away", "General error: 2006 gone away"),
        ("errno=28 on 3 disks, errno: 5", "errno=28 on <number> disks, errno: 5"),
        ("exit code 137, error code: 4, code #7", "exit code 137, error code: 4, code #7"),
        ("HTTP 502 and HTTP/1.1 404 for 31", "HTTP 502 and HTTP/1.1 404 for <number>"),
        ("status code 503, status (404)", "status code 503, status (404)"),
        ("error in row 1205, code of 17", "error in row <number>, code of <number>"),
        ("code 1234567 is an id", "code <number> is an id"),
        ("barcode 17, errors 12", "barcode <number>, errors <number>"),
        ("The file is not UTF-8 at byte 9", "The file is not UTF-8 at byte <number>"),
        (
            "SQLSTATE[HY000]: error in accessions2026_3",
            "SQLSTATE[HY000]: error in accessions<number>_<number>",
        ),
        ("two\n  lines", "two lines"),
        ("", ""),
    ],
)
def test_what_varies_is_folded(text: str, pattern: str) -> None:
    """The same reason has the same pattern, and another reason another one."""
    assert fold(text) == pattern
