"""From options to the answer: score, choice, holds, trace and arrival curve.

score = sum of weight x (value - best) / (worst - best) over the options, for the date,
the cost, the chance to be late and the emissions. The lowest wins; ties: date, cost,
id.

A quote keeps three quantiles. This searches once more, finds the option that was
chosen, and gives its arrival at many levels: one uncertain time is walked at each of
them, several are sampled at the fixed points of `sampled_chain`.
"""

from __future__ import annotations

from dataclasses import replace
from functools import cache
from itertools import zip_longest
from operator import attrgetter
from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from medhavi.errors import EnvironmentFailure, LimitReached, NotAvailable
from medhavi.planners.promising.reasons import expected, reasons, trace_of
from medhavi.planners.promising.sampled_chain import SampledChain, rank_at
from medhavi.planners.promising.supply_search.lead_draws import LEVELS, LeadDraws
from medhavi.planners.promising.supply_search.option_effects import (
    holds_of,
    purchases_of,
)
from medhavi.planners.run_limits import on_deep_stack
from medhavi.results.limiter import Limiter
from medhavi.results.promises.promise import (
    UNCONFIRMED,
    Promise,
    PromiseBasis,
    PromiseCost,
    PromisedDelivery,
    PromiseOption,
    PromiseReason,
    PromiseStatus,
)

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from medhavi.planners.promising.arrival_risk import ArrivalTimes
    from medhavi.planners.promising.option_search import Offered, OptionSearch
    from medhavi.planners.promising.promise_ledger import PromiseLedger
    from medhavi.planners.promising.supply_search.policies import Policy
    from medhavi.providers.lead_times import Quantiles


class Scored(NamedTuple):
    """What an option is judged by: date [s], cost, chance to be late, CO2 [kg]."""

    option: str
    date: int
    cost: float
    risk: float
    co2_kg: float


_date, _cost = attrgetter("date"), attrgetter("cost")
_risk, _co2_kg = attrgetter("risk"), attrgetter("co2_kg")


def scores(options: Sequence[Scored], policy: Policy) -> list[float]:
    """Score of each option; equal values count nothing.

    Parameters
    ----------
    options
        All options that the caps permit.
    policy
        Weights.
    """
    weighed: tuple[tuple[float, Callable[[Scored], float]], ...] = (
        (policy.time_preference, _date),
        (policy.cost_preference, _cost),
        (policy.risk_preference, _risk),
        (policy.co2_preference, _co2_kg),
    )
    totals = [0.0] * len(options)
    for weight, value_of in weighed if len(options) > 1 else ():
        if not weight:
            continue
        values = [float(value_of(one)) for one in options]
        best, worst = min(values), max(values)
        if worst <= best:
            continue
        for place, value in enumerate(values):
            totals[place] += weight * (value - best) / (worst - best)
    return totals


def ranking(options: Sequence[Scored], totals: Sequence[float]) -> list[int]:
    """Places of the options, best first."""
    return sorted(
        range(len(options)),
        key=lambda place: (
            totals[place],
            options[place].date,
            options[place].cost,
            options[place].option,
        ),
    )


ONCE = ", once confirmed"
"""End of the name of an option that waits for the word of a supplier (rule 50)."""
WHY_NOT = {
    Limiter.COST_CAP_EXCEEDED: "costs more than the policy permits",
    Limiter.RISK_CAP_EXCEEDED: "is late more often than the policy permits",
    Limiter.SUPPLIER_LEADTIME_EXCEEDED: (
        "depends on a supplier's stated lead time without a history"
    ),
    Limiter.DATA_STALE: "buys in a currency whose rate is missing or too old",
    Limiter.DEMAND_STATUS: "lies more than two horizons ahead",
    Limiter.ORDER_RULE: "is later than the demand accepts",
}
FAILED = {
    "routing": Limiter.ROUTING_INVALID,
    "material": Limiter.MATERIAL_SHORTFALL,
    "capacity": Limiter.ROUTING_CAPACITY_FAIL,
    "transport": Limiter.NO_TRANSPORT_LEG,
    "supplier": Limiter.SUPPLIER_LEADTIME_EXCEEDED,
    "reservation": Limiter.MATERIAL_RESERVATION_CONFLICT,
    "price": Limiter.DATA_STALE,
    "policy": Limiter.ORDER_RULE,
}
"""What a provider that fails is called, by stage (CORE-06)."""
PROVIDER_FAILURES = (EnvironmentFailure, LimitReached, NotAvailable, OSError)
"""Failures of a provider that are answered: it cannot be reached, takes too long
(`TimeoutError`), reaches a limit, or does not know such data. All else is a defect of
the search and is raised."""


def answered(search: OptionSearch, detail: str) -> Promise:
    """Choose among the options of a finished search and give the answer."""
    offered = [one.capped(search.policy) for one in search.offered]
    permitted = [one for one in offered if one.closed is None]
    ranked, totals = _ranked(search, permitted, detail)
    if not ranked:
        return _rejected(search, offered, detail)
    chosen = ranked[0]
    promise = _promised(search, chosen, held=detail != "figures")
    if detail != "full":
        return promise
    return _replaced(
        promise,
        options=_options(search, ranked, totals, offered),
        limiters=reasons(search, chosen, promise.status),
        trace=trace_of(search, chosen),
    )


def failed(search: OptionSearch, failure: Exception) -> Promise:
    """Answer where a provider failed: a rejection that names its stage."""
    stage = search.book.stages.at
    search.fail_at(stage)
    late = isinstance(failure, TimeoutError)
    code = Limiter.SEARCH_TIMEOUT if late else FAILED[stage]
    text = (
        f"The {stage} provider failed ({type(failure).__name__}: {failure}); "
        "nothing is held. Ask again, or correct the data it read."
    )
    reason = PromiseReason(code=code, subject=stage, hours=0.0, text=text)
    return _replaced(_nothing(search), limiters=(reason,), exact=False)


def unasked(search: OptionSearch) -> Promise:
    """Answer to a request that a stopped run did not reach: a rejection, no holds."""
    text = (
        "The run was stopped before this request was reached; nothing is held. "
        "Ask again."
    )
    code = Limiter.SEARCH_TIMEOUT
    reason = PromiseReason(code=code, subject="search", hours=0.0, text=text)
    return _replaced(_nothing(search), limiters=(reason,), exact=False)


def _ranked(
    search: OptionSearch, permitted: list[Offered], detail: str
) -> tuple[list[Offered], list[float]]:
    """Order by score, given beside; the first alone where the answer is not full.

    A substitute waits for own supply that is on time (rule 32).
    """
    own = search.request.product
    timely = any(
        one.way.product == own and one.times.date <= search.request.due
        for one in permitted
    )
    if timely:
        permitted = [one for one in permitted if one.way.product == own]
    policy = search.policy
    weighed = bool(policy.cost_preference or policy.co2_preference)
    judged = [
        Scored(
            one.name,
            one.times.date,
            one.cost.total if weighed else 0.0,
            1.0 - one.on_time_prob,
            one.co2_kg if weighed else 0.0,
        )
        for one in permitted
    ]
    totals = scores(judged, policy)
    if not weighed:
        # Prices break ties alone; most options have none, or are not the first.
        dated = [(total, one.date) for total, one in zip(totals, judged, strict=True)]
        asked = dated if detail == "full" else [min(dated, default=(0.0, 0))]
        tied = {one for one in asked if dated.count(one) > 1}
        for place, one in enumerate(dated):
            if one in tied:
                cost = permitted[place].cost.total
                judged[place] = judged[place]._replace(cost=cost)
    order = ranking(judged, totals)
    return [permitted[place] for place in order], [totals[place] for place in order]


def _promised(search: OptionSearch, chosen: Offered, *, held: bool) -> Promise:
    """Promise the chosen option; `held`: with the holds that it would make."""
    request, policy, book = search.request, search.policy, search.book
    found = chosen.times.evaluation
    full = found.steps >= chosen.search.wanted.steps
    late = chosen.times.date > request.due
    status = PromiseStatus.PROMISED_LATE if late else PromiseStatus.PROMISED
    expires = book.now + policy.hold_seconds
    pieces = found.pieces()
    holds = holds_of(found, pieces, request, expires, book.stages) if held else ()
    basis = _basis(search, chosen)
    return _nothing(
        search,
        status=status if full else PromiseStatus.PARTIAL,
        date=chosen.times.date,
        date_p50=chosen.times.p50,
        date_p80=chosen.times.p80,
        date_p95=chosen.times.p95,
        on_time_prob=chosen.on_time_prob,
        date_prob=chosen.times.date_prob,
        deliveries=tuple(
            PromisedDelivery(
                qty=chosen.search.quantity(shipment.steps),
                date=max(shipment.arrival + search.buffer, search.floor),
                product=shipment.product,
                origin=shipment.origin,
            )
            for shipment in found.shipments
        ),
        origin=found.origin,
        option=chosen.name,
        cost=chosen.cost,
        co2_kg=chosen.co2_kg,
        reservations=tuple([hold.reservation for hold in holds]),
        holds=holds,
        purchases=purchases_of(pieces),
        basis=basis,
        exact=found.exact
        and not search.report.cut
        and not (search.report.rough and (late or not full)),
    )


def _basis(search: OptionSearch, chosen: Offered) -> PromiseBasis:
    """Name the model behind the uncertain times of an option and of its work."""
    if unconfirmed(search, chosen):
        return known_basis(UNCONFIRMED, search.policy.risk_basis)
    found = [search.book.times.of(subject) for subject in chosen.times.subjects]
    found += [one for _, one in expected(search, chosen)]
    return basis_of(found, search.policy.risk_basis)


def unconfirmed(search: OptionSearch, chosen: Offered) -> list[str]:
    """Suppliers whose stated lead time an option counts on without a history."""
    stated = search.book.times.stated
    return sorted(
        {
            piece.source.source
            for piece in chosen.times.evaluation.pieces()
            if piece.kind == "buy" and piece.source is not None and stated(piece.source)
        }
    )


def basis_of(found: Sequence[Quantiles], risk: str) -> PromiseBasis:
    """Name the model behind uncertain times: an estimate before agreed times."""
    models = [one for one in found if one.model is not None]
    if models:
        return PromiseBasis(
            model=str(models[0].model), version=models[0].version, risk_basis=risk
        )
    return known_basis(found[0].basis if found else "stated", risk)


@cache
def known_basis(name: str, risk: str) -> PromiseBasis:
    """Basis of answers without a model: one record for all of them."""
    return PromiseBasis(model=name, version=None, risk_basis=risk)


def _options(
    search: OptionSearch,
    ranked: list[Offered],
    totals: list[float],
    offered: list[Offered],
) -> tuple[PromiseOption, ...]:
    chosen = ranked[0] if ranked else None
    others = [one for one in offered if all(one is not known for known in ranked)]
    others.sort(key=lambda one: (one.times.date, one.cost.total, one.name))
    stated = search.book.providers.suppliers.any_incoterm
    found = [
        PromiseOption(
            option=one.name,
            origin=one.times.evaluation.origin,
            qty=one.search.quantity(one.times.evaluation.steps),
            date=one.times.date,
            on_time_prob=one.on_time_prob,
            date_prob=one.times.date_prob,
            cost=one.cost.total,
            co2_kg=one.co2_kg,
            score=score,
            why_not=None if one is chosen else _why_not(search, one, chosen),
            parts=one.cost,
            incoterms=one.times.evaluation.incoterms if stated else (),
        )
        for one, score in zip_longest([*ranked, *others], totals)
    ]
    asking = [] if chosen is None else unconfirmed(search, chosen)
    if asking:
        why_not = (
            f"waits until {', '.join(asking)} confirmed the stated lead time; "
            "nothing is promised before"
        )
        once = replace(found[0], option=f"{found[0].option}{ONCE}", why_not=why_not)
        found.insert(1, once)
    return tuple(found)


def _why_not(search: OptionSearch, one: Offered, chosen: Offered | None) -> str:
    if one.closed is Limiter.COST_CAP_EXCEEDED and not one.above_cost(search.policy):
        return f"{one.closed}: emits more than the policy permits"
    if one.closed is not None:
        return f"{one.closed}: {WHY_NOT[one.closed]}"
    if one.way.product != search.request.product:
        return "a substitute comes after own supply that is on time"
    if chosen is None:
        return "not permitted"
    if one.times.date > chosen.times.date:
        return "later"
    return "dearer" if one.cost.total > chosen.cost.total else "a worse score"


def _rejected(search: OptionSearch, offered: list[Offered], detail: str) -> Promise:
    report = search.report
    promise = _nothing(search, exact=not (report.cut or report.rough))
    if detail != "full":
        return promise
    return _replaced(
        promise,
        options=_options(search, [], [], offered),
        limiters=reasons(search, None, PromiseStatus.REJECTED),
        trace=trace_of(search, None),
    )


def _nothing(search: OptionSearch, **known: object) -> Promise:
    """Answer with nothing but what is known: every key is there (rule 28)."""
    request, book = search.request, search.book
    cells: dict[str, object] = {
        "request": request.position,
        "status": PromiseStatus.REJECTED,
        "sales_order": request.sales_order,
        "line": request.line,
        "known_at": book.now,
        "demand": {**request.cells, "demand": request.demand, "due": request.due},
    }
    cells.update(known)
    if "cost" not in cells:
        cells["cost"] = PromiseCost(currency=book.snapshot.settings.base_currency)
    if "basis" not in cells:
        cells["basis"] = known_basis("stated", search.policy.risk_basis)
    return Promise(**cells)  # type: ignore[arg-type]


def _replaced(promise: Promise, **cells: object) -> Promise:
    """Change a promise; the first of the reasons is the limiter."""
    limiters = cells.get("limiters")
    if isinstance(limiters, tuple) and limiters:
        cells["limiter"] = limiters[0]
    return replace(promise, **cells)  # type: ignore[arg-type]


def searched(search: OptionSearch, detail: str, *, freed: bool = False) -> Promise:
    """Answer a request; the ledgers are as before after it.

    Parameters
    ----------
    search
        The search, not begun.
    detail
        As in `search`.
    freed
        The demand was given what it has already.
    """
    try:
        return _searched(search, detail, freed=freed)
    except RecursionError:
        # A chain of more levels than the usual stack has room for.
        search.begin_anew()
    try:
        return on_deep_stack(lambda: _searched(search, detail, freed=freed))
    except RecursionError as failure:
        return failed(search, failure)


def _searched(search: OptionSearch, detail: str, *, freed: bool) -> Promise:
    try:
        with search.on_ledgers(freed=freed):
            search.search(brief=detail != "full")
            return answered(search, detail)
    except PROVIDER_FAILURES as failure:
        return failed(search, failure)


Curve = tuple[tuple[float, int], ...]
"""Levels from 0 to 1, rising, each with the instant [s] by which it is there."""
SHARES = tuple(percent / 100 for percent in range(1, 100))


def arrival_curve(search: OptionSearch, answer: Promise) -> Curve:
    """How likely an answer is there by which instant; nothing in the ledger changes.

    Parameters
    ----------
    search
        For what was asked for, not begun.
    answer
        What was promised for it on its ledger.

    Returns
    -------
    tuple of (float, int)
        Empty where nothing is promised, nothing is uncertain, or where the answer
        takes from others: then the options of a plain search are not its own.
    """
    if answer.date is None or answer.preempted:
        return ()
    book = search.book
    searched(search, "date")
    known = (
        one
        for one in search.offered
        if one.name == answer.option and one.times.date == answer.date
    )
    chosen = next(known, None)
    if chosen is None or chosen.times.chain is None:
        return ()
    mark = book.stages.mark()
    basis = search.policy.risk_basis
    try:
        with book.stages.timed(LeadDraws(book.times, 0.5), LEVELS[basis]):
            search.free_own()
            found = _levels(book, chosen.times, basis)
    finally:
        book.stages.undo(mark)
    return tuple(zip(SHARES, _rising(found), strict=True))


def _levels(book: PromiseLedger, times: ArrivalTimes, basis: str) -> list[int]:
    """Arrival at each of `SHARES` [s]."""
    chain = times.chain
    assert chain is not None
    if len(times.subjects) == 1:
        walked = [chain.at(LeadDraws(book.times, share)) for share in SHARES]
        return [times.date if one is None else one.date for one in walked]
    points = SampledChain(book, times.subjects)
    dates = np.sort(points.arrivals(chain.found))
    # The quoted date was walked; the points move with it, as in the quote itself.
    moved = times.date - int(dates[rank_at(LEVELS[basis])])
    return [int(dates[rank_at(share)]) + moved for share in SHARES]


def _rising(dates: list[int]) -> list[int]:
    """Make dates non-decreasing over the levels."""
    found = np.maximum.accumulate(np.array(dates, dtype=np.int64))
    return [int(date) for date in found]


def chance_by(curve: Curve, instant: int) -> float:
    """Chance that it is there by an instant: the highest level reached.

    >>> chance_by(((0.5, 100), (0.6, 200)), 150)
    0.5
    >>> chance_by(((0.5, 100),), 10)
    0.0
    """
    return max((share for share, date in curve if date <= instant), default=0.0)
