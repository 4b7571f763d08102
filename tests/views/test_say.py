"""Sentences of the catalogue with their values."""

from __future__ import annotations

import ast
import datetime as dt
from pathlib import Path

import pytest

from medhavi.progress import Progress
from medhavi.views.words import progress_words, say

ROOT = Path(__file__).resolve().parents[2]


def test_numbers_are_written_in_one_way_and_times_need_a_zone():
    assert (
        say("of_lines_and_forecasts", 1714.0, 1743)
        == "1,714 of 1,743 (order lines and forecasts)"
    )
    with pytest.raises(TypeError, match="needs a zone"):
        say("of_lines_and_forecasts", dt.datetime(2026, 1, 6, tzinfo=dt.UTC), 3)


def test_a_sentence_without_its_values_is_refused():
    with pytest.raises(ValueError, match="shorter"):
        say("of_lines_and_forecasts", 1714)
    with pytest.raises(KeyError, match="unknown"):
        say("unknown")


@pytest.mark.parametrize(
    ("progress", "words"),
    [
        (
            Progress("late of priority 4", 12, 1600),
            "Late demands of priority 4: 12 of 1,600",
        ),
        (
            Progress("moves", 30, 2000, incumbent=29.0),
            (
                "Improving the schedule: 30 of 2,000 moves, 29 demands late that could "
                "be on time"
            ),
        ),
        (
            Progress("points", 3, 6, bound=397908.6),
            "Plans made: 3 of 6; none can cost less than 397,909",
        ),
        (
            Progress("search: 1,204 operations, effort 1"),
            "Searching a schedule of 1,204 operations",
        ),
        (Progress("passes", 2, 40), "Scheduling demands by priority: 2 of 40"),
        (Progress("points", 3, 6), "points: 3 of 6"),
        (Progress("Rosa +15 %", 1, 2), "Rosa +15 %: 1 of 2"),
    ],
)
def test_work_in_progress_is_told_in_words_of_a_planner(progress, words):
    assert progress_words(progress) == words


def phases():
    """Phases that planners tell, of their source; a brace for each value."""
    for path in sorted((ROOT / "medhavi/planners").rglob("*.py")):
        for node in ast.walk(ast.parse(path.read_text("utf-8"))):
            if (
                isinstance(node, ast.Call)
                and getattr(node.func, "id", "") == "Progress"
            ):
                told = node.args[0]
                if isinstance(told, ast.Constant):
                    yield str(told.value)
                elif isinstance(told, ast.JoinedStr):
                    parts = (getattr(one, "value", "7") for one in told.values)
                    yield "".join(one if isinstance(one, str) else "7" for one in parts)


OWN_WORDS = {"no schedule exists; looking for the reason"}
"""Phases whose words are those of a person who waits."""


def test_each_phase_of_a_planner_has_words():
    told = {one for one in phases() if not one.startswith("a plan is left out")}
    assert len(told) > 15
    whole = [Progress(one, 1, 2, incumbent=1.0, bound=1.0) for one in told]
    plain = {one.phase for one in whole if progress_words(one) == str(one)}
    assert plain == OWN_WORDS
