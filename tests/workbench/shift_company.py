"""A company whose machine works by a weekly calendar, told as events.

Machine M of location L in Rome costs 30 an hour (overtime 45) and makes A, an hour a
piece. Its calendar DAY is open from 8 to 16 on weekdays, as is that of N, which makes
nothing; line M2 has a calendar of its own. 60 A are wanted on Thu 15 January 2026.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from tests.api import SqliteStore, Workbench
from tests.lakehouse.lake_events import day, event
from tests.made_folders import copied

if TYPE_CHECKING:
    from pathlib import Path

DUE = 10.0
"""Days from Mon 5 January 2026."""


def shift_company(folder: Path) -> Workbench:
    """Make the company, mirrored."""
    copied("shift company", _company, folder)
    return _opened(folder)


def _opened(folder: Path) -> Workbench:
    return Workbench(folder / "lake", f"sqlite:///{folder}/events.db")


def _company(folder: Path) -> None:
    key = {"routing": "R", "step": 1}
    hours = {"start": "08:00:00", "finish": "16:00:00"}
    line = {
        "demand": "D",
        "product": "A",
        "location": "L",
        "qty": 60.0,
        "due": day(DUE),
        "line": 1,
    }
    told: list[tuple[str, dict[str, Any]]] = [
        ("LocationDefined", {"location": "L", "timezone": "Europe/Rome"}),
        *(
            ("CalendarDefined", {"calendar": name, "timezone": "Europe/Rome"})
            for name in ("DAY", "OWN")
        ),
        *(
            ("ShiftDefined", {"calendar": name, "weekday": weekday, **hours})
            for name in ("DAY", "OWN")
            for weekday in range(1, 6)
        ),
        *(
            (
                "ResourceDefined",
                {
                    "resource": name,
                    "location": "L",
                    "calendar": calendar,
                    "cost_per_hour": 30.0,
                },
            )
            for name, calendar in (("M", "DAY"), ("N", "DAY"), ("M2", "OWN"))
        ),
        ("ProductDefined", {"product": "A", "name": "Cream A"}),
        ("RoutingDefined", {"routing": "R", "product": "A", "location": "L"}),
        ("StepDefined", {**key, "sequence": 1, "run_minutes_per_unit": 60.0}),
        ("StepResourceDefined", {**key, "resource": "M"}),
        (
            "SourcingDefined",
            {"product": "A", "location": "L", "kind": "make", "source": "R"},
        ),
        ("OrderPlaced", {"sales_order": "SO", "lines": [line]}),
    ]
    store = SqliteStore(folder / "events.db")
    store.append_many(
        [
            event(number, kind, occurred=day(0), **cells)
            for number, (kind, cells) in enumerate(told)
        ]
    )
    store.close()
    bench = _opened(folder)
    bench.mirror()
    bench.snapshot()
