"""What a page of campaigns shows and edits."""

from __future__ import annotations

import re

import pytest

from medhavi.service import campaign_page, page_data
from medhavi.service.answer_cache import AnswerCache
from medhavi.service.campaign_page import (
    FROM,
    CampaignPage,
    change_form,
    change_words,
    chosen_cell,
    load_campaigns,
    matrices,
    matrix_families,
    matrix_table,
    setup_rows,
    show_change,
)
from medhavi.service.plan_pages import decision_words, plan_page
from medhavi.views.names import NOTHING
from medhavi.workbench.files.tables_run import plan_snapshot, write_plan
from tests.api import (
    DataSource,
    Names,
    PageData,
    PageProblem,
    load_data,
    names_of,
    plan,
)
from tests.planners.campaign_shop import matrix, rule, shop
from tests.workbench.setup_company import setup_company

CHANGES = matrix(
    ("FA", "FB", 120, True), ("FB", "FA", 45, False), ("*", "FC", 5, False)
)
CELL = {"matrix": "X", "from_family": "FA", "to_family": "FB", "minutes": "60"}


@pytest.fixture(autouse=True)
def no_memory():
    page_data._benches.clear()
    campaign_page._studies = AnswerCache(4)


def small():
    return shop(
        [("A", 60, 3), ("B", 60, 3.5), ("A", 60, 4)],
        changeovers=CHANGES,
        resource_state=[{"resource": "M", "family": "FA"}],
    )


def data_of(snapshot):
    return PageData(
        source=DataSource(tables="t"), snapshot=snapshot, names=names_of(snapshot)
    )


@pytest.fixture(scope="module")
def studied():
    """Page of campaigns, on which only wrong cells are asked for."""
    return load_campaigns(data_of(small()))


def table(snapshot, name="X"):
    return matrix_table(snapshot, name, matrix_families(snapshot, name, Names()))


@pytest.fixture
def company(tmp_path):
    """A lake with a matrix whose event store is there."""
    setup_company(tmp_path, matrix(("FA", "FB", 120, True)))
    return page_data.load_data


# ---------------------------------------------------------------------------- matrix
@pytest.mark.req("CMP-09", "UI-05")
def test_a_matrix_is_shown_from_family_to_family():
    found = table(small())
    assert found.columns == [FROM, "FA", "FB", "FC", "any family"]
    assert found.rows() == [
        ("FA", NOTHING, "120 ●", "(5)", ""),
        ("FB", "45", NOTHING, "(5)", ""),
        ("FC", "(0)", "(0)", NOTHING, ""),
        ("any family", "", "", "5", ""),
    ]


def test_matrices_and_families_come_from_rows_and_machines():
    used = Names(texts={"M": "Filling 1"})
    assert matrices(small(), used) == {"Filling 1": "X"}, "no id of a matrix is shown"
    found = matrix_families(shop([]), "X", Names(texts={"FA": "Agrumi"}))
    assert list(found.items()) == [
        ("Agrumi", "FA"),
        ("FB", "FB"),
        ("FC", "FC"),
        ("any family", "*"),
    ]
    assert table(shop([]), "Y").columns == [FROM, "any family"]


def test_the_form_begins_with_the_cell_that_was_chosen():
    class Cell:
        row, column = "0", "FB"

    families = matrix_families(small(), "X", Names())
    assert chosen_cell(families, [Cell()], lambda _name: "") == ("FA", "FB")
    asked = {"from": "FB", "to": "ZZ"}
    assert chosen_cell(families, [], asked.__getitem__) == ("FB", None)
    form = change_form(small(), "X", families, [Cell()], lambda _name: "", print)
    assert form.element.value == {
        "from_family": "FA",
        "to_family": "FB",
        "minutes": "120",
        "cleaning": True,
    }
    gone = change_words({**CELL, "minutes": ""}, Names())
    assert gone == "from FA to FB is as a row for any family says"


# ------------------------------------------------------------------------- both plans
@pytest.mark.req("CMP-09", "CMP-10", "UI-05")
def test_a_page_has_both_plans_and_what_campaigns_save():
    found = load_campaigns(data_of(small()))
    assert found.problem is None
    (one,) = found.study.proposals
    assert (one.campaign, one.saved_minutes) == ("M|FA|1", 45.0)
    assert setup_rows(found).rows() == [
        ("M", "with campaigns", 2.0, 1),
        ("M", "without campaigns", 2.75, 2),
    ]
    again = load_campaigns(data_of(small()))
    assert again.study is found.study


def test_what_stands_in_the_way_is_a_problem_of_the_page():
    snapshot = shop(
        [("A", 60, 3)],
        campaign_rules=[rule()],
        resources=[{"resource": "M", "location": "L", "units": 2}],
    )
    found = load_campaigns(data_of(snapshot))
    assert found.study is None
    assert "campaign_rules" in found.problem.text
    assert setup_rows(found).is_empty()
    gone = PageProblem(title="gone", text="gone")
    assert load_campaigns(PageData(source=DataSource(), problem=gone)).problem is gone


@pytest.mark.req("CMP-07", "KPI-20")
def test_a_plan_that_was_carried_out_is_followed(tmp_path):
    made = plan_snapshot(small(), "constrained", {"campaigns": "propose"})
    write_plan(made, tmp_path / "plan")
    found = load_campaigns(data_of(small()), carried_out=str(tmp_path / "plan"))
    assert [one.executed for one in found.study.adherence] == [0]


@pytest.mark.req("CMP-07", "KPI-20")
def test_the_last_published_plan_with_campaigns_is_followed(tmp_path):
    bench = setup_company(tmp_path, matrix(("FA", "FB", 120, True)))
    settings = {"campaigns": "propose", "effort": "light"}
    made = plan(bench.snapshot(), "constrained", settings)
    bench.publish(made, approver="Ada")
    bench.mirror()
    found = page_of(tmp_path)
    assert [one.campaign for one in found.study.adherence] == ["M|FA|1"]


# ------------------------------------------------------------------------------ edits
def page_of(folder) -> CampaignPage:
    source = DataSource(lake=str(folder / "lake"))
    bench = page_data.bench_of(source)
    snapshot = bench.snapshot()
    return load_campaigns(
        PageData(source=source, snapshot=snapshot, names=names_of(snapshot))
    )


@pytest.mark.nightly
@pytest.mark.req("CMP-09", "KPI-19", "KPI-21")
def test_an_edited_cell_shows_all_it_changes_and_binds_when_somebody_approves(tmp_path):
    setup_company(tmp_path, matrix(("FA", "FB", 120, True), ("FB", "FA", 45, False)))
    page = page_of(tmp_path)
    asked = show_change(page, CELL)
    assert asked.binding
    assert asked.preview.price.production == pytest.approx(-30.0)
    # Before 120 + 45 and 120, now 60 + 45 and 60.
    minutes = [
        (
            one.difference.without.setup_minutes,
            one.difference.with_campaigns.setup_minutes,
        )
        for one in (page.study, asked.study)
    ]
    assert minutes == [(165.0, 120.0), (105.0, 60.0)]
    assert asked.preview.plan.fingerprint == asked.study.with_campaigns.fingerprint
    done = plan_page.decide(page, asked, "Ana")
    assert (done.kept, done.text[:10]) == (True, "Changeover")
    told = decision_words.history_html(plan_page.decisions(page), page.names)
    assert re.search(r"Changeover FA to FB \(X\): \d+ (min|h)", told)
    assert table(page_of(tmp_path).snapshot)["FB"][0] == "60 ●"
    assert plan_page.take_back(page, "Ben").kept
    assert page_of(tmp_path).snapshot.fingerprint == page.snapshot.fingerprint


def test_a_folder_shows_the_same_and_keeps_nothing(tmp_path):
    small().to_folder(tmp_path / "t")
    page = load_campaigns(load_data(str(tmp_path / "t")))
    asked = show_change(page, {**CELL, "cleaning": False})
    assert not asked.binding
    assert asked.study.difference.without.setup_minutes == 105.0
    assert not plan_page.decide(page, asked, "Ana").kept


@pytest.mark.parametrize(
    ("cell", "words"),
    [
        ({"minutes": "soon"}, "is not a time"),
        ({"minutes": "-5"}, "0 or more"),
        ({"to_family": None}, "names no change"),
        ({"to_family": "FA"}, "same family"),
    ],
)
def test_a_wrong_cell_is_told(studied, cell, words):
    asked = show_change(studied, {**CELL, **cell})
    assert asked.study is None
    told = asked.problem.text if asked.problem else str(asked.preview.findings[0])
    assert words in told


def test_a_page_without_plans_edits_nothing():
    gone = PageProblem(title="gone", text="gone")
    assert show_change(CampaignPage(problem=gone), CELL).problem is gone
