"""What one answer tells of its providers: questions, times, cache hits, failures."""

from __future__ import annotations

from itertools import count
from typing import TYPE_CHECKING, Any

import pytest

from medhavi.workbench.promise_desk.desk_counters import EVERY, Meter, metered
from tests.api import MemoryStore, PromiseDesk, PromiseLedger, quote
from tests.planners.small_promises import cells, day, request_of, state, workshop
from tests.planners.test_promise_faults import replaced

if TYPE_CHECKING:
    from medhavi.snapshot import Snapshot

pytestmark = [pytest.mark.req("CORE-12"), pytest.mark.req("CORE-18")]


def company() -> Snapshot:
    """Make A from B, which is bought, and ship it to C1."""
    return workshop(
        locations=[{"location": "L"}, {"location": "C1", "kind": "customer"}],
        lanes=[{"lane": "T", "origin": "L", "destination": "C1", "duration_h": 24}],
    )


def test_one_promise_emits_all_metrics():
    desk = PromiseDesk(MemoryStore(), company())
    desk.quote([cells(location="C1", due=day(1))])
    told: dict[str, Any] = desk.counters.as_dict()
    providers = told["providers"]
    assert {"capacity", "material", "routing", "supplier", "transport"} <= set(
        providers
    )
    for name, one in providers.items():
        assert one["questions"] > 0
        assert one["p99"] >= one["p50"] >= 0
        if name in {"capacity", "material", "routing", "transport"}:
            assert 0 <= one["cache_hits"] <= 1
    assert told["counts"]["limited.SupplierLeadtimeExceeded"] == 1
    assert told["seconds"]["quote"]["count"] == 1


def test_one_answer_in_many_is_measured():
    desk = PromiseDesk(MemoryStore(), company())
    for _ in range(EVERY + 1):
        desk.quote([cells(due=day(9))])
    told: dict[str, Any] = desk.counters.as_dict()
    assert told["providers"]["material"]["count"] == 2


def test_the_times_of_all_providers_are_that_of_the_answer():
    """A clock that counts: from the first question on each tick belongs to one."""
    snapshot = company()
    book = PromiseLedger.from_snapshot(snapshot)
    request = request_of(snapshot, location="C1", due=day(1))
    plain, before = quote(book, request), state(book)
    ticks = count()
    meter = Meter(lambda: float(next(ticks)))
    stages = book.stages
    with metered(book, meter):
        assert quote(book, request) == plain
    assert book.stages is stages
    assert state(book) == before
    told = meter.told()
    questions = sum(one.questions for one in told.values())
    assert sum(one.seconds for one in told.values()) == questions
    # The book has answered it before: nothing of these is worked out again.
    assert (told["routing"].misses, told["material"].misses) == (0, 0)


def test_a_first_answer_misses_what_the_second_one_knows():
    snapshot = company()
    book = PromiseLedger.from_snapshot(snapshot)
    request = request_of(snapshot, location="C1", due=day(9))
    first, second = Meter(), Meter()
    for meter in (first, second):
        with metered(book, meter):
            quote(book, request)
    for name in ("capacity", "material", "routing"):
        assert first.misses[name] > 0
        assert second.misses[name] == 0


@pytest.mark.req("ATP-17")
@pytest.mark.parametrize(
    ("failure", "name"), [(OSError, "errors"), (TimeoutError, "timeouts")]
)
def test_a_provider_that_fails_is_counted_by_name(failure, name):
    # A book reads a recipe once: who was asked before cannot fail any more.
    desk = PromiseDesk(MemoryStore(), company())
    replaced(desk.book, "recipe", failure("no connection"))
    desk.quote([cells()])
    assert desk.counters.counts[f"{name}.routing"] == 1


@pytest.mark.req("ATP-17")
def test_another_meter_may_be_asked_in_its_place():
    """Telemetry is a provider like the others: who measures is given, never found."""
    snapshot = company()
    book = PromiseLedger.from_snapshot(snapshot)
    asked: list[str] = []

    class Listening(Meter):
        def ask(self, provider: str) -> None:
            asked.append(provider)

    with metered(book, Listening()):
        quote(book, request_of(snapshot, due=day(9)), detail="date")
    assert {"routing", "material", "supplier", "capacity"} <= set(asked)
