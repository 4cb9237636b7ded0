"""The way in from Python: a function per command, light to import, with the numbers that the command prints."""

import inspect
import json
import subprocess
import sys
from pathlib import Path

import pytest
from helpers_store import make_outputs, save_run
from typer.main import get_command

from bench import api
from bench.cli import app
from bench.ensemble_runs.comparison import Comparison
from bench.ensemble_runs.workbench import Protocol
from bench.store.store import Store

QUICK = Protocol(folds=3, repeats=1)


@pytest.fixture(scope="module")
def filled(tmp_path_factory):
    """A store of three runs."""
    store = Store(tmp_path_factory.mktemp("filled") / "runs")
    for number, name in enumerate("abc"):
        outputs = make_outputs(seed=number, val=60, test=20, skill=1.0 + 0.3 * number)
        save_run(store, f"{name}-224-frozen-s0-00000000", outputs=outputs, backbone=name, family=name)
    return store.root


def commands(group, prefix=""):
    """Names of all commands: `run`, `data_import`, ..."""
    for name, command in group.commands.items():
        if hasattr(command, "commands"):
            yield from commands(command, f"{prefix}{name}_")
        else:
            yield f"{prefix}{name}"


def test_every_command_has_its_function_and_every_function_its_command():
    functions = {
        name
        for name, function in inspect.getmembers(api, inspect.isfunction)
        if function.__module__ == api.__name__ and not name.startswith("_")
    }
    assert functions == set(commands(get_command(app)))


def test_every_function_says_what_may_go_wrong_or_cannot_fail():
    """Lists of what is stored and `clean` take nothing that a user can get wrong."""
    for name in commands(get_command(app)):
        doc = inspect.getdoc(getattr(api, name))
        assert ("Raises:" in doc) != (name in {"list_runs", "list_data", "clean"}), name


def test_importing_the_api_costs_nothing():
    heavy = {"numpy", "pandas", "pydantic", "tensorflow", "keras", "typer"}
    code = f"import sys; from bench import api; print({heavy!r} & set(sys.modules))"
    done = subprocess.run(
        [sys.executable, "-c", code], check=True, capture_output=True, text=True, cwd=Path(__file__).parent.parent
    )
    assert done.stdout == "set()\n"


def test_an_ensemble_has_the_numbers_that_the_command_prints(filled, call):
    made = api.ensemble(filled, "mean", protocol=QUICK)
    words = ("ensemble", "mean", "--folds", "3", "--repeats", "1", "--runs", filled)
    printed = json.loads(call(*words, "--json")[1])
    assert printed == api.show(filled, made.run_id)["result"]
    kept = made.result.model_dump(mode="json")
    assert {name for name in kept if printed[name] != kept[name]} - {"asked"} == {"metrics"}
    assert printed["metrics"]["macro_f1_in_sample"] == kept["metrics"]["macro_f1"]
    assert made.result.metrics.macro_f1_cross_fitted == made.result.combination.cross_fitted


def test_a_comparison_has_the_rows_that_the_command_prints(filled, call):
    lines = []
    compared = api.ensemble(filled, "all", protocol=QUICK, notify=lines.append)
    assert isinstance(compared, Comparison)
    assert any(line.startswith("mean: cross-fitted macro F1 ") for line in lines)
    words = ("ensemble", "all", "--folds", "3", "--repeats", "1", "--runs", filled)
    assert json.loads(call(*words, "--json")[1])["methods"] == compared.rows()


@pytest.mark.parametrize(
    ("words", "function"),
    [
        (("list", "runs"), lambda store, _: api.list_runs(store)),
        (("show", "a-224"), lambda store, _: api.show(store, "a-224")),
        (("score", "a-224", "answers.csv"), lambda store, answers: api.score(store, "a-224", answers)),
    ],
)
def test_values_are_those_that_the_command_prints(filled, call, tmp_path, words, function):
    images = Store(filled).get("a-224").images
    rows = [f"{name},{label}" for name, label in zip(images.test_ids, images.test_labels, strict=True)]
    (tmp_path / "answers.csv").write_text("\n".join(["id,label", *rows]))
    printed = json.loads(call(*words, "--runs", filled, "--json")[1])
    assert printed == json.loads(json.dumps(function(filled, tmp_path / "answers.csv")))


def test_clean_lists_first_and_removes_if_asked_to(tmp_path):
    store = Store(tmp_path / "runs")
    store.check_writable()
    (store.partial / "begun").write_bytes(b"1234")
    listed = api.clean(store.root)
    assert [(leftover.path.name, leftover.size, leftover.owner) for leftover in listed] == [("begun", 4, "")]
    assert api.clean(store.root, remove=True) == listed
    assert api.clean(store.root) == []
