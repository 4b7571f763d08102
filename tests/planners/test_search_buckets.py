"""Searched plans on resources whose hours are counted per bucket."""

from __future__ import annotations

import datetime as dt
from typing import TYPE_CHECKING, Any

import numpy as np
import polars as pl
import pytest
from hypothesis import Phase, given, settings
from hypothesis import strategies as st

from medhavi.planners.kernels.plant_kernels.plant_record import FAR, length_of
from medhavi.snapshot import Snapshot
from tests.api import verify
from tests.examples import examples
from tests.factories import AS_OF
from tests.planners.netted_plans import netted
from tests.planners.search_plants import DAY, aims_of, workshop
from tests.planners.test_search_kernels import K, plants, scheduled, state_of
from tests.planners.test_search_plans import (
    DAY_SHIFT,
    TWO_SHIFTS,
    WEEK,
    searched,
)

if TYPE_CHECKING:
    from medhavi.planners.kernels.plant_kernels.plant_record import Plant
    from medhavi.planners.kernels.plant_kernels.schedule_record import ScheduleRecord
    from medhavi.results.plans.plan import Plan

HOUR = 3600
DAYS = 40


def per_bucket(
    tables: dict[str, Any], buckets: dict[str, str], **more: Any
) -> dict[str, Any]:
    """Tables whose resources count their hours per bucket, by name."""
    rows = [
        row | {"bucket": buckets.get(row["resource"])} | more
        for row in tables["resources"]
    ]
    return tables | {"resources": rows}


def checked(tables: dict[str, Any], effort: str = "standard") -> Plan:
    made = searched(tables, effort)
    assert [str(one) for one in verify(made, Snapshot.from_frames(tables))] == []
    return made


def worked(made: Plan) -> list[tuple[float, float]]:
    """Begin and end of all work in hours from now."""
    rows = made.operations.select("start", "finish").sort("start", "finish").rows()
    return [
        tuple((moment - AS_OF).total_seconds() / HOUR for moment in row) for row in rows
    ]


# --- worked examples ---------------------------------------------------------------
@pytest.mark.req("CAP-03", "CAP-06")
def test_work_of_a_bucket_runs_beside_other_work_while_there_are_hours() -> None:
    """Of 40 hours in a week two demands take 10 each: both run from Monday at 8."""
    rows = [("B", 10.0, -2.0, 1), ("B", 10.0, -2.0, 1)]
    tables = workshop(rows, minutes=60.0, stock=40.0, shifts=DAY_SHIFT)
    # More effort cuts what is late into lots that run beside each other as well.
    made = checked(per_bucket(tables, {"M1": "week"}), "light")
    assert worked(made) == [(8.0, 16.0), (8.0, 16.0), (32.0, 34.0), (32.0, 34.0)]


@pytest.mark.req("CAP-03", "CAP-06")
def test_work_takes_what_is_left_of_one_bucket_after_the_other() -> None:
    """8 hours a day: the second demand of 10 gets 6 of Tuesday and 4 of Wednesday."""
    rows = [("B", 10.0, -2.0, 1), ("B", 10.0, -2.0, 2)]
    tables = workshop(rows, minutes=60.0, stock=40.0, shifts=DAY_SHIFT)
    made = checked(per_bucket(tables, {"M1": "day"}))
    late = dict(made.fulfilment.select("demand", "lateness_h").rows())
    assert [late[name] for name in sorted(late)] == [34 + 48, 60 + 48]
    waits = made.causes.filter(pl.col("subject") == "M1")
    assert waits["code"].unique().to_list() == ["CapacityShortfall"]


@pytest.mark.req("CAP-03")
def test_existing_work_takes_of_the_hours_of_its_bucket() -> None:
    """6 hours of Monday are taken: of 10 hours 2 are worked then, 8 on Tuesday."""
    order = {
        "supply_order": "W1",
        "kind": "work",
        "product": "B",
        "location": "P",
        "qty": 6.0,
        "start": AS_OF + dt.timedelta(hours=8),
        "due": AS_OF + dt.timedelta(hours=14),
        "status": "released",
        "source": "make B",
    }
    tables = workshop([("B", 16.0, 0.0, 1)], minutes=60.0, stock=40.0, shifts=DAY_SHIFT)
    tables = per_bucket(tables | {"supply_orders": [order]}, {"M1": "day"})
    made = checked(tables, "light")
    mine = made.operations.join(
        made.supplies.filter(pl.col("status") == "planned"),
        left_on="supply",
        right_on="id",
        how="semi",
    )
    assert mine["run_minutes"].sort().to_list() == [120.0, 480.0]
    assert mine["finish"].max() == AS_OF + dt.timedelta(hours=40)


# --- against netting by all rules ----------------------------------------------------
@pytest.mark.req("CAP-03", "MRP-02")
@settings(max_examples=examples(3, 150), deadline=None, phases=[Phase.generate])
@given(
    st.sampled_from(["day", "week", "month"]),
    st.sampled_from([None, DAY_SHIFT, TWO_SHIFTS, WEEK]),
    st.integers(1, 60).map(float),
    st.integers(-3, 20).map(float),
)
def test_one_order_is_dated_as_netting_dates_it(
    bucket: str, shifts: Any, qty: float, due: float
) -> None:
    tables = workshop([("B", qty, due, 1)], minutes=95.0, stock=99.0, shifts=shifts)
    tables = per_bucket(tables, {"M1": bucket})
    other = netted(Snapshot.from_frames(tables))
    assert worked(searched(tables, "light")) == worked(other)


@pytest.mark.req("CAP-03", "MRP-02")
@settings(max_examples=examples(2, 150), deadline=None, phases=[Phase.generate])
@given(st.data())
def test_any_searched_plan_keeps_the_hours_of_buckets(data: st.DataObject) -> None:
    kinds = st.sampled_from([None, "day", "week", "month"])
    rows = st.tuples(
        st.sampled_from("AB"),
        st.integers(1, 30).map(float),
        st.integers(-2, 20).map(float),
        st.integers(1, 3),
    )
    tables = workshop(
        data.draw(st.lists(rows, min_size=1, max_size=8)),
        minutes=data.draw(st.sampled_from([7.0, 61.0, 300.0])),
        stock=data.draw(st.sampled_from([0.0, 9.0])),
        shifts=data.draw(st.sampled_from([None, DAY_SHIFT, TWO_SHIFTS])),
        units=data.draw(st.sampled_from([1.0, 2.0])),
    )
    buckets = {name: data.draw(kinds) for name in ("M1", "M2")}
    checked(per_bucket(tables, buckets))


# --- kernels -----------------------------------------------------------------------
def with_buckets(made: Plant) -> Plant:
    """The plant where machine 0 counts 8 hours a day, 24 two days after each other."""
    opens = np.arange(DAYS) * DAY
    opens[0] = -FAR
    closes = np.append(opens[1:], FAR)
    alone = np.diff(made.w_start) == 0
    hourly = (made.machine == 0) & alone & (made.fixed + made.rate > 0)
    count = int(hourly.sum())
    zeros = np.zeros(DAYS, np.int64)
    return made._replace(
        bucket=np.where(hourly, 0, -1),
        k_start=np.array([0, DAYS]),
        k_open=opens,
        k_close=closes,
        k_before=zeros,
        k_first=zeros,
        k_next=zeros,
        l_start=np.cumsum([0, *hourly.astype(np.int64)]),
        l_each=np.zeros(count, np.int64),
        l_over=np.ones(count, np.int64),
        l_room=np.zeros(count, np.int64),
        l_most=np.append(np.resize([8 * HOUR, 0, 24 * HOUR], DAYS - 1), FAR),
    )


def check_buckets(made: Plant, plan: ScheduleRecord) -> None:
    """What orders take of buckets is their length, and what is taken of them."""
    total, width = np.zeros(DAYS, np.int64), plan.width[1]
    for order, qty, start, end, option, *_ in state_of(plan)["orders"]:
        if made.bucket[option] < 0:
            continue
        row = plan.o_beside[order * width : (order + 1) * width]
        item = plan.o_item[order]
        assert sum(row) == length_of(made, item, option, qty)
        first = int(np.searchsorted(made.k_close, start, side="right"))
        assert end <= made.k_close[first + max(np.flatnonzero(row))]
        for place, share in enumerate(row):
            if share:
                total[first + place] += share
    assert total.tolist() == list(plan.taken)
    assert (total <= made.l_most).all()


def settled(made: Plant) -> tuple[Any, ScheduleRecord]:
    read, plan = scheduled(made)
    K.justify_left(read, plan)
    return read, plan


@settings(max_examples=examples(5, 25), phases=[Phase.generate], deadline=None)
@given(plants().map(with_buckets))
def test_moves_keep_the_hours_of_buckets(made: Plant) -> None:
    read, plan = settled(made)
    check_buckets(made, plan)
    before = list(plan.o_end)
    K.justify_right(read, plan)
    check_buckets(made, plan)
    alive = [order for order, *_ in state_of(plan)["orders"]]
    assert all(plan.o_end[order] >= before[order] for order in alive)
    K.justify_left(read, plan)
    K.improve(read, plan, 40, 6, 1e-9, aims_of(made), [0, 0, 0])
    check_buckets(made, plan)


@settings(max_examples=examples(5, 25), phases=[Phase.generate], deadline=None)
@given(plants().map(with_buckets), st.data())
def test_undo_gives_back_what_was_taken_of_buckets(
    made: Plant, data: st.DataObject
) -> None:
    read, plan = settled(made)
    before, taken = state_of(plan), list(plan.taken)
    out = data.draw(
        st.lists(st.integers(0, len(made.d_item) - 1), min_size=1, unique=True)
    )
    for demand in out:
        K.withdraw(read, plan, demand)
    for demand in reversed(out):
        K.supply(read, plan, demand)
    check_buckets(made, plan)
    K.undo(read, plan, 0)
    after = state_of(plan)
    for state in (before, after):
        # Those that begin at once stand in any sequence.
        state["lanes"] = [sorted(lane) for lane in state["lanes"]]
    assert after == before
    assert list(plan.taken) == taken
