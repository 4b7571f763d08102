"""Verification counts offsets by the work of their step (decision 015)."""

from __future__ import annotations

import copy
import json
from pathlib import Path
from typing import Any

import pytest

from medhavi.snapshot import Snapshot
from tests.api import plan, verify

CASE = Path(__file__).parents[2] / "golden" / "a_shift_before_the_end"


@pytest.mark.parametrize(
    ("table", "minutes"),
    [("bom_lines", 420), ("routing_outputs", -420), ("routing_outputs", -540)],
)
def test_another_offset_than_the_planned_one_is_told(table: str, minutes: int) -> None:
    tables: dict[str, Any] = json.loads((CASE / "input.json").read_text("utf-8"))
    made = plan(Snapshot.from_frames(tables), "mrp")
    other = copy.deepcopy(tables)
    other[table][0]["offset_minutes"] = minutes
    assert verify(made, Snapshot.from_frames(tables)) == []
    assert verify(made, Snapshot.from_frames(other)) != []
