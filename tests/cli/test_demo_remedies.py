"""Remedies of the demonstration: each helps its demand, and enough of it."""

from __future__ import annotations

import io
from contextlib import redirect_stdout
from typing import TYPE_CHECKING

import polars as pl
import pytest

from medhavi.cli.application import run
from medhavi.planners.late_remedies.remedy_trials import DemandCosts
from medhavi.results.plans.lateness import not_kept
from medhavi.results.plans.plan import Plan
from medhavi.results.promises.promise import PromiseStatus
from medhavi.snapshot.patch import Patch
from tests.api import Lake, plan, promise, remedies

if TYPE_CHECKING:
    from pathlib import Path

SMALL = 1e-6
TRIES = 12


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("demo") / "aurora"
    with redirect_stdout(io.StringIO()):
        assert run(["demo", "--dir", str(folder)]) == 0
    return folder


@pytest.mark.nightly
def test_each_remedy_of_the_plan_helps_its_demand_and_enough_of_it(folder):
    snapshot = Lake(folder / "lake").snapshot()
    made = Plan.from_folder(folder / "plan-constrained")
    before = DemandCosts(snapshot).of(made)
    found = remedies(snapshot, made, tries=TRIES)
    assert found
    saved = [one.saved for one in found]
    assert saved == sorted(saved, reverse=True)
    for one in found:
        own = before[one.demand]
        assert one.tested_date is not None, one.text
        assert one.tested_date != own.last, one.text
        assert one.lateness_h is not None
        if one.lateness_before_h is not None and not own.short:
            assert one.lateness_h < one.lateness_before_h, one.text
    # The best one, planned again by nobody's help, brings what it says.
    best = found[0]
    again = plan(
        Patch.of(snapshot, best.rows).apply(snapshot),
        made.run.mode,
        dict(made.run.settings),
        baseline=made,
        seed=made.run.seed,
    )
    then = DemandCosts(snapshot).of(again)[best.demand]
    assert again.fingerprint == best.fingerprint
    assert then.last == best.tested_date
    assert then.share >= snapshot.settings.remedies_min_share - SMALL


@pytest.mark.nightly
def test_each_remedy_of_a_promise_improves_date_or_money_of_enough(folder):
    snapshot = Lake(folder / "lake").snapshot()
    late = not_kept(Plan.from_folder(folder / "plan-constrained"))["demand"]
    rows = snapshot["demands"].filter(pl.col("demand").is_in(late.implode()))
    names = ("product", "location", "customer", "qty", "due", "priority")
    share = snapshot.settings.remedies_min_share
    answered = 0
    for row in rows.select(names).iter_rows(named=True):
        (answer,) = promise(snapshot, [dict(row)])
        if answer.status is PromiseStatus.PROMISED:
            assert not answer.remedies
            continue
        answered += 1
        saved = [one.saved for one in answer.remedies]
        assert saved == sorted(saved, reverse=True)
        assert answer.remedies or answer.tried or answer.limiter is None
        for one in answer.remedies:
            assert (one.date, one.qty) != (answer.date, answer.qty), one.text
            earlier = answer.date is None or one.date < answer.date
            assert earlier or one.saved > 0, one.text
            assert one.qty is not None
            assert one.qty >= share * row["qty"] - SMALL, one.text
    assert answered
