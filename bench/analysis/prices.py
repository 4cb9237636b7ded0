"""`prices.toml`: the price of an hour of a device, with its source and date. Charges of training runs.

    [[price]]
    device = "NVIDIA L4*"      # as in the column `device`; * ? [abc] as in a shell, case ignored
    usd_per_hour = 0.71        # of one device; a run on several pays for each
    source = "https://cloud.google.com/compute/gpus-pricing"
    date = 2026-11-01

The first entry that matches a device is its price: put special entries before general ones.
"""

from __future__ import annotations

import datetime
import math
import re
import tomllib
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
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


@dataclass(frozen=True)
class Charge:
    """Training of several runs, each once. None: not known, since one of them is gone or its seconds are not known.

    Attributes:
        seconds: steady, one run after the other.
        device_hours: the same, times the replicas of each run.
        usd: the same, each run at the price of its device; None also if a device has no price.
    """

    seconds: float | None
    device_hours: float | None
    usd: float | None


def training_charge(result: Result, known: Mapping[str, Result], prices: Prices = NO_PRICES) -> Charge:
    """Charge of training a run, or the members of an ensemble, again.

    Args:
        result: a run or an ensemble.
        known: run_id -> result, of all runs in the store.
        prices: of devices.
    """
    return _charge(_trained(result, known), prices)


def joint_charge(run_ids: Iterable[str], known: Mapping[str, Result], prices: Prices = NO_PRICES) -> Charge:
    """Charge of several runs, such as all candidates: the price of finding any one of them, or an ensemble of some.

    Args:
        run_ids: of runs or ensembles.
        known: run_id -> result, of all runs in the store.
        prices: of devices.
    """
    return _charge({name: run for run_id in run_ids for name, run in _found(run_id, known).items()}, prices)


def _charge(runs: Mapping[str, Result | None], prices: Prices) -> Charge:
    parts = [_charge_of(run, prices) for run in runs.values()]
    return Charge(
        _total(part.seconds for part in parts),
        _total(part.device_hours for part in parts),
        _total(part.usd for part in parts),
    )


def _charge_of(run: Result | None, prices: Prices) -> Charge:
    seconds = None if run is None else run.cost.steady_seconds
    if run is None or seconds is None:
        return Charge(None, None, None)
    hours, price = seconds * run.setup.replicas / SECONDS_PER_HOUR, prices.of(run.setup.device)
    return Charge(seconds, hours, None if price is None else hours * price.usd_per_hour)


def _total(parts: Iterable[float | None]) -> float | None:
    """The sum; None if a part is not known: a partial sum would be a wrong price."""
    known = list(parts)
    return None if None in known else math.fsum(part for part in known if part is not None)


def _trained(result: Result, known: Mapping[str, Result]) -> dict[str, Result | None]:
    """By name, the trained runs behind a result; of ensembles among the members, theirs. None: no longer stored."""
    if result.combination is None:
        return {result.run_id: result}
    members = (member.run_id for member in result.combination.members)
    return {name: run for run_id in members for name, run in _found(run_id, known).items()}


def _found(run_id: str, known: Mapping[str, Result]) -> dict[str, Result | None]:
    return _trained(known[run_id], known) if run_id in known else {run_id: None}
