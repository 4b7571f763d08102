"""Changeovers before found work, directly before it, and the campaigns it makes.

A machine is changed over while it has nothing else to do, before or after the goods are
there. What lies after they are is part of the set-up of the order; the rest is idle
time of the machine (rule 16 counts both).
"""

from __future__ import annotations

from itertools import groupby, pairwise
from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from medhavi.planners.campaigns.campaign_sequence import IndivisibleWork, partition
from medhavi.planners.constrained.orders.jobs import Job
from medhavi.planners.constrained.placement.campaigning import campaigning
from medhavi.planners.constrained.search.construction import opened
from medhavi.planners.constrained.search.plant_schedule import differ
from medhavi.planners.kernels.plant_kernels.plant_record import (
    begin_from,
    change_of,
    changed_by,
    changed_from,
    length_of,
)
from medhavi.units import NEVER, from_units

if TYPE_CHECKING:
    from collections.abc import Sequence

    from medhavi.findings import Finding
    from medhavi.planners.campaigns.campaign_rules import CampaignRule
    from medhavi.planners.constrained.search.plant.model import Model
    from medhavi.planners.constrained.search.plant_schedule import PlantSchedule
    from medhavi.planners.constrained.search.scheduled_orders import SearchableRun
    from medhavi.planners.kernels.plant_kernels.plant_record import Plant
    from medhavi.planners.kernels.plant_kernels.schedule_record import ScheduleRecord


class Work(NamedTuple):
    """When found orders work: `begin` to `end`, in stock at `finish`, by place.

    `option` is that of the item, `lane` the unit of its machine, -1 where there is
    none. `since` is when the changeover before the work begins, `begin` where there is
    none. Shapes (n_orders,), int64 [UTC seconds].
    """

    begin: np.ndarray
    end: np.ndarray
    finish: np.ndarray
    option: np.ndarray
    lane: np.ndarray
    since: np.ndarray


def depends(plant: Plant, item: int) -> bool:
    """Whether how long an item takes depends on others: by changeovers, or buckets."""
    options = slice(plant.x_start[item], plant.x_start[item + 1])
    machine = plant.machine[options]
    changes = (plant.m_change[machine[machine >= 0]] >= 0).any()
    return bool(changes or (plant.bucket[options] >= 0).any())


def changes_before(
    model: Model,
    begin: np.ndarray,
    end: np.ndarray,
    option: np.ndarray,
    *,
    exact: bool = True,
) -> tuple[np.ndarray, np.ndarray]:
    """Changeover before each piece of work, and since when its machine is free for it.

    Parameters
    ----------
    begin, end, option
        Of the work [s since now]. Shapes (n_steps,), int64.
    exact
        As of `steps_of`.

    Returns
    -------
    needed, free
        Working time of the changeover; end of what the machine works on before, and of
        the cleaning after that [s]. Shapes (n_steps,), int64.

    Raises
    ------
    MismatchError
        A machine would work on two orders at a time, of which one may stand.
    """
    plant = model.plant
    needed, free = np.zeros(len(begin), np.int64), np.zeros(len(begin), np.int64)
    if not len(plant.f_change):
        return needed, free
    machine = plant.machine[option]
    changing = np.flatnonzero((machine >= 0) & (plant.m_change[machine] >= 0))
    blocks = np.arange(len(plant.v_begin))
    place = np.concatenate([changing, -1 - blocks])
    owner = np.concatenate([machine[changing], plant.machine[plant.v_option]])
    start = np.concatenate([begin[changing], plant.v_begin])
    on, family, until, found = -1, -1, 0, False
    for row in np.lexsort((start, owner)):
        if owner[row] != on:
            on, family, until, found = int(owner[row]), -1, 0, False
        step = int(place[row])
        # Blocks that stand may overlap each other: so existing orders were given. Found
        # work may overlap nothing.
        if exact and until > start[row] and (step >= 0 or found):
            differ("a machine works on two orders at a time")
        found = step >= 0
        own = plant.family[option[step] if step >= 0 else plant.v_option[-1 - step]]
        if step >= 0:
            change = change_of(plant, on, family, own)
            # Cleaning begins right after the work before; the rest of the changeover is
            # as late as can be.
            place_of = plant.m_change[on] + family * plant.f_size[0] + own
            clean = int(model.campaigns.cleaning[place_of]) if change else 0
            needed[step] = change - clean
            free[step] = changed_from(plant, int(option[step]), until, clean)
        until = int(end[step] if step >= 0 else plant.v_end[-1 - step])
        family = int(own) if own >= 0 else family
    return needed, free


def since_of(
    plant: Plant,
    begin: np.ndarray,
    option: np.ndarray,
    needed: np.ndarray,
    floor: np.ndarray,
) -> np.ndarray:
    """Begin of what of each changeover lies behind a floor [s since now].

    Parameters
    ----------
    begin, option, needed
        As of `changes_before`.
    floor
        Earliest begin. Shape (n_steps,), int64.
    """
    found = begin.copy()
    for step in np.flatnonzero(needed > 0):
        own, time = int(option[step]), int(begin[step])
        latest = changed_by(plant, own, time, int(needed[step]))
        # The rest of it lies before the floor, in idle time of the machine.
        if latest < floor[step]:
            latest = begin_from(plant, own, int(floor[step]), 1)
        found[step] = min(latest, time)
    return found


def lengths_of(
    plant: Plant, since: np.ndarray, begin: np.ndarray, option: np.ndarray
) -> np.ndarray:
    """Open time from the begin of each changeover to that of the work [s]."""
    found = begin - since
    for step in np.flatnonzero(found > 0):
        calendar = int(plant.calendar[option[step]])
        times = np.array([since[step], begin[step]])
        found[step] = np.diff(opened(plant, calendar, times))[0]
    lengths: np.ndarray = found
    return lengths


def ready_of(
    plant: Plant, item: np.ndarray, work: Work, pegs: Sequence[np.ndarray]
) -> np.ndarray:
    """When each step has all that it takes [s, as `work`].

    What is bought counts by its lead time, unless the step begins before that: then it
    takes what stands.

    Parameters
    ----------
    item
        Of the steps. Shape (n_steps,), int64.
    work
        When they work [s since now].
    pegs
        Giver (a step, or -2 - a supply that stands) and taker (a step, or -1 - demand)
        of each peg. Shapes (n_pegs,), int64.
    """
    giver, taker = pegs
    ready: np.ndarray = plant.floor[item].copy()
    ours = taker >= 0
    made, stands = ours & (giver >= 0), ours & (giver < 0)
    np.maximum.at(ready, taker[made], work.finish[giver[made]])
    np.maximum.at(ready, taker[stands], plant.s_ready[-2 - giver[stands]])
    lines = np.diff(plant.c_start)[item]
    step = np.repeat(np.arange(len(item)), lines)
    within = np.arange(len(step)) - np.repeat(np.cumsum(lines) - lines, lines)
    lead = plant.lead[plant.c_item[plant.c_start[item][step] + within]]
    waits = lead <= work.begin[step]
    np.maximum.at(ready, step[waits], lead[waits])
    return ready


def work_of(
    model: Model,
    item: np.ndarray,
    span: tuple[np.ndarray, ...],
    beside: np.ndarray,
    pegs: tuple[np.ndarray, ...] | None = None,
) -> Work:
    """When steps of items work.

    Parameters
    ----------
    span
        Begin and end [s since now], option and lane; shapes (n_steps,).
    beside
        Lanes of other machines, -1: none. Shape (n_steps, n_others).
    pegs
        As of `ready_of`: changeovers begin when goods are there. None: before that.

    Raises
    ------
    MismatchError
        Two of them would be on one unit of a machine at a time, or it is not changed
        over between them.
    """
    plant = model.plant
    begin, end, option, unit = (np.asarray(one, np.int64) for one in span)
    hourly = plant.bucket[option] >= 0
    lane = np.where((plant.machine[option] >= 0) & ~hourly, unit, -1)
    lanes = np.column_stack([lane, np.where(hourly[:, np.newaxis], -1, beside)])
    taken = lanes.ravel()
    step = np.repeat(np.arange(len(lane)), lanes.shape[1])
    # By lane and begin: if any two overlap, two neighbours do.
    row = np.lexsort((begin[step], taken))
    same = (taken[row][1:] == taken[row][:-1]) & (taken[row][1:] >= 0)
    if (same & (begin[step[row]][1:] < end[step[row]][:-1])).any():
        differ("a machine works on two orders at a time")
    # First whether there is time at all, from where the machine is free; then what of
    # it belongs to the order, from where its goods are there.
    needed, free = changes_before(model, begin, end, option)
    since = since_of(plant, begin, option, needed, free)
    if (lengths_of(plant, since, begin, option) < needed).any():
        differ("a machine is not changed over in time")
    work = Work(begin, end, end + plant.post[item], option, lane, since)
    if pegs is not None:
        floor = np.maximum(free, ready_of(plant, item, work, pegs))
        work = work._replace(since=since_of(plant, begin, option, needed, floor))
    return Work(
        model.as_of + begin,
        model.as_of + end,
        model.as_of + work.finish,
        option,
        lane,
        model.as_of + work.since,
    )


def _unchecked(
    model: Model,
    item: np.ndarray,
    span: tuple[np.ndarray, ...],
    pegs: tuple[np.ndarray, ...],
) -> tuple[Work, Work]:
    """When steps of items work, though two of them may be on a machine at a time.

    Once with changeovers that begin as late as can be, and once with what of them is
    left when the goods are there.
    """
    begin, end, option, lane = (np.asarray(one, np.int64) for one in span)
    needed, free = changes_before(model, begin, end, option, exact=False)
    work = Work(begin, end, end + model.plant.post[item], option, lane, begin)
    there = np.maximum(free, ready_of(model.plant, item, work, pegs))
    before, left = (
        since_of(model.plant, begin, option, needed, floor) for floor in (free, there)
    )
    found = Work(
        model.as_of + begin,
        model.as_of + end,
        model.as_of + work.finish,
        option,
        lane,
        model.as_of + before,
    )
    return found, found._replace(since=model.as_of + left)


class Steps(NamedTuple):
    """Found steps, and the order that each belongs to.

    `order` is the place of the last step of the same order. `early` and `late` are the
    dates of the steps themselves; `changed` is what of its changeover belongs to each
    of them, late [s]. Shapes (n_steps,), int64. `beside` are the lanes of other
    machines that a step needs, early, -1: none; shape (n_steps, n_others). `buckets`
    is what it takes of each bucket, late; shape (n_steps, n_buckets). `latest` is its
    begin as late as its takers allow, also where `late` is as early as can be [UTC s];
    shape (n_steps,).
    """

    item: np.ndarray
    order: np.ndarray
    early: Work
    late: Work
    changed: np.ndarray
    beside: np.ndarray
    buckets: np.ndarray
    latest: np.ndarray


def steps_of(model: Model, found: PlantSchedule, *, exact: bool) -> Steps:
    """Steps of what was found, each with its order.

    Parameters
    ----------
    exact
        As of `Layout`: else two steps may be on one machine at a time, and `late` is
        `early` but for changeovers that begin when goods are there.

    Raises
    ------
    MismatchError
        Two steps would be on one machine at a time, or one goes on to no other.
    """
    item = np.asarray(found.order_item, np.int64)
    giver, taker = np.asarray(found.peg_from), np.asarray(found.peg_to)
    spans = (
        (found.order_start, found.order_end, found.order_option, found.order_lane),
        (
            found.order_late_start,
            found.order_late_end,
            found.order_late_option,
            found.order_late_lane,
        ),
    )
    if exact:
        early = work_of(model, item, spans[0], found.order_beside)
        late = work_of(model, item, spans[1], found.order_late_beside, (giver, taker))
    else:
        early, late = _unchecked(model, item, spans[0], (giver, taker))
    inner = model.product[item] != item
    order = np.arange(len(item))
    goes_on = giver >= 0
    goes_on[goes_on] = inner[giver[goes_on]]
    order[giver[goes_on]] = taker[goes_on]
    # Each step before the last one has one peg, to the next step of its order.
    if np.count_nonzero(goes_on) != np.count_nonzero(inner) or (order < 0).any():
        differ("a step goes on to no other, or to several")
    # Pointer jumping: each turn doubles how many steps are followed, up to the last
    # one.
    for _ in range(int(model.steps.max(initial=1)).bit_length()):
        order = order[order]
    since, begin = late.since - model.as_of, late.begin - model.as_of
    changed = lengths_of(model.plant, since, begin, late.option)
    beside, buckets = found.order_beside, found.order_late_beside
    latest = model.as_of + np.asarray(found.order_late_start, np.int64)
    return Steps(item, order, early, late, changed, beside, buckets, latest)


def stretches(steps: Steps, lanes: int) -> list[tuple[list[int], list[int]]]:
    """Begin and end of each stretch of found work without a gap, by lane, early."""
    taken = np.column_stack([steps.early.lane, steps.beside])
    step, of = np.nonzero(taken >= 0)
    lane, begin, end = taken[step, of], steps.early.since[step], steps.early.end[step]
    # The work on a unit is never on two orders: it begins and ends in sequence.
    turn = np.lexsort((steps.early.begin[step], lane))
    lane, begin, end = lane[turn], begin[turn], end[turn]
    gap = (begin[1:] > end[:-1]) | (lane[1:] != lane[:-1])
    opens, closes = np.r_[True, gap][: len(lane)], np.r_[gap, True][: len(lane)]
    begins, ends = begin[opens].tolist(), end[closes].tolist()
    bounds = np.searchsorted(lane[opens], np.arange(lanes + 1)).tolist()
    return [(begins[low:high], ends[low:high]) for low, high in pairwise(bounds)]


def keep_campaigns(run: SearchableRun) -> dict[tuple[str, str], Finding]:
    """Name the campaigns that the new orders of a run make where they are placed.

    Returns
    -------
    dict
        What existing orders break, by code and message.

    Raises
    ------
    MismatchError
        A campaign breaks its rule.
    """
    orders = run.release.orders
    new = [one for one in orders if one.existing is None and one.kind == "make"]
    jobs = [Job(number, order, placed=True) for number, order in enumerate(new)]
    campaigns = campaigning(run.campaign_rules, run.release, jobs, run.providers)
    if campaigns is None:
        return {}
    campaigns.cut()
    if campaigns.broken():
        rules = {rule.name for rule in campaigns.barred.values()}
        differ(f"a campaign breaks {', '.join(sorted(rules))}")
    campaigns.name()
    return campaigns.findings


def cut_campaigns(model: Model, plan: ScheduleRecord) -> bool:
    """Begin other campaigns where those of a schedule are too long for their rules.

    Every other one gets the options that are `turned`, so a cleaning is missing between
    them: the caller moves orders until there is room for it.

    Returns
    -------
    bool
        Whether there are such.
    """
    rules, turned = model.campaigns.rules, model.campaigns.turned
    found = False
    for lane in range(len(plan.laned) if (turned >= 0).any() else 0):
        low = lane * plan.width[0]
        row = [int(order) for order in plan.lane[low : low + plan.laned[lane]]]
        kept = [one for one in row if model.plant.family[plan.o_option[one]] >= 0]
        for rule, group in groupby(kept, lambda one: _rule_of(rules, plan, one)):
            orders = list(group)
            if rule is None or turned[plan.o_option[orders[0]]] < 0:
                continue
            pieces = [
                _piece(model, plan, number, one) for number, one in enumerate(orders)
            ]
            campaigns = partition(rule, pieces, NEVER).campaigns
            # Neighbours then differ in family, so the kernels keep time for a cleaning
            # between.
            for order in (orders[at] for other in campaigns[1::2] for at in other):
                plan.o_option[order] = int(turned[plan.o_option[order]])
                found = True
    return found


def _rule_of(
    rules: Sequence[CampaignRule | None], plan: ScheduleRecord, order: int
) -> CampaignRule | None:
    """Rule of the campaigns of an order; None also where it stands."""
    option = plan.o_option[order]
    return rules[option] if option < len(rules) else None


def _piece(
    model: Model, plan: ScheduleRecord, number: int, order: int
) -> IndivisibleWork:
    """Quantity and run time of an order in its campaign."""
    item, option = int(plan.o_item[order]), int(plan.o_option[order])
    taken = model.options[option]
    setup = 0 if taken is None else float(taken.setup)
    seconds = length_of(model.plant, item, option, int(plan.o_qty[order])) - setup
    step = model.ways[int(model.product[item])].yields[0].node.step
    qty = from_units(int(plan.o_gain[order]), step)
    return IndivisibleWork(number, qty, seconds, int(plan.o_start[order]), must=True)
