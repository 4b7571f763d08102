"""What other tables do to a plan: that plan made again, its price and whom it hits.

Both are the difference of two plans of one moment.
"""

from __future__ import annotations

import datetime as dt
from dataclasses import asdict, dataclass, field
from typing import TYPE_CHECKING, Any, NamedTuple

import polars as pl

from medhavi.findings import BadData, has_errors
from medhavi.planners.pipeline import plan as make_plan
from medhavi.providers import Providers
from medhavi.results.amounts import PlanLocale, duration, signed_money
from medhavi.results.figures.kpis import kpi_table
from medhavi.results.figures.order_costs import order_costs, overtime_rate
from medhavi.results.figures.scorecard import scorecard
from medhavi.results.plans.lateness import verdicts
from medhavi.results.plans.plan import Plan
from medhavi.units import HOUR, to_seconds
from medhavi.workbench.files.tables_run import verify_or_refuse

if TYPE_CHECKING:
    from medhavi.snapshot import Snapshot
    from medhavi.snapshot.patch import Patch
    from medhavi.workbench.runs import LastRun


@dataclass(frozen=True, slots=True, kw_only=True)
class DemandEffect:
    """What other tables do to one demand.

    Parameters
    ----------
    old_status, new_status, old_date, new_date
        Status, and last delivery, before and after.
    late_hours, short_qty
        More lateness [hours] and more that is never delivered; negative: less.
    money
        More cost of lateness and shortage [base currency].
    """

    demand: str
    product: str | None
    old_status: str
    new_status: str
    old_date: dt.datetime | None
    new_date: dt.datetime | None
    late_hours: float
    short_qty: float
    money: float

    def as_dict(self) -> dict[str, Any]:
        """Effect for JSON."""
        return asdict(self)


@dataclass(frozen=True, slots=True, kw_only=True)
class EditPrice:
    """What an edit costs [base currency], part by part; negative: it saves.

    Parts of the scorecard, but for all orders, and `extra_units`: units beyond those of
    a resource, paid while they are there.
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

    @property
    def total(self) -> float:
        """Sum of the parts."""
        return float(sum(asdict(self).values()))

    def as_dict(self) -> dict[str, float]:
        """Parts and their sum."""
        return {**asdict(self), "total": self.total}


@dataclass(frozen=True, slots=True, kw_only=True)
class PlanEffect:
    """What other tables do to a plan: that plan made again with them.

    Parameters
    ----------
    price
        What the new plan costs more.
    victims, winners
        Demands that get worse and those that gain, the dearest first.
    plan
        The new plan; None where it was not sent along.
    """

    price: EditPrice
    victims: tuple[DemandEffect, ...]
    winners: tuple[DemandEffect, ...]
    plan: Plan | None = field(repr=False)

    def as_dict(self) -> dict[str, Any]:
        """Effect for JSON, without the plan."""
        return {
            "price": self.price.as_dict(),
            "victims": [one.as_dict() for one in self.victims],
            "winners": [one.as_dict() for one in self.winners],
        }

    def lines(self) -> list[str]:
        """Lines of the answer: price first, then the worse off, then gainers."""
        locale = PlanLocale() if self.plan is None else self.plan.locale
        currency = locale.currency
        told = [f"price {signed_money(self.price.total, currency)}"]
        told += [
            f"  {name} {signed_money(value, currency)}"
            for name, value in self.price.as_dict().items()
            if name != "total" and round(value, 2)
        ]
        told += _effects("worse", self.victims, currency)
        told += _effects("better", self.winners, currency)
        return told if self.victims else [*told, "no demand gets worse"]


def _effects(word: str, effects: tuple[DemandEffect, ...], currency: str) -> list[str]:
    return [
        f"{word}: {one.demand} {one.old_status} → {one.new_status}, "
        f"{'+' if one.late_hours > 0 else ''}{duration(one.late_hours)}, "
        f"{signed_money(one.money, currency)}"
        for one in effects
    ]


def effect_on_plan(
    plan: Plan, snapshot: Snapshot, edited: Snapshot, last: LastRun | None = None
) -> PlanEffect:
    """Plan once more with other tables, and compare.

    Parameters
    ----------
    plan, snapshot
        A plan and its tables.
    edited
        The tables with a change.
    last
        Runs that follow each other; None: everything is planned from nothing.
    """
    after = planned_again(plan, edited, None if last is None else (last, snapshot))
    names = edited["demands"]
    products = dict(zip(names["demand"], names["product"], strict=True))
    victims, winners = effects(plan, after, products)
    return PlanEffect(
        price=price((plan, snapshot), (after, edited)),
        victims=victims,
        winners=winners,
        plan=after,
    )


def edited_snapshot(snapshot: Snapshot, patch: Patch) -> Snapshot:
    """Snapshot with the patch of an edit.

    Raises
    ------
    BadData
        The tables are wrong then.
    """
    edited = patch.apply(snapshot)
    wrong = [one for one in edited.findings if has_errors([one])]
    if wrong:
        raise BadData(wrong)
    return edited


def planned_again(
    plan: Plan, edited: Snapshot, last: tuple[LastRun, Snapshot] | None = None
) -> Plan:
    """Plan as the plan was made: its mode, settings and seed.

    Parameters
    ----------
    plan
        A plan of the snapshot before the edit.
    edited
        The snapshot with an edit.
    last
        The run of mode mrp that is kept in memory and the snapshot that is edited;
        none: everything is planned.

    Raises
    ------
    VerificationFailed
        The new plan breaks the edited snapshot, a defect of the planner.
    """
    if last is not None:
        run, snapshot = last
        made = run.plan(plan, snapshot, edited)
    else:
        record = plan.run
        made = make_plan(
            edited, record.mode, settings=dict(record.settings), seed=record.seed
        )
    verify_or_refuse(made, edited)
    return made.replace(kpis=kpi_table(made, edited))


_NOTHING = 1e-9


class _Standing(NamedTuple):
    """How a demand stands in a plan."""

    status: str = "none"
    late: float = 0.0
    short: float = 0.0
    money: float = 0.0
    date: dt.datetime | None = None


def price(old: tuple[Plan, Snapshot], new: tuple[Plan, Snapshot]) -> EditPrice:
    """What the new plan costs more than the old one.

    All orders count, existing ones too: an edit makes proposals to orders, and what
    those cost is not gone with the name.
    """
    before, after = scorecard(*old), scorecard(*new)
    known = order_costs(*old, existing=True)
    supply = {
        part: cost - known[part]
        for part, cost in order_costs(*new, existing=True).items()
    }
    apart = {part: cost - before.parts[part] for part, cost in after.parts.items()}
    return EditPrice(**{**apart, **supply}, extra_units=_extra_units(old[1], new[1]))


def _extra_units(old: Snapshot, new: Snapshot) -> float:
    """What units beyond those of their resources cost more than before.

    Their working hours inside the horizon count, as for a remedy that asks for one.
    """
    if new["resource_units"].equals(old["resource_units"]):
        return 0.0
    return _unit_hours(new) - _unit_hours(old)


def _unit_hours(snapshot: Snapshot) -> float:
    capacity = Providers(snapshot).capacity
    begin, end = int(snapshot.as_of), snapshot.settings.horizon_end
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


def effects(
    old: Plan, new: Plan, products: dict[str, str]
) -> tuple[tuple[DemandEffect, ...], tuple[DemandEffect, ...]]:
    """Demands that get worse and those that gain, the dearest first.

    Parameters
    ----------
    products
        Product of each demand.
    """
    before, after = _demands(old), _demands(new)
    worse: list[DemandEffect] = []
    better: list[DemandEffect] = []
    for demand in sorted({*before, *after}):
        one = before.get(demand, _Standing())
        two = after.get(demand, _Standing())
        late, short = two.late - one.late, two.short - one.short
        money = two.money - one.money
        if max(abs(late), abs(short), abs(money)) <= _NOTHING:
            continue
        effect = DemandEffect(
            demand=demand,
            product=products.get(demand),
            old_status=one.status,
            new_status=two.status,
            old_date=one.date,
            new_date=two.date,
            late_hours=late,
            short_qty=short,
            money=money,
        )
        (worse if (short, late, money) > (0.0, 0.0, 0.0) else better).append(effect)
    worse.sort(key=lambda effect: (-effect.money, -effect.late_hours, effect.demand))
    better.sort(key=lambda effect: (effect.money, effect.late_hours, effect.demand))
    return tuple(worse), tuple(better)


def _demands(plan: Plan) -> dict[str, _Standing]:
    money = plan.causes.group_by("demand").agg(pl.col("money").fill_null(0.0).sum())
    dates = plan.deliveries.group_by("demand").agg(pl.col("date").max())
    rows = (
        verdicts(plan)
        .join(money, on="demand", how="left")
        .join(dates, on="demand", how="left")
        .select(
            "demand",
            "verdict",
            pl.col("lateness_h").fill_null(0.0),
            pl.col("short").fill_null(0.0),
            pl.col("money").fill_null(0.0),
            "date",
        )
    )
    return {demand: _Standing(*cells) for demand, *cells in rows.iter_rows()}
