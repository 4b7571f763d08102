"""The time-phased record of an item at a location, as MRP systems show it.

Per day, week or month on the wall clock of the location: gross requirements, scheduled
receipts, projected available balance, net requirements, planned order receipts and
planned order releases (ASCM dictionary: time-phased order point, material requirements
planning). What lies before the bucket of as_of is the past due column.

Quantities come and go when the verifier says so, which reads plan and snapshot alone.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

import polars as pl

from medhavi.errors import UsageError
from medhavi.results.amounts import location_zones
from medhavi.results.verify.balance import all_flows, receipts
from medhavi.results.verify.facts import Facts
from medhavi.units import from_seconds

if TYPE_CHECKING:
    import datetime as dt

    from medhavi.results.plans.plan import Plan
    from medhavi.snapshot import Snapshot

    Bucket = Literal["day", "week", "month"]


BUCKETS = {"day": "1d", "week": "1w", "month": "1mo"}
"""Lengths of buckets, as polars writes them; weeks begin on Monday."""
MOST_BUCKETS = 400
"""Buckets of a record; what comes later stands in the last one."""

MOVEMENTS = {
    "bucket": pl.Date(),
    "instant": pl.Datetime("us", "UTC"),
    "kind": pl.String(),
    "qty": pl.Float64(),
    "order": pl.String(),
    "demand": pl.String(),
}
"""Columns of movements: `bucket` is the first day of the bucket, null when past due;
`kind` is "gross requirement", "scheduled receipt", "planned order receipt", "planned
order release" or "expired"; `order` is the id of the order that brings, takes or is
released, `demand` the demand that takes."""

RECORD = {
    "bucket": pl.Date(),
    "gross_requirements": pl.Float64(),
    "scheduled_receipts": pl.Float64(),
    "projected_available_balance": pl.Float64(),
    "net_requirements": pl.Float64(),
    "planned_order_receipts": pl.Float64(),
    "planned_order_releases": pl.Float64(),
    "expired": pl.Float64(),
    "safety_stock": pl.Float64(),
}
"""Columns of a record: a row a bucket, the past due one (null) first."""

KINDS = {
    "gross_requirements": "gross requirement",
    "scheduled_receipts": "scheduled receipt",
    "planned_order_receipts": "planned order receipt",
    "planned_order_releases": "planned order release",
    "expired": "expired",
}
"""Kind of the movements of each line of a record."""
_DECIMALS = 6


@dataclass(frozen=True, slots=True, kw_only=True)
class TimePhasedRecord:
    """Requirements, receipts and balance of one item by bucket.

    Parameters
    ----------
    bucket
        Length of a bucket: "day", "week" or "month".
    on_hand
        Stock at as_of [units of the product].
    rows
        Columns as in `RECORD`; the balance is that at the end of the bucket, infinite
        where the item is unlimited.
    movements
        Columns as in `MOVEMENTS`, by instant: what the cells are made of.
    """

    product: str
    location: str
    bucket: str
    on_hand: float
    rows: pl.DataFrame
    movements: pl.DataFrame

    @property
    def past_due_releases(self) -> pl.DataFrame:
        """Movements of planned orders that should have been released before as_of."""
        released = pl.col("kind") == KINDS["planned_order_releases"]
        return self.movements.filter(released & pl.col("bucket").is_null())


class TimePhasedRecords:
    """Records of all items of a plan."""

    def __init__(self, plan: Plan, snapshot: Snapshot) -> None:
        self._facts = Facts(plan, snapshot)
        self._zones = location_zones(snapshot)

    def items(self) -> pl.DataFrame:
        """Items that have stock, supply or requirements: product, location, sorted."""
        columns = ("product", "location")
        flows = all_flows(self._facts).select(columns)
        return flows.drop_nulls().unique().sort(columns)

    def of(
        self, product: str, location: str, bucket: Bucket = "week"
    ) -> TimePhasedRecord:
        """Record of one item.

        Raises
        ------
        UsageError
            The plan has no such item, or there is no such bucket.
        """
        if bucket not in BUCKETS:
            message = f"{bucket!r} is not a bucket; choose {', '.join(BUCKETS)}."
            raise UsageError(message)
        here = (pl.col("product") == product) & (pl.col("location") == location)
        flows = all_flows(self._facts).filter(here)
        moved = self._movements(here, flows)
        if flows.is_empty() and moved.is_empty():
            message = (
                f"The plan has no item {product} at {location}: nothing of it is in "
                "stock, ordered or required."
            )
            raise UsageError(message)
        # Stock has no instant: it is there whenever it is asked for.
        stock = flows.filter(
            pl.col("finish_s").is_null() & pl.col("given").fill_null(value=False)
        )
        on_hand = float(stock["qty"].sum())
        zone = self._zones.get(location, "UTC")
        dated = moved.with_columns(bucket=self._bucket_of("instant", zone, bucket))
        first = self._now(zone, bucket)
        last = max([first, *dated["bucket"].to_list()])
        days = pl.date_range(first, last, BUCKETS[bucket], eager=True).to_list()
        days = days[:MOST_BUCKETS]
        positions = self._facts.plan.positions.filter(here).sort("bucket")
        expired = _expired(positions, on_hand).with_columns(
            bucket=pl.col("instant").dt.date().dt.truncate(BUCKETS[bucket])
        )
        dated = (
            pl.concat([dated, expired.filter(pl.col("bucket") <= last)], how="diagonal")
            .with_columns(
                bucket=pl.when(pl.col("bucket") >= first).then(
                    pl.col("bucket").clip(upper_bound=days[-1])
                )
            )
            .select(pl.col(name).cast(kind) for name, kind in MOVEMENTS.items())
        )
        ends = [*days[1:], None]
        safety = _safety(positions, ends)
        endless = not self._facts.unlimited.filter(here).is_empty()
        return TimePhasedRecord(
            product=product,
            location=location,
            bucket=bucket,
            on_hand=on_hand,
            rows=_record(
                dated,
                [None, *days],
                [safety[0], *safety],
                math.inf if endless else on_hand,
            ),
            movements=dated.sort("instant", "kind", "order", "demand"),
        )

    def _movements(self, here: pl.Expr, flows: pl.DataFrame) -> pl.DataFrame:
        """Movements of an item without their buckets; `flows` are all of its flows."""
        facts = self._facts
        taken = flows.filter(
            pl.col("order").is_not_null() | pl.col("owner").is_not_null()
        )
        requirements = taken.filter(pl.col("qty") < 0).select(
            pl.col("instant_s"),
            kind=pl.lit(KINDS["gross_requirements"]),
            qty=-pl.col("qty"),
            order="order",
            demand="owner",
        )
        kind = pl.when("given").then(pl.lit(KINDS["scheduled_receipts"]))
        # An order that exists stands at its date; exceptions say what to expedite.
        dated = pl.when("given").then("finish_s").otherwise("instant_s")
        arriving = (
            receipts(facts)
            .filter(here)
            .select(
                dated.alias("instant_s"),
                kind.otherwise(pl.lit(KINDS["planned_order_receipts"])).alias("kind"),
                "qty",
                pl.col("supply").alias("order"),
                pl.lit(None, pl.String).alias("demand"),
            )
        )
        released = facts.supplies.filter(here & pl.col("main") & ~pl.col("existing"))
        releases = released.select(
            pl.col("start_s").alias("instant_s"),
            pl.lit(KINDS["planned_order_releases"]).alias("kind"),
            pl.coalesce("order_qty", "qty").alias("qty"),
            "order",
            pl.lit(None, pl.String).alias("demand"),
        )
        moved = pl.concat([requirements, self._unmet(here), arriving, releases])
        return moved.with_columns(
            instant=pl.from_epoch("instant_s", "s")
            .dt.replace_time_zone("UTC")
            .dt.cast_time_unit("us")
        ).drop("instant_s")

    def _unmet(self, here: pl.Expr) -> pl.DataFrame:
        """What demands want and do not get: required when it is due."""
        asked = self._facts.plan.fulfilment.filter(
            pl.col("status") != "ignored", pl.col("short") > 0
        ).select("demand", "short")
        return (
            self._facts.demands.filter(here)
            .join(asked, on="demand", maintain_order="left")
            .select(
                pl.col("due_s").alias("instant_s"),
                pl.lit(KINDS["gross_requirements"]).alias("kind"),
                pl.col("short").alias("qty"),
                pl.lit(None, pl.String).alias("order"),
                "demand",
            )
        )

    def _bucket_of(self, column: str, zone: str, bucket: str) -> pl.Expr:
        """First day of the bucket of an instant on the wall clock of a zone."""
        wall = pl.col(column).dt.convert_time_zone(zone).dt.replace_time_zone(None)
        return wall.dt.truncate(BUCKETS[bucket]).dt.date()

    def _now(self, zone: str, bucket: str) -> dt.date:
        now = pl.DataFrame({"now": [from_seconds(self._facts.as_of)]})
        first: dt.date = now.select(self._bucket_of("now", zone, bucket)).item()
        return first


def _expired(positions: pl.DataFrame, on_hand: float) -> pl.DataFrame:
    """Stock that expires: what positions lose beside their requirements."""
    before = pl.col("on_hand").shift(1, fill_value=on_hand)
    lost = before + pl.col("inbound") - pl.col("gross") - pl.col("on_hand")
    return positions.select(
        instant="bucket", kind=pl.lit(KINDS["expired"]), qty=lost.round(3)
    ).filter(pl.col("qty") > 0)


def _safety(positions: pl.DataFrame, ends: list[dt.date | None]) -> list[float]:
    """Safety stock at the end of each bucket; `ends` are the days after them."""
    levels = positions.select(pl.col("bucket").dt.date(), "safety").rows()
    return [
        next(
            (level for day, level in reversed(levels) if end is None or day < end), 0.0
        )
        for end in ends
    ]


def _record(
    moved: pl.DataFrame,
    buckets: list[dt.date | None],
    safety: list[float],
    on_hand: float,
) -> pl.DataFrame:
    """Rows of a record: sums by bucket, then balance and net from left to right."""
    sums = moved.group_by("bucket", "kind").agg(pl.col("qty").sum()).rows()
    cells = {(day, kind): qty for day, kind, qty in sums}
    rows, balance = [], on_hand
    for day, level in zip(buckets, safety, strict=True):
        row = {name: cells.get((day, kind), 0.0) for name, kind in KINDS.items()}
        before = balance + row["scheduled_receipts"] - row["gross_requirements"]
        balance = before + row["planned_order_receipts"] - row["expired"]
        rows.append(
            {
                "bucket": day,
                **row,
                "projected_available_balance": balance,
                "net_requirements": max(0.0, level - before),
                "safety_stock": level,
            }
        )
    return pl.DataFrame(rows, schema=RECORD).with_columns(
        pl.col(pl.Float64).round(_DECIMALS)
    )


def time_phased(
    snapshot: Snapshot,
    plan: Plan,
    product: str,
    location: str,
    bucket: Bucket = "week",
) -> TimePhasedRecord:
    """Time-phased record of an item of a plan.

    Parameters
    ----------
    snapshot
        The tables that the plan was made from.
    bucket
        Length of a bucket.

    Raises
    ------
    UsageError
        The plan has no such item, or there is no such bucket.
    """
    return TimePhasedRecords(plan, snapshot).of(product, location, bucket)
