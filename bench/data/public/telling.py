"""The command line of `bench data fetch`, read, and what is said of the outcome."""

from __future__ import annotations

import sys

from bench.data.imports.telling import resolutions_of, told
from bench.data.public.fetch import FetchOutcome, fetch_petals, fetch_public
from bench.data.public.petals import MOUNTS, PETALS
from bench.data.public.sources import PUBLIC
from bench.errors import unknown

KNOWN = (PETALS, *PUBLIC)


def do_fetch(name: str, px: str) -> int:
    """Fetches and says what came of it. Returns the exit status.

    Raises:
        UserError: whatever is wrong.
    """
    if name not in KNOWN:
        raise unknown("data set to fetch", name, KNOWN)
    resolutions = resolutions_of(px)
    try:
        print(_petals(resolutions) if name == PETALS else _public(name, resolutions))
    except KeyboardInterrupt:
        print("Interrupted. What is whole is kept; the same command goes on from there.", file=sys.stderr)
        return 130
    return 0


def _public(name: str, resolutions: tuple[int, ...]) -> str:
    done = fetch_public(name, resolutions)
    return told(*done) if done else f"{name}: there already, at {', '.join(map(str, resolutions))} px."


def _petals(resolutions: tuple[int, ...]) -> str:
    return _told(fetch_petals(resolutions), resolutions)


def _told(outcome: FetchOutcome, resolutions: tuple[int, ...]) -> str:
    sides = ", ".join(map(str, resolutions))
    if outcome.mounted:
        known = outcome.mounted in MOUNTS
        return f"Kaggle has mounted the files at '{outcome.mounted}'" + (
            ", where --data petals finds them." if known else f". Set PETALS_DIR={outcome.mounted}, then --data petals."
        )
    said = f"fetched {outcome.files} shards of" if outcome.files else "there already are all shards of"
    return (
        f"petals: {said} {sides} px in '{outcome.root}'; each holds the records that its name says.\n"
        "Next: python -m bench data audit petals"
    )
