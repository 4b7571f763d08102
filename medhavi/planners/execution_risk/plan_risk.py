"""Execution risk: what becomes of a plan where its orders take uncertain times.

Each scenario draws when every purchase and transfer is there (see `order_delays`) and
follows the pegs of the plan: an order starts at its planned start or when what it takes
is there, the later of the two, and takes its planned time from start to end; a late
load leaves by the next departure. A demand is served when all that is pegged to it is
there, not before its due date. What was planned without slack is late with what it
waits for; slack absorbs lateness.

The queue of resources is not rescheduled, a vehicle always has room for what missed the
one before, and quantities are those of the plan: scrap and stops of resources are not
drawn. A demand that the plan has past due, at risk, short or unplanned counts as in
KPI-28 in every scenario: it is not on time in full.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

import numpy as np
import polars as pl

from medhavi.errors import LimitReached, UsageError
from medhavi.planners.execution_risk.order_delays import OrderDelays
from medhavi.progress import Progress, unobserved
from medhavi.providers import Providers
from medhavi.providers.product_facts import demand_value
from medhavi.results.amounts import PlanLocale
from medhavi.results.buckets import floor
from medhavi.results.plans.lateness import Verdict, late_costs, live_verdicts, there_at
from medhavi.results.plans.peg_links import peg_links
from medhavi.results.reports.plan_risk import COST, LATE, ON_TIME, PlanRisk
from medhavi.snapshot.calendars.zones import zone
from medhavi.units import DAY, from_seconds

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Sequence

    import numpy.typing as npt

    from medhavi.planners.execution_risk.order_delays import Instants, Order
    from medhavi.progress import Cancelled, Observe
    from medhavi.results.plans.plan import Plan
    from medhavi.snapshot import Snapshot

    Matrix = npt.NDArray[np.float64]

SCENARIOS = 500
_COUNTED = (Verdict.ON_TIME, Verdict.LATE)
"""Verdicts of demands that come whole, so that their dates decide."""
_BAND = (0.1, 0.5, 0.9)
_QUANTILES = (0.5, 0.8, 0.95)
_NOBODY = -1


class _Late(NamedTuple):
    """How much later than planned an order is there, and the order that makes it so."""

    delay: Instants
    root: Instants


class _Link(NamedTuple):
    """An order that is waited for; so late may it be without effect [s]."""

    giver: int
    slack: int


def plan_risk(
    plan: Plan,
    snapshot: Snapshot,
    *,
    scenarios: int = SCENARIOS,
    seed: int = 1,
    observe: Observe | None = None,
    cancelled: Cancelled | None = None,
) -> PlanRisk:
    """Draw what becomes of a plan; equal arguments give equal results.

    Parameters
    ----------
    plan
        A plan of any mode, with pegging.
    snapshot
        What was planned; its `estimates` say which times vary.
    scenarios
        How many are drawn, at least 1.
    seed
        Of the draws. An order draws the same in every plan that has it.
    observe, cancelled
        Called with the progress, and asked whether to end, before each order.

    Returns
    -------
    PlanRisk
        Chances and dates by demand, figures with their interval by week.

    Raises
    ------
    UsageError
        Scenarios below 1.
    LimitReached
        It was cancelled: half a simulation has no figures.

    Notes
    -----
    Effort: a few array operations of length `scenarios` for each order that is late in
    any scenario, and for each demand.
    """
    if scenarios < 1:
        message = f"scenarios ({scenarios}) must be at least 1."
        raise UsageError(message)

    say = observe or unobserved

    def reached(done: int) -> None:
        if cancelled is not None and cancelled():
            message = "The simulation was stopped before its end; it has no figures."
            raise LimitReached(message)
        say(Progress("orders in all scenarios", done, len(orders)))

    as_of = snapshot.as_of if plan.run.as_of is None else plan.run.as_of
    orders = _orders(plan)
    delays = OrderDelays(
        Providers(snapshot, infinite=plan.run.mode == "mrp"),
        orders,
        _step_times(plan),
        now=as_of,
        scenarios=scenarios,
        seed=seed,
    )
    late = _propagated(orders, _links(plan, snapshot, orders, delays), delays, reached)
    demands = _Demands(plan, snapshot, orders, as_of)
    return demands.risk(late, delays, orders, (scenarios, seed))


def _orders(plan: Plan) -> Sequence[Order]:
    """Orders that serve a demand, by id."""
    seconds = [pl.col(name).dt.epoch("s") for name in ("start", "finish", "departure")]
    names = ("id", "kind", "product", "location", "source", "lane", "status")
    pegged = plan.pegging["supply"].unique()
    return (
        plan.supplies.filter(pl.col("id").is_in(pegged.implode()))
        .sort("id")
        .select(*names, *seconds)
        .filter(pl.col("start").is_not_null() & pl.col("finish").is_not_null())
        .to_dicts()
    )


def _step_times(plan: Plan) -> dict[str, list[tuple[int, int]]]:
    """Elapsed time of each step by order [s]."""
    start, finish = (pl.col(name).dt.epoch("s") for name in ("start", "finish"))
    rows = (
        plan.operations.group_by("supply", "step")
        .agg(elapsed=finish.max() - start.min())
        .drop_nulls()
        .sort("supply", "step")
    )
    found: dict[str, list[tuple[int, int]]] = {}
    for supply, step, elapsed in rows.iter_rows():
        found.setdefault(supply, []).append((step, elapsed))
    return found


def _links(
    plan: Plan, snapshot: Snapshot, orders: Sequence[Order], delays: OrderDelays
) -> dict[int, list[_Link]]:
    """What each order waits for, with the slack of the plan, by place."""
    places = {order["id"]: place for place, order in enumerate(orders)}
    found: dict[int, list[_Link]] = {}
    for taker, giver in peg_links(plan, snapshot).iter_rows():
        if taker not in places or giver not in places:
            continue
        need = delays.ready(orders[places[taker]])
        slack = max(need - orders[places[giver]]["finish"], 0)
        found.setdefault(places[taker], []).append(_Link(places[giver], slack))
    return found


def _propagated(
    orders: Sequence[Order],
    links: dict[int, list[_Link]],
    delays: OrderDelays,
    reached: Callable[[int], None],
) -> dict[int, _Late]:
    """Delays of the orders that are not always on their date, by place."""
    late: dict[int, _Late] = {}
    for done, place in enumerate(_in_sequence(len(orders), links)):
        reached(done)
        order = orders[place]
        waits, root = _waited(
            (late[link.giver], link.slack)
            for link in links.get(place, ())
            if link.giver in late
        )
        if waits is None and order["id"] not in delays.uncertain:
            continue
        delay, own = delays.of(order, waits)
        if not delay.any():
            continue
        if root is None or waits is None:
            root = np.full(delay.shape, place)
        elif own.any():
            root = np.where((waits > 0) & (waits >= own), root, place)
        late[place] = _Late(delay, root)
    return late


def _waited(
    found: Iterable[tuple[_Late, int]],
) -> tuple[Instants | None, Instants | None]:
    """Latest of what is waited for beyond its slack, and whose lateness that is."""
    waits: Instants | None = None
    root: Instants | None = None
    for one, slack in found:
        beyond = one.delay - slack
        if waits is None or root is None:
            waits, root = np.maximum(beyond, 0), one.root
            continue
        root = np.where(beyond > waits, one.root, root)
        waits = np.maximum(waits, beyond)
    if waits is None or not waits.any():
        return None, None
    return waits, root


def _in_sequence(count: int, links: dict[int, list[_Link]]) -> list[int]:
    """Places so that what is waited for comes first; a circle begins at its first."""
    done: list[int] = []
    state = [0] * count
    for first in range(count):
        stack = [first]
        while stack:
            place = stack[-1]
            if state[place] == 0:
                state[place] = 1
                givers = [link.giver for link in links.get(place, ())]
                stack += [one for one in givers if state[one] == 0]
                continue
            stack.pop()
            if state[place] == 1:
                state[place] = 2
                done.append(place)
    return done


class _Demands:
    """Demands of a plan that are planned for, with what serves them."""

    def __init__(
        self, plan: Plan, snapshot: Snapshot, orders: Sequence[Order], as_of: int
    ) -> None:
        self._plan = plan
        self._as_of = as_of
        locale = PlanLocale.of(snapshot)
        self._currency = locale.currency
        places = {order["id"]: place for place, order in enumerate(orders)}
        self._finish = [order["finish"] for order in orders]
        dates = plan.deliveries.group_by("demand").agg(pl.col("date").max())
        self.rows = (
            live_verdicts(plan)
            .select("demand", "due", "verdict", "lateness_h")
            .join(dates, on="demand", how="left")
            .join(late_costs(plan), on="demand", how="left")
            .with_columns(pl.col("money").fill_null(0.0))
            .sort("demand")
        )
        self._rates = _late_rates(snapshot)
        self._weeks = self._local_weeks(snapshot, locale)
        served: dict[str, dict[int, float]] = {}
        top = plan.pegging.filter(pl.col("level") == 0).sort("demand", "supply", "id")
        for demand, supply, qty in top.select("demand", "supply", "qty").iter_rows():
            if supply in places:
                own = served.setdefault(demand, {})
                own[places[supply]] = own.get(places[supply], 0.0) + qty
        self._served = served

    def _local_weeks(self, snapshot: Snapshot, locale: PlanLocale) -> pl.Series:
        """Monday of the week of each due date where the demand is."""
        where = self.rows.join(
            snapshot["demands"].select("demand", "location"),
            on="demand",
            how="left",
            maintain_order="left",
        )
        due = where["due"].dt.epoch("s").to_numpy()
        zones = [
            locale.zones.get(place or "", locale.zone) for place in where["location"]
        ]
        local = due.copy()
        for name in sorted(set(zones)):
            here = np.array([one == name for one in zones])
            local[here] = zone(name).locals(due[here])
        return pl.Series(floor(local, "week") // DAY).cast(pl.Int32).cast(pl.Date)

    def risk(
        self,
        late: dict[int, _Late],
        delays: OrderDelays,
        orders: Sequence[Order],
        drawn: tuple[int, int],
    ) -> PlanRisk:
        """Chances of the demands, and figures with their intervals."""
        scenarios, seed = drawn
        shape = (self.rows.height, scenarios)
        on_time = np.zeros(shape, dtype=np.bool_)
        is_late = np.zeros(shape, dtype=np.bool_)
        money = np.zeros(shape)
        columns: dict[str, list[object]] = {
            name: [] for name in ("p50", "p80", "p95", "order", "order_share")
        }
        ranks = [_rank(one, scenarios) for one in _QUANTILES]
        told = self.rows.select(
            "demand",
            pl.col("due").dt.epoch("s"),
            "verdict",
            pl.col("date").dt.epoch("s"),
            "money",
        )
        for number, (demand, due, verdict, date, cost) in enumerate(told.iter_rows()):
            money[number] = cost
            if date is None:
                for name, values in columns.items():
                    values.append(0.0 if name == "order_share" else None)
                continue
            planned = there_at(date, self._as_of)
            dates, roots, extra = self._served_at(
                demand, (due, planned), late, scenarios
            )
            is_late[number] = dates > due
            on_time[number] = ~is_late[number] & (verdict in _COUNTED)
            money[number] = np.maximum(cost + extra, 0.0)
            rising = np.sort(dates)
            for name, rank in zip(("p50", "p80", "p95"), ranks, strict=True):
                columns[name].append(from_seconds(int(rising[rank])))
            worst, share = _worst(roots[is_late[number]])
            columns["order"].append(None if worst is None else orders[worst]["id"])
            columns["order_share"].append(share)
        demands = (
            self.rows.drop("lateness_h")
            .with_columns(
                on_time_prob=on_time.mean(axis=1),
                expected_cost=money.mean(axis=1),
                **{name: pl.Series(values) for name, values in columns.items()},
            )
            .rename({"money": "cost"})
        )
        return PlanRisk(
            tables={
                "demands": demands,
                "figures": self._figures(on_time, is_late, money),
            },
            as_of=self._as_of,
            scenarios=scenarios,
            seed=seed,
            uncertain=len(delays.uncertain),
            currency=self._currency,
            plan=self._plan.run.run_id,
        )

    def _served_at(
        self, demand: str, dated: tuple[int, int], late: dict[int, _Late], count: int
    ) -> tuple[Instants, Instants, Matrix]:
        """When a demand is served whole, whose lateness that is, and what it costs.

        Parameters
        ----------
        dated
            Its due date and its date of the plan [UTC s].

        Returns
        -------
        tuple of numpy.ndarray
            Dates [UTC s]; places of orders, -1: none; cost beyond the plan's.
        """
        due, planned = dated
        pieces = self._served.get(demand, {})
        ends = {place: min(self._finish[place], planned) for place in pieces}
        # What the plan waits after the last order, it waits in each scenario.
        lag = max(planned - max([due, *ends.values()]), 0) if ends else 0
        first = min(planned, due) if ends else planned
        dates = np.full(count, first, dtype=np.int64)
        roots = np.full(count, _NOBODY, dtype=np.int64)
        extra = np.zeros(count)
        for place, qty in pieces.items():
            end = max(ends[place] + lag, first)
            moved = late.get(place)
            if moved is None:
                roots[dates < end] = _NOBODY
                dates = np.maximum(dates, end)
                continue
            there = np.maximum(ends[place] + lag + moved.delay, first)
            cause = np.where(moved.delay > 0, moved.root, _NOBODY)
            roots = np.where(there > dates, cause, roots)
            dates = np.maximum(dates, there)
            hours_late = np.maximum(there - due, 0) - max(end - due, 0)
            extra += self._rates.get(demand, 0.0) * qty * hours_late / DAY
        return dates, roots, extra

    def _figures(
        self,
        on_time: npt.NDArray[np.bool_],
        is_late: npt.NDArray[np.bool_],
        money: Matrix,
    ) -> pl.DataFrame:
        """Row a figure, of each week and of the whole plan."""
        verdicts = self.rows["verdict"].to_numpy()
        planned = {
            ON_TIME: (verdicts == Verdict.ON_TIME).astype(float),
            LATE: (self.rows["lateness_h"].fill_null(0.0) > 0).to_numpy().astype(float),
            COST: self.rows["money"].to_numpy(),
        }
        drawn = {ON_TIME: on_time, LATE: is_late, COST: money}
        ranks = [_rank(one, money.shape[1]) for one in _BAND]
        weeks = self._weeks.to_numpy()
        rows = []
        for week in [None, *sorted(self._weeks.unique())]:
            own = slice(None) if week is None else weeks == np.datetime64(week)
            count = len(planned[LATE][own])
            for name, values in drawn.items():
                share = max(count, 1) if name == ON_TIME else 1
                rising = np.sort(values[own].sum(axis=0)) / share
                band = [float(rising[rank]) for rank in ranks]
                point = float(planned[name][own].sum()) / share
                rows.append((week, name, count, point, *band))
        names = ("week", "figure", "demands", "planned", "p10", "p50", "p90")
        return pl.DataFrame(rows, schema=names, orient="row")


def _late_rates(snapshot: Snapshot) -> dict[str, float]:
    """Cost of a unit that is a day late, by demand [base currency]."""
    costs = dict(snapshot["products"].select("product", "unit_cost").iter_rows())
    names = "demand", "product", "priority", "price", "late_cost_per_day", "short_cost"
    return {
        row["demand"]: demand_value(
            row,
            costs.get(row["product"]) or 0.0,
            snapshot.settings.weight(row["priority"]),
        ).late
        for row in snapshot["demands"].select(names).iter_rows(named=True)
    }


def _worst(roots: Instants) -> tuple[int | None, float]:
    """Order that is the root most often, and in which share; None: no order is."""
    known = roots[roots != _NOBODY]
    if not len(known):
        return None, 0.0
    places, counts = np.unique(known, return_counts=True)
    most = int(counts.argmax())
    return int(places[most]), float(counts[most]) / len(roots)


def _rank(level: float, count: int) -> int:
    """Place of a quantile among so many values in order: the least that reaches it."""
    return max(-(-round(level * 1000) * count // 1000) - 1, 0)
