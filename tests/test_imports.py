"""Imports go one way: data walks from left to right and never back."""

import ast
import re
import subprocess
import sys
from graphlib import TopologicalSorter
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent
OURS = {"bench", "backbones", "ensembles"}
SOURCES = sorted(path for room in OURS for path in (ROOT / room).rglob("*.py"))
API = ROOT / "bench" / "api.py"
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


def doors() -> dict[str, set[str]]:
    """Room -> rooms and modules that it may import, from the table of ARCHITECTURE.md."""
    table = (ROOT / "ARCHITECTURE.md").read_text().split("| room | may import |")[1].split("\n\n")[0]
    rows = [[cell.strip() for cell in line.split("|")[1:-1]] for line in table.splitlines()[2:]]
    return {whole(room): {whole(name) for name in re.findall(r"[\w.]+", allowed)} for room, allowed in rows}


def whole(name: str) -> str:
    return name if name.split(".")[0] in OURS - {"bench"} else f"bench.{name}"


def room_of(name: str) -> str:
    parts = name.split(".")
    return ".".join(parts[: 2 if parts[0] == "bench" else 1])


def strangers(path: Path, allowed: set[str]) -> set[str]:
    """Modules of ours that a file imports though no door leads there."""
    room = room_of(".".join(path.relative_to(ROOT).with_suffix("").parts))
    found = {
        name for name in imported(path) if (name.split(".")[0] in OURS and "." in name) or name in OURS - {"bench"}
    }
    return {name for name in found if room_of(name) != room and not is_allowed(name, allowed)}


def is_allowed(name: str, allowed: set[str]) -> bool:
    return any(name == door or name.startswith(f"{door}.") for door in allowed) or any(
        door.startswith(f"{name}.") for door in allowed
    )


@pytest.mark.parametrize("path", SOURCES, ids=lambda path: str(path.relative_to(ROOT)))
def test_imports_go_through_the_doors(path):
    room = room_of(".".join(path.relative_to(ROOT).with_suffix("").parts))
    if room in {"bench.__init__", "bench.__main__"}:
        assert strangers(path, {"bench.version", "bench.cli"}) == set()
    else:
        assert strangers(path, doors()[room]) == set()


def test_a_door_that_is_missing_is_noticed(tmp_path):
    assert strangers(ROOT / "bench" / "jobs" / "process.py", set())


def test_every_room_has_a_row_and_every_row_a_room():
    rooms = {room_of(".".join(path.relative_to(ROOT).with_suffix("").parts)) for path in SOURCES}
    assert rooms - {"bench.__init__", "bench.__main__"} == set(doors())


def test_doors_lead_one_way():
    """No room is reached from itself, and the graph has at most ten floors."""
    above = {room: {room_of(name) for name in allowed} for room, allowed in doors().items()}

    def floors(room: str, path: tuple[str, ...] = ()) -> int:
        assert room not in path, " -> ".join((*path, room))
        return 1 + max((floors(other, (*path, room)) for other in above[room]), default=0)

    assert max(map(floors, above)) <= 10


def module_name(path: Path) -> str:
    parts = path.relative_to(ROOT).with_suffix("").parts
    return ".".join(parts[:-1] if parts[-1] == "__init__" else parts)


def edges(path: Path, modules: set[str]) -> set[str]:
    """Modules of ours that a file imports: `from package import module` needs the module, not all of the package."""
    found = set()
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.Import):
            found |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom) and node.module:
            names = {f"{node.module}.{alias.name}" for alias in node.names}
            found |= names & modules | ({node.module} if names - modules else set())
    return found & modules - {module_name(path)}


def test_no_module_imports_itself_in_a_circle():
    """Over all modules, imports inside functions included: `prepare` raises CycleError and names the circle."""
    modules = {module_name(path) for path in SOURCES}
    graph = {module_name(path): edges(path, modules) for path in SOURCES}
    assert {"bench.jobs.messages", "bench.environment"} <= graph["bench.jobs.process"]
    TopologicalSorter(graph).prepare()


@pytest.mark.parametrize("package", ["ensembles", "bench/report"])
def test_no_tensorflow_in_rooms_of_arrays(package):
    for path in (ROOT / package).rglob("*.py"):
        heavy = {name for name in imported(path) if name.split(".")[0] in {"tensorflow", "keras"}}
        assert heavy == set(), path


@pytest.mark.parametrize("path", [ROOT / "bench" / "cli.py", API, *COMMANDS], ids=lambda path: path.stem)
def test_commands_import_only_typer_at_the_top(path):
    """Besides the standard library and each other, so that `--help` answers at once."""
    found = set()
    for node in ast.parse(path.read_text()).body:
        if isinstance(node, ast.Import):
            found |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom):
            found |= {f"bench.{alias.name}" for alias in node.names} if node.module == "bench" else {node.module}
    ours = {name for name in found if name.split(".")[0] in OURS and not name.startswith("bench.commands.")}
    assert ours <= {"bench.api", "bench.errors", "bench.version"}
    assert {name.split(".")[0] for name in found - ours} <= sys.stdlib_module_names | {"typer", "bench"}


def test_only_one_module_reads_environment_variables():
    for path in (*ROOT.glob("bench/**/*.py"), *ROOT.glob("backbones/*.py"), *ROOT.glob("ensembles/*.py")):
        text = path.read_text()
        if path.name != "environment.py":
            assert "os.environ" not in text, path
            assert "getenv" not in text, path


def test_the_parents_modules_import_no_tensorflow():
    """Every module that the commands import, in one process in which TensorFlow and Keras cannot be imported."""
    named = set[str]().union(*map(imported, [API, *COMMANDS]))
    modules = sorted(name for name in named if (ROOT / name.replace(".", "/")).with_suffix(".py").is_file())
    assert {"bench.matrix.run", "bench.predictions.predict.classify", "bench.store.store"} <= set(modules)
    code = f"import sys; sys.modules['tensorflow'] = sys.modules['keras'] = None; import {', '.join(modules)}"
    subprocess.run([sys.executable, "-c", code], check=True, cwd=ROOT)
