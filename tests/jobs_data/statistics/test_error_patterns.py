"""Which parts of an error text are folded."""

import pytest

from jobs_data.statistics.error_patterns import PATTERN_CHARACTERS, fold


@pytest.mark.parametrize(
    ("text", "pattern"),
    [
        ("Row 17: no such parent 4,711.", "Row <number>: no such parent <number>."),
        ("Cannot open /srv/atom/uploads/a b.csv", "Cannot open <path>"),
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


LARAVEL = (
    "SQLSTATE[23000]: 1062 Duplicate (Connection: mysql, SQL: insert into `note` (`id`) values ({}))"
)
ALIKE = {
    "bound values": [
        LARAVEL.format("50, en, Minutes of"),
        LARAVEL.format('51, fr, It\'s a "long" (very), 2026\n' + "text " * 500),
        LARAVEL.format("52, de, ?")[:-2],
    ],
    "bound values of an update": [
        "Gone (SQL: update `job` set `name` = Fonds A where `id` = 5)",
        "Gone (SQL: update `job` set `name` = The (b) where `id` = 77)",
    ],
    "dates": [
        f"Bad date {date} in it"
        for date in (
            *(
                "2026-11-25",
                "2026/11/25",
                "25.11.2026",
                "25. 11. 2026",
                "25/11/2026",
                "11/25/2026",
                "25-11-2026",
            ),
            *(
                "25 Nov 2026",
                "25-Nov-2026",
                "25/Nov/2026:09:14:02 +0100",
                "Nov 25, 2026",
                "November 25th, 2026",
            ),
            *("25. November 2026", "25 novembre 2026", "1er mars 2026", "25 de noviembre de 2026"),
            *(
                "25 de março de 2026",
                "25 listopada 2026",
                "25 ноября 2026 г.",
                "2026年11月25日",
                "25 mei 2026",
            ),
            *("2026-11-25T09:14:02Z", "2026-11-25 09:14:02.123+02:00", "2026-11-25 09:14:02,123 CET"),
            *(
                "2026-11-25T09:14:02+01:00[Europe/Berlin]",
                "2026-11-25 at 09:14",
                "25.11.2026, 9:14 Uhr",
            ),
            *("11/25/2026 9:14:02 AM", "Nov 25, 2026, 9:14:02 p.m.", "25.11.2026 um 09:14:02"),
            *("Wed Nov 25 09:14:02 UTC 2026", "Wed, 25 Nov 2026 09:14:02 +0000", "Nov 25 09:14:02"),
            *(
                "mercredi 25 novembre 2026 à 09:14",
                "Mittwoch, 25. November 2026 09:14",
                "09:14:02",
                "9h14",
            ),
        )
    ],
    "paths": [
        f"Cannot open {path}: denied"
        for path in (
            *(
                "/srv/a/b.csv",
                "/srv/Größe/été.pdf",
                "/srv/a b.csv",
                "/srv/My Files/x.csv",
                "uploads/r/x/y.tif",
                "uploads/ä.csv",
                "../x/y",
                "./a",
                "~/a",
            ),
            *(
                r"C:\data\x.csv",
                r"C:\Program Files\AtoM\x y\z.csv",
                r"D:\x",
                "D:/x/y",
                r"uploads\r\x.csv",
            ),
            *(r"\\server\share\x y\z.csv", r"/srv/a\ b/c.csv"),
        )
    ],
    "files": [
        f"No {name} there"
        for name in ("a.csv", "Übersicht_2026-1.xlsx", "x(1).pdf", "写真.tif", "a.b.tar.gz")
    ],
    "quotes": [
        f"Term {term} is bad"
        for term in (
            *(
                "„Fotos“",
                '„Fotos"',
                '“x"',
                "„l’objet x“",
                "„x”",
                "“x y”",
                "‘x’",
                "‘d’accord’",
                "‚x‘",
                "”x”",
                "’x’",
                "«x»",
                "« x, y »",
            ),
            *("»x«", "‹x›", "›x‹", "「写真」", "『写真』", "《书》", "`x`", "`x'"),
        )
    ],
    "apostrophes in quotes": ["Term 'a' is bad", "Term 'it can't be' is bad"],
    "cut quotes": [f"value {mark}{'x ' * n}" for mark in ("„",) for n in (100, 400, 900)],
    "addresses": [
        "from 10.0.0.1",
        "from 192.168.1.20:3306",
        "from fe80::1ff:fe23:4567:890a",
        "from ftp://a/b",
    ],
    "sizes": [
        "at 128M",
        "at 2.5GB",
        "at 512 MiB",
        "at 12ms",
        "at 3.5s",
        "at 1 204 567",
        "at 1'204",
        "at -5",
        "at 2nd",
    ],
    "numbers that are no codes": ["Record 404 not found", "Record 412 not found", "Record 5 not found"],
    "numbers of things": ["expected 38, got 404 columns", "expected 9, got 500 columns"],
    "references": ["Unit TS-1204 F123: gone", "Unit TS-1205 F124: gone"],
    "parameters": ['Failed with params [1, "a"]: x', 'Failed with params ["b", null, 7]: x'],
    "months": ["in November 2026", "in Dec 2025", "in mars 2026"],
    "ids": ["object 0x55d1aa", "object 0x7fff12"],
    "hashes": ["d41d8cd98f00b204e9800998ecf8427e", "a94a8fe5ccb19ba61c4c0873d391e987982fbbd3"],
    "colours": ["\x1b[31mRow 5\x1b[0m bad", "\x1b[1;33mRow 6\x1b[0m bad", "Row 7 bad"],
    "brackets in a file's name": [r"Lost D:\Bestand 1\Foto (2).tif", "Lost /srv/a (copy).tif"],
    "blanks in a path": ["Lost /srv/My Files/a b.tif", "Lost /srv/x.tif"],
    "dates of ctime": ["on Mon Mar  2 10:15:01 2026", "on Wed Dec 31 09:05:11 2025"],
    "numbers in Chinese": ["第12行：标题为空", "第3行：标题为空"],
    "Python's database errors": ["(1062, \"Duplicate '5'\")", "(1062, \"Duplicate 'x y'\")"],
}


@pytest.mark.parametrize("texts", ALIKE.values(), ids=ALIKE)
def test_the_same_reason_has_one_pattern(texts: list[str]) -> None:
    assert len({fold(text): text for text in texts}) == 1


@pytest.mark.parametrize(
    "texts",
    [
        ("status 404", "status 507"),
        ("status of 404", "status of 507"),
        ("status_code=404", "status_code=500"),
        ("statusCode: 404", "statusCode: 500"),
        ('{"status":404,"id":"x"}', '{"status":507,"id":"x"}'),
        ('{"status": "404"}', '{"status": "500"}'),
        (
            "404 Client Error: Not Found for url: https://x/1",
            "403 Client Error: Not Found for url: https://x/1",
        ),
        (
            "`GET http://x` resulted in a `404 Not Found` response",
            "`GET http://x` resulted in a `500 Error` response",
        ),
        ("502 Bad Gateway", "504 Gateway Time-out"),
        ("Request failed (404)", "Request failed (507)"),
        ("The server answered with a 404 error", "The server answered with a 500 error"),
        ("SQLCODE=-204", "SQLCODE=-911"),
        ("Denied (0x80070005)", "Denied (0x80070020)"),
        ("(code: 42S02)", "(code: 42S22)"),
        ('(1062, "x")', '(1452, "x")'),
        ("[Errno 2] No", "[Errno 13] No"),
        ("errno 2", "errno 5"),
        ("exit status 1", "exit status 137"),
        ("exited with 1", "exited with 137"),
        ("signal 9", "signal 11"),
        ("error code: 0x80070005", "error code: 0x80070020"),
        ("curl: (6) x", "curl: (28) x"),
        ("cURL error 6: x", "cURL error 28: x"),
        ("ORA-00942: x", "ORA-01017: x"),
        ("XTSE0010: x", "XTSE0020: x"),
        ("Fehlercode 5", "Fehlercode 6"),
        ("Return code was 3", "Return code was 4"),
        ("Server answered: 404", "Server answered: 507"),
        ("request returned 404 for /x", "request returned 507 for /x"),
        ("Not found (404)", "Not found (410)"),
        ("error TS2304: x", "error TS2305: x"),
        ("エラーコード 5", "エラーコード 6"),
        ("Код ошибки: 5", "Код ошибки: 6"),
        ("[WinError 5] Denied", "[WinError 32] Denied"),
        ("AxiosError 404", "AxiosError 500"),
        ("Error: (404) page", "Error: (500) page"),
        ("FTP 530 Login", "FTP 550 Login"),
        (LARAVEL.format(1), LARAVEL.format(1).replace("1062", "1452")),
        (LARAVEL.format(1), LARAVEL.format(1).replace("`note`", "`slug`")),
    ],
    ids=lambda texts: texts[0][:30],
)
def test_another_code_is_another_reason(texts: tuple[str, str]) -> None:
    assert fold(texts[0]) != fold(texts[1])


@pytest.mark.parametrize(
    "text",
    [
        "it can't be, don't ask l'objet d'art",
        "Illuminate\\Database\\QueryException: x",
        "Foo::bar is gone",
    ],
)
def test_what_does_not_vary_stays(text: str) -> None:
    assert fold(text) == text


def test_a_pattern_is_cut_after_it_is_folded() -> None:
    found = {fold(f"Term '{'x' * n}' {'is bad ' * 100}") for n in (1, 250, 5_000)}
    assert len(found) == 1
    assert len(found.pop()) == PATTERN_CHARACTERS


@pytest.mark.parametrize(
    "piece", ["'", " 'a", '"', "/a", "1.", "a.", "„", "«", "c:\\a b ", "1:", "a:", "a@", "1'"]
)
def test_hostile_lines_take_no_time_that_grows_faster_than_they_do(piece: str) -> None:
    assert len(fold(piece * (200_000 // len(piece)))) <= PATTERN_CHARACTERS
