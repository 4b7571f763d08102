"""Squeaky wheel: what is late, or made others late, is more urgent in the next pass.

Source: Joslin and Clements, Journal of Artificial Intelligence Research 10 (1999). A
pass rebuilds the whole schedule; a worse one is kept sometimes, ever less so.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np

from medhavi.planners.constrained.search.construction import (
    Setting,
)
from medhavi.units import DAY

if TYPE_CHECKING:
    from collections.abc import Callable

    from medhavi.planners.constrained.search.construction import (
        Constructed,
        Passes,
    )

SHARES = (0.02, 0.1, 0.3, 1.0)
"""Shares of the late demands that one pass looks at."""
STEPS = (0.1, 0.3, 1.0)
"""Shares of the lateness by which an order becomes more urgent."""
MOST_DAYS = 10.0


class Manner(NamedTuple):
    """How a wheel turns.

    `turns`: how many passes it makes. `focus`: how often a pass looks only at demands
    that weigh as much as one that is drawn by its lateness: what weighs most is late
    the least often, and little of a pass falls to it otherwise. `heat`: by what share a
    worse pass may be at first.
    """

    turns: int
    focus: float = 0.0
    heat: float = 0.002


@dataclass(frozen=True, slots=True, kw_only=True)
class _Point:
    """What made a pass: when demands are wanted, memory of orders, setting."""

    wanted: np.ndarray
    memory: np.ndarray
    setting: Setting
    cost: int


class Wheel:
    """Turns on one construction.

    Parameters
    ----------
    passes
        Passes over the plant; `work` is that of the construction.
    start
        The construction.
    manner
        How it turns.
    seed
        Of the random numbers.
    """

    def __init__(
        self, passes: Passes, start: Constructed, manner: Manner, seed: int
    ) -> None:
        self._passes = passes
        self._manner = manner
        self._noise = np.random.default_rng(seed)
        self._walk = passes.engine.ints(np.array([seed + 20_011]))
        self._home = start.wanted.astype(np.float64)
        self.now = self.best = _Point(
            wanted=self._home,
            memory=passes.nothing,
            setting=start.setting,
            cost=start.cost,
        )

    def turn(self, told: Callable[[int], Any], stop: Callable[[], bool]) -> None:
        """Make passes; afterwards `passes.work` is the best one."""
        passes, turns = self._passes, self._manner.turns
        for turn in range(turns):
            if stop():
                break
            tried = self._next()
            heat = self._manner.heat * self.now.cost * (1 - turn / turns)
            most = math.ceil(self.now.cost + heat * self._noise.random() ** 2)
            cost = passes.run(tried.wanted, tried.memory, tried.setting, limit=most)
            if cost < most:
                self.now = replace(tried, cost=cost)
                passes.swap()
                if cost < self.best.cost:
                    self.best = self.now
                    told(cost)
        passes.run(self.best.wanted, self.best.memory, self.best.setting)
        passes.swap()

    def _next(self) -> _Point:
        chance = self._noise.random()
        if chance < 0.4:
            return replace(self.now, wanted=self._moved())
        if chance < 0.92:
            return replace(self.now, memory=self._blamed())
        return replace(self.now, setting=self._jiggled())

    def _moved(self) -> np.ndarray:
        """Want late demands earlier; some hopeless ones later."""
        noise = self._noise
        plant = self._passes.plain
        late = np.asarray(self._passes.work.d_finish) - plant.d_due
        count = len(late)
        found = self.now.wanted.copy()
        step = noise.random()
        chosen = (late > 0) & (noise.random(count) < noise.choice(SHARES))
        chosen &= plant.d_weight >= self._least_weight()
        hopeless = chosen & (late > 30 * DAY * noise.random())
        helped = chosen & ~hopeless
        earlier = step * np.minimum(late, MOST_DAYS * DAY)
        found[helped] -= earlier[helped]
        if noise.random() < 0.3:
            found[hopeless] += noise.random() * 20 * DAY
        else:
            found[hopeless] -= earlier[hopeless]
        if noise.random() < 0.3:
            calm = (late <= 0) & (noise.random(count) < 0.1)
            back = noise.random()
            found[calm] = self._home[calm] + back * (found[calm] - self._home[calm])
        return found

    def _blamed(self) -> np.ndarray:
        """Advance orders that waited on the path to late demands."""
        passes = self._passes
        memory = passes.engine.ints(self.now.memory.copy())
        share = float(self._noise.choice(SHARES))
        step = float(self._noise.choice(STEPS))
        weight = self._least_weight()
        passes.engine.kernels.blame(
            passes.plant, passes.work, memory, share, step, weight, self._walk
        )
        found = np.asarray(memory)
        if self._noise.random() < 0.2:
            faded = self._noise.random(len(found)) < 0.2
            found = np.where(faded, found * self._noise.random(len(found)), found)
        return found

    def _least_weight(self) -> int:
        """Draw what a demand must weigh that a pass looks at; 0: any."""
        focus = self._manner.focus
        if focus == 0 or self._noise.random() >= focus:
            return 0
        plant = self._passes.plain
        late = np.asarray(self._passes.work.d_finish) - plant.d_due
        costs = np.where(late > 0, plant.d_weight * (plant.base[0] + late), 0)
        upto = np.cumsum(costs)
        drawn = np.searchsorted(upto, self._noise.random() * upto[-1], side="right")
        return int(plant.d_weight[min(int(drawn), len(upto) - 1)])

    def _jiggled(self) -> Setting:
        setting = self.now.setting
        which = self._noise.integers(3)
        if which == 0:
            factor = 1 + 0.2 * self._noise.standard_normal()
            return replace(setting, allowance=max(0.0, setting.allowance * factor))
        if which == 1:
            more = 0.3 * self._noise.standard_normal()
            return replace(setting, short=setting.short + more)
        factor = float(self._noise.uniform(0.5, 2.0))
        return replace(setting, hold=min(setting.hold, 20.0) * factor)
