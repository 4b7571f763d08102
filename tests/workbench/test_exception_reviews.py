"""Exceptions of a plan with who takes care of them: kept in the log, newest word."""

from __future__ import annotations

import polars as pl
import pytest

from medhavi.cli.application import run
from medhavi.errors import UsageError
from medhavi.results.reports.work_lists import exception_list
from tests.api import SqliteStore, Workbench
from tests.lakehouse.lake_events import small_company
from tests.views.big_plan import AS_OF, DAY, hand

KEY = "BelowSafety|P-1|L-1||"


@pytest.fixture
def bench(tmp_path) -> Workbench:
    SqliteStore(tmp_path / "events.db").append_many(small_company())
    bench = Workbench(tmp_path / "lake", f"sqlite:///{tmp_path}/events.db")
    bench.mirror()
    return bench


def message(code, product, day, qty, **more):
    return {
        "code": code,
        "severity": "info",
        "product": product,
        "location": "L",
        "date": AS_OF + day * DAY,
        "qty": qty,
    } | more


@pytest.mark.req("UI-04")
def test_messages_of_one_thing_are_one_row_by_worth():
    plan = hand(
        supplies=[{"id": "PO-1", "number": "P-7", "qty": 10.0}],
        exceptions=[
            message("BelowSafety", "A", 3, 5.0),
            message("BelowSafety", "A", 1, 2.0),
            message("Defer", "B", 2, None, supply="PO-1"),
        ],
    )
    rows = exception_list(plan, {"A": 3.0, "B": 1.0}).to_dicts()
    assert [(row["exception"], row["times"], row["worth"]) for row in rows] == [
        ("BelowSafety|A|L||", 2, 15.0),
        ("Defer|B|L||P-7", 1, 10.0),
    ]
    assert rows[0]["date"] == AS_OF + DAY


def test_without_exceptions_the_list_is_empty():
    assert exception_list(hand(), {}).is_empty()


@pytest.mark.req("UI-04")
def test_the_newest_word_holds_and_moves_nothing(bench):
    before = bench.snapshot().fingerprint
    bench.review_exceptions([KEY], approver="ann", assignee=" bob ", note="asked")
    (review,) = bench.exception_reviews().values()
    assert (review.assignee, review.note, review.done) == ("bob", "asked", False)
    bench.review_exceptions([KEY, "Defer|P-1|L-1||P-9"], approver="ann", done=True)
    found = bench.exception_reviews()
    assert (found[KEY].done, found[KEY].assignee, found[KEY].note) == (
        True,
        "bob",
        "asked",
    )
    assert len(found) == 2
    assert found[KEY].recorded_at is not None
    assert bench.snapshot().fingerprint == before
    kept = bench.events(type="ExceptionReviewed").collect()
    assert kept.height == 3
    bench.review_exceptions([KEY], approver="ann", assignee="", done=False)
    review = bench.exception_reviews()[KEY]
    assert (review.done, review.assignee, review.note) == (False, None, "asked")
    assert kept["actor"].unique().to_list() == ["ann"]


@pytest.mark.parametrize(
    ("keys", "approver", "words"),
    [
        ([], "ann", "Name the exceptions"),
        (["BelowSafety"], "ann", "'BelowSafety' is not a key"),
        ([KEY], " ", "name the approver"),
    ],
)
def test_what_is_missing_is_said_and_nothing_kept(bench, keys, approver, words):
    with pytest.raises(UsageError, match=words):
        bench.review_exceptions(keys, approver=approver)
    bench.mirror()
    assert bench.events(type="ExceptionReviewed").collect().is_empty()


def test_commands_list_and_settle(bench, tmp_path, capsys):
    place = ["--lake", f"{tmp_path}/lake", "--from", f"sqlite:///{tmp_path}/events.db"]
    plan = bench.plan()
    key = exception_list(plan, {})["exception"][0]
    assert run(["exceptions", "list", *place]) == 0
    assert key.split("|")[0] in capsys.readouterr().out
    say = ["exceptions", "review", key, "--done", "--note", "ok", "--approver", "ann"]
    assert run([*say, *place]) == 0
    capsys.readouterr()
    assert run(["exceptions", "list", "--json", *place]) == 0
    assert key not in capsys.readouterr().out
    assert run(["exceptions", "list", "--done", "--json", *place]) == 0
    assert key in capsys.readouterr().out
    assert bench.events(type="ExceptionReviewed").select(pl.len()).collect().item()
