"""What is mirrored, by whomever, is in the next answer of an open desk (CORE-14)."""

from __future__ import annotations

import datetime as dt
from typing import Any

import pytest

from tests.api import SqliteStore, Workbench
from tests.lakehouse.lake_events import day, event

MAKING: list[tuple[str, dict[str, Any]]] = [
    ("LocationDefined", {"location": "DC"}),
    ("LocationDefined", {"location": "C", "kind": "customer"}),
    ("ProductDefined", {"product": "A", "unit_cost": 2.0}),
    ("ProductDefined", {"product": "B"}),
    ("CalendarDefined", {"calendar": "K"}),
    *(
        (
            "ShiftDefined",
            {
                "calendar": "K",
                "weekday": number,
                "start": dt.time(0),
                "finish": dt.time(0),
            },
        )
        for number in range(1, 8)
    ),
    ("ResourceDefined", {"resource": "M", "location": "DC", "calendar": "K"}),
    ("RoutingDefined", {"routing": "R", "product": "A", "location": "DC"}),
    (
        "StepDefined",
        {"routing": "R", "step": 1, "sequence": 1, "run_minutes_per_unit": 60.0},
    ),
    ("StepResourceDefined", {"routing": "R", "step": 1, "resource": "M"}),
    (
        "BomLineDefined",
        {"routing": "R", "line": 1, "component": "B", "qty_per": 1.0},
    ),
    ("StockCounted", {"product": "B", "location": "DC", "qty": 100.0}),
    (
        "LaneDefined",
        {"lane": "T", "origin": "DC", "destination": "C", "duration_h": 24.0},
    ),
]
WANTED = {
    "sales_order": "SO-7",
    "line": 1,
    "product": "A",
    "location": "C",
    "qty": 10,
    "due": "2026-02-01T00:00:00Z",
}
CHANGES: dict[str, tuple[str, dict[str, Any]]] = {
    "calendar": (
        "CalendarExceptionDefined",
        {"calendar": "K", "start": day(0), "finish": day(3), "capacity": 0.0},
    ),
    "leg": (
        "LaneChanged",
        {"lane": "T", "origin": "DC", "destination": "C", "duration_h": 48.0},
    ),
    "blackout": (
        "LaneBlackoutDefined",
        {"lane": "T", "valid_from": day(0), "valid_to": day(9)},
    ),
    "allocation": (
        "SupplyOrderPlaced",
        {
            "supply_order": "W",
            "kind": "work",
            "product": "A",
            "location": "DC",
            "source": "R",
            "qty": 20.0,
            "due": day(1),
            "status": "firmed",
        },
    ),
    "safety policy": (
        "InventoryPolicyDefined",
        {"product": "B", "location": "DC", "safety_qty": 95.0},
    ),
    "reservation": (
        "ReservationCreated",
        {
            "reservation": "X",
            "key": "X",
            "kind": "capacity",
            "subject": "M",
            "qty": 7200.0,
            "start": day(0),
            "finish": day(5),
        },
    ),
}


def told(folder) -> SqliteStore:
    store = SqliteStore(folder / "events.db")
    store.append_many(
        event(number, kind, **fields) for number, (kind, fields) in enumerate(MAKING)
    )
    return store


def bench_of(folder) -> Workbench:
    return Workbench(folder / "lake", f"sqlite:///{folder}/events.db")


def answer(bench: Workbench) -> tuple[object, ...]:
    (promise,) = bench.promise([WANTED])
    return promise.status, promise.date, promise.qty


@pytest.mark.req("CORE-14", "CAP-16", "TRN-12", "ATP-25")
@pytest.mark.parametrize("what", sorted(CHANGES))
def test_the_next_answer_knows_what_somebody_else_mirrored(tmp_path, what):
    store = told(tmp_path)
    serving, other = bench_of(tmp_path), bench_of(tmp_path)
    other.mirror()
    before = answer(serving)
    assert before[0] == "promised"
    assert answer(serving) == before
    kind, fields = CHANGES[what]
    moment = day(0) + dt.timedelta(minutes=len(MAKING))
    store.append_many([event(900, kind, occurred=moment, **fields)])
    other.mirror()
    after = answer(serving)
    assert after != before
    assert after == answer(bench_of(tmp_path))


@pytest.mark.req("CORE-14")
def test_a_desk_is_kept_while_nothing_is_mirrored(tmp_path):
    told(tmp_path)
    bench = bench_of(tmp_path)
    bench.mirror()
    assert bench.desk is bench.desk
