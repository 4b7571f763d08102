"""Positions that do not follow from the orders and deliveries of a plan are found."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from tests.results.hand_plan import at, codes, extended, told

if TYPE_CHECKING:
    from tests.results.hand_plan import Row

BEFORE, LAST = at("2026-01-26 00:00"), at("2026-02-02 00:00")


def row(place: str, bucket: object, inbound: float, gross: float, left: float) -> Row:
    product, location = place.split("|")
    return {
        "product": product,
        "location": location,
        "bucket": bucket,
        "gross": gross,
        "net": 0.0,
        "inbound": inbound,
        "on_hand": left,
        "reserved": 0.0,
        "safety": 0.0,
        "short": 0.0,
    }


FIRST = at("2026-01-05 00:00")
POSITIONS = [
    row("FG|DC", FIRST, 0.0, 0.0, 20.0),
    row("FG|DC", LAST, 80.0, 100.0, 0.0),
    row("FG|PLANT", LAST, 80.0, 80.0, 0.0),
    row("X|PLANT", FIRST, 0.0, 0.0, 60.0),
    row("X|PLANT", BEFORE, 140.0, 200.0, 0.0),
    row("Y|PLANT", LAST, 40.0, 40.0, 0.0),
]
"""By week: filling takes X on Sunday evening, the rest is in the week of delivery."""


def spoiled(number: int, **cells: object) -> dict[str, list[Row]]:
    rows = [dict(one) for one in POSITIONS]
    rows[number].update(cells)
    return {"positions": rows}


@pytest.mark.req("MRP-17")
def test_the_positions_counted_by_hand_hold() -> None:
    for mode in ("mrp", "constrained"):
        assert codes({"positions": POSITIONS}, mode=mode) == set()


@pytest.mark.req("MRP-17")
@pytest.mark.parametrize(
    ("code", "number", "cells"),
    [
        ("VER085", 1, {"inbound": 81.0}),
        ("VER085", 2, {"gross": 79.0}),
        ("VER085", 4, {"bucket": LAST}),
        ("VER086", 0, {"on_hand": 21.0}),
        ("VER086", 3, {"on_hand": 59.0}),
        ("VER086", 5, {"on_hand": 0.5}),
    ],
)
def test_a_wrong_cell_is_found(code: str, number: int, cells: Row) -> None:
    assert code in codes(spoiled(number, **cells))


@pytest.mark.req("MRP-17")
@pytest.mark.parametrize("number", [1, 2, 4, 5])
def test_a_missing_row_is_found(number: int) -> None:
    rest = [one for place, one in enumerate(POSITIONS) if place != number]
    assert "VER085" in codes({"positions": rest})


@pytest.mark.req("MRP-17")
def test_a_row_where_nothing_comes_or_goes_is_found() -> None:
    rows = [*POSITIONS, row("Y|DC", LAST, 5.0, 0.0, 5.0)]
    assert codes({"positions": rows}) == {"VER085", "VER086"}


@pytest.mark.req("MRP-17")
def test_what_expires_may_be_missing_but_none_may_appear() -> None:
    dies = extended("products", shelf_life_days=60.0)
    assert codes({"positions": POSITIONS}, dies) == set()
    assert codes(spoiled(0, on_hand=15.0), dies) == set()
    assert codes(spoiled(0, on_hand=25.0), dies) == {"VER086"}


@pytest.mark.req("MRP-17")
def test_the_finding_names_place_bucket_and_both_amounts() -> None:
    texts = told(spoiled(1, inbound=81.0))
    assert any(
        "FG|DC, bucket of 2026-02-02T00:00:00Z: inbound is 81" in text
        and "come to 80" in text
        for text in texts
    )


@pytest.mark.req("MRP-17")
def test_amounts_before_now_count_as_one_bucket_with_the_first() -> None:
    past = at("2025-12-29 00:00")
    rows = [*POSITIONS, row("X|PLANT", past, 0.0, 0.0, 60.0)]
    assert codes({"positions": rows}) == set()
    rows[-1]["gross"] = 7.0
    assert "VER085" in codes({"positions": rows})
