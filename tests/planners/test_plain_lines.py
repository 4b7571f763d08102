"""A large file in numbers: its answers are those of one request after the other."""

from __future__ import annotations

import datetime as dt
import random
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from benchmarks.instances import START
from benchmarks.promise_case import promise_case
from benchmarks.promising import read
from medhavi.planners.kernels.compiled import compiled_supply, interpreted_supply
from medhavi.planners.promising.bulk import in_numbers
from medhavi.planners.promising.bulk.plain_lines import PlainLines
from medhavi.planners.promising.integer_model.flat_supply import FlatSupply
from medhavi.planners.promising.integer_model.lane_rows import LaneRows
from medhavi.providers.finite_capacity.resource_ledger import Block
from medhavi.snapshot import Snapshot
from tests.api import Book, quote, quote_all, read_requests
from tests.planners.test_flat_walk import machine

if TYPE_CHECKING:
    from collections.abc import Iterable

    from medhavi.results.promises.promise import Promise
    from tests.api import Request

    Rows = list[dict[str, Any]]

PLANTS = ("P1", "P2")
GOODS = ("G1", "G2", "G3")
TOWNS = ("T1", "T2", "T3")
BOM = {
    "G1": ("A1", "R3"),
    "G2": ("A2", "R1"),
    "G3": ("R2", "A1"),
    "A1": ("R1", "R2"),
    "A2": ("R2", "R3"),
}
"""What goes into goods; seldom is anything needed twice."""


def _day(number: float) -> dt.datetime:
    return START + dt.timedelta(days=number)


def company(seed: int) -> Snapshot:
    """Make two plants that sell three goods over hubs with small vehicles."""
    rng = random.Random(seed)
    tables: dict[str, Rows] = {
        "settings": [{"as_of": START, "horizon_days": 60.0}],
        "locations": [
            *[{"location": plant} for plant in PLANTS],
            *[{"location": hub, "kind": "hub"} for hub in ("H1", "H2")],
            *[{"location": town, "kind": "customer"} for town in TOWNS],
        ],
        "promise_policies": [
            {
                "policy": "default",
                "supplier_fallback": "accept_with_risk",
                "plan_late_days": rng.choice([None, 20.0]),
                "buffers": rng.random() < 0.3,
                "ask_supplier": rng.choice(["on_shortfall", "always"]),
            }
        ],
        "calendars": [{"calendar": "DAY"}],
        "shifts": [
            {
                "calendar": "DAY",
                "weekday": weekday,
                "start": dt.time(6),
                "finish": dt.time(22),
            }
            for weekday in range(1, 6)
        ],
        "suppliers": [{"supplier": "S1"}, {"supplier": "S2"}],
        "products": _products(rng),
        "resources": [
            {
                "resource": f"M{plant}{number}",
                "location": plant,
                "calendar": "DAY",
                "cost_per_hour": float(rng.randrange(40)),
            }
            for plant in PLANTS
            for number in range(4)
        ],
    }
    for name in ("routings", "steps", "step_resources", "bom_lines"):
        tables[name] = []
    for product in (*GOODS, "A1", "A2"):
        _made(tables, rng, product)
    _bought(tables, rng)
    _lanes(tables, rng)
    return Snapshot.from_frames(tables)


def _products(rng: random.Random) -> Rows:
    return [
        {
            "product": product,
            "weight_kg": rng.choice([0.5, 1.0, 2.5]),
            "volume_m3": rng.choice([0.0, 0.002]),
            "unit_cost": float(rng.randrange(30)),
            "co2_kg": float(rng.randrange(4)),
        }
        for product in (*GOODS, "A1", "A2", "R1", "R2", "R3")
    ]


def _made(tables: dict[str, Rows], rng: random.Random, product: str) -> None:
    parts = BOM[product][: rng.randrange(1, 3)]
    for plant in PLANTS:
        routing = f"{product}@{plant}"
        lot = {"min_lot": 40.0} if rng.random() < 0.2 else {}
        tables["routings"].append(
            {"routing": routing, "product": product, "location": plant, **lot}
        )
        tables["bom_lines"] += [
            {
                "routing": routing,
                "line": line,
                "component": part,
                "qty_per": float(rng.randrange(1, 3)),
            }
            for line, part in enumerate(parts, 1)
        ]
        for step in (1, 2):
            tables["steps"].append(
                {
                    "routing": routing,
                    "step": step,
                    "sequence": step,
                    "setup_minutes": float(rng.randrange(30)),
                    "run_minutes_per_unit": float(rng.randrange(1, 12)),
                    "splittable": rng.random() < 0.7,
                }
            )
            tables["step_resources"] += [
                {
                    "routing": routing,
                    "step": step,
                    "resource": f"M{plant}{machine}",
                    "choice": "one",
                    "preference": rank,
                }
                for rank, machine in enumerate(rng.sample(range(4), 2), 1)
            ]


def _bought(tables: dict[str, Rows], rng: random.Random) -> None:
    raws = ("R1", "R2", "R3")
    tables["supply_terms"] = [
        {
            "supplier": rng.choice(["S1", "S2"]),
            "product": raw,
            "location": "*",
            "lead_time_days": float(rng.randrange(1, 12)),
            "unit_price": float(rng.randrange(1, 9)),
            "moq": rng.choice([0.0, 25.0]),
        }
        for raw in raws
    ]
    tables["price_tiers"] = [
        {
            "supplier": row["supplier"],
            "product": row["product"],
            "location": "*",
            "min_qty": 60.0,
            "unit_price": row["unit_price"] / 2,
        }
        for row in tables["supply_terms"]
        if rng.random() < 0.5
    ]
    tables["stock"] = [
        {"product": product, "location": plant, "qty": float(rng.randrange(10, 200))}
        for product in ("A1", "A2", *raws)
        for plant in PLANTS
        if rng.random() < 0.5
    ]
    if rng.random() < 0.4:
        tables["stock"].append({"product": "G3", "location": "P1", "qty": 30.0})
    if rng.random() < 0.4:
        tables["supply_orders"] = [
            {
                "supply_order": "PO1",
                "kind": "purchase",
                "product": "R1",
                "location": "P1",
                "qty": 90.0,
                "due": _day(9),
                "status": "released",
            }
        ]
    tables["inventory_policies"] = [
        {
            "product": "A1",
            "location": "P1",
            "holding_rate": 0.3,
            "safety_stock": rng.choice([0.0, 15.0]),
        }
    ]


def _lanes(tables: dict[str, Rows], rng: random.Random) -> None:
    ends = [(plant, hub) for plant in PLANTS for hub in ("H1", "H2")]
    ends += [(hub, town) for hub in ("H1", "H2") for town in TOWNS]
    tables["lanes"] = [
        {
            "lane": f"{origin}-{end}",
            "origin": origin,
            "destination": end,
            "duration_h": float(rng.randrange(4, 30)),
            "capacity_kg": rng.choice([40.0, 120.0, None]),
            "capacity_m3": rng.choice([None, 0.2]),
            "cutoff_h": float(rng.randrange(4)),
            "cost_per_kg": rng.random(),
            "fixed_cost": float(rng.randrange(20)),
            "co2_kg_per_tonne": float(rng.randrange(90)),
        }
        for origin, end in ends
    ]
    tables["departures"] = [
        {"lane": row["lane"], "weekday": weekday, "time": dt.time(17)}
        for row in tables["lanes"]
        for weekday in rng.sample(range(1, 6), 3)
    ]


def lines(seed: int, count: int) -> Rows:
    """Draw lines of orders, some of which must come together."""
    rng = random.Random(seed)
    return [
        {
            "product": rng.choice(GOODS),
            "location": rng.choice(TOWNS),
            "qty": float(rng.randrange(1, 60)),
            "due": _day(rng.randrange(1, 30)),
            "priority": rng.randrange(1, 4),
            "sales_order": f"SO{place // 2}",
            "line": place % 2 + 1,
            "price": float(rng.randrange(100)),
            "late_cost_per_day": rng.choice([None, 2.0]),
            "full_line": rng.random() < 0.2,
            "min_shipment": rng.choice([0.0, 0.0, 8.0]),
            "max_lateness_days": rng.choice([None, None, 5.0]),
            "order_policy": "all_together" if place // 2 % 5 == 0 else "independent",
        }
        for place in range(count)
    ]


def held(book: Book) -> tuple[object, ...]:
    """Give all that a book holds, to compare two of them."""
    stages = book.stages
    told = [
        (
            demand,
            [one._replace(shifts=(), bought=()) for one in undos],
            [(bought[0].source, *bought[1:]) for one in undos for bought in one.bought],
            [shift[1:] for one in undos for shift in one.shifts],
        )
        for demand, undos in book.accepted.items()
    ]
    machines = stages.capacity.occupancy.state()
    return told, machines, stages.transport.loads.state()


def compared(
    snapshot: Snapshot, asked: tuple[Request, ...], patch: pytest.MonkeyPatch
) -> tuple[int, int]:
    """Answer a file both ways; count the lines that were plain, and the others."""
    alone, many = Book.from_snapshot(snapshot), Book.from_snapshot(snapshot)
    patch.setattr(in_numbers, "MANY", len(asked) + 1)
    told = quote_all(alone, asked, detail="date")
    found: list[Promise | None] = []
    answer = PlainLines.answer

    def counted(*given: Any) -> Promise | None:
        found.append(answer(*given))
        return found[-1]

    with patch.context() as inner:
        inner.setattr(in_numbers, "MANY", 1)
        inner.setattr(PlainLines, "answer", counted)
        assert quote_all(many, asked, detail="date") == told
    assert held(many) == held(alone)
    # What comes next finds the same book.
    for one in [anew(one, len(asked)) for one in asked[:3]]:
        after = quote(alone, one, detail="date")
        assert quote(many, one, detail="date") == after
    plain = sum(one is not None for one in found)
    return plain, len(found) - plain


def anew(request: Request, many: int) -> Request:
    """Give a line once more, as another one."""
    place = request.position + many
    return replace(request, demand=f"{request.demand}-again", position=place)


def all_compared(
    seeds: Iterable[int], count: int, patch: pytest.MonkeyPatch
) -> tuple[int, int]:
    """Count the plain lines of companies, and the others."""
    plain = others = 0
    for seed in seeds:
        snapshot = company(seed)
        asked = read_requests(lines(seed, count), snapshot).requests
        found = compared(snapshot, asked, patch)
        plain, others = plain + found[0], others + found[1]
    return plain, others


@pytest.mark.req("ATP-22")
def test_a_large_file_is_answered_as_one_request_after_the_other(monkeypatch):
    pytest.importorskip("numba")
    monkeypatch.setattr(in_numbers, "compiled_supply", interpreted_supply)
    plain, others = all_compared(range(6), 24, monkeypatch)
    assert plain > others > 0


@pytest.mark.nightly
def test_large_files_of_many_companies_are_answered_as_one_by_one(monkeypatch):
    pytest.importorskip("numba")
    plain, others = all_compared(range(100, 260), 80, monkeypatch)
    assert plain > others > 0


@pytest.mark.req("ATP-22")
def test_both_forms_of_the_kernels_answer_lines_of_a_plant_that_fills_up(monkeypatch):
    pytest.importorskip("numba")
    snapshot = promise_case(uncertain=False)
    asked = read(Book.from_snapshot(snapshot), 24)
    for kernels in (interpreted_supply, compiled_supply):
        monkeypatch.setattr(in_numbers, "compiled_supply", kernels)
        assert compared(snapshot, asked, monkeypatch) == (len(asked), 0)


@pytest.mark.req("ATP-22")
def test_sources_are_looked_up_before_kernels_ask_where_nothing_lies(monkeypatch):
    pytest.importorskip("numba")
    monkeypatch.setattr(in_numbers, "compiled_supply", interpreted_supply)
    asked: list[int] = []
    answered: list[Promise | None] = []
    look_up, answer = FlatSupply.look_up, PlainLines.answer

    def looked(flat: FlatSupply, number: int) -> None:
        asked.append(number)
        look_up(flat, number)

    def told(*given: Any) -> Promise | None:
        answered.append(answer(*given))
        return answered[-1]

    monkeypatch.setattr(FlatSupply, "look_up", looked)
    monkeypatch.setattr(PlainLines, "answer", told)
    monkeypatch.setattr(in_numbers, "MANY", 1)
    bare = company(5).replace(stock=[], supply_orders=[])
    file = read_requests(lines(5, 12), bare).requests
    quote_all(Book.from_snapshot(bare), file, detail="date")
    assert any(answered)
    assert not asked


@pytest.mark.req("CORE-06")
def test_what_fails_in_numbers_is_searched_line_by_line(monkeypatch):
    pytest.importorskip("numba")
    snapshot = company(0)
    asked = read_requests(lines(0, 6), snapshot).requests
    monkeypatch.setattr(in_numbers, "compiled_supply", interpreted_supply)

    def broken(*_: object) -> None:
        message = "no timetable"
        raise RuntimeError(message)

    monkeypatch.setattr(LaneRows, "ways", broken)
    plain, others = compared(snapshot, asked, monkeypatch)
    assert (plain, others >= len(asked)) == (0, True)


def blocks(most: int) -> st.SearchStrategy[list[Block]]:
    span = st.tuples(st.integers(0, 90), st.integers(1, 20), st.integers(1, 3))
    return st.lists(
        span.map(lambda one: Block(one[0], one[0] + one[1], one[2], "O")), max_size=most
    )


@pytest.mark.req("RES-01")
@given(blocks(6), blocks(30))
def test_many_blocks_are_held_at_once_as_one_by_one(first, later):
    one, other = machine(), machine()
    for block in first:
        one.add(block)
        other.add(block)
    for block in later:
        one.add(block)
    other.add_all(later)
    assert (other.times, other.used, other.blocks) == (one.times, one.used, one.blocks)
