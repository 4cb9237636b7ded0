"""Plugins of commands: warnings, runs that go on, records."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from helpers_jobs import planned_runs
from helpers_plugins import installed, source

import backbones
from backbones import registry
from bench import plugins
from bench.errors import UserError
from bench.jobs.messages import Failed, TrainJob
from bench.jobs.worker import handler
from bench.training.features.bank import BankKey, Origin

pytestmark = pytest.mark.usefixtures("own_registry")


@pytest.fixture
def net(tmp_path):
    path = tmp_path / "net.py"
    path.write_text(source())
    return path


def planned(backbone="outside"):
    return planned_runs(f"{backbone}@32")[0]


def missing(run, plugin):
    return plugins.missing_reason(run.config.backbone, run.config.plugin, plugin and str(plugin))


def job(run, plugin):
    return TrainJob(
        data="toy",
        resolutions=(32,),
        backbone=run.config.backbone,
        plugin=None if plugin is None else str(plugin),
        weights="random",
        store="runs",
        code_revision="0",
        runs=(run,),
    )


def forget():
    """As a process that has just begun."""
    registry._registered.pop("outside", None)
    plugins.plugins._loaded = plugins.plugins._Loaded()


def test_the_source_of_a_plugin_is_part_of_a_runs_name(net):
    """An edited network is another question, and finds no features of the one before."""
    plugins.use([net])
    first = planned()
    forget()
    net.write_text(source() + "# edited\n")
    plugins.use([net])
    second = planned()
    assert first.run_id != second.run_id
    assert first.config.plugin.startswith("net.py@")
    origin = Origin("gpu", "oneDNN default", "0a1b", "2.21", "3.15")
    folders = {
        BankKey("f", "outside", 32, "random", 0, "val", "plain", origin, run.config.plugin).folder_name
        for run in (first, second)
    }
    assert len(folders) == 2
    assert planned("tiny").config.plugin is None


def test_the_child_has_the_plugin_that_the_run_is_named_after(net):
    plugins.use([net])
    run = planned()
    assert plugins.file_of("outside") == str(net)
    forget()
    assert missing(run, net) is None
    assert backbones.get("outside")
    forget()
    net.write_text(source() + "# edited\n")
    assert "by now: run the command again" in missing(run, net)
    forget()
    net.write_text("import nonesuch_package")
    assert "No module named 'nonesuch_package'" in missing(run, net)
    assert missing(planned("tiny"), None) is None


def test_runs_whose_plugin_changed_fail_and_the_child_goes_on(net, tmp_path):
    plugins.use([net])
    runs = [planned(), planned()]
    forget()
    net.write_text(source() + "# edited\n")
    events = []
    handler("train")(job(runs[0], net).model_copy(update={"runs": tuple(runs)}), events.append, tmp_path / "log.txt")
    assert [type(event) for event in events] == [Failed, Failed]
    assert {(event.run_id, event.kind) for event in events} == {(run.run_id, "error") for run in runs}


def test_the_child_finds_an_installed_plugin_by_itself(tmp_path, monkeypatch):
    monkeypatch.syspath_prepend(tmp_path)
    (tmp_path / "outside_module.py").write_text(source())
    installed(tmp_path, "outside-net", {"net": "outside_module"})
    plugins.use_installed()
    run = planned()
    assert plugins.file_of("outside") is None
    assert plugins.described("outside")["plugin"]["name"] == "outside-net==1.0"
    assert missing(run, None) is None
    (tmp_path / "outside_net-1.0.dist-info" / "entry_points.txt").unlink()
    forget()
    assert "Unknown backbone 'outside'" in missing(run, None)


def test_records_of_a_plugin_file(net):
    plugins.use([net])
    found = plugins.described("outside")["plugin"]
    assert (found["name"], found["file"]) == ("net.py", str(net))
    assert f"net.py@{found['sha256'][:8]}" == plugins.label("outside")
    assert plugins.described("tiny") == {}


def test_a_failing_plugin_is_reported_once_and_stops_no_other(net, tmp_path, capsys):
    (tmp_path / "bad.py").write_text("import nonesuch_package")
    assert plugins.use([tmp_path / "bad.py", net]) == 1
    [line] = capsys.readouterr().err.splitlines()
    assert line.startswith("WARNING: Plugin '")
    assert "bad.py' failed at bad.py:1" in line
    assert backbones.get("outside")


def test_broken_installed_plugins_are_reported_once(tmp_path, monkeypatch, capsys):
    monkeypatch.syspath_prepend(tmp_path)
    installed(tmp_path, "outside-net", {"net": "outside_absent"})
    for lines in (1, 0):
        plugins.use_installed()
        assert len(capsys.readouterr().err.splitlines()) == lines


def test_a_stored_run_whose_plugin_is_not_here(net, capsys):
    with pytest.raises(
        UserError, match=r"run-1 needs the backbone 'outside' of the plugin net.py@12345678: give it with --p"
    ):
        plugins.check_known("run-1", "outside", "net.py@12345678")
    with pytest.raises(UserError, match=r"of the plugin net==1\.0@12345678: install it"):
        plugins.check_known("run-1", "outside", "net==1.0@12345678")
    plugins.use([net])
    plugins.check_known("run-1", "outside", plugins.label("outside"))
    plugins.check_known("run-1", "tiny", None)
    assert capsys.readouterr().err == ""
    plugins.check_known("run-1", "outside", "net.py@12345678")
    assert "run-1 was trained with that of the plugin net.py@12345678, and here outside is" in capsys.readouterr().err


@pytest.mark.parametrize(
    "words", [("run", "tiny"), ("list", "backbones"), ("list", "weights"), ("predict", "x", "y.png")]
)
@pytest.mark.parametrize("name", ["missing.py", "folder", "notes.txt", "prose.py"])
def test_no_plugin_is_one_line(words, name, call, tmp_path):
    (tmp_path / "folder").mkdir()
    (tmp_path / "notes.txt").write_text("hello")
    (tmp_path / "prose.py").write_text("Dear reader,\n")
    status, out, err = call(*words, "--plugin", name)
    assert (status, out) == (2, "")
    [line] = err.splitlines()
    assert line.startswith("petalbench: ")
    assert name in line


def test_lists_show_plugins_and_name_those_that_fail(call, net, tmp_path):
    (tmp_path / "bad.py").write_text("print('to whom it may concern')\nimport nonesuch_package")
    status, out, err = call("list", "backbones", "--plugin", "net.py", "--plugin", "bad.py", "--json")
    assert status == 1
    rows = {row["backbone"]: row for row in json.loads(out)}
    assert rows["outside"]["plugin"].startswith("net.py@")
    assert rows["tiny"]["plugin"] is None
    assert "Plugin 'bad.py' failed at bad.py:2" in err
    status, out, _ = call("list", "backbones", "outside", "--plugin", "net.py")
    assert status == 0
    assert "outside" in out


def test_a_word_of_the_command_line_reaches_plugins(call, net, tmp_path, monkeypatch):
    (tmp_path / "site").mkdir()
    monkeypatch.syspath_prepend(tmp_path / "site")
    (tmp_path / "site" / "outside_module.py").write_text(source("outside-installed"))
    installed(tmp_path / "site", "outside-net", {"net": "outside_module"})
    words = ("run", "out*@224", "--px", "224", "--plugin", "net.py", "--dry-run", "--json", "--weights", "random")
    status, out, err = call(*words)
    assert status == 0, err
    assert sorted(row["run"].split("-224-")[0] for row in json.loads(out)) == ["outside", "outside-installed"]


def test_a_name_that_a_failing_plugin_would_have_had(call, tmp_path):
    (tmp_path / "bad.py").write_text("import nonesuch_package")
    status, _, err = call("run", "outside", "--plugin", "bad.py")
    assert status == 2
    told, line = err.splitlines()
    assert "No module named 'nonesuch_package'" in told
    assert line.startswith("petalbench: Unknown backbone 'outside'")


def test_help_loads_nothing(call, tmp_path, monkeypatch):
    monkeypatch.syspath_prepend(tmp_path)
    installed(tmp_path, "outside-net", {"net": "outside_module"})
    (tmp_path / "outside_module.py").write_text(f"open({str(tmp_path / 'touched')!r}, 'w')\n" + source())
    assert call("run", "--help")[0] == 0
    assert call("run", "tiny", "--dry-run", "--weights", "random")[0] == 0
    assert not Path("touched").exists()
    assert call("list", "backbones")[0] == 0
    assert Path("touched").exists()
