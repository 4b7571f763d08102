"""Which items a look for savings leaves to be looked through again."""

from __future__ import annotations

from types import SimpleNamespace

import pytest

from medhavi.planners.kernels.plant_kernels.consolidation import mark_changed
from medhavi.planners.kernels.plant_kernels.schedule_record import (
    JOURNAL,
    MADE,
    REMOVED,
)


def marked(journal: list[tuple[int, int]]) -> list[int]:
    """Marks of three items after a journal of kinds and orders.

    Orders 0 to 5: item 0 has 10, 10 and 20 by one option, item 1 has 5 by one and by
    another one, item 2 has 7.
    """
    plan = SimpleNamespace(
        state=[0] * (JOURNAL + 1),
        j_kind=[kind for kind, _ in journal],
        j_id=[order for _, order in journal],
        o_item=[0, 0, 0, 1, 1, 2],
        o_qty=[10, 10, 20, 5, 5, 7],
        o_option=[0, 0, 0, 1, 2, 3],
    )
    plan.state[JOURNAL] = len(journal)
    touched, change = [0, 0, 0], [0, 0, 0]
    mark_changed(plan, touched, change)  # type: ignore[arg-type]
    assert change == [0, 0, 0]
    return touched


@pytest.mark.req("OPA-06")
@pytest.mark.parametrize(
    ("journal", "expected"),
    [
        pytest.param([], [0, 0, 0], id="nothing changed"),
        pytest.param(
            [(REMOVED, 0), (REMOVED, 1), (MADE, 2)], [1, 0, 0], id="two joined"
        ),
        pytest.param([(REMOVED, 0), (MADE, 1)], [0, 0, 0], id="made anew as it was"),
        pytest.param([(REMOVED, 3), (MADE, 4)], [0, 1, 0], id="by another option"),
        pytest.param(
            [(REMOVED, 0), (REMOVED, 5), (MADE, 1)], [0, 0, 1], id="one is left out"
        ),
    ],
)
def test_items_are_marked_whose_orders_changed(
    journal: list[tuple[int, int]], expected: list[int]
) -> None:
    assert marked(journal) == expected
