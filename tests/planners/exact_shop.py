"""Small random shops with a known optimum of the sum of lateness.

Each demand wants one piece of a product of its own. Products have one or two steps on a
machine, or on either of two; some take a part that is made, some one that is bought. No
two demands share supply and nothing is closed, so a plan is a sequence of fixed tasks,
and CP-SAT proves the best one.
"""

from __future__ import annotations

import random
from dataclasses import dataclass, field
from typing import Any

from tests.planners.small_plans import day

HOUR_MINUTES = 60.0
HOURS = 24

Rows = dict[str, list[dict[str, Any]]]


@dataclass(frozen=True, slots=True, kw_only=True)
class Work:
    """An order: its tasks (hours, machines to choose from), what it waits for [h]."""

    product: str
    tasks: tuple[tuple[int, tuple[str, ...]], ...]
    parts: tuple[Work, ...] = ()
    release: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class Shop:
    """Orders with their due dates in hours from now."""

    machines: tuple[str, ...]
    orders: tuple[tuple[Work, int], ...] = field(default=())


def random_shop(seed: int) -> Shop:
    """Draw two to six orders on two or three machines."""
    chance = random.Random(seed)
    machines = tuple(f"M{number}" for number in range(1, chance.randint(2, 3) + 1))
    orders = []
    for number in range(chance.randint(2, 6)):
        part: tuple[Work, ...] = ()
        if chance.random() < 0.4:
            part = (_work(chance, f"Part{number}", machines, ()),)
        work = _work(chance, f"Product{number}", machines, part)
        orders.append((work, chance.randint(2, 40)))
    return Shop(machines=machines, orders=tuple(orders))


def _work(
    chance: random.Random, product: str, machines: tuple[str, ...], parts: Any
) -> Work:
    tasks = tuple(
        (
            chance.randint(1, 12),
            tuple(chance.sample(machines, 2 if chance.random() < 0.3 else 1)),
        )
        for _ in range(chance.randint(1, 2))
    )
    release = HOURS * chance.choice([0, 0, 0, 1])
    return Work(product=product, tasks=tasks, parts=parts, release=release)


def tables(shop: Shop) -> Rows:
    """Planning tables of a shop."""
    rows: Rows = {"resources": [{"resource": name} for name in shop.machines]}
    for work, due in shop.orders:
        _add(rows, work)
        wanted = {"product": work.product, "qty": 1, "due": day(due / HOURS)}
        rows.setdefault("demands", []).append(wanted)
    return rows


def _add(rows: Rows, work: Work) -> None:
    routing = {"routing": work.product, "product": work.product}
    rows.setdefault("routings", []).append(routing)
    key = {"routing": work.product}
    for step, (hours, machines) in enumerate(work.tasks, start=1):
        rows.setdefault("steps", []).append(
            {**key, "step": step, "fixed_minutes": hours * HOUR_MINUTES}
        )
        rows.setdefault("step_resources", []).extend(
            {
                **key,
                "step": step,
                "resource": machine,
                "choice": "any" if len(machines) > 1 else None,
                "preference": place,
            }
            for place, machine in enumerate(machines, start=1)
        )
    lines = rows.setdefault("bom_lines", [])
    for part in work.parts:
        lines.append({**key, "component": part.product})
        _add(rows, part)
    if work.release:
        bought = f"Bought for {work.product}"
        lines.append({**key, "component": bought})
        rows.setdefault("supply_terms", []).append(
            {"product": bought, "lead_time_days": work.release / HOURS}
        )


def least_lateness(shop: Shop) -> int:
    """Prove the least sum of lateness [h]."""
    return _least(shop, whole=False)


def fewest_late(shop: Shop) -> int:
    """Prove the least number of late orders."""
    return _least(shop, whole=True)


def _least(shop: Shop, *, whole: bool) -> int:
    """Prove the least number of late orders (whole), or sum of lateness [h].

    Notes
    -----
    One interval per task and machine that may do it, `NoOverlap` per machine
    (Baptiste, Le Pape, Nuijten 2001); small enough to be proven at once.
    """
    from ortools.sat.python import cp_model

    model = cp_model.CpModel()
    span = HOURS + sum(_hours(work) for work, _ in shop.orders)
    busy: dict[str, list[Any]] = {name: [] for name in shop.machines}

    def ends(work: Work) -> Any:
        ready = [ends(part) for part in work.parts]
        before = None
        for hours, machines in work.tasks:
            start = model.new_int_var(work.release, span, "")
            for instant in ready if before is None else [before]:
                model.add(start >= instant)
            chosen = [model.new_bool_var("") for _ in machines]
            model.add_exactly_one(chosen)
            for machine, taken in zip(machines, chosen, strict=True):
                busy[machine].append(
                    model.new_optional_fixed_size_interval_var(start, hours, taken, "")
                )
            before = start + hours
        return before

    late = []
    for work, due in shop.orders:
        lateness = model.new_int_var(0, span, "")
        model.add(lateness >= ends(work) - due)
        if whole:
            is_late = model.new_bool_var("")
            model.add(lateness <= span * is_late)
            lateness = is_late
        late.append(lateness)
    for intervals in busy.values():
        model.add_no_overlap(intervals)
    model.minimize(sum(late))
    solver = cp_model.CpSolver()
    solver.parameters.num_workers = 1
    solver.parameters.random_seed = 1
    assert solver.solve(model) == cp_model.OPTIMAL
    return round(solver.objective_value)


def _hours(work: Work) -> int:
    own = sum(hours for hours, _ in work.tasks)
    return own + sum(_hours(part) for part in work.parts)
