"""The code behind a run: digests of the sources that determine its numbers and its clocks.

A commit is no measure of that: one of the README would tell two seeds apart. Docstrings, comments and layout do not
count either. The source of a plugin has a digest of its own.
"""

from __future__ import annotations

import ast
import hashlib
from collections.abc import Iterable, Iterator
from pathlib import Path

import backbones
from bench import plugins

_ROOT = Path(__file__).parents[2]
_PIXELS = ("bench/data/augmentation.py", "bench/data/reading.py", "bench/data/records.py")
_FEATURES = (
    "bench/training/features/bank.py",
    "bench/training/features/extraction.py",
    "bench/training/features/map_bank.py",
    "bench/training/network/network.py",
    "bench/training/network/scale.py",
)
_RECIPES = ("bench/config/head.py", "bench/config/recipe.py", "bench/config/schedule.py")
_DOCUMENTED = (ast.Module, ast.ClassDef, ast.FunctionDef, ast.AsyncFunctionDef)


def training_code(backbone: str) -> str:
    """Digest of the code that trains this backbone: 12 hex digits."""
    return _digest(
        [*_backbone_files(backbone), *(_ROOT / "bench" / "training").rglob("*.py"), *_files(_PIXELS, _RECIPES)]
    )


def feature_code(backbone: str) -> str:
    """Digest of the code that makes the features of this backbone, frozen: 12 hex digits."""
    return _digest([*_backbone_files(backbone), *_files(_FEATURES, _PIXELS)])


def digest_of(sources: Iterable[str]) -> str:
    """Digest of Python sources as the interpreter sees them: 12 hex digits."""
    programs = [ast.unparse(_without_docstrings(ast.parse(source))) for source in sources]
    return hashlib.sha256("\0".join(programs).encode()).hexdigest()[:12]


def _digest(files: Iterable[Path]) -> str:
    return digest_of(file.read_text(encoding="utf-8") for file in sorted(files))


def _files(*groups: Iterable[str]) -> Iterator[Path]:
    return (_ROOT / name for group in groups for name in group)


def _backbone_files(backbone: str) -> Iterator[Path]:
    """The registry without the files of other families: a new family changes no run of an old one."""
    built_in = {backbones.get(name).family for name in backbones.names() if plugins.label(name) is None}
    others = built_in - {backbones.get(backbone).family}
    return (file for file in (_ROOT / "backbones").glob("*.py") if file.stem not in others)


def _without_docstrings(tree: ast.Module) -> ast.Module:
    for node in ast.walk(tree):
        if isinstance(node, _DOCUMENTED) and ast.get_docstring(node, clean=False) is not None:
            node.body[0] = ast.Pass()
    return tree
