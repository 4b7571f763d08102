"""What was due before now, in each mode: its word, its hours, and whose they are."""

from __future__ import annotations

import pytest

from medhavi.results.plans.lateness import Verdict, tally, verdicts
from medhavi.views.pictures.chain import chain_title
from medhavi.views.pictures.lateness import cause_sentence
from medhavi.views.plan_pages.demand_chain import headline
from tests import factories
from tests.api import names_of, plan, verify
from tests.planners.small_plans import day

BY_LANE = factories.snapshot(
    demands=[{"location": "W", "due": day(-14)}],
    locations=[{"location": "L"}, {"location": "W"}],
    stock=[{"location": "L", "qty": 10}],
    lanes=[{"lane": "T", "duration_h": 48.0}],
)
AFTER_RECEIPT = factories.snapshot(
    demands=[{"location": "W", "due": day(1)}],
    locations=[{"location": "L"}, {"location": "W"}],
    supply_orders=[
        {
            "supply_order": "PO",
            "product": "A",
            "location": "L",
            "qty": 10,
            "due": day(3),
            "status": "released",
        }
    ],
    lanes=[{"lane": "T", "duration_h": 48.0}],
)


@pytest.mark.req("KPI-28")
@pytest.mark.parametrize("mode", ["mrp", "constrained", "optimize"])
def test_what_was_due_before_now_is_on_time_in_no_mode(mode):
    made = plan(BY_LANE, mode)
    assert [str(found) for found in verify(made, BY_LANE)] == []
    row = verdicts(made).row(0, named=True)
    assert (row["verdict"], row["status"]) == (Verdict.PAST_DUE, "late")
    assert row["overdue_h"] == 14 * 24
    assert row["lateness_h"] >= 14 * 24
    assert tally(made).on_time == 0
    causes = dict(made.causes.select("code", "hours").rows())
    assert causes["PastDue"] == 14 * 24
    assert sum(causes.values()) == row["lateness_h"]


@pytest.mark.req("KPI-27")
@pytest.mark.parametrize("mode", ["constrained", "optimize"])
def test_a_lane_is_charged_with_its_own_two_days(mode):
    made = plan(BY_LANE, mode)
    names = names_of(BY_LANE)
    told = [
        cause_sentence(row, names)
        for row in made.causes.sort("hours", descending=True).iter_rows(named=True)
    ]
    assert told[0] == "14 d of the lateness: past due when planned"
    assert told[1:] in (
        [f"2 d of the lateness: lead time of {lane} with its waits"]
        for lane in ("T", "L → W")
    )
    explained = made.explain("D1")
    assert chain_title(explained, made.run.as_of) == (
        "The chain takes 2 d and ends 16 d after the due date: 14 d past due when "
        "planned, 2 d added"
    )
    assert "16 d late: 14 d past due when planned, 2 d added by the chain" in headline(
        explained, names
    )


@pytest.mark.req("KPI-27")
def test_a_receipt_is_charged_until_it_is_there_and_the_lane_behind_it_with_the_rest():
    made = plan(AFTER_RECEIPT, "constrained")
    assert [str(found) for found in verify(made, AFTER_RECEIPT)] == []
    rows = made.causes.select("code", "subject", "hours").sort("code").rows()
    # Four days late: three for the receipt, of the two of the lane what is left.
    assert rows == [("AwaitingSupply", "PO", 72.0), ("LeadTime", "T", 24.0)]


@pytest.mark.req("KPI-28")
def test_a_start_before_now_puts_a_demand_of_mode_mrp_at_risk_and_no_other_mode():
    snapshot = factories.snapshot(
        demands=[{"due": day(2)}, {"due": day(20)}],
        supply_terms=[{"lead_time_days": 5}],
    )
    for mode, words in (
        ("mrp", [Verdict.AT_RISK, Verdict.ON_TIME]),
        ("constrained", [Verdict.LATE, Verdict.ON_TIME]),
    ):
        made = plan(snapshot, mode)
        assert verdicts(made).sort("due")["verdict"].to_list() == words
        assert made.fulfilment["past_due"].to_list() == [False, False]


def test_a_chain_that_ends_too_late_is_not_said_to_begin_in_time():
    made = plan(AFTER_RECEIPT, "constrained")
    title = chain_title(made.explain("D1"), made.run.as_of)
    assert title.endswith("ends 4 d after the due date")


@pytest.mark.req("OME-01", "OME-06")
@pytest.mark.parametrize("mode", ["constrained", "optimize"])
@pytest.mark.parametrize(
    "goods",
    [
        {"stock": [{"qty": 10}]},
        {"supply_terms": [{"lead_time_days": 2}]},
        {"supply_orders": [{"qty": 10, "due": day(3)}]},
    ],
    ids=["in stock", "bought", "ordered"],
)
def test_what_is_accepted_no_more_is_past_due_whatever_is_there(goods, mode):
    """Due five days ago and accepted two days late: lead time was named, of stock."""
    snapshot = factories.snapshot(
        **goods,
        demands=[{"product": "A", "qty": 10, "due": day(-5), "max_lateness_days": 2}],
    )
    made = plan(snapshot, mode)
    assert verify(made, snapshot) == []
    assert made.fulfilment["planned"].to_list() == [0]
    assert made.causes.select("code", "subject").rows() == [("PastDue", "D1")]
