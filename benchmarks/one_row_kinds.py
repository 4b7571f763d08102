"""Kinds of rows of the tables contract, each added once to a model of one plant.

A kind adds the one row that it is named after, far from the bottleneck, and what that
row must refer to (a calendar of its shifts, a matrix of its families).
"""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from medhavi.results.plans.plan import Plan
    from medhavi.snapshot import Snapshot

    Row = dict[str, Any]
    Tables = dict[str, list[Row]]
    Change = Callable[[Tables, "Far"], None]

DAY = dt.timedelta(days=1)
ELSEWHERE = "WAREHOUSE"
OTHER = "ANOTHER"
"""Name of the second resource, routing, supplier or product of a kind."""
CALENDAR = "CALENDAR"


@dataclass(frozen=True, slots=True, kw_only=True)
class Far:
    """What is far from the bottleneck: a finished good on a machine with time to spare.

    `part` is a component that is made, `bought` a product of a supplier for a product
    that nobody is late for, `demand` a demand of the finished good that is in time.
    """

    now: dt.datetime
    location: str
    product: str
    routing: str
    machine: str
    part: str
    bought: str
    supplier: str
    demand: str


def far_from(snapshot: Snapshot, made: Plan) -> Far:
    """Finished good in time whose machine has the least work in a plan.

    Parameters
    ----------
    snapshot, made
        The model, and a plan of it.
    """
    import polars as pl

    work = (
        made.operations.filter(pl.col("resource") != "")
        .with_columns(length=pl.col("finish") - pl.col("start"))
        .group_by("resource")
        .agg(pl.col("length").sum())
    )
    demands = snapshot["demands"]
    late = made.fulfilment.filter(pl.col("status") != "on_time")["demand"]
    hit = demands.filter(pl.col("demand").is_in(late.implode()))["product"]
    found = (
        snapshot["step_resources"]
        .join(work, on="resource")
        .join(snapshot["routings"].select("routing", "product"), on="routing")
        .filter(pl.col("product").is_in(demands["product"].implode()))
        .filter(~pl.col("product").is_in(hit.implode()))
        .sort("length", "product")
        .row(0, named=True)
    )
    own = demands.filter(pl.col("product") == found["product"]).sort("due", "demand")
    lines = snapshot["bom_lines"]
    parts = lines.filter(pl.col("routing") == found["routing"]).sort("line")
    bought = (
        snapshot["supply_terms"].sort("lead_time_days", "product").row(0, named=True)
    )
    return Far(
        now=snapshot["settings"]["as_of"][0],
        location=snapshot["locations"]["location"][0],
        product=found["product"],
        routing=found["routing"],
        machine=found["resource"],
        part=parts["component"][0],
        bought=bought["product"],
        supplier=bought["supplier"],
        demand=own["demand"][-1],
    )


def _row(tables: Tables, table: str, column: str, value: str) -> Row:
    """First row of a table with a value in a column."""
    return next(row for row in tables[table] if row[column] == value)


def _add(tables: Tables, table: str, **row: object) -> None:
    tables.setdefault(table, []).append(row)


def column(table: str, key: str, subject: str, **values: object) -> Change:
    """Change that fills columns of one row; `subject` names a field of `Far`."""

    def change(tables: Tables, far: Far) -> None:
        _row(tables, table, key, getattr(far, subject)).update(values)

    return change


def row(table: str, **values: object) -> Change:
    """Change that adds a row; a function among its values gets `Far`."""

    def change(tables: Tables, far: Far) -> None:
        _add(
            tables,
            table,
            **{k: v(far) if callable(v) else v for k, v in values.items()},
        )

    return change


def _at(name: str) -> Callable[[Far], object]:
    return lambda far: getattr(far, name)


def _day(days: float) -> Callable[[Far], object]:
    return lambda far: far.now + days * DAY


def _always_open(tables: Tables) -> None:
    """Add a calendar of seven whole days."""
    _add(tables, "calendars", calendar=CALENDAR, timezone="UTC")
    for weekday in range(1, 8):
        whole = {"start": dt.time(0), "finish": dt.time(0)}
        _add(tables, "shifts", calendar=CALENDAR, weekday=weekday, **whole)


def exception(tables: Tables, far: Far) -> None:
    """Close the machine for a day."""
    _always_open(tables)
    _row(tables, "resources", "resource", far.machine)["calendar"] = CALENDAR
    days = {"start": far.now + 60 * DAY, "finish": far.now + 61 * DAY}
    _add(tables, "calendar_exceptions", calendar=CALENDAR, **days)


def shift(tables: Tables, far: Far) -> None:
    """Open the machine from Monday to Saturday."""
    _always_open(tables)
    tables["shifts"].pop()
    _row(tables, "resources", "resource", far.machine)["calendar"] = CALENDAR


def supplier_calendar(tables: Tables, far: Far) -> None:
    """Make the lead time of a supplier count in a calendar that is always open."""
    _always_open(tables)
    _row(tables, "suppliers", "supplier", far.supplier)["calendar"] = CALENDAR


def second_step(tables: Tables, far: Far) -> None:
    """Follow the step by one of no minutes, without a machine."""
    _add(tables, "steps", routing=far.routing, step=2, sequence=2)


def step_link(tables: Tables, far: Far) -> None:
    """Make the second step wait an hour."""
    second_step(tables, far)
    link = {"routing": far.routing, "step": 2, "after": 1}
    _add(tables, "step_links", **link, lag_minutes=60.0)


def transfer_batch(tables: Tables, far: Far) -> None:
    """Make the second step begin when a piece has gone through the first one."""
    second_step(tables, far)
    _row(tables, "steps", "routing", far.routing)["overlap_qty"] = 1.0


def branch(tables: Tables, far: Far) -> None:
    """Follow the step by two beside each other, these by a last one."""
    for step, sequence in ((2, 2), (3, 2), (4, 3)):
        _add(tables, "steps", routing=far.routing, step=step, sequence=sequence)


def tool(tables: Tables, far: Far) -> None:
    """Keep a tool from the step to the second one."""
    second_step(tables, far)
    _add(tables, "resources", resource=OTHER, location=far.location, kind="tool")
    kept = {"routing": far.routing, "step": 1, "resource": OTHER, "until_step": 2}
    _add(tables, "step_resources", **kept)


def alternate(tables: Tables, far: Far) -> None:
    """Make another machine, of half the speed, do the step too."""
    _row(tables, "step_resources", "routing", far.routing)["choice"] = "machine"
    _add(tables, "resources", resource=OTHER, location=far.location)
    other = {"routing": far.routing, "step": 1, "resource": OTHER, "speed": 0.5}
    _add(tables, "step_resources", **other, choice="machine", preference=2)


def replaced(tables: Tables, far: Far) -> None:
    """Make another machine do the step after 300 days."""
    own = _row(tables, "step_resources", "routing", far.routing)
    other = {**own, "choice": "machine", "resource": OTHER}
    own.update(choice="machine", valid_to=far.now + 300 * DAY)
    _add(tables, "resources", resource=OTHER, location=far.location)
    _add(tables, "step_resources", **{**other, "valid_from": far.now + 300 * DAY})


def labour(tables: Tables, far: Far) -> None:
    """Make the step need a worker beside the machine."""
    _add(tables, "resources", resource=OTHER, location=far.location, kind="labour")
    other = {"routing": far.routing, "step": 1, "resource": OTHER}
    _add(tables, "step_resources", **other)


def family(tables: Tables, far: Far) -> None:
    """Add a set-up family of the product: a change of 5 minutes to it and from it."""
    _row(tables, "resources", "resource", far.machine)["changeover_matrix"] = "MATRIX"
    _row(tables, "steps", "routing", far.routing)["family"] = "A"
    both = {"from_family": "*", "to_family": "*", "setup_minutes": 5.0}
    _add(tables, "changeovers", matrix="MATRIX", **both)


def family_of_units(tables: Tables, far: Far) -> None:
    """Add a set-up family of the product on a machine of two units."""
    family(tables, far)
    _row(tables, "resources", "resource", far.machine)["units"] = 2.0


def family_and_labour(tables: Tables, far: Far) -> None:
    """Add a set-up family of the product, and a worker that the step needs."""
    family(tables, far)
    labour(tables, far)


def units_of_step(tables: Tables, far: Far) -> None:
    """Make the step need two of three units at once."""
    _row(tables, "resources", "resource", far.machine)["units"] = 3.0
    _row(tables, "step_resources", "routing", far.routing)["units"] = 2.0


def campaign(tables: Tables, far: Far) -> None:
    """Clean the machine after long runs of a family."""
    family(tables, far)
    rule = {"resource": far.machine, "family": "A", "max_run_minutes": 100_000.0}
    _add(tables, "campaign_rules", **rule)


def lane(tables: Tables, far: Far) -> None:
    """Want one demand, that has time, a day's drive away."""
    _add(tables, "locations", location=ELSEWHERE, timezone="UTC", kind="warehouse")
    ends = {"origin": far.location, "destination": ELSEWHERE}
    _add(tables, "lanes", lane="LANE", **ends, duration_h=24.0)
    _row(tables, "demands", "demand", far.demand)["location"] = ELSEWHERE


def departure(tables: Tables, far: Far) -> None:
    """Make the lane leave on Mondays."""
    lane(tables, far)
    _add(tables, "departures", lane="LANE", weekday=1, time=dt.time(16))


def blackout(tables: Tables, far: Far) -> None:
    """Close the lane for a day."""
    lane(tables, far)
    days = {"valid_from": far.now + 60 * DAY, "valid_to": far.now + 61 * DAY}
    _add(tables, "lane_blackouts", lane="LANE", **days)


def routing(tables: Tables, far: Far) -> None:
    """Make the product be made by a second, less preferred routing."""
    kept = {"location": far.location, "product": far.product}
    _add(tables, "routings", routing=OTHER, preference=2, **kept)
    _add(tables, "steps", routing=OTHER, step=1, sequence=1, run_minutes_per_unit=600.0)
    part = {"component": far.part, "qty_per": 1.0}
    _add(tables, "bom_lines", routing=OTHER, line=1, **part)


def supplier(tables: Tables, far: Far) -> None:
    """Make a second, less preferred supplier sell a product."""
    _add(tables, "suppliers", supplier=OTHER)
    terms = {"product": far.bought, "location": far.location, "lead_time_days": 30.0}
    _add(tables, "supply_terms", supplier=OTHER, preference=2, **terms)


def component_substitute(tables: Tables, far: Far) -> None:
    """Make another product replace a component, of which 1 piece lies there."""
    _row(tables, "bom_lines", "routing", far.routing)["substitute_group"] = "group"
    stock_of_other(tables, far)
    line = {"routing": far.routing, "line": 99, "component": OTHER, "qty_per": 1.0}
    _add(tables, "bom_lines", **line, substitute_group="group", priority=2)


def substitute(tables: Tables, far: Far) -> None:
    """Make another product, of which 1 piece lies there, be delivered instead."""
    stock_of_other(tables, far)
    _add(tables, "substitutes", product=far.product, substitute=OTHER)


def stock_of_other(tables: Tables, far: Far) -> None:
    """Add a product with a piece on hand."""
    _add(tables, "products", product=OTHER)
    _add(tables, "stock", product=OTHER, location=far.location, qty=1.0)


def by_product(tables: Tables, far: Far) -> None:
    """Make a product nobody wants fall out of the step."""
    _add(tables, "products", product=OTHER)
    output = {"routing": far.routing, "line": 2, "product": OTHER, "role": "by"}
    main = {"routing": far.routing, "line": 1, "product": far.product, "role": "main"}
    _add(tables, "routing_outputs", **main)
    _add(tables, "routing_outputs", **output)


def released_work(tables: Tables, far: Far) -> None:
    """Open a make order of one piece next week; what it takes lies there."""
    for line in tables["bom_lines"]:
        if line["routing"] == far.routing:
            there = {"product": line["component"], "location": far.location}
            lot = {"lot": "picked", "qty": line["qty_per"]}
            _add(tables, "stock", **there, **lot)
    _order(tables, far, status="released")


def _order(tables: Tables, far: Far, **values: object) -> None:
    """Add a make order of one piece, that ends in ten days unless values say other."""
    order = {"supply_order": "WO1", "kind": "work", "product": far.product, "qty": 1.0}
    place = {"location": far.location, "source": far.routing}
    due = {"due": far.now + 10 * DAY}
    _add(tables, "supply_orders", **{**order, **place, **due, **values})


def planned_work(tables: Tables, far: Far) -> None:
    """Propose a make order of one piece, which may be dropped."""
    _order(tables, far, status="planned")


def firmed_work(tables: Tables, far: Far) -> None:
    """Firm a make order of one piece, which may move."""
    _order(tables, far, status="firmed")


def work_in_process(tables: Tables, far: Far) -> None:
    """Begin a make order of one piece yesterday."""
    dates = {"start": far.now - DAY, "due": far.now + DAY}
    _order(tables, far, status="in_process", **dates)


def state_of_step(tables: Tables, far: Far) -> None:
    """Begin a make order, with half an hour of its step left."""
    work_in_process(tables, far)
    state = {"supply_order": "WO1", "step": 1, "status": "in_process"}
    times = {"resource": far.machine, "remaining_minutes": 30.0}
    _add(tables, "supply_order_steps", **state, **times)


def skill(tables: Tables, far: Far) -> None:
    """Ask for a skill that the machine has."""
    _add(tables, "resource_skills", resource=far.machine, skill="weld")
    _row(tables, "step_resources", "routing", far.routing)["skill"] = "weld"


def peg(tables: Tables, far: Far) -> None:
    """Keep a piece on hand for a demand."""
    here = {"product": far.product, "location": far.location, "qty": 1.0}
    _add(tables, "stock", **here)
    supply = f"{far.product}|{far.location}|"
    _add(tables, "pegs", demand=far.demand, supply=supply, **here)


def order_rule(tables: Tables, far: Far) -> None:
    """Deliver the only line of an order with all its lines together."""
    row = _row(tables, "demands", "demand", far.demand)
    row.update(sales_order="SO1", order_policy="all_together")


def quality(tables: Tables, far: Far) -> None:
    """Ask for a quality class that all goods have."""
    tables["settings"][0]["quality_classes"] = ["A", "B"]
    for product in tables["products"]:
        product["quality_class"] = "A"
    _row(tables, "demands", "demand", far.demand)["min_quality"] = "B"


def some_quality(tables: Tables, far: Far) -> None:
    """Ask for a quality class that a lot on hand has not."""
    quality(tables, far)
    tables["demands"][0]["min_quality"] = None
    here = {"product": far.product, "location": far.location, "lot": "B"}
    _add(tables, "stock", **here, qty=3.0, quality="B")
    _row(tables, "demands", "demand", far.demand)["min_quality"] = "A"


def routing_by_date(tables: Tables, far: Far) -> None:
    """Make the product by another routing of the same steps after two months."""
    _twin(tables, far, valid_from=far.now + 60 * DAY)
    _row(tables, "routings", "routing", far.routing)["valid_to"] = far.now + 60 * DAY


def _twin(tables: Tables, far: Far, **values: object) -> None:
    """Add a second routing like the one of the product."""
    own = _row(tables, "routings", "routing", far.routing)
    _add(tables, "routings", **{**own, "routing": OTHER, **values})
    for table in ("steps", "step_resources", "bom_lines"):
        rows = [one for one in tables[table] if one["routing"] == far.routing]
        for one in rows:
            _add(tables, table, **{**one, "routing": OTHER})


def shares(tables: Tables, far: Far) -> None:
    """Share the product out to two routings."""
    _twin(tables, far)
    here = {"product": far.product, "location": far.location, "kind": "make"}
    for name, share in ((far.routing, 60.0), (OTHER, 40.0)):
        _add(tables, "sourcing", **here, source=name, share_pct=share)


def component_change(tables: Tables, far: Far) -> None:
    """Take twice as much of a component from a date on."""
    line = _row(tables, "bom_lines", "routing", far.routing)
    line["valid_to"] = far.now + 60 * DAY
    more = {"line": 99, "qty_per": 2 * line["qty_per"], "valid_from": line["valid_to"]}
    _add(tables, "bom_lines", **{**line, "valid_to": None, **more})


def component_twice(tables: Tables, far: Far) -> None:
    """Take a component twice in a step."""
    line = _row(tables, "bom_lines", "routing", far.routing)
    _add(tables, "bom_lines", **{**line, "line": 99})


def sent_from(tables: Tables, far: Far) -> None:
    """Ask that a demand a day's drive away is sent from the plant."""
    lane(tables, far)
    _row(tables, "demands", "demand", far.demand)["ship_from"] = far.location


def lane_by_date(tables: Tables, far: Far) -> None:
    """Make the product leave on the lane from the second day on."""
    lane(tables, far)
    there = {"product": far.product, "location": ELSEWHERE, "kind": "move"}
    since = far.now + 2 * DAY
    _add(tables, "sourcing", **there, source="LANE", valid_from=since)


def lane_in_shifts(tables: Tables, far: Far) -> None:
    """Make the lane drive in shifts, and not leave for a day."""
    blackout(tables, far)
    _always_open(tables)
    tables["shifts"].pop()
    tables["lanes"][0]["calendar"] = CALENDAR


def made_beside(tables: Tables, far: Far) -> None:
    """Make a tenth of a component that is made fall out of the step."""
    main = {"routing": far.routing, "line": 1, "product": far.product, "role": "main"}
    _add(tables, "routing_outputs", **main)
    beside = {"line": 2, "product": far.part, "role": "by", "qty_per": 0.1}
    _add(tables, "routing_outputs", **{**main, **beside})


def level_that_falls(tables: Tables, far: Far) -> None:
    """Hold stock of the product for a month."""
    here = {"product": far.product, "location": far.location, "safety_qty": 5.0}
    dates = {"valid_from": far.now + 30 * DAY, "valid_to": far.now + 60 * DAY}
    _add(tables, "inventory_levels", **here, **dates)


def limited_supplier(tables: Tables, far: Far) -> None:
    """Make a supplier sell some of a product that is made."""
    _add(tables, "suppliers", supplier=OTHER)
    here = {"product": far.product, "location": far.location, "preference": 2}
    terms = {"lead_time_days": 30.0, "capacity_per_period": 2.0}
    _add(tables, "supply_terms", supplier=OTHER, **here, **terms)


_BOUGHT = {
    "supplier": _at("supplier"),
    "product": _at("bought"),
    "location": _at("location"),
}
_HERE = {"product": _at("product"), "location": _at("location")}
KINDS: Mapping[str, Change] = {
    "stock": row("stock", **_HERE, qty=3.0),
    "stock: lot that expires": row(
        "stock", **_HERE, lot="L1", qty=3.0, expires_at=_day(400)
    ),
    "stock: on hold": row("stock", **_HERE, qty=3.0, status="quality_hold"),
    "open purchase order": row(
        "supply_orders",
        supply_order="PO1",
        kind="purchase",
        product=_at("bought"),
        location=_at("location"),
        qty=1.0,
        due=_day(5),
        source=_at("supplier"),
    ),
    "open make order, released": released_work,
    "open make order, in process": work_in_process,
    "open make order, firmed": firmed_work,
    "open make order, planned": planned_work,
    "state of a step": state_of_step,
    "calendar exception": exception,
    "shift calendar": shift,
    "calendar of a supplier": supplier_calendar,
    "units of a resource": column("resources", "resource", "machine", units=2.0),
    "units by time": row(
        "resource_units", resource=_at("machine"), valid_from=_day(60), units=2.0
    ),
    "efficiency by time": row(
        "resource_units", resource=_at("machine"), valid_from=_day(60), efficiency=0.9
    ),
    "most earliness on a resource": column(
        "resources", "resource", "machine", max_early_days=100.0
    ),
    "efficiency": column("resources", "resource", "machine", efficiency=0.9),
    "bucket of a resource": column("resources", "resource", "machine", bucket="week"),
    "resource that is no limit": column(
        "resources", "resource", "machine", finite=False
    ),
    "second step": second_step,
    "step link with a lag": step_link,
    "transfer batch": transfer_batch,
    "steps beside each other": branch,
    "tool that stays": tool,
    "queue and move time": column(
        "steps", "routing", "routing", queue_minutes=60.0, move_minutes=60.0
    ),
    "set-up time": column("steps", "routing", "routing", setup_minutes=15.0),
    "step that must not pause": column("steps", "routing", "routing", splittable=False),
    "minutes of many decimals": column(
        "steps", "routing", "routing", run_minutes_per_unit=7.123456789
    ),
    "second resource of a step": labour,
    "alternate resource": alternate,
    "resource by date": replaced,
    "units that a step needs": units_of_step,
    "set-up family and matrix": family,
    "set-up family on two units": family_of_units,
    "set-up family and a second resource": family_and_labour,
    "skill of a resource": skill,
    "set-up state of a resource": row(
        "resource_state", resource=_at("machine"), family="A"
    ),
    "campaign rule": campaign,
    "cleaning window": row(
        "cleaning_windows",
        resource=_at("machine"),
        valid_from=_day(60),
        valid_to=lambda far: far.now + 60 * DAY + DAY / 24,
    ),
    "yield of a routing": column("routings", "routing", "routing", **{"yield": 0.98}),
    "yield of a step": column("steps", "routing", "routing", **{"yield": 0.98}),
    "scrap of a component": column("bom_lines", "routing", "routing", scrap=0.02),
    "fixed quantity of a component": column(
        "bom_lines", "routing", "routing", qty_fixed=1.0
    ),
    "component by date": column(
        "bom_lines",
        "routing",
        "routing",
        valid_to=dt.datetime(2030, 1, 1, tzinfo=dt.UTC),
    ),
    "component that changes": component_change,
    "component twice in a step": component_twice,
    "offset of a component": column(
        "bom_lines", "routing", "routing", offset_minutes=30.0
    ),
    "component at the end": column("bom_lines", "routing", "routing", anchor="end"),
    "by-product": by_product,
    "by-product that is made": made_beside,
    "largest lot": column("routings", "routing", "routing", max_lot=15.0),
    "batch window": column("routings", "routing", "routing", batch_window_days=1.0),
    "safety time": column("routings", "routing", "routing", safety_days=1.0),
    "release fence": column("routings", "routing", "routing", fence_days=2.0),
    "release fence in the past": column(
        "routings", "routing", "routing", fence_days=-1.0
    ),
    "second routing": routing,
    "second routing by date": routing_by_date,
    "shares of two routings": shares,
    "supplier with a limit of what is made": limited_supplier,
    "second supplier": supplier,
    "sourcing share": row(
        "sourcing",
        **_HERE,
        kind="make",
        source=_at("routing"),
        share_pct=100.0,
    ),
    "price tier": row("price_tiers", **_BOUGHT, min_qty=10.0, unit_price=1.0),
    "supplier limit of a period": column(
        "supply_terms", "product", "bought", capacity_per_period=10_000.0
    ),
    "supplier limit of a window": row(
        "supplier_capacity",
        supplier=_at("supplier"),
        product=_at("bought"),
        valid_from=_day(30),
        valid_to=_day(37),
        qty=10_000.0,
    ),
    "goods receipt time": column("supply_terms", "product", "bought", receipt_days=1.0),
    "lane": lane,
    "departure of a lane": departure,
    "blackout of a lane": blackout,
    "lane in shifts with a blackout": lane_in_shifts,
    "lane by date": lane_by_date,
    "substitute of a product": substitute,
    "substitute of a component": component_substitute,
    "shelf life": column("products", "product", "product", shelf_life_days=400.0),
    "make to order": column("products", "product", "product", make_to_order=True),
    "safety stock": row("inventory_policies", **_HERE, safety_qty=2.0),
    "safety stock of what is bought": row(
        "inventory_policies",
        product=_at("bought"),
        location=_at("location"),
        safety_qty=2.0,
    ),
    "stock level by time": row(
        "inventory_levels", **_HERE, valid_from=_day(60), safety_qty=2.0
    ),
    "stock level that falls": level_that_falls,
    "days of safety": row("inventory_policies", **_HERE, safety_days=2.0),
    # A lot is as large as a demand: what a large one pulls ahead is late.
    "lots by cost": row("inventory_policies", **_HERE, lot_rule="eoq", order_cost=0.1),
    "lots up to a level": row(
        "inventory_policies", **_HERE, lot_rule="min_max", min_qty=2.0, max_qty=9.0
    ),
    "lot rule": row("inventory_policies", **_HERE, lot_rule="poq", cover_days=7.0),
    "storage limit": row("storage_limits", **_HERE, max_qty=10_000.0),
    "peg": peg,
    "reservation of material": row(
        "reservations",
        reservation="R1",
        key="R1",
        kind="material",
        demand=_at("demand"),
        subject=_at("product"),
        location=_at("location"),
        qty=1.0,
        start=_day(0),
        finish=_day(300),
    ),
    "reservation of capacity": row(
        "reservations",
        reservation="R1",
        key="R1",
        kind="capacity",
        demand=_at("demand"),
        subject=_at("machine"),
        qty=60.0,
        start=_day(60),
        finish=lambda far: far.now + 60 * DAY + DAY / 24,
    ),
    "demand: latest day": column(
        "demands", "demand", "demand", max_lateness_days=400.0
    ),
    "demand: one delivery": column("demands", "demand", "demand", full_line=True),
    "demand: where it is sent from": lambda tables, far: _row(
        tables, "demands", "demand", far.demand
    ).update(ship_from=far.location),
    "demand: sent from another place": sent_from,
    "demand: order policy": order_rule,
    "demand: quality": quality,
    "demand: quality of some goods": some_quality,
    "demand: least shelf life": column(
        "demands", "demand", "demand", min_shelf_days=1.0
    ),
    "forecast": row(
        "demands",
        **_HERE,
        demand="FORECAST",
        kind="forecast",
        qty=1.0,
        due=_day(120),
        period_end=_day(127),
        priority=3,
    ),
    "forecast policy": row("forecast_policies", backward_days=7.0),
    "disruption: resource down": row(
        "disruptions",
        disruption="X1",
        kind="resource_down",
        subject=_at("machine"),
        valid_from=_day(60),
        valid_to=_day(61),
    ),
    "disruption: supplier late": row(
        "disruptions",
        disruption="X1",
        kind="supplier_delay",
        subject=_at("supplier"),
        valid_from=_day(60),
        valid_to=_day(61),
        delay_days=1.0,
    ),
    "estimate of a lead time": row(
        "estimates",
        kind="supplier",
        subject=_at("supplier"),
        product=_at("bought"),
        quantity="lead_days",
        p50=3.0,
        p80=4.0,
        p95=5.0,
        model="m",
        version="1",
        basis="model",
    ),
    "uom conversion": row(
        "uom_conversions", product=_at("product"), uom="box", factor=10.0
    ),
    "customer": row("customers", customer="C1"),
    "tariff": row(
        "tariffs", location=_at("location"), valid_from=_day(0), price_per_kwh=0.2
    ),
    "rate of a currency": row(
        "fx_rates", currency="USD", as_of=lambda far: far.now.date(), rate=0.9
    ),
    "promise policy": row("promise_policies", policy="P1"),
}
"""Kind to the change that adds its row."""
