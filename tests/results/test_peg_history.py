"""What became of pegs: the worked example of PEG-05 from plan to plan."""

from __future__ import annotations

import pytest

from medhavi.results.difference import PegHistory, PegRecord, PegStatus, peg_changes
from medhavi.results.plans.tables import SCHEMAS
from medhavi.schema import tables
from tests.planners.small_plans import day, planned


def wants(qty, **cells):
    return planned(
        demands=[{"qty": qty, **cells}],
        supply_orders=[{"supply_order": "FIRM", "qty": 60, "due": day(10)}],
        supply_terms=[{"lead_time_days": 5, "moq": 50}],
        pegs=[{"demand": "D1", "supply": "FIRM", "qty": 60}],
    )


def told(changes):
    return [(str(one.event), one.old_qty, one.new_qty) for one in changes]


@pytest.fixture(scope="module")
def plans():
    full, less, gone = wants(100), wants(80), wants(80, status="cancelled")
    return full, less, gone


@pytest.mark.req("PEG-03", "PEG-05")
def test_100_against_60_and_50_then_80_then_cancelled(plans):
    """60 + 40; the demand drops to 80: 60 + 20; it is cancelled: both are released."""
    full, less, gone = plans
    made = peg_changes(full.pegging.clear(), full.pegging)
    assert sorted(told(made)) == [("PegCreated", 0, 40), ("PegCreated", 0, 60)]
    assert told(peg_changes(full.pegging, less.pegging)) == [("PegUpdated", 40, 20)]
    ended = peg_changes(less.pegging, gone.pegging)
    assert sorted(told(ended)) == [("PegReleased", 20, 0), ("PegReleased", 60, 0)]
    assert peg_changes(less.pegging, less.pegging) == ()


@pytest.mark.req("PEG-03")
def test_another_supply_supersedes_a_peg():
    old = planned(demands=[{"qty": 5}], stock=[{"qty": 5}])
    new = planned(demands=[{"qty": 5}], supply_orders=[{"qty": 5}])
    created, superseded = sorted(peg_changes(old.pegging, new.pegging))
    assert (str(created.event), created.supply) == ("PegCreated", "O1")
    assert (str(superseded.event), superseded.supply) == ("PegSuperseded", "A|L|")
    assert superseded.replaced_by == ("O1",)


@pytest.mark.req("PEG-01")
def test_a_peg_names_demand_supply_quantity_and_whether_it_holds():
    names = ("demand", "supply", "product", "location", "qty", "firm", "source")
    assert set(names) <= set(SCHEMAS["pegging"])
    assert {"demand", "supply", "qty", "status"} <= set(PegRecord._fields)
    assert [str(status) for status in PegStatus] == ["Active", "Superseded", "Released"]
    holds = tables()["reservations"].columns
    assert {"reservation", "demand", "qty", "state"} <= set(holds)


@pytest.mark.req("PEG-09")
def test_history_is_kept_by_demand_and_by_supply(plans):
    kept = PegHistory(
        (name, made.pegging) for name, made in zip("abc", plans, strict=True)
    )
    lives = [
        (one.qty, str(one.status), one.since, one.until) for one in kept.of_demand("D1")
    ]
    assert sorted(lives) == [
        (20, "Released", "b", "c"),
        (40, "Superseded", "a", "b"),
        (60, "Released", "a", "c"),
    ]
    assert [one.qty for one in kept.records if one.supply == "FIRM"] == [60]
    assert kept.of_demand("D2") == ()


def test_active_pegs_have_no_end(plans):
    kept = PegHistory([("a", plans[0].pegging)])
    assert {(str(one.status), one.until) for one in kept.records} == {("Active", None)}
