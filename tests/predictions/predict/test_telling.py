"""How predictions are told."""

import json

import numpy as np
import pytest

from bench.errors import UserError
from bench.predictions.predict.classify import Classified
from bench.predictions.predict.telling import as_csv, as_json, as_table, tell

PROBS = np.array([[0.125, 0.625, 0.25], [0.375, 0.25, 0.375]], np.float32)
FOUND = Classified("run", ("iris", "rose, wild", "poppy"), ("a.jpg", "b\n.jpg"), PROBS, (("c.txt", "empty"),))


def test_a_table_names_each_picture_once():
    lines = [line.split("  ") for line in as_table(FOUND, 2).splitlines()]
    cells = [[cell.strip() for cell in line if cell.strip()] for line in lines[2:]]
    first, second = [["a.jpg", "rose, wild", "0.6250"], ["poppy", "0.2500"]], [["b\\n.jpg", "iris", "0.3750"]]
    assert cells == [*first, *second, ["poppy", "0.3750"]]


def test_a_csv_has_a_row_a_picture_and_no_more_classes_than_there_are():
    assert as_csv(FOUND, 9).splitlines()[0].endswith("class_3,probability_3")
    assert as_csv(FOUND, 1) == 'picture,class_1,probability_1\na.jpg,"rose, wild",0.625\n"b\n.jpg",iris,0.375\n'


def test_json_says_what_was_left_out():
    content = json.loads(as_json(FOUND, 1))
    assert content["run"] == "run"
    assert content["predictions"][0] == {"picture": "a.jpg", "classes": [{"class": "rose, wild", "probability": 0.625}]}
    assert content["skipped"] == [{"picture": "c.txt", "reason": "empty"}]


def test_a_file_is_written_or_it_is_said_why_not(tmp_path, capsys):
    tell(FOUND, 1, tmp_path / "deep" / "p.csv", False)
    assert (tmp_path / "deep" / "p.csv").read_text() == as_csv(FOUND, 1)
    said = capsys.readouterr()
    assert said.out.startswith("2 pictures: ")
    assert said.err == "Left out: c.txt (empty)\n"
    with pytest.raises(UserError, match="Cannot write"):
        tell(FOUND, 1, tmp_path / "deep" / "p.csv" / "q.csv", False)
