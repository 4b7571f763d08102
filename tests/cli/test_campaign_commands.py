"""`medhavi campaigns`: proposals, two plans, adherence."""

from __future__ import annotations

import json

import pytest

from medhavi.errors import UsageError
from medhavi.workbench.studies.campaign_study import study_campaigns
from tests.planners.campaign_shop import matrix, planned, shop


@pytest.fixture
def tables(tmp_path):
    """Folder of a shop with three orders that save a change in a campaign."""
    snapshot = shop(
        [("A", 60, 3), ("B", 60, 3.5), ("A", 60, 4)],
        changeovers=matrix(("FA", "FB", 120, True), ("FB", "FA", 45, False)),
        resource_state=[{"resource": "M", "family": "FA"}],
    )
    snapshot.to_folder(tmp_path / "tables")
    planned(snapshot, "propose").to_folder(tmp_path / "plan")
    return tmp_path


@pytest.mark.req("CMP-06", "CMP-07", "CMP-10")
def test_campaigns_are_proposed_compared_and_followed(medhavi, tables):
    told = medhavi(
        "campaigns", "--tables", tables / "tables", "--plan", tables / "plan", "--json"
    )
    answer = told.answer
    assert told.code == 0
    assert [one["saved_minutes"] for one in answer["proposals"]] == [45.0]
    assert answer["difference"]["setup_reduction"] == pytest.approx(45 / 165)
    assert [one["executed"] for one in answer["adherence"]] == [0]


def test_campaigns_are_told_to_people(medhavi, tables):
    told = medhavi("campaigns", "--tables", tables / "tables", "--how", "propose")
    assert told.code == 0
    assert "set-up reduction 27 %" in told.out
    told = medhavi("campaigns", "--tables", tables / "tables", "--how", "rules")
    assert "No campaigns" in told.out


@pytest.mark.req("KPI-19", "KPI-20", "KPI-21")
def test_the_plan_with_campaigns_is_written_with_their_figures(medhavi, tables):
    out = tables / "out"
    told = medhavi("campaigns", "--tables", tables / "tables", "--out", out, "--json")
    assert told.code == 0
    known = json.loads((out / "kpis.json").read_text("utf-8"))
    assert told.answer["kpis"] == {
        name: known[name]
        for name in ("KPI-19", "KPI-20", "KPI-21", "KPI-21.with", "KPI-21.without")
    }
    assert known["KPI-19"]["value"] == pytest.approx(45 / 165)
    assert known["KPI-20"]["reason"].startswith("needs campaigns that were carried")
    assert known["KPI-21"]["value"] == 0.0


def test_a_plan_that_is_not_there_is_refused(medhavi, tables):
    told = medhavi("campaigns", "--tables", tables / "tables", "--plan", tables)
    assert told.code == 2
    assert "no run.json" in told.err


def test_only_two_ways_are_known():
    with pytest.raises(UsageError, match="rules or propose"):
        study_campaigns(shop([]), how="often")
