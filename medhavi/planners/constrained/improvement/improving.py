"""Improve a placing: other sequences, then out with what is in the way and in again.

Every try places orders with the providers, so nothing is guessed: what is kept is a
plan that can be carried out. Effort is counted in orders placed. The sequence that
effort light rehearses stands first, and only what weighs less takes its place; a larger
effort begins where the smaller one ended, so it never ends with a dearer plan.

Sources: squeaky wheel, Joslin and Clements 1999 (Journal of Artificial Intelligence
Research 10); destroy and repair, Shaw 1998 (Principles and Practice of Constraint
Programming); forward and backward passes, Tormos and Lova 2001 (Annals of Operations
Research 102).
"""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from medhavi.planners.constrained.improvement.repairing import Repairing
from medhavi.planners.constrained.orders.weighing import SCALE
from medhavi.progress import Progress
from medhavi.units import DAY

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

    from medhavi.planners.constrained.orders.jobs import Job
    from medhavi.planners.constrained.orders.stage import Ints
    from medhavi.planners.constrained.orders.weighing import Weighing
    from medhavi.planners.constrained.placement.placing import Placing
    from medhavi.planners.parameters import Budget
    from medhavi.progress import Observe


PUSH = DAY
"""By how much what made a demand late is more urgent next time [s]."""
FEW = 1_000
"""Up to so many orders, one delivery after the other is tried beside the budget."""


class Watching(NamedTuple):
    """Who looks on.

    `observe` gets "late of priority N" with how many demands are late, of how many, and
    "weighted days late" with what the best placing weighs, and weighed at first. A yes
    of `stop` ends the tries.
    """

    observe: Observe | None
    stop: Callable[[], bool]


def effort_of(placing: Placing, tried: int = 0, better: int = 0) -> dict[str, float]:
    """What was done: orders placed, changes that were tried and that were kept."""
    return {
        "moves": float(placing.moves),
        "tried": float(tried),
        "better_moves": float(better),
    }


class Improving:
    """One improvement of one placing.

    Parameters
    ----------
    placing
        All orders are placed; it is changed.
    weighing
        Says what it costs.
    watching
        Who looks on.

    Attributes
    ----------
    cost
        What the placing costs now.
    tried, better
        How many changes were tried, and how many were kept.
    """

    def __init__(
        self,
        placing: Placing,
        weighing: Weighing,
        watching: Watching,
    ) -> None:
        self._placing = placing
        self._weighing = weighing
        self._watching = watching
        self._begun = self._end = placing.moves
        self._known = {_numbers(placing.sequence)}
        self.cost = self._first = weighing.total()
        self.tried = self.better = 0

    def run(self, effort: str, budget: Budget) -> bool:
        """Improve until a budget is spent, or nothing is late; tell whether it did.

        Parameters
        ----------
        effort
            Whose rehearsals are placed.
        budget
            How much is tried, what was tried before included.
        """
        placing, better = self._placing, self.better
        wanted = max(budget.rounds * len(placing.jobs), budget.least)
        most = min(wanted, budget.most)
        self._end = self._begun + most
        self.cost = self._weighing.total()
        self._tell()
        if len(placing.jobs) <= FEW and not self._idle():
            self._by_chains()
        self._sequences(effort, int(most * (1 - budget.whole)))
        if placing.campaigns is None and not self._idle() and self._repair(effort):
            self._as_early_as_can_be()
        return self.better > better

    def effort(self) -> dict[str, float]:
        """What was done."""
        return effort_of(self._placing, self.tried, self.better)

    def _tell(self) -> None:
        """How many demands are late, and how late by weight."""
        observe = self._watching.observe
        if observe is None:
            return
        found = self._weighing.late_by_priority()
        for priority, (late, all_of) in sorted(found.items()):
            observe(Progress(f"late of priority {priority}", late, all_of))
        days = SCALE * DAY
        observe(
            Progress(
                "weighted days late", self.cost.late // days, self._first.late // days
            )
        )

    def _idle(self) -> bool:
        nothing = not self.cost.late and not self.cost.missing
        return nothing or self._left() <= 0 or self._watching.stop()

    def _left(self) -> int:
        """How many orders may still be placed."""
        return self._end - self._placing.moves

    # --- whole sequences -----------------------------------------------------------
    def _by_chains(self) -> None:
        """Try one delivery after the other, once; the budget stays as it is."""
        placing = self._placing
        sequence, before = placing.sequencer.by_chains(), placing.moves
        if _numbers(sequence) not in self._known:
            self._known.add(_numbers(sequence))
            self._whole(sequence)
        self._begun += placing.moves - before
        self._end += placing.moves - before

    def _sequences(self, effort: str, spare: int) -> None:
        """Try whole sequences; leave so many orders to be placed one by one."""
        jobs = len(self._placing.jobs)
        for sequence in self._candidates(effort):
            if self._left() - jobs < spare or self._idle():
                return
            self._whole(sequence)

    def _candidates(self, effort: str) -> Iterator[Sequence[Job]]:
        """Sequences worth a try.

        Backward from the dues, then forward; the best of the rehearsal; then what made
        demands late is more urgent each time.
        """
        sequencer = self._placing.sequencer
        if self._left() <= 0:
            return
        for known in (sequencer.as_late_as_due(), *sequencer.ranked(effort)[:3]):
            if _numbers(known) not in self._known:
                self._known.add(_numbers(known))
                yield known
        setting = sequencer.best_setting(effort)
        keys = sequencer.rehearsal.keys(setting)
        while self._blame(keys):
            yield sequencer.by_keys(keys, setting.hold)

    def _blame(self, keys: Ints) -> bool:
        """Make more urgent what made demands late; False: nothing did."""
        blamed = {
            job.number
            for group in self._weighing.late_groups()
            for job in self._weighing.path(group)
        }
        for number in blamed:
            keys[number] -= PUSH
        return bool(blamed)

    def _whole(self, sequence: Sequence[Job]) -> None:
        """Place all orders anew; keep it if that is better."""
        placing = self._placing
        mark = placing.mark()
        placing.clear()
        placing.place_all(sequence)
        self.tried += 1
        cost = self._weighing.total()
        if cost < self.cost and not placing.crowded:
            self.cost = cost
            self.better += 1
            self._tell()
            return
        placing.undo(mark)

    # --- single orders -------------------------------------------------------------
    def _repair(self, effort: str) -> bool:
        """Take out what is in the way of late demands; tell whether that was better."""
        jobs = len(self._placing.jobs)
        spare = jobs if 3 * jobs <= self._left() else 0
        setting = self._placing.sequencer.best_setting(effort)
        stop = self._watching.stop
        repairing = Repairing(self._placing, self._weighing, setting, stop)
        repairing.run(self._left() - spare)
        self.cost = repairing.cost
        self.tried += repairing.tried
        self.better += repairing.better
        self._tell()
        return repairing.better > 0

    def _as_early_as_can_be(self) -> None:
        """Schedule all orders as early as possible in the sequence of the starts."""
        placing = self._placing
        placing.sequence = placing.sequencer.by_starts()
        if self._left() >= len(placing.jobs) and not self._watching.stop():
            self._whole(placing.sequence)


def _numbers(sequence: Sequence[Job]) -> tuple[int, ...]:
    return tuple(job.number for job in sequence)
