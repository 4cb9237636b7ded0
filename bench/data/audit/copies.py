"""Copies of pictures: the same bytes, and near copies by perceptual hashes, confirmed on small pictures."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np
from numpy.typing import NDArray
from scipy.sparse import coo_array
from scipy.sparse.csgraph import connected_components

from bench.data.audit.survey import FLAT, THUMB_PX, Surveyed

Kind = Literal["the same bytes", "nearly the same", "mirrored"]

# Of 64 bits. Encoded anew, shrunk, 30 % brighter or cropped by 2 %, all drawn flowers stay within 10 bits of
# themselves; two different ones differ by 12 or more.
MOST_BITS = 10
LEAST_CORRELATION = 0.9  # of gray thumbs; different pictures whose hashes are alike by chance are far below
_ROWS = 256  # of the matrix of all pairs, compared at a time: 50 MB with 24,000 pictures
MOST_PAIRS = 200_000


@dataclass(frozen=True)
class CopyGroup:
    """Pictures that are copies of each other, in the order of the records.

    Attributes:
        kind: the closest likeness that connects all members.
        members: two or more.
    """

    kind: Kind
    members: tuple[Surveyed, ...]

    @property
    def splits(self) -> tuple[str, ...]:
        """The splits of its members, in order."""
        return tuple(dict.fromkeys(member.split for member in self.members))

    def labels(self, known: dict[str, int]) -> set[int]:
        """The known classes of its members. `known`: id -> class."""
        return {known[member.id] for member in self.members if known.get(member.id, -1) >= 0}


def copy_groups(pictures: Sequence[Surveyed]) -> tuple[list[CopyGroup], bool]:
    """All copies, those across splits first, and whether the search was cut short by too many similar pairs."""
    by_digest: dict[str, list[int]] = defaultdict(list)
    for place, picture in enumerate(pictures):
        if picture.digest:
            by_digest[picture.digest].append(place)
    firsts = np.array([places[0] for places in by_digest.values() if pictures[places[0]].hashes], np.int64)
    near, mirrored, cut = _near([pictures[place] for place in firsts])
    same = [(places[0], other) for places in by_digest.values() for other in places[1:]]
    edges: dict[Kind, NDArray[np.int64]] = {
        "the same bytes": np.array(same, np.int64).reshape(-1, 2),
        "nearly the same": firsts[near],
        "mirrored": firsts[mirrored],
    }
    found = [
        CopyGroup(kind, tuple(pictures[place] for place in members))
        for kind, members in _components(edges, len(pictures))
    ]
    return sorted(found, key=lambda group: (len(group.splits) < 2, list(edges).index(group.kind))), cut


def _near(pictures: Sequence[Surveyed]) -> tuple[NDArray[np.int64], NDArray[np.int64], bool]:
    """Similar pairs (P, 2), pairs of a picture and its mirror image, and whether there are too many."""
    hashes = np.array([picture.hashes for picture in pictures], np.uint64).reshape(-1, 2)
    thumbs = np.array([picture.thumb for picture in pictures], np.float32)
    near, mirrored, total = [np.zeros((0, 2), np.int64)], [np.zeros((0, 2), np.int64)], 0
    for first in range(0, len(pictures), _ROWS):
        rows = hashes[first : first + _ROWS, 0, None]
        for column, found, flipped in ((0, near, False), (1, mirrored, True)):
            pairs = _within(rows, hashes[first:, column], first)
            found.append(pairs[_alike(thumbs, pairs, flipped)])
            total += len(found[-1])
        if total > MOST_PAIRS:
            break
    both = np.concatenate(near), np.concatenate(mirrored)
    # A symmetric picture is its own mirror image.
    codes = [pairs @ [len(pictures), 1] for pairs in both]
    return both[0], both[1][~np.isin(codes[1], codes[0])], total > MOST_PAIRS


def _within(rows: NDArray[np.uint64], columns: NDArray[np.uint64], first: int) -> NDArray[np.int64]:
    """Pairs i < j of hashes that differ in few bits."""
    i, j = np.nonzero(np.bitwise_count(rows ^ columns[None]) <= MOST_BITS)
    return np.stack([i, j], axis=1)[i < j] + first


def _alike(thumbs: NDArray[np.float32], pairs: NDArray[np.int64], flipped: bool) -> NDArray[np.bool_]:
    """Whether the thumbs of each pair correlate; for two even thumbs, whether their brightness is the same."""
    alike = np.zeros(len(pairs), bool)
    for part in np.array_split(np.arange(len(pairs)), len(pairs) // 10_000 + 1):
        one, other = (thumbs[pairs[part, side]] for side in (0, 1))
        other = other[:, :, ::-1] if flipped else other
        one, other = (found.reshape(len(part), THUMB_PX**2) for found in (one, other))
        spread = one.std(axis=1), other.std(axis=1)
        middle = one.mean(axis=1), other.mean(axis=1)
        shared = ((one - middle[0][:, None]) * (other - middle[1][:, None])).mean(axis=1)
        flat = np.maximum(*spread) < FLAT
        correlated = (shared >= LEAST_CORRELATION * spread[0] * spread[1]) & (np.minimum(*spread) >= FLAT)
        alike[part] = np.where(flat, np.abs(middle[0] - middle[1]) < 2 * FLAT, correlated)
    return alike


def _components(edges: Mapping[Kind, NDArray[np.int64]], count: int) -> Iterator[tuple[Kind, list[int]]]:
    """The places of connected pictures, and the last kind of the edges that connect them."""
    pairs = np.concatenate(list(edges.values()))
    graph = coo_array((np.ones(len(pairs), bool), (pairs[:, 0], pairs[:, 1])), shape=(count, count))
    number, names = connected_components(graph, directed=False)
    kinds = {int(name): kind for kind, found in edges.items() for name in names[found[:, 0]]}
    ends, order = np.cumsum(np.bincount(names, minlength=number)), np.argsort(names, kind="stable")
    for name, kind in sorted(kinds.items()):
        yield kind, order[ends[name - 1] if name else 0 : ends[name]].tolist()
