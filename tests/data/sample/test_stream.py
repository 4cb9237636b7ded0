from __future__ import annotations

import numpy as np
import pytest

from bench.data.sample.stream import Stream


def test_the_same_key_is_the_same_stream():
    assert Stream(1, 2).uniforms(5).tolist() == Stream(1, 2).uniforms(5).tolist()
    assert Stream(1, 2).uniform() != Stream(2, 1).uniform()


def test_numbers_one_by_one_are_the_numbers_at_once():
    one, other = Stream(7), Stream(7)
    assert [one.uniform(-2, 3) for _ in range(9)] == other.uniforms(9, -2, 3).tolist()


def test_raw_bits_become_53_bit_fractions():
    raw = np.random.PCG64(np.random.SeedSequence((7,))).random_raw(3)
    assert Stream(7).uniforms(3).tolist() == [int(bits) // 2**11 / 2**53 for bits in raw]


def test_integers_include_both_ends():
    stream = Stream(3)
    assert {stream.integer(2, 4) for _ in range(100)} == {2, 3, 4}


def test_chance_and_choice_are_as_likely_as_asked():
    stream = Stream(4)
    assert sum(stream.chance(0.3) for _ in range(4000)) == pytest.approx(1200, abs=120)
    assert sum(stream.choice("aab") == "a" for _ in range(3000)) == pytest.approx(2000, abs=120)


def test_shuffled_keeps_every_value():
    assert sorted(Stream(5).shuffled([3, 1, 1, 2])) == [1, 1, 2, 3]
    assert Stream(5).shuffled(range(50)) != list(range(50))
