import pytest

from bench.config.overrides import choose_recipe, parse_resolutions, parse_scales
from bench.config.recipe import load_recipe
from bench.errors import UserError

TEXT = """
head = ["gap", "softmax"]
trainable = "all"
epochs = 3
[schedule]
start_lr = 1e-4
min_lr = 1e-5
max_lr = 1e-3
ramp_epochs = 1
decay = 0.9
"""


def test_a_file_is_named_by_its_stem(tmp_path):
    (tmp_path / "mine.toml").write_text(TEXT)
    recipe = choose_recipe(str(tmp_path / "mine.toml"))
    assert (recipe.name, recipe.epochs, recipe.trainable) == ("mine", 3, "all")


def test_a_file_may_not_pass_for_a_built_in_one(tmp_path):
    (tmp_path / "frozen.toml").write_text(TEXT)
    with pytest.raises(UserError, match="Rename the file"):
        choose_recipe(str(tmp_path / "frozen.toml"))


def test_a_file_does_not_name_itself(tmp_path):
    (tmp_path / "mine.toml").write_text('name = "other"' + TEXT)
    with pytest.raises(UserError, match="name of its file"):
        choose_recipe(str(tmp_path / "mine.toml"))


def test_set_fields_change_the_recipe_and_its_name():
    recipe = choose_recipe("finetune", ["epochs=5", "schedule.max_lr=0.01", "loss=focal"])
    assert (recipe.epochs, recipe.schedule.max_lr, recipe.loss) == (5, 0.01, "focal")
    assert recipe.name == "finetune-epochs-5-loss-focal-schedule-max-lr-0-01"


def test_a_field_set_to_what_it_was_changes_nothing():
    plain = load_recipe("finetune")
    assert choose_recipe("finetune", [f"epochs={plain.epochs}"]) == plain


def test_a_recipe_is_named_after_values_and_not_after_how_they_were_typed():
    names = {choose_recipe("finetune", [f"schedule.max_lr={text}"]).name for text in ("0.01", "1e-2", "10e-3")}
    assert names == {"finetune-schedule-max-lr-0-01"}


def test_a_field_set_twice_counts_once():
    assert choose_recipe("finetune", ["epochs=6", "epochs=5"]) == choose_recipe("finetune", ["epochs=5"])


@pytest.mark.parametrize("text", ["", "224,", "big", "224;512", "-1", "0", "1.5"])
def test_wrong_resolutions(text):
    with pytest.raises(UserError, match="--px"):
        parse_resolutions(text)


def test_resolutions():
    assert parse_resolutions("512, 224,512") == (512, 224)


@pytest.mark.parametrize("text", ["", "0", "1,", "-1", "nan", "inf", "fast"])
def test_wrong_scales(text):
    with pytest.raises(UserError, match="--lr-scale"):
        parse_scales(text)


def test_scales():
    assert parse_scales("0.3, 1,3,1") == (0.3, 1.0, 3.0)
