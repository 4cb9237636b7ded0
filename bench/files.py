"""Files written under a temporary name and renamed, so that a reader sees the old or the new content; and locks."""

from __future__ import annotations

import csv
import hashlib
import io
import json
import os
import re
import uuid
from collections.abc import Callable, Iterable, Sequence
from pathlib import Path, PurePath
from typing import IO, Any


def write_atomic(path: Path, write: Callable[[IO[bytes]], object]) -> None:
    """Writes a file under a temporary name in its folder and renames it into place."""
    path.parent.mkdir(parents=True, exist_ok=True)
    temporary = path.with_name(f".{path.name}.{uuid.uuid4().hex[:8]}")
    try:
        with temporary.open("wb") as file:
            write(file)
            file.flush()
            os.fsync(file.fileno())
        temporary.replace(path)
    finally:
        temporary.unlink(missing_ok=True)


def write_text(path: Path, text: str) -> None:
    """Writes UTF-8 text atomically."""
    write_atomic(path, lambda file: file.write(text.encode()))


def write_json(path: Path, content: Any) -> None:
    """Writes indented JSON atomically."""
    write_text(path, json.dumps(content, indent=1, allow_nan=False) + "\n")


def sha256(path: Path) -> str:
    """SHA-256 of a file's bytes, in hex."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def path_safe(name: str) -> str:
    """A backbone's name as part of a file name: `hub:/home/me/net` becomes `hub-net`; most are unchanged."""
    scheme, colon, rest = name.partition(":")
    return re.sub(r"[^\w.-]+", "-", f"{scheme}-{PurePath(rest).name}" if colon else name)


def csv_text(rows: Iterable[Sequence[Any]]) -> str:
    """Rows as CSV, quoted if needed, lines ended by a newline alone."""
    text = io.StringIO()
    csv.writer(text, lineterminator="\n").writerows(rows)
    return text.getvalue()


def write_csv(path: Path, rows: Iterable[Sequence[Any]]) -> None:
    """Writes rows as UTF-8 CSV with CRLF line ends, in place."""
    with path.open("w", encoding="utf-8", newline="") as file:
        csv.writer(file).writerows(rows)


def size_of(path: Path) -> int:
    """Bytes of a file, or of all files in a folder; files that another process removes meanwhile count as empty."""
    files = [Path(folder, name) for folder, _, names in os.walk(path) for name in names]
    return sum(map(_size, files or [path]))


def _size(file: Path) -> int:
    try:
        return file.stat().st_size if file.is_file() else 0
    except FileNotFoundError:
        return 0


def lock(file: IO[Any], *, wait: bool = False, without: bool = True) -> bool:
    """Locks an open file for this process and the children that inherit it; the system unlocks it when the last ends.

    Args:
        file: any open file.
        wait: whether to wait for another holder.
        without: the answer on a file system without locks.

    Returns:
        False: another process holds the lock.
    """
    try:
        import fcntl  # not on Windows

        fcntl.flock(file, fcntl.LOCK_EX | (0 if wait else fcntl.LOCK_NB))
    except BlockingIOError:
        return False
    except (ImportError, OSError):  # NFS without its lock service, Lustre mounted without -o flock
        return without
    return True
