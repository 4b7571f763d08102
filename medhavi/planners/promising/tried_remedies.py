"""Changes that would help, each tried by a quote of its own (ATP-19).

A remedy names the rows it changes. Its date and cost are those of a quote on the tables
with these rows, so applying them gives exactly that answer. It improves the date or the
money, delivers at least `settings.remedies_min_share` of what is needed, and is never
the answer itself. Money is the cost of the answer with its lateness and the price of
what is not delivered, at the values of the request. Where no change alone makes
the answer be on time, pairs are tried: those that helped, the best first, with each
other and with those that did not help alone.

What could be changed are rows of tables, or cells of the request.
"""

from __future__ import annotations

import math
from dataclasses import replace
from itertools import combinations
from typing import TYPE_CHECKING, NamedTuple

from medhavi import schema
from medhavi.edits.remedy_changes import Proposal, proposal
from medhavi.planners.promising.table_proposals import (
    LateCase,
    disruption_proposals,
    table_proposals,
)
from medhavi.planners.promising.what_if import (
    asked_again,
    book_with,
    with_planned_orders,
)
from medhavi.results.limiter import Limiter, RemedyKind
from medhavi.results.promises.promise import PromiseStatus, TriedRemedy
from medhavi.units import from_seconds, from_units

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping, Sequence

    from medhavi.planners.promising.option_search import OptionSearch
    from medhavi.planners.promising.promise_ledger import PromiseLedger
    from medhavi.planners.promising.supply_search.policies import Policy
    from medhavi.planners.promising.supply_search.requests import Request
    from medhavi.planners.promising.table_proposals import Rows
    from medhavi.results.promises.promise import Promise

    Change = tuple[RemedyKind, str, Mapping[str, object]]
    """Kind, text, and cells of the policy."""
    Ask = Callable[[PromiseLedger, Request], Promise]

MOST_REMEDIES = 6
LEAST = 0.005
"""Money below this is no difference (half a cent)."""
RANKS = {
    PromiseStatus.PROMISED: 0,
    PromiseStatus.PROMISED_LATE: 1,
    PromiseStatus.PARTIAL: 2,
    PromiseStatus.REJECTED: 3,
}
_ONCE = frozenset({RemedyKind.LATER_DATE, RemedyKind.SPLIT_DELIVERY})
"""Changes of what is asked for: the first that is on time will do."""
PAIRS_SHARE = 3
"""One of so many quotes is kept for pairs."""


class Remedies(NamedTuple):
    """What helps, which changes were tried, and whether none was left out."""

    found: tuple[TriedRemedy, ...]
    tried: tuple[str, ...]
    all_tried: bool


def remedies(search: OptionSearch, answer: Promise, ask: Ask) -> Remedies:
    """Try what the reasons of an answer suggest; keep what helps.

    Parameters
    ----------
    search
        The finished search.
    answer
        What it gave: late, in part or nothing.
    ask
        Gives the answer to a request on a book.

    Returns
    -------
    Remedies
        Those that save most money first; `remedy_tries` of the policy says how many
        were tried at most.
    """
    trials = _Trials(search, answer, ask)
    trials.singles()
    if not trials.timely:
        trials.pairs()
    return trials.told()


def asked_anew(
    search: OptionSearch, ask: Callable[[PromiseLedger, Request, Policy], Promise]
) -> tuple[TriedRemedy, ...]:
    """Ask once more where a provider failed: it may have been for a moment alone."""
    promise = ask(search.book, search.request, search.policy)
    kind = RemedyKind.ASK_AGAIN
    tried = _Tried(Proposal(kind, "ask again", {}), promise, kind.value)
    return _told([tried], 0.0)


class _Tried(NamedTuple):
    proposal: Proposal
    promise: Promise
    code: str


class _Trials:
    """Quotes with changes, as many as the policy permits."""

    def __init__(self, search: OptionSearch, answer: Promise, ask: Ask) -> None:
        self._quest = search
        self._answer = answer
        self._ask = ask
        self._left = search.policy.remedy_tries
        self._helped: list[_Tried] = []
        self._idle: list[Proposal] = []
        self._tried: list[str] = []
        self._all_tried = True
        # Taken before anything else is asked: a provider may fail at any later call.
        self._short_rate = search.book.costs.short_rate(search.request)
        self._before = self._money(answer)

    def singles(self) -> None:
        """Try each change alone."""
        kept = self._left // PAIRS_SHARE
        for one in proposals(self._quest, self._answer):
            if one.kind in _ONCE and self._has(one.kind):
                continue
            if not one.alone:
                self._idle.append(one)
                continue
            if self._left <= kept:
                self._all_tried = False
                return
            if not self._try(one, one.kind.value):
                self._idle.append(one)

    def pairs(self) -> None:
        """Try changes of supply two at a time, those that helped before others."""
        helped = [
            one.proposal for one in self._ranked() if one.proposal.kind not in _ONCE
        ]
        idle = [one for one in self._idle if one.kind not in _ONCE]
        for one, other in combinations([*helped, *idle], 2):
            both = joined(one, other, self._quest.policy)
            if both is None:
                continue
            if self._left <= 0:
                self._all_tried = False
                return
            code = f"{one.kind.value}+{other.kind.value}"
            if self._try(both, code, (one, other)) and self.timely:
                return

    @property
    def timely(self) -> bool:
        """Whether something but asking for less or later makes it be on time."""
        return any(
            one.promise.status is PromiseStatus.PROMISED
            and one.proposal.kind not in _ONCE
            for one in self._helped
        )

    def told(self) -> Remedies:
        """What helped, the best first."""
        ranked = self._ranked()[:MOST_REMEDIES]
        found = tuple(
            told
            for one in ranked
            for told in _told([one], self._before - self._money(one.promise))
        )
        return Remedies(found, tuple(self._tried), self._all_tried)

    def _money(self, promise: Promise) -> float:
        """Cost of an answer with what it does not deliver [base currency]."""
        missing = max(self._quest.request.qty - promise.qty, 0.0)
        return promise.cost.total + missing * self._short_rate

    def _ranked(self) -> list[_Tried]:
        return sorted(
            self._helped,
            key=lambda one: (
                self._money(one.promise),
                RANKS[one.promise.status],
                one.promise.date or 0,
                one.code,
            ),
        )

    def _improves(self, promise: Promise) -> bool:
        """Whether a quote is earlier or saves money; the answer itself does not."""
        answer = self._answer
        if (promise.date, promise.qty) == (answer.date, answer.qty):
            return False
        if answer.date is None or promise.date is None:
            return promise.date is not None
        return promise.date < answer.date or self._money(promise) < self._before - LEAST

    def _has(self, kind: RemedyKind) -> bool:
        return any(one.proposal.kind is kind for one in self._helped)

    def _try(
        self, proposal: Proposal, code: str, parts: Sequence[Proposal] = ()
    ) -> bool:
        """Quote a change; it helps where it is better than each part of it alone."""
        self._left -= 1
        self._tried.append(proposal.text)
        search = self._quest
        request = asked_again(search.request, proposal.rows)
        promise = self._ask(book_with(search.book, proposal.rows), request)
        alone = [one.promise for one in self._helped if one.proposal in parts]
        helps = (
            promise.date is not None
            and promise.qty >= least_quantity(search)
            and self._improves(promise)
            and all(
                _helps(promise, one, proposal.kind) for one in (self._answer, *alone)
            )
        )
        if helps:
            self._helped.append(_Tried(proposal, promise, code))
        return helps


def _told(tried: Sequence[_Tried], saved: float) -> tuple[TriedRemedy, ...]:
    return tuple(
        TriedRemedy(
            code=one.code,
            text=one.proposal.text,
            rows=one.proposal.rows,
            date=one.promise.date,
            cost=one.promise.cost.total,
            saved=saved,
            status=one.promise.status,
            qty=one.promise.qty,
            on_time_prob=one.promise.on_time_prob,
            date_prob=one.promise.date_prob,
        )
        for one in tried
        if one.promise.date is not None
    )


def _helps(promise: Promise, answer: Promise, kind: RemedyKind) -> bool:
    """Whether an answer is better: its status, else its quantity or its date."""
    if kind in _ONCE:
        return promise.status is PromiseStatus.PROMISED
    rank, before = RANKS[promise.status], RANKS[answer.status]
    if rank != before:
        return rank < before
    if promise.status is PromiseStatus.PARTIAL and promise.qty != answer.qty:
        return promise.qty > answer.qty
    return (
        promise.date is not None
        and answer.date is not None
        and promise.date < answer.date
    )


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
        counting = with_planned_orders(quest.book, quest.request)
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
    refused = {
        one.subject for one in quest.failures if one.limiter is Limiter.ORDER_RULE
    }
    refused -= quest.campaign_rules
    scores = [suppliers.esg_score(name) for name in sorted(refused)]
    return [score for score in scores if score is not None]


def _too_short(quest: OptionSearch) -> bool:
    """Whether a rule of campaigns refused work."""
    return any(
        one.limiter is Limiter.ORDER_RULE and one.subject in quest.campaign_rules
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
        failure.limiter is not unknown for failure in quest.failures
    )
