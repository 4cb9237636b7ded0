import hashlib

import pytest
from pydantic import ValidationError

from bench.config.base import Frozen, content_hash, first_problem


class Point(Frozen):
    x: int


def test_the_hash_is_that_of_canonical_json():
    expected = hashlib.sha256(b'{"a":[1,2],"b":null}').hexdigest()
    assert content_hash({"b": None, "a": [1, 2]}) == content_hash({"a": (1, 2), "b": None}) == expected


@pytest.mark.parametrize(("fields", "problem"), [({"x": "far"}, "x: "), ({"x": 1, "y": 2}, "y: ")])
def test_the_first_problem_names_the_field_and_the_value(fields, problem):
    with pytest.raises(ValidationError) as caught:
        Point(**fields)
    line = first_problem(caught.value)
    assert line.startswith(problem)
    assert line.endswith(f"(got {list(fields.values())[-1]!r})")


def test_it_cannot_be_changed():
    with pytest.raises(ValidationError):
        Point(x=1).x = 2
