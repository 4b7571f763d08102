"""mirror, snapshot, query, quarantine: a lake from the first event on."""

from __future__ import annotations

import os

import pytest

from tests.api import open_store
from tests.company_events import example_history


@pytest.fixture
def store(tmp_path):
    """URL of a store with the example company."""
    url = f"sqlite:///{tmp_path}/events.db"
    open_store(url).append_many(example_history())
    return url


@pytest.fixture
def lake(medhavi, store, tmp_path):
    """Folder of a lake that mirrors that store."""
    assert medhavi("mirror", "--from", store, "--lake", tmp_path / "lake").code == 0
    return tmp_path / "lake"


def test_mirroring_again_brings_nothing(medhavi, store, lake):
    said = medhavi("mirror", "--from", store, "--lake", lake, "--json")
    assert said.code == 0
    assert said.answer["events"] == 0


def test_a_snapshot_of_the_lake_is_the_example(medhavi, lake, example, tmp_path):
    said = medhavi("snapshot", "--lake", lake, "--out", tmp_path / "s", "--json")
    assert said.code == 0
    assert said.answer["tables"]["demands"] == 3
    checked = medhavi("check", "--tables", tmp_path / "s", "--json")
    assert checked.answer["fingerprint"] == said.answer["fingerprint"]


@pytest.mark.req("ENR-10")
def test_a_lake_is_checked_as_tables_are(medhavi, lake):
    said = medhavi("check", "--lake", lake, "--json")
    assert said.code == 0
    assert said.answer["tables"]["demands"] == 3


def test_a_snapshot_knows_nothing_before_it_was_recorded(medhavi, lake, tmp_path):
    said = medhavi(
        "snapshot", "--lake", lake, "--known-at", "2026-03-01T12:00Z",
        "--out", tmp_path / "s", "--format", "csv", "--json",
    )  # fmt: skip
    assert "demands" not in said.answer["tables"]
    assert said.answer["tables"]["products"] == 4


def test_a_snapshot_replaces_an_older_one_and_nothing_else(medhavi, lake, tmp_path):
    out = tmp_path / "s"
    assert medhavi("snapshot", "--lake", lake, "--out", out).code == 0
    assert medhavi("snapshot", "--lake", lake, "--out", out).code == 0
    (out / "notes.txt").write_text("mine")
    said = medhavi("snapshot", "--lake", lake, "--out", out)
    assert said.code == 2
    assert "holds notes.txt" in said.err
    assert (out / "notes.txt").read_text() == "mine"


def test_a_query_answers_in_json(medhavi, lake):
    sql = "select product, qty from stock order by product"
    said = medhavi("query", sql, "--lake", lake, "--json")
    assert said.answer["columns"] == ["product", "qty"]
    assert said.answer["rows"][0] == ["BOTTLE", 400.0]


def test_a_query_prints_a_table_for_people(medhavi, lake):
    said = medhavi("query", "select product from stock", "--lake", lake)
    assert said.code == 0
    assert "LEMONADE" in said.out


@pytest.mark.parametrize(
    "sql", ["selec 1", "select * from nothing", "drop table stock", ""]
)
def test_sql_that_does_not_read_is_a_wrong_call(medhavi, lake, sql):
    said = medhavi("query", sql, "--lake", lake)
    assert said.code == 2, said.err
    assert said.out == ""


def test_an_empty_quarantine_says_so(medhavi, lake):
    said = medhavi("quarantine", "list", "--lake", lake)
    assert "Nothing waits in quarantine" in said.out
    assert medhavi("quarantine", "show", "x", "--lake", lake).code == 2
    assert medhavi("quarantine", "replay", "--lake", lake).code == 0


def test_a_lake_that_is_not_there_is_named(medhavi, tmp_path):
    said = medhavi("query", "select 1", "--lake", tmp_path / "none")
    assert said.code in (2, 4)
    assert "none" in said.err


def test_a_store_that_is_not_there_is_the_environment(medhavi, tmp_path):
    url = f"sqlite:///{tmp_path}/none.db"
    said = medhavi("mirror", "--from", url, "--lake", tmp_path / "lake")
    assert said.code == 4
    assert "there is no event store" in said.err


def test_a_url_of_no_kind_is_a_wrong_call(medhavi, tmp_path):
    said = medhavi("mirror", "--from", "mysql://x", "--lake", tmp_path / "lake")
    assert said.code == 2
    assert "names no event store" in said.err


def test_nothing_named_and_nothing_around_is_a_wrong_call(
    medhavi, tmp_path, monkeypatch
):
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("MEDHAVI_LAKE", raising=False)
    monkeypatch.delenv("MEDHAVI_STORE", raising=False)
    said = medhavi("query", "select 1")
    assert said.code == 2
    assert "MEDHAVI_LAKE" in said.err


def test_the_lake_of_the_surroundings_is_used(medhavi, lake, monkeypatch):
    monkeypatch.setenv("MEDHAVI_LAKE", str(lake))
    assert medhavi("query", "select 1 as one").code == 0


@pytest.mark.skipif(os.geteuid() == 0, reason="root may write everywhere")
def test_a_folder_without_permission_is_the_environment(medhavi, lake, tmp_path):
    closed = tmp_path / "closed"
    closed.mkdir(mode=0o500)
    said = medhavi("snapshot", "--lake", lake, "--out", closed / "s")
    assert said.code == 4
    assert "not permitted" in said.err
