"""Resources that could do the work of another one, and the rows that let them.

Nothing is made up: a resource counts as able where the tables show it. It stands at
the same place, is of the same kind, and it is an alternate of the other one in some
step, belongs to the same pool, or has the skills.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple

import polars as pl

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Iterator, Mapping

    from medhavi.snapshot import Snapshot

    Row = Mapping[str, Any]
    Step = tuple[str, int]
    """Routing and number."""
    Needs = Mapping[Step, list[Row]]


class AlternateResource(NamedTuple):
    """A resource that could work, and the rows of `step_resources` that permit it."""

    resource: str
    steps: tuple[Step, ...]
    rows: tuple[Row, ...]


def alternates_of(
    snapshot: Snapshot, resource: str, steps: Collection[Step]
) -> list[AlternateResource]:
    """Who else could do steps that a resource does, the best proven first.

    Returns
    -------
    list of AlternateResource
        Alternates of other steps first, those of most steps before others, then members
        of the pool, then those with the skills; by id. The new rows come after all
        alternates that a step has. An alternate is as fast, beside the resource, as
        where it is stated; of all others the minutes of the step hold.
    """
    resources = snapshot["resources"]
    stated = resources.filter(pl.col("resource") == resource).to_dicts()
    if not stated:
        return []
    ((location, kind, pool),) = (
        (row["location"], row["kind"], row["pool"]) for row in stated
    )
    needs = _needs(snapshot, steps)
    names = {resource, pool or resource}
    alternates = _alternates(snapshot, names)
    skills = _Skills(snapshot, resource)
    beside = resources.filter(
        (pl.col("resource") != resource)
        & (pl.col("location") == location)
        & (pl.col("kind") == kind)
    )
    found: list[tuple[int, int, str, AlternateResource]] = []
    for name, its_pool in beside.select("resource", "pool").iter_rows():
        member = its_pool is not None and its_pool == pool
        shown = member or name in alternates
        able = [
            (step, need)
            for step, rows in needs.items()
            if not {name, its_pool} & {one["resource"] for one in rows}
            for need in rows
            if need["resource"] in names and need["until_step"] is None
            if shown or skills.serve(name, need)
        ]
        if able:
            often, pace = alternates.get(name, (0, 1.0))
            rank = 0 if often else 1 if member else 2
            rows = tuple(_rows(name, able, needs, pace))
            one = AlternateResource(name, tuple(dict(able)), rows)
            found.append((rank, -often, name, one))
    return [one for *_, one in sorted(found, key=lambda one: one[:3])]


def named_by(snapshot: Snapshot, steps: Collection[Step]) -> set[str]:
    """Resources that steps name."""
    needs = _needs(snapshot, steps).values()
    return {row["resource"] for rows in needs for row in rows}


def _needs(snapshot: Snapshot, steps: Collection[Step]) -> Needs:
    """Rows of each step."""
    routings = sorted({routing for routing, _ in steps})
    near = snapshot["step_resources"].filter(pl.col("routing").is_in(routings))
    found: dict[Step, list[Row]] = {}
    for row in near.iter_rows(named=True):
        step = row["routing"], row["step"]
        if step in steps:
            found.setdefault(step, []).append(row)
    return found


def _alternates(
    snapshot: Snapshot, names: Collection[str]
) -> dict[str, tuple[int, float]]:
    """Alternates of a resource: in how many steps, and how fast there.

    The pace is that beside the resource in the first of the steps.
    """
    needs, group = snapshot["step_resources"], ["routing", "step", "choice"]
    mine = needs.filter(
        pl.col("resource").is_in(sorted(names)) & pl.col("choice").is_not_null()
    ).select(*group, own="speed")
    near = needs.filter(pl.col("routing").is_in(mine["routing"].unique().to_list()))
    pairs = near.join(mine, on=group).sort(*group, "resource", "own")
    found: dict[str, tuple[int, float]] = {}
    for name, speed, own in pairs.select("resource", "speed", "own").iter_rows():
        if name not in names:
            often, pace = found.get(name, (0, speed / own))
            found[name] = often + 1, pace
    return found


class _Skills:
    """Which resources have the skills of one, at any time."""

    def __init__(self, snapshot: Snapshot, resource: str) -> None:
        self._of: dict[str, set[str]] = {}
        for row in snapshot["resource_skills"].iter_rows(named=True):
            self._of.setdefault(row["resource"], set()).add(row["skill"])
        self._all = self._of.get(resource, set())

    def serve(self, name: str, need: Row) -> bool:
        """Whether one has what a step asks for, else all that the resource has."""
        asked = self._all if need["skill"] is None else {need["skill"]}
        return bool(asked) and asked <= self._of.get(name, set())


def _rows(
    name: str, able: Iterable[tuple[Step, Row]], needs: Needs, pace: float
) -> Iterator[Row]:
    """Make each row of the resource one of a choice, with the other one as its last."""
    for step, need in able:
        choice = need["choice"] or f"{need['resource']} or another"
        last = need["preference"]
        if need["choice"] is None:
            yield {**need, "choice": choice}
        else:
            members = [one for one in needs[step] if one["choice"] == choice]
            last = max(one["preference"] for one in members)
        speed = (need["speed"] or 1.0) * pace
        new = {"resource": name, "skill": None, "preference": last + 1, "speed": speed}
        yield {**need, **new, "choice": choice}
