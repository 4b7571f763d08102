"""What a new plan does to the proposals of the one before (WO-09).

Proposals are recommendations with a version. "replace" closes all earlier ones and
makes every proposal anew; "update" matches them by id, so that what is equal stays and
what differs gets the next version; "leave" lets earlier ones stand, and the plan is
made with them as supply that is kept (`standing`).
"""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass, replace
from enum import StrEnum
from typing import TYPE_CHECKING, Any

from medhavi.edits.order_rows import KINDS, order_number, order_row
from medhavi.errors import UsageError
from medhavi.planners.work_orders.order_parameters import REPLANS

if TYPE_CHECKING:
    from collections.abc import Iterable

    from medhavi.results.plans.plan import Plan


class RecommendationState(StrEnum):
    """What became of a recommendation in a plan."""

    NEW = "new"
    KEPT = "kept"
    UPDATED = "updated"
    LEFT = "left"
    REPLACED = "replaced"
    WITHDRAWN = "withdrawn"


OPEN = (
    RecommendationState.NEW,
    RecommendationState.KEPT,
    RecommendationState.UPDATED,
    RecommendationState.LEFT,
)
"""States of recommendations that stand; the others are history."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Recommendation:
    """A proposal in one version; (supply, version) is its key.

    `previous_qty` and `previous_finish` are those of the version before, where it is
    updated.
    """

    supply: str
    version: int
    state: RecommendationState
    product: str
    location: str
    qty: float
    finish: dt.datetime
    content_hash: str
    previous_qty: float | None = None
    previous_finish: dt.datetime | None = None


def standing(
    earlier: Plan, open_ids: Iterable[str] | None = None
) -> list[dict[str, Any]]:
    """Earlier proposals as rows of `supply_orders` that the next plan keeps.

    They get numbers of their own: what they do not cover is proposed under the same id.

    Parameters
    ----------
    open_ids
        Those that still stand; None: all proposals of the plan.
    """
    chosen = None if open_ids is None else set(open_ids)
    rows: list[dict[str, Any]] = []
    taken = set(earlier.supplies["id"].to_list())
    for row in earlier.supplies.sort("id").iter_rows(named=True):
        if row["status"] != "planned" or row["order_qty"] is None:
            continue
        if chosen is None or row["id"] in chosen:
            number = order_number(KINDS[row["kind"]], row, taken)
            taken.add(number)
            rows.append(order_row(row, number, locked=True))
    return rows


def recommendations(
    plan: Plan, earlier: Iterable[Recommendation] = (), policy: str = "update"
) -> tuple[Recommendation, ...]:
    """All recommendations after a plan: those that stand, and what closed.

    Parameters
    ----------
    plan
        The new plan; under "leave" it was made with `standing` among its orders.
    earlier
        What the call for the plan before gave; closed ones are dropped.
    policy
        replace, update or leave.

    Raises
    ------
    UsageError
        The policy is unknown.
    """
    if policy not in REPLANS:
        message = f"replan ({policy}) must be one of {', '.join(REPLANS)}."
        raise UsageError(message)
    stood = [one for one in earlier if one.state in OPEN]
    before: dict[str, Recommendation] = {}
    for one in sorted(stood, key=lambda each: each.version):
        before[one.supply] = one
    found: list[Recommendation] = []
    seen: set[str] = set()
    for row in plan.supplies.iter_rows(named=True):
        if row["status"] != "planned" or row["order_qty"] is None:
            continue
        seen.add(row["id"])
        old = before.get(row["id"])
        if old is None or policy != "update":
            # Under "leave" what an earlier one does not cover has the same identity.
            version = 1 if old is None else old.version + 1
            found.append(_made(row, version, RecommendationState.NEW))
        elif old.content_hash == row["content_hash"]:
            found.append(replace(old, state=RecommendationState.KEPT))
        else:
            found.append(
                replace(
                    _made(row, old.version + 1, RecommendationState.UPDATED),
                    previous_qty=old.qty,
                    previous_finish=old.finish,
                )
            )
    if policy == "leave":
        found += [replace(one, state=RecommendationState.LEFT) for one in stood]
    elif policy == "replace":
        found += [replace(one, state=RecommendationState.REPLACED) for one in stood]
    else:
        found += [
            replace(one, state=RecommendationState.WITHDRAWN)
            for one in stood
            if one.supply not in seen or one is not before[one.supply]
        ]
    return tuple(sorted(found, key=lambda one: (one.supply, one.version)))


def _made(
    row: dict[str, Any], version: int, state: RecommendationState
) -> Recommendation:
    return Recommendation(
        supply=row["id"],
        version=version,
        state=state,
        product=row["product"],
        location=row["location"],
        qty=row["qty"],
        finish=row["finish"],
        content_hash=row["content_hash"],
    )
