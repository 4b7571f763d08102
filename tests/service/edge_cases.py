"""The five edges of QA-05 as folders of tables; apps and pages are tried on them."""

from __future__ import annotations

import datetime as dt
from typing import TYPE_CHECKING

from tests import factories

if TYPE_CHECKING:
    from pathlib import Path

    from medhavi.snapshot import Snapshot

AS_OF = factories.AS_OF
LATER = AS_OF + dt.timedelta(days=28)


def no_demand() -> Snapshot:
    return factories.snapshot(
        products=[{"product": "A"}], locations=[{"location": "L"}]
    )


def cyclic_bom() -> Snapshot:
    return factories.snapshot(
        demands=[{"product": "A"}],
        routings=[
            {"routing": "R-A", "product": "A"},
            {"routing": "R-B", "product": "B"},
        ],
        bom_lines=[
            {"routing": "R-A", "component": "B"},
            {"routing": "R-B", "component": "A"},
        ],
    )


def zero_capacity() -> Snapshot:
    """A machine of a calendar without any shift."""
    return factories.snapshot(
        demands=[{"product": "A", "qty": 40}],
        calendars=[{"calendar": "CAL"}],
        resources=[{"resource": "M", "calendar": "CAL"}],
        routings=[{"routing": "R", "product": "A"}],
        steps=[{"routing": "R", "run_minutes_per_unit": 60}],
        step_resources=[{"routing": "R", "step": 1, "resource": "M"}],
    )


def past_due() -> Snapshot:
    return factories.snapshot(
        products=[{"product": "A", "name": "Apple crate"}],
        suppliers=[{"supplier": "S", "name": "Orchard"}],
        demands=[{"product": "A", "due": AS_OF + dt.timedelta(days=1)}],
        supply_terms=[{"product": "A", "lead_time_days": 15}],
    )


def no_source() -> Snapshot:
    """A demand that nothing can serve: what mode mrp knows as infeasible."""
    return factories.snapshot(demands=[{"product": "A", "qty": 40}])


EDGES = {
    "no_demand": no_demand,
    "cyclic_bom": cyclic_bom,
    "zero_capacity": zero_capacity,
    "past_due": past_due,
    "no_source": no_source,
}


def written(folder: Path, name: str) -> Path:
    """Write an edge case as CSV tables; give its folder."""
    place = folder / name
    EDGES[name]().to_folder(place, format="csv")
    return place
