"""Why no schedule exists: a least set of rules that cannot all hold.

Orders are reduced to a least set that is impossible by itself, then their steps, then
the rules around them, by deletion: what can go without making it possible goes. The
rest is minimal: without any one of its members a schedule exists.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from medhavi.optimize.cpsat import Effort, feasible
from medhavi.planners.scheduling.task_form import Rule, task_form
from medhavi.results.schedules.tables import table_of

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    import polars as pl

    from medhavi.results.schedules.problem import ScheduleProblem

_SENTENCES = {
    "step": "step {step} of order {order} runs on {resource}",
    "fixed": "step {step} of order {order} starts at minute {start:g} on {resource}",
    "release": "order {order} is not begun before minute {release:g}",
    "min_yield": "order {order} asks for a yield of at least {least:g}",
    "windows": "{resource} is open only in its windows",
    "setup": "{resource} is set up before and between operations",
    "capacity": "{resource} runs {units} at once",
}


def least_conflict(
    problem: ScheduleProblem, effort: float, cancelled: Callable[[], bool] | None = None
) -> pl.DataFrame:
    """Rules that cannot all hold, as table `conflict`.

    Parameters
    ----------
    problem
        A problem that was proven to have no schedule.
    effort
        Deterministic effort of each attempt. An attempt without an answer counts as
        possible, so its rule stays: the set is then a conflict, though not the least.
    """
    stop = cancelled or (lambda: False)

    def impossible(without: Sequence[Rule]) -> bool:
        if stop():
            return False
        form = task_form(problem, without)
        return feasible(form.tasks, Effort(deterministic=effort)) is False

    orders = [Rule("order", order=row.order) for row in problem.orders]
    orders.sort(key=lambda rule: str(rule.order))
    kept = _reduced(orders, [], impossible)
    gone = [rule for rule in orders if rule not in kept]
    steps = [
        Rule("step", rule.order, step.step)
        for rule in kept
        for step in problem.order_by_id[str(rule.order)].steps
    ]
    needed = _reduced(steps, gone, impossible)
    gone += [rule for rule in steps if rule not in needed]
    binding = _reduced(_rules_around(problem, needed), gone, impossible)
    rows = [_row(problem, rule) for rule in (*needed, *binding)]
    return table_of("conflict", rows)


def _reduced(
    rules: list[Rule], gone: list[Rule], impossible: Callable[[Sequence[Rule]], bool]
) -> list[Rule]:
    """Drop rules, halves first, while what is left stays impossible."""
    kept = list(rules)
    size = max(len(kept) // 2, 1)
    while kept:
        place = 0
        while place < len(kept):
            piece = kept[place : place + size]
            rest = [rule for rule in kept if rule not in piece]
            dropped = [rule for rule in rules if rule not in rest]
            if impossible([*gone, *dropped]):
                kept = rest
            else:
                place += size
        if size == 1:
            break
        size = max(size // 2, 1)
    return kept


def _rules_around(problem: ScheduleProblem, steps: list[Rule]) -> list[Rule]:
    """List the rules that touch some steps, in one order."""
    rules: set[Rule] = set()
    for _, name, number, _ in steps:
        order = problem.order_by_id[str(name)]
        step = order.step(int(number or 0))
        if step.start_minutes is not None:
            rules.add(Rule("fixed", order.order, step.step))
        if order.release_minutes:
            rules.add(Rule("release", order=order.order))
        if order.min_yield is not None:
            rules.add(Rule("min_yield", order=order.order))
        for option in step.options:
            rules.add(Rule("setup", resource=option.resource))
            rules.add(Rule("capacity", resource=option.resource))
            if problem.resource_by_id[option.resource].windows is not None:
                rules.add(Rule("windows", resource=option.resource))
    return sorted(
        rules, key=lambda r: (r.kind, r.order or "", r.step or 0, r.resource or "")
    )


def _row(problem: ScheduleProblem, rule: Rule) -> dict[str, object]:
    resource = rule.resource
    facts: dict[str, object] = {"order": rule.order, "step": rule.step}
    if rule.order is not None:
        order = problem.order_by_id[rule.order]
        facts |= {"release": order.release_minutes, "least": order.min_yield}
        if rule.step is not None:
            step = order.step(rule.step)
            facts |= {"start": step.start_minutes}
            names = sorted({option.resource for option in step.options})
            resource = step.resource or " or ".join(names)
    else:
        facts |= {"units": problem.resource_by_id[str(resource)].units}
    facts["resource"] = resource
    return {
        "kind": rule.kind,
        "order": rule.order,
        "step": rule.step,
        "resource": resource,
        "text": _SENTENCES[rule.kind].format(**facts),
    }
