"""Other sources are used where the preferred one has no time, or leads to a queue."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import polars as pl
import pytest

from medhavi.planners.constrained.improvement.diverting import Trial, diverted_sources
from medhavi.planners.constrained.orders.weighing import Judged
from medhavi.results.run_record import Status
from tests import factories
from tests.api import SourceBudget, plan, verify
from tests.examples import examples
from tests.planners.random_towns import random_town
from tests.planners.small_plans import day

if TYPE_CHECKING:
    from collections.abc import Iterable

    from medhavi.planners.mrp.netting_state.state import Diverted
    from medhavi.results.plans.plan import Plan
    from medhavi.snapshot import Snapshot
    from tests.api import Progress

SETTINGS: dict[str, Any] = {"engine": "python", "search": "never", "plans_tried": 0}
PLANTS: dict[str, Any] = {
    "locations": [{"location": name} for name in ("P1", "P2", "W")],
    "resources": [
        {"resource": "M1", "location": "P1"},
        {"resource": "M2", "location": "P2"},
    ],
    "routings": [
        {"routing": "R1", "product": "A", "location": "P1"},
        {"routing": "R2", "product": "A", "location": "P2"},
    ],
}
"""Two plants that make A, and a warehouse."""


def demands(count: int, location: str = "L", due: int = 3) -> list[dict[str, Any]]:
    return [
        {
            "demand": f"D{number}",
            "product": "A",
            "location": location,
            "qty": 24,
            "due": day(due),
        }
        for number in range(count)
    ]


def two_routings(**more: Any) -> Snapshot:
    """A day of work each, on the machine of the first routing or of the second."""
    tables: dict[str, Any] = {
        "products": [{"product": "A"}],
        "locations": [{"location": "L"}],
        "resources": [
            {"resource": "M1", "location": "L"},
            {"resource": "M2", "location": "L"},
        ],
        "routings": [
            {"routing": "R1", "product": "A", "location": "L", "preference": 1},
            {"routing": "R2", "product": "A", "location": "L", "preference": 2},
        ],
        "steps": [
            {"routing": "R1", "step": 1, "run_minutes_per_unit": 60},
            {"routing": "R2", "step": 1, "run_minutes_per_unit": 60},
        ],
        "step_resources": [
            {"routing": "R1", "step": 1, "resource": "M1"},
            {"routing": "R2", "step": 1, "resource": "M2"},
        ],
        "demands": demands(6),
    }
    return factories.snapshot(**{**tables, **more})


def planned(snapshot: Snapshot, effort: str = "standard", **more: Any) -> Plan:
    made = plan(snapshot, "constrained", {**SETTINGS, "effort": effort}, **more)
    assert [str(found) for found in verify(made, snapshot)] == []
    return made


def late(made: Plan) -> int:
    return made.fulfilment.filter(pl.col("lateness_h") > 0).height


def sources(made: Plan) -> dict[str, float]:
    rows = made.supplies.group_by("source").agg(pl.col("qty").sum()).sort("source")
    return dict(rows.iter_rows())


@pytest.mark.req("RTG-02", "CAP-09")
@pytest.mark.parametrize("effort", ["standard", "full"])
def test_what_one_machine_cannot_do_in_time_another_routing_does(effort):
    made = planned(two_routings(), effort)
    assert late(made) == 0
    assert sources(made) == {"R1": 72.0, "R2": 72.0}
    assert planned(two_routings(), effort).fingerprint == made.fingerprint


def test_what_the_preferred_routing_does_in_time_stays_there():
    made = planned(two_routings(demands=demands(3)))
    assert sources(made) == {"R1": 72.0}


def test_without_rounds_the_preferred_routing_keeps_it_all():
    made = plan(two_routings(), "constrained", {**SETTINGS, "source_rounds": 0})
    assert (late(made), sources(made)) == (3, {"R1": 144.0})


def test_shares_bind_even_where_they_make_late():
    rows = [
        {"product": "A", "location": "L", "kind": "make", "source": "R1"},
        {"product": "A", "location": "L", "kind": "make", "source": "R2"},
    ]
    shared = [
        {**row, "share_pct": share} for row, share in zip(rows, (100, 0), strict=False)
    ]
    made = planned(two_routings(sourcing=shared))
    assert set(sources(made)) == {"R1"}


@pytest.mark.req("ATP-06", "CAP-09")
def test_the_other_plant_makes_and_ships_what_the_first_cannot():
    """W gets A from P1 or P2; P2 may ask P1 too, which would lead back to the queue."""
    snapshot = two_routings(
        **PLANTS,
        lanes=[
            {"lane": "1-W", "origin": "P1", "destination": "W", "duration_h": 0},
            {"lane": "2-W", "origin": "P2", "destination": "W", "duration_h": 0},
            {"lane": "1-2", "origin": "P1", "destination": "P2", "duration_h": 0},
        ],
        sourcing=[
            {"product": "A", "location": "W", "kind": "move", "source": "1-W"},
            {"product": "A", "location": "W", "kind": "move", "source": "2-W"},
            {"product": "A", "location": "P1", "kind": "make", "source": "R1"},
            {"product": "A", "location": "P2", "kind": "move", "source": "1-2"},
            {
                "product": "A",
                "location": "P2",
                "kind": "make",
                "source": "R2",
                "preference": 2,
            },
        ],
        demands=demands(6, "W"),
    )
    made = planned(snapshot)
    assert late(made) == 0
    assert sources(made) == {"1-W": 72.0, "2-W": 72.0, "R1": 72.0, "R2": 72.0}


def two_plants(ends: float, wanted: list[dict[str, Any]], least: float = 0) -> Snapshot:
    """W gets A from P1 until a day, else from P2; both make it in an hour a piece."""
    moved = {"location": "W", "kind": "move", "min_lot": least}
    return two_routings(
        **PLANTS,
        lanes=[
            {"lane": "1-W", "origin": "P1", "destination": "W", "duration_h": 24},
            {"lane": "2-W", "origin": "P2", "destination": "W", "duration_h": 48},
        ],
        sourcing=[
            {**moved, "source": "1-W", "valid_to": day(ends)},
            {**moved, "source": "2-W", "preference": 2},
        ],
        demands=wanted,
    )


@pytest.mark.req("MRP-09")
def test_a_lane_that_ends_before_its_goods_are_made_is_not_waited_for():
    """Two days of work for one piece that has to leave P1 within one."""
    wanted = [{"demand": "D", "product": "A", "location": "W", "qty": 48}]
    made = planned(two_plants(1, [{**wanted[0], "due": day(2)}], least=48))
    assert sources(made) == {"2-W": 48.0, "R2": 48.0}
    assert made.deliveries.select("date", "qty").rows() == [(day(4), 48.0)]


@pytest.mark.req("MRP-09")
def test_a_lane_that_ends_while_its_goods_wait_for_a_machine_is_gone_around():
    """M1 works the first day for what is wanted at P1 itself, which goes first."""
    wanted = [
        {"demand": "D0", "location": "P1", "due": day(1), "priority": 1},
        {"demand": "D1", "location": "W", "due": day(3), "priority": 2},
    ]
    given = [{**row, "product": "A", "qty": 24} for row in wanted]
    made = planned(two_plants(1.5, given))
    assert sources(made) == {"2-W": 24.0, "R1": 24.0, "R2": 24.0}
    assert late(made) == 0


@pytest.mark.req("MRP-09")
def test_a_lane_that_ends_brings_what_is_made_by_then_and_another_the_rest():
    """Half of four days of work gets through from P1; P2 makes the rest meanwhile."""
    wanted = [{"demand": "D", "product": "A", "location": "W", "qty": 96}]
    made = planned(two_plants(2.01, [{**wanted[0], "due": day(3)}]))
    assert sources(made) == {"1-W": 48.0, "2-W": 48.0, "R1": 48.0, "R2": 48.0}
    assert made.deliveries["date"].max() == day(4)
    assert made.supplies.filter(pl.col("source") == "1-W")["start"].max() <= day(2.01)


@pytest.mark.req("MRP-09")
@pytest.mark.parametrize(("there", "date"), [(0, 30), (24, 3)])
def test_what_lies_at_another_place_is_brought_before_it_is_bought(there, date):
    """All places buy from one supplier; P2 has some, which nobody wants."""
    moves = [
        {"location": "W", "kind": "move", "source": lane, "preference": rank}
        for rank, lane in enumerate(("1-W", "2-W"), 1)
    ]
    buys = [
        {"product": "A", "location": place, "supplier": "S", "lead_time_days": 30}
        for place in ("P1", "P2")
    ]
    made = planned(
        factories.snapshot(
            locations=PLANTS["locations"],
            lanes=[
                {"lane": "1-W", "origin": "P1", "destination": "W", "duration_h": 0},
                {"lane": "2-W", "origin": "P2", "destination": "W", "duration_h": 24},
            ],
            sourcing=moves,
            supply_terms=buys,
            stock=[{"product": "A", "location": "P2", "qty": there}],
            demands=demands(1, "W"),
        )
    )
    assert made.deliveries["date"].to_list() == [day(date)]


def test_an_interrupted_search_keeps_the_best_sources():
    rounds = 0

    def observe(made: Progress) -> None:
        nonlocal rounds
        rounds = max(rounds, made.done if made.phase == "other sources" else 0)

    made = planned(two_routings(), observe=observe, cancelled=lambda: rounds >= 2)
    assert made.run.status == Status.CANCELLED
    assert made.run.settings["effort"] == "standard"
    assert set(sources(made)) == {"R1", "R2"}


def test_a_search_that_is_interrupted_at_once_keeps_the_plan_it_began_with():
    told: list[str] = []
    made = planned(
        two_routings(),
        observe=lambda one: told.append(one.phase),
        cancelled=lambda: "other sources" in told,
    )
    assert made.run.status == Status.CANCELLED
    assert set(sources(made)) == {"R1"}
    assert made.fulfilment["short"].sum() == 0


# --- the search itself ------------------------------------------------------------
def trial(given: Diverted, cost: int, orders: int = 10) -> Trial:
    return Trial(
        diverted=given, cost=Judged(0, cost), weights={}, detours=[], orders=orders
    )


def test_nothing_is_made_where_nothing_may_be():
    def make(given: Diverted) -> Trial | None:
        return None

    assert diverted_sources(make, SourceBudget(3, 100), lambda _m, _r: None) == {}


def test_without_a_way_around_one_plan_is_made():
    made: list[Diverted] = []

    def make(given: Diverted) -> Trial | None:
        made.append(given)
        return trial(given, 5)

    assert diverted_sources(make, SourceBudget(9, 1000), lambda _m, _r: None) == {}
    assert made == [{}]


# --- what holds for every town ----------------------------------------------------
def weight(made: Plan) -> tuple[float, float]:
    """Give what is short, and the sum of late days."""
    rows = made.fulfilment
    return float(rows["short"].sum()), float(rows["lateness_h"].fill_null(0).sum())


def law(seed: int) -> tuple[Plan, Plan]:
    """Plan a town with and without other sources; both can be carried out."""
    snapshot = factories.snapshot(**random_town(seed))
    made = planned(snapshot, "light")
    settings = {**SETTINGS, "effort": "light", "source_rounds": 0}
    plain = plan(snapshot, "constrained", settings)
    hours = dict(made.causes.group_by("demand").agg(pl.col("hours").sum()).iter_rows())
    late_rows = made.fulfilment.filter(pl.col("lateness_h") > 0)
    for demand, lateness in late_rows.select("demand", "lateness_h").iter_rows():
        assert hours[demand] == pytest.approx(lateness, abs=0.01)
    return made, plain


def total(plans: Iterable[Plan]) -> tuple[float, float]:
    weights = [weight(made) for made in plans]
    return sum(short for short, _ in weights), sum(hours for _, hours in weights)


def test_other_sources_help_random_towns():
    """Short quantities and late hours of twelve towns, with and without."""
    pairs = [law(seed) for seed in range(examples(5, 12))]
    assert total(made for made, _ in pairs) < total(plain for _, plain in pairs)


@pytest.mark.nightly
@pytest.mark.parametrize("seed", range(100, 400))
def test_every_town_gets_a_plan_that_can_be_carried_out(seed):
    law(seed)
