"""Build and solve the programs of mode optimize, phase by phase.

    python benchmarks/optimizer.py [SIZE …]

Phases: read (state of the snapshot into a run, as in mode mrp), facts (sources in time
and the arrays), blocks (the sparse program), solve (HiGHS, one thread). The gate is on
facts and blocks of a program of a million columns; solving is measured on smaller ones.
"""

from __future__ import annotations

import argparse
import datetime as dt
import sys
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

if __name__ == "__main__":
    # Run as a file, this folder, not the repository, is on the path.
    sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from benchmarks.instances import START
from benchmarks.measure import Stopwatch
from benchmarks.performance_page import write_section

if TYPE_CHECKING:
    from medhavi.snapshot import Snapshot


class Size(NamedTuple):
    """A company: finished products, demands, days of the daily grid, whether solved."""

    products: int
    demands: int
    days: int
    solved: bool


SIZES = {
    "p20": Size(20, 200, 40, solved=True),
    "p100": Size(100, 1_000, 40, solved=True),
    "p1100": Size(1_100, 8_000, 100, solved=False),
}
GATE = 3.0
"""Most CPU seconds for facts and blocks of a million columns."""
MILLION = 1_000_000
PHASES = ("read", "facts", "blocks", "solve")


def company(size: Size) -> Snapshot:
    """Make finished goods of one bulk and one bought part, move them, sell them.

    A machine works five days a week for twenty products; each product is made at one
    plant and moved to the store where it is wanted.
    """
    import polars as pl

    from medhavi.snapshot import Snapshot

    numbers = range(size.products)
    rows: dict[str, list[dict[str, object]]] = {
        "settings": [{"as_of": START, "horizon_days": float(size.days)}],
        "locations": [{"location": "PLANT"}, {"location": "STORE"}],
        "products": [
            {"product": f"{kind}{n}", "unit_cost": cost, "weight_kg": 1.0}
            for n in numbers
            for kind, cost in (("FG", 20.0), ("BULK", 6.0), ("PART", 2.0))
        ],
        "calendars": [{"calendar": "WEEK"}],
        "shifts": [
            {
                "calendar": "WEEK",
                "weekday": day,
                "start": dt.time(6),
                "finish": dt.time(22),
            }
            for day in range(1, 6)
        ],
        "resources": [
            {
                "resource": f"M{n}",
                "location": "PLANT",
                "calendar": "WEEK",
                "cost_per_hour": 40.0,
            }
            for n in range(size.products // 20 + 1)
        ],
        "routings": [
            {"routing": f"R-{kind}{n}", "product": f"{kind}{n}", "location": "PLANT"}
            for n in numbers
            for kind in ("FG", "BULK")
        ],
        "steps": [
            {
                "routing": f"R-{kind}{n}",
                "step": 1,
                "sequence": 1,
                "setup_minutes": 20.0,
                "run_minutes_per_unit": 0.5 + n % 3 / 4,
            }
            for n in numbers
            for kind in ("FG", "BULK")
        ],
        "step_resources": [
            {"routing": f"R-{kind}{n}", "step": 1, "resource": f"M{n // 20}"}
            for n in numbers
            for kind in ("FG", "BULK")
        ],
        "bom_lines": [
            {
                "routing": f"R-{upper}{n}",
                "line": 1,
                "component": f"{lower}{n}",
                "qty_per": 1.0,
            }
            for n in numbers
            for upper, lower in (("FG", "BULK"), ("BULK", "PART"))
        ],
        "suppliers": [{"supplier": "S", "calendar": "WEEK"}],
        "supply_terms": [
            {
                "supplier": "S",
                "product": f"PART{n}",
                "location": "PLANT",
                "lead_time_days": 3.0 + n % 5,
                "unit_price": 2.0,
            }
            for n in numbers
        ],
        "lanes": [
            {
                "lane": "ROAD",
                "origin": "PLANT",
                "destination": "STORE",
                "duration_h": 20.0,
                "cost_per_unit": 0.3,
            }
        ],
        "demands": [
            {
                "demand": f"D{n}",
                "product": f"FG{n % size.products}",
                "location": "STORE",
                "qty": 20.0 + n * 7 % 90,
                "due": START + dt.timedelta(days=5 + n * 13 % (size.days - 10)),
                "priority": 1 + n % 4,
            }
            for n in range(size.demands)
        ],
    }
    return Snapshot.from_frames({name: pl.DataFrame(t) for name, t in rows.items()})


def measure(name: str, rounds: int) -> tuple[tuple[object, ...], bool]:
    """Line of a size, and whether it misses its gate."""
    from medhavi.optimize.highs import Highs
    from medhavi.planners.master_plan.blocks import build
    from medhavi.planners.master_plan.master_run import built_run
    from medhavi.planners.master_plan.statement import state
    from medhavi.planners.parameters import OptimizeParameters

    size = SIZES[name]
    parameters = OptimizeParameters(bucket=f"{size.days}xday", late_days=20.0)
    snapshot = company(size)
    watch = Stopwatch()
    built = None
    for _ in range(rounds):
        with watch.phase("read"):
            run = built_run(snapshot, parameters)
        with watch.phase("facts"):
            facts = state(run, parameters)
        with watch.phase("blocks"):
            built = build(facts)
        if size.solved:
            with watch.phase("solve"):
                Highs().open(built.program).solve()
    if built is None:
        message = f"rounds ({rounds}) must be at least 1."
        raise ValueError(message)
    columns = built.program.n_columns
    ours = watch.median("facts") + watch.median("blocks")
    gated = columns >= MILLION
    line = (
        name,
        f"{columns:,}",
        f"{built.program.n_rows:,}",
        f"{len(built.program.values):,}",
        *(f"{watch.median(p):.2f}" if p in watch.rounds else "" for p in PHASES),
        f"{ours:.2f}" + (f" (≤ {GATE:g})" if gated else ""),
    )
    return line, gated and ours > GATE


def main() -> int:
    """Write the section; exit 1 where the gate is missed."""
    options = argparse.ArgumentParser(description=__doc__)
    options.add_argument("sizes", nargs="*", default=list(SIZES))
    options.add_argument("--rounds", type=int, default=3)
    chosen = options.parse_args()
    found = [measure(name, chosen.rounds) for name in chosen.sizes]
    write_section(
        "optimizer",
        ("size", "columns", "rows", "entries", *PHASES, "facts + blocks (gate)"),
        [line for line, _ in found],
        f"CPU seconds, median of {chosen.rounds} rounds. read: state of the snapshot as "
        "in mode mrp; facts: sources in time, asked of their clocks, and arrays; blocks: "
        "the sparse program; solve: HiGHS 1.14, dual simplex, one thread, from nothing.",
    )
    return int(any(missed for _, missed in found))


if __name__ == "__main__":
    sys.exit(main())
