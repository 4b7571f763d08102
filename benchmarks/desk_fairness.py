"""A single quote beside a file of quotes, on a real server over HTTP.

    python -m benchmarks.desk_fairness WORKSPACE [--lines 5000] [--rounds 200]

Starts `medhavi serve` on a copy of a workspace of `medhavi demo`, measures quotes of
one line alone, then the same beside one call of so many lines, and writes p50, p95, p99
and longest of both [s] with their ratio to docs/performance.md. It ends with the single
quotes: a call that works still is not waited for.
"""

from __future__ import annotations

import argparse
import http.client
import json
import math
import os
import shutil
import socket
import subprocess
import sys
import tempfile
import threading
import time
import urllib.request
from contextlib import suppress
from pathlib import Path
from typing import Any

from benchmarks.performance_page import write_section
from medhavi.workbench import Workbench

MOST = 3
"""Times that a quote may take beside a call of many lines, against alone."""
DIFFERENT = 25
"""Lines that single quotes ask in turn."""


def main(words: list[str] | None = None) -> int:
    """Measure; the exit code is 1 where a single quote waits more than three times."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("workspace", type=Path)
    parser.add_argument("--lines", type=int, default=5_000)
    parser.add_argument("--rounds", type=int, default=200)
    parser.add_argument("--detail", default="full")
    stated = parser.parse_args(words)
    with tempfile.TemporaryDirectory(prefix="medhavi-") as folder:
        place = Path(folder) / "workspace"
        shutil.copytree(stated.workspace, place)
        rows = open_lines(place)
        port = free_port()
        process = started(place, port)
        try:
            wait(port)
            found = measured(port, rows, stated)
        finally:
            process.kill()
            process.wait()
    write(found)
    return 0 if found["ratio_p99"] <= MOST else 1


def write(found: dict[str, Any]) -> None:
    """Rewrite the section of docs/performance.md."""
    write_section(
        "desk_fairness",
        ("a quote of one line", "number", *(f"{name} s" for name in _SHARES)),
        [
            (name, *(str(value) for value in found[name].values()))
            for name in ("alone", "beside")
        ],
        f"On a real server over HTTP, alone and beside one call of {found['lines']:,} "
        f"lines; p99 beside against alone: {found['ratio_p99']} (gate {MOST}).",
    )


def measured(
    port: int, rows: list[dict[str, object]], stated: argparse.Namespace
) -> dict[str, Any]:
    """Latencies [s] of single quotes alone and beside a call of many lines."""
    singles = rows[:DIFFERENT]
    # Each line is asked once before it counts: the first time builds what it needs.
    taken(port, singles, len(singles))
    alone = sorted(taken(port, singles, stated.rounds))
    many = [rows[number % len(rows)] for number in range(stated.lines)]
    answers: list[float] = []

    def ask_many() -> None:
        # The server is ended before it has answered all.
        with suppress(http.client.HTTPException, OSError):
            answers.append(asked(port, many, stated.detail))

    bulk = threading.Thread(target=ask_many, daemon=True)
    bulk.start()
    time.sleep(1.0)
    beside: list[float] = []
    while bulk.is_alive() and len(beside) < stated.rounds:
        beside += taken(port, singles[len(beside) % len(singles) :], 1)
    beside.sort()
    return {
        "lines": stated.lines,
        "bulk_outlasted_the_singles": bulk.is_alive(),
        "alone": told(alone),
        "beside": told(beside),
        "ratio_p50": round(at(beside, 0.5) / at(alone, 0.5), 2),
        "ratio_p99": round(at(beside, 0.99) / at(alone, 0.99), 2),
    }


def told(order: list[float]) -> dict[str, float]:
    """Count, p50, p95, p99 and longest of sorted seconds."""
    found = {name: at(order, share) for name, share in _SHARES.items()}
    return {"count": len(order), **{k: round(v, 4) for k, v in found.items()}}


_SHARES = {"p50": 0.5, "p95": 0.95, "p99": 0.99, "longest": 1.0}


def at(order: list[float], share: float) -> float:
    """Smallest of sorted numbers that so large a share does not pass."""
    return order[math.ceil(share * len(order)) - 1]


def taken(port: int, rows: list[dict[str, object]], count: int) -> list[float]:
    """Seconds of so many quotes of one line, one after the other."""
    return [asked(port, [rows[n % len(rows)]], "full") for n in range(count)]


def asked(port: int, rows: list[dict[str, object]], detail: str) -> float:
    """Seconds that a quote takes, its answer read."""
    body = json.dumps({"requests": rows, "detail": detail}).encode()
    request = urllib.request.Request(
        f"http://127.0.0.1:{port}/desk/quote",
        body,
        {"content-type": "application/json"},
    )
    begin = time.perf_counter()
    with urllib.request.urlopen(request, timeout=1_800) as answer:
        said = json.load(answer)
    assert len(said["promises"]) == len(rows)
    return time.perf_counter() - begin


def open_lines(place: Path) -> list[dict[str, object]]:
    """Open order lines of a workspace, as requests without an order."""
    demands = Workbench(place / "lake").snapshot()["demands"]
    cells = ("product", "location", "customer", "qty", "due")
    rows = demands.filter(demands["status"] == "open").select(cells)
    return [{**row, "due": row["due"].isoformat()} for row in rows.to_dicts()]


def started(place: Path, port: int) -> subprocess.Popen[bytes]:
    """Start a server on a workspace."""
    start = "import sys; from medhavi.cli import main; sys.exit(main())"
    words = ["serve", "--port", str(port), "--lake", str(place / "lake")]
    known = {key: value for key, value in os.environ.items() if "MEDHAVI_T" not in key}
    return subprocess.Popen(
        [sys.executable, "-c", start, *words],
        env={**known, "MEDHAVI_STORE": f"sqlite:///{place}/events.db"},
        stdout=subprocess.DEVNULL,
    )


def free_port() -> int:
    """Port of this machine that nobody listens at."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        return int(free.getsockname()[1])


def wait(port: int, limit_s: float = 120.0) -> None:
    """Wait until the desk of a server is open."""
    end = time.monotonic() + limit_s
    while time.monotonic() < end:
        try:
            with urllib.request.urlopen(f"http://127.0.0.1:{port}/health") as said:
                if json.load(said)["ready"]:
                    return
        except OSError:
            pass
        time.sleep(0.3)
    message = "the server did not become ready"
    raise TimeoutError(message)


if __name__ == "__main__":
    sys.exit(main())
