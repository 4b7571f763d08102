"""A change that was tried for late demands: its date, its price, and whom it hurts."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import polars as pl

from medhavi.display import TextDisplay
from medhavi.results.amounts import difference
from medhavi.results.limiter import RemedyKind
from medhavi.snapshot.patch import Patch
from medhavi.units import from_seconds, iso

if TYPE_CHECKING:
    from collections.abc import Sequence

    from medhavi.results.plans.plan import Plan
    from medhavi.snapshot import Snapshot


Rows = Mapping[str, tuple[Mapping[str, object], ...]]

MODES_WITH_REMEDIES = ("constrained", "optimize")
"""Modes for whose plans changes are tried: those of mode mrp keep their dates on
paper."""


@dataclass(frozen=True, slots=True, kw_only=True)
class WorsenedDemand:
    """A demand that is worse off: hours late before and after, money it loses.

    Hours are None where nothing is delivered.
    """

    demand: str
    before_h: float | None
    after_h: float | None
    money: float


@dataclass(frozen=True, slots=True, kw_only=True)
class PlanRemedy(TextDisplay):
    """One change of the tables, and what planning again with it gave.

    Parameters
    ----------
    demand
        The late demand it was tried for; of several with the same cause, the one that
        pays most and is better off.
    kind
        Kind of change.
    cause, subject
        Code of the reason it answers, and what binds.
    text
        What to do, with ids.
    rows
        Changed rows by table: putting them in the place of those with the same key
        and planning with the same settings gives the date again.
    date_before, tested_date
        Last delivery of the demand before and with it [UTC seconds]; None: none.
    lateness_before_h, lateness_h
        Hours late before and with it; None where nothing is delivered.
    saved
        Cost of lateness and of what is never delivered that the whole plan saves, at
        the values of the unchanged tables; those who are worse off count against it.
    price
        What the whole plan costs more with it besides that: orders, stock, overtime,
        hours of resources; as the preview of its edit counts them.
    priced
        Whether that is all: False where the change has a price of its own that no table
        states, as what a supplier asks for delivering sooner.
    late_before, late_after
        Demands of the whole plan that come late, in part or not at all, before and
        with it, by the due dates of the unchanged tables.
    helped
        Demands that are less late or less short with it.
    harms
        Demands that are worse off, the one that loses most first.
    fingerprint
        Of the plan with the change.
    """

    demand: str
    kind: RemedyKind
    cause: str
    subject: str
    text: str
    rows: Rows
    date_before: int | None
    tested_date: int | None
    lateness_before_h: float | None
    lateness_h: float | None
    saved: float
    price: float
    priced: bool
    late_before: int
    late_after: int
    helped: int
    harms: tuple[WorsenedDemand, ...] = ()
    fingerprint: str = ""

    def apply(self, snapshot: Snapshot) -> Snapshot:
        """Snapshot with its rows in the place of those of the same key."""
        return Patch.of(snapshot, self.rows).apply(snapshot)

    @property
    def gain(self) -> float:
        """What is saved less what it costs, as far as tables state it."""
        return self.saved - self.price

    @property
    def more_late(self) -> int:
        """Demands that come late more with it than without; negative: fewer.

        Not counted from the plan in force: of a change that has the plan made again,
        the plan without it is made again too, and may keep others.
        """
        return self.late_after - self.late_before

    def as_dict(self) -> dict[str, object]:
        """Remedy as JSON holds it, instants as ISO 8601."""
        return {
            "demand": self.demand,
            "kind": self.kind.value,
            "cause": self.cause,
            "subject": self.subject,
            "text": self.text,
            "rows": {
                name: [dict(row) for row in rows]
                for name, rows in sorted(self.rows.items())
            },
            "date_before": _iso(self.date_before),
            "tested_date": _iso(self.tested_date),
            "lateness_before_h": self.lateness_before_h,
            "lateness_h": self.lateness_h,
            "saved": self.saved,
            "price": self.price,
            "priced": self.priced,
            "gain": self.gain,
            "late_before": self.late_before,
            "late_after": self.late_after,
            "helped": self.helped,
            "harms": [
                {
                    "demand": harm.demand,
                    "before_h": harm.before_h,
                    "after_h": harm.after_h,
                    "money": harm.money,
                }
                for harm in self.harms
            ],
        }

    def __str__(self) -> str:
        """One line: what to do, the date, the money."""
        date = _iso(self.tested_date) or "no delivery"
        price = f"costs {self.price:,.2f}"
        if self.price < 0:
            price = f"saves {-self.price:,.2f} of other cost"
        price += "" if self.priced else " and its own price"
        harmed = f", {len(self.harms)} worse off" if self.harms else ""
        late = difference(self.more_late, "count")
        return f"{self.text}: late {late}; {date}, saves {self.saved:,.2f}, {price}{harmed}"


@dataclass(frozen=True, slots=True, kw_only=True)
class RemedyTrials:
    """Remedies that were found, and the texts of all changes that were tried."""

    found: tuple[PlanRemedy, ...]
    texts: tuple[str, ...]


def with_remedies(plan: Plan, remedies: Sequence[PlanRemedy]) -> Plan:
    """Note the best remedy that was tried for each cause (columns of `causes`).

    Parameters
    ----------
    plan
        That they were tried for.
    remedies
        Best first.
    """
    best: dict[tuple[str, str, str], PlanRemedy] = {}
    for one in remedies:
        best.setdefault((one.demand, one.cause, one.subject), one)
    if not best:
        return plan
    rows = plan.causes.to_dicts()
    for row in rows:
        tried = best.get((row["demand"], row["code"], row["subject"]))
        if tried is not None:
            row["remedy"] = tried.text
            row["tested_date"] = _moment(tried.tested_date)
    causes = pl.DataFrame(rows, schema=plan.causes.schema)
    return replace(plan, tables={**plan.tables, "causes": causes})


def _moment(instant: int | None) -> object:
    return None if instant is None else from_seconds(instant)


def _iso(instant: int | None) -> str | None:
    return None if instant is None else iso(instant)
