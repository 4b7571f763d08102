"""The book of promises: a snapshot with ledgers that accepted promises change.

Quotes write and go back, so a book is as before after each. `apply` takes the holds of
a promise, `revert` gives them back in any order and restores the state, `expire` gives
back what was tentative for too long.

Two books of the same tables and the same commitments hold the same, in whatever order
they came about. Compared is what answers are made of: the net of each line of material
over time, the use of each resource, the load of each departure. Not compared is what no
commitment says: until when goods that are held must live, and what suppliers were asked
for.
"""

from __future__ import annotations

from copy import copy
from functools import cached_property
from types import MappingProxyType
from typing import TYPE_CHECKING, Any, NamedTuple, Self

from medhavi.errors import UsageError
from medhavi.planners.planned_tables import with_disruptions
from medhavi.planners.promising.supply_search.availability import AvailabilityCheck
from medhavi.planners.promising.supply_search.campaign_capacity import campaigns_of
from medhavi.planners.promising.supply_search.option_effects import (
    OptionCosts,
    give_back,
    take_holds,
)
from medhavi.planners.promising.supply_search.policies import Policies, substitutes
from medhavi.planners.promising.supply_search.shipment_origins import ShipmentOrigins
from medhavi.providers import Providers
from medhavi.providers.material.supply_orders import planned_orders

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Mapping

    from medhavi.planners.promising.supply_search.availability import Bought
    from medhavi.planners.promising.supply_search.campaign_capacity import Campaigns
    from medhavi.providers.capacity.resource_ledger import BusyInterval
    from medhavi.providers.material.line import LineChange
    from medhavi.providers.material.material import Node
    from medhavi.providers.material.supply_orders import PlannedOrders
    from medhavi.providers.table_rows import Row
    from medhavi.results.promises.promise import PlannedHold, Promise
    from medhavi.snapshot import Snapshot

    Freed = tuple[str, BusyInterval | None, int, float]
    """Resource and block, or a lane with its departure [s] and kg."""


NOTHING: Mapping[str, Any] = MappingProxyType({})


class PreemptedPromise(NamedTuple):
    """A line that gave way to the promise of a more important one.

    Parameters
    ----------
    token
        Of what the book accepted for it instead.
    before
        What the book had accepted for it.
    until
        The last token that was given when all this was accepted.
    """

    demand: str
    token: int
    before: tuple[Undo, ...]
    until: int


class Undo(NamedTuple):
    """What accepting a promise took; `give_back` releases it.

    Parameters
    ----------
    token
        Which acceptance it is, counted up by the book.
    cells, date, qty
        The line as a row of `demands`, the date [s] and the quantity it was promised.
    replaced
        What the same demand had before.
    moved
        Less important lines that gave way.
    stands_for
        Tokens of the acceptances that it took the place of when its line gave way.
    """

    demand: str
    holds: tuple[PlannedHold, ...]
    shifts: tuple[LineChange, ...]
    bought: tuple[Bought, ...]
    freed: tuple[Freed, ...] = ()
    token: int = 0
    cells: Mapping[str, Any] = NOTHING
    date: int | None = None
    qty: float | None = None
    replaced: tuple[Undo, ...] = ()
    moved: tuple[PreemptedPromise, ...] = ()
    stands_for: frozenset[int] = frozenset()

    def all_moved(self) -> tuple[PreemptedPromise, ...]:
        """Lines that gave way to it and to what it replaced, in order."""
        earlier = [one for undo in self.replaced for one in undo.all_moved()]
        return (*earlier, *self.moved)


class PromiseLedger:
    """Master data and ledgers of one snapshot.

    Parameters
    ----------
    snapshot
        Planning tables without errors.

    Attributes
    ----------
    accepted
        Promises of this book by demand, in the order of acceptance.
    now, horizon_end
        Now of every quote, and the end of the horizon [s].
    counted_on
        Planned orders that count as supply; None: none does (rule 30).
    reread
        Snapshot and providers of tables that a remedy changed, by its rows: the next
        quote often tries the same one. They hold nothing of what is promised.
    """

    counted_on: tuple[str, ...] | None = None

    def __init__(self, snapshot: Snapshot, stages: AvailabilityCheck) -> None:
        self.snapshot = snapshot
        self.now = int(snapshot.as_of)
        self.horizon_end = snapshot.settings.horizon_end
        self.stages = stages
        self.providers = stages.providers
        self.policies = Policies(snapshot)
        self.reach = ShipmentOrigins(self.providers)
        self.costs = OptionCosts(stages)
        self.times = stages.times
        self.accepted: dict[str, list[Undo]] = {}
        self.reread: dict[str, tuple[Snapshot, Providers]] = {}
        self._count = 0
        self._waiting: list[PreemptedPromise] = []
        self.substitutes = substitutes(snapshot)

    @classmethod
    def from_snapshot(cls, snapshot: Snapshot) -> Self:
        """Open a book on a snapshot.

        Raises
        ------
        BadData
            The snapshot has errors.
        """
        snapshot.require()
        obeyed = with_disruptions(snapshot)
        return cls(snapshot, AvailabilityCheck(Providers(obeyed, learned_yields=True)))

    @cached_property
    def named(self) -> set[str]:
        """Ids of demands: those of the tables, and those that were added since."""
        found = set(self.snapshot["demands"]["demand"])
        return found.union(self.snapshot["reservations"]["demand"].drop_nulls())

    def on(
        self,
        snapshot: Snapshot,
        *,
        stages: AvailabilityCheck | None = None,
        policies: Policies | None = None,
        reach: ShipmentOrigins | None = None,
        substitutes: dict[str, list[Row]] | None = None,
    ) -> PromiseLedger:
        """Promise ledger of a snapshot of which few rows differ, to ask it and no more.

        It shares the ledgers and what is accepted; nothing may be accepted on it.
        Which lanes a product has is as before.

        Parameters
        ----------
        stages, policies, reach, substitutes
            Those of the other snapshot, where they are not the same.
        """
        used = stages or self.stages
        made: PromiseLedger = copy(self)
        made.snapshot = snapshot
        made.reread = {}
        made.now = int(snapshot.as_of)
        made.horizon_end = snapshot.settings.horizon_end
        made.stages = used
        made.providers = used.providers
        made.times = used.times
        made.policies = policies or self.policies
        made.reach = reach or self.reach
        made.substitutes = self.substitutes if substitutes is None else substitutes
        made.__dict__.pop("terms_by_key", None)
        return made

    @cached_property
    def locked_orders(self) -> frozenset[str]:
        """Work orders that nothing may move: locked, or a step of them, or begun."""
        rows = self.providers.tables["supply_orders"]
        capacity = self.providers.capacity
        cells = (rows.column(name) for name in ("supply_order", "locked", "status"))
        return frozenset(
            order
            for order, locked, status in zip(*cells, strict=True)
            if locked or status == "in_process" or capacity.has_locked_step(order)
        )

    @cached_property
    def terms_by_key(self) -> Mapping[tuple[str, str, str], list[int]]:
        """Row numbers of `supply_terms` by supplier, product and location."""
        terms = self.snapshot["supply_terms"]
        found: dict[tuple[str, str, str], list[int]] = {}
        cells = (terms[name] for name in ("supplier", "product", "location"))
        for number, key in enumerate(zip(*cells, strict=True)):
            found.setdefault(key, []).append(number)
        return found

    @cached_property
    def planned_orders(self) -> PlannedOrders:
        """Orders that a plan proposes; no ledger has them."""
        return planned_orders(self.snapshot)

    @cached_property
    def campaigns(self) -> Campaigns | None:
        """Rules of campaigns; None: there are none."""
        return campaigns_of(self.providers)

    # --------------------------------------------------------------------- changes
    def take(self, promise: Promise) -> Undo:
        """Take the holds of a promise; those of the same demand before go back.

        Lines that give way to it are moved to what the promise says they get.

        Raises
        ------
        UsageError
            The promise is a rejection.
        """
        if not promise.holds and not promise.deliveries:
            message = (
                f"Request {promise.request} is rejected; there is nothing to apply."
            )
            raise UsageError(message)
        last = self._count
        replaced = self._put_aside(str(promise.demand.get("demand", "")))
        befores = [self._put_aside(one.demand) for one in promise.preempted]
        try:
            return self._taken(promise, replaced, befores)
        except BaseException:
            # All or nothing (CORE-06): what was put aside stands again.
            for undos in list(self.accepted.values()):
                for one in [undo for undo in undos if undo.token > last]:
                    self._drop(one)
            for undo in (*replaced, *(one for before in befores for one in before)):
                self.take_again(undo)
            raise

    def _taken(
        self,
        promise: Promise,
        replaced: tuple[Undo, ...],
        befores: list[tuple[Undo, ...]],
    ) -> Undo:
        made = self._undo_of(promise, replaced, self._count + 1)
        self._count += 1
        moved = []
        for one, before in zip(promise.preempted, befores, strict=True):
            old = {undo.token for undo in before}
            old |= {token for undo in before for token in undo.stands_for}
            new = self._undo_of(one.promise)._replace(
                # What had given way to the line gives way to it still.
                moved=tuple(entry for undo in before for entry in undo.all_moved()),
                stands_for=frozenset(old),
            )
            taken = self.take_again(new)
            moved.append(PreemptedPromise(one.demand, taken.token, before, 0))
        if moved:
            told = tuple(entry._replace(until=self._count) for entry in moved)
            made = made._replace(moved=told)
        return self.take_again(made)

    def _undo_of(
        self, promise: Promise, replaced: tuple[Undo, ...] = (), token: int = 0
    ) -> Undo:
        return Undo(
            demand=str(promise.demand.get("demand", "")),
            holds=promise.holds,
            shifts=(),
            bought=tuple(self.stages.order(one) for one in promise.purchases),
            token=token,
            cells=promise.demand,
            date=promise.date,
            qty=promise.qty,
            replaced=replaced,
        )

    def take_again(self, undo: Undo) -> Undo:
        """Take the holds of a promise that was accepted before, or elsewhere."""
        mark = self.stages.material.mark()
        begun = self.stages.mark()
        try:
            # What the tables say the demand has is replaced by the promise (rule 29).
            freed = _held_by(self.stages, undo.demand)
            self.stages.free(undo.demand)
            take_holds(self.stages, undo.holds, undo.cells)
            self.stages.buy_again(undo.bought)
        except BaseException:
            self.stages.undo(begun)
            raise
        shifts = self.stages.material.since(mark)
        if not undo.token:
            self._count += 1
            undo = undo._replace(token=self._count)
        again = undo._replace(shifts=shifts, freed=freed)
        self.accepted.setdefault(undo.demand, []).append(again)
        self.stages.settle()
        return again

    def give_back(self, undo: Undo) -> None:
        """Release what a promise took; once.

        Lines that gave way to it get back what they had, as soon as nothing that was
        accepted since can be in the way.

        Raises
        ------
        UsageError
            It was given back before.
        """
        found = self._find(undo)
        if found is None:
            message = f"The promise for {undo.demand} was given back before."
            raise UsageError(message)
        self._drop(found)
        self._waiting += found.all_moved()
        self._move_back()

    def go_back(self, tokens: frozenset[int]) -> None:
        """Undo all that was accepted since the book had accepted these tokens."""
        self._go_back(lambda one: one.token not in tokens)

    def go_back_to(self, token: int) -> None:
        """Undo all that was accepted since a token was the last.

        Nothing may have been given back in between but by going back.
        """
        self._go_back(lambda one: one.token > token)

    def _go_back(self, is_new: Callable[[Undo], bool]) -> None:
        """Undo what is new; the latest first, so each finds the book as it left it."""
        while True:
            known = [one for undos in self.accepted.values() for one in undos]
            new = [one for one in known if is_new(one)]
            owned = {entry.token for one in new for entry in one.moved}
            own = [one for one in new if one.token not in owned]
            if not own:
                return
            last = max(own, key=lambda one: one.token)
            self._drop(last)
            self._swap([(entry, self._holding(entry)) for entry in last.moved])
            for one in last.replaced:
                self.take_again(one)

    def accepted_holds(self, demand: str) -> Iterator[PlannedHold]:
        """Walk over the holds that are accepted for a demand."""
        for undo in self.accepted.get(demand, ()):
            yield from undo.holds

    @property
    def tokens(self) -> frozenset[int]:
        """What is accepted now, for `go_back`."""
        return frozenset(one.token for undos in self.accepted.values() for one in undos)

    @property
    def last_token(self) -> int:
        """The last token that was given, for `go_back_to`."""
        return self._count

    def bind(self) -> None:
        """Make all accepted promises independent: what gave way stays moved."""
        self._waiting.clear()
        for undos in self.accepted.values():
            undos[:] = [one._replace(replaced=(), moved=()) for one in undos]

    def _find(self, undo: Undo) -> Undo | None:
        """Find what is accepted for an acceptance now, its line moved or not."""
        for one in self.accepted.get(undo.demand, ()):
            if undo.token == one.token or undo.token in one.stands_for:
                return one
        return None

    def _holding(self, entry: PreemptedPromise) -> Undo | None:
        """Find what was accepted for a line that gave way, if it is still there."""
        known = self.accepted.get(entry.demand, ())
        return next((one for one in known if one.token == entry.token), None)

    def _drop(self, undo: Undo) -> None:
        """Release what an acceptance holds: all of it, or nothing on a failure."""
        mark = self.stages.mark()
        try:
            self._back(undo)
        except BaseException:
            self.stages.undo(mark)
            raise
        known = self.accepted[undo.demand]
        self.accepted[undo.demand] = [one for one in known if one is not undo]
        if not self.accepted[undo.demand]:
            del self.accepted[undo.demand]
        self.stages.settle()

    def _put_aside(self, demand: str) -> tuple[Undo, ...]:
        """Release what a demand has, to take something else."""
        undos = tuple(self.accepted.get(demand, ()))
        for undo in undos:
            self._drop(undo)
        return undos

    def _move_back(self) -> None:
        """Restore the holds of lines that gave way, the last one first."""
        while self._waiting:
            last = max(self.tokens, default=0)
            ready = [one for one in self._waiting if last <= one.until]
            if not ready:
                return
            self._waiting = [one for one in self._waiting if last > one.until]
            self._swap([(one, self._holding(one)) for one in ready])

    def _swap(self, entries: list[tuple[PreemptedPromise, Undo | None]]) -> None:
        """Take what lines had before in place of what they got instead."""
        there = [(entry, now) for entry, now in entries if now is not None]
        for _, now in there:
            self._drop(now)
        for entry, _ in reversed(there):
            for undo in entry.before:
                self.take_again(undo)

    def free_own(self, demand: str) -> None:
        """Demand what it has, for one quote (rule 29); the journal undoes it."""
        for undo in self.accepted.get(demand, ()):
            self._back(undo)
        self.stages.free(demand)

    def _back(self, undo: Undo) -> None:
        give_back(self.stages, undo.holds, undo.shifts)
        _hold_again(self.stages, undo.freed)
        self.stages.give_up(undo.bought)


MOST_NAMED = 5
"""Differences that are named of each kind."""


def built_nodes(book: PromiseLedger) -> tuple[Node, ...]:
    """Products at places whose line a book has built; no other line was changed."""
    return tuple(book.stages.material.state())


def differences(book: PromiseLedger, other: PromiseLedger) -> tuple[str, ...]:
    """Names of what two books of the same commitments hold differently; empty: nothing.

    Both books are asked and not changed; nobody else may use them meanwhile.
    """
    nodes = sorted({*built_nodes(book), *built_nodes(other)})
    one, two = book.stages, other.stages
    pairs: tuple[tuple[str, Mapping[Any, object], Mapping[Any, object]], ...] = (
        ("material", one.material.state(nodes), two.material.state(nodes)),
        (
            "resource",
            one.capacity.occupancy.state(),
            two.capacity.occupancy.state(),
        ),
        ("lane", one.transport.loads.state(), two.transport.loads.state()),
    )
    return tuple(
        f"{kind} {name}"
        for kind, first, second in pairs
        for name in _unequal(first, second)
    )


def _unequal(first: Mapping[Any, object], second: Mapping[Any, object]) -> list[str]:
    names = sorted(
        (key if isinstance(key, str) else " at ".join(key))
        for key in first.keys() | second.keys()
        if first.get(key) != second.get(key)
    )
    if len(names) > MOST_NAMED:
        return [*names[:MOST_NAMED], f"and {len(names) - MOST_NAMED} more"]
    return names


def _held_by(stages: AvailabilityCheck, demand: str) -> tuple[Freed, ...]:
    """Resources and lanes that the tables hold for a demand."""
    holds, occupancy = stages.providers.reservations, stages.capacity.occupancy
    names = sorted({hold.subject for hold in holds.of_owner(demand, "capacity")})
    found: list[Freed] = [
        (name, block, 0, 0.0)
        for name in names
        for block in occupancy.owned(name, demand)
    ]
    carried = holds.of_owner(demand, "transport")
    found += [(hold.subject, None, hold.start, hold.qty) for hold in carried]
    return tuple(found)


def _hold_again(stages: AvailabilityCheck, freed: Iterable[Freed]) -> None:
    """Bind again what was given back of resources and lanes."""
    for subject, block, departure, weight in freed:
        if block is None:
            stages.hold_lane(subject, departure, weight)
        else:
            stages.capacity.occupancy.hold(subject, block)
