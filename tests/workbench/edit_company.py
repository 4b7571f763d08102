"""A small company whose plan is edited, and a process that dies while it edits.

    python -m tests.workbench.edit_company FOLDER [all]

opens the company of a folder, previews the first proposal's firming (with `all` the end
of its orders beside it) and hangs where the edit is decided and not yet appended.
"""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import threading
from pathlib import Path
from typing import TYPE_CHECKING, Any

from tests.api import SqliteStore, Workbench, plan
from tests.lakehouse.lake_events import body, event, line, small_company
from tests.made_folders import copied
from tests.workbench.desk_writer import POINTS, StoppedStore, tell

if TYPE_CHECKING:
    from medhavi.results.plans.plan import Plan


def company(folder: Path, *more: Any) -> Workbench:
    """Make a mirrored company: 100 of A wanted, 40 in stock, 30 on order, 30 missing.

    A costs 2 from supplier S (five days) and 3 from supplier T (one day).
    """
    copied(f"edited {more}", lambda made: _company(made, more), folder)
    return opened(folder)


def _company(folder: Path, more: tuple[Any, ...]) -> None:
    """Write the events and the lake, folded."""
    store = SqliteStore(folder / "events.db")
    store.append_many(
        [
            *small_company(),
            event(20, "SupplierDefined", supplier="T"),
            event(
                21,
                "SupplyTermDefined",
                supplier="T",
                product="A",
                location="DC",
                lead_time_days=1.0,
                unit_price=3.0,
                preference=2,
            ),
            event(
                22,
                "SupplyTermDefined",
                supplier="S",
                product="A",
                location="DC",
                lead_time_days=5.0,
                unit_price=2.0,
            ),
            *more,
        ]
    )
    store.close()
    bench = opened(folder)
    bench.mirror()
    bench.snapshot()


def opened(folder: Path) -> Workbench:
    """Open the company of a folder."""
    return Workbench(folder / "lake", f"sqlite:///{folder}/events.db")


def plan_of(bench: Workbench, mode: str = "mrp") -> Plan:
    """Plan the newest facts and keep the plan nowhere, which is quick."""
    return plan(bench.snapshot(), mode, settings={"engine": "python"})


def proposal(plan: Plan) -> str:
    """Id of the one proposal."""
    (found,) = plan.supplies.filter(plan.supplies["status"] == "planned")["id"]
    return str(found)


def killed(folder: Path, *more: str) -> None:
    """Kill a process that edits in a folder, before it appends what it decided."""
    doomed = subprocess.Popen(
        [sys.executable, "-m", "tests.workbench.edit_company", str(folder), *more],
        cwd=Path(__file__).parents[2],
        stdout=subprocess.PIPE,
        text=True,
        env={**os.environ, "POLARS_MAX_THREADS": "1"},
    )
    assert doomed.stdout.readline() == "ready ready\n"
    assert doomed.stdout.readline() == "stopped before the hold\n"
    doomed.send_signal(signal.SIGKILL)
    doomed.wait()
    doomed.stdout.close()


def reported(folder: Path, *told: Any) -> None:
    """Append what other systems report."""
    SqliteStore(folder / "events.db").append_many(list(told))


__all__ = [
    "body",
    "company",
    "event",
    "line",
    "opened",
    "plan_of",
    "proposal",
    "reported",
]


if __name__ == "__main__":
    bench = opened(Path(sys.argv[1]))
    made = bench.plan()
    asked: dict[str, Any] = {"kind": "firm", "supply": proposal(made)}
    if sys.argv[2:] == ["all"]:
        orders = bench.snapshot()["supply_orders"]["supply_order"]
        ends = [{"kind": "cancel", "supply": one} for one in orders]
        asked = {"kind": "mass_change", "edits": [asked, *ends]}
    shown = bench.preview(made, asked)
    bench.edits.store = StoppedStore(Path(sys.argv[1]) / "events.db", POINTS[0])
    tell(f"ready {shown.status}")
    bench.commit_edit(shown, approver="Ada")
    threading.Event().wait()
