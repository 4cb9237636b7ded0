"""The child's side of commands about data: does what was asked and says what came of it."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from bench.config import Frozen
from bench.jobs import Answer, AuditJob, DownloadJob, LookJob, Progress, PublicJob, ShardsJob, ShowJob

Emit = Callable[[Frozen], None]


def answer(job: ShardsJob | DownloadJob | PublicJob | LookJob | AuditJob | ShowJob, emit: Emit) -> None:
    """Does a job about data.

    Raises:
        UserError: whatever is wrong, in one line.
    """
    if isinstance(job, ShardsJob):
        from bench.data.importing.shards import write_shards

        write_shards(job, _counted(emit, "writing shards"))
    elif isinstance(job, DownloadJob):
        from bench.data.fetching.kaggle import download

        mounted = download(job, _counted(emit, "downloading"))
        if mounted is not None:
            emit(Answer(lines=(str(mounted),)))
    elif isinstance(job, PublicJob):
        from bench.data.fetching.tfds import write_pictures

        write_pictures(job, lambda phase, done, of: emit(Progress(run_id="", phase=phase, done=done, total=of)))
    elif isinstance(job, LookJob):
        from bench.data.looking import look

        emit(Progress(run_id="", phase=f"looking at {job.data}"))
        look(job.data)
    elif isinstance(job, AuditJob):
        emit(_audited(job, emit))
    else:
        emit(_shown(job, emit))


def _audited(job: AuditJob, emit: Emit) -> Answer:
    from bench.data.auditing.auditing import audit
    from bench.data.copying import PHASE, opened

    _make_sample(job.data, emit)
    source = opened(job.data, (), _counted(emit, PHASE))
    findings, page = audit(source, Path(job.folder), _counted(emit, "reading records"))
    lines = [f"WRONG: {text}." for text in findings.wrong] + [
        f"{text[:1].upper()}{text[1:]}." for text in findings.known
    ]
    verdict = f"{len(findings.wrong)} would make scores wrong" if findings.wrong else "nothing makes scores wrong"
    return Answer(lines=(*lines, f"Audit: {verdict}. Page: {page}"), status=1 if findings.wrong else 0)


def _shown(job: ShowJob, emit: Emit) -> Answer:
    from bench.config import load_recipe
    from bench.data.copying import PHASE, opened
    from bench.data.examples import show

    _make_sample(job.data, emit)
    source, recipe = opened(job.data, job.resolutions, _counted(emit, PHASE)), load_recipe(job.recipe)
    emit(Progress(run_id="", phase="drawing examples"))
    folder = Path(job.folder) / source.name
    paths = show(
        source, job.resolutions, recipe.augmentation, job.examples, lambda px: folder / f"{recipe.name}-{px}px.png"
    )
    said = f"{source.name}: training pictures as '{recipe.name}' shows them (augmentation: {recipe.augmentation})."
    sides = {px: source.source_px(px) for px in job.resolutions}
    made = [f"{px} px is made from {side} px, as in training." for px, side in sides.items() if side is not None]
    return Answer(lines=(said, *made, *map(str, paths)))


def _make_sample(data: str, emit: Emit) -> None:
    if data == "sample":
        from bench.data.sample import ensure_sample

        emit(Progress(run_id="", phase="drawing the sample"))
        ensure_sample()


def _counted(emit: Emit, phase: str) -> Callable[[int, int], None]:
    return lambda done, of: emit(Progress(run_id="", phase=phase, done=done, total=of))
