import pytest

from bench.data.layout import class_name
from bench.errors import listed, one_line


@pytest.mark.parametrize(
    ("name", "line", "label"),
    [
        ("rose", "rose", "rose"),
        ("a\nb\t c", r"a\nb\t c", "a b c"),
        ("x\u2028y\x85z", r"x\u2028y\x85z", "x y z"),
        ("caf\udce9", r"caf\xe9", r"caf\xe9"),
        ("e\u0301", "e\u0301", "\u00e9"),
        ("\n", r"\n", ""),
        ("百合", "百合", "百合"),
    ],
)
def test_one_line_and_class_name(name, line, label):
    assert one_line(name) == line
    assert class_name(name) == label


def test_listed():
    assert listed(["a", "b"]) == "a, b"
    assert listed(list("abcd"), 2) == "a, b, and 2 more"
