"""The committed report and the changelog, which must not fall behind the code. Pages for users: `test_docs.py`."""

import re
import subprocess
from pathlib import Path, PurePosixPath

import pytest

import bench

ROOT = Path(__file__).parent.parent


@pytest.fixture(scope="module")
def committed():
    """Files of the last commit, whatever `make bench` has written over the report since."""
    if not (ROOT / ".git").exists():
        pytest.skip("needs a git checkout: the committed report is not in the working tree once `make bench` has run")

    def git(*words):
        return subprocess.run(["git", "-C", str(ROOT), *words], check=True, capture_output=True, text=True).stdout

    names = git("ls-tree", "-r", "--name-only", "HEAD").splitlines()
    return {name: git("show", f"HEAD:{name}") for name in names if name == "README.md" or is_report_text(name)} | {
        name: "" for name in names if name.startswith("reports/figures/")
    }


def is_report_text(name):
    return name.startswith("reports/") and PurePosixPath(name).suffix in {".md", ".csv"}


def test_the_changelog_knows_this_version():
    text = (ROOT / "CHANGELOG.md").read_text()
    assert f"## {bench.__version__}" in text or "## Unreleased" in text


def test_the_readme_shows_the_table_of_the_committed_report(committed):
    table = committed["README.md"].split("<!-- results -->")[1].split("<!-- /results -->")[0].strip()
    assert table.startswith("|")
    assert table in committed["reports/summary.md"]


def test_the_readme_quotes_the_committed_report(committed):
    """Scores and gains before the table, as `.902` and `+.147 [+.030, +.259]`."""
    prose = committed["README.md"].split("## Results")[1].split("<!-- results -->")[0]
    quoted = re.findall(r"[+-]?\.\d+(?: \[[^]]+\])?", prose)
    assert len(quoted) >= 4
    assert [number for number in quoted if number not in committed["reports/summary.md"]] == []


def test_the_committed_report_is_of_the_whole_matrix_and_an_ensemble(committed):
    rows = committed["reports/results.csv"].splitlines()
    for name in ("vgg16", "resnet50", "densenet121", "efficientnetb0"):
        for px in (224, 512):
            assert any(row.split(",")[1].startswith(f"{name}-{px}-frozen-s0-") for row in rows), (name, px)
    assert any(row.split(",")[1].startswith("ensemble-top3-") for row in rows)


def test_figures_of_the_committed_report_are_there(committed):
    targets = re.findall(r"!\[[^]]*\]\(([^)]+)\)", committed["reports/summary.md"])
    assert targets
    assert {f"reports/{target}" for target in targets} <= set(committed)


def test_the_committed_report_names_no_machine(committed):
    """Paths of whoever made a report have no place in it."""
    absolute = re.compile(r"(?<![\w.:/])/[\w.-]+/[\w.-]+|\b[A-Z]:\\")
    assert absolute.search("in /somebody/runs")
    for name, text in committed.items():
        if is_report_text(name):
            assert not absolute.search(text), name


@pytest.mark.parametrize("path", sorted((ROOT / "tests" / "perf").glob("*.py")), ids=lambda path: path.stem)
def test_measurements_import_names_that_exist(path):
    """Scripts that run by hand break unseen when a module moves. Programs that they hand to a child are read too."""
    statement = r"^ *from ((?:bench|backbones|ensembles)(?:\.\w+)*) import (\([^)]+\)|[\w, ]+)"
    for module, names in re.findall(statement, path.read_text(), re.MULTILINE):
        folder = ROOT / module.replace(".", "/")
        file = folder / "__init__.py" if folder.is_dir() else folder.with_suffix(".py")
        assert file.is_file(), module
        for name in re.findall(r"\w+", names.split(" as ")[0]):
            is_module = (folder / name).is_dir() or (folder / f"{name}.py").is_file()
            assert is_module or re.search(rf"\b{name}\b", file.read_text()), f"{module}.{name}"
