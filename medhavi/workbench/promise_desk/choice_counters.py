"""What answers chose: alternates of the preferred ways, purchases dearer or cheaper.

An answer chooses a routing for each order that it makes, resources for each step, and
the product that is delivered. Each is an alternate where one of better preference could
have begun at the same time. Where what is asked for is bought, its price is set against
the cheapest option of the same answer that buys nothing of what is delivered (CORE-18).
"""

from __future__ import annotations

import datetime as dt
import re
from collections import Counter
from typing import TYPE_CHECKING, Any

from medhavi.units import to_seconds

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from medhavi.providers import Providers
    from medhavi.results.promises.promise import Promise, PromiseOption

_BUYS = re.compile(r"(?:^|[+/])buy:")
"""A part of the name of an option that is a purchase."""
_LEAST = 1e-9


class ChoiceCounters:
    """Counts of what answers chose.

    Attributes
    ----------
    counts
        By kind of choice (`routing`, `resource`, `product`): how often one was made
        (`used`) and how often it was an alternate (`alternate`).
    answers, buying
        Answers with a date, and those that buy anything, components too.
    bought, compared
        Answers that buy what is asked for, and those of them with an own option.
    delta, dearer
        What the purchases cost more than the own options [base currency], and how many
        were dearer; lateness is no part of either.
    """

    def __init__(self) -> None:
        self.counts: Counter[tuple[str, str]] = Counter()
        self.answers = self.buying = 0
        self.bought = self.compared = self.dearer = 0
        self.delta = 0.0

    def chose(self, providers: Providers, promise: Promise) -> None:
        """Count the choices of an answer with its trace; a rejection made none."""
        if promise.date is None:
            return
        self.answers += 1
        self.buying += bool(promise.purchases)
        for kind, is_alternate in _choices(providers, promise):
            self.counts[kind, "used"] += 1
            self.counts[kind, "alternate"] += is_alternate
        chosen = next((one for one in promise.options if one.why_not is None), None)
        if chosen is None or not _BUYS.search(chosen.option):
            return
        self.bought += 1
        own = cheapest_own(promise, chosen.qty)
        if own is not None:
            delta = _price(chosen) - _price(own)
            self.compared += 1
            self.delta += delta
            self.dearer += delta > _LEAST

    def as_dict(self) -> dict[str, object]:
        """Alternates by kind, and purchases; shares are None of nothing."""
        return {
            "alternates": {
                kind: {
                    "used": self.counts[kind, "used"],
                    "alternate": self.counts[kind, "alternate"],
                    "share": _share(
                        self.counts[kind, "alternate"], self.counts[kind, "used"]
                    ),
                }
                for kind in ("routing", "resource", "product")
            },
            "purchases": {
                "answers": self.answers,
                "buying": self.buying,
                "hit_rate": _share(self.buying, self.answers),
                "bought": self.bought,
                "compared": self.compared,
                "dearer": self.dearer,
                "cost_delta": round(self.delta, 6),
            },
        }


def cheapest_own(promise: Promise, qty: float) -> PromiseOption | None:
    """Find the cheapest option that buys nothing of what is delivered.

    Parameters
    ----------
    qty
        Least quantity of it [base units].
    """
    own = [
        one
        for one in promise.options
        if not _BUYS.search(one.option) and one.qty >= qty - _LEAST
    ]
    return min(own, key=_price, default=None)


def _choices(providers: Providers, promise: Promise) -> Iterator[tuple[str, bool]]:
    """Kind of each choice of an answer, and whether it took an alternate."""
    asked = promise.demand["product"]
    yield "product", any(one.product != asked for one in promise.deliveries)
    for entry in promise.trace:
        kind, _, source = str(entry.get("way", "")).partition(":")
        if kind == "make":
            yield "routing", _is_other_routing(providers, entry, source)
        elif "resources" in entry:
            yield "resource", _is_other_resource(providers, entry)


def _is_other_routing(
    providers: Providers, entry: Mapping[str, Any], routing: str
) -> bool:
    """Whether a routing of better preference could have begun as this one did."""
    start = _instant(entry)
    made = [
        one
        for one in providers.sourcing.sources(entry["product"], entry["location"])
        if one.kind == "make" and one.valid_at(start)
    ]
    used = [one.preference for one in made if one.source == routing]
    return bool(used) and min(one.preference for one in made) < min(used)


def _is_other_resource(providers: Providers, entry: Mapping[str, Any]) -> bool:
    """Whether a step is done by other resources than it prefers at its start."""
    return providers.capacity.is_second_choice(
        entry["routing"], entry["step"], entry["resources"], _instant(entry)
    )


def _instant(entry: Mapping[str, Any]) -> int:
    return to_seconds(dt.datetime.fromisoformat(entry["start"]))


def _price(option: PromiseOption) -> float:
    """What an option costs without lateness [base currency]."""
    return option.cost if option.parts is None else option.parts.without_lateness


def _share(part: int, whole: int) -> float | None:
    return part / whole if whole else None
