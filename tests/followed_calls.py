"""The company of the pages `how-…-runs.md`, and which functions one call passes."""

from __future__ import annotations

import datetime as dt
import sys
from pathlib import Path
from typing import TYPE_CHECKING

import medhavi
from tests import factories

if TYPE_CHECKING:
    from collections.abc import Callable
    from types import FrameType

    from medhavi.snapshot import Snapshot

ROOT = Path(__file__).resolve().parents[1]


def day(number: int) -> dt.datetime:
    """Midnight UTC so many days after now of the company."""
    return factories.AS_OF + dt.timedelta(days=number)


REQUEST = {"product": "A", "location": "L", "qty": 60, "due": day(7)}


def company() -> Snapshot:
    """A of two B on machine M, an hour each; 20 A and 60 B lie there."""
    return factories.snapshot(
        demands=[{"qty": 50, "due": day(7)}, {"qty": 30, "due": day(8), "priority": 2}],
        stock=[{"product": "A", "qty": 20}, {"product": "B", "qty": 60}],
        routings=[{"routing": "R", "product": "A"}],
        steps=[{"run_minutes_per_unit": 60}],
        resources=[{"resource": "M"}],
        step_resources=[{"resource": "M"}],
        bom_lines=[{"component": "B", "qty_per": 2}],
        supply_terms=[
            {"product": "B", "lead_time_days": 7, "lead_time_p95_days": 9},
        ],
    )


def _planned(mode: str) -> list[str]:
    made = medhavi.plan(company(), mode)
    supplies = made.supplies.sort("product", "start")
    return [
        *(
            f"{kind} {qty:g} {product}: {start:%d %b %H:%M} to {finish:%d %b %H:%M}"
            for kind, qty, product, start, finish in supplies.select(
                "kind", "qty", "product", "start", "finish"
            ).rows()
        ),
        *(
            f"{demand}: {status}, {late:g} h late"
            for demand, status, late in made.fulfilment.select(
                "demand", "status", "lateness_h"
            ).rows()
        ),
        *(
            f"cause of {demand}: {code} {subject}, {hours:g} h"
            for demand, code, subject, hours in made.causes.select(
                "demand", "code", "subject", "hours"
            ).rows()
        ),
        *(
            f"{code} {product}: {hours:g} h"
            for code, product, hours in made.exceptions.select(
                "code", "product", "hours"
            ).rows()
        ),
    ]


def mrp() -> list[str]:
    """Plan of the company in mode mrp, line by line."""
    return _planned("mrp")


def constrained() -> list[str]:
    """Plan of the company in mode constrained, line by line."""
    return _planned("constrained")


def promise() -> list[str]:
    """Answer to the request, line by line."""
    made = medhavi.promise(company(), [REQUEST])[0]
    return [
        f"{made.status}: {made.option}",
        *(f"{one.qty:g} A: {_instant(one.date)}" for one in made.deliveries),
        f"P(on time) {made.on_time_prob:.3f}, P(date) {made.date_prob:.3f}",
        *(
            f"limiter: {one.code} {one.subject}, {one.hours:g} h"
            for one in made.limiters
        ),
        *(f"hold {one.kind} {one.subject} {one.qty:g}" for one in made.holds),
        *(
            f"remedy {one.code}: {one.qty:g} A {_instant(one.date)}"
            for one in made.remedies
        ),
    ]


def _instant(seconds: int) -> str:
    return f"{dt.datetime.fromtimestamp(seconds, dt.UTC):%d %b %H:%M}"


def passed(call: Callable[[], object]) -> list[str]:
    """Functions of the package that a call enters, each once, in that order.

    Returns
    -------
    list of str
        `medhavi/units.py:units_up`: file and qualified name.
    """
    entered: dict[tuple[str, str], None] = {}

    def note(frame: FrameType, event: str, _argument: object) -> None:
        if event == "call":
            code = frame.f_code
            entered[code.co_filename, code.co_qualname] = None

    before = sys.getprofile()
    sys.setprofile(note)
    try:
        call()
    finally:
        sys.setprofile(before)
    package = f"{ROOT / 'medhavi'}/"
    return [
        f"{file.removeprefix(f'{ROOT}/')}:{function}"
        for file, function in entered
        if file.startswith(package)
    ]
