"""Figures of trade-offs: where a front bends, and how much its points beat."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import polars as pl

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    Floats = NDArray[np.float64]

_FEW = 3


def edge(points: pl.DataFrame, x: str, y: str) -> pl.DataFrame:
    """Points that no other beats in two objectives, by the first of them."""
    rows = points.sort(x, y, "point")
    best_before = rows[y].cum_min().shift(1)
    return rows.filter((pl.lit(best_before).is_null()) | (rows[y] < best_before))


def knee(points: pl.DataFrame, x: str, y: str) -> int | None:
    """Point where giving up more x begins to buy little y.

    The point that lies farthest below the straight line between the two ends of the
    front (Das 1999, doi:10.1007/s001580050111); None for fewer than three points.
    """
    rows = edge(points, x, y)
    if rows.height < _FEW:
        return None
    first, last = rows.row(0, named=True), rows.row(-1, named=True)
    wide, high = last[x] - first[x], first[y] - last[y]
    if wide <= 0 or high <= 0:
        return None
    below = [
        (1 - (row[x] - first[x]) / wide - (row[y] - last[y]) / high, -row["point"])
        for row in rows.iter_rows(named=True)
    ]
    best = max(below)
    return -best[1] if best[0] > 0 else None


def hypervolume_share(points: pl.DataFrame, names: Sequence[str]) -> float | None:
    """Share of the box between best and worst values that some point beats [fraction].

    The nearer to 1, the less of one objective costs of another. None where the points
    do not differ in every objective: there is no box.
    """
    values = points.select(names).to_numpy()
    if len(values) <= 1:
        return None
    best, worst = values.min(axis=0), values.max(axis=0)
    if not (worst > best).all():
        return None
    return hypervolume((values - best) / (worst - best), np.ones(len(names)))


def hypervolume(values: Floats, reference: Floats) -> float:
    """Volume of what some row beats, up to a reference: the larger, the better.

    Zitzler and Thiele 1999, doi 10.1109/4235.797969; sliced along the last objective
    (While et al. 2006, doi 10.1109/TEVC.2005.851275). Exact; some dozen points of few
    objectives, for it takes time that grows with their powers.

    Parameters
    ----------
    values
        Objectives to be small, shape (points, objectives).
    reference
        Worst value of each objective, shape (objectives,); rows beyond it count
        nothing there.

    Examples
    --------
    >>> hypervolume(np.array([[0.0, 2.0], [1.0, 1.0]]), np.array([2.0, 3.0]))
    3.0
    """
    inside = values[(values < reference).all(axis=1)]
    if not len(inside):
        return 0.0
    if inside.shape[1] == 1:
        return float(reference[0] - inside.min())
    order = np.argsort(inside[:, -1], kind="stable")
    inside = inside[order]
    ends = np.append(inside[1:, -1], reference[-1])
    return sum(
        float(end - row[-1]) * hypervolume(inside[: place + 1, :-1], reference[:-1])
        for place, (row, end) in enumerate(zip(inside, ends, strict=True))
        if end > row[-1]
    )
