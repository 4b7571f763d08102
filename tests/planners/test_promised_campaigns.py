"""Promises on resources with families: changeovers, cleanings, rules of campaigns."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from medhavi.results.limiter import Limiter
from medhavi.results.promises.promise import PromiseStatus
from tests.api import MemoryStore, PromiseDesk, PromiseLedger, apply, changed, revert
from tests.examples import examples
from tests.planners.small_promises import (
    TRUSTING,
    asked,
    cells,
    day,
    days,
    in_hand,
    quoted,
    state,
    workshop,
)

if TYPE_CHECKING:
    from medhavi.snapshot import Snapshot

RULE = {"resource": "M", "family": "F*", "min_run_qty": 100, "max_run_qty": 500}


def press(**more: Any) -> Snapshot:
    """Make A of family F1 in an hour a piece on M, which stands at F0."""
    given: dict[str, Any] = {
        "stock": [{"product": "B", "qty": 999}],
        "steps": [{"run_minutes_per_unit": 60, "family": "F1"}],
        "resources": [{"changeover_matrix": "X"}],
        "resource_state": [{"resource": "M", "family": "F0"}],
        "changeovers": [
            {
                "matrix": "X",
                "from_family": "F0",
                "to_family": "F1",
                "setup_minutes": 120,
            }
        ],
    }
    return workshop(**{**given, **more})


def notes(snapshot: Snapshot, **stated: Any) -> list[dict[str, Any]]:
    """What the trace says of campaign rules."""
    made = asked(snapshot, due=day(99), **stated)
    return [dict(entry) for entry in made.trace if "below_least_run" in entry]


@pytest.mark.req("CMP-02")
def test_a_promise_pays_the_changeover_from_what_the_resource_stands_at():
    """Two hours from F0 to F1, then ten hours."""
    assert days(asked(press()).date) == 0.5


TWO = {
    "products": [{"product": "A"}, {"product": "B"}, {"product": "C"}],
    "routings": [{}, {"routing": "Q", "product": "C"}],
    "bom_lines": [{}, {"routing": "Q"}],
    "steps": [
        {"run_minutes_per_unit": 60, "family": "F1"},
        {"routing": "Q", "run_minutes_per_unit": 60, "family": "F0"},
    ],
    "step_resources": [{}, {"routing": "Q"}],
    "changeovers": [
        {"matrix": "X", "from_family": a, "to_family": b, "setup_minutes": 120}
        for a, b in (("F0", "F1"), ("F1", "F0"))
    ],
}
"""A of family F1, C of F0; each change takes two hours."""


@pytest.mark.req("CMP-02", "RES-06")
def test_what_was_promised_before_sets_the_resource_up():
    """A until 12 h; C pays the change back and ends after 12 + 2 + 10 hours."""
    snapshot = press(**TWO)
    book = PromiseLedger.from_snapshot(snapshot)
    first = quoted(book, sales_order="S1", line=1)
    assert days(first.date) == 0.5
    undo = apply(book, first)
    held = state(book)
    assert days(quoted(book, product="C").date) == 1.0
    read = snapshot.replace(
        reservations=[
            {**one.as_row("confirmed"), "demand": None} for one in first.holds
        ]
    )
    assert days(asked(read, product="C").date) == 1.0
    assert days(asked(read, product="A").date) == round(22 / 24, 6)
    revert(book, undo)
    assert days(quoted(book, product="C").date) == round(10 / 24, 6)
    apply(book, first)
    assert state(book) == held


@pytest.mark.req("CMP-04")
def test_a_promise_waits_for_a_cleaning_that_is_planned():
    """From 6 h to 12 h the press is cleaned: 2 h and 10 h of work end after 18 h."""
    cleaning = {"resource": "M", "valid_from": day(0.25), "valid_to": day(0.5)}
    assert days(asked(press(cleaning_windows=[cleaning])).date) == 0.75


@pytest.mark.req("CMP-03")
@pytest.mark.parametrize(("qty", "short"), [(99, True), (100, False), (500, False)])
def test_the_trace_says_what_a_plan_would_not_leave_as_it_is(qty, short):
    (told,) = notes(press(campaign_rules=[RULE]), qty=qty)
    assert (told["resource"], told["family"]) == ("M", "F*")
    assert told["order_qty"] == qty
    assert told["below_least_run"] == short


@pytest.mark.req("CMP-03", "ATP-19")
def test_more_than_the_longest_run_is_refused_and_two_orders_are_not():
    """Of 501, at most 500 in a row: 500 and 1, with the cleaning between them."""
    snapshot = press(campaign_rules=[{**RULE, "cleaning_minutes": 60}])
    made = asked(snapshot, qty=501, due=day(99))
    assert made.status is PromiseStatus.REJECTED
    assert made.limiter is not None
    assert (made.limiter.code, made.limiter.subject) == (Limiter.ORDER_RULE, "M|F*")
    (best,) = [one for one in made.remedies if one.code == "smaller_lot"]
    again = asked(changed(snapshot, best.rows), qty=501, due=day(99))
    assert again.date == best.date
    assert days(again.date) == round((2 + 500 + 1 + 1) / 24, 6)


@pytest.mark.req("CMP-03")
def test_a_run_that_takes_too_long_is_refused():
    rule = {**RULE, "max_run_minutes": 10 * 60}
    assert days(asked(press(campaign_rules=[rule]), qty=10).date) == 0.5
    made = asked(press(campaign_rules=[rule]), qty=11)
    assert made.limiter is not None
    assert made.limiter.code is Limiter.ORDER_RULE


@pytest.mark.req("CMP-03")
@pytest.mark.parametrize(
    ("short_runs", "day_of"), [("plan", 0.5), ("refuse", None), ("raise", 102 / 24)]
)
def test_the_policy_says_what_becomes_of_less_than_the_least_run(short_runs, day_of):
    """10 of at least 100: 2 h of change, then 10 or 100 h."""
    policy = {**TRUSTING, "short_runs": short_runs, "remedy_tries": 9}
    snapshot = press(campaign_rules=[RULE], promise_policies=[policy])
    made = asked(snapshot)
    assert days(made.date) == (None if day_of is None else round(day_of, 6))
    if day_of is None:
        codes = {one.code: one for one in made.remedies}
        assert days(codes["relax_policy"].date) == round(102 / 24, 6)


@pytest.mark.req("CMP-03")
def test_less_than_the_least_run_goes_where_it_joins_a_campaign_that_stands():
    """W makes 95 until 95 h; with 10 more of its family the run has 105."""
    policy = {**TRUSTING, "short_runs": "refuse"}
    snapshot = press(
        campaign_rules=[RULE],
        promise_policies=[policy],
        supply_orders=[in_hand(95)],
        demands=[{"demand": "D", "qty": 95, "due": day(4), "promised": day(4)}],
        resource_state=[{"resource": "M", "family": "F1"}],
    )
    assert days(asked(snapshot).date) == round(105 / 24, 6)


@pytest.mark.req("CMP-04")
def test_the_cleaning_after_a_campaign_keeps_its_time():
    """W of F1 ends after 10 h; C of F0 waits for 3 h of cleaning, and A does not."""
    given = {
        **TWO,
        "changeovers": [],
        "resource_state": [],
        "supply_orders": [in_hand(10)],
        "demands": [{"demand": "D", "qty": 10, "due": day(1), "promised": day(1)}],
        "campaign_rules": [{"resource": "M", "family": "F1", "cleaning_minutes": 180}],
    }
    snapshot = press(**given)
    assert days(asked(snapshot, product="C").date) == round((10 + 3 + 10) / 24, 6)
    assert days(asked(snapshot, product="A").date) == round((10 + 10) / 24, 6)
    change = {"matrix": "X", "from_family": "F1", "to_family": "F0"}
    cleans = {**change, "setup_minutes": 60, "cleaning": True}
    snapshot = press(**{**given, "changeovers": [cleans]})
    assert days(asked(snapshot, product="C").date) == round((10 + 1 + 10) / 24, 6)


@pytest.mark.req("CMP-04")
def test_new_work_leaves_time_to_clean_before_what_stands():
    """C is made from 12 h on: A of 10 h fits before it, but no 3 h of cleaning too."""
    order = in_hand(10, 12, product="C", source="Q")
    rule = {"resource": "M", "family": "F1", "cleaning_minutes": 180}
    given = {**TWO, "changeovers": [], "supply_orders": [order], "resource_state": []}
    assert days(asked(press(**given)).date) == round(10 / 24, 6)
    snapshot = press(**given, campaign_rules=[rule])
    assert days(asked(snapshot).date) == round((22 + 10) / 24, 6)
    assert days(asked(snapshot, qty=9).date) == round(9 / 24, 6)


@pytest.mark.req("CMP-03")
def test_new_work_stands_inside_no_campaign_of_others():
    """Between two orders of F1 at 0 h and 30 h A of F1 fits, and C would part them."""
    orders = [in_hand(10, hour, supply_order=f"W{hour}") for hour in (0, 30)]
    rule = {"resource": "M", "family": "F1", "min_run_qty": 15, "max_run_qty": 99}
    given = {**TWO, "changeovers": [], "supply_orders": orders, "resource_state": []}
    wanted = {"demand": "D", "qty": 20, "due": day(2), "promised": day(2)}
    snapshot = press(**given, campaign_rules=[rule], demands=[wanted])
    assert days(asked(snapshot, product="A").date) == round(20 / 24, 6)
    assert days(asked(snapshot, product="C").date) == round(50 / 24, 6)


@pytest.mark.req("CMP-05")
def test_a_long_run_loses_its_efficiency():
    """More than 10 lose 20 %: 12 h become 15 h."""
    rule = {"resource": "M", "family": "F1", "reduction_over": 10, "reduction_pct": 20}
    snapshot = press(campaign_rules=[rule], resource_state=[])
    assert days(asked(snapshot, qty=10).date) == round(10 / 24, 6)
    assert days(asked(snapshot, qty=12).date) == round(15 / 24, 6)


def test_other_families_and_stock_have_no_campaign():
    other = {**RULE, "family": "G"}
    assert notes(press(campaign_rules=[other])) == []
    assert notes(press(campaign_rules=[RULE], stock=[{"qty": 99}])) == []
    assert notes(press()) == []


HOURS = 60
"""Latest hour at which work that stands begins in random towns."""
STANDING = st.lists(
    st.tuples(st.sampled_from("AC"), st.integers(0, HOURS), st.integers(1, 9)),
    max_size=4,
)
RULES = st.fixed_dictionaries(
    {
        "min_run_qty": st.integers(0, 6),
        "max_run_qty": st.integers(9, 20),
        "cleaning_minutes": st.sampled_from([0, 60, 240]),
    }
)


def apart(standing: list[tuple[str, int, int]]) -> list[tuple[str, int, int]]:
    """Leave out work that begins before other work has ended."""
    found: list[tuple[str, int, int]] = []
    for product, hour, qty in sorted(standing, key=lambda one: one[1]):
        if not found or hour >= found[-1][1] + found[-1][2]:
            found.append((product, hour, qty))
    return found


@pytest.mark.req("CMP-03", "CMP-04")
@settings(max_examples=examples(6, 30))
@given(STANDING, RULES, st.integers(1, 9), st.sampled_from(["plan", "refuse"]))
def test_the_date_is_the_first_hour_that_keeps_all_rules(standing, rule, qty, short):
    """One machine, one hour a piece: every hour is tried."""
    works = apart(standing)
    orders = [
        in_hand(
            size,
            hour,
            supply_order=f"W{number}",
            product=product,
            source="R" if product == "A" else "Q",
        )
        for number, (product, hour, size) in enumerate(works)
    ]
    taken = [
        {
            "demand": f"D{number}",
            "product": product,
            "qty": size,
            "due": day(9),
            "promised": day(9),
        }
        for number, (product, _, size) in enumerate(works)
    ]
    snapshot = press(
        **{**TWO, "changeovers": [], "resource_state": []},
        supply_orders=orders,
        demands=taken,
        campaign_rules=[{"resource": "M", "family": "F1", **rule}],
        promise_policies=[{**TRUSTING, "short_runs": short}],
    )
    made = asked(snapshot, qty=qty, due=day(99))
    assert days(made.date) == first_hour(works, rule, qty, short)


@pytest.mark.req("CMP-03", "RES-06")
@pytest.mark.parametrize(
    ("stated", "third"), [({}, 20), ({"good_qty": None}, 24), ({"good_qty": 16}, 24)]
)
def test_a_hold_counts_with_what_it_makes(stated, third):
    """Ten stand in a run of 25 at the most: ten join them, but not where 16 are made.

    Where nobody knows how much a hold makes, it is a whole run: cleaned for 4 hours.
    """
    rule = {"family": "F1", "max_run_qty": 25, "cleaning_minutes": 240}
    snapshot = press(
        resource_state=[], campaign_rules=[{"resource": "M", "min_run_qty": 0, **rule}]
    )
    book = PromiseLedger.from_snapshot(snapshot)
    first = quoted(book, sales_order="S1", line=1)
    (held,) = [one for one in first.holds if one.kind == "capacity"]
    assert (held.made_product, held.good_qty) == ("A", 10)
    row = {**held.as_row("confirmed"), "demand": None, **stated}
    read = snapshot.replace(reservations=[row])
    assert days(asked(read).date) == round(third / 24, 6)


@pytest.mark.req("CMP-03")
def test_less_than_the_least_run_joins_what_was_promised():
    """Six are less than ten and refused alone; behind ten that are promised they go."""
    snapshot = press(
        resource_state=[],
        campaign_rules=[{"resource": "M", "family": "F1", "min_run_qty": 10}],
        promise_policies=[{**TRUSTING, "short_runs": "refuse"}],
    )
    book = PromiseLedger.from_snapshot(snapshot)
    assert quoted(book, qty=6).status is PromiseStatus.REJECTED
    undo = apply(book, quoted(book, sales_order="S1", line=1))
    assert days(quoted(book, qty=6).date) == round(16 / 24, 6)
    revert(book, undo)
    assert quoted(book, qty=6).status is PromiseStatus.REJECTED


@pytest.mark.req("CMP-03", "RES-06")
def test_another_desk_knows_what_a_hold_makes():
    """The first commits ten; the second reads them from the log, a third as tables."""
    rule = {"resource": "M", "family": "F1", "max_run_qty": 25, "cleaning_minutes": 240}
    snapshot = press(resource_state=[], campaign_rules=[{**rule, "min_run_qty": 0}])
    store = MemoryStore()
    first, second = PromiseDesk(store, snapshot), PromiseDesk(store, snapshot)
    first.commit(*first.quote([cells(sales_order="S1", line=1)]), approver="Ada")
    third = PromiseDesk(MemoryStore(), first.snapshot)
    for desk in (first, second, third):
        (joined,) = desk.quote([cells(sales_order="S2", line=1)])
        (more,) = desk.quote([cells(sales_order="S2", line=1, qty=16)])
        assert days(joined.date) == round(20 / 24, 6)
        assert days(more.date) == round((10 + 4 + 16) / 24, 6)


@pytest.mark.req("CMP-03")
def test_work_without_a_family_belongs_to_the_campaign_of_its_product():
    """Ten of A promised, then ten: a run of at most 15 is cleaned for in between."""
    rule = {"resource": "M", "family": "A", "max_run_qty": 15, "cleaning_minutes": 60}
    snapshot = press(
        steps=[{"run_minutes_per_unit": 60}],
        resource_state=[],
        campaign_rules=[{**rule, "min_run_qty": 0}],
    )
    book = PromiseLedger.from_snapshot(snapshot)
    apply(book, quoted(book, sales_order="S1", line=1))
    assert days(quoted(book, qty=5).date) == round(15 / 24, 6)
    assert days(quoted(book, qty=6).date) == round(17 / 24, 6)


@pytest.mark.req("CMP-03", "CMP-04", "RES-10")
@settings(max_examples=examples(4, 25))
@given(
    st.lists(st.tuples(st.sampled_from("AC"), st.integers(1, 9)), max_size=5),
    RULES,
)
def test_promises_after_each_other_keep_the_rules_together(wanted, rule):
    """Each is there in the first hour that keeps all rules, holds of tables too."""
    snapshot = press(
        **{**TWO, "changeovers": [], "resource_state": []},
        campaign_rules=[{"resource": "M", "family": "F1", **rule}],
    )
    book = PromiseLedger.from_snapshot(snapshot)
    works: list[tuple[str, int, int]] = []
    rows: list[dict[str, object]] = []
    for number, (product, qty) in enumerate(wanted):
        made = quoted(book, product=product, qty=qty, sales_order=f"S{number}", line=1)
        if product == "A":
            assert days(made.date) == first_hour(works, rule, qty, "plan")
        apply(book, made)
        rows += [{**one.as_row("confirmed"), "demand": None} for one in made.holds]
        (held,) = [one for one in made.holds if one.kind == "capacity"]
        works.append((product, (held.start - book.now) // 3600, qty))
    more = quoted(book, qty=5).date
    assert days(more) == first_hour(works, rule, 5, "plan")
    assert asked(snapshot.replace(reservations=rows), qty=5).date == more


def first_hour(
    works: list[tuple[str, int, int]], rule: dict[str, int], qty: int, short: str
) -> float | None:
    """Day on which A is there by plain trying."""
    gap = rule["cleaning_minutes"] / 60
    before = broken(works, rule, gap)
    for hour in range(HOURS + 99):
        row = [*works, ("new", hour, qty)]
        clear = all(hour + qty <= at or at + size <= hour for _, at, size in works)
        new, others = broken(row, rule, gap)
        if short == "plan":
            new.discard("short")
        if clear and not new and others <= before[1]:
            return round((hour + qty) / 24, 6)
    return None


def broken(
    row: list[tuple[str, int, int]], rule: dict[str, int], gap: float
) -> tuple[set[str], int]:
    """What new work breaks, and how many rules are broken beside it."""
    runs: list[list[tuple[str, int, int]]] = []
    for one in sorted(row, key=lambda one: one[1]):
        ours = one[0] != "C"
        last = runs[-1] if runs else None
        same = last is not None and (last[0][0] != "C") == ours
        room = sum(size for _, _, size in last or ()) + one[2]
        if last is not None and same and (not ours or room <= rule["max_run_qty"]):
            last.append(one)
        else:
            runs.append([one])
    new: set[str] = set()
    others = 0
    for number, run in enumerate(runs):
        if run[0][0] == "C":
            continue
        mine = any(one[0] == "new" for one in run)
        if sum(size for _, _, size in run) < rule["min_run_qty"]:
            new |= {"short"} if mine else set()
            others += not mine
        behind = runs[number + 1] if number + 1 < len(runs) else None
        if behind is not None and behind[0][1] - run[-1][1] - run[-1][2] < gap:
            mine = mine or any(one[0] == "new" for one in behind)
            new |= {"clean"} if mine else set()
            others += not mine
    return new, others
