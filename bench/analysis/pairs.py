"""Configurations that differ in their resolution alone, or in the scale of their rates alone, compared in pairs."""

from __future__ import annotations

import itertools
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import pandas as pd

from bench.ensemble_runs.ties import Marks, compare_configurations
from bench.store.configuration import Configuration, key_of

COLUMNS = ("one", "other", "seeds", "score_one", "score_other", "difference", "low", "high")
# Pictures of another side have another fingerprint, and a smaller batch if memory asks for one.
_RESOLUTION = frozenset({"image_px", "data_fingerprint", "image_source_px", "global_batch", "micro_batch"})
_RATE = frozenset({"lr_scale"})


@dataclass(frozen=True)
class MatchedPair:
    """Two configurations, over the seeds that both have."""

    one: Configuration
    other: Configuration

    def row(self, marks: Marks) -> dict[str, Any]:
        """One row of `paired`; empty without a common seed."""
        seeds = sorted(_seeds(self.one) & _seeds(self.other))
        if not seeds:
            return {}
        one, other = (_of_seeds(side, seeds) for side in (self.one, self.other))
        found = compare_configurations([other, one], marks)[one.member.run_id]
        scores = (one.macro_f1, other.macro_f1)
        values = (one.key, other.key, tuple(seeds), *scores, found.difference, found.low, found.high)
        return dict(zip(COLUMNS, values, strict=True))


def paired(ranked: Sequence[Configuration], marks: Marks) -> pd.DataFrame:
    """Differences of macro F1 on the same images, each over the seeds that both sides have.

    Args:
        ranked: configurations of the same images.
        marks: cache of differences.

    Returns:
        One row a pair: `one` and `other` (digests of configurations; the other has the next larger side, or a scale of
        its rates where the first has 1), `seeds`, `score_one`, `score_other`, `difference` (other minus one), and the
        bounds `low` and `high` of its 95 % interval, NaN with too few images. No pair is adjusted for the others.
    """
    rows = [row for pair in _pairs(ranked) if (row := pair.row(marks))]
    bounds = dict.fromkeys(("score_one", "score_other", "difference", "low", "high"), "float64")
    return pd.DataFrame(rows, columns=list(COLUMNS)).astype(bounds)


def _pairs(ranked: Iterable[Configuration]) -> Iterator[MatchedPair]:
    trained = [one for one in ranked if not one.member.result.added and one.member.result.image_px is not None]
    for group in _alike(trained, _RESOLUTION):
        group.sort(key=lambda one: one.member.result.image_px or 0)
        for one, other in itertools.pairwise(group):
            if one.member.result.image_px != other.member.result.image_px:
                yield MatchedPair(one, other)
    for group in _alike(trained, _RATE):
        yield from (MatchedPair(one, other) for one in group for other in group if _scale(one) == 1 != _scale(other))


def _alike(found: Iterable[Configuration], but: frozenset[str]) -> Iterator[list[Configuration]]:
    """Groups that share everything else, in the order of their first configuration."""
    groups: dict[str, list[Configuration]] = {}
    for one in found:
        groups.setdefault(key_of(one.member, but), []).append(one)
    yield from groups.values()


def _scale(one: Configuration) -> float:
    return one.member.result.lr_scale or 1.0


def _seeds(one: Configuration) -> set[int]:
    return {run.result.seed for run in one.runs if run.result.seed is not None}


def _of_seeds(one: Configuration, seeds: Sequence[int]) -> Configuration:
    return Configuration(one.key, tuple(run for run in one.runs if run.result.seed in seeds))
