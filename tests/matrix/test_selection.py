import pytest

import backbones
from backbones import hub
from bench.errors import UserError
from bench.matrix.selection import broad_patterns, matching_names, select_backbones


def names(*words, everything=False):
    return {(choice.backbone, choice.image_px) for choice in select_backbones(words, everything)}


def test_all_is_the_four_of_the_matrix():
    assert names(everything=True) == {(name, None) for name in ("vgg16", "resnet50", "densenet121", "efficientnetb0")}


def test_names_resolutions_and_patterns():
    assert names("vgg16", "resnet50@512") == {("vgg16", None), ("resnet50", 512)}
    assert names("*net*@224") == {(name, 224) for name in backbones.names() if "net" in name}
    assert names("*net121@224") == {("densenet121", 224)}


def test_a_family_is_its_members_and_nothing_else():
    assert names("efficientnet") == {(f"efficientnetb{number}", None) for number in range(8)}
    assert names("resnet@224") == {(f"resnet{depth}", 224) for depth in (50, 101, 152)}
    assert names("resnetv2") == {(f"resnet{depth}v2", None) for depth in (50, 101, 152)}
    assert names("efficientnetlite", "efficientnetlite0@64") == {
        *((f"efficientnetlite{number}", None) for number in range(3)),
        ("efficientnetlite0", 64),
    }


def test_a_pattern_is_one_of_names_as_in_a_shell():
    matching = {name for name in backbones.names() if name.startswith("efficientnet")}
    assert {"efficientnetb7", "efficientnetlite2", "efficientnetv2s"} < matching
    assert names("efficientnet*@224") == {(name, 224) for name in matching}
    assert set(matching_names("efficientnetb[0-3]")) == {f"efficientnetb{number}" for number in range(4)}


def test_a_pattern_over_several_families_is_reported():
    assert broad_patterns(["efficientnet*@224", "efficientnet", "vgg*", "vgg16@64"]) == [
        "'efficientnet*' takes 18 backbones of 3 families: efficientnet (8), efficientnetlite (3), efficientnetv2 (7)."
    ]


def test_an_unknown_preset_is_one_line(tmp_path, monkeypatch):
    monkeypatch.setattr(hub, "find_spec", lambda name: True)
    for word in (f"hub:{tmp_path}", f"hub:{tmp_path}@224"):
        with pytest.raises(UserError, match="there is no preset at"):
            names(word)
    (tmp_path / "config.json").write_text("{}")
    assert names(f"hub:{tmp_path}@224") == {(f"hub:{tmp_path}", 224)}


def test_tiny_is_run_when_it_is_named_and_never_by_a_pattern():
    assert names("tiny") == {("tiny", None)}
    assert ("tiny", None) not in names("*")


def test_cheapest_first():
    cost = [backbones.get(choice.backbone).gflops_224 for choice in select_backbones([], everything=True)]
    assert cost == sorted(cost)


def test_nothing_asked_for_shows_every_way():
    with pytest.raises(UserError, match=r"--all.*vgg16.*families.*patterns.*list backbones"):
        select_backbones([], everything=False)


@pytest.mark.parametrize(
    ("word", "said"),
    [
        ("vgg61", r"Did you mean 'vgg16', 'vgg19' or 'vgg'\?"),
        ("VGG16@224", r"Did you mean 'vgg16'"),
        ("mobilenetv3", r"Did you mean .*'mobilenetv3small'"),
        ("eficientnet", r"Did you mean 'efficientnet'"),
        ("alexnet*", r"^Unknown backbone 'alexnet\*'\..* Families: convnext, densenet, .*; `list backbones`"),
        ("tny", r"Did you mean 'tiny'\?"),
        ("", "Unknown backbone ''"),
        ("vgg\n16", r"Unknown backbone 'vgg\\n16'"),
        ("vgg16@big", "resolution in pixels after @"),
        ("vgg16@", "resolution in pixels after @"),
    ],
)
def test_wrong_words(word, said):
    with pytest.raises(UserError, match=said) as caught:
        select_backbones([word], everything=False)
    assert "\n" not in str(caught.value)
    assert len(str(caught.value)) < 300
