"""What a search found, kept with its plan by names, to be resumed on other tables.

By names, for numbers of a plant are those of one snapshot. Instants are UTC seconds.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, Any, TypeVar

import msgspec
import numpy as np
import polars as pl

from medhavi.planners.constrained.memory import Reductions
from medhavi.planners.constrained.orders.jobs import may_move
from medhavi.planners.constrained.search.plant_names import (
    NamedDecisions,
    first_options,
    named,
    names_of,
)
from medhavi.planners.constrained.search.scheduled_orders import EarlierPeg, EarlierPegs
from medhavi.planners.constrained.search.standing_work import work_key
from medhavi.planners.kernels.plant_kernels.earlier_work import EarlierWork
from medhavi.planners.mrp.netting_state.state import NodeKey
from medhavi.planners.mrp.netting_state.stock_levels import LevelReplenishment
from medhavi.providers.sources import OrderTiming

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from medhavi.planners.constrained.netting.prescribed_sources import Decisions
    from medhavi.planners.constrained.search.plant.model import Model
    from medhavi.planners.constrained.search.plant_names import PlantNames
    from medhavi.planners.constrained.search.plant_schedule import PlantSchedule
    from medhavi.planners.constrained.search.scheduled_orders import SearchableRun
    from medhavi.planners.mrp.netting_state.state import Demand, SupplyOrder
    from medhavi.results.plans.plan import Plan

_TAKEN = ("taker_name", "taken_unit", "taken_owner", "taken_node", "taken_qty")
"""Columns of what existing orders take of what stands."""
_ANYWHERE = ("", "")
_REDUCTIONS = msgspec.json.Decoder(Reductions)
_Own = TypeVar("_Own")
_REPLENISHMENTS = msgspec.json.Decoder(list[tuple[NodeKey, list[LevelReplenishment]]])
_UNUSED = msgspec.json.Decoder(list[tuple[NodeKey, dict[str, int]]])
_DECISIONS = msgspec.json.Decoder(NamedDecisions)
_TIMING = msgspec.json.Decoder(OrderTiming)
_STEP = 3
"""Place of the step in the name of an item, after product, place and source."""


def schedule_of(
    run: SearchableRun, model: Model, found: PlantSchedule, floors: Mapping[str, int]
) -> pl.DataFrame:
    """What was found as one row of lists.

    Parameters
    ----------
    floors
        As of `standing_work.date_existing`.
    """
    now, names = model.as_of, names_of(run, model)
    orders = len(found.order_item)
    taker = np.asarray(found.peg_to, np.int64)
    item = np.asarray(found.order_item, np.int64)
    moving = {
        order.existing: order.timing
        for order in run.release.orders
        if order.existing is not None and may_move(order)
    }
    columns: dict[str, Any] = {
        **names._asdict(),
        "item": item,
        "qty": found.order_qty,
        "late_start": now + found.order_late_start,
        "late": now + found.order_late_end,
        "soon": now + found.order_end,
        "there": now + found.order_late_end + model.plant.post[item],
        **_placed(model, item, found.order_late_option, found.order_late_lane),
        "giver": found.peg_from,
        "taker": np.where(taker < 0, orders - 1 - taker, taker),
        "amount": found.peg_qty,
        **_wanted(model),
        "held": list(floors),
        "floor": list(floors.values()),
        "standing": sorted(_standing(run)),
        **_standing_pegs(run),
        "bought": sorted(_bought(run)),
        "moving": list(moving),
        "moved": [msgspec.json.encode(one).decode() for one in moving.values()],
        "reductions": [msgspec.json.encode(run.reductions).decode()],
        "replenishments": [msgspec.json.encode([*run.replenishments.items()]).decode()],
        "unused": [msgspec.json.encode([*run.unused_holds.items()]).decode()],
        "decisions": [
            msgspec.json.encode(named(run.decisions, run.intake.demands)).decode()
        ],
        "lanes": list(run.lanes),
        "lane": list(run.lanes.values()),
    }
    return pl.DataFrame({name: [pl.Series(one)] for name, one in columns.items()})


def _placed(
    model: Model, item: np.ndarray, option: np.ndarray, lane: np.ndarray
) -> dict[str, np.ndarray]:
    """Options of orders by their places among those of the item, machines and units.

    Shapes (n_orders,), int64.
    """
    plant, (own, turned) = model.plant, first_options(model, option)
    machine = plant.machine[own]
    return {
        "late_option": own - plant.x_start[item],
        "late_turned": turned,
        "late_machine": machine,
        "late_unit": np.where(machine < 0, 0, lane - plant.m_lane[machine]),
    }


def _standing(run: SearchableRun) -> dict[str, SupplyOrder]:
    """Existing orders by what says that they are as they were: names, dates, sizes."""
    found: dict[str, SupplyOrder] = {}
    for order in run.release.orders:
        if order.existing is not None:
            stated, size = run.stated_timing(order), order.steps
            said = *order.node, order.source_id, size, stated.start, stated.finish
            found[_joined(order.existing, *said)] = order
    return found


def _bought(run: SearchableRun) -> list[str]:
    """New purchases by product, place, source, size and when they are there."""
    return [
        _purchase(order)
        for order in run.release.orders
        if order.existing is None and order.kind == "buy" and order.units
    ]


def _purchase(order: SupplyOrder) -> str:
    source = "" if order.source is None else order.source.source
    return _joined(*order.node, source, order.steps, order.timing.finish)


def _standing_pegs(run: SearchableRun) -> dict[str, list[str] | list[int]]:
    """What existing orders take of what stands: of whom, kept for whom, how much."""
    release = run.release
    found: dict[str, list[Any]] = {name: [] for name in _TAKEN}
    matches = zip(
        release.match_need, release.match_unit, release.match_qty, strict=True
    )
    for index, number, qty in matches:
        need, unit = release.needs[index], release.units[number]
        name = run.unit_name(unit)
        if need.order is None or need.order.existing is None or not name:
            continue
        owner = run.owners.get((index, number), "")
        row = need.order.existing, name, owner, _joined(*need.node.key), qty
        for column, cell in zip(_TAKEN, row, strict=True):
            found[column].append(cell)
    return found


def _joined(*parts: object) -> str:
    return "\x1f".join(map(str, parts))


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


@dataclass(frozen=True, kw_only=True)
class BaselineSchedule:
    """A schedule that was found before.

    Parameters
    ----------
    frame
        As of `schedule_of`.
    products
        Changed since, but for orders: what waits for them may be sooner. None: all.
    renewed
        Products whose goods may last otherwise than here. None: all.
    saves
        Whether orders join where that costs less, and transfers leave with others:
        fewer of the schedule stay then.
    """

    frame: pl.DataFrame
    products: frozenset[str] | None
    renewed: frozenset[str] | None = None
    saves: bool = False

    @classmethod
    def of(cls, plan: Plan) -> BaselineSchedule | None:
        """Schedule that a plan keeps; None: it keeps none."""
        frame = None if plan.basis is None else plan.basis.schedule
        return None if frame is None else cls(frame=frame, products=None)

    @property
    def is_complete(self) -> bool:
        """Whether it tells all that is read of it, as earlier releases did not."""
        if "unused" not in self.frame.columns:
            return False
        try:
            self.decisions([])
        except msgspec.ValidationError:
            return False
        return True

    @property
    def floors(self) -> dict[str, int]:
        """Before when existing orders do not begin, as of `date_existing`."""
        names, floors = self._list("held"), self._list("floor")
        return {str(one): int(at) for one, at in zip(names, floors, strict=True)}

    @property
    def replenishments(self) -> dict[NodeKey, list[LevelReplenishment]]:
        """What is wanted anew when goods of stock levels die as here, by place."""
        return self._still(_REPLENISHMENTS.decode(self._list("replenishments")[0]))

    @property
    def unused_holds(self) -> dict[NodeKey, dict[str, int]]:
        """What owners of holds were served without, by place and reservation."""
        return self._still(_UNUSED.decode(self._list("unused")[0]))

    def _still(self, told: Iterable[tuple[NodeKey, _Own]]) -> dict[NodeKey, _Own]:
        """Those of places whose goods die as in this schedule."""
        return {node: own for node, own in told if not self.may_renew(node[0])}

    def may_renew(self, product: str) -> bool:
        """Whether goods of a product may die otherwise than in this schedule."""
        return self.renewed is None or product in self.renewed

    def decisions(self, demands: Sequence[Demand]) -> Decisions:
        """What the plan was made with beyond its tables, for a run with these demands.

        Alternatives that are not there any more are asked never.
        """
        (text,) = self._list("decisions")
        return _DECISIONS.decode(text).of(demands)

    @property
    def late(self) -> np.ndarray:
        """Ends of orders, as late as they were allowed to be [UTC s]."""
        return self._numbers("late")

    def earlier(self, run: SearchableRun) -> EarlierPegs:
        """What existing orders took and where they worked, in this schedule.

        Those that it planned count as they were planned, where they were moved since as
        well; see `_firmed`.
        """
        rows = zip(*(self._list(name) for name in _TAKEN), strict=True)
        takes: dict[str, list[EarlierPeg]] = {}
        for name, unit, owner, node, qty in rows:
            product, place = node.split("\x1f")
            takes.setdefault(name, []).append(
                EarlierPeg(unit, owner, -1, (product, place), qty)
            )
        units = dict(zip(self._list("lanes"), self._list("lane"), strict=True))
        firmed = self._firmed(run, moved=True)
        self._add_takes(firmed, takes)
        self._add_units(firmed, units)
        return EarlierPegs(firmed, takes, units, self._dates)

    @cached_property
    def _dates(self) -> dict[str, OrderTiming]:
        """Timings of existing orders that may move, by their names."""
        moved = zip(self._list("moving"), self._list("moved"), strict=True)
        return {name: _TIMING.decode(timing) for name, timing in moved}

    def _firmed(
        self, run: SearchableRun, *, moved: bool = False
    ) -> dict[int, SupplyOrder]:
        """Orders, with their earlier steps, that are existing ones now.

        By product, place, source, size, and when their steps end; of equal ones the
        first is taken for the first. `moved`: then those of the rest whose ends are the
        nearest.
        """
        # What stood before and has other dates is not new: it may not be dated yet.
        before = {name.split("\x1f")[0] for name in self._list("standing")}
        new = [one for one in _standing(run).values() if one.existing not in before]
        size, there = self._numbers("qty").tolist(), self._numbers("there").tolist()
        planned: dict[tuple[Any, ...], list[int]] = {}
        for at, name in enumerate(self._items if new else ()):
            if len(name) > _STEP and name[_STEP] == "0":
                planned.setdefault((*name[:_STEP], size[at]), []).append(at)
        found: dict[int, SupplyOrder] = {}
        end = self._numbers("late").tolist()

        def as_planned(order: SupplyOrder, at: int) -> bool:
            ends = sorted(window.finish for window in order.timing.steps)
            return there[at] == order.timing.finish and (
                not ends
                or ends == sorted(end[step] for step in self._with_earlier_steps(at))
            )

        rest: list[tuple[SupplyOrder, list[int]]] = []
        for order in sorted(new, key=lambda order: order.existing or ""):
            source = "" if order.source is None else order.source.source
            alike = planned.get((*order.node, source, order.steps), [])
            same = next((one for one in alike if as_planned(order, one)), None)
            if same is None:
                rest.append((order, alike))
                continue
            found |= dict.fromkeys(self._with_earlier_steps(same), order)
            alike.remove(same)
        for order, alike in rest if moved else ():
            if alike:
                finish = order.timing.finish
                at = min(alike, key=lambda one: abs(there[one] - finish))
                found |= dict.fromkeys(self._with_earlier_steps(at), order)
                alike.remove(at)
        return found

    def _with_earlier_steps(self, at: int) -> list[int]:
        """Places of the steps of an order, the last one first."""
        giver, taker = self._pegs
        found = [at]
        for one in found:
            low, high = np.searchsorted(taker, [one, one + 1]).tolist()
            own = self._items[one][:_STEP]
            found += [
                gives
                for gives in giver[low:high].tolist()
                if gives >= 0 and self._items[gives][:_STEP] == own
            ]
        return found

    def _add_takes(
        self, firmed: Mapping[int, SupplyOrder], takes: dict[str, list[EarlierPeg]]
    ) -> None:
        """Add what firmed orders take, and what existing ones take of them."""
        supplies = [name.split("\x1f") for name in self._list("supplies")]
        demands = [name.split("\x1f") for name in self._list("demands")]
        rows = (self._numbers(name).tolist() for name in ("giver", "taker", "amount"))
        orders = len(self._items)
        for peg, (giver, taker, qty) in enumerate(zip(*rows, strict=True)):
            lacking = taker >= orders and demands[taker - orders][0] == "lacking"
            if taker in firmed:
                name = firmed[taker].existing or ""
            elif lacking:
                name = demands[taker - orders][1]
            else:
                continue
            if giver < 0:
                unit, owner, *_ = supplies[-2 - giver]
                one = EarlierPeg(unit, owner, peg, _ANYWHERE, qty)
            elif giver in firmed and firmed[giver] is firmed.get(taker):
                continue
            elif giver in firmed:
                one = EarlierPeg(firmed[giver].existing or "", "", peg, _ANYWHERE, qty)
            else:
                product, place = self._items[giver][:2]
                one = EarlierPeg("", "", peg, (product, place), qty)
            if lacking and one.unit and giver < 0:
                # It is matched, and told with what stands.
                continue
            takes.setdefault(name, []).append(one)

    def _add_units(
        self, firmed: Mapping[int, SupplyOrder], units: dict[str, int]
    ) -> None:
        """Add the units of machines that firmed orders work on."""
        unit, machine = self._numbers("late_unit"), self._numbers("late_machine")
        machines = self._list("machines")
        for at, order in firmed.items():
            windows = sorted(order.timing.steps, key=lambda window: window.start)
            later = int(self._items[at][_STEP])
            if machine[at] >= 0 and later < len(windows):
                window = windows[-1 - later]
                key = work_key(order, window.step, machines[machine[at]])
                units[key] = int(unit[at])

    @cached_property
    def _pegs(self) -> tuple[np.ndarray, np.ndarray]:
        """Givers and takers of all pegs, by takers.

        What was served anew stands behind the others in the schedule.
        """
        giver, taker = self._numbers("giver"), self._numbers("taker")
        order = np.argsort(taker, kind="stable")
        return giver[order], taker[order]

    @cached_property
    def _items(self) -> list[list[str]]:
        """Names of the items of all orders, in parts."""
        items = [name.split("\x1f") for name in self._list("items")]
        return [items[one] for one in self._numbers("item").tolist()]

    def _moved_elsewhere(self, run: SearchableRun) -> frozenset[str]:
        """Products of existing orders that a run dated otherwise than here."""
        return frozenset(
            order.node[0]
            for order in run.release.orders
            if order.timing != self._dates.get(order.existing or "", order.timing)
        )

    def changed_orders(self, run: SearchableRun) -> frozenset[str]:
        """Products of existing orders that are others, but those of this plan."""
        before, now = set(self._list("standing")), _standing(run)
        bought = set(self._list("bought"))
        as_planned = {one.existing for one in self._firmed(run).values()}
        as_planned |= {one.existing for one in now.values() if _purchase(one) in bought}
        orders = [name.split("\x1f") for name in before.symmetric_difference(now)]
        return frozenset(
            product for name, product, *_ in orders if name not in as_planned
        )

    def reductions(self, run: SearchableRun) -> Reductions | None:
        """What was wanted less than stated; None: something may serve more now.

        That a plan became orders, as it was planned, serves nothing more.
        """
        if self.products is None or self.products or self.changed_orders(run):
            return None
        return _REDUCTIONS.decode(self._list("reductions")[0])

    @property
    def refused(self) -> set[str]:
        """Demands that are not delivered in full though they could be."""
        return set(_REDUCTIONS.decode(self._list("reductions")[0]).refused)

    def reached(self, run: SearchableRun, model: Model) -> np.ndarray:
        """Whether what changed may serve each demand of a plant sooner.

        What became of a plan as it was planned changes nothing.

        Shape (n_demands,), bool.
        """
        plant = model.plant
        if self.products is None:
            return np.ones(len(plant.d_item), bool)
        products = self.products | self.changed_orders(run) | self._moved_elsewhere(run)
        found = [False] * len(plant.order)
        for node, number in zip(model.nodes, model.items, strict=True):
            found[number] = node.key[0] in products
        part, source = plant.c_start.tolist(), plant.a_start.tolist()
        parts, sources = plant.c_item.tolist(), plant.a_item.tolist()
        for item in plant.order[::-1].tolist():
            below = parts[part[item] : part[item + 1]]
            below += sources[source[item] : source[item + 1]]
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

    def work(
        self, run: SearchableRun, model: Model, names: PlantNames
    ) -> tuple[EarlierWork, np.ndarray]:
        """Orders and pegs by numbers of a plant, and 1 for each demand that changed.

        Orders are where the plan states them, as late as may be.
        """
        now = model.as_of
        items, of = self._numbered("items", names.items), run.earlier.firmed
        item = items[self._numbers("item")]
        option, lane, fits = self._places(model, item, names)
        fits[list(of)] = False
        orders, old = len(item), len(self._list("demands"))
        before = self._numbered_back(names.demands)
        giver, taker = self._givers(names, of), self._numbers("taker")
        kept = np.ones(len(taker), bool)
        kept[taker < orders] = ~np.isin(taker[taker < orders], list(of))
        # What existing orders lack is what they took of orders that are still planned.
        taken = self._taken(run, model)
        for more, (demand, lacks) in enumerate(taken.items()):
            taker[lacks], kept[lacks] = orders + old + more, True
            before[demand] = old + more
        turn = np.flatnonzero(kept)[np.argsort(taker[kept], kind="stable")]
        giver, taker, amount = giver[turn], taker[turn], self._numbers("amount")[turn]
        bounds = np.searchsorted(taker, np.arange(orders + old + len(taken) + 1))
        # Those that were not there before take nothing.
        place = np.where(before < 0, len(bounds) - 2, orders + before)
        each = np.where(before < 0, 0, bounds[place + 1] - bounds[place])
        pegs = np.repeat(bounds[place] - (np.cumsum(each) - each), each)
        pegs = np.append(np.arange(bounds[orders]), pegs + np.arange(len(pegs)))
        work = EarlierWork(
            o_item=np.where(fits, item, -1),
            o_qty=self._numbers("qty"),
            o_start=self._numbers("late_start") - now,
            o_end=self.late - now,
            o_option=option,
            o_lane=lane,
            o_peg=bounds[: orders + 1],
            d_peg=bounds[orders] + np.append(0, np.cumsum(each)),
            p_from=giver[pegs],
            p_qty=amount[pegs],
        )
        waits = before >= old
        changed = self._changed(model, items, np.where(waits, -1, before))
        changed[waits] = 0
        return work, changed

    def _givers(self, names: PlantNames, of: Mapping[int, SupplyOrder]) -> np.ndarray:
        """Givers of all pegs, what stands by numbers of a plant; -1: it is gone."""
        giver = self._numbers("giver")
        supplies = self._numbered("supplies", names.supplies)
        stands = giver < 0
        gone = supplies[-2 - giver[stands]] < 0
        found = np.array(giver)
        found[stands] = np.where(gone, -1, -2 - supplies[-2 - giver[stands]])
        now = {name.split("\x1f")[0]: at for at, name in enumerate(names.supplies)}
        for one, order in of.items():
            found[giver == one] = -2 - now.get(order.existing or "", -1)
        return found

    def _taken(self, run: SearchableRun, model: Model) -> dict[int, list[int]]:
        """Pegs of what existing orders lack, by the demand of a plant that it is."""
        found: dict[int, list[int]] = {}
        left = {name: [*some] for name, some in run.earlier.takes.items()}
        for demand, index in enumerate(model.lacking, start=model.demands):
            need = run.release.needs[index]
            name = "" if need.order is None else need.order.existing or ""
            pegs, lacks = list[int](), need.open
            for one in [*left.get(name, ())]:
                is_planned = one.peg >= 0 and one.node == need.node.key
                if is_planned and one.qty <= lacks:
                    pegs.append(one.peg)
                    left[name].remove(one)
                    lacks -= one.qty
            if pegs and not lacks:
                found[demand] = pegs
        return found

    def _places(
        self, model: Model, item: np.ndarray, names: PlantNames
    ) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        """Option and lane of each order, and whether they are there."""
        plant, number = model.plant, self._numbers("late_option")
        known = np.maximum(item, 0)
        fits = (item >= 0) & (number < np.diff(plant.x_start)[known])
        option = np.where(fits, plant.x_start[known] + number, 0)
        machines = np.append(self._numbered("machines", names.machines), -1)
        machine = plant.machine[option]
        fits &= machine == machines[self._numbers("late_machine")]
        unit = self._numbers("late_unit")
        lane = np.where(machine < 0, 0, plant.m_lane[machine] + unit)
        fits &= (machine < 0) | (lane < plant.m_lane[machine + 1])
        turned = self._numbers("late_turned") == 1
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
