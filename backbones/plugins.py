"""Plugins: backbones of installed packages (entry points of the group `bench.backbones`) and of single files.

A plugin is a module that calls `backbones.register` while it is imported, as the files of this package do. Installed
plugins are loaded for a name that is not registered, and when all names are wanted: a slow or broken plugin costs
nothing to users of other backbones. A plugin that fails registers nothing, and stops no other.
"""

from __future__ import annotations

import hashlib
import re
import sys
import time
import traceback
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, redirect_stdout
from dataclasses import dataclass, field
from importlib.metadata import Distribution, EntryPoint, distributions
from importlib.util import find_spec
from pathlib import Path
from types import CodeType, ModuleType

from backbones import registry

GROUP = "bench.backbones"
HEAVY = ("tensorflow", "keras", "torch", "jax")  # take seconds to import
_HERE = Path(__file__).parent


class PluginError(Exception):
    """A plugin that cannot be used. One line, which names the plugin."""


class NoPythonError(PluginError):
    """A path given as a plugin that is not a file of Python."""


@dataclass(frozen=True)
class Plugin:
    """The origin of backbones.

    Attributes:
        name: name of the file, or `DISTRIBUTION==VERSION`.
        digest: SHA-256 of the source: of the file, or of all Python files of the package that the module is in.
        file: None for an installed package.
    """

    name: str
    digest: str
    file: Path | None = None

    @property
    def label(self) -> str:
        """`net.py@1a2b3c4d` or `net==1.0@1a2b3c4d`: the name and the start of the digest."""
        return f"{self.name}@{self.digest[:8]}"


@dataclass
class _Loaded:
    """Plugins of this process."""

    origins: dict[str, Plugin] = field(default_factory=dict)  # by name of the backbone
    failures: list[str] = field(default_factory=list)
    slow: list[str] = field(default_factory=list)
    installed: bool = False  # installed plugins were loaded


_loaded = _Loaded()


def origin(backbone: str) -> Plugin | None:
    """The plugin that registered a backbone; None: the backbone is part of this package."""
    return _loaded.origins.get(backbone)


def failures() -> tuple[str, ...]:
    """One line for each installed plugin that failed."""
    return tuple(_loaded.failures)


def slow() -> tuple[str, ...]:
    """One line for each plugin that made this process import a package that takes seconds."""
    return tuple(_loaded.slow)


def load_file(path: Path) -> None:
    """Loads a file of Python that registers backbones; a file that is loaded already is skipped.

    Imports of the file are not searched in its folder.

    Raises:
        NoPythonError: no such file, or not Python.
        PluginError: the file fails, registers nothing, or registers a name that is taken.
    """
    content = _read(path)
    code = _compiled(content, path)
    plugin = Plugin(path.name, hashlib.sha256(content).hexdigest(), path.resolve())
    if plugin not in _loaded.origins.values():
        with _loading(f"Plugin '{path}'") as added:
            _execute(code, plugin)
        _loaded.origins.update(dict.fromkeys(added, plugin))


def load_installed() -> tuple[str, ...]:
    """Loads the plugins of installed packages, once in a process. Returns `failures`."""
    if not _loaded.installed:
        _loaded.installed = True  # first: a plugin may ask for a backbone that is not known
        for distribution, point in _entry_points():
            try:
                _load(distribution, point)
            except PluginError as error:
                _loaded.failures.append(str(error))
    return failures()


registry.register_loader(load_installed)


def _read(path: Path) -> bytes:
    if path.is_dir():
        raise NoPythonError(f"Plugin '{path}' is a folder, and a file of Python (.py) was expected.")
    if not path.is_file():
        raise NoPythonError(f"No plugin at '{path}'.")
    if path.suffix != ".py":
        raise NoPythonError(f"Plugin '{path}' is no file of Python: its name does not end in .py.")
    try:
        return path.read_bytes()
    except OSError as error:
        raise NoPythonError(f"Plugin '{path}' cannot be read: {error.strerror}.") from None


def _compiled(content: bytes, path: Path) -> CodeType:
    try:
        return compile(content, path, "exec", dont_inherit=True)
    except (SyntaxError, ValueError) as error:
        line = f", line {error.lineno}" if isinstance(error, SyntaxError) and error.lineno else ""
        raise NoPythonError(f"Plugin '{path}' is no Python{line}: {getattr(error, 'msg', error)}.") from None


def _execute(code: CodeType, plugin: Plugin) -> None:
    """Executes the bytes that the digest is of, as an import does, without a cache beside the user's file."""
    stem = re.sub(r"\W", "_", Path(plugin.name).stem)
    module = ModuleType(f"_plugin_{plugin.digest[:8]}_{stem}")
    module.__file__ = str(plugin.file)
    sys.modules[module.__name__] = module  # dataclasses look up the names of their annotations there
    exec(code, module.__dict__)


@contextmanager
def _loading(what: str) -> Iterator[list[str]]:
    """Yields a list that holds the names which a plugin registered inside."""
    added: list[str] = []
    names, modules, started = set(registry.names()), set(sys.modules), time.perf_counter()
    try:
        # Standard output belongs to the command: a table, or JSON.
        with registry.all_or_nothing(), redirect_stdout(sys.stderr):
            yield added
            added += sorted(set(registry.names()) - names)
            if not added:
                raise PluginError(f"{what} registers no backbone: it has to call backbones.register when imported.")
    except PluginError:
        raise
    except (Exception, SystemExit) as error:
        raise PluginError(f"{what} failed{_place(error)}: {_reason(error)}") from error
    heavy = [name for name in HEAVY if name in sys.modules and name not in modules]
    if heavy:
        _loaded.slow.append(
            f"{what} imports {', '.join(heavy)} when it is loaded, which took {time.perf_counter() - started:.1f} s: "
            "imported inside its functions, it would take none."
        )


def _reason(error: BaseException) -> str:
    line = str(error).strip().partition("\n")[0]
    return f"{type(error).__name__}: {line}" if line else type(error).__name__


def _place(error: BaseException) -> str:
    """The innermost frame outside of this package and of the import machinery."""
    frames = traceback.extract_tb(error.__traceback__)
    own = [frame for frame in frames if Path(frame.filename).parent != _HERE and not frame.filename.startswith("<")]
    own = [frame for frame in own if "importlib" not in Path(frame.filename).parts]
    return f" at {Path(own[-1].filename).name}:{own[-1].lineno}" if own else ""


def _entry_points() -> Sequence[tuple[Distribution, EntryPoint]]:
    """Entry points of our group by name of the distribution; of several versions on the path the first, as for imports.

    `importlib.metadata.entry_points` would raise for all packages if one has a damaged entry_points.txt.
    """
    found: dict[str, list[tuple[Distribution, EntryPoint]]] = {}
    for distribution in distributions():
        if _names_our_group(distribution):
            found.setdefault(_normal(distribution), _points(distribution))
    return [pair for name in sorted(found) for pair in found[name]]


def _names_our_group(distribution: Distribution) -> bool:
    """Checked first: reading the metadata of all packages takes a tenth of a second."""
    try:
        return f"[{GROUP}]" in (distribution.read_text("entry_points.txt") or "")
    except ValueError:  # not UTF-8
        return False


def _points(distribution: Distribution) -> list[tuple[Distribution, EntryPoint]]:
    try:
        points = distribution.entry_points.select(group=GROUP)
        return [(distribution, point) for point in sorted(points, key=lambda point: point.name)]
    except Exception as error:  # depends on the damage
        _loaded.failures.append(f"Plugins of {distribution.name}: its entry_points.txt is damaged ({_reason(error)}).")
        return []


def _normal(distribution: Distribution) -> str:
    return re.sub(r"[-_.]+", "-", distribution.name or "").lower()


def _load(distribution: Distribution, point: EntryPoint) -> None:
    package, module = f"{distribution.name}=={distribution.version}", point.value.partition(":")[0].strip()
    if module in sys.modules:
        return  # imported by another of its entry points, or by a program that uses this as a library
    with _loading(f"Plugin '{point.name}' of {package}") as added:
        point.load()
    plugin = Plugin(package, _source_digest(module))
    _loaded.origins.update(dict.fromkeys(added, plugin))


def _source_digest(module: str) -> str:
    """SHA-256 over names and content of the Python files of the outermost package that the module is in."""
    digest = hashlib.sha256()
    for root, path in _sources(module):
        digest.update(f"{path.relative_to(root).as_posix()}\0".encode())
        digest.update(path.read_bytes())
    return digest.hexdigest()


def _sources(module: str) -> Sequence[tuple[Path, Path]]:
    """Pairs of folder and file. A folder without `__init__.py` (a namespace) may hold unrelated packages too."""
    parts = module.split(".")
    for depth in range(1, len(parts) + 1):
        spec = find_spec(".".join(parts[:depth]))
        if spec and spec.submodule_search_locations and spec.origin:
            folders = [Path(folder) for folder in spec.submodule_search_locations]
            return [(folder, path) for folder in folders for path in sorted(folder.rglob("*.py"))]
        if spec and spec.origin and Path(spec.origin).is_file():
            return [(Path(spec.origin).parent, Path(spec.origin))]
    return []
