import json

import pytest

from bench.environment import TfConfig, is_chief, tf_config
from bench.errors import UserError

TWO = {"cluster": {"worker": ["a:1", "b:2"]}, "task": {"type": "worker", "index": 1}}


def test_workers(monkeypatch):
    monkeypatch.setenv("TF_CONFIG", json.dumps(TWO))
    assert tf_config() == TfConfig(("a:1", "b:2"), 1)
    assert tf_config().others == ("a:1",)
    assert not is_chief()


@pytest.mark.parametrize("text", ["", "{}", '{"cluster": {"worker": ["a:1"]}, "task": {"type": "worker", "index": 0}}'])
def test_no_workers(monkeypatch, text):
    monkeypatch.setenv("TF_CONFIG", text)
    assert tf_config() is None
    assert is_chief()


@pytest.mark.parametrize(
    "text",
    [
        "nonsense",
        "[1]",
        json.dumps({**TWO, "task": {"type": "worker", "index": 2}}),
        json.dumps({**TWO, "task": {"type": "ps", "index": 0}}),
        json.dumps({**TWO, "task": {"type": "worker", "index": "x"}}),
    ],
)
def test_a_wrong_tf_config_is_one_line(monkeypatch, text):
    monkeypatch.setenv("TF_CONFIG", text)
    with pytest.raises(UserError, match="Expected"):
        tf_config()
