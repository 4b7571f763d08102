"""Stock that can serve: available, not expired, ours or the customer's (rule 11)."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from medhavi.units import NEVER, steps_down, steps_up

if TYPE_CHECKING:
    from medhavi.providers import Providers

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
