"""Lists of the promise desk: answers to a file, what is at risk, what limits most."""

from __future__ import annotations

from collections import defaultdict
from html import escape
from typing import TYPE_CHECKING

import polars as pl

from medhavi.results.limiter import Domain
from medhavi.units import from_seconds
from medhavi.views import grid_columns
from medhavi.views.names import (
    NOTHING,
    basis_words,
    code_words,
    count,
    duration,
    money,
    percent,
    quantity,
    wall_clock,
    when,
)
from medhavi.views.page import empty, table_html
from medhavi.views.promises.words import (
    BY_QUOTED,
    BY_REQUESTED,
    STATES,
    order_words,
    reason_words,
    remedy_words,
    share,
    there,
)
from medhavi.views.words import say

if TYPE_CHECKING:
    import datetime as dt
    from collections.abc import Mapping, Sequence

    from medhavi.results.promises.promise import Promise, PromiseVariant
    from medhavi.results.promises.promises_at_risk import (
        MonitoredPromise,
        PromiseMonitor,
    )
    from medhavi.views.names import Names

MOST_SPOTS = 12
_THINGS = {
    Domain.MATERIAL: "material",
    Domain.SUPPLIER: "supplier",
    Domain.CAPACITY: "resource",
    Domain.ROUTING: "routing",
    Domain.TRANSPORT: "lane",
    Domain.POLICY: "policy",
    Domain.FRESHNESS: "data",
    Domain.SYSTEM: "search",
}
_STANDINGS = {
    "lost": "▲ lost",
    "short": "▲ short",
    "late": "▲ late",
    "unsure": "◆ unsure",
    "moved": "● moved",
}


# --------------------------------------------------------------- answers to a file
def answer_rows(promises: Sequence[Promise], names: Names) -> pl.DataFrame:
    """Row an answer in words and local times, with its row of the file."""
    return pl.DataFrame([_answer(one, names) for one in promises], schema=_ANSWERS)


_ANSWERS: dict[str, pl.DataType | type[pl.DataType]] = {
    grid_columns.ROW: pl.Int64,
    grid_columns.ORDER: pl.String,
    grid_columns.CUSTOMER: pl.String,
    grid_columns.PRODUCT: pl.String,
    grid_columns.PLACE: pl.String,
    grid_columns.ASKED_FOR: pl.Float64,
    grid_columns.UNIT: pl.String,
    grid_columns.DUE: pl.String,
    grid_columns.ANSWER: pl.String,
    grid_columns.DELIVERY_DATE: pl.Datetime("us"),
    grid_columns.PROMISED: pl.Float64,
    BY_REQUESTED: pl.String,
    BY_QUOTED: pl.String,
    grid_columns.COST: pl.Float64,
    grid_columns.CURRENCY: pl.String,
    grid_columns.CO2_KG: pl.Float64,
    grid_columns.LIMITED_BY: pl.String,
    say("remedies"): pl.String,
    grid_columns.ZONE: pl.String,
}


def _answer(one: Promise, names: Names) -> dict[str, object]:
    cells = one.demand
    where = str(cells.get("location"))
    own = there(names, where)
    helps = [remedy_words(remedy, own) for remedy in one.remedies[:2]]
    customer = cells.get("customer")
    return {
        grid_columns.ROW: one.request,
        grid_columns.ORDER: order_words(one.sales_order, one.line),
        grid_columns.CUSTOMER: names.name(str(customer)) if customer else "",
        grid_columns.PRODUCT: names.name(str(cells.get("product"))),
        grid_columns.PLACE: names.name(where),
        grid_columns.ASKED_FOR: float(cells.get("qty") or 0.0),
        grid_columns.UNIT: names.unit(str(cells.get("product"))),
        grid_columns.DUE: _due(cells.get("due"), own),
        grid_columns.ANSWER: STATES[one.status][1],
        grid_columns.DELIVERY_DATE: None
        if one.date is None
        else wall_clock(from_seconds(one.date), own.zone),
        grid_columns.PROMISED: one.qty,
        BY_REQUESTED: "" if one.on_time_prob is None else percent(one.on_time_prob),
        BY_QUOTED: "" if one.date_prob is None else percent(one.date_prob),
        grid_columns.COST: round(one.cost.total, 2),
        grid_columns.CURRENCY: one.cost.currency,
        grid_columns.CO2_KG: round(one.co2_kg, 1),
        grid_columns.LIMITED_BY: ""
        if one.limiter is None
        else reason_words(one.limiter, own),
        say("remedies"): "; ".join(helps),
        grid_columns.ZONE: own.zone,
    }


def _due(seconds: object, names: Names) -> str:
    """Due date as text: no cell of a workbook holds the end of a day."""
    if not isinstance(seconds, int):
        return ""
    return when(from_seconds(seconds), names.zone, year=True, ends=True)


def answers_sentence(promises: Sequence[Promise]) -> str:
    """Count the answers by what became of them.

    >>> answers_sentence([])
    'No line was asked.'
    """
    if not promises:
        return say("no_line_was_asked")
    counts = [
        (word, sum(one.status is status for one in promises))
        for status, (_, word) in STATES.items()
    ]
    told = ", ".join(f"{amount:,} {word}" for word, amount in counts if amount)
    return f"{count(len(promises), 'line')}: {told}."


# -------------------------------------------------------------------- what limits most
def hot_spots_html(promises: Sequence[Promise], names: Names) -> str:
    """List what limited most of the answers, the most often first."""
    late: dict[tuple[str, str], list[Promise]] = defaultdict(list)
    for one in promises:
        if one.limiter is not None:
            late[one.limiter.code.value, one.limiter.subject].append(one)
    if not late:
        return empty(say("nothing_limited"), say("quote_or_drop_a_file"))
    ranked = sorted(late.items(), key=lambda item: (-len(item[1]), item[0]))
    rows = [_spot(found, len(promises), names) for _, found in ranked[:MOST_SPOTS]]
    more = len(ranked) - len(rows)
    columns = (
        say("column_what_limits"),
        say("kind"),
        say("answers"),
        say("column_gains_alone"),
        say("column_for_example"),
    )
    return table_html(
        columns, rows, (say("answers"), say("column_gains_alone")), more=more
    )


def _spot(found: Sequence[Promise], asked: int, names: Names) -> tuple[str, ...]:
    reasons = [one.limiter for one in found if one.limiter is not None]
    worst = max(reasons, key=lambda reason: (reason.hours, reason.text))
    kind = _THINGS[worst.code.domain]
    part = len(found) / asked
    code = f'<abbr title="{escape(code_words(worst.code))}">{escape(kind)}</abbr>'
    return (
        escape(names.place(worst.subject) or NOTHING),
        code,
        f"{len(found):,} <span class='muted small'>{percent(part)}</span>",
        escape(duration(sum(reason.hours for reason in reasons) / len(reasons))),
        escape(reason_words(worst, names)),
    )


def reasons_html(promise: Promise, names: Names) -> str:
    """What limits the date, the strongest first."""
    told = promise.limiters or ((promise.limiter,) if promise.limiter else ())
    if not told:
        return f"<p>{say('nothing_limits_it')}</p>"
    items = "".join(
        f"<li>{escape(reason_words(one, names))} <span class='muted small'>"
        f"{escape(code_words(one.code))}{escape(_gained(one.hours, place))}</span></li>"
        for place, one in enumerate(told)
    )
    return f'<ol class="mv-chain">{items}</ol>'


def _gained(hours: float, place: int) -> str:
    """How much earlier it comes without a limit, after those above; nothing: never."""
    if not hours:
        return ""
    word = "without_it_too_earlier" if place else "without_it_earlier"
    return f": {say(word, duration(hours))}"


def risk_spots_html(watch: PromiseMonitor | None, names: Names) -> str:
    """List what puts most accepted promises at risk; nothing where nobody looked."""
    spots = None if watch is None else watch.hot_spots()
    if watch is None or spots is None or spots.is_empty():
        return ""
    rows = [
        (
            escape(names.place(row["subject"]) or NOTHING),
            escape(_THINGS[Domain(row["domain"])]),
            f"{row['promises']:,}",
            f"{row['customers']:,}",
            escape(money(row["cost"], watch.currency)),
        )
        for row in spots.head(MOST_SPOTS).iter_rows(named=True)
    ]
    columns = (
        say("what_puts_at_risk"),
        say("kind"),
        say("promises"),
        say("column_customers"),
        say("column_costs"),
    )
    table = table_html(
        columns, rows, (say("promises"), say("column_customers"), say("column_costs"))
    )
    return f'<p class="muted">{say("of_the_promises_at_risk")}</p>{table}'


def variants_html(
    variants: Sequence[PromiseVariant], promise: Promise, names: Names
) -> str:
    """List what would be promised if one thing were asked for otherwise."""
    if not variants:
        return empty(say("nothing_else_was_asked"), say("there_is_no_other_quantity"))
    rows = [
        tuple(escape(cell) for cell in _variant(one, promise, names))
        for one in variants
    ]
    columns = (
        say("if_changed"),
        say("answer"),
        say("delivery"),
        say("quantity"),
        BY_REQUESTED,
        BY_QUOTED,
        say("cost"),
    )
    return table_html(
        columns, rows, (say("quantity"), BY_REQUESTED, BY_QUOTED, say("cost"))
    )


def _variant(one: PromiseVariant, promise: Promise, names: Names) -> tuple[str, ...]:
    unit = names.unit(str(promise.demand.get("product")))
    asked = {
        "qty": say("quantity_asked", quantity(one.asked, unit)),
        "due": f"due {when(from_seconds(one.due), names.zone, ends=True)}",
    }.get(one.change, f"quoted at {basis_words(one.risk_basis)}")
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


# ------------------------------------------------------------------ what is at risk
def watch_sentence(watch: PromiseMonitor) -> str:
    """How the accepted promises stand."""
    if not watch.watched:
        return say("no_promise_is_accepted_yet")
    if not watch.at_risk:
        kept = count(watch.watched, "accepted promise")
        return say("all_hold", kept)
    lost = money(watch.cost, watch.currency)
    failing = len(watch.at_risk)
    # Past its date a promise is overdue, as in the list of promises.
    overdue = sum(one.promised < watch.as_of for one in watch.at_risk)
    return say(
        "promises_fail",
        failing,
        count(watch.watched, "accepted promise"),
        "does" if failing == 1 else "do",
        overdue,
        failing - overdue,
        lost,
    )


def checked_words(watch: PromiseMonitor, names: Names, *, is_renewed: bool) -> str:
    """Moment of the facts on which promises were checked.

    Parameters
    ----------
    is_renewed
        Whether newer facts are being asked about.
    """
    word = "promises_checked_before" if is_renewed else "promises_checked_on"
    return say(word, when(from_seconds(watch.as_of), names.zone), names.zone)


ASKED_AGAIN, BY_THE_PLAN = say("column_asked_again"), say("column_by_the_plan")
_WATCHED: dict[str, pl.DataType | type[pl.DataType]] = {
    grid_columns.ORDER: pl.String,
    grid_columns.CUSTOMER: pl.String,
    grid_columns.PRODUCT: pl.String,
    grid_columns.QUANTITY: pl.Float64,
    grid_columns.UNIT: pl.String,
    grid_columns.PROMISED: pl.Datetime("us"),
    grid_columns.STATE: pl.String,
    ASKED_AGAIN: pl.Datetime("us"),
    grid_columns.LATE_BY: pl.String,
    BY_REQUESTED: pl.String,
    BY_QUOTED: pl.String,
    BY_THE_PLAN: pl.Datetime("us"),
    grid_columns.COST: pl.Float64,
    grid_columns.CURRENCY: pl.String,
    say("why"): pl.String,
    say("remedies"): pl.String,
    grid_columns.ZONE: pl.String,
    grid_columns.DEMAND: pl.String,
}


def no_risk_html(watch: PromiseMonitor) -> str:
    """Why no promise is listed, and what to do."""
    if not watch.watched:
        return empty(say("no_promise_is_accepted_yet"), say("quote_and_promise"))
    return empty(say("every_accepted_promise_holds"), say("checked_again_by_itself"))


def at_risk_rows(
    watch: PromiseMonitor, names: Names, planned: Mapping[str, dt.datetime]
) -> pl.DataFrame:
    """Promises that do not hold as they were made, and why; dates local to the place.

    Parameters
    ----------
    planned
        Last delivery of each demand by the plan in force.
    """
    return pl.DataFrame(
        [
            _watched(one, watch.currency, names, planned.get(one.demand))
            for one in (*watch.at_risk, *watch.moved)
        ],
        schema=_WATCHED,
    )


def _watched(
    one: MonitoredPromise, currency: str, names: Names, planned: dt.datetime | None
) -> dict[str, object]:
    own = there(names, one.location)
    expected = None if one.expected is None else from_seconds(one.expected)
    reason = NOTHING if one.limiter is None else reason_words(one.limiter, own)
    # A date that was promised after the agreed time says nothing of now.
    if one.agreed is not None and one.breaks_agreement and one.agreed > one.promised:
        reason += f"; {say('agreed_by', when(from_seconds(one.agreed), own.zone))}"
    helps = [remedy_words(remedy, own) for remedy in one.remedies[:2]]
    return {
        grid_columns.ORDER: order_words(one.sales_order, one.line) or say("no_order"),
        grid_columns.CUSTOMER: names.name(one.customer) if one.customer else "",
        grid_columns.PRODUCT: names.name(one.product),
        grid_columns.QUANTITY: one.qty,
        grid_columns.UNIT: names.unit(one.product),
        grid_columns.PROMISED: wall_clock(from_seconds(one.promised), own.zone),
        grid_columns.STATE: _STANDINGS[str(one.standing)],
        ASKED_AGAIN: wall_clock(expected, own.zone),
        grid_columns.LATE_BY: duration(one.late_hours) if one.late_hours else "",
        BY_REQUESTED: percent(one.on_time_prob),
        BY_QUOTED: percent(one.date_prob),
        BY_THE_PLAN: wall_clock(planned, own.zone),
        grid_columns.COST: one.cost,
        grid_columns.CURRENCY: currency,
        say("why"): reason,
        say("remedies"): "; ".join(helps) or NOTHING,
        grid_columns.ZONE: own.zone,
        grid_columns.DEMAND: one.demand,
    }
