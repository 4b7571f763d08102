"""Causes of lateness are what delayed it: without them it would have come earlier."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from tests import factories
from tests.api import plan, verify
from tests.planners.netted_plans import netted
from tests.planners.small_plans import day

if TYPE_CHECKING:
    from collections.abc import Callable

    from medhavi.results.plans.plan import Plan
    from medhavi.snapshot import Snapshot

    Planner = Callable[[Snapshot], Plan]


def labelled(
    busy: float,
    label: float,
    *,
    first_minutes: float = 60.0,
    cream: float | None = None,
) -> Snapshot:
    """Twelve of A due on day 5: an hour each on M, then on N with a label each.

    Before that M makes X for so many days. `label` and `cream`, which M takes, are the
    days on which purchase orders of them arrive.
    """
    lines = [{"routing": "R-A", "component": "LABEL", "step": 2, "qty_per": 1}]
    receipts = {"LABEL": label}
    if cream is not None:
        lines.append({"routing": "R-A", "component": "CREAM", "step": 1, "qty_per": 1})
        receipts["CREAM"] = cream
    wanted = [{"demand": "DA", "product": "A", "qty": 12, "due": day(5), "priority": 2}]
    if busy:
        row = {"demand": "DX", "product": "X", "qty": 24 * busy, "due": day(busy)}
        wanted.append({**row, "priority": 1})
    return factories.snapshot(
        routings=[
            {"routing": "R-A", "product": "A"},
            {"routing": "R-X", "product": "X"},
        ],
        steps=[
            {"routing": "R-A", "step": 1, "run_minutes_per_unit": first_minutes},
            {"routing": "R-A", "step": 2, "run_minutes_per_unit": 60.0},
            {"routing": "R-X", "step": 1, "run_minutes_per_unit": 60.0},
        ],
        resources=[{"resource": "M"}, {"resource": "N"}],
        step_resources=[
            {"routing": "R-A", "step": 1, "resource": "M"},
            {"routing": "R-A", "step": 2, "resource": "N"},
            {"routing": "R-X", "step": 1, "resource": "M"},
        ],
        bom_lines=lines,
        supply_orders=[
            {"supply_order": f"PO-{name}", "product": name, "qty": 12, "due": day(when)}
            for name, when in receipts.items()
        ],
        demands=wanted,
    )


def by_search(snapshot: Snapshot) -> Plan:
    return plan(snapshot, "constrained")


def causes(snapshot: Snapshot, made: Planner) -> list[tuple[str, str, float]]:
    found = made(snapshot)
    assert verify(found, snapshot) == []
    rows = found.causes.filter(demand="DA").select("code", "subject", "hours")
    return [(code, subject, round(hours)) for code, subject, hours in rows.iter_rows()]


@pytest.mark.req("OME-06")
@pytest.mark.parametrize("made", [by_search, netted])
def test_a_machine_is_no_cause_where_goods_for_a_later_step_come_after_it(
    made: Planner,
) -> None:
    """M is busy for three days; the labels, for N, come on day 10: 5.5 days late.

    M was blamed for 72 hours of it, though A is as late where M is idle.
    """
    awaited = [("AwaitingSupply", "PO-LABEL", 132)]
    assert causes(labelled(3, 10), made) == awaited
    assert causes(labelled(0, 10), made) == awaited


@pytest.mark.req("OME-06")
@pytest.mark.parametrize("made", [by_search, netted])
def test_a_machine_is_the_cause_where_goods_for_a_later_step_are_there_by_then(
    made: Planner,
) -> None:
    """M is busy until day 7, the labels are there on day 6: A waits for M alone."""
    found = causes(labelled(7, 6), made)
    assert "PO-LABEL" not in {subject for _, subject, _ in found}
    assert found[0][:2] == ("CapacityShortfall", "M")


@pytest.mark.req("OME-06")
@pytest.mark.parametrize("made", [by_search, netted])
def test_goods_that_come_while_a_step_before_them_is_at_work_are_no_cause(
    made: Planner,
) -> None:
    """Cream on day 6, then three days on M; the labels of day 7 are early enough."""
    found = causes(labelled(0, 7, first_minutes=360.0, cream=6), made)
    assert ("AwaitingSupply", "PO-CREAM") in {one[:2] for one in found}
    assert "PO-LABEL" not in {one[1] for one in found}
