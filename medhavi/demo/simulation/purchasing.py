"""Buyers order what falls below its reorder point; suppliers deliver as they do."""

from __future__ import annotations

import math
from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING

from medhavi.demo.company_model.company import EACH
from medhavi.demo.company_model.procurement import (
    DRIFT_FROM_DAYS,
    DRIFT_TO_DAYS,
    DRIFTING,
    MISSTATED,
    RECEIPT_DAYS,
    SECOND_RECEIPT,
    goods_of,
)
from medhavi.demo.simulation.simulation_state import JournalEntry, round_up
from medhavi.demo.timeline import DRIFT_BEGIN, END
from medhavi.units import DAY, HOUR, from_seconds

if TYPE_CHECKING:
    from medhavi.demo.company_model.company import SupplyTerm
    from medhavi.demo.simulation.simulation_state import SimulationState

_COVER_DAYS = {
    "closure": 13,
    "label": 45,
    "carton": 40,
    "container": 25,
    "case": 30,
    "giftbox": 60,
}
_SAFETY_DAYS = {"closure": 9, "active": 12, "butter": 14}


@dataclass(frozen=True, slots=True)
class GoodsReceipt:
    """A goods receipt as it was noted, for those who must find a second one."""

    order: str
    supplier: str
    product: str
    plant: str
    qty: int
    document: str
    occurred: int
    entry: JournalEntry


def drifted_days(instant: int) -> float:
    """True median lead time of the drifting supplier at an instant.

    >>> drifted_days(END)
    19.0
    """
    share = min(max((instant - DRIFT_BEGIN) / (END - DRIFT_BEGIN), 0.0), 1.0)
    return DRIFT_FROM_DAYS + share * (DRIFT_TO_DAYS - DRIFT_FROM_DAYS)


class Purchasing:
    """Plays purchase orders from the order to the goods receipt."""

    def __init__(self, world: SimulationState) -> None:
        self._world = world
        self._rng = world.chance("purchasing")
        self.coming: dict[tuple[str, str], int] = {}
        self.receipts: list[GoodsReceipt] = []

    def reorder_point(self, key: tuple[str, str]) -> int:
        """Stock below which a material is ordered again."""
        terms = self._world.company.terms[key]
        goods = goods_of(key[0])
        known = terms[0].true_days
        if terms[0].supplier == DRIFTING:
            known = terms[0].lead_days  # The buyers have not noticed.
        days = known + _SAFETY_DAYS.get(goods, 7) + 2
        return math.ceil(self._world.rates.used[key] * days)

    def lot(self, key: tuple[str, str]) -> int:
        """Usual order quantity of a material."""
        world = self._world
        unit = world.company.products[key[0]].steps
        term = world.company.terms[key][0]
        cover = (
            13 if term.product == MISSTATED[1] else _COVER_DAYS.get(goods_of(key[0]))
        )
        wish = world.rates.used[key] * (cover or 32)
        multiple = max(round(term.multiple * unit), 1)
        return round_up(max(wish, term.moq * unit), multiple)

    def plan_day(self, required: dict[tuple[str, str], int]) -> None:
        """Order what is below its reorder point; `required` is asked by work orders."""
        world = self._world
        for key in world.company.terms:
            if not world.rates.used.get(key):
                continue
            position = world.stock.usable(*key) + self.coming.get(key, 0)
            position -= required.get(key, 0)
            short = self.reorder_point(key) - position
            if short > 0:
                multiple = self.lot(key)
                self._order(key, multiple * max(1, math.ceil(short / multiple)))

    def _order(self, key: tuple[str, str], qty: int) -> None:
        world = self._world
        terms = world.company.terms[key]
        second = len(terms) > 1 and self._rng.random() < 0.1
        term = terms[1] if second else terms[0]
        self.coming[key] = self.coming.get(key, 0) + qty
        order = world.number("PO")
        stated = term.lead_days if term.supplier == DRIFTING else term.true_days
        if (term.supplier, term.product) == MISSTATED:
            stated = term.lead_days
        promised = world.now + round((stated + RECEIPT_DAYS) * DAY)
        world.note(
            "SupplyOrderPlaced",
            supply_order=order,
            kind="purchase",
            product=term.product,
            location=term.plant,
            qty=world.base(term.product, qty),
            start=from_seconds(world.now),
            due=from_seconds(promised),
            status="released",
            source=term.supplier,
            _envelope={"actor": "buyer"},
        )
        real = self._real_days(term)
        later = self._rng.randrange(DAY, 3 * DAY)
        world.timeline.at(
            world.now + later, partial(self._confirm, order, term, promised)
        )
        arrival = world.now + round(real * DAY)
        arrival += self._rng.randrange(6, 14) * HOUR - arrival % DAY
        parts = [qty]
        if self._rng.random() < 0.05 and qty > 4 * round_up(1, 100):
            parts = [qty * 3 // 4, qty - qty * 3 // 4]
        for index, part in enumerate(parts):
            last = index == len(parts) - 1
            act = partial(self._receive, order, term, part, last=last)
            world.timeline.at(arrival + index * 4 * DAY, act)

    def _real_days(self, term: SupplyTerm) -> float:
        median = term.true_days
        if term.supplier == DRIFTING:
            median = drifted_days(self._world.now)
        return max(median * self._rng.lognormvariate(0.0, term.spread), 3.5)

    def _confirm(self, order: str, term: SupplyTerm, promised: int) -> None:
        world = self._world
        if (term.supplier, term.product) == MISSTATED:
            promised += round((term.true_days - term.lead_days) * DAY)
        elif term.supplier != DRIFTING and self._rng.random() < 0.15:
            promised += self._rng.randrange(1, 4) * DAY
        world.note(
            "SupplyOrderConfirmed",
            supply_order=order,
            due=from_seconds(promised),
            _envelope={"actor": f"supplier:{term.supplier}"},
        )

    def _receive(self, order: str, term: SupplyTerm, qty: int, *, last: bool) -> None:
        world = self._world
        key = (term.product, term.plant)
        self.coming[key] -= qty
        document = world.number("GR")
        envelope = {
            "actor": "goods-receipt",
            "correlation": order,
            "metadata": {"document": document},
        }
        world.receive(
            term.product,
            term.plant,
            qty,
            world.lot_name(term.product, f"{term.supplier}L"),
            supply_order=order,
            _envelope=envelope,
        )
        now = from_seconds(world.now)
        entry = world.note(
            "SupplyOrderReceived",
            supply_order=order,
            qty=world.base(term.product, qty),
            received_at=now,
            _envelope=envelope,
        )
        if last:
            world.note("SupplyOrderCompleted", supply_order=order, completed_at=now)
        if term.supplier == SECOND_RECEIPT and END - world.now < 30 * DAY:
            each = world.company.products[term.product].uom == EACH
            if each and last:
                self.receipts.append(
                    GoodsReceipt(
                        order,
                        term.supplier,
                        term.product,
                        term.plant,
                        qty,
                        document,
                        world.now,
                        entry,
                    )
                )
