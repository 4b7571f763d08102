"""The training recipe: every number that a training depends on, in one record.

With as many threads as processors, on a machine where others work too, a fit of half a
second was seen to take minutes: its threads wait for each other in turn.
"""

from __future__ import annotations

import tomllib
from contextlib import contextmanager
from dataclasses import dataclass, fields
from typing import TYPE_CHECKING

from medhavi.errors import UsageError

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path


QUANTILES = (0.5, 0.8, 0.95)
"""Quantiles of every lead time: p50, p80, p95."""
GATED = (0.8, 0.95)
"""Quantiles whose loss and coverage decide about promotion."""

_SHARES = (
    "test_share",
    "choose_share",
    "calibrate_share",
    "learning_rate",
    "coverage_level",
    "confidence",
)
_LEAST = {
    "origins": 1,
    "memory": 1,
    "min_count": 1,
    "trees": 1,
    "minimum": 1,
    "leaves": 2,
    "window": 20,
    "bootstrap_draws": 100,
    "least_blocks": 2,
}


@dataclass(frozen=True, slots=True, kw_only=True)
class TrainingRecipe:
    """How predictors are trained and judged.

    Parameters
    ----------
    test_share
        Part of the orders, the latest ones, on which the chosen way is judged, in
        (0, 1).
    choose_share
        Part of what was known before them, the latest, on which it is chosen, in
        (0, 1).
    origins
        Days on which the ways are fitted anew to choose between them, at least 1.
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
    coverage_level
        Confidence of the binomial interval in which the observed coverage of a gated
        quantile must lie, in (0, 1).
    confidence
        Of the upper bound of the loss difference, which must be below zero, in (0, 1).
    bootstrap_draws
        Draws of that bound, at least 100.
    block_days
        Length of the blocks of time that are drawn together [days], positive.
    least_blocks
        Blocks into which the judged orders are cut at least, from 2; with fewer than
        half of them nothing is promoted.
    minimum
        Observations below which nothing is trained.
    """

    test_share: float = 0.3
    choose_share: float = 0.3
    origins: int = 2
    calibrate_share: float = 0.25
    window: int = 60
    memory: int = 4
    shrink: float = 1.0
    min_count: int = 15
    trees: int = 80
    leaves: int = 8
    learning_rate: float = 0.06
    seed: int = 0
    coverage_level: float = 0.99
    confidence: float = 0.95
    bootstrap_draws: int = 2000
    block_days: float = 7.0
    least_blocks: int = 12
    minimum: int = 100

    def __post_init__(self) -> None:
        """Check every range."""
        for name in _SHARES:
            if not 0 < getattr(self, name) < 1:
                self._refuse(name, "between 0 and 1")
        for name, least in _LEAST.items():
            if getattr(self, name) < least:
                self._refuse(name, f"at least {least}")
        if self.shrink < 0:
            self._refuse("shrink", "not negative")
        if self.block_days <= 0:
            self._refuse("block_days", "positive")

    def _refuse(self, name: str, rule: str) -> None:
        message = f"recipe: {name} ({getattr(self, name)}) must be {rule}."
        raise UsageError(message)


def read_recipe(path: Path) -> TrainingRecipe:
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
    defaults = {
        entry.name: getattr(TrainingRecipe(), entry.name)
        for entry in fields(TrainingRecipe)
    }
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
    return TrainingRecipe(**document)


@contextmanager
def one_thread() -> Iterator[None]:
    """Hold the numeric libraries of this process to one thread."""
    from threadpoolctl import threadpool_limits  # type: ignore[import-untyped]

    with threadpool_limits(limits=1):
        yield
