"""Loads that state other open or excess hours than calendars offer are found."""

from __future__ import annotations

import datetime as dt
from typing import TYPE_CHECKING

import pytest

from tests.results.hand_plan import RESULTS, TABLES, also, at, codes, extended, told

if TYPE_CHECKING:
    from tests.results.hand_plan import Row, Tables

LOADS: list[Row] = [
    {**row, "available": 168.0, "overload": 0.0} for row in RESULTS["loads"]
]
"""Without a calendar a resource is open all week."""
SHIFT: Tables = also("calendars", {"calendar": "C"}) | {
    "shifts": [
        {
            "calendar": "C",
            "weekday": 7,
            "start": dt.time(23, 30),
            "finish": dt.time(0),
        }
    ],
    "resources": [{**row, "calendar": "C"} for row in TABLES["resources"]],
}
"""Half an hour a week, from Sunday 23:30 on."""


def spoiled(**cells: object) -> Tables:
    first, *rest = LOADS
    return {"loads": [{**first, **cells}, *rest]}


@pytest.mark.req("CAP-13")
@pytest.mark.parametrize("mode", ["mrp", "constrained"])
def test_hours_that_are_offered_hold(mode: str) -> None:
    assert codes({"loads": LOADS}, mode=mode) == set()


@pytest.mark.req("CAP-13")
@pytest.mark.parametrize("mode", ["mrp", "constrained"])
@pytest.mark.parametrize("cells", [{"available": 160.0}, {"overload": 1.0}])
def test_other_hours_are_found(mode: str, cells: Row) -> None:
    assert codes(spoiled(**cells), mode=mode) == {"VER087"}


@pytest.mark.req("CAP-13")
def test_what_is_over_the_calendar_has_to_be_stated() -> None:
    loads = [
        {**row, "available": 0.5, "overload": row["run"] - 0.5}
        for row in RESULTS["loads"]
    ]
    assert "VER087" not in codes({"loads": loads}, SHIFT)
    loads[1]["overload"] = 0.25
    assert "VER087" in codes({"loads": loads}, SHIFT)


@pytest.mark.req("CAP-13")
def test_a_resource_that_is_not_finite_has_no_excess() -> None:
    endless = SHIFT | extended("resources", finite=False, calendar="C")
    loads = [{**row, "available": 0.5, "overload": 0.0} for row in RESULTS["loads"]]
    assert "VER087" not in codes({"loads": loads}, endless)
    loads[0]["overload"] = 0.5
    assert "VER087" in codes({"loads": loads}, endless)


@pytest.mark.req("CAP-13")
def test_the_finding_names_resource_bucket_and_hours() -> None:
    texts = told(spoiled(available=160.0))
    assert any(
        "FILLER, bucket of 2026-01-26T00:00:00Z: available is 160 h" in text
        and "come to 168 h" in text
        for text in texts
    )


@pytest.mark.req("CAP-13")
def test_nothing_works_while_it_is_cleaned() -> None:
    """FILLER has no calendar and works until 01:00 on Monday."""
    for begin, found in (("2026-02-02 00:30", True), ("2026-02-02 01:00", False)):
        window = {"valid_from": at(begin), "valid_to": at("2026-02-02 02:00")}
        cleaned = also("cleaning_windows", {"resource": "FILLER", **window})
        assert ("VER060" in codes({}, cleaned, "constrained")) == found
