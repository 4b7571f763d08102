"""Schedules by trying everything: every assignment, every sequence, minute by minute.

Slow and plain on purpose. It shares nothing with the planner but the problem record.
"""

from __future__ import annotations

import itertools
import random
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from medhavi.results.schedules.problem import ScheduleProblem

Document = dict[str, Any]


def open_at(problem: ScheduleProblem, resource: str, minute: int) -> bool:
    windows = problem.resource_by_id[resource].windows
    return windows is None or any(a <= minute < b for a, b in windows)


def place(
    problem: ScheduleProblem, resource: str, earliest: int, length: int, *, pauses: bool
) -> tuple[int, int] | None:
    """Find the first start, minute by minute, and the end."""
    if length == 0:
        return earliest, earliest
    for start in range(earliest, 400):
        if not open_at(problem, resource, start):
            continue
        left, minute = length, start
        while left and minute < 400:
            if open_at(problem, resource, minute):
                left -= 1
            elif not pauses:
                break
            minute += 1
        if not left:
            return start, minute
    return None


def simulate(
    problem: ScheduleProblem,
    chosen: dict[tuple[str, int], tuple[str, int]],
    sequence: tuple[tuple[str, int], ...],
) -> dict[tuple[str, int], tuple[int, int]] | None:
    """Run steps in one overall sequence; None where a rule cannot be kept."""
    done: dict[tuple[str, int], tuple[int, int]] = {}
    last: dict[tuple[str, int], tuple[int, str | None]] = {}
    for key in sequence:
        order = problem.order_by_id[key[0]]
        step = order.step(key[1])
        if any((order.order, before) not in done for before in step.after):
            return None
        resource, unit = chosen[key]
        option = next(o for o in step.options if o.resource == resource)
        ready = max(
            [int(order.release_minutes)]
            + [done[order.order, before][1] for before in step.after]
        )
        family = problem.resource_by_id[resource].setup_family
        free, before_family = last.get((resource, unit), (0, family))
        setup = int(option.setup_minutes)
        if (resource, unit) in last or family is not None:
            change = problem.changeover(resource, before_family, step.family)
            setup += int(change.setup_minutes) if change else 0
        prepared = place(problem, resource, free, setup, pauses=False)
        if prepared is None:
            return None
        earliest = max(ready, prepared[1], int(step.start_minutes or 0))
        found = place(
            problem, resource, earliest, int(option.run_minutes), pauses=step.splittable
        )
        if found is None:
            return None
        if step.start_minutes is not None and found[0] != step.start_minutes:
            return None
        done[key] = found
        last[resource, unit] = (found[1], step.family)
    return done


def figures(
    problem: ScheduleProblem,
    chosen: dict[tuple[str, int], tuple[str, int]],
    sequence: tuple[tuple[str, int], ...],
    done: dict[tuple[str, int], tuple[int, int]],
) -> dict[str, float]:
    ends = {
        order.order: max(done[order.order, step.step][1] for step in order.steps)
        for order in problem.orders
    }
    late = {
        order.order: max(0.0, ends[order.order] - order.due_minutes)
        for order in problem.orders
        if order.due_minutes is not None
    }
    loads: dict[str, float] = {}
    changes, cost = 0, 0.0
    family: dict[tuple[str, int], str | None] = {}
    for key in sequence:
        step = problem.order_by_id[key[0]].step(key[1])
        resource, unit = chosen[key]
        option = next(o for o in step.options if o.resource == resource)
        loads[resource] = loads.get(resource, 0.0) + option.run_minutes
        first = problem.resource_by_id[resource].setup_family
        if (resource, unit) in family or first is not None:
            row = problem.changeover(
                resource, family.get((resource, unit), first), step.family
            )
            if row is not None and (row.setup_minutes or row.cost):
                changes, cost = changes + 1, cost + row.cost
        family[resource, unit] = step.family
    return {
        "late_orders": sum(value > 0 for value in late.values()),
        "weighted_tardiness": sum(
            value * problem.order_by_id[name].weight for name, value in late.items()
        ),
        "max_tardiness": max(late.values(), default=0.0),
        "makespan": max(ends.values()),
        "setup": changes,
        "cost": cost,
        "load_balance": sum(load * load for load in loads.values()),
    }


def best(problem: ScheduleProblem) -> tuple[float, ...] | None:
    """Least values of the objectives in their order; None: impossible."""
    keys = [(order.order, step.step) for order, step in problem.steps()]
    options = []
    for order, step in problem.steps():
        admitted = [o.resource for o in step.options if problem.admitted(order, o)]
        if step.resource is not None:
            admitted = [name for name in admitted if name == step.resource]
        options.append(
            [
                (name, unit)
                for name in admitted
                for unit in range(problem.resource_by_id[name].units)
            ]
        )
    found: tuple[float, ...] | None = None
    for sequence in itertools.permutations(keys):
        for pick in itertools.product(*options):
            chosen = dict(zip(keys, pick, strict=True))
            done = simulate(problem, chosen, sequence)
            if done is None:
                continue
            values = figures(problem, chosen, sequence, done)
            rank = tuple(values[str(name)] for name in problem.objective)
            if found is None or rank < found:
                found = rank
    return found


def random_document(seed: int) -> Document:
    """Make a small problem of two resources and at most four steps."""
    rng = random.Random(seed)
    families = ["A", "B", "C"]
    resources: list[Document] = []
    for name in ("R1", "R2"):
        row: Document = {"resource": name}
        if rng.random() < 0.6:
            row["changeover_matrix"] = "m"
        if rng.random() < 0.3:
            row["setup_family"] = rng.choice(families)
        if rng.random() < 0.4:
            row["windows"] = [[0, 12], [16, 30], [34, 300]]
        if rng.random() < 0.2:
            row["units"] = 2
        resources.append(row)
    changeovers = [
        {
            "matrix": "m",
            "from_family": a,
            "to_family": b,
            "setup_minutes": rng.choice([0, 1, 3, 9]),
            "cost": rng.choice([0, 5]),
        }
        for a in [*families, "*"]
        for b in families
        if a != b and rng.random() < 0.7
    ]
    if not changeovers:
        changeovers = [
            {"matrix": "m", "from_family": "*", "to_family": "*", "setup_minutes": 2}
        ]
    orders: list[Document] = []
    left = 4
    for number in range(rng.choice([2, 3])):
        count = min(left, rng.choice([1, 2]))
        left -= count
        if not count:
            break
        steps = []
        for step in range(1, count + 1):
            names = rng.sample(["R1", "R2"], rng.choice([1, 1, 2]))
            steps.append(
                {
                    "step": step,
                    "after": [step - 1] if step > 1 and rng.random() < 0.8 else [],
                    "family": rng.choice(families),
                    "splittable": rng.random() < 0.3,
                    "options": [
                        {
                            "resource": name,
                            "run_minutes": rng.randint(1, 9),
                            "setup_minutes": rng.choice([0, 0, 2]),
                        }
                        for name in names
                    ],
                }
            )
        order: Document = {"order": f"O{number}", "steps": steps}
        if rng.random() < 0.7:
            order["due_minutes"] = rng.randint(3, 25)
            order["weight"] = rng.choice([1, 2.5])
        if rng.random() < 0.3:
            order["release_minutes"] = rng.randint(1, 8)
        orders.append(order)
    names = [
        "late_orders",
        "weighted_tardiness",
        "max_tardiness",
        "makespan",
        "setup",
        "cost",
        "load_balance",
    ]
    return {
        "schema": "medhavi.schedule/1",
        "name": f"random {seed}",
        "start": "2026-01-05T06:00:00Z",
        "objective": rng.sample(names, rng.choice([1, 2, 3])),
        "resources": resources,
        "changeovers": changeovers,
        "orders": orders,
    }
