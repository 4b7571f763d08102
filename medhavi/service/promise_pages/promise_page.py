"""What the promise app shows: answers to a form or a file, or what is in its way.

Quoting changes nothing: a book of promises is taken from the tables, asked, and left as
it was. A commit goes through the promise desk, which asks again.
"""

from __future__ import annotations

import csv
import datetime as dt
import io
import threading
import uuid
from collections import Counter, OrderedDict
from collections.abc import Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from functools import partial
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING, Any, ClassVar, NamedTuple

import polars as pl

from medhavi.errors import UsageError
from medhavi.planners.promising.answering import Curve, arrival_curve
from medhavi.planners.promising.option_search import OptionSearch
from medhavi.planners.promising.promise_ledger import PromiseLedger
from medhavi.planners.promising.quoting import quote
from medhavi.planners.promising.reasons import sensitivity
from medhavi.planners.promising.supply_search.requests import (
    ASKED,
    Request,
    columns,
    read_requests,
)
from medhavi.planners.promising.what_if import asked_again, book_with
from medhavi.progress import Progress
from medhavi.results.amounts import read_amount
from medhavi.results.promises.parts import PromiseVariant
from medhavi.results.promises.promise import Promise
from medhavi.schema import PLANNED_STATUS, tables
from medhavi.schema.template import columns_in_order
from medhavi.service.data_source import DataSource
from medhavi.service.jobs.job import JobLane, OwnWork
from medhavi.service.jobs.open_pages import result_of
from medhavi.service.page_data import (
    PageData,
    PageProblem,
    bench_of,
    problem_of,
    read_moment,
    read_snapshot,
)
from medhavi.snapshot.reading.request_rows import TABLE
from medhavi.units import from_seconds, to_seconds
from medhavi.views.names import local
from medhavi.views.promises.picture import quantile_curve
from medhavi.views.promises.words import promise_names
from medhavi.views.words import say

if TYPE_CHECKING:
    from collections.abc import Iterator

    from medhavi.progress import Cancelled, Observe
    from medhavi.results.promises.parts import PromiseVariant
    from medhavi.schema import Table
    from medhavi.snapshot import Snapshot
    from medhavi.views.names import Names
    from medhavi.workbench.promise_desk.promise_desk import PromiseDesk


MOST = 500
"""Answers that are kept of each source."""
_SOURCES = 8
_kept: OrderedDict[str, OrderedDict[str, Promise]] = OrderedDict()
_lock = threading.Lock()


def remember(source: str, promises: Sequence[Promise]) -> None:
    """Keep answers; the oldest go, and asking the same again counts once."""
    with _lock:
        known = _kept.setdefault(source, OrderedDict())
        _kept.move_to_end(source)
        while len(_kept) > _SOURCES:
            _kept.popitem(last=False)
        for one in promises[-MOST:]:
            question = _question(one)
            known[question] = one
            known.move_to_end(question)
            if len(known) > MOST:
                known.popitem(last=False)


def _question(one: Promise) -> str:
    """Key of a question without the id that each asking has of its own."""
    cells = {name: cell for name, cell in one.demand.items() if name != "demand"}
    return f"{one.request}|{sorted(map(str, cells.items()))}"


def recent(source: str) -> tuple[Promise, ...]:
    """Kept answers of a source, the oldest first."""
    with _lock:
        return tuple(_kept.get(source, {}).values())


def forget() -> None:
    """Keep nothing any more."""
    with _lock:
        _kept.clear()


_MOST_CHOICES = 5000


@dataclass(frozen=True, slots=True, kw_only=True)
class FormChoices:
    """What a form offers: label to id, the usual first; `first` fills the form."""

    products: Mapping[str, str]
    locations: Mapping[str, str]
    customers: Mapping[str, str]
    policies: Sequence[str]
    first: Mapping[str, object]


def choices(snapshot: Snapshot, names: Names) -> FormChoices:
    """What may be asked for: products and places with demand first."""
    demands = snapshot["demands"].filter(pl.col("status").is_in(PLANNED_STATUS))
    usual = demands.sort("due", "demand").row(0, named=True) if demands.height else {}
    products = _ordered(demands["product"], snapshot["products"]["product"])
    places = _ordered(demands["location"], snapshot["locations"]["location"])
    customers = _ordered(demands["customer"], snapshot["customers"]["customer"])
    return FormChoices(
        products={_product(one, names): one for one in products},
        locations={names.both(one): one for one in places},
        customers={names.both(one): one for one in customers},
        policies=snapshot["promise_policies"]["policy"].to_list(),
        first={
            "product": usual.get("product") or next(iter(products), None),
            "location": usual.get("location") or next(iter(places), None),
            "customer": usual.get("customer"),
            "qty": f"{usual.get('qty', 1.0):,.15g}",
            "due": _first_due(snapshot, demands, usual, names),
        },
    )


def _product(product: str, names: Names) -> str:
    """Name, id and unit: quantities count in it."""
    unit = names.unit(product)
    return names.both(product) + ("" if unit == "each" else f", in {unit}")


def _ordered(wanted: pl.Series, known: pl.Series) -> list[str]:
    """List the ids that are asked for most first, then the others."""
    counted = wanted.drop_nulls().value_counts(sort=True)
    often = counted.sort("count", counted.columns[0], descending=[True, False])
    first = often[counted.columns[0]].to_list()
    seen = set(first)
    return [*first, *(one for one in known.sort() if one not in seen)][:_MOST_CHOICES]


USUAL_NOTICE = dt.timedelta(days=21)
"""Time from now to the due date that a form begins with, at least."""


def _first_due(
    snapshot: Snapshot, demands: pl.DataFrame, usual: Mapping[str, Any], names: Names
) -> str:
    """Due date of the first demand; where that is too soon, `USUAL_NOTICE` from now.

    It has the time of day at which most demands of the place are due then. A day
    without a time means its end.
    """
    place = usual.get("location")
    zone = names.zone_of(place)
    soonest = local(from_seconds(snapshot.as_of) + USUAL_NOTICE, zone)
    here = demands.filter(pl.col("location") == pl.lit(place, pl.String))
    dues = [local(one, zone) for one in here["due"]]
    first = min(dues, default=None)
    if first is not None and first >= soonest:
        return _due_text(first)
    ((clock, _),) = Counter(one.time() for one in dues).most_common(1) or [(_DAY, 0)]
    day = soonest.date() + dt.timedelta(days=clock == _DAY)
    return _due_text(dt.datetime.combine(day, clock))


_DAY = dt.time()
"""Time of day of a due date that states none: the midnight that ends its day."""


def _due_text(due: dt.datetime) -> str:
    if due.time() == _DAY:
        return f"{due - dt.timedelta(days=1):%Y-%m-%d}"
    return f"{due:%Y-%m-%d %H:%M}"


def read_quantity(value: object, product: str, snapshot: Snapshot) -> float:
    """Read a quantity in base units; text may name another unit of the product.

    Parameters
    ----------
    value
        A number, or text such as "3,650" or "12 case".
    product
        Whose units count (`uom_conversions`).

    Raises
    ------
    UsageError
        It is no quantity, or the product has no such unit.
    """
    if isinstance(value, (int, float)):
        return float(value)
    found = read_amount(str(value or ""))
    if found is None:
        raise UsageError(say("not_a_quantity", repr(value or "")))
    amount, unit = found
    units = _units(product, snapshot)
    if unit and unit not in units:
        known = ", ".join(units) or "none"
        message = f"{product} has no unit {unit!r}; it is counted in {known}."
        raise UsageError(message)
    return amount * units.get(unit, 1.0)


def _units(product: str, snapshot: Snapshot) -> dict[str, float]:
    """Units of a product with how many base units each is."""
    base = snapshot["products"].filter(pl.col("product") == product)["uom"].to_list()
    others = snapshot["uom_conversions"].filter(pl.col("product") == product)
    return {
        **dict.fromkeys(base, 1.0),
        **dict(others.select("uom", "factor").iter_rows()),
    }


_books: dict[str, PromiseLedger] = {}
REQUEST = "request"
"""Key of changed cells of the request among the rows of a remedy."""


@dataclass(frozen=True, slots=True, kw_only=True)
class PromisePage:
    """The answer to one request; `promise` is None where `problem` says why.

    `due` is in UTC seconds. `binding` says whether it can be committed from here,
    `row` is the request as a file would have it, `curve` the chance at every date,
    `policy` the cells of the policy that counts for it.
    """

    promise: Promise | None = None
    request: Request | None = None
    row: Mapping[str, object] = field(default_factory=dict)
    curve: Curve = ()
    policy: Mapping[str, object] = field(default_factory=dict)
    due: int | None = None
    qty: float = 0.0
    binding: bool = False
    problem: PageProblem | None = None


def named(data: PageData) -> PageData:
    """Data with names for places, routings and lanes too."""
    if data.snapshot is None or data.problem is not None:
        return data
    return replace(data, names=promise_names(data.snapshot, data.names))


@contextmanager
def open_book(data: PageData) -> Iterator[PromiseLedger]:
    """Live book of a lake, else one of the tables; nobody else asks it then.

    Raises
    ------
    UsageError
        There are no tables.
    """
    desk = desk_of(data)
    if desk is not None:
        with desk.look() as book:
            yield book
        return
    with _lock:
        if data.snapshot is None:
            message = "There are no tables to ask."
            raise UsageError(message)
        yield _book(data.snapshot)


@contextmanager
def binding_desk(data: PageData) -> Iterator[PromiseDesk | None]:
    """Desk of a lake, which takes callers in turn; None without a store."""
    yield desk_of(data)


def ask(data: PageData, form: Mapping[str, object]) -> PromisePage:
    """Answer a form; nothing is written.

    Parameters
    ----------
    data
        Tables of the page, without a problem.
    form
        product, location, qty (a number, or text with a unit), due (local text of the
        place), and if stated customer, priority, policy, and `cells`, a mapping of
        further cells of the request.
    """
    if data.snapshot is None:
        return PromisePage(problem=data.problem)
    try:
        row = _row(form, data)
        large = is_large(data.snapshot, row)
        quoted = _large_quote(data, row) if large else quote_row(data, row)
        if isinstance(quoted, PageProblem):
            return PromisePage(problem=quoted)
        call, promise = quoted
        with open_book(data) as book:
            [request] = read_requests([row], book.snapshot, book.named, call).requests
            used = book.policies.of(request, None)
            curve = _curve(OptionSearch(book, request, used), promise)
    except Exception as failure:  # noqa: BLE001 - a page shows what went wrong
        return PromisePage(problem=problem_of(failure))
    remember(str(data.source), [promise])
    return PromisePage(
        promise=promise,
        request=request,
        row=row,
        curve=curve,
        policy=used.as_row(),
        due=to_seconds(row["due"]),
        qty=float(row["qty"]),
        binding=desk_of(data) is not None and promise.date is not None,
    )


def _curve(search: OptionSearch, promise: Promise) -> Curve:
    """Curve of an answer; of one that takes from others its quantiles.

    All curves can be dragged: where one that cannot follows another, marimo listens to
    the picture of before for what the new one drags.
    """
    return arrival_curve(search, promise) or quantile_curve(promise)


def read_facts(
    source: DataSource, known_at: str, effective_at: str, observe: Observe
) -> PageData:
    """Tables that a job of the promise desk asks, as an address states the moments."""
    observe(Progress(say("reading_the_tables")))
    return PageData(
        source=source,
        known_at=known_at,
        effective_at=effective_at,
        snapshot=read_snapshot(source, known_at, effective_at),
    )


class QuoteResult(NamedTuple):
    """Answer to a line, and the call that tells it from equal ones."""

    call: str
    promise: Promise


LARGE = 5.0
"""Times the largest demand of its product from which a quantity is answered by a job.

Its orders are many, and each is tried: the page would wait, and whoever asks meanwhile.
"""


def is_large(snapshot: Snapshot, row: Mapping[str, Any]) -> bool:
    """Whether a line asks for far more than any demand for its product, or for any."""
    demands = snapshot["demands"]
    own = demands.filter(pl.col("product") == row["product"])
    most = (own if own.height else demands)["qty"].max()
    return most is not None and row["qty"] > LARGE * float(most)  # type: ignore[arg-type]


def quote_row(data: PageData, row: Mapping[str, Any]) -> QuoteResult:
    """Answer to the cells of a line, by the desk where there is one."""
    desk = desk_of(data)
    call = "" if desk is None else str(uuid.uuid4())
    if desk is not None:
        return QuoteResult(call, desk.answer([row], call=call).promises[0])
    with open_book(data) as book:
        [request] = read_requests([row], book.snapshot, book.named, call).requests
        used = book.policies.of(request, None)
        return QuoteResult(call, quote(book, request, used))


def _large_quote(data: PageData, row: Mapping[str, Any]) -> QuoteResult | PageProblem:
    """Answer to a line that a job makes; what is done about it meanwhile."""
    assert data.snapshot is not None
    asked = QuoteRequest(
        source=data.source,
        row=tuple(sorted(row.items())),
        facts=data.snapshot.fingerprint,
        known_at=data.known_at,
        effective_at=data.effective_at,
    )
    told = say("the_request_is_being_answered")
    return result_of(asked, lambda: quote_row(data, row), told)


@dataclass(frozen=True, slots=True, kw_only=True)
class QuoteRequest(OwnWork):
    """Answer to a line of a large quantity; nothing is written.

    Parameters
    ----------
    row
        Cells of the line.
    facts
        Fingerprint of the tables; others get another answer.
    known_at, effective_at
        Moments as an address states them; empty: the newest facts.
    """

    source: DataSource
    row: tuple[tuple[str, Any], ...]
    facts: str
    known_at: str = ""
    effective_at: str = ""
    lane: ClassVar = JobLane.LONG

    @property
    def title(self) -> str:
        """Name of the work, for people."""
        return say("quote_of_a_large_quantity")

    def run(self, observe: Observe, cancelled: Cancelled) -> QuoteResult:  # noqa: ARG002
        """Answer the line, with the desk of this process where there is one."""
        data = read_facts(self.source, self.known_at, self.effective_at, observe)
        observe(Progress(say("choices_are_tried")))
        return quote_row(data, dict(self.row))


def variants_of(data: PageData, page: PromisePage) -> tuple[PromiseVariant, ...]:
    """What would be promised if one thing of an answer were asked for otherwise."""
    if page.promise is None or page.request is None:
        return ()
    with open_book(data) as book:
        used = book.policies.of(page.request, None)
        search = OptionSearch(book, page.request, used)
        return sensitivity(search, page.promise, partial(quote, detail="date"))


def ask_changed(data: PageData, page: PromisePage, place: int) -> PromisePage:
    """Answer once more with a remedy's rows in place; nothing is written.

    Parameters
    ----------
    page
        An answer with remedies.
    place
        Which of them, from 0.

    Returns
    -------
    PromisePage
        It binds only where the question alone changes: other rows are not there yet.
    """
    if page.promise is None or page.request is None:
        return PromisePage(problem=page.problem)
    try:
        rows = page.promise.remedies[place].rows
        with open_book(data) as book:
            other = book_with(book, rows)
            request = asked_again(page.request, rows)
            promise = quote(other, request)
            used = other.policies.of(request)
            curve = _curve(OptionSearch(other, request, used), promise)
    except Exception as failure:  # noqa: BLE001 - a page shows what went wrong
        return PromisePage(problem=problem_of(failure))
    return PromisePage(
        promise=promise,
        request=request,
        row={**page.row, **_stated(rows)},
        curve=curve,
        due=request.due,
        qty=request.qty,
        binding=page.binding and only_asks_else(rows) and promise.date is not None,
    )


def only_asks_else(rows: Mapping[str, Sequence[Mapping[str, object]]]) -> bool:
    """Whether a remedy changes the question alone."""
    return set(rows) <= {REQUEST}


def _stated(rows: Mapping[str, Sequence[Mapping[str, object]]]) -> dict[str, object]:
    return {name: value for row in rows.get(REQUEST, ()) for name, value in row.items()}


def _row(form: Mapping[str, object], data: PageData) -> dict[str, Any]:
    assert data.snapshot is not None
    place, product = str(form.get("location") or ""), str(form.get("product") or "")
    zone = data.names.zone_of(place)
    due = read_moment(str(form.get("due") or ""), zone, "end")
    if due is None:
        message = "A request needs a due date, like 2026-12-04 or 2026-12-04 14:00."
        raise UsageError(message)
    cells = form.get("cells") or {}
    assert isinstance(cells, Mapping)
    stated = {
        name: form[name]
        for name in ("product", "location", "customer", "priority", "policy")
        if form.get(name) not in {None, ""}
    }
    qty = read_quantity(form.get("qty"), product, data.snapshot)
    return {**stated, "qty": qty, "due": due.astimezone(dt.UTC), **cells}


def desk_of(data: PageData) -> PromiseDesk | None:
    """Desk of a lake; None where no event store is known."""
    bench = bench_of(data.source)
    return None if bench is None else bench.desk


def _book(snapshot: Snapshot) -> PromiseLedger:
    """Promise ledger of the tables; the last one stays, for people ask again."""
    key = snapshot.fingerprint
    if key not in _books:
        _books.clear()
        _books[key] = PromiseLedger.from_snapshot(snapshot)
    return _books[key]


FIRST = ("sales_order", "line", "customer", *ASKED, "priority", "policy")
"""Columns that a template shows first."""


# ---------------------------------------------------------------------- the template
def template_xlsx(page: PromisePage | None = None) -> bytes:
    """Workbook to fill, its first row the request of a page."""
    from medhavi.workbench.files.template_files import write_table_template

    with TemporaryDirectory(prefix="medhavi-") as folder:
        path = Path(folder) / "requests.xlsx"
        write_table_template(path, _table(), [_example(page)] if page else [])
        return path.read_bytes()


def template_csv(page: PromisePage | None = None) -> bytes:
    """Same columns as CSV."""
    written = io.StringIO()
    names = [column.name for column in columns_in_order(_table())]
    writer = csv.DictWriter(written, names, restval="", lineterminator="\n")
    writer.writeheader()
    if page is not None:
        writer.writerow(_example(page))
    return written.getvalue().encode()


def _table() -> Table:
    """Requests as a table: demands without what nobody asks for."""
    known = columns()
    ordered = [*FIRST, *(name for name in known if name not in FIRST)]
    return replace(
        tables()["demands"],
        name=TABLE,
        columns={name: known[name] for name in ordered},
    )


def _example(page: PromisePage) -> dict[str, object]:
    row = dict(page.row)
    if page.due is not None:
        row["due"] = from_seconds(page.due).strftime("%Y-%m-%dT%H:%M:%SZ")
    return row
