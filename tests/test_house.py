"""The project about itself: documents that must not fall behind the code."""

import re
from pathlib import Path

import pytest
from typer.main import get_command

import backbones
import bench
from bench.cli import app

ROOT = Path(__file__).parent.parent
README = (ROOT / "README.md").read_text()
PAGES = sorted(ROOT.glob("*.md"))


def test_every_command_is_documented():
    for name in get_command(app).commands:
        assert re.search(rf"\b{name}\b", README), name


def test_every_family_of_backbones_is_documented():
    for family in {backbones.get(name).family for name in backbones.names()} - {"tiny"}:
        assert re.search(rf"^\| .*\b{family}\b.* \|$", README, re.MULTILINE), family


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_links_resolve(page):
    for target in re.findall(r"\]\(([^)#:]+)\)", page.read_text()):
        assert (ROOT / target).exists(), target


def test_the_changelog_knows_this_version():
    text = (ROOT / "CHANGELOG.md").read_text()
    assert f"## {bench.__version__}" in text or "## Unreleased" in text


def test_the_readme_shows_the_table_of_the_committed_report():
    table = README.split("<!-- results -->")[1].split("<!-- /results -->")[0].strip()
    assert table.startswith("|")
    assert table in (ROOT / "reports" / "summary.md").read_text()


def test_the_committed_report_is_of_the_whole_matrix_and_an_ensemble():
    rows = (ROOT / "reports" / "results.csv").read_text().splitlines()
    for name in ("vgg16", "resnet50", "densenet121", "efficientnetb0"):
        for px in (224, 512):
            assert any(row.split(",")[1].startswith(f"{name}-{px}-frozen-s0-") for row in rows), (name, px)
    assert any(row.split(",")[1].startswith("ensemble-top3-") for row in rows)


def test_figures_of_the_committed_report_are_there():
    for target in re.findall(r"!\[[^]]*\]\(([^)]+)\)", (ROOT / "reports" / "summary.md").read_text()):
        assert (ROOT / "reports" / target).is_file(), target


def test_nothing_names_a_machine():
    """Paths of whoever made a report have no place in it."""
    absolute = re.compile(r"(?<![\w.:/])/[\w.-]+/[\w.-]+|\b[A-Z]:\\")
    assert absolute.search("in /somebody/runs")
    for path in (ROOT / "reports").rglob("*.*"):
        if path.suffix in {".md", ".csv"}:
            assert not absolute.search(path.read_text()), path
