"""What rows an edit makes: of orders by their states, of dates by their sources.

Every number comes from the provider that owns it: the time of a source, the size of an
order that gives a quantity, the step of a product. What cannot be is told in findings,
all of them; the edit changes nothing then.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

from medhavi import schema
from medhavi.findings import finding
from medhavi.planners.work_orders.order_edit import EditKind
from medhavi.planners.work_orders.order_rows import (
    KINDS,
    free_number,
    order_number,
    order_row,
)
from medhavi.planners.work_orders.order_states import (
    OrderFacts,
    OrderState,
    Verb,
    advance,
)
from medhavi.snapshot.reading.row_findings import nearest
from medhavi.units import exact, from_seconds, from_steps, to_seconds

if TYPE_CHECKING:
    from collections.abc import Collection

    from medhavi.findings import Finding
    from medhavi.planners.work_orders.order_edit import CellValue, Edit
    from medhavi.providers import Providers
    from medhavi.providers.sources import Source
    from medhavi.results.plans.plan import Plan

Row = dict[str, Any]
_MOST_AHEAD = dt.timedelta(days=36_525)
_SUPPLY_KINDS = {order: supply for supply, order in KINDS.items()}


@dataclass(frozen=True, slots=True, kw_only=True)
class RowEdit:
    """One row before and after; None: it is not there."""

    table: str
    key: Mapping[str, str]
    before: Mapping[str, Any] | None
    after: Mapping[str, Any] | None


class Impossible(Exception):  # noqa: N818 - reads as what it is
    """Inside this module: the edit cannot be, and why."""

    def __init__(self, found: Finding) -> None:
        super().__init__(str(found))
        self.found = found


def rows_of(
    edit: Edit, plan: Plan, providers: Providers, taken: Collection[str]
) -> tuple[tuple[RowEdit, ...], tuple[Finding, ...]]:
    """Decide an edit.

    Parameters
    ----------
    plan
        The plan whose proposals are meant.
    providers
        Of the snapshot that was planned.
    taken
        Numbers of all orders that there ever were.

    Returns
    -------
    rows : tuple of RowEdit
        What changes; empty where it cannot be.
    findings : tuple of Finding
        Why it cannot be.
    """
    try:
        if edit.kind is EditKind.OVERRIDE:
            return _overridden(edit, providers)
        if edit.kind is EditKind.FIRM:
            return _firmed(edit, plan, providers, taken)
        return _Editor(edit, plan, providers, taken).rows(), ()
    except Impossible as impossible:
        return (), (impossible.found,)


def _firmed(
    edit: Edit, plan: Plan, providers: Providers, taken: Collection[str]
) -> tuple[tuple[RowEdit, ...], tuple[Finding, ...]]:
    """Make orders of one proposal or several; what cannot be is named for each."""
    rows: list[RowEdit] = []
    found: list[Finding] = []
    used = set(taken)
    for name in dict.fromkeys((edit.supply or "", *edit.also)):
        try:
            made = _Editor(replace(edit, supply=name), plan, providers, used).rows()
        except Impossible as impossible:
            found.append(impossible.found)
            continue
        used |= {row.key["supply_order"] for row in made}
        rows += made
    return (() if found else tuple(rows)), tuple(found)


class _Editor:
    """One edit of one order."""

    def __init__(
        self, edit: Edit, plan: Plan, providers: Providers, taken: Collection[str]
    ) -> None:
        self._edit = edit
        self._providers = providers
        self._taken = set(taken)
        self._name = edit.supply or ""
        self._supply: Mapping[str, Any] | None = None
        self._before = _existing(providers, self._name)
        self._row = dict(self._before) if self._before else self._proposed(plan)

    def rows(self) -> tuple[RowEdit, ...]:
        kind = self._edit.kind
        state = self._state()
        if kind is EditKind.SPLIT:
            return self._split(state)
        if kind is EditKind.CHANGE_SOURCE:
            return self._other_source(state)
        if kind is EditKind.CANCEL:
            return self._cancelled()
        after = {**self._row, "status": str(state)}
        if kind is EditKind.MOVE:
            after |= self._dates()
        elif kind is EditKind.CHANGE_QTY:
            after["qty"] = self._quantity("qty", self._edit.qty or 0.0)
        if state is OrderState.FIRMED:
            after["locked"] = self._edit.lock
        return (self._changed(after),)

    # --------------------------------------------------------------------- the order
    def _proposed(self, plan: Plan) -> Row:
        rows = plan.supplies.filter(plan.supplies["id"] == self._name).to_dicts()
        if not rows or rows[0]["order_qty"] is None:
            known = plan.supplies["id"].to_list()
            raise Impossible(
                finding(
                    "ORD003",
                    table="supplies",
                    column="supply",
                    value=self._name,
                    nearest=nearest(self._name, known),
                )
            )
        supply = rows[0]
        self._supply = supply
        kind = KINDS[supply["kind"]]
        number = order_number(kind, supply, self._taken)
        demand = None
        if self._providers.facts.make_to_order(supply["product"]):
            served = plan.pegging.filter(plan.pegging["supply"] == self._name)
            names = served["demand"].unique().sort().to_list()
            demand = names[0] if len(names) == 1 else None
        return order_row(supply, number, locked=self._edit.lock, demand=demand)

    def _state(self) -> OrderState:
        """State after the edit.

        Raises
        ------
        Impossible
            The state or a guard refuses.
        """
        steps = self._providers.snapshot["supply_order_steps"]
        order = self._row["supply_order"]
        locked = steps.filter((steps["supply_order"] == order) & steps["locked"])
        known = self._before is not None
        facts = OrderFacts(
            order=order if known else self._name,
            state=OrderState(self._row["status"] if known else "planned"),
            qty=self._row["qty"],
            qty_done=self._row.get("qty_done") or 0.0,
            wanted_qty=self._edit.qty,
            locked_steps=locked.height,
        )
        state, refusal = advance(facts, Verb(str(self._edit.kind)))
        if state is None or refusal is not None:
            assert refusal is not None
            raise Impossible(refusal)
        return state

    def _changed(self, after: Row) -> RowEdit:
        return RowEdit(
            table="supply_orders",
            key={"supply_order": self._row["supply_order"]},
            before=self._before,
            after=_filled(after),
        )

    def _gone(self) -> tuple[RowEdit, ...]:
        if self._before is None:
            return ()
        key = {"supply_order": self._row["supply_order"]}
        return (
            RowEdit(table="supply_orders", key=key, before=self._before, after=None),
        )

    def _cancelled(self) -> tuple[RowEdit, ...]:
        if self._before is None:
            raise Impossible(
                _wrong(
                    "supply",
                    self._name,
                    "it is a proposal, which the next plan would make again",
                    "Change the demand or the stock rule that causes it.",
                )
            )
        return self._gone()

    # ------------------------------------------------------------------------- dates
    def _dates(self) -> Row:
        due, start = self._edit.due, self._edit.start
        now = from_seconds(int(self._providers.snapshot.as_of))
        for name, moment in (("due", due), ("start", start)):
            if moment is not None and moment < now:
                raise Impossible(
                    _wrong(name, moment, "before now", f"Choose {now} or later.")
                )
            if moment is not None and moment - now > _MOST_AHEAD:
                reason = "more than 100 years from now"
                raise Impossible(_wrong(name, moment, reason, "Correct the year."))
        if due is not None and start is not None:
            if start > due:
                reason = f"after due {due}"
                raise Impossible(
                    _wrong("start", start, reason, "Let it start before it is due.")
                )
            return {"start": start, "due": due}
        return self._followed(due, start)

    def _followed(self, due: Any, start: Any) -> Row:
        """Derive the other date from the lead time of the source."""
        old_start, old_due = self._row.get("start"), self._row["due"]
        source = self._source()
        steps = 0 if source is None else self._steps(source)
        if start is not None:
            timing = source.clock.earliest(to_seconds(start), steps) if source else None
            span = old_due - (old_start or old_due)
            due = start + span if timing is None else from_seconds(timing.finish)
            return {"start": start, "due": due}
        if old_start is None:
            # Its start has followed its due date before, and goes on to do so.
            return {"due": due}
        timing = source.clock.latest(to_seconds(due), steps) if source else None
        if timing is None:
            return {"start": due - (old_due - old_start), "due": due}
        return {"start": from_seconds(timing.start), "due": due}

    def _source(self) -> Source | None:
        name = self._row.get("source")
        if not name:
            return None
        place = (self._row["product"], self._row["location"])
        return self._providers.sourcing.source_of(self._row["kind"], name, *place)

    def _steps(self, source: Source) -> int:
        open_qty = exact(self._row["qty"]) - exact(self._row.get("qty_done") or 0.0)
        return int(open_qty / source.step)

    # -------------------------------------------------------------------- quantities
    def _quantity(self, name: str, qty: float) -> float:
        """Quantity that an order can have.

        Raises
        ------
        Impossible
            It is not above zero, or no multiple of the smallest quantity.
        """
        if not 0 < qty < float("inf"):
            raise Impossible(
                _wrong(name, f"{qty:g}", "not above zero", "Cancel an order instead.")
            )
        source = self._source()
        step = (
            source.step if source else self._providers.facts.step(self._row["product"])
        )
        if (exact(qty) / step).denominator != 1:
            raise Impossible(
                _wrong(
                    name,
                    f"{qty:g}",
                    f"no multiple of {float(step):g}",
                    "Use the smallest quantity of the product (products.qty_step).",
                )
            )
        return qty

    def _split(self, state: OrderState) -> tuple[RowEdit, ...]:
        parts = [self._quantity("parts", part) for part in self._edit.parts]
        total = sum((exact(part) for part in parts), exact(0.0))
        if len(parts) < 2 or total != exact(self._row["qty"]):
            words = " + ".join(f"{part:g}" for part in parts)
            raise Impossible(
                _wrong(
                    "parts",
                    words,
                    f"the order is {self._row['qty']:g}",
                    "Give two or more parts that add up to it.",
                )
            )
        found = []
        for part in parts:
            row = {**self._row, "qty": part, "status": str(state)}
            if state is OrderState.FIRMED:
                row["locked"] = self._edit.lock
            found.append(self._new(row))
        return (*found, *self._gone())

    def _new(self, row: Row) -> RowEdit:
        """Further order; its number is free."""
        base = self._row["supply_order"]
        taken = self._taken if self._before is None else {*self._taken, base}
        number = free_number(base, taken)
        self._taken.add(number)
        return RowEdit(
            table="supply_orders",
            key={"supply_order": number},
            before=None,
            after=_filled({**row, "supply_order": number}),
        )

    # ----------------------------------------------------------------------- sources
    def _other_source(self, state: OrderState) -> tuple[RowEdit, ...]:
        source = self._named_source()
        row = {
            **self._row,
            "kind": KINDS[source.kind],
            "source": source.source if source.kind != "move" else self._edit.source,
            "qty": self._size_at(source),
            "status": str(state),
            "locked": self._edit.lock,
        }
        # When it begins follows from when it is due.
        row.pop("start", None)
        if self._before is None:
            number = order_number(row["kind"], self._supply or {}, self._taken)
            return (
                RowEdit(
                    table="supply_orders",
                    key={"supply_order": number},
                    before=None,
                    after=_filled({**row, "supply_order": number}),
                ),
            )
        return (self._new(row), *self._gone())

    def _named_source(self) -> Source:
        sourcing = self._providers.sourcing
        place = (self._row["product"], self._row["location"])
        wanted = self._edit.source or ""
        own = _SUPPLY_KINDS[self._row["kind"]]
        for kind in (own, *(other for other in KINDS if other != own)):
            found = sourcing.source_of(kind, wanted, *place)
            if found is not None:
                return found
        known = [source.source for source in sourcing.sources(*place)]
        raise Impossible(
            finding(
                "ORD005",
                table="supply_orders",
                column="source",
                value=wanted,
                product=place[0],
                location=place[1],
                known=", ".join(dict.fromkeys(known)) or "none",
            )
        )

    def _size_at(self, source: Source) -> float:
        """Size of an order that brings as much from another source."""
        good = self._good()
        step = self._providers.facts.step(self._row["product"])
        if source.kind != "make":
            return from_steps(good, step)
        recipe = self._providers.recipes.recipe(source.source)
        gain = recipe.gain(source.product, source.location) or recipe.main
        at = to_seconds(self._row["due"])
        return from_steps(gain.order_steps_for(good, at), source.step)

    def _good(self) -> int:
        """What the order brings [steps of the product]."""
        step = self._providers.facts.step(self._row["product"])
        if self._row["kind"] != "work":
            return int(exact(self._row["qty"]) / step)
        if self._supply is not None:
            return int(exact(self._supply["qty"]) / step)
        source = self._source()
        if source is None:
            return int(exact(self._row["qty"]) / step)
        recipe = self._providers.recipes.recipe(source.source)
        gain = recipe.gain(source.product, source.location) or recipe.main
        size = int(exact(self._row["qty"]) / source.step)
        return gain.good_steps(size, to_seconds(self._row["due"]))


def _existing(providers: Providers, order: str) -> Row | None:
    table = providers.snapshot["supply_orders"]
    rows = table.filter(table["supply_order"] == order).to_dicts()
    return _filled(rows[0]) if rows else None


def _overridden(
    edit: Edit, providers: Providers
) -> tuple[tuple[RowEdit, ...], tuple[Finding, ...]]:
    """Cells other values; what cannot be is named for each."""
    rows: list[RowEdit] = []
    found: list[Finding] = []
    for cell in edit.overridden():
        try:
            row = _override(cell, providers)
        except Impossible as impossible:
            found.append(impossible.found)
            continue
        if any(_cell_of(row) == _cell_of(other) for other in rows):
            twice = f"{cell.column} of this row is named twice"
            found.append(_wrong("cells", cell.value, twice, "Name each cell once."))
        rows.append(row)
    return (() if found else tuple(rows)), tuple(found)


def _cell_of(row: RowEdit) -> tuple[object, ...]:
    return row.table, *row.key.items(), *(row.after or ())


def _override(cell: CellValue, providers: Providers) -> RowEdit:
    table, column = cell.table, cell.column
    tables = schema.tables()
    if table not in tables:
        raise Impossible(_unknown("table", table, tables))
    columns = tables[table].columns
    if column not in columns:
        raise Impossible(_unknown("column", column, columns))
    rows = [
        row
        for row in providers.snapshot[table].to_dicts()
        if all(str(row.get(name)) == text for name, text in cell.key.items())
    ]
    missing = sorted(set(tables[table].key) - set(cell.key))
    if len(rows) != 1 or column in tables[table].key:
        words = ", ".join(f"{name} = {text}" for name, text in cell.key.items())
        reason = f"it names {len(rows)} rows of {table}"
        if column in tables[table].key:
            reason = f"{column} says which row it is and cannot be another"
        way_out = f"Name the row by {', '.join(missing or tables[table].key)}."
        raise Impossible(_wrong("key", words, reason, way_out, table))
    key = {name: str(rows[0][name]) for name in tables[table].key}
    return RowEdit(
        table=table,
        key=key,
        before={column: rows[0][column]},
        after={column: cell.value},
    )


def _unknown(what: str, value: str, known: Collection[str]) -> Finding:
    return finding("ORD003", column=what, value=value, nearest=nearest(value, known))


def _wrong(
    column: str, value: object, reason: str, way_out: str, table: str = "supply_orders"
) -> Finding:
    return finding(
        "ORD004",
        table=table,
        column=column,
        value=value,
        reason=reason,
        way_out=way_out,
    )


def _filled(row: Mapping[str, Any]) -> Row:
    return {name: cell for name, cell in row.items() if cell is not None}
