"""What a plan depends on: a change of anything else leaves every row as it was."""

from __future__ import annotations

import datetime as dt

import pytest

import medhavi as mv
from medhavi.planners.pipeline import READINGS, changed_inputs
from medhavi.schema.template import example_rows
from medhavi.snapshot import Snapshot
from tests.planners.campaign_shop import day, matrix, rule, shop

LONG_AGO = dt.datetime(2020, 1, 1, tzinfo=dt.UTC)
ADDED = {
    "changeovers": matrix(("FA", "FB", 120, True), ("FB", "FA", 45, False))[:1],
    "campaign_rules": [rule(max_run_minutes=90)],
    "tariffs": [{"location": "L", "valid_from": LONG_AGO, "price_per_kwh": 0.3}],
    "resource_state": [{"resource": "M", "family": "FB"}],
    "promise_policies": [{"policy": "careful", "risk_basis": "p95"}],
    "disruptions": [
        {
            "disruption": "D",
            "kind": "resource_down",
            "subject": "M",
            "valid_from": LONG_AGO,
            "valid_to": day(10),
        }
    ],
}
"""Rows of each table that some mode does not read; they bind where one does."""


def hold(**more: object) -> dict[str, object]:
    return {
        "reservation": "R",
        "key": "k",
        "kind": "material",
        "subject": "LEMONADE",
        "location": "SHOP",
        "qty": 40.0,
        "start": LONG_AGO,
        "finish": dt.datetime(2030, 1, 1, tzinfo=dt.UTC),
        **more,
    }


ENDED = (
    {"state": "released"},
    {"state": "expired"},
    {"state": "tentative", "expires_at": LONG_AGO},
)


@pytest.fixture(scope="module")
def company() -> Snapshot:
    return Snapshot.from_frames(example_rows())


def rows_of(plan: mv.Plan) -> dict[str, object]:
    return {name: frame.to_dicts() for name, frame in plan.tables.items()}


@pytest.mark.parametrize(
    "mode", ["mrp", "constrained", pytest.param("optimize", marks=pytest.mark.nightly)]
)
def test_a_plan_does_not_depend_on_what_its_mode_does_not_read(mode):
    # A company without any price has no currency, which a tariff alone would change.
    paid = {"A": 5.0, "B": 7.0}
    shop_floor = shop(
        [("A", 60, 3), ("B", 60, 3.5), ("A", 60, 4)],
        products=[
            {"product": name, "unit_cost": value} for name, value in paid.items()
        ],
    )
    plan = mv.plan(shop_floor, mode)
    for table in READINGS[mode].tables:
        later = shop_floor.replace(**{table: ADDED[table]})
        assert changed_inputs(plan.basis, mode, later) == ()
        assert rows_of(mv.plan(later, mode)) == rows_of(plan), table


@pytest.mark.parametrize("state", ENDED, ids=lambda one: one["state"])
def test_a_plan_does_not_depend_on_holds_that_ended(company, state):
    plan = mv.plan(company)
    later = company.replace(reservations=[hold(**state)])
    assert changed_inputs(plan.basis, "mrp", later) == ()
    assert rows_of(mv.plan(later)) == rows_of(plan)


def test_a_plan_depends_on_holds_that_hold(company):
    plan = mv.plan(company)
    later = company.replace(reservations=[hold(state="confirmed")])
    assert changed_inputs(plan.basis, "mrp", later) == ("reservations",)
    assert rows_of(mv.plan(later)) != rows_of(plan)
