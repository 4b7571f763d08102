"""A desk of many callers: books stay true, and a large call keeps its own."""

from __future__ import annotations

import random
import threading
from contextlib import suppress
from dataclasses import replace

import pytest

from medhavi.errors import MedhaviError
from medhavi.findings import BadData
from medhavi.planners.promising.promise_ledger import differences
from medhavi.workbench.commitments.live_ledger import LivePromiseLedger
from tests import factories
from tests.api import SharedDesk, SqliteStore
from tests.examples import some

HOUR = 3600
_TOO_LARGE = "too large to count"


def tables():
    """40 pieces of A at L, its demand D for 5 of them, more from a supplier."""
    return factories.snapshot(
        products=[{}],
        locations=[{}],
        stock=[{"qty": 40}],
        demands=[{"demand": "D", "sales_order": "SO", "line": 1, "qty": 5}],
        supply_terms=[{"lead_time_days": 5}],
    )


@pytest.fixture
def desk(tmp_path):
    return SharedDesk(SqliteStore(tmp_path / "e.db"), tables())


def line(order, qty=1, number=1):
    row = {"sales_order": order, "line": number, "product": "A", "location": "L"}
    return {**row, "qty": qty, "due": "2026-01-06T00:00:00Z"}


def wrong(desk):
    """What the book of a desk holds otherwise than one made anew."""
    live = desk.live
    live.catch_up()
    fresh = LivePromiseLedger(live._store, live._snapshot, live.covered)
    return differences(live.book, fresh.book)


def free(desk):
    return desk.book.stages.material.line("A", "L").available(desk.book.now)


def test_what_is_released_after_the_book_was_built_anew_is_free(desk, tmp_path):
    """The new book had it as a reservation of its tables: giving back freed nothing."""
    other = SharedDesk(SqliteStore(tmp_path / "e.db"), tables())
    assert desk.commit(*desk.quote([line("X", 7)]), approver="Ada").committed
    assert desk.commit(*desk.quote([line("SO", 5)]), approver="Ada").committed
    assert free(desk) == free(other) == 28
    desk.release("X-1", approver="Ada")
    assert free(desk) == free(other) == 35
    assert wrong(desk) == wrong(other) == ()


def test_a_call_that_fails_half_way_leaves_the_book_as_it_was(desk, monkeypatch):
    promise = desk.quote([line("X", 7)])[0]
    desk.quote([line("Y")])

    def fail(*_):
        raise OverflowError(_TOO_LARGE)

    with monkeypatch.context() as patch:
        patch.setattr("medhavi.workbench.promise_desk.promise_desk.events_of", fail)
        with pytest.raises(OverflowError, match=_TOO_LARGE):
            desk.commit(promise, approver="Ada")
    assert wrong(desk) == ()
    assert free(desk) == 40
    assert desk.counters.counts["book_compared"] == 1


def test_a_book_that_differs_is_replaced_with_an_alarm(desk, caplog):
    desk.quote([line("X", 7)])
    desk.live.book.stages.material.line("A", "L").take(9, desk.live.now)
    assert free(desk) == 31
    assert desk.compared() == ("material A at L",)
    assert free(desk) == 40
    assert desk.counters.counts["book_replaced"] == 1
    assert "was replaced: material A at L" in caplog.text
    assert desk.compared() == ()


def test_a_shift_that_is_put_back_twice_leaves_its_line_alone(desk):
    material = desk.live.book.stages.material
    held = material.line("A", "L")
    shift = held.take(9, desk.live.now)
    held.put_back(shift)
    before = held.state
    with pytest.raises(ValueError, match="was put back before"):
        held.put_back(shift)
    assert held.state == before


def test_what_no_event_may_hold_is_not_committed(desk):
    """It was written, and nobody could read the stream any more."""
    with pytest.raises(BadData, match="PRM014 error: request row 1 column price"):
        desk.quote([{**line("X"), "price": 1e300}])
    promise = desk.quote([line("X")])[0]
    beyond = replace(promise, demand={**promise.demand, "price": 1e300})
    with pytest.raises(MedhaviError, match="cannot be committed"):
        desk.commit(beyond, approver="Ada")
    assert desk.commit(*desk.quote([line("Y")]), approver="Ada").committed


def test_a_call_of_several_lines_answers_as_one_evaluation(desk):
    lines = [line(f"S{number}", 3) for number in range(20)]
    alone = SharedDesk(desk.live._store, tables()).quote(lines)
    said = []
    bulk = threading.Thread(target=lambda: said.extend(desk.quote(lines)))
    bulk.start()
    for number in range(10):
        assert desk.quote([line(f"T{number}", 40)])[0].qty == 40
    bulk.join()
    assert [one.as_dict() for one in said] == [one.as_dict() for one in alone]
    assert wrong(desk) == ()


def test_two_calls_of_equal_content_are_two(desk):
    plain = {key: cell for key, cell in line("").items() if key != "sales_order"}
    del plain["line"]
    both = desk.quote([plain, plain])
    assert both[0].demand["demand"] != both[1].demand["demand"]


def steps(seed, count, desks):
    """Calls of two desks on one store, bad ones among them; books as new after each."""
    rng = random.Random(seed)
    quotes, demands = [], ["D"]
    for number in range(count):
        desk = rng.choice(desks)
        what = rng.choice(("quote", "commit", "hold", "release", "sweep", "bad"))
        with suppress(MedhaviError, OverflowError):
            if what == "quote" or not quotes:
                names = [rng.choice(("SO", f"N{number}", "N1")) for _ in range(3)]
                lines = [
                    line(name, rng.randint(1, 6), n) for n, name in enumerate(names, 1)
                ]
                quotes.append(desk.quote(lines[: rng.randint(1, 3)]))
            elif what == "bad":
                bad = rng.choice(({"qty": 2**70}, {"price": 1e308}, {"due": "x"}))
                desk.quote([line("B1"), {**line("B2"), **bad}])
            elif what == "release":
                desk.release(rng.choice(demands), approver="Ada")
            elif what == "sweep":
                desk.sweep(desk.live.now + rng.choice((0, 2 * HOUR)))
            else:
                some = [one for one in rng.choice(quotes[-4:]) if one.date is not None]
                demands += [str(one.demand["demand"]) for one in some]
                if what == "hold":
                    desk.hold(*some)
                else:
                    desk.commit(*some, approver="Ada", reason="asked")
        assert [wrong(one) for one in desks] == [(), ()], (seed, number, what)


@pytest.mark.parametrize("seed", some(range(3), 1))
def test_books_of_two_desks_are_as_new_after_each_step(tmp_path, seed):
    steps(
        seed, 25, [SharedDesk(SqliteStore(tmp_path / "e.db"), tables()) for _ in "ab"]
    )


@pytest.mark.nightly
@pytest.mark.parametrize("seed", range(100, 120))
def test_books_of_two_desks_are_as_new_after_many_steps(tmp_path, seed):
    steps(
        seed, 100, [SharedDesk(SqliteStore(tmp_path / "e.db"), tables()) for _ in "ab"]
    )
