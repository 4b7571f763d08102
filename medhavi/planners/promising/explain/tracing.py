"""Trace of an answer: options, reservations, campaigns and work orders it rests on.

The room of a promise keeps what can be said of one order (see `campaign_room`). Which
orders that nobody has made yet will stand beside it is the plan's: who confirms a date
on such a resource is told the rule, and whether the work alone is below the least run.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from medhavi.providers.lead_times import reached_yield
from medhavi.results.limiter import Limiter
from medhavi.results.promises.promise import iso
from medhavi.units import DAY, HOUR, from_steps

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from medhavi.planners.campaigns.campaign_rules import CampaignRule
    from medhavi.planners.promising.options.quest import Offered, Quest
    from medhavi.planners.promising.supply_search.pieces import Piece, Use
    from medhavi.providers.lead_times import Quantiles

    Entry = Mapping[str, object]
    Load = tuple[str, int]
    """Resource and start of a UTC day [s]."""


def campaign_notes(quote: Quest, chosen: Offered) -> Iterator[Mapping[str, object]]:
    """Name the campaign rules that the work of an option falls under, once each."""
    campaigns = quote.book.campaigns
    if campaigns is None:
        return
    told: set[str] = set()
    for piece in chosen.times.evaluation.pieces():
        good = piece.steps + piece.surplus
        qty = from_steps(good, quote.book.stages.step(piece.product))
        for window in () if piece.timing is None else piece.timing.steps:
            for resource, _ in window.resources:
                rule = campaigns.rules.of(resource, window.family, piece.product)
                if rule is not None and rule.name not in told:
                    told.add(rule.name)
                    yield _note(rule, qty)


def _note(rule: CampaignRule, qty: float) -> Mapping[str, object]:
    return {
        "stage": "capacity",
        "resource": rule.resource,
        "family": rule.family,
        "order_qty": qty,
        "below_least_run": rule.too_short(qty),
        "note": "the plan may join it to a campaign; the date may move with that",
    }


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


def trace_of(quote: Quest, chosen: Offered | None) -> tuple[Mapping[str, object], ...]:
    """Chain stage by stage (ATP-02), then the effort.

    Every entry names its stage; times are ISO text.
    """
    entries: list[Mapping[str, object]] = []
    if chosen is not None:
        for shipment in chosen.times.evaluation.shipments:
            for use in shipment.uses:
                entries += _piece(quote, use, 0)
            if shipment.itinerary is not None:
                entries += [
                    {
                        "stage": "transport",
                        "lane": leg.lane,
                        "origin": leg.origin,
                        "destination": leg.destination,
                        "start": iso(leg.departure),
                        "finish": iso(leg.arrival),
                    }
                    for leg in shipment.itinerary.legs
                ]
        entries += work_notes(quote, chosen)
        entries += campaign_notes(quote, chosen)
    entries += [
        {"stage": "material", "supply_order": name, "note": "counted though planned"}
        for name in quote.book.counted_on or ()
    ]
    entries.append(
        {
            "stage": "search",
            "evaluations": quote.evaluations,
            "budget": quote.policy.search_budget_evaluations,
            "policy": quote.policy.policy,
            "mode": "heuristic" if quote.cut else "search",
        }
    )
    if quote.cut:
        entries.append({"stage": "search", "note": "SearchTimeout"})
    return tuple(entries)


def _piece(quote: Quest, use: Use, level: int) -> list[Mapping[str, object]]:
    """What goes in before the piece itself: the order of the stages."""
    piece = use.piece
    entries: list[Mapping[str, object]] = []
    if piece.again:
        return [_entry(quote, piece, use.instant, level)]
    for inner in piece.uses:
        entries += _piece(quote, inner, level + 1)
    entries.append(_entry(quote, piece, use.instant, level))
    if piece.kind == "make" and piece.timing is not None:
        entries += [
            {
                "stage": "capacity",
                "routing": piece.name.partition(":")[2],
                "step": window.step,
                "resources": [name for name, _ in window.resources],
                "start": iso(window.start),
                "finish": iso(window.finish),
                "level": level,
            }
            for window in piece.timing.steps
        ]
    return entries


def _entry(quote: Quest, piece: Piece, used: int, level: int) -> Mapping[str, object]:
    stage = {"make": "routing", "move": "transport"}.get(piece.kind, "material")
    incoterm = None if piece.source is None else piece.source.incoterm
    return {
        "stage": stage,
        "way": piece.name,
        "product": piece.product,
        "location": piece.location,
        "qty": from_steps(piece.steps, quote.book.stages.step(piece.product)),
        "start": iso(piece.begin),
        "finish": iso(piece.ready),
        "used": iso(used),
        "level": level,
        **({} if incoterm is None else {"incoterm": incoterm}),
    }
