"""Who may have to give way to a more important request (rule 35, ATP-09).

A line gives way where its priority number is larger and, where both tiers are known,
its tier is lower. It keeps what it has where moving it would undo a decision or break
it in two: a firm peg, an order in the books made for it, work or transport that has
begun, holds that are tentative, an order whose lines come together, a class that
nothing ranks.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

import polars as pl

from medhavi.planners.promising.requests.asking import request_of_line
from medhavi.planners.promising.supply_search.used_places import used_places
from medhavi.providers.material.characteristics import NO_CLASS
from medhavi.units import from_seconds

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from medhavi.planners.promising.ledger.book import Book
    from medhavi.planners.promising.requests.asking import Request
    from medhavi.planners.promising.supply_search.used_places import Used

TIERS = ("gold", "silver", "bronze")
"""Tiers whose order is known, the best first; equal names are equal anywhere."""
_STANDING = frozenset({"open", "quote"})
_IN_BOOKS = ("firmed", "released", "in_process")
_ACTIVE = ("tentative", "confirmed", "reduced")


class Rival(NamedTuple):
    """A line that may give way: its date [s] and the quantity that it was promised."""

    request: Request
    date: int | None
    qty: float


def is_lower(tier: str | None, than: str | None) -> bool:
    """Whether a tier gives way to another one; one that is unknown does.

    Of two names that are in no known order nobody can say which is lower: none is.

    >>> is_lower("Bronze", "gold"), is_lower("gold", "gold"), is_lower(None, "gold")
    (True, False, True)
    """
    if tier is None or than is None:
        return True
    low, high = tier.casefold(), than.casefold()
    if low not in TIERS or high not in TIERS:
        return False
    return TIERS.index(low) > TIERS.index(high)


def rivals(book: Book, request: Request) -> tuple[Rival, ...]:
    """Lines in the way that may have to give way, the least important first.

    Lines of equal priority: the latest due first, then the cheapest to delay.
    """
    products = [request.product]
    products += [row["substitute"] for row in book.substitutes.get(request.product, ())]
    used = used_places(book.stages, book.reach, products, request.location)
    tier = book.policies.tier(request)
    lower = [
        rival
        for rival in _holders(book, used)
        if rival.request.demand != request.demand
        and rival.request.priority > request.priority
        and is_lower(book.policies.tier(rival.request), tier)
    ]
    kept = _Kept(book, [rival.request for rival in lower])
    found = [rival for rival in lower if not kept.keeps(rival.request)]

    def willing(rival: Rival) -> tuple[int, int, float, str]:
        other = rival.request
        damage = book.costs.late_rate(other) * other.qty
        return -other.priority, -other.due, damage, other.demand

    return tuple(sorted(found, key=willing))


def _holders(book: Book, used: Used) -> Iterator[Rival]:
    """Find the lines that have something which a request may use."""
    for undos in book.accepted.values():
        touched = any(
            used.holds(hold.kind, hold.subject, hold.location)
            for undo in undos
            for hold in undo.holds
        ) or any(
            order[0].source in used.suppliers for undo in undos for order in undo.bought
        )
        cells = undos[-1].cells
        if touched and cells:
            request = request_of_line(cells, 0)
            qty = undos[-1].qty
            yield Rival(request, undos[-1].date, request.qty if qty is None else qty)
    demands = book.providers.tables["demands"]
    numbers = {name: i for i, name in enumerate(demands.column("demand"))}
    for name in sorted(_owners(book, used)):
        number = numbers.get(name)
        if number is None or name in book.accepted:
            continue
        row = demands.row(number)
        if row["status"] in _STANDING and row["kind"] == "order":
            request = request_of_line(row, 0)
            yield Rival(request, row["promised"], request.qty)


def _owners(book: Book, used: Used) -> set[str]:
    """Collect the demands to which the tables give something of it."""
    committed, holds = book.providers.commitments, book.providers.reservations
    found = {had.owner for node in used.nodes for had in committed.at(*node)}
    found |= {
        hold.demand
        for hold in (*holds.capacity, *holds.transport)
        if used.holds(hold.scope, hold.subject, hold.location)
    }
    return {owner for owner in found if owner is not None}


class _Kept:
    """Lines that keep what they have.

    Parameters
    ----------
    lines
        Who is asked about.
    """

    def __init__(self, book: Book, lines: Sequence[Request]) -> None:
        self._book = book
        tables = book.snapshot
        mine = pl.col("demand").is_in([one.demand for one in lines])
        pegs = tables["pegs"].filter(mine & pl.col("firm"))
        orders = tables["supply_orders"].filter(
            mine
            & (
                pl.col("status").is_in(_IN_BOOKS)
                | pl.col("firm").fill_null(value=False)
                | pl.col("locked").fill_null(value=False)
            )
        )
        now = from_seconds(book.now)
        ends = pl.col("expires_at")
        held = tables["reservations"].filter(
            mine & (ends.is_null() | (ends > now)) & pl.col("state").is_in(_ACTIVE)
        )
        begun = held.filter((pl.col("kind") != "material") & (pl.col("start") < now))
        self._bound = {*pegs["demand"], *orders["demand"], *begun["demand"]}
        tentative = pl.col("state") == "tentative"
        self._tentative = set(held.filter(tentative)["demand"]) - set(
            held.filter(~tentative)["demand"]
        )
        names = {one.sales_order for one in lines if one.sales_order is not None}
        same = tables["demands"].filter(pl.col("sales_order").is_in(sorted(names)))
        self._lines: dict[str, set[str]] = {name: set() for name in names}
        for order, line in same.select("sales_order", "demand").iter_rows():
            self._lines[order].add(line)
        for undos in book.accepted.values():
            for undo in undos:
                self._lines.setdefault(str(undo.cells.get("sales_order")), set()).add(
                    undo.demand
                )

    def keeps(self, request: Request) -> bool:
        """Whether a line must not be moved."""
        taken = self._book.accepted.get(request.demand, ())
        if taken:
            bound = request.demand in self._bound or any(
                hold.kind != "material" and hold.start < self._book.now
                for undo in taken
                for hold in undo.holds
            )
        else:
            bound = request.demand in self._bound | self._tentative
        quality = request.min_quality
        if quality is not None:
            bound = bound or self._book.providers.traits.rank(quality) == NO_CLASS
        return bound or self._is_tied(request)

    def _is_tied(self, request: Request) -> bool:
        """Whether the line comes with others of its order."""
        lines = self._lines.get(request.sales_order or "", set())
        if len(lines) < 2:
            return False
        policy = self._book.policies.of(request)
        return request.order_policy != "independent" or policy.delivery == "full_order"
