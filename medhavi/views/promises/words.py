"""The answer to a request in words and tables: verdict, options, reasons, remedies."""

from __future__ import annotations

from collections import Counter
from html import escape
from typing import TYPE_CHECKING

from medhavi.results.promises.promise import PromiseStatus
from medhavi.units import from_seconds
from medhavi.views.format import NOTHING, duration, money, percent, quantity, when
from medhavi.views.page import empty, table_html
from medhavi.views.promises.names import local_words, way_words
from medhavi.views.tiles import Tile

if TYPE_CHECKING:
    from medhavi.results.promises.promise import (
        Preempted,
        Promise,
        PromiseCost,
        PromiseOption,
        PromiseReason,
        TriedRemedy,
    )
    from medhavi.views.names import Names

STATES = {
    PromiseStatus.PROMISED: ("good", "on time"),
    PromiseStatus.PROMISED_LATE: ("warn", "late"),
    PromiseStatus.PARTIAL: ("warn", "only a part"),
    PromiseStatus.REJECTED: ("bad", "cannot be promised"),
}
PARTS = ("material", "production", "transport", "holding", "lateness")
BY_REQUESTED, BY_QUOTED = "By requested date", "By quoted date"
"""Columns of probabilities: of arrival by the date asked for, by the date quoted."""
MOST_OPTIONS = 8
"""Options that stand side by side; the others are counted."""


def promise_tiles(
    promise: Promise, names: Names, *, qty: float, due: int | None
) -> tuple[Tile, ...]:
    """Figures of an answer: date, quantity, chance, cost, emissions."""
    state, word = STATES[promise.status]
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
    return (
        Tile(label="Delivery date", figure=date, note=late, state=state, word=word),
        Tile(
            label="Quantity",
            figure=quantity(promise.qty, names.unit(product)),
            note=f"asked for {quantity(qty, names.unit(product))}",
            state="" if promise.qty >= qty else "warn",
            word="" if promise.qty >= qty else "less than asked for",
        ),
        Tile(
            label="Probability by the requested date",
            figure=share(promise.on_time_prob),
            note=_quoted(promise, names),
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


def share(probability: float | None) -> str:
    """Probability in percent; a dash where none is stated."""
    return NOTHING if probability is None else percent(probability)


def _quoted(promise: Promise, names: Names) -> str:
    """Probability of the quoted date, and where the uncertain times come from."""
    basis = promise.basis.text
    if promise.date is None:
        return basis
    date = when(from_seconds(promise.date), names.zone)
    return f"by {date} {share(promise.date_prob)}; {basis}"


# ---------------------------------------------------------------------- the options
def options_html(promise: Promise, names: Names) -> str:
    """Options side by side, the chosen one first."""
    if not promise.options:
        return empty("There is no way to serve it", "See below what limits it.")
    shown = promise.options[:MOST_OPTIONS]
    dearest = max(option.cost for option in shown)
    often = Counter(option.option for option in shown)
    cards = "".join(
        _option(
            option,
            _title(option, names, alone=often[option.option] == 1),
            promise.cost.currency,
            dearest,
            names,
        )
        for option in shown
    )
    more = len(promise.options) - len(shown)
    tail = f'<p class="muted small">and {more} more, all worse</p>' if more else ""
    return f'<div class="mv-options">{cards}</div>{tail}'


def _title(option: PromiseOption, names: Names, *, alone: bool) -> str:
    """Title of the way; its date where another goes the same way at another time."""
    way = way_words(option.option, names)
    told = f"{way[:1].upper()}{way[1:]}"
    return told if alone else f"{told}, {when(from_seconds(option.date), names.zone)}"


def _option(
    option: PromiseOption, title: str, currency: str, dearest: float, names: Names
) -> str:
    chosen = option.why_not is None
    verdict = "<b>chosen</b>" if chosen else escape(_why_not(option.why_not or ""))
    date = when(from_seconds(option.date), names.zone)
    facts = (
        ("Delivery", escape(date)),
        ("Probability by the requested date", percent(option.on_time_prob)),
        (f"Probability by {escape(date)}", percent(option.date_prob)),
        ("Cost", f"<b>{escape(money(option.cost, currency))}</b>"),
        *_parts(option.parts, currency, dearest),
        ("CO2", f"{option.co2_kg:,.1f} kg"),
        *(
            [("Bought", escape(", ".join(option.incoterms)))]
            if option.incoterms
            else []
        ),
    )
    rows = "".join(f"<dt>{name}</dt><dd>{value}</dd>" for name, value in facts)
    mark = "● " if chosen else ""
    return (
        f'<article class="mv-card mv-option{" chosen" if chosen else ""}">'
        f"<h3>{mark}{escape(title)}</h3><dl>{rows}</dl>"
        f'<p class="small">{verdict}</p></article>'
    )


def _parts(
    cost: PromiseCost | None, currency: str, dearest: float
) -> list[tuple[str, str]]:
    """Parts of a cost with bars on one scale for all options."""
    if cost is None:
        return []
    found = []
    for name in PARTS:
        value = float(getattr(cost, name))
        if not value:
            continue
        share = 100 * value / dearest if dearest > 0 else 0.0
        late = " late" if name == "lateness" else ""
        bar = f'<i class="mv-part{late}" style="width:{share:.1f}%"></i>'
        label = f'<span class="muted">{name}</span>'
        found.append((label, f"{escape(money(value, currency))}{bar}"))
    return found


def _why_not(text: str) -> str:
    """Leave the code of a rule out: the sentence says it.

    >>> _why_not("CostCapExceeded: costs more than the policy permits")
    'not chosen: costs more than the policy permits'
    """
    code, colon, rest = text.partition(": ")
    said = rest if colon and code.isalnum() else text
    return f"not chosen: {said}"


# --------------------------------------------------------------- reasons and remedies
def reasons_html(promise: Promise, names: Names) -> str:
    """What limits the date, the strongest first."""
    told = promise.limiters or ((promise.limiter,) if promise.limiter else ())
    if not told:
        return "<p>Nothing limits it: it is there in time.</p>"
    items = "".join(
        f"<li>{escape(reason_words(reason, names))} <span class='muted small'>"
        f"{escape(reason.code.value)}, {escape(duration(reason.hours))}</span></li>"
        for reason in told
    )
    return f'<ol class="mv-chain">{items}</ol>'


def reason_words(reason: PromiseReason, names: Names) -> str:
    """Reason with its subject, in names and local time."""
    text = local_words(reason.text, names)
    subject = names.place(reason.subject)
    return text if not subject or subject in text else f"{subject}: {text}"


def remedies_html(promise: Promise, names: Names) -> str:
    """List what was tried, with the date and the cost that it gave."""
    if not promise.remedies:
        what = "Nothing has to help: it is there in time"
        if promise.limiter is not None:
            what = "No remedy found"
        tried = [local_words(text, names) for text in promise.tried]
        hint = "Ask for another date or quantity."
        if tried:
            hint = f"Tried without gain: {'; '.join(tried)}. {hint}"
        return empty(what, hint)
    rows = [_remedy(remedy, promise, names) for remedy in promise.remedies]
    columns = ("Remedy", "Delivery", "Gain", "Quantity", "Cost", "Saves")
    return table_html(columns, rows, ("Quantity", "Cost", "Saves"))


def remedy_words(remedy: TriedRemedy, names: Names) -> str:
    """Remedy in names and local time, as the start of a sentence."""
    text = local_words(remedy.text, names)
    return text[:1].upper() + text[1:]


def _remedy(remedy: TriedRemedy, promise: Promise, names: Names) -> tuple[str, ...]:
    unit = names.unit(str(promise.demand.get("product")))
    return (
        escape(remedy_words(remedy, names)),
        escape(when(from_seconds(remedy.date), names.zone)),
        escape(gain_words(promise.date, remedy.date)),
        NOTHING if remedy.qty is None else escape(quantity(remedy.qty, unit)),
        escape(money(remedy.cost, promise.cost.currency)),
        escape(money(remedy.saved, promise.cost.currency)),
    )


def gain_words(before: int | None, after: int | None) -> str:
    """How much earlier or later a date is.

    >>> gain_words(7200, 3600), gain_words(0, 3600), gain_words(1, 1)
    ('1 h earlier', '1 h later', 'the same date')
    """
    if before is None or after is None:
        return NOTHING
    hours = (before - after) / 3600
    if hours == 0:
        return "the same date"
    return f"{duration(abs(hours))} {'earlier' if hours > 0 else 'later'}"


# ------------------------------------------------------------------- who gives way
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
    whose = names.html(one.customer) if one.customer else escape(NOTHING)
    rank = ", ".join(part for part in (one.tier, f"priority {one.priority}") if part)
    was, later = "no date yet", ""
    if one.previous is not None:
        was = when(from_seconds(one.previous), zone)
        hours = (one.date - one.previous) / 3600
        later = f", {duration(hours)} later" if hours > 0 else ""
    now = f"{escape(when(from_seconds(one.date), zone))}<span class='muted small'>"
    return (
        escape(order_words(one.sales_order, one.line) or one.demand),
        f"{whose} <span class='muted small'>{escape(rank)}</span>",
        names.html(one.product),
        escape(quantity(one.qty, names.unit(one.product))),
        escape(was),
        f"{now}{escape(later)}</span>",
        escape(money(one.cost, promise.cost.currency)),
    )


def order_words(order: str | None, line: int | None) -> str:
    """Name an order and its line.

    >>> order_words("SO-9", 2), order_words(None, 2)
    ('SO-9 line 2', '')
    """
    if order is None:
        return ""
    return order if line is None else f"{order} line {line}"
