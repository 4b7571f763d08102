"""What is read of a plant serves again: it is never that of other tables or dates."""

from __future__ import annotations

import datetime as dt
import random
from dataclasses import replace
from functools import cache
from typing import TYPE_CHECKING, Any

import numpy as np
import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from medhavi.errors import NotAvailable
from medhavi.findings import BadData, has_errors
from medhavi.planners.constrained.demand_bounds import LeadTimeBounds, Planned
from medhavi.planners.constrained.memory import Memory, PlantReading
from medhavi.planners.constrained.netting.prescribed_sources import UNDECIDED, Decisions
from medhavi.planners.constrained.search import searched_run
from medhavi.planners.constrained.search.searched_run import SearchedRun
from medhavi.snapshot import Snapshot
from tests import factories
from tests.api import ConstrainedParameters, plan
from tests.examples import examples
from tests.factories import AS_OF
from tests.planners import mixed_sources
from tests.planners.search_plants import DAY, workshop
from tests.planners.small_plans import KERNELS
from tests.wide_networks import wide_tables

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from medhavi.planners.constrained.search.plant.model import Model
    from medhavi.results.plans.plan import Plan

SETTINGS = {**KERNELS, "effort": "light"}
NOW = int(AS_OF.timestamp())
DEMANDS = [
    ("A", 4.0, 9.0, 2),
    ("B", 3.0, 12.0, 2),
    ("A", 6.0, 20.0, 1),
    ("B", 5.0, 25.0, 3),
]


def day(number: float) -> dt.datetime:
    return AS_OF + dt.timedelta(days=number)


def firmed(name: str, begin: float, **more: Any) -> dict[str, Any]:
    """An order for two of product A, which may move, on days of the plan."""
    return {
        "supply_order": name,
        "kind": "work",
        "source": "make A",
        "product": "A",
        "location": "P",
        "qty": 2.0,
        "start": day(begin),
        "due": day(begin + 1),
        "status": "firmed",
        "locked": False,
        **more,
    }


def company(**more: Any) -> dict[str, Any]:
    """A workshop whose product A is made on either of two machines."""
    tables = workshop(DEMANDS, stock=6.0)
    resources = [{**row, "pool": "CUT"} for row in tables["resources"][:1]]
    resources += [{**resources[0], "resource": "M3"}, tables["resources"][1]]
    steps = [
        {**row, "resource": "CUT"} if row["routing"] == "make A" else row
        for row in tables["step_resources"]
    ]
    orders = [firmed("W1", 2), firmed("W2", 2)]
    own = {"resources": resources, "step_resources": steps, "supply_orders": orders}
    return {**tables, **own, **more}


def run_of(snapshot: Snapshot) -> SearchedRun:
    parameters = ConstrainedParameters(engine="python", effort="light")
    run = SearchedRun(Memory(snapshot.require()), parameters)
    run.build()
    return run


def of_calendars(model: Model) -> list[list[list[int]]]:
    """Open time of each option, whatever the number of its calendar."""
    plant, found = model.plant, []
    for number in plant.calendar.tolist():
        rows = slice(0, 0)
        if number >= 0:
            rows = slice(plant.k_start[number], plant.k_start[number + 1])
        found.append(np.stack([plant.k_open[rows], plant.k_close[rows]]).tolist())
    return found


def alike(model: Model, other: Model) -> bool:
    """Whether two plants are the same but for the numbers of their calendars."""
    numbered = {"calendar", *(one for one in model.plant._fields if one[:2] == "k_")}
    return of_calendars(model) == of_calendars(other) and all(
        np.array_equal(one, two)
        for name, one, two in zip(
            model.plant._fields, model.plant, other.plant, strict=True
        )
        if name not in numbered
    )


@settings(max_examples=examples(3, 100))
@given(
    st.lists(
        st.dictionaries(st.sampled_from(["W1", "W2"]), st.integers(0, 12)), max_size=3
    )
)
def test_a_plant_read_again_is_the_one_read_from_nothing(
    waits: list[dict[str, int]],
) -> None:
    """Orders that wait move between the machines, and leave one of them free."""
    snapshot = Snapshot.from_frames(company())
    run = run_of(snapshot)
    for days in ({}, *waits, {}):
        floors = {name: NOW + number * DAY for name, number in days.items()}
        model = run.read(floors)
        again = run_of(snapshot)
        assert alike(model, again.read(floors))
        assert run.nearly == again.nearly
        run.release.dissolve()
        run = run.anew()


def test_a_machine_that_an_order_left_is_open_again() -> None:
    """Two orders at a time stand on two machines, one after the other on one."""
    run = run_of(Snapshot.from_frames(company()))
    busy = run.read({})
    run.release.dissolve()
    run = run.anew()
    free = run.read({"W2": NOW + 5 * DAY})
    number = busy.machines.index("M3")
    assert len(busy.stops[busy.plant.m_lane[number]]) == 1
    assert len(free.stops[free.plant.m_lane[number]]) == 0
    option = np.flatnonzero(free.plant.machine == number).tolist()
    assert {len(of_calendars(busy)[one][0]) for one in option} == {4}
    assert {len(of_calendars(free)[one][0]) for one in option} == {0}


def lateness(run: SearchedRun, kept: list[Any]) -> list[int]:
    """How late each demand is at least [s]."""
    planned = Planned(
        model=run.model,
        release=run.release,
        capacity=run.providers.capacity,
        pins=run.intake.pins,
        first=True,
        kept=kept,
    )
    found = LeadTimeBounds(planned, run.intake.demands)
    return [found.lateness(one) for one in run.intake.demands]


def test_bounds_go_on_from_what_was_found_where_the_same_stands() -> None:
    snapshot = Snapshot.from_frames(company())
    kept: list[Any] = []
    run = run_of(snapshot)
    lateness(run, kept)
    (known,) = kept
    for orders_wait in (False, True):
        run.release.dissolve()
        run = run.anew()
        if orders_wait:
            run.read({"W2": NOW + 90 * DAY})
        assert lateness(run, kept) == lateness(run, [])
        assert (kept == [known]) is not orders_wait


def unread(made: Plan) -> Plan:
    """A plan as it comes from a folder: nothing that was read is kept with it."""
    assert made.basis is not None
    return replace(made, basis=replace(made.basis, kept=None))


def on(snapshot: Snapshot, before: Plan | None = None) -> Plan:
    return plan(snapshot, "constrained", SETTINGS, baseline=before)


def same(made: Plan, other: Plan) -> bool:
    """Whether two plans are the same, and what was shown about them."""
    return (made.fingerprint, made.run, made.findings) == (
        *(other.fingerprint, other.run, other.findings),
    )


CHANGES: dict[str, Mapping[str, Any]] = {
    "bom_lines": {"qty_per": 2.0},
    "demands": {"qty": 7.0},
    "resources": {"efficiency": 0.5},
    "routings": {"min_lot": 11.0},
    "settings": {"horizon_days": 22.0},
    "step_resources": {"units": 0.5},
    "steps": {"run_minutes_per_unit": 900.0},
    "stock": {"qty": 1.0},
    "supply_orders": {"qty": 3.0},
    "supply_terms": {"lead_time_days": 8.0},
}
NEW = {
    "calendar_exceptions": {"calendar": "DAYS", "start": day(4), "finish": day(9)},
    "inventory_policies": {"product": "PART", "location": "P", "safety_qty": 20.0},
    "pegs": {
        "demand": "D3",
        "supply": "W1",
        "product": "A",
        "location": "P",
        "qty": 1.0,
        "firm": True,
    },
}


@cache
def on_weekdays() -> tuple[dict[str, Any], Plan]:
    """Tables of the company on a calendar, and their plan."""
    tables = company(calendars=[{"calendar": "DAYS"}])
    tables["shifts"] = [
        {"calendar": "DAYS", "weekday": number, "start": "06:00", "finish": "22:00"}
        for number in range(1, 6)
    ]
    tables["resources"] = [{**one, "calendar": "DAYS"} for one in tables["resources"]]
    return tables, on(Snapshot.from_frames(tables))


@pytest.mark.parametrize("table", [*CHANGES, *NEW])
def test_what_was_read_for_a_baseline_serves_no_other_tables(table: str) -> None:
    tables, first = on_weekdays()
    rows = [dict(one) for one in tables.get(table, [])]
    if table in NEW:
        rows.append(dict(NEW[table]))
    else:
        rows[0] = {**rows[0], **CHANGES[table]}
    after = Snapshot.from_frames({**tables, table: rows})
    made = on(after, first)
    assert same(made, on(after, unread(first)))
    assert made.fingerprint != first.fingerprint


@st.composite
def wishes(draw: st.DrawFn) -> list[list[tuple[float, float]]]:
    """Quantities and due days of the four demands, some times over."""
    one = st.tuples(
        st.sampled_from([1.0, 2.0, 5.0, 9.0]), st.sampled_from([3.0, 9.0, 21.0, 60.0])
    )
    return draw(st.lists(st.lists(one, min_size=4, max_size=4), min_size=2, max_size=2))


@settings(max_examples=examples(2, 60))
@given(wishes())
def test_plans_on_each_other_are_those_of_plans_from_folders(
    wanted: list[list[tuple[float, float]]],
) -> None:
    """Each way of wanting starts from the first plan, and from the one before."""
    tables = company()
    first = last = on(Snapshot.from_frames(tables))
    for cells in wanted:
        rows = [
            {**row, "qty": qty, "due": day(due)}
            for row, (qty, due) in zip(tables["demands"], cells, strict=True)
        ]
        after = Snapshot.from_frames({**tables, "demands": rows})
        assert same(on(after, first), on(after, unread(first)))
        made = on(after, last)
        assert same(made, on(after, unread(last)))
        last = made


def shared_last(made: Plan) -> list[Any]:
    """How what nothing brings was shared out last for a plan, or one on it."""
    assert made.basis is not None
    assert isinstance(made.basis.kept, PlantReading)
    return [*made.basis.kept.shared]


@pytest.mark.parametrize(
    ("demand", "qty", "asked_again", "served"),
    [
        ("D0", 5.0, False, [2.0, 2.0]),
        ("X", 3.0, True, [3.0, 1.0]),
        ("Y", 3.0, True, [2.0, 2.0]),
        ("X", 1.0, True, [1.0, 3.0]),
    ],
)
def test_what_nothing_brings_is_shared_out_where_it_is_wanted_otherwise(
    demand: str, qty: float, asked_again: bool, served: list[float]
) -> None:
    """Of a stock of four the more urgent X gets what it wants, Y what is left."""
    tables = company()
    tables["products"] = [*tables["products"], {"product": "OLD"}]
    stock = {"product": "OLD", "location": "P", "qty": 4.0}
    tables["stock"] = [*tables["stock"], stock]
    wants = {"product": "OLD", "location": "P", "due": day(9)}
    tables["demands"] = [
        *tables["demands"],
        {**tables["demands"][0], **wants, "demand": "X", "qty": 2.0, "priority": 1},
        {**tables["demands"][0], **wants, "demand": "Y", "qty": 5.0, "priority": 2},
    ]
    first = on(Snapshot.from_frames(tables))
    before = shared_last(first)
    rows = [
        {**row, "qty": qty} if row["demand"] == demand else row
        for row in tables["demands"]
    ]
    after = Snapshot.from_frames({**tables, "demands": rows})
    made = on(after, first)
    of = made.fulfilment.filter(pl.col("demand").is_in(["X", "Y"])).sort("demand")
    assert of["planned"].to_list() == served
    assert (shared_last(made)[0] is not before[0]) is asked_again
    assert same(made, on(after, unread(first)))


def by(snapshot: Snapshot, decisions: Decisions, before: Plan | None) -> Plan:
    """Plan by decisions, on what was read for another plan."""
    parameters = ConstrainedParameters.from_mapping(SETTINGS)
    read = None if before is None or before.basis is None else before.basis.kept
    assert read is None or isinstance(read, PlantReading)
    return searched_run.plan(
        snapshot, parameters, "0", decisions=decisions, before=read
    )


@pytest.mark.nightly
@settings(max_examples=examples(3, 200))
@given(st.integers(0, 400), st.permutations(range(4)))
def test_what_was_read_serves_plans_by_other_decisions(
    seed: int, order: list[int]
) -> None:
    """Each source is meant to bring all in its turn, and the machine works longer."""
    snapshot = mixed_sources.tables_of(mixed_sources.company(seed))
    resources = snapshot["resources"].with_columns(overtime_minutes_per_day=240.0)
    snapshot = snapshot.replace(resources=resources.to_dicts()).require()
    wanted = int(snapshot["demands"]["qty"].sum())
    sources = snapshot["sourcing"]["source"].unique().sort().to_list()
    (key,) = snapshot["demands"].select("product", "location").unique().rows()
    machines = frozenset(snapshot["resources"]["resource"].to_list())
    ways = [UNDECIDED, Decisions(overtime=machines)] + [
        Decisions(amounts={key: {one: ((NOW + 50 * DAY, wanted),)}}) for one in sources
    ]
    first = last = by(snapshot, UNDECIDED, None)
    for number in order:
        decisions = ways[number % len(ways)]
        alone = by(snapshot, decisions, None)
        assert same(by(snapshot, decisions, first), alone)
        last = by(snapshot, decisions, last)
        assert same(last, alone)


def test_plans_that_differ_in_lots_alone_read_sources_and_demands_once() -> None:
    """What sources are chosen from goes by what each is to bring, not by lots."""
    snapshot = mixed_sources.tables_of(mixed_sources.company(1)).require()
    (key,) = snapshot["demands"].select("product", "location").unique().rows()
    source = snapshot["sourcing"]["source"].min()
    amounts = {key: {source: ((NOW + 50 * DAY, 5.0),)}}
    other = Decisions(amounts=amounts, lots={key: (NOW + 20 * DAY,)}, sizes={key: 3})
    first = by(snapshot, Decisions(amounts=amounts), None)
    assert same(by(snapshot, other, first), by(snapshot, other, None))
    assert first.basis is not None
    read = first.basis.kept
    assert isinstance(read, PlantReading)
    assert read.demands_read
    facts = read.facts(NOW)
    for decisions, alike in ((other, True), (UNDECIDED, False)):
        again = read.on(snapshot, decisions)
        assert again is not None
        assert (again.facts(NOW) is facts) == alike
        assert again.demands_read is read.demands_read


@pytest.mark.nightly
def test_mode_optimize_reads_the_plant_of_its_baseline_no_more(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Each edit is planned on the one before, as one that comes from a folder is."""
    tables = company()
    read: list[PlantReading] = []
    original = PlantReading.on

    def again(known: PlantReading, *given: Any) -> PlantReading:
        read.append(known)
        return original(known, *given)

    monkeypatch.setattr(PlantReading, "on", again)
    last = plan(Snapshot.from_frames(tables), "optimize")
    for qty in (7.0, 9.0):
        rows = [{**tables["demands"][0], "qty": qty}, *tables["demands"][1:]]
        after = Snapshot.from_frames({**tables, "demands": rows})
        assert last.basis is not None
        read.clear()
        made = plan(after, "optimize", baseline=last)
        assert read[0] is last.basis.kept
        assert same(made, plan(after, "optimize", baseline=unread(last)))
        last = made


def other_orders(snapshot: Snapshot, made: Plan, draw: random.Random) -> Snapshot:
    """Tables with an order that is another, is gone, is proposed, or has begun."""
    rows = snapshot["supply_orders"].to_dicts()
    steps = snapshot["supply_order_steps"].to_dicts()
    proposals = made.supplies.filter(status="planned").to_dicts()
    kind = draw.choice(["qty", "due", "gone", "firmed", "firmed", "in_process"])
    if kind == "firmed" and proposals:
        one = draw.choice(proposals)
        names = {"supply_order": one["id"], "status": "firmed", "source": one["source"]}
        taken = {name: one[name] for name in ("kind", "product", "location", "qty")}
        due = {"due": one["finish"], "start": one["start"], "locked": False}
        empty = dict.fromkeys(snapshot["supply_orders"].columns)
        rows.append({**empty, "qty_done": 0.0, **taken, **names, **due})
    elif rows:
        one = draw.choice(rows)
        if kind == "gone":
            rows.remove(one)
            steps = [row for row in steps if row["supply_order"] != one["supply_order"]]
        elif kind == "qty":
            one["qty"] += 2.0
        elif kind == "due":
            one["due"] += dt.timedelta(days=draw.choice([-1, 2]))
        else:
            one["status"] = "in_process"
    tables = {"supply_orders": rows, "supply_order_steps": steps}
    return snapshot.replace(**tables)


def orders_read_again(seeds: Iterable[int]) -> int:
    """Change orders of networks time after time; count the plans that were resumed."""
    resumed = 0
    for seed in seeds:
        draw = random.Random(seed)
        try:
            snapshot = Snapshot.from_frames(factories.tables(**wide_tables(seed)))
            last = on(snapshot.require())
        except (BadData, NotAvailable):
            continue
        for number in range(3):
            after = other_orders(snapshot, last, draw)
            if has_errors(after.findings):
                continue
            made = on(after, last)
            assert same(made, on(after, unread(last))), (seed, number)
            resumed += made.basis is not None and made.basis.kept is not None
            snapshot, last = after, made
    return resumed


def test_plans_of_other_orders_are_those_of_plans_from_folders() -> None:
    assert orders_read_again(range(examples(4, 40))) >= examples(3, 30)


@pytest.mark.nightly
@pytest.mark.parametrize("ten", range(4, 24))
def test_plans_of_other_orders_of_many_networks(ten: int) -> None:
    orders_read_again(range(10 * ten, 10 * ten + 10))


def test_an_order_that_makes_a_place_a_source_is_read_anew() -> None:
    """Goods under way to a place are what its lane can bring on to the next one."""
    rows: dict[str, Any] = {
        "locations": [{"location": one, "kind": "warehouse"} for one in ("P", "Q")],
        "products": [{"product": "A"}],
        "suppliers": [{"supplier": "S"}],
        "lanes": [
            {"lane": "P-Q", "origin": "P", "destination": "Q", "transit_hours": 24.0}
        ],
        "demands": [
            {"demand": "D", "product": "A", "location": "Q", "qty": 2.0, "due": day(20)}
        ],
    }
    bought = {"kind": "purchase", "source": "S", "start": None, "locked": None}
    first = on(Snapshot.from_frames(factories.tables(**rows)))
    order = firmed("W1", 2, **bought, status="released")
    after = Snapshot.from_frames(factories.tables(**rows, supply_orders=[order]))
    made = on(after, first)
    assert made.supplies["source"].to_list().count("P-Q") == 1
    assert first.supplies.is_empty()
    assert same(made, on(after, unread(first)))
