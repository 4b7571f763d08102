"""What long work says while it runs, and how it is stopped: one shape for all calls."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

_LARGE = 1_000
"""From here on a figure has no decimals."""


@dataclass(frozen=True, slots=True)
class Progress:
    """Where long work stands.

    Attributes
    ----------
    phase
        What is done now, in a few words.
    done, total
        How much of it is done, of how much, in units of the phase; `total` 0: unknown.
    incumbent, bound
        Objective of the best solution so far, and what none can be below, where the
        phase searches.

    Examples
    --------
    >>> str(Progress("net requirements", 3, 1200))
    'net requirements: 3 of 1,200'
    >>> str(Progress("shortest schedule", incumbent=31.0, bound=29.5))
    'shortest schedule: 31, bound 29.5'
    >>> str(Progress("points", 3, 6, bound=397908.6))
    'points: 3 of 6, bound 397,909'
    """

    phase: str
    done: int = 0
    total: int = 0
    incumbent: float | None = None
    bound: float | None = None

    def __str__(self) -> str:
        """Line for people."""
        facts = [f"{self.done:,} of {self.total:,}"] if self.total else []
        facts += [_figure(self.incumbent)] if self.incumbent is not None else []
        facts += [f"bound {_figure(self.bound)}"] if self.bound is not None else []
        return f"{self.phase}: {', '.join(facts)}" if facts else self.phase


def _figure(value: float) -> str:
    return f"{value:,.0f}" if abs(value) >= _LARGE else f"{value:g}"


Observe = Callable[[Progress], object]
"""Is called with each step of long work; what it returns is not looked at."""
Cancelled = Callable[[], bool]
"""Is asked now and then whether the work should end with what it has."""


def unobserved(_progress: Progress) -> None:
    """Look at no progress."""


class Stop:
    """Whether work was stopped: once somebody said so, nobody is asked again.

    Attributes
    ----------
    asked
        Whether it was.
    """

    def __init__(self, cancelled: Cancelled | None) -> None:
        self._cancelled = cancelled
        self.asked = False

    def __call__(self) -> bool:
        """Whether to stop."""
        if not self.asked and self._cancelled is not None:
            self.asked = self._cancelled()
        return self.asked
