"""How sure a date is: quantiles, chances, models and what happens without one."""

from __future__ import annotations

import datetime as dt
import math
from dataclasses import replace
from typing import TYPE_CHECKING

import pytest

from medhavi.planners.promising.answering import searched
from medhavi.planners.promising.option_search import OptionSearch
from medhavi.planners.promising.sampled_chain import SampledChain, sobol
from medhavi.planners.promising.supply_search.lead_draws import LeadDraws
from medhavi.results.limiter import Limiter
from medhavi.results.promises.promise import PromiseStatus
from medhavi.results.verify.promise import check_promise
from medhavi.units import DAY
from tests.api import PromiseLedger
from tests.examples import some
from tests.planners.small_promises import asked, day, days, request_of, tables, workshop

if TYPE_CHECKING:
    from medhavi.planners.promising.supply_search.alternatives import (
        Evaluation,
        SupplyAllocation,
    )
    from medhavi.planners.promising.supply_search.lead_draws import Subject

ESTIMATE = {"p50": 5, "p80": 7, "p95": 10}


@pytest.mark.req("ATP-13", "CORE-13")
def test_one_uncertain_time_gives_its_own_quantiles():
    made = asked(tables(supply_terms=[{}], estimates=[ESTIMATE]), due=day(1))
    assert (days(made.date_p50), days(made.date_p80), days(made.date_p95)) == (5, 7, 10)
    assert days(made.date) == 7
    assert (made.basis.model, made.basis.version) == ("test", "1")
    assert made.date_prob == pytest.approx(0.8, abs=0.01)
    assert made.on_time_prob == 0.0  # a day after now: the supplier needs more


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
    assert (made.on_time_prob, made.date_prob, made.basis.model) == (1.0, 1.0, "stated")
    assert made.date_p50 == made.date_p95 == made.date


def by_hand(due: float) -> float:
    """P(arrival <= due): log-linear between the quantiles of `ESTIMATE` [days]."""
    p50, p80, p95 = (ESTIMATE[name] for name in ("p50", "p80", "p95"))
    if due <= p80:
        return 0.5 + 0.3 * math.log(due / p50) / math.log(p80 / p50)
    return 0.8 + 0.15 * math.log(due / p80) / math.log(p95 / p80)


@pytest.mark.parametrize(
    ("wrong", "code", "column"),
    [
        ({"status": PromiseStatus.PROMISED}, "VER082", "status"),
        ({"on_time_prob": 0.95}, "VER083", "on_time_prob"),
        ({"on_time_prob": None}, "VER083", "on_time_prob"),
        ({"date_prob": 0.2}, "VER083", "date_prob"),
    ],
    ids=["late called in time", "quoted for requested", "none", "too small"],
)
def test_an_answer_that_says_more_than_its_quantiles_is_found(wrong, code, column):
    policy = {"policy": "default", "risk_basis": "p80"}
    snapshot = tables(
        supply_terms=[{}], estimates=[ESTIMATE], promise_policies=[policy]
    )
    made = asked(snapshot, due=day(4))
    assert made.status is PromiseStatus.PROMISED_LATE
    assert check_promise(made) == []
    [found] = check_promise(replace(made, **wrong))
    assert (found.code, found.column) == (code, column)


@pytest.mark.req("ATP-13")
@pytest.mark.parametrize("basis", ["p50", "p80", "p95"])
@pytest.mark.parametrize("due", some([4.0, 5.0, 6.0, 7.0, 8.5, 10.0], 3))
def test_requested_and_quoted_date_have_a_probability_each(basis, due):
    policy = {"policy": "default", "risk_basis": basis}
    snapshot = tables(
        supply_terms=[{}], estimates=[ESTIMATE], promise_policies=[policy]
    )
    made = asked(snapshot, due=day(due))
    level = {"p50": 0.5, "p80": 0.8, "p95": 0.95}[basis]
    assert made.date_prob == pytest.approx(level, abs=0.004)
    assert made.on_time_prob == pytest.approx(by_hand(due), abs=0.004)
    assert check_promise(made) == []
    option, told = made.options[0], made.as_dict()
    assert (option.on_time_prob, option.date_prob) == (
        told["on_time_prob"],
        told["date_prob"],
    )


@pytest.mark.req("ATP-13")
def test_what_is_42_days_late_has_no_probability_by_the_requested_date():
    late = asked(tables(supply_terms=[{"lead_time_days": 42}]), due=day(0))
    assert (late.on_time_prob, late.date_prob) == (0.0, 1.0)
    snapshot = tables(
        supply_terms=[{"lead_time_days": 42, "lead_time_p95_days": 60}],
        promise_policies=[{"policy": "default", "risk_basis": "p95"}],
    )
    made = asked(snapshot, due=day(0))
    assert made.on_time_prob == 0.0
    assert made.date_prob == pytest.approx(0.95, abs=0.004)
    text = str(made)
    assert "probability by the requested date 0 %, by the quoted date 95 %" in text
    assert "on time 9" not in text


def test_a_part_is_never_on_time_as_a_whole():
    snapshot = tables(
        stock=[{"qty": 4}],
        promise_policies=[{"policy": "default", "delivery": "partial"}],
    )
    made = asked(snapshot)
    assert made.status is PromiseStatus.PARTIAL
    assert (made.on_time_prob, made.date_prob) == (0.0, 1.0)


@pytest.mark.req("CORE-10")
def test_the_cap_on_risk_looks_at_the_quoted_date():
    given = {"supply_terms": [{}], "estimates": [ESTIMATE]}
    loose = {"policy": "default", "risk_cap": 0.25}
    # A year late, but what is quoted is kept in four of five cases.
    late = asked(tables(**given, promise_policies=[loose]), due=day(1))
    assert late.date is not None
    tight = {"policy": "default", "risk_cap": 0.1}
    closed = asked(tables(**given, promise_policies=[tight]), due=day(1))
    assert closed.limiter.code is Limiter.RISK_CAP_EXCEEDED
    sure = {**tight, "risk_basis": "p95"}
    assert asked(tables(**given, promise_policies=[sure])).date is not None


@pytest.mark.req("ATP-13", "TRN-08")
@pytest.mark.parametrize(("basis", "days_there"), [("p50", 2), ("p95", 4)])
def test_the_lane_that_is_faster_at_the_quantile_is_taken(basis, days_there):
    """ROAD takes 2 days, or 6; RAIL takes 3, or 4."""
    row = {"origin": "L", "destination": "C1"}
    snapshot = tables(
        locations=[{"location": "L"}, {"location": "C1", "kind": "customer"}],
        stock=[{"qty": 10}],
        lanes=[
            {**row, "lane": "ROAD", "duration_h": 48, "duration_p95_h": 144},
            {**row, "lane": "RAIL", "duration_h": 72, "duration_p95_h": 96},
        ],
        promise_policies=[{"policy": "default", "risk_basis": basis}],
    )
    made = asked(snapshot, location="C1", due=day(5))
    assert made.status is PromiseStatus.PROMISED
    assert days(made.date) == days_there


def test_a_faster_lane_that_may_not_be_taken_is_named():
    """AIR is faster and dearer; without `expedite` it is left out."""
    row = {"origin": "L", "destination": "C1"}
    snapshot = tables(
        locations=[{"location": "L"}, {"location": "C1", "kind": "customer"}],
        stock=[{"qty": 10}],
        lanes=[
            {**row, "lane": "SEA", "duration_h": 96, "preference": 1},
            {
                **row,
                "lane": "AIR",
                "duration_h": 24,
                "preference": 2,
                "cost_per_unit": 9,
            },
        ],
    )
    made = asked(snapshot, location="C1", due=day(2))
    assert "AIR arrives 3 d earlier" in made.limiter.text
    slow = snapshot.replace(lanes=snapshot["lanes"].filter(lane="SEA"))
    told = asked(slow, location="C1", due=day(2)).limiter.text
    assert "no permitted lane arrives earlier" in told


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
    assert made.date_prob == pytest.approx(0.8, abs=0.02)
    assert made.on_time_prob == 0.0


def test_a_late_vehicle_has_no_more_room_than_one_in_time():
    snapshot = tables(
        products=[{"weight_kg": 1}],
        locations=[{"location": "L"}, {"location": "C1", "kind": "customer"}],
        stock=[{"qty": 10}],
        lanes=[
            {
                "lane": "T",
                "origin": "L",
                "destination": "C1",
                "duration_h": 24,
                "duration_p95_h": 36,
                "capacity_kg": 6,
            }
        ],
        departures=[{"weekday": number, "time": dt.time(12)} for number in range(1, 8)],
    )
    made = asked(snapshot, location="C1")
    first, second = made.deliveries
    assert (first.qty, second.qty) == (6, 4)
    assert second.date - first.date == DAY


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
    points = sobol(2)
    assert points is sobol(2)
    assert len(points) == 2
    for drawn in points:
        column = sorted(drawn.levels)
        assert len(column) == 512
        assert all(abs(u - (i + 0.5) / 512) <= 1 / 512 for i, u in enumerate(column))


def arrival(book: PromiseLedger, lane: str, ready: int, draws: LeadDraws) -> int:
    """Arrival by a lane of what is ready at an instant, by its clock."""
    transport = book.providers.transport
    transit = draws.transit(lane)
    clock = (
        transport.clock(lane, 0.0)
        if transit is None
        else transport.clock_at(lane, transit)
    )
    timing = clock.earliest(ready, 0)
    return ready if timing is None else timing.finish


def pushed(book: PromiseLedger, chain: Evaluation, own: dict[Subject, float]) -> int:
    """Push one point through a chain, piece by piece and leg by leg."""
    draws = LeadDraws(book.times, 0.5, own)

    def ready(piece: SupplyAllocation) -> int:
        if piece.kind == "stock" or piece.source is None:
            return piece.ready
        if piece.kind == "buy":
            timing = draws.timing(piece.source, piece.begin, piece.order_steps)
            return piece.ready if timing is None else timing.finish
        if not piece.uses:
            return piece.ready
        behind = max(ready(use.piece) for use in piece.uses)
        behind -= max(use.piece.ready for use in piece.uses)
        return max(piece.ready + behind, book.now)

    last = 0
    for shipment in chain.shipments:
        late = [ready(use.piece) - use.piece.ready for use in shipment.uses]
        moment = max(shipment.ready + max(late, default=0), book.now)
        for leg in shipment.itinerary.legs if shipment.itinerary else ():
            moment = arrival(book, leg.lane, moment, draws)
        last = max(last, moment)
    return last


@pytest.mark.req("ATP-13")
@pytest.mark.parametrize(
    "leaves", ["any time", "weekdays", "calendar", "blackout", "bought from zero on"]
)
def test_all_points_at_once_arrive_as_each_of_them_would(leaves):
    snapshot = chain(supplier_fallback="accept_with_risk")
    departures = [
        {"lane": "T", "weekday": weekday, "time": dt.time(9)} for weekday in (1, 4)
    ]
    ways: dict[str, dict[str, list[dict[str, object]]]] = {
        "any time": {},
        "weekdays": {"departures": departures},
        "blackout": {
            "departures": departures,
            "lane_blackouts": [
                {"lane": "T", "valid_from": day(4), "valid_to": day(12)}
            ],
        },
        "calendar": {
            "departures": departures,
            "calendars": [{"calendar": "TWO"}],
            "shifts": [
                {
                    "calendar": "TWO",
                    "weekday": weekday,
                    "start": dt.time(6),
                    "finish": dt.time(22),
                }
                for weekday in range(1, 6)
            ],
            "lanes": [{**snapshot["lanes"].to_dicts()[0], "calendar": "TWO"}],
        },
        "bought from zero on": {
            "supply_terms": [
                {**row, "lead_time_days": lead}
                for row, lead in zip(
                    snapshot["supply_terms"].to_dicts(), (0.0, 1e-7), strict=True
                )
            ]
        },
    }
    book = PromiseLedger.from_snapshot(snapshot.replace(**ways[leaves]))
    request = request_of(book.snapshot, location="C1")
    quest = OptionSearch(book, request, book.policies.of(request))
    searched(quest, "date")
    found = quest.offered[0].times
    assert len(found.subjects) == 3
    points = SampledChain(book, found.subjects)
    arrivals = points.arrivals(found.evaluation).tolist()
    assert arrivals == [
        pushed(book, found.evaluation, points.point(number)) for number in range(512)
    ]
    assert len(set(arrivals)) > 3


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
