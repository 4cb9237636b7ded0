import pytest

from bench.config.recipe import load_recipe, parse_recipe, recipe_names
from bench.errors import UserError

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


@pytest.mark.parametrize("name", recipe_names())
def test_shipped_recipes_are_whole(name):
    recipe = load_recipe(name)
    assert recipe.name == name
    assert recipe.description
    assert recipe.head[-1] == "softmax"


@pytest.mark.parametrize(
    ("old", "new", "said"),
    [
        ('"softmax"', '"sofmax"', "Did you mean 'softmax'"),
        (', "softmax"', "", "ends in softmax"),
        ('"gap", ', "", "gap"),
        ('"gap"', '"gap", "dropout:1.5"', "dropout:1.5"),
        ('"gap"', '"gap", "dense:0"', "dense:0"),
        ('"gap"', '"gap", "dense:8:rellu"', "Did you mean 'relu'"),
        ('"gap"', '"gap", "dense"', "dense:UNITS"),
        ('"gap"', '"dense:8", "gap"', "dense layers come after gap"),
        ("epochs = 3", "epochs = 0", "epochs"),
        ("epochs = 3", "epoch = 3", "epoch"),
        ("decay = 0.8", "decay = 1.8", "schedule.decay"),
        ("min_lr = 0.0001", "min_lr = 0.1", "min_lr 0.1 is above max_lr 0.01"),
        ("min_lr = 0.0001", "min_lr = nan", "schedule.min_lr"),
        ('"none"', '"some"', "trainable"),
        ('"none"', '"from:stage6"', "Did you mean 'from:stage5'"),
        ("epochs = 3", 'epochs = 3\nloss = "hinge"', "loss"),
        ("epochs = 3", "epochs = 3\nfocal_gamma = 1.5", 'focal_gamma belongs to loss = "focal"'),
        ("epochs = 3", "epochs = 3\nlabel_smoothing = 1.0", "label_smoothing"),
        ("epochs = 3", "epochs = 3\ntarget_f1 = 1.5", "target_f1"),
        ("epochs = 3", "epochs = ", "not TOML"),
    ],
)
def test_a_wrong_recipe_is_one_line(old, new, said):
    with pytest.raises(UserError) as error:
        parse_recipe("mine", TEXT.replace(old, new))
    assert said in str(error.value)
    assert "\n" not in str(error.value)
    assert "mine" in str(error.value)


def test_an_unknown_recipe_names_the_nearest():
    with pytest.raises(UserError, match="Did you mean 'frozen'"):
        load_recipe("frozn")


def test_views():
    assert [load_recipe(name).views for name in ("frozen", "frozen-flip")] == [1, 2]
    assert parse_recipe("mine", TEXT.replace("trainable =", 'augmentation = "flip_rotate"\ntrainable =')).views == 8


@pytest.mark.parametrize(
    ("old", "new", "banked"),
    [
        ('"none"', '"none"', True),
        ('"none"', '"all"', False),
        ('"none"', '"from:stage5"', False),
        ("trainable =", 'augmentation = "flip"\ntrainable =', True),
        ("trainable =", 'augmentation = "colour"\ntrainable =', False),
        ('"gap"', '"dropout:0.5", "gap"', False),
    ],
)
def test_which_recipes_need_the_backbone_once(old, new, banked):
    assert parse_recipe("mine", TEXT.replace(old, new)).is_banked is banked
