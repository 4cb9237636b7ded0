"""Which pictures are to be classified: files, and whatever folders hold."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from bench.data.imports.inventory import files_in
from bench.errors import UserError, one_line


def pictures(paths: Sequence[Path]) -> tuple[str, ...]:
    """Files in the order given, those of a folder and of the folders in it by name; each once.

    Raises:
        UserError: no such file, a folder without files, or a name that is not UTF-8.
    """
    found = tuple(dict.fromkeys(str(file) for path in paths for file in _files(path.expanduser())))
    for name in found:
        if not _is_utf8(name):
            raise UserError(f"The name of '{one_line(name)}' is not UTF-8. Rename the file.")
    return found


def _files(path: Path) -> list[Path]:
    if path.is_dir():
        found = list(files_in(path, lambda link: None))
        if not found:
            raise UserError(f"The folder '{one_line(path)}' holds no picture.")
        return found
    if not path.exists():
        raise UserError(f"No picture or folder '{one_line(path)}'.")
    return [path]


def _is_utf8(name: str) -> bool:
    try:
        name.encode()
    except UnicodeEncodeError:
        return False
    return True
