"""Plans that a search found where vehicles carry only so much."""

from __future__ import annotations

import datetime as dt
from typing import TYPE_CHECKING, Any

import polars as pl
import pytest
from hypothesis import Phase, assume, given, settings
from hypothesis import strategies as st

from medhavi.snapshot import Snapshot
from tests.api import plan, verify
from tests.examples import examples
from tests.factories import AS_OF
from tests.planners.netted_plans import netted
from tests.planners.search_plants import two_sites, workshop
from tests.planners.small_plans import KERNELS
from tests.planners.test_search_lanes import DAILY, sites
from tests.planners.test_search_plans import delivered, searched

if TYPE_CHECKING:
    from medhavi.results.plans.plan import Plan

WEIGHTS = {"A": 2.0, "B": 0.7, "PART": 1.5}
VOLUMES = {"A": 0.1, "B": 0.0, "PART": 1.0 / 3.0}


def with_goods(tables: dict[str, Any], volumes: dict[str, float]) -> dict[str, Any]:
    """Add weights and volumes to products."""
    rows = [
        {
            **row,
            "weight_kg": WEIGHTS.get(row["product"], 0.0),
            "volume_m3": volumes.get(row["product"], 0.0),
        }
        for row in tables["products"]
    ]
    return {**tables, "products": rows}


def carried(made: Plan) -> list[tuple[int, float]]:
    """Departure of each move [days since now, counted from 1], and what it carries."""
    moves = made.supplies.filter(kind="move").sort("start", "qty")
    rows = moves.select("start", "qty").rows()
    return [((start - AS_OF).days + 1, qty) for start, qty in rows]


def parts_wanted(*demands: tuple[float, float], **lane: Any) -> dict[str, Any]:
    """A of one part each, at P on (quantity, due day); parts stand at F."""
    rows = [("A", qty, day, 1) for qty, day in demands]
    tables = two_sites(workshop(rows, minutes=1.0), departures=DAILY, **lane)
    stock = {"product": "PART", "location": "F", "qty": 50.0}
    return with_goods({**tables, "stock": [stock]}, {})


def checked(tables: dict[str, Any]) -> Plan:
    made = searched(tables)
    assert [str(one) for one in verify(made, Snapshot.from_frames(tables))] == []
    return made


@pytest.mark.req("MRP-02", "CAP-03")
def test_what_does_not_fit_takes_the_next_departure() -> None:
    """6 kg are 4 parts: of two demands of 3 at once one waits for the next day."""
    made = checked(parts_wanted((3.0, 0.0), (3.0, 0.0), capacity_kg=6.0))
    assert carried(made) == [(1, 3.0), (2, 3.0)]
    late = made.fulfilment.sort("lateness_h")["lateness_h"]
    assert late[1] - late[0] == pytest.approx(24.0)
    codes = made.causes.filter((pl.col("hours") - 24.0).abs() < 1e-6)
    assert codes["subject"].to_list() == ["F to P"]


@pytest.mark.req("MRP-02", "CAP-03")
def test_what_is_on_its_way_takes_room() -> None:
    """5 parts are on the first departure, which carries 6: 2 more go the next day."""
    order = {
        "supply_order": "T1",
        "kind": "transfer",
        "product": "PART",
        "location": "P",
        "source": "F to P",
        "qty": 5.0,
        "due": AS_OF + dt.timedelta(hours=17),
        "status": "in_process",
        "start": AS_OF + dt.timedelta(hours=12),
    }
    tables = parts_wanted((7.0, 1.0), capacity_kg=9.0)
    made = checked({**tables, "supply_orders": [order]})
    assert carried(made) == [(1, 5.0), (2, 2.0)]


@st.composite
def small_vehicles(draw: st.DrawFn) -> dict[str, Any]:
    """Two sites; vehicles carry so much weight, volume, both, at times less."""
    tables = with_goods(draw(sites()), draw(st.sampled_from([{}, VOLUMES])))
    weights = st.sampled_from([None, 9.0, 13.5, 40.0])
    lanes = [
        {
            **row,
            "capacity_kg": draw(weights),
            "capacity_m3": draw(st.sampled_from([None, 2.0, 7.0])),
        }
        for row in tables["lanes"]
    ]
    departures = [
        {"lane": "P to SHOP", "weekday": day, "time": dt.time(18)}
        for day in draw(st.sets(st.integers(1, 7), max_size=7))
    ]
    less = [
        {
            "disruption": "LESS",
            "kind": "lane_blocked",
            "subject": "F to P",
            "valid_from": AS_OF + dt.timedelta(hours=20),
            "valid_to": AS_OF + dt.timedelta(days=6),
            "severity": 0.5,
        }
    ]
    return {
        **tables,
        "lanes": lanes,
        "departures": [*tables["departures"], *departures],
        "disruptions": [*tables["disruptions"], *draw(st.sampled_from([[], less]))],
    }


@pytest.mark.req("CAP-06", "MRP-02")
@settings(max_examples=examples(2, 100), phases=[Phase.generate])
@given(small_vehicles(), st.sampled_from(["light", "standard"]))
def test_a_plan_of_small_vehicles_that_was_sought_can_be_carried_out(
    tables: dict[str, Any], effort: str
) -> None:
    """As much as in the general way, causes that sum up."""
    snapshot = Snapshot.from_frames(tables)
    made = plan(snapshot, "constrained", {**KERNELS, "effort": effort})
    assume(made.run.engine == "search")
    assert [str(one) for one in verify(made, snapshot)] == []
    general = netted(snapshot)
    assert delivered(made) == delivered(general)
    late = made.fulfilment.filter(pl.col("lateness_h") > 0)
    hours = late.join(
        made.causes.group_by("demand").agg(pl.col("hours").sum()), "demand"
    )
    assert hours.height == late.height
    assert ((hours["hours"] - hours["lateness_h"]).abs() < 1e-6).all()


@pytest.mark.nightly
@settings(max_examples=20, deadline=None, phases=[Phase.generate])
@given(small_vehicles())
def test_compiled_and_plain_kernels_find_the_same_plan_of_small_vehicles(
    tables: dict[str, Any],
) -> None:
    pytest.importorskip("numba")
    snapshot = Snapshot.from_frames(tables)
    made = [
        plan(snapshot, "constrained", {"engine": engine})
        for engine in ("python", "numba")
    ]
    assert made[0].fingerprint == made[1].fingerprint
