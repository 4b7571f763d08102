"""What a change costs: the plan with it beside the plan that it changes.

A remedy that is tried and the preview of its edit have the same price, for both are
found here. Planning again finds other orders even where nothing changed, as far as the
change has orders looked at again; that has no part in the price of the change and
stands apart (`EditPrice.replanning`).
"""

from __future__ import annotations

from dataclasses import asdict, dataclass, replace
from typing import TYPE_CHECKING

from medhavi.planners.constrained.memory import ORDER_TABLES, WORKING_TIME
from medhavi.providers import Providers
from medhavi.results.figures.order_costs import order_costs, overtime_rate
from medhavi.results.figures.scorecard import scorecard
from medhavi.results.plans.lateness import late_cost
from medhavi.units import HOUR, to_seconds

if TYPE_CHECKING:
    from collections.abc import Callable

    from medhavi.results.plans.plan import Plan
    from medhavi.snapshot import Snapshot

    PlanOf = tuple[Plan, Snapshot]
    """A plan with the tables that it was made of."""

_CENT = 0.005


@dataclass(frozen=True, slots=True, kw_only=True)
class EditPrice:
    """What an edit costs [base currency], part by part; negative: it saves.

    Parts of the scorecard, but for all orders; `extra_units`: hours of resources beyond
    those before, paid as overtime while they are there; `replanning`: what planning
    again the unchanged tables comes to, which is no effect of the edit.
    """

    purchase: float
    production: float
    transport: float
    holding: float
    lateness: float
    overtime: float = 0.0
    overload: float = 0.0
    opening: float = 0.0
    extra_units: float = 0.0
    replanning: float = 0.0

    @property
    def total(self) -> float:
        """Sum of the parts."""
        return float(sum(asdict(self).values()))

    @property
    def spent(self) -> float:
        """What the edit itself costs beside lateness [base currency]."""
        return self.total - self.lateness - self.replanning

    def as_dict(self) -> dict[str, float]:
        """Parts and their sum."""
        return {**asdict(self), "total": self.total}


def edit_price(old: PlanOf, new: PlanOf, again: Plan | None = None) -> EditPrice:
    """What the new plan costs more than the old one.

    All orders count, existing ones too: an edit makes proposals to orders, and what
    those cost is not gone with the name.

    Parameters
    ----------
    again
        The old tables planned again; see `planned_without`. None: the old plan.
    """
    if again is not None and again is not old[0]:
        own = edit_price((again, old[1]), new)
        return replace(own, replanning=edit_price(old, (again, old[1])).total)
    before, after = scorecard(*old), scorecard(*new)
    known = order_costs(*old, existing=True)
    supply = {
        part: cost - known[part]
        for part, cost in order_costs(*new, existing=True).items()
    }
    apart = {part: cost - before.parts[part] for part, cost in after.parts.items()}
    return EditPrice(**{**apart, **supply}, extra_units=_extra_hours(old[1], new[1]))


def planned_without(
    plan: Plan, edited: Snapshot, planned: Callable[[Plan], Plan | None]
) -> Plan:
    """Plan that planning again makes of the unchanged tables, beside that of an edit.

    Parameters
    ----------
    edited
        Its tables with the edit.
    planned
        Plans the unchanged tables on a baseline; None: that cannot be.

    Returns
    -------
    Plan
        The plan in force itself where the edit names single products, for all else
        stays then; where planning again would be later, in mode constrained,
        which judges plans by that; and in mode mrp.
    """
    basis = plan.basis
    if plan.run.mode == "mrp" or basis is None or basis.schedule is None:
        return plan
    touched = basis.touched(edited, besides=ORDER_TABLES).tables
    if not touched:
        return plan
    # What the edit has looked at again is looked at again: its tables are not known.
    known = {name: of for name, of in basis.digests.items() if name not in touched}
    made = planned(replace(plan, basis=replace(basis, digests=known)))
    return plan if made is None else unless_later(plan, made)


def unless_later(plan: Plan, made: Plan) -> Plan:
    """Plan that was made again of the same tables; the one before where that is later.

    Mode constrained judges plans by that; the other modes do not.
    """
    later = late_cost(made) > late_cost(plan) + _CENT
    return plan if later and plan.run.mode == "constrained" else made


# ----------------------------------------------------------------- hours that are paid
def _extra_hours(old: Snapshot, new: Snapshot) -> float:
    """What hours beyond those of the resources cost more than before.

    Hours of further units, and of calendars that are open for longer, inside the
    horizon; hours that go save nothing, for the people are there.
    """
    paid = 0.0
    if not new["resource_units"].equals(old["resource_units"]):
        paid += _unit_hours(new) - _unit_hours(old)
    if any(not new[name].equals(old[name]) for name in WORKING_TIME):
        paid += _open_hours(old, new)
    return paid


def _unit_hours(snapshot: Snapshot) -> float:
    capacity = Providers(snapshot).capacity
    begin, end = _horizon(snapshot)
    resources = {row["resource"]: row for row in snapshot["resources"].to_dicts()}
    paid = 0.0
    for row in snapshot["resource_units"].sort("resource", "valid_from").to_dicts():
        resource = resources[row["resource"]]
        more = (row["units"] or 0.0) - resource["units"]
        since = row["valid_from"]
        start = begin if since is None else max(to_seconds(since), begin)
        until = (
            end if row["valid_to"] is None else min(to_seconds(row["valid_to"]), end)
        )
        if more > 0 and start < until:
            seconds = capacity.working_time(row["resource"]).between(start, until)
            paid += more * seconds / HOUR * overtime_rate(resource)
    return paid


def _open_hours(old: Snapshot, new: Snapshot) -> float:
    """Cost of the hours that the calendars of known resources are open for longer."""
    before, after = Providers(old).capacity, Providers(new).capacity
    there = set(new["resources"]["resource"])
    begin, end = _horizon(new)
    paid = 0.0
    for row in old["resources"].filter("finite").sort("resource").to_dicts():
        name = row["resource"]
        if name in there:
            seconds = after.working_time(name).between(begin, end)
            longer = seconds - before.working_time(name).between(begin, end)
            paid += max(longer, 0) / HOUR * row["units"] * overtime_rate(row)
    return paid


def _horizon(snapshot: Snapshot) -> tuple[int, int]:
    return int(snapshot.as_of), snapshot.settings.horizon_end
