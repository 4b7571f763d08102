"""How many are late for lack of time: by hand, against optima, against plans."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest

from medhavi.planners.constrained.demand_bounds import open_time
from medhavi.units import HOUR
from tests import factories
from tests.api import plan, verify
from tests.examples import examples
from tests.planners.exact_shop import fewest_late, random_shop, tables
from tests.planners.netted_plans import netted
from tests.planners.random_towns import random_town
from tests.planners.small_plans import KERNELS, day
from tests.providers.plants import at, plant, shifts, when

if TYPE_CHECKING:
    from collections.abc import Mapping

    from medhavi.results.plans.plan import Plan
    from medhavi.snapshot import Snapshot
    from tests.planners.exact_shop import Shop


def planned(rows: Mapping[str, Any], **more: Any) -> Plan:
    snapshot = factories.snapshot(**rows)
    made = plan(snapshot, "constrained", {**KERNELS, **more})
    assert [str(found) for found in verify(made, snapshot)] == []
    late = int((made.fulfilment["lateness_h"] > 0).sum())
    assert at_least(made) <= late
    for priority, count in at_least_by_priority(made).items():
        assert count <= late_of_priority(made, snapshot, priority)
    assert made.run.bound is not None
    assert made.run.bound <= weighted_days(made, snapshot) + 1e-6
    return made


def weighted_days(made: Plan, snapshot: Snapshot) -> float:
    """What is late, 25:5:1 by priority, times 20 days and those of lateness."""
    weights = {1: 25.0, 2: 5.0, 3: 1.0}
    priority = dict(snapshot["demands"].select("demand", "priority").iter_rows())
    late = made.fulfilment.filter(made.fulfilment["lateness_h"] > 0)
    found = [
        weights[priority[demand]] * (20 + hours / 24)
        for demand, hours in late.select("demand", "lateness_h").iter_rows()
    ]
    return float(sum(found))


def at_least(made: Plan) -> int:
    counts = made.run.effort
    assert counts["late_at_least"] == (
        counts["late_by_chain"] + counts["late_by_capacity"]
    )
    return int(counts["late_at_least"])


def at_least_by_priority(made: Plan) -> dict[int, int]:
    name = "late_at_least_of_priority_"
    found = {
        int(key.removeprefix(name)): int(count)
        for key, count in made.run.effort.items()
        if key.startswith(name)
    }
    assert sum(found.values()) <= at_least(made)
    return found


def late_of_priority(made: Plan, snapshot: Snapshot, priority: int) -> int:
    demands = snapshot["demands"].filter(priority=priority)["demand"].implode()
    own = made.fulfilment.filter(made.fulfilment["demand"].is_in(demands))
    return int((own["lateness_h"] > 0).sum())


def for_lack_of_time(made: Plan) -> int:
    return int(made.run.effort["late_by_capacity"])


def three_by_one_day(**more: Any) -> dict[str, Any]:
    """Three demands for ten pieces by the end of day 1; M makes one piece an hour."""
    rows: dict[str, Any] = {
        "resources": [{"resource": "M"}],
        "routings": [{"routing": "R"}],
        "steps": [{"run_minutes_per_unit": 60.0}],
        "step_resources": [{}],
        "demands": [
            {"demand": f"D{number}", "qty": 10, "due": day(1)} for number in range(3)
        ],
    }
    return {**rows, **more}


@pytest.mark.req("CAP-06")
def test_a_day_has_24_hours() -> None:
    made = planned(three_by_one_day())
    assert for_lack_of_time(made) == 1
    assert made.run.effort["late_by_chain"] == 0
    # Priority 1 weighs 25, and a late demand counts 20 days at least.
    assert made.run.bound == pytest.approx(25 * 20)
    said = (
        "1 late; no plan that delivers as much can have fewer late than 1 "
        "(0 by lead times, 1 for lack of time or goods)"
    )
    assert said in str(made)


def test_an_alternate_has_time_as_well() -> None:
    both = [
        {"resource": name, "choice": "any", "preference": place}
        for place, name in enumerate(("M", "N"), start=1)
    ]
    rows = three_by_one_day(
        resources=[{"resource": "M"}, {"resource": "N"}], step_resources=both
    )
    assert for_lack_of_time(planned(rows)) == 0
    rows["demands"] = [{**row, "qty": 17} for row in rows["demands"]]
    assert for_lack_of_time(planned(rows)) == 1


def test_two_units_work_at_a_time() -> None:
    rows = three_by_one_day(resources=[{"resource": "M", "units": 2.0}])
    assert for_lack_of_time(planned(rows)) == 0


def test_another_routing_is_no_work_of_this_machine() -> None:
    rows = three_by_one_day(
        resources=[{"resource": "M"}, {"resource": "N"}],
        routings=[{"routing": "R"}, {"routing": "S"}],
        steps=[{"routing": name, "run_minutes_per_unit": 60.0} for name in ("R", "S")],
        step_resources=[
            {"routing": "R", "resource": "M"},
            {"routing": "S", "resource": "N"},
        ],
    )
    assert for_lack_of_time(planned(rows)) == 0


def test_a_closed_machine_has_no_time() -> None:
    shifts = [
        {"calendar": "C", "weekday": number, "start": "00:00", "finish": "12:00"}
        for number in range(1, 8)
    ]
    rows = three_by_one_day(
        calendars=[{"calendar": "C"}],
        shifts=shifts,
        resources=[{"resource": "M", "calendar": "C"}],
    )
    assert for_lack_of_time(planned(rows)) == 2


def test_stock_may_be_for_any_of_them() -> None:
    assert for_lack_of_time(planned(three_by_one_day(stock=[{"qty": 5}]))) == 1
    assert for_lack_of_time(planned(three_by_one_day(stock=[{"qty": 6}]))) == 0


def test_parts_are_work_too() -> None:
    rows = three_by_one_day(
        routings=[{"routing": "R"}, {"routing": "P", "product": "B"}],
        steps=[{"routing": "R"}, {"routing": "P", "run_minutes_per_unit": 30.0}],
        step_resources=[
            {"routing": "R", "resource": "M"},
            {"routing": "P", "resource": "M"},
        ],
        bom_lines=[{"routing": "R", "component": "B", "qty_per": 2.0}],
    )
    assert for_lack_of_time(planned(rows)) == 1


def test_each_order_has_a_set_up() -> None:
    """Ten hours of work and four of set-up: two products are too much for a day."""
    rows = three_by_one_day(
        products=[{"product": name} for name in "AC"],
        routings=[{"routing": f"R{name}", "product": name} for name in "AC"],
        steps=[
            {
                "routing": f"R{name}",
                "run_minutes_per_unit": 60.0,
                "setup_minutes": minutes,
            }
            for name, minutes in (("A", 120.0), ("C", 240.0))
        ],
        step_resources=[{"routing": f"R{name}"} for name in "AC"],
        demands=[
            {"demand": name, "product": name, "qty": 10, "due": day(1)} for name in "AC"
        ],
    )
    assert for_lack_of_time(planned(rows)) == 1


def test_work_that_stands_takes_its_time() -> None:
    """Two demands for ten pieces fit into a day, not beside five more hours."""
    order = {
        "supply_order": "WO1",
        "kind": "work",
        "product": "C",
        "source": "S",
        "qty": 5,
        "due": day(1),
        "status": "released",
    }
    rows = three_by_one_day(
        products=[{"product": "A"}, {"product": "C"}],
        routings=[
            {"routing": "R", "product": "A"},
            {"routing": "S", "product": "C"},
        ],
        steps=[{"routing": name, "run_minutes_per_unit": 60.0} for name in ("R", "S")],
        step_resources=[{"routing": name} for name in ("R", "S")],
    )
    rows["demands"] = rows["demands"][:2]
    assert for_lack_of_time(planned(rows)) == 0
    assert for_lack_of_time(planned({**rows, "supply_orders": [order]})) == 1


def test_goods_of_later_steps_are_short_too() -> None:
    """Five labels are there, new ones come after nine days; each demand takes three."""
    rows = three_by_one_day(
        resources=[{"resource": "M"}, {"resource": "N"}],
        steps=[
            {"run_minutes_per_unit": 1.0},
            {"step": 2, "run_minutes_per_unit": 1.0},
        ],
        step_resources=[{"resource": "M"}, {"step": 2, "resource": "N"}],
        bom_lines=[{"component": "B", "step": 2}],
        stock=[{"product": "B", "qty": 5}],
        supply_terms=[{"product": "B", "lead_time_days": 9}],
    )
    rows["demands"] = [{**row, "qty": 3} for row in rows["demands"]]
    assert for_lack_of_time(planned(rows)) == 2


def test_work_waits_for_its_parts() -> None:
    # B comes on day 3: two of the three are made on day 4.
    rows = three_by_one_day(
        bom_lines=[{"component": "B"}],
        supply_terms=[{"product": "B", "lead_time_days": 3}],
        demands=[
            {"demand": f"D{number}", "qty": 10, "due": day(4)} for number in range(3)
        ],
    )
    assert for_lack_of_time(planned(rows)) == 1


def test_parts_have_to_be_there_before_work_begins() -> None:
    # A takes 12 hours on N after its B, of which M makes 10 in those of day 1 that are
    # left: none of the second and the third demand.
    rows = three_by_one_day(
        resources=[{"resource": "M"}, {"resource": "N"}],
        routings=[{"routing": "R"}, {"routing": "P", "product": "B"}],
        steps=[
            {"routing": "R", "fixed_minutes": 720.0},
            {"routing": "P", "run_minutes_per_unit": 60.0},
        ],
        step_resources=[
            {"routing": "R", "resource": "N"},
            {"routing": "P", "resource": "M"},
        ],
        bom_lines=[{"routing": "R", "component": "B"}],
    )
    assert for_lack_of_time(planned(rows)) == 2


def test_a_lot_is_work_in_one_piece() -> None:
    """A takes a B, C takes a D; M makes lots of 20 of B and of D, one an hour."""
    rows: dict[str, Any] = {
        "products": [{"product": name} for name in "ABCD"],
        "resources": [{"resource": "M"}],
        "routings": [
            {"routing": f"R{name}", "product": name, "min_lot": lot}
            for name, lot in (("A", 1), ("B", 20), ("C", 1), ("D", 20))
        ],
        "steps": [
            {"routing": f"R{name}", "run_minutes_per_unit": minutes}
            for name, minutes in (("A", 0.0), ("B", 60.0), ("C", 0.0), ("D", 60.0))
        ],
        "step_resources": [{"routing": f"R{name}"} for name in "BD"],
        "bom_lines": [
            {"routing": "RA", "component": "B"},
            {"routing": "RC", "component": "D"},
        ],
        "demands": [
            {"demand": name, "product": name, "qty": 1, "due": day(1)} for name in "AC"
        ],
    }
    assert for_lack_of_time(planned(rows)) == 1


def test_stock_that_several_share_is_for_some_of_them() -> None:
    # 5 there are; new ones come after 9 days: one of three demands of 3 is served.
    rows: dict[str, Any] = {
        "stock": [{"qty": 5}],
        "supply_terms": [{"lead_time_days": 9}],
        "demands": [
            {"demand": f"D{number}", "qty": 3, "due": day(1), "priority": 1 + number}
            for number in range(3)
        ],
    }
    made = planned(rows)
    assert (at_least(made), for_lack_of_time(made)) == (2, 2)
    # Each of them alone may be served.
    assert at_least_by_priority(made) == {1: 0, 2: 0, 3: 0}


def test_all_of_a_line_has_to_be_made() -> None:
    made = planned(
        three_by_one_day(demands=[{"demand": "D", "qty": 30, "due": day(1)}])
    )
    assert made.run.effort["late_by_chain"] == 1
    assert made.run.bound == pytest.approx(25 * (20 + 6 / 24))


@pytest.mark.req("CAP-06")
def test_what_is_netted_and_what_is_searched_state_the_same_bound() -> None:
    rows = three_by_one_day(
        bom_lines=[{"component": "B"}],
        supply_terms=[{"product": "B", "lead_time_days": 3}],
        demands=[
            {"demand": f"D{number}", "qty": 4 + number, "due": day(2 + number % 3)}
            for number in range(9)
        ],
    )
    search, light = (planned(rows, effort=effort) for effort in ("standard", "light"))
    assert search.run.engine == "search"
    general = netted(factories.snapshot(**rows))
    assert general.run.bound == search.run.bound
    assert at_least(general) == at_least(search) > 3
    assert at_least_by_priority(general) == at_least_by_priority(search)
    # A search in effort light bounds by lead times alone.
    assert for_lack_of_time(light) == 0


def busy_shop(seed: int) -> Shop:
    """A shop all of whose orders are due when the last of them was."""
    shop = random_shop(seed)
    last = max(due for _, due in shop.orders)
    return replace(shop, orders=tuple((work, last) for work, _ in shop.orders))


def by_the_piece(shop: Shop) -> dict[str, Any]:
    """A shop whose hours are run times: one piece is made of each product."""
    rows = tables(shop)
    rows["steps"] = [
        {
            **{name: cell for name, cell in row.items() if name != "fixed_minutes"},
            "run_minutes_per_unit": row["fixed_minutes"],
        }
        for row in rows["steps"]
    ]
    return rows


@pytest.mark.req("CAP-06")
def test_no_optimum_has_fewer_late_than_the_bound() -> None:
    alone = together = 0
    for seed in range(examples(5, 24)):
        for shop in (random_shop(seed), busy_shop(seed)):
            made = planned(by_the_piece(shop))
            assert at_least(made) <= fewest_late(shop), seed
            alone += int(made.run.effort["late_by_chain"])
            together += for_lack_of_time(made)
    assert alone
    assert together


def crowded_town(seed: int) -> dict[str, Any]:
    """A town that is asked for six times as much."""
    rows = random_town(seed)
    rows["demands"] = [
        {**row, "qty": 6 * row["qty"], "max_lateness_days": None}
        for row in rows["demands"]
    ]
    return rows


def test_no_plan_of_a_crowded_town_has_fewer_late() -> None:
    found = [planned(crowded_town(seed)) for seed in range(examples(2, 4))]
    assert any(for_lack_of_time(made) for made in found)


@pytest.mark.nightly
@pytest.mark.parametrize("seed", [*range(4, 24), *range(100, 300)])
def test_no_plan_of_many_towns_has_fewer_late(seed: int) -> None:
    planned(crowded_town(seed), effort="standard")
    planned(random_town(seed), effort="standard")
    for shop in (random_shop(seed), busy_shop(seed)):
        assert at_least(planned(by_the_piece(shop))) <= fewest_late(shop)


@pytest.mark.parametrize("share", [0.5, 1.0, 1.5])
def test_time_that_is_summed_up_once_is_that_of_its_stretches(share: float) -> None:
    capacity = plant(
        shifts=[{**row, "capacity": share} for row in shifts("C")],
        resources=[{"resource": "M", "calendar": "C", "units": 2}],
        resource_units=[
            {
                "resource": "M",
                "valid_from": when("2026-01-14T12:00"),
                "valid_to": when("2026-03-02T18:00"),
                "units": 3,
            }
        ],
        step_resources=[{}],
        steps=[{}],
    )
    clock, start = capacity.resource("M"), at("2026-01-07T09:00")
    for level in clock.levels:
        begin, end, units = level
        hours = np.array([-4, 0, 5, 30, 171, 700, 701, 5000, 20000])
        once = open_time(clock, level, start, start + hours * HOUR)
        for finish, found in zip(start + hours * HOUR, once, strict=True):
            pieces = clock.working.shares(max(begin, start), min(end, int(finish)))
            time = sum((b - a) * max(1, s) for a, b, s in pieces)
            assert found == units * time


def test_units_at_work_are_not_open() -> None:
    clock = plant(resources=[{"resource": "M", "units": 2}]).resource("M")
    (level,), start = clock.levels, at("2026-01-07T09:00")
    busy = [(start, start + 5 * HOUR, 1.0), (start + 5 * HOUR, start + 8 * HOUR, 3.0)]
    instants = start + np.array([4, 8, 10]) * HOUR
    time = open_time(clock, level, start, instants, busy)
    assert (time / HOUR).tolist() == [4.0, 5.0, 9.0]
