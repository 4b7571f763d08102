"""Cutting work into campaigns, against all cuts."""

from __future__ import annotations

from itertools import product

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from medhavi.planners.campaigns.campaign_rules import CampaignRule
from medhavi.planners.campaigns.campaign_sequence import IndivisibleWork, partition


def rule(least=0.0, most=None, minutes=None):
    return CampaignRule(
        resource="M",
        family="F",
        min_run_qty=least,
        max_run_qty=most,
        max_run_minutes=minutes,
    )


def pieces(*qty, when=None, must=()):
    return [
        IndivisibleWork(
            number,
            float(amount),
            60.0 * amount,
            number if when is None else when[number],
            number in must,
        )
        for number, amount in enumerate(qty)
    ]


@pytest.mark.req("CMP-06")
def test_three_operations_are_one_campaign():
    found = partition(rule(100, 500), pieces(50, 60, 70), 10)
    assert found.campaigns == ((0, 1, 2),)
    assert found.refused == ()


@pytest.mark.req("CMP-03")
@pytest.mark.parametrize("qty", [99, 501])
def test_work_that_fits_in_no_campaign_is_refused(qty):
    found = partition(rule(100, 500), pieces(qty), 0)
    assert (found.campaigns, found.refused) == ((), (0,))


@pytest.mark.req("CMP-03")
def test_a_rest_is_not_left_below_the_least_run():
    found = partition(rule(100, 500), pieces(300, 200, 50), 0)
    assert found.refused == ()
    assert found.campaigns == ((0,), (1, 2))


def test_what_is_longer_than_any_campaign_does_not_part_the_others():
    found = partition(rule(100, 500), pieces(60, 501, 60), 10)
    assert (found.campaigns, found.refused) == (((0, 2),), (1,))


def test_work_is_not_pulled_ahead_without_need():
    found = partition(rule(0), pieces(10, 10, 10, when=[0, 5, 100]), 10)
    assert found.campaigns == ((0, 1), (2,))


def test_work_is_pulled_ahead_where_a_rule_asks_for_it():
    found = partition(rule(30), pieces(10, 10, 10, when=[0, 5, 100]), 10)
    assert found.campaigns == ((0, 1, 2),)


def test_minutes_limit_a_campaign_too():
    found = partition(rule(minutes=60), pieces(40, 40, 20), 10)
    assert len(found.campaigns) == 2


def test_existing_work_is_never_refused():
    found = partition(rule(100, 500), pieces(40, must={0}), 0)
    assert (found.campaigns, found.refused) == (((0,),), ())
    found = partition(rule(100, 500), pieces(501, must={0}), 0)
    assert found.campaigns == ((0,),)
    found = partition(rule(100, 500), pieces(40, 70, must={0}), 10)
    assert found.campaigns == ((0, 1),)


def cost(rule, found, cut, window):
    """Cost of a cut into neighbours: campaign number per piece, None: refused."""
    groups = {}
    for piece, number in zip(found, cut, strict=True):
        groups.setdefault(number, []).append(piece)
    refused = sum(piece.qty for piece in groups.pop(None, []))
    excess = spans = 0
    for group in groups.values():
        if not rule.allows(sum(p.qty for p in group), sum(p.seconds for p in group)):
            return None
        span = max(p.when for p in group) - min(p.when for p in group)
        excess, spans = excess + max(0, span - window), spans + span
    return refused, excess, len(groups), spans


def cuts(count):
    """All cuts into neighbours in which single pieces are refused."""
    for marks in product("jon", repeat=count):
        cut, number, broken = [], 0, True
        for mark in marks:
            if mark == "n":
                cut.append(None)
                broken = True
                continue
            if mark != "j" or broken:
                number += 1
            cut.append(number)
            broken = False
        yield tuple(cut)


@pytest.mark.req("CMP-03")
@settings(max_examples=30, deadline=None)
@given(
    st.lists(st.tuples(st.integers(1, 9), st.integers(0, 9)), min_size=1, max_size=5),
    st.integers(0, 8),
    st.one_of(st.none(), st.integers(8, 14)),
    st.integers(0, 6),
)
def test_no_cut_is_better(rows, least, most, window):
    limits = rule(float(least), most)
    work = pieces(*(qty for qty, _ in rows), when=[when for _, when in rows])
    found = partition(limits, work, window)
    named = {n: place for place, jobs in enumerate(found.campaigns) for n in jobs}
    ours = cost(limits, work, [named.get(p.number) for p in work], window)
    costs = [cost(limits, work, cut, window) for cut in set(cuts(len(work)))]
    assert ours == min(one for one in costs if one is not None)
    assert sorted([*named, *found.refused]) == [piece.number for piece in work]
