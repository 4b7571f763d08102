"""Cases with a story: what goes in, what a hand finds, what the plan says.

Each folder of tests/golden holds story.md, input.json (tables as rows) and
expected.json, all by hand: new supplies always, and what the story is about of
fulfilment, pegs, deliveries, steps, resources and codes of exceptions. `modes` are
those it holds in, mrp alone where none are stated.
"""

from __future__ import annotations

import json
from collections import Counter
from pathlib import Path
from typing import Any

import polars as pl
import pytest

from medhavi.snapshot import Snapshot
from tests.api import plan, verify
from tests.planners.small_plans import KERNELS

GOLDEN = Path(__file__).parents[1] / "golden"
CASES = sorted(folder.name for folder in GOLDEN.iterdir() if folder.is_dir())
MARKS = {
    "the_other_line_in_time": ["MRP-02"],
    "net_80": ["MRP-04"],
    "x_150_y_100": ["MRP-02"],
    "safety_once": ["DEF-01"],
    "promised_order": ["DEF-02", "MRP-05"],
    "firm_60_planned_40": ["PEG-05"],
    "two_yields": ["DEF-07", "MRP-18"],
    "forecast_eaten": ["MRP-15"],
    "whole_lots": ["MRP-07"],
    "economic_quantity": ["MRP-07"],
    "silver_and_meal": ["MRP-07"],
    "wagner_and_whitin": ["MRP-07"],
    "lots_that_die": ["MRP-07"],
    "safety_of_a_season": ["MRP-06"],
    "grade_a": ["OMI-18"],
}


def opened(name: str) -> tuple[Snapshot, dict[str, Any]]:
    """Input and the expected answer of a case."""
    tables = json.loads((GOLDEN / name / "input.json").read_text("utf-8"))
    expected = json.loads((GOLDEN / name / "expected.json").read_text("utf-8"))
    return Snapshot.from_frames(tables), expected


def rows(frame: pl.DataFrame, names: list[str]) -> Counter[tuple[object, ...]]:
    """Count the rows of some columns; instants as ISO text."""
    texts = [
        pl.col(name).dt.strftime("%Y-%m-%dT%H:%M:%SZ")
        if isinstance(frame.schema[name], pl.Datetime)
        else pl.col(name)
        for name in names
    ]
    return Counter(frame.select(texts).iter_rows())


def kept(entries: list[dict[str, object]], columns: list[str]) -> Counter[Any]:
    return Counter(tuple(entry[name] for name in columns) for entry in entries)


MODES = {name: opened(name)[1].get("modes", ["mrp"]) for name in CASES}
RUNS = [(name, mode) for name in CASES for mode in MODES[name]]
COMPARED = {
    "fulfilment": ("fulfilment", ["demand", "qty", "planned", "status", "lateness_h"]),
    "pegging": ("pegging", ["demand", "level", "product", "source", "qty"]),
    "deliveries": ("deliveries", ["demand", "qty", "date"]),
    "steps": ("operations", ["supply", "step"]),
}
"""What a case may state: the table of the plan, and the columns that are compared."""


@pytest.mark.parametrize(
    ("name", "mode"),
    [
        pytest.param(*run, marks=pytest.mark.req(*MARKS[name]) if name in MARKS else ())
        for run in RUNS
        for name in run[:1]
    ],
)
def test_a_case_is_planned_as_its_story_says(name: str, mode: str) -> None:
    snapshot, expected = opened(name)
    made = plan(snapshot, mode, KERNELS)
    assert [str(fault) for fault in verify(made, snapshot)] == []
    new = made.supplies.filter(pl.col("status") == "planned")
    supplies = ["kind", "product", "location", "qty", "start", "finish"]
    assert rows(new, supplies) == kept(expected["supplies"], supplies)
    for key, (table, columns) in COMPARED.items():
        if key in expected:
            assert rows(made.tables[table], columns) == kept(expected[key], columns)
    for peg in expected.get("pegs_of", ()):
        pegged = made.pegging.filter(demand=peg["demand"], supply=peg["supply"])
        assert pegged["qty"].sum() == peg["qty"]
    if "resources" in expected:
        assert sorted(made.operations["resource"]) == expected["resources"]
    if "exceptions" in expected:
        assert sorted(made.exceptions["code"]) == expected["exceptions"]


def test_every_case_has_a_story():
    for name in CASES:
        assert (GOLDEN / name / "story.md").read_text("utf-8").startswith("# ")


def test_the_page_of_features_lists_every_case_once():
    page = (GOLDEN.parents[1] / "docs" / "features.md").read_text("utf-8")
    rows = [line for line in page.splitlines() if line.startswith("| ")][1:]
    named = [name for row in rows for name in row.split("|")[3].strip().split(", ")]
    assert sorted(named) == CASES
