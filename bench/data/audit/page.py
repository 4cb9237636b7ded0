"""The markdown page of an audit."""

from __future__ import annotations

from collections.abc import Sequence

from bench.data.audit.copies import LEAST_CORRELATION, MOST_BITS, CopyGroup
from bench.data.audit.findings import Collection, Findings
from bench.data.records import NO_CLASS
from bench.report.markdown import bullets, escape, table, wrap

_GROUPS, _MEMBERS, _FAULTS = 200, 6, 100  # on the page, at most

_METHOD = (
    "Every record of every resolution was decoded. Copies were searched at {px} px: the same bytes by SHA-256; near "
    "copies and mirror images by perceptual hashes that differ in at most {bits} of 64 bits, if small gray versions of "
    "the two correlate by {correlation} or more. This finds pictures that were encoded anew, shrunk, brightened or "
    "cropped a little; it does not find strong crops, rotations, or another photograph of the same object."
)


def page(data: Collection, findings: Findings, sheet: str | None) -> str:
    """The page. `sheet`: the name of the contact sheet, if any."""
    count = len(findings.wrong)
    warning = f"> **WARNING: {count} fault{'s' * (count != 1)} would make scores wrong.**"
    parts = [
        f"# Audit of {escape(data.name)}",
        warning if count else "No fault was found that would make scores wrong.",
    ]
    sections = {
        "Faults that make scores wrong": _sentences(findings.wrong),
        "Remarks": _sentences(findings.known),
        "Pictures": _resolutions(data),
        "Classes": _classes(data),
        "Copies": _copies(data, sheet),
        "Records that cannot be used": _faults(data),
        "Method": _METHOD.format(px=min(data.pictures), bits=MOST_BITS, correlation=LEAST_CORRELATION),
    }
    parts += [part for title, body in sections.items() if body for part in (f"## {title}", body)]
    return wrap("\n\n".join(parts)) + "\n"


def _sentences(texts: Sequence[str]) -> str:
    return bullets([f"{escape(text[:1].upper() + text[1:])}." for text in texts])


def _resolutions(data: Collection) -> str:
    rows = []
    for px, pictures in sorted(data.pictures.items()):
        for split in data.splits:
            found = [one for one in pictures if one.split == split]
            odd = sum(one.size != (px, px) for one in found)
            shards = len({one.shard for one in found})
            rows.append([str(px), split, f"{shards:,}", f"{len(found):,}", f"{odd:,}"])
    return table(["px", "split", "shards", "records", "of another size or none"], rows, left=["split"])


def _classes(data: Collection) -> str:
    counts, splits = data.counts, data.splits
    rows = [
        [str(label), name, *(f"{counts[label, split]:,}" for split in splits)]
        for label, name in enumerate(data.class_names)
    ]
    unknown = [f"{counts[NO_CLASS, split]:,}" for split in splits]
    if any(count != "0" for count in unknown):
        rows.append(["", "class not known", *unknown])
    return table(["label", "class", *splits], rows, left=["class"])


def _copies(data: Collection, sheet: str | None) -> str:
    if not data.groups:
        return "No copies were found."
    shown = data.groups[:_GROUPS]
    rows = [[str(number), group.kind, _members(group, data)] for number, group in enumerate(shown, 1)]
    more = len(data.groups) - len(shown)
    parts = [
        f"![The first groups of copies]({sheet})" if sheet else "",
        table(["group", "likeness", "id (split, class)"], rows, left=["likeness", "id (split, class)"]),
        f"{more:,} more groups are not shown." if more else "",
    ]
    return "\n\n".join(part for part in parts if part)


def _members(group: CopyGroup, data: Collection) -> str:
    shown = [f"{one.id} ({one.split}, {class_of(one.id, data)})" for one in group.members[:_MEMBERS]]
    more = len(group.members) - len(shown)
    return "; ".join(shown + [f"{more:,} more"] * bool(more))


def class_of(name: str, data: Collection) -> str:
    """The class name of an id, `?` if unknown."""
    label = data.labels.get(name, NO_CLASS)
    return data.class_names[label] if 0 <= label < len(data.class_names) else "?"


def _faults(data: Collection) -> str:
    faults = [(px, one) for px, pictures in sorted(data.pictures.items()) for one in pictures if one.fault]
    lines = [f"{px} px, {escape(one.where)}, id {escape(one.id or '-')}: {escape(one.fault)}." for px, one in faults]
    return bullets(lines[:_FAULTS] + [f"{len(lines) - _FAULTS:,} more."] * (len(lines) > _FAULTS))
