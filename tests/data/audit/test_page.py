"""The page of an audit, of data sets and findings written by hand."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from bench.data.audit.copies import CopyGroup
from bench.data.audit.findings import Collection, Findings
from bench.data.audit.page import class_of, page
from bench.data.audit.survey import Surveyed

NAMES = ("rose", "aster")


def record(split, name, label=0, px=8, shard="00.tfrec", **changes):
    return Surveyed(split, Path(split) / shard, 1, name, label, **{"size": (px, px), **changes})


SMALL = [
    record("train", "a", 0),
    record("train", "b", 1, shard="01.tfrec"),
    record("train", "c", 1, shard="01.tfrec", size=(9, 8)),
    record("val", "d", 0),
    record("test", "e", -1),
    record("test", "", -1, size=(0, 0), fault="it has no picture"),
]
LARGE = [record(one.split, one.id, one.label, 16) for one in SMALL[:5]]
LABELS = {"a": 0, "b": 1, "c": 1, "d": 0, "e": 1}


def collected(**changes):
    fields = {"name": "garden", "class_names": NAMES, "pictures": {16: LARGE, 8: SMALL}, "labels": LABELS}
    return Collection(**(fields | changes))


def made(findings=None, sheet=None, **changes):
    return page(collected(**changes), findings or Findings(), sheet)


def titles(text):
    return [line.removeprefix("## ") for line in text.splitlines() if line.startswith("## ")]


def section(text, title):
    return text.split(f"## {title}\n\n")[1].split("\n## ")[0].strip()


def cells(text):
    lines = [line for line in text.splitlines() if line.startswith("|") and "---" not in line]
    return [[cell.strip() for cell in line.strip("|").split("|")] for line in lines]


def test_a_sound_data_set_has_no_empty_section():
    text = made(pictures={8: SMALL[:5]})
    assert text.startswith("# Audit of garden\n\nNo fault was found that would make scores wrong.\n")
    assert titles(text) == ["Pictures", "Classes", "Copies", "Method"]
    assert section(text, "Copies") == "No copies were found."


@pytest.mark.parametrize(("wrong", "count"), [(["one"], "1 fault"), (["one", "two"], "2 faults")])
def test_faults_come_first_and_are_counted(wrong, count):
    text = made(Findings(wrong=wrong, known=["classes are few"]))
    assert text.split("\n\n")[1] == f"> **WARNING: {count} would make scores wrong.**"
    assert titles(text)[:2] == ["Faults that make scores wrong", "Remarks"]
    assert section(text, "Faults that make scores wrong").splitlines() == [f"- {one.capitalize()}." for one in wrong]
    assert section(text, "Remarks") == "- Classes are few."


def test_remarks_alone_are_no_warning():
    text = made(Findings(known=["classes are few"]))
    assert "WARNING" not in text
    assert "No fault was found" in text


def test_records_of_every_resolution_and_split():
    """The third picture of `train` is 9 pixels wide, and one of `test` does not decode."""
    assert cells(section(made(), "Pictures")) == [
        ["px", "split", "shards", "records", "of another size or none"],
        ["8", "train", "2", "3", "1"],
        ["8", "val", "1", "1", "0"],
        ["8", "test", "1", "2", "1"],
        ["16", "train", "1", "3", "0"],
        ["16", "val", "1", "1", "0"],
        ["16", "test", "1", "1", "0"],
    ]


def test_pictures_of_each_class():
    known = [
        ["label", "class", "train", "val", "test"],
        ["0", "rose", "1", "1", "0"],
        ["1", "aster", "2", "0", "1"],
    ]
    assert cells(section(made(), "Classes")) == known
    without_answers = {name: label for name, label in LABELS.items() if name != "e"}
    assert cells(section(made(labels=without_answers), "Classes")) == [
        *known[:2],
        ["1", "aster", "2", "0", "0"],
        ["", "class not known", "0", "0", "1"],
    ]


def test_members_of_a_group_with_split_and_class():
    groups = [CopyGroup("the same bytes", (SMALL[0], SMALL[3])), CopyGroup("mirrored", (SMALL[1], SMALL[4]))]
    text = section(made(groups=groups, sheet="copies.png", labels=LABELS | {"e": -1}), "Copies")
    assert text.startswith("![The first groups of copies](copies.png)\n\n|")
    assert cells(text) == [
        ["group", "likeness", "id (split, class)"],
        ["1", "the same bytes", "a (train, rose); d (val, rose)"],
        ["2", "mirrored", "b (train, aster); e (test, ?)"],
    ]
    assert "![" not in made(groups=groups)


def test_long_lists_end_with_the_number_of_the_others():
    members = tuple(record("train", f"m{number}") for number in range(9))
    groups = [CopyGroup("the same bytes", members)] * 203
    bad = [record("val", f"f{number}", fault="it has no picture") for number in range(1103)]
    text = made(groups=groups, pictures={8: [*SMALL[:5], *bad]})
    rows = cells(section(text, "Copies"))
    assert (len(rows), rows[-1][0]) == (1 + 200, "200")
    assert rows[1][2].endswith("m5 (train, ?); 3 more")
    assert section(text, "Copies").endswith("\n\n3 more groups are not shown.")
    faults = section(text, "Records that cannot be used").splitlines()
    assert (len(faults), faults[-1]) == (101, "- 1,003 more.")


@pytest.mark.parametrize("count", [6, 200, 100])
def test_lists_that_just_fit_are_whole(count):
    members = tuple(record("train", f"m{number}") for number in range(6))
    bad = [record("val", f"f{number}", fault="it has no picture") for number in range(min(count, 100))]
    text = made(groups=[CopyGroup("mirrored", members)] * count, pictures={8: [*SMALL[:5], *bad]})
    assert " more" not in re.sub("correlate by .* or more", "", text)


def test_records_that_cannot_be_used_have_their_place():
    text = section(made(), "Records that cannot be used")
    assert text == "- 8 px, test/00.tfrec record 1, id -: it has no picture."


def test_an_id_that_cannot_be_used_is_text():
    bad = record("val", "`x`", fault="its picture does not decode")
    assert r"id \`x\`: its" in section(made(pictures={8: [*SMALL[:5], bad]}), "Records that cannot be used")


def test_the_method_names_the_resolution_of_the_search():
    method = " ".join(section(made(), "Method").split())
    assert "Copies were searched at 8 px" in method
    assert "differ in at most 10 of 64 bits" in method
    assert "correlate by 0.9 or more" in method


def test_names_are_text():
    groups = [CopyGroup("mirrored", (record("val", "<i>"), SMALL[0]))]
    text = made(name="my*own", class_names=("a|b*", "aster"), groups=groups)
    assert text.startswith("# Audit of my\\*own\n")
    assert r"a\|b\*" in text
    assert r"\<i>" in text


@pytest.mark.parametrize(("label", "name"), [(0, "rose"), (1, "aster"), (2, "?"), (-1, "?"), (None, "?")])
def test_the_class_of_an_id(label, name):
    labels = {} if label is None else {"a": label}
    assert class_of("a", collected(labels=labels)) == name
