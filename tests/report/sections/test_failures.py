from __future__ import annotations

from helpers_report import FAILURE, failed_row, rank, text_of

from bench.report.sections.failures import failures, logs


def section(rows: list[dict], records: list[dict]) -> str:
    ranking = rank(rows, failures=records)
    return text_of([*failures(ranking), *logs(ranking)])


def test_kind_reason_seconds_and_log():
    text = section([failed_row()], [FAILURE])
    assert "| vgg16-1024-frozen-s0-deadbeef | oom  |            12 | the child asked for 5.2 GiB" in text
    assert "```\nextracting 128/440\nResource exhausted" in text
    assert text.count("deadbeef") == 2  # once in the table, once over the log


def test_a_failed_row_without_a_record_is_listed():
    assert "| vgg16-1024-frozen-s0-deadbeef | oom  |             - |" in section([failed_row()], [])


def test_only_the_end_of_a_log_is_shown():
    text = section([], [FAILURE | {"log": "\n".join(f"line {i}" for i in range(100))}])
    assert "line 99" in text
    assert "line 88\n" in text
    assert "line 87\n" not in text


def test_a_log_cannot_break_out_of_its_block():
    text = section([], [FAILURE | {"log": ["```", "# not a title"], "reason": "a|b\n# no title"}])
    assert "````\n```\n# not a title\n````" in text
    assert r"a\|b # no title" in text


def test_nothing_failed():
    assert section([], []) == ""
