"""Source of an order beside the other sources that its product has at its place.

All of them are measured alike: what the same quantity costs, lots and all that goes in
counted, and when it could be there if it were begun at once. What speaks against a
source is read from these numbers alone.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable
from dataclasses import asdict, dataclass, field
from typing import NamedTuple

from medhavi.display import TextDisplay
from medhavi.results.amounts import (
    NO_PRICES,
    PlanLocale,
    duration,
    number,
    percent,
)
from medhavi.units import HOUR

SAME_MONEY = 1e-6
"""Costs of a unit nearer than this share of them are the same."""
_DIGITS = 4
BUSY = 0.85
"""From this share of its open hours on a machine is named as loaded."""

Named = Callable[[str], str]
"""Name of an id as people call it."""
Told = Callable[[dt.datetime, str], str]
"""Local time of a location, in words."""
_VERBS = {"make": "made by", "buy": "bought from", "move": "moved by"}
_BY_USE = "mode {} takes sources in their order of use"
_CHOICE = {
    "mrp": _BY_USE.format("mrp"),
    "constrained": _BY_USE.format("constrained"),
    "optimize": "no plan with it was found that costs less",
}
"""By what a mode chooses, where nothing in the terms of a source is against it."""


class LoadShare(NamedTuple):
    """Share of the open hours of a resource that the plan takes."""

    resource: str
    share: float


@dataclass(frozen=True, slots=True, kw_only=True)
class SourceOffer:
    """One source, measured for the quantity of an order.

    Parameters
    ----------
    kind, source
        make, buy or move; routing, supplier or lane.
    preference
        Its place in the order of use, small first.
    share_pct
        Share that sourcing gives it [%]; None: it has none.
    ordered
        What is ordered of it, lots and scrap counted [units that it is ordered in].
    cost
        Of all that: its prices, hours of resources, what goes in at standard cost, and
        its part of departures [base currency].
    unit_cost
        `cost` for each unit that is needed [base currency].
    arrives
        When it is there at the earliest: begun at once, its machines free, what goes in
        at hand; None: at no time at which it is valid.
    on_time
        Chance that it keeps its time; 1 of what is made.
    opens, closes
        When orders of it may begin; None: always.
    lot_surplus
        What its least lot or its multiple gives beyond the need [units].
    loaded
        Its resource that the plan loads most until the order is there; None: it has
        none.
    """

    kind: str
    source: str
    preference: int
    share_pct: float | None
    ordered: float
    cost: float
    unit_cost: float
    arrives: dt.datetime | None
    on_time: float = 1.0
    opens: dt.datetime | None = None
    closes: dt.datetime | None = None
    lot_surplus: float = 0.0
    loaded: LoadShare | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class SourceChoice(TextDisplay):
    """Source of one order, and those that it does not come from.

    Parameters
    ----------
    supply, order
        Id and number of the order.
    needed
        Its quantity less what its lot gives beyond all needs [units].
    begin, finish
        When the plan begins it, and has it.
    used
        Where the plan gets it from.
    others
        The other sources of its product there, by cost of a unit.
    mode
        Mode of the plan, which says by what it chooses.
    """

    supply: str
    order: str
    product: str
    location: str
    needed: float
    uom: str
    begin: dt.datetime
    finish: dt.datetime
    used: SourceOffer
    others: tuple[SourceOffer, ...]
    mode: str
    locale: PlanLocale = field(default_factory=PlanLocale)

    def sentences(self, named: Named = str, told: Told | None = None) -> list[str]:
        """Source of the order, then each other one and what speaks against it.

        Parameters
        ----------
        named
            Name of an id as people call it.
        told
            Words of an instant at a location; None: those of the locale.
        """
        told = told or self.locale.told
        used, verb = self.used, _VERBS.get(self.used.kind, "from")
        thing = f"{number(self.needed)} {self._unit}of {named(self.product)}"
        head = (
            f"{self.order}: {thing} at {named(self.location)}, {verb} "
            f"{named(used.source)}{self._price(used)}, there {told(self.finish, self.location)}."
        )
        return [head, *(self._other(one, named, told) for one in self.others)]

    def __str__(self) -> str:
        """Sentences, one a line."""
        return "\n".join(self.sentences())

    def as_dict(self) -> dict[str, object]:
        """Values by name: the order, and its sources, the used one first."""
        offers = [
            {
                **asdict(one),
                "used": one is self.used,
                "more": self.more(one),
                "later_h": self.later_h(one),
                "against": list(self.against(one)) if one is not self.used else [],
            }
            for one in (self.used, *self.others)
        ]
        names = (
            "supply",
            "order",
            "product",
            "location",
            "needed",
            "uom",
            "begin",
            "finish",
        )
        return {**{name: getattr(self, name) for name in names}, "sources": offers}

    def against(
        self, other: SourceOffer, named: Named = str, told: Told | None = None
    ) -> tuple[str, ...]:
        """What speaks against another source, in words with numbers; empty: nothing."""
        told = told or self.locale.told
        return tuple(
            words
            for words in (
                self._dearer(other),
                self._later(other, told),
                self._riskier(other),
                self._larger(other),
                self._behind(other),
                self._loaded(other, named),
            )
            if words
        )

    def more(self, other: SourceOffer) -> float:
        """What a unit of another source costs more [base currency]; negative: less."""
        change = other.unit_cost - self.used.unit_cost
        size = max(abs(other.unit_cost), abs(self.used.unit_cost))
        return 0.0 if abs(change) <= SAME_MONEY * size else change

    def later_h(self, other: SourceOffer) -> float | None:
        """How much later another source is there [h]; 0: it can be in time.

        Later than the plan has the order or, where mode mrp has it too soon on paper,
        than its own source can have it. None: at no time.
        """
        if other.arrives is None:
            return None
        there = max(self.finish, self.used.arrives or self.finish)
        return max((other.arrives - there).total_seconds() / HOUR, 0.0)

    @property
    def _unit(self) -> str:
        return "" if self.uom in ("", "each") else f"{self.uom} "

    def _money(self, value: float) -> str:
        return f"{number(value, _DIGITS)} {self.locale.currency}"

    def _price(self, offer: SourceOffer) -> str:
        if self.locale.currency == NO_PRICES:
            return ""
        return f" at {self._money(offer.unit_cost)} a unit"

    def _other(self, other: SourceOffer, named: Named, told: Told) -> str:
        verb = _VERBS.get(other.kind, "from")
        when = "at no time"
        if other.arrives is not None:
            when = f"there {told(other.arrives, self.location)} at the earliest"
            if other.closes is not None and other.closes <= self.begin:
                when += f", ordered until {told(other.closes, self.location)}"
        head = f"Not {verb} {named(other.source)}{self._price(other)}, {when}: "
        more, against = self.more(other), "; ".join(self.against(other, named, told))
        less = f"{self._money(-more)} a unit less" if more < 0 else ""
        if against:
            return f"{head}{less}{', but ' if less else ''}{against}."
        found = f"{less or 'as dear'}, and in time"
        return f"{head}{found}; {_CHOICE[self.mode]}."

    def _dearer(self, other: SourceOffer) -> str:
        more = self.more(other)
        return f"{self._money(more)} a unit more" if more > 0 else ""

    def _later(self, other: SourceOffer, told: Told) -> str:
        late = self.later_h(other)
        if late:
            return f"{duration(late)} later"
        if late is None or (other.opens is not None and other.opens > self.finish):
            return self._closed(other, told)
        return ""

    def _closed(self, other: SourceOffer, told: Told) -> str:
        if other.opens is not None:
            return f"orders may begin from {told(other.opens, self.location)} on"
        if other.closes is not None:
            return f"orders may begin until {told(other.closes, self.location)}"
        return "it never fits into its open times"

    def _riskier(self, other: SourceOffer) -> str:
        mine, its = percent(self.used.on_time), percent(other.on_time)
        if other.on_time >= self.used.on_time or mine == its:
            return ""
        return f"in time in {its} of all cases, not {mine}"

    def _larger(self, other: SourceOffer) -> str:
        if other.lot_surplus <= max(self.used.lot_surplus, 0.0):
            return ""
        return f"its lots give {number(other.lot_surplus)} more than needed"

    def _behind(self, other: SourceOffer) -> str:
        used = self.used
        if used.share_pct is not None and other.share_pct is not None:
            return f"sourcing gives it {number(other.share_pct)} %, the other {number(used.share_pct)} %"
        if other.preference > used.preference:
            return f"preference {other.preference} after {used.preference}"
        return ""

    def _loaded(self, other: SourceOffer, named: Named) -> str:
        if other.loaded is None or other.loaded.share < BUSY:
            return ""
        return f"{named(other.loaded.resource)} is loaded {percent(other.loaded.share)} until then"
