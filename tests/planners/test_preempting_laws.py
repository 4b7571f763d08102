"""Laws of taking from others: who may give way, what they keep, how it goes back."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from medhavi.planners.promising.quoting import least_set, standing
from medhavi.results.promises.promise import PromiseStatus
from tests.api import PromiseLedger, apply, quote, revert
from tests.examples import examples
from tests.planners.small_promises import TRUSTING, day, quoted, request_of, state
from tests.planners.test_promise_laws import check, company

if TYPE_CHECKING:
    from medhavi.snapshot import Snapshot

few = settings(max_examples=examples(5, 10))
ASKS = st.fixed_dictionaries(
    {
        "product": st.sampled_from(["A", "B"]),
        "location": st.sampled_from(["L", "C1"]),
        "qty": st.integers(1, 9),
        "due": st.integers(0, 8).map(day),
        "priority": st.integers(1, 3),
        "tier": st.sampled_from([None, "Gold", "Silver"]),
    }
)


def willing(stock: int, *, preempt: bool) -> Snapshot:
    """The company of the other laws, whose policy may take from others."""
    policy = {**TRUSTING, "preempt": preempt}
    return company(stock, stock, 5).replace(promise_policies=[policy])


def is_same(now: Any, then: Any) -> bool:
    """Whether nothing changed; lines of material are made when asked for."""
    kept = {node: now[0][node] for node in then[0]}
    return bool((kept, *now[1:]) == then)


def asked_in_turn(book: PromiseLedger, asks: list[dict[str, Any]]) -> list[Any]:
    """Quote and accept one request after the other, looking at the ledgers."""
    undos = []
    for number, ask in enumerate(asks):
        before, accepted = state(book), dict(book.accepted)
        made = quoted(book, sales_order=f"SO{number}", line=1, **ask)
        assert is_same(state(book), before)
        if made.status is PromiseStatus.REJECTED:
            continue
        undos.append(apply(book, made))
        check(book)
        gone = {one.demand: one for one in made.preempted}
        for demand, was in accepted.items():
            (now,) = book.accepted[demand]
            if demand not in gone:
                assert now is was[0]
                continue
            assert gone[demand].priority > ask["priority"]
            assert None in {gone[demand].tier, ask["tier"]} or (
                (gone[demand].tier, ask["tier"]) == ("Silver", "Gold")
            )
            assert (now.date, now.qty) == (gone[demand].date, was[0].qty)
    return undos


@pytest.mark.req("ATP-09")
@few
@given(
    st.lists(ASKS, min_size=2, max_size=6),
    st.integers(0, 9),
    st.randoms(use_true_random=False),
)
def test_only_who_may_gives_way_and_keeps_its_whole_quantity(asks, stock, rng):
    book = PromiseLedger.from_snapshot(willing(stock, preempt=True))
    untouched = PromiseLedger.from_snapshot(book.snapshot)
    undos = asked_in_turn(book, asks)
    rng.shuffle(undos)
    for undo in undos:
        revert(book, undo)
        check(book)
    assert book.accepted == {}
    assert is_same(state(book), state(untouched))


@pytest.mark.req("ATP-09")
@few
@given(st.lists(ASKS, min_size=2, max_size=5), st.integers(0, 9))
def test_without_the_policy_no_promise_is_changed(asks, stock):
    book = PromiseLedger.from_snapshot(willing(stock, preempt=False))
    for number, ask in enumerate(asks):
        before = dict(book.accepted)
        made = quoted(book, sales_order=f"SO{number}", line=1, **ask)
        assert made.preempted == ()
        if made.status is not PromiseStatus.REJECTED:
            apply(book, made)
        assert all(book.accepted[name] == kept for name, kept in before.items())


@few
@given(ASKS, st.integers(0, 9), st.lists(ASKS, max_size=3))
def test_taking_from_others_is_never_worse_than_not(ask, stock, others):
    book = PromiseLedger.from_snapshot(willing(stock, preempt=True))
    for number, other in enumerate(others):
        made = quoted(book, sales_order=f"SO{number}", line=1, **other)
        if made.status is not PromiseStatus.REJECTED:
            apply(book, made)
    request = request_of(book.snapshot, **ask)
    policy = book.policies.of(request)
    without = quote(book, request, replace(policy, preempt=False), detail="date")
    assert standing(quote(book, request, policy, detail="date")) <= standing(without)


@given(st.lists(st.integers(0, 9), max_size=12), st.integers(1, 30))
def test_a_least_set_is_enough_and_nothing_of_it_can_be_left_out(items, wanted):
    places = list(range(len(items)))

    def enough(some):
        return sum(items[place] for place in some) >= wanted

    if not enough(places):
        return
    found = least_set(places, enough)
    assert enough(found)
    assert found == sorted(found)
    for gone in found:
        assert not enough([one for one in found if one != gone])
    if found:
        assert not enough(places[: found[-1]])
