"""Two answers side by side: as it is, and with a change that was tried."""

from __future__ import annotations

from html import escape
from typing import TYPE_CHECKING

from medhavi.units import from_seconds
from medhavi.views.changed_cells import (
    cell_words,
    cells_html,
    known_row,
    said,
    value_words,
)
from medhavi.views.format import NOTHING, money, number, quantity, when
from medhavi.views.page import empty, table_html
from medhavi.views.promises.words import (
    BY_QUOTED,
    BY_REQUESTED,
    STATES,
    gain_words,
    reason_words,
    share,
)

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from medhavi.results.promises.parts import PromiseVariant
    from medhavi.results.promises.promise import Promise, TriedRemedy
    from medhavi.snapshot import Snapshot
    from medhavi.views.names import Names

REQUEST, POLICIES = "request", "promise_policies"


def compared_html(before: Promise, after: Promise, names: Names) -> str:
    """Both answers in a table: when, how sure, how much, at what cost, why."""
    columns = ("", "As asked", "With the change", "Difference")
    return table_html(columns, _rows(before, after, names))


def _rows(before: Promise, after: Promise, names: Names) -> list[tuple[str, ...]]:
    unit = names.unit(str(before.demand.get("product")))
    money_in = before.cost.currency
    by_due = [share(one.on_time_prob) for one in (before, after)]
    by_date = [share(one.date_prob) for one in (before, after)]
    spare = after.cost.total - before.cost.total
    facts = (
        (
            "Delivery",
            _date(before, names),
            _date(after, names),
            gain_words(before.date, after.date),
        ),
        ("Probability by the requested date", *by_due, ""),
        ("Probability by the quoted date", *by_date, ""),
        (
            "Quantity",
            quantity(before.qty, unit),
            quantity(after.qty, unit),
            _signed(after.qty - before.qty),
        ),
        (
            "Cost",
            money(before.cost.total, money_in),
            money(after.cost.total, money_in),
            f"{'+' if spare > 0 else ''}{money(spare, money_in)}",
        ),
        (
            "CO2",
            f"{before.co2_kg:,.1f} kg",
            f"{after.co2_kg:,.1f} kg",
            _signed(round(after.co2_kg - before.co2_kg, 1), " kg"),
        ),
        ("Limited by", _limit(before, names), _limit(after, names), ""),
    )
    return [tuple(escape(cell) for cell in row) for row in facts]


def _date(promise: Promise, names: Names) -> str:
    word = STATES[promise.status][1]
    if promise.date is None:
        return word
    return f"{when(from_seconds(promise.date), names.zone)}, {word}"


def _signed(value: float, unit: str = "") -> str:
    sign = "+" if value > 0 else ""
    return f"{sign}{number(value)}{unit}" if value else "the same"


def _limit(promise: Promise, names: Names) -> str:
    return (
        "nothing" if promise.limiter is None else reason_words(promise.limiter, names)
    )


def variants_html(
    variants: Sequence[PromiseVariant], promise: Promise, names: Names
) -> str:
    """List what would be promised if one thing were asked for otherwise."""
    if not variants:
        return empty("Nothing else was asked", "There is no other quantity or date.")
    rows = [
        tuple(escape(cell) for cell in _variant(one, promise, names))
        for one in variants
    ]
    columns = (
        "If it were",
        "Answer",
        "Delivery",
        "Quantity",
        BY_REQUESTED,
        BY_QUOTED,
        "Cost",
    )
    return table_html(columns, rows, ("Quantity", BY_REQUESTED, BY_QUOTED, "Cost"))


def _variant(one: PromiseVariant, promise: Promise, names: Names) -> tuple[str, ...]:
    unit = names.unit(str(promise.demand.get("product")))
    asked = {
        "qty": f"{quantity(one.asked, unit)}",
        "due": f"due {when(from_seconds(one.due), names.zone)}",
    }.get(one.change, f"quoted at {one.risk_basis}")
    date, cost = one.date, one.cost
    return (
        asked,
        STATES[one.status][1],
        NOTHING if date is None else when(from_seconds(date), names.zone),
        quantity(one.qty, unit),
        share(one.on_time_prob),
        share(one.date_prob),
        NOTHING if cost is None else money(cost, promise.cost.currency),
    )


def changes_html(
    remedy: TriedRemedy,
    before: Promise,
    snapshot: Snapshot,
    names: Names,
    policy: Mapping[str, object],
) -> str:
    """List the cells that a remedy changes: table, row, cell, before, after.

    Parameters
    ----------
    before
        The answer that it was tried for.
    policy
        Cells of the policy that counted for it.
    """
    told = [
        cells
        for table, changed in remedy.rows.items()
        for row in changed
        for cells in _told(table, row, before, snapshot, policy, names)
    ]
    return cells_html(told)


def _told(
    table: str,
    row: Mapping[str, object],
    before: Promise,
    snapshot: Snapshot,
    policy: Mapping[str, object],
    names: Names,
) -> Iterable[tuple[str, str, str, str, str]]:
    """What a row changes in the question, the policy that counts, or a table."""
    if table == REQUEST:
        due = before.demand.get("due")
        moment = {"due": from_seconds(due)} if isinstance(due, int) else {}
        asked = {**before.demand, **moment}
        return [
            (
                "the question",
                "",
                said(cell),
                value_words(asked.get(cell), names),
                value_words(value, names),
            )
            for cell, value in row.items()
        ]
    known = policy if table == POLICIES else known_row(snapshot, table, row)
    return cell_words(table, row, known or {}, names)
