"""Rows on which a planner stops, and what a plan leaves out for them (semantics 48).

The checks of a snapshot cannot find these: whether an order brings too little, or when
an output is there, depends on the quantities of a plan, and what is not built on its
mode. A lake is planned without such rows; they are named and priced as other held ones.

The money is that of a unit never delivered (`demands.short_cost`, or its default), so
that a wrong row is seen at its price and not as a line in a list of warnings.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from itertools import pairwise
from typing import TYPE_CHECKING

import polars as pl

from medhavi.findings import BadData, finding
from medhavi.providers.product_facts import demand_value
from medhavi.results.amounts import currency_of
from medhavi.results.exceptions import ExceptionCode
from medhavi.schema import PLANNED_STATUS
from medhavi.snapshot.checks.held_rows import REASON
from medhavi.snapshot.checks.links import numbered

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from medhavi.errors import NotAvailable
    from medhavi.findings import Finding
    from medhavi.results.plans.plan import Plan
    from medhavi.snapshot import Snapshot
    from medhavi.snapshot.checks.held_rows import Marks

    Rows = Iterator[tuple[str, pl.DataFrame]]


NOT_BUILT = "PLAN019"
"""Code of rows that ask a mode for what it does not have."""


def unplannable_rows(snapshot: Snapshot, refusal: BadData | NotAvailable) -> Marks:
    """Rows that a planner refuses; empty where it names none that it could leave out.

    Parameters
    ----------
    refusal
        What it raised.
    """
    if isinstance(refusal, BadData):
        marks: Marks = {}
        for found in refusal.findings:
            search = _SEARCHES.get(found.code)
            for table, rows in search(snapshot, found) if search else ():
                for row in rows["row"].to_list():
                    marks.setdefault(table, {})[row] = (found.code, found.message)
        return marks
    told = (NOT_BUILT, str(refusal))
    return {
        table: dict.fromkeys(numbers, told)
        for table, numbers in refusal.rows.items()
        if numbers
    }


def _sources_of(snapshot: Snapshot, found: Finding) -> Rows:
    """All sources of an item-location whose quantity overflows; else its demands."""
    product, location = found.subject
    sources = list(_all_sources(snapshot, product, location))
    if any(rows.height for _, rows in sources):
        yield from sources
        return
    for table in ("demands", "supply_orders", "stock"):
        rows = numbered(snapshot, table)
        yield (
            table,
            rows.filter(
                pl.col("product") == product, pl.col("location").is_in([location, "*"])
            ),
        )


def _all_sources(snapshot: Snapshot, product: str, location: str) -> Rows:
    made = snapshot["routing_outputs"].filter(pl.col("product") == product)["routing"]
    routings = numbered(snapshot, "routings").filter(pl.col("location") == location)
    named = pl.col("routing").is_in(made.implode())
    yield "routings", routings.filter((pl.col("product") == product) | named)
    here = pl.col("location").is_in([location, "*"]) & (pl.col("product") == product)
    for table in ("supply_terms", "sourcing"):
        yield table, numbered(snapshot, table).filter(here)


def _source(snapshot: Snapshot, found: Finding) -> Rows:
    """One source of an item-location: a routing, the terms of a supplier, a lane."""
    source, product, location = found.subject
    if found.table == "routings":
        routings = numbered(snapshot, "routings")
        yield "routings", routings.filter(pl.col("routing") == source)
        return
    here = pl.col("location").is_in([location, "*"]) & (pl.col("product") == product)
    if found.table == "supply_terms":
        terms = numbered(snapshot, "supply_terms").filter(here)
        yield "supply_terms", terms.filter(pl.col("supplier") == source)
        return
    moves = numbered(snapshot, "sourcing").filter(here, pl.col("kind") == "move")
    lanes = numbered(snapshot, "lanes").filter(pl.col("lane") == source)
    moves = moves.filter(pl.col("source").is_in([source, *lanes["origin"].to_list()]))
    yield ("sourcing", moves) if moves.height else ("lanes", lanes)


def _routing(snapshot: Snapshot, found: Finding) -> Rows:
    routings = numbered(snapshot, "routings")
    yield "routings", routings.filter(pl.col("routing") == found.value)


def _circle(snapshot: Snapshot, found: Finding) -> Rows:
    """Substitutes that close a circle; else the routings along it, else the moves."""
    stops = list(zip(found.subject[::2], found.subject[1::2], strict=True))
    products = [product for product, _ in stops]
    both = pl.col("product").is_in(products) | pl.col("substitute").is_in(products)
    substitutes = numbered(snapshot, "substitutes").filter(both)
    # A circle of first sources alone has no substitutes on its way.
    if substitutes.height and found.table != "sourcing":
        yield "substitutes", substitutes
        return
    parts = snapshot["bom_lines"].select("routing", "component")
    outputs = snapshot["routing_outputs"].select("routing", "product")
    routings = numbered(snapshot, "routings")
    makes = pl.concat([outputs, routings.select("routing", "product")]).join(
        parts, on="routing"
    )
    edges = pl.DataFrame(
        [(upper, lower) for (upper, _), (lower, _) in pairwise(stops)],
        schema={"product": pl.String, "component": pl.String},
        orient="row",
    )
    on_it = makes.join(edges, on=["product", "component"], how="semi")
    along = routings.join(on_it, on="routing", how="semi")
    if along.height:
        yield "routings", along
        return
    places = [location for _, location in stops]
    moves = numbered(snapshot, "sourcing").filter(
        pl.col("kind") == "move",
        pl.col("product").is_in(products),
        pl.col("location").is_in(places),
    )
    yield "sourcing", moves


_SEARCHES: Mapping[str, Callable[[Snapshot, Finding], Rows]] = {
    "PLAN001": _sources_of,
    "PLAN002": _circle,
    "PLAN003": _source,
    "PLAN016": _routing,
}
"""Error of a planner → the rows that cause it."""


LEFT_OUT = "PLAN018"
_OWN_CODES = (LEFT_OUT, "SNAP065", "SNAP067")


@dataclass(frozen=True, slots=True, kw_only=True)
class UnplannedDemand:
    """A demand of which a quantity is not planned because rows are held.

    `money` is what that quantity costs undelivered, in `currency`.
    """

    row: Mapping[str, object]
    qty: float
    money: float
    currency: str
    reason: str


def with_left_out(plan: Plan, snapshot: Snapshot) -> Plan:
    """Plan with exceptions and findings on what the snapshot holds back.

    Demands that are held, and those that stay short on whose way a row is held, get an
    exception each; every other fault of held rows gets one.
    """
    exceptions = plan.exceptions.filter(pl.col("code") != str(ExceptionCode.HELD_DATA))
    said = tuple(one for one in plan.findings if one.code not in _OWN_CODES)
    if not snapshot.held:
        if exceptions.height == plan.exceptions.height and len(said) == len(
            plan.findings
        ):
            return plan
        return _exchanged(plan, exceptions, said)
    missed = [*_held_demands(snapshot), *_short_demands(plan, snapshot)]
    held = [one for one in snapshot.findings if one.code in _OWN_CODES]
    rows = [_of_demand(one) for one in missed] + [
        _of_rows(one) for one in held if one.table != "demands"
    ]
    added = pl.DataFrame(rows, schema=exceptions.schema, orient="row")
    told = [*_summary(missed), *held]
    return _exchanged(plan, pl.concat([added, exceptions]), (*told, *said))


def _exchanged(
    plan: Plan, exceptions: pl.DataFrame, findings: tuple[Finding, ...]
) -> Plan:
    tables = {**plan.tables, "exceptions": exceptions}
    return replace(plan, tables=tables, findings=findings)


def _held_demands(snapshot: Snapshot) -> Iterator[UnplannedDemand]:
    rows = snapshot.held.tables.get("demands")
    if rows is None:
        return
    costs = _unit_costs(snapshot)
    for row in rows.filter(pl.col("status").is_in(PLANNED_STATUS)).iter_rows(
        named=True
    ):
        qty = max(float(row["qty"] or 0.0), 0.0)
        yield _left_out(snapshot, row, qty, costs, str(row[REASON]))


def _short_demands(plan: Plan, snapshot: Snapshot) -> Iterator[UnplannedDemand]:
    touched = snapshot.held.touched
    if not touched.height:
        return
    costs = _unit_costs(snapshot)
    # A mode that asks for more than there is says where nothing supplies it.
    bare = (
        plan.exceptions.filter(pl.col("code") == str(ExceptionCode.NO_SOURCE))
        .group_by("demand", "product")
        .agg(bare=pl.col("qty").sum())
    )
    short = (
        plan.fulfilment.select("demand", "short")
        .join(snapshot["demands"].select("demand", "product"), on="demand")
        .join(bare, on=["demand", "product"], how="left")
        .select("demand", short=pl.max_horizontal("short", pl.col("bare").fill_null(0)))
        .filter(pl.col("short") > 0)
    )
    rows = (
        snapshot["demands"]
        .join(touched, on="demand", how="semi")
        .join(short, on="demand", how="inner", maintain_order="left")
    )
    for row in rows.iter_rows(named=True):
        reason = "a row that its supply needs is held."
        yield _left_out(snapshot, row, float(row["short"]), costs, reason)


def _unit_costs(snapshot: Snapshot) -> dict[str, float]:
    costs = dict(snapshot["products"].select("product", "unit_cost").iter_rows())
    held = snapshot.held.tables.get("products")
    if held is not None:
        costs |= dict(held.select("product", "unit_cost").iter_rows())
    return {product: float(cost or 0.0) for product, cost in costs.items()}


def _left_out(
    snapshot: Snapshot,
    row: Mapping[str, object],
    qty: float,
    costs: Mapping[str, float],
    reason: str,
) -> UnplannedDemand:
    weight = snapshot.settings.weight(int(str(row["priority"] or 1)))
    value = demand_value(row, costs.get(str(row["product"]), 0.0), weight)
    currency = str(row["currency"] or currency_of(snapshot))
    return UnplannedDemand(
        row=row, qty=qty, money=value.short * qty, currency=currency, reason=reason
    )


def _of_demand(one: UnplannedDemand) -> dict[str, object]:
    """Row of `exceptions` of a demand."""
    message = (
        f"{one.qty:,.10g} of demand {one.row['demand']} are not planned: {one.reason} "
        f"Undelivered they cost {one.money:,.0f} {one.currency}."
    )
    return _entry(
        message,
        demand=one.row["demand"],
        product=one.row["product"],
        location=one.row["location"],
        date=one.row["due"],
        qty=one.qty,
    )


def _of_rows(one: Finding) -> dict[str, object]:
    """Row of `exceptions` of the held rows of a table."""
    return _entry(f"{one.table}: {one.message}")


def _entry(message: str, **cells: object) -> dict[str, object]:
    code = ExceptionCode.HELD_DATA
    return {
        "code": str(code),
        "severity": str(code.severity),
        "message": message,
        **cells,
    }


def _summary(missed: list[UnplannedDemand]) -> list[Finding]:
    if not missed:
        return []
    money: dict[str, float] = {}
    for one in missed:
        money[one.currency] = money.get(one.currency, 0.0) + one.money
    dearest = max(missed, key=lambda one: (one.money, str(one.row["demand"])))
    return [
        finding(
            LEFT_OUT,
            table="demands",
            value=len(missed),
            money=" and ".join(
                f"{amount:,.0f} {currency}"
                for currency, amount in sorted(money.items())
            ),
            demand=dearest.row["demand"],
            reason=dearest.reason,
        )
    ]
