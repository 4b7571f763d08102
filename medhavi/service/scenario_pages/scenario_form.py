"""Form of a change, made from its signature in the catalogue of scenario kinds.

A kind that is added to `medhavi/edits/scenario_changes.py` with a `choice` is offered
here without another line.
"""

from __future__ import annotations

import datetime as dt
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field
from html import escape
from typing import TYPE_CHECKING, Any

import polars as pl

from medhavi.edits.edit import KINDS, referred
from medhavi.edits.parameter import instant
from medhavi.errors import UsageError
from medhavi.schema import PLANNED_STATUS
from medhavi.service.page_data import read_moment
from medhavi.snapshot.reading.cells import is_day
from medhavi.views.names import (
    OPENED,
    day,
    number,
    opening_words,
    percent,
    quantity,
    said,
    when,
)
from medhavi.views.words import say

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    import marimo as mo

    from medhavi.edits.catalogue import ChangeKind
    from medhavi.edits.edit import Edit
    from medhavi.edits.parameter import Parameter
    from medhavi.snapshot import Snapshot
    from medhavi.views.names import Names

    Wanted = Callable[[str], str]
    Keep = Callable[[str, str], None]

OFFERED: Mapping[str, ChangeKind] = {
    kind.choice: kind for kind in KINDS.values() if kind.choice
}
"""Kinds of change that the page offers, by the words of the choice."""
NEW = say("a_new_scenario")
"""Choice of the scenario that a change goes to."""
_LABELS = {
    "factor": "Change",
    "start": "From",
    "finish": "To",
    "days": "Delay",
    "qty": "Quantity",
    "named": say("part_of_the_product_name"),
}
_PLACEHOLDERS = {
    "instant": "2026-11-03 14:00",
    "%": "15 or -10",
    "share": say("one_is_all"),
    "named": say("such_as_a_brand"),
}


@dataclass(frozen=True, slots=True, kw_only=True)
class ChangeForm:
    """A form as it was sent, with what is wrong beside each field.

    Parameters
    ----------
    problems
        Text by field.
    trouble
        What is wrong with all of it together.
    """

    kind: str = ""
    values: Mapping[str, Any] = field(default_factory=dict)
    problems: Mapping[str, str] = field(default_factory=dict)
    trouble: str = ""


def label_of(parameter: Parameter) -> str:
    """Label of a field; a star marks what has to be stated."""
    words = _LABELS.get(parameter.name, said(parameter.name).capitalize())
    unit = f" [{parameter.unit}]" if parameter.unit else ""
    return f"{words}{unit}{' *' if parameter.required else ''}"


def read_form(
    kind: ChangeKind, values: Mapping[str, Any], zone: str
) -> tuple[dict[str, object], dict[str, str]]:
    """Row of a change as a study has it, and what is wrong beside each field.

    Parameters
    ----------
    values
        As the fields have them: texts; empty where nothing is stated.
    zone
        Of instants that state none. A date stays one: it is a local day of the row
        that it meets.
    """
    row: dict[str, object] = {"kind": kind.name}
    problems: dict[str, str] = {}
    for name, parameter in kind.parameters.items():
        text = str(values.get(name) or "").strip()
        if not text:
            if parameter.required:
                problems[name] = "is needed"
            continue
        try:
            value = _value(parameter, text, zone)
        except (ValueError, UsageError):
            problems[name] = say("is_not_understood", text, _wanted(parameter))
            continue
        if parameter.read(value) is None:
            problems[name] = say("is_out_of_range", text, _wanted(parameter))
            continue
        row[name] = value
    start, finish = (instant(row.get(name)) for name in ("start", "finish"))
    if start is not None and finish is not None and finish < start:
        problems["finish"] = say("is_before_from")
    return row, problems


def _value(parameter: Parameter, text: str, zone: str) -> object:
    if parameter.type == "number":
        amount = float(
            text.replace(",", ".").rstrip("%").replace("\N{MINUS SIGN}", "-")
        )
        return round(1 + amount / 100, 10) if parameter.unit == "%" else amount
    if parameter.type == "instant" and not is_day(text):
        moment = read_moment(text, zone)
        assert moment is not None
        return f"{moment:%Y-%m-%dT%H:%M:%SZ}"
    return text


def _wanted(parameter: Parameter) -> str:
    if parameter.type == "instant":
        return say("date_or_local_time_such")
    if parameter.unit == "%":
        return say("change_in_per_cent_such")
    return parameter.wanted


# --------------------------------------------------------------------------- in words
def change_words(change: Edit, names: Names) -> str:
    """Sentence of a change for people.

    >>> from medhavi.edits import changes
    >>> from medhavi.views.names import Names
    >>> (more,) = changes([{"kind": "demand_factor", "factor": 1.15, "customer": "C"}])
    >>> change_words(more, Names(texts={"C": "Rosa"}))
    'More or less demand: +15 %, Rosa'
    """
    kind = KINDS[change.kind]
    told = [
        _said(kind.parameters[name], value, names)
        for name, value in change.values.items()
    ]
    if change.kind in MORE_HOURS and "finish" not in change.values:
        told.append(say("to_the_end_of_the_plan"))
    return f"{kind.words}: {', '.join(told)}"


MORE_HOURS = ("unit_added", "shift_added")
"""Kinds of change whose hours are paid in their window."""


def hours_words(changes: Sequence[Edit], names: Names) -> str:
    """Window in which hours that are added are paid; empty: no change adds any."""
    told = []
    for change in changes:
        if change.kind not in MORE_HOURS:
            continue
        span = [
            f"{words} {_date_words(str(change.values[name]), names.zone)}"
            for name, words in (("start", "from"), ("finish", "to"))
            if name in change.values
        ]
        if "finish" not in change.values:
            span.append(say("to_the_end_of_the_plan"))
        told.append(" ".join(span))
    return "; ".join(dict.fromkeys(told))


def _said(parameter: Parameter, value: Any, names: Names) -> str:
    if parameter.unit == "%":
        more = round((value - 1) * 100, 6)
        return f"{'+' if more > 0 else ''}{number(more)} %"
    if parameter.type == "instant":
        words = {"start": "from ", "finish": "to "}.get(parameter.name, "")
        return words + _date_words(str(value), names.zone)
    if parameter.type == "number":
        if parameter.name == parameter.unit:
            return quantity(value, parameter.unit)
        return f"{said(parameter.name)} {number(value)}"
    if not isinstance(value, str):
        return names.told(str(value))
    named = parameter.name == "named"
    return say("products_named", value) if named else name_of(value, names)


def _date_words(text: str, zone: str) -> str:
    if is_day(text):
        return day(dt.date.fromisoformat(text))
    return when(instant(text), zone)


def name_of(identity: str, names: Names) -> str:
    """Name of a thing, of an item as product and location."""
    return names.place(identity) if "|" in identity else names.name(identity)


# ---------------------------------------------------------------------------- choices
def options_of(
    snapshot: Snapshot, names: Names, reference: tuple[str, str]
) -> dict[str, str]:
    """Ids of a column to choose from, by name; equal names show the id as well."""
    table, column = reference
    if table == "calendars":
        return _calendar_options(snapshot, names)
    ids = referred(snapshot, reference)
    rows = {}
    if table in ("demands", "supply_orders") and column != "customer":
        rows = {row[column]: row for row in snapshot[table].iter_rows(named=True)}

    def words(identity: str) -> str:
        if identity not in rows:
            return name_of(identity, names)
        row = rows[identity]
        amount = quantity(row["qty"], names.unit(row["product"]))
        item = f"{names.name(row['product'])} at {names.name(row['location'])}"
        return f"{names.name(identity)}: {amount} {item}"

    if reference == ("demands", "customer"):
        return _customer_options(snapshot, names)
    labels = _labels({one: words(one) for one in ids})
    return dict(sorted((text, one) for one, text in labels.items()))


def _labels(told: Mapping[str, str]) -> dict[str, str]:
    """Words by id; words of several ids say which."""
    twice = Counter(told.values())
    return {
        one: f"{text} ({one})" if twice[text] > 1 else text
        for one, text in told.items()
    }


def _customer_options(snapshot: Snapshot, names: Names) -> dict[str, str]:
    """Customers by the value of their open orders, the largest first."""
    costs = snapshot["products"].select("product", "unit_cost")
    price = pl.coalesce("price", "unit_cost").fill_null(0.0)
    known = (
        snapshot["demands"]
        .filter(pl.col("customer").is_not_null())
        .join(costs, on="product", how="left")
        .with_columns(open=pl.col("status").is_in(PLANNED_STATUS))
        .group_by("customer")
        .agg(value=(pl.col("qty") * price * pl.col("open")).sum())
        .sort("value", "customer", descending=[True, False])
    )
    total = float(known["value"].sum())
    labels = _labels({one: names.name(one) for one in known["customer"]})
    if not total:
        return {labels[one]: one for one in known["customer"]}
    return {
        say("customer_share", labels[one], percent(value / total)): one
        for one, value in known.select("customer", "value").iter_rows()
    }


_BY_EACH = ("locations", "resources")
"""Tables whose rows each name their calendar, so that a line is found by its name."""


def _calendar_options(snapshot: Snapshot, names: Names) -> dict[str, str]:
    """Calendars by what they open; one that opens nothing changes no plan."""
    found: dict[str, str] = {}
    for table, key in OPENED.items():
        rows = snapshot[table].select("calendar", key).drop_nulls().unique()
        for calendar, opened in rows.group_by("calendar").agg(key).iter_rows():
            things = sorted(map(names.name, opened))
            for thing in things if table in _BY_EACH else things[:1]:
                found.setdefault(opening_words(thing, len(things) - 1), calendar)
    return dict(sorted(found.items()))


def chosen_by(snapshot: Snapshot, kind: ChangeKind, subject: str) -> dict[str, str]:
    """Values of the fields of a kind that name a subject of an address."""
    if not subject:
        return {}
    found: dict[str, str] = {}
    for part in (subject, *(subject.split("|") if "|" in subject else ())):
        for name, parameter in kind.parameters.items():
            if parameter.reference is None or name in found:
                continue
            if part in referred(snapshot, parameter.reference):
                found[name] = part
                break
    if kind.name == "demand_factor" and {"product", "location"} <= found.keys():
        # A plant makes what is asked for elsewhere: then all demand of the product.
        asked = snapshot["demands"].filter(product=found["product"])
        if found["location"] not in asked["location"]:
            del found["location"]
    return found


def kind_wanted(snapshot: Snapshot, kind: str, subject: str) -> ChangeKind:
    """Kind that an address asks for, else the first that knows its subject."""
    if kind in KINDS and KINDS[kind].choice:
        return KINDS[kind]
    for offered in OFFERED.values():
        if chosen_by(snapshot, offered, subject):
            return offered
    return next(iter(OFFERED.values()))


# ---------------------------------------------------------------------------- widgets
def kind_choice(snapshot: Snapshot, wanted: Wanted, keep: Keep) -> mo.ui.dropdown:
    """Ask for the kind of a change; the address keeps it.

    Dates of a link are those of its kind: another kind begins without them.
    """
    import marimo as mo

    def chosen(kind: str) -> None:
        for name, value in (("start", ""), ("finish", ""), ("kind", kind)):
            keep(name, value)

    first = kind_wanted(snapshot, wanted("kind"), wanted("subject"))
    return mo.ui.dropdown(
        {words: kind.name for words, kind in OFFERED.items()},
        value=first.choice,
        label=say("kind_of_change"),
        on_change=chosen,
    )


def change_form(
    kind: ChangeKind,
    snapshot: Snapshot,
    names: Names,
    draft: ChangeForm,
    scenarios: Sequence[str],
    send: Callable[[dict[str, object] | None], None],
) -> mo.ui.form[Any, Any]:
    """Ask for the values of a change and for its scenario.

    Parameters
    ----------
    draft
        What the form begins with; texts of its problems stand below their fields.
    scenarios
        Names of those that are there.
    send
        Called with the values that were sent.
    """
    import marimo as mo

    fields: dict[str, Any] = {
        name: _field(parameter, snapshot, names, draft.values.get(name))
        for name, parameter in kind.parameters.items()
        if _is_offered(parameter, snapshot)
    }
    into = draft.values.get("into")
    fields["into"] = mo.ui.dropdown(
        [NEW, *scenarios],
        value=into if into in scenarios else NEW,
        label=say("goes_to"),
        full_width=True,
    )
    fields["name"] = mo.ui.text(
        value=str(draft.values.get("name") or ""),
        label=say("name_of_a_new_scenario"),
        placeholder=say("empty_named_by_its_change"),
        full_width=True,
    )
    cells = "".join(
        f"<div>{{{name}}}{_problem(draft.problems.get(name))}</div>" for name in fields
    )
    note = say("factor_of_demand") if kind.name == "demand_factor" else ""
    told = f'<p class="muted small">{note}</p>' if note else ""
    text = f'<div class="mv">{told}<div class="mv-form mv-wide">{cells}</div></div>'
    return (
        mo.Html(text)
        .batch(**fields)
        .form(submit_button_label=say("add_the_change"), bordered=True, on_change=send)
    )


def _is_offered(parameter: Parameter, snapshot: Snapshot) -> bool:
    """Whether a field has something to choose, or has to be filled."""
    if parameter.required or parameter.reference is None:
        return True
    return bool(referred(snapshot, parameter.reference))


def _problem(text: str | None) -> str:
    if not text:
        return ""
    plain = escape(text).replace("{", "(").replace("}", ")")
    return f'<p class="mv-bad small" role="alert">▲ {plain}</p>'


def _field(
    parameter: Parameter, snapshot: Snapshot, names: Names, value: object
) -> mo.ui.dropdown | mo.ui.text:
    import marimo as mo

    label = label_of(parameter)
    if parameter.reference is None:
        unit = parameter.unit or parameter.type
        return mo.ui.text(
            value=str(value or ""),
            label=label,
            placeholder=_PLACEHOLDERS.get(parameter.name)
            or _PLACEHOLDERS.get(unit, "" if parameter.required else parameter.meaning),
            full_width=True,
        )
    options = options_of(snapshot, names, parameter.reference)
    labels = {one: text for text, one in reversed(options.items())}
    return mo.ui.dropdown(
        options,
        value=labels.get(str(value)),
        searchable=True,
        allow_select_none=True,
        label=label,
        full_width=True,
    )
