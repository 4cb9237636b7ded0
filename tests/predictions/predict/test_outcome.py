"""The result of a child survives its file."""

import numpy as np

from bench.predictions.predict.outcome import NetworkOutputs, UnreadablePicture


def test_it_is_read_as_it_was_written(tmp_path):
    probs = np.random.default_rng(0).random((2, 3, 4)).astype(np.float32)
    for faults in ([], [UnreadablePicture(1, "empty"), UnreadablePicture(3, "no picture: 'é'")]):
        NetworkOutputs(probs, faults).save(tmp_path / "o.npz")
        again = NetworkOutputs.load(tmp_path / "o.npz")
        np.testing.assert_array_equal(again.probs, probs)
        assert list(again.faults) == faults
