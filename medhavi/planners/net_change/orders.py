"""Read changed orders, stock and stock rules for a netting on a kept run (MRP-13).

An order may come, go, or have another quantity, date or state. The graph of the kept
run stays: the places, which of them is planned first, and what their sources are.

Quantities may differ, and lots at a place that has some. What decides which places
there are, or what may be taken from where, may not: the graph of the kept run stays.
"""

from __future__ import annotations

from collections import defaultdict
from dataclasses import astuple
from functools import cached_property
from typing import TYPE_CHECKING, NamedTuple

import polars as pl

from medhavi.planners.mrp.netting_state.order_creation import OrderCreation
from medhavi.planners.mrp.state_loading import StateLoader
from medhavi.providers.material.supply_orders import LIVE
from medhavi.providers.table_rows import TableRows
from medhavi.snapshot.patch import Patch
from medhavi.units import INT64_MAX

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Mapping, Sequence

    from medhavi.planners.mrp.netting_state.item_locations import ItemLocationGraph
    from medhavi.planners.mrp.netting_state.state import (
        Demand,
        Need,
        Node,
        NodeKey,
        StockRules,
        SupplyOrder,
        SupplyUnit,
    )
    from medhavi.planners.mrp.state_loading import LoadedState
    from medhavi.planners.net_change.retained_run import RetainedRun
    from medhavi.planners.parameters import ConstrainedParameters, MrpParameters
    from medhavi.providers.table_rows import Row
    from medhavi.snapshot import Snapshot


RULES = frozenset({"inventory_policies", "inventory_levels"})
STOCK = "stock"


class NotIncrementalError(Exception):
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
    kept: RetainedRun, snapshot: Snapshot, products: Collection[str]
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
        raise NotIncrementalError
    found: dict[NodeKey, StockRules] = {}
    for key in keys:
        old, new = kept.nodes[key].rules, now.rules(key)
        if (old.unlimited, old.source_rule) != (new.unlimited, new.source_rule):
            raise NotIncrementalError
        if astuple(old) != astuple(new):
            found[key] = new
    return found


def refuse_other_places(
    kept: RetainedRun, before: Snapshot, after: Snapshot, products: Collection[str]
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
            raise NotIncrementalError
    if _places(old) != _places(new):
        raise NotIncrementalError
    if kept.model.traits.findings and old.height != new.height:
        raise NotIncrementalError


def _places(rows: pl.DataFrame) -> set[tuple[object, ...]]:
    """Places with stock: which have some that is usable, or less than none."""
    usable = pl.col("status") == "available"
    return set(
        rows.select(
            "product", "location", usable, (usable & (pl.col("qty") < 0)).alias("below")
        ).iter_rows()
    )


def changed_lots(
    kept: RetainedRun, nodes: Mapping[NodeKey, Node], intake: LoadedState
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


def _lots_of(kept: RetainedRun, key: NodeKey) -> Lots:
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


ORDERS = "supply_orders"


class ChangedOrders:
    """Orders that differ between two snapshots, as they were and as they are.

    Parameters
    ----------
    kept
        What the baseline left.
    before, after
        Tables of the baseline, and those after the change.

    Raises
    ------
    BeyondError
        A changed order is for one demand alone, or changes what its product can come
        from.

    Attributes
    ----------
    gone
        Indexes of kept orders that do not hold any more.
    fresh
        Orders read anew. They have no index yet; their units and needs stand at nodes
        of their own.
    """

    def __init__(
        self,
        kept: RetainedRun,
        before: Snapshot,
        after: Snapshot,
        parameters: MrpParameters | ConstrainedParameters,
    ) -> None:
        self._kept = kept
        self._parameters = parameters
        self._after = after
        old, new = before[ORDERS], after[ORDERS]
        patch = Patch.between(before, after, (ORDERS,))
        now = patch.upserts.get(ORDERS, new.clear())
        was = patch.inverse(before).upserts.get(ORDERS, old.clear())
        names = {*was["supply_order"], *now["supply_order"]}
        _refuse_other_rows(old, new, was, now, names)
        self._refuse_other_sources(before, after)
        lost, self._keys_before, lost_needs = self._read(before, was)
        self.fresh, self._keys_now, needs = self._read(after, now)
        self._lost, self._needs_of = lost, needs
        self._links = {
            (unit.node.key, need.node.key)
            for need in (*lost_needs, *needs)
            if need.order is not None
            for unit in need.order.units
        }
        self.gone = frozenset(
            index
            for order in lost
            for index in kept.existing.get(order.node, ())
            if kept.orders[index].existing == order.existing
        )
        if len(self.gone) != len(lost):
            raise NotIncrementalError

    def _read(
        self, snapshot: Snapshot, rows: pl.DataFrame
    ) -> tuple[Sequence[SupplyOrder], set[NodeKey], Sequence[Need]]:
        """Read some rows: orders, places that they reach, and needs of theirs."""
        run = self._kept.run
        model = self._kept.model.again()
        release = OrderCreation(model, run.as_of)
        tables = {**run.tables, ORDERS: TableRows(rows)}
        reader = StateLoader(
            tables, model, release, snapshot.settings, self._parameters
        )
        reader.orders()
        return release.orders, set(reader.order_keys()), release.needs

    def _refuse_other_sources(self, before: Snapshot, after: Snapshot) -> None:
        """Refuse what could be a source of a product by default: where it is stocked.

        Places with sources of their own have no others by default.
        """
        differs = _stocked(before) ^ _stocked(after)
        products = {product for product, _ in differs}
        sourcing = self._kept.run.providers.sourcing
        if products and any(
            not sourcing.is_decided(*key)
            for key in self._kept.nodes
            if key[0] in products
        ):
            raise NotIncrementalError

    # --- the graph -----------------------------------------------------------------
    def refuse_another_graph(self, demands: Iterable[Demand]) -> None:
        """Refuse places that come or go, and another order of planning.

        Parameters
        ----------
        demands
            All that are planned after the change.

        Raises
        ------
        BeyondError
            It is so, or it cannot be told at once.
        """
        kept = self._kept
        came = self._reached(self._keys_now - self._keys_before)
        if not {*came, *self.touched} <= kept.nodes.keys():
            raise NotIncrementalError
        if not all(self._is_implied(*link) for link in self._links):
            raise NotIncrementalError
        if any(
            order.carried is not None
            and kept.rank[order.node] == kept.rank[order.carried.node.key]
            for order in self.fresh
        ):
            raise NotIncrementalError
        lost = self._keys_before - self._keys_now - kept.starts
        if lost:
            rest = {*kept.starts, *_live_places(self._after)}
            rest.update(demand.node for demand in demands)
            if not lost <= rest and not lost <= self._reached(rest):
                raise NotIncrementalError

    def _reached(self, starts: Collection[NodeKey]) -> set[NodeKey]:
        """List all places that orders for some may touch."""
        model, nodes = self._kept.model, self._kept.nodes
        seen: set[NodeKey] = set()
        waiting = list(starts)
        while waiting:
            key = waiting.pop()
            if key in seen:
                continue
            seen.add(key)
            if key in nodes:
                waiting += model.around(nodes[key])
        return seen

    def _is_implied(self, upper: NodeKey, lower: NodeKey) -> bool:
        """Whether new orders put one place before another, as this one does."""
        rank, model = self._kept.rank, self._kept.model
        if upper not in rank or lower not in rank:
            return False
        if rank[upper] == rank[lower]:
            return True
        return any(
            rank.get(below) == rank[lower]
            for key in self._kept.clusters[rank[upper]]
            for below in model.takes_from(self._kept.nodes[key])
        )

    # --- what stands where ---------------------------------------------------------
    @property
    def touched(self) -> set[NodeKey]:
        """Places at which something of a changed order is, or was."""
        found = {order.node for order in (*self._lost, *self.fresh)}
        found |= {unit.node.key for order in self._lost for unit in order.units}
        found |= {unit.node.key for order in self.fresh for unit in order.units}
        found |= {need.node.key for need in self._needs_of}
        return found | {key for link in self._links for key in link}

    @cached_property
    def units(self) -> Mapping[NodeKey, list[SupplyUnit]]:
        """Supply of the orders read anew, by place."""
        found: dict[NodeKey, list[SupplyUnit]] = defaultdict(list)
        for order in self.fresh:
            for unit in order.units:
                found[unit.node.key].append(unit)
        return found

    @cached_property
    def needs(self) -> Mapping[NodeKey, list[Need]]:
        """Needs of the orders read anew, by place."""
        found: dict[NodeKey, list[Need]] = defaultdict(list)
        for need in self._needs_of:
            found[need.node.key].append(need)
        return found

    @cached_property
    def rows(self) -> Mapping[str, int]:
        """Row of each order after the change: they are read in this sequence."""
        names = self._after[ORDERS]["supply_order"].to_list()
        return {name: row for row, name in enumerate(names)}


def row_of(changed: ChangedOrders | None, order: SupplyOrder) -> int:
    """Row of an order that exists; 0 where all rows are as they were."""
    return 0 if changed is None else changed.rows[order.existing or ""]


def is_gone(changed: ChangedOrders | None, order: SupplyOrder) -> bool:
    """Whether an order does not hold any more."""
    return changed is not None and order.index in changed.gone


def arriving(
    kept: RetainedRun, changed: ChangedOrders | None, keys: Iterable[NodeKey]
) -> list[SupplyUnit]:
    """List what orders that exist give to some nodes, in the order of reading."""
    found: list[tuple[int, int, SupplyUnit]] = []
    for key in keys:
        stays = [
            unit
            for unit in kept.nodes[key].units
            if unit.order is not None
            and unit.order.existing is not None
            and not is_gone(changed, unit.order)
        ]
        fresh = () if changed is None else changed.units.get(key, ())
        found += [
            (row_of(changed, unit.order), unit.index, unit)
            for unit in (*stays, *fresh)
            if unit.order is not None
        ]
    return [unit for _, _, unit in sorted(found, key=lambda entry: entry[:2])]


def _refuse_other_rows(
    old: pl.DataFrame,
    new: pl.DataFrame,
    was: pl.DataFrame,
    now: pl.DataFrame,
    names: Collection[str],
) -> None:
    """Refuse orders for one demand, and another sequence of those that stay."""
    if any(rows["demand"].is_not_null().any() for rows in (was, now)):
        raise NotIncrementalError
    stay = [
        rows["supply_order"].filter(~rows["supply_order"].is_in(sorted(names)))
        for rows in (old, new)
    ]
    if not stay[0].equals(stay[1]):
        raise NotIncrementalError


def _stocked(snapshot: Snapshot) -> set[NodeKey]:
    """Collect where a product lies or is under way to, whatever its state."""
    return {
        (product, location)
        for name in (STOCK, ORDERS)
        for product, location in snapshot[name]
        .select("product", "location")
        .unique()
        .iter_rows()
    }


def _live_places(snapshot: Snapshot) -> set[NodeKey]:
    """Collect where orders arrive that are still to come."""
    rows = snapshot[ORDERS]
    live = rows.filter(rows["status"].is_in(sorted(LIVE)))
    return set(live.select("product", "location").iter_rows())
