"""Plan after one changed order: net change beside planning everything.

    python benchmarks/net_change.py [INSTANCE …] [--rounds 5] [--tables FOLDER]
    python benchmarks/net_change.py --constrained [--rounds 5] [--tables FOLDER]

check is the validation of the changed tables, which both ways do first; the gate bears
on it and the net change together. Both plans of a round must have the same fingerprint.
The first plan keeps its run. Instance large is the demo company, which takes minutes to
make; --tables names a folder that holds its tables already.

With --constrained the demo company (scale small, and large where --tables names its
tables) is planned in mode constrained, effort standard, on a baseline and from nothing;
such plans may differ. Of scale large that takes a quarter of an hour.
"""

from __future__ import annotations

import argparse
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

if __name__ == "__main__":
    # Run as a file, this folder, not the repository, is on the path.
    sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from benchmarks.demo_company import company
from benchmarks.instances import INSTANCES, NoDataError
from benchmarks.measure import Stopwatch
from benchmarks.performance_page import write_section

if TYPE_CHECKING:
    from collections.abc import Mapping

    from medhavi.snapshot import Snapshot

USUAL = ("m3000", "m10000", "m20000", "large")
GATE = 0.5
"""Most CPU seconds of check and net change, 10,000 demands or more."""
GATED = ("m10000", "m20000", "large")
GATES_CONSTRAINED = {"small": 0.5, "large": 2.0}
"""Most CPU seconds of a plan on a baseline in mode constrained, by scale."""
STRIDE = 997
"""Every so many-th demand is changed, one a round."""


@dataclass(frozen=True, slots=True)
class Measured:
    """One instance: phases, products planned again on average, equality."""

    name: str
    watch: Stopwatch
    products: float
    total: int
    equal: bool

    @property
    def seconds(self) -> float:
        """CPU seconds of check and net change."""
        return self.watch.median("check") + self.watch.median("net change")

    @property
    def missed(self) -> bool:
        """Whether the gate is missed or a plan differs."""
        return (self.name in GATED and self.seconds > GATE) or not self.equal


def changed(snapshot: Snapshot, turn: int) -> Snapshot:
    """Add three units to one order; another one every turn."""
    import polars as pl

    demands = snapshot["demands"]
    number = turn * STRIDE % demands.height
    more = pl.when(pl.int_range(pl.len()) == number).then(3.0).otherwise(0.0)
    return snapshot.replace(demands=demands.with_columns(pl.col("qty") + more))


def measure(name: str, snapshot: Snapshot, rounds: int) -> Measured:
    """Change one order a round; the first round only warms up."""
    from medhavi.planners.pipeline import plan, plan_to_build_on

    watch = Stopwatch()
    counts: list[float] = []
    equal = True
    baseline = plan_to_build_on(snapshot.require())
    for turn in range(rounds + 1):
        if turn == 1:
            watch, counts = Stopwatch(), []
        watch.calibrate()
        after = changed(snapshot, turn)
        with watch.phase("check"):
            after.require()
        with watch.phase("net change"):
            net = plan(after, baseline=baseline)
        with watch.phase("everything"):
            whole = plan(after)
        counts.append(net.run.effort.get("products", float("nan")))
        equal = equal and net.fingerprint == whole.fingerprint
    mean = sum(counts) / len(counts)
    return Measured(name, watch, mean, snapshot["products"].height, equal)


def instance(name: str, tables: str | None) -> Snapshot:
    """Tables of an instance."""
    from medhavi.snapshot import Snapshot

    if name != "large":
        return INSTANCES[name]()
    return company(name) if tables is None else Snapshot.from_folder(tables)


def row(found: Measured) -> tuple[object, ...]:
    """Line of an instance."""
    net, whole = (found.watch.median(p) for p in ("net change", "everything"))
    unit = found.watch.median("objects")
    gate = f" (≤ {GATE:g})" if found.name in GATED else ""
    return (
        found.name,
        f"{found.products:,.0f} of {found.total:,}",
        f"{found.watch.median('check'):.2f}",
        f"{net:.2f}",
        f"{found.seconds:.2f}{gate}",
        f"{whole:.2f}",
        f"{whole / net:.1f}" if net else "",
        f"{found.seconds / unit:.1f}",
        "yes" if found.equal else "NO",
    )


@dataclass(frozen=True, slots=True)
class Constrained:
    """Demo company in mode constrained: phases, orders that stay, lateness [money]."""

    watch: Stopwatch
    kept: float
    late: float
    whole: float


def measure_constrained(snapshot: Snapshot, rounds: int) -> Constrained:
    """Change one order a round; the first round only warms up."""
    from medhavi.planners.pipeline import plan

    watch, shares = Stopwatch(), [0.0]
    late = whole = 0.0
    baseline = plan(snapshot.require(), "constrained")
    placed = ["kind", "product", "location", "source", "qty", "start", "finish"]
    before = baseline.supplies.select(placed)
    for turn in range(rounds + 1):
        if turn == 1:
            watch, shares, late, whole = Stopwatch(), [], 0.0, 0.0
        after = changed(snapshot, turn)
        with watch.phase("check"):
            after.require()
        with watch.phase("net change"):
            net = plan(after, "constrained", baseline=baseline)
        with watch.phase("everything"):
            anew = plan(after, "constrained")
        same = net.supplies.join(before, on=placed, how="semi", nulls_equal=True)
        shares.append(same.height / net.supplies.height)
        late += net.causes["money"].sum()
        whole += anew.causes["money"].sum()
    return Constrained(watch, sum(shares) / len(shares), late, whole)


def row_constrained(scale: str, found: Constrained) -> tuple[object, ...]:
    """Line of a scale of the demo company."""
    check, net, whole = (
        found.watch.median(phase) for phase in ("check", "net change", "everything")
    )
    return (
        f"demo company, {scale}",
        f"{check:.2f}",
        f"{net:.2f} (≤ {GATES_CONSTRAINED[scale]:g})",
        f"{whole:.2f}",
        f"{whole / net:.1f}",
        f"{found.kept:.1%}",
        f"{found.late / max(found.whole, 1e-9):.3f}",
    )


def write_constrained(found: Mapping[str, Constrained], rounds: int) -> int:
    """Write the section of mode constrained, by scale; 1 where a gate is missed."""
    write_section(
        "net_change_constrained",
        (
            "instance",
            "check",
            "on a baseline (gate)",
            "from nothing",
            "times faster",
            "orders that stay",
            "lateness to that from nothing",
        ),
        [row_constrained(scale, one) for scale, one in found.items()],
        f"CPU seconds after one changed order, effort standard, median of {rounds} "
        "rounds with another order each; the last two columns are of all rounds.",
    )
    return int(
        any(
            one.watch.median("net change") > GATES_CONSTRAINED[scale]
            for scale, one in found.items()
        )
    )


def main() -> int:
    """Write the section; exit 1 where the gate is missed."""
    options = argparse.ArgumentParser(description=__doc__)
    options.add_argument("instances", nargs="*", default=list(USUAL))
    options.add_argument("--rounds", type=int, default=5)
    options.add_argument("--tables", help="folder with the tables of instance large")
    options.add_argument(
        "--constrained", action="store_true", help="the demo company, mode constrained"
    )
    chosen = options.parse_args()
    if chosen.constrained:
        scales = {"small": company("small")}
        if chosen.tables is not None:
            scales["large"] = instance("large", chosen.tables)
        found = {
            scale: measure_constrained(tables, chosen.rounds)
            for scale, tables in scales.items()
        }
        return write_constrained(found, chosen.rounds)
    results: list[Measured] = []
    for name in chosen.instances:
        try:
            tables = instance(name, chosen.tables)
            results.append(measure(name, tables, chosen.rounds))
        except NoDataError as missing:
            print(f"{name} is left out: {missing}.")
    if not results:
        return 0
    unit = results[-1].watch.median("objects")
    write_section(
        "net_change",
        (
            "instance",
            "products planned again",
            "check",
            "net change",
            "both (gate)",
            "everything",
            "times faster",
            "both, loops",
            "equal",
        ),
        [row(found) for found in results],
        f"CPU seconds after one changed order, median of {chosen.rounds} rounds with "
        "another order each. The eighth column counts in runs of a fixed loop over "
        f"200,000 small objects, measured in the same rounds (here {unit:.3f} s).",
    )
    return int(any(found.missed for found in results))


if __name__ == "__main__":
    sys.exit(main())
