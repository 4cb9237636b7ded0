"""Splits of imported pictures, decided by their contents, so that a picture added later moves no other."""

from __future__ import annotations

import hashlib
from collections import Counter, defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from bench.data.layout import SPLITS
from bench.errors import UserError

DEFAULT = "70,15,15"


@dataclass(frozen=True)
class Shares:
    """Percent of the pictures in train, val and test; test may be 0."""

    train: float
    val: float
    test: float

    @classmethod
    def parse(cls, text: str) -> Shares:
        """`70,15,15`.

        Raises:
            UserError: not three numbers that sum to 100, or train or val is 0.
        """
        try:
            numbers = [float(part) for part in text.split(",")]
        except ValueError:
            numbers = []
        if len(numbers) != 3 or not all(0 <= number <= 100 for number in numbers) or abs(sum(numbers) - 100) > 1e-6:
            raise UserError(
                f"--split '{text}' must be three percentages, of train, val and test, that sum to 100: {DEFAULT}."
            )
        if not numbers[0] or not numbers[1]:
            raise UserError(f"--split '{text}' leaves nothing for train or for val. Only test may be 0.")
        return cls(*numbers)

    @property
    def splits(self) -> tuple[str, ...]:
        """The splits that get pictures."""
        return SPLITS if self.test else SPLITS[:2]

    def of(self, digest: str) -> str:
        """The split of a picture with this content digest."""
        point = 100 * _fraction("split", digest)
        if point < self.train:
            return "train"
        return "val" if point < self.train + self.val or not self.test else "test"


def split_all(classes: Mapping[str, Sequence[str]], shares: Shares, earlier: Mapping[str, str]) -> dict[str, str]:
    """Content digest -> split.

    A picture stays in its split of the earlier import; a new one gets the split of its content. A split that would hold
    no picture of a class gets one from the largest split of the class.

    Args:
        classes: class name -> digests of its pictures, copies included.
        shares: of the splits.
        earlier: digest -> split of an earlier import into the same name.

    Raises:
        UserError: a class has fewer different pictures than the number of splits.
    """
    pictures = {name: sorted(set(digests)) for name, digests in classes.items()}
    _check_enough(pictures, shares)
    chosen = {digest: earlier.get(digest, shares.of(digest)) for found in pictures.values() for digest in found}
    uses = Counter(digest for found in pictures.values() for digest in found)
    for found in pictures.values():
        # A picture of two classes stays in its split: moving it could take the other class's only one.
        _fill([digest for digest in found if uses[digest] == 1], found, shares, chosen)
    return chosen


def _check_enough(pictures: Mapping[str, Sequence[str]], shares: Shares) -> None:
    few = {name: len(found) for name, found in pictures.items() if len(found) < len(shares.splits)}
    if few:
        name, count = next(iter(few.items()))
        others = f", and so have {len(few) - 1} other classes" if len(few) > 1 else ""
        raise UserError(
            f"Class '{name}' has {count} different picture{'s' * (count != 1)}, fewer than the {len(shares.splits)} "
            f"splits{others}. Add pictures, remove the class, or import without test: --split 80,20,0."
        )


def _fill(movable: Sequence[str], found: Sequence[str], shares: Shares, chosen: dict[str, str]) -> None:
    for split in shares.splits:
        by_split = defaultdict(list)
        for digest in found:
            by_split[chosen[digest]].append(digest)
        if by_split[split]:
            continue
        giver = max(shares.splits, key=lambda name: len(by_split[name]))
        candidates = [digest for digest in by_split[giver] if digest in set(movable)]
        if len(by_split[giver]) > 1 and candidates:
            chosen[min(candidates, key=lambda digest: _fraction("moved", digest))] = split


def _fraction(purpose: str, digest: str) -> float:
    """From 0 to 1, independent for each purpose."""
    return int.from_bytes(hashlib.sha256(f"{purpose}/{digest}".encode()).digest()[:6]) / 2**48
