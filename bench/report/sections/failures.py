"""Failed attempts: they are results too."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import pandas as pd

from bench.report import numbers
from bench.report.frame.ranking import Ranking
from bench.report.markdown import escape, fence, table

_LOG_LINES = 12


def failures(ranking: Ranking, records: Sequence[Mapping[str, Any]]) -> str:
    """A table of what failed and why, then the end of each log, or nothing."""
    attempts = [dict(record) for record in records]
    recorded = {str(attempt["run_id"]) for attempt in attempts}
    attempts += [attempt for attempt in _from_rows(ranking.current) if attempt["run_id"] not in recorded]
    if not attempts:
        return ""
    attempts.sort(key=lambda attempt: str(attempt["run_id"]))
    return "\n\n".join([_table(attempts), *(_log(attempt) for attempt in attempts if attempt.get("log"))])


def _from_rows(rows: pd.DataFrame) -> list[dict[str, Any]]:
    failed = rows[rows["status"] != "ok"]
    return [
        {"run_id": row["run_id"], "kind": row["failure_kind"], "reason": row["failure_reason"]}
        for _, row in failed.iterrows()
    ]


def _table(attempts: Sequence[Mapping[str, Any]]) -> str:
    seconds = numbers.column(_seconds(attempt) for attempt in attempts)
    cells = [
        [
            str(attempt["run_id"]),
            str(attempt.get("kind") or "unknown"),
            burnt,
            str(attempt.get("reason") or numbers.MISSING),
        ]
        for attempt, burnt in zip(attempts, seconds, strict=True)
    ]
    return table(["run", "kind", "seconds burnt", "reason"], cells, left=["run", "kind", "reason"])


def _seconds(attempt: Mapping[str, Any]) -> float:
    seconds = attempt.get("seconds")
    return float("nan") if seconds is None else float(seconds)


def _log(attempt: Mapping[str, Any]) -> str:
    log = attempt["log"]
    lines = log.splitlines() if isinstance(log, str) else [str(line) for line in log]
    return f"The end of the log of {escape(attempt['run_id'])}:\n\n{fence(chr(10).join(lines[-_LOG_LINES:]))}"
