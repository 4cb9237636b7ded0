from __future__ import annotations

import hashlib
from collections import Counter

import pytest

from bench.data.imports.splits import Shares, split_all
from bench.errors import UserError

SHARES = Shares(70, 15, 15)


def digests(count: int, name: str = "") -> list[str]:
    return [hashlib.sha256(f"{name}{number}".encode()).hexdigest() for number in range(count)]


@pytest.mark.parametrize(
    "text", ["", "70", "70,30", "70,15,16", "a,b,c", "110,-10,0", "100,0,0", "0,50,50", "nan,50,50"]
)
def test_shares_of_no_use(text):
    with pytest.raises(UserError, match=r"--split '.*'"):
        Shares.parse(text)


def test_shares():
    assert Shares.parse("70, 15, 15") == SHARES
    assert Shares.parse("66.6,33.4,0").splits == ("train", "val")


@pytest.mark.parametrize("text", ["70,15,15", "50,25,25", "90,10,0"])
def test_shares_come_out_in_every_class(text):
    shares = Shares.parse(text)
    for name in "ab":
        counts = Counter(split_all({name: digests(20_000, name)}, shares, {}).values())
        for split in ("train", "val", "test"):
            # four standard deviations of a binomial share
            assert counts[split] == pytest.approx(200 * getattr(shares, split), abs=4 * 20_000**0.5 / 2)


def test_more_pictures_and_more_classes_move_none():
    few = split_all({"a": digests(60)}, SHARES, {})
    more = split_all({"a": digests(90), "b": digests(60, "b")}, SHARES, {})
    assert {digest: more[digest] for digest in few} == few


def test_no_class_lacks_a_split():
    for count in range(3, 12):
        for trial in range(40):
            chosen = split_all({"a": digests(count, f"{trial}/")}, SHARES, {})
            assert set(chosen.values()) == {"train", "val", "test"}
            assert len(chosen) == count


def test_what_was_imported_before_stays_even_where_a_split_is_filled():
    for trial in range(60):
        found = digests(4, f"{trial}/")
        before = split_all({"a": found[:3]}, SHARES, {})
        after = split_all({"a": found}, SHARES, before)
        assert {digest: after[digest] for digest in before} == before


def test_copies_go_together_and_count_once():
    same = digests(3)
    chosen = split_all({"a": [*same, *same]}, SHARES, {})
    assert Counter(chosen.values()) == {"train": 1, "val": 1, "test": 1}
    with pytest.raises(UserError, match="Class 'a' has 1 different picture, fewer than the 3 splits"):
        split_all({"a": same[:1] * 5}, SHARES, {})


@pytest.mark.parametrize("count", [1, 2])
def test_too_few_pictures_for_the_splits(count):
    with pytest.raises(UserError, match=f"has {count} different picture.*and so have 1 other classes"):
        split_all({"a": digests(count), "b": digests(count, "b"), "c": digests(9, "c")}, SHARES, {})


def test_two_are_enough_without_test():
    assert set(split_all({"a": digests(2)}, Shares.parse("80,20,0"), {}).values()) == {"train", "val"}
