"""Changes that could help against one reason, without trying them.

Machine M makes A in 1 hour a piece; it is Monday midnight.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from medhavi.planners.late_remedies.plan_changes import PlanChanges
from medhavi.planners.late_remedies.reasons import Reason, others_in_the_way
from medhavi.results.limiter import Limiter
from medhavi.units import DAY, HOUR
from tests import factories
from tests.api import Providers, plan
from tests.planners.small_plans import KERNELS, day

if TYPE_CHECKING:
    from medhavi.edits.remedy_changes import Proposal

NOW = int(factories.AS_OF.timestamp())
HOURLY: dict[str, Any] = {
    "demands": [
        {"demand": "D1", "qty": 24, "due": day(1)},
        {"demand": "D2", "qty": 24, "due": day(1.25)},
    ],
    "resources": [{"resource": "M"}],
    "routings": [{"routing": "R"}],
    "steps": [{"run_minutes_per_unit": 60.0}],
    "step_resources": [{}],
}


def reason(code: Limiter, subject: str, **more: Any) -> Reason:
    """A reason of demand D2, 18 hours late, that waited a day from now on."""
    facts = {"begin": NOW, "end": NOW + DAY, "late": 18 * HOUR, "money": 1.0, **more}
    return Reason(demand="D2", code=code, subject=subject, **facts)


def changes(why: Reason, **tables: Any) -> dict[str, Proposal]:
    snapshot = factories.snapshot(**{**HOURLY, **tables})
    made = plan(snapshot, "constrained", KERNELS)
    of = PlanChanges(snapshot, Providers(snapshot), made)
    found = [*of.of_all(why), *of.of_one(why)]
    return {change.kind.value: change for change in found}


@pytest.mark.parametrize(
    "why",
    [
        reason(Limiter.CAPACITY_SHORTFALL, "X"),
        reason(Limiter.CAPACITY_SHORTFALL, "M", begin=None),
        reason(Limiter.CAPACITY_SHORTFALL, "M", begin=NOW - DAY, end=NOW - DAY),
    ],
)
def test_no_machine_is_added_where_none_is_waited_for(why: Reason) -> None:
    """There is no X; nothing says from when on; all was over before now.

    In the last case only what M still does for D2 could be helped: nothing does.
    """
    tables = {"step_resources": [], "demands": HOURLY["demands"]}
    assert "overtime" not in changes(why, **tables)


def test_nobody_is_in_the_way_of_what_did_not_wait() -> None:
    snapshot = factories.snapshot(**HOURLY)
    made = plan(snapshot, "constrained", KERNELS)
    why = reason(Limiter.CAPACITY_SHORTFALL, "M", end=None)
    assert others_in_the_way(made, why) == []


def test_units_stated_for_another_time_stay_as_they_are() -> None:
    """From day 0 to the end of D2's work; the rows of last and next month are not cut.

    D2 would end on day 2 and waits a day: one more machine until day 1 is enough.
    """
    more = changes(
        reason(Limiter.CAPACITY_SHORTFALL, "M"),
        resource_units=[
            {"valid_from": day(-30), "valid_to": day(-20), "units": 1},
            {"valid_from": day(40), "valid_to": day(50), "units": 1},
        ],
    )["overtime"]
    (row,) = more.rows["resource_units"]
    assert (row["valid_from"], row["valid_to"]) == (day(0), day(1))
    assert row["units"] == 2.0


def test_a_period_of_a_demand_in_the_way_moves_with_its_due_date() -> None:
    demands = [
        {**HOURLY["demands"][0], "period_end": day(2)},
        HOURLY["demands"][1],
    ]
    later = changes(reason(Limiter.CAPACITY_SHORTFALL, "M"), demands=demands)
    (row,) = later["later_date"].rows["demands"]
    assert (row["due"], row["period_end"]) == (day(1.75), day(2.75))


@pytest.mark.parametrize(("priority", "offered"), [(0, False), (1, False), (2, True)])
def test_what_weighs_most_already_is_not_put_first(
    priority: int, offered: bool
) -> None:
    """Priority 0 weighs as 1."""
    demands = [{**row, "priority": priority} for row in HOURLY["demands"]]
    found = changes(reason(Limiter.CAPACITY_SHORTFALL, "M"), demands=demands)
    assert ("swap" in found) is offered


def test_an_order_of_no_routing_is_not_split() -> None:
    """60 pieces come for two demands of 24, and nobody knows how they are made."""
    tables = {
        "supply_orders": [{"kind": "work", "qty": 60, "due": day(1)}],
    }
    found = changes(reason(Limiter.LEAD_TIME, "R"), **tables)
    assert "smaller_lot" not in found


def test_another_routing_is_preferred_to_the_one_that_waits() -> None:
    """R waits for M; R2, which is slower, works on what is never waited for."""
    tables = {
        "routings": [{"routing": "R"}, {"routing": "R2", "preference": 2}],
        "steps": [
            {"routing": "R", "run_minutes_per_unit": 60.0},
            {"routing": "R2", "run_minutes_per_unit": 90.0},
        ],
    }
    other = changes(reason(Limiter.CAPACITY_SHORTFALL, "M"), **tables)["other_source"]
    rows = {row["source"]: row["preference"] for row in other.rows["sourcing"]}
    assert rows == {"R": 1, "R2": 0}
    assert other.text == "get A at L from R2 first"


def test_an_order_that_has_not_begun_begins_no_later_than_it_is_due() -> None:
    tables = {
        "demands": [HOURLY["demands"][1]],
        "supply_orders": [
            {"supply_order": "O1", "qty": 24, "start": day(1.5), "due": day(2)}
        ],
    }
    earlier = changes(reason(Limiter.AWAITING_SUPPLY, "O1"), **tables)["expedite"]
    (row,) = earlier.rows["supply_orders"]
    assert row["due"] == row["start"] == day(1.25)


def test_a_lane_that_leaves_at_any_time_needs_no_further_departure() -> None:
    tables = {
        "locations": [{"location": "L"}, {"location": "W"}],
        "lanes": [{"lane": "T"}],
        "demands": [
            {"demand": "D2", "location": "W", "qty": 24, "due": day(1.25)},
        ],
    }
    found = changes(reason(Limiter.NO_TRANSPORT_CAPACITY, "T"), **tables)
    assert "other_lane" not in found


@pytest.mark.parametrize(
    ("full_line", "kinds"), [(True, {"relax_policy"}), (False, set())]
)
def test_a_rule_is_given_up_only_where_there_is_one(
    full_line: bool, kinds: set[str]
) -> None:
    demands = [{**row, "full_line": full_line} for row in HOURLY["demands"]]
    assert set(changes(reason(Limiter.ORDER_RULE, "D2"), demands=demands)) == kinds
