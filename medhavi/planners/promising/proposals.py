"""What could be changed for a late answer: rows of tables, or cells of the request."""

from __future__ import annotations

import math
from dataclasses import replace
from typing import TYPE_CHECKING, NamedTuple

import polars as pl

from medhavi.planners.remedy_rows import (
    earlier_order,
    faster_terms,
    one_unit_more,
)
from medhavi.results.limiter import Limiter, RemedyKind
from medhavi.units import DAY, from_seconds, from_steps

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from medhavi.planners.promising.quest import Quest
    from medhavi.results.promise import Promise, PromiseReason

    Rows = Mapping[str, tuple[Mapping[str, object], ...]]

QUARTERS = (3, 2, 1)
"""Smaller quantities that are tried, in quarters of what is asked for."""


class Proposal(NamedTuple):
    """A change before it is tried."""

    kind: RemedyKind
    text: str
    rows: Rows


def proposals(quest: Quest, answer: Promise) -> Iterator[Proposal]:
    """Give what may help, the general before what a reason suggests."""
    yield from _request_changes(quest, answer)
    yield from _policy_changes(quest, answer)
    for reason in answer.limiters:
        maker = _BY_CODE.get(reason.code)
        if maker is not None:
            yield from maker(quest, answer, reason)


# ------------------------------------------------------------------------ the request
def _request_changes(quest: Quest, answer: Promise) -> Iterator[Proposal]:
    request = quest.request
    date = answer.date or min((one.date for one in answer.options), default=None)
    if date is not None and date > request.due:
        cells: dict[str, object] = {"due": from_seconds(date)}
        if request.max_lateness_days is not None:
            cells["max_lateness_days"] = None
        text = f"ask for {from_seconds(date):%Y-%m-%d %H:%M} UTC"
        yield Proposal(RemedyKind.LATER_DATE, text, {"request": (cells,)})
    for qty in _smaller(quest, answer):
        text = f"ask for {qty:g} of {request.product}"
        rows: Rows = {"request": ({"qty": qty},)}
        yield Proposal(RemedyKind.SPLIT_DELIVERY, text, rows)
    if request.full_line or request.order_policy != "independent":
        cells = {"full_line": False, "order_policy": "independent"}
        text = "accept several deliveries"
        yield Proposal(RemedyKind.RELAX_POLICY, text, {"request": (cells,)})


def _smaller(quest: Quest, answer: Promise) -> Iterator[float]:
    """Give quantities that can be on time: what is, else what is free now."""
    request = quest.request
    step = quest.book.stages.step(request.product)
    timely = sum(
        one.qty
        for one in answer.deliveries
        if one.date <= request.due and one.product == request.product
    )
    if 0 < timely < request.qty:
        yield timely
    elif answer.deliveries and answer.qty < request.qty:
        yield answer.qty
    whole = request.qty / float(step)
    for quarter in QUARTERS:
        steps = int(whole * quarter / 4)
        if steps > 0:
            yield from_steps(steps, step)


# ------------------------------------------------------------------------- the policy
def _policy_changes(quest: Quest, answer: Promise) -> Iterator[Proposal]:
    policy = quest.policy
    changes: list[tuple[RemedyKind, str, dict[str, object]]] = []
    if not policy.buffers and not _is_idle("buffers", quest):
        changes.append((RemedyKind.USE_SAFETY, _what_is_kept(quest), {"buffers": True}))
    expedite = policy.expedite or quest.request.expedite
    if not expedite and not _is_idle("expedite", quest):
        expedited: dict[str, object] = {"expedite": True}
        text = "permit faster, dearer lanes"
        changes.append((RemedyKind.EXPEDITE, text, expedited))
    if policy.ask_supplier == "never":
        cells: dict[str, object] = {"ask_supplier": "always"}
        changes.append((RemedyKind.OTHER_SOURCE, "buy what is missing", cells))
    trusting = policy.supplier_fallback == "accept_with_risk"
    if not trusting and not _is_idle("supplier_fallback", quest):
        cells = {"supplier_fallback": "accept_with_risk"}
        text = "accept the stated time of suppliers"
        changes.append((RemedyKind.RELAX_POLICY, text, cells))
    codes = {reason.code for reason in answer.limiters}
    if quest.offered and Limiter.COST_CAP_EXCEEDED in codes:
        cheap = min(
            quest.offered, key=lambda one: (one.cost.without_lateness, one.name)
        )
        # An empty cell says nothing beside other rows: the cap is raised, not lifted.
        cost, co2 = math.ceil(cheap.cost.without_lateness), math.ceil(cheap.co2_kg)
        cells = {"cost_cap": max(float(cost), policy.cost_cap or 0.0)}
        if policy.co2_cap is not None:
            cells["co2_cap"] = max(float(co2), policy.co2_cap)
        changes.append((RemedyKind.RELAX_POLICY, f"permit a cost of {cost}", cells))
    if Limiter.RISK_CAP_EXCEEDED in codes:
        cells = {"risk_cap": 1.0}
        changes.append((RemedyKind.RELAX_POLICY, "accept the risk", cells))
    for kind, text, cells in changes:
        name = f"{policy.policy}, {text}"
        row = {
            **replace(policy, **cells).as_row(),  # type: ignore[arg-type]
            "policy": name,
            "tier": None,
            "sku_tier": None,
            "customer": None,
        }
        rows: Rows = {"promise_policies": (row,), "request": ({"policy": name},)}
        yield Proposal(kind, text, rows)


def _what_is_kept(quest: Quest) -> str:
    kept = quest.work is not None and quest.work.kept
    return f"use safety stock{' and withheld time' if kept else ''}"


def _is_idle(rule: str, quest: Quest) -> bool:
    """Tell whether the search would have gone the same way without a rule.

    Then the answer is the same, and need not be tried. Where others may give way, their
    policies count as well.
    """
    policy, book = quest.policy, quest.book
    if policy.preempt:
        return False
    if rule == "buffers":
        return not quest.withheld
    if rule == "expedite":
        rows = book.substitutes.get(quest.request.product, ())
        products = [quest.request.product, *(row["substitute"] for row in rows)]
        return not any(book.reach.dear(product) for product in products)
    unknown = Limiter.SUPPLIER_LEADTIME_EXCEEDED
    return policy.supplier_fallback == "block" and all(
        failure.code is not unknown for failure in quest.failures
    )


# ------------------------------------------------------------------------- the tables
def _faster_supplier(
    quest: Quest, answer: Promise, reason: PromiseReason
) -> Iterator[Proposal]:
    """Let the supplier that binds deliver as early as the due date needs it."""
    date = answer.date or min((one.date for one in answer.options), default=None)
    if date is None:
        return
    snapshot = quest.book.snapshot
    late = (date - quest.request.due) / DAY
    bought = {
        (piece.source.row["product"], piece.source.row["location"])
        for one in quest.offered
        for piece in one.times.evaluation.pieces()
        if piece.kind == "buy"
        and piece.source is not None
        and piece.source.source == reason.subject
    }
    terms = snapshot["supply_terms"].filter(pl.col("supplier") == reason.subject)
    rows = [
        faster_terms(row, late, 0.0)
        for row in terms.iter_rows(named=True)
        if (row["product"], row["location"]) in bought
    ]
    if rows:
        days = max(row["lead_time_days"] for row in rows)
        text = f"{reason.subject} delivers in {days:.1f} days"
        yield Proposal(RemedyKind.EXPEDITE, text, {"supply_terms": tuple(rows)})


def _earlier_order(
    quest: Quest, answer: Promise, reason: PromiseReason
) -> Iterator[Proposal]:
    """Bring the order forward that is waited for."""
    orders = quest.book.snapshot["supply_orders"]
    found = orders.filter(pl.col("supply_order") == reason.subject).to_dicts()
    if not found or answer.date is None:
        return
    row = found[0]
    behind = answer.date - quest.request.due
    changed = earlier_order(row, behind, quest.book.now)
    moment = changed["due"]
    text = f"bring {reason.subject} forward to {moment:%Y-%m-%d %H:%M} UTC"
    yield Proposal(RemedyKind.EXPEDITE, text, {"supply_orders": (changed,)})


def _one_more(
    quest: Quest, answer: Promise, reason: PromiseReason
) -> Iterator[Proposal]:
    """Let one more unit of the resource work until the promised date."""
    resources = quest.book.snapshot["resources"]
    found = resources.filter(pl.col("resource") == reason.subject).to_dicts()
    if not found or answer.date is None:
        return
    stated = quest.book.snapshot["resource_units"]
    rows = one_unit_more(
        found[0],
        stated.filter(pl.col("resource") == reason.subject).to_dicts(),
        quest.book.now,
        answer.date,
    )
    text = f"one more {reason.subject} until then"
    yield Proposal(RemedyKind.OVERTIME, text, {"resource_units": rows})


def _extra_departure(
    quest: Quest, answer: Promise, reason: PromiseReason
) -> Iterator[Proposal]:
    """Let the lane leave when the goods are ready."""
    del answer
    found = quest.book.stages.departure_row(reason.subject, quest.ready_at_origin)
    if found is not None:
        text = f"an extra departure of {reason.subject}"
        yield Proposal(RemedyKind.OTHER_LANE, text, {"departures": (found,)})


def _released(
    quest: Quest, answer: Promise, reason: PromiseReason
) -> Iterator[Proposal]:
    """Give up the hold that is in the way."""
    del answer
    holds = quest.book.snapshot["reservations"]
    for row in holds.filter(pl.col("reservation") == reason.subject).to_dicts():
        text = f"release the hold {reason.subject}"
        rows: Rows = {"reservations": ({**row, "state": "released"},)}
        yield Proposal(RemedyKind.RELEASE_HOLD, text, rows)


def _fresh_rates(
    quest: Quest, answer: Promise, reason: PromiseReason
) -> Iterator[Proposal]:
    """Let the latest rates be those of today."""
    del answer, reason
    exchange = quest.book.providers.exchange
    names = {
        name for one in quest.offered for name in quest.stale_currencies(one.times)
    }
    rows = [exchange.renewed(name) for name in sorted(names)]
    if rows and None not in rows:
        text = f"confirm the rate of {', '.join(sorted(names))} for today"
        found = {"fx_rates": tuple(row for row in rows if row is not None)}
        yield Proposal(RemedyKind.REFRESH_DATA, text, found)


_BY_CODE = {
    Limiter.DATA_STALE: _fresh_rates,
    Limiter.SUPPLIER_LEADTIME_EXCEEDED: _faster_supplier,
    Limiter.AWAITING_SUPPLY: _earlier_order,
    Limiter.CAPACITY_SHORTFALL: _one_more,
    Limiter.CUTOFF_MISSED: _extra_departure,
    Limiter.MATERIAL_RESERVATION_CONFLICT: _released,
}
