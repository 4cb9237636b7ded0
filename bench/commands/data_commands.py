"""The parent's side of `data audit` and `data show`: a child answers, we print."""

from __future__ import annotations

import sys
from pathlib import Path

from bench.config.overrides import parse_resolutions
from bench.config.recipe import load_recipe
from bench.data.source import SAMPLE, find_data
from bench.environment import home
from bench.jobs.messages import AuditJob, ShowJob
from bench.jobs.process import ask_counting


def audit(data: str, reports: Path) -> int:
    """Audits a data set and prints what was found. Returns the exit status.

    Raises:
        UserError: there is no such data set, or nowhere to write.
    """
    return _answered(AuditJob(data=data, folder=str(reports / "audit")))


def show(data: str, recipe: str, px: str | None, examples: int, reports: Path) -> int:
    """Draws examples and prints where they are. Returns the exit status.

    Raises:
        UserError: there is no such data set, recipe or resolution, or nowhere to write.
    """
    load_recipe(recipe)
    resolutions = parse_resolutions(px) if px else ()
    folder = str(reports / "examples")
    return _answered(ShowJob(data=data, recipe=recipe, resolutions=resolutions, examples=examples, folder=folder))


def _answered(job: AuditJob | ShowJob) -> int:
    try:
        if job.data != SAMPLE:
            find_data(job.data)  # a mistake is told before TensorFlow is loaded
        answers = ask_counting(job, home() / "cache" / f"{job.kind}.log")
    except KeyboardInterrupt:
        print("Interrupted.", file=sys.stderr)
        return 130
    print("\n".join(answers[0].lines))
    return answers[0].status
