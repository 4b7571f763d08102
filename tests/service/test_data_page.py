"""The data page on files with errors, on a lake and on nothing."""

from __future__ import annotations

import polars as pl
import pytest

from medhavi.schema.template import example_rows
from medhavi.service.data_pages import data_page
from medhavi.service.page_data import no_data_html, trouble_of
from medhavi.service.plan_pages.plan_loading import load_page
from medhavi.snapshot import Snapshot
from tests.service.promise_company import promise_company


@pytest.fixture(autouse=True)
def nowhere(monkeypatch, tmp_path):
    for name in ("MEDHAVI_LAKE", "MEDHAVI_STORE", "MEDHAVI_TABLES"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.chdir(tmp_path)


@pytest.fixture
def lemonade(tmp_path):
    folder = tmp_path / "lemonade"
    Snapshot.from_frames(example_rows()).to_folder(folder, format="csv")
    return folder


def broken(folder, table, before, after):
    """Write something else into a file of a folder."""
    path = folder / f"{table}.csv"
    path.write_text(path.read_text("utf-8").replace(before, after, 1), "utf-8")


@pytest.mark.req("ENR-10")
def test_errors_of_files_are_listed_where_no_plan_is_made(lemonade) -> None:
    broken(lemonade, "demands", "LEMONADE", "LEMONAID")
    shown = load_page(str(lemonade))
    state = data_page.state_of(shown)
    assert shown.plan is None
    assert state is not None
    assert "1 error, " in data_page.head_html(shown, state, "")
    rows = data_page.finding_rows(state, data_page.TO_DO)
    assert rows["Row"][0] == "D-1, row 2"
    kept: dict[str, str] = {}

    def keep(name: str, value: str) -> None:
        kept[name] = value

    table = data_page.finding_table(rows, state.names, lambda _: "", keep)
    assert table is not None
    table._update(["0"])
    again = data_page.finding_table(rows, state.names, kept.__getitem__, keep)
    assert again is not None
    assert isinstance(again.value, pl.DataFrame)
    assert again.value["Row"].to_list() == ["D-1, row 2"]
    assert data_page.finding_table(rows.clear(), state.names, kept.get, keep) is None
    assert "medhavi check --tables" in data_page.trust(shown, state, "").text


def test_sound_files_say_so_and_notes_are_under_all(lemonade) -> None:
    shown = load_page(str(lemonade), mode="mrp")
    state = data_page.state_of(shown)
    assert state is not None
    assert "Every check passed" in data_page.no_finding(state, "To do").text
    assert "Nothing is refused" in data_page.refused_part(state).text
    assert " rows in 17 tables" in data_page.data_picture(state).text


def test_nothing_served_tells_how_to_begin() -> None:
    shown = load_page()
    assert data_page.state_of(shown) is None
    told = no_data_html(shown.source, shown.problem)
    assert "medhavi demo" in told
    assert "medhavi template --xlsx" in told


@pytest.mark.req("UI-09")
def test_a_folder_without_tables_leads_to_the_upload(tmp_path) -> None:
    (tmp_path / "mine").mkdir()
    shown = load_page(str(tmp_path / "mine"))
    assert shown.snapshot is None
    assert data_page.state_of(shown) is None
    told = trouble_of(shown).text
    assert 'href="/data/?tables=mine&amp;tab=upload"' in told
    assert "The folder mine holds no table yet." in told
    assert "medhavi " not in told


@pytest.mark.req("UI-09")
def test_a_lake_counts_its_events_and_its_freshness(tmp_path, monkeypatch) -> None:
    monkeypatch.setenv("MEDHAVI_LAKE", str(promise_company(tmp_path)))
    shown = load_page(mode="mrp")
    state = data_page.state_of(shown)
    assert state is not None
    assert state.events.height > 0
    assert "newest event" in data_page.head_html(shown, state, "")
    assert "tab=refused" in data_page.tiles(state, "?{rows}")
    assert "medhavi check --lake" in data_page.trust(shown, state, "").text
