"""Steps of one order that no precedence parts: on one machine, late, in buckets.

Ten of A take ten hours a step, unless it says otherwise.
"""

from __future__ import annotations

import datetime as dt
from typing import TYPE_CHECKING, Any

import polars as pl
import pytest

from tests import factories
from tests.api import plan, verify
from tests.planners.small_plans import PYTHON, day, days, fulfilment
from tests.planners.small_promises import asked, dates, tables

if TYPE_CHECKING:
    from medhavi.results.plans.plan import Plan
    from medhavi.snapshot import Snapshot
    from tests.factories import Row

Hours = list[tuple[int, float, float]]


def step(number: int, sequence: int = 1, minutes: float = 60, **more: object) -> Row:
    return {
        "step": number,
        "sequence": sequence,
        "run_minutes_per_unit": minutes,
        **more,
    }


def on(resource: str, *steps: int) -> list[Row]:
    return [{"step": number, "resource": resource} for number in steps]


def hour(number: float) -> dt.datetime:
    return day(number / 24)


def hours(made: Plan, order: str | None = None) -> Hours:
    """Step, start and finish of the work of an order, else of all that is planned."""
    rows = made.operations.join(
        made.supplies.select("status", supply="id"), on="supply"
    )
    mine = pl.col("status") == "planned" if order is None else pl.col("supply") == order
    return [
        (row["step"], *(round(24 * (days(row[end]) or 0), 3) for end in SPAN))
        for row in rows.filter(mine).sort("step", "start").iter_rows(named=True)
    ]


SPAN = ("start", "finish")
BOTH = [step(1), step(2)]
"""Two steps side by side."""


# --- existing orders -----------------------------------------------------------------
def standing(status: str = "released", **more: Any) -> Snapshot:
    """O1 of ten, due at hour 48; both of its steps need M."""
    order = {"supply_order": "O1", "kind": "work", "source": "R", "due": day(2)}
    given: dict[str, Any] = {
        "resources": [{"resource": "M"}],
        "routings": [{"routing": "R"}],
        "steps": BOTH,
        "step_resources": on("M", 1, 2),
        "supply_orders": [{**order, "status": status}],
    }
    return factories.snapshot(**{**given, **more})


def stands(snapshot: Snapshot, mode: str = "constrained") -> Hours:
    made = plan(snapshot, mode, PYTHON if mode == "constrained" else {})
    assert [str(one) for one in verify(made, snapshot)] == []
    return hours(made, "O1")


@pytest.mark.req("CAP-05", "CAP-06")
@pytest.mark.parametrize("status", ["firmed", "released", "in_process"])
def test_steps_of_an_existing_order_take_turns_on_one_machine(status: str):
    """In sequence, ending when it is due."""
    assert stands(standing(status)) == [(1, 28, 38), (2, 38, 48)]


@pytest.mark.req("CAP-05")
def test_mode_mrp_dates_steps_side_by_side_as_if_machines_were_many():
    assert stands(standing(), "mrp") == [(1, 38, 48), (2, 38, 48)]


IN_FOUR = [step(1), step(2, 2), step(3, 2), step(4, 3)]
CASES: dict[str, tuple[dict[str, Any], Hours]] = {
    "enough units": (
        {"resources": [{"resource": "M", "units": 2}]},
        [(1, 38, 48), (2, 38, 48)],
    ),
    "two of three at once": (
        {
            "resources": [{"resource": "M", "units": 2}],
            "steps": [*BOTH, step(3)],
            "step_resources": on("M", 1, 2, 3),
        },
        [(1, 28, 38), (2, 38, 48), (3, 38, 48)],
    ),
    "a machine without limit": (
        {"resources": [{"resource": "M", "finite": False}]},
        [(1, 38, 48), (2, 38, 48)],
    ),
    # Forward from its stated start it is not through when it is due.
    "a stated start": (
        {
            "supply_orders": [
                {"supply_order": "O1", "kind": "work", "source": "R"}
                | {"status": "released", "start": hour(38), "due": day(2)}
            ]
        },
        [(1, 38, 48), (2, 48, 58)],
    ),
    "the first where it is stated": (
        {"supply_order_steps": [{"step": 1, "start": hour(40), "finish": hour(50)}]},
        [(1, 40, 50), (2, 30, 40)],
    ),
    "both where they are stated": (
        {
            "supply_order_steps": [
                {"step": 1, "start": hour(30), "finish": hour(40)},
                {"step": 2, "start": hour(35), "finish": hour(45)},
            ]
        },
        [(1, 30, 40), (2, 35, 45)],
    ),
    "one beside it completed": (
        {
            "steps": [*BOTH, step(3)],
            "step_resources": on("M", 1, 2, 3),
            "supply_order_steps": [{"step": 2, "status": "completed"}],
        },
        [(1, 28, 38), (3, 38, 48)],
    ),
    "one completed and two hours left of another": (
        {
            "steps": IN_FOUR,
            "step_resources": on("M", 1, 2, 3, 4),
            "supply_order_steps": [
                {"step": 1, "status": "completed"},
                {"step": 2, "status": "in_process", "remaining_minutes": 120},
            ],
        },
        [(2, 26, 28), (3, 28, 38), (4, 38, 48)],
    ),
    "a tool that both keep": (
        {
            "resources": [{"resource": name} for name in "MNPT"],
            "steps": IN_FOUR,
            "step_resources": [
                *on("M", 1, 4),
                *on("N", 2),
                *on("P", 3),
                {"step": 1, "resource": "T", "until_step": 4},
            ],
        },
        [
            (number, 10 * number - 2, 10 * number + 8)
            for number in (1, 1, 2, 2, 3, 3, 4, 4)
        ],
    ),
    "a batch that goes on": (
        {"steps": [step(1, overlap_qty=2), step(2, 2)]},
        [(1, 28, 38), (2, 38, 48)],
    ),
    # 40 hours at once would be more than a day has.
    "hours of a day": (
        {
            "resources": [{"resource": "M", "bucket": "day"}],
            "steps": [step(1, minutes=120), step(2, minutes=120)],
        },
        [(1, 8, 28), (2, 28, 48)],
    ),
}


@pytest.mark.req("CAP-05", "CAP-06")
@pytest.mark.parametrize("case", CASES)
def test_steps_of_an_existing_order_stand(case: str):
    more, expected = CASES[case]
    assert stands(standing(**more)) == expected


@pytest.mark.req("ATP-24", "CAP-06")
def test_a_promise_finds_a_machine_taken_by_both_steps_of_an_order():
    """M is taken from hour 28 to 48; 30 hours of Z do not fit before."""
    order = {"supply_order": "O1", "kind": "work", "source": "R", "due": day(2)}
    snapshot = tables(
        resources=[{"resource": "M"}],
        routings=[{"routing": "R"}, {"routing": "Q", "product": "Z"}],
        steps=[*BOTH, {"routing": "Q", "run_minutes_per_unit": 60}],
        step_resources=[*on("M", 1, 2), {"routing": "Q", "resource": "M"}],
        supply_orders=[{**order, "status": "released"}],
    )
    assert dates(asked(snapshot, product="Z", qty=30)) == [(30, 78 / 24)]


def found(snapshot: Snapshot, hours_later: int) -> set[str]:
    """Codes of the check where step 1 of O1 is so much later."""
    made = plan(snapshot, "constrained", PYTHON)
    first = (pl.col("supply") == "O1") & (pl.col("step") == 1)
    moved = made.operations.with_columns(
        pl.when(first)
        .then(pl.col(end).dt.offset_by(f"{hours_later}h"))
        .otherwise(end)
        .alias(end)
        for end in SPAN
    )
    told = verify(made.replace(operations=moved), snapshot)
    return {one.code for one in told}


@pytest.mark.req("CAP-06")
def test_the_check_finds_two_steps_of_an_order_on_one_machine():
    assert "VER060" in found(standing(), 10)
    assert "VER060" not in found(standing(), 0)


@pytest.mark.req("CAP-03")
def test_the_check_finds_more_hours_of_an_order_than_a_day_has():
    """Twenty hours each: the first moved from hour 8 to 28 is there with the other."""
    more, _ = CASES["hours of a day"]
    assert "VER065" in found(standing(**more), 20)
    assert "VER065" not in found(standing(**more), 0)


# --- as late as may be ---------------------------------------------------------------
@pytest.mark.req("MRP-09", "CAP-06")
@pytest.mark.parametrize("due", [8, 10])
@pytest.mark.parametrize("soft", [0, 30])
def test_the_shorter_of_two_steps_begins_late_also_where_the_order_cannot_end_later(
    due: int, soft: int
):
    """Ten hours of M, two of N: N works from hour 8 and takes B then, not at 0.

    Safety time of the step is not there in any case.
    """
    snapshot = factories.snapshot(
        resources=[{"resource": "M"}, {"resource": "N"}],
        routings=[{"routing": "R"}],
        steps=[step(1), step(2, minutes=12, safety_minutes=soft)],
        step_resources=[*on("M", 1), *on("N", 2)],
        bom_lines=[{"step": 2}],
        supply_terms=[{"product": "B", "lead_time_days": 0}],
        demands=[{"due": hour(due)}],
    )
    made = plan(snapshot, "constrained", PYTHON)
    assert [str(one) for one in verify(made, snapshot)] == []
    assert hours(made) == [(1, 0, 10), (2, 8, 10)]
    (bought,) = made.supplies.filter(product="B")["finish"].to_list()
    assert 24 * (days(bought) or 0) == pytest.approx(8, abs=0.01)
    assert fulfilment(made)["lateness_h"] == 10 - due


@pytest.mark.req("MRP-09", "CAP-06")
def test_what_comes_before_a_step_that_waits_for_its_machine_begins_late():
    """N is taken until hour 20: M works directly before it, not from hour 0."""
    snapshot = factories.snapshot(
        resources=[{"resource": "M"}, {"resource": "N"}],
        routings=[{"routing": "R"}, {"routing": "Q", "product": "Z"}],
        steps=[
            step(1, minutes=12),
            step(2, minutes=6),
            step(3, 2),
            {"routing": "Q", "run_minutes_per_unit": 60},
        ],
        step_resources=[
            *on("M", 1, 2),
            *on("N", 3),
            {"routing": "Q", "resource": "N"},
        ],
        supply_orders=[
            {"supply_order": "O1", "kind": "work", "source": "Q", "product": "Z"}
            | {"qty": 20, "due": hour(20), "status": "released"}
        ],
        demands=[{"due": hour(30)}],
    )
    made = plan(snapshot, "constrained", PYTHON)
    assert [str(one) for one in verify(made, snapshot)] == []
    assert hours(made) == [(1, 17, 19), (2, 19, 20), (3, 20, 30)]


# --- why a demand is late ------------------------------------------------------------
DAY_SHIFT = [
    {"weekday": weekday, "start": dt.time(8), "finish": dt.time(16)}
    for weekday in range(1, 8)
]
M = {"resource": "M", "bucket": "day", "calendar": "CAL"}
N = {"resource": "N", "calendar": "CAL"}
LATE: dict[str, tuple[dict[str, Any], int, int, dict[str, float]]] = {
    # What is asked, hours that others have of Monday, how many are late, and why.
    "all is taken": ({"qty": 6}, 8, 38, {"M": 22}),
    "two hours are left": ({"qty": 6}, 6, 36, {"M": 20}),
    "work that is not split": (
        {"qty": 6, "steps": [step(1, splittable=False)]},
        6,
        38,
        {"M": 22},
    ),
    "another machine beside it": (
        {"qty": 6, "step_resources": [*on("M", 1), *on("N", 1)]},
        6,
        36,
        {"M": 20},
    ),
    "after another machine": (
        {
            "qty": 3,
            "steps": [step(1, minutes=10), step(2, 2)],
            "step_resources": [*on("N", 1), *on("M", 2)],
        },
        7,
        34,
        {"M": 18},
    ),
    "steps side by side": (
        {"qty": 3, "steps": BOTH, "step_resources": on("M", 1, 2)},
        4,
        34,
        {"M": 18},
    ),
    "beside another machine": (
        {"qty": 3, "steps": BOTH, "step_resources": [*on("M", 1), *on("N", 2)]},
        7,
        34,
        {"M": 18},
    ),
    "the order alone": (
        {"qty": 6, "steps": BOTH, "step_resources": on("M", 1, 2)},
        0,
        36,
        {"R": 20},
    ),
}


@pytest.mark.req("CAP-03", "CAP-06")
@pytest.mark.parametrize("case", LATE)
def test_hours_of_a_bucket_that_others_have_are_the_cause(case: str):
    """M works from 8 to 16 and has eight hours a day; all is due on Monday at 16."""
    given, taken, end, causes = LATE[case]
    order = {"supply_order": "O1", "kind": "work", "source": "Q", "product": "Z"}
    snapshot = factories.snapshot(
        calendars=[{"calendar": "CAL"}],
        shifts=DAY_SHIFT,
        resources=[M, N],
        routings=[{"routing": "R"}, {"routing": "Q", "product": "Z"}],
        steps=[
            *given.get("steps", [step(1)]),
            {"routing": "Q", "run_minutes_per_unit": 60},
        ],
        step_resources=[
            *given.get("step_resources", on("M", 1)),
            {"routing": "Q", "resource": "M"},
        ],
        supply_orders=[{**order, "qty": taken, "due": hour(16), "status": "released"}]
        if taken
        else [],
        demands=[{"qty": given["qty"], "due": hour(16)}],
    )
    made = plan(snapshot, "constrained", PYTHON)
    assert [str(one) for one in verify(made, snapshot)] == []
    assert fulfilment(made)["lateness_h"] == end - 16
    assert dict(made.causes.select("subject", "hours").iter_rows()) == causes
    code = "LeadTime" if "R" in causes else "CapacityShortfall"
    assert set(made.causes["code"]) == {code}
