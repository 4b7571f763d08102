"""Plan the scaled models in mode constrained, beside frePPLe's figures.

    python benchmarks/constrained.py [INSTANCE …] [--seed 1]

Late demands by priority, days late, work, and CPU in four parts: what reads the tables
before, the search (sizes, dates and pegs of all orders), what makes records of the
orders, and what writes the tables of the plan. numba has compiled before.
"""

from __future__ import annotations

import argparse
import os
import sys
import time
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

if __name__ == "__main__":
    # Run as a file, this folder, not the repository, is on the path.
    sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from benchmarks.instances import INSTANCES, NoDataError
from benchmarks.performance_page import write_section

if TYPE_CHECKING:
    from collections.abc import Mapping

    from medhavi.progress import Progress
    from medhavi.results.plans.plan import Plan
    from medhavi.snapshot import Snapshot


class Anchor(NamedTuple):
    """What frePPLe 9.18.0 gives: late by priority, mean days, CPU s of its solve.

    `work` is its machine days; None where its plan was not looked at.
    """

    late: tuple[int, ...]
    days: float
    seconds: str
    work: float | None = None


class Gate(NamedTuple):
    """What a row must reach: CPU s, late in all, by priority, mean days."""

    seconds: float
    late: int | None = None
    classes: tuple[int, ...] | None = None
    days: float | None = None


FREPPLE = {
    "m1000": Anchor((4, 20, 177), 45.4, "1.2"),
    "m3000": Anchor((10, 115, 597), 43.2, "4.5-5.9"),
    "m10000": Anchor((31, 245, 1823), 42.7, "14-15", 51_435),
    "m10000hot": Anchor((53, 705, 2493), 60.3, "30"),
    "m10000cool": Anchor((4, 23, 105), 26.0, "1.8"),
    "m20000": Anchor((4126,), 45.6, "32"),
}
ROWS = (
    ("m1000", "standard", Gate(1.2, late=30, classes=(4, 20, 177))),
    ("m3000", "standard", Gate(4.5, late=80, classes=(10, 115, 597))),
    ("m10000", "light", Gate(2.0, late=800)),
    ("m10000", "standard", Gate(15.0, late=400, classes=(31, 245, 1823), days=10.0)),
    ("m10000hot", "full", Gate(30.0, late=2000, classes=(53, 705, 2493))),
    ("m10000cool", "light", Gate(2.0, late=35)),
    ("m10000cool", "standard", Gate(15.0, classes=(4, 5, 12))),
    ("m1000-2", "standard", Gate(1.2, late=30)),
    ("m1000-3", "standard", Gate(1.2, late=30)),
    ("m3000-2", "standard", Gate(4.5, late=80)),
    ("m3000-3", "standard", Gate(4.5, late=80)),
    ("m10000-2", "standard", Gate(15.0, late=400, classes=(31, 245, 1823), days=10.0)),
    ("m10000-3", "standard", Gate(15.0, late=400, classes=(31, 245, 1823), days=10.0)),
    ("m20000", "standard", Gate(25.0, late=570)),
    ("m30000", "standard", Gate(50.0, late=1200)),
)
"""Instance, effort and gate; a number behind the name is another seed of it."""


HEAD = (
    "instance, effort",
    "late",
    "priority 1/2/3",
    "mean days",
    "mean days 1/2/3",
    "most days 1/2/3",
    "late at least",
    "machine days",
    "stock",
    "CPU s: read",
    "search",
    "orders",
    "all three",
    "tables",
    "faults",
    "late (frePPLe)",
    "mean days",
    "CPU s",
)
TEXT = (
    "CPU in parts: tables are read and checked before; read is the compiled model of "
    "the run; search gives sizes, dates and pegs of all orders; orders makes records of "
    "them, dated and checked by the providers, with deliveries and causes; all three "
    "bear the gate; tables are those of the plan. "
    "numba has compiled before (some 30 s, once); frePPLe's CPU is that of its "
    "solve alone, in C++. Delivered after the due day is late. A late demand weighs "
    "25:5:1 by priority, times 20 days and those that it is late. Late at least: each "
    "demand alone in the plant, by the longest chain; after a + what machines have no "
    "time for besides; in brackets their share of those that are late. Stock is the mean "
    "value on hand over the horizon, 1 a piece where no cost is stated. In brackets: the "
    "gate, or the work against frePPLe's. A number behind the name is another seed of "
    "the model. Load averages of the machine: {load}."
)


class Found(NamedTuple):
    """Late demands by priority, their days late, machine days of work, stock.

    `means` and `mosts` are days late by priority; `stock` is the mean value on hand,
    with 1 for a piece whose cost is not stated.
    """

    late: tuple[int, ...]
    mean: float
    work: float
    means: tuple[float, ...]
    mosts: tuple[float, ...]
    stock: float


class Clock:
    """CPU seconds at the first word of each phase."""

    def __init__(self) -> None:
        self.start = time.process_time()
        self.at: dict[str, float] = {}

    def __call__(self, progress: Progress) -> None:
        """Note when a phase begins."""
        self.at.setdefault(progress.phase, time.process_time())

    def parts(self) -> tuple[float, float, float, float]:
        """Seconds of reading, search, orders and tables up to now."""
        end = time.process_time()
        begun = self.at.get("reading the plant", self.start)
        done = self.at.get("tables", end)
        found = self.at.get("laying out", done)
        return begun - self.start, found - begun, done - found, end - done


def found_in(plan: Plan, snapshot: Snapshot) -> Found:
    """Count what is late in a plan, its work and its stock."""
    import polars as pl

    from medhavi.results.figures.scorecard import scorecard
    from medhavi.snapshot.patch import Patch

    rows = plan.fulfilment.filter(pl.col("status") != "on_time").join(
        snapshot["demands"].select("demand", "priority"), on="demand"
    )
    days = rows["lateness_h"].fill_null(0.0) / 24
    busy = plan.operations.filter(pl.col("resource") != "").select(
        (
            (pl.col("finish") - pl.col("start")).dt.total_seconds() * pl.col("units")
        ).sum()
        / 86400
    )
    classes = [days.filter(rows["priority"] == priority) for priority in (1, 2, 3)]
    priced = snapshot["products"].with_columns(
        unit_cost=pl.when(pl.col("unit_cost") > 0).then("unit_cost").otherwise(1.0)
    )
    products = Patch.of(snapshot, {"products": priced.to_dicts()}).apply(snapshot)
    return Found(
        tuple(one.len() for one in classes),
        _days(days.mean()),
        float(busy.item()),
        tuple(_days(one.mean()) for one in classes),
        tuple(_days(one.max()) for one in classes),
        scorecard(plan, products).inventory,
    )


def _days(found: object) -> float:
    return float(str(found or 0.0))


def missed(found: Found, seconds: float, gate: Gate) -> bool:
    """Whether a gate is missed."""
    classes = gate.classes or found.late
    return (
        seconds > gate.seconds
        or (gate.late is not None and sum(found.late) > gate.late)
        or any(one > most for one, most in zip(found.late, classes, strict=True))
        or (gate.days is not None and found.mean > gate.days)
    )


def row_of(
    name: str, effort: str, gate: Gate, snapshot: Snapshot
) -> tuple[tuple[object, ...], bool]:
    """Plan one instance; gives its row, and whether its gate is missed."""
    from medhavi.planners.pipeline import plan
    from medhavi.results.verify import verify

    # Tables are checked when they are loaded, which is no part of planning.
    snapshot.require()
    clock = Clock()
    settings = {"effort": effort, "engine": "numba"}
    made = plan(snapshot, "constrained", settings, observe=clock)
    reading, seeking, orders, tables = clock.parts()
    planning = reading + seeking + orders
    faults = len(verify(made, snapshot))
    found, anchor = found_in(made, snapshot), FREPPLE.get(name)
    bad = faults > 0 or missed(found, planning, gate)
    late = f"{sum(found.late):,}"
    if gate.late is not None:
        late += f" (≤ {gate.late:,})"
    classes = "/".join(map(str, found.late))
    if gate.classes is not None:
        classes += f" (≤ {'/'.join(map(str, gate.classes))})"
    days = f"{found.mean:.1f}" + ("" if gate.days is None else f" (≤ {gate.days:g})")
    work = f"{found.work:,.0f}"
    if anchor is not None and anchor.work is not None:
        work += f" ({found.work / anchor.work - 1:+.1%})"
    effort_counts = made.run.effort
    row = (
        f"{name}, {effort}",
        late,
        classes,
        days,
        "/".join(f"{one:.1f}" for one in found.means),
        "/".join(f"{one:.0f}" for one in found.mosts),
        at_least(effort_counts),
        work,
        f"{found.stock:,.0f}",
        f"{reading:.1f}",
        f"{seeking:.1f}",
        f"{orders:.1f}",
        f"{planning:.1f} (≤ {gate.seconds:g})",
        f"{tables:.1f}",
        faults,
        *_figures(anchor),
    )
    return row, bad


def at_least(counts: Mapping[str, float]) -> str:
    """How many are late by their chains, besides for lack of time, goods; the share."""
    if "late_by_chain" not in counts:
        return ""
    more = counts["late_by_capacity"]
    share = counts["late_at_least"] / max(counts.get("late", 0.0), 1.0)
    parts = f"{counts['late_by_chain']:.0f}" + (f" + {more:.0f}" if more else "")
    return f"{parts} ({share:.2f})" if "late" in counts else parts


def _figures(anchor: Anchor | None) -> tuple[str, str, str]:
    """Late, mean days and CPU of frePPLe; empty where it has not planned."""
    if anchor is None:
        return "", "", ""
    late = f"{sum(anchor.late):,} ({'/'.join(map(str, anchor.late))})"
    return late, f"{anchor.days:.1f}", anchor.seconds


def main() -> int:
    """Write the section; exit 1 where a gate is missed or a plan has a fault."""
    options = argparse.ArgumentParser(description=__doc__)
    options.add_argument(
        "instances", nargs="*", default=sorted({row[0] for row in ROWS})
    )
    chosen = options.parse_args()
    from medhavi.planners.pipeline import plan

    rows: list[tuple[object, ...]] = []
    bad = warm = False
    for name, effort, gate in ROWS:
        if name not in chosen.instances:
            continue
        try:
            snapshot = INSTANCES[name]()
        except NoDataError as lacking:
            print(f"{name} is left out: {lacking}.")
            continue
        if not warm:
            plan(snapshot, "constrained", {"engine": "numba"})
            warm = True
        row, failed = row_of(name, effort, gate, snapshot)
        rows.append(row)
        bad = bad or failed
        # After each row: the largest take minutes, and one may end the command.
        load = ", ".join(f"{one:.1f}" for one in os.getloadavg())
        every = [f"{one[0]}, {one[1]}" for one in ROWS]
        write_section("constrained", HEAD, rows, TEXT.format(load=load), of=every)
    return int(bad)


if __name__ == "__main__":
    sys.exit(main())
