"""Existing orders on machines of any number of units, and units that come and go."""

from __future__ import annotations

import datetime as dt
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest
from hypothesis import Phase, assume, given, settings
from hypothesis import strategies as st

from medhavi.planners.constrained.search.standing_work import (
    Standing,
    cut,
    on_units,
)
from medhavi.snapshot import Snapshot
from tests.api import plan, verify
from tests.examples import examples
from tests.factories import AS_OF
from tests.planners.search_plants import workshop
from tests.planners.small_plans import KERNELS
from tests.planners.test_search_plans import searched, work_orders, workshops

if TYPE_CHECKING:
    from medhavi.results.plans.plan import Plan

HOURLY = 60.0


def on_parts(number: int, hours: int, qty: float, status: str) -> dict[str, Any]:
    """Make an open order of parts on M2, due so many hours after now."""
    return {
        "supply_order": f"WO{number}",
        "kind": "work",
        "product": "PART",
        "location": "P",
        "source": "make PART",
        "qty": qty,
        "due": AS_OF + dt.timedelta(hours=hours),
        "status": status,
    }


def parts(made: Plan) -> list[tuple[int, int]]:
    """Hours after now in which new work is on M2, by start."""
    new = made.supplies.filter(status="planned", product="PART")
    work = made.operations.filter(resource="M2").join(
        new.select("id"), left_on="supply", right_on="id"
    )
    rows = work.sort("start").select("start", "finish").rows()
    hour = dt.timedelta(hours=1)
    return [((one - AS_OF) // hour, (other - AS_OF) // hour) for one, other in rows]


def shop(qty: float, units: float, orders: list[dict[str, Any]]) -> dict[str, Any]:
    """One product A of parts that M2 makes in an hour each; RAW is there."""
    tables = workshop([("A", qty, 0.0, 1)], minutes=HOURLY, least=1.0, units=units)
    raw = {"product": "RAW", "location": "P", "qty": 99.0}
    return {**tables, "stock": [raw], "supply_orders": orders}


def checked(tables: dict[str, Any]) -> Plan:
    made = searched(tables, "light")
    assert [str(one) for one in verify(made, Snapshot.from_frames(tables))] == []
    return made


@pytest.mark.req("CAP-12")
def test_new_work_goes_beside_an_order_that_stands() -> None:
    """One of two units makes 40 parts until hour 40, the other 4 for A at once."""
    tables = shop(4.0, 2.0, [on_parts(1, 40, 40.0, "released")])
    assert parts(checked(tables)) == [(0, 4)]


@pytest.mark.req("CAP-12")
def test_two_orders_that_stand_take_both_units() -> None:
    """Hours 0 to 9 and 2 to 8: 4 parts do not fit before either of them on its unit."""
    orders = [on_parts(1, 9, 9.0, "released"), on_parts(2, 8, 6.0, "released")]
    tables = shop(25.0, 2.0, orders)
    assert parts(checked(tables)) == [(8, 18)]


@pytest.mark.req("CAP-12")
def test_where_more_stand_than_there_are_units_new_work_comes_after_them() -> None:
    """Two orders on one unit, hours 0 to 6 and 3 to 9: what is new begins at 9."""
    orders = [on_parts(1, 6, 6.0, "released"), on_parts(2, 9, 6.0, "released")]
    made = searched(shop(14.0, 1.0, orders), "light")
    assert parts(made) == [(9, 11)]


@pytest.mark.req("MRP-02", "CAP-12")
def test_an_order_that_should_have_begun_begins_now() -> None:
    """Firmed, 5 hours of work due 40 hours ago: now, and what is new after it."""
    made = checked(shop(7.0, 1.0, [on_parts(1, -40, 5.0, "firmed")]))
    ((start, finish),) = (
        made.supplies.filter(number="WO1").select("start", "finish").rows()
    )
    assert (start, finish) == (AS_OF, AS_OF + dt.timedelta(hours=5))
    assert parts(made) == [(5, 7)]
    told = made.exceptions.filter(supply="WO1")["code"].to_list()
    assert "Moved" in told
    assert "CapacityOverload" not in told


@pytest.mark.req("MRP-02", "CAP-12")
def test_a_released_order_stays_where_it_is_dated() -> None:
    made = checked(shop(7.0, 1.0, [on_parts(1, -40, 5.0, "released")]))
    assert parts(made) == [(0, 2)]


@pytest.mark.req("CAP-12")
def test_work_fits_between_the_units_that_come_and_go() -> None:
    """Two units until hour 6, then one: on the second 5 hours fit, 12 do not."""
    change = {
        "resource": "M2",
        "valid_from": AS_OF + dt.timedelta(hours=6),
        "units": 1.0,
    }
    tables = shop(5.0, 2.0, [on_parts(1, 9, 9.0, "released")])
    tables |= {"resource_units": [change]}
    made = checked({**tables, "demands": [tables["demands"][0] | {"qty": 14.0}]})
    assert parts(made) == [(1, 6)]
    made = checked({**tables, "demands": [tables["demands"][0] | {"qty": 21.0}]})
    assert parts(made) == [(9, 21)]


def test_more_units_of_one_order_are_as_many_units() -> None:
    work = [Standing(0, 5, units=2), Standing(1, 4), Standing(5, 6, units=3)]
    found = [[one[:2] for one in unit] for unit in on_units(work, 3)]
    assert found == [[(0, 5), (5, 6)], [(0, 5), (5, 6)], [(1, 4), (5, 6)]]


@st.composite
def units(draw: st.DrawFn) -> list[dict[str, Any]]:
    """Units of M2 from some hours on."""
    hours = draw(st.lists(st.integers(-20, 300), max_size=3, unique=True))
    return [
        {
            "resource": "M2",
            "valid_from": AS_OF + dt.timedelta(hours=hour),
            "units": draw(st.sampled_from([0.0, 1.0, 2.0, 3.0])),
        }
        for hour in hours
    ]


@pytest.mark.req("CAP-06", "CAP-12")
@settings(max_examples=examples(2, 100), phases=[Phase.generate])
@given(
    workshops(),
    work_orders(),
    units(),
    st.sampled_from(["light", "standard"]),
)
def test_a_plan_around_what_stands_can_be_carried_out(
    tables: dict[str, Any],
    orders: list[dict[str, Any]],
    changes: list[dict[str, Any]],
    effort: str,
) -> None:
    snapshot = Snapshot.from_frames(
        {
            **tables,
            "supply_orders": tables["supply_orders"] + orders,
            "resource_units": changes,
        }
    )
    made = plan(snapshot, "constrained", {**KERNELS, "effort": effort})
    assume(made.run.engine == "search")
    assert [str(one) for one in verify(made, snapshot)] == []


@pytest.mark.req("CAP-12")
@pytest.mark.parametrize(
    ("status", "start"), [("firmed", 72), ("planned", 72), ("released", 0)]
)
def test_an_order_that_may_move_waits_for_its_goods(status: str, start: int) -> None:
    """Ten parts are dated for hours 0 to 10; their raw material is there on day 3."""
    tables = shop(10.0, 1.0, [on_parts(1, 10, 10.0, status)])
    tables["stock"] = []
    tables["supply_orders"].append(
        {
            "supply_order": "PO1",
            "kind": "purchase",
            "product": "RAW",
            "location": "P",
            "qty": 50.0,
            "due": AS_OF + dt.timedelta(days=3),
        }
    )
    made = checked(tables)
    orders = made.supplies.filter(product="PART").sort("start")["start"].to_list()
    assert orders[0] == AS_OF + dt.timedelta(hours=start)


@pytest.mark.nightly
@settings(max_examples=20, deadline=None, phases=[Phase.generate])
@given(workshops(), work_orders(), units())
def test_compiled_and_plain_kernels_find_the_same_plan_around_what_stands(
    tables: dict[str, Any],
    orders: list[dict[str, Any]],
    changes: list[dict[str, Any]],
) -> None:
    pytest.importorskip("numba")
    snapshot = Snapshot.from_frames(
        {
            **tables,
            "supply_orders": tables["supply_orders"] + orders,
            "resource_units": changes,
        }
    )
    made = [
        plan(snapshot, "constrained", {"engine": engine})
        for engine in ("python", "numba")
    ]
    assert made[0].fingerprint == made[1].fingerprint


def apart(edges: list[int]) -> list[tuple[int, int]]:
    """Spans between every other two of some instants, in order of time."""
    rising = sorted(set(edges))
    return list(zip(rising[::2], rising[1::2], strict=False))


@pytest.mark.req("CAP-03")
@given(
    st.lists(st.integers(0, 60), min_size=2, max_size=20).map(apart),
    st.lists(st.integers(-5, 65), max_size=14).map(apart),
)
@settings(max_examples=examples(300))
def test_open_time_is_cut_where_work_stands(
    opens: list[tuple[int, int]], busy: list[tuple[int, int]]
):
    """Counted second by second: what is open and not busy, and busy time between."""
    found, walls = cut(np.array(opens, np.int64).reshape(-1, 2), busy)
    free = {s for low, high in opens for s in range(low, high)}
    free -= {s for low, high in busy for s in range(low, high)}
    rows = found.tolist()
    assert [s for low, high in rows for s in range(low, high)] == sorted(free)
    bounds = [edge for row in rows for edge in row]
    assert bounds == sorted(bounds)
    between = {
        place
        for place in range(1, len(rows))
        if any(
            rows[place - 1][1] <= low and high <= rows[place][0] for low, high in busy
        )
    }
    assert between <= set(walls)
    assert walls == sorted(set(walls))
