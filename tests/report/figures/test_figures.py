"""What the figures hold, read back from matplotlib's own objects rather than from pixels."""

from __future__ import annotations

import dataclasses

import numpy as np
import pandas as pd
import pytest
from helpers_report import history, make_inputs, ramp, run_row, runs

from bench.report.figures import curves, scatter, schedule
from bench.report.figures.style import COLOURS, colours, house_style, markers
from bench.report.frame.ranking import Ranking


def texts(axes) -> set[str]:
    return {text.get_text() for text in axes.texts}


def drawn(module, inputs):
    with house_style():
        subject = module.subject(Ranking.of(inputs))
        return None if subject is None else module.draw(subject)


def test_scatter_has_a_panel_per_cost_and_names_every_point(golden):
    training, inference = drawn(scatter, golden).axes
    assert training.get_xlabel() == "Training in full (s)"
    assert inference.get_xlabel() == "Inference (ms per image)"
    assert training.get_xscale() == inference.get_xscale() == "log"
    assert {"top3", "densenet121@512", "vgg16@224"} <= texts(training) == texts(inference)
    assert len(texts(training)) == 9


def test_staircase_rises_with_cost(golden):
    training, _ = drawn(scatter, golden).axes
    stairs = next(line for line in training.lines if line.get_drawstyle() == "steps-post")
    x, y = stairs.get_data()
    assert (np.diff(x) > 0).all()
    assert (np.diff(y) >= 0).all()
    assert y[0] == 0.818
    assert y[-1] == 0.897


def test_scatter_without_any_cost_is_not_drawn():
    bare = [{"run_id": "a-00000000", "kind": "run", "status": "ok", "macro_f1": 0.5}]
    assert drawn(scatter, make_inputs(bare)) is None


def test_scatter_of_one_run_and_of_one_cost():
    assert len(drawn(scatter, make_inputs(runs()[:1])).axes) == 2
    assert len(drawn(scatter, make_inputs([row | {"train_seconds_full": None} for row in runs()])).axes) == 1


def test_names_are_not_read_as_mathematics():
    row = run_row("vgg16", 224, backbone=r"a$\broken{$")
    figure = drawn(scatter, make_inputs([row]))
    figure.canvas.draw()
    assert r"a$\broken{$@224" in texts(figure.axes[0])


def test_more_families_than_colours_share_grey():
    rows = [run_row("vgg16", 224, run_id=f"r{i}", backbone=f"b{i}", family=f"f{i}") for i in range(COLOURS + 2)]
    labels = [text.get_text() for text in drawn(scatter, make_inputs(rows)).legends[0].get_texts()]
    assert labels.count("other families") == 1
    assert len([label for label in labels if label.startswith("f")]) == COLOURS


def test_curves_have_two_panels_per_backbone_best_first(golden):
    figure = drawn(curves, golden)
    assert [axes.get_title() for axes in figure.axes[::2]] == ["densenet121", "resnet50", "efficientnetb0", "vgg16"]
    loss, score = figure.axes[:2]
    assert len(loss.lines) == 4  # training and validation at two resolutions
    assert len(score.lines) == 2
    ours = golden.histories[Ranking.of(golden).best["run_id"]]
    assert any(np.array_equal(line.get_ydata(), ours["val_macro_f1"]) for line in score.lines)


def test_curves_that_have_no_room_are_named():
    rows = [run_row("vgg16", 224, run_id=f"r{i}", backbone=f"b{i:02}", macro_f1=0.9 - i / 100) for i in range(14)]
    inputs = make_inputs(rows)
    assert len(drawn(curves, inputs).axes) == 2 * curves.SHOWN
    assert curves.left_out(Ranking.of(inputs)) == ["b12", "b13"]


def test_curves_at_scaled_rates_say_so():
    scaled = run_row("vgg16", 224, run_id="b", recipe="frozen lr x3", lr_scale=3.0)
    inputs = make_inputs([run_row("vgg16", 224, run_id="a", macro_f1=0.9), scaled])
    assert [title for title, _ in curves.subject(Ranking.of(inputs))] == ["vgg16 frozen", "vgg16 frozen lr x3"]
    alone = make_inputs([scaled])
    assert [title for title, _ in curves.subject(Ranking.of(alone))] == ["vgg16 frozen lr x3"]


def test_curves_of_one_epoch_and_of_missing_columns():
    row = runs()[0]
    short = history(0.7, epochs=1)[["epoch", "val_loss"]]
    figure = drawn(curves, make_inputs([row], histories={row["run_id"]: short}))
    assert [len(axes.lines) for axes in figure.axes] == [1, 0]
    figure.canvas.draw()


def test_no_history_no_curves():
    assert drawn(curves, make_inputs(runs(), histories={})) is None


def test_schedule_shows_both_rates_where_they_differ(golden):
    plain, fed_back = golden.schedules["frozen"], golden.schedules["frozen"].copy()
    fed_back["learning_rate_as_run"] = ramp() * 2
    inputs = dataclasses.replace(golden, schedules={"frozen": plain, "seed": fed_back})
    assert [len(axes.lines) for axes in drawn(schedule, inputs).axes] == [1, 2]


@pytest.mark.parametrize("schedules", [{}, {"frozen": pd.DataFrame({"epoch": [], "learning_rate": []})}])
def test_no_schedule_no_figure(golden, schedules):
    assert drawn(schedule, dataclasses.replace(golden, schedules=schedules)) is None


def test_users_style_is_left_alone():
    import matplotlib

    matplotlib.rcParams["font.size"] = 31
    try:
        with house_style():
            assert matplotlib.rcParams["font.size"] < 12
        assert matplotlib.rcParams["font.size"] == 31
    finally:
        matplotlib.rcdefaults()


def test_colours_and_markers_are_stable():
    assert colours(["b", "a", "b"]) == colours(["a", "b"])
    assert list(markers([512, 224])) == [224, 512]
