"""What else would be promised: at other quantiles, quantities and due dates (ATP-13).

Each row is a quote of its own on the same book, for a request that differs in one
respect alone. Nothing is interpolated.
"""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, NamedTuple

from medhavi.results.promises.promise import PromiseVariant
from medhavi.units import DAY, from_steps

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from medhavi.planners.promising.ledger.book import Book
    from medhavi.planners.promising.options.quest import Quest
    from medhavi.planners.promising.requests.asking import Request
    from medhavi.planners.promising.requests.rules_of_promise import Policy
    from medhavi.results.promises.promise import Promise

    Ask = Callable[[Book, Request, Policy], Promise]

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
