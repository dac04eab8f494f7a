"""The command line of the data layer: `python -m jobs_data COMMAND …`."""

from __future__ import annotations

import argparse
import getpass
import io
import json
import os
import sys
from collections.abc import Iterator, Sequence
from dataclasses import asdict
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any, Final

import pandas as pd
from sqlalchemy.exc import ArgumentError, OperationalError

from jobs_data import __version__, addresses, demo
from jobs_data.accounts.account_services import build_account_services
from jobs_data.audit import Actor
from jobs_data.background import NotStarted
from jobs_data.jobs import choices
from jobs_data.jobs.view import ANY_TIME, Dates, JobFilter
from jobs_data.monitoring import doctor
from jobs_data.monitoring.doctor import Check, Verdict
from jobs_data.platform import times
from jobs_data.platform.database import Database
from jobs_data.platform.engine import make_engine
from jobs_data.platform.errors import DatabaseUnavailable
from jobs_data.platform.status import State
from jobs_data.removal import retention
from jobs_data.removal.removal import RemovalRuns
from jobs_data.removal.retention import Preview, Rules
from jobs_data.services import Services, build_services
from jobs_data.settings import DEMO_DATABASE, Settings, SettingsError, get_settings, refusal_by_driver
from jobs_data.store.receipt_writer import Action, Reason
from jobs_data.url_values import parse_duration, whole_text

DONE, FAILED, WRONG_USAGE, SOME_KEPT, OTHER_AT_WORK = range(5)

EXIT_CODES: Final = """exit codes:
  0  done, or there was nothing to do
  1  it failed, or ended before it was through
  2  wrong usage
  3  done, but some jobs were not deleted: not finished, already deleted, or in use elsewhere
  4  other jobs are being deleted
"""


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command that the arguments name; return its exit code."""
    parser = argparse.ArgumentParser(prog="python -m jobs_data", description=__doc__)
    parser.add_argument("--version", action="version", version=f"Heratio Jobs {__version__}")
    commands = parser.add_subparsers(title="commands", required=True, metavar="COMMAND")
    _add_demo(commands)
    _add_clean_up(commands)
    _add_doctor(commands)
    options = parser.parse_args(arguments)
    return int(options.run(options))


def _add_demo(commands: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    command = commands.add_parser(
        "demo",
        help="fill an empty database with believable jobs",
        description="Fill an empty database with the platform's tables and believable jobs.",
    )
    command.set_defaults(run=_run_demo)
    add = command.add_argument
    add("url", metavar="URL", help="SQLAlchemy URL of an empty database")
    add("--jobs", type=_count, default=1200, metavar="N", help="how many jobs (default: 1200)")
    add("--seed", type=int, default=1, metavar="S", help="the same seed, the same jobs (default: 1)")
    add("--results-root", type=Path, metavar="DIR", help="write result files below this folder")
    add("--atom", action="store_true", help="a plain AtoM database, without the ahg_ tables")


def _add_clean_up(commands: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    command = commands.add_parser(
        "clean-up",
        help="delete finished jobs by rules; they can be restored",
        description="Delete the finished jobs that match all rules. They can be restored from the page "
        "Deleted jobs. It reads the app's own settings, and never asks.",
        epilog=EXIT_CODES,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    command.set_defaults(run=_run_clean_up)
    rule = command.add_argument_group("rules, of which there must be one").add_argument
    names: dict[str, Any] = {"nargs": "+", "action": "extend", "default": [], "metavar": "NAME"}
    rule("--older-than", type=_age, metavar="AGE", help="finished longer ago than 90d, 12h, 30m")
    keep_last = "keep the newest K finished jobs of each name"
    rule("--keep-last", type=_count, default=0, metavar="K", help=keep_last)
    rule("--name", **names, help="only these job names")
    users = "only jobs of these users, by user name or display name; System: without a user"
    rule("--user", **names, help=users)
    status = "only jobs that ended so; completed keeps failed jobs"
    rule("--status", choices=[State.COMPLETED.value, State.FAILED.value], help=status)
    rule("--everything-finished", action="store_true", help="no rule: all finished jobs")
    add = command.add_argument
    add("--dry-run", action="store_true", help="show what would be deleted; delete nothing")
    add("--quiet", action="store_true", help="print only what went wrong, or what was not deleted")
    add("--demo", action="store_true", help="clean up the embedded demo, where no database is set")


def _add_doctor(commands: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    command = commands.add_parser(
        "doctor",
        help="check this installation; say what to do",
        description="Check the settings, the databases, rights, times and files. It changes nothing, "
        "and shows nothing secret. Run it as the user that runs the app.",
        epilog="exit codes:\n  0  all is well\n  1  there are warnings\n  2  there are problems\n",
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    command.set_defaults(run=_run_doctor)
    command.add_argument("--json", action="store_true", help="print JSON, for scripts")


def _count(text: str) -> int:
    number = int(text)
    if number < 1:
        raise argparse.ArgumentTypeError("must be at least 1")
    return number


def _age(text: str) -> timedelta:
    age = parse_duration(text)
    if age is None:
        raise argparse.ArgumentTypeError("must be a number and d, h, m or s, such as 90d")
    return age


def _run_demo(options: argparse.Namespace) -> int:
    try:
        engine = make_engine(options.url)
        refusal = refusal_by_driver(engine.url)
    except (ArgumentError, ModuleNotFoundError, ValueError):
        return _refuse("This is not the SQLAlchemy URL of a MySQL, MariaDB or SQLite database.")
    if refusal:
        return _refuse(f"The URL {refusal}.")
    try:
        demo.create(
            engine,
            jobs=options.jobs,
            seed=options.seed,
            atom=options.atom,
            results_root=options.results_root,
            progress=_show_progress,
        )
    except demo.DatabaseNotEmpty as error:
        return _refuse(str(error))
    except OperationalError as error:
        return _refuse(f"The database does not answer or refuses the connection: {error.orig}.")
    except OSError as error:
        return _refuse(f"A result file cannot be written: {error}.")
    finally:
        engine.dispose()
    return 0


def _show_progress(done: int, jobs: int) -> None:
    """Show how many jobs there are already, on one line of the terminal; nothing in a log."""
    if sys.stderr.isatty():
        line = f"\r{done:,} of {jobs:,} jobs"
        print(line, end="\n" if done >= jobs else "", file=sys.stderr, flush=True)


def _run_clean_up(options: argparse.Namespace) -> int:
    if isinstance(sys.stdout, io.TextIOWrapper):
        sys.stdout.reconfigure(errors="replace")  # cron may want plain ASCII, and names are anything
    try:
        settings = get_settings()
        if wrong := _wrong_usage(options, settings):
            return _refuse(wrong, WRONG_USAGE)
        services = build_services(build_account_services(settings))
        try:
            return _clean_up(options, services)
        finally:
            services.audit.flush()
    except (SettingsError, DatabaseUnavailable) as problem:
        return _refuse(str(problem))
    except KeyboardInterrupt:
        return _refuse("Stopped. What was deleted until then can be restored from Deleted jobs.")


def _wrong_usage(options: argparse.Namespace, settings: Settings) -> str:
    """Return what is wrong with how it was called, empty where nothing is."""
    rules = (options.older_than, options.keep_last, options.name, options.user, options.status)
    has_rule = any(rules)
    if not has_rule and not options.everything_finished:
        return "Give at least one rule, such as --older-than 90d, or --everything-finished to mean it."
    if has_rule and options.everything_finished:
        return "--everything-finished means no rule at all: leave it out, or the rules."
    names = (*options.name, *options.user)
    if wrong := [name for name in names if not name.strip(" ") or whole_text(name) != name]:
        return (
            f"Nothing can be called “{_printable(wrong[0])}”. Jobs without a name are called "
            "[Unknown]; jobs without a user are those of System."
        )
    if settings.is_demo and not options.demo:
        return "HERATIO_JOBS_DATABASE_URL is not set. Give --demo if the embedded demo is meant."
    if settings.is_demo and not DEMO_DATABASE.is_file():
        return "The embedded demo is made when the app starts for the first time: start it once."
    return ""


def _clean_up(options: argparse.Namespace, services: Services) -> int:
    database = services.database
    owners = choices.read_owners_called(database, options.user)
    if unknown := [name for name, found in owners.items() if not found]:
        return _refuse(f"There is no user called {_printable(unknown[0])}.", WRONG_USAGE)
    rules = Rules(
        JobFilter(
            state=State(options.status) if options.status else None,
            owners=tuple(dict.fromkeys(owner for found in owners.values() for owner in found)),
            names=tuple(dict.fromkeys(options.name)),
            finished=Dates(ago=options.older_than) if options.older_than else ANY_TIME,
        ),
        keep_last=options.keep_last,
    )
    called = {owner: name for name, found in owners.items() for owner in found}
    words = retention.rules_words(rules, called, database.timezone)
    preview = retention.read_preview(database, rules, datetime.now(UTC), roots=services.result_roots)
    if not options.quiet:
        print(*map(_printable, _preview_lines(preview, rules, words, database)), sep="\n", flush=True)
    if options.dry_run or not preview.total:
        return DONE
    try:
        work = services.removals.start(preview.ids, Reason(Actor(_by()), Action.CLEAN_UP, words))
    except NotStarted as problem:
        return _refuse(str(problem), OTHER_AT_WORK if isinstance(problem, RemovalRuns) else FAILED)
    try:
        work.wait()
    except KeyboardInterrupt:
        # A batch more, so that the numbers are true; pressed again, it stops at once.
        services.switch.set()
        work.wait()
    summary = work.sentence()
    if work.receipt:
        page = addresses.receipt_page_url(work.receipt)
        summary += f"\nTo restore: {page} (number {work.receipt} in {services.store.place})"
    if work.error:
        return _refuse(summary)
    some_kept = bool(work.active or work.missing or work.locked)
    if some_kept or not options.quiet:
        print(summary)
    return SOME_KEPT if some_kept else DONE


def _preview_lines(preview: Preview, rules: Rules, words: str, database: Database) -> Iterator[str]:
    """Yield what the screen shows of a preview, as plain text."""
    yield f"Rules: {words}."
    if not preview.total:
        yield preview.why_empty(rules)
    else:
        yield preview.headline()
        yield preview.span_sentence(database.timezone)
        for name, status, jobs in preview.by_name.itertuples(index=False):
            yield f"{jobs:>11,}  {status:<12}  {name}"
        yield "Some of them:"
        for sample in preview.samples.to_dict("records"):
            ended = None if pd.isna(sample["completed"]) else sample["completed"]
            file = f"  (result file: {sample['result']})" if sample["result"] else ""
            yield f"{sample['id']:>11}  {times.shown(ended, database.timezone)}  {sample['name']}{file}"
        yield preview.result_files.sentence()
    yield from preview.kept_sentences(rules)


def _run_doctor(options: argparse.Namespace) -> int:
    try:
        checks = list(doctor.examine(get_settings()))
    except SettingsError as problem:
        checks = [Check("settings", Verdict.PROBLEM, str(problem))]
    worst = max(check.verdict for check in checks)
    if options.json:
        named = [{**asdict(check), "verdict": check.verdict.name} for check in checks]
        print(json.dumps({"verdict": worst.name, "checks": named}, indent=2))
        return worst
    for check in checks:
        print(_printable(f"{check.verdict.name:<8} {check.name}: {check.sentence}"))
        for statement in check.statements:
            print(_printable(f"         {statement}"))
    return worst


def _printable(text: str) -> str:
    """Return an untrusted text without what would steer a terminal."""
    return "".join(sign if sign.isprintable() else "\N{REPLACEMENT CHARACTER}" for sign in text)


def _by() -> str:
    try:
        return f"command line ({getpass.getuser()})"
    except (KeyError, OSError):  # a container may run as a user without a name
        return f"command line (user {os.getuid()})"


def _refuse(sentence: str, code: int = FAILED) -> int:
    print(sentence, file=sys.stderr)
    return code


if __name__ == "__main__":
    sys.exit(main())
