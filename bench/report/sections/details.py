"""Every run and ensemble in full: scores, seconds and circumstances, and the scores on images of a fit."""

from __future__ import annotations

import pandas as pd

from bench.report import numbers
from bench.report.frame.ranking import Ranking
from bench.report.markdown import bullets, columns_table, escape
from bench.report.sections.ensembles import members_text

_IN_SAMPLE = "Scores on the images that the ensembles were fitted on, so too high; no other table has them."
_SECONDS = {
    "epoch 1 s": "first_epoch_seconds",
    "extract s": "extraction_seconds",
    "steady s": "train_seconds",
    "start-up s": "start_up_seconds",
    "full s": "train_seconds_full",
    "eval s": "eval_seconds",
}


def runs(ranking: Ranking) -> list[str]:
    """Scores of each run, then its seconds and circumstances."""
    rows = _shown(ranking)
    return [_scores(rows), _costs(rows[rows["kind"] == "run"])] if len(rows) else []


def ensembles(ranking: Ranking) -> list[str]:
    """The members of each ensemble."""
    rows = pd.concat([ranking.ensembles, ranking.other_ensembles])
    lines = [f"**{escape(row['label'])}**: {members_text(row['members'], ranking)}" for _, row in rows.iterrows()]
    return [bullets(lines), _superseded(ranking)]


def in_sample(ranking: Ranking) -> list[str]:
    """Scores of ensembles on the images of their fit."""
    rows = pd.concat([ranking.ensembles, ranking.other_ensembles])
    names = {"macro F1": "macro_f1", "accuracy": "accuracy"}
    rows = rows[rows["macro_f1_in_sample"].notna()]
    if rows.empty:
        return []
    columns = {
        "ensemble": list(rows["label"]),
        **{
            f"{title} in sample": [numbers.score(value) for value in rows[f"{column}_in_sample"]]
            for title, column in names.items()
        },
        "log loss in sample": numbers.column(rows["log_loss_in_sample"]),
    }
    return [columns_table(columns, left=["ensemble"]), _IN_SAMPLE]


def _shown(ranking: Ranking) -> pd.DataFrame:
    """All rows but superseded ensembles."""
    return ranking.rows[~ranking.rows["superseded"]]


def _scores(rows: pd.DataFrame) -> str:
    columns = {
        "run_id": list(rows["run_id"]),
        "status": list(rows["status"]),
        "macro F1": [
            f"({text})" if seen else text
            for text, seen in zip(numbers.score_column(rows, "score"), rows["saw_validation"], strict=True)
        ],
        "acc.": [numbers.score(value) for value in rows["accuracy"]],
        "log loss": numbers.column(rows["log_loss"]),
        "test F1": numbers.score_column(rows, "test_macro_f1", digits=2),
        "test acc.": [numbers.score(value) for value in rows["test_accuracy"]],
        "weights": _texts(rows["weights"]),
        "Mparams": numbers.column(rows["parameters"] / 1e6),
        "GFLOPs": numbers.column(rows["gflops_per_image"]),
        "peak MiB": numbers.column(rows["peak_memory_mib"]),
    }
    return columns_table(columns, left=("run_id", "status", "weights"))


def _costs(rows: pd.DataFrame) -> str:
    columns = {
        "run_id": list(rows["run_id"]),
        "epochs": numbers.whole(rows["epochs"]),
        "epoch s": numbers.column(rows["network_epoch_seconds"]),
        "head epoch s": numbers.column(rows["epoch_seconds"].where(rows["extraction_seconds"].notna())),
        **{title: numbers.column(rows[column]) for title, column in _SECONDS.items()},
        "batch": numbers.whole(rows["global_batch"]),
        "infer batch": numbers.whole(rows["inference_batch"]),
        "precision": _texts(rows["precision"]),
        "strategy": _texts(rows["strategy"]),
        "replicas": numbers.whole(rows["replicas"]),
        **_target(rows),
    }
    return columns_table(columns, left=("run_id", "precision", "strategy")) if len(rows) else ""


def _target(rows: pd.DataFrame) -> dict[str, list[str]]:
    """If a recipe aimed at a score: the first epoch that reached the target, and the seconds of training until then."""
    if rows["target_f1"].isna().all():
        return {}
    return {
        "target F1": [numbers.score(value, 2) for value in rows["target_f1"]],
        "reached in epoch": numbers.whole(rows["target_epoch"]),
        "after s": numbers.column(rows["target_seconds"]),
    }


def _superseded(ranking: Ranking) -> str:
    rows = zip(ranking.superseded["run_id"], ranking.superseded["score"], strict=True)
    listed = [f"{escape(run_id)} ({numbers.score(score)})" for run_id, score in rows]
    return f"Superseded by newer ones of the same method: {', '.join(listed)}." if listed else ""


def _texts(values: pd.Series[str]) -> list[str]:
    return [value or numbers.MISSING for value in values]
