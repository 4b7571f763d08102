"""What the plan app loads: data, plan, or a problem in words; never a traceback."""

from __future__ import annotations

import datetime as dt
import os

import pytest

from medhavi.errors import UsageError
from medhavi.schema.template import example_rows
from medhavi.service.answer_cache import AnswerCache
from medhavi.service.data_source import choose_source, served_tables
from medhavi.service.page_data import facts_of, keep_in, load_data, read_moment
from medhavi.service.plan_pages import plan_loading, plan_page
from medhavi.service.plan_pages.plan_loading import load_page
from medhavi.service.promise_pages.promise_page import named
from medhavi.snapshot import Snapshot
from tests.api import DataSource, Lake, Progress
from tests.lakehouse.lake_events import START, small_company, store_of
from tests.service.edge_cases import EDGES, written


@pytest.fixture(scope="module")
def lemonade(tmp_path_factory):
    folder = tmp_path_factory.mktemp("tables") / "lemonade"
    Snapshot.from_frames(example_rows()).to_folder(folder, format="csv")
    return folder


@pytest.fixture
def nowhere(monkeypatch, tmp_path):
    for name in ("MEDHAVI_LAKE", "MEDHAVI_STORE", "MEDHAVI_TABLES"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.chdir(tmp_path)
    return tmp_path


def test_a_folder_of_tables_is_planned_and_verified(lemonade):
    shown = load_page(str(lemonade))
    assert shown.plan is not None
    assert (shown.problem, shown.violations) == (None, 0)
    assert shown.names.zone == "Europe/Berlin"
    assert str(shown.source) == "lemonade"


def test_a_reload_does_not_plan_again(lemonade):
    assert load_page(str(lemonade)).plan is load_page(str(lemonade)).plan


def test_a_folder_is_read_and_checked_again_where_a_file_of_it_was_written(tmp_path):
    folder = tmp_path / "lemonade"
    Snapshot.from_frames(example_rows()).to_folder(folder, format="csv")
    read = load_data(str(folder)).snapshot
    assert load_data(str(folder)).snapshot is read
    demands = folder / "demands.csv"
    demands.write_bytes(demands.read_bytes())
    again = load_data(str(folder)).snapshot
    assert again is not read
    assert again.fingerprint == read.fingerprint


def test_only_so_many_plans_are_kept(lemonade, monkeypatch):
    monkeypatch.setattr(plan_loading, "_plans", AnswerCache(1))
    first = load_page(str(lemonade)).plan
    rows = Snapshot.from_folder(lemonade)["demands"].to_dicts()
    rows[0]["qty"] = 123.0
    Snapshot.from_folder(lemonade).replace(demands=rows).to_folder(
        lemonade.parent / "other", format="csv"
    )
    assert load_page(str(lemonade.parent / "other")).plan is not None
    assert load_page(str(lemonade)).plan is not first


def test_progress_is_told(lemonade, monkeypatch, tmp_path):
    monkeypatch.setattr(plan_loading, "_plans", AnswerCache(1))
    monkeypatch.setenv("MEDHAVI_CACHE", str(tmp_path))
    told: list[Progress] = []
    load_page(str(lemonade), observe=told.append)
    assert told[0].phase.startswith("planning (constrained): 3 demands")
    assert Progress("verifying") in told


def test_the_environment_names_the_tables(nowhere, lemonade, monkeypatch):
    monkeypatch.setenv("MEDHAVI_TABLES", str(lemonade))
    assert load_page().source == DataSource(tables=str(lemonade))


def test_an_address_names_served_tables_and_no_path(lemonade, monkeypatch):
    served = {"MEDHAVI_TABLES": f"/data/north{os.pathsep}/old/north{os.pathsep}c.xlsx"}
    assert served_tables(served) == {
        "north": "/data/north",
        "north-2": "/old/north",
        "c.xlsx": "c.xlsx",
    }
    assert choose_source("north-2", served) == DataSource(tables="/old/north")
    for path in ("/old/north", "..", str(lemonade)):
        with pytest.raises(UsageError, match=r"Served: north, north-2, c\.xlsx"):
            choose_source(path, served)
    monkeypatch.setenv("MEDHAVI_TABLES", "")
    refused = load_page(name=str(lemonade))
    assert refused.plan is None
    assert "serve --tables" in refused.problem.text


def test_a_command_names_no_folder_of_the_server(tmp_path, monkeypatch):
    lake = DataSource(lake=str(tmp_path / "a b" / "lake"))
    assert lake.option == " --lake lake"
    monkeypatch.chdir(tmp_path)
    assert lake.option == " --lake 'a b/lake'"
    assert DataSource(tables="t", lake="lake").option == " --tables t"
    assert DataSource().option == ""


def test_without_data_the_page_says_how_to_get_some(nowhere):
    shown = load_page()
    assert shown.problem is not None
    assert "medhavi demo" in shown.problem.text
    assert str(shown.source) == "none"


def test_a_workspace_without_lake_is_refused(nowhere, monkeypatch):
    monkeypatch.setenv("MEDHAVI_STORE", "sqlite:///events.db")
    with pytest.raises(UsageError, match="names no lake"):
        choose_source()


def test_a_folder_that_is_not_there_is_named(tmp_path):
    shown = load_page(str(tmp_path / "missing"))
    assert shown.plan is None
    assert shown.problem is not None
    assert "missing" in " ".join(
        [shown.problem.text, *map(str, shown.problem.findings)]
    )


@pytest.mark.req("QA-05")
@pytest.mark.parametrize(
    ("case", "words"),
    [("cyclic_bom", "A → B → A"), ("zero_capacity", "is never open")],
)
def test_bad_data_is_listed_with_its_place(tmp_path, case, words):
    shown = load_page(str(written(tmp_path, case)))
    assert shown.plan is None
    assert shown.problem is not None
    assert shown.problem.title == "Fix the data errors to plan"
    assert any(words in found.message for found in shown.findings)


@pytest.mark.req("QA-05")
@pytest.mark.parametrize("case", ["no_demand", "past_due", "no_source"])
def test_edges_that_can_be_planned_are_shown(tmp_path, case):
    shown = load_page(str(written(tmp_path, case)))
    assert shown.problem is None
    assert shown.plan is not None
    assert set(EDGES) == {
        "no_demand",
        "cyclic_bom",
        "zero_capacity",
        "past_due",
        "no_source",
    }


def test_a_folder_without_tables_names_its_source_alone(tmp_path):
    """There is no moment to name, nor a time zone: every page shows the findings."""
    data = load_data(str(tmp_path))
    assert data.problem is not None
    assert [name for name, _ in facts_of(data, "")] == ["Source"]
    assert named(data) is data


@pytest.mark.defect
def test_a_defect_is_a_problem_in_words(lemonade, monkeypatch, tmp_path, caplog):
    monkeypatch.setattr(plan_loading, "_plans", AnswerCache(1))
    monkeypatch.setenv("MEDHAVI_CACHE", str(tmp_path))

    def broken(*_arguments, **_options):
        message = "inside"
        raise KeyError(message)

    monkeypatch.setattr("medhavi.workbench.plan_in_force.plan_snapshot", broken)
    shown = load_page(str(lemonade))
    assert shown.problem is not None
    assert shown.problem.title == "Medhavi failed: a defect"
    assert "KeyError" in shown.problem.text
    assert shown.plan is None
    assert "Traceback" in caplog.text  # the log says more, as the page promises
    assert "inside" in caplog.text


def test_a_moment_without_zone_is_local():
    moment = read_moment("2026-07-01 08:00", "Europe/Rome")
    assert moment is not None
    assert moment.isoformat() == "2026-07-01T06:00:00+00:00"


def test_a_moment_with_a_zone_keeps_it():
    moment = read_moment("2026-07-01T08:00+00:00", "Europe/Rome")
    assert moment is not None
    assert moment.isoformat() == "2026-07-01T08:00:00+00:00"


@pytest.fixture
def lake(nowhere, monkeypatch):
    """A lake of a company whose stock and demand were told an hour apart."""
    place = nowhere / "lake"
    Lake(place).mirror(store_of(small_company()))
    monkeypatch.setenv("MEDHAVI_LAKE", str(place))
    return place


def test_a_lake_is_planned_at_its_latest_moment(lake):
    shown = load_page()
    assert shown.problem is None
    assert shown.source == DataSource(lake=str(lake))
    assert str(shown.source) == lake.parent.name


def test_another_moment_is_read_in_local_time(lake):
    asked = (START + dt.timedelta(days=400)).strftime("%Y-%m-%d %H:%M")
    later = load_page(effective_at=asked).snapshot
    assert later is not None
    assert later.as_of == int((START + dt.timedelta(days=400)).timestamp()) // 60 * 60


def test_nothing_binds_that_is_decided_at_a_past_moment(lake):
    for moment in ({"known_at": "2026-01-06"}, {"effective_at": "2026-01-06"}):
        shown = load_page(**moment)
        assert shown.plan is not None
        form = {"kind": "cancel", "supply": "PO-1"}
        asked = plan_page.show_edit(shown, form)
        assert asked.problem is not None
        assert "in the past" in asked.problem.text
        for done in (
            plan_page.take_back(shown, "Ada"),
            plan_page.publish(shown, "Ada"),
        ):
            assert isinstance(done, plan_page.EditResult)
            assert not done.kept
            assert "in the past" in done.text
        assert ("State", "a past moment, nothing is decided") in facts_of(shown, "")


def test_a_moment_before_all_events_is_an_empty_plan(lake):
    shown = load_page(effective_at="1990-01-01")
    assert shown.problem is None
    assert shown.plan is not None
    assert shown.plan.fulfilment.is_empty()


def test_a_moment_of_another_zone_is_the_same_instant(lake):
    there = dt.timezone(dt.timedelta(hours=5))
    utc = Lake(lake).snapshot(effective_at=START)
    assert Lake(lake).snapshot(effective_at=START.astimezone(there)) is not None
    assert (
        Lake(lake).snapshot(effective_at=START.astimezone(there)).fingerprint
        == utc.fingerprint
    )


def test_what_is_no_moment_is_refused():
    with pytest.raises(UsageError, match="'tomorrow': enter a date and time"):
        read_moment("tomorrow")


def test_what_a_form_leaves_empty_goes_out_of_the_address():
    address = {"qty": "4", "customer": "ACME"}
    keep_in(address, {"qty": 5, "customer": "", "due": None})
    assert address == {"qty": "5"}
    keep_in(address, None)
    assert address == {"qty": "5"}
