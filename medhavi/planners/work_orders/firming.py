"""Which proposals become firm now, which wait, which need somebody (WO-06)."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal

from medhavi.planners.work_orders.order_parameters import FirmingRule
from medhavi.units import DAY, to_seconds

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from medhavi.planners.work_orders.order_parameters import OrderParameters
    from medhavi.providers import Providers
    from medhavi.results.plans.plan import Plan

Action = Literal["firm", "ask", "wait"]
USUAL = FirmingRule()
"""Where no rule names a proposal: asked for on the day on which it has to begin."""


@dataclass(frozen=True, slots=True, kw_only=True)
class FirmingAdvice:
    """What to do with one proposal.

    Parameters
    ----------
    supply
        Its id.
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
