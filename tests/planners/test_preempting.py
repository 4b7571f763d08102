"""A more important request takes from less important lines, worked out by hand."""

from __future__ import annotations

import json
from dataclasses import replace

import pytest

from medhavi.planners.promising import quoting
from medhavi.planners.promising.quoting import is_lower
from medhavi.planners.promising.supply_search.availability import AvailabilityCheck
from medhavi.results.promises.promise import PromiseStatus
from medhavi.units import HOUR
from tests.api import PromiseLedger, apply, promise, revert
from tests.planners.small_promises import (
    TRUSTING,
    asked,
    cells,
    day,
    days,
    quoted,
    state,
    tables,
    workshop,
)

PREEMPT = {**TRUSTING, "preempt": True}
WEAK = {"sales_order": "LOW", "line": 1, "priority": 3, "promised": day(1)}
TOP = {"sales_order": "TOP", "line": 1, "priority": 1, "due": day(1)}


def shop(*lines, stock=10, policy=PREEMPT, **more):
    """Ten pieces in stock that lines have; new ones come in five days."""
    given = {
        "stock": [{"qty": stock}],
        "supply_terms": [{"lead_time_days": 5}],
        "promise_policies": [policy],
        "demands": [{"due": day(2), **line} for line in lines],
    }
    return tables(**{**given, **more})


def moved(made):
    """List what gave way: line, day before, day now."""
    return [(one.demand, days(one.previous), days(one.date)) for one in made.preempted]


# ----------------------------------------------------------------------- by hand
@pytest.mark.req("ATP-09")
def test_the_less_important_line_gets_its_new_date():
    made = asked(shop(WEAK), **TOP)
    assert (made.status, days(made.date)) == (PromiseStatus.PROMISED, 0)
    # Ten pieces three days after due at 2 % of a price of 1, of weight 2.
    assert moved(made) == [("D1", 1.0, 5.0)]
    assert made.preempted[0].cost == pytest.approx(10 * 3 * 0.02 * 2)
    assert made.cost.lateness == made.preempted[0].cost
    assert (made.option, made.exact) == ("preempt:stock@L", False)


@pytest.mark.req("ATP-09")
def test_without_the_policy_every_promise_is_kept():
    made = asked(shop(WEAK, policy=TRUSTING), **TOP)
    assert (made.status, days(made.date)) == (PromiseStatus.PROMISED_LATE, 5)
    assert made.preempted == ()
    assert all(entry["stage"] != "preempt" for entry in made.trace)


def test_the_trace_and_the_options_say_what_was_before():
    made = asked(shop(WEAK), **TOP)
    told = [entry for entry in made.trace if entry["stage"] == "preempt"]
    assert told == [
        {
            "stage": "preempt",
            "demand": "D1",
            "priority": 3,
            "tier": None,
            "qty": 10.0,
            "previous": "2026-01-06T00:00:00Z",
            "date": "2026-01-10T00:00:00Z",
            "cost": made.preempted[0].cost,
        }
    ]
    assert [(one.option, one.why_not) for one in made.options] == [
        ("preempt:stock@L", None),
        ("buy:S@L", "later"),
        (
            "buy:S@L, once confirmed",
            "waits until S confirmed the stated lead time; nothing is promised before",
        ),
    ]
    assert made.options[0].cost == made.cost.total


def test_the_answer_tells_who_gives_way_in_json_tables_and_words():
    made = asked(shop({**WEAK, "customer": "C"}), **TOP)
    (row,) = json.loads(json.dumps(made.as_dict()))["preempted"]
    assert "promise" not in row
    assert (row["demand"], row["previous"], row["date"]) == (
        "D1",
        "2026-01-06T00:00:00Z",
        "2026-01-10T00:00:00Z",
    )
    frame = made.to_frames()["preempted"]
    assert frame.select("sales_order", "line", "customer", "qty").row(0) == (
        "LOW",
        1,
        "C",
        10.0,
    )
    assert (
        "takes from LOW line 1 of C (priority 3, 10 A): Sat 2026-01-10 00:00 UTC "
        "instead of Tue 2026-01-06 00:00 UTC" in str(made)
    )


def test_a_line_that_only_has_a_hold_gives_way_too():
    line = {"priority": 3}
    hold = {"demand": "D1", "qty": 10, "start": day(0), "finish": day(1)}
    made = asked(shop(line, reservations=[hold]), **TOP)
    assert moved(made) == [("D1", None, 5.0)]
    assert "instead of no date" in str(made)


@pytest.mark.req("ATP-09")
def test_work_on_one_machine_changes_places():
    """Ten hours of work for each; the machine is free of nothing else."""
    snapshot = workshop(stock=[{"product": "B", "qty": 20}], promise_policies=[PREEMPT])
    book = PromiseLedger.from_snapshot(snapshot)
    low = quoted(book, sales_order="LOW", line=1, priority=3, due=day(10 / 24))
    assert low.date == book.now + 10 * HOUR
    apply(book, low)
    top = quoted(book, **{**TOP, "due": day(10 / 24)})
    assert (top.status, top.date) == (PromiseStatus.PROMISED, book.now + 10 * HOUR)
    (one,) = top.preempted
    assert (one.previous, one.date) == (
        book.now + 10 * HOUR,
        book.now + 20 * HOUR,
    )
    assert one.cost == pytest.approx(10 * 10 / 24 * 0.02 * 2)
    apply(book, top)
    busy = sorted(book.stages.capacity.occupancy.busy("M"))
    assert [(start, owner) for start, _, _, owner in busy] == [
        (book.now, "TOP-1"),
        (book.now + 10 * HOUR, "LOW-1"),
    ]


# -------------------------------------------------------------------- who gives way
@pytest.mark.parametrize("priority", [0, 1])
def test_equal_or_higher_priority_never_gives_way(priority):
    made = asked(shop({**WEAK, "priority": priority}), **TOP)
    assert (made.preempted, days(made.date)) == ((), 5)


@pytest.mark.parametrize(
    ("line", "request_tier", "gives"),
    [
        ("Bronze", "Gold", True),
        ("silver", "GOLD", True),
        ("Gold", "Gold", False),
        ("Gold", "Silver", False),
        (None, "Gold", True),
        ("Gold", None, True),
        ("A", "A", False),
        ("A", "B", False),
    ],
)
def test_where_both_tiers_are_known_the_lower_one_gives_way(line, request_tier, gives):
    assert is_lower(line, request_tier) is gives
    made = asked(shop({**WEAK, "tier": line}), **TOP, tier=request_tier)
    assert bool(made.preempted) is gives


def test_the_tier_of_the_customer_counts():
    customers = [
        {"customer": "BIG", "tier": "Gold"},
        {"customer": "SMALL", "tier": "Bronze"},
    ]
    snapshot = shop({**WEAK, "customer": "SMALL"}, customers=customers)
    assert asked(snapshot, **TOP, customer="BIG").preempted[0].tier == "Bronze"
    snapshot = shop({**WEAK, "customer": "BIG"}, customers=customers)
    assert asked(snapshot, **TOP, customer="SMALL").preempted == ()


@pytest.mark.parametrize(
    ("line", "more"),
    [
        pytest.param(
            {},
            {"pegs": [{"demand": "D1", "supply": "A|L|", "qty": 10}]},
            id="firm peg",
        ),
        pytest.param(
            {},
            {"supply_orders": [{"demand": "D1", "qty": 3, "due": day(9)}]},
            id="order in the books",
        ),
        pytest.param(
            {"promised": None},
            {
                "reservations": [
                    {
                        "demand": "D1",
                        "qty": 10,
                        "state": "tentative",
                        "expires_at": day(1),
                    }
                ]
            },
            id="tentative hold",
        ),
        pytest.param(
            {},
            {
                "resources": [{}],
                "reservations": [
                    {
                        "demand": "D1",
                        "kind": "capacity",
                        "subject": "M",
                        "location": None,
                        "qty": 2880,
                        "start": day(-1),
                        "finish": day(1),
                    },
                    {"demand": "D1", "qty": 10},
                ],
            },
            id="work that has begun",
        ),
        pytest.param({"min_quality": "A"}, {}, id="a class that nothing ranks"),
        pytest.param({"max_lateness_days": 0}, {}, id="late or never"),
    ],
)
def test_what_is_decided_or_cannot_be_moved_is_kept(line, more):
    made = asked(shop({**WEAK, **line}, **more), **TOP)
    assert made.preempted == ()
    assert days(made.date) == 5


def test_lines_that_come_together_are_not_torn_apart():
    tied = {**WEAK, "order_policy": "all_together", "qty": 5}
    other = {**tied, "line": 2}
    assert asked(shop(tied, other), **TOP).preempted == ()
    loose = {**WEAK, "qty": 5}
    assert len(asked(shop(loose, {**loose, "line": 2}), **TOP).preempted) == 2


@pytest.mark.parametrize("cells_", [{"status": "closed"}, {"kind": "forecast"}])
def test_what_is_no_open_order_gives_no_way(cells_):
    hold = {"demand": "D1", "qty": 10}
    snapshot = shop({**WEAK, **cells_, "promised": None}, reservations=[hold])
    assert asked(snapshot, **TOP).preempted == ()


def test_a_promise_moves_and_never_vanishes():
    snapshot = shop(WEAK, supply_terms=[])
    made = asked(snapshot, **TOP)
    assert (made.status, made.preempted) == (PromiseStatus.REJECTED, ())
    assert {
        "stage": "preempt",
        "quotes": 1,
        "note": "nothing gained",
    } in made.trace


def test_who_cannot_be_promised_again_is_left_alone_for_another():
    never = {**WEAK, "priority": 9, "max_lateness_days": 0}
    made = asked(shop(never, WEAK, stock=20), **TOP)
    assert moved(made) == [("D2", 1.0, 5.0)]


# ------------------------------------------------------------------ no more than needed
def test_only_as_many_give_way_as_are_needed_the_least_important_first():
    lines = [
        {**WEAK, "line": 1, "qty": 4, "priority": 2},
        {**WEAK, "line": 2, "qty": 4, "priority": 4, "due": day(2)},
        {**WEAK, "line": 3, "qty": 4, "priority": 4, "due": day(3)},
        {**WEAK, "line": 4, "qty": 4, "priority": 3},
    ]
    few = asked(shop(*lines, stock=16), **TOP, qty=4)
    assert [one.demand for one in few.preempted] == ["D3"]
    some = asked(shop(*lines, stock=16), **TOP, qty=8)
    assert [one.demand for one in some.preempted] == ["D2", "D3"]
    most = asked(shop(*lines, stock=16), **TOP, qty=12)
    assert [one.demand for one in most.preempted] == ["D4", "D2", "D3"]


def test_what_is_free_is_taken_before_what_others_have():
    small = {**WEAK, "qty": 1, "priority": 8}
    made = asked(shop(small, {**WEAK, "qty": 5}, stock=12), **TOP, qty=11)
    assert [one.demand for one in made.preempted] == ["D2"]


def test_who_is_in_time_takes_from_nobody():
    made = asked(shop(WEAK), **{**TOP, "due": day(6)})
    assert (made.status, made.preempted) == (PromiseStatus.PROMISED, ())


def test_a_request_that_stays_late_still_comes_earlier():
    more = {"supply_orders": [{"qty": 10, "due": day(3)}]}
    line = {**WEAK, "promised": day(3), "due": day(3)}
    snapshot = shop(line, stock=0, **more)
    made = asked(snapshot, **TOP)
    assert (made.status, days(made.date)) == (PromiseStatus.PROMISED_LATE, 3)
    assert moved(made) == [("D1", 3.0, 5.0)]
    assert made.limiter is not None
    assert all(remedy.date <= made.date for remedy in made.remedies)


def test_a_part_becomes_the_whole():
    held = {**WEAK, "qty": 6}
    terms = [{"lead_time_days": 5}]
    late = {"max_lateness_days": 1}
    snapshot = shop(held, supply_terms=terms)
    assert asked(shop(held, policy=TRUSTING), **TOP, **late).qty == 4
    made = asked(snapshot, **TOP, **late)
    assert (made.status, made.qty) == (PromiseStatus.PROMISED, 10)
    assert moved(made) == [("D1", 1.0, 5.0)]
    assert "less of it" in {one.why_not for one in made.options}


def test_a_search_that_does_not_get_through_takes_from_nobody(monkeypatch):
    monkeypatch.setattr(quoting, "MOST_QUOTES", 2)
    lines = [{**WEAK, "line": n, "qty": 2} for n in range(1, 6)]
    made = asked(shop(*lines), **TOP, qty=6)
    assert made.preempted == ()
    assert "SearchTimeout" in [entry.get("note") for entry in made.trace]


@pytest.mark.parametrize("begins", [-1, 1])
def test_work_of_an_accepted_promise_that_has_begun_is_kept(begins):
    policy = [PREEMPT]
    parts = [{"product": "B", "qty": 20}]
    book = PromiseLedger.from_snapshot(workshop(stock=parts, promise_policies=policy))
    low = quoted(book, sales_order="LOW", line=1, priority=3, due=day(1))
    hold = low.holds[0]._replace(
        start=low.holds[0].start + begins * HOUR,
        finish=low.holds[0].finish + begins * HOUR,
    )
    apply(book, replace(low, holds=(hold, *low.holds[1:])))
    top = quoted(book, **{**TOP, "due": day(10 / 24)})
    assert bool(top.preempted) is (begins > 0)


def test_moved_components_are_in_the_way_too():
    """B comes from W over a lane; the weak line has all that is there."""
    snapshot = workshop(
        locations=[{"location": "L"}, {"location": "W"}],
        lanes=[{"lane": "T", "origin": "W", "destination": "L", "duration_h": 24}],
        stock=[{"product": "B", "location": "W", "qty": 10}],
        supply_terms=[{"product": "B", "location": "W", "lead_time_days": 5}],
        promise_policies=[PREEMPT],
    )
    book = PromiseLedger.from_snapshot(snapshot)
    low = quoted(book, sales_order="LOW", line=1, priority=3, due=day(2))
    assert low.status is PromiseStatus.PROMISED
    apply(book, low)
    top = quoted(book, **{**TOP, "due": day(2)})
    assert (top.status, [one.demand for one in top.preempted]) == (
        PromiseStatus.PROMISED,
        ["LOW-1"],
    )


def test_members_of_a_pool_are_in_the_way():
    snapshot = workshop(
        resources=[
            {"resource": "P"},
            {"resource": "M", "pool": "P"},
        ],
        step_resources=[{"resource": "P"}],
        stock=[{"product": "B", "qty": 20}],
        promise_policies=[PREEMPT],
    )
    book = PromiseLedger.from_snapshot(snapshot)
    apply(book, quoted(book, sales_order="LOW", line=1, priority=3, due=day(10 / 24)))
    top = quoted(book, **{**TOP, "due": day(10 / 24)})
    assert [one.demand for one in top.preempted] == ["LOW-1"]


def test_a_provider_that_fails_takes_from_nobody(monkeypatch):
    book = PromiseLedger.from_snapshot(shop(WEAK))
    before = state(book)

    def fail(*_):
        raise TimeoutError

    monkeypatch.setattr(AvailabilityCheck, "line", fail)
    made = quoted(book, **TOP)
    monkeypatch.undo()
    assert (made.status, made.preempted) == (PromiseStatus.REJECTED, ())
    assert state(book) == before


# ------------------------------------------------------------------------- the book
def test_undoing_a_second_promise_of_a_line_brings_back_the_first():
    book = PromiseLedger.from_snapshot(shop(WEAK))
    book.stages.line("A", "L")
    book.take(quoted(book, **TOP, qty=5))
    tokens, before = book.tokens, state(book)
    book.take(quoted(book, **TOP))
    assert book.tokens != tokens
    book.go_back(tokens)
    assert (book.tokens, state(book)) == (tokens, before)


def test_a_quote_leaves_the_book_as_it_was():
    book = PromiseLedger.from_snapshot(shop(WEAK))
    before = state(book)
    quoted(book, **TOP)
    assert state(book) == before
    assert quoted(book, **TOP) == quoted(book, **TOP)


def test_going_back_gives_every_line_what_it_had():
    book = PromiseLedger.from_snapshot(shop(WEAK, stock=20))
    book.stages.line("A", "L")
    apply(book, quoted(book, sales_order="MID", line=1, priority=2, due=day(1)))
    before = state(book)
    undo = apply(book, quoted(book, **TOP, qty=20))
    assert {one.demand for one in undo.moved} == {"D1", "MID-1"}
    assert set(book.accepted) == {"D1", "MID-1", "TOP-1"}
    revert(book, undo)
    assert state(book) == before
    assert set(book.accepted) == {"MID-1"}


def test_a_line_that_gave_way_is_given_back_by_what_it_was_accepted_with():
    book = PromiseLedger.from_snapshot(shop())
    low = apply(book, quoted(book, sales_order="LOW", line=1, priority=3, due=day(1)))
    top = apply(book, quoted(book, **TOP))
    revert(book, low)
    assert set(book.accepted) == {"TOP-1"}
    revert(book, top)
    assert state(book) == state(PromiseLedger.from_snapshot(shop()))


def test_a_line_goes_back_only_when_nothing_newer_is_in_its_place():
    book = PromiseLedger.from_snapshot(shop(stock=12))
    apply(book, quoted(book, sales_order="LOW", line=1, priority=3, due=day(1)))
    before = state(book)
    top = apply(book, quoted(book, **TOP))
    last = apply(book, quoted(book, sales_order="END", line=1, priority=9, qty=2))
    revert(book, top)
    assert days(book.accepted["LOW-1"][0].date) == 5
    revert(book, last)
    assert days(book.accepted["LOW-1"][0].date) == 0
    assert state(book) == before


def test_asking_again_keeps_who_gave_way_until_it_is_given_back():
    book = PromiseLedger.from_snapshot(shop(WEAK))
    book.stages.line("A", "L")
    before = state(book)
    apply(book, quoted(book, **TOP))
    again = quoted(book, **TOP)
    assert (again.status, again.preempted) == (PromiseStatus.PROMISED, ())
    undo = apply(book, again)
    assert set(book.accepted) == {"D1", "TOP-1"}
    revert(book, undo)
    assert state(book) == before


def test_suppliers_give_one_line_what_another_one_had():
    """Ten pieces a period at the supplier; the second ten come a period later."""
    snapshot = tables(
        supply_terms=[{"lead_time_days": 5, "capacity_per_period": 10}],
        promise_policies=[PREEMPT],
    )
    book = PromiseLedger.from_snapshot(snapshot)
    low = quoted(book, sales_order="LOW", line=1, priority=3, due=day(6))
    assert days(low.date) == 5
    undo = apply(book, low)
    top = quoted(book, **{**TOP, "due": day(6)})
    assert (days(top.date), moved(top)) == (5.0, [("LOW-1", 5.0, 7.0)])
    other = apply(book, top)
    assert days(quoted(book, due=day(6), priority=5).date) == 14
    revert(book, other)
    revert(book, undo)
    assert days(quoted(book, qty=10, due=day(6)).date) == 5


def test_room_on_a_lane_goes_to_the_more_important():
    import datetime as dt

    snapshot = tables(
        products=[{"product": "A", "weight_kg": 1}],
        locations=[{"location": "L"}, {"location": "C1", "kind": "customer"}],
        lanes=[
            {
                "lane": "T",
                "origin": "L",
                "destination": "C1",
                "duration_h": 24,
                "capacity_kg": 10,
            }
        ],
        departures=[{"weekday": n, "time": dt.time(12)} for n in range(1, 8)],
        stock=[{"qty": 50}],
        promise_policies=[PREEMPT],
    )
    book = PromiseLedger.from_snapshot(snapshot)
    low = quoted(book, sales_order="LOW", line=1, priority=3, location="C1", due=day(2))
    assert days(low.date) == 1.5
    apply(book, low)
    top = quoted(book, **{**TOP, "due": day(2), "location": "C1"})
    assert (days(top.date), moved(top)) == (1.5, [("LOW-1", 1.5, 2.5)])


# ------------------------------------------------------------------------ many requests
@pytest.mark.req("ATP-09", "ATP-22")
def test_requests_of_a_file_keep_their_order_and_take_from_what_was_there():
    snapshot = shop(WEAK)
    weak, top = promise(
        snapshot,
        [cells(sales_order="NEW", line=1, priority=5, due=day(1)), cells(**TOP)],
    )
    assert moved(top) == [("D1", 1.0, 5.0)]
    assert days(weak.date) == 5


def test_a_line_that_gave_way_may_be_asked_for_in_the_same_file():
    top, low = promise(
        shop(WEAK),
        [cells(**TOP), cells(sales_order="LOW", line=1, priority=3, due=day(2))],
    )
    assert moved(top) == [("D1", 1.0, 5.0)]
    assert days(low.date) == 5


def test_a_refused_order_gives_back_what_others_gave():
    """Its second line cannot come, so nobody gives way for the first one."""
    lines = [
        cells(**TOP, order_policy="all_together"),
        cells(**{**TOP, "line": 2, "product": "X"}, order_policy="all_together"),
        cells(sales_order="LOW", line=1, priority=3, due=day(2)),
    ]
    snapshot = shop(WEAK, products=[{"product": "A"}, {"product": "X"}])
    first, second, low = promise(snapshot, lines)
    assert first.status is second.status is PromiseStatus.REJECTED
    assert first.preempted == ()
    assert days(low.date) == 0


def test_a_whole_order_pays_for_who_gave_way():
    more = {
        "products": [{"product": "A"}, {"product": "B"}],
        "supply_terms": [{"lead_time_days": 5}, {"product": "B", "lead_time_days": 3}],
    }
    lines = [
        cells(**TOP, order_policy="all_together"),
        cells(**{**TOP, "line": 2, "product": "B"}, order_policy="all_together"),
    ]
    first, _ = promise(shop(WEAK, **more), lines)
    assert days(first.date) == 3
    # Ten pieces two days late at 2 % of 1, weight 10, and the line that gave way.
    assert first.cost.lateness == pytest.approx(10 * 2 * 0.02 * 10 + 1.2)
