"""Laws of promises on small random companies: calendars, lots, suppliers, lanes."""

from __future__ import annotations

import copy
import json
import random
from typing import TYPE_CHECKING, Any

import pytest

from medhavi.findings import BadData
from medhavi.snapshot import Snapshot
from medhavi.units import to_seconds
from tests import factories
from tests.api import (
    PromiseLedger,
    apply,
    asked_again,
    changed,
    promise,
    quote,
    read_requests,
    revert,
)
from tests.examples import examples
from tests.planners.small_promises import TRUSTING, quoted, request_of, state
from tests.planners.small_towns import request, tables_of, town

if TYPE_CHECKING:
    from medhavi.results.promises.promise import Promise
    from tests.planners.small_towns import Town

FEW = examples(3, 6)
MANY = 150
SEEDS = range(500, 500 + FEW)
NEVER = float("inf")
NOW = to_seconds(factories.AS_OF)


def text(made: Promise) -> str:
    return json.dumps(made.as_dict(), default=str)


def books(seeds: range) -> list[tuple[int, Town, Snapshot, list[dict[str, Any]]]]:
    """Companies with three requests each; sources may be split in half of them."""
    found = []
    for seed in seeds:
        made, rng = town(seed), random.Random(seed)
        policy = {"ask_supplier": made.ask, "split_sourcing": seed % 2 == 1}
        try:
            snapshot = tables_of(made, promise_policies=[{**TRUSTING, **policy}])
            snapshot.require()
            PromiseLedger.from_snapshot(snapshot)
        except BadData:
            continue
        asks = [
            request(
                made,
                sales_order=f"SO{number}",
                line=1,
                qty=rng.randint(1, 4) if number else made.qty,
                priority=rng.randint(1, 3),
            )
            for number in range(3)
        ]
        found.append((seed, made, snapshot, asks))
    return found


def released(seeds: range) -> None:
    for seed, _, snapshot, asks in books(seeds):
        book = PromiseLedger.from_snapshot(snapshot)
        first = [text(quoted(book, **ask)) for ask in asks]
        before = state(book)
        undos = []
        for ask in asks:
            made = quoted(book, **ask)
            if made.deliveries:
                undos.append(apply(book, made))
        random.Random(seed).shuffle(undos)
        for undo in undos:
            revert(book, undo)
        assert state(book) == before, seed
        assert [text(quoted(book, **ask)) for ask in asks] == first, seed


@pytest.mark.req("RES-15", "CORE-07")
def test_giving_back_in_any_order_restores_ledgers_and_answers():
    released(SEEDS)


def bulk(seeds: range) -> None:
    for seed, _, snapshot, asks in books(seeds):
        together = [text(one) for one in promise(snapshot, asks)]
        assert [text(one) for one in promise(snapshot, asks)] == together, seed
        book = PromiseLedger.from_snapshot(snapshot)
        requests = read_requests(asks, snapshot).requests
        alone: dict[int, str] = {}
        for one in sorted(requests, key=lambda r: (r.priority, r.due, r.position)):
            made = quote(book, one)
            alone[one.position] = text(made)
            if made.deliveries:
                apply(book, made)
        assert [alone[place] for place in sorted(alone)] == together, seed


@pytest.mark.req("ATP-21")
def test_many_at_once_are_as_one_after_another_and_again_the_same():
    bulk(SEEDS)


def turned(seeds: range) -> None:
    for seed, _, snapshot, asks in books(seeds):
        frames = {
            name: snapshot[name].sample(fraction=1, shuffle=True, seed=seed)
            for name in factories.DEFAULTS
            if snapshot[name].height
        }
        other = Snapshot.from_frames(frames)
        assert text(promise(other, asks[:1])[0]) == text(promise(snapshot, asks[:1])[0])


def test_the_order_of_rows_changes_no_answer():
    turned(SEEDS)


def summed(seeds: range) -> None:
    for seed, _, snapshot, asks in books(seeds):
        answer = promise(snapshot, asks[:1])[0]
        cost = answer.cost
        parts = cost.material, cost.production, cost.transport, cost.holding
        assert sum(parts) + cost.lateness == pytest.approx(cost.total)
        if answer.date is None:
            continue
        assert answer.date_p50 <= answer.date_p80 <= answer.date_p95, seed
        if answer.status == "promised_late":
            hours = [one.hours for one in answer.limiters]
            assert min(hours) >= 0, seed
            assert sum(hours) <= (answer.date - NOW) / 3600 + 1e-6, seed
        for remedy in answer.remedies:
            again = quote(
                PromiseLedger.from_snapshot(changed(snapshot, remedy.rows)),
                asked_again(request_of(snapshot, **asks[0]), remedy.rows),
            )
            assert again.date == remedy.date, (seed, remedy.text)
            assert again.cost.total == pytest.approx(remedy.cost), (seed, remedy.text)


@pytest.mark.req("ATP-19", "CORE-05")
def test_costs_and_quantiles_are_in_order_and_remedies_give_what_they_say():
    summed(SEEDS)


def when(made: Promise) -> float:
    return NEVER if made.date is None or made.status == "partial" else made.date


def better(made: Town, rng: random.Random) -> list[Town]:
    """Companies that have more of one thing each."""
    found = [copy.deepcopy(made) for _ in range(4)]
    stock, free, sooner, room = found
    stock.stock.append((rng.choice("FC"), "P", 2, None))
    free.busy = []
    sooner.inbound = [(*one[:3], max(1, one[3] // 2)) for one in made.inbound]
    for lane in room.lanes:
        lane.most = None
    return found


def grown(seeds: range) -> list[tuple[int, int]]:
    """Cases where more of something made an exact answer later."""
    worse = []
    for seed, made, snapshot, asks in books(seeds):
        first = promise(snapshot, asks[:1])[0]
        if first.on_time:
            continue
        for number, other in enumerate(better(made, random.Random(seed))):
            try:
                again = promise(tables_of(other), asks[:1])[0]
            except BadData:
                continue
            if when(again) > when(first) and again.exact:
                worse.append((seed, number))
    return worse


def test_more_of_anything_never_makes_an_exact_answer_later():
    assert grown(SEEDS) == []


@pytest.mark.nightly
def test_all_laws_hold_in_many_companies():
    seeds = range(SEEDS.stop, SEEDS.stop + MANY)
    for law in (released, bulk, turned, summed):
        law(seeds)
    assert grown(seeds) == []


@pytest.mark.req("ATP-19")
@pytest.mark.parametrize("seed", [4, 17, 18, 32, 43, 47])
def test_two_changes_are_told_where_they_are_better_than_each_alone(seed):
    """All of these were told pairs that brought what one of them brings alone."""
    made = town(seed)
    answer = quoted(PromiseLedger.from_snapshot(tables_of(made)), **request(made))
    alone = {one.text: one for one in answer.remedies if "+" not in one.code}
    pairs = [one for one in answer.remedies if "+" in one.code]
    members = [
        (pair, alone[name])
        for pair in pairs
        for name in pair.text.split("; ")
        if name in alone
    ]
    assert alone
    for pair, one in members:
        assert (pair.status, -pair.qty, pair.date) != (one.status, -one.qty, one.date)
