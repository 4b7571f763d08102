"""Can a promise of a small town be kept? Its holds and its trace against plain data."""

from __future__ import annotations

import datetime as dt
import itertools
from typing import TYPE_CHECKING

from medhavi.units import to_seconds
from tests.factories import AS_OF
from tests.planners.every_way import NEVER, matched

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping

    from medhavi.results.promises.promise import PlannedHold, Promise
    from tests.planners.small_towns import Lane, Town

NOW = to_seconds(AS_OF)


def hours(seconds: int) -> float:
    """Hours from now to an instant."""
    return (seconds - NOW) / 3600


def told(text: object) -> float:
    """Hours from now to an instant of a trace."""
    return (dt.datetime.fromisoformat(str(text)) - AS_OF) / dt.timedelta(hours=1)


def broken(town: Town, promises: Iterable[Promise]) -> list[str]:
    """What cannot be kept of promises that are accepted together."""
    made = [one for one in promises if one.deliveries]
    holds = [hold for one in made for hold in one.holds]
    found = [*_worked(town, holds), *_carried(town, holds), *_taken(town, made)]
    found += _bought(town, made)
    for one in made:
        found += _in_order(town, one)
        found += _delivered(town, one)
    return found


def _delivered(town: Town, made: Promise) -> Iterator[str]:
    whole = sum(one.qty for one in made.deliveries)
    if made.status == "partial":
        if whole >= made.demand["qty"]:
            yield "a part is the whole"
    elif whole != made.demand["qty"]:
        yield f"{whole:g} is not what was asked for"
    if made.date != max(one.date for one in made.deliveries):
        yield "the date is not that of the last delivery"
    if town.full_line and len({one.date for one in made.deliveries}) > 1:
        yield "a full line comes in several deliveries"


# ------------------------------------------------------------------------- resources
def _worked(town: Town, holds: list[PlannedHold]) -> Iterator[str]:
    """A resource does one thing at a time, and works where it is open."""
    for name in town.shifts:
        spans: list[tuple[float, float]] = [
            one[1:] for one in town.busy if one[0] == name
        ]
        spans += [
            (hours(one.start), hours(one.finish))
            for one in holds
            if (one.kind, one.subject) == ("capacity", name)
        ]
        spans.sort()
        for (_, end), (begin, _) in itertools.pairwise(spans):
            if begin < end:
                yield f"{name} does two things at {begin:g}"


def _steps(town: Town, made: Promise) -> Iterator[tuple[Mapping[str, object], ...]]:
    """Each make entry of the trace with its capacity entries."""
    entries = list(made.trace)
    for place, entry in enumerate(entries):
        if entry.get("stage") == "routing":
            after = []
            for step in entries[place + 1 :]:
                if step.get("stage") != "capacity":
                    break
                after.append(step)
            if after or not _again(entries[:place], entry):
                yield (entry, *after)


def _again(before: list[Mapping[str, object]], entry: Mapping[str, object]) -> bool:
    """Whether an earlier shipment brought a part of the same order."""
    keys = ("way", "start", "finish")
    return any([one.get(k) for k in keys] == [entry[k] for k in keys] for one in before)


def _in_order(town: Town, made: Promise) -> Iterator[str]:
    """Nothing is used before it is there; steps take their time, one after another."""
    routings = {f"make:{one.name}": one for one in town.routings}
    for entry in made.trace:
        if "used" in entry and told(entry["used"]) < told(entry["finish"]):
            yield f"{entry['way']} is used before it is there"
        if "start" in entry and told(entry["start"]) < 0:
            yield f"{entry} begins before now"
    for order, *steps in _steps(town, made):
        routing = routings[str(order["way"])]
        before = told(order["start"])
        if len(steps) != len(routing.steps):
            yield f"{order['way']} has not all of its steps"
            continue
        size = max(float(str(order["qty"])), routing.min_lot)
        for step, entry in zip(routing.steps, steps, strict=True):
            start, finish = told(entry["start"]), told(entry["finish"])
            if start < before:
                yield f"{order['way']} begins a step before the one before ends"
            name = " ".join(entry["resources"])  # type: ignore[arg-type]
            open_hours = [
                town.is_open(name, hour) for hour in range(int(start), int(finish))
            ]
            if name not in step.choices:
                yield f"{order['way']} works on {name}"
            if sum(open_hours) < step.setup + step.run * size:
                yield f"{order['way']} takes less time than it needs"
            if not step.splittable and not all(open_hours):
                yield f"{order['way']} pauses"
            before = finish
        if told(order["finish"]) < before:
            yield f"{order['way']} is there before its last step ends"


# ------------------------------------------------------------------------- transport
def _carried(town: Town, holds: list[PlannedHold]) -> Iterator[str]:
    loads: dict[tuple[str, float], float] = {}
    lanes = {one.name: one for one in town.lanes}
    for one in holds:
        if one.kind != "transport":
            continue
        lane, departure = lanes[one.subject], hours(one.start)
        if hours(one.finish) != departure + lane.hours:
            yield f"{one.subject} is not {lane.hours} h under way"
        if lane.leaves and not _leaves(lane, departure):
            yield f"{one.subject} does not leave at {departure:g}"
        key = (one.subject, departure)
        loads[key] = loads.get(key, 0) + one.qty
    for (name, departure), load in loads.items():
        most = lanes[name].most
        if lanes[name].leaves and most is not None and load > most:
            yield f"{name} carries {load:g} at {departure:g}"


def _leaves(lane: Lane, departure: float) -> bool:
    day, hour = divmod(departure, 24)
    return (int(day) % 7, hour) in lane.leaves


# -------------------------------------------------------------------------- material
def _taken(town: Town, made: list[Promise]) -> Iterator[str]:
    """Every piece that is taken has a piece that is there and lives long enough."""
    nodes = {
        (one.subject, one.location or "")
        for promise in made
        for one in promise.holds
        if one.kind == "material"
    }
    for node in sorted(nodes):
        lots = [
            (0, NEVER if one[3] is None else one[3], one[2])
            for one in town.stock
            if one[:2] == node
        ]
        lots += [(one[3], NEVER, one[2]) for one in town.inbound if one[:2] == node]
        takers = [(one[3], one[3], one[2]) for one in town.held if one[:2] == node]
        gone = [
            (hours(one.start), _until(town, promise, one), round(one.qty))
            for promise in made
            for one in promise.holds
            if one.kind == "material" and (one.subject, one.location) == node
        ]
        whole = [(int(a), int(b), c) for a, b, c in [*takers, *gone]]
        if not matched(lots, whole):
            yield f"{node} is taken and not there"
        first = min(one[0] for one in gone)
        level = town.safety.get(node, 0)
        moments = {first, *(one[0] for one in [*lots, *whole] if one[0] >= first)}
        for moment in moments if level else ():
            there = sum(one[2] for one in lots if one[0] <= moment)
            left = there - sum(one[2] for one in whole if one[0] <= moment)
            if left < level:
                yield f"the safety stock of {node} is used at {moment:g}"


def _until(town: Town, made: Promise, hold: PlannedHold) -> float:
    """Until when goods must live: their arrival and the days asked for."""
    if hold.subject != "F":
        return hours(hold.start)
    arrivals = [
        hours(one.date) for one in made.deliveries if one.origin == hold.location
    ]
    first = min((one for one in arrivals if one >= hours(hold.start)), default=NEVER)
    return first + town.shelf_days * 24


# ------------------------------------------------------------------------- suppliers
def _bought(town: Town, made: list[Promise]) -> Iterator[str]:
    offers = {(one.supplier, one.product, one.place): one for one in town.offers}
    received: dict[tuple[str, str, str], list[tuple[float, int]]] = {}
    for promise in made:
        for one in promise.purchases:
            key = (one.supplier, one.product, one.location)
            offer = offers[key]
            if hours(one.usable) < offer.days * 24:
                yield f"{one.supplier} is faster than its word"
            if one.steps < offer.least or (
                offer.multiple and one.steps % offer.multiple
            ):
                yield f"{one.supplier} does not sell {one.steps}"
            received.setdefault(key, []).append((hours(one.usable), one.steps))
    for key, entries in received.items():
        for start, finish, most in offers[key].windows:
            there = sum(steps for hour, steps in entries if start <= hour < finish)
            if there > most:
                yield f"{key[0]} delivers {there} of {most}"
