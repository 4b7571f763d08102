"""Reservations that bind a plan: active by state and not past their end (rule 10)."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import polars as pl

if TYPE_CHECKING:
    from medhavi.snapshot.snapshot import Snapshot

ACTIVE: Final = frozenset({"tentative", "reduced", "confirmed"})
"""States of a reservation that holds something."""


def active_holds(snapshot: Snapshot) -> pl.DataFrame:
    """Rows of `reservations` that are active at now of the plan, in their order.

    A row that is released, expired or past its `expires_at` holds nothing: a plan with
    it equals the plan without it.
    """
    rows = snapshot["reservations"]
    now = pl.lit(int(snapshot.as_of) * 1_000_000).cast(pl.Datetime("us", "UTC"))
    ends = pl.col("expires_at")
    return rows.filter(pl.col("state").is_in(ACTIVE) & (ends.is_null() | (ends > now)))
