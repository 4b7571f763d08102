r"""Block of level loads: what the hours of a resource lie off their mean has a price.

Sets. g in G: resources that sources or existing orders work on, finite or not; p in P:
buckets of the settings from now to the horizon's end, of shares w_p of its length (sum
1); k in K: buckets of decisions, of which the share s_kp lies in p; x_j: units ordered
by column j, which takes h_jgk hours of g in k; e_gk: hours of existing orders.

    load_gp = sum_k s_kp (e_gk + sum_j h_jgk x_j)          [h]
    total_g = sum_p load_gp                                [h]
    load_gp - w_p total_g = above_gp - below_gp            [h]
    above_gp, below_gp >= 0,   cost  price sum_gp (above_gp + below_gp)  [base currency]

above + below is the least spread >= +-(load - mean) of production levelling, where the
mean is total_g / |P| for buckets of one length; by hours instead of units, so that
products of one resource add up. The linear form of an absolute deviation is that of
Charnes, Cooper and Ferguson (1955, Management Science 1, 138-151).

Switch: the block is empty where `levelling_price` is 0.

A plan pays the same price for `hours_off_mean`. It has all work as late as what takes
it allows. One order after the other that delivers to demands is wanted sooner, at the
edge of a bucket where money off the mean loads and for stock is least: local search for
resource levelling (Burgess and Killebrew 1962, Journal of Industrial Engineering 13,
76-83) with a price for stock. All that is made for the order moves with it, but not
before it could begin where all work is as early as can be: so what is found fits, and
the plan says what it comes to. Energy of the work counts by the tariff of its hours, so
work moves to cheaper ones too, then also at the edges of tariffs.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

import numpy as np
import polars as pl

from medhavi.planners.constrained.netting.rationing import Slice
from medhavi.planners.master_plan.energy.energy_block import energy_prices
from medhavi.planners.master_plan.hours.open_hours import existing_hours
from medhavi.planners.master_plan.statement import ObjectivePart
from medhavi.results.figures.level_load import level_buckets
from medhavi.units import DAY, DAYS_PER_YEAR, HOUR

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from medhavi.optimize.problem import Block, Floats, Ints, Problem
    from medhavi.planners.master_plan.energy.energy_block import EnergyCost
    from medhavi.planners.master_plan.statement import Statement
    from medhavi.results.plans.plan import Plan
    from medhavi.snapshot import Snapshot

    Span = tuple[int, int, float]
    Place = tuple[int, int]


LOAD, TOTAL_LOAD = "load", "total load"
ABOVE, BELOW = "above the mean load", "below the mean load"


def add_levelling(problem: Problem, statement: Statement, orders: Block) -> None:
    """Add the load of resources, and its price off the mean."""
    price = statement.parameters.levelling_price
    if not price:
        return
    known = level_buckets(statement.run.snapshot)
    resources = _worked(statement)
    fixed = existing_hours(statement.run, statement.grid, resources)
    share = _shares(statement, known.starts, known.ends)
    size, n = len(known.starts), len(resources)
    given = (fixed @ share).ravel()
    load = problem.columns(LOAD, n * size)
    total = problem.columns(TOTAL_LOAD, n)
    above, below = (problem.columns(name, n * size) for name in (ABOVE, BELOW))
    rows = problem.rows(LOAD, n * size, given, given)
    sums = problem.rows(TOTAL_LOAD, n, 0.0, 0.0)
    means = problem.rows(ABOVE, n * size, 0.0, 0.0)
    every = np.arange(n * size)
    resource, bucket = every // size, every % size
    problem.entries(rows.at(every), load.at(every), 1.0)
    _add_hours(problem, statement, orders, rows, resources, share)
    problem.entries(sums.at(resource), load.at(every), 1.0)
    problem.entries(sums.at(np.arange(n)), total.at(np.arange(n)), -1.0)
    problem.entries(means.at(every), load.at(every), 1.0)
    problem.entries(means.at(every), total.at(resource), -known.shares[bucket])
    for columns, sign in ((above, -1.0), (below, 1.0)):
        problem.entries(means.at(every), columns.at(every), sign)
        problem.cost(ObjectivePart.UNEVEN, columns.at(every), price)


def _worked(statement: Statement) -> tuple[str, ...]:
    """Resources that sources or existing orders work on, sorted."""
    found = {work.resource for plan in statement.plans for work in plan.occupied}
    for order in statement.run.release.orders:
        found |= {name for window in order.timing.steps for name, _ in window.resources}
    return tuple(sorted(found))


def _shares(statement: Statement, starts: Ints, ends: Ints) -> Floats:
    """Share of each bucket of decisions in each of some buckets, shape (T, P)."""
    edges = statement.grid.edges
    begin = np.maximum(edges[:-1, None], starts[None, :])
    end = np.minimum(edges[1:, None], ends[None, :])
    found: Floats = np.maximum(end - begin, 0) / statement.grid.lengths[:, None]
    return found


def _add_hours(
    problem: Problem,
    statement: Statement,
    orders: Block,
    rows: Block,
    resources: tuple[str, ...],
    share: Floats,
) -> None:
    """Add the hours of orders to the rows of loads, resource first."""
    place = {name: number for number, name in enumerate(resources)}
    size = share.shape[1]
    cell, inside = np.nonzero(share)
    first = np.searchsorted(cell, np.arange(len(share) + 1))
    for plan in statement.plans:
        for work in plan.occupied:
            counts = np.diff(first)[work.bucket]
            which = np.repeat(np.arange(len(counts)), counts)
            begin = np.cumsum(counts) - counts
            at = first[work.bucket][which] + np.arange(len(which)) - begin[which]
            problem.entries(
                rows.at(place[work.resource] * size + inside[at]),
                orders.at(plan.first + work.column[which]),
                -work.hours[which] * share[cell[at], inside[at]],
            )


MOST_SWEEPS = 4
"""How often all orders are looked through, at most."""
MOST_EDGES, MOST_LAG = 4, 3 * DAY
"""Changes of a tariff before the end of an order that are tried, and how long before
it work of what it takes ends, at most [s]."""
MOST_SLOTS = 10
"""Other work that an order is made before where its machine has that, at most."""
LEAST = 1e-6
"""Money that an order made ahead saves, at least [base currency]."""


class _OrderWork(NamedTuple):
    """Work of an order of a schedule.

    `start` and `end` are as late as may be, `soon` is the end as early as can be [UTC
    s]; `spans` are begin, end and units by resource.
    """

    start: int
    end: int
    soon: int
    spans: Sequence[tuple[int, Sequence[Span]]]
    givers: Sequence[int]


class _Delivery(NamedTuple):
    """What an order delivers to a demand [units], and what a second in stock costs."""

    demand: int
    qty: int
    rate: float


def moved_ahead(
    made: Plan, statement: Statement, share: float, *, first: bool
) -> dict[int, list[Slice]]:
    """Until when how much for demands, by index, is made ahead of a plan.

    Parameters
    ----------
    made, statement
        The plan, and facts of its program.
    share
        Of the price off the mean that counts.
    first
        Whether orders begin in the bucket in which each could end first, which is that
        of the program where its amounts are orders; else as late as may be.
    """
    if made.basis is None or made.basis.schedule is None or made.loads.is_empty():
        return {}
    levelling = _Levelling(made, made.basis.schedule, statement)
    levelling.price *= share
    return levelling.ahead(first=first)


class _Levelling:
    """Loads of a plan while its work moves ahead."""

    def __init__(self, made: Plan, frame: pl.DataFrame, statement: Statement) -> None:
        run = statement.run
        self.price = statement.parameters.levelling_price
        known = level_buckets(run.stated)
        self._edges: list[int] = [*known.starts.tolist(), int(known.ends[-1])]
        names = made.loads["resource"].unique().sort().to_list()
        number = {name: row for row, name in enumerate(names)}
        self._load = np.zeros((len(names), len(known.starts)))
        place = {at: bucket for bucket, at in enumerate(known.starts.tolist())}
        rows = made.loads.select(
            "resource", pl.col("bucket").dt.epoch("s"), pl.col("run") + pl.col("setup")
        )
        for name, at, hours in rows.iter_rows():
            if at in place:
                self._load[number[name], place[at]] += hours
        self._mean = np.outer(self._load.sum(axis=1), known.shares)
        column = {name: frame[name][0].to_list() for name in frame.columns}
        self._work = list(_read(column, _spans(made, number)))
        self._end = [one.end for one in self._work]
        self._gets = self._deliveries(column, statement)
        self._energy = self._tariffs(names, statement)
        self._ahead = np.zeros(len(self._work), np.int64)
        self._taken = self._work_alone(names, run.stated)

    def _work_alone(self, names: Sequence[str], snapshot: Snapshot) -> dict[int, Ints]:
        """Order, begin and end of all work on each resource of one unit, shape (n, 3).

        As late as may be; `_ahead` is how much later it is then, which is less than 0.
        """
        units = dict(snapshot["resources"].select("resource", "units").iter_rows())
        found: dict[int, list[tuple[int, int, int]]] = {}
        for order, work in enumerate(self._work):
            for resource, spans in work.spans:
                if units.get(names[resource]) == 1:
                    own = found.setdefault(resource, [])
                    own += [(order, low, high) for low, high, _ in spans]
        return {row: np.array(spans, np.int64) for row, spans in found.items()}

    def _tariffs(
        self, names: Sequence[str], statement: Statement
    ) -> dict[int, EnergyCost]:
        """What energy costs, by number of the resource."""
        known = energy_prices(statement.run.stated, self._edges[-1])
        price = statement.parameters.co2_price
        return {
            row: known[name].with_emissions(price)
            for row, name in enumerate(names)
            if name in known
        }

    def _deliveries(
        self, column: Mapping[str, list[int]], statement: Statement
    ) -> dict[int, list[_Delivery]]:
        """What orders deliver to demands, by order."""
        wanted, weight = statement.wanted, statement.parameters.inventory_weight
        rates = [node.rules.holding_rate for node in statement.nodes]
        found: dict[int, list[_Delivery]] = {}
        pegs = zip(column["giver"], column["taker"], column["amount"], strict=True)
        for giver, taker, steps in pegs:
            demand = taker - len(self._work)
            if giver < 0 or not 0 <= demand < len(wanted.node):
                continue
            node = int(wanted.node[demand])
            if node < 0:
                continue
            worth = steps * float(statement.nodes[node].step)
            worth *= weight * rates[node] * float(statement.stock_value[node])
            own = found.setdefault(giver, [])
            own.append(_Delivery(demand, steps, worth / (DAYS_PER_YEAR * DAY)))
        return found

    def ahead(self, *, first: bool) -> dict[int, list[Slice]]:
        """Until when how much is made for demands of which some moves ahead."""
        for order in self._gets if first else ():
            self._take_over(self._moved(order, self._first_edge(order))[1])
        turns = sorted(self._gets, key=lambda order: (self._work[order].soon, order))
        for _ in range(MOST_SWEEPS):
            # Each looks at what the others left.
            if not sum(self._advance(order) for order in turns):
                break
        found: dict[int, list[Slice]] = {}
        moved: set[int] = set()
        for order in turns:
            for one in self._gets[order]:
                slices = found.setdefault(one.demand, [])
                slices.append(Slice(one.qty, self._end[order]))
                if self._end[order] < self._work[order].end:
                    moved.add(one.demand)
        return {demand: found[demand] for demand in sorted(moved)}

    def _first_edge(self, order: int) -> int:
        """First edge of a bucket at which an order could end."""
        place = int(np.searchsorted(self._edges, self._work[order].soon))
        return self._edges[min(place, len(self._edges) - 1)]

    def _moved(self, order: int, end: int) -> tuple[float, dict[int, int]]:
        """Money that it costs more to end an order by an instant, and who ends when."""
        end = min(end, self._work[order].end)
        ends = {order: end} if end > self._end[order] else {}
        self._shift(order, end, ends)
        rate = sum(one.rate for one in self._gets[order])
        stock = rate * (self._end[order] - ends.get(order, self._end[order]))
        money = stock + self.price * self._more_off(ends) + self._more_energy(ends)
        return money, ends

    def _take_over(self, ends: Mapping[int, int]) -> None:
        for place, hours in self._changes(ends).items():
            self._load[place] += hours
        for order, at in ends.items():
            self._end[order] = at
            self._ahead[order] = at - self._work[order].end

    def _advance(self, order: int) -> bool:
        """End an order where that saves most; False: it stays."""
        low = int(np.searchsorted(self._edges, self._work[order].soon))
        # What an order takes would stay where it is if that went later again.
        work = self._work[order]
        last = self._end[order] if work.givers else work.end
        high = int(np.searchsorted(self._edges, last))
        edges = [*self._edges[max(low - 1, 0) : high], *self._changes_of(order), last]
        if not self.price:
            # Hours of energy are of no use where a machine has other work in them.
            edges = sorted({self._slot(order, edge) for edge in {*edges[-MOST_SLOTS:]}})
        ways = [self._moved(order, edge) for edge in edges]
        money, ends = min(ways, key=lambda way: way[0], default=(0.0, {}))
        if money >= -LEAST:
            return False
        self._take_over(ends)
        return True

    def _shift(self, order: int, end: int, ends: dict[int, int]) -> None:
        """End an order by an instant, and what it takes before it begins."""
        work = self._work[order]
        end = max(end, work.soon)
        if end >= ends.get(order, self._end[order]):
            return
        ends[order] = end
        for giver in work.givers:
            self._shift(giver, end - (work.end - work.start), ends)

    def _changes(self, ends: Mapping[int, int]) -> dict[Place, float]:
        """How many hours more each bucket of a resource has."""
        found: dict[Place, float] = {}
        for order, end in ends.items():
            work = self._work[order]
            for sign, at in ((-1.0, self._end[order]), (1.0, end)):
                for resource, spans in work.spans:
                    for low, high, units in spans:
                        shift = at - work.end
                        for bucket, hours in self._hours(low + shift, high + shift):
                            place = resource, bucket
                            own = found.get(place, 0.0)
                            found[place] = own + sign * units * hours
        return found

    def _hours(self, low: int, high: int) -> Iterator[tuple[int, float]]:
        """Hours of a stretch by bucket."""
        bucket = max(int(np.searchsorted(self._edges, low, side="right")) - 1, 0)
        while bucket < len(self._edges) - 1 and self._edges[bucket] < high:
            begin = max(low, self._edges[bucket])
            end = min(high, self._edges[bucket + 1])
            if end > begin:
                yield bucket, (end - begin) / HOUR
            bucket += 1

    def _slot(self, order: int, end: int) -> int:
        """Latest end by another one at which no machine has other work then."""
        for _ in range(MOST_SLOTS):
            ends: dict[int, int] = {}
            self._shift(order, end, ends)
            back = max((self._beyond(one, ends) for one in ends), default=0)
            if not back:
                break
            end -= back
        return end

    def _beyond(self, order: int, ends: Mapping[int, int]) -> int:
        """How much sooner an order has to end to be clear of other work [s]."""
        back, work = 0, self._work[order]
        shift = ends[order] - work.end
        for resource, spans in work.spans:
            taken = self._taken.get(resource)
            if taken is None:
                continue
            who, begin, finish = taken[np.isin(taken[:, 0], list(ends), invert=True)].T
            begin, finish = begin + self._ahead[who], finish + self._ahead[who]
            for low, high, _ in spans:
                over = (begin < high + shift) & (finish > low + shift)
                back = max(back, int((high + shift - begin[over]).max(initial=0)))
        return back

    def _changes_of(self, order: int, lag: int = 0) -> Iterator[int]:
        """Ends at which work begins or ends where a tariff changes.

        Its own work, or what it takes, which ends a `lag` before it [s].
        """
        work, last = self._work[order], self._end[order]
        length = work.end - work.start
        for resource, _ in work.spans:
            tariff = self._energy.get(resource)
            edges = np.empty(0, np.int64) if tariff is None else tariff.edges
            for end in (edges, edges + length):
                low, high = np.searchsorted(end, [work.soon, last])
                yield from (end[max(low, high - MOST_EDGES) : high] + lag).tolist()
        for giver in work.givers if self._energy and lag < MOST_LAG else ():
            yield from self._changes_of(giver, lag + max(length, 1))

    def _more_energy(self, ends: Mapping[int, int]) -> float:
        """How much more energy costs where orders end then [base currency]."""
        more = 0.0
        for order, end in ends.items() if self._energy else ():
            work = self._work[order]
            for resource, spans in work.spans:
                tariff = self._energy.get(resource)
                if tariff is None:
                    continue
                for low, high, units in spans:
                    for sign, at in ((-1.0, self._end[order]), (1.0, end)):
                        shift = at - work.end
                        money = tariff.money(low + shift, high + shift)
                        more += sign * units * money
        return more

    def _more_off(self, ends: Mapping[int, int]) -> float:
        """How many hours more lie off the mean where orders end then."""
        off = 0.0
        for place, hours in self._changes(ends).items():
            load, mean = self._load[place], self._mean[place]
            off += abs(load + hours - mean) - abs(load - mean)
        return float(off)


def _read(
    column: Mapping[str, list[int]],
    spans: Mapping[tuple[object, int, int], Sequence[tuple[int, Sequence[Span]]]],
) -> Iterator[_OrderWork]:
    """Work of all orders of a schedule; that of no machine takes no hours."""
    machines = [*column["machines"], None]
    givers: list[list[int]] = [[] for _ in column["item"]]
    for giver, taker in zip(column["giver"], column["taker"], strict=True):
        if giver >= 0 and taker < len(givers):
            givers[taker].append(giver)
    names = ("late_machine", "late_start", "late", "soon")
    rows = zip(*(column[name] for name in names), givers, strict=True)
    for machine, start, end, soon, own in rows:
        worked = spans.get((machines[machine], start, end), ())
        yield _OrderWork(start, end, soon, worked, own)


def _spans(
    made: Plan, number: Mapping[str, int]
) -> dict[tuple[object, int, int], Sequence[tuple[int, Sequence[Span]]]]:
    """Stretches of work by resource, by machine, begin and end of the step."""
    rows = made.operations.select(
        *("supply", "step", "resource", "units"),
        *(pl.col(name).dt.epoch("s") for name in ("start", "finish")),
    )
    steps: dict[tuple[str, int], dict[str, list[Span]]] = {}
    for supply, step, resource, units, start, finish in rows.iter_rows():
        own = steps.setdefault((supply, step), {})
        own.setdefault(resource, []).append((start, finish, units))
    found: dict[tuple[object, int, int], Sequence[tuple[int, Sequence[Span]]]] = {}
    for work in steps.values():
        low = min(one[0] for some in work.values() for one in some)
        high = max(one[1] for some in work.values() for one in some)
        taken = [(number[name], some) for name, some in work.items() if name]
        found |= {(name, low, high): taken for name in work}
    return found
