from __future__ import annotations

import io

import numpy as np
import pytest
from PIL import Image, ImageEnhance, ImageOps

from bench.data.audit import copies
from bench.data.audit.copies import copy_groups


def names(found):
    return [(group.kind, {member.id for member in group.members}) for group in found[0]]


def jpeg(image, quality):
    buffer = io.BytesIO()
    image.save(buffer, "JPEG", quality=quality)
    return Image.open(buffer)


CHANGES = {
    "encoded anew": lambda image: jpeg(image, 40),
    "shrunk": lambda image: image.resize((50, 50)),
    "brighter": lambda image: ImageEnhance.Brightness(image).enhance(1.2),
    "without colour": lambda image: image.convert("L"),
    "cropped": lambda image: image.crop((2, 2, 94, 94)),
}


@pytest.mark.parametrize("change", CHANGES)
def test_near_copies_are_found_and_others_are_not(scene, surveyed, change):
    pictures = [surveyed(f"p{number}", scene(number)) for number in range(60)]
    pictures.append(surveyed("again", CHANGES[change](scene(7)), "val"))
    assert names(copy_groups(pictures)) == [("nearly the same", {"p7", "again"})]


def test_mirror_images_are_found(scene, surveyed):
    pictures = [surveyed(f"p{number}", scene(number)) for number in range(40)]
    pictures.insert(3, surveyed("mirror", ImageOps.mirror(scene(9))))
    assert names(copy_groups(pictures)) == [("mirrored", {"p9", "mirror"})]


def test_the_same_bytes_are_one_group_whatever_they_look_like(scene, surveyed):
    pictures = [
        surveyed(f"p{number}", scene(number), digest="x" if number in (2, 5, 8) else None) for number in range(10)
    ]
    assert names(copy_groups(pictures)) == [("the same bytes", {"p2", "p5", "p8"})]


def test_copies_of_copies_are_one_group_and_those_across_splits_come_first(scene, surveyed):
    pictures = [
        surveyed("a", scene(1)),
        surveyed("a2", scene(1), digest="a"),
        surveyed("b", scene(2)),
        surveyed("b2", jpeg(scene(2), 50), "val"),
        surveyed("b3", scene(2), "val", digest="b"),
    ]
    assert names(copy_groups(pictures)) == [("nearly the same", {"b", "b2", "b3"}), ("the same bytes", {"a", "a2"})]


def test_blank_pictures_are_alike_when_they_are_of_one_brightness(surveyed, scene):
    flat = {level: Image.new("RGB", (32, 32), (level,) * 3) for level in (10, 12, 200)}
    pictures = [surveyed(f"flat{level}", image) for level, image in flat.items()] + [surveyed("scene", scene(1))]
    assert names(copy_groups(pictures)) == [("nearly the same", {"flat10", "flat12"})]


def test_records_without_looks_are_compared_by_bytes_alone(surveyed, scene):
    from dataclasses import replace

    broken = [replace(surveyed(name, scene(1), digest="d"), hashes=None, thumb=None) for name in ("a", "b")]
    assert names(copy_groups([*broken, replace(broken[0], id="c", digest="")])) == [("the same bytes", {"a", "b"})]
    assert copy_groups([]) == ([], False)


def test_rows_of_the_matrix_may_be_any_number(scene, surveyed, monkeypatch):
    pictures = [surveyed(f"p{number}", scene(number % 20), digest=f"d{number}") for number in range(37)]
    whole = names(copy_groups(pictures))
    monkeypatch.setattr(copies, "_ROWS", 5)
    assert names(copy_groups(pictures)) == whole
    assert len(whole) == 17


def test_too_many_alike_end_the_search(scene, surveyed, monkeypatch):
    monkeypatch.setattr(copies, "MOST_PAIRS", 20)
    monkeypatch.setattr(copies, "_ROWS", 4)
    found, cut = copy_groups([surveyed(f"p{number}", scene(1), digest=f"d{number}") for number in range(30)])
    assert cut
    assert found


def test_pairs_agree_with_counting_bits_one_by_one():
    hashes = np.random.default_rng(0).integers(0, 2**12, 60, np.uint64) << np.uint64(50)
    expected = {
        (i, j) for i in range(60) for j in range(i + 1, 60) if (int(hashes[i]) ^ int(hashes[j])).bit_count() <= 10
    }
    found = np.concatenate(
        [copies._within(hashes[first : first + 7, None], hashes[first:], first) for first in range(0, 60, 7)]
    )
    assert set(map(tuple, found.tolist())) == expected
    assert len(found) == len(expected) > 0
