"""What the checks of a plan ask of plan and snapshot, prepared once.

Nothing here comes from planners or providers: a second, slower reading of the tables is
the point of the check. Instants are UTC seconds in columns that end in `_s`.

What is broken in a snapshot binds a plan that can be carried out: a lot on hold is not
there, a blocked lane does not depart, a late supplier needs longer for what is ordered
while it is late, a resource that is down has fewer units.
"""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass
from functools import cached_property, wraps
from typing import TYPE_CHECKING, Any

import numpy as np
import polars as pl

from medhavi.findings import finding
from medhavi.results.exceptions import ExceptionCode
from medhavi.results.plans.plan import Plan
from medhavi.results.verify.wall_clock import WallClock, touched_time
from medhavi.snapshot import Snapshot
from medhavi.units import ALWAYS, NEVER, iso

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from medhavi.findings import Finding


INSTANTS = ("moment", "start", "due", "limit", "expected", "planned")


def faults(
    code: str,
    table: str,
    rows: pl.DataFrame | Sequence[Mapping[str, object]],
    *cells: str | pl.Expr,
    column: str | None = None,
    **named: str | pl.Expr,
) -> list[Finding]:
    """Make a finding of every row.

    Cell `value` names the thing; the others fill the template of the code. Whole
    numbers in the cells of `INSTANTS` are UTC seconds and become ISO text.

    Parameters
    ----------
    cells, named
        Columns of the rows that are told, under other names; none: all of them.
    """
    if not len(rows):
        return []
    told = rows if isinstance(rows, pl.DataFrame) else pl.DataFrame(rows)
    if cells or named:
        told = told.select(*cells, **named)
    found = []
    for row in told.iter_rows(named=True):
        fields: dict[str, Any] = {key: _text(key, cell) for key, cell in row.items()}
        found.append(finding(code, table=table, column=column, **fields))
    return found


def _text(key: str, cell: object) -> object:
    return iso(cell) if key in INSTANTS and isinstance(cell, int) else cell


def late_forecasts(snapshot: Snapshot) -> list[str]:
    """List the forecasts whose policy says that they are needed at the end.

    The policy of the product goes before those of the groups above it and of `*`; of
    one product that of the location before `*`.
    """
    policies = snapshot["forecast_policies"].select("product", "location", "need")
    if policies.filter(pl.col("need") == "end").is_empty():
        return []
    said = {(row[0], row[1]): row[2] for row in policies.iter_rows()}
    above = dict(snapshot["products"].select("product", "parent").iter_rows())
    wanted = snapshot["demands"].filter(pl.col("kind") == "forecast")
    found = []
    for demand, product, location in wanted.select(
        "demand", "product", "location"
    ).iter_rows():
        names, name = [], product
        while name is not None and name not in names:
            names.append(name)
            name = above.get(name)
        keys = [(one, place) for one in (*names, "*") for place in (location, "*")]
        stated = [said[key] for key in keys if key in said]
        if stated and stated[0] == "end":
            found.append(demand)
    return found


TOLERANCE = 1e-6
"""Quantities that differ by less are equal: sums of decimals in binary."""

SECONDS = 2
"""Durations may differ by the rounding of their parts to whole seconds."""

ACTIVE = ("firmed", "released", "in_process")
"""States in which an existing order is still to come."""

KINDS = {"purchase": "buy", "work": "make", "transfer": "move"}
PLACE = ("product", "location")


@dataclass(frozen=True)
class Facts:
    """A plan and its snapshot, with the views that several checks share."""

    plan: Plan
    snapshot: Snapshot

    @cached_property
    def known(self) -> dict[object, pl.DataFrame]:
        """Tables that were worked out `once`, by their functions."""
        return {}

    @property
    def mode(self) -> str:
        """Mode in which the plan was made."""
        return self.plan.run.mode

    @property
    def as_of(self) -> int:
        """Now of the plan [UTC seconds]."""
        return self.snapshot.as_of

    @cached_property
    def clock(self) -> WallClock:
        """Own calendars over the time that the plan touches."""
        told = [
            self.plan.supplies.select(
                pl.col("start", "finish", "departure").dt.epoch("s")
            ),
            self.plan.operations.select(pl.col("start", "finish").dt.epoch("s")),
        ]
        moments = [
            (one.drop_nulls() if one.null_count() else one).to_numpy()
            for frame in told
            for one in frame.iter_columns()
        ]
        return WallClock(
            self.snapshot, touched_time(np.concatenate([[self.as_of], *moments]))
        )

    @cached_property
    def steps_of_products(self) -> pl.DataFrame:
        """Smallest quantity of each product: columns product, step_qty."""
        return self.snapshot["products"].select(
            "product",
            pl.coalesce(
                "qty_step", pl.when(pl.col("uom") == "each").then(1.0).otherwise(0.001)
            ).alias("step_qty"),
        )

    @property
    def overtime_s(self) -> pl.Expr:
        """Overtime of a resource after each day of its work [s]: mode optimize's."""
        minutes = pl.when(
            (pl.lit(self.mode) == "optimize")
            & pl.col("finite")
            & pl.col("bucket").is_null()
        ).then("overtime_minutes_per_day")
        return (minutes.fill_null(0.0) * 60).cast(pl.Int64).alias("overtime_s")

    @cached_property
    def named_resources(self) -> pl.DataFrame:
        """Each resource under its own name and its pool's: columns resource, named."""
        resources = self.snapshot["resources"]
        own = resources.select("resource", pl.col("resource").alias("named"))
        pools = resources.filter(pl.col("pool").is_not_null())
        return pl.concat([own, pools.select("resource", pl.col("pool").alias("named"))])

    @cached_property
    def routing_numbers(self) -> pl.DataFrame:
        """Number of each routing, compared faster than its text: source, routing."""
        return self.snapshot["routings"].select(
            source="routing", routing=pl.int_range(pl.len(), dtype=pl.Int64)
        )

    @cached_property
    def predecessors(self) -> pl.DataFrame:
        """All steps that come before a step, near or far: source, step, earlier."""
        steps = self.snapshot["steps"]
        links = self.snapshot["step_links"]
        linked = links["routing"].unique().to_list()
        by_sequence = steps.filter(~pl.col("routing").is_in(linked)).select(
            pl.col("routing").alias("source"), "step", "sequence"
        )
        pairs = (
            by_sequence.join(by_sequence, on="source", suffix="_earlier")
            .filter(pl.col("sequence_earlier") < pl.col("sequence"))
            .select("source", "step", pl.col("step_earlier").alias("earlier"))
        )
        closed = [
            (str(routing), step, earlier)
            for (routing,), frame in links.group_by("routing", maintain_order=True)
            for step, earlier in _closure(
                list(frame.select("step", "after").iter_rows())
            )
        ]
        far = pl.DataFrame(closed, schema=pairs.schema, orient="row")
        return pl.concat([pairs, far])

    @cached_property
    def open_orders(self) -> pl.DataFrame:
        """Existing orders that are still to come; `rest` in the order's own unit.

        A part of a step never comes: what is open is rounded down, as lots are. Where
        the times of a step are locked, so are the dates of its order.
        """
        pinned = self.snapshot["supply_order_steps"].filter("locked")["supply_order"]
        rest = (pl.col("qty") - pl.col("qty_done")).clip(lower_bound=0.0)
        made = (
            self.snapshot["routings"]
            .lazy()
            .select(
                pl.col("routing").alias("source"), pl.col("product").alias("counted")
            )
        )
        steps = self.steps_of_products.lazy().rename({"product": "counted"})
        return (
            self.snapshot["supply_orders"]
            .lazy()
            .filter(pl.col("status").is_in(ACTIVE))
            .join(made, on="source", how="left", maintain_order="left")
            .with_columns(
                pl.when(pl.col("kind") == "work")
                .then(pl.coalesce("counted", "product"))
                .otherwise("product")
                .alias("counted")
            )
            .join(steps, on="counted", how="left", maintain_order="left")
            .with_columns(step_qty=pl.col("step_qty").fill_null(1.0))
            .with_columns(
                (whole_down(rest / pl.col("step_qty")) * pl.col("step_qty")).alias(
                    "rest"
                ),
                pl.col("kind").replace_strict(KINDS).alias("kind"),
                pl.col("locked") | pl.col("supply_order").is_in(pinned.implode()),
                seconds("start"),
                seconds("due"),
            )
            .drop("counted", "step_qty")
            .collect(engine="in-memory")
        )

    @cached_property
    def supplies(self) -> pl.DataFrame:
        """Supplies with `order` (id of the order), `main`, `existing`, seconds.

        A co-product's row carries the id of its order, a bar and its product.
        """
        rows = self.plan.supplies.with_columns(
            seconds("start"), seconds("finish"), seconds("departure")
        )
        known = rows.filter(pl.col("order_qty").is_not_null())["id"].implode()
        of_product = pl.col("id").str.strip_suffix(pl.format("|{}", "product"))
        order = pl.when(pl.col("order_qty").is_null() & of_product.is_in(known))
        existing = self.open_orders["supply_order"].to_list()
        return rows.with_columns(
            order=order.then(of_product).otherwise("id")
        ).with_columns(
            main=pl.col("id") == pl.col("order"),
            existing=pl.col("order").is_in(existing),
        )

    @cached_property
    def new_orders(self) -> pl.DataFrame:
        """Supplies that the plan proposes, a row an order."""
        return self.supplies.filter(pl.col("main") & ~pl.col("existing"))

    @cached_property
    def step_windows(self) -> pl.DataFrame:
        """Begin and end of each step of each order: supply, step, begin_s, end_s."""
        return (
            self.plan.operations.group_by("supply", "step")
            .agg(pl.col("start").min(), pl.col("finish").max())
            .select(
                "supply",
                "step",
                pl.col("start").dt.epoch("s").alias("begin_s"),
                pl.col("finish").dt.epoch("s").alias("end_s"),
            )
        )

    @cached_property
    def demands(self) -> pl.DataFrame:
        """Demands with due in seconds and the quantity rounded up to its step.

        A forecast is due when its period ends, where its policy says so.
        """
        step = pl.col("step_qty").fill_null(1.0)
        period_end = pl.col("period_end_s").fill_null(pl.col("due_s") + 86_400)
        at_end = pl.col("demand").is_in(late_forecasts(self.snapshot))
        return (
            self.snapshot["demands"]
            .with_columns(seconds("due"), seconds("period_end"))
            .with_columns(due_s=pl.when(at_end).then(period_end).otherwise("due_s"))
            .join(self.steps_of_products, on="product", how="left")
            .with_columns((whole_up(pl.col("qty") / step) * step).alias("wanted"))
        )

    @cached_property
    def unsourced(self) -> pl.DataFrame:
        """What a plan takes though nothing supplies it, as its exceptions say.

        Mode mrp: whatever has no source. Other modes only what nobody can change any
        more: material of orders whose dates are fixed, and stock below zero.
        Columns demand, supply, product, location, instant_s, qty; `supply` is the order
        that takes it, empty where the demand itself does.
        """
        fixed = self.open_orders.filter(
            pl.col("locked").fill_null(pl.col("status") != "firmed")
        )["supply_order"]
        code = pl.col("code")
        beyond_change = (code == ExceptionCode.NEGATIVE_STOCK) | (
            (code == ExceptionCode.MISSING_MATERIAL)
            & (pl.col("supply").is_in(fixed.to_list()) | self._stands)
        )
        rows = self.plan.exceptions.filter(
            ((code == ExceptionCode.NO_SOURCE) if self.mode == "mrp" else beyond_change)
            & pl.col("qty").is_not_null()
            & pl.col("date").is_not_null()
        )
        pegged = (
            self.plan.pegging.filter(pl.col("level") == 0)
            .group_by("demand")
            .agg(pl.col("qty").sum().alias("pegged"))
        )
        # A demand that is left short takes nothing, though its need has no source.
        room = (
            self.plan.fulfilment.join(pegged, on="demand", how="left")
            .select("demand", room=pl.col("planned") - pl.col("pegged").fill_null(0.0))
            .with_columns(pl.col("room").clip(lower_bound=0.0))
        )
        # Neither an order nor a demand takes it: stock below zero that is made up.
        own = pl.col("supply").is_null() & pl.col("demand").is_not_null()
        total = pl.col("qty").sum().over("demand", own)
        share = (pl.col("room") / total).clip(upper_bound=1.0).fill_null(0.0)
        return rows.join(room, on="demand", how="left").select(
            "demand",
            "supply",
            "product",
            "location",
            pl.col("date").dt.epoch("s").alias("instant_s"),
            qty=pl.when(own).then(pl.col("qty") * share).otherwise("qty"),
        )

    @cached_property
    def downtimes(self) -> dict[str, list[tuple[int, int, float]]]:
        """When each resource is down, where plans obey that; see `outages`."""
        return outages(self.snapshot) if self.mode in OBEYING else {}

    @cached_property
    def lane_blocks(self) -> dict[str, list[tuple[int, int, float]]]:
        """When each lane is blocked, in part or whole; see `outages`."""
        return outages(self.snapshot, "lane_blocked")

    @cached_property
    def unit_windows(self) -> dict[str, list[tuple[int, int, float]]]:
        """Units of a resource by time, 0 while it is cleaned: from, to [s], units."""
        stated = self.snapshot["resource_units"].filter(pl.col("units").is_not_null())
        cleaned = self.snapshot["cleaning_windows"].with_columns(units=pl.lit(0.0))
        found: dict[str, list[tuple[int, int, float]]] = {}
        # Of two windows at a time the later row counts: cleaning comes last.
        for rows in (stated, cleaned):
            for resource, *window in (
                rows.with_columns(*validity())
                .select("resource", "valid_from_s", "valid_to_s", "units")
                .iter_rows()
            ):
                begin, end, units = window
                found.setdefault(resource, []).append((begin, end, units))
        return found

    @cached_property
    def place_calendars(self) -> dict[str, str | None]:
        """Calendar of each location."""
        rows = self.snapshot["locations"].select("location", "calendar")
        return dict(rows.iter_rows())

    @cached_property
    def quality_ranks(self) -> dict[str, int]:
        """Ranks of settings.quality_classes, best first."""
        classes = self.snapshot["settings"]["quality_classes"].explode().drop_nulls()
        return {name: rank for rank, name in enumerate(classes)}

    @property
    def _stands(self) -> pl.Expr:
        """Whether a row names an order that exists: its quantity is kept."""
        existing = self.open_orders["supply_order"].to_list()
        return pl.lit(self.mode != "mrp") & pl.col("supply").is_in(existing)

    @cached_property
    def awaited(self) -> pl.DataFrame:
        """What orders that stand take before it is there, as the exceptions say.

        In mode mrp every order that exists stands, in others some do.

        Columns product, location, qty, use_s and there_s.
        """
        existing = self.open_orders["supply_order"].to_list()
        rows = self.plan.exceptions.filter(
            (pl.col("code") == ExceptionCode.AWAITS_COMPONENT)
            # Without an order: stock below zero.
            & pl.col("supply").is_in(existing).fill_null(value=True)
            & pl.col("qty").is_not_null()
        )
        return rows.select(
            *PLACE,
            "qty",
            pl.col("date").dt.epoch("s").alias("use_s"),
            pl.col("suggested_date").dt.epoch("s").alias("there_s"),
        ).drop_nulls()

    @cached_property
    def brought_forward(self) -> pl.DataFrame:
        """When mode mrp counts existing orders that come too late: supply, usable_s."""
        rows = self.plan.exceptions.filter(
            (pl.col("code") == ExceptionCode.BRING_FORWARD)
            & pl.lit(self.mode == "mrp")
            & pl.col("supply").is_not_null()
        )
        return rows.group_by("supply").agg(
            pl.col("suggested_date").min().dt.epoch("s").alias("usable_s")
        )

    @cached_property
    def unlimited(self) -> pl.DataFrame:
        """Places whose product is always there: columns product, location."""
        return self.snapshot["inventory_policies"].filter("unlimited").select(PLACE)

    @cached_property
    def exceptions(self) -> dict[str, set[str]]:
        """Ids that the plan itself excepts: code → supplies and demands."""
        found: dict[str, set[str]] = {}
        columns = ("code", "supply", "demand")
        for code, supply, demand in self.plan.exceptions.select(columns).iter_rows():
            named = found.setdefault(code, set())
            named.update(value for value in (supply, demand) if value)
        return found

    @cached_property
    def members(self) -> pl.DataFrame:
        """Each product under its own name and its group's: product, named."""
        products = self.snapshot["products"]
        own = products.select("product", pl.col("product").alias("named"))
        group = products.filter(pl.col("parent").is_not_null()).select(
            "product", pl.col("parent").alias("named")
        )
        return pl.concat([own, group])


def once(table: Callable[[Facts], pl.DataFrame]) -> Callable[[Facts], pl.DataFrame]:
    """Compute a table once, shared by all checks of a plan."""

    @wraps(table)
    def shared(facts: Facts) -> pl.DataFrame:
        if table not in facts.known:
            facts.known[table] = table(facts)
        return facts.known[table]

    return shared


def whole_up(ratio: pl.Expr) -> pl.Expr:
    """Round up to whole steps; binary noise of exact decimals adds none."""
    return (ratio - _noise(ratio)).ceil()


def whole_down(ratio: pl.Expr) -> pl.Expr:
    """Round down to whole steps; binary noise of exact decimals loses none."""
    return (ratio + _noise(ratio)).floor()


def _noise(ratio: pl.Expr) -> pl.Expr:
    """Bound the error of a few products and quotients; far below one step."""
    return 1e-9 + 1e-13 * ratio.abs()


def seconds(column: str) -> pl.Expr:
    """Instant column as UTC seconds under the name `<column>_s`."""
    return pl.col(column).dt.epoch("s").alias(f"{column}_s")


def valid_at(moment: str) -> pl.Expr:
    """Whether the window of a row, as `validity` has it, holds an instant [UTC s]."""
    instant = pl.col(moment)
    return (pl.col("valid_from_s") <= instant) & (instant < pl.col("valid_to_s"))


def validity() -> tuple[pl.Expr, pl.Expr]:
    """Open windows as seconds: valid_from_s and valid_to_s without nulls."""
    return (
        pl.col("valid_from").dt.epoch("s").fill_null(ALWAYS).alias("valid_from_s"),
        pl.col("valid_to").dt.epoch("s").fill_null(NEVER).alias("valid_to_s"),
    )


OBEYING = ("constrained", "optimize")
"""Modes whose plans are checked against the tables as disruptions leave them."""
LAST = dt.datetime(9999, 1, 1, tzinfo=dt.UTC)


def disrupted(snapshot: Snapshot) -> Snapshot:
    """Snapshot with disruptions of lots and lanes in its tables."""
    events = snapshot["disruptions"].to_dicts()
    by_kind: dict[str, list[dict[str, Any]]] = {}
    for event in events:
        by_kind.setdefault(event["kind"], []).append(event)
    changed: dict[str, pl.DataFrame] = {}
    if "lot_held" in by_kind:
        now = snapshot["settings"]["as_of"][0]
        lots = [
            event["subject"].split("|")
            for event in by_kind["lot_held"]
            if event["valid_to"] is None or event["valid_to"] > now
        ]
        changed["stock"] = _without(snapshot["stock"], lots)
    blocked = [e for e in by_kind.get("lane_blocked", ()) if e["severity"] >= 1]
    if blocked:
        shut = [
            {
                "lane": event["subject"],
                "valid_from": event["valid_from"],
                "valid_to": event["valid_to"] or LAST,
            }
            for event in blocked
        ]
        known = snapshot["lane_blackouts"]
        rows = pl.DataFrame(shut, schema_overrides=known.schema)
        changed["lane_blackouts"] = pl.concat([known, rows], how="diagonal")
    return snapshot.replace(**changed) if changed else snapshot


def _without(stock: pl.DataFrame, lots: list[list[str]]) -> pl.DataFrame:
    names = {tuple(lot) for lot in lots}
    free = [
        row not in names for row in stock.select("product", "location", "lot").rows()
    ]
    return stock.filter(pl.Series(free, dtype=pl.Boolean))


def delay_days(
    snapshot: Snapshot, suppliers: pl.Series, ordered: pl.Series
) -> pl.Series:
    """How much longer orders take for a supplier that is late then [days].

    Parameters
    ----------
    suppliers, ordered
        Per order its supplier, and the instant at which it is placed [UTC seconds].
    """
    rows = snapshot["disruptions"].filter(pl.col("kind") == "supplier_delay")
    orders = pl.DataFrame({"supplier": suppliers, "ordered": ordered})
    days = pl.lit(0.0)
    for subject, begin, end, late in rows.select(
        "subject", seconds("valid_from"), seconds("valid_to"), "delay_days"
    ).iter_rows():
        inside = pl.col("ordered").is_between(begin, end or NEVER, closed="left")
        named = pl.col("supplier") == subject
        days += pl.when(named & inside).then(late).otherwise(0.0)
    return orders.with_columns(days=days)["days"]


def outages(
    snapshot: Snapshot, kind: str = "resource_down"
) -> dict[str, list[tuple[int, int, float]]]:
    """When each resource is down, or lane blocked: from, to [s], how much of it."""
    rows = snapshot["disruptions"].filter(pl.col("kind") == kind)
    found: dict[str, list[tuple[int, int, float]]] = {}
    for subject, begin, end, severity in rows.select(
        "subject", seconds("valid_from"), seconds("valid_to"), "severity"
    ).iter_rows():
        until = NEVER if end is None else end
        found.setdefault(subject, []).append((begin, until, severity))
    return found


def _closure(links: list[tuple[int, int]]) -> list[tuple[int, int]]:
    direct: dict[int, set[int]] = {}
    for step, after in links:
        direct.setdefault(step, set()).add(after)
    found: list[tuple[int, int]] = []
    for step, nearest in direct.items():
        seen: set[int] = set()
        open_steps = list(nearest)
        while open_steps:
            earlier = open_steps.pop()
            if earlier not in seen:
                seen.add(earlier)
                open_steps.extend(direct.get(earlier, ()))
        found += [(step, earlier) for earlier in sorted(seen)]
    return found
