"""Tables of gold that are derived from bronze whenever they are read.

Equal logs give equal rows, and nothing has to be kept in step.
"""

from __future__ import annotations

from types import MappingProxyType
from typing import TYPE_CHECKING

from medhavi.lakehouse.observations import LEAD_TIMES, lead_times
from medhavi.lakehouse.order_outcomes import ORDER_LINES, order_lines

if TYPE_CHECKING:
    import datetime as dt
    from collections.abc import Callable, Mapping

    import polars as pl

    from medhavi.lakehouse.log.log_reading import EventLog

    Derive = Callable[[EventLog, dt.datetime | None], pl.DataFrame]

DERIVED: Mapping[str, Derive] = MappingProxyType(
    {LEAD_TIMES: lead_times, ORDER_LINES: order_lines}
)
"""Name of the table → what reads it from the log, as known at a moment or now."""
