"""Schedules out of a plan: they fit into it, and change over less."""

from __future__ import annotations

import datetime as dt
from collections import defaultdict
from typing import TYPE_CHECKING, Any

import polars as pl
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

import medhavi
from medhavi.errors import UsageError
from medhavi.results.schedules.problem import WAITING
from medhavi.results.verify.check_schedule import verify_schedule
from tests import factories
from tests.api import plan, verify
from tests.examples import examples
from tests.factories import AS_OF
from tests.planners.campaign_shop import day, matrix, shop
from tests.planners.drawn_shops import job_shop

if TYPE_CHECKING:
    from medhavi.results.plans.plan import Plan
    from medhavi.results.schedules.schedule import Schedule
    from medhavi.snapshot import Snapshot

START, FINISH = dt.time(6), dt.time(22)
CHANGES = matrix(("FA", "FB", 120, False), ("FB", "FA", 120, False))


def alternating() -> Snapshot:
    """A, B, A, B on one machine that needs two hours between the families."""
    wanted = [("A", 60, 1.0), ("B", 60, 1.2), ("A", 60, 1.4), ("B", 60, 1.6)]
    return shop(wanted, {"A": "FA", "B": "FB"}, changeovers=CHANGES)


def scheduled(snapshot: Snapshot, made: Plan, days: float = 7.0) -> Schedule:
    found = medhavi.schedule(medhavi.schedule_problem(snapshot, made, days), effort=2)
    assert verify_schedule(found) == []
    return found


@pytest.mark.req("SCH-05", "SCH-24")
def test_a_sequence_with_fewer_changeovers_is_found_where_nobody_is_late():
    snapshot = alternating()
    made = plan(snapshot, "constrained")
    found = scheduled(snapshot, made)
    before = found.problem.reference
    assert before["plan"] == made.fingerprint
    assert found.objective["late_orders"] == before["late_orders"] == 0
    assert found.objective["setup"] == 1
    assert before["setup"] >= found.objective["setup"]
    assert set(found.orders["order"]) == set(made.supplies["number"])
    due = {row["order"]: row["due"] for row in found.orders.iter_rows(named=True)}
    wanted = {row[0] for row in snapshot["demands"].select("due").iter_rows()}
    assert set(due.values()) == wanted


def test_what_is_firm_keeps_its_place_and_the_finding_names_it():
    snapshot = shop(
        [("A", 60, 1.0), ("B", 60, 1.2)],
        {"A": "FA", "B": "FB"},
        changeovers=CHANGES,
        supply_orders=[
            {
                "supply_order": "WO-1",
                "kind": "work",
                "product": "A",
                "location": "L",
                "source": "RA",
                "qty": 60,
                "start": day(0.5),
                "due": day(0.5) + dt.timedelta(hours=1),
                "status": "firmed",
            }
        ],
    )
    made = plan(snapshot, "constrained")
    problem = medhavi.schedule_problem(snapshot, made)
    (told,) = problem.findings
    assert (told.code, told.value) == ("SCHED045", "WO-1")
    assert "firmed" in str(told)
    assert problem.problem.reference["orders_kept"] == 1
    found = medhavi.schedule(problem, effort=2)
    kept = made.operations.join(
        made.supplies.filter(pl.col("id") == "WO-1"), left_on="supply", right_on="id"
    )
    fixed = found.operations.filter(pl.col("sales_order").str.starts_with("WO-1"))
    assert fixed["finish"].to_list() == kept["finish"].to_list()
    assert fixed["fixed"].all()


def test_a_window_may_end_where_work_begins_that_stays():
    # That work lies outside: it was stated with no length, behind the last open time.
    snapshot = alternating()
    made = plan(snapshot, "constrained")
    for moment in sorted({*made.operations["start"], *made.operations["finish"]})[1:]:
        problem = medhavi.schedule_problem(snapshot, made, (AS_OF, moment))
        assert medhavi.schedule(problem, effort=1).status == "optimal"


@pytest.mark.req("SCH-01")
@pytest.mark.parametrize(("first", "second"), [(11, 2), (7, 7)])
def test_each_wait_between_steps_side_by_side_is_one_of_its_own(first, second):
    # Ten minutes, 30 of move, ten minutes. Waits before step 12 had the numbers of
    # those before step 13, and 49 waits had room for 42 at once.
    steps = [
        {"step": number, "sequence": 1, "run_minutes_per_unit": 1, "move_minutes": 30}
        if number <= first
        else {"step": number, "sequence": 2, "run_minutes_per_unit": 1}
        for number in range(1, first + second + 1)
    ]
    machines = [f"M{row['step']}" for row in steps]
    snapshot = factories.snapshot(
        products=[{"product": "A"}],
        locations=[{"location": "L"}],
        routings=[{}],
        steps=steps,
        step_resources=[
            {"step": row["step"], "resource": name}
            for row, name in zip(steps, machines, strict=True)
        ],
        resources=[{"resource": name} for name in machines],
        demands=[{"product": "A", "location": "L", "qty": 10, "due": day(0.03)}],
    )
    made = plan(snapshot, "constrained")
    found = scheduled(snapshot, made)
    (order,) = found.problem.orders
    assert len({step.step for step in order.steps}) == len(order.steps)
    work = found.operations.filter(pl.col("resource") != WAITING)
    assert set(work["step"]) == {row["step"] for row in steps}
    took = dt.timedelta(minutes=50)
    assert work["finish"].max() - work["start"].min() == took
    assert made.operations["finish"].max() - made.operations["start"].min() == took


@pytest.mark.req("SCH-01")
def test_goods_are_taken_behind_the_queue_of_a_first_step():
    # 20 minutes of queue, ten of work; its goods come when the work begins. They were
    # taken before the queue, and the schedule came 20 minutes late.
    snapshot = factories.snapshot(
        products=[{"product": "A"}, {"product": "B"}],
        locations=[{"location": "L"}],
        routings=[
            {"routing": f"R{name}", "product": name, "location": "L"} for name in "AB"
        ],
        steps=[
            {"routing": "RA", "run_minutes_per_unit": 1, "queue_minutes": 20},
            {"routing": "RB", "run_minutes_per_unit": 1, "queue_minutes": 5},
        ],
        step_resources=[{"routing": f"R{name}", "resource": "M"} for name in "AB"],
        bom_lines=[{"routing": "RA", "component": "B", "qty_per": 1}],
        resources=[{"resource": "M"}],
        demands=[{"product": "A", "location": "L", "qty": 10, "due": day(0)}],
    )
    made = plan(snapshot, "constrained")
    assert verify(made, snapshot) == []
    found = scheduled(snapshot, made)
    assert found.status == "optimal"
    begins = dict(
        found.operations.join(made.supplies, left_on="sales_order", right_on="number")
        .select("product", "start_minutes")
        .iter_rows()
    )
    # No order begins before now, with its queue.
    assert begins == {"B": 5, "A": 20}
    assert made.operations["start"].max() == AS_OF + dt.timedelta(minutes=20)
    assert found.problem.reference["weighted_tardiness"] == 30


@pytest.mark.req("SCH-02")
@pytest.mark.parametrize("seed", [28, 44, 80])
def test_a_schedule_is_never_later_than_the_plan_that_it_carries_out(seed):
    # With next to no effort: the sequence of the plan is what the search begins with.
    snapshot = job_shop(seed)
    made = plan(snapshot, "constrained", {"effort": "light"})
    problem = medhavi.schedule_problem(snapshot, made)
    found = medhavi.schedule(problem, effort=0.001)
    planned = found.problem.reference
    for name in ("late_orders", "weighted_tardiness"):
        assert found.objective[name] <= planned[name] + 1e-6


@pytest.mark.req("SCH-05")
def test_a_changeover_that_pauses_in_the_plan_is_named():
    # A until 13:30, two hours of changeover over the night, B from 07:30 on. In a
    # schedule the changeover begins at six.
    snapshot = shop(
        [("A", 450, 13.5 / 24), ("B", 30, 32 / 24)],
        {"A": "FA", "B": "FB"},
        changeovers=matrix(("FA", "FB", 120, True)),
        resources=[
            {
                "resource": "M",
                "location": "L",
                "changeover_matrix": "X",
                "calendar": "D",
            }
        ],
        calendars=[{"calendar": "D"}],
        shifts=[
            {"calendar": "D", "weekday": n, "start": START, "finish": dt.time(14)}
            for n in range(1, 8)
        ],
    )
    made = plan(snapshot, "constrained")
    told = medhavi.schedule_problem(snapshot, made).findings
    assert [one.code for one in told] == ["SCHED046"]


def test_a_plan_without_finite_capacity_or_of_other_tables_is_refused():
    snapshot = alternating()
    with pytest.raises(UsageError, match="infinite capacity"):
        medhavi.schedule_problem(snapshot, plan(snapshot, "mrp"))
    made = plan(snapshot, "constrained")
    others = shop([("A", 10, 1.0)], {"A": "FA", "B": "FB"}, changeovers=CHANGES)
    with pytest.raises(UsageError, match="other tables"):
        medhavi.schedule_problem(others, made)
    with pytest.raises(UsageError, match="ends before it begins"):
        medhavi.schedule_problem(snapshot, made, (day(-3), day(-2)))
    with pytest.raises(UsageError, match="none begins in it"):
        medhavi.schedule_problem(snapshot, made, (day(50), day(51)))


def test_hours_per_bucket_cannot_be_scheduled_and_say_so():
    snapshot = shop(
        [("A", 60, 3.0)],
        {"A": None},
        resources=[{"resource": "M", "location": "L", "bucket": "day"}],
    )
    made = plan(snapshot, "constrained")
    with pytest.raises(UsageError, match="hours of M are counted per day"):
        medhavi.schedule_problem(snapshot, made)


COMPANIES = st.fixed_dictionaries(
    {
        "demands": st.lists(
            st.tuples(
                st.sampled_from("ABC"),
                st.integers(20, 300),
                st.floats(0.5, 6.0).map(lambda due: round(due, 2)),
            ),
            min_size=2,
            max_size=7,
        ),
        "queue": st.sampled_from([0, 30]),
        "move": st.sampled_from([0, 45]),
        "alternates": st.booleans(),
        "shifts": st.booleans(),
        "stock": st.integers(0, 150),
        "lead": st.sampled_from([0.2, 1.0]),
        "change": st.sampled_from([0, 60]),
    }
)


def company(drawn: dict[str, Any]) -> Snapshot:
    """Goods A, B and C of two steps; all take P, made on a machine of its own, of Q."""
    goods = ("A", "B", "C")
    calendar = {"calendar": "DAY"} if drawn["shifts"] else {}
    resources = [
        {"resource": name, "location": "L", **calendar}
        | ({"changeover_matrix": "X"} if name == "M" else {})
        for name in ("M", "N", "O", "R")
    ]
    steps = [
        {"routing": f"R{name}", "step": 10, "run_minutes_per_unit": 1, "family": name}
        | {"queue_minutes": drawn["queue"], "move_minutes": drawn["move"]}
        for name in goods
    ]
    steps += [
        {"routing": f"R{name}", "step": 20, "run_minutes_per_unit": 0.5, "sequence": 2}
        for name in goods
    ]
    steps += [{"routing": "RP", "step": 10, "run_minutes_per_unit": 0.5}]
    uses = [{"routing": f"R{name}", "step": 10, "resource": "M"} for name in goods]
    for name in goods:
        row = {"routing": f"R{name}", "step": 20, "choice": 1}
        uses.append(row | {"resource": "N", "preference": 1})
        if drawn["alternates"]:
            uses.append(row | {"resource": "O", "preference": 2, "speed": 0.5})
    uses += [{"routing": "RP", "step": 10, "resource": "R"}]
    return factories.snapshot(
        resources=resources,
        calendars=[{"calendar": "DAY"}] if drawn["shifts"] else [],
        shifts=[
            {"calendar": "DAY", "weekday": number, "start": START, "finish": FINISH}
            for number in range(1, 8)
        ]
        if drawn["shifts"]
        else [],
        products=[{"product": name} for name in (*goods, "P", "Q")],
        suppliers=[{"supplier": "S"}],
        supply_terms=[
            {
                "supplier": "S",
                "product": "Q",
                "location": "L",
                "lead_time_days": drawn["lead"],
            }
        ],
        stock=[{"product": "P", "location": "L", "qty": drawn["stock"]}],
        routings=[
            {"routing": f"R{name}", "product": name, "location": "L"}
            for name in (*goods, "P")
        ],
        steps=steps,
        step_resources=uses,
        bom_lines=[
            {"routing": f"R{name}", "line": 1, "component": "P", "qty_per": 1}
            for name in goods
        ]
        + [{"routing": "RP", "line": 1, "component": "Q", "qty_per": 1}],
        sourcing=[
            {"product": name, "location": "L", "kind": "make", "source": f"R{name}"}
            for name in (*goods, "P")
        ]
        + [{"product": "Q", "location": "L", "kind": "buy", "source": "S"}],
        changeovers=matrix(("*", "*", drawn["change"], False)),
        demands=[
            {
                "demand": f"D{number}",
                "product": product,
                "location": "L",
                "qty": qty,
                "due": AS_OF + dt.timedelta(days=due),
            }
            for number, (product, qty, due) in enumerate(drawn["demands"])
        ],
    )


def balances(
    snapshot: Snapshot, made: Plan, moved: dict[str, tuple[dt.datetime, dt.datetime]]
) -> dict[str, float]:
    """Least stock of each product when orders run from and to other moments."""
    events: dict[str, list[tuple[dt.datetime, int, float]]] = defaultdict(list)
    for row in snapshot["stock"].iter_rows(named=True):
        events[row["product"]].append((AS_OF, 0, row["qty"]))
    parts = dict(snapshot["bom_lines"].select("routing", "component").iter_rows())
    for row in made.supplies.iter_rows(named=True):
        own = made.operations.filter(pl.col("supply") == row["id"])
        begins, ends = own["start"].min(), own["finish"].max()
        start, finish = moved.get(row["number"], (begins, ends))
        there = row["finish"] if ends is None else row["finish"] + (finish - ends)
        events[row["product"]].append((there, 0, row["qty"]))
        if row["kind"] == "make":
            taken = (start, 1, -row["order_qty"])
            events[parts[row["source"]]].append(taken)
    least = {}
    for product, changes in events.items():
        stock = lowest = 0.0
        for _, _, qty in sorted(changes):
            stock += qty
            lowest = min(lowest, stock)
        least[product] = lowest
    return least


@pytest.mark.nightly
@pytest.mark.req("SCH-01")
@settings(max_examples=examples(3), suppress_health_check=[HealthCheck.too_slow])
@given(COMPANIES)
def test_a_schedule_without_late_orders_fits_into_its_plan(drawn):
    snapshot = company(drawn)
    made = plan(snapshot, "constrained")
    assert verify(made, snapshot) == []
    problem = medhavi.schedule_problem(snapshot, made, 20.0)
    found = medhavi.schedule(problem, effort=1)
    assert verify_schedule(found) == []
    planned = found.problem.reference
    assert str(found.status) in ("optimal", "feasible")
    if not (drawn["shifts"] and drawn["change"]):  # a set-up of a schedule never pauses
        assert found.objective["late_orders"] <= planned["late_orders"]
    if found.objective["late_orders"] > 0:
        return
    work = found.operations.filter(pl.col("resource") != WAITING)
    moved = {
        order: (start, finish)
        for order, start, finish in work.group_by("sales_order")
        .agg(
            pl.min_horizontal("start", "setup_start").min().alias("begin"),
            pl.col("start").min(),
            pl.col("finish").max(),
        )
        .select("sales_order", "start", "finish")
        .iter_rows()
    }
    before = balances(snapshot, made, {})
    after = balances(snapshot, made, moved)
    assert all(after[name] >= min(0.0, before[name]) - 1e-6 for name in after)
