"""Which backbones the words of a command line stand for: names, families and patterns, with or without a resolution."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from fnmatch import fnmatchcase

import backbones
from backbones.registry import UnknownBackboneError
from bench.errors import UserError, nearest, one_line
from bench.plugins import use_installed

TEST_ONLY = frozenset({"tiny"})  # never matched by a pattern, always by name


@dataclass(frozen=True)
class BackboneChoice:
    """A backbone at a resolution; `image_px` None: at those of the whole command."""

    backbone: str
    image_px: int | None


def choose(words: Sequence[str], everything: bool) -> list[BackboneChoice]:
    """The backbones that `--all` and words like `vgg16`, `resnet@512`, `*net*@224` ask for, each once, cheapest first.

    Raises:
        UserError: nothing was asked for, an unknown name, a pattern that matches nothing, or a bad resolution.
    """
    if not words and not everything:
        raise UserError(
            "What to run? Give --all, or backbones (vgg16, vgg16@512), families (efficientnet) or patterns "
            "('resnet*@224'); `list backbones` shows them all."
        )
    chosen = [BackboneChoice(name, None) for name in backbones.MATRIX] if everything else []
    for word in words:
        pattern, image_px = _split(word)
        chosen += [BackboneChoice(name, image_px) for name in named(pattern)]
    return sorted(dict.fromkeys(chosen), key=lambda choice: backbones.get(choice.backbone).gflops_224)


def named(word: str) -> list[str]:
    """The backbones that a word stands for: the one of that name, else all of that family, else all that match it.

    A family is exactly its members: `efficientnet` takes neither Lite nor V2. A pattern is one of names, as in a
    shell: `efficientnet*` takes both.

    Raises:
        UserError: none; with the nearest names.
    """
    if ":" in word:
        return [_made(word)]
    if word in backbones.names():
        return [word]
    use_installed()  # not before: whoever names one of ours does not wait for plugins
    several = [name for name in backbones.names() if name not in TEST_ONLY]
    found = [name for name in several if _family(name) == word]
    found = found or [name for name in several if fnmatchcase(name, word)]
    if not found:
        raise _unknown(word)
    return found


def named_or_all(words: Sequence[str]) -> list[str]:
    """What several words stand for, each backbone once; without words all there are, plugins included.

    Raises:
        UserError: a word that stands for none.
    """
    if not words:
        use_installed()
        return list(backbones.names())
    return list(dict.fromkeys(name for word in words for name in named(word)))


def spread(words: Sequence[str]) -> list[str]:
    """A line for each pattern that reaches over several families, which its author may not have had in mind."""
    lines = []
    for word in words:
        pattern, _ = _split(word)
        families = Counter(_family(name) for name in named(pattern))
        if len(families) > 1:
            counts = ", ".join(f"{family} ({count})" for family, count in sorted(families.items()))
            lines.append(f"'{pattern}' takes {families.total()} backbones of {len(families)} families: {counts}.")
    return lines


def _split(word: str) -> tuple[str, int | None]:
    pattern, at, px = word.rpartition("@") if "@" in word else (word, "", "")
    if at and not px.isdecimal():
        raise UserError(f"'{one_line(word)}': expected a resolution in pixels after @, as in vgg16@512.")
    return pattern, int(px) if at else None


def _family(name: str) -> str:
    return backbones.get(name).family


def _made(name: str) -> str:
    """The whole name of a backbone that is made from its name, such as `hub:PRESET`."""
    try:
        return backbones.get(name).name
    except UnknownBackboneError as error:
        raise UserError(str(error)) from None


def _unknown(word: str) -> UserError:
    families = sorted({_family(name) for name in backbones.names() if name not in TEST_ONLY})
    near = [f"'{name}'" for name in nearest(word, {*backbones.names(), *families}, 3)]
    hint = f" Did you mean {_either(near)}?" if near else ""
    known = f"Families: {', '.join(families)}; `list backbones` shows every name."
    return UserError(f"Unknown backbone '{one_line(word)}'.{hint} {known}")


def _either(names: Sequence[str]) -> str:
    """`a, b or c`."""
    return " or ".join([", ".join(names[:-1]), names[-1]] if len(names) > 1 else names)
