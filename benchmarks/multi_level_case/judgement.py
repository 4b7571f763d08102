"""A plan as an instance of the public generator judges it: its rows, its money.

Orders are mapped back to the columns of the generator's own model: what is made counts
in the bucket in which its line runs, by the share of the run, and each such bucket has
a set-up; what is bought by the midnight before it can be used; moves by their
departure, deliveries by their day. Stock follows from the balance, overtime from what a
line works beyond its capacity. Nothing is repaired: what the model has no column for,
and each row or bound that is not kept, is counted.
"""

from __future__ import annotations

from collections import Counter
from types import MappingProxyType
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np

from benchmarks.multi_level_case.conversion import (
    demand_name,
    lane_name,
    product_name,
    routing_name,
    supplier_name,
)
from medhavi.units import DAY, to_seconds

if TYPE_CHECKING:
    import datetime as dt
    from collections.abc import Mapping

    from benchmarks.multi_level_case.conversion import Instance
    from medhavi.optimize.problem import Floats
    from medhavi.results.plans.plan import Plan
    from medhavi.snapshot import Snapshot

Model = dict[str, Any]
"""The generator's own model: columns by name, rows, costs."""
ROUNDING = 0.02
"""Units by which a row may be missed: orders are hundredths."""
PARTS = {
    "x": "making",
    "s": "set-ups",
    "u": "buying",
    "z": "orders",
    "q": "moving",
    "over": "overtime",
    "I": "holding",
    "SV": "safety",
    "y": "late",
    "short": "short",
}
"""Parts of the objective by the names of columns."""


class Judgement(NamedTuple):
    """What an instance says of a plan.

    Parameters
    ----------
    parts
        Money by the words of `PARTS`; they sum to the objective.
    late
        Demands of which something comes late, or never.
    missed
        Rows and bounds that are not kept, by name, and orders for which the model has
        no column.
    values
        Of all columns, shape (n,).
    """

    parts: Mapping[str, float]
    late: int
    missed: Mapping[str, int]
    values: Floats

    @property
    def objective(self) -> float:
        """Money of all parts."""
        return sum(self.parts.values())


def judged(plan: Plan, snapshot: Snapshot, case: Instance, model: Model) -> Judgement:
    """Judge a plan by the instance that its tables were made of."""
    columns = _Columns(snapshot, case, model)
    columns.make(plan)
    columns.buy(plan)
    columns.move(plan)
    columns.deliver(plan)
    columns.close()
    return judged_values(columns.values, case, model, columns.without)


def judged_values(
    values: Floats,
    case: Instance,
    model: Model,
    without: Mapping[str, int] = MappingProxyType({}),
) -> Judgement:
    """Judge values of all columns, shape (n,), of a plan or of a solver.

    `without` counts orders for which there is no column, by what they do.
    """
    money = model["c"] * values
    parts = {
        word: float(money[slice(*model["blocks"][name])].sum())
        for name, word in PARTS.items()
    }
    y, days, who = values[model["y"]], model["yt"], model["yd"]
    late = set(who[(y > ROUNDING) & (days > case["due"][who])].tolist())
    late |= set(np.flatnonzero(values[model["sh"]] > ROUNDING).tolist())
    return Judgement(parts, len(late), _missed(values, model, without), values)


def _missed(values: Floats, model: Model, without: Mapping[str, int]) -> dict[str, int]:
    found = Counter({f"no column to {name}": n for name, n in without.items()})
    reached = model["A"] @ values
    # A row in hours of many units is missed by no less than one of them.
    rows = (reached < model["rl"] - ROUNDING) | (reached > model["ru"] + ROUNDING)
    for name, span in model["rowblocks"].items():
        found[name] += int(rows[slice(*span)].sum())
    outside = (values < model["lb"] - ROUNDING) | (values > model["ub"] + ROUNDING)
    for name, span in model["blocks"].items():
        found[f"bound of {name}"] += int(outside[slice(*span)].sum())
    return {name: count for name, count in sorted(found.items()) if count}


class _Columns:
    """Values of the columns while orders of a plan are mapped to them."""

    def __init__(self, snapshot: Snapshot, case: Instance, model: Model) -> None:
        self.values = np.zeros(model["n"])
        self.without: Counter[str] = Counter()
        self._snapshot, self._case, self._model = snapshot, case, model
        self._size = int(case["T"])
        existing = set(snapshot["supply_orders"]["supply_order"].to_list())
        self._existing = existing

    def _new(self, plan: Plan, kind: str) -> list[dict[str, Any]]:
        rows = plan.supplies.sort("id").iter_rows(named=True)
        return [
            row
            for row in rows
            if row["kind"] == kind and row["id"] not in self._existing
        ]

    def _bucket(self, instant: dt.datetime) -> int:
        """Bucket that an instant is in; midnight is the end of one."""
        return (to_seconds(instant) - 1 - self._snapshot.as_of) // DAY

    def make(self, plan: Plan) -> None:
        """Share each order among the buckets in which it runs."""
        runs: dict[str, Counter[int]] = {}
        for row in plan.operations.iter_rows(named=True):
            run = runs.setdefault(row["supply"], Counter())
            run[self._bucket(row["finish"])] += row["run_minutes"]
        ways = len(self._case["R"]["p"])
        place = {routing_name(way): way for way in range(ways)}
        x, s = self._model["x"], self._model["s"]
        setup = {int(way): n for n, way in enumerate(self._model["srt"])}
        for order in self._new(plan, "make"):
            way, run = place[order["source"]], runs[order["id"]]
            total = sum(run.values())
            for bucket, minutes in run.items():
                if bucket >= self._size:
                    self.without["make"] += 1
                elif minutes > 0:
                    self.values[x[way, bucket]] += order["qty"] * minutes / total
                    if way in setup:
                        self.values[s[setup[way], bucket]] = 1.0

    def buy(self, plan: Plan) -> None:
        """Join the orders of an offer that are there by the same midnight."""
        offers = self._case["O"]
        place = {supplier_name(offer): offer for offer in range(len(offers["ps"]))}
        model = self._model
        column = {
            (int(offer), int(bucket)): number
            for number, (offer, bucket) in enumerate(
                zip(model["oo"], model["ot"], strict=True)
            )
        }
        bought: Counter[int] = Counter()
        for order in self._new(plan, "buy"):
            # By the midnight before: lines begin with the day.
            at = to_seconds(order["finish"]) - self._snapshot.as_of
            bucket = at // DAY - 1
            number = column.get((place[order["source"]], bucket))
            if number is None:
                self.without["buy"] += 1
            else:
                bought[number] += order["qty"]
        sized = np.flatnonzero(offers["lot"][model["oo"]] > 0)
        lots = dict(zip(sized.tolist(), _span(model, "nlot"), strict=True))
        for number, qty in bought.items():
            self.values[model["u"][number]] = qty
            self.values[model["z"][number]] = 1.0
            if number in lots:
                lot = offers["lot"][model["oo"][number]]
                self.values[lots[number]] = round(qty / lot)

    def move(self, plan: Plan) -> None:
        """Join moves of a product that leave together."""
        case, model = self._case, self._model
        lanes = {lane_name(lane): lane for lane in range(len(case["L"]["o"]))}
        low, high = model["rowblocks"]["bal"]
        # Rows of the balance are of a place each: what leaves there counts 1.
        taken = model["A"][low:high][:, model["q"]].tocoo()
        out = taken.data > 0
        places = dict(
            zip(
                taken.col[out].tolist(),
                (taken.row[out] // self._size).tolist(),
                strict=True,
            )
        )
        column = {
            (
                int(model["qm"][move]),
                product_name(case["ps"][places[number]][0]),
                int(bucket),
            ): number
            for number, (move, bucket) in enumerate(
                zip(model["qa"], model["qt"], strict=True)
            )
        }
        for order in self._new(plan, "move"):
            bucket = self._bucket(order["departure"] or order["start"])
            key = lanes[order["lane"]], order["product"], bucket
            if key in column:
                self.values[model["q"][column[key]]] += order["qty"]
            else:
                self.without["move"] += 1

    def deliver(self, plan: Plan) -> None:
        """Take over deliveries; the rest of a demand is short."""
        case, model = self._case, self._model
        demands = {demand_name(one): one for one in range(case["D"])}
        column = {
            (int(demand), int(bucket)): number
            for number, (demand, bucket) in enumerate(
                zip(model["yd"], model["yt"], strict=True)
            )
        }
        served = np.zeros(case["D"])
        for row in plan.deliveries.iter_rows(named=True):
            demand = demands[row["demand"]]
            number = column.get((demand, self._bucket(row["date"])))
            if number is None:
                self.without["deliver"] += 1
            else:
                self.values[model["y"][number]] += row["qty"]
                served[demand] += row["qty"]
        self.values[model["sh"]] = np.maximum(case["qty"] - served, 0.0)
        whole = model["fd"]
        self.values[model["acc"]] = served[whole] >= case["qty"][whole] - ROUNDING

    def close(self) -> None:
        """Reckon stock, what is missing of safety stock, and overtime."""
        values, model, case = self.values, self._model, self._case
        size = self._size
        rows, places = model["A"], len(case["ps"])
        low, high = model["rowblocks"]["bal"]
        # With no stock a row of the balance says what is drawn from it.
        drawn = model["rl"][low:high] - rows[low:high] @ values
        stock = drawn.reshape(places, size).cumsum(axis=1)
        values[model["inv"]] = stock
        wanted = case["ss"][case["ss"] > 0]
        missing = np.maximum(wanted[:, None] - stock[case["ss"] > 0], 0.0)
        values[_span(model, "SV")] = missing.ravel()
        low, high = model["rowblocks"]["cap"]
        beyond = rows[low:high] @ values - model["ru"][low:high]
        values[model["ov"]] = np.maximum(beyond, 0.0).reshape(-1, size)


def _span(model: Model, name: str) -> range:
    """Columns of a block; none where the model has no such block."""
    return range(*model["blocks"].get(name, (0, 0)))
