"""The promise desk: the one live book of a process, and its commits (design 3.8).

Who quotes or commits waits in line, first come, first served. A commit asks again what
was quoted, then appends promise, holds and their confirmation in one append that
expects the revision the book has read. Who comes second reads what the first one
committed, asks again, and tries once more; what does not hold any more is answered with
a conflict by name. So two processes cannot sell the same piece, and a writer that dies
leaves either all of a commit or nothing. What a customer still thinks about is held
for a while: tentative holds, confirmed by the commit, else swept when their time ends.
"""

from __future__ import annotations

from contextlib import contextmanager, nullcontext
from typing import TYPE_CHECKING, Self

from medhavi.errors import MedhaviError, RevisionConflict, UsageError
from medhavi.events.store import NO_STREAM
from medhavi.findings import finding
from medhavi.planners.promising.held_promises import first_without_room
from medhavi.planners.promising.promise_run import answer_on, quote_all
from medhavi.planners.promising.quoting import quote
from medhavi.planners.promising.supply_search.requests import request_of_line
from medhavi.progress import unobserved
from medhavi.results.promises.promise import PromiseStatus
from medhavi.units import from_seconds
from medhavi.workbench.commitments.commit_answer import (
    Commit,
    CommitStatus,
    conflict,
    is_same,
    is_worse,
    told,
)
from medhavi.workbench.commitments.commit_events import (
    CommitRequest,
    check_changes,
    demand_of,
    events_of,
    marked,
)
from medhavi.workbench.commitments.decisions import binding_date
from medhavi.workbench.commitments.live_ledger import (
    ATTEMPTS,
    LivePromiseLedger,
    beaten,
)
from medhavi.workbench.promise_desk.desk_counters import (
    EVERY,
    DeskCounters,
    Meter,
    metered,
)

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping, Sequence

    from medhavi.events.envelope import NewEvent
    from medhavi.events.store import EventStore
    from medhavi.findings import Finding
    from medhavi.lakehouse import Lake
    from medhavi.planners.promising.promise_ledger import PromiseLedger
    from medhavi.planners.promising.promise_run import Answers
    from medhavi.planners.promising.supply_search.requests import Request
    from medhavi.progress import Cancelled, Observe, Progress
    from medhavi.providers.reservations import Reservation
    from medhavi.results.promises.promise import Promise
    from medhavi.snapshot import Snapshot
    from medhavi.workbench.commitments.decisions import DecisionWriter, Override
    from medhavi.workbench.commitments.live_ledger import Decide


class PromiseDesk:
    """A live book over an event store.

    Parameters
    ----------
    store, snapshot, covered
        As in `LivePromiseLedger`.
    attempts
        How often a commit is tried where others come first.
    observe
        Called with the progress before each line of a call; it may let others go first.

    Attributes
    ----------
    live
        The book and what the stream says.
    counters
        What this desk did since it was opened.
    behind
        Why its tables are not the newest; empty: they are (MAT-08).
    """

    def __init__(
        self,
        store: EventStore,
        snapshot: Snapshot,
        covered: int = 0,
        *,
        attempts: int | None = None,
        observe: Observe = unobserved,
    ) -> None:
        self.live = LivePromiseLedger(store, snapshot, covered)
        self._attempts = attempts
        self._observe = observe
        self._answers: tuple[int, tuple[Promise, ...]] = (NO_STREAM, ())
        self.counters = DeskCounters()
        self._answered = 0
        self.behind: tuple[Finding, ...] = ()

    @classmethod
    def open(
        cls,
        lake: Lake,
        store: EventStore,
        dated: Callable[[Snapshot, Lake], Snapshot] | None = None,
        read: Snapshot | None = None,
    ) -> Self:
        """Open a desk on the head of a lake.

        Parameters
        ----------
        dated
            Dates the open orders of the tables, as `plan_in_force.dated_by_plan`; None:
            they are there when they say so.
        read
            Tables of the lake as they were read last, of whatever position.

        Raises
        ------
        BadData
            The tables have errors.
        """
        covered = lake.position()
        tables = read
        if tables is None or tables.position != covered:
            tables = lake.snapshot(earlier=read)
        return cls(store, tables if dated is None else dated(tables, lake), covered)

    # ---------------------------------------------------------------------- verbs
    def quote(
        self, requests: object, policy: str | None = None, *, detail: str = "full"
    ) -> list[Promise]:
        """Answer requests as `mv.promise`, on what is committed by now.

        Raises
        ------
        BadData, UsageError
            The requests have errors, all are named; no answer has such `detail`.
        """
        return list(self.answer(requests, policy, detail=detail).promises)

    def answer(
        self,
        requests: object,
        policy: str | None = None,
        *,
        detail: str = "full",
        call: str = "",
        observe: Observe = unobserved,
        cancelled: Cancelled | None = None,
    ) -> Answers:
        """Answer as `quote`, with findings and run; `call` as in `read_requests`.

        `observe` is called with the progress before each request. Once `cancelled` is
        True, requests that were not reached are rejected.
        """
        with self.counters.timed("quote"), self.live.turn:
            self.live.catch_up()
            book, before = self.live.book, self.live.book.tokens
            meter = Meter() if self._answered % EVERY == 0 else None

            def told(done: Progress) -> None:
                self._observe(done)
                observe(done)

            try:
                with nullcontext() if meter is None else metered(book, meter):
                    ask = book, requests, policy, self.behind
                    made = answer_on(
                        *ask,
                        detail=detail,
                        observe=told,
                        cancelled=cancelled,
                        call=call,
                    )
            finally:
                self._go_back(book, before)
            self._answered += 1
            self._answers = self.live.revision, made.promises
            self.counters.quoted(made.promises, book.providers)
            if meter is not None:
                self.counters.measured(meter.told())
            return made

    def hold(self, *promises: Promise, policy: str | None = None) -> Commit:
        """Keep what promises need until their holds end, all or none.

        The customer may think it over meanwhile. `commit` of the same promises makes
        them binding; without it the holds end after `hold_minutes` of the policy.

        Raises
        ------
        UsageError
            There is nothing to hold, or it would be taken from others.
        """
        _check(promises)
        if any(one.preempted for one in promises):
            message = (
                "A promise that others give way to is not held, for they would lose "
                "their dates for nothing. Commit it."
            )
            raise UsageError(message)
        return self.bind(CommitRequest(promises, policy, None))

    def commit(
        self,
        *promises: Promise,
        approver: str,
        policy: str | None = None,
        override: Override | None = None,
        reason: str | None = None,
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
        reason
            Why lines that stand promised get a later date, less, or another date
            than somebody gave them (ATP-28); that of an override counts too.

        Raises
        ------
        UsageError
            Nobody approves, there is nothing to commit, or a date has no reason.
        EnvironmentFailure
            The store cannot be written.
        """
        if not approver.strip():
            raise UsageError(_NOBODY)
        _check(promises)
        if override is not None:
            override.check(promises)
        why = (reason or "").strip() or (override and override.reason.strip()) or None
        return self.bind(CommitRequest(promises, policy, approver, override, why))

    def bind(self, wish: CommitRequest) -> Commit:
        """Make a wish binding; tried anew where others came first."""
        with self.counters.timed("commit"), self.live.turn:
            most = self._attempts or ATTEMPTS
            for attempt in range(1, most + 1):
                self.live.catch_up()
                done = self._tried(wish, attempt)
                if done is not None:
                    self._count(done)
                    return done
                self.counters.count("retried")
        raise beaten(most)

    def _tried(self, wish: CommitRequest, attempt: int) -> Commit | None:
        """Try once; None: somebody else came first."""
        promises = tuple(marked(one) for one in wish.promises)
        if self._is_done(promises, wish):
            return self._bound(promises, wish, attempt, replayed=True)
        if wish.approver is not None and wish.reason is None:
            check_changes(self.live.state, promises, wish.override)
        book, before = self.live.book, self.live.book.tokens
        made: Sequence[Promise] = promises
        try:
            if not self._held(wish.promises):
                made = self._asked_again(promises, wish.policy)
            pairs = zip(promises, made, strict=True)
            lost = next((old for old, new in pairs if is_worse(old, new)), None)
            events = [] if lost is not None else events_of(self.live, made, wish)
            if lost is None:
                self.live.append(events)
        except BaseException as failure:
            # Nothing was written: the book holds what it held, however far this came.
            self._go_back(book, before)
            if isinstance(failure, RevisionConflict):
                return None
            raise
        if lost is not None:
            self._go_back(book, before)
            return self._conflict(lost, wish.policy, attempt)
        self.counters.appended(events)
        book.bind()
        moved = [*made, *(one.promise for each in made for one in each.preempted)]
        tabled = any(self.live.state.tabled(demand_of(one)) for one in moved)
        if tabled or wish.override is not None:
            self.live.read_anew()
        return self._bound(made, wish, attempt)

    def _count(self, done: Commit) -> None:
        lost = done.status is CommitStatus.CONFLICT
        name = "conflicts" if lost else done.status.value
        self.counters.count("replayed" if done.replayed else name)

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

        def decide(
            decider: DecisionWriter,
        ) -> tuple[list[NewEvent], tuple[Reservation, ...]]:
            holds = self.live.state.holds_of(demand, self.live.now)
            events = decider.released(holds, reason)
            if (promised := self.live.state.promised.get(demand)) is not None:
                events.append(decider.withdrawn(demand, promised, approver, reason))
            return events, holds

        return self.settle(decide, approver)

    def sweep(self, now: int | None = None) -> tuple[str, ...]:
        """Release holds that nobody needs any more; safe to repeat (RES-09, RES-11).

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
        moment = self.live.now if now is None else now

        def decide(
            decider: DecisionWriter,
        ) -> tuple[list[NewEvent], tuple[Reservation, ...]]:
            ended = self.live.state.ledger.ended(moment)
            needless = self.live.state.needless(moment)
            excess = self.live.state.excess(moment)
            events = [
                *decider.expired(ended),
                *decider.released(needless, "the order is done"),
                *decider.reduced(excess),
            ]
            return events, (*ended, *needless, *(one for one, _ in excess))

        return self.settle(decide, "medhavi")

    @property
    def snapshot(self) -> Snapshot:
        """The tables with all that is committed by now."""
        with self.live.turn:
            self.live.catch_up()
            return self.live.state.snapshot()

    @property
    def quantities(self) -> Mapping[str, float]:
        """What was promised of each demand that this stream promised [base units]."""
        with self.live.turn:
            self.live.catch_up()
            return dict(self.live.state.quantities)

    @property
    def book(self) -> PromiseLedger:
        """The live book, up to date; only to look at."""
        with self.live.turn:
            self.live.catch_up()
            return self.live.book

    @contextmanager
    def look(self) -> Iterator[PromiseLedger]:
        """Promise ledger on the newest commitments, for more than a quote says.

        Nobody else uses it meanwhile, and nothing may be accepted on it.
        """
        with self.live.turn:
            self.live.catch_up()
            yield self.live.book

    def end(self) -> None:
        """End every long call, as the process ends. Alone, a desk has none."""

    def compared(self) -> tuple[str, ...]:
        """Compare the book with one made anew; it is replaced where they differ."""
        return self.live.compared()

    # ------------------------------------------------------------------ decisions
    def settle(self, decide: Decide, actor: str) -> tuple[str, ...]:
        """Append a decision about promises and holds, anew where others came first.

        Returns
        -------
        tuple of str
            Ids of the holds that `decide` named.
        """
        written: list[NewEvent] = []

        def noted(
            decider: DecisionWriter,
        ) -> tuple[list[NewEvent], tuple[Reservation, ...]]:
            events, holds = decide(decider)
            written[:] = events
            return events, holds

        found = self.live.settled(noted, actor)
        self.counters.appended(written)
        return found

    def _is_done(self, promises: Sequence[Promise], wish: CommitRequest) -> bool:
        """Whether exactly this was committed, or held, before."""
        for promise in promises:
            demand = demand_of(promise)
            known = self.live.state.holds_of(demand, self.live.now)
            held = {one.reservation: one.qty for one in known}
            asked = {hold.reservation: hold.qty for hold in promise.holds}
            if held != asked:
                return False
            if wish.approver is None:
                if not held:
                    return False
            elif self.live.state.promised.get(demand) != binding_date(
                promise, wish.override
            ):
                return False
        return True

    def _bound(
        self,
        made: Sequence[Promise],
        wish: CommitRequest,
        attempts: int,
        *,
        replayed: bool = False,
    ) -> Commit:
        self.live.catch_up()
        kept = wish.approver is not None
        return Commit(
            status=CommitStatus.COMMITTED if kept else CommitStatus.HELD,
            promises=tuple(made),
            reservations=tuple(name for one in made for name in one.reservations),
            revision=self.live.revision,
            attempts=attempts,
            replayed=replayed,
        )

    # ------------------------------------------------------------------- the book
    def _go_back(self, book: PromiseLedger, tokens: frozenset[int]) -> None:
        """Undo what a call took; a book that cannot is built anew before it answers."""
        try:
            book.go_back(tokens)
        except BaseException:
            self.live.read_anew()
            raise

    def _asked_again(
        self, promises: Sequence[Promise], policy: str | None
    ) -> list[Promise]:
        """Ask what was quoted once more; the book holds the answers."""
        requests = tuple(
            self._request(promise, position)
            for position, promise in enumerate(promises, 1)
        )
        given = self.live.book, requests, policy
        answers = quote_all(*given, detail="date", observe=self._observe)
        made = [marked(one) for one in answers]
        return [
            old if is_same(old, new) else told(new, old)
            for old, new in zip(promises, made, strict=True)
        ]

    def _request(self, promise: Promise, position: int) -> Request:
        """Request that a promise answers."""
        known = self.live.state.planned(demand_of(promise))
        return request_of_line(promise.demand, position, known=known)

    def _held(self, promises: Sequence[Promise]) -> bool:
        """Take the holds of answers of this book, where nothing came since.

        Each was found beside all the others, so they need not be asked again.
        """
        revision, answers = self._answers
        known = {id(one) for one in answers}
        if revision != self.live.revision or any(
            id(one) not in known for one in promises
        ):
            return False
        for promise in promises:
            self.live.book.take(promise)
        return True

    def _conflict(self, old: Promise, policy: str | None, attempt: int) -> Commit:
        """What of a lost promise is possible now, and what limits it."""
        book = self.live.book
        request = self._request(old, old.request)
        new = quote(book, request, book.policies.of(request, policy))
        mark = book.stages.mark()
        try:
            book.free_own(request.demand)
            taken = first_without_room(book.stages, old.holds)
        finally:
            book.stages.undo(mark)
        return conflict(old, new, attempt, taken)


_NOBODY = "A commitment is approved by somebody: name the approver."


def _check(promises: Sequence[Promise]) -> None:
    if not promises:
        message = "There is no promise to commit."
        raise UsageError(message)
    rejected = [one.request for one in promises if one.status is PromiseStatus.REJECTED]
    if rejected:
        message = f"Request {rejected[0]} is rejected; there is nothing to commit."
        raise UsageError(message)


def newest_or_last(
    opened: Callable[[], PromiseDesk], last: PromiseDesk | None
) -> tuple[PromiseDesk, bool]:
    """Open a desk; where that fails give the last one, flagged as behind (MAT-08).

    Its tables are old, but what is committed is not: it follows the event store.

    Parameters
    ----------
    opened
        Opens a desk on the newest tables.
    last
        The desk before; None: there was none.

    Returns
    -------
    (PromiseDesk, bool)
        The desk, and whether it is the newest.

    Raises
    ------
    MedhaviError
        It cannot be opened, and there was none before.
    """
    try:
        return opened(), True
    except MedhaviError as failure:
        if last is None:
            raise
        moment = from_seconds(last.book.now).isoformat()
        last.behind = (
            finding("PRM012", table="snapshot", value=moment, failure=str(failure)),
        )
        return last, False
