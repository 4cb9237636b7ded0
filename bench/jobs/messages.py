"""Jobs that a parent sends to a child process and events that the child sends back: plain data, one JSON line each."""

from __future__ import annotations

from collections.abc import Callable
from typing import Annotated, Literal

from pydantic import Field, TypeAdapter

from bench.config.base import Frozen
from bench.config.run import RunConfig

# If a batch does not fit in memory, the run fails, accumulates gradients over smaller batches, or shrinks the batch.
OnOom = Literal["fail", "accumulate", "shrink"]
DEFAULT_BANK_GIB = 20.0
DEFAULT_WORKER_TIMEOUT_SECONDS = 300.0
FailureKind = Literal["oom", "nan", "timeout", "killed", "error"]


class PlannedRun(Frozen):
    """A run with its name."""

    run_id: str
    config: RunConfig


class PrepareJob(Frozen):
    """Draw the sample if that is the data set, read and check every record once, cache the index."""

    kind: Literal["prepare"] = "prepare"
    data: str  # as given: a name, a path or a URL
    resolutions: tuple[int, ...]


class ShardsJob(Frozen):
    """Write the pictures that an import prepared as TFRecord shards."""

    kind: Literal["shards"] = "shards"
    spool: str  # the file that holds the pictures and the plan
    form: str  # how the pictures were prepared
    folder: str  # of the shards
    resolutions: tuple[int, ...]


class DownloadJob(Frozen):
    """Download files of the competition "Petals to the Metal"."""

    kind: Literal["download"] = "download"
    files: tuple[str, ...]  # names in the competition, which end in the number of records
    folder: str  # of the downloads


class PublicJob(Frozen):
    """Download a public data set with tensorflow-datasets and write its pictures as files."""

    kind: Literal["public"] = "public"
    name: str
    folder: str  # of the pictures


class LookJob(Frozen):
    """List a remote data set and cache the listing."""

    kind: Literal["look"] = "look"
    data: str  # its URL


class AuditJob(Frozen):
    """Read every record of a data set and write a page about its faults."""

    kind: Literal["audit"] = "audit"
    data: str
    folder: str  # of audits


class ShowJob(Frozen):
    """Draw sheets of augmented training pictures."""

    kind: Literal["show"] = "show"
    data: str
    recipe: str  # of the augmentation
    resolutions: tuple[int, ...]  # none: all of the data set
    examples: int  # of each class
    folder: str


class TrainJob(Frozen):
    """Train runs that share a built backbone, in order."""

    kind: Literal["train"] = "train"
    data: str
    resolutions: tuple[int, ...]  # of the checked index, which may hold more than the runs need
    backbone: str
    plugin: str | None = None  # the file of --plugin that registers the backbone
    weights: str  # imagenet, random, or the path of a weights file
    store: str
    code_revision: str
    runs: tuple[PlannedRun, ...]
    keep_weights: bool = False  # keep the trained model in the run directory
    tensorboard: bool = False  # write curves and timings for `tensorboard --logdir`
    on_oom: OnOom = "fail"
    at_once: int | None = None  # images at once, after a larger batch did not fit in memory; None: not tried
    worker_timeout_seconds: float = DEFAULT_WORKER_TIMEOUT_SECONDS  # for the other workers of TF_CONFIG
    bank_gib: float = DEFAULT_BANK_GIB  # disk space for the saved outputs of a partly frozen network


class Kept(Frozen):
    """A trained network that a run keeps."""

    run_id: str
    model: str  # its file
    backbone: str
    image_px: int
    image_source_px: int | None = None  # side from which the run's pictures were resized while reading
    weights: str | None  # weights of the backbone if the file holds the head alone: imagenet or a path


class PredictJob(Frozen):
    """Classify pictures with trained networks."""

    kind: Literal["predict"] = "predict"
    networks: tuple[Kept, ...]
    plugins: tuple[str, ...] = ()  # files that register backbones
    pictures: tuple[str, ...]
    square: Literal["centre", "letterbox"]
    batch: int | None  # pictures at once; None: depends on the device
    skip_unreadable: bool  # go on after an unreadable picture; else only find the other unreadable ones
    out: str  # file of the result (`NetworkOutputs`)


AnyJob = PrepareJob | ShardsJob | DownloadJob | PublicJob | LookJob | AuditJob | ShowJob | TrainJob | PredictJob
JOB: TypeAdapter[AnyJob] = TypeAdapter(Annotated[AnyJob, Field(discriminator="kind")])


class Progress(Frozen):
    """`done` of `total` images or epochs of a phase; run_id is empty while preparing."""

    event: Literal["progress"] = "progress"
    run_id: str
    phase: str
    done: int = 0
    total: int = 0


class Finished(Frozen):
    """A run is stored."""

    event: Literal["finished"] = "finished"
    run_id: str
    macro_f1: float
    seconds: float


class Failed(Frozen):
    """A run failed. The child goes on with the next run."""

    event: Literal["failed"] = "failed"
    run_id: str
    kind: FailureKind
    reason: str
    seconds: float


class Answer(Frozen):
    """The result of a job as lines to print, and the exit status."""

    event: Literal["answer"] = "answer"
    lines: tuple[str, ...]
    status: int = 0


class Mistake(Frozen):
    """A mistake of the user: the whole command stops with this line."""

    event: Literal["mistake"] = "mistake"
    message: str


class Done(Frozen):
    """The job is over; a child that ends without this event has died."""

    event: Literal["done"] = "done"


Event = Progress | Finished | Failed | Answer | Mistake | Done
EVENT: TypeAdapter[Event] = TypeAdapter(Annotated[Event, Field(discriminator="event")])
Emit = Callable[[Frozen], None]
Tell = Callable[[int, int], object]  # done, of how many


def counted(emit: Emit, phase: str) -> Tell:
    """A function that emits `done` of `total` of a phase as an event."""
    return lambda done, total: emit(Progress(run_id="", phase=phase, done=done, total=total))
