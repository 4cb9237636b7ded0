"""The installed package, away from the repository: what a user of `pip install` has."""

import os
import shutil
import subprocess
import sys
import sysconfig
import venv
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent
pytestmark = pytest.mark.skipif(os.name == "nt", reason="POSIX paths")


@pytest.fixture(scope="module")
def installed(tmp_path_factory):
    """A virtual environment with the package from a wheel; the dependencies are those of this environment."""
    root = tmp_path_factory.mktemp("installed")
    build = [sys.executable, "-m", "pip", "wheel", "--quiet", "--no-deps", "--no-build-isolation", "--wheel-dir"]
    subprocess.run([*build, str(root / "wheels"), str(ROOT)], check=True)
    venv.create(root / "venv", with_pip=False)
    [wheel] = (root / "wheels").glob("petalbench-*.whl")
    install = [sys.executable, "-m", "pip", "--python", str(root / "venv" / "bin" / "python"), "install", "--quiet"]
    subprocess.run([*install, "--no-deps", "--no-index", str(wheel)], check=True)
    [site] = (root / "venv").glob("lib/python*/site-packages")
    # A plain path entry: the .pth files in that folder, the editable install among them, are not read.
    (site / "dependencies.pth").write_text(sysconfig.get_path("purelib") + "\n")
    return root / "venv" / "bin"


@pytest.fixture
def away(tmp_path):
    """An empty working directory, but for folders whose names are those of our packages."""
    for name in ("bench", "backbones", "ensembles", "reports"):
        (tmp_path / "work" / name).mkdir(parents=True)
    return tmp_path / "work"


def call(words, folder):
    environment = {name: value for name, value in os.environ.items() if name != "PYTHONPATH"}
    return subprocess.run(words, cwd=folder, env=environment, capture_output=True, text=True)


@pytest.mark.parametrize("start", [("petalbench",), ("python", "-m", "bench")])
def test_commands_run_from_anywhere(installed, away, start):
    words = [str(installed / start[0]), *start[1:]]
    recipes = call([*words, "list", "recipes"], away)
    assert recipes.returncode == 0, recipes.stderr
    assert "frozen-flip" in recipes.stdout
    assert call([*words, "--version"], away).stdout.startswith("petalbench 0.")


def test_it_trains_from_anywhere(installed, away):
    """On the built-in data set, which is drawn for it."""
    done = call([str(installed / "petalbench"), "run", "tiny@224", "--px", "224"], away)
    assert done.returncode == 0, done.stderr
    assert "tiny@224" in (away / "reports" / "summary.md").read_text()


def test_an_editable_install_survives_folders_of_the_same_names(away):
    done = call([sys.executable, "-m", "bench", "list", "recipes"], away)
    assert done.returncode == 0, done.stderr


def test_the_wheel_holds_our_packages_and_nothing_else(installed):
    site = next(installed.parent.glob("lib/python*/site-packages"))
    names = {path.name for path in site.iterdir() if not path.name.startswith(("petalbench-", "_", "dependencies"))}
    assert names <= {"bench", "backbones", "ensembles"}
    assert (site / "bench" / "recipes" / "frozen.toml").is_file()


@pytest.mark.skipif(shutil.which("make") is None, reason="needs make")
def test_make_bench_installs_pretrained_weights_and_ends_with_the_answer_and_the_next_commands(tmp_path):
    words = ["make", "--dry-run", "--no-print-directory", "bench", f"VENV={tmp_path}/venv"]
    done = subprocess.run(words, cwd=ROOT, capture_output=True, text=True, check=True)
    lines = done.stdout.splitlines()
    assert any(line.endswith("--editable '.[lite]'") for line in lines)
    python = f"{tmp_path}/venv/bin/python -m bench"
    place = lines.index(f"{python} run --all")
    assert lines[place + 1] == f"{python} ensemble top3"
    assert lines[place + 2].endswith(f"{python} report --data sample")
    assert "less reports/summary.md" in lines[place + 3]
    for line, command in zip(
        lines[place + 4 :], ("data import path/to/folder mine", "run --all --data mine"), strict=True
    ):
        assert line.startswith(f'echo "  {python} {command}')
