"""Remedies of every kind: each appears for its limiter and brings what it says."""

from __future__ import annotations

import datetime as dt
from typing import TYPE_CHECKING, Any, NamedTuple

import pytest

from medhavi.planners.promising.supply_search.availability import AvailabilityCheck
from medhavi.results.limiter import Limiter
from medhavi.results.promises.promise import PromiseStatus
from tests.api import PromiseLedger, Providers, asked_again, changed, quote
from tests.planners.small_promises import (
    TRUSTING,
    asked,
    day,
    days,
    request_of,
    tables,
    workshop,
)

if TYPE_CHECKING:
    from medhavi.results.promises.promise import Promise, TriedRemedy
    from medhavi.snapshot import Snapshot

CUSTOMER = {"location": "C1", "kind": "customer"}
LANE = {"lane": "T", "origin": "L", "destination": "C1", "duration_h": 24}
RANKED = [{"quality_classes": ["A", "B"]}]
SOON = {"due": day(1)}


class Case(NamedTuple):
    """A late request: what limits it, and kinds of change that must be offered."""

    snapshot: Snapshot
    stated: dict[str, Any]
    code: Limiter
    kinds: set[str]


def hold(kind: str, subject: str, **cells: object) -> dict[str, object]:
    """A hold of a line that is less important."""
    place = "L" if kind == "material" else None
    more = {"demand": "D1", "start": day(0), "finish": day(9)}
    return {"kind": kind, "subject": subject, "location": place, **more, **cells}


WEAK = {"demand": "D1", "priority": 9, "due": day(9), "product": "A", "qty": 1}
CASES = {
    "a supplier that takes long": Case(
        workshop(), SOON, Limiter.SUPPLIER_LEADTIME_EXCEEDED, {"expedite"}
    ),
    "a supplier that rows of sourcing leave out": Case(
        tables(
            products=[{"product": "A"}],
            supply_terms=[
                {"lead_time_days": 9},
                {"supplier": "S2", "lead_time_days": 2},
            ],
            sourcing=[{"kind": "buy", "source": "S"}],
        ),
        {"due": day(3)},
        Limiter.SUPPLIER_LEADTIME_EXCEEDED,
        {"other_source"},
    ),
    "an order that comes late": Case(
        tables(
            products=[{"product": "A"}],
            supply_orders=[{"qty": 10, "due": day(6)}],
            supply_terms=[{"lead_time_days": 9}],
        ),
        SOON,
        Limiter.AWAITING_SUPPLY,
        {"expedite", "buy_more"},
    ),
    "too little, and nothing comes": Case(
        tables(stock=[{"qty": 4}]),
        SOON,
        Limiter.MATERIAL_SHORTFALL,
        {"buy_more"},
    ),
    "a substitute that holds elsewhere": Case(
        tables(
            products=[{"product": "A"}, {"product": "B"}],
            locations=[{"location": "L"}, {"location": "V"}],
            stock=[{"qty": 4}, {"product": "B", "qty": 10}],
            substitutes=[{"location": "V"}],
        ),
        SOON,
        Limiter.MATERIAL_SHORTFALL,
        {"substitute"},
    ),
    "a hold in the way": Case(
        tables(
            stock=[{"qty": 10}],
            reservations=[{"reservation": "X", "finish": day(1)}],
        ),
        {},
        Limiter.MATERIAL_RESERVATION_CONFLICT,
        {"release_hold", "buy_more"},
    ),
    "what is held for a less important line": Case(
        tables(
            stock=[{"qty": 10}, {"qty": 2, "lot": "2"}],
            demands=[WEAK, {**WEAK, "demand": "D2"}],
            reservations=[
                hold("material", "A", qty=4),
                hold("material", "A", qty=4, demand="D2", reservation="Y", key="Y"),
            ],
        ),
        SOON,
        Limiter.MATERIAL_RESERVATION_CONFLICT,
        {"release_hold", "swap", "buy_more"},
    ),
    "safety stock": Case(
        tables(stock=[{"qty": 10}], inventory_policies=[{"safety_qty": 6}]),
        {},
        Limiter.SAFETY_VIOLATION,
        {"use_safety"},
    ),
    "lots of too low a class": Case(
        tables(settings=RANKED, stock=[{"qty": 10, "quality": "B"}]),
        {"min_quality": "A"},
        Limiter.QUALITY_MISMATCH,
        {"relax_policy"},
    ),
    "other work on the machine": Case(
        workshop(
            stock=[{"product": "B", "qty": 10}],
            demands=[WEAK],
            reservations=[hold("capacity", "M", qty=9 * 1440)],
        ),
        SOON,
        Limiter.CAPACITY_SHORTFALL,
        {"overtime", "swap"},
    ),
    "other work on the machine, and another of its pool": Case(
        workshop(
            stock=[{"product": "B", "qty": 10}],
            resources=[{"pool": "P"}, {"resource": "N", "pool": "P"}],
            demands=[WEAK],
            reservations=[hold("capacity", "M", qty=9 * 1440)],
        ),
        SOON,
        Limiter.CAPACITY_SHORTFALL,
        {"other_resource", "overtime"},
    ),
    "orders that do not move, and a machine that replaces it elsewhere": Case(
        workshop(
            stock=[{"product": "B", "qty": 10}],
            resources=[{}, {"resource": "N"}],
            routings=[{}, {"routing": "Q", "product": "B"}],
            steps=[{"run_minutes_per_unit": 60}, {"routing": "Q"}],
            step_resources=[
                {},
                {"routing": "Q", "choice": "either", "speed": 2},
                {"routing": "Q", "choice": "either", "resource": "N"},
            ],
            supply_orders=[
                {
                    "supply_order": "W",
                    "kind": "work",
                    "source": "R",
                    "qty": 100,
                    "start": day(0),
                    "due": day(6),
                    "status": "firmed",
                    "locked": True,
                }
            ],
        ),
        SOON,
        Limiter.CAPACITY_LOCKED,
        {"other_resource", "overtime"},
    ),
    "too much for an opening, and skilled people who work longer": Case(
        workshop(
            stock=[{"product": "B", "qty": 10}],
            calendars=[{"calendar": "short"}],
            shifts=[
                {
                    "calendar": "short",
                    "weekday": n,
                    "start": dt.time(6),
                    "finish": dt.time(10),
                }
                for n in range(1, 8)
            ],
            resources=[{"calendar": "short"}, {"resource": "N"}],
            resource_skills=[
                {"resource": name, "skill": "filling"} for name in ("M", "N")
            ],
            steps=[{"run_minutes_per_unit": 60, "splittable": False}],
        ),
        SOON,
        Limiter.QTY_DURATION_UNSUPPORTED,
        {"other_resource"},
    ),
    "a lot that is larger than the need": Case(
        workshop(
            stock=[{"product": "B", "qty": 99}],
            routings=[{"min_lot": 60}],
        ),
        SOON,
        Limiter.ROUTING_CAPACITY_FAIL,
        {"smaller_lot"},
    ),
    "a routing that rows of sourcing leave out": Case(
        workshop(
            stock=[{"product": "B", "qty": 10}],
            routings=[{}, {"routing": "Q"}],
            steps=[
                {"run_minutes_per_unit": 600},
                {"routing": "Q", "run_minutes_per_unit": 60},
            ],
            step_resources=[{}, {"routing": "Q"}],
            bom_lines=[{}, {"routing": "Q"}],
            sourcing=[{"kind": "make", "source": "R"}],
        ),
        SOON,
        Limiter.ROUTING_CAPACITY_FAIL,
        {"other_source"},
    ),
    "a routing that ends inside its fence": Case(
        workshop(
            stock=[{"product": "B", "qty": 10}],
            routings=[{"fence_days": 6, "valid_to": day(3)}],
        ),
        {"due": day(9)},
        Limiter.ROUTING_INVALID,
        {"correct_data"},
    ),
    "a fence": Case(
        workshop(stock=[{"product": "B", "qty": 10}], routings=[{"fence_days": 6}]),
        SOON,
        Limiter.RELEASE_FENCE,
        {"release_fence"},
    ),
    "a departure that is missed": Case(
        tables(
            stock=[{"qty": 10}],
            locations=[{"location": "L"}, CUSTOMER],
            lanes=[{**LANE, "duration_h": 5}],
            departures=[{"lane": "T", "weekday": 6, "time": dt.time(12)}],
        ),
        {"location": "C1", **SOON},
        Limiter.CUTOFF_MISSED,
        {"other_lane"},
    ),
    "a lane that rows of sourcing leave out": Case(
        tables(
            stock=[{"qty": 10}],
            locations=[{"location": "L"}, CUSTOMER],
            lanes=[LANE, {**LANE, "lane": "U", "duration_h": 5}],
            sourcing=[{"location": "C1", "kind": "move", "source": "T"}],
        ),
        {"location": "C1", "due": day(0.5)},
        Limiter.NO_TRANSPORT_LEG,
        {"other_lane"},
    ),
    "only from a place that has none": Case(
        tables(
            stock=[{"qty": 10, "location": "V"}],
            locations=[{"location": "L"}, {"location": "V"}, CUSTOMER],
            lanes=[
                {**LANE, "duration_h": 5},
                {**LANE, "lane": "U", "origin": "V", "duration_h": 5},
            ],
        ),
        {"location": "C1", "ship_from": "L", **SOON},
        Limiter.MATERIAL_SHORTFALL,
        {"other_source"},
    ),
    "a cost cap": Case(
        tables(
            products=[{"product": "A"}],
            supply_terms=[{"unit_price": 7}],
            promise_policies=[{**TRUSTING, "cost_cap": 5}],
        ),
        {},
        Limiter.COST_CAP_EXCEEDED,
        {"relax_policy"},
    ),
    "a supplier whose word is not known": Case(
        tables(
            supply_terms=[{}],
            promise_policies=[{"policy": "default", "supplier_fallback": "block"}],
        ),
        {},
        Limiter.SUPPLIER_LEADTIME_EXCEEDED,
        {"relax_policy"},
    ),
    "more than a supplier delivers in a period": Case(
        tables(
            products=[{"product": "A"}],
            supply_terms=[{"capacity_per_period": 6, "lead_time_days": 2}],
        ),
        {},
        Limiter.SUPPLIER_LEADTIME_EXCEEDED,
        {"smaller_lot", "split_delivery"},
    ),
    "one delivery alone": Case(
        tables(
            products=[{"product": "A"}],
            stock=[{"qty": 4}],
            supply_terms=[{"lead_time_days": 9}],
        ),
        {"full_line": True, **SOON},
        Limiter.SUPPLIER_LEADTIME_EXCEEDED,
        {"split_delivery"},
    ),
}


def told(snapshot: Snapshot, stated: dict[str, Any], remedy: TriedRemedy) -> Promise:
    """Answer on tables that are read anew with the rows of a remedy."""
    request = asked_again(request_of(snapshot, **stated), remedy.rows)
    return quote(PromiseLedger.from_snapshot(changed(snapshot, remedy.rows)), request)


@pytest.mark.req("ATP-19")
@pytest.mark.parametrize("name", CASES)
def test_each_kind_is_offered_for_its_limiter_and_brings_what_it_says(name):
    case = CASES[name]
    made = asked(case.snapshot, **case.stated)
    assert made.limiter is not None
    assert made.limiter.code is case.code
    assert case.kinds <= {remedy.code for remedy in made.remedies}
    for remedy in made.remedies:
        again = told(case.snapshot, case.stated, remedy)
        assert (again.date, again.cost.total, again.status) == (
            remedy.date,
            remedy.cost,
            remedy.status,
        )
        assert (again.qty, again.on_time_prob) == (remedy.qty, remedy.on_time_prob)


OLIVE: dict[str, Any] = {
    "products": [{"product": "A"}],
    "supply_terms": [{"lead_time_days": 42}],
}
"""A purchase that takes six weeks."""


@pytest.mark.req("ATP-19")
def test_a_few_pieces_and_the_answer_itself_are_no_remedies():
    """37,000 asked for now, 9 lie there, all of it comes in six weeks."""
    made = asked(tables(stock=[{"qty": 9}], **OLIVE), qty=37_000, due=day(0))
    assert made.date is not None
    for one in made.remedies:
        assert one.qty >= 0.2 * 37_000
        assert (one.date, one.qty) != (made.date, made.qty)
        assert one.date < made.date or one.saved > 0
    assert "later_date" not in {one.code for one in made.remedies}
    assert not any(one.text.startswith("ask for 9 ") for one in made.remedies)


@pytest.mark.req("ATP-19")
@pytest.mark.parametrize(("share", "shown"), [(0.2, True), (0.41, False)])
def test_a_remedy_delivers_the_stated_share_of_the_need(share, shown):
    """4 of 10 lie there."""
    rule = [{"policy": "default", "delivery": "full_line"}]
    made = asked(
        tables(
            stock=[{"qty": 4}],
            promise_policies=rule,
            settings=[{"remedies_min_share": share}],
            **OLIVE,
        ),
        **SOON,
    )
    assert ("ask for 4 of A" in {one.text for one in made.remedies}) is shown


@pytest.mark.req("ATP-19")
def test_remedies_are_ranked_by_what_they_save():
    found = 0
    for case in CASES.values():
        made = asked(case.snapshot, **case.stated)
        saved = [one.saved for one in made.remedies]
        assert saved == sorted(saved, reverse=True)
        found += len(saved)
    assert found > 20


@pytest.mark.req("ATP-19")
def test_an_empty_list_says_what_was_tried():
    """Nothing but six weeks of waiting: no other supplier, no stock, no other rule."""
    made = asked(
        tables(**OLIVE, settings=[{"remedies_min_share": 1.0}]), due=day(41.99)
    )
    if not made.remedies:
        assert "no remedy: " in str(made)
    bare = asked(tables(products=[{"product": "A"}]), due=day(1))
    assert bare.remedies == ()
    assert "no remedy: " in str(bare)
    assert any(entry["stage"] == "remedies" for entry in bare.trace)


@pytest.mark.req("ATP-19")
def test_kinds_that_are_offered_are_those_of_the_catalogue():
    for case in CASES.values():
        made = asked(case.snapshot, **case.stated)
        codes = {kind for one in made.limiters for kind in one.code.remedies}
        # Asking for less, later or elsewhere is open to everybody.
        codes |= {"later_date", "split_delivery", "other_source", "relax_policy"}
        codes |= {"use_safety"}
        for remedy in made.remedies:
            assert set(remedy.code.split("+")) <= codes


@pytest.mark.req("ATP-19")
def test_two_changes_together_where_none_alone_is_in_time():
    """B comes in 5 days and C in 6: only both suppliers together bring it in time."""
    snapshot = workshop(
        products=[{"product": "A"}, {"product": "B"}, {"product": "C"}],
        bom_lines=[{}, {"line": 2, "component": "C"}],
        supply_terms=[
            {"product": "B", "lead_time_days": 5},
            {"product": "C", "supplier": "S2", "lead_time_days": 6},
        ],
    )
    made = asked(snapshot, due=day(2))
    assert days(made.date) == round(6 + 10 / 24, 6)
    (best,) = [one for one in made.remedies if one.code == "expedite+expedite"]
    assert len(best.rows["supply_terms"]) == 2
    again = told(snapshot, {"due": day(2)}, best)
    assert (again.date, again.cost.total) == (best.date, best.cost)
    assert again.on_time


def test_no_pair_is_tried_where_one_change_is_enough():
    made = asked(workshop(), **SOON)
    assert all("+" not in one.code for one in made.remedies)


def test_the_policy_says_how_many_changes_are_tried():
    snapshot = workshop(promise_policies=[{**TRUSTING, "remedy_tries": 0}])
    made = asked(snapshot, **SOON)
    assert made.remedies == ()
    assert made.trace[-1]["tried"] == 0


class FailsOnce:
    """A provider that does not answer its first question."""

    def __init__(self, real: object) -> None:
        self._real = real
        self._failed = False

    def __getattr__(self, name: str) -> object:
        if name == "earliest" and not self._failed:
            self._failed = True
            message = "5 s"
            raise TimeoutError(message)
        return getattr(self._real, name)


@pytest.mark.req("ATP-19", "CORE-06")
def test_where_a_provider_failed_for_a_moment_asking_again_helps():
    snapshot = workshop(stock=[{"product": "B", "qty": 10}])
    stages: Any = AvailabilityCheck(Providers(snapshot))
    stages.capacity = FailsOnce(stages.capacity)
    made = quote(PromiseLedger(snapshot, stages), request_of(snapshot))
    assert made.status is PromiseStatus.REJECTED
    assert made.limiter is not None
    assert made.limiter.code is Limiter.SEARCH_TIMEOUT
    (remedy,) = made.remedies
    assert (remedy.code, dict(remedy.rows)) == ("ask_again", {})
    assert remedy.date == asked(snapshot).date


@pytest.mark.req("ATP-16", "ATP-19")
def test_a_search_that_was_cut_off_offers_a_longer_one():
    """Stock at V is a day away; making it at L, tried next, takes ten hours."""
    snapshot = workshop(
        stock=[{"qty": 10, "location": "V"}, {"product": "B", "qty": 10}],
        locations=[{"location": "L"}, {"location": "V"}],
        lanes=[{"lane": "T", "origin": "V", "destination": "L", "duration_h": 24}],
        promise_policies=[{**TRUSTING, "search_budget_evaluations": 1}],
    )
    made = asked(snapshot, due=day(0.5))
    assert made.trace[-1]["note"] == "SearchTimeout"
    assert days(made.date) == 1
    (longer,) = [one for one in made.remedies if one.code == "search_longer"]
    assert days(longer.date) == round(10 / 24, 6)
    again = told(snapshot, {"due": day(0.5)}, longer)
    assert (again.date, again.cost.total) == (longer.date, longer.cost)


@pytest.mark.req("ATP-19")
def test_a_supplier_that_leaves_no_time_would_deliver_at_once():
    texts = [
        remedy.text
        for due in (0, 2)
        for remedy in asked(workshop(), due=day(due)).remedies
        if remedy.code == "expedite"
    ]
    assert texts == ["S delivers at once", "S delivers in 1 d 14 h"]
