"""Compile the planning kernels once and keep them on disk: `make setup` runs this.

numba compiles a function for the types of its first call, so each is called as planning
calls it: a plan of a small company is made with each engine. What is kept is loaded by
every later process.
"""

from __future__ import annotations

import datetime as dt
from importlib.util import find_spec
from typing import TYPE_CHECKING

from medhavi.planners import pipeline
from medhavi.snapshot import Snapshot

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from medhavi.results.plans.plan import Plan

START = dt.datetime(2026, 1, 5, tzinfo=dt.UTC)
RUNS: tuple[tuple[str, Mapping[str, object]], ...] = (
    ("constrained", {"engine": "numba"}),
)
"""Mode and settings of plans that together enter every kernel."""


def small_company() -> Snapshot:
    """Company short of hours: some demands are late, and goods expire."""
    return Snapshot.from_frames(
        {
            "settings": [{"as_of": START, "horizon_days": 60}],
            "locations": [{"location": "PLANT", "kind": "plant"}],
            "products": [
                {"product": "A"},
                {"product": "B", "shelf_life_days": 30.0},
                {"product": "C"},
            ],
            "resources": [
                {"resource": one, "location": "PLANT"} for one in ("M1", "M2")
            ],
            "routings": [
                {"routing": f"R-{one}", "product": one, "location": "PLANT"}
                for one in "AB"
            ],
            "steps": [
                {
                    "routing": f"R-{one}",
                    "step": 10,
                    "sequence": 1,
                    "run_minutes_per_unit": 60.0,
                }
                for one in "AB"
            ],
            "step_resources": [
                {"routing": "R-A", "step": 10, "resource": "M1"},
                {"routing": "R-B", "step": 10, "resource": "M2"},
            ],
            "bom_lines": [
                {"routing": "R-A", "line": 1, "component": "B", "qty_per": 2.0},
                {"routing": "R-B", "line": 1, "component": "C", "qty_per": 1.0},
            ],
            "suppliers": [{"supplier": "S"}],
            "supply_terms": [
                {
                    "supplier": "S",
                    "product": "C",
                    "location": "PLANT",
                    "lead_time_days": 3.0,
                }
            ],
            "demands": [
                {
                    "demand": f"D{number:02}",
                    "product": "AB"[number % 2],
                    "location": "PLANT",
                    "qty": 10.0 + number,
                    "due": START + dt.timedelta(days=4 + number // 2),
                    "priority": 1 + number % 3,
                }
                for number in range(12)
            ],
        }
    )


def plans() -> Iterator[Plan]:
    """Plan the small company with every engine, then with one demand less.

    Without numba nothing is planned.
    """
    if find_spec("numba") is None:
        return
    company = small_company()
    made = [pipeline.plan(company, mode, settings) for mode, settings in RUNS]
    yield from made
    fewer = company.replace(demands=company["demands"][1:])
    yield pipeline.plan(fewer, *RUNS[-1], baseline=made[-1])


def main() -> None:
    """Compile what is not kept yet."""
    for _ in plans():
        pass


if __name__ == "__main__":
    main()
