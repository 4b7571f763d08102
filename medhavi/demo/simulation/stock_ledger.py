"""Stock of the history: lots by product and place, first expired taken first."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(slots=True)
class LotOnHand:
    """A lot on hand; `usable` false while it is held or expired."""

    lot: str
    qty: int
    expires: int | None = None
    usable: bool = True


class StockLedger:
    """What is on hand and what of it is spoken for, in smallest quantities."""

    def __init__(self) -> None:
        self._lots: dict[tuple[str, str], list[LotOnHand]] = {}
        self._usable: dict[tuple[str, str], int] = {}
        self._taken: dict[tuple[str, str], int] = {}

    def keys(self) -> list[tuple[str, str]]:
        """Every (product, place) that ever held something, in order."""
        return list(self._lots)

    def lots(self, product: str, place: str) -> list[LotOnHand]:
        """Lots on hand."""
        return self._lots.get((product, place), [])

    def usable(self, product: str, place: str) -> int:
        """What is on hand and neither held nor expired."""
        return self._usable.get((product, place), 0)

    def free(self, product: str, place: str) -> int:
        """What is usable and not spoken for."""
        key = (product, place)
        return self._usable.get(key, 0) - self._taken.get(key, 0)

    def claim(self, product: str, place: str, qty: int) -> None:
        """Speak for a quantity; a negative one gives it back."""
        key = (product, place)
        self._taken[key] = self._taken.get(key, 0) + qty

    def add(
        self,
        product: str,
        place: str,
        qty: int,
        lot: str = "",
        expires: int | None = None,
    ) -> None:
        """Put a quantity on the shelf."""
        key = (product, place)
        shelf = self._lots.setdefault(key, [])
        self._usable[key] = self._usable.get(key, 0) + qty
        for entry in shelf:
            if entry.lot == lot:
                entry.qty += qty
                return
        shelf.append(LotOnHand(lot, qty, expires))
        shelf.sort(key=lambda x: (x.expires is None, x.expires or 0, x.lot))

    def take(self, product: str, place: str, qty: int) -> list[LotOnHand]:
        """Take up to a quantity off the shelf; give what was taken of which lot."""
        key = (product, place)
        shelf = self._lots.get(key, [])
        taken: list[LotOnHand] = []
        for entry in shelf:
            if not qty:
                break
            part = min(qty, entry.qty) if entry.usable else 0
            if part:
                entry.qty -= part
                qty -= part
                self._usable[key] -= part
                taken.append(LotOnHand(entry.lot, part, entry.expires))
        self._lots[key] = [entry for entry in shelf if entry.qty or not entry.lot]
        return taken

    def correct(self, product: str, place: str, lot: LotOnHand, qty: int) -> None:
        """Set the quantity of a lot to what was counted."""
        if lot.usable:
            self._usable[product, place] += qty - lot.qty
        lot.qty = qty

    def set_usable(
        self, product: str, place: str, lot: LotOnHand, *, usable: bool
    ) -> None:
        """Hold a lot or free it again."""
        if lot.usable != usable:
            sign = 1 if usable else -1
            self._usable[product, place] += sign * lot.qty
            lot.usable = usable
