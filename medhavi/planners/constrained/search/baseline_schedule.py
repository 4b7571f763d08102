"""What a search found, kept with its plan by names, to be resumed on other tables.

Numbers of a plant are those of one snapshot, so items, machines, demands and what
stands are named. Instants are UTC seconds.
"""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np
import polars as pl

from medhavi.planners.kernels.plant_kernels.earlier_work import EarlierWork

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from medhavi.planners.constrained.search.found_orders import SearchableRun
    from medhavi.planners.constrained.search.found_pegs import Found
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


def schedule_of(
    run: SearchableRun, model: Model, found: Found, floors: Mapping[str, int]
) -> pl.DataFrame:
    """What was found as one row of lists.

    Parameters
    ----------
    run, model, found
        The run, its plant, and what a search found.
    floors
        As of `standing_work.date_existing`.
    """
    plant, now, names = model.plant, model.as_of, names_of(run, model)
    own, turned = _options(model, found.order_option)
    machine = plant.machine[own]
    orders = len(found.order_item)
    taker = np.asarray(found.peg_to, np.int64)
    columns: dict[str, Any] = {
        **names._asdict(),
        "item": found.order_item,
        "qty": found.order_qty,
        "start": now + found.order_start,
        "end": now + found.order_end,
        "late": now + found.order_late_end,
        "option": own - plant.x_start[found.order_item],
        "turned": turned,
        "machine": machine,
        "unit": np.where(machine < 0, 0, found.order_lane - plant.m_lane[machine]),
        "giver": found.peg_from,
        "taker": np.where(taker < 0, orders - 1 - taker, taker),
        "amount": found.peg_qty,
        **_wanted(model),
        "held": list(floors),
        "floor": list(floors.values()),
    }
    return pl.DataFrame({name: [pl.Series(one)] for name, one in columns.items()})


def _wanted(model: Model) -> dict[str, np.ndarray]:
    """What demands want, by what they are told apart."""
    plant, now = model.plant, model.as_of
    return {
        "wanted_item": plant.d_item,
        "wanted": plant.d_qty,
        "due": now + plant.d_due,
        "weight": plant.d_weight,
        "shelf": plant.d_shelf,
        "given": np.where(plant.d_floor > 0, now + plant.d_floor, 0),
    }


def _options(model: Model, option: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Options as they are in every first campaign; 1 where they were turned."""
    own, turned = np.array(option, np.int64), model.campaigns.turned
    base = np.flatnonzero(turned >= 0)
    of = dict(zip(turned[base].tolist(), base.tolist(), strict=True))
    other = np.isin(own, turned[base])
    own[other] = [of[one] for one in own[other].tolist()]
    return own, other.astype(np.int64)


@dataclass(frozen=True, slots=True, kw_only=True)
class BaselineSchedule:
    """A schedule that was found before.

    Parameters
    ----------
    frame
        As of `schedule_of`.
    products
        Products of which something changed since: what is late for want of them may be
        sooner than before. None: all.
    """

    frame: pl.DataFrame
    products: frozenset[str] | None

    @property
    def floors(self) -> dict[str, int]:
        """Before when existing orders do not begin, as of `date_existing`."""
        names, floors = self._list("held"), self._list("floor")
        return {str(one): int(at) for one, at in zip(names, floors, strict=True)}

    @property
    def late(self) -> np.ndarray:
        """Ends of orders, as late as they were allowed to be [UTC s]."""
        return self._numbers("late")

    def reached(self, model: Model) -> np.ndarray:
        """Whether what changed may serve each demand of a plant sooner.

        Shape (n_demands,), bool.
        """
        plant = model.plant
        if self.products is None:
            return np.ones(len(plant.d_item), bool)
        rows = zip(model.nodes, model.items, strict=True)
        found = [False] * len(plant.order)
        for number in (one for node, one in rows if node.key[0] in self.products):
            found[number] = True
        for item in plant.order[::-1].tolist():
            parts = plant.c_item[plant.c_start[item] : plant.c_start[item + 1]]
            sources = plant.a_item[plant.a_start[item] : plant.a_start[item + 1]]
            below = (*parts.tolist(), *sources.tolist())
            found[item] = found[item] or any(found[one] for one in below)
        reached: np.ndarray = np.array(found)[plant.d_item]
        return reached

    def _list(self, name: str) -> list[Any]:
        found: list[Any] = self.frame[name][0].to_list()
        return found

    def _numbers(self, name: str) -> np.ndarray:
        found: np.ndarray = self.frame[name][0].to_numpy().astype(np.int64)
        return found

    def _numbered(self, name: str, names: Sequence[str]) -> np.ndarray:
        """Numbers that names of before have now; -1: none."""
        of = {one: number for number, one in enumerate(names)}
        return np.array([of.get(one, -1) for one in self._list(name)], np.int64)

    def work(self, run: SearchableRun, model: Model) -> tuple[EarlierWork, np.ndarray]:
        """Orders and pegs by numbers of a plant, and 1 for each demand that changed."""
        now, names = model.as_of, names_of(run, model)
        items = self._numbered("items", names.items)
        item = items[self._numbers("item")]
        option, lane, fits = self._places(model, item, names)
        before = self._numbered_back(names.demands)
        giver, taker = self._numbers("giver"), self._numbers("taker")
        supplies = self._numbered("supplies", names.supplies)
        stands = giver < 0
        gone = supplies[-2 - giver[stands]] < 0
        giver[stands] = np.where(gone, -1, -2 - supplies[-2 - giver[stands]])
        orders = len(item)
        bounds = np.searchsorted(
            taker, np.arange(orders + len(self._list("demands")) + 1)
        )
        # Those that were not there before take nothing.
        place = np.where(before < 0, len(bounds) - 2, orders + before)
        each = np.where(before < 0, 0, bounds[place + 1] - bounds[place])
        pegs = np.repeat(bounds[place] - (np.cumsum(each) - each), each)
        pegs = np.append(np.arange(bounds[orders]), pegs + np.arange(len(pegs)))
        work = EarlierWork(
            o_item=np.where(fits, item, -1),
            o_qty=self._numbers("qty"),
            o_start=self._numbers("start") - now,
            o_end=self._numbers("end") - now,
            o_option=option,
            o_lane=lane,
            o_peg=bounds[: orders + 1],
            d_peg=bounds[orders] + np.append(0, np.cumsum(each)),
            p_from=giver[pegs],
            p_qty=self._numbers("amount")[pegs],
        )
        return work, self._changed(model, items, before)

    def _places(
        self, model: Model, item: np.ndarray, names: PlantNames
    ) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        """Option and lane of each order, and whether they are there."""
        plant, number = model.plant, self._numbers("option")
        known = np.maximum(item, 0)
        fits = (item >= 0) & (number < np.diff(plant.x_start)[known])
        option = np.where(fits, plant.x_start[known] + number, 0)
        machines = np.append(self._numbered("machines", names.machines), -1)
        machine = plant.machine[option]
        fits &= machine == machines[self._numbers("machine")]
        lane = np.where(machine < 0, 0, plant.m_lane[machine] + self._numbers("unit"))
        fits &= (machine < 0) | (lane < plant.m_lane[machine + 1])
        turned = self._numbers("turned") == 1
        if turned.any():
            own = np.append(model.campaigns.turned, -1)
            other = own[np.minimum(option, len(own) - 1)]
            fits &= ~turned | (other >= 0)
            option = np.where(turned & (other >= 0), other, option)
        return option, lane, fits

    def _numbered_back(self, demands: Sequence[str]) -> np.ndarray:
        """Numbers that demands of now had before; -1: none."""
        of = {one: number for number, one in enumerate(self._list("demands"))}
        return np.array([of.get(one, -1) for one in demands], np.int64)

    def _changed(
        self, model: Model, items: np.ndarray, before: np.ndarray
    ) -> np.ndarray:
        """1 for each demand that is new, or wants something else than before."""
        if not len(self._numbers("wanted")):
            return np.ones(len(before), np.int64)
        changed = before < 0
        for name, now in _wanted(model).items():
            then = self._numbers(name)
            then = items[then] if name == "wanted_item" else then
            changed |= then[before] != now
        return changed.astype(np.int64)
