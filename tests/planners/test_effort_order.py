"""More effort is never dearer: towns and shops at all three efforts."""

from __future__ import annotations

import random
from itertools import pairwise
from typing import TYPE_CHECKING, Any, NamedTuple

import pytest

from medhavi.planners.constrained.feasible_run import FeasibleRun
from medhavi.planners.constrained.improvement.round_memory import Memory
from medhavi.planners.constrained.orders.weighing import (
    Judged,
    MoneyWeights,
    Weights,
    money_weights,
)
from tests import factories
from tests.api import EFFORTS, ConstrainedParameters, plan, verify
from tests.examples import examples
from tests.planners.exact_shop import random_shop, tables
from tests.planners.random_towns import random_town

if TYPE_CHECKING:
    from medhavi.results.plans.plan import Plan
    from medhavi.snapshot import Snapshot

SETTINGS: dict[str, Any] = {"engine": "python", "search": "never"}
DAY_HOURS = 24


class Objective(NamedTuple):
    """What is missing, by weight and share; weighted days late; money."""

    missing: float
    late: float
    money: float

    def no_worse(self, other: Objective) -> bool:
        """Say the same as `Judged.no_worse`, of rounded figures."""
        if abs(self.missing - other.missing) > 1e-6:
            return self.missing < other.missing
        least = 1e-6 * (1 + other.late)
        return self.late <= other.late + least and self.money <= other.money + least


def objective(made: Plan, snapshot: Snapshot) -> Objective:
    """Compute what a plan is judged by out of its tables."""
    run = FeasibleRun(Memory(snapshot), ConstrainedParameters())
    run.build()
    demands = run.intake.demands
    weights: Weights | MoneyWeights = Weights((25.0, 5.0, 1.0), 20.0)
    if snapshot["demands"]["price"].is_not_null().any():
        weights = money_weights(demands, run.settings, run.model, 2.0)
    rows = {row["demand"]: row for row in made.fulfilment.iter_rows(named=True)}
    qty = dict(snapshot["demands"].select("demand", "qty").iter_rows())
    missing = late = money = 0.0
    for demand in demands:
        row, weight = rows[demand.demand], weights.of(demand) / 100
        missing += weight * row["short"] / qty[demand.demand]
        if (row["lateness_h"] or 0) > 0:
            late += weight * (weights.base_days + row["lateness_h"] / DAY_HOURS)
    if isinstance(weights, MoneyWeights):
        money = sum(
            weights.of(demand) / 100 / qty[demand.demand] * late_days(made, demand)
            for demand in demands
        )
    return Objective(missing, late, money)


def late_days(made: Plan, demand: Any) -> float:
    """Give the pieces of a demand times the days that each is late."""
    rows = made.deliveries.filter(made.deliveries["demand"] == demand.demand)
    late = [
        qty * max(0.0, (date.timestamp() - demand.due) / 86400)
        for qty, date in rows.select("qty", "date").iter_rows()
    ]
    return float(sum(late))


def assert_ever_better(snapshot: Snapshot) -> list[Objective]:
    """Plan at every effort; what is judged may not rise."""
    found = []
    for effort in EFFORTS:
        made = plan(snapshot, "constrained", {**SETTINGS, "effort": effort})
        assert [str(fault) for fault in verify(made, snapshot)] == []
        assert made.run.settings["effort"] == effort
        found.append(objective(made, snapshot))
    for less, more in pairwise(found):
        assert more.no_worse(less), found
    return found


def priced_town(seed: int) -> Snapshot:
    """Give a town whose demands have prices."""
    rows, draw = random_town(seed), random.Random(seed)
    rows["demands"] = [
        {**row, "price": draw.choice((3.0, 10.0, 80.0))} for row in rows["demands"]
    ]
    return factories.snapshot(**rows)


@pytest.mark.req("CAP-06", "DEF-06")
def test_more_effort_is_never_dearer() -> None:
    found = [
        assert_ever_better(priced_town(0)),
        assert_ever_better(factories.snapshot(**random_town(4))),
    ]
    found += [
        assert_ever_better(factories.snapshot(**tables(random_shop(seed))))
        for seed in range(examples(2, 4))
    ]
    assert any(most != least for least, _, most in found)


@pytest.mark.nightly
@pytest.mark.parametrize("seed", [1, 5, *range(100, 160)])
def test_more_effort_is_never_dearer_in_many_towns(seed: int) -> None:
    assert_ever_better(priced_town(seed))
    assert_ever_better(factories.snapshot(**random_town(seed)))


def test_less_missing_goes_before_less_money() -> None:
    assert Judged(1, 9, 9).no_worse(Judged(2, 1, 1))
    assert not Judged(1, 1, 9).no_worse(Judged(1, 2, 8))
    assert Judged(1, 2, 8).no_worse(Judged(1, 2, 8))
