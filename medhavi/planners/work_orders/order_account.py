"""What became of an order: partial completion, scrap, rework, variance (WO-11).

Reports of a shop-floor system arrive at least once and now and then out of place. Each
counts once by its id; one that does not fit the state of its order is named and not
counted, so that replaying a file gives the same account.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from medhavi.edits.order_states import OrderFacts, OrderState, Verb, advance
from medhavi.findings import Finding, finding
from medhavi.units import HOUR, exact

if TYPE_CHECKING:
    from collections.abc import Iterable
    from fractions import Fraction


_ENDED = frozenset({OrderState.COMPLETED, OrderState.CLOSED})


@dataclass(frozen=True, slots=True, kw_only=True)
class Report:
    """One report about an order.

    Parameters
    ----------
    report
        Id; the same id is the same report.
    verb
        What happened: release, start, report, receive, complete, close, cancel; move
        and change_qty where the order was changed.
    at
        When [UTC seconds].
    qty
        Received; change_qty: the new quantity [as the order].
    scrap_qty
        Of `qty`, rejected: it counts as done and is not in stock.
    rework_qty
        Beside `qty`, sent back to be worked again: it is still to come.
    due
        New date of a move [UTC seconds].
    """

    report: str
    verb: Verb
    at: int
    qty: float | None = None
    scrap_qty: float = 0.0
    rework_qty: float = 0.0
    due: int | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Account:
    """An order after its reports. Quantities as the order, times in UTC seconds.

    Parameters
    ----------
    received, good, scrap, rework, remaining
        Received in all, good of it, rejected of it; sent back in all; still to come.
    placed, released
        When the order came into being, and its first release; None where unknown.
    started, finished
        First start; completion, or the last receipt of an order not completed.
    variance_qty
        Good less ordered, of a completed order: negative is missing.
    variance_h
        Completion less due [hours]: positive is late.
    scrap_rate
        Scrap as a share of what was received; None where nothing was.
    findings
        Reports that came twice or do not fit.
    """

    order: str
    state: OrderState
    ordered: float
    due: int
    received: float
    good: float
    scrap: float
    rework: float
    remaining: float
    started: int | None
    finished: int | None
    variance_qty: float | None
    variance_h: float | None
    scrap_rate: float | None
    findings: tuple[Finding, ...]
    placed: int | None = None
    released: int | None = None

    @property
    def is_partial(self) -> bool:
        """Whether a part is there and a part is still to come."""
        return self.received > 0 and self.remaining > 0

    @property
    def is_ended(self) -> bool:
        """Whether the order is completed or closed."""
        return self.state in _ENDED


class _Tally:
    """What has been counted so far."""

    def __init__(self, facts: OrderFacts, due: int) -> None:
        self.order = facts.order
        self.state = facts.state
        self.qty = exact(facts.qty)
        self.done = exact(facts.qty_done)
        self.due = due
        self.received = exact(facts.qty_done)
        self.scrap = exact(0.0)
        self.rework = exact(0.0)
        self.started: int | None = None
        self.finished: int | None = None
        self.findings: list[Finding] = []

    def take(self, report: Report) -> None:
        facts = OrderFacts(
            order=self.order,
            state=self.state,
            qty=float(self.qty),
            qty_done=float(self.done),
            wanted_qty=report.qty if report.verb is Verb.CHANGE_QTY else None,
            # What the floor calls complete is complete; the variance says the rest.
            gives_up_rest=True,
        )
        state, refusal = advance(facts, report.verb)
        if state is None or refusal is not None:
            self.findings.append(
                finding(
                    "ORD007",
                    table="supply_orders",
                    value=self.order,
                    state=str(self.state),
                    verb=str(report.verb),
                )
            )
            return
        self.state = state
        self._count(report)

    def _count(self, report: Report) -> None:
        if report.verb is Verb.START and self.started is None:
            self.started = report.at
        elif report.verb is Verb.RECEIVE:
            self._receive(report)
        elif report.verb is Verb.COMPLETE:
            self.finished = report.at
        elif report.verb is Verb.CHANGE_QTY and report.qty is not None:
            self.qty = exact(report.qty)
        elif report.verb is Verb.MOVE and report.due is not None:
            self.due = report.due

    def _receive(self, report: Report) -> None:
        self.received += exact(report.qty or 0.0)
        self.done = self.received
        self.scrap += exact(report.scrap_qty)
        self.rework += exact(report.rework_qty)
        self.finished = report.at
        if self.received > self.qty:
            self.findings.append(
                finding(
                    "ORD008",
                    table="supply_orders",
                    column="qty_done",
                    value=self.order,
                    received=f"{float(self.received):g}",
                    ordered=f"{float(self.qty):g}",
                )
            )


def account(
    order: OrderFacts,
    due: int,
    reports: Iterable[Report],
    *,
    placed: int | None = None,
    released: int | None = None,
) -> Account:
    """Count the reports of one order, each once.

    Parameters
    ----------
    order
        The order before the reports.
    due
        When it was due [UTC seconds].
    reports
        In the sequence in which they arrived.
    placed, released
        When the order came into being and was first released [UTC seconds].
    """
    tally = _Tally(order, due)
    seen: set[str] = set()
    for report in reports:
        if report.report in seen:
            tally.findings.append(
                finding(
                    "ORD006",
                    table="supply_orders",
                    value=report.report,
                    order=order.order,
                )
            )
            continue
        seen.add(report.report)
        tally.take(report)
    return replace(_closed(tally), placed=placed, released=released)


def _closed(tally: _Tally) -> Account:
    ended = tally.state in _ENDED
    dead = ended or tally.state is OrderState.CANCELLED
    good: Fraction = tally.received - tally.scrap
    remaining = exact(0.0) if dead else max(exact(0.0), tally.qty - tally.received)
    late = None
    if ended and tally.finished is not None:
        late = (tally.finished - tally.due) / HOUR
    return Account(
        order=tally.order,
        state=tally.state,
        ordered=float(tally.qty),
        due=tally.due,
        received=float(tally.received),
        good=float(good),
        scrap=float(tally.scrap),
        rework=float(tally.rework),
        remaining=float(remaining),
        started=tally.started,
        finished=tally.finished,
        variance_qty=float(good - tally.qty) if ended else None,
        variance_h=late,
        scrap_rate=float(tally.scrap / tally.received) if tally.received else None,
        findings=tuple(tally.findings),
    )
