"""Cases with a story: what goes in, what a hand finds, what the plan says.

Each folder of tests/golden holds story.md, input.json (tables as rows) and
expected.json (new supplies, fulfilment, pegs, codes of exceptions), all by hand.
"""

from __future__ import annotations

import json
from collections import Counter
from pathlib import Path
from typing import Any

import polars as pl
import pytest

from medhavi.snapshot import Snapshot
from tests.planners.small_plans import verified

GOLDEN = Path(__file__).parents[1] / "golden"
CASES = sorted(folder.name for folder in GOLDEN.iterdir() if folder.is_dir())
MARKS = {
    "net_80": ["MRP-04"],
    "x_150_y_100": ["MRP-02"],
    "safety_once": ["DEF-01"],
    "promised_order": ["DEF-02", "MRP-05"],
    "firm_60_planned_40": ["PEG-05"],
    "two_yields": ["DEF-07", "MRP-18"],
    "forecast_eaten": ["MRP-15"],
}


def opened(name: str) -> tuple[Snapshot, dict[str, Any]]:
    """Give the input and the expected answer of a case."""
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


def counted(entries: list[dict[str, object]]) -> Counter[tuple[object, ...]]:
    return Counter(tuple(entry.values()) for entry in entries)


@pytest.mark.parametrize(
    "name",
    [
        pytest.param(name, marks=pytest.mark.req(*MARKS[name]) if name in MARKS else ())
        for name in CASES
    ],
)
def test_a_case_is_planned_as_its_story_says(name):
    snapshot, expected = opened(name)
    made = verified(snapshot)
    new = made.supplies.filter(pl.col("status") == "planned")
    supplies = ["kind", "product", "location", "qty", "start", "finish"]
    assert rows(new, supplies) == counted(expected["supplies"])
    fulfilment = ["demand", "qty", "planned", "status", "lateness_h"]
    assert rows(made.fulfilment, fulfilment) == counted(expected["fulfilment"])
    pegs = ["demand", "level", "product", "source", "qty"]
    assert rows(made.pegging, pegs) == counted(expected["pegging"])
    assert sorted(made.exceptions["code"]) == expected["exceptions"]


def test_every_case_has_a_story():
    for name in CASES:
        assert (GOLDEN / name / "story.md").read_text("utf-8").startswith("# ")
