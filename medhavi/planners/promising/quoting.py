"""One quote: search, choose, answer; the book is as before after it."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from medhavi.findings import BadData
from medhavi.planners.promising.answering import answered, failed
from medhavi.planners.promising.lead_draws import LEVELS, LeadDraws
from medhavi.planners.promising.quest import Quest
from medhavi.planners.promising.tried_remedies import remedies

if TYPE_CHECKING:
    from medhavi.planners.promising.asking import Request
    from medhavi.planners.promising.book import Book
    from medhavi.planners.promising.rules_of_promise import Policy
    from medhavi.results.promise import Promise


def quote(
    book: Book, request: Request, policy: Policy | None = None, *, detail: str = "full"
) -> Promise:
    """Answer a request; nothing in the book changes.

    Parameters
    ----------
    policy
        How it is promised; by default as the tables say for the request.
    detail
        "full", or "date": the chosen option alone, without reasons and remedies.

    Raises
    ------
    BadData
        The request names a policy that is not there, or a routing is no routing.
    """
    used = policy or book.policies.of(request)
    quest = Quest(book, request, used)
    answer = _asked(quest, detail)
    if detail != "full" or answer.on_time or quest.broken:
        return answer
    found = remedies(quest, answer, _date)
    return replace(answer, remedies=found)


def _date(book: Book, request: Request) -> Promise:
    return quote(book, request, detail="date")


def _asked(quest: Quest, detail: str) -> Promise:
    book, request = quest.book, quest.request
    mark = book.stages.mark()
    level = LEVELS[quest.policy.risk_basis]
    book.stages.leads = LeadDraws(book.times, level) if book.times.anything else None
    try:
        if request.known or request.demand in book.accepted:
            book.free_own(request.demand)
        quest.search()
        return answered(quest, detail)
    except (BadData, KeyboardInterrupt):
        raise
    except Exception as failure:  # noqa: BLE001 - a provider may fail in any way
        quest.broken = True
        return failed(quest, failure)
    finally:
        book.stages.undo(mark)
        book.stages.leads = None
