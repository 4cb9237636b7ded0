"""What the child does for `bench data audit`: read, look for copies, judge, write a page and a contact sheet."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path

from PIL import Image

from bench.data.answers import read_answers
from bench.data.audit.copies import Group, groups
from bench.data.audit.findings import Collected, Findings, judge
from bench.data.audit.page import class_of, page
from bench.data.audit.survey import Looked, read
from bench.data.records import claimed_count, decode, parse
from bench.data.remote.copies import open_for_job
from bench.data.sheets import Cell, SheetRow, sheet
from bench.data.source import DataSource
from bench.errors import UserError
from bench.files import write_atomic, write_text
from bench.jobs.messages import Answer, AuditJob, Emit, counted

PAGE, SHEET = "audit.md", "copies.png"

_SHEET_GROUPS, _SHEET_MEMBERS, _SIDE = 40, 4, 128

Tell = Callable[[int, int], object]


def audit(source: DataSource, folder: Path, tell: Tell) -> tuple[Findings, Path]:
    """Audits a data set that is there.

    Args:
        source: whose shards are on this machine.
        folder: where the page goes, in a folder of the data set's name.
        tell: is given how many records were read, of how many.

    Returns:
        What was found, and the page.

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


def collect(source: DataSource, tell: Tell) -> Collected:
    """Everything about a data set that is judged."""
    shards = [path for splits in source.shards.values() for paths in splits.values() for path in paths]
    total = sum(claimed_count(path) or 0 for path in shards)
    done = 0

    def count(records: int) -> None:
        nonlocal done
        done += records
        tell(done, max(done, total))

    smallest = source.resolutions[0]
    pictures = {px: list(read(source.shards[px], looks=px == smallest, tell=count)) for px in source.resolutions}
    found, cut = groups(pictures[smallest])
    labels, trouble = _labels(source, pictures[smallest])
    names = source.class_names or tuple(map(str, range(max(labels.values(), default=-1) + 1)))
    return Collected(source.name, names, pictures, labels, found, cut, trouble)


def _labels(source: DataSource, pictures: Sequence[Looked]) -> tuple[dict[str, int], list[str]]:
    """Classes by id, those of the answers included, and what is wrong with the answers."""
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


def _draw(collected: Collected, path: Path) -> bool:
    """The contact sheet of the first groups, where there are any."""
    shown = collected.groups[:_SHEET_GROUPS]
    if not shown:
        path.unlink(missing_ok=True)
        return False
    pixels = _pixels([one for group in shown for one in group.members[:_SHEET_MEMBERS]])
    rows = [_row(number, group, collected, pixels) for number, group in enumerate(shown, 1)]
    write_atomic(path, lambda file: sheet(rows, _SIDE).save(file, "PNG"))
    return True


def _row(number: int, group: Group, collected: Collected, pixels: dict[tuple[Path, int], Image.Image]) -> SheetRow:
    members = group.members[:_SHEET_MEMBERS]
    more = f", {len(group.members)} in all" if len(group.members) > len(members) else ""
    cells = [Cell(pixels[one.shard, one.number], f"{one.split}: {class_of(one.id, collected)}") for one in members]
    return SheetRow(f"{number}: {group.kind}{more}", cells)


def _pixels(wanted: Sequence[Looked]) -> dict[tuple[Path, int], Image.Image]:
    """The pictures of these records, by shard and number."""
    import tensorflow as tf

    numbers: dict[Path, set[int]] = {}
    for one in wanted:
        numbers.setdefault(one.shard, set()).add(one.number)
    found = {}
    for shard, chosen in numbers.items():
        for number, record in enumerate(tf.data.TFRecordDataset(str(shard)).take(max(chosen)), 1):
            if number in chosen:
                found[shard, number] = Image.fromarray(decode(parse(record)["image"]).numpy())
    return found


def handle(job: AuditJob, emit: Emit, _: Path) -> None:
    """Handler for `data audit`: answers with the findings; status 1 if any of them makes scores wrong."""
    source = open_for_job(job.data, (), emit)
    findings, page = audit(source, Path(job.folder), counted(emit, "reading records"))
    lines = [f"WRONG: {text}." for text in findings.wrong]
    lines += [f"{text[:1].upper()}{text[1:]}." for text in findings.known]
    verdict = f"{len(findings.wrong)} would make scores wrong" if findings.wrong else "nothing makes scores wrong"
    emit(Answer(lines=(*lines, f"Audit: {verdict}. Page: {page}"), status=1 if findings.wrong else 0))
