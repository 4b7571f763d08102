"""What became of an order: parts, scrap, rework, variance, reports that come twice."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from medhavi.edits.order_states import OrderFacts, OrderState, Verb
from medhavi.planners.work_orders import Report, account
from medhavi.results.figures.log_figures import order_measures
from medhavi.units import DAY, HOUR

ORDER = OrderFacts(order="WO-1", state=OrderState.RELEASED, qty=100.0)
DUE = 10 * DAY


def report(number, verb, at=0, **cells):
    return Report(report=f"M-{number}", verb=Verb(verb), at=at, **cells)


FLOOR = [
    report(1, "start", DAY),
    report(2, "receive", 5 * DAY, qty=40.0, scrap_qty=2.0, rework_qty=3.0),
    report(3, "receive", 9 * DAY, qty=58.0, scrap_qty=1.0),
    report(4, "complete", DUE + 6 * HOUR),
]


@pytest.mark.req("WO-11")
def test_parts_scrap_rework_and_variance_add_up():
    """By hand: 40 + 58 came, 3 of it scrap, so 95 good of 100, six hours late."""
    found = account(ORDER, DUE, FLOOR)
    assert (found.received, found.good, found.scrap) == (98, 95, 3)
    assert (found.rework, found.remaining) == (3, 0)
    assert (found.variance_qty, found.variance_h) == (-5, 6)
    assert found.scrap_rate == pytest.approx(3 / 98)
    assert (found.state, found.started, found.finished) == (
        OrderState.COMPLETED,
        DAY,
        DUE + 6 * HOUR,
    )
    assert found.findings == ()
    assert not found.is_partial


@pytest.mark.req("WO-11")
def test_a_partial_receipt_leaves_the_rest_to_come():
    found = account(ORDER, DUE, FLOOR[:2])
    assert found.is_partial
    assert (found.good, found.remaining, found.variance_qty) == (38, 60, None)
    assert found.state is OrderState.IN_PROCESS


@pytest.mark.req("WO-11")
def test_reports_that_come_again_count_once():
    found = account(ORDER, DUE, [*FLOOR[:3], FLOOR[1], FLOOR[3], FLOOR[3]])
    once = account(ORDER, DUE, FLOOR)
    assert [one.code for one in found.findings] == ["ORD006", "ORD006"]
    assert (found.good, found.state) == (once.good, once.state)


def test_a_report_that_does_not_fit_is_named_and_not_counted():
    found = account(ORDER, DUE, [*FLOOR, report(9, "receive", qty=5.0)])
    (wrong,) = found.findings
    assert (wrong.code, found.received) == ("ORD007", 98)
    assert "WO-1 is completed; the report receive" in wrong.message


def test_more_than_ordered_is_told():
    found = account(ORDER, DUE, [report(1, "receive", qty=103.0)])
    (wrong,) = found.findings
    assert wrong.code == "ORD008"
    assert "103 received, 100 ordered" in wrong.message
    assert found.remaining == 0


def test_a_changed_order_is_measured_as_changed():
    told = [
        report(1, "change_qty", qty=50.0),
        report(2, "move", due=DUE + DAY),
        report(3, "receive", DUE + DAY, qty=50.0),
        report(4, "complete", DUE + DAY),
    ]
    found = account(ORDER, DUE, told)
    assert (found.ordered, found.variance_qty, found.variance_h) == (50, 0, 0)


def test_nothing_received_has_no_scrap_rate():
    found = account(ORDER, DUE, [report(1, "cancel")])
    assert (found.scrap_rate, found.remaining) == (None, 0)
    assert found.state is OrderState.CANCELLED


@given(st.lists(st.integers(0, 3), max_size=10))
def test_any_repetition_of_a_file_gives_the_account_of_the_file(extra):
    told = [*FLOOR[:2], *(FLOOR[n] for n in extra if n < 2), *FLOOR[2:]]
    told += [FLOOR[n] for n in extra]
    found, once = account(ORDER, DUE, told), account(ORDER, DUE, FLOOR)
    assert (found.received, found.good, found.state, found.variance_h) == (
        once.received,
        once.good,
        once.state,
        once.variance_h,
    )


# --------------------------------------------------------------------------- figures
@pytest.mark.req("KPI-17")
def test_cycle_time_throughput_redo_partial_and_variance_by_hand():
    """One order took 222 h and is 5 % short and 6 h late, one 48 h and 144 h early."""
    half = [report(5, "start", DAY), report(6, "receive", 2 * DAY, qty=20.0)]
    early = [
        report(7, "start", 2 * DAY),
        report(8, "receive", 4 * DAY, qty=100.0),
        report(9, "complete", 4 * DAY),
    ]
    waiting = account(ORDER, DUE, [])
    told = [account(ORDER, DUE, reports) for reports in (FLOOR, half, early)]
    found = {one.part: one for one in order_measures([*told, waiting])["KPI-17"]}
    assert (found[""].value, found[""].unit) == (135.0, "hour")
    assert found["throughput"].value == pytest.approx(2 / 9.25)
    assert (found["redo"].value, found["partial"].value) == (1 / 3, 1 / 3)
    assert found["variance_qty"].value == pytest.approx(-0.025)
    assert found["variance_h"].value == pytest.approx(-69.0)
    nothing = order_measures([waiting])["KPI-17"]
    assert [one.value for one in nothing] == [None] * 6


@pytest.mark.req("KPI-07")
def test_planning_cycle_time_runs_from_the_first_record_to_the_release():
    """One waits 24 h for its release, one 48 h; one not released yet is not counted."""
    told = [
        account(ORDER, DUE, [], placed=0, released=waits)
        for waits in (DAY, 2 * DAY, None)
    ]
    (found,) = order_measures(told)["KPI-07"]
    assert (found.value, found.denominator, found.unit) == (36.0, 2.0, "hour")
