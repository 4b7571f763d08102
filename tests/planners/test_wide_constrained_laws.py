"""What holds for every constrained plan, on networks that use every feature."""

from __future__ import annotations

import datetime as dt
import random
from typing import TYPE_CHECKING, Any

import polars as pl
import pytest

from medhavi.errors import NotAvailable
from medhavi.findings import BadData
from medhavi.results.figures.scorecard import scorecard
from medhavi.results.run_record import Status
from medhavi.snapshot import Snapshot
from tests import factories
from tests.api import plan, verify
from tests.examples import some
from tests.planners.small_plans import KERNELS
from tests.wide_networks import after, wide_tables

if TYPE_CHECKING:
    from medhavi.results.plans.plan import Plan
    from tests.wide_networks import Rows

EFFORTS = ("light", "light", "standard")
REFUSALS = {"PLAN002", "PLAN003", "SNAP041", "SNAP043"}
"""Circles of supply, sources that bring far too little, steps that no opening is long
enough for: refused by name."""


def settings(seed: int) -> dict[str, str]:
    return {**KERNELS, "effort": EFFORTS[seed % len(EFFORTS)]}


def planned(rows: Rows, seed: int) -> tuple[Snapshot, Plan] | None:
    """Plan a network; None: it is refused by name."""
    try:
        snapshot = Snapshot.from_frames(factories.tables(**rows))
        return snapshot, plan(snapshot, "constrained", settings(seed))
    except BadData as refused:
        if not {found.code for found in refused.findings} <= REFUSALS:
            raise
    except NotAvailable:
        pass
    return None


def laws(seed: int) -> None:
    """Check one network."""
    rows = wide_tables(seed)
    made = planned(rows, seed)
    if made is None:
        return
    snapshot, found = made
    assert [str(fault) for fault in verify(found, snapshot)] == []
    reasons_explain(found)
    nothing_starts_too_early(found, rows)
    what_stands_stays(found, rows)


def reasons_explain(made: Plan) -> None:
    """Hours of causes sum to the lateness; what is late or short has a limiter."""
    hours: dict[str, float] = {}
    for row in made.causes.iter_rows(named=True):
        hours[row["demand"]] = hours.get(row["demand"], 0.0) + row["hours"]
    for row in made.fulfilment.iter_rows(named=True):
        if row["status"] in {"late", "short", "unplanned"}:
            assert row["limiter"] is not None, row
            assert row["demand"] in hours, row
        if row["status"] == "on_time":
            assert row["demand"] not in hours, row
        if row["lateness_h"]:
            assert hours[row["demand"]] == pytest.approx(row["lateness_h"]), row


def nothing_starts_too_early(made: Plan, rows: Rows) -> None:
    """No new order starts before now or inside the fence of its routing."""
    routings = rows.get("routings", ())
    fences = {row["routing"]: row.get("fence_days", 0.0) for row in routings}
    known = {row["supply_order"] for row in rows.get("supply_orders", ())}
    for row in made.supplies.iter_rows(named=True):
        # What falls out beside of an order bears its name before the product.
        if row["id"].partition("|")[0] not in known:
            assert row["start"] >= after(fences.get(row["source"], 0.0)), row


def what_stands_stays(made: Plan, rows: Rows) -> None:
    """Firm orders keep their quantity; what has begun keeps its end."""
    supplies = {row["id"]: row for row in made.supplies.iter_rows(named=True)}
    for order in rows.get("supply_orders", ()):
        if order["status"] == "planned" or order["kind"] == "work":
            continue
        row = supplies[order["supply_order"]]
        assert row["qty"] == pytest.approx(order["qty"]), row
        if order["status"] != "firmed" or order["kind"] == "purchase":
            assert row["finish"] == order["due"], row


@pytest.mark.req("CAP-06")
@pytest.mark.parametrize(
    "seed", some([*range(16), 236, 429, 3236, 3237, 3731, 4783], 4)
)
def test_every_plan_obeys_the_laws(seed: int) -> None:
    laws(seed)


@pytest.mark.req("CAP-06")
@pytest.mark.nightly
def test_a_firm_order_in_mode_optimize_takes_nothing_that_is_dead() -> None:
    """Its supplier brings 40 of 50 while they live: the other ten come late."""
    snapshot = Snapshot.from_frames(factories.tables(**wide_tables(3389)))
    made = plan(snapshot, "optimize", {"effort": "standard"})
    assert [str(fault) for fault in verify(made, snapshot)] == []
    leaves = made.supplies.filter(pl.col("id") == "O2")["start"].item()
    bought = made.supplies.filter(kind="buy", product="P1").sort("finish")[1:]
    assert bought["qty"].sum() == 50
    assert bought["finish"].min() + dt.timedelta(days=3) >= leaves


@pytest.mark.req("HEU-02")
def test_more_effort_costs_no_more_where_all_is_placed_anew() -> None:
    """By all rules, what the search at effort standard found costs a fifth more."""
    snapshot = Snapshot.from_frames(factories.tables(**wide_tables(60018)))
    light, standard = (
        plan(snapshot, "constrained", {"effort": effort})
        for effort in ("light", "standard")
    )
    assert "placed anew with all rules" in standard.run.engine
    assert scorecard(standard, snapshot).total <= scorecard(light, snapshot).total
    assert standard.run.settings["effort"] == "standard"


@pytest.mark.req("HEU-02")
@pytest.mark.parametrize("last", ["moves", "laying out", "tables"])
def test_a_search_that_is_stopped_among_others_gives_a_whole_plan(last: str) -> None:
    """It is stopped when the first search is through, or in the one at less effort."""
    snapshot = Snapshot.from_frames(factories.tables(**wide_tables(60018)))
    seen: list[str] = []

    def stopped() -> bool:
        return seen.count("moves") >= 5 and last in seen

    made = plan(
        snapshot,
        "constrained",
        {"effort": "standard"},
        observe=lambda told: seen.append(told.phase),
        cancelled=stopped,
    )
    assert made.run.status is Status.CANCELLED
    assert made.supplies.height > 0
    assert verify(made, snapshot) == []


@pytest.mark.req("HEU-02")
def test_a_resumed_schedule_leaves_out_nothing_that_was_delivered() -> None:
    """A component of R2a is taken twice; D3, the most urgent demand, is on time."""
    rows = wide_tables(31181)
    lines = [
        {**line, "qty_per": 1.0}
        if (line["routing"], line["line"]) == ("R2a", 2)
        else line
        for line in rows["bom_lines"]
    ]
    before, after = (
        Snapshot.from_frames(factories.tables(**one))
        for one in (rows, {**rows, "bom_lines": lines})
    )
    settings = {"engine": "python"}
    first = plan(before, "constrained", settings)
    found = plan(after, "constrained", settings, baseline=first)
    assert found.fulfilment.filter(demand="D3")["status"].item() == "on_time"
    assert verify(found, after) == []


@pytest.mark.nightly
@pytest.mark.parametrize("seed", range(16, 1016))
def test_many_plans_obey_the_laws(seed: int) -> None:
    laws(seed)


@pytest.mark.parametrize("seed", some(range(100, 104), 2))
def test_neither_a_second_run_nor_the_order_of_rows_changes_a_plan(seed: int) -> None:
    rows = wide_tables(seed)
    chance = random.Random(seed)
    shuffled: dict[str, Any] = {
        name: chance.sample(table, len(table)) for name, table in rows.items()
    }
    runs = [planned(given, seed) for given in (rows, rows, shuffled)]
    prints = {None if run is None else run[1].fingerprint for run in runs}
    assert len(prints) == 1


@pytest.mark.parametrize("seed", some(range(200, 204), 2))
def test_work_that_has_begun_is_where_mode_mrp_leaves_it(seed: int) -> None:
    rows = wide_tables(seed)
    for name in ("disruptions", "resource_units", "reservations"):
        rows.pop(name, None)
    made = planned(rows, seed)
    if made is None:
        return
    begun = ("released", "in_process")
    columns = ["id", "qty", "start", "finish"]
    other = plan(made[0], settings={"engine": "python"})
    stands, expected = (
        one.supplies.filter(pl.col("status").is_in(begun)).select(columns).sort("id")
        for one in (made[1], other)
    )
    assert stands.rows() == expected.rows()
