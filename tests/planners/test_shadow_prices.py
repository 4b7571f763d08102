"""What more hours would save: solved again, never a price times hours."""

from __future__ import annotations

import datetime as dt
from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np
import polars as pl
import pytest

from medhavi.optimize.highs import Highs
from medhavi.planners.master_plan.blocks import build
from medhavi.planners.master_plan.master_run import built_run
from medhavi.planners.master_plan.statement import state
from medhavi.results.plans.plan import shift_words
from tests import factories
from tests.api import OptimizeParameters, plan
from tests.planners.optimal_plans import DAILY, best
from tests.planners.small_plans import day

if TYPE_CHECKING:
    from medhavi.results.plans.plan import Plan

HARD = {**DAILY, "overload": False}
WEEKDAYS = [
    {"weekday": n, "start": dt.time(0), "finish": dt.time(8)} for n in range(1, 6)
]


def tables(*demands: tuple[float, float, float]) -> dict[str, list[dict[str, object]]]:
    """M makes a unit an hour, eight hours on weekdays: (qty, due, late cost a day)."""
    return {
        "routings": [{"routing": "R", "product": "A"}],
        "steps": [{"routing": "R", "step": 1, "run_minutes_per_unit": 60.0}],
        "step_resources": [{"routing": "R", "step": 1, "resource": "M"}],
        "resources": [{"resource": "M", "calendar": "CAL"}],
        "shifts": WEEKDAYS,
        "demands": [
            {"demand": f"D{n}", "product": "A", "qty": qty, "due": day(due)}
            | {"price": 1000.0, "late_cost_per_day": late}
            for n, (qty, due, late) in enumerate(demands)
        ],
    }


def curve(found: Plan) -> dict[float, float]:
    """What so many hours more of the dearest shift save."""
    rows = found.prices.filter(pl.col("constraint") == "shift")
    first = rows.filter(pl.col("subject") == rows["subject"][0])
    return dict(first.select("more", "saves").iter_rows())


@pytest.mark.req("OME-04")
def test_a_shift_saves_what_it_lets_come_in_time_and_no_more():
    """Ten hours on a day of eight: two units a day late at 3, whatever a shift adds."""
    found = best({**HARD, "shift_hours": 8.0}, **tables((10.0, 1.0, 3.0)))
    price = found.prices.filter(pl.col("constraint") == "capacity")["price"].max()
    assert price == pytest.approx(3.0, rel=1e-3)
    assert curve(found) == {2.0: pytest.approx(6), 4.0: pytest.approx(6)} | {
        8.0: pytest.approx(6)
    }
    assert "2 h more on M from Mon 05 Jan would save 6 EUR by the program" in str(found)


@pytest.mark.req("OME-04")
def test_the_curve_of_a_shift_is_that_of_programs_with_more_hours():
    """An independent program with the hours in it; each hour is worth less."""
    given = tables((20.0, 2.0, 5.0), (30.0, 4.0, 1.0), (12.0, 5.0, 2.0))
    snapshot = factories.snapshot(**given)
    found = plan(snapshot, "optimize", HARD)
    rows = found.prices.filter(pl.col("constraint") == "shift")
    assert rows["more"].to_list() == [2.0, 4.0, 8.0]
    parameters = OptimizeParameters.from_mapping(HARD)
    program = build(state(built_run(snapshot, parameters), parameters)).program
    before = Highs().open(program).solve().objective
    limits = program.row_block("capacity")
    edges = [factories.AS_OF + dt.timedelta(days=n) for n in range(limits.size)]
    for row in rows.iter_rows(named=True):
        upper = program.row_upper.copy()
        upper[limits.start + edges.index(row["bucket"])] += row["more"]
        more = Highs().open(replace(program, row_upper=upper)).solve()
        assert row["saves"] == pytest.approx(before - more.objective)
    slopes = np.diff([0.0, *rows["saves"]]) / np.diff([0.0, *rows["more"]])
    assert (np.diff(slopes) <= 1e-9).all()
    price = found.prices.filter(pl.col("constraint") == "capacity")["price"].max()
    assert (slopes <= price + 1e-6).all()


@pytest.mark.req("OME-04")
def test_a_shift_that_saves_more_than_the_plan_costs_is_said_to():
    """The program is a day late with two units, the plan until two more are made."""
    found = best({**HARD, "shift_hours": 8.0}, **tables((10.0, 1.0, 3.0)))
    assert "save 6 EUR by the program, solved again, more than" in shift_words(found)
    small = found.prices.with_columns(saves=pl.lit(0.1))
    assert "more than the plan costs" not in shift_words(found.replace(prices=small))


def test_a_resource_that_never_closes_has_no_shift_to_add():
    given = tables((40.0, 1.0, 3.0))
    given["resources"] = [{"resource": "M"}]
    del given["shifts"]
    found = best(HARD, **given)
    assert set(found.prices["constraint"]) == {"capacity"}
    assert "would save" not in str(found)


def test_no_price_is_verified_and_no_shift_told_where_none_is_asked_for():
    found = best({**HARD, "prices_verified": 0}, **tables((10.0, 1.0, 3.0)))
    assert set(found.prices["constraint"]) == {"capacity"}
    assert not found.prices["verified"].any()
