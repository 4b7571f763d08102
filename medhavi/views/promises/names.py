"""What the promise desk says in place of ids: places, routings, ways, instants."""

from __future__ import annotations

from collections import Counter
from dataclasses import replace
from typing import TYPE_CHECKING

from medhavi.results.plan_locale import with_local_times
from medhavi.views.format import when
from medhavi.views.names import names_of

if TYPE_CHECKING:
    from medhavi.snapshot import Snapshot
    from medhavi.views.names import Names

_TAKING = "preempt:"
"""How an option begins that takes from others."""


def promise_names(snapshot: Snapshot) -> Names:
    """Read names for answers: also of steps, and shorter ones of routings.

    A routing is called like its product, with its id where a product has several at
    one place; a lane says its mode.
    """
    names = names_of(snapshot)
    texts = dict(names.texts)
    made = snapshot["routings"].select("routing", "product", "location").rows()
    several = Counter((product, place) for _, product, place in made)
    for routing, product, place in made:
        name = texts.get(product) or product
        alone = several[product, place] == 1
        texts[routing] = name if alone else f"{name} ({routing})"
    for lane, origin, destination, mode in (
        snapshot["lanes"].select("lane", "origin", "destination", "mode").iter_rows()
    ):
        ends = f"{texts.get(origin, origin)} → {texts.get(destination, destination)}"
        texts[lane] = f"{ends} by {mode}" if mode else ends
    for routing, step, name in (
        snapshot["steps"].select("routing", "step", "name").iter_rows()
    ):
        texts[step_key(routing, step)] = name or f"step {step}"
    return replace(names, texts=texts)


def step_key(routing: str, step: object) -> str:
    """Key of a step's name; no id of a text looks like it."""
    return f"{routing}/{step}"


def there(names: Names, place: str | None) -> Names:
    """Names with the zone of a place: dates are local to where goods come."""
    return replace(names, zone=names.zone_of(place))


def way_words(option: str, names: Names) -> str:
    """Words of an option such as `stock+make:R1@L`.

    >>> from medhavi.views.names import Names
    >>> way_words("stock+make:R1@L", Names(texts={"R1": "Cream"}))
    'stock, then make Cream at L'
    >>> way_words("stock@P+make:R1@P+make:R1@Q", Names(texts={"R1": "Cream"}))
    'stock at P, then make Cream at P and make Cream at Q at once'
    >>> way_words("preempt:stock@L", Names())
    'stock at L, which others have now'
    """
    way = option.removeprefix(_TAKING)
    parts = way.split("+")
    stocked = [part for part in parts if part.startswith("stock")]
    new = [part for part in parts if part not in stocked]
    shared = " and ".join(new) + (" at once" if len(new) > 1 else "")
    told = ", then ".join([*stocked, shared] if new else stocked)
    told = names.told(told.replace(":", " ").replace("@", " at "))
    return told if way == option else f"{told}, which others have now"


def local_words(text: str, names: Names) -> str:
    """Text with names for ids and local time for UTC instants.

    >>> from medhavi.views.names import Names
    >>> local_words("ask for 2026-11-07 08:28 UTC", Names(zone="Europe/Rome"))
    'ask for Sat 7 Nov, 09:28'
    """
    return with_local_times(names.told(text), lambda moment: when(moment, names.zone))
