"""A figure is drawn again if and only if it would differ."""

from __future__ import annotations

import dataclasses

import pandas as pd
import pytest
from PIL import Image

from bench.report.build import build
from bench.report.figures.stamp import KEY, has_stamp, stamp
from bench.report.figures.style import house_style, new_figure, save


@pytest.fixture
def picture(tmp_path):
    path = tmp_path / "picture.png"
    with house_style():
        save(new_figure(1, 1), path, {KEY: "abc"})
    return path


def test_the_stamp_is_in_the_file_as_other_readers_see_it(picture):
    assert Image.open(picture).text[KEY] == "abc"
    assert has_stamp(picture, "abc")
    assert not has_stamp(picture, "ab")
    assert not has_stamp(picture, "abcd")


def test_a_figure_that_is_gone_cut_short_or_something_else_has_no_stamp(picture, tmp_path):
    content = picture.read_bytes()
    for other in (content[:-1], content[: len(content) // 2], content[:20], b"", b"text"):
        picture.write_bytes(other)
        assert not has_stamp(picture, "abc")
    assert not has_stamp(tmp_path / "none.png", "abc")


def test_a_stamp_is_of_the_content():
    frame = pd.DataFrame({"a": [1.0, float("nan")], "b": ["x", "y"]})
    assert stamp({"one": frame}) == stamp({"one": frame.copy()})
    changed = [{"one": frame.assign(a=[1.0, 2.0])}, {"two": frame}, {"one": frame.rename(columns={"a": "c"})}, [frame]]
    assert len({stamp(subject) for subject in [{"one": frame}, *changed]}) == 5
    assert stamp(frame) != stamp(frame.assign(a=frame["a"] + 1e-15))


def test_only_changed_figures_are_drawn_again(golden, tmp_path, monkeypatch):
    build(golden, tmp_path)
    drawn = []
    monkeypatch.setattr("bench.report.build.save", lambda figure, path, texts: drawn.append(save(figure, path, texts)))
    before = {path.name: path.read_bytes() for path in (tmp_path / "figures").iterdir()}
    build(golden, tmp_path)
    assert not drawn
    rows = golden.rows.assign(train_seconds_full=golden.rows["train_seconds_full"] * 2)
    build(dataclasses.replace(golden, rows=rows), tmp_path)
    assert len(drawn) == 1
    after = {path.name: path.read_bytes() for path in (tmp_path / "figures").iterdir()}
    assert [name for name in before if before[name] != after[name]] == ["accuracy-versus-cost.png"]
    (tmp_path / "figures" / "schedule.png").write_bytes(before["schedule.png"][:-40])
    build(golden, tmp_path)
    assert {path.name: path.read_bytes() for path in (tmp_path / "figures").iterdir()} == before
