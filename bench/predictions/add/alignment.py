"""Rows of a file in the order of the images that are known: by id, never by place."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import numpy.typing as npt

from bench.errors import UserError


def rows_in_order(ids: Sequence[str], wanted: Sequence[str] | None, path: Path, where: str) -> npt.NDArray[np.intp]:
    """The row (N,) of each image that is wanted; the rows as they are where nothing is known.

    Args:
        ids: of the file, in its order.
        wanted: ids in the order that is wanted.
        where: whose ids are wanted, for messages.

    Raises:
        UserError: an empty id or one twice, an image without a row, a row without an image.
    """
    twice, count = Counter(ids).most_common(1)[0]
    if "" in ids or count > 1:
        named = f"'{twice}' {count} times" if count > 1 else f"no id in row {ids.index('') + 1}"
        raise UserError(f"'{path}' has {named}. Expected every image once.")
    if wanted is None:
        return np.arange(len(ids))
    place = {name: row for row, name in enumerate(ids)}
    _check_same(path, place, set(wanted), where)
    return np.array([place[name] for name in wanted], dtype=np.intp)


def _check_same(path: Path, given: dict[str, int], wanted: set[str], where: str) -> None:
    missing, extra = sorted(wanted - given.keys()), sorted(given.keys() - wanted)
    if not missing and not extra:
        return
    lacks = f"lacks {len(missing)} of {len(wanted)} images, such as '{missing[0]}'" if missing else ""
    has = f"has {len(extra)} that are not there, such as '{extra[0]}'" if extra else ""
    raise UserError(
        f"'{path}' {' and '.join(filter(None, (lacks, has)))}. Expected the images of {where}, in any order."
    )
