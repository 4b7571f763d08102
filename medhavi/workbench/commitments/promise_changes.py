"""What a commit would make worse, or other than a person decided (ATP-28).

Promising a line again keeps its date or improves it. A later date, less, or another
date than the one that somebody gave in place of what was found needs a reason.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING

from medhavi.errors import UsageError
from medhavi.results.promises.promise import iso
from medhavi.workbench.commitments.commit_answer import named_among
from medhavi.workbench.commitments.decisions import binding_date

if TYPE_CHECKING:
    from collections.abc import Sequence

    from medhavi.results.promises.promise import Promise
    from medhavi.workbench.commitments.decisions import Override
    from medhavi.workbench.commitments.state import CommitmentState

_LEAST = 1e-9

Told = Callable[["PromiseChange", int], str]
"""Writes an instant [s] for who reads of a change."""


@dataclass(frozen=True, slots=True, kw_only=True)
class PromiseChange:
    """A line that stands promised, and what a commit would make of it.

    Parameters
    ----------
    demand, line
        Its id, and its name for people.
    location
        Where it is delivered.
    before, after
        Promised dates [s].
    qty_before, qty
        Promised quantities [base units].
    given
        Somebody gave the date before in place of the one that was found.
    """

    demand: str
    line: str
    location: str
    before: int
    after: int
    qty_before: float
    qty: float
    given: bool

    @property
    def needs_reason(self) -> bool:
        """Whether it is later, less, or undoes what a person decided."""
        other = self.given and self.after != self.before
        return self.after > self.before or self.is_less or other

    @property
    def is_less(self) -> bool:
        """Whether less comes of what is still wanted."""
        return self.qty < self.qty_before * (1 - _LEAST)

    def words(self, told: Told) -> str:
        """What changes."""
        given = ", a date that somebody gave" if self.given else ""
        text = f"{self.line} was promised for {told(self, self.before)}{given}"
        if self.after != self.before:
            word = "later" if self.after > self.before else "earlier"
            text += f"; {told(self, self.after)} is {word}"
        if self.is_less:
            text += f"; {self.qty:g} is less than the {self.qty_before:g} promised"
        return text


class ReasonNeeded(UsageError):  # noqa: N818 - reads as what it is
    """Promises would get worse, or other than a person decided, without a reason.

    Parameters
    ----------
    changes
        Each such line.
    """

    def __init__(self, changes: Sequence[PromiseChange]) -> None:
        self.changes = tuple(changes)
        super().__init__(self.words(lambda _, moment: iso(moment)))

    def words(self, told: Told) -> str:
        """All changes, and the action to take."""
        lines = ". ".join(one.words(told) for one in self.changes)
        return f"{lines}. Give a reason, which the log keeps, or leave it as it is."


def check_changes(
    state: CommitmentState, promises: Sequence[Promise], override: Override | None
) -> None:
    """Refuse what nobody gives a reason for; giving way to another line is one.

    Raises
    ------
    ReasonNeeded
        A promise would get worse, or other than a person decided.
    """
    found = (_change(state, one, override) for one in promises)
    said = named_among(promises)
    unsaid = [
        one
        for one in found
        if one is not None and one.needs_reason and one.demand not in said
    ]
    if unsaid:
        raise ReasonNeeded(unsaid)


def _change(
    state: CommitmentState, promise: Promise, override: Override | None
) -> PromiseChange | None:
    row = promise.demand
    demand = str(row["demand"])
    before, after = state.promised.get(demand), binding_date(promise, override)
    if before is None or after is None:
        return None
    wanted = float(row["qty"])
    order = promise.sales_order or f"Request {promise.request}"
    line = "" if promise.line is None else f" line {promise.line}"
    return PromiseChange(
        demand=demand,
        line=f"{order}{line}",
        location=str(row["location"]),
        before=before,
        after=after,
        qty_before=min(state.quantities.get(demand, wanted), wanted),
        qty=promise.qty,
        given=demand in state.dates_given(),
    )
