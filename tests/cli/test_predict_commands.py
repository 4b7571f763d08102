"""Train, list, promote: what a person reads, and one JSON object for machines."""

from __future__ import annotations

import pytest

from tests.api import Workbench, open_store
from tests.purchases import bought, buyer


@pytest.fixture(scope="module")
def place(tmp_path_factory):
    folder = tmp_path_factory.mktemp("company")
    buyer(folder)
    (folder / "quick.toml").write_text("trees = 10\n", "utf-8")
    return folder


@pytest.fixture
def company(place, monkeypatch):
    monkeypatch.setenv("MEDHAVI_LAKE", str(place / "lake"))
    monkeypatch.setenv("MEDHAVI_STORE", f"sqlite:///{place / 'events.db'}")
    return place


@pytest.mark.nightly
def test_training_is_told_and_what_is_ready_can_be_promoted(medhavi, company):
    recipe = ("--recipe", company / "quick.toml")
    said = medhavi("train", "--kind", "lead_time", *recipe)
    assert said.code == 0
    assert "supplier-lead-time" in said.out
    assert "to use it: medhavi promote supplier-lead-time --approver YOU" in said.out
    used = medhavi("promote", "supplier-lead-time", "--approver", "Anna", "--json")
    assert (used.code, used.answer["model"]) == (0, "supplier-lead-time")
    listed = medhavi("predictors", "--json")
    rows = {(row["model"], row["version"]): row for row in listed.answer["predictors"]}
    row = rows["supplier-lead-time", used.answer["version"]]
    assert "champion" in row["aliases"]
    assert row["metrics"]["gain"] > 0.3
    assert row["tags"]["reason"]
    shown = medhavi("predictors")
    assert "champion" in shown.out
    assert "mlflow ui --backend-store-uri" in shown.out


def test_drift_shows_how_the_newest_outcomes_are_covered(medhavi, company):
    said = medhavi("drift", "--json")
    assert said.code == 0
    rows = {row["model"]: row for row in said.answer["predictors"]}
    assert set(rows) == {
        "supplier-lead-time",
        "lane-lead-time",
        "supplier-on-time",
        "lane-on-time",
    }
    assert rows["lane-on-time"]["recent"][0]["orders"] > 0
    assert "plain rule" in medhavi("drift").out


def test_the_answer_of_training_holds_all_scores(medhavi, company):
    recipe = ("--recipe", company / "quick.toml")
    said = medhavi("train", "--kind", "reliability", *recipe, "--json")
    (supplier, lane) = said.answer["trained"]
    assert (supplier["about"], lane["about"]) == ("supplier", "lane")
    assert {row["method"] for row in supplier["scores"]} >= {"plain", "recent rate"}
    assert isinstance(supplier["promotable"], bool)


@pytest.mark.parametrize(
    ("words", "code", "message"),
    [
        (["train", "--kind", "weather"], 2, "There is no kind 'weather'"),
        (["train", "--recipe", "none.toml"], 2, "cannot be read as a recipe"),
        (["promote", "magic", "--approver", "A"], 2, "There is no predictor magic"),
        (["promote", "lane-lead-time"], 2, "Missing option '--approver'"),
    ],
)
def test_a_wrong_call_is_named(medhavi, company, words, code, message):
    said = medhavi(*words)
    assert said.code == code
    assert message in said.err


def test_a_predictor_that_did_not_earn_it_is_refused_with_exit_1(
    medhavi, company, tmp_path
):
    recipe = tmp_path / "strict.toml"
    recipe.write_text("coverage_level = 0.001\ntrees = 5\n")
    medhavi("train", "--kind", "lead_time", "--recipe", recipe)
    said = medhavi("promote", "lane-lead-time", "--approver", "Anna")
    assert said.code == 1
    assert "The plain quantile stays" in said.err


def test_a_lake_without_predictors_says_how_to_make_some(
    medhavi, tmp_path, monkeypatch
):
    url = f"sqlite:///{tmp_path / 'events.db'}"
    open_store(url).append_many(bought(5, moved=0))
    Workbench(lake=tmp_path / "lake", store=url).mirror()
    said = medhavi("predictors", "--lake", tmp_path / "lake")
    assert said.code == 0
    assert "medhavi train" in said.out
    few = medhavi("train", "--lake", tmp_path / "lake")
    assert few.code == 0
    assert "5 observations, 100 are needed" in " ".join(few.out.split())
