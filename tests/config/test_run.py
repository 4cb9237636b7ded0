import pytest
from pydantic import ValidationError

from bench.config.recipe import load_recipe, parse_recipe
from bench.config.run import RunConfig

FROZEN = load_recipe("frozen")
CONFIG = RunConfig(data="sample", backbone="tiny", image_px=224, recipe=FROZEN, weights="random")
TEXT = """
head = ["gap", "softmax"]
trainable = "none"
epochs = 3
[schedule]
start_lr = 0.001
min_lr = 0.0001
max_lr = 0.01
ramp_epochs = 1
decay = 0.8
"""


def test_a_run_is_named_after_its_question():
    run_id = CONFIG.run_id("abc")
    assert run_id.startswith("tiny-224-frozen-s0-")
    assert len(run_id.rsplit("-", 1)[1]) == 8
    assert run_id == CONFIG.model_copy(deep=True).run_id("abc")


@pytest.mark.parametrize(
    "change",
    [
        {"seed": 1},
        {"image_px": 512},
        {"backbone": "vgg16"},
        {"weights": "imagenet"},
        {"weights_seed": 1},
        {"recipe": FROZEN.model_copy(update={"epochs": 31})},
        {"recipe": FROZEN.model_copy(update={"schedule": FROZEN.schedule.model_copy(update={"decay": 0.5})})},
    ],
)
def test_another_question_is_another_name(change):
    assert CONFIG.model_copy(update=change).run_id("abc") != CONFIG.run_id("abc")


def test_other_data_is_another_name():
    assert CONFIG.run_id("abc") != CONFIG.run_id("abd")


def test_where_the_data_lie_and_how_a_recipe_is_described_do_not_name_a_run():
    moved = CONFIG.model_copy(update={"data": "elsewhere"})
    retold = CONFIG.model_copy(update={"recipe": FROZEN.model_copy(update={"description": "other words"})})
    assert moved.run_id("abc") == retold.run_id("abc") == CONFIG.run_id("abc")


def test_a_field_added_later_changes_no_old_name():
    class Later(RunConfig):
        compiler: str = "none"

    assert Later(**CONFIG.model_dump()).run_id("abc") == CONFIG.run_id("abc")


def test_names_stay_what_they_are():
    """Pinned: a change here makes every stored run be trained again."""
    config = CONFIG.model_copy(update={"recipe": parse_recipe("pinned", TEXT)})
    assert config.run_id("abc") == "tiny-224-pinned-s0-2581648d"


def test_a_config_cannot_be_changed():
    with pytest.raises(ValidationError):
        CONFIG.seed = 3


@pytest.mark.parametrize(
    ("backbone", "start"),
    [("vgg16", "vgg16-"), ("hub:/home/me/net 1", "hub-net-1-"), ("hub:hf://keras/net_18", "hub-net_18-")],
)
def test_a_runs_name_is_a_file_name(backbone, start):
    name = RunConfig(
        backbone=backbone, data="toy", image_px=224, recipe=load_recipe("frozen"), weights="random"
    ).run_id("f")
    assert name.startswith(start)
    assert not set(name) & set("/: ")
