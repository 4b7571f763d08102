"""What a page of campaigns shows and edits."""

from __future__ import annotations

import pytest

from medhavi.errors import UsageError
from medhavi.results.campaign_report import (
    CampaignAdherence,
    CampaignDifference,
    CampaignFigures,
)
from medhavi.service.campaign_page import (
    Change,
    compliance_rows,
    load_campaigns,
    matrices,
    matrix_families,
    matrix_table,
    proposal_rows,
    saving_tiles,
    with_changes,
)
from medhavi.views.format import NOTHING
from tests.planners.campaign_shop import day, matrix, rule, shop

CHANGES = matrix(
    ("FA", "FB", 120, True), ("FB", "FA", 45, False), ("*", "FC", 5, False)
)


def small():
    return shop(
        [("A", 60, 3), ("B", 60, 3.5), ("A", 60, 4)],
        changeovers=CHANGES,
        resource_state=[{"resource": "M", "family": "FA"}],
    )


@pytest.mark.req("CMP-09", "UI-05")
def test_a_matrix_is_shown_from_family_to_family():
    table = matrix_table(small(), "X")
    assert table.columns == ["from", "FA", "FB", "FC", "*"]
    assert table.rows() == [
        ("FA", NOTHING, "120 ●", "", ""),
        ("FB", "45", NOTHING, "", ""),
        ("FC", "", "", NOTHING, ""),
        ("*", "", "", "5", ""),
    ]


def test_matrices_and_families_come_from_rows_and_machines():
    assert matrices(small()) == ["X"]
    assert matrix_families(shop([]), "X") == ["FA", "FB", "FC"]
    assert matrix_table(shop([]), "Y").columns == ["from"]


@pytest.mark.req("CMP-09")
def test_an_edited_cell_changes_the_matrix_and_keeps_the_rest():
    edited = with_changes(
        small(), "X", [Change("FA", "FB", 60), Change("FB", "FC", 10, cleaning=True)]
    )
    table = matrix_table(edited, "X")
    assert table["FB"].to_list()[0] == "60"
    assert table["FC"].to_list()[1] == "10 ●"
    assert table["FA"].to_list()[1] == "45"
    assert matrix_table(small(), "X")["FB"].to_list()[0] == "120 ●"


def test_a_cell_without_minutes_goes():
    edited = with_changes(small(), "X", [Change("FB", "FA", None)])
    assert edited["changeovers"].height == 2


@pytest.mark.parametrize(
    ("change", "match"),
    [
        (Change("FA", "FB", -1), "0 or more"),
        (Change("FA", "FB", float("nan")), "0 or more"),
        (Change("FA", "FA", 5), "same family"),
        (Change("", "FA", 5), "family before"),
    ],
)
def test_a_wrong_cell_is_refused(change, match):
    with pytest.raises(UsageError, match=match):
        with_changes(small(), "X", [change])


@pytest.mark.req("CMP-09", "UI-05")
def test_a_page_has_both_plans_and_what_campaigns_save():
    found = load_campaigns(small())
    assert found.problem is None
    (row, *_) = proposal_rows(found.study.proposals)
    assert (row["campaign"], row["set-up saved"]) == ("M|FA|1", "45 min")
    tiles = saving_tiles(found.study.difference)
    assert [tile.label for tile in tiles] == [
        "Set-up saved",
        "Changes of family",
        "Lateness",
        "Saved in all",
    ]
    assert (tiles[0].state, tiles[1].figure) == ("good", "1")


def test_what_stands_in_the_way_is_a_problem_of_the_page():
    snapshot = shop(
        [("A", 60, 3)],
        campaign_rules=[rule()],
        resources=[{"resource": "M", "location": "L", "units": 2}],
    )
    found = load_campaigns(snapshot)
    assert found.study is None
    assert "campaign_rules" in found.problem.text


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


def test_tiles_say_when_campaigns_do_harm():
    found = CampaignDifference(
        without=figures(10.0, 0.0), with_campaigns=figures(20.0, 5.0)
    )
    states = [tile.state for tile in saving_tiles(found)]
    assert states == ["", "", "bad", "bad"]


@pytest.mark.req("CMP-07", "KPI-20")
def test_compliance_is_told_in_days():
    def one(start_days):
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
            executed=2,
            in_campaign=2,
        )

    rows = compliance_rows([one(1.0), one(-0.5), one(0.0)])
    assert [row["start"] for row in rows] == [
        "1.0 days late",
        "0.5 days early",
        "as planned",
    ]
    assert (rows[0]["end"], rows[0]["quantity"]) == ("not yet", "-10")
    assert (rows[0]["set-up"], rows[0]["in campaign"]) == ("+60 min", "2 of 3")
