"""Words of the command line that select backbones: names, families and patterns, with or without a resolution."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from fnmatch import fnmatchcase

import backbones
from backbones.registry import UnknownBackboneError
from bench.errors import UserError, nearest, one_line
from bench.plugins import use_installed

TEST_ONLY = frozenset({"tiny"})  # selected by name, never by a pattern


@dataclass(frozen=True)
class BackboneChoice:
    """A backbone at a resolution; `image_px` None: at the resolutions of the command."""

    backbone: str
    image_px: int | None


def select_backbones(words: Sequence[str], everything: bool, packaged: Sequence[str] = ()) -> list[BackboneChoice]:
    """The backbones that `--all` and words such as `vgg16`, `resnet@512`, `*net*@224` select, once, cheapest first.

    Args:
        words: names, families and patterns.
        everything: whether `--all` is given.
        packaged: names that `--all` adds (`bench.matrix.weights.packaged`).

    Raises:
        UserError: no word, an unknown name, a pattern that matches no backbone, or a bad resolution.
    """
    if not words and not everything:
        raise UserError(
            "No backbone to run. Give --all, or backbones (vgg16, vgg16@512), families (efficientnet) or patterns "
            "('resnet*@224'); `list backbones` shows them all."
        )
    chosen = [BackboneChoice(name, None) for name in (*backbones.MATRIX, *packaged)] if everything else []
    for word in words:
        pattern, image_px = _parse_word(word)
        chosen += [BackboneChoice(name, image_px) for name in matching_names(pattern)]
    return sorted(dict.fromkeys(chosen), key=lambda choice: backbones.get(choice.backbone).gflops_224)


def matching_names(word: str) -> list[str]:
    """The backbones that a word selects: that of the name, else all of the family, else all names that match.

    A family is exactly its members: `efficientnet` takes neither Lite nor V2. A pattern matches names as in a shell:
    `efficientnet*` takes both.

    Raises:
        UserError: no such backbone; with the nearest names.
    """
    if ":" in word:
        return [_scheme_backbone(word)]
    if word in backbones.names():
        return [word]
    use_installed()  # not before: a built-in name does not wait for plugins
    several = [name for name in backbones.names() if name not in TEST_ONLY]
    found = [name for name in several if _family(name) == word]
    found = found or [name for name in several if fnmatchcase(name, word)]
    if not found:
        raise _unknown(word)
    return found


def matching_names_or_all(words: Sequence[str]) -> list[str]:
    """The backbones that several words select, each once; without words all, plugins included.

    Raises:
        UserError: a word that selects none.
    """
    if not words:
        use_installed()
        return list(backbones.names())
    return list(dict.fromkeys(name for word in words for name in matching_names(word)))


def broad_patterns(words: Sequence[str]) -> list[str]:
    """A line for each pattern that selects backbones of several families, which may surprise the user."""
    lines = []
    for word in words:
        pattern, _ = _parse_word(word)
        families = Counter(_family(name) for name in matching_names(pattern))
        if len(families) > 1:
            counts = ", ".join(f"{family} ({count})" for family, count in sorted(families.items()))
            lines.append(f"'{pattern}' takes {families.total()} backbones of {len(families)} families: {counts}.")
    return lines


def _parse_word(word: str) -> tuple[str, int | None]:
    pattern, at, px = word.rpartition("@") if "@" in word else (word, "", "")
    if at and not px.isdecimal():
        raise UserError(f"'{one_line(word)}': expected a resolution in pixels after @, as in vgg16@512.")
    return pattern, int(px) if at else None


def _family(name: str) -> str:
    return backbones.get(name).family


def _scheme_backbone(name: str) -> str:
    """The full name of a backbone that is made from a name such as `hub:PRESET`."""
    try:
        return backbones.get(name).name
    except UnknownBackboneError as error:
        raise UserError(str(error)) from None


def _unknown(word: str) -> UserError:
    families = sorted({_family(name) for name in backbones.names() if name not in TEST_ONLY})
    near = [f"'{name}'" for name in nearest(word, {*backbones.names(), *families}, 3)]
    hint = f" Did you mean {_joined_with_or(near)}?" if near else ""
    known = f"Families: {', '.join(families)}; `list backbones` shows every name."
    return UserError(f"Unknown backbone '{one_line(word)}'.{hint} {known}")


def _joined_with_or(names: Sequence[str]) -> str:
    """`a, b or c`."""
    return " or ".join([", ".join(names[:-1]), names[-1]] if len(names) > 1 else names)
