"""Safety stock of a lake or of tables, and its folder."""

from __future__ import annotations

from typing import TYPE_CHECKING

import polars as pl

from medhavi.planners.replenishment.safety_stock import safety_stock
from medhavi.results.plans.folder import write_frames
from medhavi.workbench.files.atomic_write import replaced_folder

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    from medhavi.planners.replenishment.safety_stock import SafetyStock
    from medhavi.results.plans.folder import Format
    from medhavi.workbench.workbench import Workbench

NAMES = frozenset({"places", "inventory_policies"})
"""What a folder of safety stock holds."""


def lake_safety_stock(
    bench: Workbench, settings: Mapping[str, object] | None = None
) -> SafetyStock:
    """Place safety stock by what the customers of a lake ordered.

    Raises
    ------
    BadData
        The data has errors, or the first sources form a circle.
    UsageError
        A setting is unknown or out of range.
    """
    snapshot = bench.snapshot()
    ordered = bench.lake.order_line_observations()
    kept = ordered.filter(~pl.col("cancelled"))
    return safety_stock(snapshot, settings, kept)


def write_safety_stock(
    found: SafetyStock, out: str | Path, file_format: Format = "parquet"
) -> None:
    """Write the places and the changed policies, whole or not at all."""
    frames = {"places": found.places, "inventory_policies": found.policies}
    with replaced_folder(out, NAMES) as folder:
        write_frames(folder, frames, file_format)
