import pytest

from bench.analysis.recipes import draw_recipes, schedule_frame
from bench.config.recipe import load_recipe
from bench.errors import UserError
from bench.report.figures.schedule import differs

PNG = b"\x89PNG"


def test_as_run_is_as_planned_unless_the_rate_is_fed_back():
    recipe = load_recipe("seed-vgg16-bn-dense")
    frame = schedule_frame(recipe)
    assert len(frame) == recipe.epochs
    assert not differs(frame)
    schedule = recipe.schedule.model_copy(update={"start_lr_feedback": True})
    fed_back = schedule_frame(recipe.model_copy(update={"schedule": schedule}))
    assert differs(fed_back)
    assert fed_back["learning_rate_as_run"][0] == pytest.approx(0.001)  # what Adam began with, not start_lr
    assert fed_back["learning_rate"].tolist() == frame["learning_rate"].tolist()


def test_list_recipes_draws(call, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    status, out, _ = call("list", "recipes", "--plot")
    assert (status, out.splitlines()[-1]) == (0, "Schedules: recipes.png")
    assert (tmp_path / "recipes.png").read_bytes()[:4] == PNG
    assert call("list", "recipes", "--plot", "other.png", "--json")[0] == 0
    assert (tmp_path / "other.png").read_bytes() == (tmp_path / "recipes.png").read_bytes()


def test_wrong_pictures(call, tmp_path):
    with pytest.raises(UserError, match=r"ends in \.png"):
        draw_recipes(tmp_path / "recipes.pdf")
    (tmp_path / "file").touch()
    with pytest.raises(UserError, match="Cannot write"):
        draw_recipes(tmp_path / "file" / "recipes.png")
    status, _, err = call("list", "recipes", "own.png")
    assert status == 2
    assert "--plot own.png" in err
