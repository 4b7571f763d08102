"""The plants make what is sold: work orders wait for material and for their line."""

from __future__ import annotations

import math
from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING

from medhavi.demo.company_model.company import ProductRecipe
from medhavi.demo.company_model.places import WAREHOUSES
from medhavi.demo.simulation.simulation_state import round_up
from medhavi.units import DAY, HOUR, MINUTE, from_seconds

if TYPE_CHECKING:
    from medhavi.demo.company_model.company import RecipeStep
    from medhavi.demo.simulation.inbound import Logistics
    from medhavi.demo.simulation.market import Market
    from medhavi.demo.simulation.simulation_state import SimulationState

_LOOK_DAYS = {"MILANO": 30, "HAMBURG": 32, "NEWARK": 66}
_BUNDLE_DAYS = 14
_SAFETY_DAYS = 9
_FINISHED_DAYS = 12
_MIX_DAYS = 6
_MAKING_DAYS = 3
_EFFICIENCY = 0.9


@dataclass(slots=True, kw_only=True)
class WorkOrder:
    """A work order; quantities are smallest ones of its product, in routing units."""

    order: str
    recipe: ProductRecipe
    qty: int
    due: int
    placed: int
    released: bool = False
    started: int | None = None
    step_finish: int = 0


class Factory:
    """Plays work orders of all plants."""

    def __init__(
        self, world: SimulationState, market: Market, logistics: Logistics
    ) -> None:
        self._world = world
        self._market = market
        self._logistics = logistics
        self._rng = world.chance("factory")
        self._busy: dict[str, int] = {}
        self._family: dict[str, str] = {}
        self._queues: dict[str, list[WorkOrder]] = {}
        self.running: dict[str, WorkOrder] = {}
        self.making: dict[tuple[str, str], int] = {}
        self.required: dict[tuple[str, str], int] = {}

    # -------------------------------------------------------------- planning
    def plan_day(self) -> None:
        """Place the work orders that sales and lower levels need, then start lines."""
        world = self._world
        self._plan_finished()
        for key in world.company.recipes:
            product, plant = key
            usage = world.rates.used.get(key, 0.0)
            if product not in world.rates.home and usage:
                self._plan_mixture(product, plant, usage)
        for resource in list(self._queues):
            self.start_line(resource)

    def _plan_finished(self) -> None:
        world = self._world
        wanted: dict[str, float] = {}
        for demand in self._market.open_lines():
            look = _LOOK_DAYS[demand.customer.home]
            if demand.product.endswith(("-HB", "-BB")):
                look += _BUNDLE_DAYS
            if demand.due - world.now < look * DAY:
                rest = demand.open_qty - demand.sent
                wanted[demand.product] = wanted.get(demand.product, 0) + rest
        # Bundles first: what they take is asked of the lines in the same round.
        for product in sorted(world.rates.home, key=lambda p: not p.endswith("B")):
            home = world.rates.home[product]
            bundled = world.rates.bundled[product]
            rate = world.rates.totals[product]
            rate += world.rates.used.get((product, bundled), 0.0)
            need = wanted.get(product, 0) + _SAFETY_DAYS * rate
            need += self.required.get((product, bundled), 0)
            have = self.making.get((product, home), 0)
            for place in dict.fromkeys((*WAREHOUSES, home, bundled)):
                have += world.stock.usable(product, place)
                have += world.moving.get((product, place), 0)
            if need > have:
                wish = need - have + world.company.scale.cover_days * rate
                self.place((product, home), wish, _FINISHED_DAYS)

    def _plan_mixture(self, product: str, plant: str, usage: float) -> None:
        key = (product, plant)
        have = self._world.stock.usable(*key) + self.making.get(key, 0)
        have -= self.required.get(key, 0)
        if have < 5 * usage:
            self.place(key, 5 * usage - have + 14 * usage, _MIX_DAYS)

    def place(self, key: tuple[str, str], wish: float, days: int) -> WorkOrder:
        """Place a firm work order and ask for its components."""
        world = self._world
        recipe = world.company.recipes[key]
        unit = world.company.products[key[0]].steps
        multiple = round(recipe.multiple * unit)
        qty = round_up(max(wish, recipe.min_lot * unit), multiple)
        if recipe.max_lot is not None:
            qty = min(qty, round(recipe.max_lot * unit))
        due = world.now - world.now % DAY + days * DAY + 16 * HOUR
        order = WorkOrder(
            order=world.number("WO"), recipe=recipe, qty=qty, due=due, placed=world.now
        )
        world.note(
            "SupplyOrderPlaced",
            supply_order=order.order,
            kind="work",
            product=recipe.product,
            location=recipe.plant,
            qty=world.base(recipe.product, qty),
            due=from_seconds(due),
            status="firmed",
            source=recipe.routing,
            _envelope={"actor": "planner"},
        )
        self.making[key] = self.making.get(key, 0) + qty
        self._ask(order, 1)
        queue = self._queues.setdefault(recipe.steps[0].resource, [])
        queue.append(order)
        queue.sort(key=lambda x: (x.due, x.order))
        return order

    def components(self, order: WorkOrder) -> list[tuple[str, int]]:
        """What an order takes of each component; water is always there."""
        world = self._world
        unit = world.company.products[order.recipe.product].steps
        needs = []
        for line in order.recipe.lines:
            if line.component == "RM-WATER":
                continue
            steps = world.company.products[line.component].steps
            exact = order.qty * line.qty_per * steps / unit / (1 - line.scrap)
            needs.append((line.component, math.ceil(exact - 1e-6)))
        return needs

    def _ask(self, order: WorkOrder, sign: int) -> None:
        plant = order.recipe.plant
        for component, qty in self.components(order):
            key = (component, plant)
            self.required[key] = self.required.get(key, 0) + sign * qty
            if component in self._world.rates.home:
                self._logistics.needs[key] = self.required[key]

    # ------------------------------------------------------------- execution
    def start_line(self, resource: str) -> None:
        """Start the first order of a line whose material is there."""
        world = self._world
        queue = self._queues.get(resource, [])
        if not queue or self._busy.get(resource, 0) > world.now:
            return
        hours = world.hours[queue[0].recipe.plant]
        opening = hours.next_open(world.now)
        if opening > world.now:
            world.timeline.at(opening, partial(self.start_line, resource))
            return
        for order in queue:
            if self._there(order):
                queue.remove(order)
                self._start(order, resource)
                return

    def _there(self, order: WorkOrder) -> bool:
        world = self._world
        plant = order.recipe.plant
        if not order.released:
            if world.now - order.placed < 6 * HOUR:
                return False
            if order.due - world.now > 9 * DAY:
                return False
        return all(
            world.stock.free(component, plant) >= qty
            for component, qty in self.components(order)
        )

    def _start(self, order: WorkOrder, resource: str) -> None:
        world = self._world
        recipe = order.recipe
        step = recipe.steps[0]
        if not order.released:
            self.release(order)
        self._reschedule(order)
        self._ask(order, -1)
        for component, qty in self.components(order):
            world.issue(
                component,
                recipe.plant,
                qty,
                "issue",
                supply_order=order.order,
                _envelope={"actor": "shop-floor", "correlation": order.order},
            )
        order.started = world.now
        self.running[order.order] = order
        world.note(
            "SupplyOrderStarted",
            supply_order=order.order,
            started_at=from_seconds(world.now),
            step=step.number,
            resource=resource,
            _envelope={"actor": "shop-floor"},
        )
        minutes = self._minutes(order, step)
        if step.family and self._family.get(resource) != step.family:
            self._family[resource] = step.family
            minutes += 30.0
            world.note("ResourceSetupObserved", resource=resource, family=step.family)
        finish = world.hours[recipe.plant].after(world.now, minutes)
        self._busy[resource] = order.step_finish = finish
        world.timeline.at(finish, partial(self._finish_step, order, 0, world.now))
        world.timeline.at(finish, partial(self.start_line, resource))

    def _reschedule(self, order: WorkOrder) -> None:
        """Reschedule an order that starts too late for its own date."""
        finish = self._world.now + _MAKING_DAYS * DAY
        if order.due < finish - DAY:
            order.due = finish
            self._world.note(
                "SupplyOrderRescheduled",
                supply_order=order.order,
                due=from_seconds(finish),
                reason="started late",
                _envelope={"actor": "planner"},
            )

    def release(self, order: WorkOrder) -> None:
        """Release an order to the shop floor."""
        order.released = True
        self._world.note(
            "SupplyOrderReleased",
            supply_order=order.order,
            _envelope={"actor": "planner"},
        )

    def release_due(self) -> None:
        """Release what is due soon, whether its material is there or not."""
        for queue in self._queues.values():
            for order in queue:
                if not order.released and order.due - self._world.now < 5 * DAY:
                    self.release(order)

    def _minutes(self, order: WorkOrder, step: RecipeStep) -> float:
        units = self._world.base(order.recipe.product, order.qty)
        run = step.fixed_minutes + step.run_minutes * units
        noise = self._rng.lognormvariate(0.03, 0.1)
        return step.setup_minutes + run / _EFFICIENCY * noise

    def _finish_step(self, order: WorkOrder, index: int, start: int) -> None:
        world = self._world
        recipe = order.recipe
        step = recipe.steps[index]
        good = math.prod(s.good for s in recipe.steps[: index + 1])
        world.note(
            "SupplyOrderProgressReported",
            supply_order=order.order,
            step=step.number,
            status="completed",
            qty_done=round(world.base(recipe.product, order.qty) * good, 3),
            remaining_minutes=0.0,
            resource=step.resource,
            start=from_seconds(start),
            finish=from_seconds(world.now),
            _envelope={"actor": "shop-floor"},
        )
        if index + 1 == len(recipe.steps):
            self._complete(order, good)
            return
        after = recipe.steps[index + 1]
        queue = after.queue_minutes * MINUTE + self._rng.randrange(1, 9) * HOUR
        hours = world.hours[recipe.plant]
        begin = hours.next_open(world.now + round(queue))
        finish = hours.after(begin, self._minutes(order, after))
        world.timeline.at(finish, partial(self._finish_step, order, index + 1, begin))

    def _complete(self, order: WorkOrder, good: float) -> None:
        world = self._world
        recipe = order.recipe
        key = (recipe.product, recipe.plant)
        self.making[key] -= order.qty
        del self.running[order.order]
        usable = good * min(self._rng.lognormvariate(0.0, 0.004), 1.0)
        qty = math.floor(order.qty * usable)
        world.receive(
            recipe.product,
            recipe.plant,
            qty,
            world.lot_name(recipe.product, "L"),
            supply_order=order.order,
            _envelope={"actor": "shop-floor", "correlation": order.order},
        )
        now = from_seconds(world.now)
        ordered = world.base(recipe.product, order.qty)
        world.note(
            "SupplyOrderReceived",
            supply_order=order.order,
            qty=ordered,
            received_at=now,
            scrap_qty=world.base(recipe.product, order.qty - qty),
            _envelope={"actor": "shop-floor", "correlation": order.order},
        )
        world.note("SupplyOrderCompleted", supply_order=order.order, completed_at=now)

    # ------------------------------------------------------------ disruptions
    def break_down(self, resource: str, hours: float, reason: str) -> None:
        """Stop a line; what runs is finished first."""
        world = self._world
        disruption = world.number("DIS")
        back = world.now + round(hours * HOUR)
        world.note(
            "ResourceDown",
            disruption=disruption,
            resource=resource,
            valid_from=from_seconds(world.now),
            valid_to=from_seconds(back),
            reason=reason,
            _envelope={"actor": "maintenance"},
        )
        self._busy[resource] = max(self._busy.get(resource, 0), back)

        def restore() -> None:
            world.note(
                "ResourceRestored",
                disruption=disruption,
                resource=resource,
                restored_at=from_seconds(world.now),
                _envelope={"actor": "maintenance"},
            )
            self.start_line(resource)

        world.timeline.at(back, restore)

    def report_running(self) -> None:
        """How far the first steps have come that run now."""
        world = self._world
        for order in self.running.values():
            if order.started is None or order.step_finish <= world.now:
                continue
            step = order.recipe.steps[0]
            hours = world.hours[order.recipe.plant]
            left = hours.between(world.now, order.step_finish)
            whole = max(hours.between(order.started, order.step_finish), 1)
            units = world.base(order.recipe.product, order.qty)
            world.note(
                "SupplyOrderProgressReported",
                supply_order=order.order,
                step=step.number,
                status="in_process",
                qty_done=float(math.floor(units * max(whole - left, 0) / whole)),
                remaining_minutes=float(left),
                resource=step.resource,
                _envelope={"actor": "shop-floor"},
            )
