"""Chains at other times: what was found is found again, and other work is kept off."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

import polars as pl
import pytest

from medhavi.findings import BadData
from medhavi.planners.promising.answering import searched
from medhavi.planners.promising.option_search import OptionSearch
from medhavi.planners.promising.supply_search.lead_draws import LEVELS
from medhavi.providers.finite_capacity.finite import FiniteCapacity
from medhavi.units import DAY
from tests.api import PromiseLedger
from tests.planners.kept_promises import broken
from tests.planners.small_promises import asked, day, request_of, state, workshop
from tests.planners.small_towns import request, tables_of, town

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from medhavi.snapshot import Snapshot
    from tests.api import Request
    from tests.planners.small_towns import Town

FEW = range(700, 745)
MANY = range(1000, 2500)


def unsure(snapshot: Snapshot) -> Snapshot:
    """Make every supplier and lane be late now and then."""
    terms = snapshot["supply_terms"].with_columns(
        lead_time_p95_days=pl.col("lead_time_days") * 1.5
    )
    lanes = snapshot["lanes"].with_columns(duration_p95_h=pl.col("duration_h") * 1.4)
    return snapshot.replace(supply_terms=terms, lanes=lanes)


class Company(NamedTuple):
    """A random company with a question that it is asked."""

    seed: int
    made: Town
    book: PromiseLedger
    wanted: Request

    def quest(self) -> OptionSearch:
        return OptionSearch(self.book, self.wanted, self.book.policies.of(self.wanted))


def companies(seeds: range) -> Iterator[Company]:
    for seed in seeds:
        made = town(seed)
        try:
            snapshot = unsure(tables_of(made))
            snapshot.require()
        except BadData:
            continue
        book = PromiseLedger.from_snapshot(snapshot)
        yield Company(seed, made, book, request_of(snapshot, **request(made)))


@pytest.fixture(scope="module")
def few() -> list[Company]:
    return list(companies(FEW))


def again(asked: Iterable[Company]) -> int:
    """Move every chain to the times at which it was found; count the chains."""
    count = 0
    for company in asked:
        book, quest = company.book, company.quest()
        before = state(book)
        made = searched(quest, "date")
        twice = [one for one in broken(company.made, [made]) if "two things" in one]
        assert not twice, (company.seed, twice)
        level = LEVELS[quest.policy.risk_basis]
        at = book.times.at(level)
        for one in quest.offered:
            chain = one.times.chain
            if chain is None:
                continue
            count += 1
            # Lanes are chosen at the level of the answer.
            with book.stages.timed(at, level):
                assert chain.at(at) == chain.found, (company.seed, one.name)
            slow, quick = (chain.at(book.times.at(LEVELS[n])) for n in ("p95", "p50"))
            assert slow is None or quick is None or slow.date >= quick.date, company
        assert state(book) == before, company.seed
    return count


@pytest.mark.req("ATP-13")
@pytest.mark.nightly
def test_a_chain_at_its_own_times_is_what_was_found(few):
    assert again(few) > 30


@pytest.mark.nightly
def test_chains_at_their_own_times_in_many_companies():
    assert again(companies(MANY)) > 1000


@pytest.mark.req("ATP-13")
def test_a_chain_keeps_its_source_whatever_the_delay():
    """S2 is quicker at the median, S1 at the quoted quantile: S1 is asked and stays."""
    snapshot = workshop(
        suppliers=[{"supplier": "S1"}, {"supplier": "S2"}],
        bom_lines=[{"component": "B"}],
        supply_terms=[
            {
                "supplier": "S1",
                "product": "B",
                "lead_time_days": 6,
                "lead_time_p95_days": 7,
            },
            {
                "supplier": "S2",
                "product": "B",
                "lead_time_days": 4,
                "lead_time_p95_days": 20,
            },
        ],
    )
    made = asked(snapshot, due=day(1))
    assert [one.supplier for one in made.purchases] == ["S1"]
    assert made.date_p50 is not None
    assert made.date_p50 > 6 * DAY + PromiseLedger.from_snapshot(snapshot).now


def everything(self: FiniteCapacity, routing: str) -> frozenset[str]:
    """Make a routing use all resources: each order is written at once."""
    del routing
    return frozenset(self.occupancy._ledgers)


@pytest.mark.nightly
def test_orders_that_are_written_late_give_the_same_answers(few, monkeypatch):
    first = [searched(one.quest(), "full") for one in few]
    monkeypatch.setattr(FiniteCapacity, "named", everything)
    assert [searched(one.quest(), "full") for one in few] == first
