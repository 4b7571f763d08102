"""The training recipe: every number that a training depends on, in one record."""

from __future__ import annotations

import tomllib
from dataclasses import dataclass, fields
from typing import TYPE_CHECKING

from medhavi.errors import UsageError

if TYPE_CHECKING:
    from pathlib import Path

QUANTILES = (0.5, 0.8, 0.95)
"""Quantiles of every lead time: p50, p80, p95."""
GATED = (0.8, 0.95)
"""Quantiles whose loss and coverage decide about promotion."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Recipe:
    """How predictors are trained and judged.

    Parameters
    ----------
    test_share
        Part of the orders, the latest ones, on which candidates are judged, in (0, 1).
    calibrate_share
        Part of what was known before the test, the latest, that calibrates, in (0, 1).
    window
        Newest observations that calibrate, at least 20: few, so that coverage follows a
        drift; enough for the 95 % rank to be no extreme.
    memory
        Newest observations of a subject that tell its drift, at least 1.
    shrink
        Observations that the level above counts as, when a level is drawn to it.
    min_count
        Observations from which a group has quantiles of its own; the group above
        counts as that many.
    trees, leaves, learning_rate
        Of the boosting; one fit per quantile.
    seed
        Of the boosting.
    coverage_tolerance
        Largest gap between stated and observed coverage of a model in use.
    minimum
        Observations below which nothing is trained.
    """

    test_share: float = 0.3
    calibrate_share: float = 0.25
    window: int = 60
    memory: int = 4
    shrink: float = 1.0
    min_count: int = 15
    trees: int = 80
    leaves: int = 8
    learning_rate: float = 0.06
    seed: int = 0
    coverage_tolerance: float = 0.03
    minimum: int = 100

    def __post_init__(self) -> None:
        """Check every range."""
        for name in ("test_share", "calibrate_share", "learning_rate"):
            if not 0 < getattr(self, name) < 1:
                self._refuse(name, "between 0 and 1")
        for name in ("memory", "min_count", "trees", "minimum"):
            if getattr(self, name) < 1:
                self._refuse(name, "at least 1")
        for name, least in (("leaves", 2), ("window", 20)):
            if getattr(self, name) < least:
                self._refuse(name, f"at least {least}")
        for name in ("shrink", "coverage_tolerance"):
            if getattr(self, name) < 0:
                self._refuse(name, "not negative")

    def _refuse(self, name: str, rule: str) -> None:
        message = f"recipe: {name} ({getattr(self, name)}) must be {rule}."
        raise UsageError(message)


def read_recipe(path: Path) -> Recipe:
    """Read a recipe from TOML; what it leaves out keeps its default.

    Raises
    ------
    UsageError
        The file cannot be read, or names something unknown or of a wrong type.
    """
    try:
        document = tomllib.loads(path.read_text("utf-8"))
    except (OSError, tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        message = f"{path} cannot be read as a recipe: {error}"
        raise UsageError(message) from error
    defaults = {entry.name: getattr(Recipe(), entry.name) for entry in fields(Recipe)}
    for name, value in document.items():
        if name not in defaults:
            message = f"{path}: a recipe has no {name!r}; it has {', '.join(defaults)}."
            raise UsageError(message)
        whole = isinstance(defaults[name], int)
        right = int if whole else (int, float)
        if isinstance(value, bool) or not isinstance(value, right):
            message = f"{path}: {name} ({value!r}) must be a number" + (
                " without a fraction." if whole else "."
            )
            raise UsageError(message)
    return Recipe(**document)
