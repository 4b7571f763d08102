"""What a trace flags: safety stock in use, expected stops, days loaded too much."""

from __future__ import annotations

from typing import TYPE_CHECKING

from medhavi.providers.lead_times import reached_yield
from medhavi.results.limiter import Limiter
from medhavi.results.promises.promise import iso
from medhavi.units import DAY, HOUR

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from medhavi.planners.promising.options.offers import Offered
    from medhavi.planners.promising.options.quest import Quest
    from medhavi.providers.lead_times import Quantiles

    Entry = Mapping[str, object]
    Load = tuple[str, int]
    """Resource and start of a UTC day [s]."""


def work_notes(quote: Quest, chosen: Offered) -> Iterator[Entry]:
    """Entries of a chosen option; none where nothing special is known."""
    if quote.policy.buffers:
        yield from _safety_used(quote, chosen)
    for named, known in expected(quote, chosen):
        yield {
            "stage": "capacity",
            **named,
            "basis": known.basis,
            "model": known.model,
            "version": known.version,
        }
    if quote.work is not None and quote.work.infinite:
        yield from _overloads(quote, _own(chosen))


def expected(quote: Quest, chosen: Offered) -> list[tuple[Entry, Quantiles]]:
    """What models expect of the work of an option: what it is, and the estimate.

    Stops of its resources first, then durations and yields of its steps (CAP-20,
    RTG-07). Yields are those of `settings.risk_basis`.
    """
    reserves, basis = quote.book.stages.reserves, quote.policy.risk_basis
    if reserves.none and not reserves.yields:
        return []
    steps: set[tuple[str, int]] = set()
    resources: set[str] = set()
    for piece in chosen.times.evaluation.pieces():
        for window in () if piece.timing is None else piece.timing.steps:
            resources |= {name for name, _ in window.resources}
            if piece.source is not None:
                steps.add((piece.source.source, window.step))
    found: list[tuple[Entry, Quantiles]] = []
    for name in sorted(resources & reserves.stops.keys()):
        stops = reserves.stops[name]
        hours = getattr(stops, basis)
        found.append(({"resource": name, "downtime_h": hours}, stops))
    for routing, step in sorted(steps & reserves.factors.keys()):
        longer = reserves.factors[routing, step]
        told = {"routing": routing, "step": step}
        factor = getattr(longer, basis)
        found.append(({**told, "duration_factor": factor}, longer))
    usual = quote.book.snapshot.settings.risk_basis
    for routing, step in sorted(steps & reserves.yields.keys()):
        known = reserves.yields[routing, step]
        told = {"routing": routing, "step": step}
        found.append(({**told, "yield": reached_yield(known, usual)}, known))
    return found


def _safety_used(quote: Quest, chosen: Offered) -> Iterator[Entry]:
    """Name the safety stock that the option takes (`on_violation` flag)."""
    stages = quote.book.stages
    for piece in chosen.times.evaluation.pieces():
        if piece.kind != "stock":
            continue
        line = stages.line(piece.product, piece.location)
        need = piece.steps, piece.ready
        if not line.fits(*need) and line.fits(*need, buffers=True):
            yield {
                "stage": "material",
                "product": piece.product,
                "location": piece.location,
                "note": Limiter.SAFETY_VIOLATION.value,
            }


def _own(chosen: Offered) -> dict[Load, float]:
    """Count the unit-seconds of the option by resource and UTC day."""
    found: dict[Load, float] = {}
    for piece in chosen.times.evaluation.pieces():
        for window in () if piece.timing is None else piece.timing.steps:
            for start, finish in window.segments:
                for resource, units in window.resources:
                    day = start // DAY * DAY
                    while day < finish:
                        inside = min(finish, day + DAY) - max(start, day)
                        key = resource, day
                        found[key] = found.get(key, 0.0) + inside * units
                        day += DAY
    return found


def _overloads(quote: Quest, own: Mapping[Load, float]) -> Iterator[Entry]:
    """Name the days of finite resources that are loaded beyond the threshold."""
    stages = quote.book.stages
    most = 1 + quote.policy.overload_threshold
    for (resource, day), seconds in sorted(own.items()):
        clock = stages.providers.capacity.resource(resource)
        there = clock.available(day, day + DAY)
        load = seconds + stages.capacity.occupancy.booked(resource, day, day + DAY)
        if clock.finite and load > there * most:
            yield {
                "stage": "capacity",
                "resource": resource,
                "start": iso(day),
                "load_h": round(load / HOUR, 3),
                "available_h": round(there / HOUR, 3),
                "note": Limiter.CAPACITY_OVERLOAD.value,
            }
