"""Jobs and events on their way between processes: one line of JSON each, and the same objects at the other end."""

from __future__ import annotations

import json
from typing import get_args

import pytest
from helpers_jobs import planned_runs
from pydantic import ValidationError

from bench.jobs.messages import (
    EVENT,
    JOB,
    Answer,
    AnyJob,
    AuditJob,
    Done,
    DownloadJob,
    Event,
    Failed,
    Finished,
    Kept,
    LookJob,
    Mistake,
    PredictJob,
    PrepareJob,
    Progress,
    PublicJob,
    ShardsJob,
    ShowJob,
    TrainJob,
    counted,
)

KEPT = Kept(run_id="r", model="/r/model.keras", backbone="tiny", image_px=32, image_source_px=64, weights="imagenet")
JOBS = [
    PrepareJob(data="a\nb 百合", resolutions=(32, 64)),
    ShardsJob(spool="/s", form="letterbox 1", folder="/f", resolutions=(8,)),
    DownloadJob(files=("a-1.tfrec", "b-2.tfrec"), folder="/f"),
    PublicJob(name="tf_flowers", folder="/f"),
    LookJob(data="gs://bucket/flowers"),
    AuditJob(data="sample", folder="/f"),
    ShowJob(data="sample", recipe="frozen", resolutions=(), examples=4, folder="/f"),
    TrainJob(
        data="toy",
        resolutions=(32, 64),
        backbone="tiny",
        plugin="/p.py",
        weights="random",
        store="/runs",
        code_revision="abc",
        runs=tuple(planned_runs("tiny@32", seeds=2)),
        keep_weights=True,
        on_oom="shrink",
        at_once=3,
        bank_gib=0.5,
    ),
    PredictJob(
        networks=(KEPT, KEPT.model_copy(update={"weights": None})),
        plugins=("/p.py",),
        pictures=("a.jpg", "b.jpg"),
        square="letterbox",
        batch=None,
        skip_unreadable=True,
        out="/out.npz",
    ),
]
EVENTS = [
    Progress(run_id="r", phase="head", done=1, total=3),
    Finished(run_id="r", macro_f1=0.1 + 0.2, seconds=1e-9),
    Failed(run_id="r", kind="oom", reason="no memory\nat all", seconds=1.0),
    Answer(lines=("one", "two\nthree", ""), status=1),
    Mistake(message="picture 'x' \x1b does not decode."),
    Done(),
]


def names(messages):
    return [type(one).__name__ for one in messages]


def test_every_kind_is_sent_below():
    assert set(names(JOBS)) == {one.__name__ for one in get_args(AnyJob)}
    assert set(names(EVENTS)) == {one.__name__ for one in get_args(Event)}


@pytest.mark.parametrize("job", JOBS, ids=names(JOBS))
def test_a_job_is_one_line_and_comes_back_as_it_was(job):
    line = job.model_dump_json()
    assert "\n" not in line
    assert JOB.validate_json(line) == job
    assert type(JOB.validate_json(line)) is type(job)


@pytest.mark.parametrize("event", EVENTS, ids=names(EVENTS))
def test_an_event_is_one_line_and_comes_back_as_it_was(event):
    line = event.model_dump_json()
    assert "\n" not in line
    assert EVENT.validate_json(line) == event
    assert type(EVENT.validate_json(line)) is type(event)


@pytest.mark.parametrize(("messages", "key"), [(JOBS, "kind"), (EVENTS, "event")], ids=["jobs", "events"])
def test_one_field_tells_kinds_apart(messages, key):
    kinds = [json.loads(one.model_dump_json())[key] for one in messages]
    assert len(set(kinds)) == len(messages)


def test_a_run_keeps_its_name_on_the_way():
    """The hash of a configuration is that of the same configuration after JSON."""
    sent = planned_runs("tiny@32", seeds=2)
    job = next(one for one in JOBS if isinstance(one, TrainJob))
    for run, before in zip(JOB.validate_json(job.model_dump_json()).runs, sent, strict=True):
        assert run == before
        assert run.config.run_id("f") == before.config.run_id("f")


@pytest.mark.parametrize(
    ("adapter", "text"),
    [
        (JOB, '{"kind": "dance", "data": "toy", "folder": "/f"}'),
        (JOB, '{"data": "toy", "folder": "/f"}'),  # an audit by its fields, but it does not say so
        (JOB, '{"kind": "audit", "data": "toy"}'),
        (JOB, '{"kind": "audit", "data": "toy", "folder": "/f", "more": 1}'),
        (EVENT, '{"event": "waiting"}'),
        (EVENT, "{}"),
        (EVENT, '{"event": "failed", "run_id": "r", "kind": "tired", "reason": "x", "seconds": 1}'),
        (EVENT, "not json"),
    ],
)
def test_other_messages_are_refused(adapter, text):
    with pytest.raises(ValidationError):
        adapter.validate_json(text)


def test_counts_are_progress_without_a_run():
    events = []
    tell = counted(events.append, "reading")
    tell(0, 7)
    tell(7, 7)
    assert events == [
        Progress(run_id="", phase="reading", done=0, total=7),
        Progress(run_id="", phase="reading", done=7, total=7),
    ]
