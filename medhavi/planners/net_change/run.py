"""Net again the places that changed rows reach, and no others (MRP-13, MRP-14).

A place whose needs or supply differ is netted again by the engine itself, from the
needs that unchanged orders have there and those that orders made anew have. All that
orders there took from, or take now, is netted again in turn. What is above stays: it
wants the same.
"""

from __future__ import annotations

import heapq
from copy import copy
from dataclasses import replace
from typing import TYPE_CHECKING, NamedTuple

from medhavi.planners.mrp.hard_allocations import AllocationReport
from medhavi.planners.mrp.netting_state.order_creation import OrderCreation
from medhavi.planners.mrp.netting_state.state import NO_DEMAND
from medhavi.planners.mrp.run import MrpRun
from medhavi.planners.mrp.state_loading import LoadedState, StateLoader
from medhavi.planners.mrp.unsupported import check_supported
from medhavi.planners.net_change.layers import (
    Extension,
    Overlay,
    alike,
    copied,
    names_the_same,
    need_of,
    unit_copy,
)
from medhavi.planners.net_change.orders import (
    ORDERS,
    RULES,
    STOCK,
    ChangedOrders,
    NotIncrementalError,
    arriving,
    changed_lots,
    changed_rules,
    is_endless,
    is_gone,
    refuse_other_places,
    row_of,
    rows_of,
)
from medhavi.planners.net_change.retained_run import names_by_product
from medhavi.progress import Progress
from medhavi.results.run_record import NettingScope

if TYPE_CHECKING:
    from collections.abc import Collection, Mapping, MutableMapping

    from medhavi.planners.mrp.netting_state.state import (
        Demand,
        Need,
        Node,
        NodeKey,
        StockRules,
        SupplyOrder,
        SupplyUnit,
    )
    from medhavi.planners.net_change.orders import Lots
    from medhavi.planners.net_change.retained_run import RetainedRun
    from medhavi.planners.parameters import MrpParameters
    from medhavi.progress import Cancelled, Observe
    from medhavi.results.run_record import SnapshotDifference
    from medhavi.snapshot import Snapshot


class Change(NamedTuple):
    """The tables of the baseline, and what differs from them."""

    before: Snapshot
    touched: SnapshotDifference


class ChangedRun(MrpRun):
    """A netting on top of a kept one, of the places that changed rows reach.

    Parameters
    ----------
    kept
        What the baseline left; its records are not changed.
    snapshot
        Tables after the change.
    change
        Tables of the baseline, and what differs.

    Raises
    ------
    BeyondError
        Stock rules differ in more than what a place orders.

    Attributes
    ----------
    nodes
        Nodes that were netted again.
    ranks
        Their places in the order of planning.
    demands, ignored, of_product
        All demands after the change, as `RetainedRun` has them.
    stale
        Demands whose rows of results do not hold any more.
    expired
        All lots past their life after the change.
    orders
        Orders that exist and differ; None where none do.
    """

    netting = NettingScope.KEPT_RUN

    def __init__(
        self,
        kept: RetainedRun,
        snapshot: Snapshot,
        change: Change,
        parameters: MrpParameters,
        observe: Observe | None,
        cancelled: Cancelled | None,
    ) -> None:
        root = kept.run
        self.settings, self.as_of, self.horizon = (
            root.settings,
            root.as_of,
            root.horizon,
        )
        self.providers, self.tables = root.providers, root.tables
        self._clusters, self._pegs, self.matches, self.decoder = [], None, None, None
        self._kept = kept
        self.snapshot = snapshot
        self.parameters = parameters
        self._observe, self._cancelled = observe, cancelled
        self._before, self._touched = change
        self._rules: dict[NodeKey, StockRules] = {}
        if self._touched.changed & RULES:
            self._rules = changed_rules(kept, snapshot, self._touched.products)
        self._lots: dict[NodeKey, Lots] = {}
        self.expired = kept.expired
        self.model = kept.model.again(self._rules)
        self.findings = [*check_supported(snapshot), *self.model.traits.findings]
        self.release = _behind(kept, OrderCreation(self.model, self.as_of))
        self.rank, self.levels, self.blocked = {}, {}, {}
        self.pin_report = AllocationReport(allow_over=root.pin_report.allow_over)
        self.intake = LoadedState(expired=[])
        self.stopped = False
        self.nodes: dict[NodeKey, Node] = {}
        self.ranks: set[int] = set()
        self.demands: MutableMapping[str, Demand] = Overlay(kept.demands)
        self.ignored = Overlay(kept.ignored)
        self.of_product = Overlay(kept.of_product)
        self.stale: set[str] = set()
        self.orders: ChangedOrders | None = None
        self._fresh: dict[NodeKey, list[Demand]] = {}
        self._gone: set[int] = set()

    # --- state ---------------------------------------------------------------------
    def read(self) -> set[NodeKey]:
        """Read the state of touched products anew; gives the nodes where it differs.

        Raises
        ------
        BeyondError
            A demand that others name differs, or the graph may not stay as it is.
        """
        changed, products = self._touched.changed, self._touched.products
        if STOCK in changed:
            self._read_lots(products)
        touched = {*self._rules, *self._lots}
        if "demands" in changed:
            touched |= self._read_demands(products)
        if ORDERS in changed:
            touched |= self._read_orders()
        return touched

    def _read_orders(self) -> set[NodeKey]:
        """Read the orders that differ; gives the nodes that they reach."""
        made = ChangedOrders(self._kept, self._before, self.snapshot, self.parameters)
        made.refuse_another_graph(self.demands.values())
        for order in made.fresh:
            order.index = len(self.release.orders)
            self.release.orders.append(order)
        self.orders = made
        return made.touched

    def _read_lots(self, products: Collection[str]) -> None:
        """Read the stock of some products anew."""
        refuse_other_places(self._kept, self._before, self.snapshot, products)
        model = self.model.again()
        tables = {**self.tables, STOCK: rows_of(self.snapshot, STOCK, products)}
        scratch = OrderCreation(model, self.as_of)
        reader = StateLoader(tables, model, scratch, self.settings, self.parameters)
        reader.lots()
        self._lots = changed_lots(self._kept, model.nodes, reader.intake)
        self.expired = [
            entry
            for entry in self._kept.expired
            if (entry[0]["product"], entry[0]["location"]) not in self._lots
        ]
        self.expired += [
            entry for lots in self._lots.values() for entry in lots.expired
        ]

    def _read_demands(self, products: Collection[str]) -> set[NodeKey]:
        """Read the demands of some products anew; gives the nodes where they differ."""
        read = self._intake(products)
        now = {demand.demand: demand for demand in read.demands}
        names = [n for p in products for n in self._kept.of_product.get(p, ())]
        before = {
            name: self._kept.demands[name]
            for name in names
            if name in self._kept.demands
        }
        ignored = [name for name in names if name in self._kept.ignored]
        found = names_by_product(read)
        for product in products:
            self.of_product[product] = found.get(product, [])
        touched: set[NodeKey] = set()
        for name in sorted({*before, *now}):
            old, new = before.get(name), now.get(name)
            if old is not None and new is not None and alike(old, new):
                continue
            self._exchange(name, old, new)
            touched |= {one.node for one in (old, new) if one is not None}
        for name in ignored:
            del self.ignored[name]
        self.ignored.update(
            {str(row["demand"]): (row, qty) for row, qty in read.ignored}
        )
        self.intake.ignored = read.ignored
        self.stale |= {*ignored, *(str(row["demand"]) for row, _ in read.ignored)}
        self._refuse_another_graph(touched)
        return touched

    def _intake(self, products: Collection[str]) -> LoadedState:
        rows = rows_of(self.snapshot, "demands", products)
        self.tables = {**self.tables, "demands": rows}
        scratch = OrderCreation(self.model, self.as_of)
        reader = StateLoader(
            self.tables, self.model, scratch, self.settings, self.parameters
        )
        reader.demands()
        return reader.intake

    def _exchange(self, name: str, old: Demand | None, new: Demand | None) -> None:
        """Put a demand in the place of another, under the index of its name."""
        if name in self._kept.pledged and (
            old is None or new is None or not names_the_same(old, new)
        ):
            raise NotIncrementalError
        if old is not None:
            self._gone.add(old.index)
            del self.demands[name]
        if new is None:
            return
        if old is None:
            new.index = len(self.release.demand_names)
            self.release.demand_names.append(name)
            self.release.demand_customers.append(new.customer)
        else:
            new.index = old.index
            self.release.demand_customers[new.index] = new.customer
        self.demands[name] = new
        self._fresh.setdefault(new.node, []).append(new)

    def _refuse_another_graph(self, touched: set[NodeKey]) -> None:
        """Refuse nodes that come or go with their demands.

        They could change which of two places is planned first, and with it who is
        served first of two needs that are alike in all else.
        """
        for key in touched - self._kept.starts:
            if key not in self._kept.nodes:
                raise NotIncrementalError
            if key not in self._fresh and all(
                need.demand in self._gone
                for need in self._kept.nodes[key].needs
                if need.demand != NO_DEMAND
            ):
                raise NotIncrementalError

    # --- netting -------------------------------------------------------------------
    def net_again(self, touched: Collection[NodeKey]) -> None:
        """Net some nodes, and what orders there take from, in order of planning.

        Raises
        ------
        BeyondError
            Something reaches beyond these places.
        """
        rank_of = self._kept.rank
        waiting = sorted({rank_of[key] for key in touched})
        while waiting:
            rank = heapq.heappop(waiting)
            if rank in self.ranks:
                continue
            if self._cancelled is not None and self._cancelled():
                self.stopped = True
                return
            self.ranks.add(rank)
            for lower in self._net_rank(rank, self._kept.clusters[rank]):
                if lower not in self.ranks:
                    heapq.heappush(waiting, lower)
        if self._observe is not None:
            self._observe(
                Progress("net requirements", len(self.ranks), len(self.ranks))
            )
        self._take_demands()

    def _take_demands(self) -> None:
        """Note whose service is told anew: what is demanded where it was netted."""
        old = [
            self._kept.demands[self._kept.names[need.demand]]
            for key in self.nodes
            for need in self._kept.nodes[key].needs
            if need.demand != NO_DEMAND
        ]
        new = [
            self.demands[self.release.demand_names[need.demand]]
            for node in self.nodes.values()
            for need in node.needs
            if need.demand != NO_DEMAND
        ]
        if any(demand.is_tied for demand in (*old, *new)):
            raise NotIncrementalError
        self.stale |= {demand.demand for demand in (*old, *new)}
        self.intake.demands = sorted(new, key=lambda demand: demand.demand)

    def _net_rank(self, rank: int, keys: list[NodeKey]) -> set[int]:
        """Net one cluster; gives the ranks that its orders took or take from."""
        release = self.release
        nodes = [self._entered(key, rank) for key in keys]
        copies = self._supplied(nodes)
        since, known = len(release.orders), len(release.needs)
        self._net_cluster(nodes)
        if release.has_late:
            raise NotIncrementalError
        for order, before in copies:
            # Goods on their way must live as long as what they are for: seen above.
            carried = order.carried
            if carried is not None and carried.alive_until != before:
                raise NotIncrementalError
        inside = set(keys)
        for order in release.orders[since:]:
            if any(unit.node.key not in inside for unit in order.units):
                raise NotIncrementalError
        lower = {self._kept.rank[need.node.key] for need in release.needs[known:]}
        return {*lower, *self._kept.lower.get(rank, ())} - {rank}

    def _entered(self, key: NodeKey, rank: int) -> Node:
        """Node with its needs in the sequence that planning all gives them."""
        release = self.release
        node = self.model.node(key)
        self.nodes[key] = node
        self.rank[id(node)] = rank
        wanted: list[tuple[tuple[int, str, int, int], Need]] = []
        lots = self._lots.get(key)
        read = () if self.orders is None else map(self._carried, self.orders.needs[key])
        for need in (*self._kept.nodes[key].needs, *node.needs, *read):
            if lots is not None and need.index in self._kept.bookings:
                continue
            place = self._place(need)
            if place is not None:
                wanted.append((place, need))
        if lots is not None:
            wanted += [((-2, "", 0, need.index), need) for need in lots.bookings]
        wanted += [
            ((-3, demand.demand, 0, 0), need_of(demand, node))
            for demand in self._fresh.get(key, ())
        ]
        node.needs.clear()
        for _, need in sorted(wanted, key=lambda entry: entry[0]):
            own = need if need.node is node else copied(need, node)
            if own is not need and need.order is None and need.demand == NO_DEMAND:
                self.intake.bookings.add(len(release.needs))
            own.index = len(release.needs)
            release.needs.append(own)
            node.needs.append(own)
        return node

    def _place(self, need: Need) -> tuple[int, str, int, int] | None:
        """Place of a need in the sequence of making; None: it is replaced."""
        if need.alternatives or need.node.substitutes:
            raise NotIncrementalError
        order = need.order
        if need.demand != NO_DEMAND:
            if need.demand in self._gone:
                return None
            return -3, self.release.demand_names[need.demand], 0, need.index
        if order is None:
            return -2, "", 0, need.index
        if order.existing is not None:
            return self._place_of_existing(need)
        rank = self._kept.rank[order.node]
        if rank in self.ranks and order.index < len(self._kept.orders):
            return None
        return rank, "", 0, need.index

    def _place_of_existing(self, need: Need) -> tuple[int, str, int, int] | None:
        if need.alternatives or need.order is None:
            raise NotIncrementalError
        if is_gone(self.orders, need.order):
            return None
        return -1, "", row_of(self.orders, need.order), need.index

    def _carried(self, need: Need) -> Need:
        """Set the life of the goods of a move read anew to that of their takers.

        Where they go to is planned before where they come from.
        """
        order = need.order
        if order is not None and order.carried is need:
            now = self.release.orders[order.index].carried or need
            need.alive_until = now.alive_until
        return need

    def _supplied(self, nodes: list[Node]) -> list[tuple[SupplyOrder, int]]:
        """Nodes what is there before netting; gives the orders with carried goods.

        With each such order comes how long its goods had to live in the baseline.
        """
        release = self.release
        units = [unit for node in nodes for unit in self._lying(node.key)]
        units += arriving(self._kept, self.orders, [node.key for node in nodes])
        by_key = {node.key: node for node in nodes}
        orders: dict[int, SupplyOrder] = {}
        carrying: list[tuple[SupplyOrder, int]] = []
        for unit in units:
            node = by_key[unit.node.key]
            own = unit_copy(unit, node, len(release.units))
            release.units.append(own)
            node.units.append(own)
            if unit.order is None:
                continue
            if unit.order.index not in orders:
                orders[unit.order.index] = self._order_copy(
                    unit.order, by_key, carrying
                )
            own.order = orders[unit.order.index]
            own.order.units.append(own)
        self._pin(by_key)
        self.intake.expired += [
            entry
            for entry in self.expired
            if (entry[0]["product"], entry[0]["location"]) in by_key
        ]
        return carrying

    def _lying(self, key: NodeKey) -> list[SupplyUnit]:
        """List the stock of a node, what has no limit last."""
        stock = [unit for unit in self._kept.nodes[key].units if unit.order is None]
        lots = self._lots.get(key)
        if lots is None:
            return stock
        return [*lots.units, *(unit for unit in stock if is_endless(unit))]

    def _order_copy(
        self,
        order: SupplyOrder,
        by_key: Mapping[NodeKey, Node],
        carrying: list[tuple[SupplyOrder, int]],
    ) -> SupplyOrder:
        if order.node not in by_key or any(
            unit.node.key not in by_key for unit in order.units
        ):
            raise NotIncrementalError
        own = copy(order)
        own.units = []
        if order.carried is not None:
            own.carried = copy(order.carried)
            own.carried.alive_until = max(order.alive_until, order.timing.finish)
            if order.index < len(self._kept.orders):
                carrying.append((own, order.carried.alive_until))
        self.release.orders[order.index] = own
        return own

    def _pin(self, by_key: Mapping[NodeKey, Node]) -> None:
        for key, node in by_key.items():
            pins = self._kept.run.intake.pins.get(key)
            if not pins:
                continue
            # Who stands behind an order is not known in a part.
            if any(pin.demand != NO_DEMAND for pin in pins) and any(
                need.order is not None for need in node.needs
            ):
                raise NotIncrementalError
            self.intake.pins[key] = [replace(pin, node=node) for pin in pins]


def _behind(kept: RetainedRun, release: OrderCreation) -> OrderCreation:
    """Continue a register where the kept one ends."""
    release.orders = Extension(kept.orders)
    release.units = Extension(kept.units)
    release.needs = Extension(kept.needs)
    release.demand_names = Extension(kept.names)
    release.demand_customers = Extension(kept.customers)
    return release
