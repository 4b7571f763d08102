"""Campaigns in words and pictures."""

from __future__ import annotations

from dataclasses import replace

import polars as pl
import pytest

from medhavi.results.reports.campaign import (
    CampaignAdherence,
    CampaignDifference,
    CampaignFigures,
    CampaignProposal,
    campaign_measures,
)
from medhavi.views.plan_pages.campaign_words import (
    campaigns_command,
    compliance_html,
    compliance_rows,
    kpis_html,
    proposal_rows,
    proposals_html,
    runs_html,
    saving_finding,
    saving_tiles,
    setup_chart,
)
from medhavi.views.theme import title_of
from tests.api import Names
from tests.planners.campaign_shop import day

ROME = Names(zones={"M": "Europe/Rome"}, currency="EUR")


def figures(minutes, lateness):
    return CampaignFigures(
        setups=1,
        setup_minutes=minutes,
        setup_money=0.0,
        late=0,
        unserved=0,
        lateness_hours=lateness,
        lateness_money=lateness,
        inventory=0.0,
    )


SAVED = CampaignDifference(
    without=figures(200.0, 4.0), with_campaigns=figures(50.0, 10.0)
)


def adherence(start_days, executed=2, in_campaign=2):
    return CampaignAdherence(
        campaign="M|FA|1",
        resource="M",
        planned_start=day(5),
        planned_finish=day(6),
        actual_start=None,
        actual_finish=None,
        start_days=start_days,
        finish_days=None,
        qty_planned=100.0,
        qty_actual=90.0,
        setup_planned_minutes=0.0,
        setup_actual_minutes=60.0,
        assigned=3,
        executed=executed,
        in_campaign=in_campaign,
    )


PROPOSAL = CampaignProposal(
    campaign="M|FA|1",
    resource="M",
    family="FA",
    orders=("a", "b"),
    qty=120.0,
    start=day(1.5),
    finish=day(2),
    setup_before_minutes=90.0,
    setup_minutes=0.0,
    saved_money=45.0,
    ahead_hours=0.0,
    lateness_hours=0.0,
    lateness_money=0.0,
)


def kpis(**values):
    names = {"KPI-19": "Set-up reduction", "KPI-20": "Adherence", "KPI-21": "Lateness"}
    rows = [
        {
            "kpi": code,
            "name": name,
            "value": values.get(code[:3] + code[4:]),
            "unit": "hour" if code == "KPI-21" else "fraction",
            "reason": None
            if values.get(code[:3] + code[4:]) is not None
            else "no facts",
        }
        for code, name in names.items()
    ]
    return pl.DataFrame([*rows, {**rows[0], "kpi": "KPI-13", "name": "Mean lateness"}])


# --------------------------------------------------------------------------- figures
@pytest.mark.req("KPI-19", "KPI-21")
def test_150_of_200_minutes_saved_are_three_quarters_and_lateness_is_told_apart():
    found = campaign_measures(SAVED)
    (reduction,) = found["KPI-19"]
    assert (reduction.value, reduction.numerator, reduction.denominator) == (
        0.75,
        150.0,
        200.0,
    )
    assert [(one.part, one.value) for one in found["KPI-21"]] == [
        ("", 6.0),
        ("without", 4.0),
        ("with", 10.0),
    ]
    assert "KPI-20" not in found
    nothing = CampaignDifference(without=figures(0, 0), with_campaigns=figures(0, 0))
    assert campaign_measures(nothing)["KPI-19"][0].value is None


@pytest.mark.req("KPI-20")
def test_two_of_three_in_a_row_and_one_not_begun_are_two_thirds():
    begun, waiting = adherence(1.0), adherence(None, executed=0, in_campaign=0)
    (kept,) = campaign_measures(SAVED, [begun, waiting])["KPI-20"]
    assert kept.value == pytest.approx(2 / 3)
    (unknown,) = campaign_measures(SAVED, [waiting])["KPI-20"]
    assert (unknown.value, unknown.reason) == (None, "no order of a campaign has begun")


# ------------------------------------------------------------------------------ words
def test_tiles_say_when_campaigns_help_and_when_they_do_harm():
    assert [tile.state for tile in saving_tiles(SAVED)] == ["good", "", "bad", "bad"]
    assert saving_tiles(SAVED)[2].label == "Added lateness"
    assert saving_finding(SAVED).startswith("Campaigns save ")
    even = replace(SAVED, with_campaigns=SAVED.without)
    assert saving_finding(even).startswith("Campaigns save nothing here: ")
    harm = CampaignDifference(
        without=figures(10.0, 0.0), with_campaigns=figures(20.0, 5.0)
    )
    assert [tile.state for tile in saving_tiles(harm)] == ["", "", "bad", "bad"]


@pytest.mark.req("CMP-10")
def test_two_runs_stand_side_by_side_and_four_with_an_edited_cell():
    assert runs_html(SAVED).count("<tr>") == 3
    told = runs_html(SAVED, SAVED)
    assert told.count("<tr>") == 5
    assert "New cell, with campaigns" in told
    assert "2 h 30 min" not in told
    assert "3 h 20 min" in told


def test_figures_of_campaigns_are_told_with_the_reason_where_there_is_none():
    told = kpis_html(kpis(KPI19=0.75, KPI21=6.0))
    assert "75 %" in told
    assert "6 h" in told
    assert "no facts" in told
    assert "Mean lateness" not in told
    both = kpis_html(kpis(KPI19=0.75), kpis(KPI19=0.5))
    assert "50 %" in both
    assert "Adherence" not in both


@pytest.mark.req("CMP-06")
def test_proposals_are_told_in_the_time_of_their_resource():
    (row,) = proposal_rows([PROPOSAL], ROME)
    assert (row["Start"], row["Changeover time saved"]) == (
        "Tue 6 Jan, 13:00",
        "1 h 30 min",
    )
    assert "and 40 more" in proposals_html([PROPOSAL] * 60)
    assert "No campaigns are proposed" in proposals_html([])


@pytest.mark.req("CMP-07", "KPI-20")
def test_compliance_is_told_in_days():
    rows = compliance_rows([adherence(1.0), adherence(-0.5), adherence(0.0)])
    assert [row["Start"] for row in rows] == [
        "1 d late",
        "12 h early",
        "as planned",
    ]
    assert (rows[0]["End"], rows[0]["Quantity"]) == ("not yet", "-10")
    assert (rows[0]["Set-up"], rows[0]["In campaign"]) == ("+60 min", "2 of 3")
    assert rows[0]["Campaign"] == "FA on M, no. 1"
    assert "FA on M" in compliance_html([adherence(1.0)])
    assert "Publish a plan" in compliance_html([])


def test_the_command_line_names_its_source():
    assert campaigns_command(" --tables 'my t'") == (
        "medhavi campaigns --tables 'my t' --how propose"
    )
    assert campaigns_command(how="rules") == "medhavi campaigns --how rules"


# --------------------------------------------------------------------------- pictures
def test_the_picture_has_two_bars_a_resource_and_says_what_is_saved():
    rows = pl.DataFrame(
        {
            "resource": ["M", "M", "N"],
            "plan": ["with campaigns", "without campaigns", "without campaigns"],
            "hours": [1.0, 3.0, 0.0],
            "changes": [1, 2, 1],
        }
    )
    chart = setup_chart(rows)
    assert title_of(chart) == "2 h less set-up with campaigns: 1 h instead of 3 h"
    # Beside its title a phone has no room for both words.
    assert chart.to_dict()["encoding"]["color"]["legend"]["orient"] == "bottom"
    values = chart.to_dict()["data"]["values"]
    assert [one["tip"] for one in values] == [
        "M with campaigns: 1 changes, 1 h",
        "M without campaigns: 2 changes, 3 h",
    ]
    assert setup_chart(rows.head(0)) is None
