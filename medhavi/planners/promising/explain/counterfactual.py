"""What would have to change: limiters relaxed one at a time, and sensitivities.

Each stage is relaxed alone (rule 36): what it asks for is there at once and takes no
time. The stage that gives the earliest date is the limiter (ties: material, capacity,
transport, policy); relaxing it for good, the next one is sought, until the date is met.
Options of the same date as the chosen one are asked as well.
The hours of the chain add up to what all of them gain together.

Each row is a quote of its own on the same book, for a request that differs in one
respect alone. Nothing is interpolated.
"""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, NamedTuple

from medhavi.planners.promising.explain.naming import (
    closed_lane,
    name_stage,
    rejected_as,
)
from medhavi.planners.promising.options.quest import capped
from medhavi.results.limiter import Limiter
from medhavi.results.promises.promise import (
    PromiseReason,
    PromiseStatus,
    PromiseVariant,
)
from medhavi.units import DAY, HOUR, from_steps

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from medhavi.planners.promising.explain.naming import NamedReason
    from medhavi.planners.promising.ledger.promise_ledger import PromiseLedger
    from medhavi.planners.promising.options.quest import Offered, Quest
    from medhavi.planners.promising.requests.asking import Request
    from medhavi.planners.promising.requests.rules_of_promise import Policy
    from medhavi.planners.promising.supply_search.pieces import Stage
    from medhavi.results.promises.promise import Promise

    Ask = Callable[[PromiseLedger, Request, Policy], Promise]


STAGES: tuple[Stage, ...] = ("material", "capacity", "transport", "policy")
CAPS = frozenset(
    {Limiter.COST_CAP_EXCEEDED, Limiter.RISK_CAP_EXCEEDED, Limiter.DATA_STALE}
)
"""What closes an option whatever its date is."""


def reasons(
    quote: Quest, chosen: Offered | None, status: PromiseStatus
) -> tuple[PromiseReason, ...]:
    """Chain of reasons, the limiter first; none where it is on time."""
    if status is PromiseStatus.PROMISED:
        return ()
    closed = [one for one in quote.offered if _closed_by_cap(quote, one)]
    if chosen is None and closed:
        best = min(closed, key=lambda one: (one.times.date, one.cost.total, one.name))
        return (_stated(quote, rejected_as(quote, best)),)
    behind = None if quote.offered else closed_lane(quote)
    if behind is not None:
        return (_stated(quote, behind),)
    base = chosen or _best(quote.offered)
    chain = _chain(quote, base, status)
    if not chain:
        return (_stated(quote, rejected_as(quote, base)),)
    return chain


def _closed_by_cap(quote: Quest, one: Offered) -> bool:
    return capped(one, quote.policy).closed in CAPS


def _best(offered: list[Offered]) -> Offered | None:
    return min(offered, key=lambda one: (one.times.date, one.cost.total), default=None)


def _chain(
    quote: Quest, base: Offered | None, status: PromiseStatus
) -> tuple[PromiseReason, ...]:
    # A part of the quantity says nothing about the date of the whole.
    short = status is PromiseStatus.PARTIAL
    current = None if base is None or short else base.times.date
    options = (None,) if short or base is None else _as_early(quote, base)
    relaxed: frozenset[Stage] = frozenset()
    chain: list[PromiseReason] = []
    while current is None or current > quote.request.due:
        found: list[tuple[int, int, int]] = []
        for rank, stage in enumerate(STAGES):
            if stage in relaxed:
                continue
            without = relaxed | {stage}
            # Without the rules of the policy whatever is best is asked about, once.
            asked = options[:1] if "policy" in without else options
            for place, option in enumerate(asked):
                date = _relaxed_date(quote, option, without)
                if date is not None and (current is None or date < current):
                    found.append((date, rank, place))
        if not found:
            break
        date, rank, place = min(found)
        stage = STAGES[rank]
        named = name_stage(quote, stage, options[place])
        hours = 0.0 if current is None else (current - date) / HOUR
        chain.append(
            PromiseReason(
                code=named.code, subject=named.subject, hours=hours, text=named.text
            )
        )
        relaxed |= {stage}
        current = date
    return tuple(chain)


def _as_early(quote: Quest, base: Offered) -> tuple[Offered, ...]:
    """Option that is asked about, and the open ones of the same date."""
    others = (
        one
        for one in quote.offered
        if one is not base
        and one.times.date == base.times.date
        and one.times.evaluation.steps >= one.search.wanted.steps
        and capped(one, quote.policy).closed is None
    )
    return base, *others


def _stated(quote: Quest, named: NamedReason) -> PromiseReason:
    del quote
    return PromiseReason(
        code=named.code, subject=named.subject, hours=0.0, text=named.text
    )


def _relaxed_date(
    quote: Quest, option: Offered | None, relaxed: frozenset[Stage]
) -> int | None:
    """Date with stages relaxed: of the option, or of whatever is best then."""
    stages: frozenset[Stage] = relaxed - {"policy"}
    if option is not None and "policy" not in relaxed:
        counted = option.search.evaluations
        found = option.search.evaluate(
            option.way, replace(option.terms, relaxed=stages)
        )
        option.search.evaluations = counted
        return None if found is None else found.date + quote.buffer
    policy, request = quote.policy, quote.request
    if "policy" in relaxed:
        policy, request = widest(policy, request)
    other = quote
    if stages or not as_wide(quote, policy, request):
        other = type(quote)(quote.book, request, policy, stages)
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


def as_wide(quote: Quest, wider: Policy, request: Request) -> bool:
    """Whether a search by wider rules would find what was found already.

    The rules that differ closed nothing: nothing was withheld, no lane left out, and
    all that was missing was bought, whatever comes later.
    """
    alike = replace(
        wider,
        buffers=quote.policy.buffers,
        expedite=quote.policy.expedite,
        ask_supplier="on_shortfall",
    )
    return (
        (alike, request) == (quote.policy, quote.request)
        and not quote.ruled
        and quote.work is None
        and bool(quote.offered)
        and all(one.closed is None for one in quote.offered)
        and not quote.leaves_lanes
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


def sensitivity(quest: Quest, answer: Promise, ask: Ask) -> tuple[PromiseVariant, ...]:
    """Answer the request as it could have been asked.

    Parameters
    ----------
    quest
        The finished search.
    answer
        What it gave.
    ask
        Gives the answer to a request on a book.
    """
    return tuple(
        _told(one, ask(quest.book, one.request, one.policy))
        for one in _variants(quest, answer)
    )


def _variants(quest: Quest, answer: Promise) -> Iterator[_Variant]:
    request, policy = quest.request, quest.policy
    if answer.date_p50 != answer.date_p95:
        for level in LEVELS:
            if level != policy.risk_basis:
                yield _Variant("risk_basis", request, replace(policy, risk_basis=level))
    step = quest.book.stages.step(request.product)
    for share in SHARES:
        steps = int(request.qty * share / float(step))
        if steps > 0:
            other = request.with_cells({"qty": from_steps(steps, step)})
            yield _Variant("qty", other, policy)
    for days in DUE_DAYS:
        due = request.due + days * DAY
        if due >= quest.book.now:
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
