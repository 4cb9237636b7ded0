"""Handlers of the child process. The process is tested in `test_process.py` and with `bench.matrix.runner`."""

import inspect
from typing import get_args

import pytest

from bench.jobs.messages import AnyJob
from bench.jobs.worker import HANDLERS, handler

KINDS = {job.model_fields["kind"].default: job for job in get_args(AnyJob)}


def test_every_kind_of_job_has_a_handler():
    assert set(HANDLERS) == set(KINDS)


@pytest.mark.parametrize("kind", KINDS)
def test_handlers_take_their_job(kind):
    found = inspect.signature(handler(kind), eval_str=True).parameters
    assert len(found) == 3
    assert next(iter(found.values())).annotation is KINDS[kind]
