"""CPU seconds of phases: medians of several rounds, beside two fixed loops.

Wall time of a shared machine says little. CPU seconds say more, but neighbours slow
memory down too; so every round is preceded by a loop of plain arithmetic and by one
that makes and sorts small objects. A figure in runs of the second travels best.
"""

from __future__ import annotations

import gc
import statistics
import time
from collections import defaultdict
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator

ARITHMETIC = 3_000_000
OBJECTS = 200_000


def arithmetic() -> int:
    """Add in a loop that stays in the cache."""
    total = 0
    for number in range(ARITHMETIC):
        total += number & 7
    return total


def objects() -> int:
    """Make, sort and group small objects: what a planner in Python does."""
    rows = [(number * 7919 % 100_003, str(number)) for number in range(OBJECTS)]
    rows.sort()
    groups: dict[int, list[str]] = defaultdict(list)
    for key, text in rows:
        groups[key % 997].append(text)
    return len(groups)


@dataclass(slots=True)
class Stopwatch:
    """Collects CPU seconds (all threads of the process) by phase and round."""

    rounds: dict[str, list[float]] = field(default_factory=lambda: defaultdict(list))

    @contextmanager
    def phase(self, name: str) -> Iterator[None]:
        """Measure a block; the garbage collector waits until it ends."""
        gc.collect()
        gc.disable()
        started = time.process_time()
        try:
            yield
        finally:
            self.rounds[name].append(time.process_time() - started)
            gc.enable()

    def calibrate(self) -> None:
        """Run both fixed loops once."""
        with self.phase("arithmetic"):
            arithmetic()
        with self.phase("objects"):
            objects()

    def median(self, name: str) -> float:
        """Median of the rounds of a phase; 0: it never ran."""
        found = self.rounds.get(name)
        return statistics.median(found) if found else 0.0

    def least(self, name: str) -> float:
        """Best round of a phase: the one that was disturbed least."""
        return min(self.rounds[name])
