"""Codes and subjects of reasons: what exactly binds inside a stage."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import polars as pl

from medhavi.planners.promising.supply_search.shipment_origins import full_lane
from medhavi.results.amounts import duration, percent
from medhavi.results.limiter import Limiter
from medhavi.results.promises.promise import PromiseReason, iso
from medhavi.units import HOUR, NEVER, units_up

if TYPE_CHECKING:
    from collections.abc import Iterator

    from medhavi.planners.promising.option_search import Offered, OptionSearch
    from medhavi.planners.promising.supply_search.alternatives import (
        Shipment,
        SupplyAllocation,
    )
    from medhavi.providers.sources import Source


_TEXTS = {
    Limiter.DATA_STALE: (
        "The purchase cost of {product} is unknown: an exchange rate in {subject} is "
        "missing or too old."
    ),
    Limiter.ORDER_RULE: (
        "The earliest delivery is later than demand {demand} accepts (column "
        "max_lateness_days)."
    ),
    Limiter.DEMAND_STATUS: (
        "The earliest delivery lies more than two horizons ahead (column "
        "horizon_days of settings); no promise is made that far."
    ),
    Limiter.SUPPLIER_LEADTIME_EXCEEDED: (
        "Supply terms {subject} state a lead time without a history; policy {policy} "
        "does not accept it before it is confirmed."
    ),
    Limiter.NO_SOURCE: "No routing, supplier or lane supplies {product} at {location}.",
    Limiter.NO_TRANSPORT_LEG: "No lane leads to {location}.",
    Limiter.NO_TRANSPORT_CAPACITY: (
        "No departure of lane {subject} has room for the load."
    ),
    Limiter.REGULATORY_BLOCKED: (
        "Lane {subject} may not carry {product} (dangerous goods or blocked country)."
    ),
    Limiter.ROUTING_INVALID: (
        "Source {subject} is not valid when its order would have to start."
    ),
    Limiter.ROUTING_CAPACITY_FAIL: (
        "No resource has free capacity for the order of {subject}."
    ),
    Limiter.QTY_DURATION_UNSUPPORTED: (
        "No opening of the calendar is long enough for {subject}, which may not be "
        "interrupted."
    ),
    Limiter.SUPPLIER_MOQ: (
        "The minimum order quantity of supply terms {subject} exceeds the largest "
        "order that is permitted."
    ),
    Limiter.ALTERNATE_EXHAUSTED: (
        "The quantity needs more orders from source {subject} than one promise may "
        "make."
    ),
    Limiter.SHELF_LIFE_EXCEEDED: (
        "New supply of {product} would expire before its delivery."
    ),
    Limiter.QUALITY_MISMATCH: (
        "No supply of {product} meets the requested {asked}{best}."
    ),
    Limiter.MATERIAL_SHORTFALL: (
        "Available stock and receipts of {product} at {location} are below the "
        "requested quantity, and no source adds to them."
    ),
}
"""What binds, in words: thing, limit and where it is stated."""


_SOLD_OUT = (
    "Supply terms {subject} deliver less than the required quantity in one order."
)
_ORDER = (
    Limiter.REGULATORY_BLOCKED,
    Limiter.SHELF_LIFE_EXCEEDED,
    Limiter.SUPPLIER_LEADTIME_EXCEEDED,
    Limiter.SUPPLIER_MOQ,
    Limiter.QTY_DURATION_UNSUPPORTED,
    Limiter.ROUTING_CAPACITY_FAIL,
    Limiter.ROUTING_INVALID,
    Limiter.ALTERNATE_EXHAUSTED,
    Limiter.QUALITY_MISMATCH,
    Limiter.MATERIAL_SHORTFALL,
    Limiter.NO_SOURCE,
    Limiter.NO_TRANSPORT_CAPACITY,
    Limiter.NO_TRANSPORT_LEG,
)
"""Which failure tells most where nothing came of any way."""
_LANES = (
    Limiter.REGULATORY_BLOCKED,
    Limiter.NO_TRANSPORT_CAPACITY,
    Limiter.NO_TRANSPORT_LEG,
)
"""Failures on the way."""


def _reason(code: Limiter, subject: str, text: str) -> PromiseReason:
    """Reason of a code of the catalogue: the id of what binds, and a sentence."""
    return PromiseReason(code=code, subject=subject, hours=0.0, text=text)


def _text(search: OptionSearch, code: Limiter, subject: str, words: str = "") -> str:
    """Sentence of a code about the request and what binds."""
    request = search.request
    product, location = request.product, request.location
    if code is not Limiter.QUALITY_MISMATCH and subject.count("|") == 1:
        product, location = subject.split("|")
    return (words or _TEXTS[code]).format(
        product=product,
        location=location,
        demand=request.demand,
        policy=search.policy.policy,
        subject=subject.replace("|", " at "),
        asked=_requested(search),
        best=_best(search),
    )


def _requested(search: OptionSearch) -> str:
    """The characteristics and the quality class that a request states."""
    asked = search.book.stages.asked(search.request)
    found = [] if asked is None else sorted(asked.pairs)
    if search.request.min_quality:
        found.append(f"quality class {search.request.min_quality}")
    return ", ".join(found) or "quality class of the product"


def _best(search: OptionSearch) -> str:
    """In brackets the best class in usable stock or of new supply, if one is asked."""
    providers, product = search.book.providers, search.request.product
    rank = providers.traits.rank
    places = search.book.reach.of(product, search.request.location, None).origins
    classes = {
        lot.quality
        for place in places
        for lot in providers.on_hand.lots(product, place)
        if lot.quality is not None
    }
    own = search.book.snapshot["products"].filter(pl.col("product") == product)
    classes |= {one for one in own["quality_class"] if one is not None}
    if not classes or not search.request.min_quality:
        return ""
    best = min(classes, key=lambda one: (rank(one), one))
    return f" (best available: {best})"


def _closed_text(
    search: OptionSearch, option: Offered, code: Limiter, subject: str
) -> str:
    """Sentence of an option that a cap or a rule of the policy forbids."""
    policy = search.policy
    if code is Limiter.RISK_CAP_EXCEEDED:
        return (
            f"Every option is late more often than policy {policy.policy} permits: "
            f"{option.name} in {percent(1.0 - option.times.date_prob)} of cases, cap "
            f"{percent(policy.risk_cap or 0.0)}."
        )
    if code is not Limiter.COST_CAP_EXCEEDED:
        return _text(search, code, subject)
    if option.above_cost(policy):
        return (
            f"Every option costs more than policy {policy.policy} permits: "
            f"{option.name} {option.cost.without_lateness:.2f}, cap "
            f"{policy.cost_cap or 0.0:.2f}."
        )
    return (
        f"Every option emits more than policy {policy.policy} permits: {option.name} "
        f"{option.co2_kg:.1f} kg CO2, cap {policy.co2_cap or 0.0:.1f} kg."
    )


def rejected_as(search: OptionSearch, option: Offered | None) -> PromiseReason:
    """Name why there is no answer at all."""
    if option is not None:
        code = option.capped(search.policy).closed
        if code is not None:
            subject = search.policy.policy
            if code is Limiter.SUPPLIER_LEADTIME_EXCEEDED:
                subject = min(_unknown(search, option), default=subject)
            if code is Limiter.DATA_STALE:
                subject = "fx_rates"
            return _reason(code, subject, _closed_text(search, option, code, subject))
    if option is not None and search.request.due < search.book.now:
        node = f"{search.request.product}|{search.request.location}"
        text = "The due date had passed before the request; no stage can be faster."
        return _reason(Limiter.MATERIAL_SHORTFALL, node, text)
    failures = search.failures
    ruled = {one.subject for one in failures if one.limiter is Limiter.ORDER_RULE}
    if ruled:
        return _ruled(search, ruled - search.campaign_rules, ruled)
    return _failed(search, _ORDER) or _missing(search)


def _failed(search: OptionSearch, order: tuple[Limiter, ...]) -> PromiseReason | None:
    """Name the first failure of the first code that there is any of."""
    for code in order:
        for failure in search.failures:
            if failure.limiter is Limiter.NO_SOURCE and code is failure.limiter:
                return _nowhere(search, failure.subject)
            if failure.limiter is code:
                sold_out = (
                    code is Limiter.SUPPLIER_LEADTIME_EXCEEDED
                    and search.policy.supplier_fallback == "accept_with_risk"
                )
                text = _text(
                    search, code, failure.subject, _SOLD_OUT if sold_out else ""
                )
                return _reason(code, failure.subject, text)
    return None


def closed_lane(search: OptionSearch) -> PromiseReason | None:
    """Name a lane that may not be taken, where goods are behind it alone."""
    book, request = search.book, search.request
    stages, reach, product = book.stages, book.reach, request.product
    country = search.search_for(product).wanted.country
    code = Limiter.REGULATORY_BLOCKED
    reached = reach.of(product, request.location, country, expedite=True)
    for lane in reached.blocked:
        start = book.providers.transport.origin(lane)
        for place in (start, *reach.of(product, start, None).origins):
            if place in reached.origins:
                continue
            there = stages.line(product, place, stages.asked(request))
            if there.available(NEVER) > 0 or stages.sources(product, place):
                return _reason(code, lane, _text(search, code, lane))
    return None


def _ruled(search: OptionSearch, rated: set[str], ruled: set[str]) -> PromiseReason:
    """Name a supplier that is rated too low, else a rule of campaigns."""
    subject = min(rated or ruled)
    text = f"The order is shorter or longer than campaign rule {subject} permits."
    if rated:
        text = (
            f"Supplier {subject} is rated below what policy {search.policy.policy} "
            "accepts."
        )
    return _reason(Limiter.ORDER_RULE, subject, text)


def _unknown(search: OptionSearch, option: Offered) -> Iterator[str]:
    """Suppliers of an option whose word is not known."""
    for piece in option.times.evaluation.pieces():
        source = piece.source if piece.kind == "buy" else None
        if source is not None and search.book.times.stated(source):
            yield source.source


def _missing(search: OptionSearch) -> PromiseReason:
    """Name why what is there does not do: held, withheld, too little, or nowhere."""
    request, book = search.request, search.book
    need = units_up(request.qty, book.stages.step(request.product))
    places = book.reach.of(request.product, request.location, None).origins
    for place in places:
        named = _unlike(search, place, need) or _perished(search, place, need)
        named = named or _withheld(search, request.product, place, need)
        if named is not None:
            return named

    def known(place: str) -> bool:
        return book.stages.known(request.product, place)

    node = f"{request.product}|{request.location}"
    if any(known(one) or book.stages.sources(request.product, one) for one in places):
        code = Limiter.MATERIAL_SHORTFALL
    elif any(known(one) for one in book.snapshot["locations"]["location"]):
        code, node = Limiter.NO_TRANSPORT_LEG, request.location
    else:
        return _nowhere(search, node, places)
    return _reason(code, node, _text(search, code, node))


def _nowhere(
    search: OptionSearch, node: str, places: tuple[str, ...] = ()
) -> PromiseReason:
    """Name the routing whose validity has ended, else that there is no source."""
    product, _, place = node.rpartition("|")
    for row in search.book.providers.tables["routings"]:
        ended = row["valid_to"] is not None and row["valid_to"] <= search.book.now
        made_there = row["product"] == product and row["location"] in {*places, place}
        if ended and made_there:
            routing = row["routing"]
            text = f"Routing {routing} expired, and {product} has no other source."
            return _reason(Limiter.ROUTING_INVALID, routing, text)
    code = Limiter.NO_SOURCE
    return _reason(code, node, _text(search, code, node))


def name_stage(
    search: OptionSearch, stage: str, option: Offered | None
) -> PromiseReason:
    """Name what binds in the stage that limits an option."""
    if stage == "policy":
        return _policy(search)
    if option is None:
        on_the_way = stage == "transport" and _failed(search, _LANES)
        return on_the_way or rejected_as(search, None)
    last = max(option.times.evaluation.shipments, key=lambda one: one.arrival)
    if stage == "transport":
        return _full(search, option, last) or _transport(search, last)
    chain = last.critical()
    if stage == "capacity":
        return _reserve(search, option, chain) or _capacity(search, option, chain)
    return _material(search, chain)


def _policy(search: OptionSearch) -> PromiseReason:
    policy, request = search.policy, search.request
    if policy.delivery != "partial" or request.full_line:
        text = "The line must be delivered at once; a part of it would be earlier."
        return _reason(Limiter.FULL_DELIVERY_VIOLATION, request.demand, text)
    if not policy.buffers and search.book.stages.withheld:
        node = f"{request.product}|{request.location}"
        text = (
            f"Safety stock of {request.product} at {request.location} would cover the "
            f"request; policy {policy.policy} withholds it."
        )
        return _reason(Limiter.SAFETY_VIOLATION, node, text)
    text = f"A rule of policy {policy.policy} delays the delivery."
    return _reason(Limiter.ORDER_RULE, policy.policy, text)


def _full(
    search: OptionSearch, option: Offered, shipment: Shipment
) -> PromiseReason | None:
    """Name the lane whose departures have no room for all that is sent."""
    if shipment.itinerary is None:
        return None
    wanted, book = option.search.wanted, search.book
    reached = book.reach.of(
        shipment.product, wanted.location, wanted.country, expedite=wanted.expedite
    )
    start = (shipment.origin, shipment.ready)
    found = full_lane(
        book.stages, shipment.product, start, wanted.location, reached.forbidden
    )
    if found is None or found[1] >= shipment.arrival:
        return None
    text = f"Earlier departures of {found[0]} have no room for all of it."
    return _reason(Limiter.NO_TRANSPORT_CAPACITY, found[0], text)


def _transport(search: OptionSearch, shipment: Shipment) -> PromiseReason:
    """Distinguish waiting for a departure from transit."""
    if shipment.itinerary is None:
        code, location = Limiter.NO_TRANSPORT_LEG, search.request.location
        return _reason(code, location, _text(search, code, location))
    ready = shipment.ready
    waits = []
    for leg in shipment.itinerary.legs:
        waits.append((leg.departure - ready, leg))
        ready = leg.arrival
    wait, leg = max(waits, key=lambda entry: entry[0])
    moving = sum(one.arrival - one.departure for one in shipment.itinerary.legs)
    if wait > 0 and wait >= moving:
        text = (
            f"The goods wait {duration(wait / HOUR)} for the departure of {leg.lane}."
        )
        return _reason(Limiter.CUTOFF_MISSED, leg.lane, text)
    longest = max(shipment.itinerary.legs, key=lambda one: one.arrival - one.departure)
    hours = duration(moving / HOUR)
    text = f"Transit on {longest.lane} takes {hours}; {_faster(search, shipment)}."
    return _reason(Limiter.NO_TRANSPORT_LEG, longest.lane, text)


def _faster(search: OptionSearch, shipment: Shipment) -> str:
    """Name the lanes that would be there earlier and may not be taken, if any."""
    stages, place = search.book.stages, search.request.location
    reached = search.book.reach.of(
        shipment.product, place, search.country(), expedite=True
    )
    found = stages.routes.earliest(
        shipment.product,
        search.request.qty,
        {shipment.origin: shipment.ready},
        place,
        forbidden=reached.forbidden,
    )
    if found is None or found.arrival >= shipment.arrival:
        return "no permitted lane arrives earlier"
    hours = (shipment.arrival - found.arrival) / HOUR
    return (
        f"{'+'.join(found.lanes)} arrives {duration(hours)} earlier, and is not permitted "
        "without expedite because it costs more"
    )


def _reserve(
    search: OptionSearch, option: Offered, chain: list[SupplyAllocation]
) -> PromiseReason | None:
    """Name the resource whose withheld time alone would make it be in time."""
    rules = option.terms.work
    if rules is None or not rules.kept:
        return None
    free = rules.without_reserve()
    counted = option.search.evaluations
    found = option.search.evaluate(option.way, replace(option.terms, work=free))
    option.search.evaluations = counted
    if found is None or found.date > search.need:
        return None
    used = [
        name
        for piece in chain
        if piece.timing is not None
        for window in piece.timing.steps
        for name, _ in window.resources
        if name in rules.kept
    ]
    subject = used[0] if used else min(rules.kept)
    text = f"Only the capacity reserve of {subject} is free; the policy withholds it."
    return _reason(Limiter.CAPACITY_SAFETY_BUFFER, subject, text)


def _capacity(
    search: OptionSearch, option: Offered, chain: list[SupplyAllocation]
) -> PromiseReason:
    """Name the resource that was waited for longest, else the routing itself."""
    made = [piece for piece in chain if piece.kind == "make" and piece.source]
    node = f"{search.request.product}|{search.request.location}"
    for piece in made:
        if piece.source is None or piece.timing is None or not piece.timing.steps:
            continue
        ready = max((use.piece.ready for use in piece.uses), default=0)
        waits = search.book.stages.waits(
            piece.source.source,
            piece.timing,
            max(ready, search.book.now),
            option.terms,
        )
        busy = [wait for wait in waits if wait.kind == "busy" and wait.resource]
        down = [wait for wait in waits if wait.resource]
        worst = max(
            busy or down, key=lambda wait: wait.finish - wait.start, default=None
        )
        lost = 0 if worst is None else worst.finish - worst.start
        barred = _barred(search, piece, piece.source, max(lost, 1))
        if barred is not None:
            return barred
        if worst is None or worst.resource is None:
            continue
        hours = lost / HOUR
        if not busy:
            text = f"{worst.resource} is not available for {duration(hours)} ({worst.kind})."
            return _reason(Limiter.CAPACITY_SHORTFALL, worst.resource, text)
        if set(worst.owners) <= search.book.locked_orders:
            names = ", ".join(worst.owners)
            text = f"Locked orders ({names}) occupy {worst.resource} for {duration(hours)}."
            return _reason(Limiter.CAPACITY_LOCKED, worst.resource, text)
        text = f"Other orders occupy {worst.resource} for {duration(hours)}."
        return _reason(Limiter.CAPACITY_SHORTFALL, worst.resource, text)
    if made:
        node = f"{made[0].product}|{made[0].location}"
    text = "The operations take longer than the time left, even on free resources."
    return _reason(Limiter.ROUTING_CAPACITY_FAIL, node, text)


def _barred(
    search: OptionSearch, piece: SupplyAllocation, source: Source, least: int
) -> PromiseReason | None:
    """Name the fence or validity of a routing that its work waits for, so long [s]."""
    now = search.book.now
    ready = max((use.piece.ready for use in piece.uses), default=0)
    first = max(ready, now)
    opens = max(
        (begin for begin, _ in source.windows if begin <= piece.begin), default=now
    )
    if opens >= source.fence_start and opens - first >= least:
        text = f"Source {source.source} is not valid before {iso(opens)}."
        return _reason(Limiter.ROUTING_INVALID, source.source, text)
    fence = source.fence_start
    if fence - first >= least and fence <= piece.begin:
        span = duration((fence - now) / HOUR)
        text = f"The release fence of {source.source} bars new orders for {span}."
        return _reason(Limiter.RELEASE_FENCE, source.source, text)
    return None


def _material(search: OptionSearch, chain: list[SupplyAllocation]) -> PromiseReason:
    leaves = [piece for piece in chain if piece.kind in {"buy", "stock"}]
    asked = [piece for piece in chain if piece.product == search.request.product]
    for piece in asked:
        named = _unlike(search, piece.location, piece.steps)
        named = named or _perished(search, piece.location, piece.steps)
        if named is not None:
            return named
    if not leaves:
        node = f"{search.request.product}|{search.request.location}"
        code = Limiter.MATERIAL_SHORTFALL
        return _reason(code, node, _text(search, code, node))
    leaf = leaves[-1]
    node = f"{leaf.product}|{leaf.location}"
    if leaf.kind == "buy" and leaf.source is not None:
        span = duration((leaf.ready - leaf.begin) / HOUR)
        text = (
            f"{leaf.product} must be purchased: the lead time of {leaf.source.source} "
            f"is {span}."
        )
        return _reason(Limiter.SUPPLIER_LEADTIME_EXCEEDED, leaf.source.source, text)
    return _waiting(search, leaf, node)


def _unlike(search: OptionSearch, location: str, need: int) -> PromiseReason | None:
    """Name the lot that is there and does not have what is asked for."""
    book, product = search.book, search.request.product
    asked = book.stages.asked(search.request)
    if asked is None or not book.stages.line(product, location).fits(need, book.now):
        return None
    if book.stages.line(product, location, asked).fits(need, book.now):
        return None
    traits = book.providers.traits
    for lot in book.providers.on_hand.lots(product, location):
        has = traits.of_lot(product, lot.quality)
        if has is not None and not has.meets(asked):
            lacks = list(has.lacks(asked))
            if has.rank > asked.rank:
                wanted = search.request.min_quality or "of the product"
                lacks.append(f"quality class {wanted}")
            text = (
                f"Stock of {product} at {location} lacks {', '.join(lacks)}"
                f"{_best(search)}."
            )
            subject = f"{product}|{location}|{lot.lot}"
            return _reason(Limiter.QUALITY_MISMATCH, subject, text)
    return None


def _perished(search: OptionSearch, location: str, need: int) -> PromiseReason | None:
    """Name the lot that is there and does not live until it would be delivered."""
    book, product = search.book, search.request.product
    if not book.stages.perishable(product):
        return None
    if not book.stages.line(product, location).fits(need, book.now):
        return None
    lots = book.providers.on_hand.lots(product, location)
    dated = [(lot.expires, lot.lot) for lot in lots if lot.expires < NEVER]
    if not dated:
        return None
    expires, lot = min(dated)
    text = (
        f"Stock of {product} at {location} expires {iso(expires)}, before its delivery."
    )
    return _reason(Limiter.SHELF_LIFE_EXCEEDED, f"{product}|{location}|{lot}", text)


def _withheld(
    search: OptionSearch, product: str, location: str, need: int
) -> PromiseReason | None:
    """Name the safety stock or the hold that alone is in the way now."""
    book = search.book
    line = book.stages.line(product, location)
    may = search.policy.buffers and not book.stages.blocked_safety(product, location)
    withheld = not may and not line.fits(need, book.now)
    if withheld and line.fits(need, book.now, buffers=True):
        text = f"Only the safety stock of {product} at {location} is free now."
        return _reason(Limiter.SAFETY_VIOLATION, f"{product}|{location}", text)
    book.stages.ask("reservation")
    holds = book.providers.reservations.material(product, location)
    held = [hold for hold in holds if hold.demand != search.request.demand]
    free = line.available(book.now)
    if held and free + sum(hold.units for hold in held) >= need:
        owner = held[0].demand or "other demands"
        text = f"Stock of {product} at {location} is held for {owner}."
        code = Limiter.MATERIAL_RESERVATION_CONFLICT
        return _reason(code, held[0].reservation, text)
    return None


def _waiting(search: OptionSearch, leaf: SupplyAllocation, node: str) -> PromiseReason:
    """Name what stock waits for: safety stock, a hold, an order on its way."""
    book = search.book
    named = _withheld(search, leaf.product, leaf.location, leaf.steps)
    if named is not None:
        return named
    for receipt in book.providers.existing_orders.receipts:
        place = (receipt.product, receipt.location, receipt.instant)
        if place == (leaf.product, leaf.location, leaf.ready):
            text = f"{leaf.product} arrives with order {receipt.order}."
            return _reason(Limiter.AWAITING_SUPPLY, receipt.order, text)
    text = f"{leaf.product} is not available at {leaf.location} in time."
    return _reason(Limiter.MATERIAL_SHORTFALL, node, text)
