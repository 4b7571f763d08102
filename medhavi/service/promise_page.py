"""What the promise app shows: the answer to a form, or what stands in its way.

Quoting changes nothing: a book of promises is taken from the tables, asked, and left as
it was. A commit goes through the promise desk, which asks again.
"""

from __future__ import annotations

import datetime as dt
import threading
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import polars as pl

from medhavi.errors import UsageError
from medhavi.findings import Finding
from medhavi.planners.promising.asking import read_requests
from medhavi.planners.promising.book import Book
from medhavi.planners.promising.quoting import quote
from medhavi.results.promise import Promise
from medhavi.service.page_data import (
    Problem,
    bench_of,
    findings_of,
    problem_of,
    read_moment,
)
from medhavi.units import to_seconds
from medhavi.workbench.gives_way import gives_way

if TYPE_CHECKING:
    from medhavi.service.page_data import PageData
    from medhavi.snapshot import Snapshot
    from medhavi.views.names import Names
    from medhavi.workbench.promise_desk import PromiseDesk

_lock = threading.Lock()
_books: dict[str, Book] = {}
_MOST_CHOICES = 5000


@dataclass(frozen=True, slots=True, kw_only=True)
class PromisePage:
    """The answer to one request; `promise` is None where `problem` says why.

    `due` is in UTC seconds. `binding` says whether it can be committed from here.
    """

    promise: Promise | None = None
    due: int | None = None
    qty: float = 0.0
    binding: bool = False
    problem: Problem | None = None
    findings: tuple[Finding, ...] = field(default=())


@dataclass(frozen=True, slots=True, kw_only=True)
class Said:
    """What became of a commit, for people."""

    title: str
    text: str
    kept: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class Choices:
    """What a form offers: label to id, the usual first; `first` fills the form."""

    products: Mapping[str, str]
    locations: Mapping[str, str]
    customers: Mapping[str, str]
    policies: Sequence[str]
    first: Mapping[str, object]


def choices(snapshot: Snapshot, names: Names) -> Choices:
    """Give what may be asked for: products and places with demand first."""
    demands = snapshot["demands"].filter(pl.col("status").is_in(("open", "quote")))
    usual = demands.sort("due", "demand").row(0, named=True) if demands.height else {}
    products = _ordered(demands["product"], snapshot["products"]["product"])
    places = _ordered(demands["location"], snapshot["locations"]["location"])
    customers = _ordered(demands["customer"], snapshot["customers"]["customer"])
    return Choices(
        products={names.both(one): one for one in products},
        locations={names.both(one): one for one in places},
        customers={names.both(one): one for one in customers},
        policies=snapshot["promise_policies"]["policy"].to_list(),
        first={
            "product": usual.get("product") or next(iter(products), None),
            "location": usual.get("location") or next(iter(places), None),
            "customer": usual.get("customer"),
            "qty": usual.get("qty", 1.0),
            "due": _first_due(snapshot, usual),
        },
    )


def _ordered(wanted: pl.Series, known: pl.Series) -> list[str]:
    """List the ids that are asked for most first, then the others."""
    counted = wanted.drop_nulls().value_counts(sort=True)
    often = counted.sort("count", counted.columns[0], descending=[True, False])
    first = often[counted.columns[0]].to_list()
    seen = set(first)
    return [*first, *(one for one in known.sort() if one not in seen)][:_MOST_CHOICES]


def _first_due(snapshot: Snapshot, usual: Mapping[str, Any]) -> str:
    """Give the due date of the first demand, but not less than three weeks from now."""
    begin = dt.datetime.fromtimestamp(snapshot.as_of, dt.UTC)
    due = usual.get("due") or begin
    return f"{max(begin + dt.timedelta(days=21), due):%Y-%m-%d}"


def ask(
    data: PageData, form: Mapping[str, object], *, past: bool = False
) -> PromisePage:
    """Answer a form; nothing is written.

    Parameters
    ----------
    data
        Tables of the page, without a problem.
    form
        product, location, qty, due (local text), and if stated customer, priority,
        policy, and `cells`, a mapping of further cells of the request.
    past
        The tables are of a chosen moment: what was committed since does not count.
    """
    if data.snapshot is None:
        return PromisePage(problem=data.problem)
    try:
        row = _row(form, data.names.zone)
        due = to_seconds(row["due"])
        with _lock:
            desk = None if past else _desk(data)
            promise = (
                _quoted(data.snapshot, row) if desk is None else desk.quote([row])[0]
            )
    except Exception as failure:  # noqa: BLE001 - a page shows what went wrong
        return PromisePage(problem=problem_of(failure), findings=findings_of(failure))
    return PromisePage(
        promise=promise,
        due=due,
        qty=float(row["qty"]),
        binding=desk is not None and promise.date is not None,
    )


def commit(data: PageData, page: PromisePage, approver: str) -> Said:
    """Make an answer binding; a conflict and a failure are told in words."""
    if not approver.strip():
        return Said(
            title="Nobody has approved it",
            text="A promise is made by somebody: fill in the approver.",
            kept=False,
        )
    try:
        with _lock:
            desk = _desk(data) if page.binding else None
            if page.promise is None or desk is None:
                return Said(
                    title="There is nothing to promise",
                    text="Quote something that can be kept.",
                    kept=False,
                )
            done = desk.commit(page.promise, approver=approver)
    except Exception as failure:  # noqa: BLE001 - a page shows what went wrong
        problem = problem_of(failure)
        return Said(title=problem.title, text=problem.text, kept=False)
    if not done.committed:
        return Said(
            title="Others came first", text=f"{done.text} ({done.code})", kept=False
        )
    again = " It was promised before; nothing was written again." * done.replayed
    moved = [line.line for line in gives_way(done.promises)]
    if moved and not done.replayed:
        names = ", ".join(one.sales_order or one.demand for one in moved)
        again = f" {names} gave way and has a new date."
    return Said(
        title="Promised",
        text=f"{len(done.reservations)} reservations, approved by {approver}."
        f"{again} Plans see it after the next mirror.",
        kept=True,
    )


def _row(form: Mapping[str, object], zone: str) -> dict[str, Any]:
    due = read_moment(str(form.get("due") or ""), zone)
    if due is None:
        message = "A request needs a due date, like 2026-12-04 or 2026-12-04 14:00."
        raise UsageError(message)
    cells = form.get("cells") or {}
    assert isinstance(cells, Mapping)
    stated = {
        name: form[name]
        for name in ("product", "location", "qty", "customer", "priority", "policy")
        if form.get(name) not in {None, ""}
    }
    return {**stated, "due": due.astimezone(dt.UTC), **cells}


def _desk(data: PageData) -> PromiseDesk | None:
    """Give the desk of a lake; None where no event store is known."""
    bench = bench_of(data.source)
    return None if bench is None else bench.desk


def _quoted(snapshot: Snapshot, row: Mapping[str, object]) -> Promise:
    """Ask a book of the tables; the last book stays, for people ask again."""
    key = snapshot.fingerprint
    if key not in _books:
        _books.clear()
        _books[key] = Book.from_snapshot(snapshot)
    book = _books[key]
    [request] = read_requests([row], snapshot).requests
    return quote(book, request, book.policies.of(request, None))
