"""Differences of plans by id."""

from __future__ import annotations

from typing import TYPE_CHECKING

import polars as pl
import pytest

from medhavi.results.difference import CHANGES
from medhavi.results.reports.scenario_comparison import orders_that_differ
from tests.api import compare
from tests.results.hand_plan import RESULTS, at, changed, hand_plan, without

if TYPE_CHECKING:
    from medhavi.results.plans.plan import Plan


@pytest.mark.req("MRP-14")
def test_a_plan_does_not_differ_from_itself() -> None:
    delta = compare(hand_plan(), hand_plan())
    assert delta.is_empty
    assert str(delta) == "The plans are equal."
    assert delta.stability == 1.0
    assert all(frame.is_empty() for frame in delta.to_frames().values())


def test_a_changed_cell_shows_old_and_new() -> None:
    later = changed("supplies", "buyX", qty=150.0, start=at("2026-01-26 00:00"))
    delta = compare(hand_plan(), hand_plan(**later)).tables["supplies"]
    assert delta.changed.to_dicts() == [
        {"id": "buyX", "column": "qty", "old": "140.0", "new": "150.0"},
        {
            "id": "buyX",
            "column": "start",
            "old": "2026-01-27T23:00:00Z",
            "new": "2026-01-26T00:00:00Z",
        },
    ]
    assert (delta.changed_rows, delta.unchanged) == (1, 3)
    assert delta.changed.schema == CHANGES


def test_another_id_of_other_content_is_removed_and_added() -> None:
    other = changed("supplies", "buyX", id="other", qty=150.0)
    delta = compare(hand_plan(), hand_plan(**other))
    supplies = delta.tables["supplies"]
    assert supplies.removed["id"].to_list() == ["buyX"]
    assert supplies.added["id"].to_list() == ["other"]
    assert supplies.changed.is_empty()


def orders_of(*qtys: float) -> Plan:
    """Plan with orders of one cause, whose ids count them."""
    (order,) = (row for row in RESULTS["supplies"] if row["id"] == "buyX")
    rows = [
        {**order, "id": f"buy{at}", "qty": qty, "status": "planned"}
        for at, qty in enumerate(qtys)
    ]
    return hand_plan(supplies=rows)


def test_a_new_order_does_not_change_the_siblings_whose_ids_it_shifts() -> None:
    before, after = orders_of(10.0, 20.0, 20.0), orders_of(10.0, 15.0, 20.0, 20.0)
    delta = compare(before, after).tables["supplies"]
    assert (delta.unchanged, delta.changed_rows, delta.removed.height) == (3, 0, 0)
    assert delta.added["qty"].to_list() == [15.0]
    (row,) = orders_that_differ(before, after).to_dicts()
    assert (row["change"], row["old_qty"], row["new_qty"]) == ("new", None, 15.0)
    (gone,) = orders_that_differ(after, before).to_dicts()
    assert (gone["change"], gone["old_qty"], gone["new_qty"]) == ("gone", 15.0, None)


def test_an_order_that_only_grows_is_known_by_its_id() -> None:
    found = orders_that_differ(orders_of(10.0, 20.0), orders_of(10.0, 25.0))
    assert found.select("change", "old_qty", "new_qty").rows() == [
        ("resized", 20.0, 25.0)
    ]


def test_null_and_value_differ_and_null_equals_null() -> None:
    delta = compare(hand_plan(), hand_plan(**changed("supplies", "buyX", campaign="C")))
    row = delta.tables["supplies"].changed.row(0, named=True)
    assert (row["old"], row["new"]) == (None, "C")


def test_stability_counts_operations_that_stand() -> None:
    delta = compare(hand_plan(), hand_plan(**without("operations", "op2")))
    assert delta.stability == 0.5
    assert compare(hand_plan(operations=[]), hand_plan()).stability is None


def test_content_hashes_alone_are_no_change() -> None:
    plan = hand_plan()
    other = plan.replace(supplies=plan.supplies.with_columns(content_hash=pl.lit("x")))
    assert compare(plan, other).is_empty


def test_the_text_counts_and_names_demands() -> None:
    late = changed("fulfilment", "D1", status="late", lateness_h=24.0)
    delta = compare(hand_plan(), hand_plan(**late, **without("pegging", "p6")))
    text = str(delta)
    assert "pegging: 0 added, 1 removed, 0 changed, 5 unchanged" in text
    assert "fulfilment: 0 added, 0 removed, 1 changed, 0 unchanged" in text
    assert "demand D1: on_time → late" in text
    assert "stability of operations: 100 %" in text


def test_many_demands_are_counted_by_what_became_of_them() -> None:
    (row,) = RESULTS["fulfilment"]
    many = [{**row, "demand": f"D{number}"} for number in range(5)]
    late = [{**one, "status": "late"} for one in many[:4]]
    text = str(compare(hand_plan(fulfilment=many), hand_plan(fulfilment=late)))
    assert "4 demands on_time → late" in text
    assert text.count("demand D") == 3


def test_both_directions_mirror_each_other() -> None:
    small = hand_plan(supplies=RESULTS["supplies"][:2])
    there, back = compare(hand_plan(), small), compare(small, hand_plan())
    assert there.tables["supplies"].removed.equals(back.tables["supplies"].added)
