"""Mirror 200,000 events from SQLite, beside a bare read and Delta write of the same.

Both sides run in turn in one process, several rounds; CPU seconds decide, because the
disk of a shared machine moves more than any code. Gate: ratio ≥ 0.5, goal 0.8.

    python benchmarks/mirror.py [--events 200000] [--rounds 3]

With --lake, instead: the first fold of a lake that is mirrored already, and reads of
moments 1, 30, 90 and 180 days before its now. Silver is folded in a copy. Demo company
large: `medhavi demo --scale large`, then its lake. Gates: 20 and 4 CPU s.

    python benchmarks/mirror.py --lake FOLDER
"""

from __future__ import annotations

import argparse
import datetime as dt
import os
import resource
import shutil
import sys
import tempfile
import time
import uuid
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

GATE, GOAL = 0.5, 0.8
_FOLD_GATE, _MOMENT_GATE = 20.0, 4.0
_DAYS = (1, 30, 90, 180)
_START = dt.datetime(2026, 1, 5, tzinfo=dt.UTC)


def history(count: int) -> Iterator[tuple[str, list[object]]]:
    """Orders and movements of usual size (about 250 bytes a payload)."""
    from medhavi.events.event_types.catalog import TYPES, new_event, stream_for

    placed, moved = TYPES["SupplyOrderPlaced"].payload, TYPES["StockMoved"].payload
    for number in range(count):
        at = _START + dt.timedelta(seconds=30 * number)
        product = f"PRODUCT-{number % 2000:05d}"
        body = (
            placed(
                supply_order=f"PO-{number:07d}",
                kind="purchase",
                product=product,
                location="DC-NORTH",
                qty=float(number % 90 + 10),
                start=at,
                due=at + dt.timedelta(days=20),
                source=f"SUPPLIER-{number % 40:03d}",
            )
            if number % 3 == 0
            else moved(
                product=product,
                location="DC-NORTH",
                qty=float(number % 7 - 3),
                lot=f"LOT-{number % 500:04d}",
                reason="issue",
                supply_order=f"WO-{number % 999:05d}",
            )
        )
        event = new_event(
            body,
            event_id=str(uuid.UUID(int=number + 1)),
            occurred_at=at,
            recorded_at=at,
            actor="benchmark",
            correlation_id=str(uuid.UUID(int=number // 5 + 1)),
        )
        yield stream_for(body), [event]


def bare(store: object, path: Path, size: int) -> int:
    """Read Arrow tables and append them; no position, no guard, no transaction."""
    from deltalake import DeltaTable, write_deltalake

    from medhavi.events.envelope import arrow_schema
    from medhavi.lakehouse.log.mirror import writer_properties

    table = DeltaTable.create(str(path), arrow_schema(), mode="ignore")
    after = 0
    while True:
        rows = store.read_arrow(after, size)  # type: ignore[attr-defined]
        if not rows.num_rows:
            return after
        write_deltalake(
            table, rows, mode="append", writer_properties=writer_properties()
        )
        after = rows.column("position")[-1].as_py()


def measured(work: Callable[[], object]) -> tuple[float, float]:
    """Wall and CPU seconds (all threads) of some work."""
    before = resource.getrusage(resource.RUSAGE_SELF)
    started = time.perf_counter()
    work()
    wall = time.perf_counter() - started
    after = resource.getrusage(resource.RUSAGE_SELF)
    cpu = after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime
    return wall, cpu


def folded(source: Path) -> int:
    """Fold a copy of a lake anew and read moments of the past; exit 1 beyond a gate."""
    from benchmarks.performance_page import write_section
    from medhavi.lakehouse import Lake

    folder = Path(tempfile.mkdtemp(prefix="medhavi-bench-"))
    try:
        copied = shutil.copytree(source / "bronze" / "events", folder / "bronze/events")
        events = Lake(copied.parents[1]).position()
        found = {"first fold": (_FOLD_GATE, measured(Lake(folder).refresh))}
        as_of = Lake(folder).snapshot().as_of
        assert as_of is not None
        now = dt.datetime.fromtimestamp(as_of, dt.UTC)
        for days in _DAYS:
            read = partial(Lake(folder).snapshot, now - dt.timedelta(days=days))
            found[f"read {days} days back"] = (_MOMENT_GATE, measured(read))
    finally:
        shutil.rmtree(folder)
    load = "{:.1f} {:.1f} {:.1f}".format(*os.getloadavg())
    write_section(
        "lake_fold",
        ("what", "gate, CPU s", "CPU s", "wall s"),
        [
            (what, f"{gate:g}", f"{cpu:.1f}", f"{wall:.1f}")
            for what, (gate, (wall, cpu)) in found.items()
        ],
        f"A lake of {events:,} events, one round; load averages of the machine at the "
        f"end: {load}. On a machine that others use, CPU seconds are higher.",
    )
    return int(any(cpu > gate for gate, (_, cpu) in found.values()))


def main() -> int:
    """Measure, print a table; exit 1 below the gate."""
    options = argparse.ArgumentParser(description=__doc__)
    options.add_argument("--events", type=int, default=200_000)
    options.add_argument("--rounds", type=int, default=3)
    options.add_argument("--lake", type=Path, help="folder of a mirrored lake")
    chosen = options.parse_args()
    # `python benchmarks/mirror.py` has this folder, not the repository, on its path.
    sys.path.insert(0, str(Path(__file__).resolve().parents[1]))
    if chosen.lake is not None:
        return folded(chosen.lake)
    from benchmarks.performance_page import write_section
    from medhavi.events.urls import open_store
    from medhavi.lakehouse import Lake
    from medhavi.lakehouse.log.mirror import BATCH_ROWS

    folder = Path(tempfile.mkdtemp(prefix="medhavi-bench-"))
    try:
        store = open_store(f"sqlite:///{folder}/events.db")
        store.append_many(history(chosen.events))  # type: ignore[arg-type]
        # Imports and first calls belong to neither side.
        few = open_store(f"sqlite:///{folder}/few.db")
        few.append_many(history(5_000))  # type: ignore[arg-type]
        bare(few, folder / "warm-bare", BATCH_ROWS)
        Lake(folder / "warm").mirror(few)

        walls: dict[str, list[float]] = {}
        cpus: dict[str, list[float]] = {}
        for turn in range(chosen.rounds):
            lake = Lake(folder / f"lake-{turn}")
            sides: dict[str, Callable[[], object]] = {
                "bare read + write": partial(
                    bare, store, folder / f"bare-{turn}", BATCH_ROWS
                ),
                "mirror": partial(lake.mirror, store),
                "silver from bronze": lake.refresh,
            }
            for name, work in sides.items():
                wall, cpu = measured(work)
                walls.setdefault(name, []).append(wall)
                cpus.setdefault(name, []).append(cpu)
    finally:
        shutil.rmtree(folder)

    ratio = min(cpus["bare read + write"]) / min(cpus["mirror"])
    by_wall = min(walls["bare read + write"]) / min(walls["mirror"])
    write_section(
        "mirror",
        ("side", "wall s", "CPU s", "events per CPU second"),
        [
            (
                name,
                f"{min(rounds):.2f}",
                f"{min(cpus[name]):.2f}",
                f"{chosen.events / min(cpus[name]):,.0f}",
            )
            for name, rounds in walls.items()
        ],
        f"{chosen.events:,} events from SQLite, best of {chosen.rounds} rounds in turn. "
        f"Mirror against bare read and write: {ratio:.2f} by CPU, {by_wall:.2f} by wall "
        f"(gate {GATE}, goal {GOAL}).",
    )
    return 0 if ratio >= GATE else 1


if __name__ == "__main__":
    sys.exit(main())
