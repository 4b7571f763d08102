"""Orders that a plan proposes: who may count on them, and how much (rule 30).

No ledger has them: a planned order is no supply until it is firmed.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple

import polars as pl

from medhavi.units import exact, to_seconds

if TYPE_CHECKING:
    from collections.abc import Collection, Iterator, Mapping, Sequence

    from medhavi.snapshot import Snapshot

    Row = Mapping[str, Any]
    Node = tuple[str, str]


class PlannedOrders(NamedTuple):
    """Planned orders that are not overdue.

    Parameters
    ----------
    by_node
        Rows of `supply_orders` by product and location.
    pegs
        Rows of `pegs` by the order that they bind.
    """

    by_node: Mapping[Node, Sequence[Row]]
    pegs: Mapping[str, Sequence[Row]]

    def firmed(self, nodes: Collection[Node], demand: str) -> Iterator[Row]:
        """Orders at some nodes as if firmed, less what others have of them.

        Parameters
        ----------
        nodes
            Products at locations.
        demand
            Who asks: what is pegged to it, or made for it, is its own.
        """
        for node in sorted(set(nodes) & self.by_node.keys()):
            for row in self.by_node[node]:
                if row["demand"] not in {None, demand}:
                    continue
                pegs = self.pegs.get(row["supply_order"], ())
                others = [exact(one["qty"]) for one in pegs if one["demand"] != demand]
                left = exact(row["qty"]) - sum(others)
                if left > exact(row["qty_done"] or 0.0):
                    yield {**row, "status": "firmed", "qty": float(left)}

    def loose(self, order: str) -> tuple[Row, ...]:
        """Pegs of an order so that they bind nothing."""
        return tuple({**peg, "firm": False} for peg in self.pegs.get(order, ()))


def planned_orders(snapshot: Snapshot) -> PlannedOrders:
    """Collect the planned orders of a snapshot."""
    rows = snapshot["supply_orders"].filter(pl.col("status") == "planned")
    by_node: dict[Node, list[Row]] = {}
    for row in rows.to_dicts():
        if to_seconds(row["due"]) >= snapshot.as_of:
            by_node.setdefault((row["product"], row["location"]), []).append(row)
    names = rows["supply_order"].to_list()
    pegs: dict[str, list[Row]] = {}
    for row in snapshot["pegs"].filter(pl.col("supply").is_in(names)).to_dicts():
        pegs.setdefault(row["supply"], []).append(row)
    return PlannedOrders(by_node, pegs)
