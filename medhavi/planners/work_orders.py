"""Orders from proposal to completion: firming, priority, account (WO-05, 06, 11).

How they are handled is a record, as TOML such as

    critical_tiers = ["gold"]
    [[firming]]
    kind = "buy"
    within_days = 5
    approval = "automatic"

Reports of a shop-floor system arrive at least once and now and then out of place. Each
counts once by its id; one that does not fit the state of its order is named and not
counted, so that replaying a file gives the same account.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, fields, replace
from typing import TYPE_CHECKING, Any, Literal

from medhavi.edits.order_states import OrderFacts, OrderState, Verb, advance
from medhavi.errors import UsageError
from medhavi.findings import Finding, finding
from medhavi.planners.setting_ranges import (
    require_days,
    require_list,
    require_one_of,
    require_text,
    require_whole,
    told,
)
from medhavi.results.amounts import number
from medhavi.results.plans.lateness import not_kept
from medhavi.units import DAY, HOUR, exact, to_seconds

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable
    from fractions import Fraction

    from medhavi.providers import Providers
    from medhavi.results.plans.plan import Plan
    from medhavi.snapshot import Snapshot

KINDS = ("*", "make", "buy", "move")
APPROVALS = ("automatic", "required")
COUNTS_FROM = ("need", "start")


@dataclass(frozen=True, slots=True, kw_only=True)
class FirmingRule:
    """When proposals become firm (WO-06).

    Parameters
    ----------
    kind, source, product
        Which proposals; "*": all. The rule that names most wins, product before source
        before kind; of equal ones the first.
    within_days
        Open days before `counts_from` in which the rule holds, the first day of them
        included. Days count as release fences do (rule 13): a purchase's in the
        supplier's calendar, all others' in the location's.
    counts_from
        "need" (`finish`) or "start" (order date, first queue, departure).
    approval
        "automatic": firm without a question; "required": somebody approves.
    longest_lead_days
        Only proposals that take at most so many days; None: any. A short time that is
        agreed is worth firming late.
    """

    kind: str = "*"
    source: str = "*"
    product: str = "*"
    within_days: float = 0.0
    counts_from: str = "start"
    approval: str = "required"
    longest_lead_days: float | None = None

    def __post_init__(self) -> None:
        require_one_of("kind", self.kind, KINDS)
        require_one_of("counts_from", self.counts_from, COUNTS_FROM)
        require_one_of("approval", self.approval, APPROVALS)
        for name in ("source", "product"):
            require_text(name, getattr(self, name))
        require_days("within_days", self.within_days)
        if self.longest_lead_days is not None:
            require_days("longest_lead_days", self.longest_lead_days)

    @property
    def weight(self) -> tuple[bool, bool, bool, bool]:
        """How much the rule names; the larger wins."""
        return (
            self.product != "*",
            self.source != "*",
            self.kind != "*",
            self.longest_lead_days is not None,
        )

    def __str__(self) -> str:
        """One line.

        >>> print(FirmingRule(kind="buy", within_days=5, counts_from="need"))
        buy: required, 5 open days before need
        """
        named = [n for n in (self.product, self.source, self.kind) if n != "*"]
        return (
            f"{' '.join(named) or 'all'}: {self.approval}, {self.within_days:g} open "
            f"days before {self.counts_from}"
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class OrderParameters:
    """How orders are handled.

    Parameters
    ----------
    firming
        Rules. Default: none; then somebody approves every order, and is asked for it on
        the day on which it has to begin.
    critical_priority
        Demands of this priority or a more important one are expedited (WO-05). Default
        0: only what stands above the usual top.
    critical_tiers
        Tiers of customers whose demands are expedited. Default: none.
    late_promotion
        So many places an order moves up that makes a demand late. Default 1: it passes
        the orders of its own class and no others.
    """

    firming: tuple[FirmingRule, ...] = ()
    critical_priority: int = 0
    critical_tiers: tuple[str, ...] = ()
    late_promotion: int = 1

    def __post_init__(self) -> None:
        for name in ("critical_priority", "late_promotion"):
            require_whole(name, getattr(self, name))
        tiers = require_list("critical_tiers", self.critical_tiers, '["gold"]')
        for tier in tiers:
            require_text("critical_tiers", tier)
        object.__setattr__(self, "critical_tiers", tiers)

    @classmethod
    def from_mapping(cls, values: Mapping[str, object]) -> OrderParameters:
        """Read parameters by name, as TOML has them.

        Raises
        ------
        UsageError
            An unknown name or an impossible value.
        """
        _known(values, [field.name for field in fields(cls)], "Orders")
        given = dict(values)
        rules = given.pop("firming", ())
        if not isinstance(rules, list | tuple):
            message = (
                f"firming ({told(rules)}) must be a list of tables, [[firming]] in "
                "TOML."
            )
            raise UsageError(message)
        return cls(
            firming=tuple(_rule(rule) for rule in rules),
            **given,  # type: ignore[arg-type]
        )


def _rule(row: object) -> FirmingRule:
    if not isinstance(row, Mapping):
        message = (
            f"firming ({told(row)}): a rule is a table of names and values, [[firming]] "
            "in TOML."
        )
        raise UsageError(message)
    _known(row, [field.name for field in fields(FirmingRule)], "A rule of firming")
    return FirmingRule(**row)


def _known(values: Mapping[str, object], known: Collection[str], what: str) -> None:
    unknown = sorted(set(values) - set(known))
    if unknown:
        message = f"{what}: unknown {', '.join(unknown)}; known are {', '.join(known)}."
        raise UsageError(message)


Action = Literal["firm", "ask", "wait"]
USUAL = FirmingRule()
"""Where no rule names a proposal: asked for on the day on which it has to begin."""


@dataclass(frozen=True, slots=True, kw_only=True)
class FirmingAdvice:
    """What to do with one proposal.

    Parameters
    ----------
    action
        "firm": a rule says so, without a question; "ask": its time has come and
        somebody has to approve; "wait": not yet.
    firm_by
        From then on the rule holds [UTC seconds]; None: its calendar has no such day.
    rule
        The rule, as one line.
    """

    supply: str
    action: Action
    firm_by: int | None
    rule: str


def firming(
    plan: Plan, providers: Providers, parameters: OrderParameters
) -> tuple[FirmingAdvice, ...]:
    """Advise on every proposal of a plan, by id.

    Parameters
    ----------
    plan
        Its proposals are the supplies of status planned.
    providers
        Of the snapshot that was planned: calendars belong to them.
    """
    now = int(providers.snapshot.as_of)
    found = []
    for row in plan.supplies.sort("id").iter_rows(named=True):
        if row["status"] != "planned" or row["order_qty"] is None:
            continue
        rule = rule_of(row, parameters.firming)
        firm_by = _firm_by(row, rule, providers)
        action: Action = "wait"
        if firm_by is not None and firm_by <= now:
            action = "firm" if rule.approval == "automatic" else "ask"
        found.append(
            FirmingAdvice(
                supply=row["id"], action=action, firm_by=firm_by, rule=str(rule)
            )
        )
    return tuple(found)


def rule_of(row: Mapping[str, Any], rules: Iterable[FirmingRule]) -> FirmingRule:
    """Rule that holds for a row of `supplies`."""
    fitting = [rule for rule in rules if _fits(row, rule)]
    return max(fitting, key=lambda rule: rule.weight, default=USUAL)


def _fits(row: Mapping[str, Any], rule: FirmingRule) -> bool:
    named = all(
        asked in ("*", row[name])
        for name, asked in (
            ("kind", rule.kind),
            ("source", rule.source),
            ("product", rule.product),
        )
    )
    if not named or rule.longest_lead_days is None:
        return named
    span = (row["finish"] - row["start"]).total_seconds() / DAY
    return bool(span <= rule.longest_lead_days)


def _firm_by(
    row: Mapping[str, Any], rule: FirmingRule, providers: Providers
) -> int | None:
    anchor = row["finish"] if rule.counts_from == "need" else row["start"]
    place = (row["product"], row["location"])
    clock = (
        providers.sourcing.fence_time(row["kind"], row["source"], *place)
        if row["source"]
        else providers.sourcing.location_time(row["location"])
    )
    return clock.subtract_days(to_seconds(anchor), rule.within_days)


@dataclass(frozen=True, slots=True, kw_only=True)
class OrderUrgency:
    """Priority of one order.

    Parameters
    ----------
    priority
        1 is the most important, 0 above all; None: it serves no demand (safety stock,
        the surplus of a lot).
    demand
        The demand that gives the priority.
    promoted
        It was moved up: a demand of it is late or short, or it should have begun.
    expedite
        Extra cost is worth it: it serves a critical demand, or one that is behind and
        allows extra cost.
    """

    supply: str
    priority: int | None
    demand: str | None
    promoted: bool
    expedite: bool


def urgencies(
    plan: Plan, snapshot: Snapshot, parameters: OrderParameters
) -> tuple[OrderUrgency, ...]:
    """Rank the orders of a plan that are not done, by id.

    The most important demand decides, of equal ones the first due; an order that starts
    before now is behind as a late one is (mode mrp dates into the past).
    """
    demands = {row["demand"]: row for row in snapshot["demands"].iter_rows(named=True)}
    behind = set(not_kept(plan)["demand"].to_list())
    served: dict[str, set[str]] = {}
    for supply, demand in plan.pegging.select("supply", "demand").iter_rows():
        served.setdefault(supply, set()).add(demand)
    now = int(snapshot.as_of)
    found = []
    for row in plan.supplies.sort("id").iter_rows(named=True):
        rows = sorted(
            (demands[name] for name in served.get(row["id"], ()) if name in demands),
            key=lambda one: (one["priority"], one["due"], one["demand"]),
        )
        past = row["status"] == "planned" and to_seconds(row["start"]) < now
        late = [one for one in rows if past or one["demand"] in behind]
        critical = any(
            one["priority"] <= parameters.critical_priority
            or one["tier"] in parameters.critical_tiers
            for one in rows
        )
        priority = rows[0]["priority"] if rows else None
        promoted = bool(late) and parameters.late_promotion > 0
        if promoted and priority is not None:
            raised = late[0]["priority"] - parameters.late_promotion
            priority = min(priority, max(0, raised))
        found.append(
            OrderUrgency(
                supply=row["id"],
                priority=priority,
                demand=rows[0]["demand"] if rows else None,
                promoted=promoted,
                expedite=critical or any(one["expedite"] for one in late),
            )
        )
    return tuple(found)


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
                    received=number(float(self.received)),
                    ordered=number(float(self.qty)),
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
