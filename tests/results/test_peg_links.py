"""Who takes from whom, of a whole plan at once and of one demand."""

from __future__ import annotations

import pytest

from medhavi.results.plans.peg_links import peg_links
from medhavi.results.plans.source_trace import trace
from tests.api import plan
from tests.planners.test_plan_risk import company

pytestmark = pytest.mark.req("NEX-05", "PEG-09")


@pytest.mark.parametrize("mode", ["mrp", "constrained"])
def test_links_of_a_plan_are_those_that_the_traces_of_its_demands_draw(mode):
    snapshot = company()
    made = plan(snapshot, mode=mode)
    orders = set(made.supplies["id"])
    drawn = {
        (edge.taker, edge.giver)
        for demand in made.fulfilment["demand"]
        for edge in trace(made, demand, snapshot).edges
        if edge.taker in orders and edge.giver in orders
    }
    links = set(peg_links(made, snapshot).iter_rows())
    assert links
    assert links <= drawn
    # A trace draws both of two orders of one product; of these one was there in time.
    when = {row["id"]: row for row in made.supplies.to_dicts()}
    for taker, giver in drawn - links:
        product, start = when[giver]["product"], when[taker]["start"]
        assert when[giver]["finish"] > start
        assert any(
            when[other]["product"] == product and when[other]["finish"] <= start
            for one, other in links
            if one == taker
        )


def test_a_plan_of_nothing_has_no_links():
    snapshot = company()
    made = plan(snapshot.replace(demands=snapshot["demands"].clear()))
    assert peg_links(made, snapshot).is_empty()
