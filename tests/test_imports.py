"""Imports go one way: data walks from left to right and never back."""

import ast
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent
OURS = {"bench", "backbones", "ensembles"}
COMMANDS = sorted((ROOT / "bench" / "commands").glob("*.py"))


def imported(path: Path) -> set[str]:
    """Every module a file names in an import, wherever it stands."""
    found = set()
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.Import):
            found |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom) and node.module:
            assert node.level == 0, f"{path} imports relatively"
            found |= {node.module, *(f"{node.module}.{alias.name}" for alias in node.names)}
    return found


def ours(path: Path) -> set[str]:
    return {name for name in imported(path) if name.split(".")[0] in OURS}


@pytest.mark.parametrize("package", ["backbones", "ensembles"])
def test_the_outer_rooms_import_nothing_of_ours(package):
    for path in (ROOT / package).rglob("*.py"):
        assert {name for name in ours(path) if name.split(".")[0] != package} == set(), path


def test_the_report_sees_metrics_and_plain_data():
    for path in (ROOT / "bench" / "report").rglob("*.py"):
        strangers = {name for name in ours(path) if not name.startswith(("bench.report", "ensembles."))}
        assert strangers == set(), path


@pytest.mark.parametrize("package", ["ensembles", "bench/report"])
def test_no_tensorflow_in_rooms_of_arrays(package):
    for path in (ROOT / package).rglob("*.py"):
        heavy = {name for name in imported(path) if name.split(".")[0] in {"tensorflow", "keras"}}
        assert heavy == set(), path


@pytest.mark.parametrize("path", [ROOT / "bench" / "cli.py", *COMMANDS], ids=lambda path: path.stem)
def test_commands_import_only_typer_at_the_top(path):
    top = ast.parse(path.read_text()).body
    names = [node.names[0].name for node in top if isinstance(node, ast.Import)]
    names += [node.module for node in top if isinstance(node, ast.ImportFrom)]
    light = {"__future__", "typing", "pathlib", "sys", "typer", "bench", "bench.errors"}
    assert {name for name in names if not name.startswith("bench.commands")} <= light


def test_only_one_module_reads_environment_variables():
    for path in (*ROOT.glob("bench/**/*.py"), *ROOT.glob("backbones/*.py"), *ROOT.glob("ensembles/*.py")):
        text = path.read_text()
        if path.name != "environment.py":
            assert "os.environ" not in text, path
            assert "getenv" not in text, path


def test_the_parents_modules_import_no_tensorflow():
    """Everything that the commands import, in one process in which TensorFlow and Keras cannot be imported."""
    code = (
        "import sys; sys.modules['tensorflow'] = sys.modules['keras'] = None\n"
        "import bench.running, bench.combining, bench.publishing, bench.listing, bench.cli\n"
        "import bench.data_commands, bench.data.importing.telling\n"
        "import bench.classifying.classify, bench.classifying.telling\n"
        "import bench.adding.adding, bench.exporting, bench.recommending.recommend\n"
    )
    subprocess.run([sys.executable, "-c", code], check=True, cwd=ROOT)
