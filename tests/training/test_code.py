"""Digests of sources, over a copy of the project's."""

import shutil
from pathlib import Path

import pytest

from bench.training import code
from bench.training.code import digest_of, feature_code, training_code

ROOT = Path(__file__).parents[2]


@pytest.fixture
def copy(tmp_path, monkeypatch):
    """Sources that may be edited, read in place of the project's."""
    for room in ("backbones", "bench"):
        shutil.copytree(ROOT / room, tmp_path / room, ignore=shutil.ignore_patterns("__pycache__"))
    monkeypatch.setattr(code, "_ROOT", tmp_path)
    return tmp_path


def edit(copy, file, addition="ADDED = 1\n"):
    with (copy / file).open("a") as opened:
        opened.write(addition)


def test_docstrings_comments_and_layout_do_not_count():
    plain = 'def f(x):\n    return x + 1\nclass A:\n    """Text."""\n'
    other = '"""New."""\ndef f( x ):\n    # Why.\n    """Text."""\n    return x+1\n\n\nclass A:\n    """Other."""\n'
    assert digest_of([other]) != digest_of([plain.replace("1", "2")])
    assert digest_of([other]) == digest_of(['"""Old."""\n' + plain.replace("    return", '    "Old."\n    return')])


def test_any_statement_counts():
    assert digest_of(["x = 1"]) != digest_of(["x = 2"])
    assert digest_of(["x = 1", "y = 1"]) != digest_of(["x = 1\ny = 1"])


@pytest.mark.parametrize(
    "file",
    [
        "bench/training/loop/steps.py",
        "bench/data/augmentation.py",
        "bench/data/reading.py",
        "bench/config/schedule.py",
        "backbones/base.py",
        "backbones/resnet.py",
    ],
)
def test_code_that_trains_is_another(copy, file):
    before = training_code("resnet50")
    edit(copy, file, "# A comment.\n")
    assert training_code("resnet50") == before
    edit(copy, file)
    assert training_code("resnet50") != before


@pytest.mark.parametrize("file", ["bench/report/build.py", "bench/data/audit/audit.py", "backbones/vgg.py"])
def test_other_code_is_the_same(copy, file):
    """Another family's file included."""
    before = training_code("resnet50")
    edit(copy, file)
    assert training_code("resnet50") == before
    assert before == training_code("resnet101")


@pytest.mark.parametrize("file", ["backbones/resnet.py", "bench/data/reading.py", "bench/training/network/scale.py"])
def test_code_that_makes_features_is_another(copy, file):
    """The file of `prepare` included."""
    before = feature_code("resnet50")
    edit(copy, file)
    assert feature_code("resnet50") != before


@pytest.mark.parametrize("file", ["bench/training/loop/steps.py", "bench/config/schedule.py"])
def test_the_loop_makes_no_features(copy, file):
    before = feature_code("resnet50")
    edit(copy, file)
    assert feature_code("resnet50") == before


def test_every_file_of_a_digest_exists():
    names = (*code._FEATURES, *code._PIXELS, *code._RECIPES)
    assert [name for name in names if not (ROOT / name).is_file()] == []
