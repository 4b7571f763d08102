"""First expired, first out is the yardstick of what may be used; holds are kept."""

from __future__ import annotations

from itertools import permutations
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from medhavi.results.verify.balance import first_expired_use
from tests.api import verify
from tests.results.hand_plan import (
    RESULTS,
    TABLES,
    at,
    extended,
    hand_plan,
    hand_snapshot,
)

Tables = dict[str, list[dict[str, Any]]]


def test_a_living_lot_serves() -> None:
    assert first_expired_use([(0, 5.0, 10)], [(10, 5.0, 0)]) is None


def test_a_dead_lot_does_not() -> None:
    assert first_expired_use([(0, 5.0, 10)], [(11, 5.0, 0)]) == (11, 5.0)


def test_a_lot_too_old_for_one_need_serves_the_next() -> None:
    assert (
        first_expired_use([(0, 5.0, 10), (0, 5.0, 99)], [(8, 5.0, 9), (9, 5.0, 0)])
        is None
    )


def test_a_need_that_asks_for_more_life_than_there_is_fails() -> None:
    assert first_expired_use([(0, 5.0, 10)], [(8, 5.0, 9)]) == (8, 5.0)


def test_what_is_simply_missing_is_no_matter_of_life() -> None:
    assert first_expired_use([(0, 5.0, 10)], [(8, 9.0, 0)]) is None


def test_a_lot_is_used_in_parts() -> None:
    assert first_expired_use([(0, 5.0, 10)], [(1, 2.0, 0), (2, 3.0, 0)]) is None


LOTS = st.lists(
    st.tuples(st.integers(0, 5), st.just(1.0), st.integers(0, 12)), max_size=4
)
NEEDS = st.lists(
    st.tuples(st.integers(0, 10), st.just(1.0), st.integers(0, 3)), max_size=4
)


@given(LOTS, NEEDS)
def test_it_never_suspects_what_some_choice_of_lots_allows(
    lots: list[tuple[int, float, int]], needs: list[tuple[int, float, int]]
) -> None:
    """Every way to give one lot to each need is tried; if one works, no fault."""
    possible = any(
        all(
            lot[0] <= need[0] and lot[2] >= need[0] + need[2]
            for lot, need in zip(choice, needs, strict=False)
        )
        for choice in permutations(lots, len(needs))
    )
    if possible:
        assert first_expired_use(lots, needs) is None


HOLD = {
    "reservation": "H1",
    "key": "k",
    "kind": "material",
    "demand": "D1",
    "subject": "X",
    "location": "PLANT",
    "qty": 60.0,
    "start": at("2026-01-01 00:00"),
    "finish": at("2026-03-01 00:00"),
}


def suspected(snapshot: Tables) -> bool:
    texts = [finding.code for finding in verify(hand_plan(), hand_snapshot(**snapshot))]
    assert set(texts) <= {"VER073"}
    return bool(texts)


@pytest.mark.req("DEF-02")
def test_an_order_that_works_for_the_owner_takes_the_hold() -> None:
    assert not suspected({"reservations": [HOLD]})


@pytest.mark.parametrize(
    ("cells", "broken"),
    [
        ({"demand": None}, True),
        ({"state": "released"}, False),
        ({"expires_at": at("2026-01-04 00:00")}, False),
        ({"expires_at": at("2026-01-06 00:00")}, True),
        ({"kind": "capacity", "subject": "FILLER"}, False),
    ],
    ids=["of nobody here", "released", "expired", "not yet expired", "of capacity"],
)
def test_only_an_active_hold_of_material_binds(
    cells: dict[str, Any], *, broken: bool
) -> None:
    row = {**HOLD, "demand": None, **cells}
    assert suspected({"reservations": [row]}) is broken


def test_a_hold_that_nothing_covers_binds_nobody() -> None:
    stock = [TABLES["stock"][0]]
    more = [
        {**row, "qty": 200.0, "order_qty": 200.0} if row["id"] == "buyX" else row
        for row in RESULTS["supplies"]
    ]
    pegs = [
        {**row, "qty": 200.0} if row["id"] == "p5" else row
        for row in RESULTS["pegging"]
        if row["id"] != "p4"
    ]
    snapshot = hand_snapshot(stock=stock, reservations=[{**HOLD, "demand": None}])
    assert verify(hand_plan(supplies=more, pegging=pegs), snapshot) == []


def test_a_fresh_delivery_satisfies_a_demand_for_life() -> None:
    snapshot = {
        **extended("demands", min_shelf_days=10.0),
        "stock": [
            {**TABLES["stock"][0], "expires_at": at("2026-03-05 00:00")},
            TABLES["stock"][1],
        ],
    }
    assert verify(hand_plan(), hand_snapshot(**snapshot)) == []
