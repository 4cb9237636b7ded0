"""The commands that repeat the rows of a report."""

from __future__ import annotations

from collections.abc import Sequence
from collections.abc import Set as AbstractSet

import backbones
from bench.matrix import USUAL_PX
from bench.result import Combination, Result
from bench.rows import superseded


def commands(results: Sequence[Result], data: str) -> str:
    """One a line, for one data set."""
    where, found = ("", "") if data == "sample" else (f" --data {data}", f" --data path/to/{data}")
    trained = [result for result in results if result.recipe]
    runs = [
        _run_command([result for result in trained if result.recipe == recipe], found)
        for recipe in _recipes_of(trained)
    ]
    older = superseded(results)
    current = [result.combination for result in results if result.combination and result.run_id not in older]
    everyone = {result.run_id for result in results if result.kind == "run"}
    return "\n".join(runs + sorted({f"{_ensemble_command(made, everyone)}{where}" for made in current}))


def _ensemble_command(made: Combination, everyone: AbstractSet[str]) -> str:
    """The command that makes an ensemble; its candidates are named where they are not all runs."""
    budget = "" if made.max_cost_ms is None else f" --max-cost {made.max_cost_ms:g}"
    known = {*made.candidates, *(run.run_id for run in made.left_out)}
    named = "" if known == everyone else f" --members {' '.join(made.candidates)}"
    return f"python -m bench ensemble {made.method}{budget}{named}"


def _recipes_of(results: Sequence[Result]) -> list[str]:
    return sorted({result.recipe for result in results if result.recipe})


def _run_command(results: Sequence[Result], where: str) -> str:
    """The command that makes these runs of one recipe."""
    found = {(result.backbone, result.image_px) for result in results}
    everything = found == {(name, px) for name in backbones.MATRIX for px in USUAL_PX}
    words = "--all" if everything else " ".join(sorted(f"{name}@{px}" for name, px in found))
    recipe = "" if results[0].recipe == "frozen" else f" --recipe {results[0].recipe}"
    # The sample falls back to random weights by itself; for other data that has to be asked for.
    weights = " --weights random" if where and {result.weights for result in results} == {"random"} else ""
    seeds = len({result.seed for result in results})
    scales = sorted({result.lr_scale or 1.0 for result in results})
    scaled = "" if scales == [1.0] else f" --lr-scale {','.join(f'{scale:g}' for scale in scales)}"
    return f"python -m bench run {words}{where}{recipe}{scaled}{weights}" + (f" --seeds {seeds}" if seeds > 1 else "")
