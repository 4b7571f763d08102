"""Rows that remedies change, by hand."""

from __future__ import annotations

import pytest

from medhavi.edits.remedy_changes import (
    earlier_order,
    faster_supplier,
    faster_terms,
    one_unit_more,
    rows_of_faster,
)
from medhavi.units import to_seconds
from tests import factories
from tests.api import Providers
from tests.planners.small_plans import day, days

TERMS = {"supplier": "S", "lead_time_days": 10.0, "lead_time_p95_days": 14.0}
BOUGHT = {"supply_order": "O1", "kind": "purchase", "status": "released"}
MACHINE = {"resource": "M", "units": 2.0}


def at(number):
    return to_seconds(day(number))


@pytest.mark.parametrize(
    ("wanted", "least", "lead", "high"),
    [(3.0, 0.0, 7.0, 11.0), (8.0, 5.0, 5.0, 9.0), (20.0, 0.0, 0.0, 4.0)],
)
def test_a_faster_supplier_keeps_its_spread_and_a_least_time(wanted, least, lead, high):
    row = faster_terms(TERMS, wanted, least)
    assert (row["lead_time_days"], row["lead_time_p95_days"]) == (lead, high)
    assert row["supplier"] == "S"
    unknown = faster_terms({**TERMS, "lead_time_p95_days": None}, wanted, least)
    assert unknown["lead_time_p95_days"] is None


@pytest.mark.parametrize(
    ("quantity", "product", "table", "cells", "days"),
    [
        # Ten stated days count for nothing: 8 learned (p80) less 3 are 5.
        ("lead_days", "A", "estimates", {"p50": 1.0, "p80": 5.0, "p95": 9.0}, 5.0),
        ("lead_days", "*", "estimates", {"product": "A", "p80": 5.0}, 5.0),
        # Ten stated days take 20 by a factor of 2: 17 are 8.5 stated ones.
        ("duration_factor", "A", "supply_terms", {"lead_time_days": 8.5}, 17.0),
    ],
)
def test_what_was_learned_of_a_supplier_is_what_gets_shorter(
    quantity, product, table, cells, days
):
    times = (4, 8, 12) if quantity == "lead_days" else (2, 2, 3)
    quantiles = dict(zip(("p50", "p80", "p95"), times, strict=True))
    learned = {"product": product, "quantity": quantity, **quantiles}
    snapshot = factories.snapshot(
        supply_terms=[{"lead_time_days": 10}], estimates=[learned]
    )
    terms = snapshot["supply_terms"].row(0, named=True)
    lead_times = Providers(snapshot, quantile="p80").lead_times
    found = faster_supplier(terms, "A", lead_times, 3.0, 0.5)
    assert (found.table, found.days, found.saved) == (table, days, 3.0)
    assert {name: found.row[name] for name in cells} == cells
    least = faster_supplier(terms, "A", lead_times, 30.0, 0.5)
    assert least.days == (days + 3) / 2
    assert rows_of_faster([found, found]) == {table: (found.row,)}


def test_an_earlier_order_is_not_before_now_and_starts_by_its_due_date():
    row = {**BOUGHT, "due": day(10), "start": day(8)}

    def moved(by, now, **cells):
        found = earlier_order({**row, **cells}, by, now)
        assert found is not None
        (changed,) = found.rows["supply_orders"]
        return changed

    sooner = moved(4 * 86400, at(0))
    assert (days(sooner["due"]), days(sooner["start"])) == (6, 6)
    assert days(moved(40 * 86400, at(1))["due"]) == 1
    assert moved(1, at(0), start=None)["start"] is None


@pytest.mark.parametrize("kind", ["work", "transfer"])
def test_work_and_transfers_end_as_much_earlier_as_they_start(kind):
    row = {**BOUGHT, "kind": kind, "due": day(10), "start": day(8)}
    sooner = earlier_order(row, 40 * 86400, at(3))
    assert sooner is not None
    (changed,) = sooner.rows["supply_orders"]
    assert (days(changed["start"]), days(changed["due"])) == (3, 5)


@pytest.mark.parametrize(
    "cells",
    [
        {"kind": "transfer", "status": "in_process"},
        {"kind": "work", "status": "in_process", "start": None},
        {"kind": "transfer", "start": day(2)},
        {"kind": "purchase", "due": day(3)},
    ],
    ids=["left", "begun", "leaves now", "due now"],
)
def test_what_is_under_way_is_not_brought_forward(cells):
    row = {**BOUGHT, "due": day(10), "start": day(8), **cells}
    assert earlier_order(row, 86400, at(3)) is None


def test_one_unit_more_without_a_stated_row_is_one_row():
    (row,) = one_unit_more(MACHINE, [], at(1), at(3))
    window = (days(row["valid_from"]), days(row["valid_to"]))
    assert (*window, row["units"]) == (1, 3, 3.0)


def test_one_unit_more_cuts_stated_rows_and_fills_what_they_leave():
    """Stated 5 units on days 2 to 8: the window 1 to 4 gets 3, then 6; 5 from day 4."""
    stated = {
        "resource": "M",
        "valid_from": day(2),
        "valid_to": day(8),
        "units": 5.0,
        "efficiency": 0.5,
    }
    rows = one_unit_more(MACHINE, [stated], at(1), at(4))
    assert [
        (
            days(row["valid_from"]),
            days(row["valid_to"]),
            row["units"],
            row["efficiency"],
        )
        for row in rows
    ] == [(1, 2, 3.0, None), (2, 4, 6.0, 0.5), (4, 8, 5.0, 0.5)]
    begun = one_unit_more(MACHINE, [stated], at(3), at(9))
    assert [(days(row["valid_from"]), row["units"]) for row in begun] == [
        (2, 5.0),
        (3, 6.0),
        (8, 3.0),
    ]
    ever = one_unit_more(MACHINE, [{**stated, "valid_from": None}], at(3), at(9))
    assert [
        (row["valid_from"] and days(row["valid_from"]), row["units"]) for row in ever
    ] == [
        (None, 5.0),
        (3, 6.0),
        (8, 3.0),
    ]
    beside = one_unit_more(MACHINE, [stated], at(9), at(10))
    assert [row["units"] for row in beside] == [3.0]
