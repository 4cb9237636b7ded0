from bench.config.recipe import load_recipe
from bench.config.run import RunConfig
from bench.store.result import Failure, Result, identity_of


def test_identity_is_of_fields_that_results_and_failures_both_have():
    recipe = load_recipe("frozen")
    config = RunConfig(
        data="sample", backbone="tiny", image_px=32, recipe=recipe, weights="random", seed=3, lr_scale=0.5, plugin="x@1"
    )
    found = identity_of(config, "small")
    assert found == {
        "data": "sample",
        "backbone": "tiny",
        "family": "small",
        "image_px": 32,
        "recipe": "frozen",
        "lr_scale": 0.5,
        "seed": 3,
        "weights": "random",
    }
    assert set(found) <= set(Result.model_fields) & set(Failure.model_fields)
