"""A content digest of one resolution of a data set: the part of a run's name that identifies its pictures."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from bench.data import cache
from bench.files import sha256

_KIND = "fingerprints"


def fingerprint(shards: Mapping[str, Sequence[Path]], classes: Path | None) -> str:
    """Digest of splits, shard names, bytes and class names, whatever folder they are in.

    Computed once: cached under the paths, sizes and modification times of the files.

    Args:
        shards: split -> its shards, sorted.
        classes: the file of class names, or None.

    Returns:
        64 hexadecimal digits.
    """
    named = [(split, path) for split, paths in sorted(shards.items()) for path in paths]
    if classes is not None:
        named.append(("", classes))
    versions = []
    for split, path in named:
        status = path.stat()
        versions.append((split, str(path.resolve()), status.st_size, status.st_mtime_ns))
    stamp = _digest(versions)
    known = cache.read(_KIND, stamp)
    if known is not None:
        return known
    with ThreadPoolExecutor() as pool:
        contents = list(pool.map(sha256, [path for _, path in named]))
    found = _digest([(split, path.name, content) for (split, path), content in zip(named, contents, strict=True)])
    cache.write(_KIND, stamp, found)
    return found


def remote_fingerprint(sizes: Mapping[str, Mapping[str, int]], classes: Path | None) -> str:
    """Digest of splits, shard names, sizes and class names, for shards that are not on this machine.

    Shards that were replaced by others of the same names and sizes have the same digest.

    Args:
        sizes: split -> shard names -> bytes.
        classes: the file of class names, or None.
    """
    rows = [(split, name, size) for split, named in sorted(sizes.items()) for name, size in sorted(named.items())]
    return _digest([*rows, ("", "", "" if classes is None else sha256(classes))])


def _digest(rows: Sequence[tuple[object, ...]]) -> str:
    return hashlib.sha256(json.dumps(rows).encode()).hexdigest()
