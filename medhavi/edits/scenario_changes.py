"""What a study may change: disruptions, demand, capacity, times, stock, any table.

A change that selects nothing raises `NoSuchRowError`, for a scenario that is equal to
its base by mistake would be believed.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, cast
from zoneinfo import ZoneInfo

import polars as pl

from medhavi.edits.calendar_changes import check_longer, check_opened
from medhavi.edits.catalogue import change
from medhavi.edits.parameter import Argument, Cells, Moment, asked_moment, known_moment
from medhavi.edits.remedy_changes import (
    SHIFT,
    hours_after_work,
    other_units,
    own_calendar,
    units_left,
)
from medhavi.providers import Providers
from medhavi.providers.product_facts import ProductFacts
from medhavi.providers.table_rows import read_tables
from medhavi.schema import PLANNED_STATUS
from medhavi.snapshot import Snapshot
from medhavi.snapshot.patch import (
    NoSuchRowError,
    Patch,
    cells_match,
    chosen_rows,
    rewritten,
)
from medhavi.snapshot.tables import INSTANT
from medhavi.units import exact, from_seconds, from_units, to_seconds

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from medhavi.snapshot.reading.local_days import Edge


Factor = Annotated[
    float,
    Argument("what it is multiplied by; 1 changes nothing", least=0.0, unit="%"),
]
Pace = Annotated[
    float,
    Argument(
        "what it is multiplied by; 1 changes nothing",
        least=0.0,
        open_end=True,
        unit="%",
    ),
]
Start = Annotated[Moment | None, Argument("from here; empty: now")]
Finish = Annotated[Moment | None, Argument("to here; empty: open end")]
SpanStart = Annotated[Moment, Argument("from here")]
SpanFinish = Annotated[Moment, Argument("before this instant")]
OneProduct = Annotated[
    str | None, Argument("only this product", reference=("products", "product"))
]
OneLocation = Annotated[
    str | None, Argument("only this location", reference=("locations", "location"))
]
OneSupplier = Annotated[
    str | None, Argument("only this supplier", reference=("suppliers", "supplier"))
]
OneResource = Annotated[str, Argument("which", reference=("resources", "resource"))]
Calendar = Annotated[str, Argument("which", reference=("calendars", "calendar"))]
Line = Annotated[str, Argument("which", reference=("demands", "demand"))]
TableName = Annotated[str, Argument("name of the table")]


# ------------------------------------------------------------------- disruptions
@change("A resource fails.", choice="Resource down")
def resource_down(
    snapshot: Snapshot,
    *,
    resource: OneResource,
    start: Start = None,
    finish: Finish = None,
    severity: Annotated[
        float | None,
        Argument("share that is lost; empty: 1, all", least=0.0, unit="share"),
    ] = None,
) -> Patch:
    """Rows of `resource_units` with the units that work on, as a planner states them.

    A row of `disruptions` says what has failed, and the shop floor writes it.
    """
    begin, end = _window_of(snapshot, resource, start, finish)
    window = begin, None if finish is None else end
    left = units_left(1.0 if severity is None else severity)
    return _units_by_time(snapshot, resource, window, left)


@change("What a supplier delivers comes later.", choice="Supplier late")
def supplier_delay(
    snapshot: Snapshot,
    *,
    supplier: Annotated[str, Argument("which", reference=("suppliers", "supplier"))],
    days: Annotated[float, Argument("how much later", least=0.0, unit="days")],
    start: Start = None,
    finish: Finish = None,
) -> Patch:
    """Row of `disruptions` by which deliveries come later."""
    return _disrupted(
        snapshot, "supplier_delay", supplier, (start, finish), delay_days=days
    )


@change("Nothing leaves on a lane.", choice="Lane closed")
def lane_blocked(
    snapshot: Snapshot,
    *,
    lane: Annotated[str, Argument("which", reference=("lanes", "lane"))],
    start: Start = None,
    finish: Finish = None,
) -> Patch:
    """Row of `disruptions` that closes a lane."""
    return _disrupted(snapshot, "lane_blocked", lane, (start, finish))


@change("A lot may not be used.")
def lot_held(
    snapshot: Snapshot,
    *,
    lot: Annotated[str, Argument("product|location|lot")],
    start: Start = None,
    finish: Finish = None,
) -> Patch:
    """Row of `disruptions` that holds a lot."""
    return _disrupted(snapshot, "lot_held", lot, (start, finish))


def _disrupted(
    snapshot: Snapshot,
    kind: str,
    subject: str,
    span: tuple[Moment | None, Moment | None],
    *,
    delay_days: float = 0.0,
) -> Patch:
    begin, end = span
    named = {"kind": kind, "subject": subject}
    opens = from_seconds(snapshot.as_of)
    if begin is not None:
        opens = asked_moment(snapshot, begin, "begin", **named) or opens
    row = {
        "disruption": f"study:{kind}:{subject}:{opens:%Y%m%dT%H%M%SZ}",
        **named,
        "valid_from": opens,
        "valid_to": None
        if end is None
        else asked_moment(snapshot, end, "end", **named),
        "severity": 1.0,
        "delay_days": delay_days,
    }
    return Patch.adding(snapshot, "disruptions", [row])


# ------------------------------------------------------------------------ demand
@change(
    "Open demand is multiplied, rounded up to the step of the product.",
    choice="More or less demand",
)
def demand_factor(  # noqa: PLR0913 - what a selection may name
    snapshot: Snapshot,
    *,
    factor: Pace,
    product: OneProduct = None,
    location: OneLocation = None,
    customer: Annotated[
        str | None, Argument("only this customer", reference=("demands", "customer"))
    ] = None,
    family: Annotated[
        str | None, Argument("only this family", reference=("products", "family"))
    ] = None,
    characteristic: Annotated[
        str | None,
        Argument(
            "only products that have it (key=value)",
            reference=("products", "characteristics"),
        ),
    ] = None,
    named: Annotated[
        str | None, Argument("only products with this in their name, as a brand")
    ] = None,
    start: Annotated[Moment | None, Argument("due from here; empty: any")] = None,
    finish: Annotated[Moment | None, Argument("due up to here; empty: any")] = None,
) -> Patch:
    """Quantities of open demand, each rounded up to the step of its product."""
    chosen = {"product": product, "location": location, "customer": customer}
    wanted = pl.col("status").is_in(PLANNED_STATUS) & _due(snapshot, start, finish)
    group = {"family": family, "characteristic": characteristic, "named": named}
    if any(group.values()):
        wanted &= pl.col("product").is_in(_of_group(snapshot, **group).implode())
    rows = chosen_rows(snapshot, "demands", chosen, wanted)
    facts = ProductFacts(read_tables(snapshot, ("products", "locations")))
    times = exact(factor)

    def scaled(product: str, qty: float) -> float:
        step = facts.step(product)
        return from_units(-(-(exact(qty) * times) // step), step)

    qtys = [scaled(*pair) for pair in rows.select("product", "qty").iter_rows()]
    fresh = rows.with_columns(pl.Series("qty", qtys, pl.Float64))
    return Patch(upserts={"demands": fresh})


def _of_group(
    snapshot: Snapshot,
    *,
    family: str | None,
    characteristic: str | None,
    named: str | None,
) -> pl.Series:
    """Products that a family, a characteristic and a part of their name select."""
    hit = cells_match({"family": family})
    if characteristic is not None:
        hit &= pl.col("characteristics").list.contains(characteristic)
    if named is not None:
        text = pl.concat_str("product", pl.lit(" "), pl.col("name").fill_null(""))
        hit &= text.str.to_lowercase().str.contains(named.lower(), literal=True)
    found = snapshot["products"].filter(hit)["product"]
    if found.is_empty():
        asked = {"family": family, "characteristic": characteristic, "name": named}
        stated = {name: one for name, one in asked.items() if one is not None}
        table = "products"
        raise NoSuchRowError(table, stated)
    return found


def _due(snapshot: Snapshot, start: Moment | None, finish: Moment | None) -> pl.Expr:
    """Demands that are due inside a window, whose days are those of their location."""
    inside = pl.lit(value=True)
    places = snapshot["demands"]["location"].unique().to_list()

    def instants(moment: Moment, edge: Edge) -> pl.Expr:
        at = {one: asked_moment(snapshot, moment, edge, location=one) for one in places}
        return pl.col("location").replace_strict(at, default=None, return_dtype=INSTANT)

    if start is not None:
        inside &= pl.col("due") >= instants(start, "begin")
    if finish is not None:
        inside &= pl.col("due") < instants(finish, "end")
    return inside


@change("One more order line.", choice="Rush order")
def demand_added(  # noqa: PLR0913 - the fields of an order line
    snapshot: Snapshot,
    *,
    product: Annotated[str, Argument("what", reference=("products", "product"))],
    location: Annotated[str, Argument("where", reference=("locations", "location"))],
    qty: Annotated[float, Argument("how much", least=0.0, open_end=True)],
    due: Annotated[Moment, Argument("when")],
    priority: Annotated[float | None, Argument("empty: 1", least=0.0)] = None,
    customer: Annotated[str | None, Argument("for whom")] = None,
    demand: Annotated[str | None, Argument("id of the line; empty: made up")] = None,
) -> Patch:
    """One row more of `demands`."""
    row = {
        "demand": demand or f"study:{product}:{due}",
        "product": product,
        "location": location,
        "qty": qty,
        "due": asked_moment(snapshot, due, "end", location=location),
        "priority": None if priority is None else int(priority),
        "customer": customer,
    }
    return Patch.adding(snapshot, "demands", [row])


@change(
    "An order line with another quantity, date or priority.",
    choice="Order line changed",
)
def demand_changed(
    snapshot: Snapshot,
    *,
    demand: Line,
    qty: Annotated[
        float | None, Argument("new quantity", least=0.0, open_end=True)
    ] = None,
    due: Annotated[Moment | None, Argument("new due date")] = None,
    priority: Annotated[float | None, Argument("new priority", least=0.0)] = None,
) -> Patch:
    """Row of `demands` with other cells."""
    cells: dict[str, object] = {}
    if qty is not None:
        cells["qty"] = qty
    if priority is not None:
        cells["priority"] = int(priority)
    if due is not None:
        cells["due"] = asked_moment(snapshot, due, "end", demand=demand)
    return Patch.setting(snapshot, "demands", {"demand": demand}, cells)


@change("An order line falls away.", choice="Order line cancelled")
def demand_removed(snapshot: Snapshot, *, demand: Line) -> Patch:
    """One row less of `demands`."""
    return Patch.removing(snapshot, "demands", {"demand": demand})


# ------------------------------------------------------------ capacity and time
@change(
    "Resources work faster or slower (efficiency).", choice="Resource faster or slower"
)
def capacity_factor(
    snapshot: Snapshot,
    *,
    factor: Pace,
    resource: Annotated[
        str | None, Argument("only this resource", reference=("resources", "resource"))
    ] = None,
) -> Patch:
    """Efficiency of resources, dated rows included."""
    faster = {"efficiency": pl.col("efficiency") * factor}
    chosen = {"resource": resource}
    rows = {"resources": chosen_rows(snapshot, "resources", chosen)}
    dated = snapshot["resource_units"].filter(cells_match(chosen))
    if dated.height:
        rows["resource_units"] = dated
    return rewritten(rows, faster)


@change("One more unit of a resource works in a span.", choice="One more unit")
def unit_added(
    snapshot: Snapshot,
    *,
    resource: OneResource,
    start: Start = None,
    finish: Finish = None,
) -> Patch:
    """Rows of `resource_units` with one unit more; stated ones are cut at its ends."""
    window = _window_of(snapshot, resource, start, finish)
    return _units_by_time(snapshot, resource, window, lambda units: units + 1.0)


@change(
    "A resource works one more shift after each of its days of work.",
    choice="One more shift",
)
def shift_added(
    snapshot: Snapshot,
    *,
    resource: OneResource,
    start: Start = None,
    finish: Finish = None,
) -> Patch:
    """Calendar of the resource alone, open after each of its days of work.

    Raises
    ------
    BadData
        It works no longer then: its place is closed, say.
    """
    row = chosen_rows(snapshot, "resources", {"resource": resource}).row(0, named=True)
    window = _window_of(snapshot, resource, start, finish)
    own = chosen_rows(snapshot, "calendars", {"calendar": row["calendar"] or ""})
    working = Providers(snapshot).capacity.working_time(resource)
    zone = ZoneInfo(own["timezone"][0])
    spans = hours_after_work(working, zone, SHIFT, window)
    patch = Patch.of(snapshot, own_calendar(snapshot, row, spans, "an extra shift"))
    check_longer((snapshot, patch.apply(snapshot)), row["calendar"], window, [resource])
    return patch


@change("A calendar works in a span: overtime, an extra shift.", choice="Extra shift")
def calendar_open(
    snapshot: Snapshot, *, calendar: Calendar, start: SpanStart, finish: SpanFinish
) -> Patch:
    """Row of `calendar_exceptions` with full capacity.

    Raises
    ------
    BadData
        No machine of the calendar works longer then: its place is closed, say.
    """
    patch = _exception(snapshot, calendar, (start, finish), 1.0)
    begin = to_seconds(known_moment(snapshot, start, "begin", calendar=calendar))
    end = to_seconds(known_moment(snapshot, finish, "end", calendar=calendar))
    check_opened((snapshot, patch.apply(snapshot)), calendar, (begin, end))
    return patch


@change("A calendar rests in a span: a holiday, a stop.", choice="Calendar closed")
def calendar_closed(
    snapshot: Snapshot, *, calendar: Calendar, start: SpanStart, finish: SpanFinish
) -> Patch:
    """Row of `calendar_exceptions` without capacity."""
    return _exception(snapshot, calendar, (start, finish), 0.0)


def _exception(
    snapshot: Snapshot, calendar: str, span: tuple[Moment, Moment], capacity: float
) -> Patch:
    frame = snapshot["calendar_exceptions"]
    others = frame.filter(pl.col("calendar") == calendar)["priority"].max()
    start, finish = span
    row = {
        "calendar": calendar,
        "start": asked_moment(snapshot, start, "begin", calendar=calendar),
        "finish": asked_moment(snapshot, finish, "end", calendar=calendar),
        "capacity": capacity,
        "priority": 0 if others is None else int(cast("int", others)) + 1,
        "reason": "study",
    }
    return Patch.adding(snapshot, "calendar_exceptions", [row])


@change("Lead times of suppliers, stated and estimated.", choice="Supplier lead times")
def lead_time_factor(
    snapshot: Snapshot, *, factor: Factor, supplier: OneSupplier = None
) -> Patch:
    """Lead times of terms and their estimates."""
    rows = {
        "supply_terms": chosen_rows(snapshot, "supply_terms", {"supplier": supplier})
    }
    stated = rewritten(
        rows, _multiplied(factor, "lead_time_days", "lead_time_p95_days")
    )
    return stated.then(_estimated(snapshot, "supplier", supplier, factor))


@change("Durations of lanes, stated and estimated.", choice="Transit times")
def transit_factor(
    snapshot: Snapshot,
    *,
    factor: Factor,
    lane: Annotated[
        str | None, Argument("only this lane", reference=("lanes", "lane"))
    ] = None,
) -> Patch:
    """Durations of lanes and their estimates."""
    rows = {"lanes": chosen_rows(snapshot, "lanes", {"lane": lane})}
    stated = rewritten(rows, _multiplied(factor, "duration_h", "duration_p95_h"))
    return stated.then(_estimated(snapshot, "lane", lane, factor))


def _estimated(
    snapshot: Snapshot, kind: str, subject: str | None, factor: float
) -> Patch:
    hit = (pl.col("kind") == kind) & (pl.col("quantity") == "lead_days")
    rows = snapshot["estimates"].filter(hit & cells_match({"subject": subject}))
    if rows.is_empty():
        return Patch()
    return rewritten({"estimates": rows}, _multiplied(factor, "p50", "p80", "p95"))


# ------------------------------------------------------------ stock, rules, money
@change("Stock on hand.", choice="Stock lost or found")
def stock_factor(
    snapshot: Snapshot,
    *,
    factor: Factor,
    product: OneProduct = None,
    location: OneLocation = None,
) -> Patch:
    """Stock on hand; negative bookings stay as they are."""
    rows = chosen_rows(snapshot, "stock", {"product": product, "location": location})
    qty = pl.col("qty")
    scaled = pl.when(qty > 0).then(qty * factor).otherwise(qty)
    return rewritten({"stock": rows}, {"qty": scaled})


@change("An order in the books delivers nothing.", choice="Receipt lost")
def receipt_lost(
    snapshot: Snapshot,
    *,
    supply_order: Annotated[
        str, Argument("which order", reference=("supply_orders", "supply_order"))
    ],
) -> Patch:
    """Row of `supply_orders` that has no effect any more."""
    where = {"supply_order": supply_order}
    return Patch.setting(snapshot, "supply_orders", where, {"status": "cancelled"})


@change("Safety stock, in quantity and in days.", choice="Safety stock")
def safety_factor(
    snapshot: Snapshot,
    *,
    factor: Factor,
    product: OneProduct = None,
    location: OneLocation = None,
) -> Patch:
    """Safety stock of stock rules, in quantity and in days."""
    table = "inventory_policies"
    rows = chosen_rows(snapshot, table, {"product": product, "location": location})
    return rewritten({table: rows}, _multiplied(factor, "safety_qty", "safety_days"))


@change("Prices of suppliers, price breaks included.", choice="Purchase prices")
def price_factor(
    snapshot: Snapshot, *, factor: Factor, supplier: OneSupplier = None
) -> Patch:
    """Prices of terms and of their price breaks."""
    chosen = {"supplier": supplier}
    rows = {"supply_terms": chosen_rows(snapshot, "supply_terms", chosen)}
    breaks = snapshot["price_tiers"].filter(cells_match(chosen))
    if breaks.height:
        rows["price_tiers"] = breaks
    return rewritten(rows, _multiplied(factor, "unit_price"))


# ---------------------------------------------------------------------- any table
@change("Other values in the rows of any table.", name="set")
def set_cells(
    snapshot: Snapshot,
    *,
    table: TableName,
    where: Annotated[
        Cells | None, Argument("cells that select the rows; empty: all rows")
    ] = None,
    set: Annotated[Cells, Argument("the new cells")],  # noqa: A002 - as studies write it
) -> Patch:
    """Cells of the rows that a selection names."""
    return Patch.setting(snapshot, table, where or {}, set)


@change("One more row in any table.")
def row_added(
    snapshot: Snapshot,
    *,
    table: TableName,
    row: Annotated[Cells, Argument("its cells")],
) -> Patch:
    """One row more of a table."""
    return Patch.adding(snapshot, table, [row])


@change("Rows of any table fall away.")
def rows_removed(
    snapshot: Snapshot,
    *,
    table: TableName,
    where: Annotated[Cells, Argument("cells that select the rows")],
) -> Patch:
    """Rows of a table that a selection names, taken out."""
    return Patch.removing(snapshot, table, where)


# ------------------------------------------------------------- what they share
def _window_of(
    snapshot: Snapshot, resource: str, start: Moment | None, finish: Moment | None
) -> tuple[int, int]:
    """Span of a change of a resource, else from now to the horizon [UTC seconds]."""
    begin, end = int(snapshot.as_of), snapshot.settings.horizon_end
    if start is not None:
        begin = to_seconds(known_moment(snapshot, start, "begin", resource=resource))
    if finish is not None:
        end = to_seconds(known_moment(snapshot, finish, "end", resource=resource))
    return begin, end


def _units_by_time(
    snapshot: Snapshot,
    resource: str,
    window: tuple[int, int | None],
    units_of: Callable[[float], float],
) -> Patch:
    """Rows of `resource_units` with other units inside a window [UTC seconds]."""
    row = chosen_rows(snapshot, "resources", {"resource": resource}).row(0, named=True)
    stated = snapshot["resource_units"].filter(cells_match({"resource": resource}))
    rows = other_units(row, stated.to_dicts(), window, units_of)
    if not rows:
        table, (begin, end) = "resource_units", window
        last = None if end is None else str(from_seconds(end))
        raise NoSuchRowError(table, {"start": str(from_seconds(begin)), "finish": last})
    return Patch.of(snapshot, {"resource_units": rows})


def _multiplied(factor: float, *names: str) -> Mapping[str, pl.Expr]:
    """Cells by which columns are multiplied."""
    return {name: pl.col(name) * factor for name in names}
