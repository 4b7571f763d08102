"""Dates without a time: the edge of a local day, its zone by place (rule 43)."""

from __future__ import annotations

import datetime as dt
from importlib.resources import files

import polars as pl
import pytest

from medhavi.snapshot import Snapshot

AS_OF = dt.datetime(2026, 11, 2, tzinfo=dt.UTC)
DAY = dt.date(2026, 11, 16)
END_IN_BERLIN = dt.datetime(2026, 11, 16, 23, tzinfo=dt.UTC)
BEGIN_IN_BERLIN = dt.datetime(2026, 11, 15, 23, tzinfo=dt.UTC)
END_IN_UTC = dt.datetime(2026, 11, 17, tzinfo=dt.UTC)
NEEDED = {"product": "A", "location": "L", "qty": 1}


def company(demands, location=None, zone=None, **tables):
    """One place whose calendar, own zone and the company's are as asked."""
    return Snapshot.from_frames(
        {
            "settings": [{"as_of": AS_OF, "timezone": zone}],
            "products": [{"product": "A"}],
            "locations": [{"location": "L", **(location or {})}],
            "calendars": [{"calendar": "C", "timezone": "Europe/Berlin"}],
            "demands": [
                {"demand": str(place), **NEEDED, **row}
                for place, row in enumerate(demands)
            ],
            **tables,
        }
    )


def dues(snapshot):
    return snapshot["demands"]["due"].to_list()


def codes(snapshot):
    return [found.code for found in snapshot.findings]


@pytest.mark.parametrize("cell", ["2026-11-16", DAY])
def test_a_due_date_is_the_end_of_the_day_of_its_locations_calendar(cell):
    made = company([{"due": cell}], {"calendar": "C"}, zone="Asia/Tokyo")
    assert dues(made) == [END_IN_BERLIN]
    assert "SNAP062" not in codes(made)


def test_a_location_without_a_calendar_has_its_own_zone_else_the_companys():
    own = company([{"due": DAY}], {"timezone": "Europe/Berlin"}, zone="Asia/Tokyo")
    assert dues(own) == [END_IN_BERLIN]
    of_company = company([{"due": DAY}], zone="Europe/Berlin")
    assert dues(of_company) == [END_IN_BERLIN]
    assert "SNAP062" not in codes(of_company)


def test_without_any_zone_dates_are_days_of_utc_with_one_warning():
    made = company([{"due": DAY}, {"due": "2026-11-16"}])
    assert dues(made) == [END_IN_UTC] * 2
    (found,) = [found for found in made.findings if found.code == "SNAP062"]
    assert (found.severity, found.value) == ("warning", "2")


def test_an_instant_with_a_time_stays():
    stated = [
        {"due": "2026-11-16T00:00:00Z"},
        {"due": "2026-11-16 00:00"},
        {"due": dt.datetime(2026, 11, 16, tzinfo=dt.UTC)},
    ]
    made = company(stated, {"calendar": "C"})
    assert dues(made) == [dt.datetime(2026, 11, 16, tzinfo=dt.UTC)] * 3
    assert "SNAP062" not in codes(made)


def test_a_validity_holds_from_the_begin_of_a_day_to_the_end_of_another():
    window = {"valid_from": DAY, "valid_to": DAY}
    made = company(
        [],
        {"calendar": "C"},
        sourcing=[{"product": "A", "location": "L", "source": "S", **window}],
        resources=[{"resource": "R", "location": "L"}],
        resource_units=[{"resource": "R", "units": 1, **window}],
        lanes=[{"lane": "K", "origin": "L", "destination": "L"}],
        lane_blackouts=[{"lane": "K", **window}],
        suppliers=[{"supplier": "S", "calendar": "C"}],
        supplier_capacity=[{"supplier": "S", "qty": 1, **window}],
    )
    for table in ("sourcing", "resource_units", "lane_blackouts", "supplier_capacity"):
        row = made[table].row(0, named=True)
        assert row["valid_from"] == BEGIN_IN_BERLIN, table
        assert row["valid_to"] == END_IN_BERLIN, table


def test_a_forecast_begins_with_its_day():
    made = company([{"due": DAY, "kind": "forecast"}], zone="Europe/Berlin")
    assert dues(made) == [BEGIN_IN_BERLIN]


def test_now_is_the_begin_of_a_day_of_the_company():
    row = {"as_of": "2026-11-16", "timezone": "Europe/Berlin"}
    made = Snapshot.from_frames({"settings": [row]})
    assert made["settings"]["as_of"].item() == BEGIN_IN_BERLIN


def test_a_day_whose_midnight_does_not_exist_begins_after_the_gap():
    # Cairo puts its clocks forward at midnight of 24 April 2026.
    made = company([{"due": dt.date(2026, 4, 23)}], zone="Africa/Cairo")
    assert dues(made) == [dt.datetime(2026, 4, 23, 22, tzinfo=dt.UTC)]


def test_every_instant_of_the_schema_states_its_edge():
    text = (files("medhavi.schema") / "tables.toml").read_text("utf-8")
    stamped = [line for line in text.splitlines() if 'type = "timestamp"' in line]
    assert stamped
    assert all('day = "' in line for line in stamped)


@pytest.mark.parametrize("kind", ["csv", "parquet"])
def test_files_read_dates_like_frames(tmp_path, kind):
    place = tmp_path / "tables"
    place.mkdir()
    frame = pl.DataFrame({"demand": ["1"], **{k: [v] for k, v in NEEDED.items()}})
    dated = frame.with_columns(due=pl.lit(DAY))
    settings = pl.DataFrame({"as_of": ["2026-11-02"], "timezone": ["Europe/Berlin"]})
    settings.write_csv(place / "settings.csv")
    getattr(dated, f"write_{kind}")(place / f"demands.{kind}")
    assert dues(Snapshot.from_folder(place)) == [END_IN_BERLIN]


def test_a_stated_order_of_dates_is_of_the_settings_or_of_the_call(tmp_path):
    (tmp_path / "demands.csv").write_text("demand,due\n1,16.11.2026\n")
    (tmp_path / "settings.csv").write_text("as_of,timezone\n2026-11-02,Europe/Berlin\n")
    assert "SNAP005" in codes(Snapshot.from_folder(tmp_path))
    read = Snapshot.from_folder(tmp_path, date_format="DD.MM.YYYY")
    assert dues(read) == [END_IN_BERLIN]
    (tmp_path / "settings.csv").write_text(
        "as_of,timezone,date_format\n2.11.2026,Europe/Berlin,DD.MM.YYYY\n"
    )
    assert dues(Snapshot.from_folder(tmp_path)) == [END_IN_BERLIN]


def test_the_last_day_of_the_calendar_stands_for_ever():
    made = company([{"due": "9999-12-31"}], {"calendar": "C"})
    assert dues(made) == [dt.datetime(9999, 12, 31, 23, 59, 59, tzinfo=dt.UTC)]
    assert "SNAP005" not in codes(made)
