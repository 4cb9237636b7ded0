import shlex
from dataclasses import replace

import pytest
from helpers_store import combine, make_outputs, save_run, three_runs

from bench.config.overrides import choose_recipe
from bench.config.recipe import load_recipe, recipe_names
from bench.ensemble_runs.candidates import of_runs
from bench.ensemble_runs.workbench import Protocol
from bench.matrix import reproduce
from bench.store.store import Store

SIZES = {"val": 200, "test": 30}


@pytest.fixture
def store(tmp_path):
    return three_runs(tmp_path / "runs")


def commands(store, data):
    """The commands of all runs of a store."""
    runs = list(store.runs())
    return reproduce.commands(runs, data, of_runs(runs).names)


def test_commands_repeat_what_was_run(store):
    assert commands(store, "toy") == (
        "python -m bench run densenet121@224 resnet50@224 vgg16@224 --data path/to/toy --weights random"
    )
    combine(store, "top3", None, (), Protocol(3, 1))
    assert commands(store, "sample").splitlines() == [
        "python -m bench run densenet121@224 resnet50@224 vgg16@224",
        "python -m bench ensemble top3",
    ]


def test_the_whole_matrix_is_all(tmp_path):
    store = Store(tmp_path / "runs")
    for name in ("vgg16", "resnet50", "densenet121", "efficientnetb0"):
        for px in (224, 512):
            for seed in (0, 1):
                run_id = f"{name}-{px}-frozen-flip-s{seed}-00000000"
                outputs = make_outputs(seed, recipe="frozen-flip")
                save_run(store, run_id, outputs=outputs, backbone=name, image_px=px, seed=seed, recipe="frozen-flip")
    found = commands(store, "sample")
    assert found == "python -m bench run --all --recipe frozen-flip --seeds 2"


MATRIX = ("vgg16", "resnet50", "densenet121", "efficientnetb0")
LITE = tuple(f"efficientnetlite{number}" for number in range(3))


def save_matrix(store, weights):
    """Runs of backbones at both resolutions, from these weights each."""
    for name, given in weights.items():
        for px in (224, 512):
            save_run(store, f"{name}-{px}-frozen-s0-00000000", backbone=name, image_px=px, weights=given)


def test_the_four_from_random_weights_and_the_packaged_ones_with_theirs_are_all(tmp_path):
    store = Store(tmp_path / "runs")
    save_matrix(store, dict.fromkeys(MATRIX, "random") | dict.fromkeys(LITE, "imagenet"))
    assert commands(store, "sample") == "python -m bench run --all"
    assert commands(store, "toy") == "python -m bench run --all --data path/to/toy"


def test_seven_backbones_of_imagenet_are_named(tmp_path):
    """`--all` adds none where its own have their weights."""
    store = Store(tmp_path / "runs")
    save_matrix(store, dict.fromkeys((*MATRIX, *LITE), "imagenet"))
    assert "--all" not in commands(store, "sample")
    store = Store(tmp_path / "four")
    save_matrix(store, dict.fromkeys(MATRIX, "random"))
    assert commands(store, "toy") == "python -m bench run --all --data path/to/toy --weights random"


def reproduced(tmp_path, recipe, **asked):
    """The commands of one run with this recipe and these fields of its configuration."""
    store = Store(tmp_path / "runs")
    config = {"recipe": recipe.model_dump(mode="json")} | asked
    outputs = replace(make_outputs(seed=0, **SIZES), config=config)
    save_run(store, f"tiny-32-{recipe.name}-s0-00000000", outputs=outputs, recipe=recipe.name)
    return commands(store, "sample")


@pytest.mark.parametrize(
    ("name", "settings", "words"),
    [
        ("frozen", ["epochs=5"], " --set epochs=5"),
        ("frozen-flip", ["epochs=5"], " --recipe frozen-flip --set epochs=5"),
        ("finetune", ["schedule.max_lr=1e-2"], " --recipe finetune --set schedule.max_lr=0.01"),
        (
            "finetune",
            ["trainable=from:stage5", 'head=["gap", "dense:8:relu", "softmax"]'],
            """ --recipe finetune --set 'head=["gap", "dense:8:relu", "softmax"]' --set trainable=from:stage5""",
        ),
    ],
)
def test_fields_that_were_set_are_set_again(tmp_path, name, settings, words):
    """The printed command gives the same recipe and name: the run is found, not trained again."""
    recipe = choose_recipe(name, settings)
    found = reproduced(tmp_path, recipe)
    assert found == f"python -m bench run tiny@32{words}"
    typed = shlex.split(found)
    again = [typed[place + 1] for place, word in enumerate(typed) if word == "--set"]
    assert choose_recipe(name, again) == recipe


def test_a_file_of_the_user_is_asked_for_by_its_name(tmp_path):
    recipe = load_recipe("finetune").model_copy(update={"name": "finetune-mine", "epochs": 3})
    assert reproduced(tmp_path, recipe) == "python -m bench run tiny@32 --recipe path/to/finetune-mine.toml"


def test_a_target_that_was_taken_away_needs_a_file(tmp_path):
    base = next(recipe for recipe in map(load_recipe, recipe_names()) if recipe.target_f1)
    recipe = base.model_copy(update={"name": f"{base.name}-mine", "target_f1": None})
    assert reproduced(tmp_path, recipe).endswith(f" --recipe path/to/{base.name}-mine.toml")


def test_options_are_given_again(tmp_path):
    asked = {"precision": "mixed_bfloat16", "xla": True, "strategy": "mirrored", "train_on": "train+val"}
    assert reproduced(tmp_path, load_recipe("finetune"), **asked) == (
        "python -m bench run tiny@32 --recipe finetune "
        "--precision mixed_bfloat16 --xla --strategy mirrored --train-on train+val"
    )


def test_runs_made_otherwise_are_commands_of_their_own(tmp_path):
    reproduced(tmp_path, load_recipe("finetune"), xla=True)
    lines = reproduced(tmp_path, load_recipe("frozen")).splitlines()
    assert lines == ["python -m bench run tiny@32", "python -m bench run tiny@32 --recipe finetune --xla"]


def test_weights_of_a_file_are_named(tmp_path):
    store = Store(tmp_path / "runs")
    save_run(store, "tiny-32-frozen-s0-00000000", weights="my weights.h5@01234567")
    assert commands(store, "sample") == ("python -m bench run tiny@32 --weights 'path/to/my weights.h5'")


def test_commands_name_budgets_and_candidates_that_were_chosen(store):
    combine(store, "mean", None, (), Protocol(3, 1), 6.0)
    chosen = ["resnet50", "vgg16"]
    combine(store, "top1", None, chosen[::-1], Protocol(3, 1))
    assert commands(store, "sample").splitlines()[1:] == [
        "python -m bench ensemble mean --max-cost 6",
        "python -m bench ensemble top1 --members " + " ".join(f"{name}-224-frozen-s0-00000000" for name in chosen),
    ]


def test_commands_have_the_plugins_of_their_runs(tmp_path):
    store = Store(tmp_path / "runs")
    plugins = {"a": "my nets.py@00000000", "b": "my nets.py@11111111", "c": "nets==1.0@00000000", "d": None}
    for name, plugin in plugins.items():
        save_run(store, f"{name}-32-frozen-s0-00000000", backbone=name, plugin=plugin)
    assert commands(store, "sample").splitlines() == [
        "# with the plugin nets==1.0 installed",
        "python -m bench run c@32 d@32",
        "python -m bench run a@32 b@32 --plugin 'path/to/my nets.py'",
    ]


def test_scales_of_one_recipe_are_one_command(tmp_path):
    store = Store(tmp_path / "runs")
    for number, scale in enumerate((None, 1.0, 0.5)):
        save_run(store, f"tiny-3{number}-frozen-s0-0000000{number}", image_px=30 + number, lr_scale=scale)
    assert commands(store, "sample") == "python -m bench run tiny@30 tiny@31 tiny@32 --lr-scale 0.5,1"
