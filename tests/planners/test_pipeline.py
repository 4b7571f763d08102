"""Modes, settings, refusals and warnings of the planners."""

from __future__ import annotations

import polars as pl
import pytest

from medhavi.errors import NotAvailable, UsageError
from medhavi.findings import BadData
from tests import factories
from tests.api import MrpParameters, Progress, plan
from tests.planners.small_plans import PYTHON, day, fulfilment, planned

BUY = [{"lead_time_days": 5}]


def small(**given):
    return factories.snapshot(**{"demands": [{}], "supply_terms": BUY, **given})


# --- modes -------------------------------------------------------------------------
def test_an_unknown_mode_is_a_wrong_use():
    with pytest.raises(UsageError, match="Unknown mode guess; there are mrp"):
        plan(small(), mode="guess")


@pytest.mark.parametrize(
    ("settings", "text"),
    [
        ({"past": "forbid"}, "past .forbid. must be allow"),
        ({"engine": "fast"}, "engine .fast. must be one of auto, python, numba"),
        ({"closed_orders_consume_forecast": 3}, "must be true or false"),
        ({"speed": 1}, "Unknown setting speed; mode mrp knows"),
    ],
)
def test_settings_outside_their_range_are_named(settings, text):
    with pytest.raises(UsageError, match=text):
        plan(small(), settings=settings)


def test_settings_may_be_a_record():
    found = plan(small(), settings=MrpParameters(engine="python"), seed=7)
    assert found.run.settings == {
        "past": "allow",
        "closed_orders_consume_forecast": False,
    }
    assert found.run.seed == 7


def test_the_garbage_collector_may_be_off():
    import gc

    gc.disable()
    try:
        plan(small(), settings=PYTHON)
        assert not gc.isenabled()
    finally:
        gc.enable()


# --- progress ----------------------------------------------------------------------
@pytest.mark.req("MRP-13")
def test_progress_is_told_and_changes_nothing():
    told: list[Progress] = []
    found = plan(small(), settings=PYTHON, observe=told.append)
    netting = "net requirements"
    assert told[0] == Progress(netting, 0, 1)
    assert told[-2:] == [Progress(netting, 1, 1), Progress("tables", 0, 1)]
    assert found.fingerprint == plan(small(), settings=PYTHON).fingerprint


def test_a_cancelled_run_says_so():
    found = plan(small(), settings=PYTHON, cancelled=lambda: True)
    assert found.run.status == "cancelled"
    assert found.supplies.is_empty()
    assert fulfilment(found)["status"] == "unplanned"


# --- refusals and warnings ---------------------------------------------------------
@pytest.mark.parametrize(
    ("given", "named"),
    [
        ({"demands": [{"min_quality": "A"}]}, "demands.min_quality"),
        (
            {"products": [{"product": "A", "quality_class": "A"}]},
            "products.quality_class",
        ),
        (
            {
                "routings": [{"product": "B"}],
                "steps": [{}],
                "resources": [{}, {"resource": "N"}],
                "step_resources": [
                    {"choice": "c", "yield": 0.9, "valid_to": day(20)},
                    {"choice": "c", "resource": "N"},
                ],
            },
            "step_resources.yield .rows 1, 2.",
        ),
    ],
)
def test_what_would_change_the_plan_and_is_not_built_is_refused(given, named):
    with pytest.raises(NotAvailable, match=named):
        plan(small(**given), settings=PYTHON)


@pytest.mark.parametrize(
    ("given", "named"),
    [
        ({"changeovers": [{}]}, "PLAN010 changeovers"),
        ({"tariffs": [{}]}, "PLAN010 tariffs"),
        ({"disruptions": [{}], "resources": [{}]}, "PLAN010 disruptions"),
        ({"promise_policies": [{}]}, "PLAN010 promise_policies"),
        ({"lanes": [{"lane": "T", "capacity_kg": 5}]}, "PLAN011 lanes capacity_kg"),
        ({"resources": [{"max_early_days": 3}]}, "PLAN011 resources max_early_days"),
        ({"demands": [{"expedite": True}]}, "PLAN011 demands expedite"),
        ({"stock": [{"quality": "A"}]}, "PLAN011 stock quality"),
        (
            {"inventory_policies": [{"on_violation": "block"}]},
            "PLAN011 inventory_policies on_violation",
        ),
        (
            {"inventory_policies": [{"reorder_point": 5}]},
            "PLAN012 inventory_policies reorder_point",
        ),
        (
            {"inventory_policies": [{"lot_size": 5}]},
            "PLAN012 inventory_policies lot_size",
        ),
        (
            {"inventory_policies": [{"min_qty": 5}]},
            "PLAN012 inventory_policies min_qty",
        ),
    ],
)
def test_what_the_mode_does_not_read_is_a_warning(given, named):
    found = plan(small(**given), settings=PYTHON)
    codes = {
        " ".join(filter(None, (f.code, f.table, f.column))) for f in found.findings
    }
    assert named in codes


def test_plain_data_has_no_warnings():
    assert plan(small(), settings=PYTHON).findings == ()


def test_disruptions_change_nothing():
    plain, broken = small(), small(disruptions=[{}], resources=[{}])
    first, second = plan(plain, settings=PYTHON), plan(broken, settings=PYTHON)
    assert first.supplies.equals(second.supplies)


# --- edges -------------------------------------------------------------------------
@pytest.mark.req("QA-05")
def test_an_empty_snapshot_gives_an_empty_plan():
    made = planned()
    assert all(
        frame.is_empty() or name == "kpis" for name, frame in made.to_frames().items()
    )


@pytest.mark.req("QA-05")
def test_without_demands_stock_lies_still():
    made = planned(stock=[{}], supply_terms=BUY)
    assert made.supplies.is_empty()
    assert made.positions["on_hand"].to_list() == [10]


@pytest.mark.req("MRP-01", "QA-05")
def test_a_circle_of_products_is_an_error_with_its_path():
    snapshot = factories.snapshot(
        demands=[{}],
        routings=[{}, {"routing": "Q", "product": "B"}],
        bom_lines=[{"component": "B"}, {"routing": "Q", "component": "A"}],
    )
    with pytest.raises(BadData, match="A → B → A"):
        plan(snapshot, settings=PYTHON)


@pytest.mark.req("MRP-01")
def test_a_circle_through_a_co_product_is_printed_as_a_path():
    snapshot = factories.snapshot(
        demands=[{}],
        routings=[{}],
        routing_outputs=[{"role": "main"}, {"product": "B", "role": "co"}],
        bom_lines=[{"component": "B"}],
    )
    with pytest.raises(BadData, match="A @ L → B @ L → A @ L"):
        plan(snapshot, settings=PYTHON)


@pytest.mark.parametrize(
    ("routings", "code"),
    [
        (
            {
                "bom_lines": [{"component": "B", "qty_per": 1e12}],
                "supply_terms": [{"product": "B"}],
            },
            "SNAP029",
        ),
        (
            {
                "routing_outputs": [
                    {"role": "main"},
                    {"product": "B", "role": "by", "qty_per": 1e12},
                ]
            },
            "PLAN001",
        ),
    ],
)
def test_a_quantity_beyond_64_bits_is_a_finding(routings, code):
    snapshot = factories.snapshot(demands=[{"qty": 1e12}], routings=[{}], **routings)
    with pytest.raises(BadData, match=rf"{code} error: .*B "):
        plan(snapshot, settings=PYTHON)


def test_a_largest_lot_that_cannot_be_meant_is_a_finding():
    snapshot = small(demands=[{"qty": 200_000}], supply_terms=[{"max_lot": 1}])
    with pytest.raises(BadData, match=r"PLAN003 .*more than 100000 orders"):
        plan(snapshot, settings=PYTHON)


@pytest.mark.parametrize(
    ("cells", "status"),
    [
        ({"status": "open"}, "on_time"),
        ({"status": "quote"}, "on_time"),
        ({"status": "inquiry"}, "ignored"),
        ({"status": "closed"}, "ignored"),
        ({"status": "cancelled"}, "ignored"),
        ({"due": day(365)}, "on_time"),
        ({"due": day(365.5)}, "ignored"),
    ],
)
def test_status_and_horizon_decide_what_is_planned(cells, status):
    made = planned(demands=[cells], supply_terms=BUY)
    assert fulfilment(made)["status"] == status
    assert made.supplies.is_empty() == (status == "ignored")


@pytest.mark.req("MRP-10", "WO-01", "REP-03")
def test_orders_carry_what_a_proposal_needs():
    made = planned(demands=[{}], supply_terms=[{**BUY[0], "unit_price": 2}])
    row = made.supplies.row(0, named=True)
    assert (row["kind"], row["product"], row["location"]) == ("buy", "A", "L")
    assert (row["qty"], row["order_qty"], row["cost"]) == (10, 10, 20)
    assert (row["status"], row["firm"], row["source"]) == ("planned", False, "S")


@pytest.mark.req("MRP-17")
def test_positions_show_gross_net_and_stock_per_bucket():
    made = planned(
        demands=[{"qty": 30, "due": day(8)}, {"qty": 5, "due": day(15)}],
        stock=[{"qty": 10}],
        supply_terms=[{**BUY[0], "lot_multiple": 50}],
    )
    columns = ("gross", "net", "inbound", "on_hand")
    rows = made.positions.sort("bucket").select(columns).rows()
    assert rows == [(0, 0, 0, 10), (30, 20, 50, 30), (5, 0, 0, 25)]


def test_the_engines_give_the_same_plan():
    pytest.importorskip("numba")
    fast = plan(small(), settings={"engine": "numba"})
    assert fast.fingerprint == plan(small(), settings=PYTHON).fingerprint


def test_existing_rows_have_columns_of_the_contract():
    made = planned(demands=[{}], supply_terms=BUY)
    assert made.exceptions.schema["date"] == pl.Datetime("us", "UTC")
