# mypy: disable-error-code="no-any-return"
# What an array gives is Any; the kernels are arithmetic on it.
"""Rehearse the orders of a plan: sort, date, dispatch and justify them.

The file holds plain loops over int64 arrays, heaps and lists, so that numba can compile
it; the interpreter runs the same functions on lists.

Sources: Kahn 1962 (what brings before what takes), Panwalkar and Iskander, Operations
Research 25 (1977; dispatching rules), Valls, Ballestin and Quintanilla 2005
(justification: two passes that make no delivery later).
"""

from __future__ import annotations

import math
from heapq import heapify, heappop, heappush
from typing import NamedTuple

import numpy as np

FAR = 1 << 61
"""An instant that never comes."""
NEVER_HOLDS = -1.0
"""Lengths by which a machine holds that never does."""


class Stage(NamedTuple):
    """What is rehearsed: orders (jobs) as chains of tasks, and wants of demands.

    All are int64 arrays, but for `weight`. The tasks of a job lie side by side, so do
    its givers and takers and the jobs of a want: those of number n are from start[n]
    to start[n + 1].

    Attributes
    ----------
    job, machine, length, lead
        Per task: its job; machine or -1; duration [s]; time between the end of what
        comes before and this start at least [s].
    first
        Shape (n_jobs + 1,): first task of each job.
    post
        Per job: from the end of its last task to the arrival of its goods [s].
    floor
        Per job: first instant at which it may start [UTC seconds].
    giver_start, giver, taker_start, taker
        Jobs that bring something for each job, and that take from it.
    want_start, want
        Jobs that serve each want, one at least.
    due, weight, priority
        Per want: instant [UTC seconds]; weight and priority of its demand.
    units
        Per machine: how many tasks at a time.
    """

    job: np.ndarray
    machine: np.ndarray
    length: np.ndarray
    lead: np.ndarray
    first: np.ndarray
    post: np.ndarray
    floor: np.ndarray
    giver_start: np.ndarray
    giver: np.ndarray
    taker_start: np.ndarray
    taker: np.ndarray
    want_start: np.ndarray
    want: np.ndarray
    due: np.ndarray
    weight: np.ndarray
    priority: np.ndarray
    units: np.ndarray


def sorted_jobs(stage: Stage, starts: np.ndarray, turns: np.ndarray) -> np.ndarray:
    """Sort jobs by their starts, then by their turns; what brings before what takes.

    Those that wait for each other in a circle are left out.
    """
    taker_start, taker = stage.taker_start, stage.taker
    jobs, left = len(stage.post), givers(stage)
    ready = [(starts[job], turns[job], job) for job in range(jobs) if left[job] == 0]
    heapify(ready)
    found = np.empty(jobs, np.int64)
    count = 0
    while ready:
        job = heappop(ready)[2]
        found[count] = job
        count += 1
        for place in range(taker_start[job], taker_start[job + 1]):
            other = taker[place]
            left[other] -= 1
            if left[other] == 0:
                heappush(ready, (starts[other], turns[other], other))
    return found[:count]


def pulled_ends(
    stage: Stage, order: np.ndarray, span: np.ndarray, wanted: np.ndarray
) -> np.ndarray:
    """Latest end of each job: before what takes from it must start.

    Parameters
    ----------
    stage
        What is rehearsed.
    order
        Jobs, what brings before what takes.
    span
        Per job: time from its start to its end [s].
    wanted
        Per job: its latest end for the demands that it serves itself [UTC seconds].
    """
    giver_start, giver = stage.giver_start, stage.giver
    latest = wanted.copy()
    for turn in range(len(order) - 1, -1, -1):
        job = order[turn]
        start = latest[job] - span[job]
        for place in range(giver_start[job], giver_start[job + 1]):
            latest[giver[place]] = min(latest[giver[place]], start)
    return latest


def dispatch(  # noqa: C901, PLR0912, PLR0915  (calls cost more)
    stage: Stage, key: np.ndarray, hold: float
) -> tuple[np.ndarray, np.ndarray]:
    """Run through all events: first what is over or ready, then machines take tasks.

    A free machine takes the waiting task with the least key, but holds for a more
    urgent one that is known to come before this one would end; then it takes what fits
    before, or idles.

    Parameters
    ----------
    stage
        What is rehearsed.
    key
        Urgency of each job; the least goes first.
    hold
        A machine holds for a task whose key is less by this many lengths of the task
        that could start; or `NEVER_HOLDS`.

    Returns
    -------
    starts, arrivals
        Per task its start, per job the arrival of its goods [UTC seconds]; 0 for those
        that wait for each other in a circle.
    """
    job_of, machine, length = stage.job, stage.machine, stage.length
    lead, first, post = stage.lead, stage.first, stage.post
    taker_start, taker = stage.taker_start, stage.taker
    starts = np.full(len(machine), 0, np.int64)
    arrivals = np.full(len(post), 0, np.int64)
    free, ready, left = stage.units.copy(), stage.floor.copy(), givers(stage)
    # Lists without entries, from which numba sees what they will hold.
    waiting = [[(0, 0) for _ in range(0)] for _ in range(len(free))]
    coming = [[(0, 0, 0) for _ in range(0)] for _ in range(len(free))]
    touched = [0 for _ in range(0)]
    # A code below 0 is a machine that gets free, any other a task that is ready.
    events = [(0, 0) for _ in range(0)]
    for job in range(len(post)):
        if left[job] == 0:
            task = first[job]
            entry = (ready[job] + lead[task], key[job], task)
            announce(events, coming, machine[task], hold, entry)
    now, turn, gathering = 0, 0, False
    while True:
        task = -1
        if gathering:
            if events and events[0][0] == now:
                code = heappop(events)[1]
                where = machine[code] if code >= 0 else -1 - code
                if code < 0:
                    free[where] += 1
                    touched.append(where)
                elif where >= 0:
                    heappush(waiting[where], (key[job_of[code]], code))
                    arrive(coming[where], code)
                    touched.append(where)
                else:
                    task = code
            else:
                turn, gathering = 0, False
        elif turn < len(touched):
            where = touched[turn]
            if free[where] > 0 and waiting[where]:
                task = chosen(waiting[where], coming[where], length, now, hold)
            if task < 0:
                turn += 1
            else:
                free[where] -= 1
                heappush(events, (now + length[task], -1 - where))
        elif events:
            now, gathering = events[0][0], True
            touched.clear()
        else:
            return starts, arrivals
        if task < 0:
            continue
        starts[task] = now
        job, there = job_of[task], now + length[task]
        task += 1
        if task < first[job + 1]:
            entry = (there + lead[task], key[job], task)
            announce(events, coming, machine[task], hold, entry)
            continue
        arrivals[job] = there = there + post[job]
        for place in range(taker_start[job], taker_start[job + 1]):
            job = taker[place]
            ready[job] = max(ready[job], there)
            left[job] -= 1
            if left[job] == 0:
                task = first[job]
                entry = (ready[job] + lead[task], key[job], task)
                announce(events, coming, machine[task], hold, entry)


def givers(stage: Stage) -> np.ndarray:
    """Count what brings something for each job."""
    starts = stage.giver_start
    found = np.empty(len(stage.post), np.int64)
    for job in range(len(found)):
        found[job] = starts[job + 1] - starts[job]
    return found


def announce(
    events: list[tuple[int, int]],
    coming: list[list[tuple[int, int, int]]],
    where: int,
    hold: float,
    entry: tuple[int, int, int],
) -> None:
    """Take note of when a task will be ready: `entry` is instant, key and task."""
    heappush(events, (entry[0], entry[2]))
    if where >= 0 and hold >= 0:
        coming[where].append(entry)


def arrive(coming: list[tuple[int, int, int]], task: int) -> None:
    """Take a task from those that come."""
    for place in range(len(coming)):
        if coming[place][2] == task:
            coming[place] = coming[-1]
            coming.pop()
            return


def chosen(
    queue: list[tuple[int, int]],
    coming: list[tuple[int, int, int]],
    length: np.ndarray,
    now: int,
    hold: float,
) -> int:
    """Take from a queue the task that starts; -1: the machine holds for one to come."""
    if not coming:
        return heappop(queue)[1]
    key, task = queue[0]
    until = now + length[task]
    # A whole number is below a limit where it is below the limit rounded up.
    bound = math.ceil(key - hold * length[task])
    first = FAR
    for moment, other, _ in coming:
        if moment < until and other < bound and moment < first:
            first = moment
    if first == FAR:
        return heappop(queue)[1]
    place = -1
    for at in range(len(queue)):
        if now + length[queue[at][1]] <= first and (
            place < 0 or queue[at] < queue[place]
        ):
            place = at
    if place < 0:
        return -1
    task = queue.pop(place)[1]
    heapify(queue)
    return task


def move_right(
    stage: Stage, order: np.ndarray, starts: np.ndarray, arrivals: np.ndarray
) -> np.ndarray:
    """Starts as late as what takes from each job allows.

    Parameters
    ----------
    stage
        What is rehearsed.
    order
        Tasks in order of their ends; the last is moved first.
    starts, arrivals
        Per task its start, per job the arrival of its goods [UTC seconds].
    """
    job_of, machine, length = stage.job, stage.machine, stage.length
    lead, first, post = stage.lead, stage.first, stage.post
    giver_start, giver = stage.giver_start, stage.giver
    limit = limits(stage, arrivals)
    lane, begins, ends = lanes(stage.units)
    found = starts.copy()
    for turn in range(len(order) - 1, -1, -1):
        task = order[turn]
        job, where, long = job_of[task], machine[task], length[task]
        if task + 1 == first[job + 1]:
            end = limit[job] - post[job]
        else:
            end = found[task + 1] - lead[task + 1]
        if where >= 0 and long > 0:
            low, high = lane[where], lane[where + 1]
            found[task] = book_late(begins[low:high], ends[low:high], end, long)
        else:
            found[task] = end - long
        if task == first[job]:
            start = found[task] - lead[task]
            for place in range(giver_start[job], giver_start[job + 1]):
                limit[giver[place]] = min(limit[giver[place]], start)
    return found


def limits(stage: Stage, arrivals: np.ndarray) -> np.ndarray:
    """When the goods of each job must be there: at the due, or as they are.

    `FAR` for those that only serve others.
    """
    want_start, want, due = stage.want_start, stage.want, stage.due
    found = np.full(len(stage.post), FAR, np.int64)
    for demand in range(len(due)):
        end = due[demand]
        for place in range(want_start[demand], want_start[demand + 1]):
            end = max(end, arrivals[want[place]])
        for place in range(want_start[demand], want_start[demand + 1]):
            found[want[place]] = min(found[want[place]], end)
    for job in range(len(found)):
        if found[job] == FAR and stage.taker_start[job] == stage.taker_start[job + 1]:
            found[job] = arrivals[job]
    return found


def move_left(
    stage: Stage, order: np.ndarray, starts: np.ndarray
) -> tuple[np.ndarray, np.ndarray]:
    """Starts and arrivals as early as can be, in order of the starts.

    Parameters
    ----------
    stage
        What is rehearsed.
    order
        Tasks in order of their starts.
    starts
        Per task [UTC seconds].
    """
    job_of, machine, length = stage.job, stage.machine, stage.length
    lead, first, post = stage.lead, stage.first, stage.post
    taker_start, taker = stage.taker_start, stage.taker
    ready, found = stage.floor.copy(), starts.copy()
    arrivals = np.full(len(post), 0, np.int64)
    lane, begins, ends = lanes(stage.units)
    for task in order:
        job, where, long = job_of[task], machine[task], length[task]
        begin = lead[task]
        if task == first[job]:
            begin += ready[job]
        else:
            begin += found[task - 1] + length[task - 1]
        if where >= 0 and long > 0:
            low, high = lane[where], lane[where + 1]
            begin = book_early(begins[low:high], ends[low:high], begin, long)
        found[task] = begin
        if task + 1 == first[job + 1]:
            there = arrivals[job] = begin + long + post[job]
            for place in range(taker_start[job], taker_start[job + 1]):
                ready[taker[place]] = max(ready[taker[place]], there)
    return found, arrivals


def lanes(units: np.ndarray) -> tuple[np.ndarray, list[list[int]], list[list[int]]]:
    """Empty lane for each unit of each machine: what it does, in order of time.

    Returns
    -------
    lane
        Shape (n_machines + 1,): first lane of each machine.
    begins, ends
        Per lane, in order of time [UTC seconds]: none.
    """
    lane = np.full(len(units) + 1, 0, np.int64)
    for machine in range(len(units)):
        lane[machine + 1] = lane[machine] + units[machine]
    begins = [[0 for _ in range(0)] for _ in range(lane[-1])]
    ends = [[0 for _ in range(0)] for _ in range(lane[-1])]
    return lane, begins, ends


def book_early(
    begins: list[list[int]], ends: list[list[int]], soonest: int, length: int
) -> int:
    """Put a task on the first unit that is free soonest; gives its start."""
    best, chosen, at = 0, -1, 0
    for lane in range(len(begins)):
        starts, stops = begins[lane], ends[lane]
        begin = soonest
        place = count_until(stops, begin + 1)
        while place < len(starts) and starts[place] < begin + length:
            begin = stops[place]
            place += 1
        if chosen < 0 or begin < best:
            best, chosen, at = begin, lane, place
            if begin == soonest:
                break
    begins[chosen].insert(at, best)
    ends[chosen].insert(at, best + length)
    return best


def book_late(
    begins: list[list[int]], ends: list[list[int]], latest: int, length: int
) -> int:
    """Put a task on the first unit on which it ends latest; gives its start."""
    best, chosen, at = 0, -1, 0
    for lane in range(len(begins)):
        starts, stops = begins[lane], ends[lane]
        end = latest
        place = count_until(starts, end)
        while place > 0 and stops[place - 1] > end - length:
            place -= 1
            end = starts[place]
        if chosen < 0 or end > best:
            best, chosen, at = end, lane, place
            if end == latest:
                break
    begins[chosen].insert(at, best - length)
    ends[chosen].insert(at, best)
    return best - length


def count_until(instants: list[int], end: int) -> int:
    """Count the instants before another one; they rise."""
    low, high = 0, len(instants)
    while low < high:
        middle = (low + high) >> 1
        if instants[middle] < end:
            low = middle + 1
        else:
            high = middle
    return low
