"""Configuration objects: frozen, validated, and identified by a hash of their content."""

from __future__ import annotations

import hashlib
import json
from typing import Annotated

from pydantic import BaseModel, ConfigDict, Field, ValidationError

SCHEMA_VERSION = 1  # of a run directory: raise it when a stored file changes its meaning

Rate = Annotated[float, Field(gt=0, allow_inf_nan=False)]


class Frozen(BaseModel):
    """An immutable model that refuses unknown fields."""

    model_config = ConfigDict(frozen=True, extra="forbid")


def content_hash(content: object) -> str:
    """SHA-256 of canonical JSON: sorted keys, no spaces."""
    return hashlib.sha256(json.dumps(content, sort_keys=True, separators=(",", ":")).encode()).hexdigest()


def first_problem(error: ValidationError) -> str:
    """The first problem of a validation in one line: field, problem and given value."""
    problem = error.errors()[0]
    where = ".".join(str(part) for part in problem["loc"]) or "recipe"
    return f"{where}: {problem['msg'].removeprefix('Value error, ')} (got {problem['input']!r})"
