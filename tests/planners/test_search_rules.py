"""Plans by a search where quantities or dates follow rules that a plant says nearly."""

from __future__ import annotations

import datetime as dt
from typing import TYPE_CHECKING, Any

import polars as pl
import pytest
from hypothesis import given, settings

from medhavi.snapshot import Snapshot
from tests.api import plan, verify
from tests.examples import examples, some
from tests.factories import AS_OF
from tests.planners.campaign_shop import planned as planned_shop
from tests.planners.campaign_shop import shop
from tests.planners.netted_plans import netted
from tests.planners.search_plants import two_sites, workshop
from tests.planners.small_plans import KERNELS
from tests.planners.test_search_plans import delivered, workshops

if TYPE_CHECKING:
    from collections.abc import Callable

    from medhavi.results.plans.plan import Plan

    Tables = dict[str, Any]
    Change = Callable[[Tables], Tables]

DAY = dt.timedelta(days=1)
ANEW = "search, placed anew with all rules"


def day(number: float) -> dt.datetime:
    return AS_OF + number * DAY


def planned(tables: Tables, engine: str = "search") -> Plan:
    """Plan of a search of little effort that breaks no rule."""
    snapshot = Snapshot.from_frames(tables)
    made = plan(snapshot, "constrained", {**KERNELS, "effort": "light"})
    assert made.run.engine.startswith(engine), made.run.engine
    assert [str(one) for one in verify(made, snapshot)] == []
    return made


def changed(tables: Tables, table: str, name: str, **values: object) -> Tables:
    """Tables with other cells in the rows of a table that name something."""
    rows = [{**row, **values} if name in row.values() else row for row in tables[table]]
    return {**tables, table: rows}


def added(tables: Tables, table: str, *rows: dict[str, object]) -> Tables:
    return {**tables, table: [*tables.get(table, []), *rows]}


def twin(tables: Tables, **values: object) -> Tables:
    """Tables with a second routing of A like the first one."""
    for table in ("routings", "steps", "step_resources", "bom_lines"):
        own = [row for row in tables[table] if row["routing"] == "make A"]
        more = values if table == "routings" else {}
        rows = [{**row, "routing": "other A", **more} for row in own]
        tables = added(tables, table, *rows)
    return tables


HERE = {"product": "A", "location": "P"}
PART = {"product": "PART", "location": "P"}


def routing_by_date(tables: Tables) -> Tables:
    ended = changed(twin(tables, valid_from=day(4)), "routings", "make A")
    for row in ended["routings"]:
        if row["routing"] == "make A":
            row["valid_to"] = day(4)
    return ended


def component_by_date(tables: Tables) -> Tables:
    line = next(row for row in tables["bom_lines"] if row["routing"] == "make A")
    other = {**line, "line": 9, "component": "RAW", "valid_from": day(4)}
    return added(
        changed(tables, "bom_lines", "make A", valid_to=day(4)), "bom_lines", other
    )


def shares(tables: Tables) -> Tables:
    rows = [
        {**HERE, "kind": "make", "source": name, "share_pct": share}
        for name, share in (("make A", 60.0), ("other A", 40.0))
    ]
    return added(twin(tables), "sourcing", *rows)


def falls_out(tables: Tables) -> Tables:
    main = {"routing": "make A", "line": 1, "product": "A", "role": "main"}
    beside = {"line": 2, "product": "PART", "role": "by", "qty_per": 0.5}
    return added(tables, "routing_outputs", main, {**main, **beside})


def falls_out_together(tables: Tables) -> Tables:
    main = {"routing": "make A", "line": 1, "product": "A", "role": "main"}
    tables = added(tables, "products", {"product": "TWIN"})
    beside = {"line": 2, "product": "TWIN", "role": "co"}
    tables = added(tables, "routing_outputs", main, {**main, **beside})
    wanted = {"demand": "T", "product": "TWIN", "location": "P", "qty": 2.0}
    return added(tables, "demands", {**wanted, "due": day(9), "priority": 2})


def twice(tables: Tables) -> Tables:
    line = next(row for row in tables["bom_lines"] if row["routing"] == "make A")
    return added(tables, "bom_lines", {**line, "line": 9})


def level_falls(tables: Tables) -> Tables:
    dates = {"valid_from": day(3), "valid_to": day(9), "safety_qty": 3.0}
    return added(tables, "inventory_levels", {**HERE, **dates})


def other_supplier(tables: Tables) -> Tables:
    tables = added(tables, "suppliers", {"supplier": "T"})
    terms = {"supplier": "T", **HERE, "lead_time_days": 5.0, "preference": 2}
    return added(tables, "supply_terms", {**terms, "capacity_per_period": 1.0})


def policy(**values: object) -> Change:
    def change(tables: Tables) -> Tables:
        kept = [
            row
            for row in tables.get("inventory_policies", [])
            if row["product"] != "PART"
        ]
        return {**tables, "inventory_policies": [*kept, {**PART, **values}]}

    return change


KINDS: dict[str, Change] = {
    "routing by date": routing_by_date,
    "component by date": component_by_date,
    "component later": lambda tables: changed(
        tables, "bom_lines", "make A", offset_minutes=90.0
    ),
    "component before": lambda tables: changed(
        tables, "bom_lines", "make A", offset_minutes=-90.0
    ),
    "component at the end": lambda tables: changed(
        tables, "bom_lines", "make A", anchor="end"
    ),
    "component twice": twice,
    "shares": shares,
    "falls out": falls_out,
    "fall out together": falls_out_together,
    "level falls": level_falls,
    "limit": other_supplier,
    "days of safety": policy(safety_days=4.0),
    "up to a level": policy(lot_rule="min_max", min_qty=2.0, max_qty=6.0),
    "by cost": policy(lot_rule="eoq", order_cost=10.0),
    "least unit cost": policy(lot_rule="silver_meal", order_cost=10.0),
    "lots larger than the largest": lambda tables: changed(
        policy(lot_rule="fixed", lot_size=25.0)(tables),
        "routings",
        "make PART",
        lot_multiple=4.0,
        max_lot=24.0,
    ),
    "in the past": lambda tables: changed(
        tables, "routings", "make PART", fence_days=-2.0
    ),
    "made to order": lambda tables: changed(
        tables, "products", "PART", make_to_order=True
    ),
}


@pytest.mark.req("QA-05")
@pytest.mark.parametrize("kind", some(sorted(KINDS), 6))
@settings(max_examples=examples(1, 6))
@given(tables=workshops())
def test_what_is_said_nearly_is_delivered_by_all_rules(
    kind: str, tables: dict[str, Any]
) -> None:
    tables = KINDS[kind](tables)
    general = netted(Snapshot.from_frames(tables))
    assert delivered(planned(tables)) == delivered(general)


LIGHT = {"effort": "light"}


# --- worked examples -----------------------------------------------------------------
def by_source(made: Plan, product: str) -> list[tuple[str, float]]:
    """Sources of the orders for a product by start, with their quantities."""
    rows = made.supplies.filter(pl.col("product") == product).sort("start", "source")
    return list(rows.select("source", "qty").iter_rows())


TWO = workshop([("A", 2.0, 3.0, 1), ("A", 2.0, 9.0, 1)], stock=8.0)


@pytest.mark.req("MRP-09")
def test_a_routing_makes_what_begins_while_it_is_valid() -> None:
    made = planned(routing_by_date(TWO))
    assert made.run.engine == "search"
    assert by_source(made, "A") == [("make A", 2.0), ("other A", 2.0)]
    assert made.fulfilment["lateness_h"].max() == 0.0


@pytest.mark.req("MRP-02", "MRP-09")
def test_an_order_takes_what_all_lines_of_a_step_say() -> None:
    """One of PART by one line and one by another: two for each of four A."""
    tables = twice(TWO)
    made = planned(tables)
    assert made.run.engine == "search"
    parts = made.pegging.filter(pl.col("product") == "PART")["qty"].sum()
    assert parts == 8.0
    assert verify(made, Snapshot.from_frames(tables)) == []


@pytest.mark.req("MRP-07")
def test_an_order_is_no_smaller_than_an_economic_lot() -> None:
    """One lot serves both needs; what goes into A is netted, its year is not known."""
    rule = {"location": "P", "lot_rule": "eoq", "order_cost": 1.0}
    made = planned(TWO | {"inventory_policies": [{"product": "A", **rule}]})
    assert made.run.engine == "search"
    ((_, lot),) = by_source(made, "A")
    assert lot > 4.0
    tables = workshop([("A", 2.0, 3.0, 1), ("A", 2.0, 9.0, 1)], stock=0.0)
    made = planned(tables | {"inventory_policies": [{"product": "PART", **rule}]})
    assert "has lots by eoq" in made.run.engine
    ((_, lot),) = by_source(made, "PART")
    assert lot > 4.0


@pytest.mark.req("MRP-09")
def test_an_order_takes_the_component_of_its_date() -> None:
    made = planned(component_by_date(TWO))
    assert made.run.engine == "search"
    assert by_source(made, "A") == [("make A", 2.0)] * 2
    # The second order takes two of RAW; the supplier sells no fewer than three.
    assert by_source(made, "RAW") == [("S", 3.0)]


@pytest.mark.req("MRP-09")
def test_what_can_only_be_made_before_a_routing_ends_is_made_early() -> None:
    tables = changed(TWO, "routings", "make A", valid_to=day(4))
    made = planned(tables)
    assert made.supplies.filter(pl.col("product") == "A")["start"].max() < day(4)
    assert made.fulfilment["lateness_h"].max() == 0.0


def test_sources_share_what_is_wanted() -> None:
    tables = shares(workshop([("A", 5.0, 9.0, 1), ("A", 10.0, 20.0, 1)], stock=15.0))
    made = planned(tables, ANEW)
    found = dict.fromkeys(("make A", "other A"), 0.0)
    for source, qty in by_source(made, "A"):
        found[source] += qty
    assert found == {"make A": 9.0, "other A": 6.0}
    assert made.fulfilment["lateness_h"].max() == 0.0


def test_a_demand_is_sent_from_the_place_that_it_names() -> None:
    tables = two_sites(workshop([("A", 1.0, 9.0, 1)], stock=0.0), duration_h=5.0)
    tables = added(tables, "locations", {"location": "G"})
    near = {"lane": "near", "origin": "G", "destination": "P", "duration_h": 1.0}
    tables = added(tables, "lanes", near)
    there = {"product": "PART", "location": "G", "qty": 9.0}
    tables = added(tables, "stock", there)
    asked = {"demand": "X", "product": "PART", "location": "P", "qty": 2.0}
    tables = added(tables, "demands", {**asked, "due": day(12), "ship_from": "F"})
    made = planned(tables)
    assert made.run.engine == "search"
    assert ("F to P", 2.0) in by_source(made, "PART")


def test_a_demand_gets_the_quality_that_it_asks() -> None:
    tables = workshop([("A", 2.0, 9.0, 1)], stock=4.0)
    tables["settings"] = [{**tables["settings"][0], "quality_classes": ["A", "B"]}]
    tables["products"] = [{**row, "quality_class": "A"} for row in tables["products"]]
    worse = {**HERE, "lot": "B", "qty": 2.0, "quality": "B"}
    tables = added(tables, "stock", worse)
    tables["demands"] = [{**row, "min_quality": "A"} for row in tables["demands"]]
    made = planned(tables)
    assert made.run.engine == "search"
    assert by_source(made, "A") == [("make A", 2.0)]


def test_what_falls_out_is_taken_before_more_is_made() -> None:
    tables = falls_out(workshop([("A", 4.0, 5.0, 1)], stock=4.0))
    asked = {"demand": "X", "product": "PART", "location": "P", "qty": 2.0}
    tables = added(tables, "demands", {**asked, "due": day(30), "priority": 1})
    made = planned(tables, ANEW)
    assert ("make PART", 2.0) not in by_source(made, "PART")
    assert made.fulfilment["lateness_h"].max() == 0.0


def test_a_level_is_held_as_long_as_it_is_stated() -> None:
    made = planned(level_falls(workshop([("A", 3.0, 20.0, 1)], stock=3.0)))
    assert made.run.engine == "search"
    # What the level wanted from the third day on serves the demand behind it.
    assert sum(qty for _, qty in by_source(made, "A")) == 3.0
    first = made.supplies.filter(pl.col("product") == "A")["finish"].min()
    assert first <= day(5)


@pytest.mark.req("MRP-07", "QA-05")
def test_many_small_lots_that_cover_days_are_found_by_the_search() -> None:
    """Sixty lots of A, each of which might ask for all lots of PART."""
    tables = workshop([("A", 10.0, 3.0 + n, 1) for n in range(60)], stock=0.0)
    cover = {"lot_rule": "poq", "cover_days": 7.0}
    rows = [{**HERE, **cover}, {**PART, **cover}]
    tables = {**tables, "inventory_policies": rows}
    for name, most in (("make A", 10.0), ("make PART", 5.0)):
        tables = changed(tables, "routings", name, max_lot=most)
    assert planned(tables).run.engine == "search"


@pytest.mark.req("MRP-07", "MRP-06")
def test_an_economic_lot_is_no_longer_than_an_opening() -> None:
    """One of some hundreds, where 48 fit into a shift: nothing was made at all."""
    shifts = [
        {"calendar": "C", "weekday": n, "start": dt.time(6), "finish": dt.time(14)}
        for n in range(1, 6)
    ]
    step = {"step": 1, "run_minutes_per_unit": 10, "splittable": False}
    eoq = {"lot_rule": "eoq", "order_cost": 5000.0, "holding_rate": 0.2}
    company = shop(
        [("A", 30, 9), ("A", 20, 16), ("A", 25, 23)],
        {"A": None},
        inventory_policies=[{"product": "A", "location": "L", **eoq}],
        products=[{"product": "A", "unit_cost": 10.0}],
        calendars=[{"calendar": "C"}],
        shifts=shifts,
        resources=[{"resource": "M", "location": "L", "calendar": "C"}],
        steps=[{"routing": "RA", **step}],
    )
    made = planned_shop(company)
    assert made.supplies["qty"].to_list() == [48.0, 48.0]
    assert set(made.fulfilment["status"]) == {"on_time"}


def test_departures_that_others_overtake_carry_nothing() -> None:
    tables = two_sites(
        workshop([("A", 1.0, 30.0, 1)], stock=0.0),
        departures=[(1, 6), (5, 6)],
        duration_h=10.0,
        calendar="MONDAYS",
    )
    tables = added(tables, "calendars", {"calendar": "MONDAYS"})
    whole = {"start": dt.time(0), "finish": dt.time(0)}
    tables = added(tables, "shifts", {"calendar": "MONDAYS", "weekday": 1, **whole})
    made = planned(tables)
    assert made.run.engine == "search"
