"""Failed attempts: they are results too."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from bench.report import numbers
from bench.report.frame.ranking import Ranking
from bench.report.markdown import columns_table, escape, fence

_LOG_LINES = 12


def failures(ranking: Ranking) -> list[str]:
    """A table of failures and their reasons."""
    ordered = _attempts(ranking)
    if not ordered:
        return []
    seconds = [attempt.get("seconds") for attempt in ordered]
    columns = {
        "run": [str(attempt["run_id"]) for attempt in ordered],
        "kind": [str(attempt.get("kind") or "unknown") for attempt in ordered],
        "seconds burnt": numbers.column(float("nan") if burnt is None else burnt for burnt in seconds),
        "reason": [str(attempt.get("reason") or numbers.MISSING) for attempt in ordered],
    }
    return [columns_table(columns, left=["run", "kind", "reason"])]


def logs(ranking: Ranking) -> list[str]:
    """The end of the log of each failure."""
    return [_log(attempt) for attempt in _attempts(ranking) if attempt.get("log")]


def _attempts(ranking: Ranking) -> list[Mapping[str, Any]]:
    """Failures by name, from the rows and the records."""
    failed = ranking.current[ranking.current["status"] != "ok"]
    rows = zip(failed["run_id"], failed["failure_kind"], failed["failure_reason"], strict=True)
    attempts: dict[str, Mapping[str, Any]] = {
        run_id: {"run_id": run_id, "kind": kind, "reason": reason} for run_id, kind, reason in rows
    }
    attempts |= {str(record["run_id"]): record for record in ranking.inputs.failures}
    return [attempts[run_id] for run_id in sorted(attempts)]


def _log(attempt: Mapping[str, Any]) -> str:
    log = attempt["log"]
    lines = log.splitlines() if isinstance(log, str) else [str(line) for line in log]
    return f"The end of the log of {escape(attempt['run_id'])}:\n\n{fence(chr(10).join(lines[-_LOG_LINES:]))}"
