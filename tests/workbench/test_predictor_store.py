"""A predictor store that cannot be used: one finding, the plain rule, no exception."""

from __future__ import annotations

import shutil
import sqlite3
from contextlib import closing

import pytest

from medhavi.errors import EnvironmentFailure
from medhavi.predict import versions
from medhavi.predict.registry import Registry, store_client
from medhavi.predict.versions import DATABASE
from medhavi.workbench.training.training import PLAIN
from tests.api import TrainingRecipe, Workbench
from tests.examples import some
from tests.purchases import buyer

QUICK = TrainingRecipe(trees=5)


@pytest.fixture(scope="module")
def trained(tmp_path_factory):
    """Folder of a company with a predictor in use; tests break copies of it."""
    folder = tmp_path_factory.mktemp("trained") / "company"
    folder.mkdir()
    bench = buyer(folder)
    done = bench.train(kinds=("lead_time",), approver="Anna", recipe=QUICK)
    assert done[0].promoted
    return folder


@pytest.fixture
def company(trained, tmp_path):
    """Copy of the company in another folder."""
    folder = tmp_path / "copy"
    shutil.copytree(trained, folder)
    return Workbench(lake=folder / "lake", store=f"sqlite:///{folder / 'events.db'}")


def told(published):
    """Findings of all batches together, each once."""
    return list(dict.fromkeys(each for one in published for each in one.findings))


@pytest.mark.nightly
@pytest.mark.req("SUP-08")
def test_a_moved_workspace_keeps_its_predictors(trained, tmp_path):
    first, second = tmp_path / "first", tmp_path / "second"
    shutil.copytree(trained, first)
    first.rename(second)
    bench = Workbench(lake=second / "lake", store=f"sqlite:///{second / 'events.db'}")
    published = bench.estimates()
    assert told(published) == []
    assert "supplier-lead-time" in {each.model for each in published}
    store_client(bench.models)  # whoever writes puts the places right
    with closing(sqlite3.connect(second / "models" / DATABASE)) as file:
        places = file.execute("SELECT source FROM model_versions").fetchall()
        places += file.execute("SELECT artifact_uri FROM runs").fetchall()
    assert places
    assert all(place.startswith(second.as_uri()) for (place,) in places)


def test_a_copy_reads_its_own_models_and_not_those_it_was_copied_from(company, trained):
    company.estimates()
    entry = Registry(company.models).versions("supplier-lead-time")[0]
    for bundle in company.models.rglob("bundle.skops"):
        bundle.unlink()
    with pytest.raises(EnvironmentFailure, match="are gone; train again"):
        Registry(company.models).load(entry.model, entry.version)
    assert list((trained / "models").rglob("bundle.skops"))


def cut(database):
    database.write_bytes(database.read_bytes()[: database.stat().st_size // 2])


def overwritten(database):
    content = database.read_bytes()
    database.write_bytes(b"no database at all" + content[18:])


def torn(database):
    """Write noise over the pages behind the first ones."""
    content = bytearray(database.read_bytes())
    content[8192:65536] = b"\xff" * (65536 - 8192)
    database.write_bytes(bytes(content))


@pytest.mark.req("SUP-08")
@pytest.mark.parametrize("damage", some([cut, overwritten, torn], 1))
def test_a_damaged_store_gives_one_finding_and_the_plain_rule(company, damage):
    damage(company.models / DATABASE)
    published = company.estimates()
    (found,) = told(published)
    assert found.code == "PRED001"
    assert str(company.models / DATABASE) in found.message
    assert {each.model for each in published} == {PLAIN}
    assert set(company.snapshot()["estimates"]["basis"]) == {"global"}
    with pytest.raises(EnvironmentFailure, match=r"cannot be used .* medhavi train"):
        company.promote("supplier-lead-time", approver="Anna")
    with pytest.raises(EnvironmentFailure, match=r"cannot be used .* medhavi train"):
        company.train(kinds=("lead_time",), recipe=QUICK)


def test_an_emptied_store_names_the_predictor_that_was_in_use(company):
    (company.models / DATABASE).write_bytes(b"")
    (found,) = told(company.estimates())
    assert found.code == "PRED002"
    assert found.value is not None
    assert "supplier-lead-time" in found.value


def test_a_deleted_folder_names_the_predictor_that_was_in_use(company):
    shutil.rmtree(company.models)
    published = company.estimates()
    (found,) = told(published)
    assert found.code == "PRED002"
    assert "no version of it in use" in found.message
    assert {each.model for each in published} == {PLAIN}


def test_a_locked_store_is_waited_for_and_then_the_plain_rule_speaks(
    company, monkeypatch
):
    monkeypatch.setattr(versions, "PATIENCE_S", 0.2)
    with closing(sqlite3.connect(company.models / DATABASE)) as other:
        other.execute("BEGIN EXCLUSIVE")
        (found,) = told(company.estimates())
    assert found.code == "PRED001"
    assert "locked" in found.message
    assert told(company.estimates()) == []


def test_a_folder_that_cannot_be_written_still_speaks_and_refuses_to_learn(company):
    # Root may write anywhere, so the lock itself is made impossible.
    lock = company.models / ".lock"
    lock.unlink()
    lock.mkdir()
    published = company.estimates()
    assert told(published) == []
    assert "supplier-lead-time" in {each.model for each in published}
    with pytest.raises(EnvironmentFailure, match="cannot hold models"):
        company.train(kinds=("lead_time",), recipe=QUICK)


def test_the_step_of_the_cycle_says_what_was_lost(company):
    from medhavi.workbench.cycle.steps import CycleState, StepRule, do

    cut(company.models / DATABASE)
    work = CycleState(company, company.lake.path, "Anna", lambda _text: None)
    rule = StepRule(name="estimates", automation="commit", trigger="always")
    done = do(rule, work)
    assert "PRED001" in done.text
    findings = done.facts["findings"]
    assert isinstance(findings, list)
    assert [each["code"] for each in findings] == ["PRED001"]
