"""`bench data audit`, in the child: survey the records, find copies, judge, write a page and a contact sheet."""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial
from pathlib import Path

import tensorflow as tf
from PIL import Image

from bench.data.answers import read_answers
from bench.data.audit.copies import CopyGroup, copy_groups
from bench.data.audit.findings import Collection, Findings, judge
from bench.data.audit.page import class_of, page
from bench.data.audit.survey import Surveyed, survey
from bench.data.records import claimed_count, decode, parse
from bench.data.remote.copies import open_for_job
from bench.data.sheets import Cell, SheetRow, sheet
from bench.data.source import DataSource
from bench.errors import UserError
from bench.files import write_atomic, write_text
from bench.jobs.messages import Answer, AuditJob, Emit, Tell, counted

PAGE, SHEET = "audit.md", "copies.png"

_SHEET_GROUPS, _SHEET_MEMBERS, _SIDE = 40, 4, 128


def handle(job: AuditJob, emit: Emit, _: Path) -> None:
    """Handler for `data audit`: answers with the findings; status 1 if any makes scores wrong."""
    source = open_for_job(job.data, (), emit)
    findings, path = audit(source, Path(job.folder), counted(emit, "reading records"))
    lines = [f"WRONG: {text}." for text in findings.wrong]
    lines += [f"{text[:1].upper()}{text[1:]}." for text in findings.known]
    verdict = f"{len(findings.wrong)} would make scores wrong" if findings.wrong else "nothing makes scores wrong"
    emit(Answer(lines=(*lines, f"Audit: {verdict}. Page: {path}"), status=1 if findings.wrong else 0))


def audit(source: DataSource, folder: Path, tell: Tell) -> tuple[Findings, Path]:
    """Audits a data set.

    Args:
        source: with shards on this machine.
        folder: receives a folder of the data set's name, with the page.
        tell: called with the number of records read, of how many.

    Returns:
        The findings, and the path of the page.

    Raises:
        UserError: the folder cannot be written.
    """
    collected = collect(source, tell)
    findings = judge(collected)
    inside = folder / source.name
    try:
        inside.mkdir(parents=True, exist_ok=True)
        drawn = _draw(collected, inside / SHEET)
        write_text(inside / PAGE, page(collected, findings, SHEET if drawn else None))
    except OSError as error:
        raise UserError(f"Cannot write '{inside}': {error.strerror or error}.") from error
    return findings, inside / PAGE


def collect(source: DataSource, tell: Tell) -> Collection:
    """A data set with its copies, labels and answers."""
    shards = [path for splits in source.shards.values() for paths in splits.values() for path in paths]
    total = sum(claimed_count(path) or 0 for path in shards)
    done = 0

    def count(records: int) -> None:
        nonlocal done
        done += records
        tell(done, max(done, total))

    smallest = source.resolutions[0]
    pictures = {px: list(survey(source.shards[px], hashes=px == smallest, tell=count)) for px in source.resolutions}
    found, cut = copy_groups(pictures[smallest])
    labels, answer_faults = _labels(source, pictures[smallest])
    names = source.class_names or tuple(map(str, range(max(labels.values(), default=-1) + 1)))
    return Collection(source.name, names, pictures, labels, found, cut, answer_faults)


def _labels(source: DataSource, pictures: Sequence[Surveyed]) -> tuple[dict[str, int], list[str]]:
    """Id -> class, those of the answers included, and the faults of the answers."""
    labels = {one.id: one.label for one in pictures if one.id}
    test = [one.id for one in pictures if one.split == "test" and one.id]
    if source.answers is None or not test:
        return labels, []
    count = len(source.class_names) if source.class_names else max([*labels.values(), 0]) + 1
    try:
        answers = read_answers(source.answers, test, count)
    except UserError as error:
        return labels, [str(error).rstrip(".")]
    return labels | dict(zip(test, answers.tolist(), strict=True)), []


def _draw(collected: Collection, path: Path) -> bool:
    """The contact sheet of the first groups. Returns whether there is one."""
    shown = collected.groups[:_SHEET_GROUPS]
    if not shown:
        path.unlink(missing_ok=True)
        return False
    pixels = _pixels([one for group in shown for one in group.members[:_SHEET_MEMBERS]])
    rows = [_row(number, group, collected, pixels) for number, group in enumerate(shown, 1)]
    write_atomic(path, partial(sheet(rows, _SIDE).save, format="PNG"))
    return True


def _row(number: int, group: CopyGroup, collected: Collection, pixels: dict[tuple[Path, int], Image.Image]) -> SheetRow:
    members = group.members[:_SHEET_MEMBERS]
    more = f", {len(group.members)} in all" if len(group.members) > len(members) else ""
    cells = [Cell(pixels[one.shard, one.number], f"{one.split}: {class_of(one.id, collected)}") for one in members]
    return SheetRow(f"{number}: {group.kind}{more}", cells)


def _pixels(wanted: Sequence[Surveyed]) -> dict[tuple[Path, int], Image.Image]:
    """The pictures of these records, by shard and number."""
    numbers: dict[Path, set[int]] = {}
    for one in wanted:
        numbers.setdefault(one.shard, set()).add(one.number)
    found = {}
    for shard, chosen in numbers.items():
        for number, record in enumerate(tf.data.TFRecordDataset(str(shard)).take(max(chosen)), 1):
            if number in chosen:
                found[shard, number] = Image.fromarray(decode(parse(record)["image"]).numpy())
    return found
