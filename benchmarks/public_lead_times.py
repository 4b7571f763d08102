"""Public lead times as histories: USAID SCMS shipments and Cargo 2000 transports.

What is in the files and under which licence is told in docs/predictors.md.
"""

from __future__ import annotations

import datetime as dt
import io
from typing import TYPE_CHECKING

import polars as pl

from medhavi.predict.windows import HISTORY, Split, Windows

if TYPE_CHECKING:
    from pathlib import Path

    from medhavi.predict.recipe import TrainingRecipe

SCMS = "SCMS_Delivery_History_Dataset.csv"
CARGO = "c2k_data_comma.csv"
AHEAD_DAYS = 30
"""Punctuality is foretold so many days before the scheduled date."""
_COLUMNS = {
    "ASN/DN #": "shipment",
    "Country": "country",
    "Fulfill Via": "way",
    "Shipment Mode": "mode",
    "PO Sent to Vendor Date": "ordered",
    "Scheduled Delivery Date": "scheduled",
    "Delivered to Client Date": "delivered",
    "Delivery Recorded Date": "recorded",
    "Vendor": "vendor",
    "Line Item Quantity": "qty",
}
_DATES = ("ordered", "scheduled", "delivered", "recorded")
_FORMATS = ("%d-%b-%y", "%m/%d/%y", "%m/%d/%Y")
_NO_DATES = dt.datetime(2000, 1, 1, tzinfo=dt.UTC)
_MINUTES = 1440.0
_INBOUND = ("i1_", "i2_", "i3_")


def shipments(folder: Path) -> pl.DataFrame:
    """Read the shipments of USAID SCMS: lines of one shipment share its dates."""
    # Bare carriage returns end the lines, and a mark of byte order begins the file.
    text = (folder / "leadtime" / SCMS).read_bytes().decode("utf-8-sig")
    text = text.replace("\r\n", "\n").replace("\r", "\n")
    lines = pl.read_csv(io.StringIO(text), infer_schema=False, null_values=["N/A"])
    lines = lines.select(list(_COLUMNS)).rename(_COLUMNS)
    lines = lines.with_columns(
        *[
            pl.coalesce(
                pl.col(name).str.strptime(pl.Date, form, strict=False)
                for form in _FORMATS
            )
            for name in _DATES
        ],
        pl.col("qty").cast(pl.Float64, strict=False),
        pl.col("mode").fill_null("unknown"),
    )
    return (
        lines.group_by("shipment", maintain_order=True)
        .agg(pl.all().exclude("qty").first(), pl.col("qty").sum())
        .drop_nulls(["scheduled", "delivered"])
        .sort("scheduled", "shipment")
    )


def scms_lead_times(folder: Path) -> pl.DataFrame:
    """Days from order to delivery by vendor and mode, where the order is dated.

    The scheduled date is left out: most recorded deliveries equal it to the day, so a
    model that sees it copies the plan.
    """
    told = shipments(folder).filter(pl.col("delivered") >= pl.col("ordered"))
    return _history(
        told,
        subject="vendor",
        product="mode",
        ordered=pl.col("ordered"),
        stated=pl.lit(None, dtype=pl.Float64),
    )


def scms_punctuality(folder: Path) -> pl.DataFrame:
    """Punctuality by country and way, foretold `AHEAD_DAYS` before the date."""
    told = shipments(folder).with_columns(
        line=pl.concat_str("country", "way", separator=" / ")
    )
    return _history(
        told,
        subject="line",
        product="vendor",
        ordered=pl.col("scheduled") - pl.duration(days=AHEAD_DAYS),
        stated=pl.lit(float(AHEAD_DAYS)),
    )


def _history(
    told: pl.DataFrame, *, subject: str, product: str, ordered: pl.Expr, stated: pl.Expr
) -> pl.DataFrame:
    instant = HISTORY["ordered_at"]
    known = pl.max_horizontal("delivered", "recorded")
    return told.select(
        subject=subject,
        product=product,
        qty="qty",
        ordered_at=ordered.cast(pl.Datetime("us")).dt.replace_time_zone("UTC"),
        known_at=known.cast(pl.Datetime("us")).dt.replace_time_zone("UTC"),
        lead_days=(pl.col("delivered") - ordered).dt.total_days().cast(pl.Float64),
        stated_days=stated,
        on_time=pl.col("delivered") <= pl.col("scheduled"),
    ).cast({"ordered_at": instant, "known_at": instant})


def cargo(folder: Path) -> pl.DataFrame:
    """Planned and actual days of Cargo 2000 transports, in the order of the file.

    The file has no dates. The place in it stands for time; what is judged becomes
    known only after all of it, so that nothing of the test teaches.
    """
    raw = pl.read_csv(folder / "leadtime" / CARGO, null_values=["?"])
    test = int(raw.height * 0.8)
    place = pl.int_range(pl.len())
    return raw.select(
        subject=pl.col("o_dep_1_place").cast(pl.String),
        product=pl.coalesce(f"o_rcf_{stop}_place" for stop in (3, 2, 1)).cast(
            pl.String
        ),
        qty=pl.col("legs").cast(pl.Float64),
        ordered_at=_NO_DATES + pl.duration(minutes=place),
        known_at=_NO_DATES
        + pl.duration(
            minutes=pl.when(place < test).then(place).otherwise(raw.height), seconds=30
        ),
        lead_days=_days(raw.columns, "_e"),
        stated_days=_days(raw.columns, "_p"),
        on_time=_days(raw.columns, "_e") <= _days(raw.columns, "_p"),
    ).filter(pl.col("lead_days") > 0)


def _days(columns: list[str], ending: str) -> pl.Expr:
    """Add up an outbound leg and the slowest inbound leg, planned or effective."""

    def total(start: str) -> pl.Expr:
        names = [n for n in columns if n.startswith(start) and n.endswith(ending)]
        return pl.sum_horizontal(pl.col(n).cast(pl.Float64).fill_null(0) for n in names)

    slowest = pl.max_horizontal(total(start) for start in _INBOUND)
    return (slowest + total("o_")) / _MINUTES


def file_order(rows: pl.DataFrame, recipe: TrainingRecipe) -> Split:
    """Cut by place: the last 20 % judge, of the rest the last fifth chooses."""
    del recipe
    rows = rows.sort("ordered_at")

    def origin(upto: int) -> Windows:
        first, second = int(upto * 0.6), int(upto * 0.8)
        return Windows(rows[:first], rows[first:second], rows[:0], rows[second:upto])

    return Split((origin(int(rows.height * 0.8)),), origin(rows.height))
