from __future__ import annotations

import numpy as np
from helpers_report import drawn, make_inputs, run_row, runs

from bench.report.figures import scatter
from bench.report.figures.style import COLOURS


def texts(axes) -> set[str]:
    return {text.get_text() for text in axes.texts}


def test_scatter_has_a_panel_per_cost_and_names_every_point(golden):
    training, inference = drawn(scatter, golden).axes
    assert training.get_xlabel() == "Training, steady (s)"
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
    bare = {"train_seconds_steady": None, "train_seconds_full": None}
    assert len(drawn(scatter, make_inputs([row | bare for row in runs()])).axes) == 1


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
