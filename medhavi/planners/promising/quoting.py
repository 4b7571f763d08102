"""One quote: search, preempt, choose, answer; the ledgers are as before after it.

What rivals have is freed in the ledgers, the request is answered on that, takes what it
found, and each line that gave way is answered again, without such rights of its own, on
what is left. All of it is undone: a quote changes nothing. Only as many give way as are
needed, and only those that can be promised their whole quantity again within their own
rules: a promise moves, it never vanishes.

A line gives way where its priority number is larger and, where both tiers are known,
its tier is lower. It keeps what it has where moving it would undo a decision or break
it in two: a firm peg, an order in the books made for it, work or transport that has
begun, holds that are tentative, an order whose lines come together, a class that
nothing ranks.
"""

from __future__ import annotations

from dataclasses import replace
from functools import partial
from typing import TYPE_CHECKING, NamedTuple, TypeVar

import polars as pl

from medhavi.planners.promising.answering import PROVIDER_FAILURES, failed, searched
from medhavi.planners.promising.option_search import OptionSearch
from medhavi.planners.promising.reasons import sensitivity
from medhavi.planners.promising.supply_search.option_effects import take_holds
from medhavi.planners.promising.supply_search.policies import usual_policy
from medhavi.planners.promising.supply_search.requests import request_of_line
from medhavi.planners.promising.supply_search.shipment_origins import supply_scope
from medhavi.planners.promising.tried_remedies import RANKS, asked_anew, remedies
from medhavi.providers.material.characteristics import NO_CLASS
from medhavi.providers.material.supply_orders import LIVE
from medhavi.results.promises.promise import Preempted, PromiseStatus, iso
from medhavi.schema import PLANNED_STATUS
from medhavi.snapshot.snapshot import active_holds
from medhavi.units import DAY, from_seconds

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping, Sequence

    from medhavi.planners.promising.promise_ledger import PromiseLedger
    from medhavi.planners.promising.supply_search.policies import Policy
    from medhavi.planners.promising.supply_search.requests import Request
    from medhavi.planners.promising.supply_search.shipment_origins import SupplyScope
    from medhavi.results.promises.promise import Promise


T = TypeVar("T")


def least_set(items: Sequence[T], enough: Callable[[Sequence[T]], bool]) -> list[T]:
    """Smallest part of items that is enough: none of it can be left out.

    Parameters
    ----------
    items
        What may be taken, the most willing first; all of it is enough.
    enough
        Tells whether a part will do; more never does worse.

    Returns
    -------
    list
        In the order of `items`. Where several parts would do, the one whose last item
        is the earliest.

    Notes
    -----
    QuickXplain: U. Junker, *QuickXplain: preferred explanations and relaxations for
    over-constrained problems*, AAAI 2004. It asks about k log(n / k) + k times for k of
    n items.

    Examples
    --------
    >>> least_set([5, 1, 3, 4], lambda some: sum(some) >= 8)
    [5, 3]
    """
    if enough(()):
        return []
    return _explained(items, enough, [], asked=True)


def _explained(
    items: Sequence[T],
    enough: Callable[[Sequence[T]], bool],
    given: list[T],
    *,
    asked: bool,
) -> list[T]:
    """What of items is needed beside what is given; `asked`: that alone is not."""
    if not asked and enough(given):
        return []
    if len(items) == 1:
        return list(items)
    half = len(items) // 2
    first, second = items[:half], items[half:]
    late = _explained(second, enough, [*given, *first], asked=False)
    early = _explained(first, enough, [*given, *late], asked=not late)
    return [*early, *late]


TIERS = ("gold", "silver", "bronze")
"""Tiers whose order is known, the best first; equal names are equal anywhere."""


class PreemptionCandidate(NamedTuple):
    """A line that may give way: its date [s] and the quantity that it was promised."""

    request: Request
    date: int | None
    qty: float


def is_lower(tier: str | None, than: str | None) -> bool:
    """Whether a tier gives way to another one; one that is unknown does.

    Of two names that are in no known order nobody can say which is lower: none is.

    >>> is_lower("Bronze", "gold"), is_lower("gold", "gold"), is_lower(None, "gold")
    (True, False, True)
    """
    if tier is None or than is None:
        return True
    low, high = tier.casefold(), than.casefold()
    if low not in TIERS or high not in TIERS:
        return False
    return TIERS.index(low) > TIERS.index(high)


def rivals(book: PromiseLedger, request: Request) -> tuple[PreemptionCandidate, ...]:
    """Lines in the way that may have to give way, the least important first.

    Lines of equal priority: the latest due first, then the cheapest to delay.
    """
    products = [request.product]
    products += [row["substitute"] for row in book.substitutes.get(request.product, ())]
    used = supply_scope(book.stages, book.reach, products, request.location)
    tier = book.policies.tier(request)
    lower = [
        rival
        for rival in _holders(book, used)
        if rival.request.demand != request.demand
        and rival.request.priority > request.priority
        and is_lower(book.policies.tier(rival.request), tier)
    ]
    kept = _ProtectedLines(book, [rival.request for rival in lower])
    found = [rival for rival in lower if not kept.keeps(rival.request)]

    def willing(rival: PreemptionCandidate) -> tuple[int, int, float, str]:
        other = rival.request
        damage = book.costs.late_rate(other) * other.qty
        return -other.priority, -other.due, damage, other.demand

    return tuple(sorted(found, key=willing))


def _holders(book: PromiseLedger, used: SupplyScope) -> Iterator[PreemptionCandidate]:
    """Find the lines that have something which a request may use."""
    for undos in book.accepted.values():
        touched = any(
            used.holds(hold.kind, hold.subject, hold.location)
            for undo in undos
            for hold in undo.holds
        ) or any(
            order[0].source in used.suppliers for undo in undos for order in undo.bought
        )
        cells = undos[-1].cells
        if touched and cells:
            request = request_of_line(cells, 0)
            qty = undos[-1].qty
            yield PreemptionCandidate(
                request, undos[-1].date, request.qty if qty is None else qty
            )
    demands = book.providers.tables["demands"]
    numbers = {name: i for i, name in enumerate(demands.column("demand"))}
    for name in sorted(_owners(book, used)):
        number = numbers.get(name)
        if number is None or name in book.accepted:
            continue
        row = demands.row(number)
        if row["status"] in PLANNED_STATUS and row["kind"] == "order":
            request = request_of_line(row, 0)
            yield PreemptionCandidate(request, row["promised"], request.qty)


def _owners(book: PromiseLedger, used: SupplyScope) -> set[str]:
    """Collect the demands to which the tables give something of it."""
    committed, holds = book.providers.commitments, book.providers.reservations
    found = {had.owner for node in used.nodes for had in committed.at(*node)}
    found |= {
        hold.demand
        for hold in (*holds.capacity, *holds.transport)
        if used.holds(hold.scope, hold.subject, hold.location)
    }
    return {owner for owner in found if owner is not None}


class _ProtectedLines:
    """Lines that keep what they have.

    Parameters
    ----------
    lines
        Who is asked about.
    """

    def __init__(self, book: PromiseLedger, lines: Sequence[Request]) -> None:
        self._book = book
        tables = book.snapshot
        mine = pl.col("demand").is_in([one.demand for one in lines])
        pegs = tables["pegs"].filter(mine & pl.col("firm"))
        orders = tables["supply_orders"].filter(
            mine
            & (
                pl.col("status").is_in(sorted(LIVE))
                | pl.col("firm").fill_null(value=False)
                | pl.col("locked").fill_null(value=False)
            )
        )
        now = from_seconds(book.now)
        held = active_holds(tables).filter(mine)
        begun = held.filter((pl.col("kind") != "material") & (pl.col("start") < now))
        self._bound = {*pegs["demand"], *orders["demand"], *begun["demand"]}
        tentative = pl.col("state") == "tentative"
        self._tentative = set(held.filter(tentative)["demand"]) - set(
            held.filter(~tentative)["demand"]
        )
        names = {one.sales_order for one in lines if one.sales_order is not None}
        same = tables["demands"].filter(pl.col("sales_order").is_in(sorted(names)))
        self._lines: dict[str, set[str]] = {name: set() for name in names}
        for order, line in same.select("sales_order", "demand").iter_rows():
            self._lines[order].add(line)
        for undos in book.accepted.values():
            for undo in undos:
                self._lines.setdefault(str(undo.cells.get("sales_order")), set()).add(
                    undo.demand
                )

    def keeps(self, request: Request) -> bool:
        """Whether a line must not be moved."""
        taken = self._book.accepted.get(request.demand, ())
        if taken:
            bound = request.demand in self._bound or any(
                hold.kind != "material" and hold.start < self._book.now
                for undo in taken
                for hold in undo.holds
            )
        else:
            bound = request.demand in self._bound | self._tentative
        quality = request.min_quality
        if quality is not None:
            bound = bound or self._book.providers.traits.rank(quality) == NO_CLASS
        return bound or self._is_tied(request)

    def _is_tied(self, request: Request) -> bool:
        """Whether the line comes with others of its order."""
        lines = self._lines.get(request.sales_order or "", set())
        if len(lines) < 2:
            return False
        policy = self._book.policies.of(request)
        return request.order_policy != "independent" or policy.delivery == "full_order"


MOST_RIVALS = 200
"""Lines that may give way to one request, the least important first."""
MOST_QUOTES = 80
"""Quotes in the search for those that do; a search that is not through takes none."""
OPTION = "preempt:"
"""How an option begins that takes from others."""


class _QuotesExhaustedError(Exception):
    """The quotes are used up."""


def with_preemption(search: OptionSearch, before: Promise, detail: str) -> Promise:
    """Answer that takes from less important lines, where it is better.

    Parameters
    ----------
    search
        The search without it, finished.
    before
        Its answer: late, in part or nothing.
    detail
        As in `quote`.
    """
    candidates = list(rivals(search.book, search.request)[:MOST_RIVALS])
    tries = _PreemptionTrials(search, before)
    try:
        while candidates:
            goal = tries.answer(candidates)
            if standing(goal) >= standing(before):
                break
            needed = least_set(candidates, partial(tries.reaches, goal))
            made, refused = tries.settled(needed, detail)
            if not refused:
                better = standing(made) < standing(before)
                return _told(made, before, detail) if better else before
            # Who cannot be promised again keeps what it has: others may do.
            candidates = [one for one in candidates if one not in refused]
    except _QuotesExhaustedError:
        return _noted(before, tries.asked, "SearchTimeout", detail)
    return _noted(before, tries.asked, "nothing gained", detail)


def standing(promise: Promise) -> tuple[int, float, float]:
    """Rank an answer: its status, then how much, then when; less is better."""
    date = float("inf") if promise.date is None else float(promise.date)
    return RANKS[promise.status], -promise.qty, date


class _PreemptionTrials:
    """Answers to one request with some lines out of the way."""

    def __init__(self, search: OptionSearch, before: Promise) -> None:
        self._book = search.book
        self._request = search.request
        self._policy = search.policy
        self._known: dict[frozenset[str], Promise] = {frozenset(): before}
        self.asked = 0

    def answer(self, gone: Sequence[PreemptionCandidate]) -> Promise:
        """Answer the request without what these lines have."""
        key = frozenset(one.request.demand for one in gone)
        if key not in self._known:
            if self.asked >= MOST_QUOTES:
                raise _QuotesExhaustedError
            self.asked += 1
            mark = self._book.stages.mark()
            try:
                self._free(gone)
                self._known[key] = searched(self._quest(), "date")
            finally:
                self._book.stages.undo(mark)
        return self._known[key]

    def reaches(self, goal: Promise, gone: Sequence[PreemptionCandidate]) -> bool:
        """Whether it comes as far without these as without all of them."""
        found = self.answer(gone)
        return found.on_time if goal.on_time else standing(found) <= standing(goal)

    def settled(
        self, gone: Sequence[PreemptionCandidate], detail: str
    ) -> tuple[Promise, tuple[PreemptionCandidate, ...]]:
        """Answer the request and then the lines that gave way, on what is left.

        Returns
        -------
        tuple of (Promise, tuple of Rival)
            The answer with its `preempted`, and lines that cannot be promised again.
        """
        book = self._book
        mark = book.stages.mark()
        moved: list[Preempted] = []
        try:
            self._free(gone)
            quest = self._quest()
            made = searched(quest, detail)
            quest.free_own()
            self._take(made)
            for rival in sorted(gone, key=_importance):
                policy = replace(book.policies.of(rival.request), preempt=False)
                found = searched(
                    OptionSearch(book, rival.request, policy), "date", freed=True
                )
                if not _is_whole(found, rival):
                    return made, (rival,)
                self._take(found)
                moved.append(self._moved(rival, found))
        finally:
            book.stages.undo(mark)
        return replace(made, preempted=tuple(moved)), ()

    def _quest(self) -> OptionSearch:
        return OptionSearch(self._book, self._request, self._policy)

    def _free(self, gone: Sequence[PreemptionCandidate]) -> None:
        for rival in gone:
            self._book.free_own(rival.request.demand)

    def _take(self, made: Promise) -> None:
        """Take holds for the rest of the quote; the journals undo it."""
        stages = self._book.stages
        take_holds(stages, made.holds, made.demand)
        stages.buy_again([stages.order(one) for one in made.purchases])

    def _moved(self, rival: PreemptionCandidate, found: Promise) -> Preempted:
        request = rival.request
        assert found.date is not None
        due = request.due
        was = due if rival.date is None else max(rival.date, due)
        late = max(max(found.date, due) - was, 0) / DAY
        return Preempted(
            **self._book.policies.line(replace(request, qty=found.qty)),
            previous=rival.date,
            date=found.date,
            cost=late * found.qty * self._book.costs.late_rate(request),
            promise=found,
        )


def _importance(rival: PreemptionCandidate) -> tuple[int, int, str]:
    """Order as requests of a file are answered (rule 29)."""
    return rival.request.priority, rival.request.due, rival.request.demand


def _is_whole(found: Promise, rival: PreemptionCandidate) -> bool:
    return found.status is not PromiseStatus.REJECTED and found.covers(rival.qty)


def _told(made: Promise, before: Promise, detail: str) -> Promise:
    """Put the price of those who gave way, and who they are, into the answer."""
    lateness = made.cost.lateness + sum(one.cost for one in made.preempted)
    cost = replace(made.cost, lateness=lateness)
    named = replace(
        made, cost=cost, option=f"{OPTION}{made.option}", exact=False, remedies=()
    )
    if detail != "full":
        return named
    chosen = [
        replace(one, option=f"{OPTION}{one.option}", cost=cost.total, score=None)
        for one in made.options
        if one.why_not is None
    ]
    worse = "less of it" if before.qty < made.qty else "later"
    others = [replace(one, why_not=one.why_not or worse) for one in before.options]
    return replace(
        named,
        options=(*chosen, *others),
        trace=(*made.trace, *(_entry(one) for one in made.preempted)),
    )


def _entry(one: Preempted) -> Mapping[str, object]:
    return {
        "stage": "preempt",
        "demand": one.demand,
        "priority": one.priority,
        "tier": one.tier,
        "qty": one.qty,
        "previous": None if one.previous is None else iso(one.previous),
        "date": iso(one.date),
        "cost": one.cost,
    }


def _noted(before: Promise, quotes: int, note: str, detail: str) -> Promise:
    """Record in the trace the attempt to take from others, and its result."""
    if detail != "full" or not quotes:
        return before
    entry = {"stage": "preempt", "quotes": quotes, "note": note}
    return replace(before, trace=(*before.trace, entry))


def quote(
    book: PromiseLedger,
    request: Request,
    policy: Policy | None = None,
    *,
    detail: str = "full",
) -> Promise:
    """Answer a request; nothing in the book changes.

    Parameters
    ----------
    policy
        How it is promised; by default as the tables say for the request.
    detail
        "full"; "date": the chosen option alone, without reasons and remedies; or
        "figures": that without its holds, for comparison with another answer.

    Raises
    ------
    BadData
        The request names a policy that is not there, or a routing is no routing.
    """
    used = policy
    if used is None:
        try:
            used = book.policies.of(request)
        except PROVIDER_FAILURES as failure:
            book.stages.ask("policy")
            return failed(OptionSearch(book, request, usual_policy()), failure)
    if used.preempt:
        # The lines that give way ask again among the holds.
        return _preempting(book, request, used, "date" if detail != "full" else detail)
    if detail != "full":
        return searched(OptionSearch(book, request, used), detail)
    # All searches for one answer begin with the same work on the resources.
    with book.stages.sharing_orders():
        search = OptionSearch(book, request, used)
        return helped(search, searched(search, detail))


def _preempting(
    book: PromiseLedger, request: Request, policy: Policy, detail: str
) -> Promise:
    search = OptionSearch(book, request, policy)
    answer = searched(search, detail)
    if search.report.failed_at is None and not search.timely:
        answer = with_preemption(search, answer, detail)
    return helped(search, answer) if detail == "full" else answer


def helped(search: OptionSearch, answer: Promise) -> Promise:
    """Full answer with what else would be promised and what would help."""
    if search.report.failed_at is not None:
        return replace(answer, remedies=asked_anew(search, _figures))
    if search.policy.sensitivity:
        answer = replace(answer, sensitivity=sensitivity(search, answer, _figures))
    return answer if answer.on_time else _with_remedies(search, answer)


def _with_remedies(search: OptionSearch, answer: Promise) -> Promise:
    def ask(book: PromiseLedger, request: Request) -> Promise:
        # A change of the policy names its own; all others are asked as before.
        if request.policy != search.request.policy:
            return _figures(book, request, None)
        policy = search.policy
        if book.policies is not search.book.policies:
            fallback = book.policies.of(request).supplier_fallback
            policy = replace(policy, supplier_fallback=fallback)
        return _figures(book, request, policy)

    helping = remedies(search, answer, ask)
    answer = replace(answer, remedies=helping.found)
    if helping.all_tried and helping.found:
        return answer
    count = len(helping.tried)
    note = f"tried: {count}; " + (
        "no other change applies" if helping.all_tried else "other changes were not"
    )
    entry = {
        "stage": "remedies",
        "tried": count,
        "changes": list(helping.tried),
        "note": note,
    }
    return replace(answer, trace=(*answer.trace, entry))


def _figures(book: PromiseLedger, request: Request, policy: Policy | None) -> Promise:
    return quote(book, request, policy, detail="figures")
