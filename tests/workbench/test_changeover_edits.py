"""Editing a changeover matrix: price first, then one event, and the way back."""

from __future__ import annotations

import pytest

from tests.api import plan
from tests.planners.campaign_shop import matrix
from tests.workbench.setup_company import setup_company

OLD = ("X", "FA", "FB")
SETTINGS = {"campaigns": "propose", "effort": "light"}


@pytest.fixture
def bench(tmp_path):
    """A, B, A are wanted of a machine that changes from FA to FB in two hours."""
    return setup_company(tmp_path, matrix(("FA", "FB", 120, True)))


def plan_of(bench):
    return plan(bench.snapshot(), "constrained", SETTINGS)


def cells(bench):
    return bench.snapshot()["changeovers"].rows()


def asked(change, minutes, **more):
    names = ("matrix", "from_family", "to_family")
    key = dict(zip(names, change, strict=True))
    return {"kind": "changeover", "key": key, "value": minutes, **more}


@pytest.mark.req("CMP-09")
def test_a_cell_has_its_price_first_then_is_an_event_and_comes_back(bench):
    before = bench.snapshot().fingerprint
    made = plan_of(bench)
    shown = bench.preview(made, asked(OLD, 30))
    assert shown.ready, shown.findings
    assert cells(bench) == [("X", "FA", "FB", 120.0, 0.0, True)]
    # 90 minutes less of a machine at 30 an hour.
    assert shown.price.production == pytest.approx(-45.0)
    assert shown.plan.run.settings["campaigns"] == "propose"
    done = bench.commit_edit(shown, approver="Ada")
    assert done.events == ("ChangeoverDefined",)
    assert bench.snapshot().fingerprint == shown.fingerprint_after
    assert cells(bench) == [("X", "FA", "FB", 30.0, 0.0, True)]
    (record,) = bench.edit_history()
    assert (record.kind, record.approver) == ("changeover", "Ada")
    assert bench.undo(approver="Bob").events == ("ChangeoverDefined",)
    assert bench.snapshot().fingerprint == before


@pytest.mark.nightly
@pytest.mark.req("CMP-09")
def test_a_cell_that_nobody_stated_is_a_new_row_and_goes_again(bench):
    before = bench.snapshot().fingerprint
    added = bench.change_setup(
        plan_of(bench), ("X", "FB", "FA"), 45, cleaning=True, cost=5, approver="Ada"
    )
    assert added.committed
    assert ("X", "FB", "FA", 45.0, 5.0, True) in cells(bench)
    assert bench.undo(approver="Ada").events == ("ChangeoverRetired",)
    assert bench.snapshot().fingerprint == before
    gone = bench.change_setup(plan_of(bench), OLD, None, approver="Ada")
    assert gone.events == ("ChangeoverRetired",)
    assert cells(bench) == []
    assert bench.undo(approver="Ada").committed
    assert bench.snapshot().fingerprint == before


@pytest.mark.nightly
def test_what_was_edited_again_is_not_taken_back_alone(bench):
    first = bench.change_setup(plan_of(bench), OLD, 60, approver="Ada")
    bench.change_setup(plan_of(bench), OLD, 30, approver="Ben")
    refused = bench.undo(first.edit_id, approver="Ada")
    assert "another one now" in str(refused.findings[0])
    assert bench.undo(approver="Ben").committed
    assert bench.undo(approver="Ada").committed


@pytest.mark.nightly
def test_a_standing_override_is_named_and_ends_with_the_edit(bench):
    names = ("matrix", "from_family", "to_family")
    key = dict(zip(names, OLD, strict=True))
    place = ("changeovers", key, "setup_minutes")
    assert bench.override(plan_of(bench), place, 10, approver="Ada").committed
    shown = bench.preview(plan_of(bench), asked(OLD, 30))
    (told,) = [one for one in shown.findings if one.code == "ORD012"]
    assert "the override by Ada of" in told.message
    assert "keeps 10; then 30." in told.message
    assert bench.commit_edit(shown, approver="Ben").committed
    assert bench.snapshot().fingerprint == shown.fingerprint_after
    assert cells(bench) == [("X", "FA", "FB", 30.0, 0.0, True)]
    assert bench.undo(approver="Ben").committed
    assert cells(bench) == [("X", "FA", "FB", 10.0, 0.0, True)]
    assert bench.undo(approver="Ada").committed
    assert cells(bench) == [("X", "FA", "FB", 120.0, 0.0, True)]


def test_a_plan_of_old_facts_edits_no_matrix(bench):
    old = plan_of(bench)
    bench.change_setup(old, OLD, 60, approver="Ada")
    shown = bench.preview(old, asked(OLD, 30))
    assert shown.status == "stale"
    assert "ChangeoverDefined" in str(shown.changed[0])


@pytest.mark.parametrize(
    ("change", "minutes", "words"),
    [
        (OLD, -1.0, "no number of 0 or more"),
        (OLD, float("nan"), "no number of 0 or more"),
        (OLD, "long", "no number of 0 or more"),
        (OLD, 120.0, "it is so already"),
        (("X", "FA", "FA"), 5.0, "the same family needs no change"),
        (("X", "", "FA"), 5.0, "it names no change"),
        (("X", "FB", "FC"), None, "no row says how long it takes"),
        (("Y", "FA", "FB"), 5.0, "matrix Y is not in the plan or the tables"),
    ],
)
def test_a_wrong_cell_is_refused(shared, change, minutes, words):
    bench, made = shared
    shown = bench.preview(made, asked(change, minutes))
    assert shown.status == "refused"
    assert words in str(shown.findings[0])


@pytest.fixture(scope="module")
def shared(tmp_path_factory):
    """One company for edits that are all refused."""
    place = tmp_path_factory.mktemp("shared")
    bench = setup_company(place, matrix(("FA", "FB", 120, True)))
    return bench, plan_of(bench)
