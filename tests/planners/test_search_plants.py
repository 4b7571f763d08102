"""What a search knows of a plant, and what it leaves to the general way, by reason."""

from __future__ import annotations

import datetime as dt
import gc
from dataclasses import replace
from functools import cache
from math import lcm
from typing import Any

import numpy as np
import polars as pl
import pytest
from hypothesis import Phase, given, settings
from hypothesis import strategies as st

from medhavi.planners.constrained.memory import Memory
from medhavi.planners.constrained.orders.lateness_weights import Weights
from medhavi.planners.constrained.search.plant.machines import UnfitError
from medhavi.planners.constrained.search.plant.model import model_of
from medhavi.planners.constrained.search.plant.routings import linear
from medhavi.planners.constrained.search.plant_schedule import MismatchError
from medhavi.planners.constrained.search.schedule_placement import SchedulePlacement
from medhavi.planners.constrained.search.schedule_search import seek
from medhavi.planners.constrained.search.search_effort import SearchObserver
from medhavi.planners.constrained.search.searched_run import SearchedRun, plan
from medhavi.planners.kernels.plant_kernels.plant_record import (
    begin_by,
    begin_from,
    end_by,
    end_from,
    length_of,
)
from medhavi.planners.mrp.netting_state.state import Need
from medhavi.progress import unobserved
from medhavi.providers.capacity.clocks import Duration
from medhavi.snapshot import Snapshot
from medhavi.units import exact
from tests import api
from tests.api import ConstrainedParameters, verify
from tests.examples import examples
from tests.factories import AS_OF
from tests.planners.campaign_shop import shop
from tests.planners.search_plants import DAY, ENGINE, two_sites, workshop
from tests.planners.small_plans import KERNELS

HOUR = 3600
STOCK = -2

PLAIN = workshop([("A", 2.0, 4.0, 1), ("B", 3.0, 2.0, 2)], stock=1.0)
LATER = AS_OF + dt.timedelta(days=30)
WEIGHTS = Weights((25.0, 5.0, 1.0), 20.0)
ALWAYS = ConstrainedParameters(engine="python", effort="light")


def run_of(
    tables: dict[str, Any], kind: type[SearchedRun] = SearchedRun
) -> SearchedRun:
    parameters = ConstrainedParameters(engine="python", effort="light")
    snapshot = Snapshot.from_frames(tables)
    snapshot.require()
    run = kind(Memory(snapshot), parameters)
    run.build()
    return run


def cells(table: str, row: int = 0, **more: object) -> dict[str, Any]:
    """Plain tables with other cells in one row."""
    rows = [dict(one) for one in PLAIN[table]]
    rows[row] |= more
    return {**PLAIN, table: rows}


def rows(table: str, *more: dict[str, Any]) -> dict[str, Any]:
    """Plain tables with further rows of one."""
    return {**PLAIN, table: [*PLAIN.get(table, []), *more]}


NEARLY = {
    "is pegged to what is made of it": rows(
        "pegs",
        {
            "demand": "D0",
            "supply": "PART|P|",
            "product": "PART",
            "location": "P",
            "qty": 1.0,
        },
    ),
    "days of safety": rows(
        "inventory_policies", {"product": "PART", "location": "P", "safety_days": 5.0}
    ),
    "sent from where nothing comes from": {
        **cells("demands", ship_from="Q"),
        "locations": [{"location": "P"}, {"location": "Q"}],
    },
    "quality that nothing has": {
        **cells("demands", min_quality="A"),
        "settings": [{**PLAIN["settings"][0], "quality_classes": ["A"]}],
        "products": [
            {"product": name, "quality": "A"} for name in ("A", "B", "PART", "RAW")
        ],
    },
    "has lots by min_max": rows(
        "inventory_policies",
        {
            "product": "PART",
            "location": "P",
            "lot_rule": "min_max",
            "min_qty": 1.0,
            "max_qty": 4.0,
        },
    ),
    "make PART has other lots than its product": {
        **rows(
            "inventory_policies",
            {
                "product": "PART",
                "location": "P",
                "lot_rule": "fixed",
                "lot_size": 3.0,
            },
        ),
        "routings": cells("routings", 2, lot_multiple=2.0)["routings"],
    },
    "validity": cells("routings", valid_to=LATER),
    "working days": {
        **cells("routings", batch_window_days=2.0),
        "locations": [{"location": "P", "calendar": "WEEK"}],
        "calendars": [{"calendar": "WEEK"}],
        "shifts": [
            {
                "calendar": "WEEK",
                "weekday": 1,
                "start": dt.time(8),
                "finish": dt.time(16),
            }
        ],
    },
    "is made to order and goes into what is not": cells(
        "products", 2, make_to_order=True
    ),
    "F to P has a calendar, and times without departures": {
        **two_sites(PLAIN, calendar="LANE"),
        "calendars": [{"calendar": "LANE"}],
        "shifts": [
            {
                "calendar": "LANE",
                "weekday": 1,
                "start": dt.time(8),
                "finish": dt.time(16),
            }
        ],
        "lane_blackouts": [
            {"lane": "F to P", "valid_from": AS_OF, "valid_to": LATER},
        ],
    },
    "no departure": {
        **two_sites(PLAIN, departures=[(1, 8)]),
        "lane_blackouts": [
            {
                "lane": "F to P",
                "valid_from": AS_OF - dt.timedelta(days=100),
                "valid_to": AS_OF + dt.timedelta(days=9000),
            },
        ],
    },
    "falls out of other work as well": rows(
        "routing_outputs",
        {"routing": "make A", "line": 1, "product": "A", "role": "main"},
        {"routing": "make A", "line": 2, "product": "B", "role": "by"},
    ),
    "components by date": cells("bom_lines", valid_from=LATER),
}
EXACT = {
    "components by date",
    "days of safety",
    "no departure",
    "quality that nothing has",
    "sent from where nothing comes from",
    "validity",
    "working days",
}
"""What a plant says as it is, or the run shares out before."""


@pytest.mark.parametrize("why", sorted(NEARLY))
def test_what_a_plant_says_nearly_is_placed_anew(why: str) -> None:
    snapshot = Snapshot.from_frames(NEARLY[why])
    asked = {**KERNELS, "effort": "light"}
    made = api.plan(snapshot, "constrained", asked)
    assert verify(made, snapshot) == []
    if why in EXACT:
        assert made.run.engine == "search"
    else:
        assert made.run.engine.startswith("search, placed anew"), made.run.engine
        assert why in made.run.engine


@pytest.mark.req("ATP-08")
def test_lines_that_go_together_are_searched_each_by_itself() -> None:
    """The search dates each line; the rules of the order say when both leave."""
    both = [
        {**row, "sales_order": "S1", "order_policy": "all_together"}
        for row in PLAIN["demands"]
    ]
    snapshot = Snapshot.from_frames({**PLAIN, "demands": both})
    made = plan(snapshot, ALWAYS, "0")
    assert made.run.engine == "search"
    assert [str(found) for found in verify(made, snapshot)] == []
    last = made.deliveries.group_by("demand").agg(pl.col("date").max())
    assert last["date"].n_unique() == 1
    late = made.fulfilment.filter(pl.col("lateness_h") > 0)
    assert made.run.effort["late"] == late.height


@pytest.mark.parametrize(("days", "short"), [(400.0, 0), (0.0, 2)])
def test_what_would_come_after_its_latest_day_is_not_wanted(
    days: float, short: int
) -> None:
    """Two demands that are due tomorrow; what is bought for them takes three days."""
    rows = [
        {**row, "due": AS_OF + dt.timedelta(days=1), "max_lateness_days": days}
        for row in PLAIN["demands"]
    ]
    snapshot = Snapshot.from_frames({**PLAIN, "demands": rows})
    made = plan(snapshot, ALWAYS, "0")
    assert made.run.engine == "search"
    assert [str(found) for found in verify(made, snapshot)] == []
    assert made.fulfilment.filter(pl.col("short") > 0).height == short
    assert made.supplies.is_empty() == bool(short)


def test_a_demand_sent_from_its_own_place_is_like_any_other() -> None:
    snapshot = Snapshot.from_frames(cells("demands", ship_from="P"))
    assert plan(snapshot, ALWAYS, "0").run.engine == "search"


def test_a_product_of_too_many_levels_is_not_searched() -> None:
    """201 levels of one part each: one more than a move may take out."""
    names = [f"P{level:03d}" for level in range(202)]
    makes = names[:-1]
    tables = {
        **PLAIN,
        "products": [{"product": name} for name in names],
        "supply_terms": [{**PLAIN["supply_terms"][0], "product": names[-1]}],
        "routings": [
            {"routing": name, "product": name, "location": "P"} for name in makes
        ],
        "steps": [
            {"routing": name, "step": 1, "sequence": 1, "fixed_minutes": 1.0}
            for name in makes
        ],
        "step_resources": [],
        "bom_lines": [
            {"routing": name, "line": 1, "component": part, "qty_per": 1.0}
            for name, part in zip(makes, names[1:], strict=True)
        ],
        "stock": [],
        "demands": [{**PLAIN["demands"][0], "product": names[0]}],
    }
    with pytest.raises(UnfitError, match="too many levels"):
        model_of(run_of(tables), WEIGHTS)


@pytest.mark.req("CAP-03")
def test_what_a_search_reads_of_a_plant() -> None:
    """600 minutes a piece, lots of 2, 3 days for what is bought; nothing else."""
    model = model_of(run_of(PLAIN), WEIGHTS)
    plant = model.plant
    of = {node.key[0]: number for number, node in enumerate(model.nodes)}
    assert model.machines == ("M1", "M2")
    assert plant.machine[of["A"]] == plant.machine[of["B"]] == 0
    assert [plant.rate[of[name]] for name in ("A", "PART")] == [36_000, 36_000]
    assert [plant.least[of[name]] for name in ("A", "PART")] == [1, 2]
    assert [plant.lead[of[name]] for name in ("A", "RAW")] == [-1, 3 * DAY]
    assert plant.s_item.tolist() == [of["PART"]]
    assert plant.s_qty.tolist() == [1]
    assert plant.d_weight.tolist() == [2500, 500]


@pytest.mark.req("CAP-15")
def test_machines_of_one_matrix_share_its_times() -> None:
    """Times between hundreds of families, machine by machine, would fill memory."""
    names = "ABC"
    tables = {
        "resources": [
            {"resource": f"M{name}", "location": "L", "changeover_matrix": matrix}
            for name, matrix in zip(names, "XXY", strict=True)
        ],
        "step_resources": [
            {"routing": f"R{name}", "step": 1, "resource": f"M{name}"} for name in names
        ],
        "changeovers": [
            {"matrix": "X", "from_family": "FA", "to_family": "FB", "setup_minutes": 3},
            {"matrix": "X", "from_family": "*", "to_family": "*", "setup_minutes": 5},
            {"matrix": "Y", "from_family": "*", "to_family": "*", "setup_minutes": 7},
        ],
    }
    asked = shop([(name, 1.0, 9.0) for name in names], **tables)
    model = model_of(run_of(dict(asked.tables)), WEIGHTS)
    plant = model.plant
    begin = [int(plant.m_change[model.machines.index(f"M{name}")]) for name in names]
    assert plant.f_size[0] == 3
    assert begin == [0, 0, 9]
    times = plant.f_change.reshape(2, 3, 3)
    assert sorted(times[0].ravel()) == [0, 0, 0, 180, 300, 300, 300, 300, 300]
    assert sorted(times[1].ravel()) == [0, 0, 0] + [420] * 6


def test_work_on_no_finite_resource_has_no_machine() -> None:
    model = model_of(run_of(cells("resources", finite=False)), WEIGHTS)
    of = {node.key[0]: number for number, node in enumerate(model.nodes)}
    assert model.machines == ("M2",)
    assert model.plant.machine[of["A"]] == -1


def test_minutes_of_many_decimals_are_counted_in_shares_of_seconds() -> None:
    """0.01 minutes a piece: 0.6 s, so 3 s for 5 pieces and 4 s for 6."""
    plant = model_of(run_of(cells("steps", run_minutes_per_unit=0.01)), WEIGHTS).plant
    assert (plant.fixed[0], plant.rate[0], plant.scale[0]) == (0, 3, 5)
    assert [length_of(plant, 0, 0, pieces) for pieces in (5, 6)] == [3, 4]


@pytest.mark.req("CAP-20")
@settings(max_examples=examples(200, 2000), phases=[Phase.generate])
@given(
    minutes=st.floats(0.0, 5000.0),
    fixed=st.sampled_from([0.0, 12.5, 1.0 / 3.0]),
    pace=st.sampled_from([1.0, 0.9, 0.87, 1.0 / 3.0, 0.7123456]),
    grain=st.sampled_from([1, 1000, 1_000_000]),
    sizes=st.lists(st.integers(1, 1_000_000), min_size=5, max_size=5),
)
def test_times_at_any_pace_are_those_of_the_clocks(minutes, fixed, pace, grain, sizes):
    """What is counted in small numbers is exact at any size; else it is only near."""
    rate, first = (exact(one) * 60 / exact(pace) for one in (minutes, fixed))
    rate /= grain
    scale = lcm(rate.denominator, first.denominator)
    length = Duration(
        fixed=int(first * scale), rate=int(rate * scale), scale=scale, setup=0
    )
    (once, each, over), exactly = linear(length, grain)
    assert exactly or fixed
    for size in (1, *sizes):
        found = -(-(once + each * size) // over)
        assert abs(found - length.length(grain * size)) <= (not exactly) * (1 + size)


@pytest.mark.req("CAP-03", "CAP-09")
def test_steps_of_a_routing_are_items_that_take_one_another() -> None:
    """The last step of "make A" comes first; parts go to the first step of it."""
    after = [
        {"resource": "M2", "run_minutes_per_unit": 5.0, "queue_minutes": 10.0},
        {"fixed_minutes": 7.0},
    ]
    model = model_of(run_of(workshop([("A", 1.0, 4.0, 1)], after=after)), WEIGHTS)
    plant, last = model.plant, model.items[0]
    assert [int(number) for number in model.product[last : last + 3]] == [last] * 3
    assert plant.machine[last : last + 3].tolist() == [-1, 1, 0]
    assert plant.fixed[last : last + 3].tolist() == [420, 0, 0]
    assert plant.post[last + 2] == 600, "the queue of step 2"
    below = [plant.c_item[plant.c_start[at]] for at in range(last, last + 3)]
    assert below == [last + 1, last + 2, model.items[model.nodes.index(_part(model))]]


def _part(model: Any) -> Any:
    return next(node for node in model.nodes if node.key[0] == "PART")


# --- work in open time ----------------------------------------------------------------
DAILY = [
    {"weekday": day, "start": dt.time(8), "finish": dt.time(16)} for day in range(1, 8)
]


@cache
def daily(*, whole: bool = False) -> Any:
    plant = model_of(
        run_of(workshop([("A", 1.0, 4.0, 1)], shifts=DAILY)), WEIGHTS
    ).plant
    return plant._replace(whole=np.full_like(plant.whole, whole))


@pytest.mark.req("CAP-03")
@pytest.mark.parametrize(
    ("whole", "ready", "length", "begin", "end"),
    [
        (False, 7, 2, 8, 10),
        (False, 15, 2, 15, 33),
        (False, 16, 1, 32, 33),
        (False, 9, 7, 9, 16),
        (False, 16, 0, 16, 16),
        (False, 17, 0, 32, 32),
        (True, 15, 2, 32, 34),
        (True, 14, 2, 14, 16),
    ],
)
def test_work_goes_on_in_open_time(whole, ready, length, begin, end):  # type: ignore[no-untyped-def]
    """Open from 8 to 16 each day [h since the midnight before now]."""
    plant = daily(whole=whole)
    midnight = -AS_OF.hour * HOUR
    times = [midnight + hours * HOUR for hours in (ready, begin, end)]
    item = int(np.flatnonzero(plant.calendar >= 0)[0])
    assert begin_from(plant, item, times[0], length * HOUR) == times[1]
    assert end_from(plant, item, times[1], length * HOUR) == times[2]


@given(st.integers(-900, 4000), st.integers(0, 50), st.booleans())
def test_the_latest_begin_in_open_time_is_the_last_that_ends_by_then(
    time: int, hours: int, whole: bool
) -> None:
    plant, length = daily(whole=whole), (hours % 8 if whole else hours) * 1800
    time *= 600
    end = end_by(plant, 0, time, length)
    begin = begin_by(plant, 0, end, length)
    assert end <= time
    assert begin_from(plant, 0, begin, length) == begin
    assert end_from(plant, 0, begin, length) == end
    later = begin_from(plant, 0, begin + 1, length)
    assert end_from(plant, 0, later, length) > time or length == 0


# --- what providers and search say differently --------------------------------------
def sought(tables: dict[str, Any] = PLAIN) -> tuple[SearchedRun, Any, Any]:
    run = run_of(tables)
    model = model_of(run, WEIGHTS)
    watch = SearchObserver(told=unobserved, stop=lambda: False)
    return run, model, seek(model, ENGINE, "light", watch, 1)


def test_two_orders_on_a_machine_at_a_time_are_refused() -> None:
    run, model, found = sought()
    late = [0] * len(found.order_late_start)
    with pytest.raises(MismatchError, match="two orders at a time"):
        run.adopt(model, found._replace(order_late_start=late))


def test_an_order_that_takes_longer_than_found_is_refused() -> None:
    run, model, found = sought()
    longer = model.plant._replace(post=model.plant.post + 60)
    with pytest.raises(MismatchError, match="runs otherwise"):
        run.adopt(replace(model, plant=longer), found)


def test_needs_that_nobody_serves_are_refused() -> None:
    run, model, found = sought()
    kept = [peg for peg, giver in enumerate(found.peg_from) if giver != STOCK]
    fewer = {
        name: [getattr(found, name)[peg] for peg in kept]
        for name in ("peg_from", "peg_to", "peg_qty")
    }
    with pytest.raises(MismatchError, match="lacks 1"):
        run.adopt(model, found._replace(**fewer))


def test_stock_that_is_not_there_is_refused() -> None:
    run, model, found = sought()
    more = [
        qty + (giver == STOCK)
        for giver, qty in zip(found.peg_from, found.peg_qty, strict=True)
    ]
    with pytest.raises(MismatchError, match="not that much stock"):
        run.adopt(model, found._replace(peg_qty=more))


def test_an_order_that_gives_more_than_it_has_is_refused() -> None:
    run, model, found = sought()
    more = [
        qty + (giver >= 0)
        for giver, qty in zip(found.peg_from, found.peg_qty, strict=True)
    ]
    with pytest.raises(MismatchError, match="taken twice"):
        run.adopt(model, found._replace(peg_qty=more))


def test_work_before_its_goods_are_there_is_refused() -> None:
    """All is found 2 days earlier, before what is bought can come."""
    run, model, found = sought()
    early = {
        name: [instant - 2 * DAY for instant in getattr(found, name)]
        for name in (
            *("order_start", "order_end"),
            *("order_late_start", "order_late_end"),
        )
    }
    run.adopt(model, found._replace(**early))
    with pytest.raises(MismatchError, match="before its goods are there"):
        run.place()


def needs_alive() -> int:
    # isinstance() would ask proxies of other tests whose object is gone.
    return sum(type(one) is Need for one in gc.get_objects())


def test_a_finished_run_lets_go_of_its_records_at_once() -> None:
    """Else a search for circles among all of them takes longer than netting."""
    parameters = ConstrainedParameters(engine="python", effort="light")
    gc.collect()
    gc.disable()
    try:
        before = needs_alive()
        made = plan(Snapshot.from_frames(PLAIN), parameters, "1")
        left = needs_alive() - before
    finally:
        gc.enable()
    assert "weighted_days" in made.run.effort
    assert left == 0


# --- what is bought for found orders --------------------------------------------------
class GeneralRun(SearchedRun):
    """A run that nets what is bought in the general way."""

    def _plain_walks(self) -> bool:
        return False


def laid(tables: dict[str, Any], kind: type[SearchedRun]) -> list[Any]:
    """Lay and place what is found; gives all orders and who takes from them."""
    run = run_of(tables, kind)
    model = model_of(run, WEIGHTS)
    watch = SearchObserver(told=unobserved, stop=lambda: False)
    run.adopt(model, seek(model, ENGINE, "light", watch, 1))
    release = run.release
    netted = [(o.kind, o.steps, o.timing, o.need, o.cause) for o in release.orders]
    kept = [(o.lot_rule, o.priority, o.alive_until) for o in release.orders]
    matches = [release.match_need, release.match_unit, release.match_qty]
    free = [(u.index, u.free, u.available) for u in release.units]
    run.place()
    dates = [(o.timing, [u.arrives for u in o.units]) for o in release.orders]
    return [netted, kept, matches, free, dates, run.release.has_late]


DEMANDS = st.lists(
    st.tuples(
        st.sampled_from("AB"),
        st.sampled_from([1.0, 2.0, 5.0]),
        st.integers(0, 20).map(float),
        st.integers(1, 3),
    ),
    min_size=1,
    max_size=8,
)


@settings(max_examples=examples(2, 15))
@given(
    wanted=DEMANDS,
    bought=st.sampled_from([(1.0, 1.0), (7.0, 1.0), (4.0, 3.0)]),
    raw=st.sampled_from([0.0, 3.0]),
)
def test_purchases_are_netted_as_in_the_general_way(wanted, bought, raw):
    tables = workshop(wanted, stock=1.0)
    least, multiple = bought
    terms = [
        {**row, "moq": least, "lot_multiple": multiple}
        for row in tables["supply_terms"]
    ]
    there = {"product": "RAW", "location": "P", "qty": raw}
    tables |= {"supply_terms": terms, "stock": [*tables["stock"], there]}
    assert laid(tables, SearchedRun) == laid(tables, GeneralRun)


@settings(max_examples=examples(3, 30))
@given(
    wanted=DEMANDS,
    bought=st.sampled_from([(1.0, 1.0), (7.0, 1.0), (4.0, 3.0)]),
)
def test_orders_placed_anew_in_the_found_sequence_are_no_later(wanted, bought):
    """List scheduling by starts makes nothing later than the schedule it is taken from.

    Source: Kolisch 1996, European Journal of Operational Research 90, on serial
    schedule generation.
    """
    tables = workshop(wanted, stock=1.0)
    least, multiple = bought
    terms = [
        {**row, "moq": least, "lot_multiple": multiple}
        for row in tables["supply_terms"]
    ]
    tables |= {"supply_terms": terms}
    costs = []
    for exact_dates in (True, False):
        run, model, found = sought(tables)
        run.adopt(model, found, exact=exact_dates)
        run.place()
        costs.append(run.judged())
    assert costs[1].no_worse(costs[0])


@settings(max_examples=examples(2, 15))
@given(wanted=DEMANDS)
def test_waits_are_what_the_books_of_the_resources_say(wanted):
    """Fill the books of the providers with the found work and ask them."""
    run, model, found = sought(workshop(wanted, stock=1.0))
    run.adopt(model, found)
    placement = run.placement
    assert isinstance(placement, SchedulePlacement)
    placement.forward()
    finite = run.providers.finite(())
    layout = placement._layout
    jobs = [placement.by_order[order.index] for order in layout.orders]
    timings = [
        model.ways[item].source.clock.earliest(begin - model.queues[item], order.steps)
        for item, begin, order in zip(
            layout.item.tolist(),
            layout.early.begin.tolist(),
            layout.orders,
            strict=True,
        )
    ]
    for job, timing in zip(jobs, timings, strict=True):
        finite.occupancy.occupy(timing.steps, str(job.order.index))
    for place, (job, timing) in enumerate(zip(jobs, timings, strict=True)):
        ready = max(int(placement._floors[place]), job.first_goods)
        start = ready - int(model.queues[layout.item[place]])
        name = job.order.source_id
        said = finite.waits(name, timing, start, str(job.order.index))
        assert [(wait.resource, wait.start, wait.finish) for wait in said] == [
            (wait.subject, wait.begin, wait.end) for wait in placement.waits(job)
        ]
