"""Remedies over the whole plan: what cures most comes first, and does what it says.

Machine M makes A, N makes C in 1 hour a piece; it is Monday midnight.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import Phase, given, settings
from hypothesis import strategies as st

from medhavi.planners.late_remedies.plan_changes import PlanChanges
from medhavi.planners.late_remedies.reasons import reasons
from medhavi.results.plans.lateness import not_kept
from tests import factories
from tests.api import Providers, plan, remedies
from tests.examples import examples
from tests.planners.small_plans import KERNELS, day

if TYPE_CHECKING:
    from medhavi.results.plan_remedy import PlanRemedy
    from medhavi.results.plans.plan import Plan
    from medhavi.snapshot import Snapshot
    from tests.api import Progress


def two_machines(**tables: Any) -> Snapshot:
    """Four demands wait for M, up to three days; one of C waits for N, a day."""
    rows: dict[str, Any] = {
        "products": [{"product": name} for name in "AC"],
        "demands": [
            *({"demand": f"D{n}", "qty": 24, "due": day(1)} for n in range(4)),
            {"demand": "E0", "product": "C", "qty": 24, "due": day(1)},
            {"demand": "E1", "product": "C", "qty": 24, "due": day(1)},
        ],
        "resources": [{"resource": name} for name in "MN"],
        "routings": [
            {"routing": "R", "product": "A"},
            {"routing": "S", "product": "C"},
        ],
        "steps": [
            {"routing": name, "run_minutes_per_unit": 60.0, "fixed_minutes": 0.0}
            for name in "RS"
        ],
        "step_resources": [
            {"routing": "R", "resource": "M"},
            {"routing": "S", "resource": "N"},
        ],
    }
    return factories.snapshot(**{**rows, **tables})


def planned(snapshot: Snapshot, **words: Any) -> Plan:
    return plan(snapshot, "constrained", {**KERNELS, **words})


def effect(one: PlanRemedy, snapshot: Snapshot, made: Plan) -> tuple[int, int | None]:
    """Late demands, and the last delivery of its own, of the plan on a plan with it."""
    own = dict(made.run.settings)
    again = plan(one.apply(snapshot), "constrained", own, baseline=made)
    assert again.fingerprint == one.fingerprint
    dates = again.deliveries.filter(demand=one.demand)["date"].to_list()
    last = int(max(dates).timestamp()) if dates else None
    return not_kept(again).height, last


@pytest.mark.req("MRP-19")
def test_the_bottleneck_that_most_wait_for_comes_first() -> None:
    """With two M two demands of A end on day 1, two on day 2, not one on each of four.

    That of day 4 ends on day 1, that of day 3 on day 2: two of A are late, not three.
    """
    snapshot = two_machines()
    made = planned(snapshot)
    assert not_kept(made).height == 4
    found = remedies(snapshot, made)
    best = found[0]
    assert (best.kind.value, best.subject) == ("overtime", "M")
    assert best.text.startswith("one more M from 2026-01-05 00:00 UTC")
    assert (best.late_before, best.late_after, best.helped) == (4, 3, 2)
    assert best.harms == ()
    assert effect(best, snapshot, made) == (3, best.tested_date)


def test_the_price_of_a_bottleneck_is_what_waits_for_it() -> None:
    """M: 1 + 2 + 3 days late, N: 1 day late, all of the same value."""
    snapshot = two_machines()
    made = planned(snapshot)
    first, second = reasons(made)
    assert (first.subject, len(first.demands)) == ("M", 3)
    assert (second.subject, len(second.demands)) == ("N", 1)
    assert first.money == pytest.approx(6 * second.money)
    assert first.money == pytest.approx(sum(one.money for one in first.each))
    assert first.late == 3 * 86_400
    found = PlanChanges(snapshot, Providers(snapshot), made).by_price([first, second])
    subjects = [(one.reason.subject, one.demands) for one in found]
    # N is worth a sixth of M: it comes after the changes for single demands of M.
    assert subjects[0] == ("M", first.demands)
    assert subjects.index(("N", second.demands)) > 2


def calendar_of_days(overtime: float) -> dict[str, Any]:
    """M works from 8 to 16 each day; two demands of 8 hours are due on day 1."""
    return {
        "demands": [
            {"demand": f"D{n}", "qty": 8, "due": day(1), "priority": n + 1}
            for n in range(2)
        ],
        "calendars": [{"calendar": "DAY"}],
        "shifts": [
            {"calendar": "DAY", "weekday": n, "start": "08:00", "finish": "16:00"}
            for n in range(1, 8)
        ],
        "resources": [
            {
                "resource": "M",
                "calendar": "DAY",
                "overtime_minutes_per_day": overtime,
                "overtime_cost_per_hour": 30.0,
            },
            {"resource": "N", "calendar": "DAY"},
        ],
    }


@pytest.mark.nightly
def test_an_extra_shift_is_worked_by_the_bottleneck_alone() -> None:
    """D1 is made from 16 to 24 o'clock instead of on day 1: 16 h late before."""
    snapshot = two_machines(**calendar_of_days(0.0))
    found = {one.text.split(" of ")[0]: one for one in tried(snapshot, "D1")}
    assert "overtime" not in found
    shift = found["an extra shift"]
    assert (shift.lateness_before_h, shift.lateness_h) == (16.0, 0.0)
    assert shift.price == 8 * 30.0
    assert [row["calendar"] for row in shift.rows["resources"]] == ["DAY+M"]
    changed = shift.apply(snapshot)
    working = Providers(changed).capacity.working_time
    whole = (int(day(0).timestamp()), int(day(1).timestamp()))
    assert [working(name).between(*whole) / 3600 for name in "MN"] == [16, 8]


@pytest.mark.nightly
def test_overtime_that_is_stated_is_no_longer_than_it_says() -> None:
    """Two hours on day 0, so D1 ends at 14 o'clock on day 1, two hours earlier."""
    snapshot = two_machines(**calendar_of_days(120.0))
    found = {one.text.split(" of ")[0]: one for one in tried(snapshot, "D1")}
    more = found["overtime"]
    assert (more.lateness_before_h, more.lateness_h) == (16.0, 14.0)
    assert more.price == 2 * 30.0


def tried(snapshot: Snapshot, demand: str | None = None) -> tuple[PlanRemedy, ...]:
    made = planned(snapshot)
    found = remedies(snapshot, made, demand)
    for one in found:
        assert effect(one, snapshot, made)[1] == one.tested_date
    return found


def test_a_search_that_is_stopped_keeps_what_was_tried() -> None:
    snapshot = two_machines()
    told: list[Progress] = []
    found = remedies(
        snapshot,
        planned(snapshot),
        tries=6,
        observe=told.append,
        cancelled=lambda: len(told) == 4,
    )
    assert [one.done for one in told] == [1, 2, 3, 4]
    assert [one.total for one in told] == [6] * 4
    assert found
    assert {one.text for one in found} <= {one.phase for one in told}


def test_a_change_resumes_the_plan_and_what_it_does_not_reach_stays() -> None:
    """Where N gets a unit, the order for E1 moves; those for the ten on M stay."""
    on_time = [{"demand": f"D{n}", "qty": 24, "due": day(n + 1)} for n in range(10)]
    both = [
        {"demand": name, "product": "C", "qty": 24, "due": day(1)}
        for name in ("E0", "E1")
    ]
    snapshot = two_machines(demands=[*on_time, *both])
    made = planned(snapshot)
    best = remedies(snapshot, made, tries=4)[0]
    assert (best.subject, best.late_before, best.late_after) == ("N", 1, 0)
    assert best.harms == ()
    own = dict(made.run.settings)
    again = plan(best.apply(snapshot), "constrained", own, baseline=made)
    assert again.run.effort["orders_kept"] >= 10
    assert again.fingerprint == best.fingerprint


def test_a_plan_on_a_baseline_is_compared_with_one_from_nothing() -> None:
    snapshot = two_machines()
    kept = plan(
        snapshot,
        "constrained",
        {**KERNELS, "stability_price": 1e9},
        baseline=planned(snapshot),
    )
    found = remedies(snapshot, kept, tries=2)
    assert found
    assert found == remedies(snapshot, planned(snapshot), tries=2)


@given(
    quantities=st.lists(st.integers(1, 30), min_size=2, max_size=5),
    priorities=st.lists(st.integers(1, 3), min_size=5, max_size=5),
)
@settings(max_examples=examples(2, 24), phases=[Phase.generate])
@pytest.mark.req("MRP-19")
def test_what_is_offered_moves_its_own_demand_and_says_what_it_does_to_all(
    quantities: list[int], priorities: list[int]
) -> None:
    demands = [
        {"demand": f"D{n}", "qty": qty, "due": day(1), "priority": priorities[n]}
        for n, qty in enumerate(quantities)
    ]
    snapshot = two_machines(demands=demands)
    made = planned(snapshot)
    found = remedies(snapshot, made, tries=6)
    for one in found:
        assert one.lateness_h is not None
        assert one.lateness_before_h is not None
        assert one.lateness_h < one.lateness_before_h
        assert one.late_before <= not_kept(made).height
        late, last = effect(one, snapshot, made)
        assert last == one.tested_date
        if one.kind.value != "later_date":
            assert late == one.late_after
    order = [(-one.saved, one.late_after) for one in found]
    assert order == sorted(order)
