"""Energy in mode optimize: which machine works, and in which hours."""

from __future__ import annotations

import pytest

from medhavi.findings.groups import TABLE
from medhavi.results.figures.scorecard import scorecard
from tests import factories
from tests.planners.optimal_plans import checked, parts, sources
from tests.planners.small_plans import day, orders

Rows = dict[str, list[dict[str, object]]]

HALF_DAYS = [
    {"valid_from": day(at / 2), "valid_to": day((at + 1) / 2), "price_per_kwh": price}
    for at, price in enumerate([0.1, 1.0] * 15)
]
"""0.1 before noon and 1 after it."""
MADE: Rows = {
    "resources": [{"power_kw": 10}],
    "routings": [{}],
    "steps": [{"run_minutes_per_unit": 60}],
    "step_resources": [{}],
    "tariffs": HALF_DAYS,
}
SIX: dict[str, object] = {"product": "A", "qty": 6, "due": day(10), "price": 50}
CHEAP_HOURS = "work in hours of cheaper energy"


def planned(effort, **rows):
    """Plan of an effort, and what it costs."""
    snapshot = factories.snapshot(**rows)
    found = checked(snapshot, {"effort": effort})
    return found, scorecard(found, snapshot).total


@pytest.mark.req("OMO-05", "HEU-02")
@pytest.mark.parametrize("effort", ["light", "standard"])
@pytest.mark.parametrize(
    ("unit_cost", "end", "cost"),
    [(0, 9.5, 6), (365, 9.5, 6 + 6 * 365 * 0.2 / 365 * 0.5), (1e5, 10, 60)],
)
def test_work_waits_in_stock_for_cheaper_hours_where_that_costs_less(
    effort, unit_cost, end, cost
):
    """60 kWh at 1 or at 0.1; six in stock for half a day."""
    found, total = planned(
        effort,
        settings=[{"bucket": "hour"}],
        products=[{"product": "A", "unit_cost": unit_cost}],
        demands=[SIX],
        **MADE,
    )
    assert orders(found) == [("A", 6, end - 0.25, end)]
    assert total == pytest.approx(cost)
    assert set(found.fulfilment["status"]) == {"on_time"}


@pytest.mark.req("OMO-05")
def test_what_is_moved_or_built_in_is_made_in_cheap_hours_too():
    """Six hours on the way, or six of work without energy, after the work."""
    places = [{"location": "L"}, {"location": "Q"}]
    lane = {"lane": "T", "origin": "L", "destination": "Q", "duration_h": 6}
    moved, cost = planned(
        "light",
        locations=places,
        lanes=[lane],
        demands=[{**SIX, "location": "Q"}],
        **MADE,
    )
    assert cost == pytest.approx(6)
    assert orders(moved)[0] == ("A", 6, 9.25, 9.5)
    assembled: Rows = {
        **MADE,
        "routings": [{}, {"routing": "RC", "product": "C"}],
        "resources": [*MADE["resources"], {"resource": "N"}],
        "steps": [*MADE["steps"], {"routing": "RC", "run_minutes_per_unit": 60}],
        "step_resources": [{}, {"routing": "RC", "resource": "N"}],
        "bom_lines": [{"routing": "RC", "component": "A"}],
        "demands": [{**SIX, "product": "C"}],
    }
    assert planned("light", **assembled)[1] == pytest.approx(6)


@pytest.mark.req("OMO-05", "HEU-02")
def test_orders_of_one_machine_share_its_cheap_hours():
    """Two fit in before noon of each day: three of day 10 begin on day 8 and 9."""
    days = 9, 10, 10, 10, 11
    found, cost = planned(
        "light", demands=[{**SIX, "due": day(at)} for at in days], **MADE
    )
    assert cost == pytest.approx(5 * 6)
    ends = [end for *_, end in orders(found)]
    assert ends == [8.25, 8.5, 9.25, 9.5, 10.5]


@pytest.mark.req("OMO-05", "OMI-08")
@pytest.mark.parametrize(("cost", "source"), [(0.9, "R2"), (1.1, "R1")])
def test_the_machine_of_less_power_works_where_that_costs_less(cost, source):
    """Ten kWh a unit at 0.1 or one: 0.9 saved a unit."""
    both = [("R1", "M1", 0.0, 10), ("R2", "M2", cost - 0.001, 1)]
    snapshot = factories.snapshot(
        demands=[SIX],
        tariffs=[{"price_per_kwh": 0.1}],
        resources=[{"resource": name, "power_kw": power} for _, name, _, power in both],
        routings=[
            {"routing": name, "cost_per_unit": more, "preference": place}
            for place, (name, _, more, _) in enumerate(both, 1)
        ],
        steps=[{"routing": name, "run_minutes_per_unit": 60} for name, *_ in both],
        step_resources=[
            {"routing": name, "resource": machine} for name, machine, *_ in both
        ],
    )
    found = checked(snapshot)
    assert sources(found) == {source: 6}
    # The program counts it as well, and nothing says that tariffs are ignored.
    assert parts(found)["making"] == pytest.approx(
        scorecard(found, snapshot).production
    )
    assert not [one for one in found.findings if one.code == TABLE]


def test_energy_that_costs_little_moves_no_work():
    rows: Rows = {"demands": [SIX], **MADE}
    usual = checked(factories.snapshot(**rows))
    seldom = checked(factories.snapshot(**rows), {"energy_share": 1.0})
    names = [[step.name for step in one.run.steps] for one in (usual, seldom)]
    assert CHEAP_HOURS in names[0]
    assert CHEAP_HOURS not in names[1]


@pytest.mark.req("OMO-08")
def test_what_energy_emits_counts_where_that_has_a_price():
    """0.5 kg a kWh before noon, none after it, at 2 a kg and 0.1 or 1 a kWh."""
    tariffs = [
        {**row, "co2_kg_per_kwh": 0.5 if row["price_per_kwh"] < 1 else 0.0}
        for row in HALF_DAYS
    ]
    snapshot = factories.snapshot(demands=[SIX], **{**MADE, "tariffs": tariffs})
    cheap = checked(snapshot)
    assert orders(cheap) == [("A", 6, 9.25, 9.5)]
    assert orders(checked(snapshot, {"co2_price": 2})) == [("A", 6, 9.75, 10)]
