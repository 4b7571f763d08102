"""Versions and aliases: what is kept can be read, by us and by MLflow alike."""

from __future__ import annotations

import subprocess
import sys
import textwrap
from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pytest

from medhavi.errors import EnvironmentFailure, UsageError
from medhavi.predict.backtest import final_model, prepared
from medhavi.predict.estimates import NUMBERS, TEXTS, bundle_of, outputs, predictor_of
from medhavi.predict.lead_time import METHODS
from medhavi.predict.registry import CHALLENGER, CHAMPION, Registry, quietly
from medhavi.predict.reliability import RATES, final_rate
from medhavi.workbench.training.tracking import Tracking
from tests.api import TrainingRecipe
from tests.model_stores import ready
from tests.predict.histories import drawn, steady

RECIPE = TrainingRecipe(trees=10)


@pytest.fixture(scope="module")
def history():
    return drawn(300, {"A": steady(1.0), "B": steady(1.6)})


@pytest.fixture(scope="module")
def sample(history):
    return prepared(history, RECIPE)[0].tail(20)


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    return ready(tmp_path_factory.mktemp("registry") / "models")


def kept(folder, name, model, sample):
    run_id = Tracking(folder).record("tests", name, metrics={"gain": 0.25})
    return Registry(folder).register(
        name, model, sample, run_id=run_id, tags={"promotable": "yes"}
    )


@pytest.mark.parametrize("name", sorted(METHODS))
def test_a_lead_time_model_survives_its_bundle(history, sample, name):
    model = final_model(history, name, RECIPE)
    again = predictor_of(bundle_of(model))
    assert np.array_equal(outputs(model, sample), outputs(again, sample))
    assert bundle_of(again).keys() == bundle_of(model).keys()


@pytest.mark.parametrize("name", sorted(RATES))
def test_a_rate_survives_its_bundle(history, sample, name):
    model = final_rate(history, name, RECIPE)
    again = predictor_of(bundle_of(model))
    assert np.array_equal(outputs(model, sample), outputs(again, sample))


@pytest.mark.req("ANA-05")
@pytest.mark.parametrize("name", ["boosting", "recent level"])
@pytest.mark.nightly
def test_a_registered_model_says_the_same_after_loading(folder, history, sample, name):
    model = final_model(history, name, RECIPE)
    entry = kept(folder, f"loaded-{name.split()[0]}", model, sample)
    again = Registry(folder).load(entry.model, entry.version)
    assert np.array_equal(outputs(model, sample), outputs(again, sample))


@pytest.mark.nightly
def test_mlflow_itself_serves_the_model(folder, history, sample):
    model = final_model(history, "boosting", RECIPE)
    entry = kept(folder, "served", model, sample)
    with quietly():
        import mlflow.pyfunc
        from mlflow import MlflowClient

        address = f"sqlite:///{(folder / 'mlflow.db').resolve()}"
        client = MlflowClient(tracking_uri=address, registry_uri=address)
        place = client.get_model_version_download_uri(entry.model, entry.version)
        served = mlflow.pyfunc.load_model(place)
        asked = sample.select(*TEXTS, *NUMBERS).to_pandas()
        said = served.predict(asked.astype(dict.fromkeys(NUMBERS, "float64")))
    assert list(said.columns) == ["p50", "p80", "p95"]
    assert np.allclose(said.to_numpy(), model.predict(sample))


def test_a_rate_is_served_as_one_chance(folder, history, sample):
    entry = kept(folder, "rate", final_rate(history, "logistic", RECIPE), sample)
    again = Registry(folder).load("rate", entry.version)
    said = outputs(again, sample)
    assert said.shape == (20, 1)
    assert ((said >= 0) & (said <= 1)).all()


def test_the_newest_version_is_the_challenger_and_the_promoted_the_champion(
    folder, history, sample
):
    model = final_model(history, "group", RECIPE)
    first, second = (kept(folder, "aliased", model, sample) for _ in range(2))
    registry = Registry(folder)
    registry.promote("aliased", first.version)
    champion = registry.under("aliased", CHAMPION)
    challenger = registry.under("aliased", CHALLENGER)
    assert champion is not None
    assert challenger is not None
    assert (champion.version, challenger.version) == (first.version, second.version)
    assert [each.version for each in registry.versions("aliased")] == ["2", "1"]
    assert champion.tags["promotable"] == "yes"
    assert champion.metrics["gain"] == 0.25


def test_an_unknown_version_is_named_with_what_is_there(folder, history, sample):
    kept(folder, "known", final_model(history, "group", RECIPE), sample)
    with pytest.raises(
        UsageError, match=r"no version 9 of known\. Registered are: .*known"
    ):
        Registry(folder).version("known", "9")


def test_looking_makes_no_store(tmp_path):
    registry = Registry(tmp_path / "none")
    assert registry.versions() == []
    assert registry.under("x", CHAMPION) is None
    assert not (tmp_path / "none").exists()


def test_lost_and_damaged_files_are_named(folder, history, sample):
    entry = kept(folder, "lost", final_model(history, "group", RECIPE), sample)
    (bundle,) = [
        path
        for path in folder.rglob("bundle.skops")
        if path.stat().st_mtime
        == max(p.stat().st_mtime for p in folder.rglob("bundle.skops"))
    ]
    bundle.write_bytes(b"no skops file")
    with pytest.raises(EnvironmentFailure, match="cannot be read as a predictor"):
        Registry(folder).load("lost", entry.version)
    bundle.unlink()
    with pytest.raises(EnvironmentFailure, match="are gone; train again"):
        Registry(folder).load("lost", entry.version)


def test_types_that_are_not_trusted_are_not_read(folder, history, sample):
    import skops.io

    entry = kept(folder, "foreign", final_model(history, "group", RECIPE), sample)
    newest = max(folder.rglob("bundle.skops"), key=lambda path: path.stat().st_mtime_ns)
    skops.io.dump({"kind": "lead_time", "call": print}, newest)
    with pytest.raises(EnvironmentFailure, match=r"not trusted: builtins\.print"):
        Registry(folder).load("foreign", entry.version)


def test_a_place_that_cannot_hold_models_is_named(tmp_path):
    (tmp_path / "models").write_text("a file")
    with pytest.raises(EnvironmentFailure, match="cannot hold models"):
        Tracking(tmp_path / "models")


def test_two_threads_register_two_versions(folder, history, sample):
    model = final_model(history, "group", RECIPE)
    with ThreadPoolExecutor(2) as pool:
        made = list(pool.map(lambda _: kept(folder, "twice", model, sample), range(2)))
    assert {each.version for each in made} == {"1", "2"}


def test_runs_stand_below_their_parent_with_their_figures(folder):
    tracking = Tracking(folder)
    parent = tracking.record("studies", "all", texts={"note.txt": "of all"})
    child = tracking.record(
        "studies", "one", parent=parent, parameters={"qty": 5}, metrics={"cost": 7.5}
    )
    from medhavi.predict.registry import store_client

    run = store_client(folder).get_run(child)
    assert run.data.tags["mlflow.parentRunId"] == parent
    assert (run.data.params["qty"], run.data.metrics["cost"]) == ("5", 7.5)
    assert run.info.status == "FINISHED"


@pytest.mark.req("ANA-05")
def test_medhavi_and_its_predictors_start_without_mlflow():
    program = """
        import sys
        import medhavi, medhavi.workbench.training.training, medhavi.predict.registry
        import medhavi.cli.application
        heavy = {"mlflow", "sklearn", "skops", "pandas", "marimo"}
        print(sorted(heavy & set(sys.modules)))
    """
    done = subprocess.run(
        [sys.executable, "-c", textwrap.dedent(program)],
        capture_output=True,
        text=True,
        check=True,
    )
    assert done.stdout.strip() == "[]"
