"""The texts of the demo's jobs: log lines, error texts and PHP stack traces."""

from __future__ import annotations

from datetime import datetime, timedelta
from random import Random

from jobs_data.demo.kinds import Kind


def log_line(moment: datetime, job_id: int, name: str | None, text: str, level: str = "info") -> str:
    """Return one line of a job's output as the platform writes it, without a line break."""
    return f'[{level}] [{moment}] Job {job_id} "{name or ""}": {text}'


def step_text(rng: Random, kind: Kind) -> str:
    """Return a log line of a running job of this kind."""
    return rng.choice(kind.steps).format(n=int(rng.random() * 5000) + 1)


def failure_text(rng: Random, kind: Kind) -> str:
    """Return the message with which a job of this kind fails."""
    return rng.choice(kind.failures).format(n=int(rng.random() * 5000) + 1)


def step_lines(
    rng: Random,
    kind: Kind,
    job_id: int,
    name: str | None,
    started: datetime,
    ended: datetime,
    count: int,
) -> list[str]:
    """Return `count` lines of work, spread evenly over the time that the job ran."""
    seconds = int((ended - started).total_seconds())
    return [
        log_line(
            started + timedelta(seconds=seconds * step // count),
            job_id,
            name,
            step_text(rng, kind),
        )
        for step in range(count)
    ]


def import_output(failure: str, rows: int) -> str:
    """Return the lines of Heratio's import: one for each row, failures among the first."""
    errors = [f"ERROR: {failure}", "ERROR: Row 3: title is empty."]
    lines = [f"Row {row} imported." for row in range(4, rows + 4)]
    return "\n".join(["Import started.", *errors, *lines, import_closing(rows)])


def import_closing(rows: int) -> str:
    """Return the line with which Heratio's import ends, which is also its error message."""
    return f"Import finished with 2 error(s). {rows} record(s) imported."


def stack_trace(rng: Random, kind: Kind, message: str) -> str:
    """Return a PHP stack trace that ends in a job of this kind."""
    job = kind.name or "arFileImportJob"
    line = rng.randrange(40, 400)
    return (
        f"Exception: {message} in /usr/share/nginx/heratio/lib/job/{job}.class.php:{line}\n"
        "Stack trace:\n"
        f"#0 /usr/share/nginx/heratio/lib/job/{job}.class.php({line - 21}): "
        f"{job}->process(Array, true)\n"
        f"#1 /usr/share/nginx/heratio/lib/job/arBaseJob.class.php(138): {job}->runJob(Array)\n"
        "#2 /usr/share/nginx/heratio/vendor/Net/Gearman/Worker.php(389): "
        "arBaseJob->run(Array)\n"
        "#3 /usr/share/nginx/heratio/vendor/Net/Gearman/Worker.php(273): "
        "Net_Gearman_Worker->doWork(Resource id #412)\n"
        "#4 /usr/share/nginx/heratio/lib/task/jobs/jobWorkerTask.class.php(113): "
        "Net_Gearman_Worker->beginWork(Object(Closure))\n"
        "#5 {main}"
    )
