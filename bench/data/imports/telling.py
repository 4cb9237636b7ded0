"""The command line of `bench data import`, read, and what is said of the outcome."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import get_args

from bench.config.overrides import parse_resolutions
from bench.data.imports.importer import SKIPPED_FILE, ImportOutcome, ImportRequest, carry_out
from bench.data.imports.pictures import Square
from bench.errors import UserError, unknown

_MOST_PX = 2048


def do_import(
    source: Path, name: str, *, split: str | None, px: str, square: str, skip_unreadable: bool, force: bool
) -> int:
    """Imports and says what came of it. Returns the exit status.

    Raises:
        UserError: whatever is wrong.
    """
    request = ImportRequest(source, name, split, resolutions_of(px), _square(square), skip_unreadable, force)
    try:
        outcome = carry_out(request)
    except KeyboardInterrupt:
        print("Interrupted. What was prepared is kept; the same command goes on from there.", file=sys.stderr)
        return 130
    print(told(request, outcome))
    return 0


def resolutions_of(text: str) -> tuple[int, ...]:
    """Sides of pictures to make, ascending.

    Raises:
        UserError: no numbers, or more than anybody needs.
    """
    found = tuple(sorted(parse_resolutions(text)))
    if found[-1] > _MOST_PX:
        raise UserError(f"--px {found[-1]} is more than {_MOST_PX}.")
    return found


def _square(text: str) -> Square:
    for known in get_args(Square):
        if text == known:
            return known  # type: ignore[no-any-return]
    raise unknown("way to make squares", text, get_args(Square))


def told(request: ImportRequest, outcome: ImportOutcome) -> str:
    """What was imported, in lines."""
    counts = ", ".join(f"{split} {outcome.counts[split]:,}" for split in ("train", "val", "test"))
    sides = ", ".join(map(str, request.resolutions))
    total = f"{sum(outcome.counts.values()):,} pictures of {outcome.classes:,} classes"
    lines = [f"{request.name}: {total} ({counts}) at {sides} px in '{outcome.root}'."]
    if outcome.copies:
        lines.append(f"{outcome.copies:,} files hold the very bytes of another one; `data audit` lists them.")
    if outcome.skipped:
        lines.append(f"{len(outcome.skipped):,} files were left out; they are listed in '{SKIPPED_FILE}' there.")
    lines.append(f"Next: python -m bench data audit {_quoted(request.name)}")
    return "\n".join(lines)


def _quoted(name: str) -> str:
    return f"'{name}'" if " " in name else name
