"""Answer a file of requests on a snapshot: `mv.promise`."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from medhavi.errors import UsageError
from medhavi.findings import Finding, finding
from medhavi.planners.promising.answering import unasked
from medhavi.planners.promising.option_search import OptionSearch
from medhavi.planners.promising.promise_ledger import PromiseLedger
from medhavi.planners.promising.quoting import quote
from medhavi.planners.promising.sampled_chain import SEED
from medhavi.planners.promising.supply_search.requests import read_requests
from medhavi.planners.promising.supply_search.whole_orders import (
    COMPLETE,
    EqualShareLine,
    completed,
    evened,
    is_even,
    is_own,
    matched,
    whole_orders,
)
from medhavi.planners.run_limits import without_collections
from medhavi.progress import Progress, Stop, unobserved
from medhavi.results.promises.promise import Promise, PromiseStatus
from medhavi.results.run_record import RunRecord, Status
from medhavi.results.verify.promise import check_promise
from medhavi.version import __version__

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from medhavi.planners.promising.supply_search.requests import Request
    from medhavi.planners.promising.supply_search.whole_orders import LinkedLines
    from medhavi.progress import Cancelled, Observe
    from medhavi.snapshot import Snapshot


DETAILS = ("full", "date")


@dataclass(frozen=True, slots=True, kw_only=True)
class Answers:
    """Promises in the order of the requests, what was odd, and how they came about."""

    promises: tuple[Promise, ...]
    findings: tuple[Finding, ...]
    run: RunRecord


def promise(
    snapshot: Snapshot,
    requests: object,
    policy: str | None = None,
    *,
    detail: str = "full",
    observe: Observe | None = None,
    cancelled: Cancelled | None = None,
) -> list[Promise]:
    """Answer requests, each seeing the holds of those before it (rule 29).

    Parameters
    ----------
    snapshot
        Planning tables.
    requests
        Rows, a frame, JSON text, or the content of a JSON, CSV or xlsx file.
    policy
        Policy of requests that name none.
    detail
        "full"; or "date": date, price and holds, without reasons and remedies, which a
        large file has in a small part of the time.
    observe
        Called with the progress before each request.
    cancelled
        Asked before each request; once True, requests that were not reached are
        rejected (`SearchTimeout`) and nothing is held for them.

    Returns
    -------
    list of Promise
        One per request, in the order given.

    Raises
    ------
    BadData
        Tables or requests have errors; all are named.
    UsageError
        Nothing is answered in such detail.
    """
    made = answer(
        snapshot,
        requests,
        policy,
        detail=detail,
        observe=observe or unobserved,
        cancelled=cancelled,
    )
    return list(made.promises)


def answer(
    snapshot: Snapshot,
    requests: object,
    policy: str | None = None,
    *,
    detail: str = "full",
    observe: Observe = unobserved,
    cancelled: Cancelled | None = None,
) -> Answers:
    """Answer requests as `promise` does, with findings and the record of the run."""
    require_detail(detail)
    return answer_on(
        PromiseLedger.from_snapshot(snapshot),
        requests,
        policy,
        detail=detail,
        observe=observe,
        cancelled=cancelled,
    )


def require_detail(detail: str) -> None:
    """Refuse what is no detail of an answer.

    Raises
    ------
    UsageError
        It is neither "full" nor "date".
    """
    if detail not in DETAILS:
        message = f"The detail is {detail}; ask for {' or '.join(DETAILS)}."
        raise UsageError(message)


def answer_on(  # noqa: PLR0913 - one keyword each
    book: PromiseLedger,
    requests: object,
    policy: str | None = None,
    known: tuple[Finding, ...] = (),
    *,
    detail: str = "full",
    observe: Observe = unobserved,
    cancelled: Cancelled | None = None,
    call: str = "",
) -> Answers:
    """Answer requests on an open book, which takes the holds of what is promised.

    Parameters
    ----------
    known
        What is odd about the tables, to be told with the answers.
    detail
        As in `promise`.
    observe, cancelled
        As in `quote_all`.
    call
        As in `read_requests`.
    """
    require_detail(detail)
    snapshot = book.snapshot
    asked = read_requests(requests, snapshot, book.named, call)
    stop = Stop(cancelled)
    made = quote_all(
        book, asked.requests, policy, detail=detail, observe=observe, cancelled=stop
    )
    exact = all(one.exact for one in made)
    ended = Status.FEASIBLE if exact else Status.HEURISTIC
    run = RunRecord(
        planner="promising",
        mode="promise",
        package_version=__version__,
        snapshot_fingerprint=snapshot.fingerprint,
        as_of=book.now,
        settings={"policy": policy, "detail": detail},
        seed=SEED,
        status=Status.CANCELLED if stop.asked else ended,
        effort={"requests": float(len(made))},
    )
    warnings = (
        *_faulty(asked.requests, made, detail),
        *known,
        *book.policies.findings,
        *book.stages.material.findings,
        *_unreached(book, asked.requests),
        *_ignored(snapshot),
    )
    return Answers(promises=tuple(made), findings=(*asked.findings, *warnings), run=run)


def _faulty(
    requests: Sequence[Request], made: Sequence[Promise], detail: str
) -> Iterator[Finding]:
    """Faults of full answers by the independent check: none, or a defect of ours."""
    if detail != "full":
        return
    lines = Counter(one.sales_order for one in requests)
    for request, one in zip(requests, made, strict=True):
        order = request.sales_order
        yield from check_promise(one, alone=order is None or lines[order] == 1)


def _unreached(book: PromiseLedger, requests: Sequence[Request]) -> Iterator[Finding]:
    """Name the places that hold no stock and that no lane leads to (rule 34)."""
    known: set[str] = set()
    for request in requests:
        place = request.location
        if place in known or book.reach.lanes_to(place):
            continue
        known.add(place)
        yield finding(
            "PRM010",
            table="request",
            row=request.position,
            column="location",
            value=place,
        )


def _ignored(snapshot: Snapshot) -> Iterator[Finding]:
    """Name the disruptions that no promise looks at."""
    rows = snapshot["disruptions"].select("disruption", "kind")
    for name, kind in rows.iter_rows():
        if kind == "demand_change":
            yield finding("PRM013", table="disruptions", column="kind", value=name)


def quote_all(
    book: PromiseLedger,
    requests: tuple[Request, ...],
    policy: str | None = None,
    *,
    detail: str = "full",
    observe: Observe = unobserved,
    cancelled: Cancelled | None = None,
) -> list[Promise]:
    """Answer by priority, due, position; give the answers in the order of the file.

    The book keeps the holds of what is promised.

    Parameters
    ----------
    detail
        As in `quote`.
    observe
        Called with the progress before each request: also a place to let others work.
        It must leave the book alone.
    cancelled
        Asked before each request; once True, the rest is rejected without a search.
    """
    asked = _FileAnswers(
        book,
        policy,
        detail,
        Progress("requests", total=len(requests)),
        observe,
        Stop(cancelled),
    )
    if detail == "full":
        # What remedies change of the tables are circles that only it collects.
        _ask_all(book, requests, policy, asked)
    else:
        with without_collections(circles=False):
            _ask_all(book, requests, policy, asked)
    return [asked.answers[request.position] for request in requests]


def _ask_all(
    book: PromiseLedger,
    requests: tuple[Request, ...],
    policy: str | None,
    asked: _FileAnswers,
) -> None:
    order = sorted(requests, key=lambda one: (one.priority, one.due, one.position))
    places = {request.position: place for place, request in enumerate(order)}
    groups = list(whole_orders(book.policies, order, policy))
    waiting = order
    while True:
        for request in waiting:
            asked.ask(request)
        broken = next((group for group in groups if asked.broken(group)), None)
        if broken is None or asked.stopped:
            break
        # What an order cannot use is free to all who were asked after its first line.
        if not asked.match(broken):
            groups.remove(broken)
            asked.refused |= {request.position for request in broken.lines}
        later = order[min(places[request.position] for request in broken.lines) :]
        for request in reversed(later):
            asked.give_back(request)
        if broken not in groups:
            asked.complete(broken)
        waiting = [one for one in later if one.position not in asked.refused]
    for group in groups:
        asked.complete(group)


class _FileAnswers:
    """The answers to a file so far, with what each of them holds."""

    def __init__(
        self,
        book: PromiseLedger,
        policy: str | None,
        detail: str,
        begun: Progress,
        observe: Observe,
        stop: Stop,
    ) -> None:
        self._book = book
        self._begun = begun
        self._observe = observe
        self._stop = stop
        self._policy = policy
        self._detail = detail
        self._taken: dict[int, int] = {}
        self._less: dict[int, Request] = {}
        self._first: dict[int, Promise] = {}
        self.answers: dict[int, Promise] = {}
        self.refused: set[int] = set()

    def ask(self, request: Request) -> None:
        """Answer a request, or the part that its order can use; take its holds."""
        self._observe(replace(self._begun, done=len(self.answers)))
        book = self._book
        request = self._less.get(request.position, request)
        used = book.policies.of(request, self._policy)
        if self._stop():
            self.answers[request.position] = unasked(OptionSearch(book, request, used))
            return
        before = book.last_token
        made = quote(book, request, used, detail=self._detail)
        if made.status is not PromiseStatus.REJECTED:
            book.take(made)
            self._taken[request.position] = before
        self.answers[request.position] = made

    @property
    def stopped(self) -> bool:
        """Whether somebody has stopped the run; requests since are not asked."""
        return self._stop.asked

    def give_back(self, request: Request) -> None:
        """Free what an answer holds, the last first; what was before binds again."""
        before = self._taken.pop(request.position, None)
        if before is not None:
            self._book.go_back_to(before)

    def broken(self, group: LinkedLines) -> bool:
        """Whether an order cannot come as its rule says."""
        lines, made = self._lines(group), self._made(group)
        if group.even and is_own(lines, made):
            return not is_even(lines, made)
        return any(one.status not in COMPLETE for one in made)

    def match(self, group: LinkedLines) -> bool:
        """Ask for no more of each line than the others can match, if anything."""
        lines, made = self._lines(group), self._made(group)
        less = None
        if group.even and is_own(lines, made):
            less = matched(lines, made)
        for request, one in zip(less or (), made, strict=False):
            self._less[request.position] = request
            self._first.setdefault(request.position, one)
        return less is not None

    def complete(self, group: LinkedLines) -> None:
        """Lines of an order one date or equal shares, or reject them all."""
        lines, made = self._lines(group), self._made(group)
        if group.even and is_own(lines, made) and is_even(lines, made):
            first = [self._first.get(line.request.position) for line in lines]
            alone = [one or now for one, now in zip(first, made, strict=True)]
            told = evened(lines, made, alone)
        else:
            told = completed(made, [line.rate for line in lines])
        for line, one in zip(lines, told, strict=True):
            self.answers[line.request.position] = one

    def _made(self, group: LinkedLines) -> list[Promise]:
        return [self.answers[request.position] for request in group.lines]

    def _lines(self, group: LinkedLines) -> list[EqualShareLine]:
        book = self._book
        return [
            EqualShareLine(
                one, book.stages.step(one.product), book.costs.late_rate(one)
            )
            for one in group.lines
        ]
