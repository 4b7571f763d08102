"""Plans of two sites whose orders a search found: moves go as their lanes leave."""

from __future__ import annotations

import datetime as dt
from operator import itemgetter
from typing import TYPE_CHECKING, Any

import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from medhavi.planners.constrained.search.plant.model import model_of
from medhavi.planners.kernels.plant_kernels.plant_record import (
    begin_by,
    begin_from,
    end_by,
    end_from,
)
from medhavi.snapshot import Snapshot
from tests.api import plan, verify
from tests.examples import examples
from tests.factories import AS_OF
from tests.planners.netted_plans import netted
from tests.planners.search_plants import two_sites, workshop
from tests.planners.small_plans import KERNELS
from tests.planners.test_search_plans import delivered, searched, workshops
from tests.planners.test_search_plants import WEIGHTS, run_of

if TYPE_CHECKING:
    from medhavi.planners.constrained.search.plant.model import Model
    from medhavi.planners.constrained.search.searched_run import SearchedRun

HOUR = 3600
DAILY = [(day, 12) for day in range(1, 8)]
OPEN = [
    {"calendar": "LANE", "weekday": day, "start": dt.time(6), "finish": dt.time(20)}
    for day in range(1, 6)
]


@st.composite
def lanes(draw: st.DrawFn) -> dict[str, Any]:
    """How goods go from F to P."""
    times = st.tuples(st.integers(1, 7), st.sampled_from([0, 7, 8, 16, 23]))
    departures = draw(st.lists(times, max_size=5, unique=True))
    calendar = draw(st.sampled_from([None, "LANE"]))
    spans = st.tuples(st.integers(-50, 300), st.integers(1, 90))
    some = 0 if calendar and not departures else 2
    blackouts = draw(st.lists(spans, max_size=some, unique_by=itemgetter(0)))
    return {
        "duration_h": draw(st.sampled_from([0.0, 5.0, 30.5, 70.0])),
        "customs_h": draw(st.sampled_from([0.0, 3.0])),
        "cutoff_h": draw(st.sampled_from([0.0, 2.0, 11.0])),
        "calendar": calendar,
        "departures": departures,
        "blackouts": blackouts,
    }


def with_lane(tables: dict[str, Any], **lane: Any) -> dict[str, Any]:
    """Two sites; lanes may count in calendar LANE."""
    return two_sites(
        {
            **tables,
            "calendars": [*tables["calendars"], {"calendar": "LANE"}],
            "shifts": [*tables["shifts"], *OPEN],
        },
        **lane,
    )


@st.composite
def sites(draw: st.DrawFn) -> dict[str, Any]:
    """Two sites; A and B are wanted at P, or at SHOP, parts may be on their way."""
    lot = draw(st.sampled_from([None, (3.0, 0.0), (2.0, 3.0)]))
    tables = with_lane(draw(workshops()), lot=lot, **draw(lanes()))
    to_shop = {"lane": "P to SHOP", "origin": "P", "destination": "SHOP"}
    hours = draw(st.sampled_from([0.0, 8.0, 50.0]))
    places = st.sampled_from(["P", "SHOP"])
    transfers = [
        {
            "supply_order": f"TO{number}",
            "kind": "transfer",
            "product": "PART",
            "location": "P",
            "source": draw(st.sampled_from(["F to P", "F"])),
            "qty": float(draw(st.integers(1, 5))),
            "due": AS_OF + dt.timedelta(days=draw(st.integers(-1, 15)), hours=3),
            "status": draw(st.sampled_from(["firmed", "released", "in_process"])),
        }
        for number in range(draw(st.integers(0, 2)))
    ]
    return {
        **tables,
        "locations": [*tables["locations"], {"location": "SHOP"}],
        "lanes": [*tables["lanes"], to_shop | {"duration_h": hours}],
        "demands": [{**row, "location": draw(places)} for row in tables["demands"]],
        "supply_orders": [*tables["supply_orders"], *transfers],
        "stock": [
            *tables["stock"],
            {
                "product": "PART",
                "location": "F",
                "qty": float(draw(st.integers(9, 12))),
            },
            {"product": "A", "location": "SHOP", "qty": float(draw(st.integers(0, 3)))},
        ],
    }


# --- what a lane is in a plant -----------------------------------------------------
def moved(tables: dict[str, Any]) -> tuple[SearchedRun, Model, int]:
    """Run, model, and the item that is moved from F to P."""
    run = run_of(tables)
    model = model_of(run, WEIGHTS)
    keys = [node.key for node in model.nodes]
    return run, model, model.items[keys.index(("PART", "P"))]


@pytest.mark.req("MRP-02")
def test_what_a_search_reads_of_a_lane() -> None:
    """An hour before one leaves until 5 hours after; the part at F goes into it."""
    tables = two_sites(workshop([("A", 1.0, 4.0, 1)]), lot=(4.0, 2.0), cutoff_h=1.0)
    _, model, item = moved(tables)
    plant = model.plant
    assert plant.fixed[plant.x_start[item]] == 6 * HOUR
    assert (plant.least[item], plant.grain[item], plant.lead[item]) == (4, 2, -1)
    (part,) = plant.c_item[plant.c_start[item] : plant.c_start[item + 1]]
    assert model.nodes[model.items.index(int(part))].key == ("PART", "F")
    assert plant.c_each[plant.c_start[item]] == 1


@pytest.mark.req("MRP-02", "CAP-03")
@settings(max_examples=examples(2, 200))
@given(lanes(), st.lists(st.integers(0, 90 * 86400), min_size=1, max_size=20))
def test_goods_leave_and_arrive_as_the_clock_of_their_lane_says(
    lane: dict[str, Any], times: list[int]
) -> None:
    """Forward to the second; backward no later departure arrives by then."""
    tables = with_lane(workshop([("A", 1.0, 4.0, 1)]), **lane)
    run, model, item = moved(tables)
    plant, now = model.plant, run.as_of
    option, post = int(plant.x_start[item]), int(plant.post[item])
    length = int(plant.fixed[option])
    clock = model.ways[item].source.clock
    for time in times:
        ready = begin_from(plant, option, time, length)
        arrival = end_from(plant, option, ready, length) + post
        first = clock.earliest(now + time, 1)
        assert first is not None
        assert first.finish == now + arrival
        assert ready >= first.ready - now
        if lane["departures"]:
            assert ready == first.ready - now
        end = end_by(plant, option, time - post, length)
        ready = begin_by(plant, option, end, length)
        last = clock.latest(now + time, 1)
        assert last is not None
        assert last.finish <= now + time
        assert ready == last.ready - now
        assert clock.earliest(now + ready, 1).finish == now + end + post  # type: ignore[union-attr]


@pytest.mark.req("MRP-02", "CAP-03")
@pytest.mark.parametrize(("minutes", "day"), [(600.0, 5), (600.01, 6)])
def test_goods_ready_a_second_after_a_cutoff_take_the_next_departure(
    minutes: float, day: int
) -> None:
    """Ready at 10:00 for the departure at 12:00, 2 hours before; else a day later."""
    tables = workshop([("A", 1.0, 0.0, 1)], minutes=minutes, least=1.0, lead=0.0)
    tables = two_sites(tables, departures=DAILY, cutoff_h=2.0)
    made = searched(tables)
    move = made.supplies.filter(kind="move")
    leaves = dt.datetime(2026, 1, day, 12, tzinfo=dt.UTC)
    assert move["start"].to_list() == [leaves]
    assert move["finish"].to_list() == [leaves + dt.timedelta(hours=5)]
    work = made.operations.filter(resource="M1")
    assert work["start"].to_list() == [leaves + dt.timedelta(hours=5)]


@pytest.mark.req("CAP-12", "MRP-06")
def test_what_waits_for_a_departure_is_late_by_the_time_of_its_lane() -> None:
    """Only Thursdays: ready on Monday at 10:00, so 3 days and 7 hours on the way."""
    tables = workshop([("A", 1.0, 0.0, 1)], least=1.0, lead=0.0)
    tables = two_sites(tables, departures=[(4, 12)])
    causes = [
        made.causes.select("code", "subject", "hours").rows()
        for made in (searched(tables), netted(snapshot_of(tables)))
    ]
    assert causes[0] == causes[1]
    assert causes[0][0] == ("LeadTime", "F to P", 79.0)


def snapshot_of(tables: dict[str, Any]) -> Snapshot:
    return Snapshot.from_frames(tables)


def test_stock_that_nobody_takes_needs_no_source() -> None:
    """B stands at P; of what it is made of, X is bought for nothing else."""
    tables = workshop([("A", 2.0, 4.0, 1)])
    terms, lines = tables["supply_terms"], tables["bom_lines"]
    part = {"routing": "make B", "line": 2, "component": "X", "qty_per": 1.0}
    tables |= {
        "products": [*tables["products"], {"product": "X"}],
        "supply_terms": [*terms, {**terms[0], "product": "X"}],
        "bom_lines": [*lines, part],
        "stock": [{"product": "B", "location": "P", "qty": 1.0}],
    }
    made = searched(tables)
    assert set(made.supplies["product"]) == {"A", "PART", "RAW"}
    assert list(verify(made, snapshot_of(tables))) == []


# --- laws --------------------------------------------------------------------------
@pytest.mark.req("CAP-06", "CAP-12", "MRP-02")
@settings(max_examples=examples(2, 40))
@given(sites(), st.sampled_from(["light", "standard"]))
def test_a_plan_of_two_sites_that_was_sought_can_be_carried_out(
    tables: dict[str, Any], effort: str
) -> None:
    """As much as in the general way, causes that sum up, nothing below the bound."""
    snapshot = snapshot_of(tables)
    made = plan(
        snapshot,
        "constrained",
        {**KERNELS, "effort": effort},
    )
    assert [str(one) for one in verify(made, snapshot)] == []
    if made.run.engine != "search":
        assert "an existing order lacks" in made.run.engine
        return
    general = netted(snapshot)
    assert delivered(made) == delivered(general)
    late = made.fulfilment.filter(pl.col("lateness_h") > 0)
    hours = late.join(
        made.causes.group_by("demand").agg(pl.col("hours").sum()), "demand"
    )
    assert hours.height == late.height
    assert ((hours["hours"] - hours["lateness_h"]).abs() < 1e-6).all()
    assert made.run.bound is not None
    assert made.run.bound <= made.run.effort["weighted_days"] + 1e-9
    assert made.run.effort["late_at_least"] <= made.run.effort["late"]


@pytest.mark.nightly
@settings(max_examples=20, deadline=None)
@given(sites())
def test_compiled_and_plain_kernels_find_the_same_plan_of_two_sites(
    tables: dict[str, Any],
) -> None:
    pytest.importorskip("numba")
    made = [
        plan(snapshot_of(tables), "constrained", {"engine": engine})
        for engine in ("python", "numba")
    ]
    assert made[0].fingerprint == made[1].fingerprint
