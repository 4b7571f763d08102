"""What reliability costs in mode optimize: the value that may come late (DEF-11)."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests import factories
from tests.api import plan, verify
from tests.examples import examples
from tests.planners.optimal_plans import best, parts, sources
from tests.planners.test_master_plan import demand

RISKY, SURE = "RISKY", "SURE"


def bought(reliability: float | None, **cells):
    """7 of A, worth 10: from RISKY at 2 a unit, from SURE at 3."""
    rows = [
        {"supplier": RISKY, "unit_price": 2.0, "reliability": reliability, **cells},
        {"supplier": SURE, "unit_price": 3.0, "reliability": 1.0},
    ]
    return {
        "products": [{"product": "A", "unit_cost": 10.0}],
        "demands": [demand("D1", "A", 7, 9, price=50)],
        "supply_terms": [{"product": "A", "lead_time_days": 2, **one} for one in rows],
    }


@pytest.mark.req("DEF-11", "OMV-18")
def test_half_a_chance_to_be_late_puts_half_the_value_at_risk():
    """5 EUR of each unit are at risk: at 0.1 that is 0.5 a unit, at 0.3 it is 1.5."""
    rows = bought(0.5)
    assert sources(best(**rows)) == {RISKY: 7}
    dearer = best({"risk_price": 0.1}, **rows)
    assert sources(dearer) == {RISKY: 7}
    assert parts(dearer)["risk"] == pytest.approx(7 * 5 * 0.1)
    sure = best({"risk_price": 0.3}, **rows)
    assert sources(sure) == {SURE: 7}
    assert parts(sure)["risk"] == 0


@pytest.mark.req("OMV-18")
def test_the_plan_pays_for_its_risk_as_the_program_does():
    made = best({"risk_price": 0.1}, **bought(0.5))
    assert made.contributions.filter(part="risk")["plan"].item() == pytest.approx(3.5)
    assert verify(made, factories.snapshot(**bought(0.5))) == []


@pytest.mark.req("DEF-11")
def test_terms_without_a_reliability_have_that_of_their_supplier():
    rows = bought(None)
    rows["suppliers"] = [
        {"supplier": RISKY, "reliability": 0.5},
        {"supplier": SURE, "reliability": 1.0},
    ]
    assert sources(best({"risk_price": 0.3}, **rows)) == {SURE: 7}
    # Where nothing is stated but a later 95th percentile, it is a half.
    late = bought(None, lead_time_p95_days=6.0)
    assert sources(best({"risk_price": 0.3}, **late)) == {SURE: 7}
    assert sources(best({"risk_price": 0.3}, **bought(None))) == {RISKY: 7}


@pytest.mark.req("DEF-11")
def test_a_lane_that_is_often_late_gives_way_to_a_dearer_one():
    lane = {"origin": "W", "destination": "L", "duration_h": 24}
    rows = {
        "products": [{"product": "A", "unit_cost": 10.0}],
        "locations": [{"location": "L"}, {"location": "W"}],
        "stock": [{"product": "A", "location": "W", "qty": 7}],
        "demands": [demand("D1", "A", 7, 9, price=50)],
        "lanes": [
            {"lane": "ROAD", **lane, "cost_per_unit": 1, "reliability": 0.6},
            {"lane": "RAIL", **lane, "cost_per_unit": 2, "reliability": 1.0},
        ],
    }
    assert sources(best(**rows)) == {"ROAD": 7}
    assert sources(best({"risk_price": 0.2}, **rows)) == {"ROAD": 7}
    assert sources(best({"risk_price": 0.3}, **rows)) == {"RAIL": 7}


@pytest.mark.req("DEF-11")
@settings(max_examples=examples(3, 6))
@given(
    st.lists(st.tuples(st.integers(1, 9), st.integers(0, 10)), min_size=1, max_size=3),
    st.lists(st.integers(1, 20), min_size=1, max_size=3),
)
@pytest.mark.nightly
def test_a_higher_price_of_risk_never_buys_more(offers, wanted):
    """A reward for reliable sources would be earned by buying what nobody needs."""
    rows = {
        "products": [{"product": "A", "unit_cost": 10.0}],
        "demands": [
            demand(f"D{n}", "A", qty, 9 + n, price=500) for n, qty in enumerate(wanted)
        ],
        "supply_terms": [
            {
                "product": "A",
                "supplier": f"S{n}",
                "lead_time_days": 2,
                "unit_price": price,
                "reliability": share / 10,
            }
            for n, (price, share) in enumerate(offers)
        ],
    }
    volumes = [
        sum(sources(best({"risk_price": price}, **rows)).values())
        for price in (0, 0.5, 5)
    ]
    assert volumes == [sum(wanted)] * 3


def test_reliability_is_told_as_unread_only_where_it_has_no_price():
    snapshot = factories.snapshot(**bought(0.5))
    unread = plan(snapshot, mode="optimize")
    read = plan(snapshot, mode="optimize", settings={"risk_price": 0.3})
    told = [
        any("reliability" in one.message for one in made.findings)
        for made in (unread, read)
    ]
    assert told == [True, False]
