"""A proposal of a plan as a row of `supply_orders`, and the numbers of new orders."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Collection, Mapping

KINDS = {"make": "work", "buy": "purchase", "move": "transfer"}
"""Kind of a supply → kind of an order."""
PREFIXES = {"work": "WO", "purchase": "PO", "transfer": "TO"}
SHORT_ID = 12


def order_row(
    supply: Mapping[str, Any], order: str, *, locked: bool, demand: str | None = None
) -> dict[str, Any]:
    """Give the order that a proposal becomes: firmed, as it was planned.

    Parameters
    ----------
    supply
        Row of `supplies` of status planned.
    order
        Number of the order.
    locked
        Whether its dates are fixed.
    demand
        Whom it is made for, where it is made to order.
    """
    kind = KINDS[supply["kind"]]
    row = {
        "supply_order": order,
        "kind": kind,
        "product": supply["product"],
        "location": supply["location"],
        "qty": supply["order_qty"] if kind == "work" else supply["qty"],
        "start": supply["start"],
        "due": supply["finish"],
        "status": "firmed",
        "source": supply["lane"] or supply["source"],
        "locked": locked,
        "demand": demand,
    }
    return {name: cell for name, cell in row.items() if cell is not None}


def order_number(kind: str, supply: str, taken: Collection[str]) -> str:
    """Give the first free number of the order that a proposal becomes.

    The id of a proposal comes back in later plans when its cause goes on, so that a
    number may be taken by the order of an earlier plan.

    >>> order_number("purchase", "00ff00ff00ff00ff", {"PO-00ff00ff00ff"})
    'PO-00ff00ff00ff-2'
    """
    return free_number(f"{PREFIXES[kind]}-{supply[:SHORT_ID]}", taken)


def free_number(wanted: str, taken: Collection[str]) -> str:
    """Give the number, counted up from 2 where it is taken."""
    if wanted not in taken:
        return wanted
    count = 2
    while f"{wanted}-{count}" in taken:
        count += 1
    return f"{wanted}-{count}"
