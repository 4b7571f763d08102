"""Key figures of a plan: one function per row KPI-01 … KPI-34, in one registry.

Every figure with a denominator is value = numerator / denominator, undefined at 0/0 and
where its facts do not exist yet; shares are fractions, not per cent. Parts of a figure
carry its name, a dot and their own, such as `KPI-28.fill_rate`. Latencies are
measurements and stay outside (design 3.7).
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable
from dataclasses import replace
from typing import TYPE_CHECKING, NamedTuple

import polars as pl

from medhavi.results.amounts import currency_of
from medhavi.results.figures.measure import Measure, amount, ratio, undefined
from medhavi.results.figures.openings import stated_openings
from medhavi.results.figures.order_costs import new_orders
from medhavi.results.figures.plan_goals import goals
from medhavi.results.figures.scorecard import late_hours_by_domain, scorecard
from medhavi.results.plans.lateness import Verdict, live_verdicts, tally
from medhavi.results.plans.plan import Plan
from medhavi.results.plans.tables import SCHEMAS
from medhavi.snapshot import Snapshot
from medhavi.units import DAYS_PER_YEAR, HOUR, from_seconds

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from medhavi.results.plans.money_parts import Scorecard

BOTTLENECK = 0.95
"""A resource is a bottleneck from this utilisation on [fraction]."""


def bottlenecks(loads: pl.DataFrame, threshold: float = BOTTLENECK) -> pl.DataFrame:
    """List the resources used from a threshold on, and those with a bucket too full.

    Parameters
    ----------
    loads
        Table `loads` of a plan.
    threshold
        Run and set-up ÷ available hours, over the buckets in which a resource works
        [fraction].

    Returns
    -------
    polars.DataFrame
        resource, utilisation (null where nothing is available), overload [h]; the most
        used first.
    """
    used = pl.col("run") + pl.col("setup")
    total = loads.group_by("resource", maintain_order=True).agg(
        pl.col("run", "setup", "available", "overload").sum()
    )
    return (
        total.filter(
            (pl.col("overload") > 0) | (used >= threshold * pl.col("available"))
        )
        .select(
            "resource",
            pl.when(pl.col("available") > 0)
            .then(used / pl.col("available"))
            .alias("utilisation"),
            "overload",
        )
        .sort("utilisation", "resource", descending=[True, False])
    )


Function = Callable[[Plan, Snapshot], list[Measure]]


class Kpi(NamedTuple):
    """A figure: its name, what it counts, and the function that measures it."""

    name: str
    meaning: str
    measure: Function


def figures_table(figures: Mapping[str, Sequence[Measure]]) -> pl.DataFrame:
    """Figures by code in the columns of table `kpis`, in their order."""
    rows = [
        {
            "kpi": f"{code}.{measure.part}" if measure.part else code,
            "name": measure.name or KPIS[code].name,
            "value": measure.value,
            "unit": measure.unit,
            "numerator": measure.numerator,
            "denominator": measure.denominator,
            "reason": measure.reason,
        }
        for code, measures in figures.items()
        for measure in measures
    ]
    return pl.DataFrame(rows, schema=dict(SCHEMAS["kpis"]))


def kpi_table(
    plan: Plan,
    snapshot: Snapshot,
    measured: dict[str, list[Measure]] | None = None,
) -> pl.DataFrame:
    """Measure every figure; table `kpis` of a plan, sorted by name.

    Parameters
    ----------
    measured
        Figures that a plan alone does not give, by name, such as those of campaigns.
    """
    figures = {
        code: (measured or {}).get(code) or kpi.measure(plan, snapshot)
        for code, kpi in KPIS.items()
    }
    steady = {code: [one.steady() for one in all_] for code, all_ in figures.items()}
    return figures_table(steady).sort("kpi")


def on_time_delivery(plan: Plan, snapshot: Snapshot) -> list[Measure]:
    """KPI-01: order lines delivered by their promise, of those that are delivered.

    The promise is `promised`, where there is none the due date. A line keeps it where
    its whole quantity can be there by then and no start of its chain is missed.
    """
    orders = snapshot["demands"].filter(pl.col("kind") == "order")
    rows = (
        live_verdicts(plan)
        .filter(pl.col("planned") > 0)
        .join(orders.select("demand", "promised"), on="demand")
        .with_columns(
            promise=pl.coalesce("promised", "due"),
            there=pl.col("due") + pl.duration(seconds=pl.col("lateness_h") * HOUR),
        )
    )
    kept = rows.filter(
        (pl.col("there") <= pl.col("promise"))
        & (pl.col("verdict") != Verdict.SHORT)
        & (pl.col("verdict") != Verdict.AT_RISK)
    )
    return [ratio(kept.height, rows.height)]


def utilisation(plan: Plan, _snapshot: Snapshot) -> list[Measure]:
    """KPI-05: used ÷ available hours over the buckets in which a resource works.

    Set-up is counted as used.
    """
    return [used_share(plan.loads)]


def used_share(loads: pl.DataFrame) -> Measure:
    """Used ÷ available hours of loads; buckets without work do not count (KPI-05)."""
    working = loads.filter(pl.col("run") + pl.col("setup") > 0)
    used = _total(working, "run") + _total(working, "setup")
    return ratio(used, _total(working, "available"))


def material_availability(plan: Plan, _snapshot: Snapshot) -> list[Measure]:
    """KPI-09: demands met by their need date, of all that are planned for.

    A demand is met where it is on time and nothing limits it: mode mrp keeps the date
    of one that waits for a receipt which comes after its need.
    """
    live = live_verdicts(plan)
    free = plan.fulfilment.filter(pl.col("limiter").is_null())
    met = live.filter(pl.col("verdict") == Verdict.ON_TIME).join(
        free, on="demand", how="semi"
    )
    return [ratio(met.height, live.height)]


def netting_accuracy(plan: Plan, snapshot: Snapshot) -> list[Measure]:
    """KPI-10: 1 - |ordered - needed| ÷ needed, over all places.

    Needed is positions.net, ordered is new supply; what lots add is the difference. The
    numerator is what is left of the needed after the differences.
    """
    new = (
        new_orders(plan, snapshot)
        .group_by("product", "location", maintain_order=True)
        .agg(pl.col("qty").sum().alias("ordered"))
    )
    needed = plan.positions.group_by("product", "location", maintain_order=True).agg(
        pl.col("net").sum().alias("needed")
    )
    rows = needed.join(new, on=["product", "location"], how="full", coalesce=True)
    # Sums of floats depend on their order.
    rows = rows.fill_null(0.0).sort("product", "location")
    apart = float((rows["ordered"] - rows["needed"]).abs().sum())
    total = _total(rows, "needed")
    return [ratio(total - apart, total)]


def pegging_completeness(plan: Plan, _snapshot: Snapshot) -> list[Measure]:
    """KPI-11: demand lines whose whole plan is pegged, of all that are planned for."""
    live = live_verdicts(plan)
    pegged = plan.pegging.filter((pl.col("level") == 0) & (pl.col("qty") > 0))
    whole = live.filter(pl.col("planned") > 0).join(
        pegged.select("demand").unique(), on="demand", how="semi"
    )
    return [ratio(whole.height, live.height)]


def lateness(plan: Plan, _snapshot: Snapshot) -> list[Measure]:
    """KPI-13: mean lateness of the late demands, of all, and the greatest [hours].

    The mean over the late alone falls where more demands come a little late; the part
    `all` counts 0 for each demand on time.
    """
    counts = tally(plan)
    over_all = ratio(counts.late_hours, counts.live, unit="hour", part="all")
    return [
        ratio(counts.late_hours, counts.late, unit="hour"),
        replace(over_all, name="Mean lateness of all demands"),
        Measure(
            value=None if counts.latest is None else counts.latest[1],
            unit="hour",
            part="max",
            name="Greatest lateness",
            reason="no demand is late" if counts.latest is None else None,
        ),
    ]


def overloads(plan: Plan, _snapshot: Snapshot) -> list[Measure]:
    """KPI-16: buckets above capacity; resources that are bottlenecks."""
    loads = plan.loads
    if loads.is_empty():
        return [undefined("no resource is loaded", "count")]
    over = loads.filter(pl.col("overload") > 0).height
    tight = bottlenecks(loads).height
    return [
        amount(over, "count"),
        amount(tight, "count", "bottlenecks", "Bottleneck count"),
    ]


def on_time_in_full(plan: Plan, _snapshot: Snapshot) -> list[Measure]:
    """KPI-28: lines on time in full; share of quantity by due; hours of overload.

    The fill rate is the mean over lines of what is delivered by the due date, as a
    share of the line: pieces and kilograms cannot be summed. Nothing of a line that was
    past due when planned, or at risk, counts as delivered by then.
    """
    live = live_verdicts(plan)
    full = tally(plan).on_time
    sure = live.filter(~pl.col("past_due") & ~pl.col("at_risk"))
    by_due = (
        plan.deliveries.join(sure.select("demand", "due"), on="demand")
        .filter(pl.col("date") <= pl.col("due"))
        .group_by("demand", maintain_order=True)
        .agg(pl.col("qty").sum().alias("delivered"))
    )
    shares = (
        live.join(by_due, on="demand", maintain_order="left")
        .filter(pl.col("qty") > 0)
        .select(
            (pl.col("delivered") / pl.col("qty")).clip(upper_bound=1.0).alias("share")
        )
    )
    fill = ratio(_total(shares, "share"), live.height)
    hours = amount(_total(plan.loads, "overload"), "hour")
    if plan.loads.is_empty():
        hours = undefined("no resource is loaded", "hour")
    return [
        ratio(full, live.height),
        replace(fill, part="fill_rate", name="Fill rate"),
        replace(hours, part="overload_hours", name="Overload hours"),
    ]


def inventory_turns(plan: Plan, snapshot: Snapshot) -> list[Measure]:
    """KPI-06: cost of goods delivered a year ÷ mean inventory; days of supply.

    Delivered is what a plan delivers, at unit cost and at the pace of a year: the pace
    is that from now to the last due date, for demands end before the horizon does. The
    inventory is that of KPI-33. Days of supply are how many days of such deliveries it
    lasts.
    """
    sold = (
        plan.fulfilment.filter(pl.col("planned") > 0)
        .join(snapshot["demands"].select("demand", "product"), on="demand")
        .join(snapshot["products"].select("product", "unit_cost"), on="product")
        .sort("demand")
    )
    cost = float((sold["planned"] * sold["unit_cost"]).sum())
    last = sold["due"].max()
    days = 0.0
    if isinstance(last, dt.datetime):
        days = (last - from_seconds(snapshot.as_of)) / dt.timedelta(days=1)
    a_day = cost / days if days > 0 else 0.0
    held = scorecard(plan, snapshot).inventory
    lasts = ratio(held, a_day, unit="day", part="days_of_supply")
    return [
        ratio(a_day * DAYS_PER_YEAR, held, unit="per year"),
        replace(lasts, name="Days of supply"),
    ]


def attainment(plan: Plan, _snapshot: Snapshot) -> list[Measure]:
    """KPI-24: how much of its bound a plan attains; what it uses of each budget.

    The target is what no plan can be better than: of a least cost the bound ÷ the cost,
    of a greatest profit the profit ÷ the bound, so that 1 is the best there can be. A
    budget is kept up to 1, and its part is value ÷ budget.
    """
    run = plan.run
    budgets = [
        replace(ratio(one.value, one.most, part=one.name), name=f"Use of {one.name}")
        for one in run.budgets
    ]
    if run.bound is None or run.gap is None:
        return [undefined(_OPTIMUM), *budgets]
    greatest = run.settings.get("goal") == "profit"
    value = max(0.0, 1.0 - run.gap) if greatest else 1.0 / (1.0 + run.gap)
    return [Measure(value=value), *budgets]


def gap(plan: Plan, _snapshot: Snapshot) -> list[Measure]:
    """KPI-25: |solution - bound| ÷ |bound| of the run, where it proved a bound."""
    value = plan.run.gap
    why = _OPTIMUM if plan.run.bound is None else "the bound is 0"
    return [Measure(value=value, reason=None if value is not None else why)]


def lateness_by_domain(plan: Plan, _snapshot: Snapshot) -> list[Measure]:
    """KPI-27: hours of lateness that the causes explain, and the share per domain."""
    hours = late_hours_by_domain(plan)
    total = sum(hours.values())
    if not total:
        return [undefined("no cause explains any lateness", "hour")]
    return [
        amount(total, "hour"),
        *(
            replace(ratio(share, total, part=domain), name=f"Lateness by {domain}")
            for domain, share in hours.items()
        ),
    ]


def score(plan: Plan, snapshot: Snapshot) -> list[Measure]:
    """KPI-33: cost of new orders, extra hours, stock and lateness, in all modes alike.

    Purchase, production and transport are the costs of new orders; a departure is paid
    once, however many orders leave with it, and production holds the money of
    changeovers and of energy (tariffs). Opening is paid once for each resource,
    supplier and lane with an opening cost that new orders use and no existing one does;
    its row is there where such a cost is stated. Overtime is the work beyond the open
    hours of a bucket as far as it is agreed, at what it costs on top of ordinary hours;
    overload is the work beyond that, at ten times as much. Holding is the value of
    projected stock x holding rate over the horizon, lateness the money of the causes,
    shortage of it that of what is never delivered. Inventory is the mean value of the
    stock and no part of the total. Revenue is what is delivered at stated prices,
    profit what is left of it after the total, without what demands that are never
    delivered cost by default.
    """
    card = scorecard(plan, snapshot)
    money = currency_of(snapshot)
    unstated = {"opening"} if stated_openings(snapshot).is_empty() else set()
    return [
        amount(card.total, money),
        *(
            amount(cost, money, part, f"{part.capitalize()} cost")
            for part, cost in card.parts.items()
            if part not in unstated
        ),
        amount(card.shortage, money, "shortage", "Shortage cost"),
        amount(card.inventory, money, "inventory", "Inventory value"),
        amount(card.co2_kg, "kg", "co2", "Emissions"),
        *_earnings(card, snapshot, money),
    ]


def _earnings(card: Scorecard, snapshot: Snapshot, money: str) -> list[Measure]:
    """Revenue and profit, where any demand states its price."""
    if snapshot["demands"]["price"].is_null().all():
        return []
    return [
        amount(card.revenue, money, "revenue", "Revenue"),
        amount(card.profit, money, "profit", "Profit"),
    ]


def _total(frame: pl.DataFrame, column: str) -> float:
    return float(frame[column].sum())


def _without_facts(reason: str, unit: str = "fraction") -> Function:
    def measure(_plan: Plan, _snapshot: Snapshot) -> list[Measure]:
        return [undefined(reason, unit)]

    measure.__doc__ = f"No figure of a plan alone.\n\nUndefined: {reason}."
    return measure


_PROMISES = "needs what became of promises: medhavi promises figures"
_BEFORE = "needs a baseline plan to compare with: medhavi compare"
_ORDERS = "needs what became of orders: medhavi orders figures"
_LOG = "needs the log of events: medhavi events figures"
_MEASURED = "is a measurement; see measured.json"
_OPTIMUM = "needs an optimised plan with a bound"
_CAMPAIGNS = "needs the plan without campaigns beside it: medhavi campaigns"
_CARRIED_OUT = "needs campaigns that were carried out: medhavi campaigns --plan"
_SCENARIOS = "needs simulated scenarios: medhavi risk"

KPIS: dict[str, Kpi] = {
    "KPI-01": Kpi(
        "On-time delivery",
        "order lines delivered by promise ÷ order lines delivered",
        on_time_delivery,
    ),
    "KPI-02": Kpi(
        "Promise accuracy", "accepted on time ÷ accepted", _without_facts(_PROMISES)
    ),
    "KPI-03": Kpi("Acceptance rate", "accepted ÷ requested", _without_facts(_PROMISES)),
    "KPI-04": Kpi(
        "Response time", "95th and 99th percentile", _without_facts(_PROMISES, "second")
    ),
    "KPI-05": Kpi(
        "Utilisation",
        "(run + set-up) ÷ available hours, where a resource works",
        utilisation,
    ),
    "KPI-06": Kpi(
        "Inventory turns",
        "cost of goods sold ÷ average inventory",
        inventory_turns,
    ),
    "KPI-07": Kpi(
        "Planning cycle time", "order to release", _without_facts(_ORDERS, "hour")
    ),
    "KPI-08": Kpi(
        "Schedule stability",
        "unchanged operations ÷ operations after a replan",
        _without_facts(_BEFORE),
    ),
    "KPI-09": Kpi(
        "Material availability",
        "demands on time that wait for no receipt ÷ demands",
        material_availability,
    ),
    "KPI-10": Kpi(
        "Netting accuracy", "1 - |ordered - needed| ÷ needed", netting_accuracy
    ),
    "KPI-11": Kpi(
        "Pegging completeness", "lines pegged ÷ demand lines", pegging_completeness
    ),
    "KPI-12": Kpi(
        "Plan stability",
        "unchanged requirements and holds ÷ all",
        _without_facts(_BEFORE),
    ),
    "KPI-13": Kpi(
        "Mean lateness of late demands",
        "hours late ÷ demands late; beside it, ÷ all demands",
        lateness,
    ),
    "KPI-14": Kpi(
        "Lock adherence", "unchanged locked ÷ locked", _without_facts(_BEFORE)
    ),
    "KPI-15": Kpi("Churn", "moved operations ÷ all", _without_facts(_BEFORE)),
    "KPI-16": Kpi("Overload count", "buckets above capacity", overloads),
    "KPI-17": Kpi(
        "Work order cycle time",
        "cycle time, throughput, redo rate, variance",
        _without_facts(_ORDERS, "hour"),
    ),
    "KPI-18": Kpi(
        "Proposal counters",
        "proposals, adjustments, firming, churn",
        _without_facts(_BEFORE, "count"),
    ),
    "KPI-19": Kpi(
        "Set-up reduction", "(base - campaign) ÷ base", _without_facts(_CAMPAIGNS)
    ),
    "KPI-20": Kpi(
        "Campaign adherence",
        "executed in campaign ÷ assigned",
        _without_facts(_CARRIED_OUT),
    ),
    "KPI-21": Kpi(
        "Lateness of campaigns",
        "lateness with and without them",
        _without_facts(_CAMPAIGNS, "hour"),
    ),
    "KPI-22": Kpi(
        "Replan latency", "time of a replan", _without_facts(_MEASURED, "second")
    ),
    "KPI-23": Kpi(
        "Service preservation", "still on time ÷ accepted", _without_facts(_BEFORE)
    ),
    "KPI-24": Kpi("Objective attainment", "value ÷ target", attainment),
    "KPI-25": Kpi("Gap", "|solution - bound| ÷ |bound|", gap),
    "KPI-26": Kpi(
        "Pareto diversity",
        "spread of the front",
        _without_facts("needs a Pareto front: medhavi pareto"),
    ),
    "KPI-27": Kpi(
        "Lateness by domain", "share of the hours late per domain", lateness_by_domain
    ),
    "KPI-28": Kpi(
        "On time in full", "lines on time in full ÷ demand lines", on_time_in_full
    ),
    "KPI-29": Kpi(
        "Taxonomy of goals", "goals wholly kept ÷ goals that a plan may keep", goals
    ),
    "KPI-30": Kpi(
        "Peg churn",
        "pegs changed, their age, firm ones broken",
        _without_facts(_BEFORE),
    ),
    "KPI-31": Kpi(
        "Event latency", "latency, success, accuracy", _without_facts(_LOG, "second")
    ),
    "KPI-32": Kpi(
        "Risk premium",
        "premium, variation, tail, robustness",
        _without_facts(_SCENARIOS),
    ),
    "KPI-33": Kpi(
        "Scorecard", "cost of supply, extra hours, stock and lateness", score
    ),
    "KPI-34": Kpi(
        "Decisions and goals",
        "which decision moves which goal",
        _without_facts("is the table below, not a number"),
    ),
}
"""All figures by their stable public names."""
