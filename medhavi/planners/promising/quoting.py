"""One quote: search, choose, answer; the book is as before after it."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from medhavi.planners.promising.explain.answering import PROVIDER_FAILURES, failed
from medhavi.planners.promising.explain.arrival_curve import searched
from medhavi.planners.promising.explain.counterfactual import sensitivity
from medhavi.planners.promising.options.quest import Quest
from medhavi.planners.promising.preemption.preempting import with_preemption
from medhavi.planners.promising.remedies.tried_remedies import asked_anew, remedies
from medhavi.planners.promising.requests.rules_of_promise import usual_policy

if TYPE_CHECKING:
    from medhavi.planners.promising.ledger.promise_ledger import PromiseLedger
    from medhavi.planners.promising.requests.asking import Request
    from medhavi.planners.promising.requests.rules_of_promise import Policy
    from medhavi.results.promises.promise import Promise


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
            book.stages.at = "policy"
            return failed(Quest(book, request, usual_policy()), failure)
    if used.preempt:
        # The lines that give way ask again among the holds.
        return _preempting(book, request, used, "date" if detail != "full" else detail)
    if detail != "full":
        return searched(Quest(book, request, used), detail)
    # All searches for one answer begin with the same work on the resources.
    book.stages.placed = {}
    try:
        quest = Quest(book, request, used)
        return helped(quest, searched(quest, detail))
    finally:
        book.stages.placed = None


def _preempting(
    book: PromiseLedger, request: Request, policy: Policy, detail: str
) -> Promise:
    quest = Quest(book, request, policy)
    answer = searched(quest, detail)
    if not quest.broken and not quest.timely:
        answer = with_preemption(quest, answer, detail)
    return helped(quest, answer) if detail == "full" else answer


def helped(quest: Quest, answer: Promise) -> Promise:
    """Full answer with what else would be promised and what would help."""
    if quest.broken:
        return replace(answer, remedies=asked_anew(quest, _figures))
    if quest.policy.sensitivity:
        answer = replace(answer, sensitivity=sensitivity(quest, answer, _figures))
    return answer if answer.on_time else _with_remedies(quest, answer)


def _with_remedies(quest: Quest, answer: Promise) -> Promise:
    def ask(book: PromiseLedger, request: Request) -> Promise:
        # A change of the policy names its own; all others are asked as before.
        if request.policy != quest.request.policy:
            return _figures(book, request, None)
        policy = quest.policy
        if book.policies is not quest.book.policies:
            fallback = book.policies.of(request).supplier_fallback
            policy = replace(policy, supplier_fallback=fallback)
        return _figures(book, request, policy)

    helping = remedies(quest, answer, ask)
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
