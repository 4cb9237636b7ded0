"""`prices.toml`: the price of an hour of a device, with its source and date. Dollars and device-seconds of runs.

    [[price]]
    device = "NVIDIA L4*"      # as in the column `device`; * ? [abc] as in a shell, case ignored
    usd_per_hour = 0.71        # of one device; a run on several pays for each
    source = "https://cloud.google.com/compute/gpus-pricing"
    date = 2026-11-01

The first entry that matches a device is its price: put special entries before general ones.
"""

from __future__ import annotations

import datetime
import re
import tomllib
from collections.abc import Mapping
from fnmatch import fnmatchcase
from pathlib import Path
from typing import Annotated

from pydantic import Field, ValidationError, field_validator

from bench.config.base import Frozen, first_problem
from bench.errors import UserError
from bench.store.result import Result

DEFAULT = Path("prices.toml")
SECONDS_PER_HOUR = 3600


class Price(Frozen):
    """One entry."""

    device: Annotated[str, Field(min_length=1)]
    usd_per_hour: Annotated[float, Field(ge=0, allow_inf_nan=False)]
    source: Annotated[str, Field(min_length=1)]
    date: datetime.date  # of the source

    @field_validator("device")
    @classmethod
    def _closed(cls, pattern: str) -> str:
        if re.search(r"\[(?![!]?[^]]+\])", pattern):
            raise ValueError("a '[' without its ']', write [[] for the character itself")
        return pattern

    def matches(self, device: str) -> bool:
        """Whether this is the price of a device."""
        return fnmatchcase(device.casefold(), self.device.casefold())


class Prices(Frozen):
    """All entries, in the order of the file."""

    price: tuple[Price, ...] = ()

    @field_validator("price")
    @classmethod
    def _once(cls, prices: tuple[Price, ...]) -> tuple[Price, ...]:
        patterns = [price.device.casefold() for price in prices]
        twice = next((price.device for price in prices if patterns.count(price.device.casefold()) > 1), None)
        if twice is not None:
            raise ValueError(f"'{twice}' has two prices, and the second would never be used")
        return prices

    def of(self, device: str) -> Price | None:
        """The first entry that matches; None without one."""
        return next((price for price in self.price if price.matches(device)), None)

    def described(self, devices: set[str]) -> str:
        """The prices of these devices on one line, with further entries that match."""
        return "; ".join(text for device in sorted(devices) if (text := self._described(device)))

    def _described(self, device: str) -> str:
        matching = [price for price in self.price if price.matches(device)]
        if not matching:
            return ""
        first, *others = matching
        also = "".join(f", before '{price.device}'" for price in others)
        price = f"{device} {first.usd_per_hour:g} USD an hour"
        return f"{price} ('{first.device}'{also}; {first.source}, {first.date.isoformat()})"


NO_PRICES = Prices()


def load_prices(path: Path | None) -> Prices:
    """The prices of a file; without a name, those of `prices.toml` in the working directory if it exists.

    Raises:
        UserError: the file is missing, not TOML, or not a list of prices; one line that names the file.
    """
    if path is None and not DEFAULT.is_file():
        return NO_PRICES
    file = path or DEFAULT
    try:
        return Prices.model_validate(tomllib.loads(file.read_text(encoding="utf-8-sig")))
    except OSError as error:
        raise UserError(f"Cannot read the prices '{file}': {error.strerror}. --prices takes a TOML file.") from None
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise UserError(f"The prices '{file}' are not TOML: {error}.") from None
    except ValidationError as error:
        raise UserError(f"The prices '{file}': {_problem(error)}.") from None


def _problem(error: ValidationError) -> str:
    where = error.errors()[0]["loc"]
    if where and where[0] != "price":
        return f"unknown field '{where[0]}'; expected [[price]] with device, usd_per_hour, source and date"
    return first_problem(error)


def device_seconds(result: Result, known: Mapping[str, Result]) -> dict[str, float] | None:
    """Training of a run, or of the members of an ensemble, each once: device -> steady seconds times replicas.

    Args:
        result: a run or an ensemble.
        known: run_id -> result, of all runs in the store.

    Returns:
        None if the seconds of a run are unknown, or a member is no longer in the store.
    """
    seconds: dict[str, float] = {}
    for run in _trained(result, known).values():
        if run is None or run.cost.steady_seconds is None:
            return None
        used = run.cost.steady_seconds * run.setup.replicas
        seconds[run.setup.device] = seconds.get(run.setup.device, 0.0) + used
    return seconds


def steady_seconds(result: Result, known: Mapping[str, Result]) -> float | None:
    """Steady seconds of training a run, or the members of an ensemble one after the other; None if unknown."""
    each = [None if run is None else run.cost.steady_seconds for run in _trained(result, known).values()]
    return None if None in each else sum(seconds for seconds in each if seconds is not None)


def training_usd(result: Result, known: Mapping[str, Result], prices: Prices) -> float | None:
    """Dollars of `device_seconds`; None if those are unknown or a device has no price."""
    seconds = device_seconds(result, known)
    if seconds is None:
        return None
    usd = 0.0
    for device, used in seconds.items():
        price = prices.of(device)
        if price is None:
            return None
        usd += used / SECONDS_PER_HOUR * price.usd_per_hour
    return usd


def _trained(result: Result, known: Mapping[str, Result]) -> dict[str, Result | None]:
    """By name, the trained runs behind a result; of ensembles among the members, theirs. None: no longer stored."""
    if result.combination is None:
        return {result.run_id: result}
    found: dict[str, Result | None] = {}
    for member in result.combination.members:
        name = member.run_id
        found |= _trained(known[name], known) if name in known else {name: None}
    return found
