"""Orders that proposals become: their rows, their steps and their numbers."""

from __future__ import annotations

import datetime as dt
import itertools
import re
from typing import TYPE_CHECKING, Any, NamedTuple, NoReturn, Self

import polars as pl

from medhavi.findings import BadData, finding
from medhavi.results.amounts import duration
from medhavi.results.identity import DIGITS, LETTERS
from medhavi.results.schedules.problem import NO_MACHINE, WAITING
from medhavi.units import HOUR, exact, to_seconds

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Mapping

    from medhavi.findings import Finding
    from medhavi.results.plans.plan import Plan
    from medhavi.results.schedules.schedule import Schedule
    from medhavi.snapshot.patch import RowChange

KINDS = {"make": "work", "buy": "purchase", "move": "transfer"}
"""Kind of a supply → kind of an order."""
PREFIXES = {"work": "WO", "purchase": "PO", "transfer": "TO"}
_NUMBER = re.compile(rf"(?:{'|'.join(LETTERS.values())})-(?P<counted>.*-\d+)$")


class FirmStep(NamedTuple):
    """A step of an order where and when a schedule has it."""

    step: int
    resource: str
    start: dt.datetime
    finish: dt.datetime

    @classmethod
    def of(cls, text: str) -> Self:
        """Step as `str` writes it.

        >>> str(FirmStep.of("10 FILL-1 2026-12-04T06:00Z 2026-12-04T09:00:30Z"))
        '10 FILL-1 2026-12-04T06:00:00+00:00 2026-12-04T09:00:30+00:00'

        Raises
        ------
        ValueError
            It is no step, resource and two instants with their zone.
        """
        step, stated = text.split(maxsplit=1)
        resource, *times = stated.rsplit(maxsplit=2)
        start, finish = map(dt.datetime.fromisoformat, times)
        if start.tzinfo is None or finish.tzinfo is None:
            message = f"{text} states no zone"
            raise ValueError(message)
        return cls(int(step), resource, start, finish)

    def __str__(self) -> str:
        """Words that `of` reads."""
        times = self.start.isoformat(), self.finish.isoformat()
        return f"{self.step} {self.resource} {' '.join(times)}"


def scheduled_edits(plan: Plan, schedule: Schedule) -> list[dict[str, Any]]:
    """Edits by which the orders of a plan are as a schedule has them.

    Parameters
    ----------
    plan
        Whose orders were scheduled.
    schedule
        Of its `schedule_problem`; work that stays as planned is left out.

    Returns
    -------
    list of dict
        An edit `pin_steps` for each order, for one `mass_change`.
    """
    work = schedule.operations.filter(
        ~pl.col("fixed") & ~pl.col("resource").is_in([NO_MACHINE, WAITING])
    ).join(plan.supplies.select("id", sales_order="number"), on="sales_order")
    return [
        {
            "kind": "pin_steps",
            "supply": supply,
            "steps": [
                str(FirmStep(*row))
                for row in own.select("step", "resource", "start", "finish").iter_rows()
            ],
        }
        for (supply,), own in work.sort("id", "step").group_by(
            "id", maintain_order=True
        )
    ]


def order_row(
    supply: Mapping[str, Any], order: str, *, locked: bool, demand: str | None = None
) -> dict[str, Any]:
    """Order that a proposal becomes: firmed, as it was planned.

    Parameters
    ----------
    supply
        Row of `supplies` of status planned.
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


def begun_before_now(rows: Iterable[RowChange], now: int) -> tuple[Finding, ...]:
    """Name the changed orders that would have to begin before now [UTC seconds]."""
    found = []
    for one in rows:
        after: Mapping[str, Any] = one.after or {}
        start = after.get("start") if one.table == "supply_orders" else None
        if start is None or start == (one.before or {}).get("start"):
            continue
        if to_seconds(start) >= now:
            continue
        told = finding(
            "ORD013",
            table=one.table,
            column="start",
            value=after["supply_order"],
            start=f"{start:%Y-%m-%d %H:%M} UTC",
            due=f"{after['due']:%Y-%m-%d %H:%M} UTC",
            ago=duration((now - to_seconds(start)) / HOUR),
            source=after.get("source") or "its source",
        )
        found.append(told)
    return tuple(found)


def order_number(kind: str, supply: Mapping[str, Any], taken: Collection[str]) -> str:
    """First free id of the order that a proposal becomes: its number's place and count.

    A proposal comes back in later plans when its cause goes on, so that an id may be
    taken by the order of an earlier plan. A proposal without a number has the first
    free count of its location.

    Parameters
    ----------
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


def order_named(orders: pl.DataFrame, text: str) -> str | None:
    """Id of the order that a text names: id, number, or number before it was firmed.

    None where no order is meant. Upper and lower case are alike.

    Parameters
    ----------
    orders
        Columns id and number.

    >>> orders = pl.DataFrame({"id": ["WO-L-0007"], "number": ["WO-L-0007"]})
    >>> order_named(orders, "p-l-0007"), order_named(orders, "P-L-0008")
    ('WO-L-0007', None)
    """
    named = text.strip().upper()
    if not named:
        return None
    own = pl.col("id").str.to_uppercase()
    found = orders.filter(
        (own == named) | (pl.col("number").str.to_uppercase() == named)
    )
    number = _NUMBER.match(named)
    if found.is_empty() and number is not None:
        begins = "|".join(PREFIXES.values())
        firmed = rf"^(?:{begins})-{re.escape(number['counted'])}(?:-\d+)?$"
        found = orders.filter(own.str.contains(firmed))
    # A proposal that came back is firmed again: the last of its orders is meant.
    return None if found.is_empty() else str(found["id"][-1])


def numbers_of(plan: Plan, stated: Mapping[str, Any]) -> dict[str, str]:
    """Numbers of the orders of a plan that a stated edit is about, by their ids."""
    ids = [one.get("supply") for one in stated.get("edits", (stated,))]
    found = plan.supplies.filter(pl.col("id").is_in(ids, nulls_equal=True))
    return dict(found.select("id", "number").iter_rows())


def with_numbers(
    plan: Plan, stated: Mapping[str, Any], numbers: Mapping[str, str]
) -> dict[str, Any] | None:
    """Stated edit of the orders that have the numbers of before; None: one has gone.

    What is planned anew under the id of an order has another number.

    Parameters
    ----------
    numbers
        As of `numbers_of`, of the plan that the edit was stated for.
    """
    if numbers_of(plan, stated) == numbers:
        return dict(stated)
    found = plan.supplies.filter(pl.col("number").is_in(list(numbers.values())))
    ids = {number: id_ for id_, number in found.select("id", "number").iter_rows()}
    if not ids.keys() >= set(numbers.values()):
        return None

    now = {before: ids[number] for before, number in numbers.items()}

    def renamed(one: Mapping[str, Any]) -> dict[str, Any]:
        supply = one.get("supply")
        return dict(one) if supply not in now else {**one, "supply": now[supply]}

    if "edits" in stated:
        return {**stated, "edits": [renamed(one) for one in stated["edits"]]}
    return renamed(stated)


def free_number(wanted: str, taken: Collection[str]) -> str:
    """Number, counted up from 2 where it is taken."""
    if wanted not in taken:
        return wanted
    count = 2
    while f"{wanted}-{count}" in taken:
        count += 1
    return f"{wanted}-{count}"


def another(before: float, after: float) -> float:
    """Quantity of an edit, which has to be another one than the order has.

    Raises
    ------
    BadData
        The order has it already.
    """
    if exact(before) == exact(after):
        reason = "the order has this quantity already"
        refuse("qty", f"{after:,.12g}", reason, "Enter another one.")
    return after


def refuse(column: str, value: object, reason: str, way_out: str) -> NoReturn:
    """Refuse a value of an edit of an order.

    Raises
    ------
    BadData
        Always.
    """
    raise BadData(
        [
            finding(
                "ORD004",
                table="supply_orders",
                column=column,
                value=value,
                reason=reason,
                way_out=way_out,
            )
        ]
    )
