"""What resources have to do before a plan or promise begins (rules 3, 30, 31).

A work order holds the windows of the steps that remain, dated as mode mrp dates them;
for a promise one that is overdue is taken to end one day after now (rule 30). A hold on
a resource counts its minutes from its start on, in open time: a hold that was reduced
gives back the end of its window. Minutes that fill the whole window, closed time
included, or more than the resource has in it, keep it from start to end.
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Final

from medhavi.providers.finite_capacity.occupancy import Commitment, commitment
from medhavi.providers.timing import StepWindow
from medhavi.units import DAY, MINUTE, exact, seconds_up

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Iterator, Mapping

    from medhavi.providers.capacity.capacity import Capacity
    from medhavi.providers.product_facts import ProductFacts
    from medhavi.providers.reservations.reservations import Hold
    from medhavi.providers.table_rows import Row, Rows
    from medhavi.snapshot.calendars.working_time import WorkingTime

STARTED: Final = frozenset({"released", "in_process"})
FIRMED: Final = "firmed"


def existing_work(
    tables: Mapping[str, Rows],
    capacity: Capacity,
    facts: ProductFacts,
    as_of: int,
    *,
    firmed: bool = True,
    only: Iterable[Row] | None = None,
) -> Iterator[Commitment]:
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
        standing = row["status"] in STARTED
        if row["status"] == FIRMED:
            standing = firmed or bool(row["locked"])
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
) -> Iterator[Commitment]:
    """Walk over the active holds on resources, but for those of some demands.

    Parameters
    ----------
    holds
        Active reservations of kind capacity.
    capacity
        Resources.
    own
        Demands whose holds do not count (rule 29).
    """
    known = frozenset(capacity.resources)
    for hold in holds:
        if hold.demand in own or hold.subject not in known or hold.qty <= 0:
            continue
        yield Commitment(hold.demand or hold.reservation, (_window(hold, capacity),))


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
