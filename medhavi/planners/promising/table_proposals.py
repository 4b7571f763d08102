"""Rows of tables that could be others for a late answer, by what limits it."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, NamedTuple

import polars as pl

from medhavi.edits.remedy_changes import (
    Proposal,
    WaitingScope,
    earlier_order,
    ended_disruptions,
    extra_departure,
    faster_supplier,
    one_unit_more,
    other_resources,
    proposal,
    rows_of_faster,
)
from medhavi.providers.capacity.alternate_resources import named_by
from medhavi.results.amounts import duration
from medhavi.results.limiter import Limiter, RemedyKind
from medhavi.snapshot.snapshot import ACTIVE
from medhavi.units import DAY, MINUTE, from_seconds, from_units, units_up

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping, Sequence
    from typing import Any

    from medhavi.planners.promising.option_search import Offered, OptionSearch
    from medhavi.planners.promising.promise_ledger import PromiseLedger
    from medhavi.planners.promising.supply_search.alternatives import SupplyAllocation
    from medhavi.results.promises.promise import Promise, PromiseReason

    Rows = Mapping[str, tuple[Mapping[str, object], ...]]

MOST_OF_A_KIND = 3
"""Holds that could go, or ways that could be opened, for one reason."""


class LateCase(NamedTuple):
    """A late answer and one of its reasons."""

    quest: OptionSearch
    answer: Promise
    reason: PromiseReason

    @property
    def best(self) -> Offered | None:
        """The earliest option, closed or not."""
        return min(self.quest.offered, key=lambda one: one.times.date, default=None)

    @property
    def date(self) -> int | None:
        """When it is there now, or would be if nothing closed the earliest option."""
        best = self.best
        return self.answer.date or (None if best is None else best.times.date)

    def rows(self, table: str, column: str) -> list[dict[str, Any]]:
        """Rows of a table that the reason names."""
        frame = self.quest.book.snapshot[table]
        return frame.filter(pl.col(column) == self.reason.subject).to_dicts()

    def pieces(self, *kinds: str) -> list[SupplyAllocation]:
        """Parts of the earliest option of some kinds, the last first."""
        best = self.best
        if best is None:
            return []
        found = [one for one in best.times.evaluation.pieces() if one.kind in kinds]
        return sorted(found, key=lambda one: -one.ready)


def table_proposals(case: LateCase) -> Iterator[Proposal]:
    """Rows that a reason suggests to change."""
    for maker in _BY_CODE.get(case.reason.code, ()):
        yield from maker(case)


# ----------------------------------------------------------------- supply and material
def _faster_supplier(case: LateCase) -> Iterator[Proposal]:
    """Expedite the binding supplier as far as the due date needs."""
    if case.date is None:
        return
    late = case.date - case.quest.request.due
    yield from _faster(case.quest, case.reason.subject, late)
    bought = case.pieces("buy")
    # Others that come after what the due date needs are in the way as well.
    for supplier, ready in {
        piece.source.source: piece.ready
        for piece in reversed(bought)
        if piece.source is not None and piece.source.source != case.reason.subject
    }.items():
        by = late - (bought[0].ready - ready)
        if by > 0:
            for one in _faster(case.quest, supplier, by):
                yield one._replace(alone=False)


def _faster(quest: OptionSearch, supplier: str, by: int) -> Iterator[Proposal]:
    """Expedite what a supplier brings to the options, by so much [s].

    A minute more is asked for: times are stated in days, and their parts are rounded.
    """
    bought = {
        (
            (str(piece.source.row["product"]), str(piece.source.row["location"])),
            piece.source.product,
        )
        for one in quest.offered
        for piece in one.times.evaluation.pieces()
        if piece.kind == "buy"
        and piece.source is not None
        and piece.source.source == supplier
    }
    book = quest.book
    terms, numbers = book.snapshot["supply_terms"], book.terms_by_key
    sold = sorted({n for key, _ in bought for n in numbers.get((supplier, *key), ())})
    lead_times = book.providers.lead_times
    found = [
        faster_supplier(row, product, lead_times, (by + MINUTE) / DAY, 0.0)
        for row in (terms.row(number, named=True) for number in sold)
        for key, product in sorted(bought)
        if (row["product"], row["location"]) == key
    ]
    if found:
        hours = 24 * max(one.days for one in found)
        when = f"in {duration(hours)}" if hours >= 1 else "at once"
        text = f"{supplier} delivers {when}"
        yield Proposal(RemedyKind.EXPEDITE, text, rows_of_faster(found))


def _earlier_order(case: LateCase) -> Iterator[Proposal]:
    """Bring the order forward that is waited for."""
    if case.answer.date is None:
        return
    behind = case.answer.date - case.quest.request.due
    for row in case.rows("supply_orders", "supply_order"):
        # A planned order is the plan's to move, and counts here with a part of it.
        if row["supply_order"] in (case.quest.book.counted_on or ()):
            continue
        sooner = earlier_order(row, behind, case.quest.book.now)
        if sooner is not None:
            yield sooner


def _cut_purchase(case: LateCase) -> Iterator[Proposal]:
    """Buy in orders of what a supplier delivers in a period (rule 33)."""
    periods = case.quest.book.snapshot["supply_terms"]["capacity_per_period"]
    if periods.null_count() == len(periods):
        return
    for row in case.rows("supply_terms", "supplier"):
        most = row["capacity_per_period"]
        if most is None or most < row["moq"] or most >= (row["max_lot"] or math.inf):
            continue
        text = f"buy {row['product']} of {row['supplier']} in orders of {most:g}"
        changed = {**row, "max_lot": most}
        yield proposal(RemedyKind.SMALLER_LOT, text, supply_terms=[changed])


def _more_supply(case: LateCase) -> Iterator[Proposal]:
    """Have a purchase in the books that brings what is missing in time."""
    quest, book = case.quest, case.quest.book
    waiting = case.pieces("stock", "buy")
    short = case.answer.qty < quest.request.qty
    if waiting and not (short and case.answer.date) and case.date is not None:
        product, place = waiting[0].product, waiting[0].location
        when = max(waiting[0].ready - (case.date - quest.request.due), book.now)
        steps = sum(
            one.steps
            for one in waiting
            if (one.product, one.location) == (product, place) and one.ready > when
        )
    else:
        product = quest.request.product
        place, when = _nearest(quest)
        wanted = units_up(quest.request.qty, book.stages.step(product))
        steps = wanted - max(book.stages.line(product, place).available(when), 0)
    sources = book.stages.sources(product, place)
    sellers = [one.source for one in sources if one.kind == "buy"]
    if steps <= 0 or (sources and not sellers):
        return
    qty = from_units(steps, book.stages.step(product))
    row = {
        "supply_order": f"more {product} at {place}",
        "kind": "purchase",
        "product": product,
        "location": place,
        "qty": qty,
        "due": from_seconds(when),
        "source": sellers[0] if sellers else None,
    }
    text = f"buy {qty:g} more of {product} for {place}, there by {row['due']:%Y-%m-%d %H:%M} UTC"
    yield proposal(RemedyKind.BUY_MORE, text, supply_orders=[row])


def _nearest(quest: OptionSearch) -> tuple[str, int]:
    """Nearest place that has stock, and when goods must be there [s]."""
    book, request = quest.book, quest.request
    reached = book.reach.of(request.product, request.location, None)
    place = (*reached.origins, request.location)[0]
    mark = book.stages.mark()
    found = book.stages.itinerary(
        request.product,
        1,
        (place, book.now),
        request.location,
        reached.forbidden,
    )
    book.stages.undo_transport(mark)
    way = 0 if found is None else found.arrival - book.now
    return place, max(request.due - way, book.now)


def _other_product(case: LateCase) -> Iterator[Proposal]:
    """Permit a substitute here and now that is one elsewhere or at other times."""
    request = case.quest.request
    frame = case.quest.book.snapshot["substitutes"]
    known = frame.filter(pl.col("product") == request.product).to_dicts()
    for row in known[:MOST_OF_A_KIND]:
        here = {"location": request.location, "valid_from": None, "valid_to": None}
        text = f"deliver {row['substitute']} instead"
        changed = {**row, **here}
        yield proposal(RemedyKind.SUBSTITUTE, text, substitutes=[changed])


# ------------------------------------------------------------------------------- holds
def _released(case: LateCase) -> Iterator[Proposal]:
    """Release the hold in the way."""
    for row in case.rows("reservations", "reservation"):
        text = f"release the hold {case.reason.subject}"
        changed = {**row, "state": "released"}
        yield proposal(RemedyKind.RELEASE_HOLD, text, reservations=[changed])


def _less_important(case: LateCase) -> Iterator[Proposal]:
    """Release holds of less important lines, the least important first."""
    quest, subject = case.quest, case.reason.subject
    product, _, place = subject.partition("|")
    for named in case.rows("reservations", "reservation"):
        product, place = named["subject"], named["location"] or ""
    holds = quest.book.snapshot["reservations"].filter(
        pl.col("state").is_in(ACTIVE)
        & (pl.col("subject") == product)
        & pl.col("demand").is_not_null()
        & (pl.col("location").fill_null("") == place)
    )
    found = []
    for row in holds.to_dicts():
        line = quest.book.providers.commitments.demand(row["demand"])
        weaker = line is not None and line["priority"] > quest.request.priority
        if line is not None and weaker and row["reservation"] != subject:
            found.append((-line["priority"], row["reservation"], row))
    for priority, name, row in sorted(found, key=lambda one: one[:2])[:MOST_OF_A_KIND]:
        text = f"take the hold {name} of {row['demand']} (priority {-priority})"
        changed = {**row, "state": "released"}
        yield proposal(RemedyKind.SWAP, text, reservations=[changed])


# --------------------------------------------------------------------------- resources
def _one_more(case: LateCase) -> Iterator[Proposal]:
    """Add one more unit of the resource until the promised date."""
    if case.answer.date is None:
        return
    now = case.quest.book.now
    for row in case.rows("resources", "resource"):
        stated = case.rows("resource_units", "resource")
        rows = one_unit_more(row, stated, now, case.answer.date)
        text = f"one more {case.reason.subject} until then"
        yield proposal(RemedyKind.OVERTIME, text, resource_units=rows)


def _smaller_lot(case: LateCase) -> Iterator[Proposal]:
    """Make no more than what is needed; cut an order that no opening can hold."""
    frame = case.quest.book.snapshot["routings"]
    for piece in case.pieces("make"):
        if piece.source is None or not piece.surplus:
            continue
        (row,) = frame.filter(pl.col("routing") == piece.source.source).to_dicts()
        text = f"make only what is needed by {row['routing']}"
        cells = {"min_lot": 0.0, "lot_multiple": 0.0}
        yield proposal(RemedyKind.SMALLER_LOT, text, routings=[{**row, **cells}])


def _cut_order(case: LateCase) -> Iterator[Proposal]:
    """Cut an order that no opening of a resource can hold in one piece."""
    routing, _, _ = case.reason.subject.partition("|")
    frame = case.quest.book.snapshot["routings"]
    for row in frame.filter(pl.col("routing") == routing).to_dicts():
        step = case.quest.book.stages.step(row["product"])
        half = from_units(units_up(case.quest.request.qty, step) // 2, step)
        if half > 0:
            text = f"make orders of {half:g} by {routing}"
            changed = {**row, "min_lot": 0.0, "max_lot": half}
            yield proposal(RemedyKind.SMALLER_LOT, text, routings=[changed])


def _other_resource(case: LateCase) -> Iterator[Proposal]:
    """Add another resource, where the tables show one that can."""
    snapshot, subject = case.quest.book.snapshot, case.reason.subject
    names, steps = {subject}, _steps_on(case, subject)
    if not steps:
        routing, _, number = subject.partition("|")
        steps = {(routing, int(number))} if number.isdecimal() else set()
        names = named_by(snapshot, steps)
    for name in sorted(names):
        yield from other_resources(snapshot, name, steps, MOST_OF_A_KIND)


def _steps_on(case: LateCase, resource: str) -> set[tuple[str, int]]:
    """Steps of the earliest option that a resource works on."""
    return {
        (piece.source.source, window.step)
        for piece in case.pieces("make")
        if piece.source is not None and piece.timing is not None
        for window in piece.timing.steps
        if resource in {name for name, _ in window.resources}
    }


def _shorter_run(case: LateCase) -> Iterator[Proposal]:
    """Cut an order that is longer than any campaign of its resource."""
    book, request = case.quest.book, case.quest.request
    resource, _, family = case.reason.subject.partition("|")
    rules = book.snapshot["campaign_rules"].filter(
        (pl.col("resource") == resource) & (pl.col("family") == family)
    )
    most = [qty for qty in rules["max_run_qty"] if qty is not None]
    places = book.reach.of(request.product, request.location, None).origins
    names = {
        one.source
        for place in places
        for one in book.stages.sources(request.product, place)
        if one.kind == "make"
    }
    frame = book.snapshot["routings"].filter(pl.col("routing").is_in(sorted(names)))
    for row in frame.to_dicts() if most else []:
        least = min(row["min_lot"], *most)
        text = f"make orders of {most[0]:g} by {row['routing']}"
        cells = {"min_lot": least, "max_lot": most[0]}
        changed = {**row, **cells}
        yield proposal(RemedyKind.SMALLER_LOT, text, routings=[changed])


# ----------------------------------------------------------------------- other sources
def _other_source(case: LateCase) -> Iterator[Proposal]:
    """Open routings and suppliers that rows of `sourcing` leave out."""
    book, request = case.quest.book, case.quest.request
    stated = book.providers.tables["sourcing"].index("product", "location")
    nodes = dict.fromkeys(
        [(one.product, one.location) for one in case.pieces("make", "buy")]
        or [(request.product, request.location)]
    )
    for product, place in [node for node in nodes if node in stated][:MOST_OF_A_KIND]:
        used = {(one.kind, one.source) for one in book.stages.sources(product, place)}
        makers = book.providers.recipes.makers.get((product, place), {})
        ways = {("make", name) for names in makers.values() for name in names}
        sellers = book.providers.suppliers.sellers(product, place)
        ways |= {("buy", name) for name in sellers}
        for kind, name in sorted(ways - used)[:MOST_OF_A_KIND]:
            row = {"product": product, "location": place, "kind": kind, "source": name}
            text = f"{kind} {product} at {place} by {name} too"
            yield proposal(RemedyKind.OTHER_SOURCE, text, sourcing=[row])


def _valid_routing(case: LateCase) -> Iterator[Proposal]:
    """Make a routing valid at any time."""
    for row in case.rows("routings", "routing"):
        text = f"correct when {row['routing']} is valid"
        cells = {"valid_from": None, "valid_to": None}
        yield proposal(RemedyKind.CORRECT_DATA, text, routings=[{**row, **cells}])


def _without_fence(case: LateCase) -> Iterator[Proposal]:
    """Release inside the fence of a routing."""
    for row in case.rows("routings", "routing"):
        text = f"release {row['routing']} inside its fence"
        changed = {**row, "fence_days": 0.0}
        yield proposal(RemedyKind.RELEASE_FENCE, text, routings=[changed])


# --------------------------------------------------------------------- lanes and rates
def _other_lane(case: LateCase) -> Iterator[Proposal]:
    """Open lanes that rows of `sourcing` leave out."""
    book, request = case.quest.book, case.quest.request
    product, place = request.product, request.location
    if (product, place) not in book.providers.tables["sourcing"].index(
        "product", "location"
    ):
        return
    used = {(one.kind, one.source) for one in book.stages.sources(product, place)}
    lanes = book.providers.transport.into.get(place, ())
    closed = [lane for lane in lanes if ("move", lane) not in used]
    for lane in sorted(closed)[:MOST_OF_A_KIND]:
        row = {"product": product, "location": place, "kind": "move", "source": lane}
        text = f"bring {product} to {place} by {lane} too"
        yield proposal(RemedyKind.OTHER_LANE, text, sourcing=[row])


def _extra_departure(case: LateCase) -> Iterator[Proposal]:
    """Add a departure when the goods are ready."""
    quest, lane = case.quest, case.reason.subject
    row = extra_departure(quest.book.providers, lane, quest.ready_at_origin)
    if row is not None:
        text = f"an extra departure of {lane}"
        yield proposal(RemedyKind.OTHER_LANE, text, departures=[row])


def _fresh_rates(case: LateCase) -> Iterator[Proposal]:
    """Date the latest rates to today."""
    quest = case.quest
    exchange = quest.book.providers.exchange
    names = {
        name for one in quest.offered for name in quest.stale_currencies(one.times)
    }
    rows = [exchange.renewed(name) for name in sorted(names)]
    if rows and None not in rows:
        text = f"confirm the rate of {', '.join(sorted(names))} for today"
        found = {"fx_rates": tuple(row for row in rows if row is not None)}
        yield Proposal(RemedyKind.REFRESH_DATA, text, found)


_BY_CODE: Mapping[Limiter, tuple[Callable[[LateCase], Iterator[Proposal]], ...]] = {
    Limiter.ALTERNATE_EXHAUSTED: (_other_source, _more_supply),
    Limiter.AWAITING_SUPPLY: (_earlier_order, _more_supply),
    Limiter.CAPACITY_LOCKED: (_other_resource, _one_more, _other_source),
    Limiter.CAPACITY_SAFETY_BUFFER: (_one_more,),
    Limiter.CAPACITY_SHORTFALL: (
        _one_more,
        _other_resource,
        _less_important,
        _smaller_lot,
        _other_source,
    ),
    Limiter.CUTOFF_MISSED: (_extra_departure, _other_lane),
    Limiter.DATA_STALE: (_fresh_rates,),
    Limiter.MATERIAL_RESERVATION_CONFLICT: (
        _released,
        _less_important,
        _more_supply,
    ),
    Limiter.MATERIAL_SHORTFALL: (_more_supply, _less_important, _other_product),
    Limiter.NO_SOURCE: (_other_product, _other_source),
    Limiter.NO_TRANSPORT_CAPACITY: (_extra_departure, _other_lane),
    Limiter.NO_TRANSPORT_LEG: (_other_lane,),
    Limiter.ORDER_RULE: (_shorter_run,),
    Limiter.QTY_DURATION_UNSUPPORTED: (_cut_order, _other_resource),
    Limiter.QUALITY_MISMATCH: (_other_product, _other_source, _more_supply),
    Limiter.REGULATORY_BLOCKED: (_other_product,),
    Limiter.RELEASE_FENCE: (_without_fence, _other_source),
    Limiter.ROUTING_CAPACITY_FAIL: (_smaller_lot, _other_source),
    Limiter.ROUTING_INVALID: (_valid_routing, _other_source),
    Limiter.SUPPLIER_LEADTIME_EXCEEDED: (
        _faster_supplier,
        _cut_purchase,
        _other_source,
    ),
}


def disruption_proposals(cases: Sequence[LateCase]) -> Iterator[Proposal]:
    """Disruptions behind the reasons of an answer, each as if it were over.

    Parameters
    ----------
    cases
        The reasons of one answer.
    """
    if not cases or cases[0].quest.book.snapshot["disruptions"].is_empty():
        return
    seen: set[str] = set()
    for case in cases:
        for one in ended_disruptions(case.quest.book.snapshot, _hindered(case)):
            (row,) = one.rows["disruptions"]
            name = str(row["disruption"])
            if name not in seen and len(seen) < MOST_OF_A_KIND:
                seen.add(name)
                yield one


def _hindered(case: LateCase) -> WaitingScope:
    """What a reason waits for: all that the earliest option would need."""
    quest, subject = case.quest, case.reason.subject
    book, request = quest.book, quest.request
    node = tuple(subject.split("|")[:2])
    pieces = case.pieces("stock", "make", "buy", "move")
    nodes = {(piece.product, piece.location) for piece in pieces}
    nodes |= {(request.product, place) for place in _origins(case)}
    makers = {name for one in nodes | {node} for name in _makers(book, *one[:2])}
    makers |= {subject, node[0]}
    steps = book.snapshot["step_resources"].select("routing", "resource").iter_rows()
    resources = {resource for routing, resource in steps if routing in makers}
    lanes = {subject}
    for one in quest.offered:
        for sent in one.times.evaluation.shipments:
            lanes |= set(() if sent.itinerary is None else sent.itinerary.lanes)
    return WaitingScope(
        book.now, case.date, nodes | {node}, resources | {subject}, lanes
    )


def _origins(case: LateCase) -> tuple[str, ...]:
    """Places that reach the one where it is wanted."""
    request = case.quest.request
    return case.quest.book.reach.of(request.product, request.location, None).origins


def _makers(book: PromiseLedger, product: str, location: str = "") -> set[str]:
    """Routings that make a product at a place."""
    roles = book.providers.recipes.makers.get((product, location), {})
    return {name for names in roles.values() for name in names}
