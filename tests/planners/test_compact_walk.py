"""The compact walk finds what the full walk finds; plain requests take it (DEF-03)."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, NamedTuple

import pytest

from benchmarks.promise_case import promise_case
from benchmarks.promising import read
from medhavi.findings import BadData
from medhavi.planners.promising.explain.one_quest import searched
from medhavi.planners.promising.integer_model.compact_placing import NotPlainError
from medhavi.planners.promising.integer_model.compact_walk import compact_walk
from medhavi.planners.promising.options.quest import Quest
from medhavi.planners.promising.supply_search.supply_walk import Walk
from medhavi.results.promises.promise import PromiseStatus
from medhavi.units import DAY
from tests.api import Book, quote, quote_all
from tests.planners.random_towns import random_town
from tests.planners.small_promises import day, quoted, request_of, tables, workshop
from tests.planners.small_towns import request, tables_of, town
from tests.planners.test_moved_chains import unsure

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

    from medhavi.planners.promising.deliveries.delivery_ways import Way
    from medhavi.planners.promising.integer_model.compact_walk import CompactWalk
    from medhavi.planners.promising.supply_search.pieces import Piece
    from tests.api import Request

FEW = range(700, 712)
MANY = range(3000, 4500)
TOWNS = range(16)


class Found(NamedTuple):
    """What a walk found, and all that an answer may say of how."""

    pieces: list[Sequence[Piece] | None]
    evaluations: int
    greedy: bool
    contended: bool
    repeats: bool
    failures: list[object]
    withheld: bool


def walked(book: Book, way: Way, walk: Walk | CompactWalk) -> Found:
    """Let a walk find the parts of a way; the ledgers are as before after it."""
    stages = book.stages
    mark, stages.withheld = stages.mark(), False
    try:
        pieces = [part.build(walk) for part in way.parts]
        return Found(
            [one and tuple(one) for one in pieces],
            walk.evaluations,
            walk.greedy,
            walk.contended,
            walk.repeats,
            list(walk.failures),
            stages.withheld,
        )
    finally:
        stages.undo(mark)


def compared(book: Book, wanted: Request) -> tuple[int, int]:
    """Walk every way both ways; count those that are plain, and all."""
    plain = every = 0
    quest = Quest(book, wanted, book.policies.of(wanted))
    stages = book.stages
    search = quest.search_for(wanted.product)
    level = book.times.at(0.8) if book.times.anything else None
    for buy, hasty in (("rest", False), ("missing", True), ("compare", False)):
        terms = replace(quest.terms(buy, hasty=hasty), asked=wanted.product)
        stages.leads = None
        ways = list(search.ways(terms))
        stages.leads = level
        for way in ways:
            every += 1
            compact = compact_walk(stages, terms)
            if compact is None:
                continue
            try:
                found = walked(book, way, compact)
            except NotPlainError:
                continue
            plain += 1
            assert found == walked(book, way, Walk(stages, terms)), way.option
        stages.leads = None
    return plain, every


def small_companies(seeds: Iterable[int]) -> Iterator[tuple[Book, Request]]:
    for seed in seeds:
        made = town(seed)
        try:
            snapshot = tables_of(made)
            snapshot = unsure(snapshot) if seed % 2 else snapshot
            snapshot.require()
        except BadData:
            continue
        yield Book.from_snapshot(snapshot), request_of(snapshot, **request(made))


def towns(seeds: Iterable[int]) -> Iterator[tuple[Book, Request]]:
    for seed in seeds:
        rows = random_town(seed)
        demands = rows.pop("demands")
        try:
            snapshot = tables(**rows)
            snapshot.require()
        except BadData:
            continue
        book = Book.from_snapshot(snapshot)
        for row in demands[:3]:
            keys = ("product", "location", "qty", "due")
            yield book, request_of(snapshot, **{key: row[key] for key in keys})


@pytest.mark.req("DEF-03")
def test_both_walks_find_the_same_in_random_companies():
    counts = [compared(*one) for one in (*small_companies(FEW), *towns(TOWNS))]
    assert sum(plain for plain, _ in counts) > 100


@pytest.mark.nightly
def test_both_walks_find_the_same_in_many_companies():
    counts = [compared(*one) for one in (*small_companies(MANY), *towns(range(900)))]
    assert sum(plain for plain, _ in counts) > 5000


@pytest.mark.req("DEF-03")
def test_both_walks_find_the_same_in_a_full_plant():
    """Deep products, shared machines, a book that fills up between the questions."""
    book = Book.from_snapshot(promise_case())
    wanted = read(book, 20)
    for one in wanted[:8]:
        plain, every = compared(book, one)
        assert plain == every > 0
    quote_all(book, wanted[8:], detail="date")
    assert all(
        plain == every for plain, every in (compared(book, w) for w in wanted[14:])
    )


def left_out(book: Book, wanted: Request) -> int:
    """Compare a brief answer with a full one; count the options it does without."""
    policy = book.policies.of(wanted)
    quests = [Quest(book, wanted, policy) for _ in range(2)]
    brief, full = (
        searched(quest, detail)
        for quest, detail in zip(quests, ("date", "full"), strict=True)
    )
    shown = {"options": (), "limiters": (), "limiter": None, "trace": ()}
    assert replace(full, **shown) == replace(brief, **shown)
    return len(quests[1].offered) - len(quests[0].offered)


@pytest.mark.req("ATP-02")
def test_a_brief_answer_is_the_chosen_option_of_a_full_one():
    """Ways that come later than the best are followed to the end only for the rest."""
    assert sum(left_out(*one) for one in towns(range(300, 312))) > 0


@pytest.mark.nightly
def test_brief_answers_are_the_chosen_options_of_full_ones_in_many_companies():
    made = (*small_companies(range(4500, 5200)), *towns(range(1000, 1300)))
    assert sum(left_out(*one) for one in made) > 0


@pytest.mark.req("ATP-02")
def test_late_brief_answers_are_the_chosen_options_of_full_ones():
    """Shared machines, two plants, and a second pass for what is late."""
    book = Book.from_snapshot(promise_case(uncertain=False))
    asked = read(book, 40)
    quote_all(book, asked[:30], detail="date")
    late = [replace(one, due=book.now + DAY) for one in asked[30:]]
    assert sum(left_out(book, one) for one in late) > 0


def full_walk_orders(*_: object) -> None:
    message = "The full walk was asked for new supply."
    raise AssertionError(message)


@pytest.mark.req("DEF-03", "ATP-04")
def test_a_plain_request_needs_no_full_walk(monkeypatch):
    monkeypatch.setattr(Walk, "new", full_walk_orders)
    made = quoted(Book.from_snapshot(workshop()), qty=8, due=day(28))
    assert made.status is PromiseStatus.PROMISED
    assert made.option == "make:R@L"


@pytest.mark.req("DEF-03")
def test_what_two_components_share_is_left_to_the_full_walk():
    """A is of B and C, both of D: one of them finds what the other left of D."""
    snapshot = workshop(
        products=[{"product": name} for name in ("A", "B", "C", "D")],
        routings=[
            {"routing": f"R{name}", "product": name, "location": "L"} for name in "ABC"
        ],
        steps=[{"routing": f"R{name}", "run_minutes_per_unit": 60} for name in "ABC"],
        step_resources=[{"routing": f"R{name}"} for name in "ABC"],
        bom_lines=[
            {"routing": "RA", "line": 1, "component": "B"},
            {"routing": "RA", "line": 2, "component": "C"},
            {"routing": "RB", "line": 1, "component": "D"},
            {"routing": "RC", "line": 1, "component": "D"},
        ],
        supply_terms=[{"product": "D", "lead_time_days": 5}],
        stock=[{"product": "D", "qty": 12}],
    )
    book = Book.from_snapshot(snapshot)
    wanted = request_of(snapshot)
    terms = Quest(book, wanted, book.policies.of(wanted)).terms("missing", hasty=True)
    walk = compact_walk(book.stages, replace(terms, asked="A"))
    assert walk is not None
    (source,) = book.stages.sources("A", "L")
    with pytest.raises(NotPlainError):
        walk.new(source, 10)
    made = quote(book, wanted)
    taken = [one for one in made.holds if (one.kind, one.subject) == ("material", "D")]
    assert sum(one.qty for one in taken) == 12
    step = book.stages.step("D")
    assert sum(one.steps * step for one in made.purchases) == 8
