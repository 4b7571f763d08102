"""Each reason that promises give, by the smallest case that gives it.

The table lists every code that docs/limiters.md says promises emit; a code that is
added there without a case here fails.
"""

from __future__ import annotations

import datetime as dt
from typing import Any

import pytest

from medhavi.planners.promising.supply_search.availability import AvailabilityCheck
from medhavi.results.limiter import Emitter, Limiter
from tests.api import PromiseLedger, Providers, promise
from tests.planners.small_promises import (
    TRUSTING,
    asked,
    cells,
    day,
    quoted,
    tables,
    workshop,
)

PARTS = {"stock": [{"product": "B", "qty": 100}]}
C1 = [{"location": "L"}, {"location": "C1", "kind": "customer"}]
LANE = {"lane": "T", "origin": "L", "destination": "C1", "duration_h": 24}
SLOW = {"run_minutes_per_unit": 6000}
EVERY_DAY = [{"weekday": n, "time": dt.time(12)} for n in range(1, 8)]
TO_C1 = {"location": "C1"}
LATE = {"due": day(0)}


def policy(**stated: object) -> dict[str, Any]:
    return {"promise_policies": [{**TRUSTING, **stated}]}


def busy(days: float) -> list[dict[str, object]]:
    return [
        {
            "reservation": "X",
            "kind": "capacity",
            "subject": "M",
            "location": None,
            "qty": days * 1440,
            "start": day(0),
            "finish": day(days),
        }
    ]


def shipped(**more: Any) -> Any:
    """Ten of A at L, weighing a kilogram each, for C1."""
    given: dict[str, Any] = {
        "products": [{"product": "A", "weight_kg": 1}],
        "stock": [{"qty": 10}],
        "locations": C1,
        "lanes": [LANE],
    }
    return tables(**{**given, **more})


LOCKED: dict[str, Any] = {
    "products": [{"product": "A"}, {"product": "Z"}],
    "routings": [{}, {"routing": "RZ", "product": "Z"}],
    "steps": [
        {"run_minutes_per_unit": 60},
        {"routing": "RZ", "run_minutes_per_unit": 60},
    ],
    "step_resources": [{}, {"routing": "RZ"}],
    "supply_orders": [
        {
            "supply_order": "W",
            "kind": "work",
            "product": "Z",
            "source": "RZ",
            "qty": 100,
            "due": day(100 / 24),
            "status": "in_process",
        }
    ],
}
DAY_SHIFT: dict[str, Any] = {
    "calendars": [{"calendar": "D"}],
    "shifts": [
        {"calendar": "D", "weekday": n, "start": dt.time(8), "finish": dt.time(16)}
        for n in range(1, 6)
    ],
    "resources": [{"resource": "M", "calendar": "D"}],
}

CASES: dict[Limiter, tuple[Any, dict[str, Any]]] = {
    Limiter.MATERIAL_SHORTFALL: (tables(stock=[{"qty": 3}]), {}),
    Limiter.MATERIAL_RESERVATION_CONFLICT: (
        tables(stock=[{"qty": 10}], reservations=[{"finish": day(1)}]),
        {},
    ),
    Limiter.SAFETY_VIOLATION: (
        tables(stock=[{"qty": 10}], inventory_policies=[{"safety_qty": 5}]),
        {},
    ),
    Limiter.AWAITING_SUPPLY: (
        tables(supply_orders=[{"qty": 10, "due": day(7)}]),
        {"due": day(3)},
    ),
    Limiter.QUALITY_MISMATCH: (
        tables(
            settings=[{"quality_classes": ["fine", "plain"]}],
            stock=[{"qty": 10, "quality": "plain"}],
        ),
        {"min_quality": "fine"},
    ),
    Limiter.SHELF_LIFE_EXCEEDED: (
        tables(stock=[{"qty": 10, "lot": "old", "expires_at": day(3)}]),
        {"min_shelf_days": 5},
    ),
    Limiter.SUPPLIER_MOQ: (
        tables(
            supply_terms=[{"moq": 50, "lead_time_days": 2, "capacity_per_period": 20}]
        ),
        {},
    ),
    Limiter.SUPPLIER_LEADTIME_EXCEEDED: (tables(supply_terms=[{}]), {"due": day(1)}),
    Limiter.CAPACITY_SHORTFALL: (workshop(**PARTS, reservations=busy(9)), LATE),
    Limiter.CAPACITY_LOCKED: (workshop(**PARTS, **LOCKED), LATE),
    Limiter.CAPACITY_SAFETY_BUFFER: (
        workshop(**PARTS, resources=[{"withheld_share": 0.75}]),
        {"due": day(0.5)},
    ),
    Limiter.QTY_DURATION_UNSUPPORTED: (
        workshop(
            **PARTS,
            **DAY_SHIFT,
            steps=[{"run_minutes_per_unit": 60, "splittable": False}],
        ),
        {},
    ),
    Limiter.ROUTING_INVALID: (
        workshop(**PARTS, routings=[{"valid_to": day(1), "fence_days": 3}]),
        {},
    ),
    Limiter.ROUTING_CAPACITY_FAIL: (workshop(**PARTS), LATE),
    Limiter.ALTERNATE_EXHAUSTED: (
        workshop(**PARTS, routings=[{"max_lot": 1}]),
        {"qty": 101},
    ),
    Limiter.NO_SOURCE: (tables(), {}),
    Limiter.NO_TRANSPORT_LEG: (tables(stock=[{"qty": 10}], locations=C1), TO_C1),
    Limiter.NO_TRANSPORT_CAPACITY: (
        shipped(lanes=[{**LANE, "capacity_kg": 5}], departures=EVERY_DAY),
        {**TO_C1, "full_line": True},
    ),
    Limiter.CUTOFF_MISSED: (
        shipped(departures=[{"weekday": 4, "time": dt.time(12)}]),
        {**TO_C1, "due": day(2)},
    ),
    Limiter.REGULATORY_BLOCKED: (
        shipped(
            products=[{"product": "A", "hazmat": True}],
            lanes=[{**LANE, "hazmat_allowed": False}],
        ),
        TO_C1,
    ),
    Limiter.FULL_DELIVERY_VIOLATION: (
        tables(
            locations=[*C1, {"location": "K"}],
            lanes=[LANE, {**LANE, "lane": "U", "origin": "K"}],
            stock=[{"qty": 6}, {"qty": 6, "location": "K"}],
            routings=[{}, {"routing": "RK", "location": "K"}],
            steps=[SLOW, {**SLOW, "routing": "RK"}],
            step_resources=[{}, {"routing": "RK"}],
            resources=[{}],
            bom_lines=[{}, {"routing": "RK"}],
            supply_orders=[
                {"product": "B", "location": place, "qty": 99, "due": day(30)}
                for place in ("L", "K")
            ],
        ),
        {**TO_C1, "full_line": True, "due": day(3)},
    ),
    Limiter.COST_CAP_EXCEEDED: (
        tables(
            products=[{"product": "A", "unit_cost": 5}],
            stock=[{"qty": 10}],
            **policy(cost_cap=1),
        ),
        {},
    ),
    Limiter.RISK_CAP_EXCEEDED: (
        tables(
            supply_terms=[{"lead_time_days": 5, "lead_time_p95_days": 20}],
            **policy(risk_cap=0.1, risk_basis="p50"),
        ),
        {"due": day(6)},
    ),
    Limiter.RELEASE_FENCE: (
        workshop(**PARTS, routings=[{"fence_days": 3}]),
        {"due": day(1)},
    ),
    Limiter.ORDER_RULE: (
        tables(stock=[{"qty": 10}]),
        {"due": day(-5), "max_lateness_days": 1},
    ),
    Limiter.DEMAND_STATUS: (
        tables(
            settings=[{"horizon_days": 3}],
            supply_orders=[{"qty": 10, "due": day(9)}],
        ),
        {"due": day(20)},
    ),
    Limiter.DATA_STALE: (
        tables(
            supply_terms=[{"currency": "USD", "unit_price": 3}],
            fx_rates=[{"currency": "USD", "as_of": dt.date(2025, 1, 1)}],
        ),
        {},
    ),
}


@pytest.mark.req("ATP-18")
@pytest.mark.parametrize("code", CASES)
def test_the_reason_is_given(code):
    snapshot, stated = CASES[code]
    made = asked(snapshot, **stated)
    assert code in [reason.code for reason in made.limiters]
    assert all(reason.text for reason in made.limiters)


@pytest.mark.req("ATP-18", "ATP-08")
def test_a_line_of_a_full_order_names_the_line_that_is_not_there():
    snapshot = tables(stock=[{"qty": 10}], **policy(delivery="full_order"))
    both = [
        cells(sales_order="SO", line=1, qty=6),
        cells(sales_order="SO", line=2, qty=6),
    ]
    codes = {one.limiter.code for one in promise(snapshot, both) if one.limiter}
    assert Limiter.FULL_ORDER_VIOLATION in codes


@pytest.mark.req("ATP-18", "ATP-16")
def test_a_provider_that_takes_too_long_is_a_search_that_timed_out():
    snapshot = workshop(**PARTS)
    stages: Any = AvailabilityCheck(Providers(snapshot))

    class Slow(type(stages.capacity)):  # type: ignore[misc]
        def earliest(self, *args: object, **kwargs: object) -> None:
            raise TimeoutError(args)

    stages.capacity.__class__ = Slow
    assert (
        quoted(PromiseLedger(snapshot, stages)).limiter.code is Limiter.SEARCH_TIMEOUT
    )


def test_every_code_that_promises_emit_has_a_case():
    said = {code for code in Limiter if Emitter.PROMISE in code.entry.emitters}
    noted = {Limiter.CAPACITY_OVERLOAD}
    elsewhere = {Limiter.FULL_ORDER_VIOLATION, Limiter.SEARCH_TIMEOUT, *noted}
    assert said == set(CASES) | elsewhere
