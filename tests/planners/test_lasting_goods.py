"""Goods that expire must live until they themselves arrive or are used, no longer."""

from __future__ import annotations

import datetime as dt
from typing import Any

import pytest

from tests.api import PromiseLedger, apply
from tests.planners.small_promises import (
    asked,
    dates,
    day,
    days,
    quoted,
    tables,
    workshop,
)

VAN: dict[str, Any] = {
    "lane": "T",
    "origin": "L",
    "destination": "C1",
    "duration_h": 24,
    "capacity_kg": 6,
}
DAILY = [{"lane": "T", "weekday": one, "time": dt.time(12)} for one in range(1, 8)]


def depot(**more: Any) -> Any:
    """Six kilograms leave L at noon of each day and are a day under way."""
    return tables(
        products=[{"product": "A", "weight_kg": 1}],
        locations=[{"location": "L"}, {"location": "C1", "kind": "customer"}],
        lanes=more.pop("lanes", [VAN]),
        departures=more.pop("departures", DAILY),
        **more,
    )


@pytest.mark.req("MAT-03", "ATP-07", "TRN-11")
@pytest.mark.parametrize(
    ("old", "more", "deliveries"),
    [
        # All lie there, and what leaves first is what expires.
        (6, {"stock": [{"qty": 4, "lot": "Y"}]}, [(6, 1.5), (4, 2.5)]),
        # What leaves last comes after the first has left.
        (8, {"supply_orders": [{"qty": 5, "due": day(1)}]}, [(6, 1.5), (4, 2.5)]),
        # Nothing else comes: what would leave last expires.
        (10, {}, [(6, 1.5)]),
    ],
)
def test_a_late_departure_makes_no_early_one_too_old(old, more, deliveries):
    lot = {"qty": old, "lot": "X", "expires_at": day(1.75)}
    snapshot = depot(**{**more, "stock": [lot, *more.get("stock", ())]})
    assert dates(asked(snapshot, location="C1")) == deliveries


@pytest.mark.req("MAT-03", "MAT-01")
@pytest.mark.parametrize(("keeps", "hour"), [(2, 73), (4, 73), (1, None)])
def test_goods_for_early_work_need_not_live_until_late_work(keeps, hour):
    """C takes one B at once and three days; A takes C and another B, and one hour."""
    work = [
        {"run_minutes_per_unit": 60},
        {"routing": "RC", "run_minutes_per_unit": 4320},
    ]
    made = asked(
        workshop(
            products=[{"product": name} for name in "BC"],
            routings=[{}, {"routing": "RC", "product": "C"}],
            steps=work,
            step_resources=[{}, {"routing": "RC"}],
            bom_lines=[
                {},
                {"line": 2, "component": "C"},
                {"routing": "RC", "component": "B"},
            ],
            supply_terms=[],
            stock=[
                {"product": "B", "qty": 1, "lot": "X", "expires_at": day(1)},
                {"product": "B", "qty": keeps - 1, "lot": "Y"},
            ],
        ),
        qty=1,
    )
    assert days(made.date) == (None if hour is None else round(hour / 24, 6))


@pytest.mark.req("MAT-03", "RES-10")
def test_goods_are_held_as_long_as_their_own_lane_is_under_way():
    """Both lanes leave at noon: six are there in a day, the rest half a day later."""
    slow = {**VAN, "lane": "U", "duration_h": 36}
    noon = [{**one, "lane": lane} for one in DAILY for lane in "TU"]
    lots = [
        {"qty": 6, "lot": "X", "expires_at": day(1.75)},
        {"qty": 4, "lot": "Y"},
    ]
    book = PromiseLedger.from_snapshot(
        depot(lanes=[VAN, slow], departures=noon, stock=lots)
    )
    made = quoted(book, location="C1")
    assert dates(made) == [(6, 1.5), (4, 2)]
    held = [one for one in made.holds if one.kind == "material"]
    assert [(one.qty, days(one.until)) for one in held] == [(6, 1.5), (4, 2)]
    apply(book, made)
    assert book.stages.material.line("A", "L").short is None


@pytest.mark.req("MAT-03", "RES-10")
def test_goods_that_are_moved_are_held_until_they_are_used():
    """B lies at V, a day from L, where A is made of it then."""
    made = asked(
        workshop(
            products=[{"product": "B"}],
            locations=[{"location": "L"}, {"location": "V"}],
            lanes=[{**VAN, "origin": "V", "destination": "L"}],
            supply_terms=[],
            stock=[{"product": "B", "location": "V", "qty": 10, "expires_at": day(2)}],
        ),
        qty=6,
    )
    (held,) = [one for one in made.holds if one.kind == "material"]
    assert (held.location, days(held.start), days(held.until)) == ("V", 0, 1)
