"""A book that follows the stream `commitments`, and the one way to append to it.

Who appends states the revision that the book has read. What somebody else appended
since is read first and folded into the book, so a decision is never made on a book that
misses a commitment.
"""

from __future__ import annotations

import time
from collections import deque
from contextlib import contextmanager
from threading import Condition, Event, Lock, get_ident
from typing import TYPE_CHECKING, Final

from medhavi.errors import (
    EnvironmentFailure,
    MedhaviError,
    RevisionConflict,
    UsageError,
)
from medhavi.events.event_types.catalog import decode
from medhavi.events.store import NO_STREAM
from medhavi.planners.promising.promise_ledger import (
    PromiseLedger,
    Undo,
    built_nodes,
    differences,
)
from medhavi.results.promises.promise import PlannedHold
from medhavi.units import units_up
from medhavi.workbench.commitments.decisions import DecisionWriter
from medhavi.workbench.commitments.state import STREAM, CommitmentState

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator
    from types import TracebackType

    from medhavi.events.envelope import NewEvent
    from medhavi.events.store import EventStore
    from medhavi.providers.reservations import Reservation
    from medhavi.snapshot import Snapshot

    Decide = Callable[[DecisionWriter], tuple[list[NewEvent], tuple[Reservation, ...]]]


SLICE_SECONDS: Final = 0.05
"""Most that a large call works on while smaller ones wait for it, pauses between."""
LONGEST_PAUSE_SECONDS: Final = 1.0
"""Pause after which a large call works on for a slice, whoever is busy."""


RANKS: Final = 3
"""Ranks of calls: one line, the lines of an order, a file."""


class FifoLock:
    """A lock that serves in the order of asking; a plain one lets luck decide.

    Who has the turn may take it again.
    """

    def __init__(self) -> None:
        self._guard = Lock()
        self._waiting: deque[tuple[int, Event]] = deque()
        self._owner: int | None = None
        self._depth = 0

    def __enter__(self) -> None:
        thread = get_ident()
        with self._guard:
            if self._owner in {None, thread}:
                self._owner = thread
                self._depth += 1
                return
            ticket = Event()
            self._waiting.append((thread, ticket))
        ticket.wait()

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        with self._guard:
            self._depth -= 1
            if self._depth:
                return
            if self._waiting:
                self._owner, ticket = self._waiting.popleft()
                self._depth = 1
                ticket.set()
            else:
                self._owner = None


class Precedence:
    """Small calls before large ones, where both share the interpreter of a process.

    A call works under its rank, 0 for the smallest. A larger call pauses between its
    parts as long as a smaller one works, `LONGEST_PAUSE_SECONDS` at most; after such a
    pause it works for a slice of `SLICE_SECONDS`, so that it ends however busy the
    small ones are.
    """

    def __init__(self) -> None:
        self._changed = Condition()
        self._busy = [0] * RANKS
        self._sliced: dict[int, float] = {}
        self._ended = False

    def end(self) -> None:
        """End every large call after its present part, as the process ends."""
        with self._changed:
            self._ended = True
            self._changed.notify_all()

    @contextmanager
    def working(self, rank: int) -> Iterator[None]:
        """Count a call as working."""
        with self._changed:
            self._busy[rank] += 1
        try:
            yield
        finally:
            with self._changed:
                self._busy[rank] -= 1
                self._changed.notify_all()

    def give_way(self, rank: int) -> float:
        """Pause while smaller calls work; seconds that it took.

        A call that paused as long as it may has a slice before it pauses again.

        Raises
        ------
        EnvironmentFailure
            The process ends.
        """
        if self._ended:
            message = "The server ends; ask again when it is back."
            raise EnvironmentFailure(message)
        if not self._smaller(rank):
            return 0.0
        begin = time.monotonic()
        if begin < self._sliced.get(rank, 0.0):
            return 0.0
        with self._changed:
            free = self._changed.wait_for(
                lambda: not self._smaller(rank), LONGEST_PAUSE_SECONDS
            )
        now = time.monotonic()
        if not free:
            self._sliced[rank] = now + SLICE_SECONDS
        return now - begin

    def _smaller(self, rank: int) -> bool:
        return any(self._busy[:rank])


ATTEMPTS = 1_000
"""How often a decision is made again when others came first; each of them succeeded."""
_NAMING = frozenset({"OrderPromised", "ReservationCreated"})
"""Events after which a demand is there, if it was not before."""


def beaten(attempts: int) -> RevisionConflict:
    """Failure of who was too slow every time."""
    return RevisionConflict(f"Others came first {attempts} times; try again later.")


def _require_readable(events: Iterable[NewEvent]) -> None:
    """Refuse what no reader of the stream would take: nothing of it is written.

    Raises
    ------
    UsageError
        A number or an instant of the request is beyond what events may hold.
    """
    for event in events:
        try:
            decode(event.type, event.schema_version, event.payload)
        except MedhaviError as failure:
            message = f"This cannot be committed: {failure}"
            raise UsageError(message) from failure


class LivePromiseLedger:
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
        self._snapshot = snapshot
        self.covered = covered
        self.turn = FifoLock()
        self._begin()
        self.catch_up()

    def _begin(self) -> None:
        """Forget all that was read: the book is that of the tables."""
        self._own: set[str] = set()
        self._stale = self._lost = False
        self.state = CommitmentState(self._snapshot)
        self.revision = NO_STREAM
        self._build(self._snapshot)

    def _build(self, snapshot: Snapshot) -> None:
        """Open the book of tables, and note of which demands they say anything."""
        self.book = PromiseLedger.from_snapshot(snapshot)
        self._tabled = frozenset(snapshot["demands"]["demand"]).union(
            snapshot["reservations"]["demand"]
        )

    @property
    def now(self) -> int:
        """Now of the tables [s]."""
        return self.book.now

    def catch_up(self) -> None:
        """Read what others committed and bring the book up to it.

        Where that fails half-way the next reading begins with the tables.
        """
        if self._lost:
            self._begin()
        try:
            self._read_on()
        except BaseException:
            self._lost = True
            raise

    def _read_on(self) -> None:
        touched: dict[str, None] = {}
        for event in self._store.read(STREAM, self.revision + 1):
            self.revision = event.revision
            self.state.note(event)
            if event.position <= self.covered:
                continue
            demand = self.state.fold(event)
            if demand is not None and event.type in _NAMING:
                self.book.named.add(demand)
            if event.event_id in self._own:
                self._own.discard(event.event_id)
            elif demand is None or demand in self._tabled:
                self._stale = True
            else:
                touched[demand] = None
        if self._stale:
            # The tables under the book then say what was committed before: whatever
            # changes of that later needs another book, too.
            self._build(self.state.snapshot())
            self._stale = False
            return
        for demand in touched:
            self._renew(demand)

    def read_anew(self) -> None:
        """Rebuild the book at the next reading, from the tables and all the stream."""
        self._stale = True

    def compared(self) -> tuple[str, ...]:
        """Compare the book with one made anew, and replace it where they differ.

        The other book is made before the turn is taken: others quote meanwhile.

        Returns
        -------
        tuple of str
            What differed, by name; empty: nothing.
        """
        fresh = LivePromiseLedger(self._store, self._snapshot, self.covered)
        fresh.book.stages.material.state(built_nodes(self.book))
        with self.turn:
            try:
                self.catch_up()
                fresh.catch_up()
                while fresh.revision != self.revision:
                    self.catch_up()
                    fresh.catch_up()
                found = differences(self.book, fresh.book)
            except (ArithmeticError, LookupError, ValueError) as failure:
                # The book cannot even follow the stream.
                fresh.catch_up()
                found = (f"it cannot follow the stream: {failure}",)
            if found:
                self._begin_as(fresh)
        return found

    def _begin_as(self, other: LivePromiseLedger) -> None:
        """Go on with the book of another one, which nobody else has."""
        self.state, self.revision = other.state, other.revision
        self.book, self._tabled = other.book, other._tabled
        self._own, self._stale, self._lost = set(), other._stale, other._lost

    def append(self, events: list[NewEvent]) -> None:
        """Append what the book holds already, on the revision that was read.

        Raises
        ------
        RevisionConflict
            Others came first; nothing was written.
        """
        _require_readable(events)
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
                events, holds = decide(DecisionWriter(self.revision, self.now, actor))
                if not events:
                    return ()
                _require_readable(events)
                try:
                    self._store.append(STREAM, events, self.revision)
                except RevisionConflict:
                    continue
                self.catch_up()
                return tuple(one.reservation for one in holds)
        raise beaten(ATTEMPTS)

    # ------------------------------------------------------------------- the book
    def _renew(self, demand: str) -> None:
        """Set the holds of a demand in the book to those of the stream."""
        for undo in list(self.book.accepted.get(demand, ())):
            self.book.give_back(undo)
        holds = self.state.holds_of(demand, self.now)
        if holds:
            undo = Undo(demand, tuple(self._planned(holds)), (), ())
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
                steps=0 if step is None else units_up(one.qty, step),
                family=one.family,
                changeover=one.changeover,
                made_product=one.made_product,
                good_qty=one.good_qty,
            )
