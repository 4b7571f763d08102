"""Capacitated lot sizing with set-up times: our modes beside a bare solver.

    python benchmarks/tactical.py [INSTANCE …]

Instances of Trigeiro, Thomas and McClain (1989, Management Science 35, 353-366): one
machine, days of equal hours, a set-up time and a set-up cost a lot, holding at the end
of a day. As tables: a routing a product with `fixed_cost`, a demand a product and day,
due when the machine has closed, so that what is made on its day is not held. Several
plants and levels: `multi_level`.
"""

from __future__ import annotations

import argparse
import datetime as dt
import sys
import time
from typing import TYPE_CHECKING, Any, NamedTuple

if __name__ == "__main__":
    # Run as a file, this folder, not the repository, is on the path.
    from pathlib import Path

    sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

import numpy as np

from benchmarks.instances import START, NoDataError, public_folder
from benchmarks.performance_page import write_section
from medhavi.units import DAYS_PER_YEAR

if TYPE_CHECKING:
    from medhavi.results.plans.plan import Plan
    from medhavi.snapshot import Snapshot

INSTANCES = (
    *("X11117A", "X11128B", "X11218C", "X11229C", "X11419A", "X11428A"),
    *("X12117B", "X12128C", "X12219A", "X12228B", "X12418C", "X12429B"),
)
"""Both numbers of items' variations, all times between orders, loose to tight."""
OPEN_HOURS = 22
"""Most hours that the machine is open a day; demands are due an hour later."""
LATE_COST = 1_000.0
"""A unit that is late by a day: the instances know no late deliveries."""
BARE_SECONDS = 60.0
GATE, GOAL = 0.04, 0.02
"""Mean cost over the best known."""
BOUND_GATE, BOUND_GOAL = 0.05, 0.03


class LotSizing(NamedTuple):
    """An instance; arrays of shape (n_items,), `demand` of shape (n_days, n_items)."""

    capacity: int
    each: np.ndarray
    holding: np.ndarray
    setup_time: np.ndarray
    setup_cost: np.ndarray
    demand: np.ndarray


def read_instance(text: str) -> LotSizing:
    """Read an instance: sizes, capacity, a line an item, a line a day."""
    lines = [line.split() for line in text.splitlines()]
    items, days = (int(word) for word in lines[0])
    facts = np.array(lines[3 : 3 + items], float)
    demand = np.array(lines[3 + items : 3 + items + days], float)
    each, holding, setup_time, setup_cost = facts.T
    return LotSizing(
        int(lines[2][0]), each, holding, setup_time, setup_cost, demand.astype(int)
    )


def snapshot_of(case: LotSizing) -> Snapshot:
    """Planning tables of an instance; a unit of its capacity is whole seconds."""
    from medhavi.snapshot import Snapshot

    unit = OPEN_HOURS * 3600 // case.capacity
    days, items = case.demand.shape
    names = [f"P{number:02d}" for number in range(items)]
    closes = (START + dt.timedelta(seconds=unit * case.capacity)).time()
    return Snapshot.from_frames(
        {
            "settings": [
                {"as_of": START, "horizon_days": float(days + 1), "bucket": "day"}
            ],
            "locations": [{"location": "PLANT"}],
            "products": [
                {"product": name, "unit_cost": float(cost * DAYS_PER_YEAR)}
                for name, cost in zip(names, case.holding, strict=True)
            ],
            "inventory_policies": [
                {"product": name, "location": "PLANT", "holding_rate": 1.0}
                for name in names
            ],
            "calendars": [{"calendar": "OPEN"}],
            "shifts": [
                {
                    "calendar": "OPEN",
                    "weekday": day,
                    "start": dt.time(0),
                    "finish": closes,
                }
                for day in range(1, 8)
            ],
            "resources": [
                {"resource": "MACHINE", "location": "PLANT", "calendar": "OPEN"}
            ],
            "routings": [
                {
                    "routing": f"make {name}",
                    "product": name,
                    "location": "PLANT",
                    "fixed_cost": float(cost),
                }
                for name, cost in zip(names, case.setup_cost, strict=True)
            ],
            "steps": [
                {
                    "routing": f"make {name}",
                    "step": 1,
                    "sequence": 1,
                    "setup_minutes": float(setup * unit / 60),
                    "run_minutes_per_unit": float(each * unit / 60),
                }
                for name, setup, each in zip(
                    names, case.setup_time, case.each, strict=True
                )
            ],
            "step_resources": [
                {"routing": f"make {name}", "step": 1, "resource": "MACHINE"}
                for name in names
            ],
            "demands": [
                {
                    "demand": f"{name}-{day:02d}",
                    "product": name,
                    "location": "PLANT",
                    "qty": float(case.demand[day, item]),
                    "due": START + dt.timedelta(days=day, hours=OPEN_HOURS + 1),
                    "late_cost_per_day": LATE_COST,
                }
                for item, name in enumerate(names)
                for day in range(days)
                if case.demand[day, item] > 0
            ],
        }
    )


def solved_bare(case: LotSizing, seconds: float) -> tuple[float, float]:
    """Cost and bound that HiGHS finds of the model alone, in so many CPU seconds.

    Facility-location formulation (Krarup and Bilde 1977): x[t, s] the share of the
    demand of day s that is made on day t, y[t] whether a lot is made:

        least  sum f y[t] + sum h (s - t) d_s x[t, s]
        sum_t x[t, s] = 1,   x[t, s] <= y[t]
        sum_items (setup y[t] + sum_s each d_s x[t, s]) <= capacity
    """
    import highspy

    days, items = case.demand.shape
    model = highspy.Highs()
    model.silent()
    # As in `medhavi.optimize.highs`: the presolve of 1.14 is wrong on whole columns.
    model.setOptionValue("presolve", "off")
    begun = time.process_time()

    def stop(event: Any) -> None:
        event.data_in.user_interrupt = time.process_time() - begun > seconds

    model.cbMipInterrupt.subscribe(stop)
    hours: list[list[tuple[int, float]]] = [[] for _ in range(days)]
    columns = 0
    for item in range(items):
        first = columns
        for day in range(days):
            model.addCol(case.setup_cost[item], 0.0, 1.0, 0, [], [])
            model.changeColIntegrality(columns, highspy.HighsVarType.kInteger)
            hours[day].append((columns, case.setup_time[item]))
            columns += 1
        for due in np.flatnonzero(case.demand[:, item]).tolist():
            qty = float(case.demand[due, item])
            shares = range(columns, columns + due + 1)
            for day, share in enumerate(shares):
                held = case.holding[item] * qty * (due - day)
                model.addCol(held, 0.0, 1.0, 0, [], [])
                hours[day].append((share, case.each[item] * qty))
                model.addRow(-1.0, 0.0, 2, [share, first + day], [1.0, -1.0])
            model.addRow(1.0, 1.0, due + 1, list(shares), [1.0] * (due + 1))
            columns += due + 1
    for row in hours:
        which, amounts = zip(*row, strict=True)
        model.addRow(0.0, float(case.capacity), len(row), which, amounts)
    model.run()
    found = model.getInfo()
    return found.objective_function_value, found.mip_dual_bound


class Planned(NamedTuple):
    """What a plan costs without lateness, what is late, and its CPU seconds."""

    cost: float
    late: int
    seconds: float
    bound: float | None
    faults: int


def planned(snapshot: Snapshot, mode: str) -> Planned:
    """Plan an instance once and measure it by the scorecard."""
    from medhavi.planners.pipeline import plan
    from medhavi.results.figures.scorecard import scorecard
    from medhavi.results.verify import verify

    begun = time.process_time()
    made: Plan = plan(snapshot, mode)
    seconds = time.process_time() - begun
    found = scorecard(made, snapshot)
    late = (made.fulfilment["status"] != "on_time").sum()
    return Planned(
        found.total - found.lateness,
        int(late),
        seconds,
        made.run.bound if mode == "optimize" else None,
        len(verify(made, snapshot)),
    )


def main() -> int:
    """Write the section; exit 1 where a gate is missed."""
    options = argparse.ArgumentParser(description=__doc__)
    options.add_argument("instances", nargs="*", default=list(INSTANCES))
    options.add_argument("--bare-seconds", type=float, default=BARE_SECONDS)
    chosen = options.parse_args()
    try:
        folder = public_folder() / "lotsizing" / "trigeiro"
    except NoDataError as missing:
        print(f"tactical is left out: {missing}.")
        return 0
    rows, over, below, late = [], [], [], 0
    for name in chosen.instances:
        case = read_instance((folder / name).read_text("utf-8"))
        best, bound = solved_bare(case, chosen.bare_seconds)
        snapshot = snapshot_of(case)
        mrp, constrained, ours = (
            planned(snapshot, mode) for mode in ("mrp", "constrained", "optimize")
        )
        over.append(ours.cost / best - 1)
        below.append(1 - (ours.bound or 0.0) / ours.cost)
        late += ours.late + ours.faults
        rows.append(
            (
                name,
                f"{best:,.0f}",
                f"{bound:,.0f}",
                *(f"{one.cost:,.0f} ({one.late})" for one in (mrp, constrained, ours)),
                f"{over[-1]:+.1%}",
                f"{ours.bound or 0.0:,.0f}",
                f"{below[-1]:.1%}",
                f"{ours.seconds:.1f}",
                ours.faults,
            )
        )
        print(*rows[-1], flush=True)
    mean, gap = sum(over) / len(over), sum(below) / len(below)
    write_section(
        "tactical",
        (
            "instance",
            f"HiGHS alone, {chosen.bare_seconds:g} CPU s",
            "its bound",
            *("mrp (late)", "constrained (late)", "optimize (late)", "over HiGHS"),
            *("own bound", "below the plan", "CPU s", "faults"),
        ),
        rows,
        "Lot-sizing instances of Trigeiro, Thomas and McClain: set-ups and holding, by "
        "the scorecard. Mode mrp knows no capacity. Of a lot that runs over night ours "
        "pays one set-up, the model of HiGHS two, so ours may cost less than its bound. "
        f"Mean over HiGHS {mean:+.1%} (gate {GATE:.0%}, goal {GOAL:.0%}), late {late} "
        f"(gate 0), the own bound below the plan by {gap:.1%} (gate {BOUND_GATE:.0%}, goal "
        f"{BOUND_GOAL:.0%}).",
    )
    return int(mean > GATE or late > 0 or gap > BOUND_GATE)


if __name__ == "__main__":
    sys.exit(main())
