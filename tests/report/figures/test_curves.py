from __future__ import annotations

import numpy as np
from helpers_report import drawn, history, make_inputs, run_row, runs

from bench.report.figures import curves
from bench.report.frame.ranking import Ranking


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
