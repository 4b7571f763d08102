"""Small plants for the search: tables of a workshop, and bare numbers of one."""

from __future__ import annotations

import datetime as dt
from typing import TYPE_CHECKING, Any

import numpy as np

from medhavi.planners.constrained.search.plant.options import Option, machines_together
from medhavi.planners.kernels.compiled import Engine
from medhavi.planners.kernels.plant_kernels import search_kernels
from medhavi.planners.kernels.plant_kernels.lot_streaming import MoveSettings
from medhavi.planners.kernels.plant_kernels.plant_record import FAR, Plant
from tests.factories import AS_OF

if TYPE_CHECKING:
    from collections.abc import Sequence

DAY = 86400
ENGINE = Engine(kernels=search_kernels.interpreted(), lists=True)
OPTION = {
    "machine": -1,
    "fixed": 0,
    "rate": 0,
    "dear_order": 0,
    "dear_step": 0,
    "scale": 1,
    "calendar": -1,
    "whole": 0,
    "family": -1,
    "bucket": -1,
}
ITEM = OPTION | {
    "ranked": 1,
    "grain": 1,
    "least": 1,
    "most": 0,
    "y_each": 1,
    "y_more": 0,
    "y_over": 1,
    "floor": 0,
    "post": 0,
    "soft": 0,
    "lead": -1,
    "life": FAR,
    "carries": 0,
    "mortal": 0,
    "cover": 0,
    "apart": 0,
    "each_order": 0,
    "each_step": 0,
    "each_day": 0,
    "stock": 0,
}


def plant(
    items: list[dict[str, Any]],
    demands: list[tuple[int, int, int, int]],
    units: list[int] | None = None,
) -> Plant:
    """Make a plant.

    Parameters
    ----------
    items
        What differs from `ITEM`; `below` lists (item, quantity), `receipts` (quantity,
        instant), `options` what differs from `OPTION` where there are several,
        `sources` the items whose orders serve it, `beside` the machines that an option
        needs as well. Consumers first.
    demands
        (item, quantity, due [s], weight).
    units
        Of each machine; None: one.
    """
    rows = [{**ITEM, **item} for item in items]
    supplies = [
        (item, qty, ready)
        for item, row in enumerate(rows)
        for qty, ready in [(row["stock"], 0), *row.get("receipts", ())]
        if qty
    ]
    stands = np.array(supplies, np.int64).reshape(-1, 3).T
    counts = np.bincount(stands[0], minlength=len(rows))
    ways = [row.get("options", [row]) for row in rows]
    options = [{**OPTION, **way} for several in ways for way in several]
    below = [row.get("below", []) for row in rows]
    sources = [row.get("sources", [item]) for item, row in enumerate(rows)]
    named = [one for way in options for one in (way["machine"], *way.get("beside", ()))]
    there = units or [1] * (1 + max(named))
    asked = np.arange(len(rows))
    for item in range(len(rows) - 1, -1, -1):
        asked[sources[item]] = item
    return Plant(
        order=np.arange(len(rows)),
        a_start=np.cumsum([0, *map(len, sources)]),
        a_item=np.array([source for several in sources for source in several]),
        a_ready=np.array(
            [rows[one]["floor"] for several in sources for one in several]
        ),
        **{
            name: np.array([row[name] for row in rows], np.int64)
            for name in ITEM
            if name != "stock" and name not in OPTION
        },
        lot_start=np.cumsum([0, *(len(row.get("lots", ())) for row in rows)]),
        lot_at=np.array([at for row in rows for at in row.get("lots", ())], np.int64),
        x_start=np.cumsum([0, *(len(several) for several in ways)]),
        **{
            name: np.array([option[name] for option in options], np.int64)
            for name in OPTION
        },
        unit=np.full(len(options), -1),
        **machines_together(
            [
                Option(machine=one["machine"], beside=tuple(one.get("beside", ())))
                for one in options
            ],
            len(there),
        ),
        s_start=np.cumsum([0, *counts]),
        s_item=stands[0],
        s_qty=stands[1],
        s_ready=stands[2],
        s_until=np.full(len(supplies), FAR),
        s_for=np.full(len(supplies), -1),
        c_start=np.cumsum([0, *(len(found) for found in below)]),
        c_item=np.array([part for found in below for part, _ in found], np.int64),
        c_each=np.array([qty for found in below for _, qty in found], np.int64),
        c_more=np.zeros(sum(len(found) for found in below), np.int64),
        c_over=np.repeat([row["grain"] for row in rows], [len(one) for one in below]),
        m_lane=np.cumsum([0, *there]),
        d_item=np.array([one[0] for one in demands], np.int64),
        d_qty=np.array([one[1] for one in demands], np.int64),
        d_due=np.array([one[2] for one in demands], np.int64),
        d_weight=np.array([one[3] for one in demands], np.int64),
        d_shelf=np.zeros(len(demands), np.int64),
        d_floor=np.zeros(len(demands), np.int64),
        d_latest=np.full(len(demands), FAR),
        d_missing=np.zeros(len(demands), np.int64),
        i_level=np.full(len(rows), -1),
        asked=asked,
        base=np.array([20 * DAY], np.int64),
        worth=np.zeros(1),
        k_start=np.zeros(1, np.int64),
        k_open=np.zeros(0, np.int64),
        k_close=np.zeros(0, np.int64),
        k_before=np.zeros(0, np.int64),
        k_first=np.zeros(0, np.int64),
        k_next=np.zeros(0, np.int64),
        k_near=np.zeros(0, np.int64),
        k_days=np.zeros(1, np.int64),
        l_start=np.zeros(len(options) + 1, np.int64),
        l_each=np.zeros(0, np.int64),
        l_over=np.zeros(0, np.int64),
        l_room=np.zeros(0, np.int64),
        l_most=np.zeros(0, np.int64),
        m_change=np.full(len(there), -1),
        f_change=np.zeros(0, np.int64),
        f_size=np.zeros(1, np.int64),
        v_start=np.zeros(len(there) + 1, np.int64),
        v_begin=np.zeros(0, np.int64),
        v_end=np.zeros(0, np.int64),
        v_option=np.zeros(0, np.int64),
    )


def aims_of(
    made: Plant, engine: Engine = ENGINE, *, cuts: bool = False
) -> MoveSettings:
    """What moves go by: due dates, none late for certain; whether orders are cut."""
    least = np.zeros(len(made.d_due), np.int64)
    cut = np.zeros(3 * len(made.d_due) * cuts, np.int64)
    aims: MoveSettings = engine.of(
        MoveSettings(
            urgency=made.d_due.astype(np.float64),
            least=least,
            cut=cut,
            in_parts=np.ones_like(least),
            stock=np.array([0.5]),
        )
    )
    return aims


def workshop(
    demands: list[tuple[str, float, float, int]],
    *,
    minutes: float = 600.0,
    stock: float = 0.0,
    least: float = 2.0,
    lead: float = 3.0,
    shifts: list[dict[str, Any]] | None = None,
    after: list[dict[str, Any]] | None = None,
    units: float = 1.0,
) -> dict[str, Any]:
    """Make the tables of two products of one shared part on two machines.

    Parameters
    ----------
    demands
        (product "A" or "B", quantity, due [days], priority).
    minutes
        Time of one piece of any product.
    stock, least
        Stock and least lot of the part.
    lead
        Lead time of what the part is made of [days].
    shifts
        Of the calendar of all machines; None: always open.
    after
        Steps 2, 3, ... of "make A": cells of `steps`, and the `resource` of each.
    units
        Of M2.
    """
    more = [
        {"routing": "make A", "step": number, "sequence": number, **row}
        for number, row in enumerate(after or (), start=2)
    ]
    makes = (("A", "M1"), ("B", "M1"), ("PART", "M2"))
    return {
        "settings": [{"as_of": AS_OF, "horizon_days": 400.0}],
        "locations": [{"location": "P"}],
        "products": [{"product": name} for name in ("A", "B", "PART", "RAW")],
        "suppliers": [{"supplier": "S"}],
        "supply_terms": [
            {
                "supplier": "S",
                "product": "RAW",
                "location": "P",
                "lead_time_days": lead,
                "moq": 3.0,
            }
        ],
        "resources": [
            {
                "resource": name,
                "location": "P",
                "units": units if name == "M2" else 1.0,
                "calendar": None if shifts is None else "WEEK",
            }
            for name in ("M1", "M2")
        ],
        "calendars": [] if shifts is None else [{"calendar": "WEEK"}],
        "shifts": [{"calendar": "WEEK", **row} for row in shifts or ()],
        "routings": [
            {
                "routing": f"make {name}",
                "product": name,
                "location": "P",
                "min_lot": least if name == "PART" else 1.0,
            }
            for name, _ in makes
        ],
        "steps": [
            {
                "routing": f"make {name}",
                "step": 1,
                "sequence": 1,
                "run_minutes_per_unit": minutes,
            }
            for name, _ in makes
        ]
        + [{k: v for k, v in row.items() if k != "resource"} for row in more],
        "step_resources": [
            {"routing": f"make {name}", "step": 1, "resource": machine}
            for name, machine in makes
        ]
        + [
            {key: row[key] for key in ("routing", "step", "resource")}
            for row in more
            if row.get("resource")
        ],
        "bom_lines": [
            {"routing": "make A", "line": 1, "component": "PART", "qty_per": 1.0},
            {"routing": "make B", "line": 1, "component": "PART", "qty_per": 2.0},
            {"routing": "make PART", "line": 1, "component": "RAW", "qty_per": 1.0},
        ],
        "stock": [{"product": "PART", "location": "P", "qty": stock}] if stock else [],
        "demands": [
            {
                "demand": f"D{number}",
                "product": product,
                "location": "P",
                "qty": qty,
                "due": AS_OF + dt.timedelta(days=due),
                "priority": priority,
            }
            for number, (product, qty, due, priority) in enumerate(demands)
        ],
    }


def two_sites(
    tables: dict[str, Any],
    *,
    departures: Sequence[tuple[int, int]] = (),
    lot: tuple[float, float] | None = None,
    blackouts: Sequence[tuple[int, int]] = (),
    **lane: Any,
) -> dict[str, Any]:
    """Make the tables of a workshop whose part is made at F and moved to P.

    Parameters
    ----------
    tables
        A workshop at P.
    departures
        Weekday and hour of each.
    lot
        Least lot and multiple of moves; None: any quantity.
    blackouts
        Begin and length of each [h since now, h].
    lane
        Cells of lane "F to P".
    """
    far = {
        table: [
            {**row, "location": "F"}
            if row.get("product", row.get("resource")) in places
            else row
            for row in tables.get(table, [])
        ]
        for table, places in {
            "routings": {"PART"},
            "resources": {"M2"},
            "supply_terms": {"RAW"},
            "inventory_policies": {"RAW"},
        }.items()
    }
    orders = [
        {**row, "location": "F"} if row["product"] == "RAW" else row
        for row in tables.get("supply_orders", [])
    ]
    row = {"lane": "F to P", "origin": "F", "destination": "P", "duration_h": 5.0}
    return {
        **tables,
        **far,
        "supply_orders": orders,
        "locations": [*tables["locations"], {"location": "F"}],
        "lanes": [*tables.get("lanes", []), row | lane],
        "departures": [
            *tables.get("departures", []),
            *(
                {"lane": "F to P", "weekday": day, "time": dt.time(hour)}
                for day, hour in departures
            ),
        ],
        "lane_blackouts": [
            {
                "lane": "F to P",
                "valid_from": AS_OF + dt.timedelta(hours=begin),
                "valid_to": AS_OF + dt.timedelta(hours=begin + length),
            }
            for begin, length in blackouts
        ],
        "sourcing": []
        if lot is None
        else [
            {
                "product": "PART",
                "location": "P",
                "kind": "move",
                "source": "F to P",
                "min_lot": lot[0],
                "lot_multiple": lot[1],
            }
        ],
    }
