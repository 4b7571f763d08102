"""Earlier values of cells from the log: what was said again, overridden, voided."""

from __future__ import annotations

import pytest

from medhavi.snapshot import Snapshot
from tests.api import CellHistory, Lake
from tests.lakehouse.lake_events import day, event, small_company, store_of

KEY = {"supplier": "S", "product": "A", "location": "DC"}


def lake_of(tmp_path, *told) -> Lake:
    lake = Lake(tmp_path)
    lake.mirror(store_of([*small_company(), *told]))
    return lake


def term(number, days, kind="SupplyTermDefined", **more):
    return event(number, kind, **KEY, lead_time_days=days, **more)


def override(number, value, column="lead_time_days"):
    return event(
        number,
        "OverrideRecorded",
        override=f"O{number}",
        table="supply_terms",
        key=KEY,
        column=column,
        value=value,
        approver="ann",
    )


def told(lake, **moment):
    rows = lake.cell_changes(**moment)
    assert set(rows["table"]) <= {"supply_terms"}
    return (
        rows.filter(rows["column"] == "lead_time_days").select("before", "after").rows()
    )


@pytest.mark.req("NEX-09")
def test_each_change_of_a_number_is_told_in_order(tmp_path):
    lake = lake_of(
        tmp_path, term(20, 120.0), override(21, 5.5), term(22, 7.0, "SupplyTermChanged")
    )
    every = [(5.0, 120.0), (120.0, 5.5), (5.5, 7.0)]
    assert told(lake) == every
    rows = {name: frame.height for name, frame in lake.snapshot().tables.items()}
    assert told(lake, rows=rows) == every


@pytest.mark.req("NEX-09")
def test_what_is_said_again_or_was_never_said_is_no_change(tmp_path):
    lake = lake_of(tmp_path, term(20, 5.0), term(21, 5.0, unit_price=3.0))
    assert told(lake) == []
    assert lake.cell_changes().is_empty()


@pytest.mark.req("NEX-09")
def test_a_change_is_known_from_its_recording_on(tmp_path):
    lake = lake_of(
        tmp_path,
        event(20, "SupplyTermDefined", recorded=day(9), **KEY, lead_time_days=120.0),
    )
    assert told(lake, known_at=day(8)) == []
    assert told(lake) == [(5.0, 120.0)]


@pytest.mark.req("NEX-09")
def test_a_voided_change_was_never_said(tmp_path):
    wrong = term(20, 120.0)
    name = wrong[1][0].event_id
    void = event(21, "EventVoided", event=name, reason="wrong", approver="ann")
    assert told(lake_of(tmp_path, wrong, void)) == []


@pytest.mark.req("NEX-09")
def test_texts_and_columns_without_like_rows_are_passed_over(tmp_path):
    lake = lake_of(
        tmp_path, override(20, 2, "preference"), override(21, "EUR", "currency")
    )
    assert lake.cell_changes().is_empty()


@pytest.mark.req("NEX-09")
def test_the_history_fits_the_rows_of_the_snapshot(tmp_path):
    """The key of a row with an empty validity is the same in both."""
    lake = lake_of(tmp_path, term(20, 120.0))
    history = CellHistory(lake.cell_changes())
    snapshot = lake.snapshot()
    earlier = history.earlier(snapshot, "supply_terms", "lead_time_days")
    assert earlier is not None
    assert earlier.tolist() == pytest.approx([1.6094379])
    assert history.earlier(snapshot, "supply_terms", "moq") is None
    nothing = Snapshot.from_frames({})
    assert history.earlier(nothing, "supply_terms", "lead_time_days") is None
