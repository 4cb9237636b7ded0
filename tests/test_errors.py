import pytest

from bench.errors import listed, nearest, one_line, unknown


@pytest.mark.parametrize(
    ("name", "line"),
    [
        ("rose", "rose"),
        ("a\nb\t c", r"a\nb\t c"),
        ("x\u2028y\x85z", r"x\u2028y\x85z"),
        ("caf\udce9", r"caf\xe9"),
        ("e\u0301", "e\u0301"),
        ("\n", r"\n"),
        ("百合", "百合"),
    ],
)
def test_one_line(name, line):
    assert one_line(name) == line


def test_listed():
    assert listed(["a", "b"]) == "a, b"
    assert listed(list("abcd"), 2) == "a, b, and 2 more"


def test_two_letters_that_changed_places_are_the_likelier_slip():
    assert nearest("vgg61", ["vgg19", "vgg16", "Xception"], 1) == ["vgg16"]
    assert nearest("xception", ["vgg16", "Xception"], 3) == ["Xception"]
    assert nearest("nothing like it", ["vgg16"], 3) == []


def test_an_unknown_name_lists_the_known_ones():
    assert str(unknown("recipe", "x", [])) == "Unknown recipe 'x'. Known: none."
    assert str(unknown("backbone", "vgg61", ["vgg16", "densenet121"])) == (
        "Unknown backbone 'vgg61'. Known: densenet121, vgg16. Did you mean 'vgg16'?"
    )
