"""The plan in force: found where plans are kept, current or older, to be built on."""

from __future__ import annotations

import datetime as dt
from dataclasses import replace

import pytest

from medhavi.planners.parameters import TradeOffParameters
from medhavi.workbench import plan_in_force as kept_plans
from medhavi.workbench.plan_in_force import (
    keep_plan,
    nearest_plan,
    plan_in_force,
    renewed_plan,
)
from medhavi.workbench.runs import LastRun, published_plans
from tests import factories
from tests.api import plan
from tests.examples import some
from tests.lakehouse.lake_events import START, event
from tests.planners.small_plans import day
from tests.workbench.edit_company import company, opened, proposal

NOW = START + dt.timedelta(minutes=21)
"""No later than the moment of the company: its now stays."""
MODES = ("mrp", "constrained")
BY_DAY = some(reversed(MODES), 1)


@pytest.fixture
def bench(tmp_path, monkeypatch):
    monkeypatch.setenv("MEDHAVI_CACHE", str(tmp_path / "cache"))
    return company(tmp_path)


def found(bench, mode="constrained"):
    return plan_in_force(bench.snapshot(), mode, bench.lake)


def later(bench, *events):
    bench.store.append_many(list(events))
    bench.mirror()


def of_a_front(snapshot):
    """Plan of mode optimize as a front keeps it: with what it was chosen by."""
    made = plan(snapshot, "optimize", {"effort": "light"})
    chosen = {**made.run.settings, "objectives": ["cost", "churn"], "joins": True}
    own = {**TradeOffParameters().as_dict(), **chosen, "baseline": "of another"}
    return replace(made, run=replace(made.run, settings=own))


@pytest.mark.nightly
def test_a_published_plan_of_a_front_is_renewed_by_the_settings_of_its_mode(bench):
    """It could not be planned again: each job failed with an unknown setting."""
    snapshot = bench.snapshot()
    bench.publish(of_a_front(snapshot), approver="Ada")
    later(
        bench,
        event(90, "StockCounted", occurred=NOW, product="A", location="DC", qty=55.0),
    )
    known = found(bench, "optimize")
    assert not known.current
    made = renewed_plan(bench.snapshot(), "optimize", bench.lake)
    assert made.run.settings["effort"] == "light"
    assert "objectives" not in made.run.settings


def test_an_edit_of_a_plan_of_a_front_is_planned_on_it(bench):
    snapshot = bench.snapshot()
    made = of_a_front(snapshot)
    more = snapshot.replace(demands=snapshot["demands"].with_columns(qty=31.0))
    again = LastRun().plan(made, snapshot, more)
    assert not [one for one in again.findings if "other settings" in one.message]


@pytest.mark.parametrize("mode", MODES)
def test_a_plan_is_made_once_and_read_back_with_all_that_plans_on_it_need(bench, mode):
    assert found(bench, mode) is None
    made = renewed_plan(bench.snapshot(), mode, bench.lake)
    back = found(bench, mode)
    assert back.current
    assert back.plan.fingerprint == made.fingerprint
    assert back.plan.run == made.run
    assert back.plan.findings == made.findings
    assert back.plan.supplies["number"].sort().equals(made.supplies["number"].sort())
    assert (back.plan.basis.schedule is None) == (made.basis.schedule is None)
    assert str(back.plan.explain("D-1")) == str(made.explain("D-1"))
    assert bench.lake.table("gold.plan_runs").collect().height == 1
    assert renewed_plan(bench.snapshot(), mode, bench.lake).fingerprint == (
        made.fingerprint
    )
    assert bench.lake.table("gold.plan_runs").collect().height == 1


@pytest.mark.parametrize("mode", BY_DAY)
def test_an_edit_is_previewed_on_a_plan_that_was_read_back(bench, mode):
    made = renewed_plan(bench.snapshot(), mode, bench.lake)
    edit = {"kind": "firm", "supply": proposal(made)}
    there, back = (
        bench.preview(made, edit),
        bench.preview(found(bench, mode).plan, edit),
    )
    assert back.ready
    assert (back.price, back.plan.fingerprint) == (there.price, there.plan.fingerprint)


def test_a_fact_that_changes_nothing_of_it_leaves_a_plan_in_force(bench):
    made = renewed_plan(bench.snapshot(), "constrained", bench.lake)
    later(bench, event(90, "PromisePolicyDefined", occurred=NOW, policy="P"))
    snapshot = bench.snapshot()
    back = found(bench)
    assert snapshot.fingerprint != made.run.snapshot_fingerprint
    assert back.current
    assert back.plan.fingerprint == made.fingerprint
    assert back.plan.run.snapshot_fingerprint == snapshot.fingerprint


def test_an_edit_that_is_taken_back_leaves_the_plan_before_it_in_force(bench):
    """Pages had it in memory, each job asked for a plan that is gone."""
    first = renewed_plan(bench.snapshot(), "constrained", bench.lake)
    later(bench, event(90, "PromisePolicyDefined", occurred=NOW, policy="P"))
    bench.firm(found(bench).plan, proposal(first), approver="Ada")
    renewed_plan(bench.snapshot(), "constrained", bench.lake)
    assert bench.undo(approver="Ada").committed
    back = found(bench)
    assert back.current
    assert back.plan.fingerprint == first.fingerprint


@pytest.mark.parametrize("mode", some(["constrained", "optimize"], 1))
def test_a_plan_of_earlier_facts_is_older_and_its_renewal_is_built_on_it(bench, mode):
    made = renewed_plan(bench.snapshot(), mode, bench.lake)
    later(bench, *more_stock())
    old = found(bench, mode)
    assert not old.current
    assert old.plan.fingerprint == made.fingerprint
    new = renewed_plan(bench.snapshot(), mode, bench.lake)
    assert [one.code for one in new.findings if one.code.startswith("NET")]
    assert found(bench, mode).current
    assert found(bench, mode).plan.fingerprint == new.fingerprint


def more_stock():
    return (
        event(
            91,
            "StockCounted",
            occurred=NOW,
            product="A",
            location="DC",
            qty=55.0,
        ),
    )


def test_a_plan_is_renewed_on_the_one_whose_facts_are_nearest(bench):
    first = renewed_plan(bench.snapshot(), "constrained", bench.lake)
    done = bench.firm(first, proposal(first), approver="Ada")
    keep_plan(done.preview.plan, bench.snapshot(), bench.lake)
    assert found(bench).plan.fingerprint == done.preview.plan.fingerprint
    assert bench.undo(approver="Ada").committed
    later(
        bench, event(92, "SupplierDefined", occurred=NOW, supplier="S", esg_score=0.5)
    )
    known = found(bench).plan
    assert known.fingerprint == done.preview.plan.fingerprint
    nearest = nearest_plan(bench.snapshot(), known, bench.lake)
    assert nearest.fingerprint == first.fingerprint
    # Where both are as near, the plan in force is the base.
    assert nearest_plan(bench.snapshot(), first, bench.lake) is first
    assert nearest_plan(bench.snapshot(), known, None) is known


def without_schedule(made):
    return replace(made, basis=replace(made.basis, schedule=None))


def of_another_version(made):
    return replace(made, run=replace(made.run, package_version="0.0.1"))


@pytest.mark.nightly
@pytest.mark.req("UI-03")
@pytest.mark.parametrize(
    "earlier",
    some(
        [
            pytest.param(without_schedule, id="no schedule"),
            pytest.param(of_another_version, id="another version"),
        ],
        1,
    ),
)
def test_a_plan_of_an_earlier_release_is_made_anew_once(bench, earlier):
    """Edits on it would each be planned from nothing."""
    snapshot = bench.snapshot()
    made = renewed_plan(snapshot, "constrained", bench.lake, kept=False)
    assert made.basis.schedule is not None
    bench.lake.record(earlier(made), snapshot)
    old = found(bench)
    assert not old.current
    new = renewed_plan(snapshot, "constrained", bench.lake)
    assert new.fingerprint == old.plan.fingerprint
    back = found(bench)
    assert back.current
    assert back.plan.basis.schedule.equals(new.basis.schedule)
    runs = bench.lake.table("gold.plan_runs").collect().height
    edit = {"kind": "firm", "supply": proposal(back.plan)}
    for base, built in ((old.plan, False), (back.plan, True)):
        told = " ".join(str(one) for one in bench.preview(base, edit).plan.findings)
        assert ("earlier release" in told or "version 0.0.1" in told) != built
    assert renewed_plan(snapshot, "constrained", bench.lake).run == back.plan.run
    assert bench.lake.table("gold.plan_runs").collect().height == runs


@pytest.mark.req("UI-03")
def test_a_plan_of_the_cache_without_its_schedule_is_made_anew(
    bench, monkeypatch, tmp_path
):
    snapshot = bench.snapshot()
    keep_plan(without_schedule(plan(snapshot, "constrained")), snapshot, None)
    assert plan_in_force(snapshot, "constrained") is None
    renewed_plan(snapshot, "constrained")
    assert plan_in_force(snapshot, "constrained").current


@pytest.mark.parametrize("mode", BY_DAY)
def test_a_plan_knows_which_events_it_knows(bench, mode):
    """Also those that came while it was made, before it was recorded."""
    snapshot = bench.snapshot()
    later(bench, *more_stock())
    keep_plan(plan(snapshot, mode), snapshot, bench.lake)
    (run,) = bench.lake.table("gold.plan_runs").collect()["run_id"]
    old = bench.lake.recorded_plan(run)
    told = bench.preview(old, {"kind": "firm", "supply": proposal(old)})
    assert told.status == "stale"
    assert [one.type for one in told.changed] == ["StockCounted"]
    new = renewed_plan(bench.snapshot(), mode, bench.lake)
    done = bench.firm(new, proposal(new), approver="Ada")
    assert done.committed
    kept = found(bench, mode).plan
    assert bench.edits.facts.since_plan(kept) == ()


@pytest.mark.parametrize("mode", BY_DAY)
def test_the_plan_of_an_approved_edit_is_in_force_as_it_was_shown(bench, mode):
    first = renewed_plan(bench.snapshot(), mode, bench.lake)
    preview = bench.preview(first, {"kind": "firm", "supply": proposal(first)})
    assert bench.commit_edit(preview, approver="Ada").committed
    back = found(bench, mode)
    assert back.current
    assert back.plan.fingerprint == preview.plan.fingerprint
    assert bench.snapshot().fingerprint == preview.fingerprint_after


def test_a_preview_of_facts_that_moved_on_is_not_in_force(bench):
    first = renewed_plan(bench.snapshot(), "constrained", bench.lake)
    preview = bench.preview(first, {"kind": "firm", "supply": proposal(first)})
    later(bench, event(93, "PromisePolicyDefined", occurred=NOW, policy="P"))
    assert bench.commit_edit(preview, approver="Ada").committed
    assert bench.snapshot().fingerprint != preview.fingerprint_after
    assert (
        not bench.lake.table("gold.plan_runs")
        .collect()["fingerprint"]
        .is_in([preview.plan.fingerprint])
        .any()
    )


def test_plans_of_other_settings_are_no_base(bench):
    first = renewed_plan(bench.snapshot(), "constrained", bench.lake)
    light = plan(bench.snapshot(), "constrained", {"effort": "light"})
    bench.lake.record(light)
    done = bench.firm(first, proposal(first), approver="Ada")
    known = done.preview.plan
    assert bench.undo(approver="Ada").committed
    nearest = nearest_plan(bench.snapshot(), known, bench.lake)
    assert nearest.fingerprint == first.fingerprint


def test_older_plans_are_none_of_another_moment(bench):
    renewed_plan(bench.snapshot(), "mrp", bench.lake)
    later(bench, *more_stock())
    snapshot = bench.snapshot()
    assert plan_in_force(snapshot, "mrp", bench.lake, past=True) is None
    made = renewed_plan(snapshot, "mrp", bench.lake, past=True)
    assert bench.lake.table("gold.plan_runs").collect().height == 1
    back = plan_in_force(snapshot, "mrp", bench.lake, past=True)
    assert back.plan.fingerprint == made.fingerprint


def test_the_published_plan_of_these_facts_comes_before_one_recorded_later(bench):
    snapshot = bench.snapshot()
    first = plan(snapshot, "constrained")
    bench.publish(first, approver="Ada")
    bench.mirror()
    bench.lake.record(first.replace(exceptions=first.exceptions.clear()))
    assert bench.lake.table("gold.plan_runs").collect().height == 2
    assert len(published_plans(bench.lake, "constrained")) == 1
    assert found(bench).plan.fingerprint == first.fingerprint


def test_of_published_plans_of_these_facts_that_published_last_is_in_force(
    bench, tmp_path
):
    first = plan(bench.snapshot(), "constrained")
    other = first.replace(exceptions=first.exceptions.clear())
    other = replace(other, basis=first.basis)
    bench.lake.record(other)
    told = []
    for one in (first, other, first, first, other):
        told.append(bench.publish(one, approver="Ada"))
        bench.mirror()
        again = opened(tmp_path)
        assert found(again).plan.fingerprint == one.fingerprint
    # Publishing what is in force is no further decision, going back to a plan is.
    assert len(set(told)) == 4
    assert told[2] == told[3]


@pytest.mark.parametrize("mode", BY_DAY)
def test_the_plan_of_a_folder_is_kept_in_the_cache(tmp_path, monkeypatch, mode):
    monkeypatch.setenv("MEDHAVI_CACHE", str(tmp_path / "cache"))
    snapshot = factories.snapshot(demands=[{"due": day(9), "qty": 5}])
    made = renewed_plan(snapshot, mode)
    back = plan_in_force(snapshot, mode)
    assert back.current
    assert back.plan.fingerprint == made.fingerprint
    assert back.plan.locale == made.locale


def test_a_lake_that_cannot_be_written_has_its_plan_in_the_cache(bench, monkeypatch):
    def full(*_arguments):
        message = "No space left on device"
        raise OSError(message)

    monkeypatch.setattr(type(bench.lake), "record", full)
    made = renewed_plan(bench.snapshot(), "mrp", bench.lake)
    assert found(bench, "mrp").plan.fingerprint == made.fingerprint


def test_only_so_many_plans_stay_in_the_cache(bench, tmp_path, monkeypatch):
    monkeypatch.setattr(kept_plans, "MOST_KEPT", 1)
    snapshot = bench.snapshot()
    for mode in MODES:
        keep_plan(plan(snapshot, mode), snapshot, None)
    (left,) = (tmp_path / "cache" / "plans").iterdir()
    assert "constrained" in left.name
