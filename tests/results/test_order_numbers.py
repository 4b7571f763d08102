"""Numbers of planned orders: by the order of ids, for good, never twice (rule 44)."""

from __future__ import annotations

import polars as pl
import pytest

from medhavi.results.identity import (
    REGISTER,
    new_numbers,
    order_id,
    register_of,
    with_numbers,
)

NOBODY = pl.DataFrame(schema=dict(REGISTER))


def supplies(*rows):
    """Rows (id, kind, location, status); a fifth entry makes a co-product of it."""
    return pl.DataFrame(
        [
            {
                "id": row[0],
                "number": None,
                "kind": row[1],
                "location": row[2],
                "status": row[3],
                "product": row[4] if len(row) > 4 else "A",
                "order_qty": None if len(row) > 4 else 1.0,
            }
            for row in rows
        ],
        schema_overrides={"number": pl.String, "order_qty": pl.Float64},
    )


def numbers(frame):
    return dict(frame.select("id", "number").iter_rows())


def test_letter_place_and_a_counter_in_the_order_of_ids():
    frame = supplies(
        ("c", "make", "LODZ", "planned"),
        ("a", "make", "LODZ", "planned"),
        ("b", "buy", "LODZ", "planned"),
        ("d", "move", "SHOP-1", "planned"),
    )
    told = numbers(with_numbers(frame, NOBODY))
    assert told == {
        "a": "P-LODZ-0001",
        "b": "B-LODZ-0001",
        "c": "P-LODZ-0002",
        "d": "T-SHOP-1-0001",
    }


def test_the_order_of_rows_does_not_matter():
    rows = [(name, "make", "L", "planned") for name in "cab"]
    one, other = (
        numbers(with_numbers(supplies(*some), NOBODY)) for some in (rows, rows[::-1])
    )
    assert one == other


def test_orders_that_exist_are_called_by_their_id():
    frame = with_numbers(supplies(("WO-7", "make", "L", "firmed")), NOBODY)
    assert numbers(frame) == {"WO-7": "WO-7"}


def test_a_co_product_bears_the_number_of_its_order():
    frame = with_numbers(
        supplies(
            ("a", "make", "L", "planned"),
            ("a|WHEY", "make", "L", "planned", "WHEY"),
            ("WO-7|WHEY", "make", "L", "firmed", "WHEY"),
        ),
        NOBODY,
    )
    assert numbers(frame)["a|WHEY"] == "P-L-0001"
    assert numbers(frame)["WO-7|WHEY"] == "WO-7"


def test_a_number_stays_with_its_id_and_is_never_given_again():
    first = with_numbers(
        supplies(("a", "make", "L", "planned"), ("b", "make", "L", "planned")), NOBODY
    )
    register = register_of(first)
    # a is gone in the next run; c comes before b in the order of ids.
    later = with_numbers(
        supplies(("b", "make", "L", "planned"), ("aa", "make", "L", "planned")),
        register,
    )
    assert numbers(later) == {"b": "P-L-0002", "aa": "P-L-0003"}


def test_a_proposal_that_became_an_order_keeps_its_number():
    first = with_numbers(supplies(("a", "make", "L", "planned")), NOBODY)
    firm = with_numbers(supplies(("a", "make", "L", "firmed")), register_of(first))
    assert numbers(firm) == {"a": "P-L-0001"}


def test_orders_made_of_a_proposal_bear_its_number_and_which_they_are():
    proposal = "00ff00ff00ff00ff"
    first = with_numbers(supplies((proposal, "buy", "L", "planned")), NOBODY)
    later = supplies(
        ("PO-00ff00ff00ff", "buy", "L", "firmed"),
        ("PO-00ff00ff00ff-2", "buy", "L", "released"),
        (proposal, "buy", "L", "planned"),
    )
    told = numbers(with_numbers(later, register_of(first)))
    assert list(told.values()) == ["B-L-0001/1", "B-L-0001/2", "B-L-0001"]
    # They keep it where the proposal is gone.
    left = with_numbers(later, register_of(first))[:2]
    again = with_numbers(later[:2], register_of(left))
    assert numbers(again) == numbers(left)


def test_what_is_planned_after_a_proposal_became_an_order_has_the_next_number():
    """Nobody may take the new order for the one that was firmed."""
    rows = [(name, "buy", "L", "planned") for name in "ab"]
    first = with_numbers(supplies(*rows), NOBODY)
    assert numbers(first) == {"a": "B-L-0001", "b": "B-L-0002"}
    firmed = supplies(("PO-L-0001", "buy", "L", "firmed"), *rows)
    later = with_numbers(firmed, register_of(first))
    assert numbers(later) == {
        "PO-L-0001": "PO-L-0001",
        "a": "B-L-0003",
        "b": "B-L-0002",
    }
    # It stays, when the order has come too, and with all numbers that there ever were.
    register = pl.concat([register_of(first), new_numbers(firmed, register_of(first))])
    assert numbers(with_numbers(supplies(*rows), register))["a"] == "B-L-0003"
    assert new_numbers(firmed, register).is_empty()
    # A work order of that count is another one.
    made = supplies(("WO-L-0001", "make", "L", "firmed"), *rows)
    assert numbers(with_numbers(made, register_of(first)))["a"] == "B-L-0001"


def test_nothing_is_new_in_what_the_register_holds():
    frame = supplies(("a", "make", "L", "planned"))
    register = new_numbers(frame, NOBODY)
    assert new_numbers(frame, register).is_empty()


@pytest.mark.parametrize("named", ["a", "P-L-0001"])
def test_an_order_is_found_by_its_number_and_by_its_id(named):
    frame = with_numbers(supplies(("a", "make", "L", "planned")), NOBODY)
    assert order_id(frame, named) == "a"


def test_what_no_order_is_called_comes_back():
    assert order_id(supplies(("a", "make", "L", "planned")), "P-L-9") == "P-L-9"
