"""Names of what the numbers of a plant stand for: of one snapshot as of another."""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from medhavi.planners.constrained.search.found_orders import SearchableRun
    from medhavi.planners.constrained.search.plant.model import Model


class PlantNames(NamedTuple):
    """Names of what the numbers of a plant stand for; no two are equal."""

    items: Sequence[str]
    machines: Sequence[str]
    demands: Sequence[str]
    supplies: Sequence[str]


def names_of(run: SearchableRun, model: Model) -> PlantNames:
    """Name what the numbers of a plant stand for."""
    items = _items(model)
    demands = run.intake.demands
    wanted: list[tuple[str, ...]] = [("demand", one.demand) for one in demands]
    for index in model.lacking:
        need = run.release.needs[index]
        owner = "" if need.order is None else need.order.existing or ""
        wanted.append(("lacking", owner, *need.node.key))
    levels = model.plant.d_item[len(wanted) :].tolist()
    wanted += [("level", items[item]) for item in levels]
    stands = [
        (
            run.unit_name(one.unit),
            "" if one.demand < 0 else demands[one.demand].demand,
            *([str(one.ratio)] if one.ratio else []),
        )
        for one in model.supplies
    ]
    return PlantNames(items, model.machines, _distinct(wanted), _distinct(stands))


def _items(model: Model) -> list[str]:
    """Name items by product, place, source and step, the last one first."""
    found: list[tuple[str, ...]] = [("",)] * len(model.serves)
    rows = zip(model.nodes, model.items, model.sources, strict=True)
    for node, number, sources in rows:
        found[number] = node.key
        for own in sources:
            name = model.ways[own].source.source
            for step in range(int(model.steps[own])):
                found[own + step] = (*node.key, name, str(step))
    return _distinct(found)


def _distinct(parts: Iterable[tuple[str, ...]]) -> list[str]:
    """Join the parts of names; of equal ones the later ones get a number."""
    met: Counter[str] = Counter()
    found: list[str] = []
    for name in map("\x1f".join, parts):
        found.append(f"{name}\x1f{met[name]}" if met[name] else name)
        met[name] += 1
    return found
