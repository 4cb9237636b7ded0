import sys
from pathlib import Path

import pytest

from bench.cli import main

sys.path.insert(0, str(Path(__file__).parent))  # helpers_*.py


@pytest.fixture(autouse=True)
def own_home(tmp_path_factory, monkeypatch):
    """No test reads or writes the user's own data sets, caches or weights."""
    monkeypatch.setenv("PETALBENCH_HOME", str(tmp_path_factory.mktemp("home")))
    monkeypatch.delenv("PETALS_DIR", raising=False)
    monkeypatch.setenv("KERAS_HOME", str(tmp_path_factory.mktemp("keras")))


@pytest.fixture
def call(tmp_path, monkeypatch, capsys):
    """Runs a command in an empty working directory; gives its exit status and what it printed."""
    monkeypatch.chdir(tmp_path)

    def run(*words):
        monkeypatch.setattr(sys, "argv", ["bench", *map(str, words)])
        with pytest.raises(SystemExit) as ended:
            main()
        printed = capsys.readouterr()
        return ended.value.code, printed.out, printed.err

    return run


@pytest.fixture(scope="session")
def trained(tmp_path_factory):
    """Runs that kept their weights (`helpers_kept`), made once for all tests that only look."""
    from helpers_kept import make_world

    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("PETALBENCH_HOME", str(tmp_path_factory.mktemp("home")))
        return make_world(tmp_path_factory.mktemp("kept"))


@pytest.fixture
def own_registry(monkeypatch):
    """A registry that forgets the backbones of the test, without plugins loaded before it."""
    from backbones import plugins, registry

    monkeypatch.setattr(registry, "_registered", dict(registry._registered))
    monkeypatch.setattr(registry, "_schemes", dict(registry._schemes))
    monkeypatch.setattr(plugins, "_loaded", plugins._Loaded())
    before = set(sys.modules)
    yield
    for name in set(sys.modules) - before:
        if name.startswith(("_plugin_", "outside")):
            del sys.modules[name]
