"""The ensembles: held-out scores, the gain and the number it is measured from, costs, members."""

from __future__ import annotations

import math
from collections.abc import Iterator
from typing import Any

import pandas as pd

from bench.report import numbers
from bench.report.frame.inputs import Members
from bench.report.frame.ranking import Ranking
from bench.report.markdown import bullets, columns_table, escape

_SHOWN = 8  # members of an ensemble, the heaviest
_NOTE = (
    "All scores are cross-fitted; **gain** is over taking the best single run on the same folds, which scores "
    "**from**. **train s** is training the choice again."
)
_OTHERS = (
    "Gains of one group have one baseline, and are compared with no other group. A budget limits the milliseconds per "
    "image of all members together."
)


def ensembles(ranking: Ranking) -> list[str]:
    """The table of ensembles of all candidates, the members of the best, and the price of finding it."""
    rows = ranking.ensembles
    if rows.empty:
        return []
    best = rows.iloc[0]
    single = ranking.inputs.combinations.get(best["run_id"], {}).get("best_single")
    beside = f" The best single run is {_name(single, ranking)}." if single else ""
    members = f"**{escape(best['label'])}**: {members_text(best['members'], ranking)}.{beside}"
    notes = [_NOTE, _to_the_first_note(rows), _found(ranking)]
    return [_scores(_with_baseline(rows, ranking)), members, " ".join(note for note in notes if note)]


def other_ensembles(ranking: Ranking) -> list[str]:
    """Ensembles of other candidates or under a budget, by group, each with its own baseline."""
    groups = _groups(ranking)
    if not groups:
        return []
    numbered = list(enumerate(groups.values(), 1))
    rows = pd.concat([_with_baseline(pd.DataFrame(group), ranking).assign(place=place) for place, group in numbered])
    lines = [f"**{place}**: {description}." for place, description in enumerate(groups, 1)]
    return [_scores(rows, {"group": [str(place) for place in rows["place"]]}), bullets(lines), _OTHERS]


def members_text(members: Members, ranking: Ranking) -> str:
    """Members by falling weight, each with its weight, or with a common one: `a .75, b .25`, `a, b, .500 each`."""
    weighed = sorted(members, key=lambda member: (-round(member[1], 6), member[0]))
    equal = len({round(weight, 6) for _, weight in weighed}) == 1
    shown = [_name(run_id, ranking) + ("" if equal else f" {numbers.score(weight)}") for run_id, weight in weighed]
    rest = sum(weight for _, weight in weighed[_SHOWN:])
    if shown[_SHOWN:]:
        shown = [*shown[:_SHOWN], f"{len(shown) - _SHOWN} more" + ("" if equal else f" {numbers.score(rest)}")]
    each = [f"{numbers.score(weighed[0][1])} each"] if equal and len(weighed) > 1 else []
    return ", ".join(shown + each)


def _with_baseline(rows: pd.DataFrame, ranking: Ranking) -> pd.DataFrame:
    """Ensembles of one set of candidates and, if they have one baseline, a last line of taking the best single run."""
    rows = rows.assign(baseline=rows["best_single_cross_fitted"])
    singles = {ranking.inputs.combinations.get(run_id, {}).get("best_single") for run_id in rows["run_id"]}
    known = ranking.rows.set_index("run_id", drop=False)
    if rows["baseline"].nunique(dropna=False) > 1 or len(singles) > 1 or not singles <= set(known.index):
        return rows
    single = known.loc[list(singles)]
    gone = dict.fromkeys(("score_low", "score_high", "gain_over_best_single", "baseline"), math.nan)
    single = single.assign(label="(best single run)", score=rows["baseline"].iloc[0], **gone)
    return pd.concat([rows, single], ignore_index=True)


def _scores(rows: pd.DataFrame, first: dict[str, list[str]] | None = None) -> str:
    columns = {
        **(first or {}),
        "ensemble": list(rows["label"]),
        "macro F1": numbers.score_column(rows, "score"),
        "gain": numbers.gain_column(rows, "gain_over_best_single"),
        "from": [numbers.score(value) for value in rows["baseline"]],
        **_to_the_first(rows),
        "members": [str(len(members) or 1) for members in rows["members"]],
        "train s": numbers.column(rows["train_seconds"]),
        "ms/image": numbers.column(rows["inference_ms_per_image"]),
    }
    return columns_table(columns, left=["group", "ensemble"])


def _to_the_first(rows: pd.DataFrame) -> dict[str, list[str]]:
    """Paired differences to the best ensemble, if they were computed; those of single runs are to the best run."""
    is_ensemble = rows["kind"] == "ensemble"
    if rows["difference_to_best"][is_ensemble].isna().all():
        return {}
    texts = zip(numbers.gain_column(rows, "difference_to_best"), is_ensemble, strict=True)
    return {"to the first": [text if own else numbers.MISSING for text, own in texts]}


def _to_the_first_note(rows: pd.DataFrame) -> str:
    count = rows["comparisons_with_best"].max()
    if pd.isna(count):
        return ""
    adjusted = f", adjusted for {count:.0f} comparisons (Holm)" if count > 1 else ""
    return f"**to the first**: paired difference on the same images{adjusted}."


def _found(ranking: Ranking) -> str:
    """One price for all: that of training every run, since all were compared. Seconds of two devices are not added."""
    seconds = ranking.runs["train_seconds"]
    if seconds.empty or seconds.isna().any() or ranking.runs["device"].nunique() > 1:
        return ""
    took = f"{numbers.significant(seconds.sum())} s of training all {len(seconds)} runs"
    return f"Finding the choice took {took}, for the best single run as for any ensemble."


def _groups(ranking: Ranking) -> dict[str, list[pd.Series]]:
    """Description of candidates and budget -> its ensembles, the groups in the order of their best."""
    groups: dict[str, list[pd.Series]] = {}
    for row in _each(ranking.other_ensembles):
        groups.setdefault(_description(row, ranking), []).append(row)
    return groups


def _description(row: pd.Series, ranking: Ranking) -> str:
    made: Any = ranking.inputs.combinations.get(row["run_id"], {})
    changed = [f"its member {escape(run_id)} {state}" for run_id, state in made.get("states", {}).items() if state]
    names = [_name(run_id, ranking) for run_id in made.get("candidates", ())]
    texts = ["all candidates"] if not row["other_candidates"] else []
    if names and row["other_candidates"]:
        texts.append(f"{len(names)} candidate{'s' if len(names) > 1 else ''}: {', '.join(names)}")
    texts += [f"at most {row['max_cost_ms']:g} ms per image"] if pd.notna(row["max_cost_ms"]) else []
    return "; ".join([*texts, *changed]) or f"candidates of {escape(row['label'])} are not known"


def _name(run_id: str, ranking: Ranking) -> str:
    known = run_id in ranking.labels
    return escape(ranking.labels[run_id]) if known else f"{escape(run_id)} (no longer in the store)"


def _each(rows: pd.DataFrame) -> Iterator[pd.Series]:
    return (row for _, row in rows.iterrows())
