"""Held while the customer thinks it over: confirmed, swept or refused, never leaked."""

from __future__ import annotations

import datetime as dt

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import medhavi as mv
from medhavi.errors import EnvironmentFailure, UsageError
from medhavi.findings import has_errors
from tests import factories
from tests.api import (
    CommitStatus,
    MemoryStore,
    PromiseDesk,
    Workbench,
    open_store,
    verify,
)
from tests.examples import examples
from tests.lakehouse.lake_events import small_company
from tests.planners.small_promises import day, state, workshop
from tests.workbench.desk_writer import request

HOUR = 3600


def desk(pieces=10, store=None, **tables):
    given = {"products": [{}], "locations": [{}], "stock": [{"qty": pieces}]}
    return PromiseDesk(store or MemoryStore(), factories.snapshot(**given, **tables))


def wanted(of, order="SO-1", qty=1, **cells):
    (promise,) = of.quote([request(order, qty, **cells)])
    return promise


def free(of):
    return of.book.stages.material.line("A", "L").available(of.book.now)


def types(store):
    return [event.type for event in store.read("commitments")]


@pytest.mark.req("RES-02")
def test_hold_is_tentative_and_the_commit_confirms_it():
    store = MemoryStore()
    of = desk(10, store)
    promise = wanted(of, qty=4)
    held = of.hold(promise)
    assert (held.status, held.committed) == (CommitStatus.HELD, False)
    assert types(store) == ["ReservationCreated"]
    (row,) = of.snapshot["reservations"].to_dicts()
    assert (row["state"], row["qty"]) == ("tentative", 4)
    assert of.snapshot["demands"].is_empty()
    done = of.commit(promise, approver="Ada")
    assert done.committed
    assert done.reservations == held.reservations
    assert types(store)[1:] == ["OrderPromised", "ReservationConfirmed"]
    assert free(of) == 6
    (row,) = of.snapshot["reservations"].to_dicts()
    assert (row["state"], row["expires_at"]) == ("confirmed", None)


@pytest.mark.req("CORE-07")
@pytest.mark.req("RES-05")
def test_holding_the_same_again_is_one_hold():
    store = MemoryStore()
    of, other = desk(10, store), desk(10, store)
    promise = wanted(of, qty=4)
    assert [of.hold(promise).replayed, of.hold(promise).replayed] == [False, True]
    assert other.hold(wanted(other, qty=4)).replayed
    assert types(store) == ["ReservationCreated"]
    assert free(of) == free(other) == 6


@pytest.mark.req("RES-09")
def test_hold_that_nobody_confirms_ends_and_can_be_taken_by_others():
    store = MemoryStore()
    of, other = desk(10, store), desk(10, store)
    promise = wanted(of, qty=10)
    of.hold(promise)
    late = wanted(other, "SO-2", 1)
    assert late.date is None
    assert other.sweep(other.book.now + HOUR) == promise.reservations
    assert other.sweep(other.book.now + HOUR) == ()
    assert free(of) == 10
    assert of.commit(wanted(of, "SO-2", 1), approver="Bob").committed
    answer = of.commit(promise, approver="Ada")
    assert not answer.committed
    assert str(answer.code) == "MaterialReservationConflict"


@pytest.mark.req("RES-10")
def test_several_are_held_all_or_none():
    store = MemoryStore()
    first, second = desk(10, store), desk(10, store)
    both = second.quote([request("SO-2", 3), request("SO-3", 4)])
    first.hold(wanted(first, "SO-1", 5))
    answer = second.hold(*both)
    assert answer.status is CommitStatus.CONFLICT
    assert types(store) == ["ReservationCreated"]
    assert free(second) == 5


def test_hold_that_takes_from_others_is_refused():
    of = desk(
        10,
        demands=[
            {"qty": 10, "priority": 5, "promised": day(5), "due": day(20)},
        ],
        reservations=[{"demand": "D1", "qty": 10, "start": day(5), "finish": day(5)}],
        supply_terms=[{"lead_time_days": 10, "lead_time_p95_days": 10}],
        promise_policies=[{"policy": "default", "preempt": True}],
    )
    promise = wanted(of, qty=10, due=day(6).isoformat(), priority=1)
    assert promise.preempted
    with pytest.raises(UsageError, match="others give way"):
        of.hold(promise)


class Deaf(MemoryStore):
    """A store that writes and loses the reply, once."""

    def __init__(self):
        super().__init__()
        self.deaf = True

    def append(self, stream, events, expected_revision=-2):
        positions = super().append(stream, events, expected_revision)
        if self.deaf:
            self.deaf = False
            raise EnvironmentFailure(_LOST)
        return positions


_LOST = "the reply was lost"


def test_lost_reply_of_the_store_sells_nothing_twice():
    of = desk(10, Deaf())
    promise = wanted(of, qty=10)
    with pytest.raises(EnvironmentFailure, match="reply was lost"):
        of.commit(promise, approver="Ada")
    assert free(of) == 0
    assert wanted(of, "SO-2").date is None
    assert of.commit(promise, approver="Ada").replayed


@pytest.mark.req("CORE-12")
@pytest.mark.req("RES-14")
def test_desk_counts_what_it_did():
    store = MemoryStore()
    of, other = desk(10, store), desk(10, store)
    promise, rest = wanted(of, qty=4), wanted(of, "SO-2", 7)
    assert rest.date is not None
    slow = wanted(other, "SO-3", 8)
    of.hold(promise)
    of.hold(promise)
    of.commit(promise, approver="Ada")
    of.commit(promise, approver="Ada")
    other.commit(slow, approver="Bob")
    of.release("SO-1-1", approver="Ada")
    of.hold(wanted(of, "SO-4", 1))
    of.sweep(of.book.now + HOUR)
    counts = of.counters.counts
    assert counts["quoted"] == 3
    assert (counts["held"], counts["committed"], counts["replayed"]) == (2, 1, 2)
    assert counts["ReservationCreated"] == 2
    assert counts["ReservationConfirmed"] == 1
    assert counts["ReservationReleased"] == 1
    assert counts["ReservationExpired"] == 1
    assert other.counters.counts["conflicts"] == 1
    told = of.counters.as_dict()["seconds"]
    assert told["quote"]["count"] == 3
    assert told["commit"]["p99"] >= told["commit"]["p50"] > 0


# ---------------------------------------------------------- material, capacity, lanes
def company(**more):
    """A is made at L on M from B in stock, and goes to W by a truck a day."""
    given = {"stock": [{"product": "B", "qty": 60}], "supply_terms": [], **more}
    return workshop(
        locations=[{"location": "L"}, {"location": "W"}],
        lanes=[
            {
                "lane": "T",
                "origin": "L",
                "destination": "W",
                "duration_h": 24,
                "capacity_kg": 12,
            }
        ],
        departures=[
            {"lane": "T", "weekday": number, "time": dt.time(8)}
            for number in range(1, 8)
        ],
        products=[{"product": "A", "weight_kg": 1}, {"product": "B"}],
        **given,
    )


def line(order, qty):
    return {**request(order, qty), "location": "W"}


@pytest.mark.req("RES-10")
def test_a_promise_holds_material_capacity_and_transport_together():
    of = PromiseDesk(MemoryStore(), company())
    before = state(of.book)
    (promise,) = of.quote([line("SO-1", 4)])
    of.hold(promise)
    held = of.snapshot["reservations"]
    assert set(held["kind"]) == {"material", "capacity", "transport"}
    assert set(held["state"]) == {"tentative"}
    of.sweep(of.book.now + HOUR)
    assert state(of.book) == before


@pytest.mark.parametrize(
    ("minutes", "seconds"), [(73.46, 4408), (1447.96, 86878), (665.58, 39935), (1, 60)]
)
def test_resource_is_held_as_long_by_who_reads_the_tables(minutes, seconds):
    # 4,408 s are 73.46666666666667 minutes, which are a little more than 4,408 s.
    steps = [{"fixed_minutes": minutes}]
    of = PromiseDesk(MemoryStore(), company(steps=steps, resources=[{"units": 2}]))
    of.commit(*of.quote([line("SO-1", 4)]), approver="Ada")
    fresh = PromiseDesk(MemoryStore(), of.snapshot)
    for each in (of, fresh):
        ((start, finish, units, _),) = each.book.stages.capacity.occupancy.busy("M")
        assert (finish - start, units) == (seconds, 1.0)


@pytest.mark.req("RES-10")
@pytest.mark.req("RES-13")
def test_each_kind_that_is_taken_meanwhile_is_named_and_nothing_is_kept():
    # The room of the truck, the hours of M, the pieces of B are gone.
    dock = {"stock": [{"product": "A", "qty": 60}]}
    quick = {"resources": [{"finite": False}]}
    cases = (
        (dock, 10, "NoTransportCapacity", " and took T;"),
        ({}, 5, "CapacityLocked", " and took M;"),
        (quick, 58, "MaterialReservationConflict", " and took B;"),
    )
    for more, qty, code, text in cases:
        store = MemoryStore()
        of, rival = (PromiseDesk(store, company(**more)) for _ in range(2))
        (promise,) = of.quote([line("SO-1", 5)])
        (other,) = rival.quote([line("SO-2", qty)])
        assert rival.commit(other, approver="Bob").committed
        before = store.head()
        answer = of.commit(promise, approver="Ada")
        assert (answer.committed, store.head()) == (False, before)
        assert str(answer.code) == code
        assert text in answer.text
        assert state(of.book) == state(PromiseDesk(store, company(**more)).book)


@pytest.mark.req("RES-15")
@settings(deadline=None, max_examples=examples(10, 20))
@given(
    st.lists(st.integers(1, 8), min_size=1, max_size=4),
    st.randoms(use_true_random=False),
)
def test_release_in_any_order_restores_the_state(pieces, luck):
    store = MemoryStore()
    of = PromiseDesk(store, company())
    before = state(of.book)
    demands = []
    for number, qty in enumerate(pieces):
        (promise,) = of.quote([line(f"SO-{number}", qty)])
        if promise.date is not None:
            assert of.commit(promise, approver="Ada").committed
            demands.append(str(promise.demand["demand"]))
    luck.shuffle(demands)
    for demand in demands:
        of.release(demand, approver="Ada")
    assert state(of.book) == before
    assert state(PromiseDesk(store, company()).book) == before


# -------------------------------------------------------------- a line that is no order
@pytest.mark.req("RES-02", "RES-12")
def test_hold_for_a_line_that_nobody_ordered_stops_nobody_else(tmp_path):
    url = f"sqlite:///{tmp_path}/e.db"
    open_store(url).append_many(small_company())
    bench = Workbench(lake=tmp_path / "lake", store=url)
    bench.mirror()
    asked = {"sales_order": "SO9", "line": 1, "product": "A", "location": "DC"}
    (promise,) = bench.desk.quote([{**asked, "qty": 40, "due": "2026-01-06T00:00:00Z"}])
    assert bench.desk.hold(promise).status == "held"
    # The tables know the hold now, and no demand of that name.
    bench.mirror()
    snapshot = bench.snapshot()
    assert snapshot["reservations"]["demand"].to_list() == ["SO9-1"]
    assert "SO9-1" not in snapshot["demands"]["demand"]
    plan = mv.plan(snapshot, mode="mrp")
    assert not has_errors(verify(plan, snapshot))
    assert bench.at_risk().watched == 0
    bench.desk.live.read_anew()
    assert bench.desk.commit(promise, approver="Ada").committed
    bench.mirror()
    held = bench.snapshot()["reservations"]
    assert held.select("demand", "qty", "state").rows() == [("SO9-1", 40, "confirmed")]
