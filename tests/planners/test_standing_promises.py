"""Accepted promises on today's facts: who keeps their word, who does not, and why."""

from __future__ import annotations

import datetime as dt
from math import gcd

import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from medhavi.planners.promising import standing_promises as standing_module
from medhavi.results.promises.promises_at_risk import (
    HOT_SPOTS,
    WATCHED,
    AcceptedPromiseStatus,
)
from medhavi.units import to_seconds
from tests.api import standing_promises
from tests.examples import examples, some
from tests.planners.small_promises import day, days, tables, workshop

TODAY = to_seconds(day(0))


def line(number, qty=10, promised=7, **cells):
    """An accepted order line of A at L."""
    return {
        "demand": f"D{number}",
        "sales_order": f"SO-{number}",
        "line": 1,
        "qty": qty,
        "due": day(promised),
        "promised": day(promised),
        **cells,
    }


def held(number, qty=10, at=7, **cells):
    """A confirmed hold of A at L."""
    row = {"reservation": f"V{number}", "key": f"V{number}", "demand": f"D{number}"}
    return {**row, "qty": qty, "start": day(at), "finish": day(at), **cells}


def standing(watch):
    return {one.demand: str(one.standing) for one in (*watch.at_risk, *watch.moved)}


def test_promise_that_holds_what_is_there_is_kept():
    watch = standing_promises(
        tables(demands=[line(1)], reservations=[held(1)], stock=[{"qty": 10}])
    )
    assert (watch.watched, watch.kept, watch.at_risk, watch.moved) == (1, 1, (), ())
    assert watch.frame().schema == WATCHED
    assert watch.hot_spots().schema == HOT_SPOTS


@pytest.mark.req("ATP-20")
def test_stock_that_is_gone_breaks_the_less_important_promise():
    # Ten of twenty promised pieces are left: the line of priority 1 keeps its word.
    watch = standing_promises(
        tables(
            demands=[line(1, priority=2), line(2, priority=1)],
            reservations=[held(1), held(2)],
            stock=[{"qty": 10}],
            supply_terms=[{"lead_time_days": 9}],
        )
    )
    assert standing(watch) == {"D1": "late"}
    (one,) = watch.at_risk
    assert one.expected == to_seconds(day(9))
    assert (one.late_hours, one.date_prob, one.expected_qty) == (48.0, 0.0, 10)
    assert one.limiter is not None
    assert one.limiter.code.domain in {"material", "supplier"}
    # Two days late, ten pieces, 2 % of the price of 1 a day, weight of priority 2.
    weight = tables().settings.weight(2)
    assert one.cost == pytest.approx(2 * 10 * 0.02 * weight)
    assert watch.cost == one.cost


@pytest.mark.req("ATP-20")
def test_nothing_at_all_is_lost_and_what_is_there_is_short():
    watch = standing_promises(
        tables(
            demands=[line(1, priority=1), line(2, priority=2, full_line=True)],
            reservations=[held(1), held(2)],
            stock=[{"qty": 4}],
        )
    )
    assert standing(watch) == {"D1": "short", "D2": "lost"}
    one = {each.demand: each for each in watch.at_risk}
    assert (one["D1"].expected_qty, one["D2"].expected) == (4, None)
    assert one["D2"].late_hours is None
    weight = tables().settings.weight
    assert one["D1"].cost == pytest.approx(6 * 3.0 * weight(1))
    assert one["D2"].cost == pytest.approx(10 * 3.0 * weight(2))
    spots = watch.hot_spots()
    assert spots["promises"].sum() == 2
    assert spots["cost"].sum() == pytest.approx(watch.cost)


def test_promise_that_can_come_another_way_moved():
    # The pieces it holds are gone; new ones are bought in time.
    watch = standing_promises(
        tables(
            demands=[line(1)],
            reservations=[held(1)],
            supply_terms=[{"lead_time_days": 5}],
        )
    )
    assert standing(watch) == {"D1": "moved"}
    assert watch.at_risk == ()
    assert watch.moved[0].expected == to_seconds(day(5))


@pytest.mark.req("ATP-20")
def test_resource_that_goes_down_names_the_promises_that_it_breaks():
    # Two orders of ten hours each hold M today and tomorrow; M is down for a week.
    def works(number, at):
        begin = day(at)
        return held(
            number,
            600,
            kind="capacity",
            subject="M",
            start=begin,
            finish=begin + dt.timedelta(hours=10),
        )

    given = {
        "demands": [line(1, promised=2), line(2, promised=20)],
        "stock": [{"product": "B", "qty": 100}],
        "reservations": [works(1, 0), works(2, 1)],
    }
    assert standing_promises(workshop(**given)).kept == 2
    down = {
        "disruption": "X",
        "kind": "resource_down",
        "subject": "M",
        "valid_from": day(0),
        "valid_to": day(7),
    }
    watch = standing_promises(workshop(**given, disruptions=[down]))
    assert standing(watch) == {"D1": "late", "D2": "moved"}
    (one,) = watch.at_risk
    assert one.expected == to_seconds(day(7) + dt.timedelta(hours=10))
    assert (str(one.limiter.code.domain), one.limiter.subject) == ("capacity", "M")


@pytest.mark.req("ATP-20")
def test_promise_that_holds_safety_stock_keeps_its_word():
    # A new request would not get the ten pieces that are withheld; the line has them.
    given = {
        "demands": [line(1)],
        "stock": [{"qty": 10}],
        "inventory_policies": [{"product": "A", "location": "L", "safety_qty": 10}],
    }
    assert standing_promises(tables(**given, reservations=[held(1)])).kept == 1
    gone = tables(**{**given, "stock": [{"qty": 9}]}, reservations=[held(1)])
    assert standing(standing_promises(gone)) == {"D1": "lost"}


@pytest.mark.req("ATP-20")
def test_chain_that_is_held_is_walked_anew():
    # Ten hours on M from the second day on; what is longer or later is in time or not.
    work = held(
        1,
        600,
        kind="capacity",
        subject="M",
        start=day(1),
        finish=day(1) + dt.timedelta(hours=10),
    )
    parts = held(1, 10, reservation="VB", key="VB", subject="B", at=1)
    given = {
        "demands": [line(1, promised=2)],
        "stock": [{"product": "B", "qty": 10}],
        "reservations": [work, parts],
    }
    assert standing_promises(workshop(**given)).kept == 1
    slower = {"steps": [{"run_minutes_per_unit": 400}]}
    assert standing(standing_promises(workshop(**given, **slower))) == {"D1": "late"}
    moved = {"stock": [{"product": "B", "qty": 9}]}
    assert standing(standing_promises(workshop(**{**given, **moved}))) == {"D1": "late"}


@pytest.mark.req("ATP-20")
@pytest.mark.parametrize("basis", ["p50", "p95"])
@pytest.mark.parametrize("risk_cap", some([None, 0.1], 1))
@pytest.mark.nightly
def test_chain_with_uncertain_lanes_stands_as_a_quote_says(
    monkeypatch, basis, risk_cap
):
    # Two lanes in a row, a day or two each; the promised date moves past their chances.
    hours = {"duration_h": 24, "duration_p95_h": 48}
    policy = {"policy": "default", "risk_basis": basis, "risk_cap": risk_cap}
    verdicts = []
    for number in range(12):
        promised = 1 + number * 0.4
        given = tables(
            locations=[{"location": place} for place in "LXW"],
            lanes=[
                {"lane": "T1", "origin": "L", "destination": "X", **hours},
                {"lane": "T2", "origin": "X", "destination": "W", **hours},
            ],
            stock=[{"qty": 10}],
            demands=[line(1, promised=promised, location="W")],
            reservations=[held(1, at=0, location="L")],
            promise_policies=[policy],
        )
        quick = standing(standing_promises(given, explained=0))
        with monkeypatch.context() as patch:
            patch.setattr(standing_module, "held_in_time", lambda *_: False)
            whole = standing(standing_promises(given, explained=0))
        assert quick == whole, promised
        verdicts.append(quick == {})
    assert verdicts == sorted(verdicts)
    assert set(verdicts) == {False, True}


def test_changeover_for_the_next_work_is_not_what_a_promise_holds():
    # Ten hours on M, then half an hour that the next work needs; others came between.
    end = day(1) + dt.timedelta(hours=10)
    machine = {"kind": "capacity", "subject": "M", "location": None}
    work = held(1, 600, **{**machine, "start": day(1), "finish": end})
    after = {**machine, "start": end, "finish": end + dt.timedelta(minutes=30)}
    rest = {"reservation": "VR", "key": "VR", **after}
    other = held(2, 30, **after, demand=None)
    parts = held(1, 10, reservation="VB", key="VB", subject="B", at=1)
    for minutes, expected in ((30, {}), (0, {"D1": "moved"})):
        mine = held(1, 30, **rest, changeover_minutes=minutes)
        given = workshop(
            demands=[line(1, promised=2)],
            stock=[{"product": "B", "qty": 20}],
            reservations=[parts, work, mine, other],
        )
        assert standing(standing_promises(given)) == expected


def test_hold_of_a_material_that_is_always_there_is_given_back_for_the_question():
    given = tables(
        demands=[line(1)],
        reservations=[held(1)],
        inventory_policies=[{"product": "A", "location": "L", "unlimited": True}],
    )
    assert standing_promises(given).kept == 1


def test_departure_that_is_blacked_out_is_missed():
    lane = {"lane": "T", "origin": "L", "destination": "W", "duration_h": 24}
    row = line(1, promised=8, location="W")
    trip = held(
        1,
        10,
        reservation="VT",
        key="VT",
        kind="transport",
        subject="T",
        start=day(7) + dt.timedelta(hours=8),
        finish=day(8) + dt.timedelta(hours=8),
    )
    given = {
        "locations": [{"location": "L"}, {"location": "W"}],
        "lanes": [lane],
        "departures": [{"lane": "T", "weekday": 1, "time": dt.time(8)}],
        "stock": [{"qty": 10}],
        "demands": [{**row, "promised": day(9)}],
        "reservations": [held(1, at=7, location="L"), trip],
    }
    assert standing_promises(tables(**given)).kept == 1
    closed = {"lane": "T", "valid_from": day(0), "valid_to": day(12)}
    watch = standing_promises(tables(**given, lane_blackouts=[closed]))
    (one,) = watch.at_risk
    assert str(one.standing) == "late"
    assert one.expected == to_seconds(day(15) + dt.timedelta(hours=8))
    assert str(one.limiter.code.domain) == "transport"


def test_promise_whose_chance_is_below_what_the_policy_accepts_is_unsure():
    policy = {
        "policy": "default",
        "supplier_fallback": "accept_with_risk",
        "risk_basis": "p50",
        "risk_cap": 0.1,
    }
    given = {
        "demands": [line(1, promised=6)],
        "supply_terms": [{"lead_time_days": 5, "lead_time_p95_days": 15}],
    }
    watch = standing_promises(tables(**given, promise_policies=[policy]))
    assert standing(watch) == {"D1": "unsure"}
    (one,) = watch.at_risk
    assert one.expected == to_seconds(day(5))
    assert 0.5 < one.on_time_prob < 0.8
    lax = {**policy, "risk_cap": 0.6}
    watch = standing_promises(tables(**given, promise_policies=[lax]))
    assert standing(watch) == {"D1": "moved"}  # it holds nothing yet


def test_chance_of_a_late_promise_is_read_off_its_quantiles():
    policy = {"policy": "default", "risk_basis": "p95"}
    terms = {"lead_time_days": 5, "lead_time_p95_days": 15}
    watch = standing_promises(
        tables(
            demands=[line(1, promised=6), line(2, promised=3)],
            supply_terms=[terms],
            promise_policies=[policy],
        )
    )
    chances = {one.demand: one.on_time_prob for one in watch.at_risk}
    assert 0.5 < chances["D1"] < 0.8
    assert 0.0 < chances["D2"] < 0.5


@pytest.mark.req("ATP-20")
def test_policy_says_how_far_ahead_promises_are_watched():
    rows = [line(1, promised=5), line(2, promised=40)]
    near = {"policy": "default", "watch_days": 14}
    watch = standing_promises(tables(demands=rows, promise_policies=[near]))
    assert (watch.watched, watch.ahead) == (1, 1)
    assert standing(watch) == {"D1": "lost"}


def test_agreed_time_from_order_to_delivery_is_told():
    rows = [line(1, promised=7, customer="C", requested_at=day(-2))]
    given = {"supply_terms": [{"lead_time_days": 9}]}
    for agreed, breaks in ((10, True), (11, False)):
        watch = standing_promises(
            tables(
                demands=rows,
                customers=[{"customer": "C", "sla_days": agreed}],
                **given,
            )
        )
        (one,) = watch.at_risk
        assert one.agreed == to_seconds(day(agreed - 2))
        assert one.breaks_agreement is breaks


@pytest.mark.req("ATP-20")
@pytest.mark.parametrize(
    ("lots", "expected"),
    [
        ([("A", 10), ("B", 5)], {}),
        ([("B", 15)], {"D1": "lost"}),
        ([("A", 4), ("B", 11)], {"D1": "short"}),
    ],
)
def test_line_that_asks_for_a_class_keeps_its_word_by_lots_that_have_it(lots, expected):
    given = tables(
        settings=[{"quality_classes": ["A", "B"]}],
        products=[{"product": "A", "quality": "B"}],
        demands=[line(1, min_quality="A"), line(2, qty=5)],
        reservations=[held(1), held(2, 5)],
        stock=[
            {"lot": f"L{number}", "quality": quality, "qty": qty}
            for number, (quality, qty) in enumerate(lots)
        ],
    )
    watch = standing_promises(given)
    assert watch.watched == 2
    assert standing(watch) == expected


def test_class_that_nothing_ranks_is_not_watched():
    given = tables(demands=[line(1, min_quality="A")], stock=[{"qty": 10}])
    assert standing_promises(given).watched == 0


def test_only_accepted_lines_are_watched():
    rows = [
        line(1, status="closed"),
        line(2, status="cancelled"),
        line(3, kind="forecast", promised=3),
        {**line(4), "promised": None},
        line(5, status="quote"),
    ]
    watch = standing_promises(tables(demands=rows))
    assert standing(watch) == {"D5": "lost"}


def test_less_than_the_line_was_promised_and_less_is_asked():
    rest = held(1, 0, reservation="VR", key="VR")  # marks supply to come
    given = tables(
        demands=[line(1)], reservations=[held(1, 6), rest], stock=[{"qty": 6}]
    )
    assert standing(standing_promises(given)) == {"D1": "short"}
    assert standing(standing_promises(given, {"D1": 6.0})) == {}


def together(second, **cells):
    """Two lines of one order that comes complete; the first holds what it needs."""
    rule = {"sales_order": "SO-1", "order_policy": "all_together", **cells}
    return [
        line(1, **rule),
        {**line(2, product="B", **rule), "line": 2, **second},
        line(3),
    ]


@pytest.mark.req("ATP-20")
@pytest.mark.parametrize(
    ("terms", "expected"),
    [
        ([{"product": "B", "lead_time_days": 9}], {"D1": "late", "D2": "late"}),
        ([{"product": "A", "lead_time_days": 9}], {"D1": "lost", "D2": "lost"}),
        ([{"product": "B", "lead_time_days": 6}], {"D2": "moved"}),
    ],
)
def test_order_that_comes_complete_is_at_risk_where_any_line_is(terms, expected):
    given = {
        "products": [{"product": "A"}, {"product": "B"}],
        "reservations": [held(1), held(3)],
        "stock": [{"qty": 20}],
        "supply_terms": terms,
    }
    watch = standing_promises(tables(demands=together({}), **given))
    assert standing(watch) == expected
    if expected["D2"] == "late":
        one = {each.demand: each for each in watch.at_risk}
        assert {each.expected for each in one.values()} == {to_seconds(day(9))}
        assert str(one["D1"].limiter.code) == "FullOrderViolation"
        assert one["D1"].limiter.subject == "D2"
        assert one["D1"].cost == pytest.approx(one["D2"].cost)
    alone = together({}, order_policy="independent")
    told = standing(standing_promises(tables(demands=alone, **given)))
    assert set(told) == {"D2"}
    assert standing_promises(tables(demands=together({}), **given)).kept == 3 - len(
        expected
    )


def even(stock, *, a=10, b=20, terms=(), orders=(), **cells):
    """A and B of one order come in equal shares; both hold what they need."""
    rule = {"sales_order": "SO-1", "order_policy": "in_ratio", **cells}
    return tables(
        products=[{"product": "A"}, {"product": "B"}],
        demands=[
            line(1, qty=a, **rule),
            {**line(2, qty=b, product="B", **rule), "line": 2},
        ],
        reservations=[held(1, a), held(2, b, subject="B")],
        stock=[
            {"product": name, "qty": qty} for name, qty in zip("AB", stock, strict=True)
        ],
        supply_terms=list(terms),
        supply_orders=list(orders),
    )


@pytest.mark.req("ATP-08", "ATP-20")
@pytest.mark.parametrize(
    ("stock", "terms", "expected"),
    [
        ((10, 20), [], {}),
        ((10, 8), [], {"D1": ("short", 4, 0), "D2": ("short", 8, 0)}),
        ((10, 5), [], {"D1": ("short", 2, 0), "D2": ("short", 4, 0)}),
        ((10, 1), [], {"D1": ("lost", 0, None), "D2": ("lost", 0, None)}),
        (
            (10, 8),
            [{"product": "B", "lead_time_days": 9}],
            {"D1": ("late", 10, 9), "D2": ("late", 20, 9)},
        ),
    ],
)
def test_lines_in_equal_shares_are_at_risk_together(stock, terms, expected):
    watch = standing_promises(even(stock, terms=terms))
    assert {
        one.demand: (str(one.standing), one.expected_qty, days(one.expected))
        for one in watch.at_risk
    } == expected
    if expected and stock[1] > 1:
        first = next(one for one in watch.at_risk if one.demand == "D1")
        assert str(first.limiter.code) == "FullOrderViolation"
        assert first.limiter.subject == "D2"
    alone = even(stock, terms=terms, order_policy="independent")
    assert "D1" not in standing(standing_promises(alone))


@pytest.mark.req("ATP-08", "ATP-20")
@pytest.mark.parametrize(
    ("coming", "expected"),
    [
        ({7: 12}, {}),
        ({6: 12}, {}),
        ({3: 8, 7: 12}, {}),
        ({7: 20}, {}),
        ({8: 12}, {"D1": ("late", 8), "D2": ("late", 8)}),
    ],
)
def test_the_one_date_of_equal_shares_is_that_of_the_last(coming, expected):
    """A promise has the date of its last piece (rule 28); what comes before has none.

    A 10 and B 20 were promised for day 7: 8 of B lay there, 12 came on that day. Where
    more shares come later than they did, the promise holds until the last one is late.
    """
    orders = [
        {
            "supply_order": f"PO{at}",
            "kind": "purchase",
            "product": "B",
            "qty": qty,
            "due": day(at),
        }
        for at, qty in coming.items()
    ]
    watch = standing_promises(even((10, 20 - sum(coming.values())), orders=orders))
    told = {
        one.demand: (str(one.standing), days(one.expected)) for one in watch.at_risk
    }
    assert told == expected


@pytest.mark.req("ATP-08", "ATP-20")
@pytest.mark.parametrize(("stock", "expected"), [(10, {}), (4, {"D1": "short"})])
def test_a_line_of_equal_shares_that_is_left_alone_is_watched_by_itself(
    stock, expected
):
    given = even((stock, 0))
    rows = given["demands"].to_dicts()
    closed = [
        {**one, "status": "closed"} if one["demand"] == "D2" else one for one in rows
    ]
    assert standing(standing_promises(given.replace(demands=closed))) == expected


@pytest.mark.req("ATP-08", "ATP-20")
@settings(deadline=None, max_examples=examples(4, 20))
@given(*[st.integers(1, 6)] * 2, *[st.integers(0, 7)] * 2)
def test_equal_shares_of_stock_alone_are_those_of_the_scarcest(a, b, x, y):
    """Shares count in parts of the greatest common divisor, rounded down."""
    count = gcd(a, b)
    level = min(count, x * count // a, y * count // b)
    watch = standing_promises(even((x, y), a=a, b=b))
    told = {one.demand: one.expected_qty for one in watch.at_risk}
    assert told == (
        {} if level == count else {"D1": level * a // count, "D2": level * b // count}
    )


@pytest.mark.req("ATP-20", "ATP-28")
def test_line_of_a_complete_order_is_not_made_earlier_alone():
    given = {"demands": together({"product": "A"}), "stock": [{"qty": 30}]}
    holds = [held(number) for number in (1, 2, 3)]
    watch = standing_promises(tables(**given, reservations=holds), gain_hours=24)
    assert [one.demand for one in watch.better] == ["D3"]


def test_remedies_are_tried_for_the_most_important_only():
    rows = [line(number, priority=number) for number in (1, 2)]
    given = tables(demands=rows, supply_terms=[{"lead_time_days": 9}])
    told = {
        one.demand: len(one.remedies)
        for one in standing_promises(given, explained=1).at_risk
    }
    assert told["D1"] > 0
    assert told["D2"] == 0


def test_same_facts_give_the_same_list():
    given = tables(
        demands=[line(number, qty=number) for number in range(1, 6)],
        stock=[{"qty": 7}],
    )
    first, second = (standing_promises(given).frame() for _ in range(2))
    assert first.equals(second)
    assert first["standing"].is_in([str(one) for one in AcceptedPromiseStatus]).all()


# ------------------------------------------------------------------------- laws
@settings(deadline=None, max_examples=examples(4, 25))
@given(
    st.lists(
        st.tuples(st.integers(1, 6), st.integers(1, 3), st.integers(1, 9)),
        min_size=1,
        max_size=6,
    ),
    st.integers(0, 20),
)
def test_stock_alone_keeps_as_many_words_as_it_can(lines, pieces):
    """Brute force: the most important first, whole lines, from one pile."""
    rows = [
        line(number, qty, promised, priority=priority)
        for number, (qty, priority, promised) in enumerate(lines, 1)
    ]
    holds = [
        held(number, qty, promised)
        for number, (qty, _, promised) in enumerate(lines, 1)
    ]
    watch = standing_promises(
        tables(demands=rows, reservations=holds, stock=[{"qty": pieces}]), explained=0
    )
    broken = {one.demand for one in watch.at_risk}
    kept = sum(row["qty"] for row in rows if row["demand"] not in broken)
    assert kept <= pieces
    total = sum(row["qty"] for row in rows)
    if total <= pieces:
        assert not broken
    for row in rows:
        if row["demand"] not in broken:
            continue
        # Who breaks could not be served beside those who are as important or more.
        before = sum(
            other["qty"]
            for other in rows
            if (other["priority"], other["promised"], other["demand"])
            < (row["priority"], row["promised"], row["demand"])
        )
        assert before + row["qty"] > pieces or before > pieces
    assert isinstance(watch.frame(), pl.DataFrame)
