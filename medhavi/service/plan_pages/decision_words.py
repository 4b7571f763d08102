"""Edits and decisions in words: what they do, what they cost, whom they hit."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from html import escape
from typing import TYPE_CHECKING, Any

from medhavi.edits.edit import EDITS
from medhavi.edits.edit import edit as edit_of
from medhavi.errors import MedhaviError
from medhavi.providers.lead_times import EVERY_PRODUCT, LEAD_DAYS
from medhavi.results.amounts import money_change
from medhavi.schema import cell, tables
from medhavi.service.jobs.plan_jobs import PricedEdit
from medhavi.service.page_data import PageProblem, answer_html, problem_html
from medhavi.snapshot.snapshot import for_people
from medhavi.views.changed_cells import cell_text, key_words
from medhavi.views.names import NOTHING, basis_words, duration, number, said, when
from medhavi.views.order_grid import critical_html
from medhavi.views.page import empty, finding_text, findings_html, table_html
from medhavi.views.plan_pages.calendar_words import shifts_words
from medhavi.views.words import say
from medhavi.workbench.orders.plan_edit_answers import EditStatus, Preview

if TYPE_CHECKING:
    import datetime as dt
    from collections.abc import Mapping, Sequence

    from medhavi.edits.edit import Edit
    from medhavi.findings import BadData
    from medhavi.snapshot.patch import RowChange
    from medhavi.views.names import Names
    from medhavi.workbench.orders.plan_edit_answers import EditCommit, EditRecord
    from medhavi.workbench.plan_effects import DemandEffect, PlanEffect


@dataclass(frozen=True, slots=True, kw_only=True)
class PreviewResult:
    """A preview, or what stands in the way; `request` is what worked it out."""

    preview: Preview | None = None
    problem: PageProblem | None = None
    request: PricedEdit | None = None


def refused_change(failure: BadData, names: Names) -> PageProblem:
    """Why a change cannot be made, all of it, and what to do instead."""
    told = (
        names.told(one.message.replace(one.column or "", said(one.column or "")))
        for one in failure.findings
    )
    return PageProblem(
        title=say("the_change_cannot_be_made"),
        text=" ".join(dict.fromkeys(one[:1].upper() + one[1:] for one in told)),
        remedy=" ".join(dict.fromkeys(one.remedy for one in failure.findings)),
        is_final=True,
    )


MOST_TYPED = 600
"""Characters of a command that somebody might type."""
MOST_ROWS = 4
"""Rows of an edit that are named; of more, their number is told by table."""
MOST_EFFECTS = 10
_MONEY = say("column_money")


def asked_html(
    asked: PreviewResult, names: Names, order: str = "", option: str = ""
) -> str:
    """What an edit comes to, or why nothing can be said; see `preview_html`.

    `option`: how a command names the plan in force, to show the one that asks the same.
    """
    wrong, preview = asked.problem, asked.preview
    if wrong is not None:
        return answer_html(problem_html(wrong))
    if preview is None:
        return ""
    told = preview_html(preview, names, order)
    if option and preview.ready:
        line = f"{preview.named.command()}{option}"
        same = say("the_same_as_a_command")
        if len(line) > MOST_TYPED:
            return answer_html(told)
        told += f'<p class="muted small">{same} <code>{escape(line)}</code></p>'
    return answer_html(told)


def preview_html(preview: Preview, names: Names, order: str = "") -> str:
    """What an edit costs and whom it hits; or what stands against it.

    Parameters
    ----------
    names
        For people.
    order
        Which order it is, in words; else the edit tells itself by ids.
    """
    if preview.status is EditStatus.STALE:
        seen = "".join(f"<li>{escape(str(one))}</li>" for one in preview.changed[:10])
        text = empty(say("facts_change_fast"), say("preview_again"))
        return f"{text}<ul>{seen}</ul>"
    if not preview.ready or preview.effect is None:
        return findings_html(preview.findings, names)
    head = _data_words(preview, names) or str(preview.edit)
    reason = preview.edit.reason
    if reason and preview.edit.supply is None:
        head = f"{reason}: {head}"
    supply = preview.edit.supply
    order = order or (names.name(supply) if supply else "")
    if "edits" in preview.edit.values:
        head = f"{_several(preview.edit)}: {order or ', '.join(preview.orders)}"
    elif order:
        place = place_of_orders(_recorded(preview.rows))
        head = f"{edit_words(preview.edit, names, place)}: {order}"
    told = f"<p><b>{escape(names.told(head).replace('_', ' '))}</b></p>"
    if preview.plan is not None:
        told += critical_html(preview.plan, preview.orders, names)
    if _is_unread(preview.rows):
        told += f'<p class="muted">{escape(say("no_plan_reads_it"))}</p>'
    told += effect_html(preview.effect, names)
    return told + (findings_html(preview.findings, names) if preview.findings else "")


def _is_unread(rows: Sequence[RowChange]) -> bool:
    """Whether an edit changes only cells that no plan reads."""
    unread = for_people()
    return bool(rows) and all(
        row.before is not None
        and row.after is not None
        and {
            name for name, value in row.after.items() if row.before.get(name) != value
        }.issubset(unread.get(row.table, ()))
        for row in rows
    )


def effect_html(effect: PlanEffect, names: Names) -> str:
    """What other tables cost in the plan, who gets worse and who gains."""
    price = effect.price
    parts = [
        (_part_words(name), value)
        for name, value in price.as_dict().items()
        if name not in {"replanning", "total"} and round(value, 2)
    ]
    if round(price.replanning, 2):
        parts += [
            (say("the_change_alone"), price.total - price.replanning),
            (_part_words("replanning"), price.replanning),
        ]
    rows = [
        (escape(words), escape(money_change(value, names.currency)))
        for words, value in (*parts, ("total", price.total))
    ]
    told = table_html((say("what_it_costs"), _MONEY), rows, (_MONEY,))
    told += _effects(say("who_gets_worse"), effect.victims, names)
    told += _effects("Who gains", effect.winners, names)
    if not effect.victims and not effect.winners:
        told += f'<p class="muted">{say("no_demand_gets_another_date")}</p>'
    return told


def _several(edit: Edit) -> str:
    """What is done to several orders."""
    return f"{edit_verb(edit)} {len(edit.edits):,} orders"


_OPEN = "None"
"""Text of a key cell that is empty: a row that holds for ever."""


def override_words(
    edit: Edit, names: Names, rows: Sequence[Mapping[str, Any]] = ()
) -> str:
    """Which cells get which values, and what they are now; nothing for other edits.

    Parameters
    ----------
    rows
        As a record of the edit has them: table, key, before and after.
    """
    if edit.kind != "override":
        return ""
    before = {
        (row["table"], column, *row["key"].items()): value
        for row in rows
        for column, value in (row["before"] or {}).items()
    }
    told: dict[str, list[str]] = {}
    for one in edit.overridden():
        new = cell(one.table, one.column, one.value)
        value = cell_text(one.table, one.column, new, one.key, names)
        words = f"{basis_words(said(one.column))} becomes {value}"
        place = one.table, one.column, *one.key.items()
        if place in before:
            old = cell(one.table, one.column, before[place])
            now = cell_text(one.table, one.column, old, one.key, names)
            words = (
                f"{basis_words(said(one.column))} {now or NOTHING} → {value or NOTHING}"
            )
        told.setdefault(_row_named(one.table, one.key, names), []).append(words)
    return "; ".join(f"{row}: {', '.join(words)}" for row, words in told.items())


def _row_named(table: str, key: Mapping[str, str], names: Names) -> str:
    """Row of an override: the table and its key, of a learned time whose it is."""
    stated = [
        key[name] for name in tables()[table].key if key.get(name, _OPEN) != _OPEN
    ]
    if table == "estimates" and key.get("quantity") == LEAD_DAYS:
        whose = (key["subject"], key.get("product", EVERY_PRODUCT))
        named = (names.name(one) for one in whose if one != EVERY_PRODUCT)
        return say("planned_lead_time_of", ", ".join(named))
    return ", ".join([said(table), *map(names.name, stated)])


def rows_words(kind: str, rows: Sequence[Mapping[str, Any]], names: Names) -> str:
    """Which rows are added or replaced; nothing for edits of another kind.

    Parameters
    ----------
    rows
        As a record of the edit has them: table, key, before and after.
    """
    if kind not in {"add_rows", "replace_rows"}:
        return ""
    if len(rows) > MOST_ROWS:
        sizes = Counter(said(row["table"]) for row in rows)
        return ", ".join(f"{size:,} of {name}" for name, size in sizes.items())
    return "; ".join(_row_words(row, names) for row in rows)


def _row_words(row: Mapping[str, Any], names: Names) -> str:
    """A row that is new, changed or gone, with the cells that say more than nothing."""
    table = row["table"]
    columns = tables()[table].columns
    old, new = (
        {name: cell(table, name, one) for name, one in (row[side] or {}).items()}
        for side in ("before", "after")
    )
    stated = new or old
    where = key_words(table, stated, names)
    cells = [
        f"{said(name)} {_from(table, name, old, names)}"
        f"{cell_text(table, name, value, stated, names)}"
        for name, value in new.items()
        if name not in row["key"] and value not in (None, [], columns[name].default)
        if not old or old.get(name) != value
    ]
    verb = say("row_goes" if not new else "column_changed" if old else "column_new")
    return f"{verb}: {said(table)}, {where}{''.join(f', {one}' for one in cells)}"


def _from(table: str, column: str, old: Mapping[str, Any], names: Names) -> str:
    """Value of a cell before it is another one; nothing of a new row."""
    if not old:
        return ""
    now = cell_text(table, column, old.get(column), old, names)
    return f"{now or NOTHING} → "


def _data_words(preview: Preview, names: Names) -> str:
    """Cells, rows or shifts that an edit of data changes; nothing for others."""
    edit, rows = preview.edit, _recorded(preview.rows)
    return (
        override_words(edit, names, rows)
        or rows_words(edit.kind, rows, names)
        or _shifts_words(edit, names)
    )


def _shifts_words(edit: Edit, names: Names) -> str:
    """Which shifts a calendar gets; nothing for edits of another kind."""
    return shifts_words(edit.values, names) if edit.kind == "change_shifts" else ""


def _recorded(rows: Sequence[RowChange]) -> list[dict[str, Any]]:
    return [
        {"table": one.table, "key": one.key, "before": one.before, "after": one.after}
        for one in rows
    ]


def refused_words(done: EditCommit) -> str:
    """Why nothing was recorded."""
    return " ".join([*map(finding_text, done.findings), *map(str, done.changed)])


def decided_words(preview: Preview, orders: Sequence[str], names: Names) -> str:
    """What was decided: the orders, cells or rows, named."""
    edit = preview.edit
    if orders:
        return f"{edit_verb(edit)} {', '.join(orders)}"
    words = ": ".join(filter(None, (edit.reason, _data_words(preview, names))))
    return words or str(edit.kind).replace("_", " ").capitalize()


def _part_words(part: str) -> str:
    """Part of a price, in words."""
    own = {
        "replanning": say("planning_again_alone"),
        "extra_units": say("extra_hours_of_resources"),
    }
    return own.get(part) or said(part)


def edit_verb(edit: Edit) -> str:
    """What an edit does, in the word that chose it; several kinds are an edit."""
    verbs = {EDITS[one.kind].choice for one in edit.edits}
    return (verbs.pop() if len(verbs) == 1 else "") or say("edit")


def edit_words(edit: Edit, names: Names, place: str | None = None) -> str:
    """What is done to an order, and what is made of it.

    Parameters
    ----------
    place
        Where the order is received: its times are local there. None: that of an open
        order, which `names` know, and they do not know those of a proposal.
    """
    verb = EDITS[edit.kind].choice or edit.kind
    return f"{verb}{_target(edit, names, place)}"


def place_of_orders(rows: Sequence[Mapping[str, Any]]) -> str | None:
    """Location of the orders that an edit changes; None: of none, or of several.

    Parameters
    ----------
    rows
        As a record of the edit has them: table, key, before and after.
    """
    found = {
        (row["after"] or row["before"] or {}).get("location")
        for row in rows
        if row["table"] == "supply_orders"
    }
    return found.pop() if len(found) == 1 else None


def _target(edit: Edit, names: Names, place: str | None) -> str:
    values = edit.values

    def there(moment: dt.datetime) -> str:
        return names.when_there(moment, place or edit.supply)

    if "resource" in values:
        told = f" to {names.name(values['resource'])}"
        begin = values.get("start")
        return f"{told}, to begin {there(begin)}" if begin else told
    if "due" in values:
        return f" to {there(values['due'])}"
    if "start" in values:
        return f" to begin {there(values['start'])}"
    if "parts" in values:
        return f" into {' and '.join(map(number, values['parts']))}"
    if "qty" in values:
        return f" to {number(values['qty'])}"
    return f" to {names.name(values['source'])}" if "source" in values else ""


def _effects(title: str, effects: Sequence[DemandEffect], names: Names) -> str:
    """Demands with both dates and the money: four columns, for a drawer is narrow."""
    if not effects:
        return ""
    rows = [
        (
            _demand_html(one, names),
            _day_html(one.old_date, one.demand, names),
            _day_html(one.new_date, one.demand, names),
            escape(money_change(one.money, names.currency)),
        )
        for one in effects[:MOST_EFFECTS]
    ]
    more = len(effects) - len(rows)
    columns = (title, say("column_before"), say("column_then"), _MONEY)
    return table_html(columns, rows, (_MONEY,), more=more)


def _demand_html(one: DemandEffect, names: Names) -> str:
    """Demand, and what it asks for where its name does not tell."""
    told = names.html(one.demand)
    if one.product is None or names.name(one.product) in names.name(one.demand):
        return told
    return f'{told}<br><span class="muted">{names.html(one.product)}</span>'


def _day_html(moment: dt.datetime | None, demand: str, names: Names) -> str:
    """Local time of a demand; its zone, where it is not the company's, on hover."""
    zone = names.zone_of(demand)
    told = escape(when(moment, zone, ends=True))
    if zone == names.zone or moment is None:
        return told
    return f'<abbr title="{escape(zone)}">{told}</abbr>'


def history_html(
    records: Sequence[EditRecord],
    names: Names,
    advice: str = say("select_orders_above"),
) -> str:
    """List what was decided, the newest first; without any, `advice` says how."""
    if not records:
        return empty(say("nothing_was_decided_yet"), advice)
    known = {one.edit_id: one for one in records}
    rows = [
        (
            escape(decision_words(one, known, names)),
            escape(one.reason or ""),
            escape(one.approver),
            escape(when(one.recorded_at, names.zone)),
            "taken back" if one.undone_by else "",
        )
        for one in reversed(records[-MOST_EFFECTS:])
    ]
    columns = (
        say("column_decision"),
        say("reason"),
        say("column_approved_by"),
        say("column_when"),
        "",
    )
    return table_html(columns, rows)


def decision_words(
    one: EditRecord, known: Mapping[str, EditRecord], names: Names
) -> str:
    """Decision in words; one that takes another back names that.

    `known` are decisions by the ids of their edits.
    """
    taken = known.get(one.undoes or "")
    return (
        _decision(one, names)
        if taken is None
        else say("undo_of", _decision(taken, names))
    )


def undone_words(
    edit: str | None, made: Sequence[EditRecord], names: Names, approver: str
) -> str:
    """What an edit took back, and who approved that.

    Parameters
    ----------
    edit
        Id of the edit that took another one back.
    """
    known = {one.edit_id: one for one in made}
    taken = known.get(known[edit].undoes or "") if edit in known else None
    told = say("the_data") if taken is None else _decision(taken, names)
    return say("undone_approved_by", told, approver)


def last_standing_words(made: Sequence[EditRecord], names: Names) -> str:
    """Edit that is undone next, in words; empty: none stands."""
    standing = [one for one in made if one.stands]
    return _decision(standing[-1], names) if standing else ""


def _decision(one: EditRecord, names: Names) -> str:
    """What was done, and the orders, cells, rows or families it was done to."""
    told = ", ".join(one.orders[:MOST_EFFECTS])
    if len(one.orders) > MOST_EFFECTS:
        told += f" {say('and_more', len(one.orders) - MOST_EFFECTS)}"
    asked = _asked(one)
    if one.kind == "mass_change":
        return f"{_done_to_several(asked, len(one.orders))}: {told}"
    if asked is not None and one.kind == "override":
        return override_words(asked, names, one.rows)
    if one.kind == "override" and one.rows:
        told = ", ".join(
            f"{', '.join(row['after'])} of {_row_name(row, names)} ({row['table']})"
            for row in one.rows
        )
    if one.kind == "changeover":
        key = one.rows[0]["key"]
        before, after = map(names.name, (key["from_family"], key["to_family"]))
        told = f"{before} to {after} ({key['matrix']})"
        minutes = (one.rows[0]["after"] or {}).get("setup_minutes")
        told += "" if minutes is None else f": {duration(minutes / 60)}"
    words = rows_words(one.kind, one.rows, names)
    if asked is not None:
        words = words or _shifts_words(asked, names)
    if words:
        return words
    target = "" if asked is None else _target(asked, names, place_of_orders(one.rows))
    return f"{_DONE.get(one.kind) or said(one.kind).capitalize()} {told}{target}"


_DONE = {
    "firm": say("done_firm"),
    "release": say("released"),
    "move": say("done_move"),
    "split": say("done_split"),
    "change_qty": say("done_change_qty"),
    "change_source": say("done_change_source"),
    "change_resource": say("done_change_resource"),
    "pin_steps": say("done_pin_steps"),
    "cancel": say("done_cancel"),
}
"""What was done to an order, by the kind of the edit."""


def _done_to_several(asked: Edit | None, orders: int) -> str:
    """What was done to several orders, by what was done; `orders` are all of them."""
    done = Counter(_DONE.get(one.kind, "") for one in asked.edits) if asked else {}
    if not done or "" in done:
        return say("done_edits", orders)
    parts = (
        f"{verb if place == 0 else verb.lower()} {many:,}"
        for place, (verb, many) in enumerate(done.items())
    )
    return say("done_to_orders", ", ".join(parts))


def _asked(one: EditRecord) -> Edit | None:
    """Edit as it was asked for; None where the log has it otherwise, or not at all."""
    try:
        return edit_of(**one.asked) if one.asked else None
    except (MedhaviError, TypeError):
        return None


def _row_name(row: Mapping[str, Any], names: Names) -> str:
    return ", ".join(names.name(key) for key in row["key"].values())
