"""Several comparisons with one reference: p-values and levels adjusted so that all hold together.

Source: Holm, A simple sequentially rejective multiple test procedure, Scandinavian Journal of Statistics 6 (1979).
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray


def holm(p_values: Sequence[float], level: float = 0.95) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Adjusted p-values (K,), and for each comparison the level (K,) of the interval that agrees with them.

    A comparison whose adjusted p-value is at most 1 - level is a difference; the probability of calling any equal pair
    different is then at most 1 - level over all K. An interval of the level given here excludes 0 in the same cases.

    Args:
        p_values: K of them, in any order.
        level: of all comparisons together.

    Example:
        >>> holm([0.01, 0.04, 0.03])[0].tolist()
        [0.03, 0.06, 0.06]
    """
    p = np.asarray(p_values, dtype=np.float64)
    order, factor = np.argsort(p, kind="stable"), len(p) - np.arange(len(p))
    adjusted, levels = np.empty_like(p), np.empty_like(p)
    raised = p[order] * factor
    adjusted[order] = np.minimum(np.maximum.accumulate(raised), 1.0)
    # From the first comparison that is no difference on, all share its level: none of them is one.
    stop = int(np.argmax(np.append(raised, np.inf) > 1 - level))
    levels[order] = 1 - (1 - level) / factor[np.minimum(np.arange(len(p)), stop)]
    return adjusted, levels
