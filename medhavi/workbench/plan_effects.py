"""What other tables do to a plan: that plan made again, its price and whom it hits.

Both are the difference of two plans of one moment.
"""

from __future__ import annotations

import datetime as dt
from dataclasses import asdict, dataclass, field
from typing import TYPE_CHECKING, Any, NamedTuple

from medhavi.edits.edit import EDITS, Edit, apply, changes, with_instants
from medhavi.edits.edit import edit as edit_of
from medhavi.edits.edited_order import EditedPlan
from medhavi.errors import UsageError
from medhavi.findings import BadData, has_errors
from medhavi.planners.edit_price import EditPrice, edit_price
from medhavi.planners.parameters import STABILITY_PRICE
from medhavi.planners.pipeline import own_settings
from medhavi.planners.pipeline import plan as make_plan
from medhavi.providers import Providers
from medhavi.results.amounts import PlanLocale, duration, signed_money
from medhavi.results.figures.kpis import kpi_table
from medhavi.results.identity import order_id
from medhavi.results.plans.lateness import outcomes
from medhavi.results.plans.plan import Plan
from medhavi.workbench.files.tables_run import verify_or_refuse
from medhavi.workbench.runs import LastRun, is_of, planned_anew

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from medhavi.progress import Cancelled, Observe
    from medhavi.snapshot import Snapshot
    from medhavi.snapshot.patch import Patch


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
    last
        Runs that follow each other; None: everything is planned from nothing.
    """
    after = planned_again(plan, edited, None if last is None else (last, snapshot))
    again = None if last is None else last.without((plan, snapshot), (after, edited))
    names = edited["demands"]
    products = dict(zip(names["demand"], names["product"], strict=True))
    victims, winners = effects(plan, after, products)
    return PlanEffect(
        price=edit_price((plan, snapshot), (after, edited), again),
        victims=victims,
        winners=winners,
        plan=after,
    )


def cost_of_change(
    snapshot: Snapshot, plan: Plan, change: Edit | Mapping[str, Any]
) -> PlanEffect:
    """Price of a change of orders or tables, and whom it hits; nothing is kept.

    Parameters
    ----------
    snapshot, plan
        Tables, and a plan of them.
    change
        An `Edit`, or kind and values by name, as `medhavi orders` or a study states
        them, such as ``{"kind": "move", "supply": "WO-1", "due": "2026-03-01"}``.

    Returns
    -------
    PlanEffect
        What the plan made again with it costs more [base currency], part by part; the
        demands that get worse and those that gain; that plan.

    Raises
    ------
    UsageError
        The plan is of other tables; kind or values of an edit are wrong.
    BadData
        The change cannot be, or the tables are wrong with it; all reasons are named.
    """
    _require_plan_of(plan, snapshot)
    edit = _edit(change)
    if edit.kind not in EDITS:
        return effect_on_plan(plan, snapshot, apply(snapshot, [edit]), LastRun())
    orders: EditedPlan | Snapshot = snapshot
    if EDITS[edit.kind].event == "order":
        providers = Providers(snapshot, infinite=plan.run.mode == "mrp")
        orders = EditedPlan(plan=plan, providers=providers)
        edit = edit.renamed(lambda one: order_id(plan.supplies, one))
    patch = with_instants(edit, snapshot).patch(orders)
    edited = edited_snapshot(snapshot, patch)
    return effect_on_plan(plan, snapshot, edited, LastRun())


def replan(
    snapshot: Snapshot,
    plan: Plan,
    disruptions: Sequence[Edit | Mapping[str, Any]],
    *,
    stability: float | None = None,
    observe: Observe | None = None,
    cancelled: Cancelled | None = None,
) -> Plan:
    """Repair a plan after disruptions: what they hit is served anew.

    Parameters
    ----------
    snapshot, plan
        Tables before them, and a plan of these, whose mode and settings are kept.
    disruptions
        Changes of tables as a study states them, such as ``{"kind": "resource_down",
        "resource": "FILL-1", "start": "2026-03-02", "finish": "2026-03-05"}``. Mode mrp
        looks at no row of `disruptions`.
    stability
        How much less a plan from nothing must cost to take its place, the setting
        `stability_price` [base currency]; None: none is made. Mode mrp has no such
        setting.
    observe, cancelled
        As of `plan`.

    Returns
    -------
    Plan
        Of the tables with the disruptions.

    Raises
    ------
    UsageError
        The plan is of other tables; stability is no price, or the mode has none.
    BadData
        A disruption cannot be; all reasons are named.
    """
    _require_plan_of(plan, snapshot)
    settings = own_settings(plan.run.mode, plan.run.settings)
    if stability is not None:
        settings[STABILITY_PRICE] = stability
    return make_plan(
        apply(snapshot, list(map(_edit, disruptions))),
        plan.run.mode,
        settings,
        baseline=plan,
        seed=plan.run.seed,
        observe=observe,
        cancelled=cancelled,
    )


def _require_plan_of(plan: Plan, snapshot: Snapshot) -> None:
    if not is_of(plan, snapshot):
        message = f"Plan {plan.run.run_id} was made of other tables: plan these first."
        raise UsageError(message)


def _edit(stated: Edit | Mapping[str, Any]) -> Edit:
    """Edit of an order or of data, or change of a study, by its kind."""
    if isinstance(stated, Edit):
        return stated
    return edit_of(**stated) if stated.get("kind") in EDITS else changes([stated])[0]


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
        made = planned_anew(plan, edited)
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
    return {demand: _Standing(*cells) for demand, *cells in outcomes(plan).iter_rows()}
