"""Backbones of other packages and files. Modules here are called `outside...`, so that `own_registry` forgets them."""

from __future__ import annotations

import hashlib
import sys

import pytest
from helpers_plugins import installed, source

import backbones
from backbones import plugins
from backbones.plugins import NoPythonError, PluginError

pytestmark = pytest.mark.usefixtures("own_registry")


@pytest.fixture
def site(tmp_path, monkeypatch):
    """A folder of installed packages, in front of all others."""
    folder = tmp_path / "site"
    folder.mkdir()
    monkeypatch.syspath_prepend(folder)
    return folder


def test_a_file_registers_and_is_known_by_its_content(tmp_path):
    path = tmp_path / "net.py"
    path.write_text(source())
    plugins.load_file(path)
    assert backbones.get("outside").family == "outside"
    origin = plugins.origin("outside")
    digest = hashlib.sha256(path.read_bytes()).hexdigest()
    assert (origin.name, origin.digest, origin.file) == ("net.py", digest, path)
    assert origin.label == f"net.py@{digest[:8]}"
    assert plugins.origin("tiny") is None
    plugins.load_file(path)  # given twice: passed over
    assert [entry.name for entry in tmp_path.iterdir()] == ["net.py"]  # no cache beside it


def test_a_file_may_define_classes(tmp_path):
    """Dataclasses look up their module by its name."""
    path = tmp_path / "own-class.py"
    path.write_text(
        "from __future__ import annotations\n"
        "import dataclasses\n"
        "from backbones import get, register\n"
        "@dataclasses.dataclass(frozen=True, kw_only=True)\n"
        "class Own(type(get('tiny'))):\n"
        "    depth: int = 3\n"
        "fields = {f.name: getattr(get('tiny'), f.name) for f in dataclasses.fields(get('tiny'))}\n"
        "register(Own(**{**fields, 'name': 'outside-own'}))\n"
    )
    plugins.load_file(path)
    assert backbones.get("outside-own").depth == 3


@pytest.mark.parametrize(
    ("name", "content", "said"),
    [
        ("missing.py", None, "No plugin at '"),
        ("folder", "folder", "is a folder, and a file of Python (.py) was expected"),
        ("notes.txt", "hello", "its name does not end in .py"),
        ("prose.py", "Dear reader,\nthis is prose.\n", "is no Python, line 1"),
        ("binary.py", "\0\0\0", "is no Python"),
    ],
)
def test_no_file_of_python(name, content, said, tmp_path):
    path = tmp_path / name
    if content == "folder":
        path.mkdir()
    elif content is not None:
        path.write_text(content)
    with pytest.raises(NoPythonError) as caught:
        plugins.load_file(path)
    message = str(caught.value)
    assert said in message
    assert str(path) in message
    assert "\n" not in message


FAILING = {
    "import nonesuch_package": "failed at net.py:1: ModuleNotFoundError: No module named 'nonesuch_package'",
    "x = 1\n\nraise RuntimeError('first\\nsecond')": "failed at net.py:3: RuntimeError: first",
    "raise SystemExit(3)": "failed at net.py:1: SystemExit: 3",
    "x = 1": "registers no backbone: it has to call backbones.register",
    source("tiny"): "ValueError: A backbone named 'tiny' is registered already",
    source("out@side"): "ValueError: A backbone cannot be named 'out@side'",
    "import backbones\nbackbones.register('outside')": "net.py:2: TypeError: register takes an instance of a subclass",
    source().replace("feature_width=8", "feature_width=0"): "ValueError: outside: feature_width is 0",
    source().replace(", feature_width=8", ""): "TypeError: ",
    source() + "\n1 / 0": "ZeroDivisionError",
}


@pytest.mark.parametrize("content", FAILING, ids=FAILING.get)
def test_a_file_that_fails_registers_nothing(content, tmp_path):
    path = tmp_path / "net.py"
    path.write_text(content)
    before = backbones.names()
    with pytest.raises(PluginError) as caught:
        plugins.load_file(path)
    message = str(caught.value)
    assert message.startswith(f"Plugin '{path}' ")
    assert FAILING[content] in message
    assert "\n" not in message
    assert backbones.names() == before


def test_what_a_plugin_prints_is_kept_from_standard_output(tmp_path, capsys):
    (tmp_path / "net.py").write_text("print('hello')\n" + source())
    plugins.load_file(tmp_path / "net.py")
    assert capsys.readouterr() == ("", "hello\n")


def test_slow_imports_are_reported(site, tmp_path, monkeypatch):
    monkeypatch.setattr(plugins, "HEAVY", ("outside_heavy",))
    (site / "outside_heavy.py").write_text("")
    (tmp_path / "net.py").write_text("import outside_heavy\n" + source())
    plugins.load_file(tmp_path / "net.py")
    [line] = plugins.slow()
    assert "net.py' imports outside_heavy when it is loaded" in line
    (tmp_path / "other.py").write_text("import outside_heavy\n" + source("outside2"))
    plugins.load_file(tmp_path / "other.py")  # nothing was waited for
    assert len(plugins.slow()) == 1


def test_installed_ones_are_loaded_for_names_that_are_not_ours(site):
    (site / "outside_module.py").write_text(source())
    installed(site, "outside-net", {"net": "outside_module"}, version="1.2")
    assert backbones.get("vgg16").name == "vgg16"
    assert "outside_module" not in sys.modules
    assert backbones.get("outside").name == "outside"
    origin = plugins.origin("outside")
    assert (origin.name, origin.file) == ("outside-net==1.2", None)
    assert origin.label == f"outside-net==1.2@{origin.digest[:8]}"
    assert plugins.failures() == ()


def test_a_broken_one_among_others(site):
    (site / "outside_good.py").write_text(source())
    (site / "outside_bad.py").write_text("import nonesuch_package")
    (site / "outside_taken.py").write_text(source("tiny"))
    installed(site, "outside-a", {"absent": "outside_absent", "bad": "outside_bad", "taken": "outside_taken"})
    installed(site, "outside-b", "no equals sign here")
    installed(site, "outside-c", {"attribute": "outside_good:nonesuch", "odd": "not a module at all!"})
    (site / "outside_fine.py").write_text(source("outside-fine"))
    installed(site, "outside-d", {"fine": "outside_fine"})
    installed(site, "outside-e", {"other": "outside_other"}, group="somebody.else")
    plugins.load_installed()
    assert backbones.get("outside-fine")
    found = dict.fromkeys(("absent", "bad", "taken", "attribute", "odd", "outside-b"))
    for line in plugins.failures():
        assert "\n" not in line
        [name] = [name for name in found if f"'{name}'" in line or name in line.split(":")[0].split()]
        found[name] = line
    assert "outside-a==1.0 failed: ModuleNotFoundError: No module named 'outside_absent'" in found["absent"]
    assert "failed at outside_bad.py:1: ModuleNotFoundError" in found["bad"]
    assert "'tiny' is registered already" in found["taken"]
    assert "outside-c==1.0 failed: AttributeError" in found["attribute"]
    assert "entry_points.txt is damaged" in found["outside-b"]
    assert found["odd"]
    with pytest.raises(backbones.UnknownBackboneError) as caught:
        backbones.get("nonesuch")
    assert found["bad"] in str(caught.value)


def test_two_entry_points_of_one_module_are_one_plugin(site):
    (site / "outside_module.py").write_text(source())
    installed(site, "outside-net", {"one": "outside_module", "two": "outside_module"})
    plugins.load_installed()
    assert plugins.failures() == ()
    assert backbones.get("outside")


def test_of_two_versions_the_first_on_the_path_counts(site, tmp_path, monkeypatch):
    for folder, version in ((tmp_path / "front", "2.0"), (site, "1.0")):
        folder.mkdir(exist_ok=True)
        (folder / "outside_module.py").write_text(source())
        installed(folder, "outside-net", {"one": "outside_module"}, version=version)
    monkeypatch.syspath_prepend(tmp_path / "front")
    backbones.get("outside")
    assert plugins.origin("outside").name == "outside-net==2.0"
    assert plugins.failures() == ()


def test_the_digest_is_over_the_package_that_the_module_is_in(site):
    """And over no other in the same namespace."""
    inner = site / "outside_space" / "net"
    (inner / "parts").mkdir(parents=True)
    (inner / "__init__.py").write_text("")
    (inner / "parts" / "deep.py").write_text("x = 1")
    (inner / "plugin.py").write_text(source())
    (site / "outside_space" / "other.py").write_text("x = 1")
    installed(site, "outside-net", {"one": "outside_space.net.plugin"})
    backbones.get("outside")
    first = plugins.origin("outside").digest
    (site / "outside_space" / "other.py").write_text("x = 2")
    assert plugins._source_digest("outside_space.net.plugin") == first
    (inner / "parts" / "deep.py").write_text("x = 2")
    assert plugins._source_digest("outside_space.net.plugin") != first
