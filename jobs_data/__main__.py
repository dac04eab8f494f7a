"""The command line of the data layer: `python -m jobs_data COMMAND …`."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Sequence
from pathlib import Path

from sqlalchemy.exc import ArgumentError, OperationalError
from tqdm import tqdm

from jobs_data import demo
from jobs_data.engine import make_engine


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command that the arguments name; return the exit code: 1 after a told failure."""
    options = _parser().parse_args(arguments)
    code: int = options.run(options)
    return code


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m jobs_data", description=__doc__)
    commands = parser.add_subparsers(title="commands", required=True, metavar="COMMAND")
    _add_demo(commands)
    return parser


def _add_demo(commands: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    command = commands.add_parser(
        "demo",
        help="fill an empty database with believable jobs",
        description="Fill an empty database with the platform's tables and believable jobs.",
    )
    command.add_argument("url", metavar="URL", help="SQLAlchemy URL of an empty database")
    command.add_argument(
        "--jobs", type=_count, default=1200, metavar="N", help="how many jobs (default: 1200)"
    )
    command.add_argument(
        "--seed", type=int, default=1, metavar="S", help="the same seed, the same jobs (default: 1)"
    )
    command.add_argument(
        "--results-root", type=Path, metavar="DIR", help="write result files below this folder"
    )
    command.add_argument(
        "--atom", action="store_true", help="a plain AtoM database, without the ahg_ tables"
    )
    command.set_defaults(run=_run_demo)


def _count(text: str) -> int:
    number = int(text)
    if number < 1:
        raise argparse.ArgumentTypeError("must be at least 1")
    return number


def _run_demo(options: argparse.Namespace) -> int:
    try:
        engine = make_engine(options.url)
    except (ArgumentError, ModuleNotFoundError):
        return _refuse("This is not the SQLAlchemy URL of a MySQL, MariaDB or SQLite database.")
    try:
        with tqdm(total=options.jobs, unit=" jobs", unit_scale=True, delay=0.1) as bar:

            def show(done: int, _total: int) -> None:
                bar.update(done - bar.n)

            demo.create(
                engine,
                jobs=options.jobs,
                seed=options.seed,
                atom=options.atom,
                results_root=options.results_root,
                progress=show,
            )
    except demo.DatabaseNotEmpty as error:
        return _refuse(str(error))
    except OperationalError as error:
        return _refuse(f"The database does not answer or does not let us in: {error.orig}.")
    except OSError as error:
        return _refuse(f"A result file cannot be written: {error}.")
    finally:
        engine.dispose()
    return 0


def _refuse(sentence: str) -> int:
    print(sentence, file=sys.stderr)
    return 1


if __name__ == "__main__":
    sys.exit(main())
