"""Orders in work: steps that are completed, begun or locked."""

from __future__ import annotations

import datetime as dt
from typing import TYPE_CHECKING

import polars as pl
import pytest

from medhavi.units import to_seconds
from tests import factories
from tests.api import Providers, plan, verify
from tests.planners.small_plans import PYTHON, day, days, deliveries, fulfilment

if TYPE_CHECKING:
    from medhavi.results.plans.plan import Plan
    from medhavi.snapshot import Snapshot
    from tests.factories import Row

HOUR = {"run_minutes_per_unit": 60}
SHOP = {
    "routings": [{"routing": "R"}, {"routing": "Q", "product": "Z"}],
    "resources": [{"resource": "M"}, {"resource": "N"}],
    "step_resources": [
        {"step": 1, "resource": "M"},
        {"step": 2, "resource": "N"},
        {"step": 3, "resource": "M"},
        {"routing": "Q"},
    ],
    "demands": [{"product": "Z", "due": day(2)}],
}
IN_SEQUENCE = [{"step": number, **HOUR} for number in (1, 2, 3)]
LINKED = [{"step": 2, "after": 1}, {"step": 3, "after": 2}]


def shop(status: str = "in_process", **tables: list[Row]) -> Snapshot:
    """O1 of 10 A, an hour each on M, N, M; the work on N is completed."""
    steps = [*tables.get("steps", IN_SEQUENCE)]
    steps.append({"routing": "Q", "fixed_minutes": 60 * 38})
    given: dict[str, list[Row]] = {**tables, "steps": steps}
    order = {"supply_order": "O1", "kind": "work", "due": day(2), "source": "R"}
    return factories.snapshot(
        supply_orders=[{**order, "status": status}],
        supply_order_steps=[{"step": 2, "status": "completed"}],
        **SHOP,
        **given,
    )


def made(snapshot: Snapshot, mode: str = "constrained") -> Plan:
    return plan(snapshot, mode, PYTHON if mode == "constrained" else {})


def hours(made: Plan, order: str = "O1") -> list[tuple[int, float, float]]:
    """Step, start and finish of the work of an order, in hours from now."""
    rows = made.operations.filter(supply=order).sort("step").iter_rows(named=True)
    return [
        (
            row["step"],
            *(round(24 * (days(row[end]) or 0), 3) for end in ("start", "finish")),
        )
        for row in rows
    ]


@pytest.mark.req("CAP-05", "CAP-06")
@pytest.mark.parametrize("links", [[], LINKED], ids=["in sequence", "linked"])
def test_what_precedes_a_completed_step_precedes_what_follows_it(links: list[Row]):
    """M does steps 1 and 3 of O1 for 10 h each: from 28 to 38 and from 38 to 48.

    Z takes 38 h on M and is due at 48: 28 h are left, so it begins at 48 and is 38 h
    late.
    """
    snapshot = shop(step_links=links)
    found = made(snapshot)
    assert hours(found) == [(1, 28, 38), (3, 38, 48)]
    assert fulfilment(found)["lateness_h"] == 38
    assert [str(one) for one in verify(found, snapshot)] == []


@pytest.mark.req("CAP-05")
def test_mode_mrp_keeps_the_sequence_over_a_completed_step():
    """As before; no limit of M, so that Z is on time."""
    snapshot = shop()
    found = made(snapshot, "mrp")
    assert hours(found) == [(1, 28, 38), (3, 38, 48)]
    assert verify(found, snapshot) == []


KINDS = {
    # Step 3 lies from 38 to 48; where step 1 ends by it.
    ("finish_start", "start_start"): (28, 38),
    ("finish_start", "finish_finish"): (38, 48),
    ("start_start", "start_start"): (38, 48),
    ("finish_finish", "finish_start"): (28, 38),
    ("finish_finish", "finish_finish"): (38, 48),
}


@pytest.mark.req("CAP-05")
@pytest.mark.parametrize("kinds", KINDS, ids=" then ".join)
def test_links_of_each_kind_hold_over_a_completed_step(kinds: tuple[str, str]):
    """10 h each on a machine of their own, so that only links part steps 1 and 3.

    Ends before a start: 28 to 38. Starts before a start, or ends before an end: both
    from 38 to 48.
    """
    links = [{**link, "kind": kind} for link, kind in zip(LINKED, kinds, strict=True)]
    needs = [{"step": 1, "resource": "M"}, {"step": 3, "resource": "N"}]
    snapshot = factories.snapshot(
        supply_orders=[
            {"supply_order": "O1", "kind": "work", "due": day(2), "source": "R"}
        ],
        supply_order_steps=[{"step": 2, "status": "completed"}],
        routings=[{}],
        steps=IN_SEQUENCE,
        step_links=links,
        step_resources=needs,
        resources=SHOP["resources"],
    )
    found = made(snapshot)
    assert hours(found) == [(1, *KINDS[kinds]), (3, 38, 48)]
    assert verify(found, snapshot) == []


@pytest.mark.req("CAP-05")
@pytest.mark.parametrize("links", [[], LINKED], ids=["in sequence", "linked"])
def test_the_check_finds_steps_of_an_existing_order_out_of_sequence(links: list[Row]):
    """Step 1 moved to the hours of step 3, as if nothing lay between them."""
    snapshot = shop(step_links=links)
    found = made(snapshot)
    first = (pl.col("supply") == "O1") & (pl.col("step") == 1)
    moved = found.operations.with_columns(
        pl.when(first).then(pl.col(end).dt.offset_by("10h")).otherwise(end).alias(end)
        for end in ("start", "finish")
    )
    told = [str(one) for one in verify(found.replace(operations=moved), snapshot)]
    assert any("VER026" in one and "step 3 begins before step 1" in one for one in told)


@pytest.mark.req("MRP-20")
@pytest.mark.parametrize("step", [None, 1])
@pytest.mark.parametrize("anchor", ["start", "end"])
@pytest.mark.parametrize("mode", ["mrp", "constrained"])
def test_what_a_completed_step_takes_is_taken_when_the_first_that_remains_starts(
    mode: str, anchor: str, step: int | None
):
    """Step 3 queues for 1 h and runs for 1, due on Monday of week 2 at 1:00.

    The order starts on Sunday at 23:00. Step 3 starts at 0:00 on Monday, and B of step
    1, the first, leaves stock then, in week 2.
    """
    snapshot = factories.snapshot(
        routings=[{}],
        steps=[{"step": 1}, {"step": 3, "queue_minutes": 60, "fixed_minutes": 60}],
        bom_lines=[{"step": step, "anchor": anchor}],
        supply_orders=[
            {
                "supply_order": "O1",
                "kind": "work",
                "source": "R",
                "due": day(7) + dt.timedelta(hours=1),
            }
        ],
        supply_order_steps=[{"step": 1, "status": "completed"}],
        stock=[{"product": "B"}],
    )
    found = made(snapshot, mode)
    assert [str(one) for one in verify(found, snapshot)] == []
    assert hours(found) == [(3, 168, 169)]
    used = found.positions.filter(product="B")
    assert used.filter(pl.col("gross") > 0)["bucket"].to_list() == [day(7)]


# --- firmed orders in work ----------------------------------------------------------
DONE = [{"step": 1, "status": "completed", "qty_done": 10}]
BEGUN: dict[str, tuple[list[Row], list[tuple[int, float, float]]]] = {
    # A machine each; Z holds the first until 24 and the second from 24 to 48.
    "nothing is done": ([], [(1, 24, 48), (2, 48, 72)]),
    "the first step is completed": (DONE, [(2, 48, 72)]),
    "5 of 10 are through the first step": (
        [{"qty_done": 5}],
        [(1, 24, 36), (2, 48, 72)],
    ),
    "an hour of the first step is left": (
        [{"status": "in_process", "remaining_minutes": 60}],
        [(1, 24, 25), (2, 48, 72)],
    ),
    "5 of 10 are through the second step": (
        [*DONE, {"step": 2, "status": "in_process", "qty_done": 5}],
        [(2, 48, 60)],
    ),
    "both steps are completed": ([*DONE, {"step": 2, "status": "completed"}], []),
}


def firmed(steps: list[Row], **tables: list[Row]) -> Snapshot:
    """O1 of 10 A is firmed and due at 48: 24 h on M, then 24 h on N, none of it done.

    Z1 is released: M from 0 to 24, then N from 24 to 48.
    """
    run = {"run_minutes_per_unit": 144}
    released = {"product": "Z", "source": "Q", "start": day(0)}
    given: dict[str, list[Row]] = {
        "routings": [{"valid_to": day(-1)}, {"routing": "Q", "product": "Z"}],
        "resources": [{"resource": "M"}, {"resource": "N"}],
        "steps": [
            {"routing": routing, "step": step, **run}
            for routing in ("R", "Q")
            for step in (1, 2)
        ],
        "step_resources": [
            {"routing": routing, "step": step, "resource": resource}
            for routing in ("R", "Q")
            for step, resource in ((1, "M"), (2, "N"))
        ],
        "supply_orders": [
            {"kind": "work", "source": "R", "due": day(2), "status": "firmed"},
            {"supply_order": "Z1", "kind": "work", "due": day(2), **released},
        ],
        "demands": [{"due": day(4)}],
    }
    return factories.snapshot(supply_order_steps=steps, **{**given, **tables})


@pytest.mark.req("MRP-20", "CAP-05")
@pytest.mark.parametrize("mode", ["constrained", "optimize"])
@pytest.mark.parametrize("case", BEGUN)
def test_what_is_done_of_a_firmed_order_is_not_done_again(case: str, mode: str):
    steps, expected = BEGUN[case]
    snapshot = firmed(steps)
    found = made(snapshot, mode)
    assert hours(found) == expected
    assert [str(one) for one in verify(found, snapshot)] == []


@pytest.mark.req("CAP-05")
def test_work_that_has_begun_stays_on_its_resource():
    """P could do the first step from 0 on; it is begun on M, which is free at 24."""
    needs = [
        {"routing": "R", "step": 1, "resource": "P", "choice": "any", "preference": 1},
        {"routing": "R", "step": 1, "resource": "M", "choice": "any", "preference": 2},
        {"routing": "R", "step": 2, "resource": "N"},
        {"routing": "Q", "step": 1, "resource": "M"},
        {"routing": "Q", "step": 2, "resource": "N"},
    ]
    resources = [{"resource": name} for name in ("M", "N", "P")]
    tables = {"step_resources": needs, "resources": resources}
    assigned = {"resource": "M", "start": day(-1), "finish": day(0)}
    begun = firmed([{**assigned, "qty_done": 5}], **tables)
    assert hours(made(begun)) == [(1, 24, 36), (2, 48, 72)]
    planned = firmed([{**assigned, "status": "firmed"}], **tables)
    assert hours(made(planned)) == [(1, 0, 24), (2, 48, 72)]


@pytest.mark.req("CAP-05")
@pytest.mark.parametrize("case", list(BEGUN)[1:])
def test_the_check_finds_work_of_an_order_that_is_done_already(case: str):
    """The plan of the order as if nothing of it were done."""
    found = made(firmed([]))
    told = [str(one) for one in verify(found, firmed(BEGUN[case][0]))]
    assert any("VER027" in one and "Supply O1" in one for one in told)


@pytest.mark.req("CAP-05")
@pytest.mark.parametrize("locked", [True, False])
def test_an_order_with_a_locked_step_keeps_its_dates(locked: bool):
    """Z1 holds N when O1 is dated: O1 moves behind it unless its step is locked."""
    step = {"step": 2, "status": "firmed", "resource": "N", "locked": locked}
    snapshot = firmed([*DONE, {**step, "start": day(1), "finish": day(2)}])
    found = made(snapshot)
    assert hours(found) == ([(2, 24, 48)] if locked else [(2, 48, 72)])
    assert found.operations.filter(supply="O1")["locked"].to_list() == [locked]
    assert [str(one) for one in verify(found, snapshot)] == []


@pytest.mark.req("CAP-12")
@pytest.mark.parametrize("locked", [True, False])
@pytest.mark.parametrize("pooled", [True, False])
def test_the_check_finds_a_locked_step_on_another_resource(locked: bool, pooled: bool):
    """Step 2 of O1 on day 1 is assigned to N; N2 could do it in the same hours."""
    step = {"step": 2, "status": "firmed", "resource": "N", "locked": locked}
    may = [{"resource": "ANY"}] if pooled else [{"resource": "N"}, {"resource": "N2"}]
    snapshot = firmed(
        [*DONE, {**step, "start": day(1), "finish": day(2)}],
        resources=[
            {"resource": "M"},
            *({"resource": one, "pool": "ANY"} for one in ("N", "N2")),
        ],
        step_resources=[{}, *({"step": 2, "choice": "one", **row} for row in may)],
        supply_orders=[
            {"kind": "work", "source": "R", "due": day(2), "status": "firmed"}
        ],
    )
    found = made(snapshot)
    assert verify(found, snapshot) == []
    elsewhere = pl.when(supply="O1").then(pl.lit("N2")).otherwise("resource")
    moved = found.replace(operations=found.operations.with_columns(resource=elsewhere))
    told = [str(one) for one in verify(moved, snapshot)]
    fault = "Order O1: resource of step 2 is N2, it should be N."
    assert any(fault in one for one in told) is locked


# --- what completed steps gave ------------------------------------------------------
@pytest.mark.req("MRP-18")
@pytest.mark.parametrize("status", ["firmed", "released", "in_process"])
@pytest.mark.parametrize("anchor", ["start", "end"])
@pytest.mark.parametrize("offset", [0, 120, -120])
@pytest.mark.parametrize("completed", [[1], [1, 2]], ids=str)
def test_a_co_product_of_a_completed_step_comes_with_the_rest_of_its_order(
    status: str, anchor: str, offset: int, completed: list[int]
):
    """B falls out of step 1, which is completed; steps of a day begin on day 1.

    The rest of O1, and none of it is booked, is in stock when O1 is due: on day 5.
    Plans, promises and the check count B from then on.
    """
    snapshot = factories.snapshot(
        products=[{"product": "A"}, {"product": "B"}],
        demands=[{"product": "B", "qty": 3, "due": day(0.5)}],
        supply_orders=[
            {"kind": "work", "source": "R", "start": day(1), "due": day(5)}
            | {"status": status}
        ],
        supply_order_steps=[{"step": n, "status": "completed"} for n in completed],
        routings=[{"valid_to": day(-1)}],
        steps=[{"step": n, "fixed_minutes": 1440} for n in (1, 2, 3)],
        routing_outputs=[
            {"product": "A", "step": 3},
            {"product": "B", "role": "co", "step": 1, "line": 2}
            | {"anchor": anchor, "offset_minutes": offset},
        ],
    )
    found = made(snapshot)
    assert [str(one) for one in verify(found, snapshot)] == []
    assert deliveries(found) == [(3, 5)]
    receipts = Providers(snapshot).existing_orders.receipts
    assert {one.instant for one in receipts} == {to_seconds(day(5))}


def broken_machine(status: str, steps: list[Row]) -> Snapshot:
    """O1 of 10 A and 10 B, due on day 6; its machine is down until day 10."""
    return factories.snapshot(
        products=[{"product": "A"}, {"product": "B"}],
        demands=[
            {"product": "B", "qty": 3, "due": day(3)},
            {"demand": "D2", "product": "A", "qty": 3, "due": day(7)},
        ],
        supply_orders=[
            {"kind": "work", "source": "R", "start": day(1), "due": day(6)}
            | {"status": status, "qty": 10}
        ],
        supply_order_steps=steps,
        routings=[{"valid_to": day(-1)}],
        steps=[{"fixed_minutes": 1440}],
        routing_outputs=[{"product": "A"}, {"product": "B", "role": "co", "line": 2}],
        resources=[{"resource": "M"}],
        step_resources=[{"resource": "M"}],
        resource_units=[
            {"resource": "M", "units": 0, "valid_from": day(0), "valid_to": day(10)}
        ],
    )


@pytest.mark.req("WO-11")
@pytest.mark.parametrize("steps", [[], [{"step": 1, "status": "in_process"}]])
def test_what_an_order_makes_besides_comes_when_it_moves(steps: list[Row]):
    """O1 is through on day 11, and so is B; that came by as many days later as O1."""
    snapshot = broken_machine("firmed", steps)
    found = made(snapshot)
    assert [str(one) for one in verify(found, snapshot)] == []
    assert deliveries(found) == [(3, 11)]
    assert deliveries(found, "D2") == [(3, 11)]


@pytest.mark.req("WO-11")
@pytest.mark.parametrize("status", ["released", "in_process"])
def test_what_is_made_besides_by_work_that_stays_comes_with_its_step(status: str):
    """O1 stays, and B comes when its machine works again.

    The check counted B from the day on which O1 is due, and refused the plan (VER085).
    """
    snapshot = broken_machine(status, [])
    found = made(snapshot)
    assert [str(one) for one in verify(found, snapshot)] == []
    assert deliveries(found) == [(3, 11)]
