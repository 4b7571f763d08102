"""What a supply has and a demand asks for: characteristics and a quality class.

A demand's pairs must all be among those of its supply (OMI-18, DEF-12: a set, several
values of one key may stand together). A supply has the characteristics of its product
and, where a routing makes it, what that routing provides; what is moved has what was
asked of it at its origin. Classes rank as `settings.quality_classes` says, best first:
a lot has the class it states, else that of its product, and new supply has that of its
product. A lot below the class of its product is no stock.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from medhavi.findings import finding

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from medhavi.findings import Finding
    from medhavi.providers.table_rows import Rows

NO_CLASS = 2**31
"""Rank of what has no class, or asks for none; a smaller rank is better."""


class Traits(NamedTuple):
    """Pairs `key=value` and the rank of a quality class, of a supply or asked for."""

    pairs: frozenset[str]
    rank: int

    def meets(self, asked: Traits) -> bool:
        """Whether a supply with these has what is asked."""
        return asked.pairs <= self.pairs and self.rank <= asked.rank

    def joined(self, other: Traits) -> Traits:
        """Pairs of both and the better class."""
        return Traits(self.pairs | other.pairs, min(self.rank, other.rank))

    def providing(self, pairs: Iterable[str] | None) -> Traits:
        """These with the pairs that a routing provides."""
        return self._replace(pairs=self.pairs.union(pairs)) if pairs else self

    def lacks(self, asked: Traits) -> tuple[str, ...]:
        """Name the pairs that are asked for and are not among these, sorted."""
        return tuple(sorted(asked.pairs - self.pairs))


PLAIN = Traits(frozenset(), NO_CLASS)


class TraitsBook:
    """Traits of products, lots and demands of a snapshot.

    Parameters
    ----------
    tables
        `settings`, `products`, `substitutes`, `stock`.

    Attributes
    ----------
    findings
        Lots that are no stock because their class is too low.
    """

    def __init__(self, tables: Mapping[str, Rows]) -> None:
        self._ranks: dict[str, int] = {}
        for classes in tables["settings"].column("quality_classes"):
            self._ranks = {name: rank for rank, name in enumerate(classes or ())}
        products = tables["products"]
        self._products = {
            product: Traits(frozenset(pairs or ()), self.rank(quality))
            for product, pairs, quality in zip(
                products.column("product"),
                products.column("characteristics"),
                products.column("quality_class"),
                strict=True,
            )
            if pairs or quality is not None
        }
        rows = tables["substitutes"]
        self._pairs = set(
            zip(rows.column("product"), rows.column("substitute"), strict=True)
        )
        self._replaced = set(rows.column("product"))
        self.findings = self._low(tables["stock"])

    @property
    def ranked(self) -> bool:
        """Whether classes are ranked: a substitute must have that of the product."""
        return bool(self._ranks)

    def rank(self, quality: str | None) -> int:
        """Rank of a class; one that is not listed is below all others."""
        return NO_CLASS if quality is None else self._ranks.get(quality, NO_CLASS)

    def of_product(self, product: str) -> Traits:
        """What new supply of a product has, whatever its source."""
        return self._products.get(product, PLAIN)

    def of_lot(self, product: str, quality: str | None) -> Traits | None:
        """What a lot has; None: its class is below that of its product."""
        own = self.of_product(product)
        if quality is None:
            return own
        found = Traits(own.pairs, self.rank(quality))
        return found if found.rank <= own.rank else None

    def asked(
        self, product: str, requires: Sequence[str] | None, quality: str | None
    ) -> Traits | None:
        """What a demand asks for; None: any supply of its product has it.

        A substitute must have the class of the product that was ordered.
        """
        own = self.of_product(product).rank if product in self._replaced else NO_CLASS
        rank = min(own, self.rank(quality))
        if not requires and rank == NO_CLASS:
            return None
        return Traits(frozenset(requires or ()), rank)

    def delivers(self, product: str, other: str) -> bool:
        """Whether a product may be delivered for what was ordered."""
        return product == other or (product, other) in self._pairs

    def _low(self, stock: Rows) -> list[Finding]:
        found: list[Finding] = []
        rows = zip(
            *(stock.column(n) for n in ("product", "location", "lot", "quality")),
            strict=True,
        )
        for number, (product, location, lot, quality) in enumerate(rows, 1):
            if quality is not None and self.of_lot(product, quality) is None:
                found.append(
                    finding(
                        "PLAN014",
                        table="stock",
                        column="quality",
                        row=number,
                        value=quality,
                        lot=f"{product}|{location}|{lot}",
                    )
                )
        return found


def unranked(
    classes: Sequence[str], cells: Mapping[str, Sequence[str | None]]
) -> dict[str, list[str]]:
    """Classes that no ranking decides, by the column that names them.

    Parameters
    ----------
    classes
        Ranking, best first.
    cells
        Column to its cells; empty cells are left out.

    >>> unranked(["A"], {"stock.quality": ["A", "B", None]})
    {'stock.quality': ['B']}
    """
    found: dict[str, list[str]] = {}
    for column, values in cells.items():
        odd = {value for value in values if value and value not in classes}
        if odd:
            found[column] = sorted(odd)
    return found
