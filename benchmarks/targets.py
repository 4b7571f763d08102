"""Times that the sources ask for, beside ours, by size of the company.

    python benchmarks/targets.py [ORDER_LINES …]

Companies are those of `company_models`. Each open demand, up to a hundred, is quoted as
a new request with reasons and remedies, the first one too. A schedule is updated after
one order of three more units, in mode mrp by net change and in mode constrained on the
plan before; a what-if plans the whole company with the changed order. Seconds are of
one CPU.
"""

from __future__ import annotations

import gc
import sys
import time
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

if __name__ == "__main__":
    # Run as a file, this folder, not the repository, is on the path.
    sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from benchmarks.company_case.network import ModelSize
from benchmarks.company_case.tables import tables_of
from benchmarks.performance_page import write_section

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from medhavi.results.plans.plan import Plan
    from medhavi.snapshot import Snapshot

QUOTED = 100
"""Requests that are quoted, at most."""
LIGHT = {"effort": "light"}
WISHES: Mapping[str, Sequence[float]] = {
    "promise": (0.5, 5.0, 30.0),
    "material plan": (30 * 60.0, 2 * 3600.0),
    "full run": (30 * 60.0,),
    "update": (2.0,),
    "update, constrained": (2.0, 60.0),
    "what-if": (10.0, 5 * 60.0),
}
"""Most seconds that the sources ask for, the shortest first, by what is timed."""
HEAD = (
    "order lines",
    "quotes",
    *(f"promise p{level} ms" for level in (50, 95, 99)),
    "promise",
    *(name for name in WISHES if name != "promise"),
)


class Timed(NamedTuple):
    """What one company took: quotes [s, sorted], and seconds by name of a wish."""

    lines: int
    quotes: Sequence[float]
    seconds: Mapping[str, float]

    def quantile(self, level: float) -> float:
        """A quantile of the quotes [s]."""
        last = len(self.quotes) - 1
        return self.quotes[min(int(level * len(self.quotes)), last)]

    def met(self, name: str) -> float | None:
        """Shortest time asked for that was kept [s]; None: none was."""
        value = self.quantile(0.99) if name == "promise" else self.seconds[name]
        return next((most for most in WISHES[name] if value <= most), None)

    def row(self) -> tuple[object, ...]:
        """Row of the section."""
        levels = (1000 * self.quantile(level) for level in (0.5, 0.95, 0.99))
        return (
            f"{self.lines:,}",
            len(self.quotes),
            *(f"{value:.1f}" for value in levels),
            self._kept("promise"),
            *(
                f"{self.seconds[name]:.2f} s ({self._kept(name)})"
                for name in WISHES
                if name != "promise"
            ),
        )

    def _kept(self, name: str) -> str:
        most = self.met(name)
        return "missed" if most is None else f"≤ {most:g} s"


def one_more(snapshot: Snapshot) -> Snapshot:
    """Three units more of the first demand."""
    import polars as pl

    demands = snapshot["demands"]
    more = pl.when(pl.int_range(pl.len()) == 0).then(3.0).otherwise(0.0)
    return snapshot.replace(demands=demands.with_columns(pl.col("qty") + more))


def timed(lines: int) -> Timed:
    """Time a company of so many order lines."""
    from medhavi.planners.pipeline import plan, plan_to_build_on
    from medhavi.snapshot import Snapshot

    snapshot = Snapshot.from_frames(tables_of(ModelSize(demands=lines)))
    answered, after = sorted(quotes(snapshot)), one_more(snapshot)
    seconds: dict[str, float] = {}

    def take(name: str, work: Callable[[], Plan]) -> Plan:
        begin = time.process_time()
        made = work()
        seconds[name] = time.process_time() - begin
        return made

    plan(snapshot)
    before = take("material plan", lambda: plan_to_build_on(snapshot))
    take("update", lambda: plan(after, baseline=before))
    take("what-if", lambda: plan(after))
    first = plan(snapshot, "constrained", LIGHT)
    take("full run", lambda: plan(snapshot, "optimize", LIGHT))
    take(
        "update, constrained",
        lambda: plan(after, "constrained", LIGHT, baseline=first),
    )
    return Timed(lines, answered, seconds)


def quotes(snapshot: Snapshot) -> list[float]:
    """CPU seconds of a full answer to each of some requests."""
    from medhavi.planners.promising.promise_ledger import PromiseLedger
    from medhavi.planners.promising.quoting import quote
    from medhavi.planners.promising.supply_search.requests import read_requests

    rows = snapshot["demands"].head(QUOTED)
    asked = rows.select("product", "location", "qty", "due").to_dicts()
    book = PromiseLedger.from_snapshot(snapshot)
    # What plans before have left is not collected within a quote.
    gc.collect()
    gc.freeze()
    found = []
    for request in read_requests(asked, snapshot).requests:
        begin = time.thread_time()
        quote(book, request, detail="full")
        found.append(time.thread_time() - begin)
    gc.unfreeze()
    return found


def main() -> int:
    """Write the section; exit 1 where a longest time was not kept."""
    sizes = [int(one) for one in sys.argv[1:]] or [100, 400, 4000]
    found = [timed(lines) for lines in sizes]
    note = (__doc__ or "").split("\n\n", 2)[2].strip()
    write_section("targets", HEAD, [one.row() for one in found], note)
    return int(any(one.met(name) is None for one in found for name in WISHES))


if __name__ == "__main__":
    sys.exit(main())
