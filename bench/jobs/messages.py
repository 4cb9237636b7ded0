"""What a parent hands to a child process, and what the child says back: plain data, one JSON line each."""

from __future__ import annotations

from collections.abc import Callable
from typing import Annotated, Literal

from pydantic import Field, TypeAdapter

from bench.config.base import Frozen
from bench.config.run import RunConfig

# What becomes of a batch that does not fit in memory: the run fails, its gradients are gathered from smaller batches,
# or the batch itself is made smaller.
OnOom = Literal["fail", "accumulate", "shrink"]
DEFAULT_BANK_GIB = 20.0
DEFAULT_WORKER_TIMEOUT_SECONDS = 300.0


class PlannedRun(Frozen):
    """A run with its name."""

    run_id: str
    config: RunConfig


class PrepareJob(Frozen):
    """Make the sample where it is asked for, read every record once, check it, keep the index."""

    kind: Literal["prepare"] = "prepare"
    data: str  # as given: a name, a path or a URL
    resolutions: tuple[int, ...]


class ShardsJob(Frozen):
    """Write the pictures that an import prepared as TFRecord shards."""

    kind: Literal["shards"] = "shards"
    spool: str  # the file that holds them, and the plan
    form: str  # how they were prepared
    folder: str  # where the shards go
    resolutions: tuple[int, ...]


class DownloadJob(Frozen):
    """Download files of the competition that the Petals come from."""

    kind: Literal["download"] = "download"
    files: tuple[str, ...]  # as the competition names them: the names end in the number of records
    folder: str  # where they go


class PublicJob(Frozen):
    """Get a public data set through tensorflow-datasets and write its pictures as files."""

    kind: Literal["public"] = "public"
    name: str
    folder: str  # where they go


class LookJob(Frozen):
    """List a data set that lies elsewhere, and keep what there is."""

    kind: Literal["look"] = "look"
    data: str  # its URL


class AuditJob(Frozen):
    """Read every record of a data set and write a page about what is wrong with it."""

    kind: Literal["audit"] = "audit"
    data: str
    folder: str  # of audits


class ShowJob(Frozen):
    """Draw sheets of training pictures as the network receives them."""

    kind: Literal["show"] = "show"
    data: str
    recipe: str  # whose augmentation is shown
    resolutions: tuple[int, ...]  # none: all of the data set
    examples: int  # of each class
    folder: str


class TrainJob(Frozen):
    """Runs that share a built backbone, in the order in which they are to be done."""

    kind: Literal["train"] = "train"
    data: str
    resolutions: tuple[int, ...]  # of the checked index, which may be more than those of the runs
    backbone: str
    plugin: str | None = None  # the file that registers the backbone, where one was given
    weights: str  # imagenet, random, or the path of a weights file
    store: str
    code_revision: str
    runs: tuple[PlannedRun, ...]
    keep_weights: bool = False  # the trained model stays in the run directory
    tensorboard: bool = False  # curves and timings for `tensorboard --logdir`
    on_oom: OnOom = "fail"
    at_once: int | None = None  # images that fit in memory together, where more were tried and did not; None: untried
    worker_timeout_seconds: float = DEFAULT_WORKER_TIMEOUT_SECONDS  # for the other workers of TF_CONFIG
    bank_gib: float = DEFAULT_BANK_GIB  # disk that the saved outputs of a partly frozen network may take


class Kept(Frozen):
    """A trained network as a run keeps it."""

    run_id: str
    model: str  # its file
    backbone: str
    image_px: int
    image_source_px: int | None = None  # the run's pictures were made from this side as they were read
    weights: str | None  # the file holds the head alone; what the backbone before it is built from: imagenet or a path


class PredictJob(Frozen):
    """Classify pictures with trained networks."""

    kind: Literal["predict"] = "predict"
    networks: tuple[Kept, ...]
    plugins: tuple[str, ...] = ()  # files that register backbones
    pictures: tuple[str, ...]
    square: Literal["centre", "letterbox"]
    batch: int | None  # pictures at once; None: as many as suits the device
    skip_unreadable: bool  # go on where a picture cannot be read, else only look for more of them
    out: str  # where `bench.predictions.predict.outcome` finds what came of it


AnyJob = PrepareJob | ShardsJob | DownloadJob | PublicJob | LookJob | AuditJob | ShowJob | TrainJob | PredictJob
JOB: TypeAdapter[AnyJob] = TypeAdapter(Annotated[AnyJob, Field(discriminator="kind")])


class Progress(Frozen):
    """Where a child is. `done` of `total` images or epochs of the phase; run_id is empty while preparing."""

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
    """A run cannot be finished. The child goes on with the next one."""

    event: Literal["failed"] = "failed"
    run_id: str
    kind: FailureKind
    reason: str
    seconds: float


class Answer(Frozen):
    """What was asked for, in lines to print, and the exit status."""

    event: Literal["answer"] = "answer"
    lines: tuple[str, ...]
    status: int = 0


class Mistake(Frozen):
    """Something the user can mend: the whole command stops with this line."""

    event: Literal["mistake"] = "mistake"
    message: str


class Done(Frozen):
    """The job is over; a child that ends without saying so has died."""

    event: Literal["done"] = "done"


Event = Annotated[Progress | Finished | Failed | Answer | Mistake | Done, Field(discriminator="event")]
EVENT: TypeAdapter[Progress | Finished | Failed | Answer | Mistake | Done] = TypeAdapter(Event)


FailureKind = Literal["oom", "nan", "timeout", "killed", "error"]

Emit = Callable[[Frozen], None]
Tell = Callable[[int, int], None]


def counted(emit: Emit, phase: str) -> Tell:
    """Reports `done` of `total` in a phase as an event."""
    return lambda done, total: emit(Progress(run_id="", phase=phase, done=done, total=total))
