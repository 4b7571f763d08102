"""What lateness costs in money, and what is refused without planning around it."""

from __future__ import annotations

import pytest

from medhavi.errors import UsageError
from medhavi.planners.constrained.feasible_run import FeasibleRun
from medhavi.planners.constrained.memory import Memory
from medhavi.planners.constrained.orders.lateness_weights import (
    money_weights,
    states_money,
)
from medhavi.snapshot import Snapshot
from tests import factories
from tests.api import ConstrainedParameters, plan, verify
from tests.planners.small_plans import KERNELS, day

ALWAYS_PLACED = {**KERNELS, "lateness_by": "money"}


def read(snapshot, **settings):
    run = FeasibleRun(Memory(snapshot), ConstrainedParameters(**settings))
    run.build()
    return run


@pytest.mark.req("DEF-06")
def test_a_day_late_weighs_what_the_tables_say_it_costs():
    snapshot = factories.snapshot(
        demands=[
            # 2 % of 50 times the usual weight 10 of priority 1, for each of 4 units.
            {"demand": "D1", "qty": 4, "price": 50.0, "priority": 1},
            {"demand": "D2", "qty": 4, "late_cost_per_day": 3.0},
            {"demand": "D3", "qty": 4, "late_cost_per_day": 0.0},
        ],
    )
    run = read(snapshot)
    found = money_weights(run.intake.demands, run.settings, run.model, 0.0)
    names = [demand.demand for demand in run.intake.demands]
    weights = dict(zip(names, found.by_demand, strict=True))
    assert weights == {"D1": 4 * 10 * 100, "D2": 4 * 3 * 100, "D3": 1}


def test_a_currency_of_small_value_plans_as_one_of_large_value():
    def late(factor):
        tables = factories.tables(
            resources=[{"cost_per_hour": 20.0 * factor}],
            routings=[{"fixed_cost": 30.0 * factor, "max_lot": 2}],
            steps=[{"fixed_minutes": 1200}],
            step_resources=[{}],
            demands=[
                {"demand": f"D{n}", "qty": n, "price": 9.0 * factor / n, "due": day(3)}
                for n in range(1, 7)
            ],
        )
        snapshot = Snapshot.from_frames(tables)
        made = plan(snapshot, "constrained")
        assert verify(made, snapshot) == []
        return made.deliveries.select("demand", "date").rows()

    usual = late(1.0)
    assert len({at for _, at in usual}) > 1
    assert late(1e9) == late(1e15) == usual


@pytest.mark.parametrize("price", [1e15, 1e19, 1e300])
def test_a_price_beyond_all_measure_stops_no_plan(price):
    snapshot = factories.snapshot(
        demands=[{"demand": "D1", "price": price}, {"demand": "D2"}],
        supply_terms=[{"lead_time_days": 3, "unit_price": price}],
    )
    assert verify(plan(snapshot, "constrained"), snapshot) == []


def test_a_price_that_is_only_a_default_weighs_nothing():
    demands: list[dict[str, object]] = [
        {"demand": "D1"},
        {"demand": "D2", "price": None},
    ]
    free = factories.snapshot(
        products=[{"product": "A", "unit_cost": 0.0}], demands=demands
    )
    assert not states_money(read(free).intake.demands)
    stated = factories.snapshot(
        products=[{"product": "A", "unit_cost": 0.0}],
        demands=[*demands, {"demand": "D3", "late_cost_per_day": 1.0}],
    )
    assert states_money(read(stated).intake.demands)


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("lateness_by", "luck"),
        ("refused_share", -0.1),
        ("money_days", -1),
    ],
)
def test_a_setting_out_of_range_is_refused_by_name(name, value):
    with pytest.raises(UsageError, match=name):
        ConstrainedParameters(**{name: value})


@pytest.mark.parametrize("share", [0.0, 1.0])
def test_what_is_refused_without_another_round_still_leaves_a_whole_plan(share):
    # Two parts for one machine: the second comes later than its demand accepts.
    snapshot = factories.snapshot(
        resources=[{"resource": "M"}],
        routings=[{"routing": "R"}],
        steps=[{"fixed_minutes": 3000}],
        step_resources=[{}],
        demands=[
            {"demand": name, "qty": 1, "max_lateness_days": 0.1}
            for name in ("D1", "D2", "D3")
        ],
    )
    settings = {**ALWAYS_PLACED, "effort": "light", "refused_share": share}
    made = plan(snapshot, "constrained", settings)
    assert [str(found) for found in verify(made, snapshot)] == []
    again = plan(snapshot, "constrained", settings)
    assert all(made.tables[name].equals(again.tables[name]) for name in made.tables)
