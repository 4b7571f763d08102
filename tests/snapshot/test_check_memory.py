"""A snapshot that differs in few tables is told what one made from nothing is told."""

from __future__ import annotations

from typing import Any

import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from medhavi.snapshot import Snapshot
from medhavi.snapshot.checks.check_memory import CheckMemory
from tests import factories
from tests.examples import examples
from tests.strategies import network_tables

FEW = settings(max_examples=examples(5, 10))


def checked(snapshot: Snapshot) -> Snapshot:
    assert snapshot.findings is not None
    return snapshot


def test_another_quantity_shares_the_network_and_another_place_does_not():
    before = checked(factories.snapshot(demands=[{"product": "A", "qty": 1}]))
    more = before.replace(demands=before["demands"].with_columns(qty=pl.lit(7.0)))
    assert more.network is before.network
    row = {**before["demands"].row(0, named=True), "location": "ELSEWHERE"}
    moved = before.replace(demands=pl.DataFrame([row], schema=before["demands"].schema))
    assert moved.network is not before.network
    assert any("ELSEWHERE" in str(found) for found in moved.findings)


def test_counted_stock_shares_the_network_and_used_up_stock_does_not():
    stock = [{"product": "A", "location": "L", "qty": 5}]
    before = checked(factories.snapshot(stock=stock))
    fewer = before.replace(stock=before["stock"].with_columns(qty=pl.lit(2.0)))
    assert fewer.network is before.network
    none = before.replace(stock=before["stock"].with_columns(qty=pl.lit(0.0)))
    assert none.network is not before.network


def test_a_demand_less_at_a_place_shares_the_network():
    rows = [{"demand": name, "product": "A"} for name in ("D1", "D2")]
    before = checked(factories.snapshot(demands=rows))
    fewer = before.replace(demands=before["demands"].head(1))
    assert fewer.network is before.network


def test_another_date_of_an_order_shares_the_network_and_another_place_does_not():
    order = {"supply_order": "O", "product": "A", "qty": 5, "due": "2026-01-09"}
    before = checked(factories.snapshot(supply_orders=[order]))
    orders = before["supply_orders"]
    later = orders.with_columns(pl.col("due").dt.offset_by("4d"), qty=pl.lit(9.0))
    assert before.replace(supply_orders=later).network is before.network
    closed = orders.with_columns(status=pl.lit("closed"))
    assert before.replace(supply_orders=closed).network is not before.network


def test_calendars_are_not_walked_again_for_other_demands():
    rows = [{"demand": name, "product": "A"} for name in ("D1", "D2")]
    shift = {"calendar": "C", "weekday": 1, "start": "08:00", "finish": "16:00"}
    before = checked(
        factories.snapshot(demands=rows, calendars=[{"calendar": "C"}], shifts=[shift])
    )
    known = before._memory.told["never open"]
    fewer = checked(before.replace(demands=before["demands"].head(1)))
    assert fewer._memory.told["never open"] is known


def test_what_was_wrong_before_is_told_again_and_what_is_mended_is_not():
    rows = [{"product": "A", "qty": 1}]
    before = checked(factories.snapshot(demands=rows, stock=[{"product": "NO"}]))
    wrong = [str(found) for found in before.findings]
    same = before.replace(demands=before["demands"].with_columns(qty=pl.lit(2.0)))
    assert [str(found) for found in same.findings] == wrong
    mended = before.replace(stock=before["stock"].clear())
    assert not any(found.severity == "error" for found in mended.findings)


def test_a_check_is_asked_again_only_where_what_it_read_differs():
    asked: list[str] = []
    memory = CheckMemory()
    snapshot = factories.snapshot(demands=[{"product": "A"}])

    def check(tables: Any) -> int:
        asked.append("asked")
        return int(tables["stock"].height)

    def answer(of: Snapshot) -> int:
        return memory.answer("held", check, of, of._parts, {})

    other = snapshot.replace(demands=snapshot["demands"].head(0))
    assert [answer(snapshot), answer(snapshot), answer(other)] == [0, 0, 0]
    assert len(asked) == 1
    stocked = snapshot.replace(stock=[{"product": "A", "location": "L"}])
    assert answer(stocked) == 1
    assert len(asked) == 2


@FEW
@given(network_tables(), st.data())
@pytest.mark.req("DAT-18")
def test_changed_tables_are_told_what_the_same_tables_anew_are_told(
    tables: Any, data: st.DataObject
) -> None:
    snapshot = checked(Snapshot.from_frames(tables))
    names = sorted(name for name, frame in snapshot.tables.items() if frame.height)
    for _ in range(data.draw(st.integers(1, 3))):
        name = data.draw(st.sampled_from(names))
        frame = snapshot[name]
        kept = data.draw(
            st.lists(st.booleans(), min_size=frame.height, max_size=frame.height)
        )
        changed = frame.filter(pl.Series(kept, dtype=pl.Boolean))
        if "qty" in frame.columns and data.draw(st.booleans()):
            changed = frame.with_columns(
                qty=pl.lit(data.draw(st.sampled_from((0.5, -3.0, 1e19))))
            )
        snapshot = snapshot.replace(**{name: changed})
        fresh = Snapshot.from_frames(dict(snapshot.tables))
        assert sorted(str(f) for f in snapshot.findings) == sorted(
            str(f) for f in fresh.findings
        )
