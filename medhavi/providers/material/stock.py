"""Stock that can serve (rule 11), and safety stock withheld from it (rules 7, 31)."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from medhavi.units import ALWAYS, NEVER, steps_down, steps_up

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from medhavi.providers import Providers
    from medhavi.providers.product_facts import ProductFacts
    from medhavi.providers.table_rows import TableRows
    from medhavi.snapshot.calendars.calendars import Calendars


Node = tuple[str, str]


class StockLot(NamedTuple):
    """One usable lot: `customer` owns it, None where it is ours; its stated class."""

    lot: str
    steps: int
    expires: int
    customer: str | None
    quality: str | None


class OnHand:
    """Usable stock of a snapshot by product and location (rule 11).

    Parameters
    ----------
    providers : Providers
        Tables and facts of the snapshot.
    """

    __slots__ = ("_lots", "_missing")

    def __init__(self, providers: Providers) -> None:
        tables, facts = providers.tables, providers.facts
        as_of = int(providers.snapshot.as_of)
        suppliers = set(tables["suppliers"].column("supplier"))
        customers = set(tables["customers"].column("customer"))
        customers.update(name for name in tables["demands"].column("customer") if name)
        self._lots: dict[Node, list[StockLot]] = {}
        self._missing: dict[Node, int] = {}
        for row in tables["stock"]:
            expires = NEVER if row["expires_at"] is None else row["expires_at"]
            if row["status"] != "available" or expires < as_of:
                continue
            node = (row["product"], row["location"])
            step = facts.step(row["product"])
            if row["qty"] < 0:
                missing = steps_up(-row["qty"], step)
                self._missing[node] = self._missing.get(node, 0) + missing
                continue
            owner = row["owner"]
            foreign = owner and (owner in customers or owner not in suppliers)
            self._lots.setdefault(node, []).append(
                StockLot(
                    row["lot"],
                    steps_down(row["qty"], step),
                    expires,
                    owner if foreign else None,
                    row["quality"],
                )
            )

    def has(self, product: str, location: str) -> bool:
        """Whether the tables book anything, or less than nothing, there."""
        node = (product, location)
        return node in self._lots or node in self._missing

    def lots(self, product: str, location: str) -> tuple[StockLot, ...]:
        """Usable lots, as the table has them."""
        return tuple(self._lots.get((product, location), ()))

    def missing(self, product: str, location: str) -> int:
        """What negative bookings say is gone already [steps]."""
        return self._missing.get((product, location), 0)

    @property
    def nodes(self) -> tuple[Node, ...]:
        """Products at locations with usable stock, sorted."""
        return tuple(sorted(self._lots))


def perishable_products(providers: Providers) -> frozenset[str]:
    """Collect the products that have a life or lots that end."""
    stock, products = providers.tables["stock"], providers.tables["products"]
    dated = {
        product
        for product, ends in zip(
            stock.column("product"), stock.column("expires_at"), strict=True
        )
        if ends is not None
    }
    lives = zip(
        products.column("product"), products.column("shelf_life_days"), strict=True
    )
    return frozenset(dated | {product for product, life in lives if life is not None})


class SafetyLevels:
    """Safety quantities of products at locations.

    Parameters
    ----------
    tables : mapping of str to Rows
        `inventory_policies`, `inventory_levels`.
    facts : ProductFacts
        Steps of the products, calendars of the locations.
    calendars : Calendars
        Safety days count in the calendar of the location (rule 13).
    """

    __slots__ = ("_calendars", "_facts", "_level_rows", "_levels", "_policies", "_rows")

    def __init__(
        self, tables: Mapping[str, TableRows], facts: ProductFacts, calendars: Calendars
    ) -> None:
        self._facts = facts
        self._calendars = calendars
        self._policies = tables["inventory_policies"]
        self._rows = self._policies.index("product", "location")
        self._levels = tables["inventory_levels"]
        self._level_rows = self._levels.index("product", "location")

    def has(self, product: str, location: str) -> bool:
        """Whether any row speaks of a product at a location."""
        node = (product, location)
        return node in self._rows or node in self._level_rows

    def unlimited(self, product: str, location: str) -> bool:
        """Whether the product is always there (bulk material)."""
        return any(
            self._policies.column("unlimited")[i]
            for i in self._rows.get((product, location), ())
        )

    def rule(self, product: str, location: str) -> str:
        """What holds for safety stock: block, flag or allow (`on_violation`)."""
        for i in self._rows.get((product, location), ()):
            return str(self._policies.column("on_violation")[i])
        return "flag"

    def steps_of(
        self, product: str, location: str, needs: Iterable[tuple[int, int]]
    ) -> list[tuple[int, int]]:
        """Safety stock as a step function.

        Parameters
        ----------
        needs : iterable of (int, int)
            Instants [s] and quantities [steps] of what is committed: safety days
            withhold the needs of the next days.

        Returns
        -------
        list of (int, int)
            (instant, level) [s, steps]: the level holds from the instant on. Rising
            instants, the first since ever; empty where there is no safety stock.
        """
        key = (product, location)
        policies = self._rows.get(key, ())
        phases = self._phases(key)
        if not policies and not phases:
            return []
        step = self._facts.step(product)
        plain, days = 0, 0.0
        for i in policies:
            plain = steps_up(self._policies.column("safety_qty")[i], step)
            days = self._policies.column("safety_days")[i]
        if not plain and not days and not phases:
            return []
        stretches = self._covered(location, days, needs) if days else []
        edges = {ALWAYS}
        edges.update(edge for begin, end, _ in phases for edge in (begin, end))
        edges.update(edge for begin, end, _ in stretches for edge in (begin, end))
        found: list[tuple[int, int]] = []
        for edge in sorted(edges - {NEVER}):
            stated = plain
            for begin, end, qty in phases:
                if begin <= edge < end:
                    stated = qty
                    break
            cover = sum(qty for begin, end, qty in stretches if begin <= edge < end)
            level = max(stated, cover)
            if not found or found[-1][1] != level:
                found.append((edge, level))
        return found if any(level for _, level in found) else []

    def _phases(self, key: tuple[str, str]) -> list[tuple[int, int, int]]:
        """Windows with a level of their own [s, s, steps], by start."""
        numbers = self._level_rows.get(key)
        if not numbers:
            return []
        step = self._facts.step(key[0])
        found = []
        for i in numbers:
            qty = self._levels.column("safety_qty")[i]
            if qty is None:
                continue
            begin = self._levels.column("valid_from")[i]
            end = self._levels.column("valid_to")[i]
            found.append(
                (
                    ALWAYS if begin is None else begin,
                    NEVER if end is None else end,
                    steps_up(qty, step),
                )
            )
        return sorted(found)

    def _covered(
        self, location: str, days: float, needs: Iterable[tuple[int, int]]
    ) -> list[tuple[int, int, int]]:
        """Interval in which each need is one of the next days."""
        working = self._calendars.working_time(self._facts.calendar(location))
        found = []
        for instant, qty in needs:
            enter = working.subtract_days(instant, days)
            found.append((ALWAYS if enter is None else enter, instant, qty))
        return found
