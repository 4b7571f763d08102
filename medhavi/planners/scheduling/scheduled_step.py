"""A step of a planned order as a schedule file states it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from medhavi.providers.capacity.schedule import RoutingTask
from medhavi.results.schedules.problem import WAITING, Option, Step
from medhavi.units import MINUTE

if TYPE_CHECKING:
    from collections.abc import Iterator

_GATES, _WAITS = 1_000_000, 2_000_000
"""Numbers of the steps that wait for goods, and of waits behind a step, begin here."""


@dataclass(slots=True, kw_only=True)
class ScheduledStep:
    """A step with the working time of each resource [s].

    `after` are the steps before it, each with what lies between [s]; `queue` is what
    lies between the goods of a first step and its begin.
    """

    task: RoutingTask
    options: Mapping[str, int]
    after: list[tuple[int, int]] = field(default_factory=list)
    queue: int = 0

    def parts(self, gate: int | None, release: int) -> Iterator[Step]:
        """The step, before it the waits for what comes before it and for its goods.

        Parameters
        ----------
        gate
            Instant before which it may not begin [UTC s].
        release
            Instant before which nothing of its order begins [UTC s].
        """
        node, after = self.task.node, []
        for place, (earlier, wait) in enumerate(self.after):
            own = earlier
            if wait:
                own = _WAITS + 10 * node.step + place
                yield _wait(own, (earlier,), wait)
            after.append(own)
        if gate is not None and gate > release:
            after.append(_GATES + node.step)
            yield _wait(after[-1], (), gate - release)
        yield Step(
            step=node.step,
            options=tuple(
                Option(resource=name, run_minutes=seconds / MINUTE)
                for name, seconds in sorted(self.options.items())
            ),
            after=tuple(after),
            family=node.family,
            splittable=node.splittable,
        )


def _wait(number: int, after: tuple[int, ...], seconds: int) -> Step:
    option = Option(resource=WAITING, run_minutes=seconds / MINUTE)
    return Step(step=number, options=(option,), name="wait", after=after)
