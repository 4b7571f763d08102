"""The walk in numbers finds what the full walk finds, in both forms (DEF-03)."""

from __future__ import annotations

from dataclasses import replace
from itertools import chain
from typing import TYPE_CHECKING

import pytest
from hypothesis import given
from hypothesis import strategies as st

from benchmarks.promise_case import promise_case
from benchmarks.promising import read
from medhavi.planners.kernels.compiled import compiled_supply, interpreted_supply
from medhavi.planners.promising.bulk import in_numbers
from medhavi.planners.promising.bulk.plain_lines import PlainLines
from medhavi.planners.promising.integer_model.compact_placing import NotPlainError
from medhavi.planners.promising.integer_model.flat_supply import FlatSupply
from medhavi.planners.promising.integer_model.flat_walk import flat_walk
from medhavi.planners.promising.integer_model.machine_rows import MachineRows
from medhavi.planners.promising.options.quest import Quest
from medhavi.planners.promising.supply_search.supply_walk import Walk
from medhavi.providers.capacity.resources import ResourceClock
from medhavi.providers.finite_capacity.resource_ledger import MILLION, Block, Ledger
from medhavi.snapshot.calendars.working_time import ALWAYS_OPEN
from medhavi.units import ALWAYS, NEVER
from tests.api import Book, quote, quote_all
from tests.planners.test_compact_walk import small_companies, towns, walked

if TYPE_CHECKING:
    from types import SimpleNamespace

    from tests.api import Request


def compared(book: Book, wanted: Request, kernels: SimpleNamespace) -> int:
    """Walk every way in numbers and in full; count those that are plain."""
    plain = 0
    quest = Quest(book, wanted, book.policies.of(wanted))
    stages = book.stages
    if stages.flat is None:
        stages.flat = FlatSupply(stages, book.now, kernels)
    search = quest.search_for(wanted.product)
    level = book.times.at(0.8) if book.times.anything else None
    for buy, hasty in (("rest", False), ("missing", True), ("never", False)):
        terms = replace(quest.terms(buy, hasty=hasty), asked=wanted.product)
        ways = list(search.ways(terms))
        stages.leads = level
        for way in ways:
            flat = flat_walk(stages, terms, None)
            if flat is None:
                continue
            try:
                found = walked(book, way, flat)
            except NotPlainError:
                continue
            plain += 1
            assert found == walked(book, way, Walk(stages, terms)), way.option
        stages.leads = None
    return plain


@pytest.mark.req("DEF-03")
def test_the_walk_in_numbers_finds_what_the_full_walk_finds():
    kernels = interpreted_supply()
    few = chain(small_companies(range(700, 730)), towns(range(16)))
    assert sum(compared(*one, kernels) for one in few) > 20


@pytest.mark.nightly
def test_the_walk_in_numbers_finds_what_the_full_walk_finds_in_many_companies():
    kernels = interpreted_supply()
    many = chain(small_companies(range(3000, 4500)), towns(range(100, 400)))
    assert sum(compared(*one, kernels) for one in many) > 1000


@pytest.mark.req("DEF-03")
def test_both_forms_of_the_kernels_answer_a_plant_that_fills_up(monkeypatch):
    pytest.importorskip("numba")
    snapshot = promise_case(uncertain=False)
    full = Book.from_snapshot(snapshot)
    wanted = read(full, 24)
    told = quote_all(full, wanted, detail="date")
    asked, bulk = [], full

    def counted(*given):
        asked.append(flat_walk(*given))
        return asked[-1]

    monkeypatch.setattr(in_numbers, "MANY", 1)
    # As if no line were plain: each is walked by itself.
    monkeypatch.setattr(PlainLines, "answer", lambda *_: None)
    monkeypatch.setattr(
        "medhavi.planners.promising.integer_model.plain_walks.flat_walk", counted
    )
    for kernels in (interpreted_supply, compiled_supply):
        bulk = Book.from_snapshot(snapshot)
        monkeypatch.setattr(in_numbers, "compiled_supply", kernels)
        assert quote_all(bulk, wanted, detail="date") == told
        assert bulk.stages.flat is None
    assert sum(one is not None and one.found for one in asked) > 80
    assert quote(bulk, wanted[0], detail="date") == quote(
        full, wanted[0], detail="date"
    )


def spans() -> st.SearchStrategy[list[tuple[int, int]]]:
    whole = st.tuples(st.integers(0, 60), st.integers(1, 20))
    return st.lists(whole.map(lambda one: (one[0], one[0] + one[1])), max_size=24)


def free(ledger: Ledger) -> list[tuple[int, int]]:
    """Give the stretches of a ledger that nobody uses."""
    ends = [*ledger.times[1:], NEVER]
    found = zip(ledger.times, ledger.used, ends, strict=True)
    return [(start, end) for start, used, end in found if not used]


def machine() -> Ledger:
    """Give the ledger of a machine of one unit that is always open."""
    clock = ResourceClock(
        resource="M",
        location="P",
        finite=True,
        bucket=None,
        cost_per_hour=0.0,
        working=ALWAYS_OPEN,
        levels=((ALWAYS, NEVER, 1.0),),
        paces=(),
    )
    return Ledger(clock)


@pytest.mark.req("RES-01")
@given(spans(), st.data())
def test_rows_follow_all_that_is_held_and_given_back(held, data):
    ledger = machine()
    rows = MachineRows(interpreted_supply())
    number = rows.row_of(ledger)
    blocks = []
    for start, finish in held:
        if blocks and data.draw(st.booleans()):
            ledger.remove(blocks.pop(data.draw(st.integers(0, len(blocks) - 1))))
        block = Block(start, finish, MILLION, f"O{len(blocks)}")
        ledger.add(block)
        blocks.append(block)
        room = rows.room
        width = len(room.start) // len(room.held)
        known = slice(number * width, number * width + room.held[number])
        rowed = zip(room.start[known].tolist(), room.end[known].tolist(), strict=True)
        assert list(rowed) == free(ledger)
