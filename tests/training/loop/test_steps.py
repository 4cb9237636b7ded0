from helpers_training import assert_same, examples, fitted, recipe


def test_micro_batches_gather_the_same_gradients():
    """Without BatchNorm in the way: tiny's is frozen, so that its statistics are not those of the batch."""
    asked = recipe(trainable="none", optimizer="sgd")
    train, val = examples(21), examples(5)
    whole, _ = fitted(asked, train, val)
    gathered, _ = fitted(asked, train, val, micro_batch=3)
    assert_same(whole, gathered, 1e-5)
