"""Schemas, keys and meanings of the tables of a plan (design 7, rule 23).

Column order is part of the contract: files, fingerprints and views rely on it.

A protocol, so that the plan can call them without a circle of imports.
"""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType
from typing import TYPE_CHECKING, Protocol

import polars as pl

from medhavi.snapshot.fingerprint import in_order

if TYPE_CHECKING:
    from medhavi.results.amounts import PlanLocale
    from medhavi.results.run_record import RunRecord


INSTANT = pl.Datetime("us", "UTC")
TEXT = pl.String()
NUMBER = pl.Float64()
COUNT = pl.Int64()
FLAG = pl.Boolean()

Schema = Mapping[str, pl.DataType]


def _columns(**groups: pl.DataType) -> Schema:
    return MappingProxyType(dict(groups))


SCHEMAS: Mapping[str, Schema] = MappingProxyType(
    {
        "supplies": _columns(
            id=TEXT,
            number=TEXT,
            kind=TEXT,
            product=TEXT,
            location=TEXT,
            qty=NUMBER,
            order_qty=NUMBER,
            start=INSTANT,
            finish=INSTANT,
            source=TEXT,
            lane=TEXT,
            departure=INSTANT,
            status=TEXT,
            firm=FLAG,
            lot_rule=TEXT,
            campaign=TEXT,
            cost=NUMBER,
            co2_kg=NUMBER,
            content_hash=TEXT,
        ),
        "operations": _columns(
            id=TEXT,
            supply=TEXT,
            step=COUNT,
            segment=COUNT,
            resource=TEXT,
            units=NUMBER,
            start=INSTANT,
            finish=INSTANT,
            setup_minutes=NUMBER,
            run_minutes=NUMBER,
            locked=FLAG,
        ),
        "pegging": _columns(
            id=TEXT,
            demand=TEXT,
            supply=TEXT,
            product=TEXT,
            location=TEXT,
            qty=NUMBER,
            level=COUNT,
            source=TEXT,
            firm=FLAG,
        ),
        "deliveries": _columns(
            demand=TEXT,
            qty=NUMBER,
            date=INSTANT,
            p50=INSTANT,
            p80=INSTANT,
            p95=INSTANT,
            on_time_prob=NUMBER,
        ),
        "fulfilment": _columns(
            demand=TEXT,
            due=INSTANT,
            qty=NUMBER,
            planned=NUMBER,
            short=NUMBER,
            lateness_h=NUMBER,
            status=TEXT,
            limiter=TEXT,
            past_due=FLAG,
            at_risk=FLAG,
        ),
        "causes": _columns(
            demand=TEXT,
            code=TEXT,
            subject=TEXT,
            valid_from=INSTANT,
            valid_to=INSTANT,
            hours=NUMBER,
            money=NUMBER,
            remedy=TEXT,
            tested_date=INSTANT,
        ),
        "positions": _columns(
            product=TEXT,
            location=TEXT,
            bucket=INSTANT,
            gross=NUMBER,
            net=NUMBER,
            on_hand=NUMBER,
            inbound=NUMBER,
            reserved=NUMBER,
            safety=NUMBER,
            short=NUMBER,
        ),
        "loads": _columns(
            resource=TEXT,
            bucket=INSTANT,
            available=NUMBER,
            run=NUMBER,
            setup=NUMBER,
            overload=NUMBER,
        ),
        "exceptions": _columns(
            code=TEXT,
            severity=TEXT,
            supply=TEXT,
            demand=TEXT,
            product=TEXT,
            location=TEXT,
            date=INSTANT,
            suggested_date=INSTANT,
            qty=NUMBER,
            hours=NUMBER,
            message=TEXT,
        ),
        "contributions": _columns(
            objective=TEXT,
            part=TEXT,
            value=NUMBER,
            plan=NUMBER,
            unit=TEXT,
        ),
        "prices": _columns(
            constraint=TEXT,
            subject=TEXT,
            bucket=INSTANT,
            price=NUMBER,
            unit=TEXT,
            verified=FLAG,
            more=NUMBER,
            saves=NUMBER,
        ),
        "kpis": _columns(
            kpi=TEXT,
            name=TEXT,
            value=NUMBER,
            unit=TEXT,
            numerator=NUMBER,
            denominator=NUMBER,
            reason=TEXT,
        ),
    }
)
"""Columns of each table of a plan, in their order."""

KEYS: Mapping[str, tuple[str, ...]] = MappingProxyType(
    {
        "supplies": ("id",),
        "operations": ("id",),
        "pegging": ("id",),
        "deliveries": tuple(SCHEMAS["deliveries"]),
        "fulfilment": ("demand",),
        "causes": tuple(SCHEMAS["causes"]),
        "positions": ("product", "location", "bucket"),
        "loads": ("resource", "bucket"),
        "exceptions": tuple(SCHEMAS["exceptions"]),
        "contributions": ("objective", "part"),
        "prices": ("constraint", "subject", "bucket", "more"),
        "kpis": ("kpi",),
    }
)
"""Sort keys. A table whose rows have no key of their own sorts by all its columns."""


LABELS: Mapping[str, tuple[str, ...]] = MappingProxyType({"supplies": ("number",)})
"""Columns that name a row for people: no part of its content, nor of a fingerprint."""


def content(name: str, frame: pl.DataFrame) -> pl.DataFrame:
    """Columns of a table that are its content: all but the labels."""
    return frame.drop(LABELS.get(name, ()), strict=False)


def empty(name: str) -> pl.DataFrame:
    """Table without rows.

    >>> empty("loads").columns
    ['resource', 'bucket', 'available', 'run', 'setup', 'overload']
    """
    return pl.DataFrame(schema=dict(SCHEMAS[name]))


def shaped(
    name: str, frame: pl.DataFrame, schemas: Mapping[str, Schema] = SCHEMAS
) -> pl.DataFrame:
    """Bring a frame into the schema: order, types, missing columns as nulls.

    Parameters
    ----------
    name
        A table of `schemas`.
    frame
        Its rows; a missing column means "not stated" in every row.

    Raises
    ------
    ValueError
        The frame has a column that the table does not know.
    """
    schema = schemas[name]
    if frame.schema == dict(schema) and frame.columns == list(schema):
        return frame
    unknown = [column for column in frame.columns if column not in schema]
    if unknown:
        message = (
            f"Result table {name} has no column {unknown[0]}; "
            f"its columns are {', '.join(schema)}."
        )
        raise ValueError(message)
    if frame.is_empty():
        # Literals on a frame without rows and columns would make a row.
        return pl.DataFrame(schema=dict(schema))
    return frame.select(
        pl.col(column).cast(dtype)
        if column in frame.columns
        else pl.lit(None, dtype=dtype).alias(column)
        for column, dtype in schema.items()
    )


def in_key_order(name: str, frame: pl.DataFrame) -> pl.DataFrame:
    """Rows in order of the key of the table, nulls first; sorted only where not so."""
    return in_order(frame, KEYS[name])


class PlanAccess(Protocol):
    """The part of `Plan` that the package itself reads."""

    @property
    def run(self) -> RunRecord:
        """How the plan came about."""
        ...

    @property
    def locale(self) -> PlanLocale:
        """Zones and currency in which the plan is told."""
        ...

    @property
    def supplies(self) -> pl.DataFrame:
        """New and existing orders."""
        ...

    @property
    def operations(self) -> pl.DataFrame:
        """Work of the make orders."""
        ...

    @property
    def pegging(self) -> pl.DataFrame:
        """Which supply serves which demand."""
        ...

    @property
    def deliveries(self) -> pl.DataFrame:
        """What each demand gets, and when."""
        ...

    @property
    def fulfilment(self) -> pl.DataFrame:
        """One row per demand."""
        ...

    @property
    def causes(self) -> pl.DataFrame:
        """Why demands are late or short."""
        ...

    @property
    def exceptions(self) -> pl.DataFrame:
        """What a person should look at."""
        ...
