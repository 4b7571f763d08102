"""Promises on resources with families: changeovers count, campaigns do not."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from medhavi.planners.promising.book import Book, apply, revert
from tests.planners.small_promises import (
    asked,
    day,
    days,
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
    """Give what the trace says of campaign rules."""
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
    book = Book.from_snapshot(snapshot)
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
@pytest.mark.parametrize(
    ("qty", "short", "long"),
    [(99, True, False), (100, False, False), (501, False, True)],
)
def test_the_trace_says_what_a_plan_would_not_leave_as_it_is(qty, short, long):
    (told,) = notes(press(campaign_rules=[RULE]), qty=qty)
    assert (told["resource"], told["family"]) == ("M", "F*")
    assert told["order_qty"] == qty
    assert (told["below_least_run"], told["above_longest_run"]) == (short, long)


def test_other_families_and_stock_have_no_campaign():
    other = {**RULE, "family": "G"}
    assert notes(press(campaign_rules=[other])) == []
    assert notes(press(campaign_rules=[RULE], stock=[{"qty": 99}])) == []
    assert notes(press()) == []
