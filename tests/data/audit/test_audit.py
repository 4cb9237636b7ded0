from __future__ import annotations

import re

import pytest
from PIL import Image

from bench.data.audit.audit import audit, collect
from bench.data.records import NO_CLASS, Record, serialize
from bench.data.source import find
from bench.errors import UserError


@pytest.fixture
def write(folder, scene, encoded):
    """Writes a data set of 16 px; the pictures of some ids can be given."""

    def make(rows=None, px=16, **given):
        rows = rows or {
            "train": [(f"t{number}", number % 2) for number in range(12)],
            "val": [(f"v{number}", number % 2) for number in range(12)],
            "test": [("x0", None), ("x1", None)],
        }
        for split, found in rows.items():
            folder.split(split, px).mkdir(parents=True, exist_ok=True)
            serialized = [
                serialize(
                    Record(
                        given.get(name, encoded(scene(1000 * ord(split[1]) + place, px))),
                        NO_CLASS if label is None else label,
                        name,
                    )
                )
                for place, (name, label) in enumerate(found)
            ]
            folder.replace(split, f"00-{px}x{px}-{len(found)}.tfrec", serialized, px)
        (folder.root / "classes.txt").write_text('a|b `*\n"<i>百合\n', encoding="utf-8")
        (folder.root / "answers.csv").write_text("id,label\nx0,0\nx1,1\n")
        return folder

    return make


def nothing(done, of):
    pass


def test_a_sound_data_set(write, tmp_path):
    found, page = audit(find(str(write().root)), tmp_path / "audit", nothing)
    assert found.wrong == []
    text = page.read_text(encoding="utf-8")
    assert "No fault was found that would make scores wrong." in text
    assert r"| 0 | a\|b \`\* | 6 | 6 | 1 |" in re.sub(" +", " ", text)
    assert [path.name for path in page.parent.iterdir()] == ["audit.md"]


def test_copies_are_on_the_page_and_on_a_sheet(write, tmp_path, encoded, scene):
    same = encoded(scene(5, 16))
    folder = write(t3=same, v4=same)
    found, page = audit(find(str(folder.root)), tmp_path / "audit", nothing)
    assert found.wrong == [
        "the same picture, byte for byte, is in several splits (1 group of copies)",
        "the same picture has several classes (1 group of copies)",
    ]
    text = page.read_text(encoding="utf-8")
    assert "![The first groups of copies](copies.png)" in text
    assert r't3 (train, "\<i>百合); v4 (val, a\|b \`\*)' in text
    with Image.open(page.parent / "copies.png") as image:
        assert image.format == "PNG"
        assert min(image.size) > 128
    write()
    audit(find(str(folder.root)), tmp_path / "audit", nothing)
    assert not (page.parent / "copies.png").exists()


def test_one_bad_record_hides_nothing_of_the_next(write, tmp_path):
    folder = write(t1=b"no picture", v2=b"")
    shard = next(folder.split("test", 16).iterdir())
    shard.write_bytes(shard.read_bytes()[:-5])
    found, page = audit(find(str(folder.root)), tmp_path / "audit", nothing)
    assert (
        "3 records at 16 px cannot be used, train/00-16x16-12.tfrec record 2: its picture does not decode"
        in found.wrong
    )
    text = page.read_text(encoding="utf-8")
    assert "16 px, val/00-16x16-12.tfrec record 3, id v2: it has no picture." in text
    assert "test/00-16x16-2.tfrec record 2, id -: truncated, damaged or not a TFRecord file from here on." in text


def test_every_resolution_is_read_and_the_smallest_gets_hashes(write):
    write(px=32)
    seen = []
    found = collect(find(str(write().root)), lambda done, of: seen.append((done, of)))
    assert {px: len(pictures) for px, pictures in found.pictures.items()} == {16: 26, 32: 26}
    assert all(one.hashes for one in found.pictures[16])
    assert not any(one.hashes for one in found.pictures[32])
    assert seen[-1] == (52, 52)


def test_answers_of_no_use_are_a_finding(write):
    folder = write()
    (folder.root / "answers.csv").write_text("id,label\nx0,0\n")
    found = collect(find(str(folder.root)), nothing)
    assert "has no answer for 1 of 2 test images" in found.answer_faults[0]


def test_a_folder_that_cannot_be_written(write, tmp_path):
    (tmp_path / "file").write_text("")
    with pytest.raises(UserError, match="Cannot write"):
        audit(find(str(write().root)), tmp_path / "file", nothing)


def test_the_command(write, call, encoded, scene):
    same = encoded(scene(5, 16))
    status, out, err = call("data", "audit", write(t3=same, v3=same).root)
    assert status == 1, err
    assert "WRONG: the same picture, byte for byte, is in several splits" in out
    assert out.endswith("Audit: 1 would make scores wrong. Page: reports/audit/garden/audit.md\n")
    status, _, err = call("data", "audit", "smaple")
    assert (status, err.count("\n")) == (2, 1)
    assert "Did you mean 'sample'" in err
