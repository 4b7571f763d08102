"""What a supply has and a demand asks for: characteristics and a quality class.

A demand's pairs must all be among those of its supply (OMI-18, DEF-12: a set, several
values of one key may stand together). A supply has the characteristics of its product
and, where a routing makes it, what that routing provides; what is moved has what was
asked of it at its origin. Classes rank as `settings.quality_classes` says, best first:
a lot has the class it states, else that of its product, and new supply has that of its
product. A lot below the class of its product is no stock.

Who asks for nothing takes from any lot; who asks takes from lots that have it. A
quantity is free where the line has it as if all lots were alike, and where every taker
can still be served from a lot that is there, lives long enough, and has what the taker
asks for. The second is a transportation problem; paths that let others change their lot
(Ford, Fulkerson 1956) say exactly how much more can be served.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from medhavi.findings import finding
from medhavi.providers.material.line import LineChange, MaterialLine
from medhavi.providers.material.lots import LotAllocation, LotLine, SearchedLine
from medhavi.units import INT64_MAX

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from medhavi.findings import Finding
    from medhavi.providers.material.lots import Lot
    from medhavi.providers.table_rows import TableRows


NO_CLASS = 2**31
"""Rank of what has no class, or asks for none; a smaller rank is better."""


class Characteristics(NamedTuple):
    """Pairs `key=value` and the rank of a quality class, of a supply or asked for."""

    pairs: frozenset[str]
    rank: int

    def meets(self, asked: Characteristics) -> bool:
        """Whether a supply with these has what is asked."""
        return asked.pairs <= self.pairs and self.rank <= asked.rank

    def joined(self, other: Characteristics) -> Characteristics:
        """Pairs of both and the better class."""
        return Characteristics(self.pairs | other.pairs, min(self.rank, other.rank))

    def providing(self, pairs: Iterable[str] | None) -> Characteristics:
        """These with the pairs that a routing provides."""
        return self._replace(pairs=self.pairs.union(pairs)) if pairs else self

    def lacks(self, asked: Characteristics) -> tuple[str, ...]:
        """Name the pairs that are asked for and are not among these, sorted."""
        return tuple(sorted(asked.pairs - self.pairs))


PLAIN = Characteristics(frozenset(), NO_CLASS)


class CharacteristicsCatalog:
    """Characteristics of products, lots and demands of a snapshot.

    Parameters
    ----------
    tables
        `settings`, `products`, `substitutes`, `stock`.

    Attributes
    ----------
    findings
        Lots that are no stock because their class is too low.
    """

    def __init__(self, tables: Mapping[str, TableRows]) -> None:
        self._ranks: dict[str, int] = {}
        for classes in tables["settings"].column("quality_classes"):
            self._ranks = {name: rank for rank, name in enumerate(classes or ())}
        products = tables["products"]
        self._products = {
            product: Characteristics(frozenset(pairs or ()), self.rank(quality))
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

    def of_product(self, product: str) -> Characteristics:
        """What new supply of a product has, whatever its source."""
        return self._products.get(product, PLAIN)

    def of_lot(self, product: str, quality: str | None) -> Characteristics | None:
        """What a lot has; None: its class is below that of its product."""
        own = self.of_product(product)
        if quality is None:
            return own
        found = Characteristics(own.pairs, self.rank(quality))
        return found if found.rank <= own.rank else None

    def asked(
        self, product: str, requires: Sequence[str] | None, quality: str | None
    ) -> Characteristics | None:
        """What a demand asks for; None: any supply of its product has it.

        A substitute must have the class of the product that was ordered.
        """
        own = self.of_product(product).rank if product in self._replaced else NO_CLASS
        rank = min(own, self.rank(quality))
        if not requires and rank == NO_CLASS:
            return None
        return Characteristics(frozenset(requires or ()), rank)

    def delivers(self, product: str, other: str) -> bool:
        """Whether a product may be delivered for what was ordered."""
        return product == other or (product, other) in self._pairs

    def _low(self, stock: TableRows) -> list[Finding]:
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


class CharacteristicAllocation:
    """Who takes how much of which lot.

    Parameters
    ----------
    sizes
        Steps of each lot.

    Examples
    --------
    The first taker gives up the lot that alone serves the second:

    >>> served = CharacteristicAllocation([4, 4])
    >>> served.add([0, 1], 4), served.add([0], 3), served.add([0, 1], 5)
    (4, 3, 1)
    """

    __slots__ = ("_flows", "_free", "_usable")

    def __init__(self, sizes: Iterable[int]) -> None:
        self._free = list(sizes)
        self._flows: list[dict[int, int]] = [{} for _ in self._free]
        self._usable: list[Sequence[int]] = []

    def copy(self) -> CharacteristicAllocation:
        """One that may be changed alone."""
        made = CharacteristicAllocation(self._free)
        made._flows = [dict(flow) for flow in self._flows]
        made._usable = list(self._usable)
        return made

    def add(self, usable: Sequence[int], units: int) -> int:
        """Serve one more taker; the others keep how much they have.

        Parameters
        ----------
        usable
            Lots that serve it.

        Returns
        -------
        int
            What it gets.
        """
        taker = len(self._usable)
        self._usable.append(usable)
        left = units
        while left > 0:
            part = self._more(taker, left)
            if not part:
                break
            left -= part
        return units - left

    def _more(self, taker: int, most: int) -> int:
        """Find the shortest chain of changes that frees something for a taker."""
        came: dict[int, tuple[int, int]] = {}
        seen = {taker}
        waiting = [(taker, -1)]
        for one, given in waiting:
            for lot in self._usable[one]:
                if lot in came:
                    continue
                came[lot] = (one, given)
                if self._free[lot] > 0:
                    return self._change(lot, came, most)
                for other in self._flows[lot]:
                    if other not in seen:
                        seen.add(other)
                        waiting.append((other, lot))
        return 0

    def _change(self, lot: int, came: dict[int, tuple[int, int]], most: int) -> int:
        part = min(most, self._free[lot])
        path = []
        at = lot
        while at >= 0:
            taker, given = came[at]
            path.append((taker, at, given))
            if given >= 0:
                part = min(part, self._flows[given][taker])
            at = given
        self._free[lot] -= part
        for taker, gained, given in path:
            self._flows[gained][taker] = self._flows[gained].get(taker, 0) + part
            if given >= 0:
                self._flows[given][taker] -= part
                if not self._flows[given][taker]:
                    del self._flows[given][taker]
        return part


class CharacteristicLine(LotLine):
    """Availability where lots of one product at one place differ in what they are.

    Parameters
    ----------
    lots, takers, withheld, journal
        As of `LotLine`; `kind` is a place in `kinds`.
    kinds
        What lots have and takers ask for; the first: nothing.
    """

    __slots__ = ("_kinds", "_served")

    def __init__(
        self,
        lots: Iterable[Lot],
        takers: Iterable[LotAllocation],
        withheld: Sequence[tuple[int, int]],
        journal: list[LineChange],
        kinds: Sequence[Characteristics],
    ) -> None:
        self._kinds = kinds
        self._served: CharacteristicAllocation | None = None
        super().__init__(lots, takers, withheld, journal)

    def available(
        self,
        instant: int,
        transit: int = 0,
        min_shelf_days: float = 0.0,
        *,
        buffers: bool = False,
        customer: str | None = None,
        kind: int = 0,
    ) -> int:
        """What a new taker of a kind may take at an instant without harm."""
        most = super().available(
            instant, transit, min_shelf_days, buffers=buffers, customer=customer
        )
        if most <= 0 or not (kind or any(taker.kind for taker in self._takers)):
            return most
        until = self._until(instant, transit, min_shelf_days)
        return self._room(LotAllocation(instant, until, customer or "", most, kind))

    fits = MaterialLine.fits

    def asking(self, kind: int) -> MatchingLine:
        """Line as one sees it who asks for something."""
        return MatchingLine(self, kind)

    def apply(self, shift: LineChange) -> None:
        """Carry out a shift without noting it."""
        self._served = None
        super().apply(shift)

    def lives(self, instant: int, transit: int, min_shelf_days: float) -> int:
        """Until when goods must live that are taken at an instant [s]."""
        return self._until(instant, transit, min_shelf_days)

    def note(self, shift: LineChange) -> LineChange:
        """Carry out a shift of one kind, and note it in the journal."""
        return self._noted(shift)

    # ------------------------------------------------------------------- internals
    def _room(self, taker: LotAllocation) -> int:
        if self._served is None:
            self._served = self._now_served()
        return self._served.copy().add(self._usable(taker), taker.units)

    def _now_served(self) -> CharacteristicAllocation:
        """Serve all takers; who has to wait keeps what comes later from others."""
        found = CharacteristicAllocation(lot.units for lot in self._lots)
        short = []
        for taker in self._takers:
            left = taker.units - found.add(self._usable(taker), taker.units)
            if left:
                short.append((taker, left))
        for taker, left in short:
            found.add(self._usable(taker, waits=True), left)
        return found

    def _usable(self, taker: LotAllocation, *, waits: bool = False) -> list[int]:
        asked = self._kinds[taker.kind]
        return [
            place
            for place, lot in enumerate(self._lots)
            if (waits or lot.arrival <= taker.instant)
            and lot.expires >= max(taker.until, lot.arrival)
            and lot.customer in ("", taker.customer)
            and self._kinds[lot.kind].meets(asked)
        ]


class MatchingLine(SearchedLine):
    """A line with differing lots, for one who asks for something.

    It has no events of its own: all that is asked and taken goes to the line behind it.
    """

    __slots__ = ("_behind", "_kind")

    def __init__(self, behind: CharacteristicLine, kind: int) -> None:
        super().__init__((), (), [])
        self._behind = behind
        self._kind = kind
        self.withholds = behind.withholds

    def available(
        self,
        instant: int,
        transit: int = 0,
        min_shelf_days: float = 0.0,
        *,
        buffers: bool = False,
        customer: str | None = None,
    ) -> int:
        """What has what is asked for and may be taken without harm [units]."""
        return self._behind.available(
            instant,
            transit,
            min_shelf_days,
            buffers=buffers,
            customer=customer,
            kind=self._kind,
        )

    def rises(self, start: int) -> list[int]:
        """List the instants after `start` at which more may become available."""
        return self._behind.rises(start)

    def take(
        self,
        units: int,
        instant: int,
        transit: int = 0,
        min_shelf_days: float = 0.0,
        *,
        customer: str | None = None,
    ) -> LineChange:
        """Take a quantity of lots that have what is asked for."""
        until = self._behind.lives(instant, transit, min_shelf_days)
        shift = LineChange(
            self._behind,
            units,
            instant,
            1,
            until,
            customer,
            receipt=False,
            kind=self._kind,
        )
        return self._behind.note(shift)

    def add(self, units: int, instant: int, expires: int | None = None) -> LineChange:
        """Add a receipt with the traits asked for."""
        until = INT64_MAX if expires is None else expires
        shift = LineChange(
            self._behind,
            -units,
            instant,
            1,
            until,
            None,
            receipt=True,
            kind=self._kind,
        )
        return self._behind.note(shift)
