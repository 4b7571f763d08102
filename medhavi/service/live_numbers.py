"""One number for each app on the landing page, from the data as it is now."""

from __future__ import annotations

import threading
import time
from typing import TYPE_CHECKING

import polars as pl

from medhavi.results.plan_locale import currency_of
from medhavi.service.page_data import load_data
from medhavi.views.format import count, money

if TYPE_CHECKING:
    from collections.abc import Mapping

    from medhavi.snapshot import Snapshot

KEPT_SECONDS = 60.0
"""How long numbers are shown before the data is looked at again."""
_lock = threading.Lock()
_kept: dict[str, tuple[float, dict[str, str]]] = {}


def live_numbers(tables: str | None = None) -> Mapping[str, str]:
    """Sentence with a number by app; nothing where there is no data.

    Parameters
    ----------
    tables
        Folder of tables; else the environment's or the workspace's data.
    """
    now = time.monotonic()
    with _lock:
        known = _kept.get(tables or "")
        if known is not None and now - known[0] < KEPT_SECONDS:
            return known[1]
        data = load_data(tables)
        told: dict[str, str] = {}
        if data.snapshot is not None and data.problem is None:
            told = numbers_of(data.snapshot)
        _kept[tables or ""] = (now, told)
        return told


def numbers_of(snapshot: Snapshot) -> dict[str, str]:
    """What waits in each app."""
    lines = snapshot["demands"].filter(
        (pl.col("kind") == "order") & pl.col("status").is_in(("open", "quote"))
    )
    now = pl.lit(snapshot.as_of * 1_000_000).cast(pl.Datetime("us", "UTC"))
    overdue = lines.filter(pl.col("due") < now).height
    waiting = lines.filter(pl.col("promised").is_null()).height
    started = snapshot["supply_orders"].filter(pl.col("kind") == "work").height
    stock = snapshot["stock"].join(
        snapshot["products"].select("product", "unit_cost"), on="product", how="left"
    )
    changing = snapshot["resources"]["changeover_matrix"].drop_nulls().len()
    value = float((stock["qty"] * stock["unit_cost"].fill_null(0.0)).sum())
    currency = currency_of(snapshot)
    return {
        "campaigns": f"{count(changing, 'resource')} with a changeover matrix",
        "plan": f"{overdue:,} of {count(lines.height, 'order line')} past due",
        "schedule": f"{count(started, 'open work order')}, listed under Plan",
        "promise": f"{count(waiting, 'order line')} without a promised date",
        "tradeoffs": f"{money(value, currency)} of stock on hand",
    }
