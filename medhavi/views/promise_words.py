"""The answer to a request in words and tables: verdict, options, reasons, remedies."""

from __future__ import annotations

from html import escape
from typing import TYPE_CHECKING

from medhavi.results.promise import PromiseStatus
from medhavi.units import from_seconds
from medhavi.views.format import NOTHING, duration, money, percent, quantity, when
from medhavi.views.page import empty, table_html
from medhavi.views.tiles import Tile

if TYPE_CHECKING:
    from medhavi.results.promise import Preempted, Promise, TriedRemedy
    from medhavi.views.names import Names

_STATES = {
    PromiseStatus.PROMISED: ("good", "on time"),
    PromiseStatus.PROMISED_LATE: ("warn", "late"),
    PromiseStatus.PARTIAL: ("warn", "only a part"),
    PromiseStatus.REJECTED: ("bad", "cannot be promised"),
}

_TAKING = "preempt:"
"""How an option begins that takes from others."""


def promise_tiles(
    promise: Promise, names: Names, *, qty: float, due: int | None
) -> tuple[Tile, ...]:
    """Give the figures of an answer: date, quantity, chance, cost, emissions."""
    state, word = _STATES[promise.status]
    product = str(promise.demand.get("product", ""))
    date = (
        NOTHING
        if promise.date is None
        else when(from_seconds(promise.date), names.zone)
    )
    basis = promise.basis.risk_basis
    late = (
        f"{duration((promise.date - due) / 3600)} after due"
        if promise.date is not None and due is not None and promise.date > due
        else f"quoted at {basis}"
    )
    chance = promise.on_time_prob
    return (
        Tile(label="It is there", figure=date, note=late, state=state, word=word),
        Tile(
            label="Quantity",
            figure=quantity(promise.qty, names.unit(product)),
            note=f"asked for {quantity(qty, names.unit(product))}",
            state="" if promise.qty >= qty else "warn",
            word="" if promise.qty >= qty else "less than asked for",
        ),
        Tile(
            label="Chance to keep the date",
            figure=NOTHING if chance is None else percent(chance),
            note=_basis(promise),
        ),
        Tile(
            label="Cost",
            figure=money(promise.cost.total, promise.cost.currency),
            note=f"paid out {money(promise.cost.cash_out, promise.cost.currency)}",
        ),
        _emissions(promise.co2_kg),
    )


def _emissions(kilograms: float) -> Tile:
    if kilograms >= 1000:
        return Tile(label="Emissions", figure=f"{kilograms / 1000:,.1f}", unit="t CO2")
    return Tile(label="Emissions", figure=f"{kilograms:,.1f}", unit="kg CO2")


def _way(option: str) -> str:
    """Say an option such as `stock+make:R1@L` in words.

    >>> _way("stock+make:R1@L")
    'stock, then make: R1 at L'
    >>> _way("preempt:stock@L")
    'stock at L, which others have now'
    """
    way = option.removeprefix(_TAKING)
    told = way.replace("+", ", then ").replace(":", ": ").replace("@", " at ")
    return told if way == option else f"{told}, which others have now"


def _basis(promise: Promise) -> str:
    """Say where the uncertain times come from."""
    basis = promise.basis
    if basis.model == "stated":
        return "nothing in the chain is uncertain"
    if basis.model == "terms":
        return "from agreed times"
    return f"{basis.model} {basis.version or ''}".strip()


def options_html(promise: Promise, names: Names) -> str:
    """Give the options side by side, the chosen one first."""
    if not promise.options:
        return empty("There is no way to serve it", "See below what limits it.")
    currency = promise.cost.currency
    rows = [
        (
            ("● " if option.why_not is None else "")
            + escape(names.told(_way(option.option))),
            names.html(option.origin),
            escape(when(from_seconds(option.date), names.zone)),
            percent(option.on_time_prob),
            escape(money(option.cost, currency)),
            f"{option.co2_kg:,.1f} kg",
            "<b>chosen</b>" if option.why_not is None else escape(option.why_not),
        )
        for option in promise.options
    ]
    return table_html(
        ("Option", "From", "There", "On time", "Cost", "CO2", "Why not"),
        rows,
        ("On time", "Cost", "CO2"),
    )


def reasons_html(promise: Promise, names: Names) -> str:
    """Say what limits the date, the strongest first."""
    told = promise.limiters or ((promise.limiter,) if promise.limiter else ())
    if not told:
        return "<p>Nothing limits it: it is there in time.</p>"
    items = "".join(
        f"<li>{escape(names.told(reason.text))} <span class='muted small'>"
        f"{escape(reason.code.value)}, {escape(duration(reason.hours))}</span></li>"
        for reason in told
    )
    return f'<ol class="mv-chain">{items}</ol>'


def remedies_html(promise: Promise, names: Names) -> str:
    """List what was tried, with the date and the cost that it gave."""
    if not promise.remedies:
        what = "Nothing has to help: it is there in time"
        if promise.limiter is not None:
            what = "Nothing that was tried helps"
        return empty(what, "Ask for another date or quantity.")
    rows = [_remedy(remedy, promise, names) for remedy in promise.remedies]
    return table_html(("What would help", "There", "Gain", "Cost"), rows, ("Cost",))


def _remedy(remedy: TriedRemedy, promise: Promise, names: Names) -> tuple[str, ...]:
    gain = NOTHING
    if promise.date is not None:
        hours = (promise.date - remedy.date) / 3600
        gain = f"{duration(abs(hours))} {'earlier' if hours > 0 else 'later'}"
        gain = "the same date" if hours == 0 else gain
    return (
        escape(names.told(remedy.text)),
        escape(when(from_seconds(remedy.date), names.zone)),
        escape(gain),
        escape(money(remedy.cost, promise.cost.currency)),
    )


def preempted_html(promise: Promise, names: Names) -> str:
    """List the less important lines that it takes from, with their new dates.

    Dates are local to where each line is delivered.
    """
    rows = [_giving(one, promise, names) for one in promise.preempted]
    return table_html(
        (
            "Order",
            "For",
            "Product",
            "Quantity",
            "Was promised",
            "There instead",
            "Cost",
        ),
        rows,
        ("Quantity", "Cost"),
    )


def _giving(one: Preempted, promise: Promise, names: Names) -> tuple[str, ...]:
    zone = names.zone_of(one.location)
    order = one.sales_order or one.demand
    if one.sales_order is not None and one.line is not None:
        order = f"{order} line {one.line}"
    whose = names.html(one.customer) if one.customer else escape(NOTHING)
    rank = ", ".join(part for part in (one.tier, f"priority {one.priority}") if part)
    was, later = "no date yet", ""
    if one.previous is not None:
        was = when(from_seconds(one.previous), zone)
        hours = (one.date - one.previous) / 3600
        later = f", {duration(hours)} later" if hours > 0 else ""
    now = f"{escape(when(from_seconds(one.date), zone))}<span class='muted small'>"
    return (
        escape(order),
        f"{whose} <span class='muted small'>{escape(rank)}</span>",
        names.html(one.product),
        escape(quantity(one.qty, names.unit(one.product))),
        escape(was),
        f"{now}{escape(later)}</span>",
        escape(money(one.cost, promise.cost.currency)),
    )
