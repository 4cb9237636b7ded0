import pytest

from bench.config.head import HeadLayer, needs_map, parse_head


def test_words_become_layers_in_order():
    assert parse_head(["batch_norm", "gap", "dense:256:relu", "dropout:0.5", "dense:8", "softmax"]) == (
        HeadLayer("batch_norm"),
        HeadLayer("gap"),
        HeadLayer("dense", units=256, activation="relu"),
        HeadLayer("dropout", rate=0.5),
        HeadLayer("dense", units=8, activation="linear"),
        HeadLayer("softmax"),
    )


@pytest.mark.parametrize(
    ("words", "problem"),
    [
        ([], "ends in softmax"),
        (["softmax", "gap"], "ends in softmax"),
        (["gap", "gap", "softmax"], "once: gap"),
        (["gap", "gap:2", "softmax"], "gap takes no argument"),
        (["gap", "dropout", "softmax"], "layers are"),
        (["gap", "dropout:1", "softmax"], "from 0 to below 1"),
        (["gap", "dense:8:relu:9", "softmax"], "layers are"),
    ],
)
def test_wrong_heads(words, problem):
    with pytest.raises(ValueError, match=problem):
        parse_head(words)


@pytest.mark.parametrize(
    ("words", "needed"),
    [
        (["gap", "dense:8", "softmax"], False),
        (["batch_norm", "gap", "softmax"], False),
        (["dropout:0.2", "gap", "softmax"], True),
        (["batch_norm", "dropout:0.2", "gap", "softmax"], True),
    ],
)
def test_only_layers_before_the_pooling_need_the_map(words, needed):
    assert needs_map(parse_head(words)) is needed
