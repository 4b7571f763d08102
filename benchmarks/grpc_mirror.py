"""Mirror events over gRPC, beside a bare loop of the client over the same server.

The server is the double of the tests in a process of its own; CPU seconds of this
process alone count, so they show what reading costs here and nothing of a real server.
Both sides run in turn, several rounds; medians decide. Gate: ratio ≥ 0.55, goal 0.75.

    python benchmarks/grpc_mirror.py [--events 50000] [--rounds 5]
"""

from __future__ import annotations

import argparse
import shutil
import sys
import tempfile
from functools import partial
from itertools import islice
from pathlib import Path
from statistics import median
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Callable

GATE, GOAL = 0.55, 0.75
_STREAMS, _APPEND = 50, 500


def fill(url: str, count: int) -> None:
    """Write a history of usual size, as Medhavi itself would write it."""
    from kurrentdbclient import KurrentDBClient, StreamState

    from benchmarks.mirror import history
    from medhavi.events.kurrent_store.server import to_kurrent

    client = KurrentDBClient(url)
    events = (event for _, batch in history(count) for event in batch)
    number = 0
    while some := [to_kurrent(event) for event in islice(events, _APPEND)]:  # type: ignore[arg-type]
        client.append_to_stream(
            f"benchmark-{number % _STREAMS}",
            events=some,
            current_version=StreamState.ANY,
        )
        number += 1
    client.close()


def bare(client: Any) -> int:
    """Read all events with the client and do nothing with them."""
    return sum(1 for _ in client.read_all())


def main() -> int:
    """Measure, print a table; exit 1 below the gate."""
    options = argparse.ArgumentParser(description=__doc__)
    options.add_argument("--events", type=int, default=50_000)
    options.add_argument("--rounds", type=int, default=5)
    chosen = options.parse_args()
    # `python benchmarks/…` has this folder, not the repository, on its path.
    sys.path.insert(0, str(Path(__file__).resolve().parents[1]))
    from kurrentdbclient import KurrentDBClient

    from benchmarks.mirror import measured
    from benchmarks.performance_page import write_section
    from medhavi.events.kurrent_store.kurrent import KurrentStore
    from medhavi.lakehouse import Lake
    from tests.kurrent_double.double_process import DoubleProcess

    folder = Path(tempfile.mkdtemp(prefix="medhavi-bench-"))
    walls: dict[str, list[float]] = {}
    cpus: dict[str, list[float]] = {}
    try:
        with DoubleProcess() as few, DoubleProcess() as double:
            # Imports and first calls belong to neither side.
            fill(few.url, 2_000)
            bare(KurrentDBClient(few.url))
            Lake(folder / "warm").mirror(KurrentStore(few.url))
            fill(double.url, chosen.events)
            client, store = KurrentDBClient(double.url), KurrentStore(double.url)
            for turn in range(chosen.rounds):
                lake = Lake(folder / f"lake-{turn}")
                sides: dict[str, Callable[[], object]] = {
                    "bare client loop": partial(bare, client),
                    "gRPC mirror": partial(lake.mirror, store),
                }
                for name, work in sides.items():
                    wall, cpu = measured(work)
                    walls.setdefault(name, []).append(wall)
                    cpus.setdefault(name, []).append(cpu)
            client.close()
            store.close()
    finally:
        shutil.rmtree(folder)

    ratio = median(cpus["bare client loop"]) / median(cpus["gRPC mirror"])
    by_wall = median(walls["bare client loop"]) / median(walls["gRPC mirror"])
    write_section(
        "grpc_mirror",
        ("side", "wall s", "CPU s", "events per CPU second"),
        [
            (
                name,
                f"{median(rounds):.2f}",
                f"{median(cpus[name]):.2f}",
                f"{chosen.events / median(cpus[name]):,.0f}",
            )
            for name, rounds in walls.items()
        ],
        f"{chosen.events:,} events from the double of the tests over loopback, medians of "
        f"{chosen.rounds} rounds in turn. Mirror against a bare loop of the client: "
        f"{ratio:.2f} by CPU of the reader, {by_wall:.2f} by wall (gate {GATE}, goal "
        f"{GOAL}). The double is Python: these are no figures of a KurrentDB server.",
    )
    return 0 if ratio >= GATE else 1


if __name__ == "__main__":
    sys.exit(main())
