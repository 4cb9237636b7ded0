from __future__ import annotations

import pytest

from bench.data.answers import read_answers
from bench.errors import UserError


def test_labels_come_in_the_order_of_the_ids(tmp_path):
    path = tmp_path / "answers.csv"
    path.write_text('id,label\nb,1\n"a, b",2\nother,9\na,0\n', encoding="utf-8-sig")
    assert read_answers(path, ["a", "b", "a, b"], 3).tolist() == [0, 1, 2]


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("id,label\na,0\n", "has no answer for 1 of 2 test images, such as 'b'"),
        ("id,label\na,0\nb,3\n", "gives 'b' the label 3. Expected 0 to 2"),
        ("id,label\na,0\nb,-1\n", "gives 'b' the label -1"),
        ("id,label\na,0\nb,rose\n", "line 3 has the label 'rose'"),
        ("id,label\na,0\nb\n", "line 3 has the label ''"),
        ("id,label\na,0\nb,1\na,1\n", "line 4 gives 'a' a second label"),
        ("a,0\nb,1\n", "must begin with the line id,label"),
        ("", "must begin with the line id,label"),
    ],
)
def test_answers_that_cannot_be_used(tmp_path, text, message):
    path = tmp_path / "answers.csv"
    path.write_text(text)
    with pytest.raises(UserError, match=message):
        read_answers(path, ["a", "b"], 3)


def test_a_label_of_any_size_is_a_label_outside(tmp_path):
    path = tmp_path / "answers.csv"
    path.write_text(f"id,label\na,{10**30}\n")
    with pytest.raises(UserError, match="Expected 0 to 2"):
        read_answers(path, ["a"], 3)


def test_a_file_that_is_not_there_or_no_file(tmp_path):
    for path in (tmp_path / "nothing.csv", tmp_path):
        with pytest.raises(UserError, match="Cannot read"):
            read_answers(path, ["a"], 3)
