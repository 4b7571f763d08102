"""Planned orders count for promises where the policy says so, and only then."""

from __future__ import annotations

from typing import Any

import pytest

from tests.api import PromiseLedger, apply, changed, standing_promises
from tests.planners.small_promises import (
    TRUSTING,
    asked,
    dates,
    day,
    days,
    in_hand,
    quoted,
    state,
    tables,
    workshop,
)

COUNTING = {**TRUSTING, "planned_orders": True}
ORDER = {"supply_order": "P", "qty": 10, "due": day(3), "status": "planned"}
PEG = {"demand": "D", "supply": "P", "product": "A", "location": "L", "qty": 6}
WANTED = {"demand": "D", "product": "A", "qty": 6, "due": day(4)}
pytestmark = [pytest.mark.req("MAT-01"), pytest.mark.req("MAT-04")]


def shop(*, counts: bool = True, **more: Any) -> Any:
    """A is on order by a plan for day 3, and takes nine days to buy."""
    given: dict[str, Any] = {
        "products": [{"product": "A"}],
        "supply_orders": [ORDER],
        "supply_terms": [{"lead_time_days": 9}],
        "promise_policies": [COUNTING if counts else TRUSTING],
    }
    return tables(**{**given, **more})


def test_by_default_a_planned_order_is_no_supply():
    assert days(asked(shop(counts=False)).date) == 9


def test_where_the_policy_says_so_it_is_and_the_trace_names_it():
    made = asked(shop())
    assert days(made.date) == 3
    told = [one for one in made.trace if one.get("note") == "counted though planned"]
    assert [one["supply_order"] for one in told] == ["P"]


@pytest.mark.req("ATP-19")
def test_to_count_on_it_is_a_remedy():
    snapshot = shop(counts=False)
    made = asked(snapshot, due=day(4))
    (best,) = [one for one in made.remedies if "planned" in one.text]
    assert best.code == "relax_policy"
    again = asked(changed(snapshot, best.rows), due=day(4), policy="default")
    assert days(best.date) == 3
    policy = best.rows["request"][0]["policy"]
    again = asked(changed(snapshot, best.rows), due=day(4), policy=policy)
    assert (again.date, again.cost.total) == (best.date, best.cost)


@pytest.mark.parametrize("firm", [True, False])
def test_what_is_pegged_to_others_is_not_counted(firm):
    pegged = shop(pegs=[{**PEG, "firm": firm}], demands=[WANTED])
    assert dates(asked(pegged, qty=4, due=day(4))) == [(4, 3)]
    assert dates(asked(pegged, qty=5, due=day(4))) == [(4, 3), (1, 9)]


def test_what_is_pegged_is_its_own():
    own = {**WANTED, "sales_order": "S", "line": 1}
    pegged = shop(pegs=[PEG], demands=[own])
    assert days(asked(pegged, qty=10, sales_order="S", line=1).date) == 3


def test_an_order_for_another_demand_or_overdue_does_not_count():
    for cells in ({"demand": "D"}, {"due": day(-1)}):
        snapshot = shop(supply_orders=[{**ORDER, **cells}], demands=[WANTED])
        assert days(asked(snapshot).date) == 9


def test_its_components_and_its_work_are_taken():
    """W makes 10 A of 10 B until 10 h; another 10 wait for B and for the machine."""
    snapshot = workshop(
        stock=[{"product": "B", "qty": 10}],
        supply_orders=[in_hand(10, status="planned")],
        promise_policies=[COUNTING],
    )
    assert days(asked(snapshot, qty=10).date) == round(10 / 24, 6)
    assert days(asked(snapshot, qty=20).date) == round(5 + 10 / 24, 6)


def test_it_is_sold_once_and_nobody_else_sees_it():
    snapshot = shop(
        promise_policies=[TRUSTING, {**COUNTING, "policy": "counting"}],
    )
    book = PromiseLedger.from_snapshot(snapshot)
    before = state(book)
    first = quoted(book, sales_order="S1", line=1, policy="counting")
    assert days(first.date) == 3
    assert state(book) == before
    assert days(quoted(book).date) == 9
    apply(book, first)
    assert days(quoted(book, policy="counting").date) == 9
    assert days(quoted(book).date) == 9
    again = quoted(book, sales_order="S1", line=1, policy="counting")
    assert days(again.date) == 3


def test_where_suppliers_have_a_capacity_the_tables_are_read_again():
    snapshot = shop(
        supply_terms=[{"lead_time_days": 9, "capacity_per_period": 99}],
        pegs=[PEG],
        demands=[WANTED],
    )
    assert dates(asked(snapshot, qty=4, due=day(4))) == [(4, 3)]
    assert dates(asked(snapshot, qty=5, due=day(4))) == [(4, 3), (1, 9)]


@pytest.mark.req("ATP-19")
def test_remedies_move_no_planned_order_and_hold_where_one_counts():
    """P comes on day 6 and is late; what is said to help does on the tables too."""
    late = {**ORDER, "due": day(6)}
    snapshot = shop(supply_orders=[late], pegs=[PEG], demands=[WANTED])
    made = asked(snapshot, qty=4, due=day(4))
    assert days(made.date) == 6
    assert made.remedies
    for remedy in made.remedies:
        rows = remedy.rows.get("supply_orders", ())
        assert "P" not in {row["supply_order"] for row in rows}
        cells = {"qty": 4, "due": day(4)}
        for row in remedy.rows.get("request", ()):
            cells.update(row)
        again = asked(changed(snapshot, remedy.rows), **cells)
        assert (again.date, again.cost.total) == (remedy.date, remedy.cost)


@pytest.mark.req("ATP-20")
@pytest.mark.parametrize("counts", [True, False])
def test_the_watch_sees_a_promise_as_its_policy_does(counts):
    """The plan drops the order: who counted on it is late then, and not before."""
    line = {
        "demand": "D",
        "sales_order": "S",
        "line": 1,
        "qty": 10,
        "due": day(4),
        "promised": day(4),
    }
    hold = {"demand": "D", "qty": 10, "start": day(4), "finish": day(4)}
    snapshot = shop(counts=counts, demands=[line], reservations=[hold])
    watch = standing_promises(snapshot)
    assert [str(one.standing) for one in watch.at_risk] == ([] if counts else ["late"])
    assert watch.kept == counts
    dropped = standing_promises(snapshot.replace(supply_orders=[]))
    assert [str(one.standing) for one in dropped.at_risk] == ["late"]
