"""Observations of the lake as the predictors read them: lengths in the right days.

An estimate stands in for a stated time, so it counts as that time counts (rule 13):
lead days of a purchase are open days of the supplier, less the receipt days of its
terms; a transport's are hours of the lane's calendar, 24 to a day. Receipt days are
not counted back over the location's calendar: a date that was promised for a Sunday
would lose the weekend with them.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import polars as pl

from medhavi.predict.estimates import EVERY_PRODUCT
from medhavi.predict.windows import HISTORY
from medhavi.providers import Providers
from medhavi.units import DAY, to_seconds

if TYPE_CHECKING:
    import datetime as dt

    from medhavi.snapshot import Snapshot
    from medhavi.snapshot.calendars.calendars import WorkingTime

_EVERYWHERE = "*"
_HOURS = 24.0


def history_of(
    observations: pl.DataFrame, snapshot: Snapshot, kind: str
) -> pl.DataFrame:
    """History of suppliers or lanes.

    Parameters
    ----------
    observations
        Table gold.lead_time_observations.
    snapshot
        Calendars and terms as they are now.
    kind
        supplier or lane.

    Returns
    -------
    DataFrame
        Columns of `predict.features.HISTORY`.
    """
    ruler = _SupplierDays(snapshot) if kind == "supplier" else _LaneDays(snapshot)
    rows = []
    for row in observations.filter(pl.col("kind") == kind).iter_rows(named=True):
        actual = ruler.days(row, row["begun_at"], row["received_at"])
        stated = ruler.days(row, row["booked_at"], row["promised_at"])
        rows.append(
            {
                **{name: row[name] for name in HISTORY if name in row},
                "lead_days": actual,
                "stated_days": stated if stated > 0 else None,
            }
        )
    return pl.DataFrame(rows, schema=HISTORY, orient="row")


def subjects_of(snapshot: Snapshot, kind: str) -> pl.DataFrame:
    """What estimates are wanted for: `subject`, `product`, `stated_days`.

    A supplier stands once for all products and once for each product of its terms; a
    lane once.
    """
    if kind == "lane":
        return snapshot["lanes"].select(
            subject="lane",
            product=pl.lit(EVERY_PRODUCT),
            stated_days=(pl.col("duration_h") + pl.col("customs_h").fill_null(0.0))
            / _HOURS,
        )
    terms = snapshot["supply_terms"]
    each = (
        terms.filter(pl.col("product").is_in(snapshot["products"]["product"].implode()))
        .group_by(subject="supplier", product="product")
        .agg(stated_days=pl.col("lead_time_days").median())
    )
    whole = (
        snapshot["suppliers"]
        .select(subject="supplier", product=pl.lit(EVERY_PRODUCT))
        .join(
            terms.group_by(subject="supplier").agg(
                stated_days=pl.col("lead_time_days").median()
            ),
            on="subject",
            how="left",
        )
    )
    return pl.concat([whole, each], how="diagonal").sort("subject", "product")


class _SupplierDays:
    """Open days of a supplier, from order to stock, less the receipt days."""

    def __init__(self, snapshot: Snapshot) -> None:
        self._providers = Providers(snapshot)
        self._calendar_of = dict(
            snapshot["suppliers"].select("supplier", "calendar").iter_rows()
        )
        self._receipt = {
            (supplier, product, location): days
            for supplier, product, location, days in snapshot["supply_terms"]
            .select("supplier", "product", "location", "receipt_days")
            .iter_rows()
        }

    def days(
        self, row: dict[str, Any], begun: dt.datetime, there: dt.datetime
    ) -> float:
        passed = self._time(row["subject"]).days_between(
            to_seconds(begun), to_seconds(there)
        )
        receipt = self._receipt_days(row["subject"], row["product"], row["location"])
        return max(passed - receipt, 0.0)

    def _time(self, supplier: str) -> WorkingTime:
        calendar = self._calendar_of.get(supplier)
        return self._providers.calendars.working_time(calendar)

    def _receipt_days(self, supplier: str, product: str, location: str) -> float:
        for name in self._providers.facts.lineage(product):
            for place in (location, _EVERYWHERE):
                days = self._receipt.get((supplier, name, place))
                if days is not None:
                    return float(days)
        return 0.0


class _LaneDays:
    """Hours of a lane's calendar, from departure to use, 24 to a day."""

    def __init__(self, snapshot: Snapshot) -> None:
        self._calendars = Providers(snapshot).calendars
        self._calendar_of = dict(
            snapshot["lanes"].select("lane", "calendar").iter_rows()
        )

    def days(
        self, row: dict[str, Any], begun: dt.datetime, there: dt.datetime
    ) -> float:
        time = self._calendars.working_time(self._calendar_of.get(row["subject"]))
        start, finish = to_seconds(begun), to_seconds(there)
        return time.between(start, finish) / DAY if finish > start else 0.0
