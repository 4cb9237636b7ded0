from __future__ import annotations

import numpy as np
import pytest
import tensorflow as tf

from bench.data import index, scan
from bench.data.records import NO_CLASS, Record, serialize
from bench.data.source import find
from bench.errors import UserError


def scanned(folder, *px):
    return scan.scan(find(str(folder.root)), px or [8])


def record(png, picture, name="x", label=0, px=8):
    return serialize(Record(png(picture(name, px)), label, name))


def refused(folder, message, *px):
    with pytest.raises(UserError, match=message) as caught:
        scanned(folder, *px)
    assert "\n" not in str(caught.value)


def example(**features):
    return tf.train.Example(features=tf.train.Features(feature=features)).SerializeToString()


def of_bytes(value):
    return tf.train.Feature(bytes_list=tf.train.BytesList(value=[value]))


def test_splits_and_labels_are_found(folder):
    (folder.write().write(16).root / "classes.txt").write_text("rose\naster\nlily\ntulip\n")
    found = scanned(folder, 8, 16)
    assert found.name == "garden"
    assert found.class_names == ("rose", "aster", "lily", "tulip")
    assert list(found.splits) == ["train", "val", "test"]
    assert found.splits["train"].ids == ("a", "b", "c", "d", "e")
    assert found.splits["train"].labels.tolist() == [0, 1, 2, 1, 0]
    assert found.splits["test"].labels.tolist() == [NO_CLASS, NO_CLASS]
    assert found.test_labels is None
    source = find(str(folder.root))
    assert found.fingerprints == {px: source.fingerprint(px) for px in (8, 16)}
    cached = index.load_cached(source, [16, 8])
    assert index.to_json(cached) == index.to_json(found)


def test_a_made_resolution_needs_no_scan_of_its_own(folder, monkeypatch):
    read, sides = scan._read, []
    monkeypatch.setattr(scan, "_read", lambda px, shards: sides.append(px) or read(px, shards))
    source = find(str(folder.write(16).write().root))
    found = scan.scan(source, [8, 12, 16, 15])
    assert sides == [8, 16]
    assert found.fingerprints == {px: source.fingerprint(px) for px in (8, 12, 15, 16)}
    assert index.to_json(index.load_cached(source, (16, 15, 12, 8))) == index.to_json(found)
    assert index.load_cached(source, (5, 13)).fingerprints == {px: source.fingerprint(px) for px in (5, 13)}
    assert index.load_cached(source, (13,)) is None  # of 16 px alone nothing was said


def test_without_names_classes_are_numbered(folder):
    folder.splits["val"] = [("f", 4)]
    assert scanned(folder.write()).class_names == ("0", "1", "2", "3", "4")


def test_test_labels_come_from_the_answers(folder):
    (folder.write().root / "answers.csv").write_text("id,label\ni,2\nh,1\n")
    assert scanned(folder).test_labels.tolist() == [1, 2]
    (folder.root / "answers.csv").write_text("id,label\ni,2\n")
    refused(folder, "no answer for 1 of 2 test images, such as 'h'")


def test_test_labels_come_from_the_records_when_all_have_one(folder):
    folder.splits["test"] = [("h", 2), ("i", 0)]
    assert scanned(folder.write()).test_labels.tolist() == [2, 0]


def test_some_test_labels_are_none(folder):
    folder.splits["test"] = [("h", 2), ("i", None)]
    assert scanned(folder.write()).test_labels is None


def test_there_may_be_no_test_split(folder):
    del folder.splits["test"]
    (folder.write().root / "answers.csv").write_text("id,label\nh,1\n")
    found = scanned(folder)
    assert list(found.splits) == ["train", "val"]
    assert found.test_labels is None


def test_old_shard_names_and_gray_jpegs_are_read(folder, png, picture):
    folder.write()
    gray = tf.io.encode_jpeg(np.full((8, 8, 1), 77, np.uint8)).numpy()
    folder.replace("val", "flowers00-1.tfrec", [serialize(Record(gray, 1, "gray"))])
    folder.replace("test", "flowers.tfrec", [record(png, picture, "h", NO_CLASS)])
    found = scanned(folder)
    assert (found.splits["val"].ids, found.splits["test"].ids) == (("gray",), ("h",))


@pytest.mark.parametrize("missing", [1, 9, 60])
def test_a_truncated_shard(folder, missing):
    shard = sorted(folder.write().split("train").iterdir())[1]
    shard.write_bytes(shard.read_bytes()[:-missing])
    refused(folder, rf"{shard}' is truncated, damaged or not a TFRecord file \(record 2, byte \d+\)")


def test_a_shard_of_something_else(folder):
    shard = folder.write().split("val") / "00-8x8-2.tfrec"
    shard.write_bytes(b"This is a text file, as one gets from a failed download.")
    refused(folder, r"00-8x8-2.tfrec' is truncated, damaged or not a TFRecord file \(record 1, byte 0\)")


def test_a_shard_with_a_flipped_bit(folder):
    shard = folder.write().split("val") / "00-8x8-2.tfrec"
    content = bytearray(shard.read_bytes())
    content[60] ^= 1
    shard.write_bytes(content)
    refused(folder, r"val/00-8x8-2.tfrec' .*\(record 1, byte 12\)")


def test_records_of_another_form(folder, png, picture):
    folder.write()
    folder.replace("val", "v.tfrec", [record(png, picture), b"\xff\xff no example"])
    refused(folder, "v.tfrec' record 2 is not of the form")
    folder.replace("val", "v.tfrec", [example(image=of_bytes(b"x"), id=of_bytes(b"a"), **{"class": of_bytes(b"rose")})])
    refused(folder, "v.tfrec' record 1 is not of the form")


def test_records_that_lack_something(folder, png, picture):
    folder.write()
    image = of_bytes(png(picture("x")))
    folder.replace("val", "v.tfrec", [record(png, picture), example(id=of_bytes(b"y"))])
    refused(folder, "v.tfrec' record 2, id 'y', has no image")
    folder.replace("val", "v.tfrec", [record(png, picture), example(image=image)])
    refused(folder, "v.tfrec' record 2 has no id")
    folder.replace("val", "v.tfrec", [record(png, picture), record(png, picture, "y", NO_CLASS)])
    refused(folder, "v.tfrec' record 2, id 'y', has no class")


@pytest.mark.parametrize("image", [b"not a picture", b"\xff\xd8\xff\xe0 no jpeg", b"\x89PNG\r\n\x1a\n no png"])
def test_a_picture_that_does_not_decode(folder, png, picture, image):
    folder.write()
    folder.replace("test", "t.tfrec", [record(png, picture), serialize(Record(image, 0, "bad"))])
    refused(folder, "t.tfrec' record 2: the picture of id 'bad' does not decode")


def test_half_a_jpeg_does_not_decode(folder):
    folder.write()
    jpeg = tf.io.encode_jpeg(np.random.default_rng(0).integers(0, 256, (8, 8, 3), np.uint8)).numpy()
    folder.replace("val", "v.tfrec", [serialize(Record(jpeg[: len(jpeg) - 40], 0, "half"))])
    refused(folder, "the picture of id 'half' does not decode")


def test_a_picture_of_another_size(folder, png, picture):
    folder.write()
    tall = png(np.zeros((10, 8, 3), np.uint8))
    folder.replace("val", "v.tfrec", [record(png, picture), serialize(Record(tall, 0, "tall"))])
    refused(folder, "v.tfrec' record 2: the picture of id 'tall' is 8 x 10 pixels. Expected 8 x 8")


def test_a_shard_that_claims_another_count(folder):
    shard = folder.write().split("val") / "00-8x8-2.tfrec"
    shard.rename(shard.with_name("00-8x8-3.tfrec"))
    refused(folder, "00-8x8-3.tfrec' holds 2 records, its name says 3")


def test_a_split_of_empty_shards(folder):
    folder.write()
    folder.replace("val", "00-8x8-0.tfrec", [])
    refused(folder, "The shards of val at 8 px, in .* are empty")


@pytest.mark.parametrize(("split", "where"), [("train", "train"), ("val", "train"), ("test", "train")])
def test_an_id_that_occurs_twice(folder, split, where):
    folder.splits[split].append(("a", 0))
    refused(folder.write(), rf"The id 'a' occurs twice: in {where} and at .*{split}/.*record")


def test_labels_outside_the_classes(folder):
    (folder.write().root / "classes.txt").write_text("rose\naster\n")
    refused(folder, r"00-8x8-3.tfrec' record 3, id 'c', has the label 2. Expected 0 to 1")


def test_negative_labels(folder):
    folder.splits["val"] = [("f", -2)]
    refused(folder.write(), "id 'f', has the label -2. Expected 0 to 2")


def test_resolutions_with_different_ids(folder):
    folder.write()
    folder.splits["val"][1] = ("other", 0)
    refused(folder.write(16), "val at 8 and 16 px hold different ids: 'g' is only at 8 px", 8, 16)


def test_resolutions_where_one_has_more(folder):
    folder.write()
    folder.splits["val"].append(("more", 0))
    refused(folder.write(16), "val at 8 and 16 px hold different ids: 'more' is only at 16 px", 8, 16)


def test_resolutions_with_different_orders(folder):
    folder.write()
    folder.splits["train"].reverse()
    refused(folder.write(16), "train at 8 and 16 px have different orders: image 1 is 'a' and 'e'", 8, 16)


def test_resolutions_with_different_labels(folder):
    folder.write()
    folder.splits["train"][3] = ("d", 2)
    refused(folder.write(16), "train at 8 and 16 px have different labels: id 'd' has 1 and 2", 8, 16)


def test_resolutions_with_different_splits(folder):
    folder.write()
    del folder.splits["test"]
    refused(folder.write(16), "The split test is only at 8 px", 8, 16)


def test_a_resolution_that_was_not_asked_for_is_not_read(folder):
    folder.write()
    folder.splits["val"] = [("other", 0)]
    folder.write(16)
    assert scanned(folder, 8).splits["val"].ids == ("f", "g")


def test_a_resolution_that_is_not_there(folder):
    folder.write()
    refused(folder, "has no pictures of 16 px or more. It has: 8", 16)


def test_pictures_that_two_splits_hold_are_counted(folder, png, picture):
    folder.write()
    same = [record(png, picture, name, 0) for name in ("a", "b")]
    folder.replace("train", "t.tfrec", [*same, record(png, picture, "c", 1)])
    again = [serialize(Record(png(picture(name)), 0, f"{name}-again")) for name in ("a", "b", "b2")]
    folder.replace("val", "v.tfrec", [*again, again[0].replace(b"a-again", b"x-again")])
    test = [serialize(Record(png(picture(name)), NO_CLASS, f"{name}-test")) for name in ("b", "b2", "new")]
    folder.replace("test", "s.tfrec", test)
    found = scanned(folder)
    assert found.duplicates == {"val_duplicates": 3, "test_duplicates": 2}
    assert index.load_cached(find(str(folder.root)), [8]).duplicates == found.duplicates


def test_copies_within_a_split_are_no_leak(folder, png, picture):
    folder.write()
    copies = [serialize(Record(png(picture("f")), 2, name)) for name in ("f1", "f2")]
    folder.replace("val", "v.tfrec", copies)
    assert scanned(folder).duplicates == {"val_duplicates": 0, "test_duplicates": 0}


def test_a_class_without_training_images_is_allowed(folder):
    folder.splits["train"] = [("a", 0), ("b", 0)]
    assert scanned(folder.write()).class_names == ("0", "1", "2")
