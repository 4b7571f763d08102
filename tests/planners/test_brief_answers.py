"""Brief answers are chosen options of full ones; components share what lies there."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import pytest

from benchmarks.promise_case import promise_case
from benchmarks.promising import read
from medhavi.findings import BadData
from medhavi.planners.promising.answering import searched
from medhavi.planners.promising.option_search import OptionSearch
from medhavi.units import DAY
from tests.api import PromiseLedger, quote, quote_all
from tests.planners.random_towns import random_town
from tests.planners.small_promises import request_of, tables, workshop
from tests.planners.small_towns import request, tables_of, town
from tests.planners.test_moved_chains import unsure

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from tests.api import Request


def small_companies(seeds: Iterable[int]) -> Iterator[tuple[PromiseLedger, Request]]:
    for seed in seeds:
        made = town(seed)
        try:
            snapshot = tables_of(made)
            snapshot = unsure(snapshot) if seed % 2 else snapshot
            snapshot.require()
        except BadData:
            continue
        yield (
            PromiseLedger.from_snapshot(snapshot),
            request_of(snapshot, **request(made)),
        )


def towns(seeds: Iterable[int]) -> Iterator[tuple[PromiseLedger, Request]]:
    for seed in seeds:
        rows = random_town(seed)
        demands = rows.pop("demands")
        try:
            snapshot = tables(**rows)
            snapshot.require()
        except BadData:
            continue
        book = PromiseLedger.from_snapshot(snapshot)
        for row in demands[:3]:
            keys = ("product", "location", "qty", "due")
            yield book, request_of(snapshot, **{key: row[key] for key in keys})


def left_out(book: PromiseLedger, wanted: Request) -> int:
    """Compare a brief answer with a full one; count the options it does without."""
    policy = book.policies.of(wanted)
    quests = [OptionSearch(book, wanted, policy) for _ in range(2)]
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


@pytest.mark.req("ATP-02")
def test_a_brief_rejection_is_exact_where_the_full_one_is():
    """Choices below were greedy in these companies: a promise may exist after all."""
    for one in small_companies((4500, 4578)):
        left_out(*one)


@pytest.mark.nightly
def test_brief_answers_are_the_chosen_options_of_full_ones_in_many_companies():
    made = (*small_companies(range(4500, 5200)), *towns(range(1000, 1300)))
    assert sum(left_out(*one) for one in made) > 0


@pytest.mark.req("ATP-02")
def test_late_brief_answers_are_the_chosen_options_of_full_ones():
    """Shared machines, two plants, and a second pass for what is late."""
    book = PromiseLedger.from_snapshot(promise_case(uncertain=False))
    asked = read(book, 40)
    quote_all(book, asked[:30], detail="date")
    late = [replace(one, due=book.now + DAY) for one in asked[30:]]
    assert sum(left_out(book, one) for one in late) > 0


@pytest.mark.req("DEF-03")
def test_what_one_component_left_the_other_does_not_find():
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
    book = PromiseLedger.from_snapshot(snapshot)
    wanted = request_of(snapshot)
    made = quote(book, wanted)
    taken = [one for one in made.holds if (one.kind, one.subject) == ("material", "D")]
    assert sum(one.qty for one in taken) == 12
    step = book.stages.step("D")
    assert sum(one.steps * step for one in made.purchases) == 8


@pytest.mark.req("ATP-02")
def test_a_component_of_a_later_step_may_come_while_the_first_one_runs():
    """Slow needs nothing; quick is through first, because its D comes on the way."""
    snapshot = workshop(
        products=[{"product": name} for name in ("A", "D")],
        resources=[{"resource": name, "location": "L"} for name in ("M", "N")],
        routings=[
            {"routing": name, "product": "A", "location": "L", "preference": rank}
            for rank, name in enumerate(("slow", "quick"), 1)
        ],
        steps=[
            {"routing": "slow", "step": 1, "sequence": 1, "run_minutes_per_unit": 600},
            {"routing": "quick", "step": 1, "sequence": 1, "run_minutes_per_unit": 240},
            {"routing": "quick", "step": 2, "sequence": 2, "run_minutes_per_unit": 240},
        ],
        step_resources=[
            {"routing": "slow", "step": 1, "resource": "M"},
            {"routing": "quick", "step": 1, "resource": "N"},
            {"routing": "quick", "step": 2, "resource": "N"},
        ],
        bom_lines=[{"routing": "quick", "line": 1, "component": "D", "step": 2}],
        supply_terms=[{"product": "D", "lead_time_days": 2}],
    )
    book = PromiseLedger.from_snapshot(snapshot)
    wanted = replace(request_of(snapshot, qty=10), due=book.now + DAY)
    assert quote(book, wanted, detail="date").option == "make:quick@L"
    left_out(book, wanted)
