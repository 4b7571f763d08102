"""Silver: the tables at the head of the log, kept; at other moments, folded.

Facts are folded in the order of their effect. New ones mostly take effect after all
that was folded; where one does not, or where one is voided or corrected, all facts of
the keys that it concerns are read from bronze again and folded anew, and only those.
"""

from __future__ import annotations

import gc
from contextlib import contextmanager
from typing import TYPE_CHECKING

import polars as pl

from medhavi.errors import EnvironmentFailure
from medhavi.lakehouse.checkpoints import Checkpoints
from medhavi.lakehouse.fact_history import FactHistory, placed
from medhavi.lakehouse.folds.bulk_folds import fold_plain
from medhavi.lakehouse.folds.effect_order import (
    entangled,
    fetch,
    late_facts,
    subjects_of,
    take_out,
    with_crossing,
    with_kinship,
)
from medhavi.lakehouse.folds.projections import apply
from medhavi.lakehouse.folds.silver_state import Rejection, complain
from medhavi.lakehouse.log import mirror
from medhavi.lakehouse.log.event_faults import FAULT
from medhavi.lakehouse.log.log_reading import TIMED, Moment, facts, written
from medhavi.progress import Progress

if TYPE_CHECKING:
    import datetime as dt
    from collections.abc import Iterable, Iterator

    from medhavi.lakehouse.checkpoints import Checkpoint
    from medhavi.lakehouse.folds.effect_order import LateFact, Subject
    from medhavi.lakehouse.folds.silver_state import Fact, State
    from medhavi.lakehouse.layout import LakeLayout
    from medhavi.lakehouse.log.log_reading import EventLog
    from medhavi.progress import Observe

_EVENTS_BETWEEN_CHECKPOINTS = 50_000
_AHEAD = 1
"""Checkpoints that a long fold leaves before the head at that distance; further back
their distance grows, for moments long ago are seldom looked at."""
_WIDEST = 3
"""Longest such distance, in shortest ones: it bounds what a read of a moment folds."""
_FEW = 60_000
"""Facts up to which the rows that they concern are read ahead one by one."""
_BULK = 5_000
"""Facts from which on plain ones are folded by column; below, that costs more."""


class Silver:
    """The folded tables of a lake.

    Parameters
    ----------
    layout
        Where the lake lies.
    """

    def __init__(self, layout: LakeLayout) -> None:
        self._checkpoints = Checkpoints(layout.silver)
        self._quarantine = layout.quarantine
        self._spacing = _EVENTS_BETWEEN_CHECKPOINTS

    def at(self, log: EventLog, moment: Moment) -> State:
        """State of a moment: the newest usable checkpoint and what follows."""
        start = self._checkpoints.newest(moment)
        rows = log.tail(start.reach.position, moment.known_at)
        return _Advance(log, moment, start, rows).state

    def head(
        self,
        log: EventLog,
        *,
        observe: Observe | None = None,
        insist: bool = False,
    ) -> Checkpoint:
        """State of all that is known, kept.

        Parameters
        ----------
        insist
            Raise when it cannot be kept. Otherwise a lake that may not be written is
            still read, only slower.
        """
        newest = log.newest(None)
        if newest is None:
            return self._checkpoints.empty()
        moment = Moment(known_at=None, effective_at=newest)
        reached = self._checkpoints.newest(moment)
        rows = log.tail(reached.reach.position)
        if rows.is_empty() and not reached.reach.owes(moment):
            return reached
        writable = True
        for piece in self._pieces(rows):
            step = _Advance(log, moment, reached, piece)
            reached = reached.advanced(step.state, step.reach)
            if writable:
                writable = self._kept(reached, insist=insist)
            if observe is not None:
                at = reached.reach.position
                observe(Progress("folding, position", at, log.head))
        if writable:
            self._finish(reached, log, insist=insist)
        return reached

    def _pieces(self, rows: pl.DataFrame) -> Iterator[pl.DataFrame]:
        """Stretches of rows, each followed by a checkpoint; the older the longer."""
        start = 0
        while rows.height - start > self._spacing:
            steps = (rows.height - start - 1) // self._spacing
            wide = min(_WIDEST, (steps - _AHEAD + 1) // 2)
            length = self._spacing * max(1, wide)
            yield rows.slice(start, length)
            start += length
        yield rows.slice(start)

    def forget(self, position: int = 0) -> None:
        """Drop the checkpoints from a position on; at 0 all, with their tables."""
        if position:
            self._checkpoints.drop_from(position)
        else:
            self._checkpoints.clear()

    def _kept(self, checkpoint: Checkpoint, *, insist: bool) -> bool:
        """Write a checkpoint; tell whether that was possible."""
        try:
            self._checkpoints.write(checkpoint)
        except EnvironmentFailure:
            if insist:
                raise
            return False
        return True

    def _finish(self, checkpoint: Checkpoint, log: EventLog, *, insist: bool) -> None:
        """Write the quarantine of the head and drop checkpoints that nobody needs."""
        try:
            rows = mirror.rejected(checkpoint.state, log)
            mirror.write(self._quarantine, rows)
            self._checkpoints.prune(self._spacing)
        except EnvironmentFailure:
            if insist:
                raise


class _Advance:
    """Going on from a checkpoint with more of the log.

    Parameters
    ----------
    moment
        Which facts count; those that the checkpoint holds do.
    start
        Where to go on from; it is not changed.
    rows
        The next rows of the log, as recorded, sorted by position.

    Attributes
    ----------
    state, reach
        The state afterwards and the facts that it holds.
    """

    def __init__(
        self, log: EventLog, moment: Moment, start: Checkpoint, rows: pl.DataFrame
    ) -> None:
        self._log = log
        self._moment = moment
        self._before = start.reach
        self._until = rows["position"][-1] if rows.height else start.reach.position
        self._history = FactHistory(log, moment, self._until)
        self.state = start.state.copy()
        new, waited = self._history.marked(rows), self._waited()
        amended, gone = self._amended()
        self.reach = start.reach.extended(
            pl.concat([new, amended]),
            waited,
            position=self._until,
            effective_at=moment.effective_at,
        )
        fresh = new if waited is None else pl.concat([waited, new])
        with _uncollected():
            self._go_on(fresh.filter("counts"), amended, gone)

    def _waited(self) -> pl.DataFrame | None:
        """Rows that the checkpoint left out for their time; None: they still are."""
        held = self._before.effective_at
        if held is None or not self._before.owes(self._moment):
            return None
        old = self._history.marked(self._log.between(held, self._before.position))
        return old.filter(TIMED & (pl.col("occurred_at") > held))

    def _amended(self) -> tuple[pl.DataFrame, set[Subject]]:
        """Folded rows that are amended now, and what they concerned before."""
        start = self._before.position
        new = self._history.amendments.between(start, self._until)
        targets = [at for one in new for at in one.targets if at <= start]
        rows = self._log.tail_at(targets)
        before = self._history.amendments.until(start).applied(rows)
        return self._history.marked(rows), {
            subject for fact in facts(before) for subject in subjects_of(fact)
        }

    def _go_on(
        self, fresh: pl.DataFrame, amended: pl.DataFrame, gone: set[Subject]
    ) -> None:
        """Fold the new facts; where one comes before folded ones, their keys anew."""
        # What cannot be used has no place in the order of effect.
        apply(self.state, facts(fresh.filter(pl.col(FAULT).is_not_null())))
        fresh = fresh.filter(pl.col(FAULT).is_null())
        folded_later = self._folded_later(fresh)
        anew = set(gone)
        anew |= {one for fact in facts(amended) for one in subjects_of(fact)}
        if folded_later.height:
            latest = folded_later["occurred_at"].max()
            early = fresh.filter(pl.col("occurred_at") < latest)
            anew |= entangled(facts(folded_later), facts(early))
        if anew or amended.height:
            history = self._history.about(anew)
            again = [one.fact.position for one in history]
            fresh = fresh.filter(~pl.col("position").is_in(again))
            positions = {*again, *amended["position"]}
            for key in self.state.keys("quality", "position", positions):
                self.state.drop("quality", key)
            take_out(self.state, {one for p in history for one in subjects_of(p.fact)})
            take_out(self.state, anew)
            apply(self.state, (one.fact for one in history))
            rejected = self._history.marked(
                self._log.tail_at(amended["position"].to_list())
            )
            apply(self.state, _rejections(rejected.filter("counts")))
            self._name_late(late_facts(history))
        self._fold_on(fresh)

    def _folded_later(self, fresh: pl.DataFrame) -> pl.DataFrame:
        """Folded rows that take effect after the first of the new ones."""
        last = self._before.last_effect
        first: dt.datetime | None = fresh.select(pl.col("occurred_at").min()).item()
        if last is None or first is None or first >= last:
            return fresh.clear()
        rows = self._history.marked(self._log.between(first, self._before.position))
        return rows.filter(
            pl.col("counts")
            & pl.col(FAULT).is_null()
            & (pl.col("occurred_at") > first)
            & ~pl.col("position").is_in(fresh["position"].implode())
        )

    def _fold_on(self, fresh: pl.DataFrame) -> None:
        """Fold facts that take effect after all folded ones of their keys."""
        rows = with_crossing(with_kinship(fresh.sort("position")))
        if rows.height >= _BULK:
            rows = fold_plain(self.state, rows)
        rows = rows.sort("occurred_at", "position")
        passed: Iterable[Fact] = facts(rows)
        if rows.height <= _FEW:
            passed = list(passed)
            fetch(self.state, passed)
        watch = _EffectConflicts(rows["crossing"])
        apply(self.state, watch.passing(passed))
        if watch.subjects:
            positions = pl.Series(watch.positions(), dtype=pl.Int64())
            window = rows.filter(pl.col("position").is_in(positions.implode()))
            self._name_late(late_facts(placed(window), only=watch.subjects))

    def _name_late(self, late: list[LateFact]) -> None:
        """Note facts that came late, each with its stream."""
        if not late:
            return
        streams = self._log.streams_at([one.fact.position for one in late])
        for one in late:
            fact = one.fact
            complain(
                self.state,
                fact,
                "LAKE008",
                table=one.subject[0],
                value="|".join(map(str, one.subject[1:])),
                column=streams[fact.position],
                detail=f"{written(fact.occurred_at)}, {one.overtaken}",
            )


@contextmanager
def _uncollected() -> Iterator[None]:
    """Suspend the search for cycles: facts and rows form none, and there are many."""
    was_enabled = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if was_enabled:
            gc.enable()


class _EffectConflicts:
    """Subjects of facts whose order of effect is not that of their positions.

    Parameters
    ----------
    marks
        Whether a fact crosses any other, in the order in which they pass.
    """

    def __init__(self, marks: Iterable[bool]) -> None:
        self._marks = marks
        self._positions: dict[Subject, list[int]] = {}
        self.subjects: set[Subject] = set()

    def passing(self, passed: Iterable[Fact]) -> Iterator[Fact]:
        """Pass facts on, in order of effect, looking at those that cross."""
        highest: dict[Subject, int] = {}
        for fact, crosses in zip(passed, self._marks, strict=True):
            if crosses:
                position = fact.position
                for subject in subjects_of(fact):
                    if subject not in highest:
                        highest[subject] = position
                        self._positions[subject] = [position]
                        continue
                    self._positions[subject].append(position)
                    if highest[subject] > position:
                        self.subjects.add(subject)
                    else:
                        highest[subject] = position
            yield fact

    def positions(self) -> list[int]:
        """Positions of the facts about the subjects that were found."""
        return sorted({at for one in self.subjects for at in self._positions[one]})


def _rejections(rows: pl.DataFrame) -> Iterator[Fact]:
    return (fact for fact in facts(rows) if isinstance(fact.body, Rejection))
