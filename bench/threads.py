"""How many threads linear algebra uses while predictions are combined."""

from __future__ import annotations

from contextlib import AbstractContextManager

from threadpoolctl import threadpool_limits


def one_thread() -> AbstractContextManager[object]:
    """One thread, for matrices so small that threads wait for each other longer than they multiply.

    On two cores it halved the processor time of intervals, and that of a stack's fits fell to a seventh.
    """
    limits: AbstractContextManager[object] = threadpool_limits(limits=1, user_api="blas")
    return limits
