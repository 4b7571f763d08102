"""Net again the places that changed demands reach, and no others (MRP-13, MRP-14).

A place whose needs or supply differ is netted again by the engine itself, from the
needs that unchanged orders have there and those that orders made anew have. All that
orders there took from, or take now, is netted again in turn. What is above stays: it
wants the same.
"""

from __future__ import annotations

import heapq
from copy import copy
from dataclasses import replace
from typing import TYPE_CHECKING, TypeVar

from medhavi.planners.mrp.intake import Intake, Reader
from medhavi.planners.mrp.release import Release
from medhavi.planners.mrp.run import MrpRun
from medhavi.planners.mrp.state import NO_DEMAND, Need
from medhavi.planners.mrp.unsupported import check_supported
from medhavi.planners.net_change_kept import names_by_product
from medhavi.planners.net_change_layers import Behind, Overlay
from medhavi.providers.table_rows import Rows

if TYPE_CHECKING:
    from collections.abc import (
        Callable,
        Collection,
        Iterable,
        Mapping,
        MutableMapping,
    )
    from typing import SupportsIndex

    from medhavi.planners.mrp.state import Demand, Node, NodeKey, Order, SupplyUnit
    from medhavi.planners.net_change_kept import Kept
    from medhavi.planners.parameters import MrpParameters
    from medhavi.snapshot import Snapshot

    Observe = Callable[[str, int, int], None] | None
    Cancelled = Callable[[], bool] | None

Record = TypeVar("Record")
_FREE = frozenset({"qty", "due", "priority", "price"})
"""Cells of a demand that others name which may change; more would change the others."""


class BeyondError(Exception):
    """The change reaches what cannot be netted alone; another way must be taken."""


class Part(list[Record]):
    """Records of a part: walked over alone, asked for by their place in the whole."""

    def __init__(self, records: Iterable[Record], whole: list[Record]) -> None:
        super().__init__(records)
        self._whole = whole

    def __getitem__(self, place: SupportsIndex | slice) -> Record:  # type: ignore[override]
        """Give a record of the whole by its index."""
        return self._whole[place]  # type: ignore[return-value]


class ChangedRun(MrpRun):
    """A netting on top of a kept one, of the places that changed demands reach.

    Parameters
    ----------
    kept
        What the baseline left; its records are not changed.
    snapshot
        Tables that differ from those of the baseline in `demands` alone.
    parameters, observe, cancelled
        As of `MrpRun`.

    Attributes
    ----------
    nodes
        Nodes that were netted again.
    ranks
        Their places in the order of planning.
    demands, ignored, of_product
        All demands after the change, as `Kept` has them.
    stale
        Demands whose rows of results do not hold any more.
    """

    def __init__(
        self,
        kept: Kept,
        snapshot: Snapshot,
        parameters: MrpParameters,
        observe: Observe = None,
        cancelled: Cancelled = None,
    ) -> None:
        root = kept.run
        self.__dict__.update(root.__dict__)
        self._kept = kept
        self.snapshot = snapshot
        self.parameters = parameters
        self._observe, self._cancelled = observe, cancelled
        self.model = root.model.again()
        self.findings = [*check_supported(snapshot), *self.model.traits.findings]
        self.release = _behind(kept, Release(self.model, self.as_of))
        self.rank, self.levels, self.blocked, self.broken = {}, {}, {}, []
        self.intake = Intake(expired=[])
        self.stopped = False
        self.nodes: dict[NodeKey, Node] = {}
        self.ranks: set[int] = set()
        self.demands: MutableMapping[str, Demand] = Overlay(kept.demands)
        self.ignored = Overlay(kept.ignored)
        self.of_product = Overlay(kept.of_product)
        self.stale: set[str] = set()
        self._fresh: dict[NodeKey, list[Demand]] = {}
        self._gone: set[int] = set()

    # --- demands -------------------------------------------------------------------
    def read(self, products: Collection[str]) -> set[NodeKey]:
        """Read the demands of some products anew; gives the nodes where they differ.

        Raises
        ------
        BeyondError
            A demand that others name differs, or the graph may not stay as it is.
        """
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
            if old is not None and new is not None and _alike(old, new):
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

    def _intake(self, products: Collection[str]) -> Intake:
        frame = self.snapshot["demands"]
        own = frame["product"].is_in(sorted(products))
        rows = self.snapshot.input_rows("demands").filter(own).to_list()
        self.tables = {**self.tables, "demands": Rows(frame.filter(own), rows)}
        scratch = Release(self.model, self.as_of)
        reader = Reader(
            self.tables, self.model, scratch, self.settings, self.parameters
        )
        reader.demands()
        return reader.intake

    def _exchange(self, name: str, old: Demand | None, new: Demand | None) -> None:
        """Put a demand in the place of another, under the index of its name."""
        if name in self._kept.pledged and (
            old is None or new is None or not _names_the_same(old, new)
        ):
            raise BeyondError
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
                raise BeyondError
            if key not in self._fresh and all(
                need.demand in self._gone
                for need in self._kept.nodes[key].needs
                if need.demand != NO_DEMAND
            ):
                raise BeyondError

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
            self._observe("net requirements", len(self.ranks), len(self.ranks))
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
        if any(_is_tied(demand) for demand in (*old, *new)):
            raise BeyondError
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
            raise BeyondError
        for order, before in copies:
            # Goods on their way must live as long as what they are for: seen above.
            carried = order.carried
            if carried is not None and carried.alive_until != before:
                raise BeyondError
        inside = set(keys)
        for order in release.orders[since:]:
            if any(unit.node.key not in inside for unit in order.units):
                raise BeyondError
        lower = {self._kept.rank[need.node.key] for need in release.needs[known:]}
        return {*lower, *self._kept.lower.get(rank, ())} - {rank}

    def _entered(self, key: NodeKey, rank: int) -> Node:
        """Give a node with its needs in the sequence that planning all gives them."""
        release = self.release
        node = self.model.node(key)
        self.nodes[key] = node
        self.rank[id(node)] = rank
        wanted: list[tuple[tuple[int, str, int], Need]] = []
        for need in (*self._kept.nodes[key].needs, *node.needs):
            place = self._place(need)
            if place is not None:
                wanted.append((place, need))
        wanted += [
            ((-3, demand.demand, 0), _need_of(demand, node))
            for demand in self._fresh.get(key, ())
        ]
        node.needs.clear()
        for _, need in sorted(wanted, key=lambda entry: entry[0]):
            own = need if need.node is node else _copied(need, node)
            if need.index in self._kept.bookings and own is not need:
                self.intake.bookings.add(len(release.needs))
            own.index = len(release.needs)
            release.needs.append(own)
            node.needs.append(own)
        return node

    def _place(self, need: Need) -> tuple[int, str, int] | None:
        """Give the place of a need in the sequence of making; None: it is replaced."""
        if need.alternatives or need.node.substitutes:
            raise BeyondError
        order = need.order
        if need.demand != NO_DEMAND:
            if need.demand in self._gone:
                return None
            return -3, self.release.demand_names[need.demand], need.index
        if order is None:
            return -2, "", need.index
        if order.existing is not None:
            return -1, "", need.index
        rank = self._kept.rank[order.node]
        if rank in self.ranks and order.index < len(self._kept.orders):
            return None
        return rank, "", need.index

    def _supplied(self, nodes: list[Node]) -> list[tuple[Order, int]]:
        """Give nodes what is there before netting; gives the orders with carried goods.

        With each such order comes how long its goods had to live in the baseline.
        """
        release = self.release
        units = sorted(
            (
                unit
                for node in nodes
                for unit in self._kept.nodes[node.key].units
                if unit.order is None or unit.order.existing is not None
            ),
            key=lambda unit: unit.index,
        )
        by_key = {node.key: node for node in nodes}
        orders: dict[int, Order] = {}
        carrying: list[tuple[Order, int]] = []
        for unit in units:
            node = by_key[unit.node.key]
            own = _unit_copy(unit, node, len(release.units))
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
            for entry in self._kept.run.intake.expired
            if (entry[0]["product"], entry[0]["location"]) in by_key
        ]
        return carrying

    def _order_copy(
        self,
        order: Order,
        by_key: Mapping[NodeKey, Node],
        carrying: list[tuple[Order, int]],
    ) -> Order:
        if order.node not in by_key or any(
            unit.node.key not in by_key for unit in order.units
        ):
            raise BeyondError
        own = copy(order)
        own.units = []
        if order.carried is not None:
            own.carried = copy(order.carried)
            own.carried.alive_until = max(order.alive_until, order.timing.finish)
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
                raise BeyondError
            self.intake.pins[key] = [replace(pin, node=node) for pin in pins]


def _behind(kept: Kept, release: Release) -> Release:
    """Let a register go on where the kept one ends."""
    release.orders = Behind(kept.orders)
    release.units = Behind(kept.units)
    release.needs = Behind(kept.needs)
    release.demand_names = Behind(kept.names)
    release.demand_customers = Behind(kept.customers)
    return release


def _alike(old: Demand, new: Demand) -> bool:
    return (
        old.row == new.row
        and (old.qty, old.due) == (new.qty, new.due)
        and old.asks == new.asks
    )


def _names_the_same(old: Demand, new: Demand) -> bool:
    return all(
        value == new.row[name] for name, value in old.row.items() if name not in _FREE
    )


def _is_tied(demand: Demand) -> bool:
    """Tell that a line is delivered together with others of its order."""
    row = demand.row
    return bool(row["sales_order"]) and row["order_policy"] != "independent"


def _need_of(demand: Demand, node: Node) -> Need:
    """Make the need of a demand, as `Reader.demand_needs` does."""
    need = Need(
        0, node, demand.due, demand.qty, demand.qty, demand.priority, demand.index
    )
    need.alive_until = demand.due + demand.min_shelf
    need.only_from = demand.ship_from
    need.asks = demand.asks
    return need


def _copied(need: Need, node: Node) -> Need:
    """Give a need of another run to a node of this one, all of it open."""
    return Need(
        need.index,
        node,
        need.instant,
        need.qty,
        need.qty,
        need.priority,
        need.demand,
        need.order,
        need.alive_until,
        need.only_from,
        line=need.line,
        asks=need.asks,
    )


def _unit_copy(unit: SupplyUnit, node: Node, index: int) -> SupplyUnit:
    own = copy(unit)
    own.node, own.index, own.free, own.takers = node, index, unit.qty, []
    return own


def register_of(
    release: Release, orders: Iterable[Order], since: tuple[int, int]
) -> Release:
    """Give a register that shows some orders, and the records from some places on.

    Parameters
    ----------
    release
        Of the whole.
    orders
        What is shown.
    since
        First unit and first need.
    """
    shown = copy(release)
    units, needs = since
    shown.orders = Part(orders, release.orders)
    shown.units = Part(release.units[units:], release.units)
    shown.needs = Part(
        (
            need
            for place, need in enumerate(release.needs[needs:], needs)
            if need.index == place
        ),
        release.needs,
    )
    return shown
