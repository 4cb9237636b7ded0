"""The leaderboard of a store: runs that are compared, the best configuration, and the noise between it and others."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property

import pandas as pd

from bench.analysis.pairs import paired
from bench.ensemble_runs.candidates import HELD_OUT, Candidates, missing_member, of_runs
from bench.ensemble_runs.ties import Compared, Marks, compare_configurations, compare_ensembles
from bench.store.configuration import Configuration, configurations
from bench.store.result import Result
from bench.store.selection import apart, floor_of, superseded
from bench.store.store import Store, StoredRun


@dataclass(frozen=True)
class Pretraining:
    """The best pretrained configuration, the best one from random weights, and the first minus the second."""

    best: Configuration
    floor: Configuration
    compared: Compared


@dataclass(frozen=True)
class Leaderboard:
    """Runs and ensembles of one data set. The report and `recommend` both read it, so that they say the same.

    Attributes:
        store: it caches differences.
        runs: all of the data set, sorted by name.
    """

    store: Store
    runs: Sequence[StoredRun]

    @cached_property
    def known(self) -> Mapping[str, Result]:
        """Run_id -> result."""
        return {run.run_id: run.result for run in self.runs}

    @cached_property
    def apart(self) -> Mapping[str, str]:
        """Run_id -> reason, of those that cannot be compared with the others."""
        return apart(self.runs)

    @cached_property
    def ranked(self) -> Sequence[Configuration]:
        """Configurations that are compared, best mean macro F1 first."""
        floor = {one.key for one in self.floor}
        return [one for one in self._comparable if one.key not in floor]

    @cached_property
    def floor(self) -> Sequence[Configuration]:
        """Configurations from random weights, best first, ranked by themselves if any other one is comparable."""
        return floor_of(self._comparable)

    @cached_property
    def _comparable(self) -> Sequence[Configuration]:
        return configurations(run for run in self.runs if run.run_id not in self.apart)

    @cached_property
    def candidates(self) -> Candidates:
        """The candidates of an ensemble that is asked for without `--members`."""
        return of_runs(self.runs)

    @cached_property
    def superseded(self) -> set[str]:
        """Ensembles of which a later one answers the same question."""
        return superseded(self.known.values())

    @cached_property
    def others(self) -> set[str]:
        """Ensembles of other candidates than `candidates`, or of a member that changed: gains have another baseline."""
        names = set(self.candidates.names)
        made = {run_id: result.combination for run_id, result in self.known.items() if result.combination}
        return {
            run_id for run_id, one in made.items() if set(one.candidates) != names or missing_member(self.store, one)
        }

    @cached_property
    def ensembles(self) -> Sequence[StoredRun]:
        """Current ensembles of all candidates."""
        left_out = self.superseded | self.others | set(self.apart)
        return [run for run in self.runs if run.result.combination and run.run_id not in left_out]

    @cached_property
    def compared(self) -> Mapping[str, Compared]:
        """Run_id -> comparison with the best configuration, of `ranked` or of `floor`, for runs of the other ones."""
        marks = Marks(self.store)
        return compare_configurations(self.ranked, marks) | compare_configurations(self.floor, marks)

    @cached_property
    def pretraining(self) -> Pretraining | None:
        """Its worth; None without a floor, or without a pretrained configuration of known weights."""
        best = next((one for one in self.ranked if one.member.result.weights), None)
        if best is None or not self.floor:
            return None
        compared = compare_configurations([best, self.floor[0]], Marks(self.store))
        return Pretraining(best, self.floor[0], compared[self.floor[0].member.run_id])

    @cached_property
    def pairs(self) -> pd.DataFrame:
        """Paired differences between configurations that differ in resolution or rate alone (`paired`)."""
        return paired(self.ranked, Marks(self.store))

    @cached_property
    def unlimited(self) -> Sequence[StoredRun]:
        """Those of `ensembles` without a budget and with held-out predictions, best first: of one baseline."""
        found = [run for run in self.ensembles if run.combination.max_cost_ms is None and HELD_OUT in run.arrays]
        return sorted(found, key=lambda run: (-run.combination.cross_fitted, run.run_id))

    @cached_property
    def compared_ensembles(self) -> Mapping[str, Compared]:
        """Run_id -> comparison with the best of `unlimited`, for the others."""
        return compare_ensembles(self.unlimited, Marks(self.store))

    def ties(self) -> dict[str, bool]:
        """Run_id -> whether a run of a compared configuration cannot be told apart from the best of its ranking."""
        tops = (one for found in (self.ranked, self.floor) for one in found[:1])
        best = {run_id: True for one in tops for run_id in one.run_ids}
        return best | {run_id: compared.tied for run_id, compared in self.compared.items()}

    def ensemble_ties(self) -> dict[str, bool]:
        """Run_id -> whether one of `unlimited` cannot be told apart from the best of them."""
        best = {run.run_id: True for run in self.unlimited[:1]}
        return best | {run_id: compared.tied for run_id, compared in self.compared_ensembles.items()}
