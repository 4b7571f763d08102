"""What would help against a late demand leads to the order that it names."""

from __future__ import annotations

import datetime as dt

import polars as pl

from medhavi.results.limiter import Limiter
from medhavi.results.plans.explanation import Explanation, LatenessReason
from medhavi.results.plans.lateness import Verdict
from medhavi.views.names import Names
from medhavi.views.page import story_html

DUE = dt.datetime(2026, 1, 6, tzinfo=dt.UTC)


def test_the_order_that_is_waited_for_is_a_link():
    waits = LatenessReason(
        code=Limiter.AWAITING_SUPPLY, subject="PO-7", begin=None, end=None, hours=48.0
    )
    told = Explanation(
        demand="SO-1",
        product="A",
        location="L",
        due=DUE,
        qty=5.0,
        planned=5.0,
        status="late",
        verdict=Verdict.LATE,
        lateness_hours=48.0,
        overdue_hours=0.0,
        limiter=Limiter.AWAITING_SUPPLY,
        delivered=DUE + dt.timedelta(days=2),
        chain=(),
        table=pl.DataFrame(),
        total_hours=48.0,
        names={},
        reasons=(waits,),
    )
    link = '<a href="/orders/?order=PO-7" target="_self">PO-7</a>'
    assert f"Expedite order {link}" in story_html(told, Names(), None)
