"""Promises judged by what happened: hand cases."""

from __future__ import annotations

import datetime as dt

import polars as pl
import pytest

from medhavi.lakehouse.observations import ORDER_LINE_SCHEMA
from medhavi.planners.promising.standing_promises import ANSWERED
from medhavi.predict.scorecards import judged, report
from medhavi.results.reports.study import HindsightReport

NOW = dt.datetime(2026, 3, 1, tzinfo=dt.UTC)


def day(number: float) -> dt.datetime:
    return dt.datetime(2026, 2, 1, tzinfo=dt.UTC) + dt.timedelta(days=number)


def tables(*lines: dict[str, object]) -> tuple[pl.DataFrame, pl.DataFrame]:
    """Orders and answers: due on day 5, ours on day 4, unless a line says else."""
    ordered, answers = [], []
    for number, told in enumerate(lines):
        demand = f"D-{number}"
        cells = {
            "demand": demand,
            "product": "A",
            "customer": "C",
            "tier": "Gold",
            "qty": 1.0,
            "due": day(5),
            "promised_then": day(5),
            "changed": False,
            "cancelled": False,
            **told,
        }
        ordered.append({name: cells.get(name) for name in ORDER_LINE_SCHEMA})
        answer = {
            "demand": demand,
            "status": "promised",
            "date": day(4),
            "on_time_prob": 0.9,
            "suppliers": [],
            **told,
        }
        answers.append({name: answer.get(name) for name in ANSWERED})
    return (
        pl.DataFrame(ordered, schema=dict(ORDER_LINE_SCHEMA)),
        pl.DataFrame(answers, schema=dict(ANSWERED)),
    )


def lines_of(*lines: dict[str, object], **more: float) -> pl.DataFrame:
    return judged(*tables(*lines), known_at=NOW, **more)


def whole(*lines: dict[str, object]) -> HindsightReport:
    return report(
        lines_of(*lines),
        name="h",
        start="2026-02-01",
        finish="2026-02-28",
        known_at=NOW,
        tolerance_hours=0.0,
    )


def test_what_could_come_earlier_is_promised_for_its_due_date():
    (row,) = lines_of({"delivered_at": day(4.5)}).to_dicts()
    assert row["promise"] == day(5)
    assert (row["met"], row["met_then"], row["on_time"]) == (True, True, True)
    assert row["days_off"] == -0.5


def test_what_cannot_be_in_time_is_promised_for_its_own_date():
    told = {"status": "promised_late", "date": day(8), "delivered_at": day(7)}
    (row,) = lines_of(told).to_dicts()
    assert row["promise"] == day(8)
    assert (row["met"], row["met_then"], row["on_time"]) == (True, False, False)
    assert (row["days_off"], row["days_off_then"]) == (-1.0, 2.0)


def test_what_never_came_missed_its_dates_without_a_distance():
    (row,) = lines_of({}).to_dicts()
    assert (row["outcome"], row["met"], row["days_off"]) == ("overdue", False, None)


def test_nobody_is_judged_before_all_dates_have_passed():
    (row,) = lines_of({"due": day(60), "delivered_at": day(4)}).to_dicts()
    assert (row["outcome"], row["met"], row["on_time"]) == ("delivered", None, None)


@pytest.mark.parametrize(
    ("told", "outcome"),
    [
        ({"changed": True}, "changed"),
        ({"cancelled": True, "changed": True}, "cancelled"),
        ({"status": "rejected", "date": None}, "unpromised"),
        ({"status": "unknown", "date": None}, "unpromised"),
        ({"status": "partial"}, "unpromised"),
    ],
)
def test_what_is_not_comparable_is_named_and_not_judged(told, outcome):
    (row,) = lines_of({"delivered_at": day(4), **told}).to_dicts()
    assert (row["outcome"], row["met"]) == (outcome, None)


def test_an_hour_may_be_tolerated():
    late = {"delivered_at": day(5) + dt.timedelta(minutes=50)}
    assert lines_of(late)["met"].to_list() == [False]
    assert lines_of(late, tolerance_hours=1.0)["met"].to_list() == [True]


def test_groups_count_shares_bias_and_probability():
    found = whole(
        {"delivered_at": day(4)},
        {"delivered_at": day(7), "customer": "D"},
        {"delivered_at": day(6), "suppliers": ["S"]},
        {"changed": True},
    )
    groups = {(row["by"], row["name"]): row for row in found.groups.to_dicts()}
    every = groups["all", ""]
    assert (every["lines"], every["judged"]) == (4, 3)
    assert every["met"] == pytest.approx(1 / 3, abs=1e-9)
    assert every["bias_days"] == 1.0
    assert every["error_days"] == pytest.approx(4 / 3, abs=1e-9)
    # One came: (0.9 - 1)^2 once and 0.9^2 twice.
    assert every["brier"] == pytest.approx((0.01 + 0.81 + 0.81) / 3, abs=1e-9)
    assert groups["customer", "D"]["met"] == 0.0
    assert groups["supplier", "S"]["judged"] == 1
    assert ("supplier", "") not in groups


def test_a_supplier_in_two_lines_of_one_day_counts_both():
    found = whole(
        {"delivered_at": day(4), "suppliers": ["S", "T"]},
        {"delivered_at": day(7), "suppliers": ["S"]},
    )
    groups = {(row["by"], row["name"]): row for row in found.groups.to_dicts()}
    assert groups["supplier", "S"]["met"] == 0.5
    assert groups["supplier", "T"]["met"] == 1.0


@pytest.mark.req("KPI-02")
def test_products_are_judged_each_by_its_own_lines():
    """Due and ours on day 5; of B and E a line was cancelled and changed."""
    found = whole(
        {"product": "A", "delivered_at": day(5), "on_time_prob": 0.7},
        {"product": "A", "delivered_at": day(6), "on_time_prob": 0.8},
        {"product": "A", "delivered_at": day(11), "on_time_prob": 0.9},
        {"product": "B", "delivered_at": day(4), "promised_then": day(3)},
        {"product": "B", "cancelled": True},
        {"product": "E", "changed": True},
    )
    products = found.groups.filter(pl.col("by") == "product").drop("by").to_dicts()
    groups = {row.pop("name"): row for row in products}
    assert groups["A"] == pytest.approx(
        {
            "lines": 3,
            "judged": 3,
            "met": 1 / 3,
            "met_said": 0.8,  # the due date is the promise
            # Wilson, z = 1.96: (1/3 + 0.640 -+ 1.96 x (0.0741 + 0.1067) ** 0.5) / 2.28
            "met_low": 0.0615,
            "met_high": 0.7923,
            "met_then": 1 / 3,
            "bias_days": 1.0,  # the middle one of 0, 1, 6
            "bias_days_then": 1.0,
            "error_days": 7 / 3,
            "error_days_then": 7 / 3,
            "on_time_said": 0.8,
            "on_time": 1 / 3,
            "brier": (0.3**2 + 0.8**2 + 0.9**2) / 3,
        },
        abs=1e-4,
    )
    assert groups["B"] == pytest.approx(
        {
            "lines": 2,
            "judged": 1,
            "met": 1.0,
            "met_said": 0.9,
            "met_low": 1 / 4.8415,  # 1 / (1 + z ** 2)
            "met_high": 1.0,
            "met_then": 0.0,
            "bias_days": -1.0,
            "bias_days_then": 1.0,
            "error_days": 1.0,
            "error_days_then": 1.0,
            "on_time_said": 0.9,
            "on_time": 1.0,
            "brier": 0.1**2,
        },
        abs=1e-4,
    )
    nothing = dict.fromkeys(groups["A"])
    assert groups["E"] == {**nothing, "lines": 1, "judged": 0}
    assert list(groups) == ["A", "B", "E"]


def test_a_report_is_read_as_it_was_written(tmp_path):
    found = whole({"delivered_at": day(4)}, {})
    found.to_folder(tmp_path)
    again = HindsightReport.from_folder(tmp_path)
    assert again == found
    for name, frame in found.to_frames().items():
        assert again.to_frames()[name].equals(frame)


def test_what_was_said_with_the_same_confidence_is_compared_with_what_happened():
    found = whole(
        {"delivered_at": day(4), "on_time_prob": 0.82},
        {"delivered_at": day(7), "on_time_prob": 0.88},
        {"delivered_at": day(4), "on_time_prob": 1.0},
    )
    first, last = found.bins.to_dicts()
    assert (first["lines"], first["said"], first["happened"]) == (2, 0.85, 0.5)
    assert first["low"] < 0.5 < first["high"]
    assert (last["lines"], last["said"], last["happened"]) == (1, 1.0, 1.0)


def test_a_kept_date_is_compared_with_the_probability_of_that_date():
    """Promised for day 7 against a due date on day 5: said 80 %, and 10 % by due."""
    said = {"date": day(7), "on_time_prob": 0.1, "date_prob": 0.8}
    found = whole({**said, "delivered_at": day(6)}, {"delivered_at": day(4)})
    row = found.overall()
    assert (row["met"], row["met_said"]) == (1.0, pytest.approx((0.8 + 0.9) / 2))
    assert (row["on_time"], row["on_time_said"]) == (0.5, pytest.approx(0.5))


def test_nothing_to_judge_is_said():
    found = whole({"changed": True})
    assert "none of them can be judged yet" in str(found)
    assert found.bins.is_empty()
