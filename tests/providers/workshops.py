"""One plant whose resources are busy, built by keyword for tests of finite capacity."""

from __future__ import annotations

from typing import TYPE_CHECKING

from tests import factories
from tests.api import Providers, StepWindow
from tests.providers.plants import at, iso

if TYPE_CHECKING:
    from collections.abc import Sequence

    from medhavi.providers.finite_capacity.finite import FiniteCapacity
    from tests.api import OrderTiming
    from tests.providers.plants import Row

MONDAY = "2026-01-05T00:00"


def bundle(**tables: Sequence[Row]) -> Providers:
    """Providers of routing R of product A; resources that steps name are added."""
    tables.setdefault("routings", [{}])
    stated = tables.get("resources", [])
    have = {row.get(key) for row in stated for key in ("resource", "pool")}
    named = [row.get("resource", "M") for row in tables.get("step_resources", [])]
    added = [{"resource": name} for name in dict.fromkeys(named) if name not in have]
    tables["resources"] = [*stated, *added]
    return Providers(factories.snapshot(**tables))


def workshop(**tables: Sequence[Row]) -> FiniteCapacity:
    return bundle(**tables).finite()


def work(
    start: str, finish: str, resource: str = "M", units: float = 1.0
) -> StepWindow:
    """A window of other work."""
    begin, end = at(start), at(finish)
    return StepWindow(
        1, begin, begin, end, end, 0, end - begin, ((begin, end),), ((resource, units),)
    )


def busy(
    finite: FiniteCapacity,
    *spans: tuple[str, str],
    resource: str = "M",
    units: float = 1.0,
    owner: str = "other",
) -> None:
    """Hold a resource in spans of this or another January 2026."""
    for start, finish in spans:
        finite.occupancy.occupy((work(start, finish, resource, units),), owner)


def forward(
    finite: FiniteCapacity, start: str = MONDAY, steps: int = 1, **how
) -> OrderTiming:
    found = finite.earliest("R", steps, at(start), **how)
    assert found is not None
    return found


def backward(
    finite: FiniteCapacity, need: str, start: str = MONDAY, steps: int = 1, **how
) -> OrderTiming:
    found = finite.latest("R", steps, at(need), at(start), **how)
    assert found is not None
    return found


def when_of(timing: OrderTiming) -> list[tuple[str | None, str | None]]:
    """Start and finish of each step, in order of working."""
    return [(iso(w.start), iso(w.finish)) for w in timing.steps]


def place(timing: OrderTiming) -> list[list[str]]:
    """Resources of each step."""
    return [[name for name, _ in window.resources] for window in timing.steps]
