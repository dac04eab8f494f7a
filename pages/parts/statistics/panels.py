"""The panels of the report, from top to bottom; each stands by itself."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from datetime import UTC, datetime
from typing import Any, Final
from zoneinfo import ZoneInfo

import pandas as pd
import streamlit as st
from sqlalchemy import Table

from jobs_data import csv_lines, plain_text
from jobs_data.jobs.view import ListView
from jobs_data.platform import times, values
from jobs_data.platform.database import Database
from jobs_data.platform.errors import DatabaseUnavailable
from jobs_data.platform.tables import HERATIO_ONLY, actor_i18n, job_execution, note, note_i18n, user
from jobs_data.statistics.activity import Activity
from jobs_data.statistics.durations import Durations
from jobs_data.statistics.failures import Failures
from jobs_data.statistics.news import read_news
from jobs_data.statistics.owners import Owners
from jobs_data.statistics.period import NEWEST_JOBS, Period
from jobs_data.statistics.stuck import Stuck
from jobs_data.url_values import parse_number
from jobs_data.wording import counted
from pages.parts.shared import address, reads
from pages.parts.shared.text import plain, visible_cells
from pages.parts.shared.viewer import Viewer
from pages.parts.statistics import charts

FAILURE_PARAM: Final = "failure"
DAYS_IN_CHART: Final = 100
"""Above so many days, a bar stands for a week."""
ROWS_SHOWN: Final = 100
FEW_ROWS: Final = 12
TABLE_HEIGHT: Final = 460
"""Above a few rows a table scrolls."""

BARS: Final = 12
REPORT_BUTTON: Final = ":material/description:"
LIST_BUTTON: Final = ":material/list:"
# Once for each load of the page: the time of the visit before is told, then this one's is kept.
_VISIT: Final = st.components.v2.component(
    "visit",
    js="""
export default function ({ data, setStateValue }) {
  const name = `heratio-jobs-visit:${data}`
  window.heratioJobsVisits ??= {}
  const visits = window.heratioJobsVisits
  try {
    if (!(name in visits)) {
      visits[name] = localStorage.getItem(name) ?? ""
      localStorage.setItem(name, String(Date.now()))
    }
    setStateValue("before", visits[name])
  } catch {
    setStateValue("before", "")  // this browser keeps nothing
  }
}
""",
)


@contextmanager
def panel(title: str) -> Iterator[None]:
    """Show a panel; where its figures cannot be read, a sentence stands in its place."""
    st.subheader(title, anchor=False)
    try:
        yield
    except DatabaseUnavailable as problem:
        st.warning(plain(str(problem)), icon=":material/hourglass_disabled:")


def show_totals(activity: Activity) -> None:
    """Show how many jobs there were and how they ended."""
    outcomes = activity.outcomes
    with st.container(horizontal=True, key="cards"):
        for label, value in (
            ("Total", outcomes.total),
            ("Completed", outcomes.completed),
            ("Failed", outcomes.failed),
        ):
            st.metric(label, f"{value:,}", border=True, width="stretch")
    st.caption("Jobs created in the period, by the state they are in now.")


def show_days(activity: Activity) -> None:
    """Show the jobs of each day by outcome, a row of bars for each outcome."""
    outcomes, days = activity.outcomes, activity.by_day
    by_week = len(days) > DAYS_IN_CHART
    others = days["total"] - days["completed"] - days["failed"]
    bars = pd.DataFrame(
        {"Completed": days["completed"], "Failed": days["failed"], "Not finished": others}
    )
    if by_week:
        bars = bars.resample("W-MON", label="left", closed="left").sum()
    with_year = days.index[0].year != days.index[-1].year  # today is the last
    others_in_all = outcomes.total - outcomes.completed - outcomes.failed
    for label, jobs in zip(
        bars.columns, (outcomes.completed, outcomes.failed, others_in_all), strict=True
    ):
        st.caption(f"**{label}** · {jobs:,}" + (" · by week" if by_week else ""))
        st.vega_lite_chart(
            bars[[label]].rename(columns={label: "jobs"}).reset_index(),
            charts.days(label, by_week=by_week, with_year=with_year),
            alt=f"{label} jobs per {'week' if by_week else 'day'}",
        )
    numbers = days.reset_index()
    numbers["day"] = numbers["day"].dt.strftime("%Y-%m-%d")
    _numbers(
        numbers,
        "jobs-per-day",
        {
            "day": "Day",
            "total": "Total",
            "completed": "Completed",
            "failed": "Failed",
            "active": "Active",
        },
    )
    undated = outcomes.total - int(days["total"].sum())
    if undated:
        st.caption(
            f"{counted(undated)} of these numbers {'is' if undated == 1 else 'are'} on no day: the "
            "creation time is missing, cannot be read, or is far off."
        )
    left = outcomes.total - outcomes.completed - outcomes.failed - outcomes.active
    if left:
        st.caption(
            f"{left:,} of them have ended without a status that says how; they count in the total "
            "and under Not finished."
        )


def show_rate(activity: Activity, period: Period) -> None:
    """Show which share of the finished jobs failed, and how that was in the period before."""
    rate, before = activity.outcomes.failure_rate, activity.before
    rate_before = before.failure_rate if before else None
    with st.container(horizontal=True, vertical_alignment="center"):
        st.metric(
            "Failed, of the finished jobs",
            _percent(rate),
            None
            if rate is None or rate_before is None
            else f"{(rate - rate_before) * 100:+.2f} points",
            delta_color="inverse",
            width=260,
        )
        if before is None:
            st.caption("All time has no period before it.")
        else:
            st.caption(
                f"In the {period.days} days before: {_percent(rate_before)}, that is "
                f"{before.failed:,} of {counted(before.completed + before.failed)}."
            )
    rates = pd.DataFrame(
        [
            (which, outcomes.completed, outcomes.failed, _percent(outcomes.failure_rate))
            for which, outcomes in (("this period", activity.outcomes), ("the period before", before))
            if outcomes is not None
        ],
        columns=["period", "completed", "failed", "rate"],
    )
    _numbers(
        rates,
        "failure-rate",
        {"period": "Period", "completed": "Completed", "failed": "Failed", "rate": "Failure rate"},
    )


def show_durations(database: Database, durations: Durations) -> None:
    """Show how long jobs take, by name."""
    with st.container(horizontal=True):
        st.metric("Average duration", _took(durations.mean), width=220)
        st.metric("Median duration", _took(durations.median), width=220)
    if job_execution.name in database.tables:
        st.caption(
            f"{durations.recorded:,} as the platform recorded them, {durations.derived:,} as completed "
            "minus created, the time in the queue included."
        )
    if durations.unknown:
        st.caption(
            f"{counted(durations.unknown, 'finished job')} left out: a completion time that is "
            "missing, in the future or before the creation makes no duration, and neither does a "
            "recorded number that cannot be right."
        )
    _say_lacking(
        database, job_execution, "a duration is completed minus created, the time in the queue included"
    )
    _say_has_more(durations.has_more)
    by_name = durations.by_name[durations.by_name["timed"] > 0].reset_index(drop=True)
    if by_name.empty:
        what = (
            "finished job of this period has a duration"
            if durations.unknown
            else "job of this period has finished"
        )
        st.info(f"No {what}.", icon=":material/inbox:")
        return
    names = by_name.head(BARS)
    st.vega_lite_chart(
        visible_cells(names[["name", "median", "p95", "runs"]]),
        charts.durations(len(names)),
        alt="Median and 95th percentile of the duration by job name",
    )
    _button_table(
        by_name.head(ROWS_SHOWN).assign(
            trend=[_trend(change) for change in by_name["change"].head(ROWS_SHOWN)]
        ),
        {
            "name": st.column_config.TextColumn("Job name", width=260),
            "runs": st.column_config.NumberColumn("Runs", format="localized"),
            "median": st.column_config.NumberColumn("Median (s)", format="%.1f"),
            "p95": st.column_config.NumberColumn("95 % (s)", format="%.1f"),
            "slowest": st.column_config.NumberColumn("Slowest (s)", format="%.0f"),
            "trend": st.column_config.TextColumn(
                "Trend", help="The median of the later half of the time, compared to the earlier half"
            ),
        },
        key="durations",
        alt="Durations by job name",
        button="Slowest job",
        values=by_name["slowest_job"].head(ROWS_SHOWN).tolist(),
    )
    _csv(
        by_name,
        "durations",
        {
            "name": "Job name",
            "runs": "Runs",
            "median": "Median (s)",
            "p95": "95 % (s)",
            "slowest": "Slowest (s)",
            "slowest_job": "Slowest job",
            "change": "Change of the median",
        },
        rows_shown=min(ROWS_SHOWN, len(by_name)),
    )


def show_hours(activity: Activity, zone: ZoneInfo) -> None:
    """Show in which hours of the week jobs are created: the larger the disc, the more jobs."""
    hours = activity.by_hour.assign(day=[charts.WEEKDAYS[day] for day in activity.by_hour["weekday"]])
    st.caption(f"Jobs created, in {zone.key}. The larger the disc, the more jobs.")
    st.vega_lite_chart(hours[hours["jobs"] > 0], charts.hours(), alt="Jobs created by weekday and hour")
    _numbers(hours, "busiest-hours", {"day": "Day", "hour": "Hour", "jobs": "Jobs"})


def show_owners(database: Database, owners: Owners) -> None:
    """Show whose jobs they were."""
    _say_lacking(database, user, f"every job counts as {values.SYSTEM_OWNER}'s")
    _say_lacking(database, actor_i18n, "owners are called by their user names")
    _say_has_more(owners.has_more)
    if owners.by_owner.empty:
        st.info("There is no job in this period.", icon=":material/inbox:")
        return
    shown = owners.by_owner.head(BARS)
    st.vega_lite_chart(
        visible_cells(shown[["owner", "total"]]), charts.owners(len(shown)), alt="Jobs by owner"
    )
    _numbers(
        owners.by_owner,
        "owners",
        {"owner": "Owner", "total": "Jobs", "completed": "Completed", "failed": "Failed"},
    )


def show_failures(database: Database, failures: Failures, period: Period, zone: ZoneInfo) -> None:
    """Show the patterns of the error texts, and the jobs of the one that the URL names."""
    if FAILURE_PARAM in st.query_params:
        _show_pattern(failures, period, st.query_params[FAILURE_PARAM], zone)
    st.caption(
        f"Looked at {failures.looked_at:,} of {counted(failures.of, 'failure')}"
        + (", the newest." if failures.looked_at < failures.of else ".")
        + (
            ""
            if period.days is None
            else f" New is what is not among the {failures.looked_at_before:,} newest failures before "
            "the period."
        )
    )
    for table in (note, note_i18n):
        _say_lacking(
            database,
            table,
            "the reason is that of the recorded message, the stack trace or the job's output",
        )
    _say_lacking(database, job_execution, "the reason is that of the job's notes or of its output")
    if failures.patterns.empty:
        st.info("No job of this period has failed.", icon=":material/check_circle:")
        return
    shown = failures.patterns.head(ROWS_SHOWN)
    _button_table(
        shown.assign(new=["New" if is_new else "" for is_new in shown["is_new"]]),
        {
            "jobs": st.column_config.NumberColumn("Jobs", format="localized", width=70),
            "pattern": st.column_config.TextColumn("Error", width=400),
            **({} if period.days is None else {"new": st.column_config.TextColumn("New", width=60)}),
            "first": _time_column("First seen", zone),
            "last": _time_column("Last seen", zone),
        },
        key="failures",
        alt="Errors",
        button="Its jobs",
        values=shown["key"].tolist(),
        opens=FAILURE_PARAM,
    )
    _csv(
        failures.patterns,
        "failures",
        {
            "jobs": "Jobs",
            "pattern": "Error",
            "example": "Example",
            "is_new": "New",
            "first": "First seen",
            "last": "Last seen",
        },
        rows_shown=len(shown),
    )


def show_stuck(database: Database, stuck: Stuck, zone: ZoneInfo) -> None:
    """Show the active jobs that run far longer than usual, and those of which nobody can tell."""
    st.caption(
        "Active jobs that run longer than the median of their name's finished runs and five times "
        "their usual deviation from it, and longer than ten minutes. The usual is that of the "
        f"newest {counted(NEWEST_JOBS)}."
    )
    _say_lacking(database, job_execution, "a job counts as running since it was created")
    if stuck.looked_at < stuck.active:
        st.caption(
            f"Looked at the {stuck.looked_at:,} oldest of {counted(stuck.active, 'active job')}."
        )
    if stuck.jobs.empty:
        st.info("No active job runs far longer than usual.", icon=":material/check_circle:")
    else:
        columns = {
            "name": st.column_config.TextColumn("Job name", width=260),
            "since": _time_column("Running since", zone),
            "seconds": st.column_config.NumberColumn("Runs for (s)", format="localized"),
            "usual": st.column_config.NumberColumn("Usual (s)", format="localized"),
            "limit": st.column_config.NumberColumn("Limit (s)", format="localized"),
        }
        whole = stuck.jobs.round({"seconds": 0, "usual": 0, "limit": 0})
        _button_table(
            whole.head(ROWS_SHOWN),
            columns,
            key="stuck",
            alt="Possibly stuck jobs",
            values=whole["id"].tolist(),
        )
        _csv(
            whole,
            "possibly-stuck",
            {
                "id": "Job",
                "name": "Job name",
                "since": "Running since",
                "seconds": "Runs for (s)",
                "usual": "Usual (s)",
                "limit": "Limit (s)",
            },
            rows_shown=min(ROWS_SHOWN, len(whole)),
        )
    if not stuck.cannot_tell.empty:
        st.caption(
            f"Of {counted(len(stuck.cannot_tell), 'active job')} that run longer than ten minutes this "
            "app cannot tell: their name has fewer than five finished runs."
        )
        _button_table(
            stuck.cannot_tell.round({"seconds": 0}).head(ROWS_SHOWN),
            {
                "name": st.column_config.TextColumn("Job name", width=260),
                "since": _time_column("Running since", zone),
                "seconds": st.column_config.NumberColumn("Runs for (s)", format="localized"),
            },
            key="cannot_tell",
            alt="Active jobs that nobody can tell of",
            values=stuck.cannot_tell["id"].tolist(),
        )


def show_news(database: Database, viewer: Viewer, zone: ZoneInfo) -> None:
    """Show what ended since this viewer's last visit, which their browser alone remembers."""
    visit = _VISIT(key="visit", data=viewer.name, on_before_change=lambda: None)
    before = _visit(visit.before)
    if before is None:
        st.info(
            "This browser has no earlier visit of yours to this report. It keeps the time of this "
            "one; nothing of it is stored on the server.",
            icon=":material/history:",
        )
        return
    news = reads.read_cached(read_news, database, before.replace(second=0, microsecond=0))
    st.text(
        f"Since {times.shown(before, zone)}: {counted(news.completed)} completed, "
        f"{counted(news.failed)} failed."
    )
    _say_has_more(news.has_more)
    if not news.failures.empty:
        _button_table(
            news.failures,
            {
                "name": st.column_config.TextColumn("Failed job", width=320),
                "at": _time_column("At", zone),
            },
            key="news",
            alt="Jobs that failed since the last visit",
            values=news.failures["id"].tolist(),
        )
        _csv(
            news.failures,
            "failed-since-last-visit",
            {"id": "Job", "name": "Job name", "at": "At"},
            rows_shown=len(news.failures),
            of=news.failed,
        )


def has_open_pattern() -> bool:
    """Return whether the jobs of a pattern are shown."""
    return FAILURE_PARAM in st.query_params


def _close_pattern() -> None:
    st.query_params.pop(FAILURE_PARAM, None)


# Below or above a long table they would be out of sight; a dialog is not, and has the keyboard too.
@st.dialog("Jobs with this error", width="large", icon=LIST_BUTTON, on_dismiss=_close_pattern)
def _show_pattern(failures: Failures, period: Period, key: str, zone: ZoneInfo) -> None:
    found = failures.patterns[failures.patterns["key"] == key]
    if found.empty:
        st.info(_no_such_error(failures, period), icon=":material/search_off:")
        return
    pattern = found.iloc[0]
    jobs = failures.jobs[failures.jobs["pattern"] == pattern["pattern"]].reset_index(drop=True)
    st.code(plain_text.panel(pattern["pattern"]).text, language=None, wrap_lines=True)
    st.caption(
        f"{counted(int(pattern['jobs']))}"
        + (f"; the newest {len(jobs):,} are listed." if len(jobs) < pattern["jobs"] else ".")
    )
    _button_table(
        jobs,
        {
            "id": st.column_config.NumberColumn("Job", format="%d", width=80),
            "name": st.column_config.TextColumn("Job name", width=220),
            "at": _time_column("At", zone),
            "text": st.column_config.TextColumn("Error", width=320),
        },
        key="pattern_jobs",
        alt="Jobs with this error",
        values=jobs["id"].tolist(),
    )
    if address.is_leaving():
        # A press in a dialog runs the dialog alone; it is `main.py` that leads to the job.
        st.rerun()


def _no_such_error(failures: Failures, period: Period) -> str:
    if failures.looked_at < failures.of:
        return (
            f"This error is not among the {failures.looked_at:,} newest failures of the period, which "
            "are all that is looked at. A shorter period may have it."
        )
    if period.days is None:
        return "No job has failed with this error."
    return "No job of this period has failed with this error. A longer period may have one that did."


def _visit(kept: Any) -> datetime | None:
    """Return the time that a browser says it kept, or None where that makes no sense."""
    milliseconds = parse_number(kept) if isinstance(kept, str) else None
    now = datetime.now(UTC)
    if milliseconds is None or not 0 < milliseconds <= now.timestamp() * 1000:
        return None
    return datetime.fromtimestamp(milliseconds / 1000, UTC)


def _button_table(
    frame: pd.DataFrame,
    columns: dict[str, Any],
    *,
    key: str,
    values: Sequence[Any],
    button: str = "Report",
    opens: str = "",
    alt: str,
) -> None:
    """Show columns of a frame, each row with a button that opens a job's report, or a list.

    Selecting a row does the same, for the grid's buttons do not take a key. `values` has what each row
    opens: a job's id, or what the parameter `opens` shall be.
    """
    seen, click, generation = f"{key}_seen", f"{key}_click", f"{key}_generation"
    st.session_state[seen] = list(values)
    # A new key forgets the selection: the same row can be selected again.
    grid = f"{key}_rows_{st.session_state.setdefault(generation, 0)}"

    def open_row(row: int) -> None:
        if not 0 <= row < len(st.session_state[seen]):
            return
        value = st.session_state[seen][row]
        if opens:
            st.query_params[opens] = str(value)
        else:
            address.open_job(ListView(), int(value))

    def selected() -> None:
        for row in st.session_state[grid]["selection"]["rows"]:
            open_row(row)
        st.session_state[generation] += 1

    shown = visible_cells(frame[[*columns]]).assign(button=LIST_BUTTON if opens else REPORT_BUTTON)
    with st.container(key=f"{key}_grid"):
        st.dataframe(
            # First: on a phone the last columns are out of sight.
            shown[["button", *columns]],
            key=grid,
            hide_index=True,
            height="content" if len(frame) <= FEW_ROWS else TABLE_HEIGHT,
            alt=alt,
            on_select=selected,
            selection_mode="single-row",
            column_config={
                **columns,
                "button": st.column_config.ButtonColumn(
                    button,
                    width=90,
                    type="tertiary",
                    key=click,
                    on_click=lambda: open_row(st.session_state[click]["row"]),
                ),
            },
        )


def _numbers(frame: pd.DataFrame, file: str, labels: dict[str, str]) -> None:
    """Offer a chart's figures as a folded table and as a CSV."""
    with st.expander("The numbers", icon=":material/table:"):
        st.dataframe(
            visible_cells(frame[[*labels]].rename(columns=labels)),
            hide_index=True,
            alt=f"The numbers of {file}",
            height="content" if len(frame) <= FEW_ROWS else TABLE_HEIGHT,
        )
        _csv(frame, file, labels, rows_shown=len(frame))


def _csv(
    frame: pd.DataFrame, file: str, labels: dict[str, str], *, rows_shown: int, of: int | None = None
) -> None:
    """Offer a frame as a CSV, with the columns that have labels."""
    with st.container(horizontal=True, vertical_alignment="center"):
        st.download_button(
            "CSV",
            data=lambda: to_csv(frame, labels),
            file_name=f"{file}.csv",
            mime="text/csv",
            icon=":material/download:",
            on_click="ignore",
            key=f"csv-{file}",
        )
        whole = len(frame) if of is None else of
        if rows_shown < whole:
            st.caption(f"The first {rows_shown:,} of {whole:,} are shown.")


def to_csv(frame: pd.DataFrame, labels: dict[str, str]) -> bytes:
    """Return a frame as UTF-8 with a byte-order mark, texts defused, times in ISO 8601 and UTC."""
    rows = frame[[*labels]].itertuples(index=False, name=None)
    lines = "".join(csv_lines.line(_exported(value) for value in row) for row in rows)
    return csv_lines.header(labels.values()) + lines.encode()


def _exported(value: Any) -> Any:
    if not isinstance(value, str) and bool(pd.isna(value)):
        return None
    return value.isoformat(timespec="seconds") if isinstance(value, datetime) else value


def _say_has_more(has_more: bool) -> None:
    if has_more:
        st.caption(f"Looked at the newest {counted(NEWEST_JOBS)} alone; there are older ones.")


def _say_lacking(database: Database, table: Table, instead: str) -> None:
    if table.name not in database.tables:
        why = "on AtoM" if table.name in HERATIO_ONLY else "in a copy that was made without it"
        st.caption(f"This database has no table {table.name}, as is normal {why}: {instead}.")


def _percent(share: float | None) -> str:
    return "–" if share is None else f"{share:.2%}"


def _trend(change: float) -> str:
    return "–" if math.isnan(change) else f"{change:+.0%}"


def _took(seconds: float | None) -> str:
    """Return a duration as a card says it."""
    if seconds is None:
        return "–"
    if seconds < 60:
        return f"{seconds:.1f} s"
    minutes, rest = divmod(round(seconds), 60)
    hours, minutes = divmod(minutes, 60)
    return f"{hours:,} h {minutes} min" if hours else f"{minutes} min {rest} s"


def _time_column(label: str, zone: ZoneInfo) -> Any:
    return st.column_config.DatetimeColumn(
        label, format="YYYY-MM-DD HH:mm", timezone=zone.key, width=130
    )
