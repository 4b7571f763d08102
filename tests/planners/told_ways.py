"""Ways to order of tiny companies, told as plans that the independent check reads."""

from __future__ import annotations

from collections import deque
from typing import TYPE_CHECKING, TypeVar

import polars as pl

from medhavi.results.plans.plan import Plan
from tests.factories import AS_OF
from tests.planners.mixed_sources import at

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from tests.planners.mixed_sources import Company, Placed, Way

    Row = dict[str, object]

Key = TypeVar("Key")
KINDS = {"R": "make", "WL": "move"}
TOLD = {"make": "PROD", "move": "TRANS", "buy": "SUP"}


def told(way: Way, made: Company, like: Plan) -> Plan:
    """A way as a plan of the tables of a company, with the record of another plan."""
    supplies, operations = [], []
    for one in way.orders:
        kind = KINDS.get(one.source, "buy")
        leaves = at(one.start) if kind == "move" and made.lane.weekdays else None
        supplies.append(
            {
                "id": _id(one.number),
                "kind": kind,
                "product": "A",
                "location": one.place,
                "qty": float(one.qty),
                "order_qty": float(one.qty),
                "start": at(one.start),
                "finish": at(one.finish),
                "source": one.source,
                "lane": "WL" if kind == "move" else None,
                "departure": leaves,
                "status": "planned",
                "firm": False,
                "lot_rule": "lot_for_lot",
                "cost": one.cost,
                "co2_kg": 0.0,
            }
        )
        operations += _operations(one, made)
    deliveries = [
        {"demand": f"D{demand + 1}", "qty": float(qty), "date": at(hour)}
        for (demand, hour), qty in _sums(
            ((d, hour), qty) for d, _, qty, hour in way.served
        ).items()
    ]
    tables = {
        "supplies": supplies,
        "operations": operations,
        "pegging": list(_pegs(way, made)),
        "deliveries": deliveries,
        "positions": list(_positions(way, made)),
        "loads": list(_loads(way, made)),
        **_judged(way, made),
    }
    frames = {
        name: pl.DataFrame(rows, infer_schema_length=None)
        for name, rows in tables.items()
        if rows
    }
    return Plan(tables=frames, run=like.run)


def _id(number: int) -> str:
    return f"{number:016x}"


def _sums(rows: Iterable[tuple[Key, int]]) -> dict[Key, int]:
    found: dict[Key, int] = {}
    for key, qty in rows:
        found[key] = found.get(key, 0) + qty
    return found


def _operations(one: Placed, made: Company) -> Iterator[Row]:
    setup = made.make.setup if made.make else 0
    spans: list[list[int]] = []
    for hour in one.worked:
        if spans and spans[-1][-1] == hour - 1:
            spans[-1].append(hour)
        else:
            spans.append([hour])
    for segment, span in enumerate(spans):
        part = min(setup, len(span))
        setup -= part
        yield {
            "id": f"{one.number:08x}{segment:08x}",
            "supply": _id(one.number),
            "step": 1,
            "segment": segment,
            "resource": "M",
            "units": 1.0,
            "start": at(span[0]),
            "finish": at(span[-1] + 1),
            "setup_minutes": 60.0 * part,
            "run_minutes": 60.0 * (len(span) - part),
            "locked": False,
        }


def _pegs(way: Way, made: Company) -> Iterator[Row]:
    orders = {one.number: one for one in way.orders}
    names = ["A|W|", *(_id(one.number) for one in way.orders if one.place == "W")]
    there = [(0, made.away)]
    there += [(one.finish, one.qty) for one in way.orders if one.place == "W"]
    away = deque(
        name
        for (_, qty), name in sorted(zip(there, names, strict=True))
        for _ in range(qty)
    )
    rows: list[tuple[tuple[int, str, str, int, str], int]] = []
    for demand, number, qty, _ in sorted(
        way.served, key=lambda one: orders[one[1]].start if one[1] >= 0 else -1
    ):
        name = "A|L|" if number < 0 else _id(number)
        kind = "INV" if number < 0 else TOLD[KINDS.get(orders[number].source, "buy")]
        rows.append(((demand, name, "L", 0, kind), qty))
        for _ in range(qty if kind == "TRANS" else 0):
            lot = away.popleft()
            rows.append(
                ((demand, lot, "W", 1, "INV" if lot in names[:1] else "SUP"), 1)
            )
    for number, (key, qty) in enumerate(_sums(rows).items()):
        demand, name, place, level, kind = key
        yield {
            "id": f"{number:016x}",
            "demand": f"D{demand + 1}",
            "supply": name,
            "product": "A",
            "location": place,
            "qty": float(qty),
            "level": level,
            "source": kind,
            "firm": False,
        }


def _positions(way: Way, made: Company) -> Iterator[Row]:
    for place, first in (("L", made.stock), ("W", made.away)):
        comes = [(p.finish, p.qty) for p in way.orders if p.place == place]
        goes = [(p.start, p.qty) for p in way.orders if p.source == "WL"]
        if place == "L":
            goes = [(hour, qty) for _, _, qty, hour in way.served]
        flows = [*comes, *((hour, -qty) for hour, qty in goes)]
        days = {hour // 24 for hour, _ in (*comes, *goes)} | ({0} if first else set())
        for day in sorted(days):
            inbound, gross = (
                sum(qty for hour, qty in some if hour // 24 == day)
                for some in (comes, goes)
            )
            lying = first + sum(qty for hour, qty in flows if hour // 24 <= day)
            yield {
                "product": "A",
                "location": place,
                "bucket": at(24 * day),
                "gross": float(gross),
                "net": 0.0,
                "on_hand": float(lying),
                "inbound": float(inbound),
                "reserved": 0.0,
                "safety": 0.0,
                "short": 0.0,
            }


def _loads(way: Way, made: Company) -> Iterator[Row]:
    setup: dict[int, int] = {}
    every: dict[int, int] = {}
    for one in way.orders:
        for place, hour in enumerate(one.worked):
            day = hour // 24
            every[day] = every.get(day, 0) + 1
            setup[day] = setup.get(day, 0) + (place < made.make.setup)
    for day, hours in sorted(every.items()):
        yield {
            "resource": "M",
            "bucket": at(24 * day),
            "available": 8.0,
            "run": float(hours - setup[day]),
            "setup": float(setup[day]),
            "overload": 0.0,
        }


def _judged(way: Way, made: Company) -> dict[str, list[Row]]:
    fulfilment, causes = [], []
    for number, (qty, due, late) in enumerate(made.demands):
        own = [one for one in way.served if one[0] == number]
        hours = max(one[3] for one in own) - 24 * due
        money = sum(late * n * (hour / 24 - due) for _, _, n, hour in own)
        row = {
            "demand": f"D{number + 1}",
            "due": at(24 * due),
            "qty": float(qty),
            "planned": float(qty),
            "short": 0.0,
            "lateness_h": float(hours),
            "status": "late" if hours else "on_time",
            "limiter": "LeadTime" if hours else None,
        }
        fulfilment.append(row)
        if hours:
            causes.append(
                {
                    "demand": row["demand"],
                    "code": "LeadTime",
                    "subject": "S0",
                    "valid_from": AS_OF,
                    "valid_to": row["due"],
                    "hours": float(hours),
                    "money": money,
                }
            )
    return {"fulfilment": fulfilment, "causes": causes}
