import pytest

from bench.config.recipe import load_recipe
from bench.errors import UserError
from bench.matrix.request import Options, RunRequest


def test_the_sample_and_all_may_fall_back_to_random_weights_and_named_backbones_of_other_data_may_not():
    assert RunRequest().weights_policy == "auto"
    assert RunRequest(data="petals", everything=True).weights_policy == "auto"
    assert RunRequest(data="petals", everything=True, weights="imagenet").weights_policy == "imagenet"
    assert RunRequest(data="petals").weights_policy == "imagenet"
    assert RunRequest(data="petals", weights="random").weights_policy == "random"


def test_options_that_a_frozen_run_ignores_are_refused():
    options = Options(xla=True, strategy="mirrored", precision="mixed_bfloat16", deterministic=True)
    with pytest.raises(UserError, match="--precision, --xla, --deterministic, --strategy is not supported"):
        options.check(load_recipe("frozen"))
    options.check(load_recipe("finetune"))


def test_options_that_a_frozen_run_heeds():
    Options(lr_scales=(0.3, 1.0), strategy="default", train_on="train+val").check(load_recipe("frozen"))
