from __future__ import annotations

import numpy as np
import pytest
from PIL import Image

from bench.data.augmentation import epoch_changes
from bench.data.examples import choose, draw, show
from bench.data.reading import resized
from bench.data.sheets import GAP
from bench.data.source import find
from bench.errors import UserError

TOP = GAP + 20  # of the first pictures: under their title


def cell(sheet: Image.Image, number: int, px: int = 8) -> np.ndarray:
    """The n-th picture of the first row."""
    left = GAP + number * (px + GAP)
    return np.asarray(sheet)[TOP : TOP + px, left : left + px]


def test_the_first_pictures_of_every_class(folder):
    folder.write()
    chosen, counts = choose(find(str(folder.root)).stored(8, "train"), 1)
    assert {label: [(one.row, one.id) for one in found] for label, found in chosen.items()} == {
        0: [(0, "a")],
        1: [(1, "b")],
        2: [(2, "c")],
    }
    assert counts == {0: 2, 1: 2, 2: 1}


def test_without_augmentation_they_are_as_stored(folder, picture):
    sheet = draw(find(str(folder.write().root)), 8, "none", 2)
    np.testing.assert_array_equal(cell(sheet, 0), picture("a"))
    np.testing.assert_array_equal(cell(sheet, 1), picture("e"))


def test_flips_are_those_of_training(folder, picture):
    folder.splits["train"] = [(name, 0) for name in "abcdefgh"]
    folder.splits["val"] = [("v", 0)]
    folder.splits["test"] = [("w", None)]
    sheet = draw(find(str(folder.write().root)), 8, "flip", 8)
    flips = [epoch_changes("flip", 0, epoch, 8)[:, 0] for epoch in (0, 1)]
    for row, name in enumerate("abcdefgh"):
        np.testing.assert_array_equal(cell(sheet, 3 * row), picture(name))
        for epoch in (0, 1):
            expected = picture(name)[:, ::-1] if flips[epoch][row] else picture(name)
            np.testing.assert_array_equal(cell(sheet, 3 * row + 1 + epoch), expected)
    assert {0.0, 1.0} == set(np.concatenate(flips))


@pytest.mark.parametrize("augmentation", ["flip_rotate", "colour"])
def test_every_augmentation_can_be_shown(folder, augmentation):
    sheet = draw(find(str(folder.write().root)), 8, augmentation, 1)
    stored, *augmented = (cell(sheet, number).astype(int) for number in range(3))
    assert any((one != stored).any() for one in augmented)
    for one in augmented:
        assert one.std() == pytest.approx(stored.std(), rel=0.6)


def test_a_resolution_that_is_not_there_is_shown_as_it_is_read(folder, picture):
    sheet = draw(find(str(folder.write(16).root)), 8, "none", 2)
    np.testing.assert_array_equal(cell(sheet, 0), resized(picture("a", 16), 8))


def test_a_sheet_for_every_resolution(folder, tmp_path):
    source = find(str(folder.write().write(16).root))
    paths = show(source, (), "none", 2, tmp_path / "out" / "flip")
    assert [path.name for path in paths] == ["flip-8px.png", "flip-16px.png"]
    with Image.open(paths[1]) as image:
        assert image.format == "PNG"
    (tmp_path / "file").write_text("")
    with pytest.raises(UserError, match="Cannot write"):
        show(source, (8,), "none", 2, tmp_path / "file" / "x")


def test_a_class_without_training_pictures_has_an_empty_row(folder):
    folder.splits["train"] = [("a", 0), ("b", 2)]
    draw(find(str(folder.write().root)), 8, "none", 2)


def test_a_record_that_does_not_decode_is_named(folder):
    from bench.data.records import Record, serialize

    folder.write()
    folder.replace("train", "t.tfrec", [serialize(Record(b"no picture", 0, "bad"))])
    with pytest.raises(UserError, match="the picture of id 'bad' does not decode"):
        draw(find(str(folder.root)), 8, "none", 2)


def test_the_command(folder, call, tmp_path):
    folder.write()
    status, out, err = call("data", "show", folder.root, "--recipe", "frozen-flip", "--examples", "1", "--px", "8,7")
    assert status == 0, err
    assert "as 'frozen-flip' shows them (augmentation: flip)" in out
    assert "7 px is made from 8 px, as in training." in out
    for px in (7, 8):
        assert (tmp_path / "reports" / "examples" / "garden" / f"frozen-flip-{px}px.png").is_file()
    for words, said in {
        ("smaple",): "Did you mean 'sample'",
        (folder.root, "--recipe", "frozn"): "Did you mean 'frozen'",
        (folder.root, "--px", "big"): "--px 'big'",
        (folder.root, "--px", "9"): "no pictures of 9 px or more. It has: 8",
    }.items():
        status, _, err = call("data", "show", *words)
        assert (status, err.count("\n")) == (2, 1)
        assert said in err
