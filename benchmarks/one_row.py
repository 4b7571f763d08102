"""What one row more does to a plan: its engine and its late demands, kind by kind.

    python benchmarks/one_row.py [--instance m1000] [KIND …]

Each kind of row of the tables contract is added once, far from the bottleneck. A model
is not to be planned by another engine because of it; the kinds for which it still is
stand in `GENERAL`, and this command fails where that list is not true.
"""

from __future__ import annotations

import argparse
import sys
import time
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

if __name__ == "__main__":
    # Run as a file, this folder, not the repository, is on the path.
    sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from benchmarks.instances import INSTANCES, NoDataError
from benchmarks.one_row_kinds import KINDS, far_from
from benchmarks.performance_page import write_section

if TYPE_CHECKING:
    from collections.abc import Sequence

    from benchmarks.one_row_kinds import Far
    from medhavi.results.plans.plan import Plan
    from medhavi.snapshot import Snapshot

GENERAL: frozenset[str] = frozenset()
"""Kinds of which all is netted, nothing searched. The list only becomes shorter."""
SEEDS = range(1, 9)
"""Seeds of the model without the row: a search takes another turn where anything is
different, so a row explains what is beyond all of them."""
COLUMNS = ("row", "engine", "late", "priority 1/2/3", "change", "CPU s", "faults")
NOTE = (
    "One row of each kind, added to m1000 far from the bottleneck (a finished good in time "
    "on the machine with the least work), effort standard. Change: late demands more than "
    "without the row. Without the row other seeds of the search leave {least} to {most} "
    "late: what lies within is not due to the row."
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Outcome:
    """What planned a model, and how well.

    `late` counts late or short demands of priority 1, 2, 3.
    """

    engine: str
    late: tuple[int, ...]
    seconds: float
    faults: int

    @property
    def searched(self) -> bool:
        """Whether orders were searched, and placed as found or anew with all rules."""
        return "all netted" not in self.engine


def planned(snapshot: Snapshot, seed: int | None = None) -> tuple[Outcome, Plan]:
    """Plan a model; what came out."""
    import polars as pl

    from medhavi.planners.pipeline import plan
    from medhavi.results.verify import verify

    begun = time.process_time()
    made = plan(snapshot, "constrained", {"engine": "numba"}, seed=seed)
    seconds = time.process_time() - begun
    late = made.fulfilment.filter(pl.col("status") != "on_time").join(
        snapshot["demands"].select("demand", "priority"), on="demand"
    )
    counts = tuple(late.filter(pl.col("priority") == one).height for one in (1, 2, 3))
    faults = len(verify(made, snapshot))
    engine = made.run.engine
    return Outcome(engine=engine, late=counts, seconds=seconds, faults=faults), made


def with_row(base: Snapshot, kind: str, far: Far) -> Snapshot:
    """Model with the row of a kind."""
    from medhavi.snapshot import Snapshot

    tables = {
        name: frame.to_dicts() for name, frame in base.tables.items() if frame.height
    }
    KINDS[kind](tables, far)
    return Snapshot.from_frames(tables)


def untrue(kind: str, found: Sequence[Outcome], alone: Sequence[Outcome]) -> str:
    """What is otherwise than it should be, in words; "" if nothing.

    Parameters
    ----------
    kind, found
        The row, and what planned the model with it, by one seed or several.
    alone
        The model without it, by several seeds.
    """
    faults = max(one.faults for one in found)
    if faults:
        return f"has {faults} faults"
    if kind in GENERAL:
        return "is searched after all" if found[0].searched else ""
    if not found[0].searched:
        return f"is planned by {found[0].engine}"
    most = max(sum(one.late) for one in alone)
    late = sum(sum(one.late) for one in found) / len(found)
    return f"has {late:g} late, {most} without it" if late > most else ""


def judged(
    kind: str, snapshot: Snapshot, alone: Sequence[Outcome]
) -> tuple[Outcome, str]:
    """What planned a model with the row of a kind, and what is untrue, as of `untrue`.

    A seed that has no luck says nothing of the row: then all of them do.
    """
    found = [planned(snapshot)[0]]
    word = untrue(kind, found, alone)
    if word and kind not in GENERAL and found[0].searched:
        found += [planned(snapshot, seed)[0] for seed in SEEDS[1:]]
        word = untrue(kind, found, alone)
    return found[0], word


def main() -> int:
    """Write the section; exit 1 where the list is not true or a plan has a fault."""
    options = argparse.ArgumentParser(description=__doc__)
    options.add_argument("kinds", nargs="*", default=list(KINDS))
    options.add_argument("--instance", default="m1000")
    chosen = options.parse_args()
    try:
        base = INSTANCES[chosen.instance]()
    except NoDataError as lacking:
        print(f"Nothing to plan: {lacking}.")
        return 0
    planned(base)
    first, made = planned(base)
    alone = [first, *(planned(base, seed)[0] for seed in SEEDS[1:])]
    counts = [sum(one.late) for one in alone]
    note = NOTE.format(least=min(counts), most=max(counts))
    far = far_from(base, made)
    rows, wrong = [_shown("as it is", first, first)], []
    for kind in chosen.kinds:
        snapshot = with_row(base, kind, far)
        found, word = judged(kind, snapshot, alone)
        rows.append(_shown(kind, found, first))
        if word:
            wrong.append(f"{kind} {word}")
    if wrong:
        note += f" Missed, as means of {len(SEEDS)} seeds: {'; '.join(wrong)}."
    write_section("one row", COLUMNS, rows, note)
    return int(bool(wrong))


def _shown(kind: str, found: Outcome, base: Outcome) -> tuple[object, ...]:
    return (
        kind,
        found.engine,
        sum(found.late),
        "/".join(map(str, found.late)),
        f"{sum(found.late) - sum(base.late):+d}",
        f"{found.seconds:.1f}",
        found.faults,
    )


if __name__ == "__main__":
    sys.exit(main())
