"""One search on a book, written and taken back: what quotes are made of."""

from __future__ import annotations

from typing import TYPE_CHECKING

from medhavi.planners.deep_calls import on_deep_stack
from medhavi.planners.promising.explain.answering import (
    PROVIDER_FAILURES,
    answered,
    failed,
)
from medhavi.planners.promising.supply_search.lead_draws import LEVELS

if TYPE_CHECKING:
    from medhavi.planners.promising.options.quest import Quest
    from medhavi.results.promises.promise import Promise


def searched(quest: Quest, detail: str, *, freed: bool = False) -> Promise:
    """Answer a request; the ledgers are as before after it.

    Parameters
    ----------
    quest
        The search, not begun.
    detail
        As in `quote`.
    freed
        The demand was given what it has already.
    """
    try:
        return _searched(quest, detail, freed=freed)
    except RecursionError:
        # A chain of more levels than the usual stack has room for.
        quest.begin_anew()
    try:
        return on_deep_stack(lambda: _searched(quest, detail, freed=freed))
    except RecursionError as failure:
        quest.broken = True
        return failed(quest, failure)


def _searched(quest: Quest, detail: str, *, freed: bool) -> Promise:
    book, request = quest.book, quest.request
    mark = book.stages.mark()
    level = LEVELS[quest.policy.risk_basis]
    book.stages.withheld = book.stages.spared = False
    book.stages.leads = book.times.at(level) if book.times.anything else None
    book.stages.level = level
    try:
        book.stages.begin()
        if not freed:
            book.free_for(request)
        quest.brief = detail != "full"
        quest.search()
        return answered(quest, detail)
    except PROVIDER_FAILURES as failure:
        quest.broken = True
        return failed(quest, failure)
    finally:
        quest.withheld = book.stages.withheld
        book.stages.undo(mark)
        book.stages.leads = book.stages.level = None
