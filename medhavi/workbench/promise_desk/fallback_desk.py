"""A desk on the newest tables, or the last good one where they cannot be read."""

from __future__ import annotations

from typing import TYPE_CHECKING

from medhavi.errors import MedhaviError
from medhavi.findings import finding
from medhavi.units import from_seconds

if TYPE_CHECKING:
    from collections.abc import Callable

    from medhavi.workbench.promise_desk.promise_desk import PromiseDesk


def newest_or_last(
    opened: Callable[[], PromiseDesk], last: PromiseDesk | None
) -> tuple[PromiseDesk, bool]:
    """Open a desk; where that fails give the last one, flagged as behind (MAT-08).

    Its tables are old, but what is committed is not: it follows the event store.

    Parameters
    ----------
    opened
        Opens a desk on the newest tables.
    last
        The desk before; None: there was none.

    Returns
    -------
    (PromiseDesk, bool)
        The desk, and whether it is the newest.

    Raises
    ------
    MedhaviError
        It cannot be opened, and there was none before.
    """
    try:
        return opened(), True
    except MedhaviError as failure:
        if last is None:
            raise
        moment = from_seconds(last.book.now).isoformat()
        last.behind = (
            finding("PRM012", table="snapshot", value=moment, failure=str(failure)),
        )
        return last, False
