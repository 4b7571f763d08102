"""What mode constrained reads of the tables."""

from __future__ import annotations

from typing import TYPE_CHECKING

from medhavi.errors import NotAvailable
from medhavi.planners.mrp.unsupported import MRP, TableReading, check_supported

if TYPE_CHECKING:
    from medhavi.findings import Finding
    from medhavi.snapshot import Snapshot

READING = TableReading(
    mode="constrained",
    tables={
        "tariffs": "energy prices",
        "promise_policies": "promising",
    },
    columns=tuple(column for column in MRP.columns if column[1] != "max_early_days"),
    refused=MRP.refused,
    reads=frozenset(
        {
            ("lanes", "capacity_kg"),
            ("lanes", "capacity_m3"),
            ("disruptions", "severity"),
            ("reservations", "kind"),
        }
    ),
)


def check_obeyed(snapshot: Snapshot) -> list[Finding]:
    """List what is filled and has no effect in mode constrained.

    Raises
    ------
    NotAvailable
        Something filled would change quantities or dates and is not built yet.
    """
    found = check_supported(snapshot, READING)
    of_demand = snapshot["disruptions"]["kind"] == "demand_change"
    changed = snapshot["disruptions"].filter(of_demand)
    if changed.height:
        names = ", ".join(sorted(changed["disruption"].to_list())[:10])
        message = (
            f"Mode constrained does not support yet: disruptions of kind demand_change "
            f"({names}). Change the rows of demands instead."
        )
        asking = snapshot.input_rows("disruptions").filter(of_demand)
        raise NotAvailable(message, {"disruptions": tuple(asking)})
    return found
