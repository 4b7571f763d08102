"""What would help against a late demand leads to the order that it names."""

from __future__ import annotations

import datetime as dt
from dataclasses import replace

import polars as pl
import pytest

from medhavi.results.limiter import Limiter
from medhavi.results.plans.explanation import ChainLink, Explanation, LatenessReason
from medhavi.results.plans.lateness import Verdict
from medhavi.views.names import Names
from medhavi.views.plan_pages.demand_chain import story_html

DUE = dt.datetime(2026, 1, 6, tzinfo=dt.UTC)


def link_of(number, day, kind="buy", days=9.0):
    """Purchase that arrives so many days after the due date."""
    finish = DUE + dt.timedelta(days=day)
    cells = {"level": 0, "supply": number, "kind": kind, "product": "A", "source": "S"}
    times = {"start": finish - dt.timedelta(days=days), "finish": finish}
    hours = {"own_hours": 216.0, "waiting_hours": 0.0, "in_past": False}
    return ChainLink(**cells, **times, **hours, location="L", qty=5.0, number=number)


def late_by(hours, *chain, limiter=Limiter.LEAD_TIME, reasons=()):
    return Explanation(
        demand="SO-1",
        product="A",
        location="L",
        due=DUE,
        qty=5.0,
        planned=5.0,
        status="late",
        verdict=Verdict.LATE,
        lateness_hours=hours,
        overdue_hours=0.0,
        limiter=limiter,
        delivered=DUE + dt.timedelta(hours=hours),
        chain=chain,
        table=pl.DataFrame(),
        total_hours=hours,
        names={},
        reasons=reasons,
    )


@pytest.mark.req("UI-02")
def test_an_order_of_the_chain_leads_to_the_price_of_its_coming_earlier():
    now = int((DUE - dt.timedelta(days=7)).timestamp())
    told = late_by(50.0, link_of("B-L-0001", 2), link_of("PO-1", 1))
    page = story_html(told, Names(), now, expedite=True)
    asked = "/orders/?order=B-L-0001&amp;tab=edit&amp;action=move&amp;days=-3"
    assert f'<a href="{asked}" target="_self">Expedite B-L-0001 by 3 d</a>' in page
    assert "Expedite PO-1" not in page, "it has begun"
    report = story_html(told, Names(), now)
    assert "Expedite B-L-0001" not in report


def test_what_is_moved_comes_no_earlier_than_its_goods_are_there():
    now = int((DUE - dt.timedelta(days=7)).timestamp())
    waits = link_of("T-1", 2, "move", days=1.0)
    for earlier, days in ((1, 0), (-1, 2)):
        told = late_by(50.0, link_of("B-1", earlier - 0.5), waits)
        page = story_html(told, Names(), now, expedite=True)
        assert (f"Expedite T-1 by {days} d" in page) is (days > 0), earlier


def test_the_order_that_is_waited_for_is_a_link():
    waits = LatenessReason(
        code=Limiter.AWAITING_SUPPLY, subject="PO-7", begin=None, end=None, hours=48.0
    )
    told = late_by(48.0, limiter=Limiter.AWAITING_SUPPLY, reasons=(waits,))
    link = '<a href="/orders/?order=PO-7" target="_self">PO-7</a>'
    assert f"Expedite order {link}" in story_html(told, Names(), None)


@pytest.mark.req("UI-02")
def test_goods_that_wait_anyway_are_not_to_come_earlier():
    now = int((DUE - dt.timedelta(days=7)).timestamp())
    waits = replace(link_of("B-1", -5, days=1.0), waiting_hours=48.0)
    assert "Expedite B-1" not in story_html(
        late_by(50.0, waits), Names(), now, expedite=True
    )
    needed = replace(waits, waiting_hours=0.0)
    assert "Expedite B-1" in story_html(
        late_by(50.0, needed), Names(), now, expedite=True
    )


@pytest.mark.req("UI-02")
def test_a_transfer_that_is_under_way_is_not_to_be_expedited():
    """What is on its way is said to keep its dates; the next reason can be helped."""
    now = int((DUE - dt.timedelta(days=7)).timestamp())
    waits, lane = (
        LatenessReason(code=code, subject=subject, begin=None, end=None, hours=hours)
        for code, subject, hours in (
            (Limiter.AWAITING_SUPPLY, "TO-7", 48.0),
            (Limiter.NO_TRANSPORT_CAPACITY, "L-1", 12.0),
        )
    )
    moved = link_of("TO-7", 1, "move")
    both = late_by(60.0, moved, reasons=(waits, lane))
    page = story_html(both, Names(), now)
    assert "TO-7</a> is under way and keeps its dates. One more departure" in page
    assert "Expedite order" not in page
    alone = story_html(late_by(48.0, moved, reasons=(waits,)), Names(), now)
    assert "keeps its dates. Agree a later date." in alone
    bought = late_by(48.0, link_of("TO-7", 1), reasons=(waits,))
    assert "Expedite order" in story_html(bought, Names(), now), "a supplier may hurry"
