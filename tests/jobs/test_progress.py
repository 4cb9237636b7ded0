import io
import re

from rich.console import Console

from bench.jobs import progress
from bench.jobs.messages import Failed, Finished, Progress
from bench.jobs.progress import Counter, Tally, View, clock


def at(run_id, phase, done=0, total=0):
    return Progress(run_id=run_id, phase=phase, done=done, total=total)


def test_the_fraction_is_of_the_work_not_of_the_runs():
    tally = Tally({"small-1": 1.0, "large-1": 3.0})
    assert tally.fraction == 0
    tally.progress(at("small-1", "features", 5, 10))
    assert tally.fraction == 0.5 / 4
    tally.end("small-1")
    assert tally.fraction == 1 / 4
    tally.progress(at("large-1", "features", 10, 10))
    assert tally.fraction == 1.0


def test_time_left_follows_from_time_and_work_so_far(monkeypatch):
    now = [100.0]
    monkeypatch.setattr(progress.time, "monotonic", lambda: now[0])
    tally = Tally({"a-1": 1.0, "b-1": 3.0})
    assert tally.seconds_left is None
    now[0] = 110.0
    tally.end("a-1")
    assert tally.seconds_left == 30.0


def test_images_per_second_are_those_of_the_pass(monkeypatch):
    now = [0.0]
    monkeypatch.setattr(progress.time, "monotonic", lambda: now[0])
    tally = Tally({"a-1": 1.0})
    tally.progress(at("a-1", "features", 0, 100))
    now[0] = 4.0
    tally.progress(at("a-1", "features", 20, 100))
    assert tally.images_per_second == 5.0
    assert tally.describe().startswith("a · features 20/100 · 5.0 images/s")
    tally.progress(at("a-1", "head", 1, 30))
    assert tally.images_per_second is None


def test_plain_lines_are_few_and_say_everything():
    out = io.StringIO()
    with View({"a-1": 1.0, "b-2": 1.0}, Console(file=out)) as view:
        view.progress(at("a-1", "building the backbone"))
        for done in range(1, 100):
            view.progress(at("a-1", "features", done, 100))
        view.finished(Finished(run_id="a-1", macro_f1=0.75, seconds=3.0))
        view.failed(Failed(run_id="b-2", kind="oom", reason="no memory", seconds=1.0))
    lines = out.getvalue().splitlines()
    assert len(lines) <= 4
    assert "[1/2] a-1: macro F1 0.750, 3.0 s" in lines
    assert lines[-1] == "[2/2] b-2: failed (oom): no memory"


def test_the_bar_shows_runs_phase_and_speed():
    console = Console(file=io.StringIO(), force_terminal=True, width=120)
    with View({"a-1": 1.0, "b-2": 1.0}, console) as view:
        view.progress(at("a-1", "features", 40, 100))
        view.finished(Finished(run_id="a-1", macro_f1=0.75, seconds=3.0))
        view.progress(at("b-2", "head", 3, 30))
    text = re.sub(r"\x1b\[[0-9;?]*[A-Za-z]", "", console.file.getvalue())
    assert "a-1: macro F1 0.750" in text
    assert "1/2 runs" in text
    assert "head 3/30" in text


def test_a_count_is_a_line_every_half_minute_without_a_terminal(monkeypatch, capsys):
    now = [0.0]
    monkeypatch.setattr(progress.time, "monotonic", lambda: now[0])
    with Counter() as counter:
        for now[0] in (1.0, 29.0, 31.0, 45.0, 61.0):
            counter.at("reading", int(now[0]) * 100, 10_000)
    assert capsys.readouterr() == ("", "reading 3,100/10,000\nreading 6,100/10,000\n")


def test_a_count_is_a_bar_on_a_terminal(monkeypatch):
    console = Console(file=io.StringIO(), force_terminal=True, width=80)
    monkeypatch.setattr(progress, "Console", lambda **_: console)
    with Counter() as counter:
        counter.at("reading", 3, 10)
        counter.at("writing", 7, 20)
    text = re.sub(r"\x1b\[[0-9;?]*[A-Za-z]", "", console.file.getvalue())
    assert "writing" in text
    assert "7/20" in text


def test_clock():
    assert [clock(seconds) for seconds in (0, 65.2, 3725)] == ["0:00", "1:05", "1:02:05"]
