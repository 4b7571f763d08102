"""The answer to a request in words and tables: verdict, options, reasons, remedies."""

from __future__ import annotations

from collections import Counter
from dataclasses import replace
from functools import partial
from html import escape
from typing import TYPE_CHECKING

from medhavi.results.limiter import Limiter
from medhavi.results.promises.promise import PromiseStatus
from medhavi.units import from_seconds
from medhavi.views.changed_cells import cell_words, cells_html, known_row, value_words
from medhavi.views.names import (
    NOTHING,
    basis_words,
    duration,
    local_words,
    money,
    names_of,
    number,
    percent,
    quantity,
    said,
    when,
)
from medhavi.views.page import empty, table_html
from medhavi.views.tiles import Tile
from medhavi.views.words import explained, say, signed

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from medhavi.results.plan_remedy import PlanRemedy
    from medhavi.results.promises.promise import (
        Preempted,
        Promise,
        PromiseCost,
        PromiseOption,
        PromiseReason,
        TriedRemedy,
    )
    from medhavi.snapshot import Snapshot
    from medhavi.views.names import Names


_TAKING = "preempt:"
"""How an option begins that takes from others."""


def promise_names(snapshot: Snapshot, known: Names | None = None) -> Names:
    """Read names for answers: also of steps, and shorter ones of routings.

    A routing is called like its product, with its id where a product has several at
    one place; a lane says its mode.

    Parameters
    ----------
    known
        Names that a page has already; default: those of the tables.
    """
    names = known or names_of(snapshot)
    texts = dict(names.texts)
    made = snapshot["routings"].select("routing", "product", "location").rows()
    several = Counter((product, place) for _, product, place in made)
    for routing, product, place in made:
        name = texts.get(product) or product
        alone = several[product, place] == 1
        texts[routing] = name if alone else f"{name} ({routing})"
    for lane, origin, destination, mode in (
        snapshot["lanes"].select("lane", "origin", "destination", "mode").iter_rows()
    ):
        ends = f"{texts.get(origin, origin)} → {texts.get(destination, destination)}"
        texts[lane] = f"{ends} by {mode}" if mode else ends
    for routing, step, name in (
        snapshot["steps"].select("routing", "step", "name").iter_rows()
    ):
        texts[step_key(routing, step)] = name or f"step {step}"
    return replace(names, texts=texts)


def step_key(routing: str, step: object) -> str:
    """Key of a step's name; no id of a text looks like it."""
    return f"{routing}/{step}"


def there(names: Names, place: str | None) -> Names:
    """Names with the zone of a place: dates are local to where goods come."""
    return replace(names, zone=names.zone_of(place))


def way_words(option: str, names: Names) -> str:
    """Words of an option such as `stock+make:R1@L`.

    >>> from medhavi.views.names import Names
    >>> way_words("stock+make:R1@L", Names(texts={"R1": "Cream"}))
    'stock, then make Cream at L'
    >>> way_words("stock@P+make:R1@P+make:R1@Q", Names(texts={"R1": "Cream"}))
    'stock at P, then make Cream at P and make Cream at Q at once'
    >>> way_words("preempt:stock@L", Names())
    'stock at L, which others have now'
    """
    way = option.removeprefix(_TAKING)
    parts = way.split("+")
    stocked = [part for part in parts if part.startswith("stock")]
    new = [part for part in parts if part not in stocked]
    shared = " and ".join(new) + (" at once" if len(new) > 1 else "")
    told = ", then ".join([*stocked, shared] if new else stocked)
    told = names.told(told.replace(":", " ").replace("@", " at "))
    return told if way == option else say("which_others_have_now", told)


STATES = {
    PromiseStatus.PROMISED: ("good", "on time"),
    PromiseStatus.PROMISED_LATE: ("warn", "late"),
    PromiseStatus.PARTIAL: ("warn", say("only_a_part")),
    PromiseStatus.REJECTED: ("bad", say("cannot_be_promised")),
}
PARTS = ("material", "production", "transport", "holding", "lateness")
BY_REQUESTED, BY_QUOTED = say("by_requested_date"), say("by_quoted_date")
_QTY, _COST, _CO2 = say("quantity"), say("cost"), say("column_co2")
_BOUGHT = say("column_bought")
"""Columns of probabilities: of arrival by the date asked for, by the date quoted."""
PICTURES, OPTIONS = "pictures", "options"
"""Sections of an answer that its tiles lead to."""
MOST_OPTIONS = 8
"""Options that stand side by side; the others are counted."""


def promise_tiles(
    promise: Promise, names: Names, *, qty: float, due: int | None
) -> tuple[Tile, ...]:
    """Figures of an answer: date, quantity, chance, cost, emissions."""
    state, word = STATES[promise.status]
    product = str(promise.demand.get("product", ""))
    date, _, clock = (
        (NOTHING, "", "")
        if promise.date is None
        else when(from_seconds(promise.date), names.zone).partition(", ")
    )
    basis = basis_words(promise.basis.risk_basis)
    late = (
        f"{duration((promise.date - due) / 3600)} after due"
        if promise.date is not None and due is not None and promise.date > due
        else f"quoted at {basis}"
    )
    return (
        Tile(
            label=say("delivery_date"),
            figure=date,
            note=f"{clock} {names.zone}; {late}" if clock else f"{names.zone}; {late}",
            state=state,
            word=word,
            rows=PICTURES,
        ),
        Tile(
            label=say("quantity"),
            figure=quantity(promise.qty, names.unit(product)),
            note=f"asked for {quantity(qty, names.unit(product))}",
            state="" if promise.qty >= qty else "warn",
            word="" if promise.qty >= qty else say("less_than_asked_for"),
            rows=OPTIONS,
        ),
        Tile(
            label=say("probability_requested"),
            figure=share(promise.on_time_prob),
            note=_quoted(promise, names),
            rows=PICTURES,
        ),
        Tile(
            label=say("cost"),
            figure=money(promise.cost.total, promise.cost.currency),
            note=f"paid out {money(promise.cost.cash_out, promise.cost.currency)}",
            rows=OPTIONS,
        ),
        _emissions(promise.co2_kg),
    )


def _emissions(kilograms: float) -> Tile:
    figure, unit = _emitted(kilograms).split(" ", 1)
    return Tile(
        label=say("emissions"),
        figure=figure,
        unit=f"{unit} CO2",
        note=say("emissions_cover"),
        rows=OPTIONS,
    )


def _emitted(kilograms: float) -> str:
    """Emissions in kilograms, from a thousand on in tonnes.

    >>> _emitted(6336.3), _emitted(12.0)
    ('6.3 t', '12.0 kg')
    """
    if kilograms >= 1000:
        return f"{kilograms / 1000:,.1f} t"
    return f"{kilograms:,.1f} kg"


def answer_finding(
    promise: Promise, names: Names, *, qty: float, due: int | None
) -> str:
    """Answer as the finding of a page: what, where, when, how sure."""
    product = str(promise.demand.get("product"))
    place = names.name(str(promise.demand.get("location")))
    what = f"{quantity(qty, names.unit(product))} {names.name(product)}, {place}"
    if promise.date is None:
        limit = promise.limiter
        why = f": {reason_words(limit, names)}" if limit else ""
        return say("option_cannot_be_promised", what, why)
    apart = 0 if due is None else due - promise.date
    word = "before" if apart >= 0 else "after"
    late = f"{duration(abs(apart) / 3600)} {word} due" if apart else "when due"
    part = "" if promise.qty >= qty else f" {quantity(promise.qty)} of it"
    return (
        f"{what}:{part} {when(from_seconds(promise.date), names.zone)}, {late}, "
        f"probability {share(promise.date_prob)}"
    )


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
    """Options with date, probabilities, cost by part and verdict; the chosen first."""
    if not promise.options:
        return empty(say("no_option"), say("see_below_what_limits_it"))
    shown = promise.options[:MOST_OPTIONS]
    often = Counter(option.option for option in shown)
    terms = any(option.incoterms for option in shown)
    rows = [
        _option(
            option,
            _title(option, names, alone=often[option.option] == 1),
            promise.cost.currency,
            names,
            with_terms=terms,
        )
        for option in shown
    ]
    columns = ("Option", "Delivery", BY_REQUESTED, BY_QUOTED, "Cost", say("cost_parts"))
    more = len(promise.options) - len(shown)
    tail = (
        f'<p class="muted small">{say("and_more_all_worse", more)}</p>' if more else ""
    )
    table = table_html(
        (*columns, _CO2, *((_BOUGHT,) if terms else ()), say("column_why_not")),
        rows,
        (BY_REQUESTED, BY_QUOTED, _COST, _CO2),
    )
    return f"{table}{tail}"


def _title(option: PromiseOption, names: Names, *, alone: bool) -> str:
    """Title of the way; its date where another goes the same way at another time."""
    way = way_words(option.option, names)
    told = f"{way[:1].upper()}{way[1:]}"
    return told if alone else f"{told}, {when(from_seconds(option.date), names.zone)}"


def _option(
    option: PromiseOption, title: str, currency: str, names: Names, *, with_terms: bool
) -> tuple[str, ...]:
    chosen = option.why_not is None
    name = f"<b>● {escape(title)}</b>" if chosen else escape(title)
    date = when(from_seconds(option.date), names.zone)
    return (
        name,
        f'<span class="when">{escape(date)}</span>',
        percent(option.on_time_prob),
        percent(option.date_prob),
        f"<b>{escape(money(option.cost, currency))}</b>",
        _parts(option.parts, currency),
        escape(_emitted(option.co2_kg)),
        *((explained(", ".join(option.incoterms)),) if with_terms else ()),
        "<b>chosen</b>" if chosen else escape(_why_not(option.why_not or "")),
    )


def _parts(cost: PromiseCost | None, currency: str) -> str:
    """Parts of a cost, those of at least one unit of money."""
    if cost is None:
        return ""
    found = ((name, float(getattr(cost, name))) for name in PARTS)
    told = [f"{name} {money(value, currency)}" for name, value in found if round(value)]
    return f'<span class="muted small">{escape(", ".join(told))}</span>'


def _why_not(text: str) -> str:
    """Leave the code of a rule out: the sentence says it.

    >>> _why_not("CostCapExceeded: costs more than the policy permits")
    'costs more than the policy permits'
    """
    code, colon, rest = text.partition(": ")
    return rest if colon and code.isalnum() else text


# --------------------------------------------------------------- reasons and remedies
_SUBJECTS_UNTOLD = (
    Limiter.MATERIAL_RESERVATION_CONFLICT,
    Limiter.SEARCH_TIMEOUT,
)
"""Their subject is the id of a hold, whose owner the text names, or our own stage."""


def reason_words(reason: PromiseReason, names: Names) -> str:
    """Reason with its subject, in names and local time."""
    text = local_words(reason.text, names)
    if reason.code in _SUBJECTS_UNTOLD:
        return text
    subject = names.place(reason.subject)
    return text if not subject or subject in text else f"{subject}: {text}"


def remedies_html(promise: Promise, names: Names) -> str:
    """List what was tried, with the date and the cost that it gave."""
    if not promise.remedies:
        what = say("nothing_has_to_help")
        if promise.limiter is not None:
            what = say("no_remedy_found")
        tried = [local_words(text, names) for text in _tried_alone(promise.tried)]
        if len(tried) < len(promise.tried):
            tried.append(say("pairs_of_them"))
        hint = say("ask_for_another_date")
        if tried:
            hint = say("tried_without_gain_hint", "; ".join(tried), hint)
        return empty(what, hint)
    rows = [_remedy(remedy, promise, names) for remedy in promise.remedies]
    saves = say("column_saves")
    first = say("column_remedy"), say("delivery"), say("column_gain")
    return table_html((*first, _QTY, _COST, saves), rows, (_QTY, _COST, saves))


def _tried_alone(tried: Sequence[str]) -> list[str]:
    """Changes that were tried, without the pairs that are made of them.

    >>> _tried_alone(["use stock", "ask for 5", "use stock; ask for 5"])
    ['use stock', 'ask for 5']
    """
    known = set(tried)
    return [
        one for one in tried if "; " not in one or not known.issuperset(one.split("; "))
    ]


def remedy_words(remedy: TriedRemedy | PlanRemedy, names: Names) -> str:
    """Remedy in names and local time, as the start of a sentence."""
    text = local_words(remedy.text, names)
    return text[:1].upper() + text[1:]


def _remedy(remedy: TriedRemedy, promise: Promise, names: Names) -> tuple[str, ...]:
    told = partial(money, currency=promise.cost.currency)
    unit = names.unit(str(promise.demand.get("product")))
    return (
        escape(remedy_words(remedy, names)),
        escape(when(from_seconds(remedy.date), names.zone)),
        escape(gain_words(promise.date, remedy.date)),
        NOTHING if remedy.qty is None else escape(quantity(remedy.qty, unit)),
        escape(told(remedy.cost)),
        escape(signed(remedy.saved, told, "costs_amount")),
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
        return say("the_same_date")
    return f"{duration(abs(hours))} {'earlier' if hours > 0 else 'later'}"


# ------------------------------------------------------------------- who gives way
def preempted_html(promise: Promise, names: Names) -> str:
    """List the less important lines that it takes from, with their new dates.

    Dates are local to where each line is delivered.
    """
    rows = [_giving(one, promise, names) for one in promise.preempted]
    return table_html(
        (
            say("order"),
            say("for"),
            say("column_product"),
            say("quantity"),
            say("column_was_promised"),
            say("column_there_instead"),
            say("cost"),
        ),
        rows,
        (_QTY, _COST),
    )


def _giving(one: Preempted, promise: Promise, names: Names) -> tuple[str, ...]:
    zone = names.zone_of(one.location)
    whose = names.html(one.customer) if one.customer else escape(NOTHING)
    rank = ", ".join(part for part in (one.tier, f"priority {one.priority}") if part)
    was, later = say("no_date_yet"), ""
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


REQUEST, POLICIES = "request", "promise_policies"


def compared_html(before: Promise, after: Promise, names: Names) -> str:
    """Both answers in a table: when, how sure, how much, at what cost, why."""
    columns = (
        "",
        say("column_as_asked"),
        say("with_the_change"),
        say("column_difference"),
    )
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
        (say("probability_requested"), *by_due, ""),
        (say("probability_quoted"), *by_date, ""),
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
