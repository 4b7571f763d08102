"""A remedy of the promise desk as a decision: what its edit does to the plan."""

from __future__ import annotations

from typing import TYPE_CHECKING

from medhavi.service.page_data import PageProblem
from medhavi.service.page_parts import html
from medhavi.service.plan_pages.desk_page import PreviewResult, show_edit
from medhavi.service.plan_pages.plan_page import planned
from medhavi.service.plan_pages.remedy_answers import RemedyEdit, answer_of
from medhavi.service.promise_pages.promise_page import REQUEST
from medhavi.views.page import empty

if TYPE_CHECKING:
    from collections.abc import Mapping

    import marimo as mo

    from medhavi.progress import Observe
    from medhavi.results.promises.promise import TriedRemedy
    from medhavi.service.page_data import PageData

PROMISED_BY = "promise_policies"
"""The one table that promises read and plans do not."""
AGO = RemedyEdit(why="The page shows a chosen moment; nothing is decided in the past.")


def edit_of(remedy: TriedRemedy, data: PageData, *, past: bool = False) -> RemedyEdit:
    """Edit that puts a remedy in place, or why there is none here."""
    if past:
        return AGO
    if data.snapshot is None or not data.source.lake:
        return RemedyEdit(
            why="Nothing can be kept from here: serve a lake with its store."
        )
    return answer_of(remedy.rows, data.snapshot)


def priced(
    data: PageData, answer: RemedyEdit, observe: Observe | None = None
) -> PreviewResult:
    """Plan with the edit of a remedy: what it costs and whom it hits.

    The plan is the one that can be done (mode constrained), for on paper nobody is hit;
    a policy of promising is no part of it, and any plan says so.
    """
    if data.snapshot is None or answer.edit is None:
        return PreviewResult(
            problem=PageProblem(title="Nothing is decided here", text=answer.why)
        )
    mode = "mrp" if answer.edit.get("table") == PROMISED_BY else "constrained"
    page = planned(data, data.snapshot, mode, observe)
    return (
        PreviewResult(problem=page.problem)
        if page.problem
        else show_edit(page, answer.edit)
    )


def doing(
    answer: RemedyEdit, rows: Mapping[str, object], do_it: mo.ui.run_button
) -> list[mo.Html]:
    """Button of a remedy that an edit does; else say why there is none."""
    if answer.edit is None:
        told = "" if set(rows) <= {REQUEST} else empty("No edit does it", answer.why)
        return [html(told)] if told else []
    words = (
        "<p class='muted'>It changes data for everybody: see first what it costs and "
        "whom it hits. That plans twice.</p>"
    )
    return [html(words), do_it]
