"""Limits that mode mrp does not obey but lists: suppliers, space, most stock (rule 2).

A supplier's quantity counts by receipt (rule 32): per period of `supply_terms`, counted
from as_of, and per window of `supplier_capacity`. Stock is compared at the end of each
bucket of the positions; the first excess of a place is listed.
"""

from __future__ import annotations

from collections import defaultdict
from fractions import Fraction
from typing import TYPE_CHECKING, Any, NamedTuple

import polars as pl

from medhavi.results.amounts import number
from medhavi.results.exceptions import ExceptionCode
from medhavi.units import DAY, to_seconds

if TYPE_CHECKING:
    import datetime as dt
    from collections.abc import Iterable, Iterator, Mapping, Sequence

    from medhavi.planners.mrp.netting_state.order_creation import OrderCreation
    from medhavi.planners.mrp.netting_state.state import NodeKey, SupplyOrder
    from medhavi.providers import Providers
    from medhavi.providers.sources import Source
    from medhavi.providers.sourcing.supply_limits import SupplyLimit, SupplyLimits
    from medhavi.snapshot import Snapshot


class LimitExcess(NamedTuple):
    """What goes beyond a limit: the cells of its exception."""

    code: ExceptionCode
    message: str
    product: str | None
    location: str | None
    date: int
    qty: float


class SupplierReceipt(NamedTuple):
    """What a supplier brings to the door at an instant [units]."""

    source: Source
    at: int
    units: int


def excesses(
    release: OrderCreation,
    providers: Providers,
    snapshot: Snapshot,
    positions: pl.DataFrame,
) -> Iterator[LimitExcess]:
    """List what goes beyond the limits of suppliers and of places.

    Parameters
    ----------
    release
        Register of the finished run.
    providers
        Limits of suppliers.
    snapshot
        Limits of places.
    positions
        Projected stock of the run.
    """
    limits = providers.supply_limits()
    yield from supplier_excesses(receipts(release.orders, limits), limits)
    yield from stock_excesses(snapshot, positions)


def receipts(
    orders: Iterable[SupplyOrder], limits: SupplyLimits
) -> Iterator[SupplierReceipt]:
    """List what orders bring from suppliers that deliver only so much."""
    for order in orders:
        source = order.source
        if order.kind != "buy" or source is None or not order.units:
            continue
        if limits.limits(source):
            at = limits.door(source, order.timing.finish)
            yield SupplierReceipt(source, at, order.steps)


def supplier_excesses(
    found: Iterable[SupplierReceipt], limits: SupplyLimits
) -> Iterator[LimitExcess]:
    """List what receipts go beyond the limits of suppliers, periods before windows."""
    sums: dict[tuple[object, ...], Fraction] = defaultdict(Fraction)
    stated: dict[tuple[Any, ...], tuple[SupplyLimit, str]] = {}
    for source, at, units in found:
        for limit in limits.of_supplier(source, at):
            sums[limit.key] += units * source.step
            stated[limit.key] = limit, source.source
    for key in sorted(stated):
        limit, supplier = stated[key]
        if sums[key] <= limit.most:
            continue
        qty, most, product = float(sums[key]), float(limit.most), limit.product
        if key[0] == "period":
            days = (limit.until - limit.since) / DAY
            message = (
                f"{supplier} is to deliver {number(qty)} of {product} in {days:g} days; its "
                f"terms give {number(most)}."
            )
        else:
            name = "everything" if product == "*" else product
            message = (
                f"{supplier} is to deliver {number(qty)} of {name} in a window; "
                f"it can deliver {number(most)}."
            )
        yield LimitExcess(
            ExceptionCode.SUPPLIER_CAPACITY,
            message,
            None if product == "*" else product,
            None if limit.location == "*" else limit.location,
            limit.since,
            float(sums[key] - limit.most),
        )


def stock_excesses(
    snapshot: Snapshot, positions: pl.DataFrame
) -> Iterator[LimitExcess]:
    """List where projected stock goes beyond the limits of places."""
    yield from _maxima(snapshot, positions)
    yield from _shelves(snapshot, positions)
    yield from _rooms(snapshot, positions)


def _maxima(snapshot: Snapshot, positions: pl.DataFrame) -> Iterator[LimitExcess]:
    """Compare with the policies' maximum, time-phased first; not that of min_max."""
    policies = snapshot["inventory_policies"]
    here = positions["product"].unique().implode()
    policies = policies.filter(pl.col("product").is_in(here))
    rules = {
        (row["product"], row["location"]): row for row in policies.iter_rows(named=True)
    }
    phases: dict[NodeKey, list[Mapping[str, object]]] = defaultdict(list)
    for row in snapshot["inventory_levels"].iter_rows(named=True):
        if row["max_qty"] is not None:
            phases[(row["product"], row["location"])].append(row)
    limited = {*(key for key, row in rules.items() if row["max_qty"] is not None)}
    limited |= set(phases)
    exempt = {
        key
        for key, row in rules.items()
        if row["lot_rule"] == "min_max" or row["on_violation"] == "allow"
    }
    seen: set[NodeKey] = set(exempt)
    if limited <= seen:
        return
    for row in positions.iter_rows(named=True):
        key = (row["product"], row["location"])
        if key not in limited or key in seen:
            continue
        most = _phase(phases.get(key, ()), row["bucket"])
        if most is None and key in rules:
            most = rules[key]["max_qty"]
        if most is not None and row["on_hand"] > most:
            seen.add(key)
            yield _above(ExceptionCode.ABOVE_MAXIMUM, row, most)


def _phase(rows: Sequence[Mapping[str, object]], moment: dt.datetime) -> float | None:
    for row in rows:
        begin, end = row["valid_from"], row["valid_to"]
        if (begin is None or begin <= moment) and (end is None or moment < end):  # type: ignore[operator]
            return float(str(row["max_qty"]))
    return None


def _shelves(snapshot: Snapshot, positions: pl.DataFrame) -> Iterator[LimitExcess]:
    """Compare with the limit of a product at a place."""
    most = {
        (row["product"], row["location"]): row["max_qty"]
        for row in snapshot["storage_limits"].iter_rows(named=True)
    }
    seen: set[NodeKey] = set()
    if not most:
        return
    for row in positions.iter_rows(named=True):
        key = (row["product"], row["location"])
        if key in most and key not in seen and row["on_hand"] > most[key]:
            seen.add(key)
            yield _above(ExceptionCode.STORAGE_LIMIT, row, most[key])


def _above(code: ExceptionCode, row: Mapping[str, object], most: float) -> LimitExcess:
    on_hand = float(str(row["on_hand"]))
    return LimitExcess(
        code,
        f"Projected {number(on_hand)}, at most {number(most)}.",
        str(row["product"]),
        str(row["location"]),
        to_seconds(row["bucket"]),  # type: ignore[arg-type]
        on_hand - most,
    )


def _rooms(snapshot: Snapshot, positions: pl.DataFrame) -> Iterator[LimitExcess]:
    """Compare the volume of all stock at a place with its room."""
    places = snapshot["locations"].filter(pl.col("storage_capacity").is_not_null())
    if places.is_empty():
        return
    volumes = snapshot["products"].filter(pl.col("volume_m3") > 0)
    taken = (
        positions.join(places.select("location"), on="location", how="semi")
        .join(volumes.select("product", "volume_m3"), on="product")
        .sort("product", "location", "bucket")
        .with_columns(
            volume=pl.col("on_hand").clip(lower_bound=0) * pl.col("volume_m3")
        )
        .with_columns(
            change=pl.col("volume")
            - pl.col("volume").shift().over("product", "location").fill_null(0.0)
        )
        .group_by("location", "bucket")
        .agg(pl.col("change").sum())
        .sort("location", "bucket")
        .with_columns(volume=pl.col("change").cum_sum().over("location"))
        .join(places.select("location", "storage_capacity"), on="location")
        .filter(pl.col("volume") > pl.col("storage_capacity") * (1 + 1e-9))
        .sort("location", "bucket")
        .unique("location", keep="first", maintain_order=True)
    )
    for row in taken.iter_rows(named=True):
        yield LimitExcess(
            ExceptionCode.STORAGE_LIMIT,
            f"Stock takes {number(row['volume'])} m3; there is room for "
            f"{number(row['storage_capacity'])}.",
            None,
            row["location"],
            to_seconds(row["bucket"]),
            row["volume"] - row["storage_capacity"],
        )
