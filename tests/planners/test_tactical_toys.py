"""Toy companies for what the source says of inputs, slacks and the objective.

Each is planned in mode optimize, and what comes out is worked by hand.
"""

from __future__ import annotations

import datetime as dt

import polars as pl
import pytest

from medhavi.errors import NotAvailable
from medhavi.findings import BadData
from medhavi.results.figures.scorecard import scorecard
from tests import factories
from tests.api import plan, verify
from tests.examples import some
from tests.planners.optimal_plans import best, parts, sources
from tests.planners.small_plans import (
    day,
    days,
    deliveries,
    exceptions,
    fulfilment,
    orders,
    pegs,
)
from tests.planners.test_constraint_toys import (
    BUY,
    CHANGE,
    NEVER_SHORT,
    line,
    machine,
    moved,
)
from tests.planners.test_source_toys import wanted

DAYS = [{"weekday": n, "time": dt.time(0)} for n in range(1, 8)]


def of_company(**rows):
    """Best plan, and its scorecard."""
    found = best(**rows)
    return found, scorecard(found, factories.snapshot(**rows))


# --- inputs --------------------------------------------------------------------------
@pytest.mark.req("OMI-08")
def test_all_that_is_wrong_is_told_at_once():
    """A quantity below zero, a missing row, a circle, dates, an id that comes twice."""
    snapshot = factories.snapshot(
        demands=[wanted("D1", -24, 1), wanted("D2", 1, 1), wanted("D2", 2, 1)],
        supply_terms=[{**BUY, "valid_from": day(5), "valid_to": day(2)}],
        supply_orders=[{"product": "A", "source": "nobody", "kind": "work"}],
    )
    with pytest.raises(BadData) as wrong:
        plan(snapshot, "optimize")
    told = {one.code for one in wrong.value.findings}
    assert len(told) == 4
    circle = factories.snapshot(
        demands=[wanted("D1", 1, 1)],
        routings=[{"routing": "R1"}, {"routing": "R2", "product": "B"}],
        bom_lines=[
            {"routing": "R1", "component": "B"},
            {"routing": "R2", "component": "A"},
        ],
    )
    with pytest.raises(BadData, match="A"):
        plan(circle, "optimize")


@pytest.mark.req("OMI-22", "OMI-23")
@pytest.mark.parametrize(
    ("table", "column", "value"),
    [
        ("routings", "yield", 0.0),
        ("routings", "yield", 1.1),
        ("steps", "yield", 0.0),
        ("steps", "yield", 1.1),
        ("steps", "run_minutes_per_unit", -1.0),
        ("routings", "cost_per_unit", -1.0),
    ],
)
def test_a_value_that_cannot_be_is_refused_by_its_name(table, column, value):
    rows = {"demands": [wanted("D1", 1, 1)], "routings": [{}], "steps": [{}]}
    rows[table] = [{column: value}]
    with pytest.raises(BadData, match=f"{table} row 1 column {column}"):
        plan(factories.snapshot(**rows), "optimize")


@pytest.mark.req("OMI-10")
@pytest.mark.parametrize(
    "bucket", ["48xhour+12xday+8xweek+2xmonth", "2xday+2xweek+3xmonth", "1xweek"]
)
def test_goods_balance_over_buckets_of_any_widths(bucket):
    """10 a demand at 3 each, whatever bucket it falls into; five are in stock."""
    rows = {
        "settings": [{"horizon_days": 120}],
        "demands": [wanted(f"D{n}", 10, n) for n in (3, 8, 20, 45, 100)],
        "stock": [{"product": "A", "qty": 5}],
        "supply_terms": [{**BUY, "unit_price": 3}],
    }
    snapshot = factories.snapshot(**rows)
    found = plan(snapshot, "optimize", {"bucket": bucket})
    assert verify(found, snapshot) == []
    assert parts(found)["buying"] == pytest.approx(45 * 3)
    assert sum(parts(found).values()) == pytest.approx(found.run.program.value)
    assert sum(sources(found).values()) == 45


@pytest.mark.req("OMI-11", "OMI-26")
def test_what_leaves_on_day_5_with_two_days_to_go_is_there_on_day_7():
    rows = moved(10, duration_h=48)
    rows["demands"] = [wanted("D1", 10, 7)]
    assert orders(best(**rows)) == [("A", 10, 5, 7)]


@pytest.mark.req("OMI-12")
@pytest.mark.parametrize(("finite", "there"), [(True, [1, 2]), (False, [1, 1])])
def test_a_resource_is_a_limit_or_it_is_not(finite, there):
    found = best(
        demands=[
            wanted("D1", 24, 1, full_line=True),
            wanted("D2", 24, 1, full_line=True),
        ],
        resources=[{"resource": "M", "finite": finite}],
        routings=[{"routing": "R", "product": "A", "max_lot": 24}],
        **machine("R", 60),
    )
    gone = [deliveries(found, name)[0][1] or 0.0 for name in ("D1", "D2")]
    assert sorted(gone) == there


@pytest.mark.req("OMI-13")
def test_what_is_decided_stays_and_what_is_planned_may_go():
    """10 of each order on day 8; of 45 wanted the rest is new."""
    states = [
        ("planned", None),
        ("firmed", None),
        ("firmed", True),
        ("released", None),
        ("in_process", None),
        ("cancelled", None),
    ]
    found = best(
        demands=[wanted("D1", 45, 20)],
        supply_terms=[BUY],
        supply_orders=[
            {"supply_order": f"{n}", "product": "A", "start": day(4), "due": day(8)}
            | {"status": status, "locked": locked, "source": "S"}
            for n, (status, locked) in enumerate(states)
        ],
    )
    existing = found.supplies.filter(pl.col("status") != "planned").sort("id")
    assert existing["id"].to_list() == ["1", "2", "3", "4"]
    assert [days(one) for one in existing["finish"]] == [8, 8, 8, 8]
    assert orders(found) == [("A", 5, 18, 20)]


@pytest.mark.req("OMI-14")
def test_four_places_bring_what_the_last_one_wants():
    """B comes in 3 days, A is made at once; to the depot it takes 2, then 1."""
    found = best(
        locations=[{"location": name} for name in ("PLANT", "DEPOT", "L")],
        routings=[{"routing": "R", "product": "A", "location": "PLANT"}],
        bom_lines=[{"routing": "R", "component": "B", "qty_per": 2}],
        supply_terms=[{"product": "B", "location": "PLANT", "lead_time_days": 3}],
        lanes=[
            {"lane": "T1", "origin": "PLANT", "destination": "DEPOT", "duration_h": 48},
            {"lane": "T2", "origin": "DEPOT", "destination": "L", "duration_h": 24},
        ],
        demands=[wanted("D1", 10, 10)],
    )
    assert orders(found) == [
        ("A", 10, 7, 7),
        ("A", 10, 7, 9),
        ("A", 10, 9, 10),
        ("B", 20, 4, 7),
    ]


@pytest.mark.req("OMI-15", "OMI-17")
@pytest.mark.parametrize(
    "more",
    [
        {"products": [{"product": f"X{n}"} for n in range(50)]},
        {"locations": [{"location": f"L{n}"} for n in range(50)]},
        {"routings": [{"routing": "R", "valid_to": day(-1)}]},
        {"supply_terms": [BUY, {**BUY, "supplier": "S2", "valid_to": day(-1)}]},
    ],
    ids=["products", "places", "a routing that ended", "terms that ended"],
)
def test_what_nobody_needs_or_may_use_is_no_column(more):
    rows = {"demands": [wanted("D1", 10, 5)], "supply_terms": [BUY]}
    alone, beside = best(**rows), best(**{**rows, **more})
    assert beside.run.program.columns == alone.run.program.columns


@pytest.mark.req("OMI-24")
def test_hours_that_others_have_are_none():
    """Of 24 are 6 on a released order, which brings 6, and 6 held: 12 are left."""
    found = best(
        demands=[wanted("D1", 24, 1, **NEVER_SHORT)],
        routings=[{"routing": "R", "product": "A"}],
        **machine("R", 60),
        supply_orders=[
            {"supply_order": "W1", "kind": "work", "product": "A", "qty": 6}
            | {"start": day(0), "due": day(0.25), "source": "R"}
        ],
        reservations=[
            {"kind": "capacity", "subject": "M", "qty": 360}
            | {"start": day(0.25), "finish": day(0.5)}
        ],
    )
    assert deliveries(found) == [(18, 1), (6, 1.25)]


@pytest.mark.req("OMI-27", "OMV-05")
@pytest.mark.parametrize(("need", "ordered"), [(10, 40), (30, 40), (55, 60), (60, 60)])
def test_an_order_is_of_whole_lots_and_no_less_than_the_least(need, ordered):
    """30 at least, in lots of 20."""
    found = best(
        demands=[wanted("D1", need, 7)],
        supply_terms=[{**BUY, "moq": 30, "lot_multiple": 20}],
    )
    assert sources(found) == {"S": ordered}


@pytest.mark.req("OMI-28")
def test_lots_of_all_ages_are_what_is_there():
    """1 to 5 of age 1 to 5 days: 15, the oldest first."""
    found = best(
        products=[{"product": "A", "shelf_life_days": 10}],
        stock=[
            {"product": "A", "lot": f"{n}", "qty": n}
            | {"received_at": day(-n), "expires_at": day(10 - n)}
            for n in range(1, 6)
        ],
        demands=[wanted("D1", 12, 0), wanted("D2", 4, 0, priority=2)],
    )
    assert pegs(found, "D1") == {"A|L|5": 5, "A|L|4": 4, "A|L|3": 3}
    assert pegs(found, "D2") == {"A|L|2": 2, "A|L|1": 1}


@pytest.mark.req("OMI-29", "OMV-11")
def test_to_hold_stock_costs_its_value_and_rate_by_the_day():
    """10 of 100 each for 10 days at 0.1 % a day."""
    _, card = of_company(
        products=[{"product": "A", "unit_cost": 100}],
        settings=[{"bucket": "day", "horizon_days": 30}],
        demands=[wanted("D1", 10, 10)],
        stock=[{"product": "A", "qty": 10}],
        inventory_policies=[{"product": "A", "holding_rate": 0.365}],
    )
    assert card.holding == pytest.approx(10 * 100 * 0.001 * 10)


# --- what a plan lacks ---------------------------------------------------------------
@pytest.mark.req("OMV-09", "OMC-7.1.2")
def test_a_hundred_units_two_days_late_are_two_hundred():
    _, card = of_company(
        demands=[wanted("D1", 100, 3, late_cost_per_day=1)],
        supply_orders=[{"product": "A", "qty": 100, "due": day(5)}],
    )
    assert card.lateness == pytest.approx(200)


@pytest.mark.req("OMO-02", "OMV-09")
def test_sixty_late_units_and_ten_short_at_priority_two_cost_32_000():
    """60 in time, 30 two days late, 10 never; 100 a day, 1,000 never, weight 2."""
    found, card = of_company(
        settings=[{"priority_weights": [2.0]}],
        demands=[wanted("D1", 100, 10, late_cost_per_day=200, short_cost=2000)],
        supply_orders=[
            {"supply_order": "P1", "product": "A", "qty": 60, "due": day(10)},
            {"supply_order": "P2", "product": "A", "qty": 30, "due": day(12)},
        ],
    )
    assert deliveries(found) == [(60, 10), (30, 12)]
    assert card.shortage == pytest.approx(1000 * 2 * 10)
    assert card.lateness - card.shortage == pytest.approx(100 * 2 * 60)


@pytest.mark.req("OMO-02")
def test_the_weight_of_a_priority_is_in_what_lateness_costs_where_no_cost_is_stated():
    """Price 1: 2 % a day and 3 of it never, times 4."""
    _, card = of_company(
        settings=[{"priority_weights": [10.0, 4.0]}],
        demands=[wanted("D1", 30, 2, priority=2, price=1)],
        supply_orders=[{"product": "A", "qty": 20, "due": day(4)}],
    )
    assert card.lateness == pytest.approx(4 * (0.02 * 20 * 2 + 3 * 10))


@pytest.mark.req("OMV-15", "OMI-21")
def test_what_has_no_space_is_what_lies_there_less_what_may():
    """15 where 10 may lie; 30 m3 where 20 fit."""
    receipt = [{"product": "A", "qty": 15, "due": day(2)}]
    found = best(
        settings=[{"bucket": "day"}],
        demands=[wanted("D1", 10, 5)],
        storage_limits=[{"product": "A", "max_qty": 10}],
        supply_orders=receipt,
    )
    assert [row["qty"] for row in exceptions(found, "StorageLimit")] == [5]
    found = best(
        settings=[{"bucket": "day"}],
        products=[{"product": "A", "volume_m3": 2}],
        locations=[{"location": "L", "storage_capacity": 20}],
        demands=[wanted("D1", 10, 5)],
        supply_orders=receipt,
    )
    assert [row["qty"] for row in exceptions(found, "StorageLimit")] == [10]


@pytest.mark.req("OMV-08")
def test_each_peg_says_where_its_goods_come_from():
    """Stock, a receipt, what is made, moved and bought, of a product each."""
    found = best(
        locations=[{"location": "L"}, {"location": "W"}],
        demands=[
            {**wanted(f"D{product}", 10, 9), "product": product} for product in "ABCDE"
        ],
        stock=[{"product": "A", "qty": 10}, {"product": "D", "location": "W"}],
        supply_orders=[{"supply_order": "P1", "product": "B", "due": day(3)}],
        routings=[{"routing": "R", "product": "C"}],
        lanes=[{"lane": "T", "origin": "W", "destination": "L"}],
        supply_terms=[{**BUY, "product": "E"}],
    )
    top = found.pegging.filter(pl.col("level") == 0).sort("demand")
    assert top["source"].to_list() == ["INV", "FIRM", "PROD", "TRANS", "SUP"]
    assert top.select("demand", "supply", "source").is_duplicated().sum() == 0


@pytest.mark.req("OMV-04")
def test_nothing_leaves_without_a_departure():
    """Fridays alone: what is wanted on Wednesday the 14th leaves on the 9th."""
    rows = moved(10, duration_h=24)
    rows["demands"] = [wanted("D1", 10, 9)]
    rows["departures"] = [{"weekday": 5, "time": dt.time(0)}]
    assert orders(best(**rows)) == [("A", 10, 4, 5)]


@pytest.mark.req("OMV-19", "OMI-25")
def test_set_up_is_that_of_the_matrix_by_its_direction():
    """A to B takes 2 h and 7, B to A 1 h and 3; the line stands at A."""
    rows = line("A", "B", **CHANGE)
    rows["changeovers"] = [
        {"from_family": "A", "to_family": "B", "setup_minutes": 120, "cost": 7},
        {"from_family": "B", "to_family": "A", "setup_minutes": 60, "cost": 3},
    ]
    rows["demands"] = [
        {**wanted("D1", 24, 2, full_line=True, **NEVER_SHORT), "product": "B"},
        {**wanted("D2", 24, 9, full_line=True, **NEVER_SHORT), "product": "A"},
        {**wanted("D3", 24, 20, full_line=True, **NEVER_SHORT), "product": "B"},
    ]
    found, card = of_company(**rows)
    work = found.operations.filter(pl.col("setup_minutes") > 0)
    both = {"RA": (60, 3), "RB": (120, 7)}
    made = dict(found.supplies.select("id", "source").iter_rows())
    due = [both[made[one]] for one in work["supply"]]
    assert work["setup_minutes"].to_list() == [minutes for minutes, _ in due]
    assert card.production == pytest.approx(sum(cost for _, cost in due))


# --- the objective -------------------------------------------------------------------
@pytest.mark.req("OMO-03", "OMV-10")
@pytest.mark.parametrize(("stocked", "below"), [(20, 0), (15, 5), (25, 0)])
def test_safety_costs_nothing_where_it_is_there(stocked, below):
    found = best(
        products=[{"product": "A", "unit_cost": 1}],
        stock=[{"product": "A", "qty": stocked}],
        demands=[{**wanted("D1", 1, 5), "product": "B"}],
        inventory_policies=[{"product": "A", "safety_qty": 20}],
    )
    rows = found.contributions.filter(pl.col("part") == "safety stock")
    days_below = factories.snapshot().settings.horizon_days
    expected = below * (1.05 + 0.01 / 7 * days_below)
    assert rows["plan"].item() == pytest.approx(expected)


@pytest.mark.req("OMO-06", "OMV-16")
def test_of_three_routings_that_cost_nothing_the_preferred_one_works():
    found = best(
        demands=[wanted("D1", 10, 20)],
        routings=[
            {"routing": f"R{n}", "product": "A", "preference": place}
            for n, place in ((1, 2), (2, 1), (3, 3))
        ],
    )
    assert sources(found) == {"R2": 10}


@pytest.mark.req("OMO-08")
def test_the_more_a_kg_costs_the_less_is_emitted():
    """The road costs 1 a unit and emits 10 kg; the rail 2 and nothing."""
    rows = moved(10)
    rows["lanes"] = [
        {"lane": "ROAD", "origin": "W", "destination": "L", "duration_h": 24}
        | {"cost_per_unit": 1, "co2_kg_per_tonne": 10_000},
        {"lane": "RAIL", "origin": "W", "destination": "L", "duration_h": 24}
        | {"cost_per_unit": 2},
    ]
    snapshot = factories.snapshot(**rows)
    emitted = [
        scorecard(best({"co2_price": price}, **rows), snapshot).co2_kg
        for price in (0, 0.09, 0.11)
    ]
    assert emitted == [100, 100, 0]


# --- why -----------------------------------------------------------------------------
LATE_WORK = {"routings": [{"routing": "R", "product": "A"}], **machine("R", 60)}
CLASSES = {"settings": [{"quality_classes": ["I", "II"]}]}


@pytest.mark.req("OME-02", "OME-06", "OMV-13")
@pytest.mark.parametrize(
    ("code", "subject", "rows"),
    [
        (
            "CapacityShortfall",
            "M",
            LATE_WORK
            | {"demands": [wanted("D0", 24, 1), wanted("D1", 24, 1, priority=2)]},
        ),
        (
            "AwaitingSupply",
            "P1",
            {
                "routings": [{"routing": "R", "product": "A"}],
                "bom_lines": [{"routing": "R", "component": "B"}],
                "supply_orders": [
                    {"supply_order": "P1", "product": "B", "qty": 24, "due": day(3)}
                ],
            },
        ),
        ("LeadTime", "S", {"supply_terms": [{**BUY, "lead_time_days": 4}]}),
        (
            "MaterialShortfall",
            "S",
            {
                "supply_terms": [
                    {"product": "A", "lead_time_days": 1, "capacity_per_period": 12}
                ]
            },
        ),
        (
            "NoTransportCapacity",
            "T",
            moved(24, capacity_kg=12)
            | {"departures": DAYS, "demands": [wanted("D1", 24, 1)]},
        ),
        (
            "LeadTime",
            "T",
            moved(24, duration_h=72) | {"demands": [wanted("D1", 24, 1)]},
        ),
        ("MaterialShortfall", "A|L", {"stock": [{"product": "A", "qty": 4}]}),
        (
            "NoSource",
            "B|L",
            {
                "routings": [{"routing": "R", "product": "A"}],
                "bom_lines": [{"routing": "R", "component": "B"}],
            },
        ),
        (
            "ShelfLifeExceeded",
            "A|L|old",
            {
                "products": [{"product": "A", "shelf_life_days": 10}],
                "stock": [
                    {"product": "A", "lot": "old", "qty": 24, "expires_at": day(0.5)}
                ],
            },
        ),
        (
            "ShelfLifeExceeded",
            "A|L|old",
            {
                "products": [{"product": "A", "shelf_life_days": 10}],
                "stock": [
                    {"product": "A", "lot": "old", "qty": 24, "expires_at": day(3)}
                ],
                "demands": [wanted("D1", 24, 1, min_shelf_days=3)],
            },
        ),
        (
            "QualityMismatch",
            "A|L|7",
            CLASSES
            | {
                "stock": [{"product": "A", "lot": "7", "qty": 24, "quality": "II"}],
                "demands": [wanted("D1", 24, 1, min_quality="I")],
            },
        ),
        (
            "QualityMismatch",
            "A|L|",
            {
                "stock": [{"product": "A", "qty": 24}],
                "demands": [wanted("D1", 24, 1, requires=["grade=A"])],
            },
        ),
    ],
)
def test_what_keeps_a_demand_back_is_named(code, subject, rows):
    rows = {"demands": [wanted("D1", 24, 1)], **rows}
    found = best(**rows)
    assert fulfilment(found)["status"] != "on_time"
    causes = found.causes.filter(pl.col("demand") == "D1")
    assert causes.select("code", "subject").rows() == [(code, subject)]


@pytest.mark.req("OMP-02")
def test_orders_keep_their_ids_in_another_run_and_when_rows_change_places():
    rows = line("A", "B")
    first = best(**rows)
    turned = {name: table[::-1] for name, table in rows.items()}
    for again in (best(**rows), best(**turned)):
        for table in ("supplies", "pegging"):
            assert again[table]["id"].to_list() == first[table]["id"].to_list()


PAIRS = (0, 2, 5, 8, 15, 19, 28)
"""Numbers whose bits show each two kinds in all four ways, and one that is refused."""


@pytest.mark.req("MODE-07", "DEC-05")
@pytest.mark.parametrize(
    "number", [*PAIRS, *some([one for one in range(32) if one not in PAIRS], 0)]
)
def test_any_of_five_kinds_of_rules_may_be_left_out(number):
    """Finite hours, campaigns, lives, suppliers, characteristics: on or off.

    Campaigns of a machine without limit are refused by its name.
    """
    finite, campaigns, lives, suppliers, asked = (
        bool(number >> place & 1) for place in range(5)
    )
    rows = line("A", "B", resources=[{"resource": "M", "finite": finite}])
    if campaigns:
        rows["campaign_rules"] = [{"resource": "M", "family": "A", "min_run_qty": 10.0}]
    if lives:
        rows["products"] = [{"product": "A", "shelf_life_days": 9}]
    if suppliers:
        rows["supply_terms"] = [{**BUY, "unit_price": 500}]
    if asked:
        rows["routings"][0]["provides"] = ["grade=A"]
        rows["demands"][0]["requires"] = ["grade=A"]
    if campaigns and not finite:
        with pytest.raises(NotAvailable, match="M in campaign_rules"):
            best(**rows)
        return
    found = best({"effort": "light"}, **rows)
    assert [fulfilment(found, name)["planned"] for name in ("DA", "DB")] == [24, 24]
    assert max(at or 0.0 for _, at in deliveries(found, "DA")) <= 2
    assert "reservations" not in found.tables
