"""Quote dates on a large snapshot with a full book of reservations.

    python benchmarks/promising.py [--quotes 1000] [--lines 50000]

10,000 products, 1,000 resources, 20,000 reservations: products of 5 steps with 3
alternates and 10 components on 3 levels, 2 plants, 3 legs to the customer. The figures
are CPU time of the one thread that quotes: other processes do not disturb it. The 50
requesters are threads who think, ask one writer of one book and wait, first come, first
served; what they wait is time on the wall, so that of one requester, which the gate
compares it with, is taken the same way beside it. A second row reckons the waiting from
the CPU time of each quote: that is what a machine of its own would show.
"""

from __future__ import annotations

import argparse
import gc
import heapq
import queue
import random
import resource
import subprocess
import sys
import threading
import time
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

if __name__ == "__main__":
    # Run as a file, this folder, not the repository, is on the path.
    sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from benchmarks.instances import START
from benchmarks.performance_page import write_section
from benchmarks.promise_case import CUSTOMERS, GOODS, promise_case

if TYPE_CHECKING:
    from collections.abc import Sequence

    from medhavi.planners.promising.promise_ledger import PromiseLedger
    from medhavi.planners.promising.supply_search.requests import Request

ROUNDS = 3
REQUESTERS = 50
ALONE = 200
"""Quotes of the one requester, who thinks as long between them as the many do."""
THINK_MS = 200.0
LEVELS = (0.5, 0.95, 0.99)


class Gate(NamedTuple):
    """What a row of the section may take at most, and should."""

    figure: str
    most: float
    goal: float


DATE = (Gate("p50", 1.0, 0.4), Gate("p99", 3.0, 0.8))
FULL = (Gate("p99", 30.0, 10.0),)


def requests(count: int, seed: int = 2) -> list[dict[str, Any]]:
    """Draw requests for finished goods at customers."""
    import datetime as dt

    rng = random.Random(seed)
    return [
        {
            "product": f"FG{rng.randrange(GOODS):05d}",
            "location": f"C{rng.randrange(CUSTOMERS):03d}",
            "qty": rng.randrange(10, 60),
            "due": START + dt.timedelta(days=rng.randrange(10, 45)),
        }
        for _ in range(count)
    ]


def read(book: PromiseLedger, count: int) -> tuple[Request, ...]:
    """Read random requests."""
    from medhavi.planners.promising.supply_search.requests import read_requests

    return read_requests(requests(count), book.snapshot).requests


def measure(book: PromiseLedger, asked: Sequence[Request], detail: str) -> list[float]:
    """Quote requests; give the thread CPU time of each [ms], in their order."""
    from medhavi.planners.promising.quoting import quote

    for request in asked:
        quote(book, request, detail=detail)
    gc.collect()
    gc.freeze()
    times = []
    for request in asked:
        rounds = []
        for _ in range(ROUNDS):
            started = time.thread_time_ns()
            quote(book, request, detail=detail)
            rounds.append((time.thread_time_ns() - started) / 1e6)
        # Neighbours empty the caches between rounds; the least round shows the code.
        times.append(min(rounds))
    gc.unfreeze()
    return times


def late(book: PromiseLedger, asked: Sequence[Request]) -> list[Request]:
    """Pick the requests whose answers are late: they have reasons and remedies."""
    from medhavi.planners.promising.quoting import quote

    return [one for one in asked if not quote(book, one, detail="date").on_time]


def waited(times: Sequence[float]) -> list[float]:
    """Waits [ms] of requesters who ask one writer and think in between.

    First come, first served; each quote takes the time that it took.
    """
    asking = [(THINK_MS * place / REQUESTERS, place) for place in range(REQUESTERS)]
    heapq.heapify(asking)
    free, found = 0.0, []
    for taken in times:
        asked, place = heapq.heappop(asking)
        free = max(free, asked) + taken
        found.append(free - asked)
        heapq.heappush(asking, (free + THINK_MS, place))
    return found


def crowd(
    book: PromiseLedger, asked: Sequence[Request], requesters: int
) -> list[float]:
    """Time of each quote [ms, on the wall] that threads ask of one writer of a book.

    Each thinks `THINK_MS`, asks, and waits for its answer; the writer answers one after
    the other in the order of asking.
    """
    from medhavi.planners.promising.quoting import quote

    desk: queue.SimpleQueue[tuple[Request, queue.SimpleQueue[object]] | None]
    desk = queue.SimpleQueue()
    found: list[list[float]] = [[] for _ in range(requesters)]

    def write() -> None:
        while (order := desk.get()) is not None:
            order[1].put(quote(book, order[0], detail="date"))

    def ask(place: int) -> None:
        answers: queue.SimpleQueue[object] = queue.SimpleQueue()
        time.sleep(THINK_MS * place / requesters / 1e3)
        for request in asked[place::requesters]:
            started = time.perf_counter()
            desk.put((request, answers))
            answers.get()
            found[place].append((time.perf_counter() - started) * 1e3)
            time.sleep(THINK_MS / 1e3)

    writer = threading.Thread(target=write)
    writer.start()
    threads = [
        threading.Thread(target=ask, args=(place,)) for place in range(requesters)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    desk.put(None)
    writer.join()
    return [taken for times in found for taken in times]


def at(times: Sequence[float], level: float) -> float:
    """A quantile."""
    return sorted(times)[min(int(level * len(times)), len(times) - 1)]


class Section:
    """The rows of the section, and whether a gate was missed."""

    def __init__(self) -> None:
        self.rows: list[tuple[object, ...]] = []
        self.missed = False

    def quotes(self, name: str, times: Sequence[float], gates: Sequence[Gate]) -> None:
        """Add quantiles of quotes [ms]."""
        figures = {f"p{int(100 * level)}": at(times, level) for level in LEVELS}
        cells = [f"{value:.2f}" for value in figures.values()]
        missed = any(figures[gate.figure] > gate.most for gate in gates)
        told = "; ".join(f"{g.figure} ≤ {g.most:g} ({g.goal:g})" for g in gates)
        self.rows.append((name, len(times), *cells, self._judged(told, missed=missed)))

    def whole(self, name: str, count: int, told: str, gate: Gate, value: float) -> None:
        """Add one figure of a whole run."""
        limit = f"≤ {gate.most:g} {gate.figure} ({gate.goal:g})"
        judged = self._judged(limit, missed=value > gate.most)
        self.rows.append((name, count, "", "", told, judged))

    def _judged(self, limit: str, *, missed: bool) -> str:
        self.missed |= missed
        return f"{limit}, missed" if missed else limit


def bulk(section: Section, book: PromiseLedger, name: str, lines: int) -> None:
    """Answer a file of lines, each seeing the holds of those before it."""
    from medhavi.planners.promising.promise_run import quote_all

    asked = read(book, lines)
    gc.collect()
    started = time.process_time()
    quote_all(book, asked, detail="date")
    taken = time.process_time() - started
    # The gate is for 50,000 lines; fewer have their share of it.
    share = lines / 50_000
    gate = Gate("s", 40.0 * share, 20.0 * share)
    section.whole(name, lines, f"{taken:.1f} s", gate, taken)


def load() -> int:
    """Open a book in this process; print CPU seconds and the memory that it took."""
    from medhavi.planners.promising.promise_ledger import PromiseLedger

    snapshot = promise_case()
    gc.collect()
    started = time.process_time()
    PromiseLedger.from_snapshot(snapshot)
    taken = time.process_time() - started
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    print(taken, peak)
    return 0


def loaded(section: Section) -> None:
    """Open a book in a fresh process: nothing is there but the snapshot."""
    done = subprocess.run(
        [sys.executable, __file__, "--load"], check=True, capture_output=True, text=True
    )
    seconds, peak = (float(word) for word in done.stdout.split())
    section.whole("load", 1, f"{seconds:.1f} s", Gate("s", 8.0, 3.0), seconds)
    told = f"{peak:.0f} MB"
    section.whole("memory of the process", 1, told, Gate("MB", 1000, 500), peak)


def run(quotes: int, lines: int) -> Section:
    """Measure everything."""
    from medhavi.planners.promising.promise_ledger import PromiseLedger

    section = Section()
    loaded(section)
    plain = PromiseLedger.from_snapshot(promise_case(uncertain=False))
    quoted(section, plain, "without distribution", quotes)
    book = PromiseLedger.from_snapshot(promise_case())
    times = quoted(section, book, "with distribution", quotes)
    asked = read(book, quotes)
    alone = crowd(book, asked[:ALONE], 1)
    section.quotes("1 requester, wall", alone, ())
    many = crowd(book, asked, REQUESTERS)
    section.quotes(f"{REQUESTERS} requesters, wall", many, crowded(alone))
    section.quotes(f"{REQUESTERS} requesters, CPU", waited(times), crowded(times))
    bulk(section, plain, "bulk without distribution", lines)
    bulk(section, book, "bulk with distribution", lines)
    return section


def crowded(single: Sequence[float]) -> tuple[Gate, ...]:
    """Gate of many requesters beside one."""
    p99 = at(single, 0.99)
    return (Gate("p99", round(10 * p99, 1), round(4 * p99, 1)),)


def quoted(
    section: Section, book: PromiseLedger, what: str, quotes: int
) -> list[float]:
    """Measure quotes of dates and full answers; give the times of the dates [ms]."""
    asked = read(book, quotes)
    times = measure(book, asked, "date")
    section.quotes(f"date {what}", times, DATE)
    some = asked[: max(quotes // 10, 20)]
    section.quotes(f"full {what}", measure(book, some, "full"), FULL)
    unhappy = late(book, asked)[: max(quotes // 20, 10)]
    section.quotes(f"full {what}, late", measure(book, unhappy, "full"), FULL)
    return times


def main() -> int:
    """Write the section; exit 1 where a gate is missed."""
    options = argparse.ArgumentParser(description=__doc__)
    options.add_argument("--quotes", type=int, default=1000)
    options.add_argument("--lines", type=int, default=50_000)
    options.add_argument("--load", action="store_true", help=argparse.SUPPRESS)
    chosen = options.parse_args()
    if chosen.load:
        return load()
    section = run(chosen.quotes, chosen.lines)
    write_section(
        "promising",
        ("answer", "number", "p50 ms", "p95 ms", "p99 ms or all", "gate (goal)"),
        section.rows,
        "Thread CPU milliseconds of one quote, the least of three rounds after one to "
        "warm up. Requesters think 200 ms: threads who ask one writer, on the wall of a "
        "machine that does other things too, and reckoned from the CPU of each quote. "
        "10,000 products, 1,000 resources, 20,000 "
        "reservations, 5 steps with 3 alternates, 10 components on 3 levels, 2 plants, "
        "3 legs; uncertain are all suppliers and lanes. `late` are the answers with "
        "reasons and remedies alone; a bulk of fewer than 50,000 lines has its share of "
        "the gate.",
    )
    return int(section.missed)


if __name__ == "__main__":
    sys.exit(main())
