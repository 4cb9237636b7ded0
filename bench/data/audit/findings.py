"""Findings of an audit: faults that make scores wrong, and remarks."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from bench.data.audit.copies import CopyGroup
from bench.data.audit.survey import Surveyed
from bench.data.records import NO_CLASS, claimed_count

_FEW = 5  # validation pictures of a class, below which its F1 is mostly noise
_STEEP = 10  # times as many training pictures in the largest class as in the smallest


@dataclass(frozen=True)
class Collection:
    """A data set as surveyed.

    Attributes:
        name: of the data set.
        class_names: in label order.
        pictures: px -> its records, in order.
        labels: id -> class, `NO_CLASS` if unknown.
        groups: copies, found at the smallest resolution.
        cut: whether the search for copies was cut short.
        answer_faults: of the answers.
    """

    name: str
    class_names: tuple[str, ...]
    pictures: Mapping[int, Sequence[Surveyed]]
    labels: Mapping[str, int]
    groups: Sequence[CopyGroup] = ()
    cut: bool = False
    answer_faults: Sequence[str] = ()

    @property
    def first(self) -> Sequence[Surveyed]:
        """The records of the smallest resolution."""
        return self.pictures[min(self.pictures)]

    @property
    def counts(self) -> Mapping[tuple[int, str], int]:
        """(class, split) -> pictures, at the smallest resolution."""
        return Counter((self.labels.get(one.id, NO_CLASS), one.split) for one in self.first if one.id)

    @property
    def splits(self) -> tuple[str, ...]:
        """Its splits, in order."""
        return tuple(dict.fromkeys(one.split for one in self.first))


@dataclass
class Findings:
    """Sentences without a full stop.

    Attributes:
        wrong: faults that make scores wrong.
        known: remarks.
    """

    wrong: list[str] = field(default_factory=list)
    known: list[str] = field(default_factory=list)


def judge(data: Collection) -> Findings:
    """All findings."""
    found = Findings(wrong=list(data.answer_faults))
    for px, pictures in data.pictures.items():
        found.wrong += _records(px, pictures)
    found.wrong += _ids(data) + _resolutions(data)
    _copies(data, found)
    _classes(data, found)
    return found


def _records(px: int, pictures: Sequence[Surveyed]) -> list[str]:
    """Of one resolution: unusable records, sizes, missing classes, counts that the shards promise."""
    texts = []
    faults = [one for one in pictures if one.fault]
    if faults:
        texts.append(f"{_records_text(len(faults))} at {px} px cannot be used, {faults[0].where}: {faults[0].fault}")
    sizes = Counter(one.size for one in pictures if not one.fault and one.size != (px, px))
    if sizes:
        (width, height), _ = sizes.most_common(1)[0]
        texts.append(f"{_records_text(sum(sizes.values()))} at {px} px have another size, such as {width} x {height}")
    unlabelled = sum(one.label == NO_CLASS and one.split != "test" and not one.fault for one in pictures)
    if unlabelled:
        texts.append(f"{_records_text(unlabelled)} of train or val at {px} px have no class")
    counts = Counter(one.shard for one in pictures)
    claims = {shard: claimed_count(shard) for shard in counts}
    texts += [
        f"{shard.parent.name}/{shard.name} holds {counts[shard]:,} records, not the {claim:,} that its name says"
        for shard, claim in claims.items()
        if claim is not None and claim != counts[shard]
    ]
    return texts


def _records_text(count: int) -> str:
    return f"{count:,} record{'s' * (count != 1)}"


def _ids(data: Collection) -> list[str]:
    splits: dict[str, list[str]] = {}
    for one in data.first:
        if one.id:
            splits.setdefault(one.id, []).append(one.split)
    shared = [name for name, where in splits.items() if len(set(where)) > 1]
    twice = [name for name, where in splits.items() if len(where) > len(set(where))]
    texts = [f"{len(shared):,} ids are in several splits, such as '{shared[0]}'"] if shared else []
    return texts + ([f"{len(twice):,} ids occur twice in a split, such as '{twice[0]}'"] if twice else [])


def _resolutions(data: Collection) -> list[str]:
    """Whether every resolution holds the same pictures in the same order."""
    keys = {px: [(one.split, one.id, one.label) for one in pictures] for px, pictures in data.pictures.items()}
    smallest = min(keys)
    text = "do not hold the same ids with the same classes in the same order"
    return [f"{smallest} and {px} px {text}" for px, found in keys.items() if found != keys[smallest]]


def _copies(data: Collection, found: Findings) -> None:
    across = [group for group in data.groups if len(group.splits) > 1]
    within = [group for group in data.groups if len(group.splits) == 1]
    for kind, text in {
        "the same bytes": "the same picture, byte for byte, is in several splits",
        "nearly the same": "nearly the same picture is in several splits",
        "mirrored": "a picture and its mirror image are in several splits",
    }.items():
        count = sum(group.kind == kind for group in across)
        if count:
            found.wrong.append(f"{text} ({count:,} group{'s' * (count != 1)} of copies)")
    conflicts = [group for group in data.groups if len(group.labels(dict(data.labels))) > 1]
    exact = sum(group.kind == "the same bytes" for group in conflicts)
    if exact:
        found.wrong.append(f"the same picture has several classes ({exact:,} group{'s' * (exact != 1)} of copies)")
    if len(conflicts) > exact:
        found.known.append(f"{len(conflicts) - exact:,} groups of near copies have several classes: one may be wrong")
    if within:
        found.known.append(f"{len(within):,} groups of copies lie within a split")
    if data.cut:
        found.known.append("so many pictures look alike that the search for near copies was cut short")


def _classes(data: Collection, found: Findings) -> None:
    counts, names = data.counts, data.class_names
    outside = sorted({label for label, _ in counts if label != NO_CLASS and not 0 <= label < len(names)})
    if outside:
        found.wrong.append(f"there are labels outside of 0 to {len(names) - 1}, such as {outside[0]}")
    for split in data.splits:
        known = split != "test" or any(counts[label, split] for label in range(len(names)))
        absent = [name for label, name in enumerate(names) if known and not counts[label, split]]
        if absent:
            text = f"{len(absent):,} of {len(names):,} classes have no picture in {split}, such as '{absent[0]}'"
            (found.known if split == "test" else found.wrong).append(text)
    train = [counts[label, "train"] for label in range(len(names))]
    if min(train, default=0) and max(train) >= _STEEP * min(train):
        found.known.append(f"the largest class has {max(train) / min(train):.0f} times the pictures of the smallest")
    few = sum(0 < counts[label, "val"] < _FEW for label in range(len(names)))
    if few:
        found.known.append(
            f"{few:,} of {len(names):,} classes have fewer than {_FEW} validation pictures: their F1 is mostly noise"
        )
