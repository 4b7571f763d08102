"""The pages of the server in the order of a planner's day, and links between them."""

from __future__ import annotations

from html import escape

from medhavi.views.theme import app_style

PAGES = {
    "plan": "Plan",
    "promise": "Promise desk",
    "schedule": "Production schedule",
    "campaigns": "Campaigns and changeovers",
    "tradeoffs": "Trade-offs",
}
"""Title of each page by the last part of its address."""
HOME = "Start page and lessons"


def top_html(current: str = "", *, rules: str = "") -> str:
    """Style sheet of a page and the links to all others.

    Parameters
    ----------
    current
        Last part of the page's own address; empty for a lesson.
    rules
        More CSS of the page.

    Examples
    --------
    >>> '<a href="/plan/" target="_self" aria-current="page">' in top_html("plan")
    True
    """
    here = {current: ' aria-current="page"'}
    links = "".join(
        f'<a href="/{address}/" target="_self"{here.get(address, "")}>'
        f"{escape(title)}</a>"
        for address, title in PAGES.items()
    )
    return (
        f"<style>{app_style()}{rules}</style>"
        '<div class="mv"><nav class="mv-nav" aria-label="Pages">'
        f'<a href="/" target="_self">{HOME}</a>{links}</nav></div>'
    )
