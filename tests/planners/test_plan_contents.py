"""What orders and capacity of a plan hold, and what they leave to others."""

from __future__ import annotations

import polars as pl
import pytest

from medhavi.results.figures.kpis import bottlenecks
from tests import factories
from tests.api import plan, verify
from tests.planners.campaign_shop import matrix, shop
from tests.planners.small_plans import day, days, verified

TWO_FAMILIES = matrix(("FA", "FB", 120, True), ("FB", "FA", 45, False))
IN_TURN = {"campaigns": "propose", "effort": "light"}


def turned(demands):
    return shop(
        demands,
        changeovers=TWO_FAMILIES,
        resource_state=[{"resource": "M", "family": "FA"}],
    )


def constrained(snapshot, **settings):
    made = plan(snapshot, "constrained", {"effort": "light", **settings})
    assert [str(found) for found in verify(made, snapshot)] == []
    return made


# --------------------------------------------------------------------------- capacity
@pytest.mark.req("CAP-13", "CAP-14")
def test_a_plan_gives_windows_flags_and_the_use_of_each_resource_by_period():
    made = constrained(
        turned([("A", 600, 3), ("B", 60, 3.5)]).replace(
            settings=pl.DataFrame({"as_of": [day(0)], "bucket": ["day"]})
        )
    )
    work = made.operations.sort("start").select(
        "resource", "run_minutes", "setup_minutes", "locked"
    )
    assert work.rows() == [("M", 600.0, 0.0, False), ("M", 60.0, 120.0, False)]
    loads = made.loads.filter(pl.col("run") > 0).sort("bucket")
    assert set(loads.columns) >= {"resource", "bucket", "available", "overload"}
    assert float(loads["run"].sum()) == 11.0
    assert float(loads["setup"].sum()) == 2.0
    assert bottlenecks(loads, 0.2)["resource"].to_list() == ["M"]
    assert bottlenecks(loads).is_empty()


@pytest.mark.req("CAP-15", "DEF-26")
def test_net_requirements_leave_sequence_and_changeovers_to_the_constrained_plan():
    """Both orders end when they are needed, and nothing is changed over."""
    snapshot = turned([("A", 60, 3), ("B", 60, 3)])
    rough = verified(snapshot)
    assert float(rough.operations["setup_minutes"].sum()) == 0.0
    assert [days(end) for end in rough.operations["finish"]] == [3.0, 3.0]
    fine = constrained(snapshot)
    assert float(fine.operations["setup_minutes"].sum()) == 120.0
    first, second = fine.operations.sort("start").iter_rows(named=True)
    assert first["finish"] <= second["start"]


@pytest.mark.req("CAP-16")
@pytest.mark.parametrize(
    "change",
    [
        {
            "resource_units": [
                {
                    "resource": "M",
                    "valid_from": day(0),
                    "valid_to": day(1),
                    "units": 0,
                }
            ]
        },
        {
            "supply_orders": [
                {
                    "supply_order": "W",
                    "kind": "work",
                    "product": "B",
                    "location": "L",
                    "qty": 1440,
                    "status": "released",
                    "source": "RB",
                    "start": day(0),
                    "due": day(1),
                }
            ]
        },
    ],
    ids=["calendar", "allocation"],
)
def test_what_takes_capacity_counts_at_once_and_only_where_it_is_stated(change):
    """A day of room that goes moves an order; the room of before is as it was."""
    wanted = [("A", 60, 0.5)]
    base = shop(wanted)
    before = constrained(base)
    after = constrained(shop(wanted, **change))
    ends = [
        days(made.supplies.filter(pl.col("product") == "A")["finish"][0])
        for made in (before, after)
    ]
    assert ends[0] <= 0.5
    assert ends[1] >= 1.0
    assert constrained(base).fingerprint == before.fingerprint


# ----------------------------------------------------------------------------- orders
@pytest.mark.req("MRP-08", "WO-01")
def test_a_proposal_names_its_source_and_leaves_the_steps_to_operations():
    made = verified(turned([("A", 60, 3)]))
    (row,) = made.supplies.iter_rows(named=True)
    assert (row["product"], row["qty"], days(row["finish"])) == ("A", 60.0, 3.0)
    assert (row["source"], row["status"]) == ("RA", "planned")
    assert {"step", "resource", "routing"}.isdisjoint(made.supplies.columns)


@pytest.mark.req("CMP-08")
def test_a_campaign_is_no_batch_its_orders_stay_and_run_one_by_one():
    snapshot = turned([("A", 60, 3), ("B", 60, 3.5), ("A", 60, 4), ("A", 60, 9)])
    orders = [
        constrained(snapshot, campaigns=name).supplies.sort("id").select("id", "qty")
        for name in ("off", "propose")
    ]
    assert orders[0].equals(orders[1])
    made = constrained(snapshot, **IN_TURN)
    rows = made.operations.sort("start")
    assert (rows["start"][1:] >= rows["finish"][:-1]).all()
    assert made.supplies["campaign"].drop_nulls().n_unique() < made.supplies.height


@pytest.mark.req("MRP-12", "DEF-24", "DEC-04")
@pytest.mark.parametrize("mode", ["mrp", "constrained", "optimize"])
def test_a_plan_reads_holds_and_makes_none(mode):
    snapshot = factories.snapshot(
        demands=[{"qty": 10}],
        stock=[{"qty": 4}],
        supply_terms=[{}],
        reservations=[{"demand": "D1", "qty": 3}],
    )
    held = snapshot["reservations"]
    made = plan(snapshot, mode)
    assert "reservations" not in made.tables
    assert snapshot["reservations"].equals(held)


@pytest.mark.req("DEF-06")
def test_components_go_at_the_start_for_all_that_is_started():
    """80 good of yield 0.8 are 100 started: 100 of C leave when work begins."""
    snapshot = factories.snapshot(
        settings=[{"as_of": day(0), "bucket": "day"}],
        demands=[{"product": "A", "qty": 80, "due": day(5)}],
        routings=[{"routing": "R", "product": "A"}],
        steps=[{"fixed_minutes": 2 * 1440, "yield": 0.8}],
        bom_lines=[{"component": "C"}],
        stock=[{"product": "C", "qty": 120}],
    )
    made = verified(snapshot)
    (order,) = made.supplies.iter_rows(named=True)
    assert (order["qty"], order["order_qty"], days(order["start"])) == (80, 100, 3)
    of_c = made.positions.filter(pl.col("product") == "C").sort("bucket")
    stock = dict(of_c.select("bucket", "on_hand").iter_rows())
    assert stock.get(day(2), 120.0) == 120.0
    assert stock[day(3)] == 20.0
    used = made.pegging.filter(pl.col("product") == "C")["qty"].sum()
    assert used == 100.0
