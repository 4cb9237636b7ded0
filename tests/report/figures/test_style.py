from __future__ import annotations

from bench.report.figures.style import colours, house_style, markers


def test_users_style_is_left_alone():
    import matplotlib

    matplotlib.rcParams["font.size"] = 31
    try:
        with house_style():
            assert matplotlib.rcParams["font.size"] < 12
        assert matplotlib.rcParams["font.size"] == 31
    finally:
        matplotlib.rcdefaults()


def test_colours_and_markers_are_stable():
    assert colours(["b", "a", "b"]) == colours(["a", "b"])
    assert list(markers([512, 224])) == [224, 512]
