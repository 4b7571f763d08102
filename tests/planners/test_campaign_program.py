"""Arranging a sequence of orders into campaigns."""

from __future__ import annotations

import pytest

from medhavi.planners.campaigns.campaign_rules import CampaignRule
from medhavi.planners.campaigns.campaign_sequence import (
    CampaignTask,
    PullAheadLimit,
    program,
)


def rule(family, least=0.0, most=None, resource="M"):
    return CampaignRule(
        resource=resource, family=family, min_run_qty=least, max_run_qty=most
    )


A, B = rule("A", 100, 500), rule("B")


def task(job, of, qty=60.0, when=0, **more):
    family = more.pop("family", of.family if of else "Z")
    return CampaignTask(
        job=job,
        resource=more.pop("resource", "M"),
        rule=of,
        qty=qty,
        seconds=qty * 60,
        when=when,
        family=family,
        **more,
    )


def arranged(tasks, before=(), window=0, preferred=None, count=None):
    count = 1 + max(one.job for one in tasks) if count is None else count
    givers = [[] for _ in range(count)]
    for job, giver in before:
        givers[job].append(giver)
    return program(range(count), givers, tasks, PullAheadLimit(window, preferred))


@pytest.mark.req("CMP-06")
def test_orders_of_a_campaign_move_up_to_the_first():
    made = arranged([task(0, A), task(1, B), task(2, A)])
    assert made.order == (0, 2, 1)
    assert [found.jobs for found in made.campaigns["M"]] == [(0, 2), (1,)]
    assert made.campaigns["M"][0].qty == 120.0
    assert made.refused == {}


def test_what_brings_goods_moves_up_too():
    made = arranged([task(0, A), task(1, B), task(3, A)], before=[(3, 2)])
    assert made.order == (2, 0, 3, 1)


@pytest.mark.req("CMP-03")
def test_what_fits_in_none_is_refused():
    made = arranged([task(0, A, 60), task(1, B)])
    assert (made.order, made.refused) == ((1,), {0: A})


def test_a_campaign_that_waits_for_itself_is_taken_apart():
    # 1 takes from 0 and 2 from 1: with 0 and 2 together 1 would stand inside.
    made = arranged([task(0, A), task(1, B), task(2, A)], before=[(1, 0), (2, 1)])
    assert made.order == (1,)
    assert set(made.refused) == {0, 2}
    free = rule("A")
    made = arranged([task(0, free), task(1, B), task(2, free)], before=[(1, 0), (2, 1)])
    assert made.order == (0, 1, 2)
    assert [found.jobs for found in made.campaigns["M"]] == [(0,), (1,), (2,)]


def test_what_stands_in_a_row_is_one_campaign():
    free = rule("A")
    made = arranged([task(0, free, when=0), task(1, free, when=99)])
    assert [found.jobs for found in made.campaigns["M"]] == [(0, 1)]


def test_other_work_ends_a_campaign():
    free = rule("A")
    made = arranged([task(0, free, when=0), task(1, None), task(2, free, when=99)])
    assert [found.jobs for found in made.campaigns["M"]] == [(0,), (2,)]


def test_the_step_with_the_largest_least_run_leads():
    other = rule("C", resource="N")
    tasks = [
        task(0, other, resource="N"),
        task(0, A),
        task(1, other, resource="N"),
        task(1, A),
    ]
    made = arranged(tasks)
    assert [found.jobs for found in made.campaigns["M"]] == [(0, 1)]
    assert [found.jobs for found in made.campaigns["N"]] == [(0, 1)]


def backward(asked):
    def preferred(resource, families, state):
        asked.append((resource, tuple(families), state))
        return families[::-1]

    return preferred


@pytest.mark.req("CMP-02")
def test_near_campaigns_change_places_far_ones_do_not():
    asked = []
    first, second, third = rule("A"), rule("B"), rule("C")
    tasks = [
        task(0, first, when=0),
        task(1, second, when=5),
        task(2, third, when=100),
    ]
    made = arranged(tasks, window=10, preferred=backward(asked))
    assert made.order == (1, 0, 2)
    assert asked == [("M", ("A", "B"), None), ("M", ("C",), "A")]


def test_a_family_that_comes_again_begins_anew():
    asked = []
    most = rule("A", most=60)
    tasks = [task(0, most), task(1, rule("B")), task(2, most)]
    arranged(tasks, window=10, preferred=backward(asked))
    assert [families for _, families, _ in asked] == [("A", "B"), ("A",)]


def test_orders_without_campaigns_keep_their_sequence():
    assert arranged([], count=3).order == (0, 1, 2)
