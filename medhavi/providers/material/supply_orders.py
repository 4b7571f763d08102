"""Orders that exist or are proposed: what they bring and take (rules 3, 11, 15, 30).

Firmed, released and started orders count with the quantity still to come; planned ones
never do. Nothing arrives in the past: an overdue order counts one day after now, with a
finding. Components of started orders are taken already, those of others are not.

No ledger has them: a planned order is no supply until it is firmed.
"""

from __future__ import annotations

from bisect import bisect_left
from copy import copy
from typing import TYPE_CHECKING, Final, NamedTuple

import polars as pl

from medhavi.findings import finding
from medhavi.units import DAY, NEVER, exact, from_seconds, to_seconds

if TYPE_CHECKING:
    from collections.abc import Collection, Iterator, Mapping, Sequence
    from fractions import Fraction

    from medhavi.findings import Finding
    from medhavi.providers import Providers
    from medhavi.providers.material.recipes import Recipe
    from medhavi.providers.sources import OrderTiming
    from medhavi.providers.table_rows import Row
    from medhavi.snapshot import Snapshot

    Node = tuple[str, str]


LIVE: Final = frozenset({"firmed", "released", "in_process"})
STARTED: Final = "in_process"


class Receipt(NamedTuple):
    """A quantity that an order brings [units], its instant and its expiry [s]."""

    order: str
    product: str
    location: str
    units: int
    instant: int
    expires: int
    demand: str | None


class Withdrawal(NamedTuple):
    """A quantity that an order still takes [units], and when [s]."""

    order: str
    product: str
    location: str
    units: int
    instant: int


class ExistingOrders:
    """Receipts and withdrawals of the live orders of a snapshot.

    Parameters
    ----------
    providers : Providers
        Recipes, capacity, sourcing and facts of the snapshot.

    Attributes
    ----------
    receipts : tuple of Receipt
        What arrives, by order as the table has them.
    withdrawals : tuple of Withdrawal
        Components of work orders and goods of transfers that are not taken yet.
    findings : tuple of Finding
        Overdue orders.
    """

    __slots__ = ("_as_of", "_providers", "findings", "lanes", "receipts", "withdrawals")

    def __init__(self, providers: Providers) -> None:
        self._providers = providers
        self._as_of = int(providers.snapshot.as_of)
        self.lanes: set[str] = set()
        """Lanes whose times say when transfers leave."""
        receipts: list[Receipt] = []
        withdrawals: list[Withdrawal] = []
        found: list[Finding] = []
        rows = providers.tables["supply_orders"]
        for number, row in enumerate(rows):
            brought, taken = self.brought_and_taken(row)
            receipts += brought
            withdrawals += taken
            if brought and row["due"] < self._as_of:
                found.append(_overdue(row, rows.place(number)))
        self.receipts = tuple(receipts)
        self.withdrawals = tuple(withdrawals)
        self.findings = tuple(found)

    def with_order(self, row: Row, providers: Providers) -> ExistingOrders:
        """What orders bring and take where one of them is another or new.

        Parameters
        ----------
        row
            Of `supply_orders`.
        providers
            Those of the tables with it.
        """
        name = row["supply_order"]
        made: ExistingOrders = copy(self)
        made._providers = providers
        made.lanes = set(self.lanes)
        brought, taken = made.brought_and_taken(row)
        receipts = [one for one in self.receipts if one.order != name]
        withdrawals = [one for one in self.withdrawals if one.order != name]
        place = bisect_left([one.order for one in receipts], name)
        receipts[place:place] = brought
        made.receipts = tuple(receipts)
        made.withdrawals = (*withdrawals, *taken)
        return made

    def brought_and_taken(self, row: Row) -> tuple[list[Receipt], list[Withdrawal]]:
        """What an order still brings and takes; one that is not live nothing."""
        if row["status"] not in LIVE:
            return [], []
        if row["kind"] == "work":
            recipe = self._recipe(row)
            if recipe is not None:
                return self._work(row, recipe)
        product = row["product"]
        units = _open_units(row, self._providers.facts.step(product))
        if units <= 0:
            return [], []
        arrival = self._arrival(row, row["due"])
        life = self._life(product)
        brought = _receipt(row, (product, row["location"]), units, arrival, life)
        if row["kind"] != "transfer":
            return [brought], []
        origin, ready = self._departure(row, units)
        if life is not None:
            # Its age is not stated: it is no fresher than what was made just then.
            brought = brought._replace(expires=ready + life)
        if origin is None or row["status"] == STARTED:
            return [brought], []
        taken = Withdrawal(
            row["supply_order"], product, origin, units, max(ready, self._as_of)
        )
        return [brought], [taken]

    def _recipe(self, row: Row) -> Recipe | None:
        """Recipe of a work order; None: it comes from outside."""
        recipes = self._providers.recipes
        master = recipes.row(row["source"]) if row["source"] else None
        if master is None:
            return None
        recipe = recipes.recipe(row["source"])
        makes = recipe.gain(row["product"], row["location"]) is not None
        return recipe if makes or master["product"] == row["product"] else None

    def _work(self, row: Row, recipe: Recipe) -> tuple[list[Receipt], list[Withdrawal]]:
        units = _open_units(row, recipe.unit_step)
        if units <= 0:
            return [], []
        done = exact(row["qty_done"]) / recipe.unit_step
        taken = done.numerator // done.denominator
        timing = self._providers.capacity.existing(
            row["supply_order"],
            recipe.routing,
            (units + taken, taken),
            row["due"],
            row["start"],
        )
        brought = self._outputs(row, recipe, units, timing)
        if row["status"] == STARTED:
            return brought, []
        return brought, self._components(row, recipe, units, timing)

    def _outputs(
        self, row: Row, recipe: Recipe, units: int, timing: OrderTiming
    ) -> list[Receipt]:
        home = (recipe.product, recipe.location)
        asked = (row["product"], row["location"])
        gains = {home: recipe.main, **recipe.others}
        found = []
        for node, gain in sorted(gains.items()):
            # What an order is for is in stock when the order is due, and there where
            # the order says, not its routing.
            is_asked = node == asked or (asked not in gains and node == home)
            at = row["due"]
            if not is_asked:
                capacity = self._providers.capacity
                at = gain.there_at(capacity, recipe.routing, timing)
            qty = gain.good_steps(units, at)
            if qty > 0:
                place = asked if is_asked else node
                arrival = self._arrival(row, at)
                life = self._life(place[0])
                found.append(_receipt(row, place, qty, arrival, life))
        return found

    def _components(
        self, row: Row, recipe: Recipe, units: int, timing: OrderTiming
    ) -> list[Withdrawal]:
        found = []
        for group in recipe.groups:
            for component in group:
                instant = component.used_at(
                    self._providers.capacity, recipe.routing, timing
                )
                if not component.valid_at(instant):
                    continue
                needed = component.steps(units)
                if needed > 0:
                    found.append(
                        Withdrawal(
                            row["supply_order"],
                            component.component,
                            component.location,
                            needed,
                            max(instant, self._as_of),
                        )
                    )
                break
        return found

    def _departure(self, row: Row, units: int) -> tuple[str | None, int]:
        """Where a transfer comes from, None: outside, and when it is ready there.

        Without a lane or a start that is when it is due.
        """
        product, source = row["product"], row["source"]
        stated = row["due"] if row["start"] is None else row["start"]
        if not source:
            return None, stated
        way = self._providers.sourcing.source_of(
            "transfer", source, product, row["location"]
        )
        if way is None or way.origin is None:
            known = self._providers.facts.is_location(source)
            return (source if known else None), stated
        self.lanes.add(way.source)
        timing = (
            way.clock.latest(row["due"], units)
            if row["start"] is None
            else way.clock.earliest(row["start"], units)
        )
        if timing is None:
            return way.origin, stated
        departure = timing.start if row["start"] is None else row["start"]
        return way.origin, departure - (timing.start - timing.ready)

    def _arrival(self, row: Row, instant: int) -> int:
        if row["due"] < self._as_of:
            return max(instant, self._as_of + DAY)
        return int(max(instant, self._as_of))

    def _life(self, product: str) -> int | None:
        return self._providers.facts.shelf_life(product)


def _open_units(row: Row, step: Fraction) -> int:
    """Quantity still to come, cut down to whole steps."""
    rest = (exact(row["qty"]) - exact(row["qty_done"])) / step
    return rest.numerator // rest.denominator


def _receipt(
    row: Row, place: tuple[str, str], units: int, instant: int, life: int | None
) -> Receipt:
    expires = NEVER if life is None else instant + life
    return Receipt(row["supply_order"], *place, units, instant, expires, row["demand"])


def _overdue(row: Row, place: int) -> Finding:
    return finding(
        "MTL001",
        table="supply_orders",
        row=place,
        column="due",
        value=row["supply_order"],
        due=f"{from_seconds(row['due']):%Y-%m-%d %H:%M} UTC",
    )


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
