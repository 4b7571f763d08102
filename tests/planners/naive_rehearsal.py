"""A rehearsal in plain Python, job by job and event by event: the reference."""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from heapq import heapify, heappop, heappush
from typing import TYPE_CHECKING

from medhavi.planners.kernels.rehearsal_passes import FAR
from medhavi.units import ALWAYS, DAY

if TYPE_CHECKING:
    from medhavi.planners.constrained.orders.jobs import Setting
    from tests.planners.rehearsal_stages import PlainStage

    Lane = tuple[list[int], list[int]]


def sorted_jobs(stage: PlainStage, starts: list[int], turns: list[int]) -> list[int]:
    left = [len(found) for found in stage.before]
    jobs = range(len(left))
    ready = [(starts[job], turns[job], job) for job in jobs if left[job] == 0]
    heapify(ready)
    found = []
    while ready:
        job = heappop(ready)[2]
        found.append(job)
        for taker in stage.after[job]:
            left[taker] -= 1
            if left[taker] == 0:
                heappush(ready, (starts[taker], turns[taker], taker))
    return found


def expected_queues(stage: PlainStage, now: int) -> list[float]:
    """Sum up E[d²]/E[d] u / (1.05 - u) / 2 of the machines of each job."""
    count = len(stage.units)
    total, square = [0.0] * count, [0.0] * count
    for machine, length in zip(stage.machine, stage.length, strict=True):
        if machine >= 0:
            total[machine] += length
            square[machine] += float(length) * length
    span = max((due - now for due in stage.due), default=0)
    waits = [0.0] * count
    for machine in range(count):
        if total[machine] > 0 and span > 0:
            load = min(total[machine] / span / stage.units[machine], 1.0)
            mean = square[machine] / total[machine]
            waits[machine] = mean * load / (1.05 - load) / 2
    found = [0.0] * len(stage.first)
    for task, job in enumerate(stage.job):
        if stage.machine[task] >= 0:
            found[job] += waits[stage.machine[task]]
    return found


def order_of(stage: PlainStage) -> list[int]:
    jobs = len(stage.first)
    return sorted_jobs(stage, [0] * jobs, list(range(jobs)))


def rank_of(stage: PlainStage) -> list[int]:
    rank = [0] * len(stage.first)
    for place, job in enumerate(order_of(stage)):
        rank[job] = place
    return rank


def keys(stage: PlainStage, now: int, setting: Setting) -> list[int]:
    latest = [FAR] * len(stage.first)
    day = DAY * setting.spread
    for want, jobs in enumerate(stage.wants):
        wanted = stage.due[want] + int(day * (stage.priority[want] - 2))
        for job in jobs:
            latest[job] = min(latest[job], wanted)
    queues = expected_queues(stage, now)
    span, work = list(stage.post), [0] * len(latest)
    for task, job in enumerate(stage.job):
        span[job] += stage.length[task] + stage.lead[task]
        work[job] += stage.length[task] if stage.machine[task] >= 0 else 0
    for job in reversed(order_of(stage)):
        start = latest[job] - span[job] - int(setting.allowance * queues[job])
        for giver in stage.before[job]:
            latest[giver] = min(latest[giver], start)
    more = setting.short_first
    return [end + int(more * own) for end, own in zip(latest, work, strict=True)]


class Dispatch:
    """One run through all events; see `rehearsal_passes.dispatch`."""

    def __init__(self, stage: PlainStage, key: list[int], hold: float | None) -> None:
        self._stage, self._key, self._hold = stage, key, hold
        self._job = stage.job
        self._left = [len(found) for found in stage.before]
        self._ready = list(stage.floor)
        self.starts = [0] * len(stage.machine)
        self.arrivals = [0] * len(stage.first)
        self._free = list(stage.units)
        self._waiting: list[list[tuple[int, int]]] = [[] for _ in stage.units]
        self._coming: list[list[tuple[int, int, int]]] = [[] for _ in stage.units]
        self._events: list[tuple[int, int]] = []
        for job, count in enumerate(self._left):
            if count == 0:
                self._release(job)
        while self._events:
            now = self._events[0][0]
            touched: list[int] = []
            while self._events and self._events[0][0] == now:
                self._happen(heappop(self._events)[1], now, touched)
            for machine in touched:
                self._feed(machine, now)

    def _happen(self, code: int, now: int, touched: list[int]) -> None:
        if code < 0:
            self._free[-1 - code] += 1
            touched.append(-1 - code)
            return
        machine = self._stage.machine[code]
        if machine < 0:
            self._begin(code, now)
            return
        self._waiting[machine].append((self._key[self._job[code]], code))
        coming = self._coming[machine]
        self._coming[machine] = [entry for entry in coming if entry[2] != code]
        touched.append(machine)

    def _feed(self, machine: int, now: int) -> None:
        queue = self._waiting[machine]
        while queue and self._free[machine] > 0:
            entry = self._chosen(queue, self._coming[machine], now)
            if entry is None:
                return
            queue.remove(entry)
            task = entry[1]
            self._free[machine] -= 1
            heappush(self._events, (now + self._stage.length[task], -1 - machine))
            self._begin(task, now)

    def _chosen(
        self,
        queue: list[tuple[int, int]],
        coming: list[tuple[int, int, int]],
        now: int,
    ) -> tuple[int, int] | None:
        length, (key, task) = self._stage.length, min(queue)
        until = now + length[task]
        bound = key - (self._hold or 0.0) * length[task]
        first = min(
            (at for at, other, _ in coming if at < until and other < bound),
            default=FAR,
        )
        fitting = [one for one in queue if now + length[one[1]] <= first]
        return min(fitting if first < FAR else queue, default=None)

    def _begin(self, task: int, now: int) -> None:
        stage, job = self._stage, self._job[task]
        end = now + stage.length[task]
        self.starts[task] = now
        if task < stage.last[job]:
            self._announce(task + 1, end + stage.lead[task + 1])
            return
        there = self.arrivals[job] = end + stage.post[job]
        for taker in stage.after[job]:
            self._ready[taker] = max(self._ready[taker], there)
            self._left[taker] -= 1
            if self._left[taker] == 0:
                self._release(taker)

    def _release(self, job: int) -> None:
        head = self._stage.first[job]
        self._announce(head, self._ready[job] + self._stage.lead[head])

    def _announce(self, task: int, moment: int) -> None:
        heappush(self._events, (moment, task))
        machine = self._stage.machine[task]
        if self._hold is not None and machine >= 0:
            key = self._key[self._job[task]]
            self._coming[machine].append((moment, key, task))


def in_order(stage: PlainStage, instants: list[int]) -> list[int]:
    rank, job = rank_of(stage), stage.job
    tasks = range(len(instants))
    return sorted(tasks, key=lambda task: (instants[task], rank[job[task]], task))


def moved_right(stage: PlainStage, starts: list[int], arrivals: list[int]) -> list[int]:
    limit = [FAR] * len(stage.first)
    for jobs, due in zip(stage.wants, stage.due, strict=True):
        for job in jobs:
            limit[job] = min(limit[job], max(due, *(arrivals[one] for one in jobs)))
    for job, end in enumerate(limit):
        if end == FAR and not stage.after[job]:
            limit[job] = arrivals[job]
    lanes: list[list[Lane]] = [[([], []) for _ in range(n)] for n in stage.units]
    found, job_of = list(starts), stage.job
    ends = [start + more for start, more in zip(starts, stage.length, strict=True)]
    for task in reversed(in_order(stage, ends)):
        job = job_of[task]
        if task == stage.last[job]:
            end = limit[job] - stage.post[job]
        else:
            end = found[task + 1] - stage.lead[task + 1]
        where, length = stage.machine[task], stage.length[task]
        found[task] = end - length
        if where >= 0 and length:
            found[task] = book_late(lanes[where], end, length)
        if task == stage.first[job]:
            for giver in stage.before[job]:
                limit[giver] = min(limit[giver], found[task] - stage.lead[task])
    return found


def moved_left(stage: PlainStage, starts: list[int]) -> tuple[list[int], list[int]]:
    ready, arrivals = list(stage.floor), [0] * len(stage.first)
    lanes: list[list[Lane]] = [[([], []) for _ in range(n)] for n in stage.units]
    found, job_of = list(starts), stage.job
    for task in in_order(stage, starts):
        job = job_of[task]
        if task == stage.first[job]:
            begin = ready[job] + stage.lead[task]
        else:
            begin = found[task - 1] + stage.length[task - 1] + stage.lead[task]
        where, length = stage.machine[task], stage.length[task]
        if where >= 0 and length:
            begin = book_early(lanes[where], begin, length)
        found[task] = begin
        if task == stage.last[job]:
            there = arrivals[job] = begin + length + stage.post[job]
            for taker in stage.after[job]:
                ready[taker] = max(ready[taker], there)
    return found, arrivals


def book_early(lanes: list[Lane], begin: int, length: int) -> int:
    found = []
    for number, (starts, ends) in enumerate(lanes):
        soonest, place = begin, bisect_right(ends, begin)
        while place < len(starts) and starts[place] < soonest + length:
            soonest = ends[place]
            place += 1
        found.append((soonest, number, place))
    best, number, place = min(found)
    lanes[number][0].insert(place, best)
    lanes[number][1].insert(place, best + length)
    return best


def book_late(lanes: list[Lane], end: int, length: int) -> int:
    found = []
    for number, (starts, ends) in enumerate(lanes):
        latest, place = end, bisect_left(starts, end)
        while place and ends[place - 1] > latest - length:
            place -= 1
            latest = starts[place]
        found.append((-latest, number, place))
    best, number, place = min(found)
    lanes[number][0].insert(place, -best - length)
    lanes[number][1].insert(place, -best)
    return -best - length


def rehearsed(
    stage: PlainStage, key: list[int], hold: float | None
) -> tuple[list[int], list[int]]:
    found = Dispatch(stage, key, hold)
    return moved_left(stage, moved_right(stage, found.starts, found.arrivals))


def as_late_as_due(stage: PlainStage, now: int, ends: list[int]) -> list[int]:
    """Start as late as `ends` allow, in the sequence of the latest starts."""
    last = max(stage.due, default=now)
    limits = [last + DAY if end == FAR else ALWAYS for end in ends]
    starts = [0] * len(stage.machine)
    for job, (low, high) in enumerate(zip(stage.first, stage.last, strict=True)):
        end = ends[job] - stage.post[job]
        for task in range(high, low - 1, -1):
            starts[task] = end - stage.length[task]
            end = starts[task] - stage.lead[task]
    return moved_right(stage, starts, limits)


def score(stage: PlainStage, arrivals: list[int], days: float) -> float:
    total = 0.0
    for jobs, due, weight in zip(stage.wants, stage.due, stage.weight, strict=True):
        late = max(0, *(arrivals[job] for job in jobs)) - due
        if late > 0:
            total += weight * (days + late / DAY)
    return total
