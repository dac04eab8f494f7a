"""The texts of the demo's jobs: log lines, error texts and PHP stack traces."""

from __future__ import annotations

import json
from datetime import datetime
from random import Random
from typing import Final

from jobs_data.demo.kinds import TRANSLATIONS, Kind, Writer

CODE: Final = "/usr/share/nginx/heratio"


def log_line(
    writer: Writer, moment: datetime, job_id: int, name: str | None, text: str, level: str = "info"
) -> str:
    """Return one line of a job's output as its writer writes it, with the line break."""
    if writer is Writer.ATOM:
        return f'[{level}] [{moment}] Job {job_id} "{name or ""}": {text}\n'
    return f"ERROR: {text}\n" if level == "err" else f"{text}\n"


def translated(text: str, culture: str) -> str:
    """Return a text of AtoM in a culture, in English where it has no translation."""
    return TRANSLATIONS[culture].get(text, text) if culture in TRANSLATIONS else text


def step_text(rng: Random, kind: Kind, culture: str = "en") -> str:
    """Return what a running job of this kind writes."""
    return translated(rng.choice(kind.steps), culture).format(n=int(rng.random() * 5000) + 1)


def failure_text(rng: Random, kind: Kind) -> str:
    """Return the message with which a job of this kind fails."""
    return rng.choice(kind.failures).format(n=int(rng.random() * 5000) + 1)


def exception_texts(kind: Kind, message: str) -> list[str]:
    """Return what AtoM writes of an exception: three lines, and as many error notes."""
    line = 40 + len(message)
    return [f"Exception: {message}", f"File: {CODE}/lib/job/{kind.name}.class.php", f"Line: {line}"]


def parameters_text(kind: Kind, job_id: int, record_id: int | None) -> str:
    """Return what AtoM writes of a job's parameters."""
    record = {"objectId": record_id} if kind.about_record else {}
    values = {**kind.parameters, **record, "name": kind.name, "id": job_id}
    return f"Parameters: {json.dumps(values)}"


def closing_text(kind: Kind, errors: int, rows: int) -> str:
    """Return the last line of a job of Heratio."""
    if kind.type != "import":
        return "The finding aid is complete."
    begin = f"Import finished with {errors} error(s)." if errors else "Import complete."
    return f"{begin} {rows} record(s) imported."


def stack_trace(rng: Random, kind: Kind, message: str) -> str:
    """Return a PHP stack trace that ends in a job of this kind."""
    job = kind.name if kind.writer is Writer.ATOM else "arFileImportJob"
    line = rng.randrange(40, 400)
    return (
        f"Exception: {message} in {CODE}/lib/job/{job}.class.php:{line}\n"
        "Stack trace:\n"
        f"#0 {CODE}/lib/job/{job}.class.php({line - 21}): {job}->process(Array, true)\n"
        f"#1 {CODE}/lib/job/arBaseJob.class.php(138): {job}->runJob(Array)\n"
        f"#2 {CODE}/vendor/Net/Gearman/Worker.php(389): arBaseJob->run(Array)\n"
        f"#3 {CODE}/vendor/Net/Gearman/Worker.php(273): "
        "Net_Gearman_Worker->doWork(Resource id #412)\n"
        f"#4 {CODE}/lib/task/jobs/jobWorkerTask.class.php(113): "
        "Net_Gearman_Worker->beginWork(Object(Closure))\n"
        "#5 {main}"
    )
