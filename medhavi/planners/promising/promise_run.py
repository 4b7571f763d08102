"""Answer a file of requests on a snapshot: `mv.promise`."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from medhavi.findings import Finding
from medhavi.planners.promising.arrival_risk import SEED
from medhavi.planners.promising.asking import read_requests
from medhavi.planners.promising.book import Book
from medhavi.planners.promising.quoting import quote
from medhavi.planners.promising.whole_orders import completed, whole_orders
from medhavi.results.promise import Promise, PromiseStatus
from medhavi.results.run_record import RunRecord, Status
from medhavi.version import __version__

if TYPE_CHECKING:
    from medhavi.planners.promising.asking import Request
    from medhavi.planners.promising.book import Undo
    from medhavi.snapshot import Snapshot


@dataclass(frozen=True, slots=True, kw_only=True)
class Answers:
    """Promises in the order of the requests, what was odd, and how they came about."""

    promises: tuple[Promise, ...]
    findings: tuple[Finding, ...]
    run: RunRecord


def promise(
    snapshot: Snapshot, requests: object, policy: str | None = None
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

    Returns
    -------
    list of Promise
        One per request, in the order given.

    Raises
    ------
    BadData
        Tables or requests have errors; all are named.
    """
    return list(answer(snapshot, requests, policy).promises)


def answer(snapshot: Snapshot, requests: object, policy: str | None = None) -> Answers:
    """Answer requests as `promise` does, with findings and the record of the run."""
    return answer_on(Book.from_snapshot(snapshot), requests, policy)


def answer_on(book: Book, requests: object, policy: str | None = None) -> Answers:
    """Answer requests on an open book, which takes the holds of what is promised."""
    snapshot = book.snapshot
    asked = read_requests(requests, snapshot)
    made = quote_all(book, asked.requests, policy)
    exact = all(one.exact for one in made)
    run = RunRecord(
        planner="promising",
        mode="promise",
        package_version=__version__,
        snapshot_fingerprint=snapshot.fingerprint,
        as_of=book.now,
        settings={"policy": policy},
        seed=SEED,
        status=Status.FEASIBLE if exact else Status.HEURISTIC,
        effort={"requests": float(len(made))},
    )
    warnings = (*book.policies.findings, *book.stages.material.findings)
    return Answers(promises=tuple(made), findings=(*asked.findings, *warnings), run=run)


def quote_all(
    book: Book,
    requests: tuple[Request, ...],
    policy: str | None = None,
    *,
    detail: str = "full",
) -> list[Promise]:
    """Answer by priority, due, position; give the answers in the order of the file.

    `detail` is that of `quote`; the book keeps the holds of what is promised.
    """
    answers: dict[int, Promise] = {}
    taken: dict[int, Undo] = {}
    order = sorted(requests, key=lambda one: (one.priority, one.due, one.position))
    for request in order:
        used = book.policies.of(request, policy)
        made = quote(book, request, used, detail=detail)
        answers[request.position] = made
        if made.status is not PromiseStatus.REJECTED:
            taken[request.position] = book.take(made)
    for group in whole_orders(book, requests, policy):
        made_whole = completed([answers[one.position] for one in group])
        for request, made in zip(group, made_whole, strict=True):
            answers[request.position] = made
            undo = taken.get(request.position)
            if made.status is PromiseStatus.REJECTED and undo is not None:
                book.give_back(undo)
    return [answers[request.position] for request in requests]
