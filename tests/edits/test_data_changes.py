"""What rows an edit of a changeover matrix makes, and what it cannot be."""

from __future__ import annotations

from typing import Any

import pytest

from medhavi.findings import BadData
from tests import factories
from tests.api import edit

SNAPSHOT = factories.snapshot(
    resources=[{"resource": "M", "changeover_matrix": "NEW"}],
    changeovers=[
        {"from_family": "red", "to_family": "blue", "setup_minutes": 30},
        {"from_family": "*", "to_family": "red", "setup_minutes": 10, "cost": 5},
    ],
)


def decided(key: dict[str, str], value: Any, **more: Any) -> Any:
    wanted = edit("changeover", key=key, value=value, **more)
    try:
        return wanted.changes(wanted.patch(SNAPSHOT), SNAPSHOT), ()
    except BadData as impossible:
        return (), impossible.findings


def change(before: str, after: str, matrix: str = "X") -> dict[str, str]:
    return {"matrix": matrix, "from_family": before, "to_family": after}


def test_other_minutes_keep_the_rest_of_the_row() -> None:
    (row,), found = decided(change("*", "red"), 20)
    assert found == ()
    assert row.before["setup_minutes"] == 10
    assert (row.after["setup_minutes"], row.after["cost"]) == (20.0, 5.0)


def test_a_cleaning_and_its_money_can_be_stated() -> None:
    (row,), _ = decided(change("red", "blue"), 30, cleaning=True, cost=7)
    assert (row.after["cleaning"], row.after["cost"]) == (True, 7.0)


def test_a_change_without_a_row_gets_one_also_in_an_empty_matrix() -> None:
    (row,), _ = decided(change("blue", "red", "NEW"), 15)
    assert row.before is None
    assert (row.after["setup_minutes"], row.after["cleaning"]) == (15.0, False)


def test_a_row_can_go() -> None:
    (row,), _ = decided(change("red", "blue"), None)
    assert (row.before["setup_minutes"], row.after) == (30, None)


@pytest.mark.parametrize(
    ("key", "value", "more", "words"),
    [
        ({"matrix": "X", "from_family": "red"}, 5, {}, "names no change"),
        (change("", "red"), 5, {}, "names no change"),
        (change("red", "red"), 5, {}, "needs no change"),
        (change("blue", "red"), None, {}, "no row says"),
        (change("red", "blue"), -5, {}, "no number of 0 or more"),
        (change("red", "blue"), "long", {}, "no number of 0 or more"),
        (change("red", "blue"), True, {}, "no number of 0 or more"),
        (change("red", "blue"), 5, {"cost": -1}, "no number of 0 or more"),
        (change("red", "blue"), 30, {}, "it is so already"),
    ],
)
def test_what_cannot_be_is_told(
    key: dict[str, str], value: Any, more: dict[str, Any], words: str
) -> None:
    rows, (found,) = decided(key, value, **more)
    assert (rows, found.code) == ((), "ORD004")
    assert words in found.message


def test_a_matrix_that_is_not_there_is_named_with_the_nearest() -> None:
    rows, (found,) = decided(change("red", "blue", "NEWS"), 5)
    assert (rows, found.code) == ((), "ORD003")
    assert "NEW" in str(found)
