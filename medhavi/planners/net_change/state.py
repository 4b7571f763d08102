"""Read changed stock and stock rules for a netting on a kept run (MRP-13).

Quantities may differ, and lots at a place that has some. What decides which places
there are, or what may be taken from where, may not: the graph of the kept run stays.
"""

from __future__ import annotations

from dataclasses import astuple
from typing import TYPE_CHECKING, NamedTuple

import polars as pl

from medhavi.providers.table_rows import TableRows
from medhavi.units import INT64_MAX

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Mapping

    from medhavi.planners.mrp.netting_state.item_locations import ItemLocationGraph
    from medhavi.planners.mrp.netting_state.state import (
        Need,
        Node,
        NodeKey,
        StockRules,
        SupplyUnit,
    )
    from medhavi.planners.mrp.state_loading import LoadedState
    from medhavi.planners.net_change.kept import Kept
    from medhavi.providers.table_rows import Row
    from medhavi.snapshot import Snapshot

RULES = frozenset({"inventory_policies", "inventory_levels"})
STOCK = "stock"


class BeyondError(Exception):
    """The change reaches what cannot be netted alone; another way must be taken."""


class Lots(NamedTuple):
    """What lies at a node: usable lots, needs that make up negative stock, the rest."""

    units: list[SupplyUnit]
    bookings: list[Need]
    expired: list[tuple[Row, int]]


def rows_of(snapshot: Snapshot, name: str, products: Collection[str]) -> TableRows:
    """Rows of some products, with their numbers in the whole table."""
    frame = snapshot[name]
    own = frame["product"].is_in(sorted(products))
    return TableRows(frame.filter(own), snapshot.input_rows(name).filter(own))


def changed_rules(
    kept: Kept, snapshot: Snapshot, products: Collection[str]
) -> dict[NodeKey, StockRules]:
    """Stock rules of some products' nodes that differ.

    Raises
    ------
    BeyondError
        A place comes, goes, or gets another rule of sources.
    """
    now: ItemLocationGraph = kept.model.with_rules(
        *(rows_of(snapshot, name, products) for name in sorted(RULES, reverse=True))
    )
    keys = now.policy_keys()
    if set(keys) != {key for key in kept.starts if key[0] in products}:
        raise BeyondError
    found: dict[NodeKey, StockRules] = {}
    for key in keys:
        old, new = kept.nodes[key].rules, now.rules(key)
        if (old.unlimited, old.source_rule) != (new.unlimited, new.source_rule):
            raise BeyondError
        if astuple(old) != astuple(new):
            found[key] = new
    return found


def refuse_other_places(
    kept: Kept, before: Snapshot, after: Snapshot, products: Collection[str]
) -> None:
    """Refuse stock that comes to a place, leaves it, or is not simply ours.

    Raises
    ------
    BeyondError
        It is so: sources, or who may take it, would differ.
    """
    old, new = (
        table.filter(pl.col("product").is_in(sorted(products)))
        for table in (before[STOCK], after[STOCK])
    )
    for rows in (old, new):
        if rows["owner"].is_not_null().any() or rows["quality"].is_not_null().any():
            raise BeyondError
    if _places(old) != _places(new):
        raise BeyondError
    if kept.model.traits.findings and old.height != new.height:
        raise BeyondError


def _places(rows: pl.DataFrame) -> set[tuple[object, ...]]:
    """Places with stock: which have some that is usable, or less than none."""
    usable = pl.col("status") == "available"
    return set(
        rows.select(
            "product", "location", usable, (usable & (pl.col("qty") < 0)).alias("below")
        ).iter_rows()
    )


def changed_lots(
    kept: Kept, nodes: Mapping[NodeKey, Node], intake: LoadedState
) -> dict[NodeKey, Lots]:
    """What lies at nodes now, where it is not what lay there.

    Parameters
    ----------
    kept
        What lay there.
    nodes, intake
        As read anew.
    """
    found: dict[NodeKey, Lots] = {}
    for key, node in nodes.items():
        new = Lots(node.units, node.needs, expired_at(intake.expired, key))
        if _said(new) != _said(_lots_of(kept, key)):
            found[key] = new
    return found


def _lots_of(kept: Kept, key: NodeKey) -> Lots:
    node = kept.nodes[key]
    return Lots(
        [unit for unit in node.units if unit.order is None and not is_endless(unit)],
        [need for need in node.needs if need.index in kept.bookings],
        expired_at(kept.expired, key),
    )


def is_endless(unit: SupplyUnit) -> bool:
    """Whether a unit stands for stock without limit."""
    return unit.order is None and unit.qty == INT64_MAX


def expired_at(
    entries: Iterable[tuple[Row, int]], key: NodeKey
) -> list[tuple[Row, int]]:
    """List the expired lots of a node."""
    return [one for one in entries if (one[0]["product"], one[0]["location"]) == key]


def _said(lots: Lots) -> tuple[object, ...]:
    return (
        [(unit.lot, unit.qty, unit.expires) for unit in lots.units],
        [need.qty for need in lots.bookings],
        [(dict(row), qty) for row, qty in lots.expired],
    )
