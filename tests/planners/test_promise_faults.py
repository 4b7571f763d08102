"""A provider that fails, takes too long or knows nothing, at every step of the chain.

Each of the providers of a promise is replaced by one of its own making (ATP-17): the
answer says which one it was, nothing is held, and the book is as before.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from medhavi.planners.promising.supply_search.availability import AvailabilityCheck
from medhavi.results.limiter import Limiter
from medhavi.results.promises.promise import PromiseStatus
from tests.api import PromiseLedger, Providers, apply
from tests.planners.small_promises import TRUSTING, day, quoted, state, tables, workshop

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from medhavi.snapshot import Snapshot

C1 = [{"location": "L"}, {"location": "C1", "kind": "customer"}]
LANE = {"lane": "T", "origin": "L", "destination": "C1", "duration_h": 24}
ASK: dict[str, Any] = {"location": "C1", "due": day(1), "sales_order": "SO", "line": 1}


def chain(**held: object) -> Snapshot:
    """Make A at L from B, of which there is half; the rest is bought; sell at C1.

    Parameters
    ----------
    held
        What differs of the hold of one B.
    """
    return workshop(
        products=[{"product": name, "weight_kg": 1} for name in ("A", "B")],
        locations=C1,
        lanes=[{**LANE, "capacity_kg": 50}],
        departures=[{"weekday": n} for n in range(1, 8)],
        stock=[{"product": "B", "qty": 5}],
        reservations=[{"subject": "B", "qty": 1, "finish": day(1), **held}],
    )


class Broken:
    """A provider that answers as the real one until a call; then it fails."""

    def __init__(self, real: object, names: set[str], failure: Exception) -> None:
        self._real, self._names, self._failure = real, names, failure
        self.calls = 0
        self.fails_at = 1

    def __getattr__(self, name: str) -> Any:
        found = getattr(self._real, name)
        if name not in self._names:
            return found

        def asked(*args: object, **kwargs: object) -> object:
            self.calls += 1
            if self.calls >= self.fails_at:
                raise self._failure
            return found(*args, **kwargs)

        return asked


class Nothing:
    """A provider that knows nothing of what it is asked."""

    def __init__(self, real: object, **answers: object) -> None:
        self._real, self._answers = real, answers

    def __getattr__(self, name: str) -> Any:
        if name in self._answers:
            return lambda *_, **__: self._answers[name]
        return getattr(self._real, name)


def replaced(book: PromiseLedger, name: str, failure: Exception) -> Broken:
    """Put a broken provider into a book."""
    stages: Any = book.stages
    providers: Any = stages.providers
    if name == "policy":
        made = Broken(book.policies, {"of"}, failure)
        book.policies = made  # type: ignore[assignment]
    elif name in {"material", "capacity", "transport"}:
        asked = {"line"} if name == "material" else {"earliest", "occupy"}
        made = Broken(getattr(stages, name), asked, failure)
        setattr(stages, name, made)
    elif name == "supplier":
        (bought,) = providers.sourcing.sources("B", "L")
        made = Broken(bought.clock, {"earliest"}, failure)
        sell(book, made)
    else:
        place, asked = {
            "routing": ("sourcing", {"sources"}),
            "recipe": ("recipes", {"recipe"}),
            "reservation": ("reservations", {"has", "material", "of_owner"}),
            "exchange": ("exchange", {"rate"}),
            "price": ("facts", {"unit_cost"}),
        }[name]
        made = Broken(getattr(providers, place), asked, failure)
        providers.__dict__[place] = made
    return made


def sell(book: PromiseLedger, clock: object) -> None:
    """Date the deliveries of the supplier of B by another clock."""
    providers: Any = book.stages.providers
    real: Any = providers.sourcing
    (bought,) = real.sources("B", "L")

    class Sold(Nothing):
        def sources(self, *node: str) -> Any:
            if node == ("B", "L"):
                return (bought._replace(clock=clock),)
            return real.sources(*node)

    providers.__dict__["sourcing"] = Sold(real)


def book_of(snapshot: Snapshot) -> PromiseLedger:
    return PromiseLedger(snapshot, AvailabilityCheck(Providers(snapshot)))


WHO: dict[str, Limiter] = {
    "routing": Limiter.ROUTING_INVALID,
    "recipe": Limiter.ROUTING_INVALID,
    "material": Limiter.MATERIAL_SHORTFALL,
    "capacity": Limiter.ROUTING_CAPACITY_FAIL,
    "transport": Limiter.NO_TRANSPORT_LEG,
    "supplier": Limiter.SUPPLIER_LEADTIME_EXCEEDED,
    "reservation": Limiter.MATERIAL_RESERVATION_CONFLICT,
    "exchange": Limiter.DATA_STALE,
    "price": Limiter.DATA_STALE,
    "policy": Limiter.ORDER_RULE,
}


STAGES = {"material", "capacity", "transport", "supplier", "reservation", "policy"}
"""Names of providers that are those of the stages, too."""


@pytest.mark.req("CORE-06", "ATP-17")
@pytest.mark.parametrize("name", WHO)
def test_a_provider_that_fails_is_named_and_nothing_is_held(name):
    book = book_of(chain())
    quoted(book, **ASK)
    before = state(book)
    if name == "recipe":
        book = book_of(chain())  # What a book knows of recipes is not asked again.
    replaced(book, name, ConnectionError("no connection"))
    made = quoted(book, **ASK)
    assert made.status is PromiseStatus.REJECTED
    assert made.limiter.code is WHO[name]
    assert "no connection" in made.limiter.text
    assert name not in STAGES or made.limiter.subject == name
    assert not made.holds
    assert not made.reservations
    assert not made.deliveries
    assert made.exact is False
    if name != "material":
        assert state(book) == before
    assert book.accepted == {}


@pytest.mark.req("CORE-06", "ATP-16")
@pytest.mark.parametrize("name", WHO)
def test_a_provider_that_takes_too_long_is_a_timeout(name):
    book = book_of(chain())
    replaced(book, name, TimeoutError("5 s"))
    made = quoted(book, **ASK)
    assert made.status is PromiseStatus.REJECTED
    assert made.limiter.code is Limiter.SEARCH_TIMEOUT
    assert name not in STAGES or made.limiter.subject == name
    assert made.holds == ()
    assert made.exact is False


@pytest.mark.req("CORE-06", "ATP-17")
@pytest.mark.parametrize(
    ("failure", "code"),
    [
        (ConnectionError("no connection"), Limiter.MATERIAL_RESERVATION_CONFLICT),
        (TimeoutError("5 s"), Limiter.SEARCH_TIMEOUT),
    ],
)
def test_what_a_line_holds_already_cannot_be_read(failure, code):
    book = book_of(chain(demand="SO-1"))
    assert quoted(book, **ASK).holds
    before = state(book)
    providers: Any = book.stages.providers
    real = providers.reservations
    providers.__dict__["reservations"] = Broken(real, {"of_owner"}, failure)
    made = quoted(book, **ASK)
    assert made.status is PromiseStatus.REJECTED
    assert (made.limiter.code, made.limiter.subject) == (code, "reservation")
    assert made.holds == ()
    assert state(book) == before


@pytest.mark.req("CORE-06")
@pytest.mark.parametrize("name", WHO)
def test_a_defect_is_no_answer_and_leaves_the_book_as_before(name):
    book = book_of(chain())
    quoted(book, **ASK)
    real, before = book.stages.material, state(book)
    made = replaced(book, name, ZeroDivisionError("a defect"))
    with pytest.raises(ZeroDivisionError, match="a defect"):
        quoted(book, **ASK)
    assert made.calls
    book.stages.material = real
    assert state(book) == before


def calls(name: str) -> Iterator[int]:
    """Number of each call of a provider in one quote."""
    book = book_of(chain())
    made = replaced(book, name, ConnectionError("never"))
    made.fails_at = 10**9
    quoted(book, **ASK)
    yield from range(1, min(made.calls, 25) + 1)


@pytest.mark.req("CORE-06")
@pytest.mark.parametrize("name", WHO)
def test_whatever_call_fails_the_book_is_as_before(name):
    snapshot = chain()
    for number in calls(name):
        book = book_of(snapshot)
        quoted(book, **ASK)
        real = book.stages.material
        before = state(book)
        made = replaced(book, name, ConnectionError("gone"))
        made.fails_at = number
        answer = quoted(book, **ASK)
        book.stages.material = real
        assert state(book) == before, number
        assert answer.holds == () or answer.limiter is not None
        assert book.accepted == {}


# ----------------------------------------------------------------------------- empty
def no_sources(book: PromiseLedger) -> None:
    providers: Any = book.stages.providers
    providers.__dict__["sourcing"] = Nothing(providers.sourcing, sources=())


def no_room(book: PromiseLedger) -> None:
    stages: Any = book.stages
    stages.capacity = Nothing(stages.capacity, earliest=None)


def no_way(book: PromiseLedger) -> None:
    stages: Any = book.stages
    stages.transport = Nothing(stages.transport, earliest=None)


def no_word(book: PromiseLedger) -> None:
    sell(book, Nothing(None, earliest=None))


def no_goods(book: PromiseLedger) -> None:
    empty = book.snapshot.replace(stock=[], reservations=[], supply_terms=[])
    other = book_of(empty)
    book.stages = other.stages
    book.reach = other.reach
    book.costs = other.costs


@pytest.mark.req("CORE-06", "ATP-17")
@pytest.mark.parametrize(
    ("empty", "code", "subject"),
    [
        (no_sources, Limiter.NO_SOURCE, "A|C1"),
        (no_room, Limiter.ROUTING_CAPACITY_FAIL, "A|L"),
        (no_way, Limiter.NO_TRANSPORT_LEG, "C1"),
        (no_word, Limiter.SUPPLIER_LEADTIME_EXCEEDED, "S"),
        (no_goods, Limiter.NO_SOURCE, "B|L"),
    ],
)
def test_a_provider_that_knows_nothing_gives_its_reason(empty, code, subject):
    book = book_of(chain())
    empty(book)
    made = quoted(book, **ASK)
    assert made.status is PromiseStatus.REJECTED
    assert made.holds == ()
    assert {one.code for one in made.limiters} == {code}
    assert made.limiter.subject == subject
    assert book.accepted == {}


@pytest.mark.req("ATP-17")
def test_suppliers_rates_and_policies_may_be_absent():
    policies = {"promise_policies": []}
    assert quoted(
        PromiseLedger.from_snapshot(tables(stock=[{"qty": 10}], **policies))
    ).on_time
    strangers = tables(supply_terms=[{}], **policies)
    made = quoted(PromiseLedger.from_snapshot(strangers))
    assert made.status is PromiseStatus.PROMISED
    assert "once confirmed" in made.options[-1].option
    foreign = tables(supply_terms=[{"currency": "USD", "unit_price": 3}])
    made = quoted(PromiseLedger.from_snapshot(foreign))
    assert made.limiter.code is Limiter.DATA_STALE


@pytest.mark.req("ATP-16")
def test_a_search_that_overruns_its_budget_says_so():
    lots = {f"S{n}": 1 for n in range(9)}
    snapshot = workshop(
        supply_terms=[
            {"supplier": name, "product": "B", "lead_time_days": 5} for name in lots
        ],
        suppliers=[{"supplier": name} for name in lots],
        promise_policies=[{**TRUSTING, "search_budget_evaluations": 1}],
    )
    made = quoted(PromiseLedger.from_snapshot(snapshot), due=day(0))
    assert made.exact is False
    assert any(entry.get("note") == "SearchTimeout" for entry in made.trace)


# -------------------------------------------------------------------------- accepting


def fails_once(
    book: PromiseLedger, name: str, failure: type[BaseException]
) -> Callable[[], None]:
    """Make one ledger fail when it is written, as long as the test wants."""
    stages: Any = book.stages
    targets = {
        "capacity": (stages.capacity.occupancy, "occupy_span"),
        "transport": (stages.transport.loads, "add"),
    }
    target, method = targets[name]

    class Failing(type(target)):  # type: ignore[misc]
        __slots__ = ()

    def fail(*args: object, **kwargs: object) -> None:
        raise failure(name, args, kwargs)

    setattr(Failing, method, fail)
    real = type(target)
    target.__class__ = Failing

    def mend() -> None:
        target.__class__ = real

    return mend


@pytest.mark.req("CORE-06")
@pytest.mark.parametrize("failure", [RuntimeError, KeyboardInterrupt])
@pytest.mark.parametrize("name", ["capacity", "transport"])
def test_accepting_takes_all_or_nothing(name, failure):
    book = book_of(chain())
    made = quoted(book, **ASK)
    before = state(book)
    mend = fails_once(book, name, failure)
    with pytest.raises(failure, match=name):
        apply(book, made)
    mend()
    assert state(book) == before
    assert book.accepted == {}
    apply(book, made)
    assert list(book.accepted) == ["SO-1"]


@pytest.mark.req("CORE-06")
def test_goods_of_a_customer_are_promised_to_that_customer_once():
    snapshot = tables(
        stock=[{"qty": 5, "owner": "C"}, {"qty": 2, "lot": "ours"}],
        customers=[{"customer": "C"}],
    )
    book = PromiseLedger.from_snapshot(snapshot)
    found = []
    for number in range(3):
        made = quoted(book, qty=5, customer="C", sales_order=f"SO{number}", line=1)
        found.append(made.qty)
        if made.deliveries:
            apply(book, made)
    assert found == [5, 2, 0]
