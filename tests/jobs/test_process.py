"""One question to a child, which a stand-in answers. Children of runs are tested with `bench.matrix.runner`."""

import signal
from pathlib import Path

import pytest

from bench.errors import UserError
from bench.jobs import process
from bench.jobs.messages import Answer, LookJob, Progress
from bench.jobs.process import ask, ask_counting, ending

FAKE = Path(__file__).parent.parent / "fake_worker.py"
JOB = LookJob(data="gs://bucket/data")


@pytest.fixture
def log(tmp_path, monkeypatch):
    """The log of a child that follows the script two folders up."""
    monkeypatch.setattr(process, "WORKER", (str(FAKE),))
    (tmp_path / "logs").mkdir()
    return tmp_path / "logs" / "log.txt"


def script(log, words):
    (log.parent.parent / "script.txt").write_text(words)


def test_events_are_passed_on_and_no_log_is_left(log):
    script(log, "answer")
    events = []
    ask(JOB, log, events.append)
    assert events[0] == Progress(run_id="", phase="reading", done=1, total=2)
    assert Answer(lines=("one", "two"), status=1) in events
    assert not log.exists()


def test_answers_are_returned(log):
    script(log, "answer")
    assert ask_counting(JOB, log) == [Answer(lines=("one", "two"), status=1)]


def test_a_child_that_dies_is_one_line_and_its_log_is_kept(log):
    script(log, "crash")
    with pytest.raises(UserError, match=r"Reading failed \(exit status 7\)\. The log is '.*log\.txt'\."):
        ask(JOB, log, print, subject="Reading")
    assert log.read_text() == "printed by crash\n"


def test_a_mistake_is_raised_here(log):
    script(log, "mistake")
    with pytest.raises(UserError, match="picture 'x' does not decode"):
        ask(JOB, log, print)


def test_endings():
    assert ending(3) == "exit status 3"
    assert ending(-signal.SIGTERM) == "killed by SIGTERM"
    assert ending(-signal.SIGKILL) == "killed by SIGKILL, as the system does when memory runs out"
