"""Parts that every app shows: text, a section with its question, a picture."""

from __future__ import annotations

from html import escape
from typing import TYPE_CHECKING, Protocol

from medhavi.views import page
from medhavi.views.charts import title_of, untitled

if TYPE_CHECKING:
    import marimo as mo

    from medhavi.findings import Finding
    from medhavi.service.page_data import PageProblem
    from medhavi.views.charts import Picture


class PageWithProblem(Protocol):
    """A page that may say why it shows nothing."""

    @property
    def problem(self) -> PageProblem | None:
        """What stands in the way."""

    @property
    def findings(self) -> tuple[Finding, ...]:
        """What is wrong with the data."""


class DecisionResult(Protocol):
    """What became of a decision."""

    @property
    def title(self) -> str:
        """In a word or two."""

    @property
    def text(self) -> str:
        """In a sentence."""

    @property
    def kept(self) -> bool:
        """Whether it was written."""


def html(text: str) -> mo.Html:
    """HTML in the look of the pages."""
    import marimo as mo

    return mo.Html(f'<div class="mv">{text}</div>')


def section(key: str, title: str, *parts: object) -> mo.Html:
    """Parts below their question; `key` is the section's address."""
    import marimo as mo

    head = html(f'<h2 id="{key}">{title}</h2>')
    return mo.vstack([head, *parts], gap=1)


def picture(chart: Picture | None, what: str, advice: str) -> mo.Html:
    """Chart below its title; without one, say what that means and what helps."""
    import marimo as mo

    if chart is None:
        return html(page.empty(what, advice))
    drawn = mo.ui.altair_chart(
        untitled(chart), chart_selection=False, legend_selection=False
    )
    return html(
        f'<h3>{escape(title_of(chart))}</h3><div class="mv-draw">{drawn.text}</div>'
    )


def trouble_of(shown: PageWithProblem) -> mo.Html:
    """What stands in the way of a page, and every finding behind it."""
    problem = shown.problem
    text = page.problem(problem.title, problem.text, problem.remedy) if problem else ""
    rows = f"<p></p>{page.findings_html(shown.findings)}" if shown.findings else ""
    return html(f"{text}{rows}")


def said(done: DecisionResult) -> mo.Html:
    """What became of a decision."""
    if done.kept:
        return html(page.empty(f"● {done.title}", done.text))
    return html(page.problem(done.title, done.text))
