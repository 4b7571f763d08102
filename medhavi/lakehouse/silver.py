"""Silver: the tables at the head of the log, kept; at other moments, folded."""

from __future__ import annotations

from typing import TYPE_CHECKING

from medhavi.errors import EnvironmentFailure
from medhavi.lakehouse import quarantine
from medhavi.lakehouse.checkpoints import Checkpoints
from medhavi.lakehouse.log_reading import Moment, facts
from medhavi.lakehouse.projections import fold

if TYPE_CHECKING:
    from medhavi.lakehouse.checkpoints import Checkpoint
    from medhavi.lakehouse.layout import Layout
    from medhavi.lakehouse.log_reading import EventLog
    from medhavi.lakehouse.mirror import Observe
    from medhavi.lakehouse.silver_state import State

_EVENTS_BETWEEN_CHECKPOINTS = 50_000


class Silver:
    """The folded tables of a lake.

    Parameters
    ----------
    layout
        Where the lake lies.
    spacing
        Most events between two checkpoints.
    """

    def __init__(
        self, layout: Layout, spacing: int = _EVENTS_BETWEEN_CHECKPOINTS
    ) -> None:
        self._checkpoints = Checkpoints(layout.silver)
        self._quarantine = layout.quarantine
        self._spacing = spacing

    def at(self, log: EventLog, moment: Moment) -> State:
        """Give the state of a moment: the newest usable checkpoint and what follows."""
        start = self._checkpoints.newest(moment)
        return fold(start.state, facts(log.tail(start.reach.position, moment)))

    def head(
        self,
        log: EventLog,
        *,
        observe: Observe | None = None,
        insist: bool = False,
    ) -> Checkpoint:
        """Give the state of all that is known, and keep it.

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
        rows = log.tail(reached.reach.position, moment)
        writable = rows.height > 0
        for piece in rows.iter_slices(self._spacing):
            state = fold(reached.state, facts(piece))
            reached = reached.advanced(state, reached.reach.extended(piece))
            if writable:
                writable = self._kept(reached, log, insist=insist)
            if observe is not None:
                observe(f"folding: position {reached.reach.position:,} of {log.head:,}")
        if writable:
            self._checkpoints.prune(self._spacing)
        return reached

    def forget(self, position: int = 0) -> None:
        """Drop the checkpoints from a position on; at 0 all, with their tables."""
        if position:
            self._checkpoints.drop_from(position)
        else:
            self._checkpoints.clear()

    def _kept(self, checkpoint: Checkpoint, log: EventLog, *, insist: bool) -> bool:
        """Write checkpoint and quarantine; tell whether that was possible."""
        try:
            rows = quarantine.rejected(checkpoint.state, log)
            quarantine.write(self._quarantine, rows)
            self._checkpoints.write(checkpoint)
        except EnvironmentFailure:
            if insist:
                raise
            return False
        return True
