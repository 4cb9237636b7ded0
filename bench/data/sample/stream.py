"""Random numbers that are the same in every numpy version: the raw PCG64 stream is fixed, distributions are not."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TypeVar

import numpy as np
from numpy.typing import NDArray

T = TypeVar("T")


class Stream:
    """A stream of random numbers, a function of its key on every machine."""

    def __init__(self, *key: int) -> None:
        self._bits = np.random.PCG64(np.random.SeedSequence(key))

    def bits(self, count: int) -> NDArray[np.uint64]:
        """uint64 (count,) of random bits."""
        return self._bits.random_raw(count)

    def uniform(self, low: float = 0.0, high: float = 1.0) -> float:
        """A number in [low, high)."""
        return low + (high - low) * ((int(self._bits.random_raw()) >> 11) * 2.0**-53)

    def uniforms(self, count: int, low: float = 0.0, high: float = 1.0) -> NDArray[np.float64]:
        """float64 (count,) in [low, high)."""
        unit = (self.bits(count) >> np.uint64(11)).astype(np.float64) * 2.0**-53
        return low + (high - low) * unit

    def integer(self, low: int, high: int) -> int:
        """An integer in low..high, both ends included."""
        return low + int(self.uniform(0, high - low + 1))

    def chance(self, probability: float) -> bool:
        """True with this probability."""
        return self.uniform() < probability

    def choice(self, values: Sequence[T]) -> T:
        """One of the values."""
        return values[self.integer(0, len(values) - 1)]

    def shuffled(self, values: Sequence[T]) -> list[T]:
        """The values in random order."""
        return [values[place] for place in np.argsort(self.uniforms(len(values)), kind="stable")]
