"""Wrong cells of a file of one's own: fields of a page in which they are mended."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from medhavi.findings import has_errors
from medhavi.views.names import said
from medhavi.views.words import say

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    import marimo as mo

    from medhavi.findings import Finding
    from medhavi.service.data_pages.own_data import DataProposal, Place

MOST_MENDED = 12
"""Wrong cells of a file that a page asks for at once; the next follow."""


def wrong_cells(proposal: DataProposal | None) -> list[Finding]:
    """Errors in cells of dropped files, a cell once, as far as a page asks for them."""
    if proposal is None or proposal.update is None or not proposal.files:
        return []
    update = proposal.update
    found = {
        (one.table, one.row, one.column): one
        for one in update.findings
        if has_errors([one]) and one.table in update.cells and one.row and one.column
    }
    return list(found.values())[:MOST_MENDED]


def mend_form(
    proposal: DataProposal | None, keep: Callable[[Mapping[Place, str]], object]
) -> mo.ui.form[Any, Any] | None:
    """Ask for the wrong cells of dropped files; None where none is wrong.

    Parameters
    ----------
    keep
        Called with all cells that stand otherwise then.
    """
    import marimo as mo

    wrong = wrong_cells(proposal)
    if proposal is None or not wrong:
        return None
    places = [(str(one.table), int(one.row or 0), str(one.column)) for one in wrong]
    fields = {
        f"cell{number}": mo.ui.text(
            one.value or "",
            label=say("cell_of_row", said(place[0]), place[1], said(place[2])),
            placeholder=say("empty_no_value"),
        )
        for number, (place, one) in enumerate(zip(places, wrong, strict=True))
    }
    before = proposal.mended

    def sent(values: dict[str, Any] | None) -> None:
        if values is not None:
            stated = (str(values[name]).strip() for name in fields)
            keep({**before, **dict(zip(places, stated, strict=True))})

    text = "\n\n".join(f"{{{name}}}" for name in fields)
    return (
        mo.md(text)
        .batch(**fields)
        .form(
            submit_button_label=say("mend_these_cells"), bordered=False, on_change=sent
        )
    )
