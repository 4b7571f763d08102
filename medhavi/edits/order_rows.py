"""Orders that proposals become: their rows, their steps and their numbers."""

from __future__ import annotations

import itertools
import re
from typing import TYPE_CHECKING, Any

import polars as pl

from medhavi.results.identity import DIGITS, LETTERS

if TYPE_CHECKING:
    from collections.abc import Collection, Mapping

    from medhavi.results.plans.plan import Plan

KINDS = {"make": "work", "buy": "purchase", "move": "transfer"}
"""Kind of a supply → kind of an order."""
PREFIXES = {"work": "WO", "purchase": "PO", "transfer": "TO"}
_NUMBER = re.compile(rf"(?:{'|'.join(LETTERS.values())})-(?P<counted>.*-\d+)$")


def order_row(
    supply: Mapping[str, Any], order: str, *, locked: bool, demand: str | None = None
) -> dict[str, Any]:
    """Order that a proposal becomes: firmed, as it was planned.

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


def planned_steps(
    plan: Plan, supply: str, row: Mapping[str, Any]
) -> list[dict[str, Any]]:
    """Steps of the order that a proposal becomes, where and when they are planned.

    Parameters
    ----------
    plan
        Of the proposal.
    supply
        Its id.
    row
        The order.

    Returns
    -------
    list of dict
        Rows of `supply_order_steps`; of several resources of a step the first one, by
        which it is known who does it with them.
    """
    windows = (
        plan.operations.filter(pl.col("supply") == supply)
        .group_by("step", maintain_order=True)
        .agg(pl.col("resource").first(), pl.col("start").min(), pl.col("finish").max())
    )
    own = {"supply_order": row["supply_order"], "status": row["status"]}
    return [{**own, **window} for window in windows.sort("step").to_dicts()]


def order_number(kind: str, supply: Mapping[str, Any], taken: Collection[str]) -> str:
    """First free id of the order that a proposal becomes: its number's place and count.

    A proposal comes back in later plans when its cause goes on, so that an id may be
    taken by the order of an earlier plan. A proposal without a number has the first
    free count of its location.

    Parameters
    ----------
    kind
        Kind of the order.
    supply
        Row of `supplies` of status planned.
    taken
        Ids of all orders that there ever were.

    >>> proposal = {"id": "00ff", "number": "B-LODZ-0417", "location": "LODZ"}
    >>> order_number("purchase", proposal, {"PO-LODZ-0417"})
    'PO-LODZ-0417-2'
    """
    number = _NUMBER.match(supply.get("number") or "")
    if number is not None:
        return free_number(f"{PREFIXES[kind]}-{number['counted']}", taken)
    begin = f"{PREFIXES[kind]}-{supply['location']}"
    counts = (f"{begin}-{count:0{DIGITS}}" for count in itertools.count(1))
    return next(wanted for wanted in counts if wanted not in taken)


def free_number(wanted: str, taken: Collection[str]) -> str:
    """Number, counted up from 2 where it is taken."""
    if wanted not in taken:
        return wanted
    count = 2
    while f"{wanted}-{count}" in taken:
        count += 1
    return f"{wanted}-{count}"
