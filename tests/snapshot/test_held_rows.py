"""Rows that would stop a plan are held with what hangs on them; the rest is planned."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from medhavi import plan
from medhavi.findings import BadData, has_errors
from medhavi.snapshot import Snapshot
from tests.api import verify
from tests.examples import examples

if TYPE_CHECKING:
    from collections.abc import Mapping

NOW = "2026-01-05T06:00:00Z"


def company(**more: list[dict[str, Any]]) -> dict[str, list[dict[str, Any]]]:
    """Two finished goods, F1 and F2, each made of a material of its own."""
    tables: dict[str, list[dict[str, Any]]] = {
        "settings": [{"as_of": NOW}],
        "products": [
            {"product": name, "unit_cost": 2.0} for name in ("F1", "F2", "M1", "M2")
        ],
        "locations": [{"location": "P"}],
        "routings": [
            {"routing": f"R{n}", "product": f"F{n}", "location": "P"} for n in (1, 2)
        ],
        "bom_lines": [
            {"routing": f"R{n}", "line": 1, "component": f"M{n}", "qty_per": 2.0}
            for n in (1, 2)
        ],
        "steps": [
            {"routing": f"R{n}", "step": 10, "sequence": 1, "run_minutes_per_unit": 1.0}
            for n in (1, 2)
        ],
        "suppliers": [{"supplier": "S"}],
        "supply_terms": [
            {"supplier": "S", "product": f"M{n}", "location": "P", "lead_time_days": 2}
            for n in (1, 2)
        ],
        "demands": [
            {
                "demand": f"D{n}",
                "product": f"F{n}",
                "location": "P",
                "qty": 10.0 * n,
                "due": f"2026-02-0{n}T06:00:00Z",
                "price": 5.0,
            }
            for n in (1, 2)
        ],
    }
    return {
        name: [*tables.get(name, []), *more.get(name, [])]
        for name in {**tables, **more}
    }


def planned(tables: Mapping[str, Any], demands: list[str]) -> pl.DataFrame:
    made = plan(Snapshot.from_frames(tables).hold_bad_rows())
    return made.fulfilment.filter(pl.col("demand").is_in(demands)).drop("limiter")


BAD_ROWS: dict[str, dict[str, list[dict[str, Any]]]] = {
    "stock of an unknown product": {
        "stock": [{"product": "X", "location": "P", "qty": 1.0}]
    },
    "demand of an unknown product": {
        "demands": [
            {
                "demand": "DX",
                "product": "X",
                "location": "P",
                "qty": 3.0,
                "due": "2026-02-01T06:00:00Z",
                "price": 7.0,
            }
        ]
    },
    "terms of an unknown supplier": {
        "supply_terms": [
            {"supplier": "T", "product": "M1", "location": "P", "lead_time_days": 1}
        ]
    },
    "exception that ends before it begins": {
        "calendars": [{"calendar": "C"}],
        "calendar_exceptions": [
            {
                "calendar": "C",
                "start": "2026-03-02T00:00:00Z",
                "finish": "2026-03-01T00:00:00Z",
                "open": False,
            }
        ],
    },
    "number in words": {"stock": [{"product": "F1", "location": "P", "qty": "ten"}]},
}


@pytest.mark.parametrize("name", BAD_ROWS)
def test_the_plan_without_a_held_row_is_the_plan_as_if_it_were_not_there(name):
    bad = BAD_ROWS[name]
    held = Snapshot.from_frames(company(**bad))
    assert has_errors(held.findings)
    kept = held.hold_bad_rows()
    assert not has_errors(kept.findings)
    assert sum(frame.height for frame in kept.held.tables.values()) == 1
    made = plan(kept)
    assert not [one for one in verify(made, kept) if has_errors([one])]
    without = {k: v for k, v in bad.items() if k == "calendars"}
    whole = plan(Snapshot.from_frames(company(**without)))
    for table in ("supplies", "fulfilment", "deliveries", "pegging"):
        assert made.tables[table].equals(whole.tables[table])
    said = made.exceptions.filter(pl.col("code") == "HeldData")
    assert said.height == 1


def test_a_demand_that_is_held_is_named_with_its_money():
    kept = Snapshot.from_frames(
        company(**BAD_ROWS["demand of an unknown product"])
    ).hold_bad_rows()
    made = plan(kept)
    (row,) = made.exceptions.filter(pl.col("code") == "HeldData").to_dicts()
    assert (row["demand"], row["qty"]) == ("DX", 3.0)
    weight = kept.settings.weight(kept["demands"]["priority"][0])
    # a unit never delivered costs 3 prices, times the weight of the priority
    assert f"{3 * 3 * 7.0 * weight:,.0f} " in row["message"]
    (told,) = [one for one in made.findings if one.code == "PLAN018"]
    assert "DX" in told.message


def test_what_hangs_on_a_held_row_is_held_and_the_rest_is_planned():
    tables = company()
    tables["products"][2]["uom"] = "kgs2"  # M1 cannot be counted
    kept = Snapshot.from_frames(tables).hold_bad_rows()
    assert {name: frame.height for name, frame in kept.held.tables.items()} == {
        "products": 1,
        "routings": 1,
        "bom_lines": 1,
        "steps": 1,
        "supply_terms": 1,
    }
    assert kept.held.touched["demand"].to_list() == ["D1"]
    made = plan(kept)
    assert not [one for one in verify(made, kept) if has_errors([one])]
    assert planned(tables, ["D2"]).equals(planned(company(), ["D2"]))
    short = made.exceptions.filter(pl.col("code") == "HeldData")["demand"].to_list()
    assert "D1" in short


def test_a_cycle_is_held_and_what_stands_beside_it_is_planned():
    tables = company(
        routings=[{"routing": "RM", "product": "M1", "location": "P"}],
        bom_lines=[{"routing": "RM", "line": 1, "component": "F1", "qty_per": 1.0}],
        steps=[{"routing": "RM", "step": 10, "sequence": 1}],
    )
    snapshot = Snapshot.from_frames(tables)
    with pytest.raises(BadData, match="SNAP043"):
        plan(snapshot)
    kept = snapshot.hold_bad_rows()
    assert kept.held.tables["routings"]["routing"].to_list() == ["R1", "RM"]
    made = plan(kept)
    assert not [one for one in verify(made, kept) if has_errors([one])]
    assert planned(tables, ["D2"]).equals(planned(company(), ["D2"]))


def test_a_setting_that_cannot_be_used_takes_its_default():
    tables = company()
    tables["settings"][0]["bucket"] = "fortnight"
    kept = Snapshot.from_frames(tables).hold_bad_rows()
    assert kept["settings"]["bucket"].to_list() == ["week"]
    assert [one.code for one in kept.findings if one.table == "settings"] == ["SNAP067"]


def test_without_settings_nothing_is_held_and_the_plan_is_refused():
    tables = company()
    del tables["settings"]
    with pytest.raises(BadData, match="SNAP012"):
        Snapshot.from_frames(tables).hold_bad_rows().require()


def test_strict_names_what_is_held():
    kept = Snapshot.from_frames(
        company(**BAD_ROWS["stock of an unknown product"])
    ).hold_bad_rows()
    assert kept.require() is kept
    with pytest.raises(BadData, match="'X' has no row in products"):
        kept.require(strict=True)


def test_thousands_of_bad_rows_are_one_finding():
    rows = [{"product": f"X{n}", "location": "P", "qty": 1.0} for n in range(3_000)]
    kept = Snapshot.from_frames(company(stock=rows)).hold_bad_rows()
    assert kept.held.count == 3_000
    assert len([one for one in kept.findings if one.code == "SNAP065"]) == 1


FAULTS = st.sampled_from(sorted(BAD_ROWS))


@given(st.lists(FAULTS, min_size=1, max_size=4, unique=True), st.booleans())
@settings(max_examples=examples(3, 6))
def test_any_mixture_of_faults_leaves_a_plan_that_verifies(names, cycle):
    tables = company()
    for name in names:
        for table, rows in BAD_ROWS[name].items():
            tables.setdefault(table, []).extend(rows)
    if cycle:
        tables["bom_lines"].append(
            {"routing": "R1", "line": 2, "component": "F1", "qty_per": 1.0}
        )
    kept = Snapshot.from_frames(tables).hold_bad_rows()
    assert not has_errors(kept.findings)
    made = plan(kept)
    assert not [one for one in verify(made, kept) if has_errors([one])]
    told = {one.table for one in made.findings if one.code == "SNAP065"}
    assert told == set(kept.held.tables)
    assert planned(tables, ["D2"]).equals(planned(company(), ["D2"]))
