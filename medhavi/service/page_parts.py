"""Parts that every app shows: text, a section with its question, a picture."""

from __future__ import annotations

from html import escape
from typing import TYPE_CHECKING

from medhavi.views import page
from medhavi.views.charts import title_of, untitled

if TYPE_CHECKING:
    import marimo as mo

    from medhavi.views.charts import Picture


def html(text: str) -> mo.Html:
    """Give HTML in the look of the pages."""
    import marimo as mo

    return mo.Html(f'<div class="mv">{text}</div>')


def section(key: str, title: str, *parts: object) -> mo.Html:
    """Give parts below their question; `key` is the section's address."""
    import marimo as mo

    head = html(f'<h2 id="{key}">{title}</h2>')
    return mo.vstack([head, *parts], gap=1)


def picture(chart: Picture | None, what: str, advice: str) -> mo.Html:
    """Give a chart below its title; without one, say what that means and what helps."""
    import marimo as mo

    if chart is None:
        return html(page.empty(what, advice))
    drawn = mo.ui.altair_chart(
        untitled(chart), chart_selection=False, legend_selection=False
    )
    return html(
        f'<h3>{escape(title_of(chart))}</h3><div class="mv-draw">{drawn.text}</div>'
    )
