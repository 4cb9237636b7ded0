"""The pages for users: their commands, links and names are those of the code, their sentences plain."""

import re
import shlex
import tomllib
from pathlib import Path

import pytest
from typer.main import get_command

import backbones
from bench.cli import app

ROOT = Path(__file__).parent.parent
DOCS = sorted((ROOT / "docs").glob("*.md"))
GUIDES = [ROOT / "README.md", ROOT / "METHODOLOGY.md", *DOCS]
PAGES = sorted({*ROOT.glob("*.md"), *DOCS})
START = "python -m bench "
# Words that hide the subject: a run, a split, a file, a user or a child process.
VAGUE = (
    r"\bnobody\b",
    r"\bwhoever\b",
    r"\bwhat (came|comes|became|becomes) of\b",
    r"\b(is|are|was|were) not there\b",
    r"\bwhat (is|was) there\b",
    r"\bcan(not)? be had\b",
    r"\bfor want of\b",
)


def per_page(pages):
    return pytest.mark.parametrize("page", pages, ids=lambda page: page.relative_to(ROOT).as_posix())


def lines_of_commands(text):
    """Commands in fenced and indented blocks, and those between backticks."""
    lines = [line.strip() for line in text.splitlines()]
    inline = re.findall(rf"`({START}[^`]+)`", text)
    return [line for line in lines if line.startswith(START)] + inline


def parsed(line):
    """Reads a command as the command line does, and runs nothing. Returns its name: `data import`."""
    words = shlex.split(line, comments=True)[3:]
    command, names = get_command(app), []
    while hasattr(command, "commands"):
        if not words or words[0] not in command.commands:
            raise ValueError(f"No command: {line}")
        names.append(words.pop(0))
        command = command.commands[names[-1]]
    command.make_context(names[-1], words)
    return " ".join(names)


def leaves(command, name=""):
    """Name and command of everything that can be run."""
    if not hasattr(command, "commands"):
        return {name: command}
    found = {}
    for word, child in command.commands.items():
        found |= leaves(child, f"{name} {word}".strip())
    return found


@pytest.fixture(scope="module")
def guides():
    return {page: page.read_text(encoding="utf-8") for page in GUIDES}


@per_page(GUIDES)
def test_commands_parse(page):
    for line in lines_of_commands(page.read_text(encoding="utf-8")):
        parsed(line)


@pytest.mark.parametrize(
    ("line", "message"),
    [
        ("python -m bench run --nonsense", "No such option"),
        ("python -m bench run vgg16 --seeds many", "valid integer"),
        ("python -m bench data import path/to/folder", "(?i)missing"),
        ("python -m bench export vgg16-224 too-many", "unexpected extra argument"),
        ("python -m bench list nonsense", "No command"),
        ("python -m bench nonsense", "No command"),
    ],
)
def test_a_wrong_command_is_caught(line, message):
    [found] = lines_of_commands(f"Text.\n\n    {line}   # a comment\n")
    with pytest.raises(Exception, match=message):
        parsed(found)


def test_every_command_has_an_example(guides):
    shown = {parsed(line) for text in guides.values() for line in lines_of_commands(text)}
    assert shown == set(leaves(get_command(app)))


def test_options_between_backticks_exist(guides):
    known = {option for command in leaves(get_command(app)).values() for each in command.params for option in each.opts}
    assert {"--px", "--min-f1"} <= known
    for page, text in guides.items():
        assert options_named(text) <= known, page.name


def options_named(text):
    """Options between backticks, those of other programs left out."""
    spans = [span for span in re.findall(r"`([^`\n]+)`", text) if not span.startswith("tensorboard ")]
    return {option for span in spans for option in re.findall(r"(?<![\w-])--[a-z][a-z0-9-]+", span)}


def test_every_family_of_backbones_is_documented():
    text = (ROOT / "docs" / "backbones.md").read_text(encoding="utf-8")
    for family in {backbones.get(name).family for name in backbones.names()} - {"tiny"}:
        assert re.search(rf"^\| .*\b{family}\b.* \|$", text, re.MULTILINE), family


def test_extras_are_declared(guides):
    declared = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]["optional-dependencies"]
    named = {extra for text in guides.values() for extra in re.findall(r"pip install 'petalbench\[([\w-]+)\]'", text)}
    assert {"gpu", "kaggle"} <= named <= set(declared)


@per_page(PAGES)
def test_links_resolve(page):
    for target, anchor in links(page):
        linked = page.parent / target if target else page
        assert linked.exists(), target
        assert not anchor or anchor in anchors(linked), f"{target}#{anchor}"


def links(page):
    """Path and anchor of every link that stays in the repository."""
    return re.findall(r"\]\(([^)#:]*)#?([^):]*)\)", page.read_text(encoding="utf-8"))


def anchors(page):
    """Headings as GitHub names them."""
    headings = re.findall(r"^#+ (.+)$", page.read_text(encoding="utf-8"), re.MULTILINE)
    return {re.sub(r"[^\w -]", "", heading.lower()).replace(" ", "-") for heading in headings}


def test_the_readme_links_every_page():
    targets = {(ROOT / target).resolve() for target, _ in links(ROOT / "README.md") if target}
    assert {ROOT / "METHODOLOGY.md", *DOCS} <= targets


@per_page(GUIDES)
def test_files_between_backticks_exist(page):
    for path in re.findall(r"`((?:tests|ensembles|backbones|bench)/[\w./]*)`", page.read_text(encoding="utf-8")):
        assert (ROOT / path).exists(), path


@per_page(GUIDES)
def test_sentences_name_their_subject(page):
    text = " ".join(page.read_text(encoding="utf-8").split())
    for phrase in VAGUE:
        found = re.search(phrase, text, re.IGNORECASE)
        assert not found, text[max(0, found.start() - 60) : found.end() + 40]


@per_page(DOCS)
def test_a_page_stays_short(page):
    assert len(page.read_text(encoding="utf-8").splitlines()) <= 150


def test_the_architecture_names_code_that_exists():
    named = re.findall(r"`((?:bench|backbones|ensembles)/[\w/]+\.py):([\w.]+)`", (ROOT / "ARCHITECTURE.md").read_text())
    assert len(named) > 15
    for file, name in named:
        for part in name.split("."):
            assert re.search(rf"^ *(?:class |def )?{part}\b", (ROOT / file).read_text(), re.MULTILINE), f"{file}:{name}"
