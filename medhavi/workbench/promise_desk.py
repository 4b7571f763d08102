"""The promise desk: the one live book of a process, and its commits (design 3.8).

Who quotes or commits waits in line, first come, first served. A commit asks again what
was quoted, then appends promise, holds and their confirmation in one append that
expects the revision the book has read. Who comes second reads what the first one
committed, asks again, and tries once more; what does not hold any more is answered with
a conflict by name. So two processes cannot sell the same piece, and a writer that dies
leaves either all of a commit or nothing.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Self

import polars as pl

from medhavi.errors import RevisionConflict, UsageError
from medhavi.events.store import NO_STREAM
from medhavi.planners.promising.asking import request_of_line
from medhavi.planners.promising.book import Book
from medhavi.planners.promising.promise_run import answer_on, quote_all
from medhavi.planners.promising.quoting import quote
from medhavi.planners.promising.taken import Undo
from medhavi.results.promise import PlannedHold, PromiseStatus
from medhavi.units import steps_up
from medhavi.workbench.commit_answer import (
    Commit,
    CommitStatus,
    conflict,
    is_same,
    is_worse,
    told,
)
from medhavi.workbench.commitment_decisions import Decider
from medhavi.workbench.commitment_state import STREAM, CommitmentState
from medhavi.workbench.gives_way import gives_way
from medhavi.workbench.promise_override import binding_date
from medhavi.workbench.promised_supply import marked
from medhavi.workbench.turns import Turn

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from medhavi.events.envelope import NewEvent
    from medhavi.events.store import EventStore
    from medhavi.lakehouse import Lake
    from medhavi.planners.promising.asking import Request
    from medhavi.planners.promising.promise_run import Answers
    from medhavi.providers.reservation_states import Reservation
    from medhavi.results.promise import Promise
    from medhavi.snapshot import Snapshot
    from medhavi.workbench.promise_override import Override

ATTEMPTS = 1_000
"""How often a commit tries again after others came first; each of them succeeded."""


class PromiseDesk:
    """A live book over an event store.

    Parameters
    ----------
    store
        Where commitments are appended.
    snapshot
        Tables of the log up to `covered`.
    covered
        Position in the log up to which the tables know all commitments.
    """

    def __init__(self, store: EventStore, snapshot: Snapshot, covered: int = 0) -> None:
        self._store = store
        self._covered = covered
        self._turn = Turn()
        self._state = CommitmentState(snapshot)
        self._revision = NO_STREAM
        self._own: set[str] = set()
        self._stale = False
        self._answers: tuple[int, tuple[Promise, ...]] = (NO_STREAM, ())
        self._book = Book.from_snapshot(snapshot)
        self._catch_up()

    @classmethod
    def open(cls, lake: Lake, store: EventStore) -> Self:
        """Open a desk on the head of a lake.

        Raises
        ------
        BadData
            The tables have errors.
        """
        newest = lake.table("bronze.events").select(pl.col("position").max())
        covered = newest.collect().item() or 0
        return cls(store, lake.snapshot(), int(covered))

    # ---------------------------------------------------------------------- verbs
    def quote(self, requests: object, policy: str | None = None) -> list[Promise]:
        """Answer requests on what is committed by now; nothing is written.

        Raises
        ------
        BadData
            The requests have errors; all are named.
        """
        return list(self.answer(requests, policy).promises)

    def answer(self, requests: object, policy: str | None = None) -> Answers:
        """Answer requests as `quote` does, with findings and the record of the run."""
        with self._turn:
            self._catch_up()
            before = self._book.tokens
            try:
                found = answer_on(self._book, requests, policy)
            finally:
                self._book.go_back(before)
            self._answers = self._revision, found.promises
            return found

    def commit(
        self,
        *promises: Promise,
        approver: str,
        policy: str | None = None,
        override: Override | None = None,
    ) -> Commit:
        """Make promises binding, all or none.

        Parameters
        ----------
        approver
            Who confirmed them.
        policy
            Policy of requests that name none, as they were quoted with.
        override
            Another date than the one that was found, for one promise.

        Raises
        ------
        UsageError
            Nobody approves, there is nothing to commit, or a date has no reason.
        EnvironmentFailure
            The store cannot be written.
        """
        _check(promises, approver)
        if override is not None:
            override.check(promises)
        shown = promises
        promises = tuple(marked(one) for one in shown)
        with self._turn:
            for attempt in range(1, ATTEMPTS + 1):
                self._catch_up()
                if self._is_done(promises, override):
                    return self._committed(promises, attempt, replayed=True)
                before = self._book.tokens
                made: Sequence[Promise] = promises
                if not self._held(shown):
                    made = self._asked_again(promises, policy)
                lost = [
                    old
                    for old, new in zip(promises, made, strict=True)
                    if is_worse(old, new)
                ]
                if lost:
                    self._book.go_back(before)
                    return self._conflict(lost[0], policy, attempt)
                try:
                    self._append(self._decided(made, approver, override))
                except RevisionConflict:
                    self._book.go_back(before)
                    continue
                except BaseException:
                    self._book.go_back(before)
                    raise
                self._book.bind()
                self._stale = (
                    self._stale
                    or override is not None
                    or any(
                        self._state.tabled(demand)
                        for one in made
                        for demand in (_demand(one), *(v.demand for v in one.preempted))
                    )
                )
                return self._committed(made, attempt)
        message = f"Others came first {ATTEMPTS} times; try again later."
        raise RevisionConflict(message)

    def release(
        self, demand: str, *, approver: str, reason: str | None = None
    ) -> tuple[str, ...]:
        """Take the promise of a line back: its holds are free again.

        Returns
        -------
        tuple of str
            Ids of the holds that were released; a second call gives none.

        Raises
        ------
        UsageError
            Nobody approves.
        """
        if not approver.strip():
            raise UsageError(_NOBODY)

        def decide(decider: Decider) -> tuple[list[NewEvent], tuple[Reservation, ...]]:
            holds = self._state.holds_of(demand, self._book.now)
            events = decider.released(holds, reason)
            promised = self._state.promised.get(demand)
            if promised is not None:
                events.append(decider.withdrawn(demand, promised, approver, reason))
            return events, holds

        return self._settled(decide, approver)

    def expire(self, now: int | None = None) -> tuple[str, ...]:
        """Let tentative holds run out that are past their end; safe to repeat.

        Parameters
        ----------
        now
            Moment [s]; now of the tables by default.

        Returns
        -------
        tuple of str
            Ids of the holds that ran out.
        """
        moment = self._book.now if now is None else now

        def decide(decider: Decider) -> tuple[list[NewEvent], tuple[Reservation, ...]]:
            holds = self._state.ledger.ended(moment)
            return decider.expired(holds), holds

        return self._settled(decide, "medhavi")

    def sweep(self, now: int | None = None) -> tuple[str, ...]:
        """Give back what nobody needs any more; safe to repeat (RES-09, RES-11).

        Tentative holds past their end expire, holds of closed and cancelled demands are
        released, and holds of more than a demand still wants are reduced to that.

        Parameters
        ----------
        now
            Moment [s]; now of the tables by default.

        Returns
        -------
        tuple of str
            Ids of the holds that changed.
        """
        moment = self._book.now if now is None else now

        def decide(decider: Decider) -> tuple[list[NewEvent], tuple[Reservation, ...]]:
            ended = self._state.ledger.ended(moment)
            needless = self._state.needless(moment)
            excess = self._state.excess(moment)
            events = [
                *decider.expired(ended),
                *decider.released(needless, "the order is done"),
                *decider.reduced(excess, "the order wants less"),
            ]
            return events, (*ended, *needless, *(one for one, _ in excess))

        return self._settled(decide, "medhavi")

    @property
    def snapshot(self) -> Snapshot:
        """The tables with all that is committed by now."""
        with self._turn:
            self._catch_up()
            return self._state.snapshot()

    @property
    def quantities(self) -> Mapping[str, float]:
        """What was promised of each demand that this stream promised [base units]."""
        with self._turn:
            self._catch_up()
            return dict(self._state.quantities)

    @property
    def book(self) -> Book:
        """The live book, up to date; only to look at."""
        with self._turn:
            self._catch_up()
            return self._book

    # ----------------------------------------------------------------- the stream
    def _catch_up(self) -> None:
        """Read what others committed and bring the book up to it."""
        touched: dict[str, None] = {}
        for event in self._store.read(STREAM, self._revision + 1):
            self._revision = event.revision
            self._state.note(event)
            if event.position <= self._covered:
                continue
            demand = self._state.fold(event)
            if event.event_id in self._own:
                self._own.discard(event.event_id)
            elif demand is None or self._state.tabled(demand):
                self._stale = True
            else:
                touched[demand] = None
        if self._stale:
            self._stale = False
            self._book = Book.from_snapshot(self._state.snapshot())
            return
        for demand in touched:
            self._renew(demand)

    def _renew(self, demand: str) -> None:
        """Let the book hold what the stream says that a demand holds."""
        for undo in list(self._book.accepted.get(demand, ())):
            self._book.give_back(undo)
        holds = self._state.holds_of(demand, self._book.now)
        if holds:
            planned = tuple(self._planned(one) for one in holds)
            undo = Undo(demand, planned, (), (), None)
            self._book.take_again(
                undo._replace(
                    cells=self._state.line(demand),
                    date=self._state.promised.get(demand),
                )
            )

    def _planned(self, one: Reservation) -> PlannedHold:
        step = self._book.stages.step(one.subject) if one.kind == "material" else None
        return PlannedHold(
            reservation=one.reservation,
            kind=one.kind,
            demand=one.demand or "",
            subject=one.subject,
            location=one.location,
            qty=one.qty,
            start=max(one.start, self._book.now)
            if one.kind == "material"
            else one.start,
            finish=one.finish,
            expires_at=one.expires_at or 0,
            steps=0 if step is None else steps_up(one.qty, step),
        )

    def _append(self, events: list[NewEvent]) -> None:
        """Append what was decided on the revision that was read, all or nothing."""
        self._own.update(event.event_id for event in events)
        try:
            self._store.append(STREAM, events, self._revision)
        except RevisionConflict:
            self._own.difference_update(event.event_id for event in events)
            raise

    def _settled(
        self,
        decide: Callable[[Decider], tuple[list[NewEvent], tuple[Reservation, ...]]],
        actor: str,
    ) -> tuple[str, ...]:
        """Append a decision about holds; decide anew where another came first."""
        with self._turn:
            for _ in range(ATTEMPTS):
                self._catch_up()
                decider = Decider(self._revision, self._book.now, actor)
                events, holds = decide(decider)
                if not events:
                    return ()
                try:
                    self._store.append(STREAM, events, self._revision)
                except RevisionConflict:
                    continue
                self._catch_up()
                return tuple(one.reservation for one in holds)
        message = f"Others came first {ATTEMPTS} times; try again later."
        raise RevisionConflict(message)

    # ------------------------------------------------------------------ decisions
    def _decided(
        self, made: Sequence[Promise], approver: str, override: Override | None
    ) -> list[NewEvent]:
        decider = Decider(self._revision, self._book.now, approver)
        events: list[NewEvent] = []
        for one in gives_way(made):
            previous = self._state.promised.get(one.line.demand)
            events += decider.moved(one, previous, approver)
            promise = marked(one.line.promise)
            events += self._held_anew(decider, promise, one.reason)
        for promise in made:
            demand = _demand(promise)
            events += decider.promised(
                promise,
                approver=approver,
                snapshot=self._book.snapshot.fingerprint,
                is_new=not self._state.planned(demand),
                previous=self._state.promised.get(demand),
            )
            if override is not None:
                events.append(decider.overridden(promise, override, approver))
            events += self._held_anew(decider, promise, "promised anew")
        return events

    def _held_anew(
        self, decider: Decider, promise: Promise, reason: str
    ) -> list[NewEvent]:
        """Make the holds of a promise in the place of those its demand has."""
        kept = set(promise.reservations)
        known = self._state.holds_of(_demand(promise), self._book.now)
        return [
            *decider.released(
                [one for one in known if one.reservation not in kept], reason
            ),
            *decider.created(promise.holds),
            *decider.confirmed(promise.holds),
        ]

    def _is_done(self, promises: Sequence[Promise], override: Override | None) -> bool:
        """Tell whether exactly this was committed before."""
        for promise in promises:
            demand = _demand(promise)
            held = {
                one.reservation: one.qty
                for one in self._state.holds_of(demand, self._book.now)
            }
            asked = {hold.reservation: hold.qty for hold in promise.holds}
            date = binding_date(promise, override)
            if self._state.promised.get(demand) != date or held != asked:
                return False
        return True

    def _committed(
        self, made: Sequence[Promise], attempts: int, *, replayed: bool = False
    ) -> Commit:
        self._catch_up()
        return Commit(
            status=CommitStatus.COMMITTED,
            promises=tuple(made),
            reservations=tuple(name for one in made for name in one.reservations),
            revision=self._revision,
            attempts=attempts,
            replayed=replayed,
        )

    # ------------------------------------------------------------------- the book
    def _asked_again(
        self, promises: Sequence[Promise], policy: str | None
    ) -> list[Promise]:
        """Ask what was quoted once more; the book holds the answers."""
        requests = tuple(
            self._request(promise, position)
            for position, promise in enumerate(promises, 1)
        )
        answers = quote_all(self._book, requests, policy, detail="date")
        made = [marked(one) for one in answers]
        return [
            old if is_same(old, new) else told(new, old)
            for old, new in zip(promises, made, strict=True)
        ]

    def _request(self, promise: Promise, position: int) -> Request:
        """Give the request that a promise answers."""
        known = self._state.planned(_demand(promise))
        return request_of_line(promise.demand, position, known=known)

    def _held(self, promises: Sequence[Promise]) -> bool:
        """Take the holds of answers of this book, where nothing came since.

        Each was found beside all the others, so they need not be asked again.
        """
        revision, answers = self._answers
        known = {id(one) for one in answers}
        if revision != self._revision or any(id(one) not in known for one in promises):
            return False
        for promise in promises:
            self._book.take(promise)
        return True

    def _conflict(self, old: Promise, policy: str | None, attempt: int) -> Commit:
        """Say what of a lost promise is possible now, and what limits it."""
        request = self._request(old, old.request)
        used = self._book.policies.of(request, policy)
        return conflict(old, quote(self._book, request, used), attempt)


_NOBODY = "A commitment is approved by somebody: name the approver."


def _check(promises: Sequence[Promise], approver: str) -> None:
    if not approver.strip():
        raise UsageError(_NOBODY)
    if not promises:
        message = "There is no promise to commit."
        raise UsageError(message)
    rejected = [one.request for one in promises if one.status is PromiseStatus.REJECTED]
    if rejected:
        message = f"Request {rejected[0]} is rejected; there is nothing to commit."
        raise UsageError(message)


def _demand(promise: Promise) -> str:
    return str(promise.demand["demand"])
