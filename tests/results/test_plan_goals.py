"""Twenty goals of a plan: each by a plan made by hand that misses it (KPI-29)."""

from __future__ import annotations

from typing import Any

import polars as pl
import pytest

from medhavi.results.figures.kpis import kpi_table
from medhavi.results.figures.plan_goals import GOALS
from medhavi.results.figures.scorecard import scorecard
from tests.results.hand_plan import TABLES, at, changed, hand_plan, hand_snapshot

LOAD = {"bucket": at("2026-02-02 00:00"), "setup": 0.0, "overload": 0.0}


def told(*, snapshot: dict[str, Any] | None = None, **tables: Any) -> dict[str, float]:
    made = hand_plan(**tables)
    table = kpi_table(made, hand_snapshot(**(snapshot or {})))
    own = table.filter(pl.col("kpi").str.starts_with("KPI-29."))
    names = own["kpi"].str.strip_prefix("KPI-29.")
    return dict(zip(names, own["value"], strict=True))


def exceptions(*codes: str) -> list[dict[str, Any]]:
    return [
        {"code": one, "product": "FG", "location": place, "message": "."}
        for one in codes
        for place in ("PLANT", "DC")
    ]


@pytest.mark.req("KPI-29")
def test_a_sound_plan_keeps_all_goals_that_it_may_keep() -> None:
    made, snapshot = hand_plan(), hand_snapshot()
    found = kpi_table(made, snapshot).filter(pl.col("kpi") == "KPI-29")
    assert found.select("value", "denominator").row(0) == (1.0, 14.0)
    parts = told()
    assert set(parts) == set(GOALS)
    assert len(GOALS) == 20
    card = scorecard(made, snapshot)
    assert parts["supply_holding"] == pytest.approx(card.holding)
    assert parts["co2_emissions"] == pytest.approx(card.co2_kg)


@pytest.mark.req("KPI-29")
def test_lateness_and_shortage_part_the_money_of_the_causes() -> None:
    causes = [{"demand": "D1", "code": "NoSource", "hours": 5.0, "money": 70.0}]
    short = {"planned": 60.0, "short": 40.0, "status": "short"}
    parts = told(causes=causes, **changed("fulfilment", "D1", **short))
    # 40 at three times their cost of 10 are more than the causes hold.
    assert parts["delivery_fulfillment"] > 0
    both = parts["delivery_performance"] + parts["delivery_fulfillment"]
    assert both == pytest.approx(70.0)


@pytest.mark.req("KPI-29")
def test_goods_in_process_cost_their_rate_while_an_order_makes_or_moves_them() -> None:
    """100 of 10 EUR for 73 days at 20 % a year: 40 EUR; what is bought is not ours."""
    order = {
        "id": "M",
        "kind": "make",
        "product": "FG",
        "location": "PLANT",
        "qty": 100.0,
        "start": at("2026-01-05 00:00"),
        "finish": at("2026-03-19 00:00"),
    }
    assert told(supplies=[order])["inprocess_holding"] == pytest.approx(40.0)
    assert told(supplies=[{**order, "kind": "buy"}])["inprocess_holding"] == 0.0


@pytest.mark.req("KPI-29")
def test_hours_idle_overloaded_closed_and_off_the_mean() -> None:
    """M works 2 and 6 of 8 open hours; N 3 hours while it is closed."""
    second = at("2026-02-09 00:00")
    loads = [
        {**LOAD, "resource": "M", "available": 8.0, "run": 2.0},
        {**LOAD, "resource": "M", "bucket": second, "available": 8.0, "run": 6.0},
        {**LOAD, "resource": "N", "available": 0.0, "run": 3.0, "overload": 3.0},
    ]
    parts = told(loads=loads)
    assert parts["resource_utilization"] == 8.0
    assert parts["resource_capacity_overload"] == 3.0
    assert parts["missing_capacity_consumption"] == 3.0
    assert parts["campaign_capacity_overload"] == 0.0


@pytest.mark.req("KPI-29", "OMV-12")
def test_a_level_load_is_on_its_mean_and_any_other_is_off_it() -> None:
    """Four weeks: 2 h each are level; 8 h in one are 6 over it and 2 below in three."""
    weeks = [at(f"2026-01-{day:02} 00:00") for day in (5, 12, 19, 26)]
    settings = [{**TABLES["settings"][0], "horizon_days": 28.0}]

    def off(*hours: float) -> float:
        loads = [
            {**LOAD, "resource": "M", "bucket": week, "available": 40.0, "run": run}
            for week, run in zip(weeks, hours, strict=True)
            if run
        ]
        parts = told(loads=loads, snapshot={"settings": settings})
        return parts["spread_capacity_consumption"]

    assert off(2.0, 2.0, 2.0, 2.0) == pytest.approx(0.0)
    assert off(8.0, 0.0, 0.0, 0.0) == pytest.approx(12.0)


@pytest.mark.req("KPI-29")
def test_overload_is_of_campaigns_where_one_runs() -> None:
    made = hand_plan()
    resource, start = made.operations.select("resource", "start").row(0)
    order = made.operations["supply"][0]
    loads = [
        {
            **LOAD,
            "resource": resource,
            "bucket": start.replace(hour=0, minute=0),
            "available": 8.0,
            "run": 9.0,
            "overload": 1.0,
        }
    ]
    assert told(loads=loads)["campaign_capacity_overload"] == 0.0
    campaign = changed("supplies", order, campaign="C1")
    assert told(loads=loads, **campaign)["campaign_capacity_overload"] == 1.0


@pytest.mark.req("KPI-29")
@pytest.mark.parametrize(
    ("part", "codes"),
    [
        ("inventory_adherence", ("BelowSafety", "AboveMaximum")),
        ("missing_upstream", ("MissingMaterial", "NoSource")),
        ("storage_capacity_excess", ("StorageLimit",)),
    ],
)
def test_what_exceptions_tell_is_counted_once_a_place(part, codes) -> None:
    assert told()[part] == 0
    assert told(exceptions=exceptions(*codes))[part] == 2


@pytest.mark.req("KPI-29")
def test_orders_of_a_worse_source_are_not_preferred() -> None:
    """The one routing of FG is the first; with another of number 0 it is not."""
    assert told()["supply_preference"] == 0.0
    other = {**TABLES["routings"][0], "routing": "R0", "preference": 0}
    routings = [*TABLES["routings"], other]
    parts = told(snapshot={"routings": routings})
    new = hand_plan().supplies.height
    assert parts["supply_preference"] == pytest.approx(1 / new)
    # What sourcing states is what there is.
    bound = [{"product": "FG", "location": "PLANT", "kind": "make", "source": "R"}]
    stated = told(snapshot={"routings": routings, "sourcing": bound})
    assert stated["supply_preference"] == 0.0


@pytest.mark.req("KPI-29")
def test_a_demand_that_asks_for_a_class_misses_what_it_does_not_get() -> None:
    asking = [{**TABLES["demands"][0], "min_quality": "A"}]
    settings = [{**TABLES["settings"][0], "quality_classes": ["A", "B"]}]
    found = told(snapshot={"demands": asking, "settings": settings})
    assert found["supply_quality"] > 0


@pytest.mark.req("KPI-29")
def test_pegs_to_held_stock_beyond_a_supply_and_beyond_a_demand() -> None:
    held = [{**row, "status": "blocked"} for row in TABLES["stock"]]
    pegs = hand_plan().pegging
    lots = pegs.filter(pl.col("source") == "INV").height
    assert told(snapshot={"stock": held})["invalid_upstream"] == lots
    most = pegs.sort("qty")["id"][-1]
    assert told(**changed("pegging", most, qty=900.0))["over_utilized_supply"] == 1
    over = changed("fulfilment", "D1", planned=101.0)
    assert told(**over)["over_assigned_demand"] == 1


@pytest.mark.req("KPI-29")
def test_a_full_line_in_two_deliveries_is_a_part_of_it() -> None:
    full = {"demands": [{**TABLES["demands"][0], "full_line": True}]}
    assert told(snapshot=full)["partial_assigned_piece"] == 0
    halves = [
        {"demand": "D1", "qty": 50.0, "date": at(f"2026-02-0{one} 08:00")}
        for one in (1, 2)
    ]
    assert told(deliveries=halves)["partial_assigned_piece"] == 0
    assert told(snapshot=full, deliveries=halves)["partial_assigned_piece"] == 1
