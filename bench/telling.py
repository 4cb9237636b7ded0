"""What commands say when they are done."""

from __future__ import annotations

from pathlib import Path

from bench.result import Combination, Result


def tell_ensemble(result: Result, page: Path, as_json: bool) -> None:
    """The scores and members of an ensemble, for people or as JSON."""
    if as_json:
        print(result.model_dump_json(indent=1))
        return
    combination = result.combination
    if combination is None:
        raise ValueError(f"{result.run_id} is not an ensemble")
    print(f"{result.run_id} of {len(combination.members)} members, from {len(combination.candidates)} candidates:")
    for member in combination.members:
        print(f"  {member.weight:5.3f}  {member.run_id}")
    scores = f"cross-fitted {combination.cross_fitted:.3f}, fitted {combination.fit_score:.3f}"
    print(f"macro F1 on validation: {scores}{_test(result)}")
    print(_gain(combination))
    print(f"Report: {page}")


def _test(result: Result) -> str:
    found = result.metrics.test_macro_f1
    return "" if found is None else f"; on test {found:.3f} ({result.metrics.test_images} images)"


def _gain(combination: Combination) -> str:
    if combination.gain is None:
        return ""
    gain = f"Against the best single run, cross-fitted alike: {combination.gain:+.3f}"
    if combination.gain_low is None or combination.gain_high is None:
        return f"{gain} (too few images for an interval)."
    within = combination.gain_low <= 0 <= combination.gain_high
    verdict = "within the noise" if within else "more than the noise"
    return f"{gain} (95 % interval {combination.gain_low:+.3f} to {combination.gain_high:+.3f}: {verdict})."
