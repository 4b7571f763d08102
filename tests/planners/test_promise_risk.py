"""How sure a date is: quantiles, chances, models and what happens without one."""

from __future__ import annotations

import pytest

from medhavi.planners.promising.arrival_risk import _sobol
from medhavi.results.promise import PromiseStatus
from tests.planners.small_promises import asked, day, days, tables, workshop

ESTIMATE = {"p50": 5, "p80": 7, "p95": 10}


@pytest.mark.req("ATP-13", "CORE-13")
def test_one_uncertain_time_gives_its_own_quantiles():
    made = asked(tables(supply_terms=[{}], estimates=[ESTIMATE]), due=day(1))
    assert (days(made.date_p50), days(made.date_p80), days(made.date_p95)) == (5, 7, 10)
    assert days(made.date) == 7
    assert (made.basis.model, made.basis.version) == ("test", "1")
    assert made.on_time_prob == pytest.approx(0.8, abs=0.01)


@pytest.mark.req("ATP-13")
@pytest.mark.parametrize(("basis", "date"), [("p50", 5), ("p80", 7), ("p95", 10)])
def test_the_quoted_date_is_that_of_the_risk_basis(basis, date):
    policy = {"policy": "default", "risk_basis": basis}
    snapshot = tables(
        supply_terms=[{}], estimates=[ESTIMATE], promise_policies=[policy]
    )
    made = asked(snapshot)
    assert days(made.date) == date
    assert made.basis.risk_basis == basis


def test_a_tail_without_an_estimate_has_two_points():
    made = asked(tables(supply_terms=[{"lead_time_p95_days": 20}]), due=day(1))
    assert (days(made.date_p50), days(made.date_p95)) == (5, 20)
    assert days(made.date_p80) == pytest.approx(5 * 4 ** (2 / 3), abs=0.001)
    assert made.basis.model == "terms"


@pytest.mark.req("CORE-13")
def test_without_the_model_the_basis_changes_and_the_answer_stays():
    terms = [{"lead_time_p95_days": 10}]
    learned = asked(tables(supply_terms=terms, estimates=[ESTIMATE]))
    killed = asked(tables(supply_terms=terms))
    assert (learned.basis.model, killed.basis.model) == ("test", "terms")
    assert learned.status is killed.status is PromiseStatus.PROMISED


def test_nothing_uncertain_is_sure():
    made = asked(tables(stock=[{"qty": 10}]))
    assert (made.on_time_prob, made.basis.model) == (1.0, "stated")
    assert made.date_p50 == made.date_p95 == made.date


def chain(**policy):
    """B and X are bought with tails, A is made of both and shipped with a tail."""
    return workshop(
        bom_lines=[{"component": "B"}, {"component": "X"}],
        supply_terms=[
            {"product": "B", "lead_time_days": 5, "lead_time_p95_days": 9},
            {"product": "X", "lead_time_days": 5, "lead_time_p95_days": 12},
        ],
        locations=[{"location": "L"}, {"location": "C1", "kind": "customer"}],
        lanes=[
            {
                "lane": "T",
                "origin": "L",
                "destination": "C1",
                "duration_h": 24,
                "duration_p95_h": 72,
            }
        ],
        promise_policies=[{"policy": "default", **policy}],
    )


@pytest.mark.req("ATP-13")
def test_quantiles_of_a_chain_rise_and_the_holds_stand_at_the_date():
    made = asked(chain(), location="C1", due=day(1))
    assert made.date_p50 < made.date_p80 < made.date_p95
    assert made.date_p80 == made.date
    assert made.deliveries[-1].date == made.date
    assert made.on_time_prob == pytest.approx(0.8, abs=0.02)


def test_the_tail_of_a_chain_is_shorter_than_the_sum_of_the_tails():
    made = asked(chain(risk_basis="p95"), location="C1")
    assert days(made.date) < 12 + 10 / 24 + 3


def test_the_median_of_a_maximum_is_later_than_both_medians():
    made = asked(chain(risk_basis="p50"), location="C1")
    assert days(made.date) > 5 + 10 / 24 + 1


def test_more_time_makes_it_surer():
    chances = [
        asked(chain(risk_basis="p50"), location="C1", due=day(due)).on_time_prob or 0
        for due in (1, 8, 11, 20)
    ]
    assert chances == sorted(chances)
    assert chances[-1] > 0.97


def test_the_same_question_has_the_same_chances():
    first = asked(chain(), location="C1")
    assert asked(chain(), location="C1") == first


def test_the_points_are_drawn_once_and_spread_evenly():
    points = _sobol(2)
    assert points is _sobol(2)
    assert len(points) == 512
    for place in range(2):
        column = sorted(point[place] for point in points)
        assert all(abs(u - (i + 0.5) / 512) <= 1 / 512 for i, u in enumerate(column))


def test_subjects_of_a_group_are_late_together():
    rows = [
        {**ESTIMATE, "product": product, "correlation_group": group}
        for product, group in (("B", "port"), ("X", "port"))
    ]
    apart = [{**row, "correlation_group": None} for row in rows]
    terms = [
        {"product": "B", "lead_time_days": 5},
        {"product": "X", "lead_time_days": 5},
    ]
    lines = [{"component": "B"}, {"component": "X"}]
    dates = [
        asked(
            workshop(bom_lines=lines, supply_terms=terms, estimates=given), due=day(1)
        ).date_p50
        for given in (rows, apart)
    ]
    assert dates[0] < dates[1]
