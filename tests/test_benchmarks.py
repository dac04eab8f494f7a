"""What the benchmarks compare is the same, and what they write down leaves the rest alone."""

from contextlib import closing
from dataclasses import replace
from pathlib import Path

import pytest

from benchmarks.figures import BEGIN, END, Figure, faster, table, within, write_down
from benchmarks.platform_shapes import SHAPES, Shape
from jobs_data import demo
from jobs_data.jobs.view import Sort
from jobs_data.platform.database import Database
from jobs_data.platform.engine import make_engine
from jobs_data.platform.values import UNKNOWN_NAME
from tests.support.lists import read_list
from tests.support.mariadb import MariaDB


@pytest.mark.parametrize("shape", SHAPES, ids=lambda shape: shape.name)
def test_the_platforms_shape_shows_what_our_list_shows(mariadb_server: MariaDB, shape: Shape) -> None:
    """The statements measured beside ours count the same jobs and find the same page."""
    with mariadb_server.database() as url, closing(Database(make_engine(url))) as database:
        demo.create(database.engine, jobs=300, seed=1)
        view = replace(shape.view, page=min(shape.view.page, 7))
        ours = read_list(database, view)
        theirs = Shape(shape.name, view, shape.where, shape.order)
        with mariadb_server.cursor(database.engine.url.database) as cursor:
            answers = []
            for statement in theirs.statements():
                cursor.execute(statement)
                answers.append(cursor.fetchall())
    (total,), _, (completed,), (failed,), (matching,), page = (
        answer if len(answer) != 1 else answer[0] for answer in answers
    )
    assert (total, completed, failed, matching) == (
        ours.counts.total,
        ours.counts.completed,
        ours.counts.failed,
        ours.matching,
    )
    # Only the order's own key: the platform leaves ties as they come.
    if view.sort is Sort.NAME:
        assert [row[1] or UNKNOWN_NAME for row in page] == ours.rows["name"].tolist()
    else:
        created = ours.rows["created"].dt.tz_localize(None)
        assert [row[6] for row in page] == created.dt.to_pydatetime().tolist()


def test_a_figure_that_misses_its_limit_says_no() -> None:
    """What is slower than asked is in the table, as a plain no."""
    text = table([faster("list", 0.2, 1.0, "platform", 10), within("sight", 1.0, 1.0, "bare", 1.2)])
    list_line, sight_line = text.splitlines()[2:]
    assert "5.0 × faster" in list_line
    assert "**no**" in list_line
    assert sight_line.rstrip(" |").endswith("yes")


def test_the_table_is_written_between_its_markers_alone(tmp_path: Path) -> None:
    """What was written by hand around the table stays, however often it is measured."""
    document = tmp_path / "performance.md"
    document.write_text(f"before\n{BEGIN}\n\nold\n\n{END}\nafter\n", "utf-8")
    for _ in range(2):
        write_down(table([Figure("what", "1 ms")]), document)
    text = document.read_text("utf-8")
    assert text.startswith(f"before\n{BEGIN}\n\n| What")
    assert text.endswith(f"\n\n{END}\nafter\n")
    assert text.count("1 ms") == 1
    assert "old" not in text
