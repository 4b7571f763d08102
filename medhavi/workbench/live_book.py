"""A book that follows the stream `commitments`, and the one way to append to it.

Who appends states the revision that the book has read. What somebody else appended
since is read first and folded into the book, so a decision is never made on a book that
misses a commitment.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from medhavi.errors import RevisionConflict
from medhavi.events.store import NO_STREAM
from medhavi.planners.promising.book import Book
from medhavi.planners.promising.taken import Undo
from medhavi.results.promise import PlannedHold
from medhavi.units import steps_up
from medhavi.workbench.commitment_decisions import Decider
from medhavi.workbench.commitment_state import STREAM, CommitmentState
from medhavi.workbench.turns import Turn

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from medhavi.events.envelope import NewEvent
    from medhavi.events.store import EventStore
    from medhavi.providers.reservation_states import Reservation
    from medhavi.snapshot import Snapshot

    Decide = Callable[[Decider], tuple[list[NewEvent], tuple[Reservation, ...]]]

ATTEMPTS = 1_000
"""How often a decision is made again when others came first; each of them succeeded."""


def beaten(attempts: int) -> RevisionConflict:
    """Give the failure of who was too slow every time."""
    return RevisionConflict(f"Others came first {attempts} times; try again later.")


class LiveBook:
    """The book of one process over an event store.

    Parameters
    ----------
    store
        Where commitments are appended.
    snapshot
        Tables of the log up to `covered`.
    covered
        Position in the log up to which the tables know all commitments.

    Attributes
    ----------
    turn
        Held by whoever reads or changes the book.
    state
        What the stream says, as far as it was read.
    covered
        As stated.
    revision
        The last revision that was read.
    book
        As of that revision.
    """

    def __init__(self, store: EventStore, snapshot: Snapshot, covered: int) -> None:
        self._store = store
        self.covered = covered
        self._own: set[str] = set()
        self._stale = False
        self.turn = Turn()
        self.state = CommitmentState(snapshot)
        self.revision = NO_STREAM
        self.book = Book.from_snapshot(snapshot)
        self.catch_up()

    @property
    def now(self) -> int:
        """Now of the tables [s]."""
        return self.book.now

    def catch_up(self) -> None:
        """Read what others committed and bring the book up to it."""
        touched: dict[str, None] = {}
        for event in self._store.read(STREAM, self.revision + 1):
            self.revision = event.revision
            self.state.note(event)
            if event.position <= self.covered:
                continue
            demand = self.state.fold(event)
            if event.event_id in self._own:
                self._own.discard(event.event_id)
            elif demand is None or self.state.tabled(demand):
                self._stale = True
            else:
                touched[demand] = None
        if self._stale:
            self._stale = False
            self.book = Book.from_snapshot(self.state.snapshot())
            return
        for demand in touched:
            self._renew(demand)

    def read_anew(self) -> None:
        """Let the next reading build the book from the tables and all of the stream."""
        self._stale = True

    def append(self, events: list[NewEvent]) -> None:
        """Append what the book holds already, on the revision that was read.

        Raises
        ------
        RevisionConflict
            Others came first; nothing was written.
        """
        self._own.update(event.event_id for event in events)
        try:
            self._store.append(STREAM, events, self.revision)
        except BaseException:
            # A store may have written and lost the reply: then the events come back as
            # anybody's, and the book takes what they hold.
            self._own.difference_update(event.event_id for event in events)
            raise

    def settled(self, decide: Decide, actor: str) -> tuple[str, ...]:
        """Append a decision that the book does not hold; anew where others came first.

        Returns
        -------
        tuple of str
            Ids of the holds that `decide` named; empty where it decided nothing.
        """
        with self.turn:
            for _ in range(ATTEMPTS):
                self.catch_up()
                events, holds = decide(Decider(self.revision, self.now, actor))
                if not events:
                    return ()
                try:
                    self._store.append(STREAM, events, self.revision)
                except RevisionConflict:
                    continue
                self.catch_up()
                return tuple(one.reservation for one in holds)
        raise beaten(ATTEMPTS)

    # ------------------------------------------------------------------- the book
    def _renew(self, demand: str) -> None:
        """Let the book hold what the stream says that a demand holds."""
        for undo in list(self.book.accepted.get(demand, ())):
            self.book.give_back(undo)
        holds = self.state.holds_of(demand, self.now)
        if holds:
            undo = Undo(demand, tuple(self._planned(holds)), (), (), None)
            self.book.take_again(
                undo._replace(
                    cells=self.state.line(demand),
                    date=self.state.promised.get(demand),
                )
            )

    def _planned(self, holds: Iterable[Reservation]) -> Iterable[PlannedHold]:
        for one in holds:
            material = one.kind == "material"
            step = self.book.stages.step(one.subject) if material else None
            yield PlannedHold(
                reservation=one.reservation,
                kind=one.kind,
                demand=one.demand or "",
                subject=one.subject,
                location=one.location,
                qty=one.qty,
                start=max(one.start, self.now) if material else one.start,
                finish=one.finish,
                expires_at=one.expires_at or 0,
                steps=0 if step is None else steps_up(one.qty, step),
                family=one.family,
                changeover=one.changeover,
                made_product=one.made_product,
                good_qty=one.good_qty,
            )
