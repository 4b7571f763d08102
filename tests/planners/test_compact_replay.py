"""Orders that are placed again by looking alone are those of the full walk (DEF-03)."""

from __future__ import annotations

import pytest

from benchmarks.promise_case import promise_case
from benchmarks.promising import read
from medhavi.planners.promising.arrival_risk.replaying import placed_again
from medhavi.planners.promising.integer_model.compact_placing import NotPlainError
from medhavi.planners.promising.integer_model.compact_replay import compact_replay
from medhavi.planners.promising.options.quest import Quest
from medhavi.planners.promising.supply_search.supply_walk import Walk
from tests.api import Book, apply, quote
from tests.planners.test_compact_walk import small_companies

LEVELS = (0.05, 0.5, 0.95)


def compared(book, wanted) -> int:
    """Place the pieces of every option again both ways; count those that are plain."""
    stages, plain = book.stages, 0
    if not book.times.anything:
        return 0
    quest = Quest(book, wanted, book.policies.of(wanted))
    mark, stages.leads = stages.mark(), book.times.at(0.8)
    quest.search()
    stages.undo(mark)
    for one in quest.offered:
        pieces = [
            use.piece for sent in one.times.evaluation.shipments for use in sent.uses
        ]
        for level in LEVELS:
            stages.leads = book.times.at(level)
            compact = compact_replay(stages, one.terms)
            if compact is None:
                continue
            try:
                found = [placed_again(compact, piece) for piece in pieces]
            except NotPlainError:
                continue
            finally:
                stages.undo(mark)
            full = Walk(stages, one.terms)
            assert found == [placed_again(full, piece) for piece in pieces]
            stages.undo(mark)
            plain += any(piece.source is not None for piece in pieces)
    stages.leads = None
    return plain


@pytest.mark.req("DEF-03")
def test_both_walks_place_chains_of_random_companies_again_alike():
    assert sum(compared(*one) for one in small_companies(range(701, 719, 2))) > 2


@pytest.mark.req("DEF-03")
def test_both_walks_place_deep_chains_again_alike_while_a_plant_fills_up():
    book = Book.from_snapshot(promise_case())
    plain = 0
    for wanted in read(book, 12):
        plain += compared(book, wanted)
        apply(book, quote(book, wanted, detail="date"))
    assert plain > 40


@pytest.mark.nightly
def test_both_walks_place_chains_of_many_companies_again_alike():
    assert sum(compared(*one) for one in small_companies(range(3001, 4501, 2))) > 150
