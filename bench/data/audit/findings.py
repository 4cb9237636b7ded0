"""What an audit found: what makes scores wrong, and what one should know."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from bench.data.audit.copies import Group
from bench.data.audit.survey import Looked
from bench.data.records import NO_CLASS, claimed_count

_FEW = 5  # validation pictures of a class, below which its F1 is mostly noise
_STEEP = 10  # times as many training pictures in the largest class as in the smallest


@dataclass(frozen=True)
class Collected:
    """A data set as it was read.

    Attributes:
        name: of the data set.
        class_names: in label order.
        pictures: px -> its records, in order.
        labels: id -> class, `NO_CLASS` where it is not known.
        groups: copies, found at the smallest resolution.
        cut: whether the search for copies was cut short.
        trouble: what is wrong with the data set as a whole, such as its answers.
    """

    name: str
    class_names: tuple[str, ...]
    pictures: Mapping[int, Sequence[Looked]]
    labels: Mapping[str, int]
    groups: Sequence[Group] = ()
    cut: bool = False
    trouble: Sequence[str] = ()

    @property
    def first(self) -> Sequence[Looked]:
        """The records of the smallest resolution."""
        return self.pictures[min(self.pictures)]

    @property
    def counts(self) -> Mapping[tuple[int, str], int]:
        """(class, split) -> pictures, at the smallest resolution."""
        return Counter((self.labels.get(one.id, NO_CLASS), one.split) for one in self.first if one.id)

    @property
    def splits(self) -> tuple[str, ...]:
        """Those that are there."""
        return tuple(dict.fromkeys(one.split for one in self.first))


@dataclass
class Findings:
    """Sentences, without a full stop.

    Attributes:
        wrong: what makes scores wrong.
        known: what one should know, and can live with.
    """

    wrong: list[str] = field(default_factory=list)
    known: list[str] = field(default_factory=list)


def judge(collected: Collected) -> Findings:
    """Everything that there is to say."""
    found = Findings(wrong=list(collected.trouble))
    for px, pictures in collected.pictures.items():
        found.wrong += _records(px, pictures)
    found.wrong += _ids(collected) + _resolutions(collected)
    _copies(collected, found)
    _classes(collected, found)
    return found


def _records(px: int, pictures: Sequence[Looked]) -> list[str]:
    """Of one resolution: records that cannot be used, sizes, counts that shards claim, labels that are none."""
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


def _ids(collected: Collected) -> list[str]:
    splits: dict[str, list[str]] = {}
    for one in collected.first:
        if one.id:
            splits.setdefault(one.id, []).append(one.split)
    shared = [name for name, where in splits.items() if len(set(where)) > 1]
    twice = [name for name, where in splits.items() if len(where) > len(set(where))]
    texts = [f"{len(shared):,} ids are in several splits, such as '{shared[0]}'"] if shared else []
    return texts + ([f"{len(twice):,} ids occur twice in a split, such as '{twice[0]}'"] if twice else [])


def _resolutions(collected: Collected) -> list[str]:
    """Whether every resolution holds the same pictures in the same order."""
    smallest = min(collected.pictures)
    first = [(one.split, one.id, one.label) for one in collected.first]
    texts = []
    for px, pictures in collected.pictures.items():
        if [(one.split, one.id, one.label) for one in pictures] != first:
            texts.append(f"{smallest} and {px} px do not hold the same ids with the same classes in the same order")
    return texts


def _copies(collected: Collected, found: Findings) -> None:
    across = [group for group in collected.groups if len(group.splits) > 1]
    within = [group for group in collected.groups if len(group.splits) == 1]
    for kind, text in {
        "the same bytes": "the same picture, byte for byte, is in several splits",
        "nearly the same": "nearly the same picture is in several splits",
        "mirrored": "a picture and its mirror image are in several splits",
    }.items():
        count = sum(group.kind == kind for group in across)
        if count:
            found.wrong.append(f"{text} ({count:,} group{'s' * (count != 1)} of copies)")
    conflicts = [group for group in collected.groups if len(group.labels(dict(collected.labels))) > 1]
    exact = sum(group.kind == "the same bytes" for group in conflicts)
    if exact:
        found.wrong.append(f"the same picture has several classes ({exact:,} group{'s' * (exact != 1)} of copies)")
    if len(conflicts) > exact:
        found.known.append(f"{len(conflicts) - exact:,} groups of near copies have several classes: one may be wrong")
    if within:
        found.known.append(f"{len(within):,} groups of copies lie within a split")
    if collected.cut:
        found.known.append("so many pictures look alike that the search for near copies was cut short")


def _classes(collected: Collected, found: Findings) -> None:
    counts, names = collected.counts, collected.class_names
    outside = sorted({label for label, _ in counts if label != NO_CLASS and not 0 <= label < len(names)})
    if outside:
        found.wrong.append(f"there are labels outside of 0 to {len(names) - 1}, such as {outside[0]}")
    for split in collected.splits:
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
