"""Stock levels that fall: what they kept is free again, and nothing is made twice."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.examples import examples
from tests.planners.campaign_shop import day, planned, shop

HERE = {"product": "A", "location": "L"}


def levels(*steps, until=400):
    """Levels from a day on, each until the next one begins."""
    ends = [*(start for start, _ in steps[1:]), until]
    return [
        {**HERE, "safety_qty": float(qty), "valid_from": day(at), "valid_to": day(end)}
        for (at, qty), end in zip(steps, ends, strict=True)
        if qty
    ]


def made(snapshot, **more):
    """Plan of the search as it found it, and what it makes in all."""
    plan = planned(snapshot, **more)
    assert plan.run.engine == "search"
    return plan, plan.supplies.filter(kind="make")["qty"].sum()


@pytest.mark.req("MRP-04", "MRP-06")
def test_what_a_level_kept_serves_who_comes_after_it_falls():
    # 60 from day 10 to 20; then the demand of day 25 takes them.
    one = shop([("A", 60, 25)], inventory_levels=levels((10, 60), (20, 0)))
    plan, total = made(one)
    assert total == 60.0
    assert plan.supplies["finish"].max() <= day(10)


@pytest.mark.req("MRP-04", "MRP-06")
def test_what_lasts_of_a_level_stays():
    # 30, then 50, then 20: 30 of the 50 are free for the demand.
    steps = levels((0, 30), (10, 50), (20, 20))
    _, total = made(shop([("A", 30, 25)], inventory_levels=steps))
    assert total == 50.0


@pytest.mark.req("MRP-06")
def test_a_level_that_falls_before_it_can_be_reached_makes_nothing_more():
    steps = levels((0, 600), (0.2, 0))
    _, total = made(shop([("A", 60, 5)], inventory_levels=steps))
    assert total == 60.0


@pytest.mark.req("MRP-06")
def test_goods_that_die_before_a_level_falls_serve_nobody_after():
    products = [{"product": "A", "shelf_life_days": 5.0}, {"product": "B"}]
    steps = levels((10, 60), (20, 0))
    one = shop([("A", 60, 25)], inventory_levels=steps, products=products)
    plan = planned(one)
    assert plan.fulfilment["status"].to_list() == ["on_time"]
    assert plan.supplies["finish"].max() > day(20)


@pytest.mark.req("MRP-04", "MRP-06")
@settings(max_examples=examples(25, 200), deadline=None)
@given(
    st.lists(st.tuples(st.integers(1, 40), st.integers(1, 90)), max_size=6),
    st.lists(st.tuples(st.integers(4, 10), st.integers(0, 60)), min_size=1, max_size=6),
)
def test_no_more_is_made_than_levels_and_demands_need_at_once(demands, steps):
    starts, at = [], 0
    for gap, qty in steps:
        at += gap
        starts.append((at, qty))
    one = shop(
        [("A", qty, due + 0.5) for due, qty in demands],
        inventory_levels=levels(*starts),
    )
    _, total = made(one)
    # Most of what is wanted up to a moment and has to be there then.
    profile = [(at, 0, qty) for at, qty in starts]
    profile += [(due + 0.5, qty, None) for due, qty in demands]
    wanted = kept = most = 0
    for _, qty, level in sorted(profile, key=lambda row: row[0]):
        wanted, kept = wanted + qty, kept if level is None else level
        most = max(most, wanted + kept)
    assert total == most
