"""Column names in any case, and those that would be dropped unnoticed."""

from __future__ import annotations

import tomllib
from importlib.resources import files

import pytest

from medhavi.snapshot import Snapshot


def read(*names, table="supply_terms"):
    row = dict.fromkeys(names, "7")
    return Snapshot.from_frames({table: [row]})


def of_names(snapshot):
    return [
        (found.code, found.severity, found.column)
        for found in snapshot.findings
        if found.code in {"SNAP001", "SNAP061"}
    ]


ENDS = {"day": "_days", "h": "_h", "min": "_minutes", "km": "_km"}
"""Units that a name has in it."""


@pytest.mark.req("DEF-20")
def test_columns_of_times_and_distances_name_their_unit():
    """Quarters of an hour were called hours where no name said which they were."""
    text = (files("medhavi.schema") / "tables.toml").read_text("utf-8")
    units = {
        (table, name): column["unit"]
        for table, own in tomllib.loads(text).items()
        for name, column in own.get("columns", {}).items()
        if column.get("unit") in ENDS
    }
    assert len(units) > 30
    bare = {key for key, unit in units.items() if ENDS[unit] not in key[1]}
    assert bare == {("settings", "clock_tolerance")}


@pytest.mark.parametrize("name", ["MOQ", " moq ", "Moq"])
def test_names_in_any_case_and_with_spaces_around_are_read(name):
    made = read("supplier", name)
    assert made["supply_terms"]["moq"].to_list() == [7.0]
    assert of_names(made) == []


def test_spaces_stand_for_underscores():
    made = read("supplier", "Lead Time Days")
    assert made["supply_terms"]["lead_time_days"].to_list() == [7.0]


def test_two_names_for_one_column_are_not_chosen_between():
    made = read("supplier", "MOQ", "Moq")
    assert made["supply_terms"]["moq"].to_list() == [0.0]
    assert of_names(made) == [
        ("SNAP061", "error", "MOQ"),
        ("SNAP061", "error", "Moq"),
    ]


@pytest.mark.parametrize(
    ("name", "meant"),
    [
        ("moqq", "moq"),
        ("leadtime", "lead_time_days"),
        ("lead_time", "lead_time_days"),
        ("lead_tme_days", "lead_time_days"),
        ("vendor", "supplier"),
        ("valid_form", "valid_from"),
    ],
)
def test_a_name_close_to_a_lacking_column_is_an_error(name, meant):
    made = read("product", name)
    assert of_names(made) == [("SNAP061", "error", name)]
    (found,) = [found for found in made.findings if found.code == "SNAP061"]
    assert f"looks like {meant}" in found.message


@pytest.mark.parametrize("name", ["comment", "buyer group", "colour", "created by"])
def test_a_foreign_column_is_a_warning(name):
    assert of_names(read("product", "supplier", name)) == [("SNAP001", "warning", name)]


def test_a_name_close_to_a_column_that_is_there_is_a_warning():
    assert of_names(read("moq", "moq2")) == [("SNAP001", "warning", "moq2")]
