"""From receipts to estimates in a snapshot, and what happens when the model is lost."""

from __future__ import annotations

import datetime as dt
import shutil

import polars as pl
import pytest

from medhavi.errors import UsageError
from medhavi.predict.plan_effects import demands_behind
from medhavi.workbench.training.observed_history import history_of, subjects_of
from medhavi.workbench.training.training import NAMES, PLAIN, NotPromoted
from medhavi.workbench.workspace import models_folder
from tests.api import Providers, TrainingRecipe, Workbench, open_store
from tests.purchases import bought, buyer, moment

QUICK = TrainingRecipe(trees=10)


@pytest.fixture(scope="module")
def untrained(tmp_path_factory):
    return buyer(tmp_path_factory.mktemp("company"))


@pytest.fixture(scope="module")
def trained(untrained):
    """Train once, with an approver; tests that follow only look."""
    return untrained, untrained.train(approver="Anna", recipe=QUICK)


@pytest.fixture
def fragile(tmp_path):
    """A trained company of its own, to be broken."""
    bench = buyer(tmp_path)
    bench.train(kinds=("lead_time",), approver="Anna", recipe=QUICK)
    return bench


def estimates(bench: Workbench) -> pl.DataFrame:
    return bench.snapshot()["estimates"]


@pytest.mark.nightly
@pytest.mark.req("SUP-08")
def test_what_beats_the_plain_quantile_is_in_use_with_its_version(trained):
    bench, done = trained
    by_name = {each.model: each for each in done}
    assert set(by_name) == set(NAMES.values())
    supplier = by_name["supplier-lead-time"]
    assert supplier.promoted
    assert supplier.gain > 0.3
    rows = estimates(bench).filter(kind="supplier")
    assert rows["model"].unique().to_list() == ["supplier-lead-time"]
    assert rows["version"].unique().to_list() == [supplier.version]


def test_every_supplier_and_lane_has_an_estimate_near_the_truth(trained):
    bench, _ = trained
    rows = {
        row["subject"]: row for row in estimates(bench).filter(product="*").to_dicts()
    }
    assert rows["STEADY"]["p50"] == pytest.approx(10.0, rel=0.1)
    assert rows["SLOW"]["p50"] == pytest.approx(20.0, rel=0.1)
    assert rows["DC-SHOP"]["p50"] == pytest.approx(2.0, rel=0.1)
    assert rows["SLOW"]["on_time_prob"] < 0.1 < rows["STEADY"]["on_time_prob"]
    assert rows["NEVER-ASKED"]["basis"] == "global"
    assert rows["SLOW"]["basis"] in {"group", "model"}


def test_estimates_are_events_with_rows_hash_and_a_place_in_gold(trained):
    bench, _ = trained
    events = bench.events("EstimatesPublished").collect()
    assert sorted(events["stream"]) == ["estimates-lane", "estimates-supplier"]
    asked = "SELECT kind, count(*) AS n FROM gold.estimates GROUP BY kind ORDER BY kind"
    assert bench.query(asked)["kind"].to_list() == ["lane", "supplier"]
    promoted = bench.events("ModelPromoted").collect()
    assert promoted["actor"].unique().to_list() == ["Anna"]


def test_the_plan_of_the_moment_uses_them(trained):
    bench, _ = trained
    snapshot = bench.snapshot()
    terms = Providers(snapshot).tables["supply_terms"]
    slow = next(row for row in terms if row["supplier"] == "SLOW")
    times = Providers(snapshot).lead_times
    assert times.supplier(slow).amount > 15.0


def test_publishing_the_same_again_is_the_same_event(trained):
    bench, _ = trained
    before = bench.events("EstimatesPublished").collect().height
    again = bench.estimates()
    assert bench.events("EstimatesPublished").collect().height == before
    assert {each.about for each in again} == {"supplier", "lane"}


def test_the_head_of_time_is_not_moved_by_what_was_learned(trained):
    bench, _ = trained
    assert bench.snapshot().as_of == int(moment(400.0).timestamp())


@pytest.mark.nightly
@pytest.mark.req("SUP-08")
def test_a_lost_registry_changes_the_basis_and_never_the_answer(fragile):
    kept = estimates(fragile)
    shutil.rmtree(fragile.models)
    assert estimates(fragile).equals(kept)
    assert kept.filter(kind="supplier")["model"][0] == "supplier-lead-time"
    published = fragile.estimates()
    assert {each.model for each in published} == {PLAIN}
    after = estimates(fragile)
    assert after["basis"].unique().to_list() == ["global"]
    assert after["subject"].to_list() == kept["subject"].to_list()
    again = fragile.train(kinds=("lead_time",), approver="Anna", recipe=QUICK)
    assert again[0].version == "1"


def test_a_version_in_use_without_its_store_stays_in_use_and_is_not_watched(fragile):
    shutil.rmtree(fragile.models)
    supplier, lane, *chances = fragile.drift()
    assert (supplier.champion, supplier.version_in_use) == (None, "1")
    assert supplier.outcomes.is_empty()
    assert "Version 1 is in use" in supplier.problem
    assert "not in the predictor store" in supplier.problem
    assert {one.version_in_use for one in chances} == {""}
    assert lane.about == "lane"
    fragile.estimates()
    supplier = fragile.drift()[0]
    assert (supplier.version_in_use, supplier.problem) == ("", "")
    assert supplier.outcomes.height > 0


def test_lost_files_of_a_model_are_told_and_the_plain_quantile_speaks(fragile):
    for bundle in fragile.models.rglob("bundle.skops"):
        bundle.unlink()
    (supplier,) = [each for each in fragile.estimates() if each.about == "supplier"]
    assert supplier.model == PLAIN
    (told,) = supplier.findings
    assert told.code == "PRED002"
    assert "are gone; train again" in told.message


@pytest.mark.nightly
def test_without_an_approver_nothing_changes_for_planners(tmp_path):
    bench = buyer(tmp_path)
    done = bench.train(kinds=("lead_time",), recipe=QUICK)
    assert [each.model for each in done] == ["supplier-lead-time", "lane-lead-time"]
    assert not any(each.promoted for each in done)
    assert estimates(bench).is_empty()
    used = bench.promote("supplier-lead-time", approver="Anna")
    assert "champion" in used.aliases
    assert estimates(bench).filter(kind="supplier")["model"][0] == "supplier-lead-time"


@pytest.mark.nightly
def test_going_back_to_a_version_is_a_new_decision_each_time(tmp_path):
    bench = buyer(tmp_path)
    name = "supplier-lead-time"
    for trees in (10, 12):
        bench.train(kinds=("lead_time",), recipe=TrainingRecipe(trees=trees))
    one, two = sorted({version(bench, name, place) for place in (0, 1)})
    for wanted in (one, two, one, one):
        assert bench.promote(name, approver="Anna", version=wanted).version == wanted
        again = Workbench(lake=bench.lake.path, store=bench._store_url)
        assert estimates(again).filter(kind="supplier")["version"].unique()[0] == wanted
    told = bench.events("ModelPromoted").collect()
    # What stands is not decided once more.
    assert told.height == 3


def version(bench, name, place):
    from medhavi.predict.registry import Registry

    return Registry(bench.models).versions(name)[place].version


@pytest.mark.nightly
def test_what_did_not_earn_it_is_refused_and_nothing_changes(trained, tmp_path):
    bench = buyer(tmp_path)
    strict = TrainingRecipe(trees=10, coverage_level=0.001)
    bench.train(kinds=("lead_time",), recipe=strict)
    with pytest.raises(NotPromoted, match=r"not promoted: .*The plain quantile stays"):
        bench.promote("lane-lead-time", approver="Anna")
    assert bench.events("ModelPromoted").collect().is_empty()
    done = bench.train(kinds=("lead_time",), recipe=strict, approver="Anna")
    assert not any(each.promoted for each in done)
    assert set(estimates(bench)["model"]) == {PLAIN}
    assert set(estimates(bench)["basis"]) == {"global"}


def test_too_few_observations_train_nothing_and_say_so(tmp_path):
    url = f"sqlite:///{tmp_path / 'events.db'}"
    open_store(url).append_many(bought(20, moved=0))
    bench = Workbench(lake=tmp_path / "lake", store=url)
    bench.mirror()
    supplier, lane = bench.train(kinds=("lead_time",))
    assert supplier.version is None
    assert supplier.reason == "20 observations, 100 are needed"
    assert lane.observations == 0
    assert not bench.models.exists()
    published = bench.estimates()
    assert [each.about for each in published] == ["supplier"]


def test_learning_as_of_a_past_day_sees_only_that_day(untrained, tmp_path):
    then = moment(200.0)
    past = untrained.lake.lead_time_observations(known_at=then)
    assert past["known_at"].max() <= then
    assert past.height < untrained.lake.lead_time_observations().height


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda b: b.train(kinds=("weather",)), "no kind 'weather'"),
        (lambda b: b.train(approver=" "), "name the approver"),
        (lambda b: b.promote("lane-on-time", approver=""), "name the approver"),
        (lambda b: b.promote("magic", approver="Anna"), "There is no predictor magic"),
        (
            lambda b: b.promote("lane-on-time", approver="Anna", version="77"),
            "no version 77",
        ),
    ],
    ids=["kind", "train approver", "promote approver", "model", "version"],
)
def test_a_wrong_call_is_named(trained, call, message):
    with pytest.raises(UsageError, match=message):
        call(trained[0])


def test_promoting_before_training_says_what_to_do(tmp_path):
    bench = buyer(tmp_path)
    with pytest.raises(UsageError, match="run: medhavi train"):
        bench.promote("lane-on-time", approver="Anna")


def test_lead_days_are_open_days_of_the_supplier_without_receipt(untrained):
    snapshot = untrained.snapshot()
    monday_to_friday = [
        {"calendar": "CAL", "weekday": n, "start": dt.time(0), "finish": dt.time(0)}
        for n in range(1, 6)
    ]
    snapshot = snapshot.replace(
        calendars=pl.DataFrame({"calendar": ["CAL"], "timezone": ["UTC"]}),
        shifts=pl.DataFrame(monday_to_friday),
        suppliers=snapshot["suppliers"].with_columns(calendar=pl.lit("CAL")),
        supply_terms=snapshot["supply_terms"].with_columns(receipt_days=pl.lit(1.0)),
    )
    observations = untrained.lake.lead_time_observations()
    history = history_of(observations, snapshot, "supplier")
    elapsed = observations.filter(kind="supplier")["elapsed_days"].mean()
    expected = elapsed * 5 / 7 - 1.0
    assert history["lead_days"].mean() == pytest.approx(expected, rel=0.03)
    lanes = history_of(observations, snapshot, "lane")
    assert lanes["lead_days"].to_list() == pytest.approx(
        observations.filter(kind="lane")["elapsed_days"].to_list(), abs=1e-4
    )


def test_a_supplier_is_asked_for_as_a_whole_and_by_product(untrained):
    asked = subjects_of(untrained.snapshot(), "supplier")
    assert asked.filter(subject="SLOW")["product"].to_list() == ["*", "A"]
    lanes = subjects_of(untrained.snapshot(), "lane")
    assert lanes.rows() == [("DC-SHOP", "*", 2.0)]


def test_models_lie_beside_the_lake_unless_the_surroundings_name_a_place(
    monkeypatch, tmp_path
):
    assert models_folder(tmp_path / "lake") == tmp_path / "models"
    demo = tmp_path / "lakehouse" / "aurora-small" / "lake"
    assert models_folder(demo) == tmp_path / "models" / "aurora-small"
    monkeypatch.setenv("MEDHAVI_MODELS", str(tmp_path / "own"))
    assert models_folder(demo) == tmp_path / "own"


def test_a_training_records_what_it_learned_from_and_can_be_watched(trained):
    bench, _ = trained
    reports = {each.model: each for each in bench.drift()}
    supplier = reports["supplier-lead-time"]
    assert supplier.champion is not None
    assert 0 < int(supplier.champion.tags["position"]) <= bench.lake.position()
    assert supplier.champion.tags["observations"] == str(supplier.observations)
    assert supplier.problem == ""
    assert supplier.outcomes.height > 50
    assert supplier.slipped is None
    assert set(supplier.spread["subject"]) == {"STEADY", "SLOW", "NEVER-ASKED"}
    assert reports["lane-on-time"].champion is None
    assert reports["lane-on-time"].by_month.height > 0


def test_a_version_whose_judged_orders_are_gone_says_so(fragile):
    for file in fragile.models.rglob("outcomes.parquet"):
        file.unlink()
    supplier = fragile.drift()[0]
    assert supplier.outcomes.is_empty()
    assert "Train again to watch it" in supplier.problem
    (fragile.models / "mlflow.db").write_bytes(b"no database at all")
    assert all("cannot be used" in each.problem for each in fragile.drift())


def test_a_training_that_is_stopped_keeps_what_it_has(fragile):
    asked = iter([False, True])
    done = fragile.train(recipe=QUICK, cancelled=lambda: next(asked))
    assert [each.model for each in done] == ["supplier-lead-time"]
    assert fragile.drift()[0].challenger.version == done[0].version


def test_what_a_plan_owes_to_learned_times_is_told(trained):
    bench, _ = trained
    plan = bench.plan(mode="mrp")
    effects = bench.predicted_times(plan)
    assert effects.schema["planned_days"] == pl.Float64
    for row in effects.iter_rows(named=True):
        assert row["stated_days"] == (10.0 if row["kind"] == "supplier" else 2.0)
        assert (
            demands_behind(plan, row["subject"], row["product"]).height
            == (row["demands"])
        )
