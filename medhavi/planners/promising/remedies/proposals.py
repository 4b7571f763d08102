"""What could be changed for a late answer: rows of tables, or cells of the request."""

from __future__ import annotations

import math
from dataclasses import replace
from typing import TYPE_CHECKING

from medhavi import schema
from medhavi.edits.remedy_changes import (
    Proposal,
    WaitingScope,
    ended_disruptions,
    proposal,
)
from medhavi.planners.promising.ledger.what_if import with_planned_orders
from medhavi.planners.promising.remedies.table_proposals import (
    MOST_OF_A_KIND,
    LateCase,
    table_proposals,
)
from medhavi.results.limiter import Limiter, RemedyKind
from medhavi.units import from_seconds, from_units

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from medhavi.planners.promising.ledger.promise_ledger import PromiseLedger
    from medhavi.planners.promising.options.option_search import OptionSearch
    from medhavi.planners.promising.remedies.table_proposals import Rows
    from medhavi.planners.promising.requests.policies import Policy
    from medhavi.results.promises.promise import Promise

    Change = tuple[RemedyKind, str, Mapping[str, object]]
    """Kind, text, and cells of the policy."""


def disruption_proposals(cases: Sequence[LateCase]) -> Iterator[Proposal]:
    """Disruptions behind the reasons of an answer, each as if it were over.

    Parameters
    ----------
    cases
        The reasons of one answer.
    """
    if not cases or cases[0].quest.book.snapshot["disruptions"].is_empty():
        return
    seen: set[str] = set()
    for case in cases:
        for one in ended_disruptions(case.quest.book.snapshot, _hindered(case)):
            (row,) = one.rows["disruptions"]
            name = str(row["disruption"])
            if name not in seen and len(seen) < MOST_OF_A_KIND:
                seen.add(name)
                yield one


def _hindered(case: LateCase) -> WaitingScope:
    """What a reason waits for: all that the earliest option would need."""
    quest, subject = case.quest, case.reason.subject
    book, request = quest.book, quest.request
    node = tuple(subject.split("|")[:2])
    pieces = case.pieces("stock", "make", "buy", "move")
    nodes = {(piece.product, piece.location) for piece in pieces}
    nodes |= {(request.product, place) for place in _origins(case)}
    makers = {name for one in nodes | {node} for name in _makers(book, *one[:2])}
    makers |= {subject, node[0]}
    steps = book.snapshot["step_resources"].select("routing", "resource").iter_rows()
    resources = {resource for routing, resource in steps if routing in makers}
    lanes = {subject}
    for one in quest.offered:
        for sent in one.times.evaluation.shipments:
            lanes |= set(() if sent.itinerary is None else sent.itinerary.lanes)
    return WaitingScope(
        book.now, case.date, nodes | {node}, resources | {subject}, lanes
    )


def _origins(case: LateCase) -> tuple[str, ...]:
    """Places that reach the one where it is wanted."""
    request = case.quest.request
    return case.quest.book.reach.of(request.product, request.location, None).origins


def _makers(book: PromiseLedger, product: str, location: str = "") -> set[str]:
    """Routings that make a product at a place."""
    roles = book.providers.recipes.makers.get((product, location), {})
    return {name for names in roles.values() for name in names}


MUCH_AT_ONCE = frozenset(
    {
        Limiter.CAPACITY_LOCKED,
        Limiter.CAPACITY_SAFETY_BUFFER,
        Limiter.CAPACITY_SHORTFALL,
        Limiter.NO_TRANSPORT_CAPACITY,
        Limiter.QTY_DURATION_UNSUPPORTED,
        Limiter.ROUTING_CAPACITY_FAIL,
    }
)
"""Reasons that less from each of two sources may mend."""
QUARTERS = (2, 1)
"""Smaller quantities that are tried, in quarters of what is asked for."""
SEARCHED_LONGER = 8
"""How many times the evaluations are permitted where the budget ended a search."""


def proposals(quest: OptionSearch, answer: Promise) -> Iterator[Proposal]:
    """What may help, the likeliest first."""
    yield from _request_changes(quest, answer)
    rules = _policy_changes(quest, answer)
    if not quest.policy.preempt:
        yield from rules
    cases = [LateCase(quest, answer, reason) for reason in answer.limiters]
    yield from disruption_proposals(cases)
    for case in cases:
        yield from table_proposals(case)
    # Where others may give way nobody knows which rules are idle: those come last.
    yield from rules
    for qty in _quarters(quest):
        if qty >= least_quantity(quest):
            yield _asked_for(quest, qty)


def joined(one: Proposal, other: Proposal, policy: Policy) -> Proposal | None:
    """Make one change of two.

    Returns
    -------
    Proposal or None
        None where both change the same cells, the same row, or the same table of the
        request.
    """
    if _same_row(one.rows, other.rows):
        return None
    cells = {**(one.cells or {}), **(other.cells or {})}
    rows: dict[str, tuple[Mapping[str, object], ...]] = {}
    for name in dict.fromkeys((*one.rows, *other.rows)):
        rows[name] = (*one.rows.get(name, ()), *other.rows.get(name, ()))
    text = f"{one.text}; {other.text}"
    if one.cells and other.cells:
        if one.cells.keys() & other.cells.keys():
            return None
        rows |= policy_rows(policy, text, cells)
    elif len(rows.get("request", ())) > 1:
        return None
    kind = min(one.kind, other.kind)
    return Proposal(kind, text, rows, cells=cells or None)


def _same_row(one: Rows, other: Rows) -> bool:
    """Whether two changes state a row of the same key."""
    for name in one.keys() & other.keys() - {"request"}:
        key = schema.tables()[name].key
        told = [
            {tuple(row.get(column) for column in key) for row in rows[name]}
            for rows in (one, other)
        ]
        if told[0] & told[1]:
            return True
    return False


# ------------------------------------------------------------------------ the request
def _request_changes(quest: OptionSearch, answer: Promise) -> Iterator[Proposal]:
    request = quest.request
    date = answer.date or min((one.date for one in answer.options), default=None)
    # Where the whole has a date, asking for that date is the answer itself.
    whole = answer.date is not None and answer.qty >= request.qty
    if date is not None and date > request.due and not whole:
        cells: dict[str, object] = {"due": from_seconds(date)}
        if request.max_lateness_days is not None:
            cells["max_lateness_days"] = None
        text = f"ask for {from_seconds(date):%Y-%m-%d %H:%M} UTC"
        yield proposal(RemedyKind.LATER_DATE, text, request=[cells])
    for qty in _timely(quest, answer):
        if qty >= least_quantity(quest):
            yield _asked_for(quest, qty)
    yield from _looser(quest, answer)
    if request.full_line or request.order_policy != "independent":
        cells = {"full_line": False, "order_policy": "independent"}
        text = "accept several deliveries"
        yield proposal(RemedyKind.RELAX_POLICY, text, request=[cells])


def _looser(quest: OptionSearch, answer: Promise) -> Iterator[Proposal]:
    """Ask for less of what the goods must be, or where they come from."""
    request = quest.request
    codes = {reason.code for reason in answer.limiters}
    changes: list[tuple[RemedyKind, str, dict[str, object]]] = []
    if Limiter.QUALITY_MISMATCH in codes:
        text = "accept what has not all that is asked for"
        cells: dict[str, object] = {"requires": [], "min_quality": None}
        changes.append((RemedyKind.RELAX_POLICY, text, cells))
    if request.min_shelf_days and quest.book.stages.perishable(request.product):
        text = "accept any life that is left"
        changes.append((RemedyKind.RELAX_POLICY, text, {"min_shelf_days": 0.0}))
    if request.ship_from is not None:
        text = "ship from anywhere"
        changes.append((RemedyKind.OTHER_SOURCE, text, {"ship_from": None}))
    for kind, text, cells in changes:
        yield proposal(kind, text, request=[cells])


def least_quantity(quest: OptionSearch) -> float:
    """Least quantity that a remedy must deliver [base units]."""
    return quest.book.snapshot.settings.remedies_min_share * quest.request.qty


def _asked_for(quest: OptionSearch, qty: float) -> Proposal:
    text = f"ask for {qty:,.10g} of {quest.request.product}"
    return proposal(RemedyKind.SPLIT_DELIVERY, text, request=[{"qty": qty}])


def _timely(quest: OptionSearch, answer: Promise) -> Iterator[float]:
    """Quantity that is on time, else what is free now; never the answer's."""
    request = quest.request
    timely = sum(
        one.qty
        for one in answer.deliveries
        if one.date <= request.due and one.product == request.product
    )
    if 0 < timely < request.qty:
        if timely != answer.qty:
            yield timely
    elif not 0 < answer.qty < request.qty:
        free = _free_now(quest)
        if 0 < free < request.qty:
            yield free


def _free_now(quest: OptionSearch) -> float:
    """Most that lies free at one place."""
    book, request = quest.book, quest.request
    asked = book.stages.asked(request)
    lines = (
        book.stages.material.asked_line(request.product, place, asked)
        for place in book.reach.of(request.product, request.location, None).origins
    )
    most = max((line.available(book.now) for line in lines), default=0)
    return from_units(max(most, 0), book.stages.step(request.product))


def _quarters(quest: OptionSearch) -> Iterator[float]:
    """Smaller quantities, the largest first."""
    step = quest.book.stages.step(quest.request.product)
    whole = quest.request.qty / float(step)
    for quarter in QUARTERS:
        steps = int(whole * quarter / 4)
        if steps > 0:
            yield from_units(steps, step)


# ------------------------------------------------------------------------- the policy
def _policy_changes(quest: OptionSearch, answer: Promise) -> Iterator[Proposal]:
    policy = quest.policy
    changes = (
        *_more_supply(quest),
        *_two_sources(quest, answer),
        *_wider_caps(quest, answer),
    )
    for kind, text, cells in changes:
        changed = policy_rows(policy, text, cells)
        yield Proposal(kind, text, changed, cells=cells)
    trusting = policy.supplier_fallback == "accept_with_risk"
    if not trusting and not _is_idle("supplier_fallback", quest):
        # The default value says nothing in a row beside others: these rows change.
        trusted = {"supplier_fallback": "accept_with_risk"}
        rows = quest.book.policies.stating("supplier_fallback")
        table = [{**row, **trusted} for row in rows]
        text = "accept the stated time of suppliers"
        yield proposal(RemedyKind.RELAX_POLICY, text, promise_policies=table)


def _more_supply(quest: OptionSearch) -> Iterator[Change]:
    """Permit more supply: reserves, faster lanes, suppliers, planned orders."""
    policy = quest.policy
    if not policy.buffers and not _is_idle("buffers", quest):
        yield RemedyKind.USE_SAFETY, _what_is_kept(quest), {"buffers": True}
    expedite = policy.expedite or quest.request.expedite
    if not expedite and not _is_idle("expedite", quest):
        text = "permit faster, dearer lanes"
        yield RemedyKind.EXPEDITE, text, {"expedite": True}
    if policy.ask_supplier == "never":
        text = "buy what is missing"
        yield RemedyKind.OTHER_SOURCE, text, {"ask_supplier": "always"}
    if not policy.planned_orders:
        wider = replace(policy, planned_orders=True)
        counting = with_planned_orders(quest.book, quest.request, wider)
        if counting.counted_on:
            text = f"count on planned orders ({', '.join(counting.counted_on[:3])})"
            yield RemedyKind.RELAX_POLICY, text, {"planned_orders": True}


def _two_sources(quest: OptionSearch, answer: Promise) -> Iterator[Change]:
    """Split new supply over two places, where the work exceeds one's capacity."""
    request, policy = quest.request, quest.policy
    codes = {reason.code for reason in answer.limiters}
    if policy.split_sourcing or quest.single or not codes & MUCH_AT_ONCE:
        return
    reached = quest.book.reach.of(
        request.product,
        request.location,
        quest.country(),
        expedite=policy.expedite or request.expedite,
    )
    sellers = [one for one in reached.sellers if request.ship_from in {None, one}]
    least = max(request.min_shipment, float(quest.book.stages.step(request.product)))
    if len(sellers) > 1 and request.qty >= 2 * least:
        text = "let two places share what is new"
        yield RemedyKind.OTHER_SOURCE, text, {"split_sourcing": True}


def _wider_caps(quest: OptionSearch, answer: Promise) -> Iterator[Change]:
    """Raise what the policy permits of money, ratings, runs, risk and effort."""
    policy = quest.policy
    codes = {reason.code for reason in answer.limiters}
    if quest.offered and Limiter.COST_CAP_EXCEEDED in codes:
        cheap = min(
            quest.offered, key=lambda one: (one.cost.without_lateness, one.name)
        )
        # An empty cell says nothing beside other rows: the cap is raised, not lifted.
        cost, co2 = math.ceil(cheap.cost.without_lateness), math.ceil(cheap.co2_kg)
        cells: dict[str, object] = {
            "cost_cap": max(float(cost), policy.cost_cap or 0.0)
        }
        if policy.co2_cap is not None:
            cells["co2_cap"] = max(float(co2), policy.co2_cap)
        yield RemedyKind.RELAX_POLICY, f"permit a cost of {cost}", cells
    rated = _refused_ratings(quest)
    if rated:
        text = f"buy from suppliers rated {max(rated):g}"
        yield RemedyKind.RELAX_POLICY, text, {"least_esg": max(rated)}
    if policy.short_runs == "refuse" and _too_short(quest):
        text = "make the least run of a campaign"
        yield RemedyKind.RELAX_POLICY, text, {"short_runs": "raise"}
    if Limiter.RISK_CAP_EXCEEDED in codes:
        yield RemedyKind.RELAX_POLICY, "accept the risk", {"risk_cap": 1.0}
    if quest.report.cut:
        most = SEARCHED_LONGER * policy.search_budget_evaluations
        text = f"search up to {most} evaluations"
        yield RemedyKind.SEARCH_LONGER, text, {"search_budget_evaluations": most}


def policy_rows(policy: Policy, text: str, cells: Mapping[str, object]) -> Rows:
    """Policy of its own that differs in some cells, and let it be asked by."""
    name = f"{policy.policy}, {text}"
    row = {
        **replace(policy, **cells).as_row(),  # type: ignore[arg-type]
        "policy": name,
        "tier": None,
        "sku_tier": None,
        "customer": None,
    }
    return {"promise_policies": (row,), "request": ({"policy": name},)}


def _refused_ratings(quest: OptionSearch) -> list[float]:
    """Ratings of suppliers that the policy refuses for them."""
    suppliers = quest.book.providers.suppliers
    refused = {one.subject for one in quest.failures if one.code is Limiter.ORDER_RULE}
    refused -= quest.campaign_rules
    scores = [suppliers.esg_score(name) for name in sorted(refused)]
    return [score for score in scores if score is not None]


def _too_short(quest: OptionSearch) -> bool:
    """Whether a rule of campaigns refused work."""
    return any(
        one.code is Limiter.ORDER_RULE and one.subject in quest.campaign_rules
        for one in quest.failures
    )


def _what_is_kept(quest: OptionSearch) -> str:
    kept = quest.work is not None and quest.work.kept
    return f"use safety stock{' and withheld time' if kept else ''}"


def _is_idle(rule: str, quest: OptionSearch) -> bool:
    """Whether the search would have gone the same way without a rule.

    Then the answer is the same, and need not be tried. Where others may give way, their
    policies count as well.
    """
    policy = quest.policy
    if policy.preempt:
        return False
    if rule == "buffers":
        return not quest.report.withheld
    if rule == "expedite":
        return not quest.leaves_lanes
    unknown = Limiter.SUPPLIER_LEADTIME_EXCEEDED
    return policy.supplier_fallback == "block" and all(
        failure.code is not unknown for failure in quest.failures
    )
