"""Why an answer is as it is: limiters, sensitivities and the trace of its chain.

Each stage is relaxed alone (rule 36): what it asks for is there at once and takes no
time. The stage that gives the earliest date is the limiter (ties: material, capacity,
transport, policy); relaxing it for good, the next one is sought, until the date is met.
Options of the same date as the chosen one are asked as well.
The hours of the chain add up to what all of them gain together.

Each row is a quote of its own on the same book, for a request that differs in one
respect alone. Nothing is interpolated.

The room of a promise keeps what can be said of one order (see `campaign_room`). Which
orders that nobody has made yet will stand beside it is the plan's: who confirms a date
on such a resource is told the rule, and whether the work alone is below the least run.
"""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, NamedTuple

from medhavi.planners.promising.reason_texts import closed_lane, name_stage, rejected_as
from medhavi.providers.lead_times import reached_yield
from medhavi.results.limiter import Limiter
from medhavi.results.promises.promise import PromiseStatus, PromiseVariant, iso
from medhavi.units import DAY, HOUR, from_units

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping

    from medhavi.planners.campaigns.campaign_rules import CampaignRule
    from medhavi.planners.promising.option_search import Offered, OptionSearch
    from medhavi.planners.promising.promise_ledger import PromiseLedger
    from medhavi.planners.promising.supply_search.alternatives import (
        SupplyAllocation,
        Use,
    )
    from medhavi.planners.promising.supply_search.policies import Policy, Stage
    from medhavi.planners.promising.supply_search.requests import Request
    from medhavi.providers.lead_times import Quantiles
    from medhavi.results.promises.promise import Promise, PromiseReason

    Ask = Callable[[PromiseLedger, Request, Policy], Promise]
    Entry = Mapping[str, object]
    Load = tuple[str, int]
    """Resource and start of a UTC day [s]."""


STAGES: tuple[Stage, ...] = ("material", "capacity", "transport", "policy")
CAPS = frozenset(
    {Limiter.COST_CAP_EXCEEDED, Limiter.RISK_CAP_EXCEEDED, Limiter.DATA_STALE}
)
"""What closes an option whatever its date is."""


def reasons(
    search: OptionSearch, chosen: Offered | None, status: PromiseStatus
) -> tuple[PromiseReason, ...]:
    """Chain of reasons, the limiter first; none where it is on time."""
    if status is PromiseStatus.PROMISED:
        return ()
    closed = [one for one in search.offered if _closed_by_cap(search, one)]
    if chosen is None and closed:
        best = min(closed, key=lambda one: (one.times.date, one.cost.total, one.name))
        return (rejected_as(search, best),)
    behind = None if search.offered else closed_lane(search)
    if behind is not None:
        return (behind,)
    base = chosen or _best(search.offered)
    chain = _chain(search, base, status)
    if not chain:
        return (rejected_as(search, base),)
    return chain


def _closed_by_cap(search: OptionSearch, one: Offered) -> bool:
    return one.capped(search.policy).closed in CAPS


def _best(offered: list[Offered]) -> Offered | None:
    return min(offered, key=lambda one: (one.times.date, one.cost.total), default=None)


def _chain(
    search: OptionSearch, base: Offered | None, status: PromiseStatus
) -> tuple[PromiseReason, ...]:
    # A part of the quantity says nothing about the date of the whole.
    short = status is PromiseStatus.PARTIAL
    current = None if base is None or short else base.times.date
    options = (None,) if short or base is None else _as_early(search, base)
    relaxed: frozenset[Stage] = frozenset()
    chain: list[PromiseReason] = []
    while current is None or current > search.request.due:
        found: list[tuple[int, int, int]] = []
        for rank, stage in enumerate(STAGES):
            if stage in relaxed:
                continue
            without = relaxed | {stage}
            # Without the rules of the policy whatever is best is asked about, once.
            asked = options[:1] if "policy" in without else options
            for place, option in enumerate(asked):
                date = _relaxed_date(search, option, without)
                if date is not None and (current is None or date < current):
                    found.append((date, rank, place))
        if not found:
            break
        date, rank, place = min(found)
        stage = STAGES[rank]
        named = name_stage(search, stage, options[place])
        hours = 0.0 if current is None else (current - date) / HOUR
        chain.append(replace(named, hours=hours))
        relaxed |= {stage}
        current = date
    return tuple(chain)


def _as_early(search: OptionSearch, base: Offered) -> tuple[Offered, ...]:
    """Option that is asked about, and the open ones of the same date."""
    others = (
        one
        for one in search.offered
        if one is not base
        and one.times.date == base.times.date
        and one.times.evaluation.steps >= one.search.wanted.steps
        and one.capped(search.policy).closed is None
    )
    return base, *others


def _relaxed_date(
    search: OptionSearch, option: Offered | None, relaxed: frozenset[Stage]
) -> int | None:
    """Date with stages relaxed: of the option, or of whatever is best then."""
    stages: frozenset[Stage] = relaxed - {"policy"}
    if option is not None and "policy" not in relaxed:
        counted = option.search.evaluations
        found = option.search.evaluate(
            option.way, replace(option.terms, relaxed=stages)
        )
        option.search.evaluations = counted
        return None if found is None else found.date + search.buffer
    policy, request = search.policy, search.request
    if "policy" in relaxed:
        policy, request = widest(policy, request)
    other = search
    if stages or not as_wide(search, policy, request):
        other = type(search)(search.book, request, policy, stages)
        other.search()
    complete = [
        one.times.date
        for one in other.offered
        if one.times.evaluation.steps >= one.search.wanted.steps
        and (one.closed is None or "policy" in relaxed)
    ]
    return min(complete, default=None)


def widest(policy: Policy, request: Request) -> tuple[Policy, Request]:
    """Rules that permit most, and the request that asks for least."""
    wider = replace(
        policy,
        buffers=True,
        expedite=True,
        ask_supplier="always",
        supplier_fallback="accept_with_risk",
        delivery="partial",
        cost_cap=None,
        co2_cap=None,
        risk_cap=None,
        max_distance_to_bottleneck=None,
        plan_early_days=None,
        plan_late_days=None,
        delivery_buffer_h=0.0,
        least_esg=None,
    )
    return wider, replace(request, full_line=False, max_lateness_days=None)


def as_wide(search: OptionSearch, wider: Policy, request: Request) -> bool:
    """Whether a search by wider rules would find what was found already.

    The rules that differ closed nothing: nothing was withheld, no lane left out, and
    all that was missing was bought, whatever comes later.
    """
    alike = replace(
        wider,
        buffers=search.policy.buffers,
        expedite=search.policy.expedite,
        ask_supplier="on_shortfall",
    )
    return (
        (alike, request) == (search.policy, search.request)
        and not search.report.ruled
        and search.work is None
        and bool(search.offered)
        and all(one.closed is None for one in search.offered)
        and not search.leaves_lanes
    )


LEVELS = ("p50", "p80", "p95")
SHARES = (0.5, 2.0)
"""Of the quantity that is asked for."""
DUE_DAYS = (-7, 7)
"""Earlier and later due dates; none before now."""


class _Variant(NamedTuple):
    change: str
    request: Request
    policy: Policy


def sensitivity(
    search: OptionSearch, answer: Promise, ask: Ask
) -> tuple[PromiseVariant, ...]:
    """Answer the request as it could have been asked.

    Parameters
    ----------
    search
        The finished search.
    ask
        Gives the answer to a request on a book.
    """
    return tuple(
        _told(one, ask(search.book, one.request, one.policy))
        for one in _variants(search, answer)
    )


def _variants(search: OptionSearch, answer: Promise) -> Iterator[_Variant]:
    request, policy = search.request, search.policy
    if answer.date_p50 != answer.date_p95:
        for level in LEVELS:
            if level != policy.risk_basis:
                yield _Variant("risk_basis", request, replace(policy, risk_basis=level))
    step = search.book.stages.step(request.product)
    for share in SHARES:
        steps = int(request.qty * share / float(step))
        if steps > 0:
            other = request.with_cells({"qty": from_units(steps, step)})
            yield _Variant("qty", other, policy)
    for days in DUE_DAYS:
        due = request.due + days * DAY
        if due >= search.book.now:
            yield _Variant("due", request.with_cells({"due": due}), policy)


def _told(one: _Variant, promise: Promise) -> PromiseVariant:
    return PromiseVariant(
        change=one.change,
        risk_basis=one.policy.risk_basis,
        asked=one.request.qty,
        due=one.request.due,
        status=promise.status,
        qty=promise.qty,
        date=promise.date,
        on_time_prob=promise.on_time_prob,
        date_prob=promise.date_prob,
        cost=None if promise.date is None else promise.cost.total,
    )


def campaign_notes(
    search: OptionSearch, chosen: Offered
) -> Iterator[Mapping[str, object]]:
    """Name the campaign rules that the work of an option falls under, once each."""
    campaigns = search.book.campaigns
    if campaigns is None:
        return
    told: set[str] = set()
    for piece in chosen.times.evaluation.pieces():
        good = piece.steps + piece.surplus
        qty = from_units(good, search.book.stages.step(piece.product))
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


def work_notes(search: OptionSearch, chosen: Offered) -> Iterator[Entry]:
    """Entries of a chosen option; none where nothing special is known."""
    if search.policy.buffers:
        yield from _safety_used(search, chosen)
    for named, known in expected(search, chosen):
        yield {
            "stage": "capacity",
            **named,
            "basis": known.basis,
            "model": known.model,
            "version": known.version,
        }
    if search.work is not None and search.work.infinite:
        yield from _overloads(search, _own(chosen))


def expected(search: OptionSearch, chosen: Offered) -> list[tuple[Entry, Quantiles]]:
    """What models expect of the work of an option: what it is, and the estimate.

    Stops of its resources first, then durations and yields of its steps (CAP-20,
    RTG-07). Yields are those of `settings.risk_basis`.
    """
    reserves, basis = search.book.stages.reserves, search.policy.risk_basis
    if not (reserves.stops or reserves.factors or reserves.yields):
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
    usual = search.book.snapshot.settings.risk_basis
    for routing, step in sorted(steps & reserves.yields.keys()):
        known = reserves.yields[routing, step]
        told = {"routing": routing, "step": step}
        found.append(({**told, "yield": reached_yield(known, usual)}, known))
    return found


def _safety_used(search: OptionSearch, chosen: Offered) -> Iterator[Entry]:
    """Name the safety stock that the option takes (`on_violation` flag)."""
    stages = search.book.stages
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


def _overloads(search: OptionSearch, own: Mapping[Load, float]) -> Iterator[Entry]:
    """Name the days of finite resources that are loaded beyond the threshold."""
    stages = search.book.stages
    most = 1 + search.policy.overload_threshold
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


def trace_of(
    search: OptionSearch, chosen: Offered | None
) -> tuple[Mapping[str, object], ...]:
    """Chain stage by stage (ATP-02), then the effort.

    Every entry names its stage; times are ISO text.
    """
    entries: list[Mapping[str, object]] = []
    if chosen is not None:
        for shipment in chosen.times.evaluation.shipments:
            for use in shipment.uses:
                entries += _piece(search, use, 0)
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
        entries += work_notes(search, chosen)
        entries += campaign_notes(search, chosen)
    entries += [
        {"stage": "material", "supply_order": name, "note": "counted though planned"}
        for name in search.book.counted_on or ()
    ]
    entries.append(
        {
            "stage": "search",
            "evaluations": search.report.evaluations,
            "budget": search.policy.search_budget_evaluations,
            "policy": search.policy.policy,
            "mode": "heuristic" if search.report.cut else "search",
        }
    )
    if search.report.cut:
        entries.append({"stage": "search", "note": "SearchTimeout"})
    return tuple(entries)


def _piece(search: OptionSearch, use: Use, level: int) -> list[Mapping[str, object]]:
    """What goes in before the piece itself: the order of the stages."""
    piece = use.piece
    entries: list[Mapping[str, object]] = []
    if piece.again:
        return [_entry(search, piece, use.instant, level)]
    for inner in piece.uses:
        entries += _piece(search, inner, level + 1)
    entries.append(_entry(search, piece, use.instant, level))
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


def _entry(
    search: OptionSearch, piece: SupplyAllocation, used: int, level: int
) -> Mapping[str, object]:
    stage = {"make": "routing", "move": "transport"}.get(piece.kind, "material")
    incoterm = None if piece.source is None else piece.source.incoterm
    return {
        "stage": stage,
        "way": piece.name,
        "product": piece.product,
        "location": piece.location,
        "qty": from_units(piece.steps, search.book.stages.step(piece.product)),
        "start": iso(piece.begin),
        "finish": iso(piece.ready),
        "used": iso(used),
        "level": level,
        **({} if incoterm is None else {"incoterm": incoterm}),
    }
