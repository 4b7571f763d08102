"""Independent check of a promise: its status and its two probabilities (rule 46).

Both probabilities are bounded again from the quantiles that the answer states:
P(arrival <= t) is at least each level whose quantile is not after t, and at most each
level whose quantile is after t. A date that cannot move is there or not.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from medhavi.findings import finding
from medhavi.results.promises.parts import PromiseStatus
from medhavi.units import iso

if TYPE_CHECKING:
    from collections.abc import Iterator

    from medhavi.findings import Finding
    from medhavi.results.promises.promise import Promise


LEVELS = (0.5, 0.8, 0.95)
NEAR = 0.004
"""Two of 512 points, or one level of the halving."""
WHOLE = frozenset({PromiseStatus.PROMISED, PromiseStatus.PROMISED_LATE})


def check_promise(promise: Promise, *, alone: bool = True) -> list[Finding]:
    """Faults of one answer.

    Parameters
    ----------
    promise
        Its `demand` states the requested date.
    alone
        Whether it waits for no other line of its order; where it does, its own
        quantiles are only an upper bound of the probabilities.
    """
    if promise.date is None:
        return []
    return [*_status(promise), *_probabilities(promise, alone=alone)]


def _status(promise: Promise) -> Iterator[Finding]:
    due = int(promise.demand["due"])
    late = promise.date is not None and promise.date > due
    wanted = PromiseStatus.PROMISED_LATE if late else PromiseStatus.PROMISED
    if promise.status in WHOLE and promise.status is not wanted:
        yield finding(
            "VER082",
            table="promises",
            row=promise.request,
            column="status",
            value=str(promise.status),
            expected=str(wanted),
        )


def _probabilities(promise: Promise, *, alone: bool) -> Iterator[Finding]:
    quantiles = (promise.date_p50, promise.date_p80, promise.date_p95)
    stated = (
        ("on_time_prob", promise.on_time_prob, int(promise.demand["due"])),
        ("date_prob", promise.date_prob, int(promise.date or 0)),
    )
    for column, value, limit in stated:
        least, most = _bounds(quantiles, limit)
        if column == "on_time_prob" and promise.status not in WHOLE:
            least = most = 0.0
        if not alone:
            least = 0.0
        if value is None or not least - NEAR <= value <= most + NEAR:
            yield finding(
                "VER083",
                table="promises",
                row=promise.request,
                column=column,
                value=value,
                moment=iso(limit),
                least=least,
                most=most,
            )


def _bounds(quantiles: tuple[int | None, ...], limit: int) -> tuple[float, float]:
    """Least and most of P(arrival <= limit) that the quantiles permit."""
    known = [
        (one, level)
        for one, level in zip(quantiles, LEVELS, strict=True)
        if one is not None
    ]
    if len({one for one, _ in known}) == 1:
        there = float(known[0][0] <= limit)
        return there, there
    least = max((level for one, level in known if one <= limit), default=0.0)
    most = min((level for one, level in known if one > limit), default=1.0)
    return least, most
