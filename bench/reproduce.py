"""The commands that repeat the rows of a report."""

from __future__ import annotations

from collections.abc import Sequence

import backbones
from bench.matrix import USUAL_PX
from bench.result import Result


def commands(results: Sequence[Result], data: str) -> str:
    """One a line, for one data set."""
    where = "" if data == "sample" else f" --data {data}"
    trained = [result for result in results if result.recipe]
    runs = [
        _run_command([result for result in trained if result.recipe == recipe], where)
        for recipe in _recipes_of(trained)
    ]
    methods = sorted({result.combination.method for result in results if result.combination})
    return "\n".join(runs + [f"python -m bench ensemble {method}{where}" for method in methods])


def _recipes_of(results: Sequence[Result]) -> list[str]:
    return sorted({result.recipe for result in results if result.recipe})


def _run_command(results: Sequence[Result], where: str) -> str:
    """The command that makes these runs of one recipe."""
    found = {(result.backbone, result.image_px) for result in results}
    everything = found == {(name, px) for name in backbones.MATRIX for px in USUAL_PX}
    words = "--all" if everything else " ".join(sorted(f"{name}@{px}" for name, px in found))
    recipe = "" if results[0].recipe == "frozen" else f" --recipe {results[0].recipe}"
    seeds = len({result.seed for result in results})
    return f"python -m bench run {words}{where}{recipe}" + (f" --seeds {seeds}" if seeds > 1 else "")
