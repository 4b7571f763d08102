"""Plans whose orders a search found: carried out, repeated, cancelled, no worse."""

from __future__ import annotations

import datetime as dt
from itertools import pairwise
from operator import itemgetter
from typing import TYPE_CHECKING, Any

import polars as pl
import pytest
from hypothesis import Phase, assume, given, settings
from hypothesis import strategies as st

from medhavi.errors import UsageError
from medhavi.planners.constrained.search import search_effort
from medhavi.planners.constrained.search.search_effort import ENOUGH, engine_of
from medhavi.snapshot import Snapshot
from tests import factories
from tests.api import ConstrainedParameters, plan, verify
from tests.examples import examples, some
from tests.factories import AS_OF
from tests.planners.campaign_shop import day, matrix, shop
from tests.planners.netted_plans import netted
from tests.planners.search_plants import workshop
from tests.planners.small_plans import KERNELS

if TYPE_CHECKING:
    from medhavi.results.plans.plan import Plan
    from tests.api import Progress

CROWDED = workshop(
    [("AB"[turn % 2], 2.0 + turn % 3, 4.0 + turn, 1 + turn % 3) for turn in range(9)],
    stock=3.0,
)

DAY_SHIFT = [
    {"weekday": day, "start": dt.time(8), "finish": dt.time(16)} for day in range(1, 6)
]
WEEK = [
    {"weekday": day, "start": dt.time(8), "finish": dt.time(16)} for day in range(1, 8)
]
TWO_SHIFTS = [
    {"weekday": day, "start": dt.time(hour), "finish": dt.time(hour + 6)}
    for day in range(1, 8)
    for hour in (5, 13)
]


def searched(tables: dict[str, Any], effort: str = "standard", **more: Any) -> Plan:
    made = plan(
        Snapshot.from_frames(tables),
        "constrained",
        {**KERNELS, "effort": effort},
        **more,
    )
    assert made.run.engine == "search", made.run.engine
    return made


def delivered(made: Plan) -> dict[str, float]:
    rows = made.deliveries.group_by("demand").agg(pl.col("qty").sum())
    return dict(rows.iter_rows())


@st.composite
def workshops(draw: st.DrawFn) -> dict[str, Any]:
    demands = draw(
        st.lists(
            st.tuples(
                st.sampled_from(["A", "B"]),
                st.integers(1, 6).map(float),
                st.integers(-2, 25).map(float),
                st.integers(1, 4),
            ),
            min_size=1,
            max_size=8,
        )
    )
    tables = workshop(
        demands,
        minutes=draw(st.sampled_from([7.0, 300.0, 1000.0])),
        stock=float(draw(st.integers(0, 9))),
        least=float(draw(st.integers(1, 6))),
        lead=float(draw(st.integers(0, 9))),
        shifts=draw(st.sampled_from([None, DAY_SHIFT, TWO_SHIFTS])),
        after=draw(st.lists(steps(), max_size=3)),
        units=draw(st.sampled_from([1.0, 1.0, 2.0, 3.0])),
    ) | {
        "supply_orders": draw(receipts()),
        "bom_lines": draw(recipes()),
        "inventory_policies": draw(rules()) + draw(levels()),
        "disruptions": draw(
            st.lists(stops(), max_size=2, unique_by=itemgetter("disruption"))
        ),
    }
    if draw(st.booleans()):
        tables = delivered_on_mondays(tables)
    return with_families(with_alternates(tables, draw(alternates())), draw(families()))


def delivered_on_mondays(tables: dict[str, Any]) -> dict[str, Any]:
    """Tables in which the supplier works on Mondays and Thursdays."""
    days = [
        {
            "calendar": "SUPPLIER",
            "weekday": day,
            "start": dt.time(8),
            "finish": dt.time(16),
        }
        for day in (1, 4)
    ]
    return tables | {
        "calendars": [*tables["calendars"], {"calendar": "SUPPLIER"}],
        "shifts": [*tables["shifts"], *days],
        "suppliers": [{"supplier": "S", "calendar": "SUPPLIER"}],
        "supply_terms": [
            row | {"calendar": "SUPPLIER"} for row in tables["supply_terms"]
        ],
    }


@st.composite
def families(draw: st.DrawFn) -> dict[str, Any]:
    """Families of steps, changeovers between them, and what machines are set up for."""
    if draw(st.booleans()):
        return {}
    names = ["RED", "BLUE", "GREEN"]
    some = st.sampled_from([*names, None])
    return {
        "of_step": draw(st.lists(some, min_size=6, max_size=6)),
        "machines": draw(st.sets(st.sampled_from(["M1", "M2", "M3"]), min_size=1)),
        "states": draw(st.dictionaries(st.sampled_from(["M1", "M2"]), some)),
        "changeovers": [
            {
                "matrix": "CHANGE",
                "from_family": before,
                "to_family": after,
                "setup_minutes": float(draw(st.sampled_from([0, 30, 90, 400]))),
            }
            for before in names
            for after in [*names, "*"]
            if before != after and draw(st.booleans())
        ],
    }


def with_families(tables: dict[str, Any], drawn: dict[str, Any]) -> dict[str, Any]:
    """Tables in which machines of one unit are changed over between families."""
    if not drawn:
        return tables
    named = drawn["of_step"] * len(tables["steps"])
    changing = {
        row["resource"]
        for row in tables["resources"]
        if row["resource"] in drawn["machines"] and row.get("units", 1.0) == 1.0
    }
    return tables | {
        "steps": [
            row | {"family": family if row.get("splittable", True) else None}
            for row, family in zip(tables["steps"], named, strict=False)
        ],
        "resources": [
            row
            | ({"changeover_matrix": "CHANGE"} if row["resource"] in changing else {})
            for row in tables["resources"]
        ],
        "changeovers": drawn["changeovers"]
        or [
            {
                "matrix": "CHANGE",
                "from_family": "*",
                "to_family": "*",
                "setup_minutes": 60.0,
            }
        ],
        "resource_state": [
            {"resource": name, "family": family}
            for name, family in drawn["states"].items()
            if family
        ],
    }


@st.composite
def recipes(draw: st.DrawFn) -> list[dict[str, Any]]:
    """What products take, also in parts of units, with scrap or once an order."""
    return [
        {
            "routing": f"make {product}",
            "line": 1,
            "component": part,
            "qty_per": draw(st.sampled_from([1.0, 2.0, 0.3])),
            "qty_fixed": draw(st.sampled_from([0.0, 0.0, 1.0])),
            "scrap": draw(st.sampled_from([0.0, 0.0, 0.1])),
        }
        for product, part in (("A", "PART"), ("B", "PART"), ("PART", "RAW"))
    ]


@st.composite
def levels(draw: st.DrawFn) -> list[dict[str, Any]]:
    """Safety stock of what is made."""
    return [
        {"product": product, "location": "P", "safety_qty": float(qty)}
        for product, qty in draw(
            st.dictionaries(st.sampled_from(["A", "PART"]), st.integers(1, 6))
        ).items()
    ]


@st.composite
def alternates(draw: st.DrawFn) -> dict[str, dict[str, Any]]:
    """What other resources the first steps of routings may take, and how fast."""
    return {
        routing: {
            "resource": draw(st.sampled_from(["M1", "M2", "M3", "FREE"])),
            "speed": draw(st.sampled_from([0.5, 1.0, 1.5])),
            "setup_minutes": draw(st.sampled_from([0.0, 20.0])),
            "resource_rule": draw(st.sampled_from(["preference", "cost", "earliest"])),
        }
        for routing in draw(st.sets(st.sampled_from(["make A", "make B", "make PART"])))
    }


def with_alternates(
    tables: dict[str, Any], others: dict[str, dict[str, Any]]
) -> dict[str, Any]:
    """Tables in which first steps of routings may take another resource as well."""
    week = tables["resources"][0]["calendar"]
    more = [
        {"resource": "M3", "location": "P", "calendar": week, "cost_per_hour": 5.0},
        {"resource": "FREE", "location": "P", "finite": False, "cost_per_hour": 1.0},
    ]
    steps, taken = [], []
    for row in tables["steps"]:
        other = others.get(row["routing"]) if row["step"] == 1 else None
        rule = {} if other is None else {"resource_rule": other["resource_rule"]}
        steps.append(row | rule)
    for row in tables["step_resources"]:
        other = others.get(row["routing"]) if row["step"] == 1 else None
        if other is None or other["resource"] == row["resource"]:
            taken.append(row)
            continue
        cells = {key: other[key] for key in ("resource", "speed", "setup_minutes")}
        taken.append(row | {"choice": "C"})
        taken.append(row | cells | {"choice": "C", "preference": 2})
    return tables | {
        "resources": tables["resources"] + more,
        "steps": steps,
        "step_resources": taken,
    }


@st.composite
def crews(draw: st.DrawFn) -> dict[str, Any]:
    """Crews and tools that steps need besides their machines, and when they work."""
    return {
        "crew": draw(st.sampled_from([1.0, 1.0, 2.0])),
        "tool": draw(st.sampled_from([1.0, 1.0, 3.0])),
        "calendar": draw(st.booleans()),
        "down": draw(st.booleans()),
        "of_step": draw(
            st.lists(
                st.sampled_from([(), ("CREW",), ("CREW",), ("TOOL", "CREW"), ("M2",)]),
                min_size=6,
                max_size=6,
            )
        ),
    }


def with_crews(tables: dict[str, Any], drawn: dict[str, Any]) -> dict[str, Any]:
    """Tables in which steps need others besides their machines at the same time."""
    own = {
        "calendars": [*tables["calendars"], {"calendar": "CREW"}],
        "shifts": [
            *tables["shifts"],
            *({**row, "calendar": "CREW"} for row in DAY_SHIFT),
        ],
    }
    week = "CREW" if drawn["calendar"] else None
    more = [
        {"resource": "CREW", "location": "P", "units": drawn["crew"], "calendar": week},
        {"resource": "TOOL", "location": "P", "units": drawn["tool"]},
    ]
    changing = {
        row["resource"] for row in tables["resources"] if "changeover_matrix" in row
    }
    first: dict[tuple[str, int], set[str]] = {}
    for row in tables["step_resources"]:
        first.setdefault((row["routing"], row["step"]), set()).add(row["resource"])
    taken = [
        {"routing": routing, "step": step, "resource": name}
        for ((routing, step), names), others in zip(
            first.items(), drawn["of_step"] * len(first), strict=False
        )
        if names.isdisjoint(changing)
        for name in others
        if name not in names | changing
    ]
    down = {
        "disruption": "NO CREW",
        "kind": "resource_down",
        "subject": "CREW",
        "valid_from": AS_OF + dt.timedelta(hours=20),
        "valid_to": AS_OF + dt.timedelta(hours=50),
        "severity": 1.0,
    }
    stops = [down] if drawn["down"] else []
    return tables | {
        **(own if drawn["calendar"] else {}),
        # What must not pause may never find the crew and the machine for so long.
        "steps": [
            row | ({"splittable": True} if drawn["calendar"] else {})
            for row in tables["steps"]
        ],
        "resources": [*tables["resources"], *more],
        "step_resources": [*tables["step_resources"], *taken],
        "disruptions": [*tables["disruptions"], *stops],
    }


@st.composite
def stops(draw: st.DrawFn) -> dict[str, Any]:
    """A time in which M1 is down."""
    begin = AS_OF + dt.timedelta(hours=draw(st.integers(-20, 200)))
    return {
        "disruption": f"DOWN-{begin:%d%H}",
        "kind": "resource_down",
        "subject": "M1",
        "valid_from": begin,
        "valid_to": begin + dt.timedelta(hours=draw(st.integers(1, 60))),
        "severity": draw(st.sampled_from([0.5, 1.0])),
    }


@st.composite
def rules(draw: st.DrawFn) -> list[dict[str, Any]]:
    """Stock and lot rules of what is bought."""
    rule = draw(st.sampled_from(["lot_for_lot", "fixed", "min_max", "poq"]))
    row: dict[str, Any] = {"product": "RAW", "location": "P", "lot_rule": rule}
    if rule == "fixed":
        row |= {"lot_size": 7.0, "reorder_point": draw(st.sampled_from([None, 6.0]))}
    if rule == "min_max":
        row |= {"min_qty": 4.0, "max_qty": 11.0}
    if rule == "poq":
        row |= {"cover_days": 3.0}
    safety = {
        "safety_qty": float(draw(st.integers(0, 5))),
        "safety_days": float(draw(st.integers(0, 2))),
    }
    row["unlimited"] = draw(st.sampled_from([False, False, True]))
    return [{**row, **safety}] if draw(st.booleans()) else []


@st.composite
def receipts(draw: st.DrawFn) -> list[dict[str, Any]]:
    """Open orders to buy parts and what they are made of."""
    return [
        {
            "supply_order": f"PO{number}",
            "kind": "purchase",
            "product": draw(st.sampled_from(["RAW", "PART"])),
            "location": "P",
            "source": draw(st.sampled_from(["S", None])),
            "qty": float(draw(st.integers(1, 9))),
            "due": AS_OF + dt.timedelta(days=draw(st.integers(-1, 15))),
            "status": draw(st.sampled_from(["firmed", "released"])),
        }
        for number in range(draw(st.integers(0, 3)))
    ]


@st.composite
def work_orders(draw: st.DrawFn) -> list[dict[str, Any]]:
    """Open orders to make parts and products."""
    return [
        {
            "supply_order": f"WO{number}",
            "kind": "work",
            "product": product,
            "location": "P",
            "source": f"make {product}",
            "qty": float(draw(st.integers(1, 3))),
            "due": AS_OF + dt.timedelta(days=draw(st.integers(-1, 12))),
            "status": draw(st.sampled_from(["firmed", "released"])),
        }
        for number in range(draw(st.integers(1, 4)))
        for product in [draw(st.sampled_from(["PART", "PART", "A"]))]
    ]


@st.composite
def steps(draw: st.DrawFn) -> dict[str, Any]:
    """A later step of a routing, and the resource that it needs."""
    return {
        "resource": draw(st.sampled_from(["M1", "M2", None])),
        "run_minutes_per_unit": draw(st.sampled_from([0.0, 1.0 / 3.0, 45.0])),
        "fixed_minutes": draw(st.sampled_from([0.0, 10.0])),
        "queue_minutes": draw(st.sampled_from([0.0, 90.0])),
        "move_minutes": draw(st.sampled_from([0.0, 30.0])),
        "splittable": draw(st.booleans()),
    }


# --- laws --------------------------------------------------------------------------
@pytest.mark.req("CAP-06", "CAP-12", "QA-05")
@settings(max_examples=examples(2, 8))
@given(workshops(), st.sampled_from(["light", "standard"]))
def test_a_plan_that_was_sought_can_be_carried_out(
    tables: dict[str, Any], effort: str
) -> None:
    made = searched(tables, effort)
    assert [str(one) for one in verify(made, Snapshot.from_frames(tables))] == []


@pytest.mark.nightly
@settings(max_examples=20, deadline=None)
@given(workshops())
def test_compiled_and_plain_kernels_find_the_same_plan(tables: dict[str, Any]) -> None:
    pytest.importorskip("numba")
    compiled = plan(
        Snapshot.from_frames(tables),
        "constrained",
        {"engine": "numba", "effort": "standard"},
    )
    assert searched(tables).fingerprint == compiled.fingerprint


@settings(max_examples=examples(2, 4))
@given(workshops())
def test_hours_of_causes_sum_to_the_lateness_of_what_was_sought(
    tables: dict[str, Any],
) -> None:
    made = searched(tables, "light")
    sums = made.causes.group_by("demand").agg(pl.col("hours").sum())
    late = made.fulfilment.filter(pl.col("lateness_h") > 0).join(sums, on="demand")
    assert late.height == made.fulfilment.filter(pl.col("lateness_h") > 0).height
    assert ((late["hours"] - late["lateness_h"]).abs() < 1e-6).all()


@settings(max_examples=examples(2, 4))
@given(workshops())
def test_search_and_general_way_deliver_the_same_quantities(
    tables: dict[str, Any],
) -> None:
    general = netted(Snapshot.from_frames(tables))
    assert delivered(searched(tables, "light")) == delivered(general)


@settings(max_examples=examples(2, 4))
@given(workshops())
def test_no_plan_is_better_than_its_bound(tables: dict[str, Any]) -> None:
    run = searched(tables, "light").run
    assert run.bound is not None
    assert run.bound <= run.effort["weighted_days"] + 1e-9
    assert run.effort["late_at_least"] <= run.effort["late"]


@pytest.mark.req("CAP-19", "QA-05")
@settings(max_examples=examples(2, 60), phases=[Phase.generate])
@given(workshops(), crews(), st.sampled_from(["light", "standard"]))
def test_work_that_needs_several_resources_at_once_can_be_carried_out(
    tables: dict[str, Any], drawn: dict[str, Any], effort: str
) -> None:
    tables = with_crews(tables, drawn)
    made = searched(tables, effort)
    assert [str(one) for one in verify(made, Snapshot.from_frames(tables))] == []
    sums = made.causes.group_by("demand").agg(pl.col("hours").sum())
    late = made.fulfilment.filter(pl.col("lateness_h") > 0).join(sums, on="demand")
    assert ((late["hours"] - late["lateness_h"]).abs() < 1e-6).all()


@pytest.mark.nightly
@settings(max_examples=20, deadline=None, phases=[Phase.generate])
@given(workshops(), crews())
def test_compiled_and_plain_kernels_find_the_same_plan_with_crews(
    tables: dict[str, Any], drawn: dict[str, Any]
) -> None:
    pytest.importorskip("numba")
    tables = with_crews(tables, drawn)
    compiled = plan(
        Snapshot.from_frames(tables),
        "constrained",
        {"engine": "numba", "effort": "standard"},
    )
    assert searched(tables).fingerprint == compiled.fingerprint


# --- examples ----------------------------------------------------------------------
@pytest.mark.req("CAP-19")
def test_the_longest_set_up_and_the_slowest_of_several_resources_count() -> None:
    """M1 needs 30 minutes and twice the speed, the worker 10 hours a piece."""
    tables = workshop([("A", 1.0, 1.0, 1)], stock=9.0)
    fast = [
        row | {"speed": 2.0, "setup_minutes": 30.0} for row in tables["step_resources"]
    ]
    worker = {"routing": "make A", "step": 1, "resource": "WORKER"}
    tables |= {
        "step_resources": [*fast, worker],
        "resources": [*tables["resources"], {"resource": "WORKER", "location": "P"}],
    }
    made = searched(tables)
    assert verify(made, Snapshot.from_frames(tables)) == []
    spans = made.operations.select(pl.col("finish") - pl.col("start")).to_series()
    assert spans.to_list() == [dt.timedelta(hours=10, minutes=30)] * 2


@pytest.mark.req("CAP-19")
def test_one_worker_of_two_machines_is_at_one_of_them_at_a_time() -> None:
    """A day each on M1 and on M2 with the same worker: one of them is a day late."""
    wanted = [("A", 1.0, 1.0, 1), ("B", 1.0, 1.0, 2)]
    tables = workshop(wanted, stock=9.0, minutes=1440.0)
    moved = [
        row | ({"resource": "M2"} if row["routing"] == "make B" else {})
        for row in tables["step_resources"]
    ]
    worker = [
        {"routing": f"make {name}", "step": 1, "resource": "WORKER"} for name in "AB"
    ]
    resources = [*tables["resources"], {"resource": "WORKER", "location": "P"}]
    alone = tables | {"step_resources": moved}
    made = searched(alone)
    assert made.fulfilment["lateness_h"].max() == 0.0
    made = searched(
        alone | {"resources": resources, "step_resources": [*moved, *worker]}
    )
    late = dict(made.fulfilment.select("demand", "lateness_h").iter_rows())
    assert late == {"D0": 0.0, "D1": 24.0}
    causes = made.causes.select("code", "subject", "hours").rows()
    assert causes == [("CapacityShortfall", "WORKER", 24.0)]
    resources[-1] = resources[-1] | {"units": 2.0}
    made = searched(
        alone | {"resources": resources, "step_resources": [*moved, *worker]}
    )
    assert made.fulfilment["lateness_h"].max() == 0.0


def test_the_same_search_gives_the_same_plan_to_the_byte() -> None:
    first, second = searched(CROWDED), searched(CROWDED)
    assert first.fingerprint == second.fingerprint


def test_late_demands_of_the_plan_are_those_that_the_search_counted() -> None:
    made = searched(CROWDED)
    assert made.run.effort["late"] == float(
        made.fulfilment.filter(pl.col("status") == "late").height
    )


def test_more_effort_is_no_worse() -> None:
    costs = [
        searched(CROWDED, effort).run.effort["weighted_days"]
        for effort in ("light", "standard", "full")
    ]
    assert costs == sorted(costs, reverse=True)


@pytest.mark.parametrize("effort", some(["standard", "full"], 1))
def test_a_crowded_plant_is_searched_in_its_own_manner(
    effort: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The wheel looks at the urgent ones alone now and then, and the plan repeats."""
    usual = searched(CROWDED, effort)
    monkeypatch.setattr(search_effort, "CROWDED", 1)
    first, second = searched(CROWDED, effort), searched(CROWDED, effort)
    assert first.fingerprint == second.fingerprint
    assert first.run.effort["passes"] != usual.run.effort["passes"]
    assert list(verify(first, Snapshot.from_frames(CROWDED))) == []
    # Where hardly any lateness could be avoided it makes fewer passes and moves.
    monkeypatch.setattr(search_effort, "MUCH", 1e9)
    eased = searched(CROWDED, effort).run.effort
    assert eased["passes"] < first.run.effort["passes"]
    assert eased["moves"] <= first.run.effort["moves"]


def test_what_is_as_late_alone_is_sought_once() -> None:
    """Neither turns nor further starts help an order whose work takes longer."""
    made = searched(workshop([("A", 4.0, 0.5, 1)], minutes=1440.0, lead=0.0))
    assert made.fulfilment["status"].to_list() == ["late"]
    assert made.run.effort["late_by_chain"] == 1
    assert made.run.effort["passes"] < search_effort.USUAL.wheel.turns
    assert made.run.effort["moves"] <= search_effort.USUAL.least


def test_a_search_that_is_cancelled_keeps_its_best_plan() -> None:
    calls = iter([False] * 4 + [True] * 10_000)
    made = searched(CROWDED, cancelled=lambda: next(calls))
    assert made.run.status == "cancelled"
    assert made.fulfilment.height == 9
    assert list(verify(made, Snapshot.from_frames(CROWDED))) == []


@pytest.mark.req("OPA-02")
@pytest.mark.parametrize("last", ["reading the plant", "passes"])
def test_a_run_that_is_stopped_before_its_search_is_netted(last: str) -> None:
    """To net takes less time than one pass; what a pass found is kept."""
    seen: list[str] = []
    made = plan(
        Snapshot.from_frames(CROWDED),
        "constrained",
        {**KERNELS, "effort": "standard"},
        observe=lambda told: seen.append(told.phase),
        cancelled=lambda: last in seen,
    )
    assert ("passes" in seen) == (last == "passes")
    assert ("netted" in made.run.engine) == (last == "reading the plant")
    assert made.run.status == "cancelled"
    assert made.fulfilment.height == 9
    assert (made.fulfilment["planned"] > 0).all()
    assert list(verify(made, Snapshot.from_frames(CROWDED))) == []


def test_progress_tells_phases_and_steps() -> None:
    seen: list[Progress] = []
    searched(CROWDED, observe=seen.append)
    phases = {one.phase for one in seen}
    assert phases >= {"passes", "moves", "placing", "late at least"}
    assert phases >= {f"late of priority {one}" for one in (1, 2, 3)}


def test_an_important_demand_goes_before_others() -> None:
    tables = workshop(
        [("A", 4.0, 4.0, 3), ("A", 4.0, 4.0, 1)], minutes=1440.0, lead=0.0
    )
    made = searched(tables)
    late = dict(made.fulfilment.select("demand", "lateness_h").iter_rows())
    assert late["D1"] < late["D0"]


def test_work_that_needs_no_machine_at_all_is_planned() -> None:
    tables = workshop([("A", 2.0, 4.0, 1)])
    rows = [row | {"finite": False} for row in tables["resources"]]
    tables = {**tables, "resources": rows}
    made = searched(tables)
    assert list(verify(made, Snapshot.from_frames(tables))) == []


def test_what_is_bought_comes_no_later_than_it_is_used() -> None:
    made = searched(CROWDED)
    bought = made.supplies.filter(pl.col("product") == "RAW")
    assert bought["start"].min() >= AS_OF
    assert list(verify(made, Snapshot.from_frames(CROWDED))) == []


@pytest.mark.req("CAP-06", "CAP-12")
@settings(max_examples=examples(2, 40))
@given(workshops(), work_orders())
def test_open_orders_to_make_stand_and_the_others_go_around_them(
    tables: dict[str, Any], orders: list[dict[str, Any]]
) -> None:
    tables = {**tables, "supply_orders": tables["supply_orders"] + orders}
    snapshot = Snapshot.from_frames(tables)
    made = plan(snapshot, "constrained", {**KERNELS, "effort": "light"})
    assert [str(one) for one in verify(made, snapshot)] == []
    assume(made.run.engine == "search")
    rows = {row["supply_order"]: row for row in orders}
    stand = made.supplies.filter(pl.col("number").is_in(list(rows)))
    assert stand.height == len(rows)
    for order, start, finish in stand.select("number", "start", "finish").rows():
        if finish != rows[order]["due"]:
            # It should have begun before now.
            assert rows[order]["status"] == "firmed"
            assert start >= AS_OF


@pytest.mark.req("CAP-12")
def test_work_does_not_pause_for_other_work_that_stands() -> None:
    """M1 makes an A from 20 to 30 h: 2 B fit before it, 3 come after it as a whole."""
    order = {
        "supply_order": "WO1",
        "kind": "work",
        "product": "A",
        "location": "P",
        "source": "make A",
        "qty": 1.0,
        "due": AS_OF + dt.timedelta(hours=30),
        "status": "released",
    }
    for wanted, begins in ((2.0, (0, 20)), (3.0, (20, 30))):
        tables = workshop([("B", wanted, 0.0, 1)], stock=9.0, minutes=600.0)
        made = searched({**tables, "supply_orders": [order]}, "light")
        found = made.operations.filter(pl.col("resource") == "M1")["start"].sort()
        hours = [AS_OF + dt.timedelta(hours=hour) for hour in begins]
        assert found.to_list() == hours


@pytest.mark.req("MRP-02", "CAP-03")
def test_an_open_order_to_buy_serves_what_comes_after_it() -> None:
    """2 parts of 10 hours each for 2 A; 2 come in on day 2: none is made."""
    order = {
        "supply_order": "PO1",
        "kind": "purchase",
        "product": "PART",
        "location": "P",
        "qty": 2.0,
        "due": AS_OF + dt.timedelta(days=2),
        "status": "released",
    }
    tables = workshop([("A", 2.0, 4.0, 1)])
    made = searched({**tables, "supply_orders": [order]})
    assert made.supplies["product"].to_list() == ["PART", "A"]
    begin = made.supplies.filter(product="A")["start"].item()
    assert begin >= AS_OF + dt.timedelta(days=2)
    late = {**order, "due": AS_OF + dt.timedelta(days=60)}
    made = searched({**tables, "supply_orders": [late]})
    assert sorted(made.supplies["product"]) == ["A", "PART", "PART", "RAW"]


@pytest.mark.req("CAP-03", "CAP-09")
def test_a_second_step_in_shifts_goes_on_the_next_day() -> None:
    """Due at the end of 13 January: 4 hours before, 8 that day and 2 the day before."""
    after = [{"resource": None, "fixed_minutes": 240.0}]
    tables = workshop([("A", 1.0, 9.0, 1)], stock=1.0, shifts=WEEK, after=after)
    made = searched(tables).operations.sort("start")
    spans = [
        (f"{begin:%d %H}", f"{end:%d %H}")
        for begin, end in made.select("start", "finish").rows()
    ]
    assert spans == [("12 14", "12 16"), ("13 08", "13 16"), ("13 20", "14 00")]


@pytest.mark.req("CAP-03", "CAP-12")
def test_what_waits_for_a_machine_that_is_down_is_late_because_of_it() -> None:
    """10 hours of work due in a day, M1 down for the first two: 34 hours late."""
    down = {
        "disruption": "X",
        "kind": "resource_down",
        "subject": "M1",
        "valid_from": AS_OF,
        "valid_to": AS_OF + dt.timedelta(days=2),
        "severity": 1.0,
    }
    tables = workshop([("A", 1.0, 1.0, 1)], stock=1.0)
    made = searched({**tables, "disruptions": [down]})
    assert made.fulfilment["lateness_h"].to_list() == [34.0]
    causes = made.causes.select("code", "subject", "hours").rows()
    assert causes == [("CapacityShortfall", "M1", 34.0)]


# --- what no search knows ----------------------------------------------------------
def _with(table: str, *rows: dict[str, Any]) -> dict[str, Any]:
    return {**CROWDED, table: [*CROWDED.get(table, []), *rows]}


def _deep(levels: int) -> dict[str, Any]:
    """Tables with a product that is made of a product, and so on."""
    names = [f"L{number}" for number in range(levels)]
    made = [{"routing": f"make {name}", "product": name} for name in names]
    steps = [{"routing": row["routing"], "step": 1, "sequence": 1} for row in made]
    lines = [
        {"routing": f"make {one}", "line": 1, "component": part, "qty_per": 1.0}
        for one, part in pairwise([*names, "RAW"])
    ]
    asked = {"demand": "DEEP", "product": "L0", "location": "P", "qty": 1.0}
    wanted = {**asked, "due": AS_OF, "priority": 1}
    tables = _with("products", *({"product": name} for name in names))
    more = {
        "routings": [{**row, "location": "P"} for row in made],
        "steps": steps,
        "bom_lines": lines,
        "demands": [wanted],
    }
    return {**tables, **{name: tables[name] + rows for name, rows in more.items()}}


UNFIT = {"very many levels": _deep(205)}


@pytest.mark.parametrize("what", sorted(UNFIT))
def test_what_is_more_than_the_numbers_say_is_netted_and_placed_by_all_rules(
    what: str,
) -> None:
    snapshot = Snapshot.from_frames(UNFIT[what])
    asked = plan(snapshot, "constrained", {**KERNELS, "effort": "light"})
    assert "passes" not in asked.run.effort
    assert asked.supplies.equals(netted(snapshot).supplies)
    why = "a product has too many levels"
    engine = f"search, all netted and placed by all rules ({why})"
    assert asked.run.engine == engine
    assert [str(found) for found in verify(asked, snapshot)] == []


# --- settings ----------------------------------------------------------------------
@pytest.mark.parametrize(
    ("engine", "demands", "lists"),
    [("python", 10_000, True), ("numba", 1, False), ("auto", ENOUGH, False)],
)
def test_a_large_run_is_compiled_and_plain_python_never(engine, demands, lists):
    pytest.importorskip("numba")
    assert engine_of(ConstrainedParameters(engine=engine), demands).lists is lists


@pytest.mark.parametrize(
    "given_",
    [
        {"base_days": -1.0},
        {"class_weights": ()},
        {"class_weights": (1.0, -2.0)},
    ],
)
def test_settings_of_a_search_are_checked(given_: dict[str, Any]) -> None:
    with pytest.raises(UsageError, match="must be"):
        ConstrainedParameters(**given_)


def test_stated_weights_go_before_those_of_the_planner() -> None:
    tables = {**CROWDED, "settings": [{**CROWDED["settings"][0]}]}
    tables["settings"][0]["priority_weights"] = ["7", "3"]
    snapshot = Snapshot.from_frames(tables)
    parameters = ConstrainedParameters()
    assert parameters.weights(snapshot.settings) == (7.0, 3.0)
    assert parameters.weights(Snapshot.from_frames(CROWDED).settings) == (25, 5, 1)


def test_a_search_plans_a_company_that_nobody_asks_anything_of() -> None:
    snapshot = factories.snapshot(demands=[], products=[{}], routings=[{}])
    made = plan(snapshot, "constrained", KERNELS)
    assert verify(made, snapshot) == []
    assert made.supplies.is_empty()


@pytest.mark.req("CAP-09")
def test_the_preferred_machine_works_and_the_other_one_where_it_makes_less_late() -> (
    None
):
    """Two days of work are wanted in two days, then in one: then half goes to M3."""
    alike = {"resource": "M3", "speed": 1.0, "setup_minutes": 0.0}
    for rule in ("preference", "earliest"):
        for due, used in ((2.5, {"M1"}), (1.5, {"M1", "M3"})):
            tables = with_alternates(
                workshop([("A", 1.0, due, 1)] * 2, stock=9.0, minutes=1440.0),
                {"make A": alike | {"resource_rule": rule}},
            )
            made = searched(tables, "standard")
            if rule == "preference":
                assert set(made.operations["resource"].to_list()) == used
            assert (made.fulfilment["lateness_h"] <= 0).all()


@pytest.mark.req("CAP-09")
def test_a_pool_is_all_its_members() -> None:
    tables = workshop([("A", 1.0, 1.5, 1)] * 3, stock=9.0, minutes=1440.0)
    pool = [
        {"resource": f"P{number}", "location": "P", "pool": "PRESS"}
        for number in range(3)
    ]
    taken = [
        row | ({"resource": "PRESS"} if row["routing"] == "make A" else {})
        for row in tables["step_resources"]
    ]
    tables = tables | {
        "resources": tables["resources"] + pool,
        "step_resources": taken,
    }
    made = searched(tables, "light")
    assert set(made.operations["resource"].to_list()) == {"P0", "P1", "P2"}
    assert (made.fulfilment["lateness_h"] <= 0).all()


def changed_over(
    demands: list[tuple[str, float, float, int]], **more: Any
) -> dict[str, Any]:
    """Tables of a shop whose M1 changes in an hour between A and B, six days a week."""
    tables = workshop(demands, minutes=60.0, stock=99.0, lead=0.0)
    family = {"make A": "RED", "make B": "BLUE"}
    return tables | {
        "steps": [
            row | {"family": family.get(row["routing"])} for row in tables["steps"]
        ],
        "resources": [
            row | ({"changeover_matrix": "CHANGE"} if row["resource"] == "M1" else {})
            for row in tables["resources"]
        ],
        "changeovers": [
            {
                "matrix": "CHANGE",
                "from_family": "*",
                "to_family": "*",
                "setup_minutes": 60.0,
            }
        ],
        **more,
    }


def worked(made: Plan, resource: str) -> list[tuple[str, float, float, float]]:
    """Product, start, finish and set-up of all work on a resource [h, h, min]."""
    rows = (
        made.operations.filter(pl.col("resource") == resource)
        .join(made.supplies.select("id", "product"), left_on="supply", right_on="id")
        .sort("start")
        .select("product", "start", "finish", "setup_minutes")
        .rows()
    )
    hour = dt.timedelta(hours=1)
    return [
        (product, (start - AS_OF) / hour, (finish - AS_OF) / hour, setup)
        for product, start, finish, setup in rows
    ]


@pytest.mark.req("CMP-02")
def test_work_of_a_family_is_done_together_where_changing_makes_late() -> None:
    """Four hours of work by hour 5: one change is in time, three are not."""
    due = 5 / 24
    made = searched(
        changed_over([("A", 1.0, due, 2), ("B", 1.0, due, 2)] * 2),
    )
    assert made.fulfilment["lateness_h"].max() == 0.0
    products = [product for product, *_ in worked(made, "M1")]
    assert products in (["A", "A", "B", "B"], ["B", "B", "A", "A"])
    assert sum(setup for *_, setup in worked(made, "M1")) == 60.0


@pytest.mark.req("CMP-02")
def test_what_a_machine_is_set_up_for_goes_first() -> None:
    state = [{"resource": "M1", "family": "BLUE"}]
    made = searched(
        changed_over(
            [("A", 1.0, 3 / 24, 2), ("B", 1.0, 3 / 24, 2)], resource_state=state
        )
    )
    assert worked(made, "M1") == [("B", 0.0, 1.0, 0.0), ("A", 1.0, 3.0, 60.0)]


@pytest.mark.req("CMP-02", "CAP-12")
def test_a_machine_is_changed_over_to_and_from_orders_that_stand() -> None:
    """WO1 makes an A from hour 4 to 5; of four B, one comes before it and three after.

    All four after it would be there an hour late.
    """
    order = {
        "supply_order": "WO1",
        "kind": "work",
        "product": "A",
        "location": "P",
        "source": "make A",
        "qty": 1.0,
        "due": AS_OF + dt.timedelta(hours=5),
        "status": "released",
    }
    tables = changed_over(
        [("A", 1.0, 5 / 24, 2), ("B", 4.0, 9 / 24, 2)], supply_orders=[order]
    )
    made = searched(tables)
    assert [str(one) for one in verify(made, Snapshot.from_frames(tables))] == []
    assert worked(made, "M1")[1:] == [("A", 4.0, 5.0, 0.0), ("B", 6.0, 9.0, 60.0)]
    assert made.fulfilment["lateness_h"].to_list() == [0.0, 0.0]


@pytest.mark.req("CAP-12")
def test_what_is_bought_stands_for_open_orders_first() -> None:
    """WO1 takes the one RAW that there is; the PART of D0 waits for RAW on day 9."""
    order = {
        "supply_order": "WO1",
        "kind": "work",
        "product": "PART",
        "location": "P",
        "source": "make PART",
        "qty": 1.0,
        "due": AS_OF + dt.timedelta(hours=12),
        "status": "released",
    }
    tables = workshop([("A", 2.0, 1.0, 1)], minutes=60.0, least=1.0, lead=9.0) | {
        "supply_orders": [order],
        "stock": [{"product": "RAW", "location": "P", "qty": 1.0}],
    }
    made = searched(tables)
    assert [str(one) for one in verify(made, Snapshot.from_frames(tables))] == []
    (begin, *_) = [start for product, start, *_ in worked(made, "M2") if start > 12.0]
    assert begin >= 9 * 24


@pytest.mark.req("MRP-06", "CAP-12")
def test_a_stock_level_of_what_is_made_is_filled_and_makes_nothing_late() -> None:
    """Of 3 PART in stock 2 are safety; D0 takes all of them, the level comes after."""
    tables = workshop([("A", 3.0, 0.2, 1)], minutes=60.0, stock=3.0, lead=2.0) | {
        "inventory_policies": [{"product": "PART", "location": "P", "safety_qty": 2.0}]
    }
    made = searched(tables)
    snapshot = Snapshot.from_frames(tables)
    assert [str(one) for one in verify(made, snapshot)] == []
    assert made.fulfilment["lateness_h"].max() == 0.0
    (begin,) = [start for _, start, *_ in worked(made, "M2")]
    assert begin >= 2 * 24
    last = made.positions.filter(pl.col("product") == "PART").sort("bucket")[-1]
    assert last["on_hand"].item() == 2.0


@pytest.mark.req("CAP-17")
def test_the_search_weighs_lateness_by_money_where_demands_have_prices():
    """Both are due before M1 can have made both: the dear one is in time."""
    tables = workshop([("A", 4.0, 3.0, 1), ("B", 4.0, 3.0, 1)], stock=20.0)
    prices = zip(tables["demands"], (1.0, 900.0), strict=True)
    tables["demands"] = [{**row, "price": price} for row, price in prices]
    dear = tables["demands"][1]["demand"]
    made = searched(tables)
    late = made.fulfilment.filter(pl.col("lateness_h") > 0)["demand"].to_list()
    assert len(late) == 1
    assert dear not in late
    tables["demands"] = [
        {**row, "price": price}
        for row, price in zip(tables["demands"], (900.0, 1.0), strict=True)
    ]
    other = searched(tables)
    late = other.fulfilment.filter(pl.col("lateness_h") > 0)["demand"].to_list()
    assert late == [dear]


@pytest.mark.req("SUP-07")
def test_a_limit_of_a_supplier_is_kept_by_what_the_run_nets():
    tables = {
        **CROWDED,
        "supply_terms": [
            {**row, "capacity_per_period": 50.0} for row in CROWDED["supply_terms"]
        ],
    }
    made = searched(tables)
    assert verify(made, Snapshot.from_frames(tables)) == []


def two_orders(fixed: float, gap: int, value: float) -> Plan:
    """Ten pieces wanted on day 5 and ten `gap` days later, an hour each."""
    snapshot = factories.snapshot(
        demands=[
            {"qty": 10, "due": AS_OF + dt.timedelta(days=5)},
            {"demand": "D2", "qty": 10, "due": AS_OF + dt.timedelta(days=5 + gap)},
        ],
        products=[{"unit_cost": value}],
        resources=[{}],
        routings=[{"fixed_cost": fixed}],
        steps=[{"run_minutes_per_unit": 60.0}],
        step_resources=[{}],
    )
    made = plan(snapshot, "constrained", KERNELS)
    assert made.run.engine == "search"
    assert verify(made, snapshot) == []
    assert made.fulfilment["lateness_h"].to_list() == [0.0, 0.0]
    return made


@pytest.mark.req("MRP-02")
@pytest.mark.parametrize(
    ("fixed", "gap", "value", "quantities"),
    [
        (0.0, 5, 1000.0, [10.0, 10.0]),
        # Ten pieces of 1,000 cost 200 a year each, 27 for five days, 55 for ten.
        (50.0, 5, 1000.0, [20.0]),
        (50.0, 10, 1000.0, [10.0, 10.0]),
        (50.0, 10, 1.0, [20.0]),
    ],
)
def test_orders_are_joined_where_an_order_costs_more_than_to_hold_goods(
    fixed: float, gap: int, value: float, quantities: list[float]
) -> None:
    assert two_orders(fixed, gap, value).supplies["qty"].to_list() == quantities


@given(workshops(), st.sampled_from([1.0, 100.0, 10_000.0]))
@settings(max_examples=examples(2), phases=[Phase.generate], deadline=None)
def test_money_is_saved_and_makes_nothing_later(
    tables: dict[str, Any], fixed: float
) -> None:
    costly = [{**row, "fixed_cost": fixed} for row in tables["routings"]]
    plain, saving = searched(tables), searched({**tables, "routings": costly})
    snapshot = Snapshot.from_frames({**tables, "routings": costly})
    assert verify(saving, snapshot) == []
    makes = [one.supplies["kind"].to_list().count("make") for one in (plain, saving)]
    assert makes[1] <= makes[0]
    late = [one.run.effort["weighted_days"] for one in (plain, saving)]
    assert late[1] <= late[0]


@pytest.mark.req("ATP-08")
def test_what_a_rule_forbids_to_deliver_leaves_its_time_to_others() -> None:
    """Demands may be a day late at most: the rest is searched without what is later."""
    rows = [{**row, "max_lateness_days": 1.0} for row in CROWDED["demands"]]
    snapshot = Snapshot.from_frames({**CROWDED, "demands": rows})
    made = plan(snapshot, "constrained", {**KERNELS, "effort": "light"})
    general = netted(snapshot)
    assert made.run.engine == "search"
    assert [str(found) for found in verify(made, snapshot)] == []
    assert made.fulfilment["lateness_h"].max() <= 24.0
    assert made.fulfilment["short"].sum() <= general.fulfilment["short"].sum()
    assert made.causes.filter(pl.col("code") == "CapacityShortfall").height > 0


def test_work_that_is_wanted_later_lets_what_comes_after_it_go_first():
    """B begins on the 3rd day at the earliest, A is free to fill the time before.

    Kept in that turn A would be there four weeks early, for B is due on the 5th day.
    """
    wanted = [("A", 60, 30), ("B", 60, 5)]
    snapshot = shop(wanted, changeovers=matrix(("*", "*", 120, False)))
    routings = snapshot["routings"].with_columns(
        fence_days=pl.when(pl.col("product") == "B").then(3.0).otherwise(0.0)
    )
    snapshot = snapshot.replace(routings=routings)
    made = plan(snapshot, "constrained")
    assert made.run.engine == "search"
    assert verify(made, snapshot) == []
    orders = {row["product"]: row for row in made.supplies.iter_rows(named=True)}
    assert orders["B"]["finish"] == day(5)
    assert orders["A"]["finish"] == day(30)
