"""One order or proposal that is edited: its rows, steps, dates, sizes and sources.

Every number comes from the provider that owns it: the time of a source, the size of an
order that brings a quantity, the step of a product. What cannot be is named in
findings, all of them; the edit changes nothing then.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import polars as pl

from medhavi.edits.order_rows import (
    KINDS,
    FirmStep,
    free_number,
    order_number,
    order_row,
    planned_steps,
    refuse,
)
from medhavi.edits.order_states import OrderFacts, OrderState, advance
from medhavi.findings import BadData, finding
from medhavi.providers import Providers
from medhavi.results.plans.plan import Plan
from medhavi.snapshot.patch import Patch
from medhavi.snapshot.reading.row_findings import nearest
from medhavi.units import exact, from_seconds, from_units, to_seconds

if TYPE_CHECKING:
    from collections.abc import Collection, Sequence

    from medhavi.edits.order_states import Verb
    from medhavi.providers.sources import Source

    Row = dict[str, Any]

_MOST_AHEAD = dt.timedelta(days=36_525)
_SUPPLY_KINDS = {order: supply for supply, order in KINDS.items()}


@dataclass(frozen=True, slots=True, kw_only=True)
class EditedPlan:
    """Orders and proposals of a plan.

    Parameters
    ----------
    plan
        The plan whose proposals are meant.
    providers
        Of the snapshot that was planned.
    taken
        Numbers of all orders that there ever were.
    """

    plan: Plan
    providers: Providers
    taken: frozenset[str] = frozenset()


@dataclass(frozen=True, slots=True, kw_only=True)
class EditedOrder:
    """One order that is edited.

    Parameters
    ----------
    row, stated
        As it is, or as the proposal is firmed; and in its state after the edit.
    supply
        Row of the plan of a proposal; None: the order is in the books.
    """

    orders: EditedPlan
    row: Row
    stated: Row
    supply: Mapping[str, Any] | None

    def replaced_by(self, rows: Sequence[Row]) -> Patch:
        """Further orders, whose numbers are free, in the place of this one."""
        base = self.row["supply_order"]
        taken = {*self.orders.taken}
        if self.supply is None:
            taken.add(base)
        numbered: list[Row] = []
        for row in rows:
            number = free_number(base, taken)
            taken.add(number)
            numbered.append({**row, "supply_order": number})
        patch = stated_rows(self.orders, numbered)
        if self.supply is not None:
            return patch
        snapshot, key = self.orders.providers.snapshot, {"supply_order": base}
        gone = Patch.removing(snapshot, "supply_orders", key)
        return patch.then(self._without_firmed_steps()).then(gone)

    def restated(self, row: Row, steps: Sequence[Row] = ()) -> Patch:
        """The order as it is after the edit; firmed times of its steps are new ones."""
        patch = stated_rows(self.orders, [row], steps)
        return (
            patch
            if self.supply is not None
            else self._without_firmed_steps().then(patch)
        )

    def _without_firmed_steps(self) -> Patch:
        """Steps run as firmed no more; what a schedule or the floor states stays."""
        rows = self.orders.providers.snapshot["supply_order_steps"]
        own = pl.col("supply_order") == self.row["supply_order"]
        firmed = rows.filter(own & (pl.col("status") == "firmed") & ~pl.col("locked"))
        if not firmed.height:
            return Patch()
        return Patch(
            deletes={"supply_order_steps": firmed.select("supply_order", "step")}
        )

    # ------------------------------------------------------------------------- steps
    def steps_on(self, resource: str) -> list[Row]:
        """Steps without times, those that can run on a resource there.

        Raises
        ------
        BadData
            No step of the order can run there.
        """
        choices: Mapping[int, Collection[str]] = {}
        if self.row["kind"] == "work" and self.row.get("source"):
            choices = self.orders.providers.capacity.choices(self.row["source"])
        if not any(resource in names for names in choices.values()):
            known = {name for names in choices.values() for name in names}
            others = ", ".join(sorted(known)) or "no resource"
            reason = "no step of the order can run there"
            refuse("resource", resource, reason, f"It can run on {others}.")
        number = self.row["supply_order"]
        rows = self.orders.providers.snapshot["supply_order_steps"]
        kept = rows.filter(pl.col("supply_order") == number).to_dicts()
        if self.supply is not None:
            kept = planned_steps(self.orders.plan, self.supply["id"], self.stated)
        known_resources = {row["step"]: row["resource"] for row in kept}
        return [
            {
                "supply_order": number,
                "step": step,
                "status": self.stated["status"],
                "resource": resource
                if resource in names
                else known_resources.get(step),
            }
            for step, names in choices.items()
            if resource in names or known_resources.get(step)
        ]

    def pinned(self, steps: Sequence[str]) -> Patch:
        """The order with these steps; its dates move as its first and last one do.

        Raises
        ------
        BadData
            A step is not readable, is lacking or not of its routing, or cannot be so.
        """
        choices: Mapping[int, Collection[str]] = {}
        if self.row["kind"] == "work" and self.row.get("source"):
            choices = self.orders.providers.capacity.choices(self.row["source"])
        found = sorted(map(_pin, steps))
        now = from_seconds(int(self.orders.providers.snapshot.as_of))
        for one in found:
            if one.resource not in choices.get(one.step, ()):
                others = ", ".join(choices.get(one.step, ())) or "no resource"
                reason = f"step {one.step} cannot run there"
                refuse("steps", one.resource, reason, f"It can run on {others}.")
            if not now <= one.start <= one.finish:
                earliest = self._told(now)
                reason = f"step {one.step} must begin at {earliest} or later, then end"
                way_out = "Schedule the newest plan."
                refuse("steps", self._told(one.start), reason, way_out)
        own = self.row["supply_order"] if self.supply is None else self.supply["id"]
        known = self.orders.plan.operations.filter(
            pl.col("supply") == own, pl.col("step").is_in([one.step for one in found])
        )
        first: Any = min(one.start for one in found)
        last: Any = max(one.finish for one in found)
        row = {**self.stated, "due": self.row["due"] + (last - known["finish"].max())}
        if "start" in row:
            row["start"] = max(now, row["start"] + (first - known["start"].min()))
        order = {"supply_order": row["supply_order"], "status": row["status"]}
        return self.restated(row, [{**order, **one._asdict()} for one in found])

    # ------------------------------------------------------------------------- dates
    def _told(self, moment: dt.datetime) -> str:
        """Instant in the zone of the place of the order."""
        days = self.orders.providers.snapshot.local_days
        return days.written(moment, location=self.row["location"])

    def dates(self, due: dt.datetime | None, start: dt.datetime | None) -> Row:
        """Start and due date of the moved order."""
        now = from_seconds(int(self.orders.providers.snapshot.as_of))
        for name, moment in (("due", due), ("start", start)):
            if moment is not None and moment < now:
                way_out = f"Choose {self._told(now)} or later."
                refuse(name, self._told(moment), "before now", way_out)
            if moment is not None and moment - now > _MOST_AHEAD:
                reason = "more than 100 years from now"
                refuse(name, self._told(moment), reason, "Correct the year.")
        if due is not None and start is not None:
            if start > due:
                reason = f"after due {self._told(due)}"
                way_out = "Let it start before it is due."
                refuse("start", self._told(start), reason, way_out)
            return {"start": start, "due": due}
        return self._followed(due, start)

    def _followed(self, due: Any, start: Any) -> Row:
        """Derive the other date from the lead time of the source."""
        old_start, old_due = self.row.get("start"), self.row["due"]
        source = self._source()
        units = 0 if source is None else self._open_units(source)
        if start is not None:
            timing = source.clock.earliest(to_seconds(start), units) if source else None
            span = old_due - (old_start or old_due)
            due = start + span if timing is None else from_seconds(timing.finish)
            return {"start": start, "due": due}
        if old_start is None:
            # Its start has followed its due date before, and goes on to do so.
            return {"due": due}
        timing = source.clock.latest(to_seconds(due), units) if source else None
        if timing is None:
            return {"start": due - (old_due - old_start), "due": due}
        return {"start": from_seconds(timing.start), "due": due}

    def _open_units(self, source: Source) -> int:
        open_qty = exact(self.row["qty"]) - exact(self.row.get("qty_done") or 0.0)
        return int(open_qty / source.step)

    # -------------------------------------------------------------------- quantities
    def quantity(self, name: str, qty: float) -> float:
        """Quantity that an order can have.

        Raises
        ------
        BadData
            It is not above zero, or no multiple of the smallest quantity.
        """
        if not 0 < qty < float("inf"):
            way_out = "Cancel an order instead."
            refuse(name, f"{qty:g}", "not above zero", way_out)
        source, facts = self._source(), self.orders.providers.facts
        step = source.step if source else facts.step(self.row["product"])
        if (exact(qty) / step).denominator != 1:
            reason = f"no multiple of {float(step):g}"
            way_out = "Use the smallest quantity of the product (products.qty_step)."
            refuse(name, f"{qty:g}", reason, way_out)
        return qty

    def size_at(self, source: Source) -> float:
        """Size of an order that brings as much from another source."""
        providers, good = self.orders.providers, self._good()
        if source.kind != "make":
            return from_units(good, providers.facts.step(self.row["product"]))
        recipe = providers.recipes.recipe(source.source)
        gain = recipe.gain(source.product, source.location) or recipe.main
        at = to_seconds(self.row["due"])
        return from_units(gain.order_steps_for(good, at), source.step)

    def _good(self) -> int:
        """What the order brings [units of the product]."""
        providers, source = self.orders.providers, self._source()
        step = providers.facts.step(self.row["product"])
        if self.row["kind"] == "work" and self.supply is not None:
            return int(exact(self.supply["qty"]) / step)
        if self.row["kind"] != "work" or source is None:
            return int(exact(self.row["qty"]) / step)
        recipe = providers.recipes.recipe(source.source)
        gain = recipe.gain(source.product, source.location) or recipe.main
        size = int(exact(self.row["qty"]) / source.step)
        return gain.good_steps(size, to_seconds(self.row["due"]))

    # ----------------------------------------------------------------------- sources
    def _source(self) -> Source | None:
        name = self.row.get("source")
        if not name:
            return None
        sourcing = self.orders.providers.sourcing
        return sourcing.source_of(self.row["kind"], name, *self._place)

    def source_named(self, wanted: str) -> Source:
        """Source of the product at the place, of its own kind first."""
        sourcing = self.orders.providers.sourcing
        own = _SUPPLY_KINDS[self.row["kind"]]
        for kind in (own, *(other for other in KINDS if other != own)):
            found = sourcing.source_of(kind, wanted, *self._place)
            if found is not None:
                return found
        known = [source.source for source in sourcing.sources(*self._place)]
        product, location = self._place
        raise BadData(
            [
                finding(
                    "ORD005",
                    table="supply_orders",
                    column="source",
                    value=wanted,
                    product=product,
                    location=location,
                    known=", ".join(dict.fromkeys(known)) or "none",
                )
            ]
        )

    @property
    def _place(self) -> tuple[str, str]:
        return self.row["product"], self.row["location"]


def edited_order(
    orders: EditedPlan,
    supply: str,
    verb: Verb,
    *,
    lock: bool = True,
    dated: bool = True,
    qty: float | None = None,
) -> EditedOrder:
    """Order or proposal, in its state after a verb.

    Parameters
    ----------
    dated
        The edit states a date; else an order is as free to move as it was.

    Raises
    ------
    BadData
        It is not there; its state or a guard refuses.
    """
    snapshot = orders.providers.snapshot
    known = snapshot["supply_orders"]
    rows = known.filter(known["supply_order"] == supply).to_dicts()
    proposal = None if rows else _proposal(orders.plan, supply)
    if proposal is None:
        row = {name: cell for name, cell in rows[0].items() if cell is not None}
    else:
        row = _firmed(orders, proposal, lock=lock)
    steps = snapshot["supply_order_steps"]
    is_locked = (steps["supply_order"] == row["supply_order"]) & steps["locked"]
    facts = OrderFacts(
        order=supply,
        state=OrderState(row["status"] if proposal is None else "planned"),
        qty=row["qty"],
        qty_done=row.get("qty_done") or 0.0,
        wanted_qty=qty,
        locked_steps=steps.filter(is_locked).height,
    )
    state, refusal = advance(facts, verb)
    if refusal is not None:
        raise BadData([refusal])
    stated = {**row, "status": str(state)}
    if state is OrderState.FIRMED and (dated or proposal is not None):
        stated["locked"] = lock
    return EditedOrder(orders=orders, row=row, stated=stated, supply=proposal)


def _proposal(plan: Plan, supply: str) -> Row:
    rows = plan.supplies.filter(plan.supplies["id"] == supply).to_dicts()
    if rows and rows[0]["order_qty"] is not None:
        return rows[0]
    near = nearest(supply, plan.supplies["id"].to_list())
    raise BadData(
        [
            finding(
                "ORD003", table="supplies", column="supply", value=supply, nearest=near
            )
        ]
    )


def _firmed(orders: EditedPlan, proposal: Row, *, lock: bool) -> Row:
    number = order_number(KINDS[proposal["kind"]], proposal, orders.taken)
    demand = None
    if orders.providers.facts.make_to_order(proposal["product"]):
        pegs = orders.plan.pegging
        served = pegs.filter(pegs["supply"] == proposal["id"])["demand"].unique()
        demand = served[0] if served.len() == 1 else None
    return order_row(proposal, number, locked=lock, demand=demand)


def _pin(text: str) -> FirmStep:
    try:
        return FirmStep.of(text)
    except ValueError:
        way_out = "Write it as '10 FILL-1 2026-12-04T06:00Z 2026-12-04T09:00Z'."
        refuse("steps", text, "not a step, a resource and two instants", way_out)


def stated_rows(
    orders: EditedPlan, rows: Sequence[Row], steps: Sequence[Row] = ()
) -> Patch:
    """Orders, and steps of them, as they are after an edit."""
    tables = {"supply_orders": rows, "supply_order_steps": steps}
    return Patch.of(orders.providers.snapshot, tables)
