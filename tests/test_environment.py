import json
import threading
import urllib.error
import urllib.request

import pytest

from bench import environment
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


@pytest.mark.parametrize(
    ("variables", "expected"),
    [
        ({}, "oneDNN default"),
        ({"TF_ENABLE_ONEDNN_OPTS": "1"}, "oneDNN on"),
        ({"TF_ENABLE_ONEDNN_OPTS": "False"}, "oneDNN off"),
        ({"TF_ENABLE_ONEDNN_OPTS": "yes"}, "oneDNN default"),  # TensorFlow ignores other words
        ({"TF_NUM_INTRAOP_THREADS": "2"}, "oneDNN default, intra-op threads 2"),
    ],
)
def test_kernels_are_named_as_they_are_set(monkeypatch, variables, expected):
    for variable in ("TF_ENABLE_ONEDNN_OPTS", *environment._KERNELS):
        monkeypatch.delenv(variable, raising=False)
    for variable, value in variables.items():
        monkeypatch.setenv(variable, value)
    assert environment.kernels() == expected


class TestAnswers:
    @pytest.fixture(autouse=True)
    def fresh(self, monkeypatch):
        monkeypatch.setattr(environment, "_PATIENCE_SECONDS", 0.3)
        environment.answers.cache_clear()
        yield
        environment.answers.cache_clear()

    def test_any_status_is_an_answer(self, monkeypatch):
        def refuse(request, **_):
            raise urllib.error.HTTPError(request.full_url, 400, "Bad Request", {}, None)

        monkeypatch.setattr(urllib.request, "urlopen", refuse)
        assert environment.answers("example.org")

    def test_a_refused_connection_is_none(self):
        assert not environment.answers("127.0.0.1:1")

    def test_silence_is_none_and_a_host_is_asked_once(self, monkeypatch):
        asked, released = [], threading.Event()

        def stay_silent(request, **_):
            asked.append(request.full_url)
            released.wait(60)
            raise TimeoutError("released" if released.is_set() else "was waited for")

        monkeypatch.setattr(urllib.request, "urlopen", stay_silent)
        assert not environment.answers("example.org")
        assert not environment.answers("example.org")
        [asking] = [thread for thread in threading.enumerate() if thread.name.endswith("(_ask)")]
        assert asking.is_alive()  # not waited for
        released.set()
        asking.join()
        assert asked == ["https://example.org/"]
