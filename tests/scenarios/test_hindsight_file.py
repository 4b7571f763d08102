"""Hindsight files: what they say, and every problem of a wrong one."""

from __future__ import annotations

import datetime as dt

import pytest

from medhavi.findings import BadData
from medhavi.workbench.studies.hindsight import is_hindsight, parse_hindsight

WHOLE = """
name = "last-quarter"
base = { lake = "lakehouse/demo", known_at = "2026-11-01T00:00:00Z" }
executor = "serial"
[hindsight]
start = 2026-08-01
finish = "2026-10-31"
every_days = 2
policy = "Gold"
tolerance_hours = 4
"""


def test_a_whole_file_is_read():
    study = parse_hindsight(WHOLE)
    assert (study.name, study.lake) == ("last-quarter", "lakehouse/demo")
    assert study.known_at == dt.datetime(2026, 11, 1, tzinfo=dt.UTC)
    assert (study.start, study.finish) == (dt.date(2026, 8, 1), dt.date(2026, 10, 31))
    assert (study.every_days, study.policy) == (2, "Gold")
    assert (study.tolerance_hours, study.executor) == (4.0, "serial")


def test_the_least_file_asks_every_day():
    study = parse_hindsight('name = "h"\nbase = { lake = "l" }\n[hindsight]\n')
    assert (study.start, study.finish, study.every_days) == (None, None, 1)


def test_a_table_makes_a_study_a_hindsight():
    assert is_hindsight(WHOLE)
    assert not is_hindsight('name = "s"')
    assert not is_hindsight("name = ")


def test_every_problem_is_named_at_once():
    text = """
    base = { tables = "t", known_at = "soon" }
    executor = "moon"
    seeds = [1]
    [hindsight]
    start = "2026-08-09"
    finish = "2026-08-01"
    every_days = 0
    tolerance_hours = -1
    policy = 3
    untill = "2026-09-01"
    """
    with pytest.raises(BadData) as caught:
        parse_hindsight(text)
    found = [(one.code, one.column or one.value) for one in caught.value.findings]
    assert sorted(str(place) for _, place in found) == sorted(
        [
            "seeds",
            "tables",
            "untill",
            "name",
            "lake",
            "known_at",
            "executor",
            "finish",
            "every_days",
            "tolerance_hours",
            "policy",
        ]
    )


@pytest.mark.parametrize(
    "text",
    [
        "name = ",
        'name = "a/b"\nbase = { lake = "l" }\n[hindsight]',
        'name = "h"\nbase = 3\n[hindsight]',
        'name = "h"\nbase = { lake = "l" }\nhindsight = 3',
        'name = "h"\nbase = { lake = "l" }\n[hindsight]\nstart = "2026-08-01T10:00"',
        'name = "h"\nbase = { lake = "l" }\n[hindsight]\ntolerance_hours = "two"',
    ],
)
def test_a_wrong_file_is_refused(text):
    with pytest.raises(BadData):
        parse_hindsight(text)
