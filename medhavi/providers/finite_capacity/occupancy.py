"""Occupancy: what all resources have to do, with a journal that undoes exactly.

A work order holds the windows of the steps that remain, as `Capacity.existing` dates
them; for a promise one that is overdue is taken to end one day after now (rule 30). A
hold on a resource counts its minutes from its start on, in open time: a hold that was
reduced gives back the end of its window. Minutes that fill the whole window, closed
time included, or more than the resource has in it, keep it from start to end.
"""

from __future__ import annotations

import math
from copy import copy
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final, NamedTuple

import polars as pl

from medhavi.providers.capacity.resource_ledger import (
    MILLION,
    BusyInterval,
    ledger,
    millionths,
)
from medhavi.providers.finite_capacity.bucket_ledger import BucketLedger
from medhavi.providers.sources import StepWindow
from medhavi.results.figures.order_costs import overtime_premium
from medhavi.results.plans.lateness import BEGUN
from medhavi.units import DAY, MINUTE, exact, seconds_up

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence

    from medhavi.providers.capacity.capacity import Capacity
    from medhavi.providers.capacity.resource_ledger import ResourceLedger
    from medhavi.providers.product_facts import ProductFacts
    from medhavi.providers.reservations import Hold
    from medhavi.providers.sources import OrderTiming, ResourceHold
    from medhavi.providers.table_rows import Row, TableRows
    from medhavi.snapshot.calendars.working_time import WorkingTime

    Use = tuple[ResourceLedger | BucketLedger, BusyInterval]


_made = tuple.__new__
"""Makes a named tuple of all its fields."""


class CommittedWork(NamedTuple):
    """Work that stands before a plan or promise begins.

    Parameters
    ----------
    owner
        Demand, supply order or reservation that it belongs to.
    windows
        Steps that hold resources.
    holds
        What is held without a step.
    """

    owner: str
    windows: tuple[StepWindow, ...] = ()
    holds: tuple[ResourceHold, ...] = ()


class Occupancy:
    """Mutable ledger of the resources of one capacity.

    A window holds each of its resources from its start to its finish, pauses over
    closed time included: nothing else comes in between, because work pauses over closed
    time only and never over other orders (rule 33). Infinite resources are not kept.
    Bucket resources count the hours of the working stretches.

    Parameters
    ----------
    capacity
        Resources and what they offer.
    commitments
        Work that stands. It is held even where it is more than there is: what exists
        is not refused, but nothing else fits there.
    """

    def __init__(
        self, capacity: Capacity, commitments: Iterable[CommittedWork] = ()
    ) -> None:
        self._capacity = capacity
        self._ledgers: dict[str, ResourceLedger | BucketLedger | None] = {}
        self.journal: list[
            tuple[ResourceLedger | BucketLedger, BusyInterval, bool]
        ] = []
        """What was held and given back, kept from the first mark on."""
        self._marked = False
        self._needs: dict[
            tuple[str, float], tuple[ResourceLedger | BucketLedger | None, int, bool]
        ] = {}
        self._committed: dict[str, list[Use]] = {}
        for commitment in commitments:
            mark = self.mark()
            self.occupy(commitment.windows, commitment.owner, commitment.holds)
            self._committed.setdefault(commitment.owner, []).extend(
                (book, block) for book, block, _ in self.journal[mark:]
            )
        # What stands from the first is never undone.
        self.journal.clear()
        self._marked = False

    def on(self, capacity: Capacity, resource: str) -> Occupancy:
        """What is held where one resource offers more; this stays as it is.

        The ledgers of all other resources are shared.
        """
        old = self.ledger(resource)
        ledgers = {k: one for k, one in self._ledgers.items() if k != resource}
        made: Occupancy = copy(self)
        made._capacity = capacity
        made.journal = []
        made._marked = False
        made._ledgers = ledgers
        made._needs = {}
        new = made.ledger(resource)
        if old is None or new is None:
            return made
        for block in old.blocks:
            new.add(block)
        committed = dict(self._committed)
        for owner in {block.owner for block in old.blocks} & committed.keys():
            uses = committed[owner]
            committed[owner] = [
                (new if book is old else book, block) for book, block in uses
            ]
        made._committed = committed
        return made

    # -------------------------------------------------------------------- questions
    def ledger(self, resource: str) -> ResourceLedger | BucketLedger | None:
        """Ledger of a resource; `None`: it is no limit.

        Raises
        ------
        KeyError
            No such resource.
        """
        try:
            return self._ledgers[resource]
        except KeyError:
            clock = self._capacity.resource(resource)
            made: ResourceLedger | BucketLedger | None = None
            if clock.finite:
                made = ledger(clock) if clock.bucket is None else BucketLedger(clock)
            self._ledgers[resource] = made
            return made

    def busy(self, resource: str) -> tuple[tuple[int, int, float, str], ...]:
        """List `(start, finish, units, owner)` of what a resource holds, by start."""
        book = self.ledger(resource)
        blocks = () if book is None else book.blocks
        return tuple((b.start, b.finish, b.units / MILLION, b.owner) for b in blocks)

    def booked(self, resource: str, start: int, finish: int) -> float:
        """Count the unit-seconds of `[start, finish)` that are held, in open time."""
        book = self.ledger(resource)
        if book is None:
            return 0.0
        working = book.clock.working
        return sum(
            working.between(max(block.start, start), min(block.finish, finish))
            * block.units
            / MILLION
            for block in book.held(start, finish)
        )

    def state(self) -> dict[str, tuple[tuple[int, ...], ...]]:
        """All that is held, to compare two moments by `==`."""
        found: dict[str, tuple[tuple[int, ...], ...]] = {}
        for resource in sorted(self._ledgers):
            book = self._ledgers[resource]
            if book is None or not book.blocks:
                continue
            spans = tuple(
                (b.start, b.finish, b.units, b.changeover) for b in book.blocks
            )
            if isinstance(book, BucketLedger):
                found[resource] = (*spans, *sorted(book.taken.items()))
            else:
                found[resource] = (*spans, tuple(book.times), tuple(book.used))
        return found

    def owned(self, resource: str, owner: str) -> list[BusyInterval]:
        """List what a resource holds for an owner, by start."""
        book = self.ledger(resource)
        return [] if book is None else [b for b in book.blocks if b.owner == owner]

    # ---------------------------------------------------------------------- changes
    def settle(self) -> None:
        """Forget the journal: what is held stays, earlier marks are void."""
        self.journal.clear()

    def mark(self) -> int:
        """Mark to undo to; changes are noted from the first one on."""
        self._marked = True
        return len(self.journal)

    def undo(self, mark: int) -> None:
        """Take back every change since the mark, in the opposite order.

        Raises
        ------
        ValueError
            The mark is not one of this journal, or not any more.
        """
        if not (self._marked and 0 <= mark <= len(self.journal)):
            message = f"nothing is marked {mark}: {len(self.journal)} changes are kept."
            raise ValueError(message)
        while len(self.journal) > mark:
            book, block, added = self.journal.pop()
            if added:
                book.remove(block)
            else:
                book.add(block)

    def occupy(
        self,
        windows: Iterable[StepWindow],
        owner: str = "",
        holds: Sequence[ResourceHold] = (),
    ) -> None:
        """Hold the resources of windows, and what is held between them."""
        for book, block in self._uses(windows, owner, holds):
            book.add(block)
            if self._marked:
                self.journal.append((book, block, True))

    def occupy_span(
        self,
        used: tuple[str, float],
        span: tuple[int, int],
        owner: str,
        family: str | None,
        changed: int,
    ) -> None:
        """Hold a resource from start to end: `occupy` with a window of one piece.

        Parameters
        ----------
        used
            Resource and units.
        """
        start, finish = span
        if start >= finish:
            return
        book, need, sequenced = self.need(used)
        if book is None:
            return
        if sequenced:
            block = BusyInterval(start, finish, need, owner, family or "", changed)
        else:
            block = BusyInterval(start, finish, need, owner)
        book.add(block)
        if self._marked:
            self.journal.append((book, block, True))

    def hold(self, resource: str, block: BusyInterval) -> None:
        """Hold a block as it is."""
        book = self.ledger(resource)
        if book is not None:
            book.add(block)
            if self._marked:
                self.journal.append((book, block, True))

    def release(
        self,
        windows: Iterable[StepWindow],
        owner: str = "",
        holds: Sequence[ResourceHold] = (),
    ) -> None:
        """Release what `occupy` took for the same arguments.

        Raises
        ------
        ValueError
            It is not held.
        """
        for book, block in self._uses(windows, owner, holds):
            book.remove(block)
            if self._marked:
                self.journal.append((book, block, False))

    def release_owner(self, owner: str) -> None:
        """Release the commitments of an owner that still stand (rule 29)."""
        for book, block in self._committed.get(owner, ()):
            # Some of it may have been released already.
            if block in book.held(block.start, block.finish):
                book.remove(block)
                if self._marked:
                    self.journal.append((book, block, False))

    def need(
        self, used: tuple[str, float]
    ) -> tuple[ResourceLedger | BucketLedger | None, int, bool]:
        """Ledger of a resource, the need of units there, and the sequence.

        That is whether families follow each other; without a ledger it is no limit.
        """
        known = self._needs.get(used)
        if known is not None:
            return known
        resource, units = used
        book = self.ledger(resource)
        # Families follow each other on a single unit, or where a matrix says so.
        sequenced = (
            book is not None
            and not isinstance(book, BucketLedger)
            and (book.clock.matrix is not None or book.most == MILLION)
        )
        made = self._needs[used] = book, millionths(units), sequenced
        return made

    def _uses(
        self, windows: Iterable[StepWindow], owner: str, holds: Sequence[ResourceHold]
    ) -> list[Use]:
        found: list[Use] = []
        for window in windows:
            start, finish = window.start, window.finish
            for used in window.resources if start < finish else ():
                book, need, sequenced = self.need(used)
                if book is None:
                    continue
                if isinstance(book, BucketLedger):
                    found += [
                        (book, BusyInterval(begin, end, need, owner))
                        for begin, end in window.segments
                    ]
                elif sequenced:
                    family, changed = window.family or "", window.changeover_seconds
                    cells = start, finish, need, owner, family, changed
                    found.append((book, _made(BusyInterval, cells)))
                else:
                    cells = start, finish, need, owner, "", 0
                    found.append((book, _made(BusyInterval, cells)))
        for resource, units, start, finish, changeover in holds:
            book = self.ledger(resource)
            if book is None or start >= finish or isinstance(book, BucketLedger):
                continue
            need = millionths(units)
            found.append(
                (book, BusyInterval(start, finish, need, owner, "", changeover))
            )
        return found


def commitment(owner: str, timing: OrderTiming) -> CommittedWork:
    """Commitment of an order that exists."""
    return CommittedWork(owner, timing.steps, timing.holds)


FIRMED: Final = "firmed"


def existing_work(
    tables: Mapping[str, TableRows],
    capacity: Capacity,
    facts: ProductFacts,
    as_of: int,
    *,
    firmed: bool = True,
    only: Iterable[Row] | None = None,
) -> Iterator[CommittedWork]:
    """Walk over the work orders that hold resources, by row.

    Parameters
    ----------
    tables
        `supply_orders`, `routings`.
    capacity, facts
        Routings in time, steps of the products.
    as_of
        Now [s].
    firmed
        Whether firmed orders that are not locked count too: they do for a promise. A
        constrained plan may move them (rule 3), and shows an overdue order on its
        dates, so that it holds what it is shown to hold.
    only
        Rows of `supply_orders` that are looked at; by default all of the table.
    """
    products = dict(
        zip(
            tables["routings"].column("routing"),
            tables["routings"].column("product"),
            strict=True,
        )
    )
    for row in tables["supply_orders"] if only is None else only:
        product = products.get(row["source"])
        if row["kind"] != "work" or product is None:
            continue
        standing = row["status"] in BEGUN
        if row["status"] == FIRMED:
            locked = row["locked"] or capacity.has_locked_step(row["supply_order"])
            standing = firmed or locked
        if not standing:
            continue
        step = facts.step(product)
        done = math.floor(exact(row["qty_done"] or 0.0) / step)
        rest = math.floor((exact(row["qty"]) - exact(row["qty_done"] or 0.0)) / step)
        due, start = row["due"], row["start"]
        if firmed and due < as_of:
            due, start = as_of + DAY, None
        timing = capacity.existing(
            row["supply_order"], row["source"], (max(rest, 0) + done, done), due, start
        )
        yield commitment(row["supply_order"], timing)


def held_capacity(
    holds: Collection[Hold], capacity: Capacity, own: Collection[str]
) -> Iterator[CommittedWork]:
    """Walk over the active holds on resources, but for those of some demands.

    Parameters
    ----------
    holds
        Active reservations of kind capacity.
    own
        Demands whose holds do not count (rule 29).
    """
    known = frozenset(capacity.resources)
    for hold in holds:
        if hold.demand in own or hold.subject not in known or hold.qty <= 0:
            continue
        yield CommittedWork(hold.demand or hold.reservation, (_window(hold, capacity),))


def _window(hold: Hold, capacity: Capacity) -> StepWindow:
    working = capacity.working_time(hold.subject)
    seconds = seconds_up(hold.qty, MINUTE)
    length = hold.finish - hold.start
    whole, rest = divmod(seconds, length) if length > 0 else (0, 0)
    if whole and rest <= 1:
        # Whole units from start to finish, as promises hold them: pauses included.
        # Minutes of a third of a second are no whole number: they round up by one.
        return _held(hold, working, hold.finish, whole)
    there = working.between(hold.start, hold.finish)
    # As few units as hold the minutes within open time.
    units = max(1, -(-seconds // there)) if there else 1
    finish = working.add(hold.start, -(-seconds // units)) if there else None
    clock = capacity.resource(hold.subject)
    if clock.bucket is None and seconds > clock.available(hold.start, hold.finish):
        finish = hold.finish
    end = hold.finish if finish is None else min(finish, hold.finish)
    return _held(hold, working, end, units)


def _held(hold: Hold, working: WorkingTime, end: int, units: int) -> StepWindow:
    segments = tuple(working.segments(hold.start, end)) or ((hold.start, end),)
    return StepWindow(
        step=0,
        queue_start=hold.start,
        start=hold.start,
        finish=end,
        after=end,
        segments=segments,
        resources=((hold.subject, float(units)),),
        family=hold.family,
        changeover_seconds=hold.changeover,
    )


HOURS = 60.0
DECIMALS = 9
"""The last digits of a sum of floats depend on its order, and that on threads."""


def with_occupation(
    supplies: pl.DataFrame, operations: pl.DataFrame, resources: pl.DataFrame
) -> pl.DataFrame:
    """Add the cost and emission of occupied hours to supplies.

    Parameters
    ----------
    supplies
        Columns id, cost [base currency], co2_kg [kg], and others that stay.
    operations
        Columns supply, resource, units, setup_minutes, run_minutes.
    resources
        Table `resources`: cost_per_hour, co2_kg_per_hour.

    Returns
    -------
    DataFrame
        The supplies in their order; hours count set-up and run, times units.
    """
    rated = resources.filter(
        (pl.col("cost_per_hour") > 0) | (pl.col("co2_kg_per_hour") > 0)
    )
    if rated.is_empty() or operations.is_empty():
        return supplies
    hours = (pl.col("setup_minutes") + pl.col("run_minutes")) / HOURS * pl.col("units")
    added = (
        operations.join(
            rated.select("resource", "cost_per_hour", "co2_kg_per_hour"),
            on="resource",
            maintain_order="left",
        )
        .group_by("supply", maintain_order=True)
        .agg(
            (hours * pl.col("cost_per_hour")).sum().round(DECIMALS).alias("_cost"),
            (hours * pl.col("co2_kg_per_hour")).sum().round(DECIMALS).alias("_co2"),
        )
    )
    return (
        supplies.join(
            added, left_on="id", right_on="supply", how="left", maintain_order="left"
        )
        .with_columns(
            cost=pl.col("cost") + pl.col("_cost").fill_null(0.0),
            co2_kg=pl.col("co2_kg") + pl.col("_co2").fill_null(0.0),
        )
        .drop("_cost", "_co2")
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class HourRates:
    """What an hour of a resource costs and emits.

    Parameters
    ----------
    cost
        While occupied [base currency].
    co2_kg
        While occupied.
    overtime
        What an hour of overtime costs on top of `cost` [base currency].
    """

    cost: float
    co2_kg: float
    overtime: float


def hour_rates(resources: pl.DataFrame) -> dict[str, HourRates]:
    """Rates of all resources by id.

    An hour of overtime costs overtime_cost_per_hour; where none is stated 1.5 times an
    ordinary hour, and 50 where that is free.
    """
    return {
        row["resource"]: HourRates(
            cost=row["cost_per_hour"],
            co2_kg=row["co2_kg_per_hour"],
            overtime=overtime_premium(row),
        )
        for row in resources.iter_rows(named=True)
    }
