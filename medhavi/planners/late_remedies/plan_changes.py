"""What could be changed for a late demand: rows of tables by what it waits for."""

from __future__ import annotations

import calendar
import math
from dataclasses import dataclass
from typing import TYPE_CHECKING

import polars as pl

from medhavi.edits.remedy_changes import (
    Proposal,
    WaitingScope,
    earlier_order,
    ended_disruptions,
    extra_departure,
    faster_supplier,
    one_unit_more,
    other_resources,
    proposal,
    rows_of_faster,
)
from medhavi.providers.finite_capacity.occupancy import overtime_rate
from medhavi.results.limiter import Limiter, RemedyKind
from medhavi.units import DAY, HOUR, from_seconds, from_units, to_seconds, units_up

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from medhavi.providers import Providers
    from medhavi.results.plans.plan import Plan
    from medhavi.snapshot import Snapshot

    Row = dict[str, object]


@dataclass(frozen=True, slots=True, kw_only=True)
class Reason:
    """One reason of late demands, and the demand that pays most for it.

    `begin` and `end` span the waiting of all demands with this reason [UTC seconds],
    `money` is what they pay for it, `late` how late `demand` is [s].
    """

    demand: str
    code: Limiter
    subject: str
    begin: int | None
    end: int | None
    money: float
    late: int


def reasons(plan: Plan, demand: str | None = None) -> list[Reason]:
    """Collect the reasons of one demand, or of all late ones, the dearest first.

    Parameters
    ----------
    plan
        With table `causes`.
    demand
        Only this one; None: demands with the same code and subject are put together.
    """
    causes = plan.causes
    if demand is not None:
        causes = causes.filter(pl.col("demand") == demand)
    late = dict(plan.fulfilment.select("demand", "lateness_h").iter_rows())
    groups: dict[tuple[str, str], list[dict[str, object]]] = {}
    for row in causes.sort("money", "demand", descending=[True, False]).to_dicts():
        groups.setdefault((row["code"], row["subject"]), []).append(row)
    found = []
    for (code, subject), rows in groups.items():
        begins = [to_seconds(r["valid_from"]) for r in rows if r["valid_from"]]  # type: ignore[arg-type]
        ends = [to_seconds(r["valid_to"]) for r in rows if r["valid_to"]]  # type: ignore[arg-type]
        first = str(rows[0]["demand"])
        found.append(
            Reason(
                demand=first,
                code=Limiter(code),
                subject=subject,
                begin=min(begins, default=None),
                end=max(ends, default=None),
                money=sum(float(str(r["money"])) for r in rows),
                late=round(3600 * float(late.get(first) or 0.0)),
            )
        )
    return sorted(found, key=lambda one: (-one.money, one.code, one.subject))


def orders_behind(plan: Plan, demand: str) -> pl.DataFrame:
    """New and existing orders that a demand is pegged to, with `pegged`."""
    return _pegged_to(plan, [demand])


def orders_beside(plan: Plan, demand: str) -> pl.DataFrame:
    """Orders behind all demands that share an order with this one.

    What a shared order lacks may be pegged to the other demand, and this one waits too.
    `pegged` is what they get in sum.
    """
    own = plan.pegging.filter(pl.col("demand") == demand)["supply"].unique()
    shared = plan.pegging.filter(pl.col("supply").is_in(own.to_list()))["demand"]
    return _pegged_to(plan, shared.unique().to_list())


def _pegged_to(plan: Plan, demands: list[str]) -> pl.DataFrame:
    pegs = (
        plan.pegging.filter(pl.col("demand").is_in(demands))
        .group_by("supply")
        .agg(pl.col("qty").sum().alias("pegged"))
    )
    return plan.supplies.join(pegs, left_on="id", right_on="supply").sort("id")


def others_in_the_way(plan: Plan, reason: Reason) -> list[tuple[str, float]]:
    """List demands whose orders hold the resource while it is waited for.

    Returns
    -------
    list of (demand, hours)
        The most hours first; the demand of the reason is not among them.
    """
    if reason.begin is None or reason.end is None:
        return []
    start = pl.lit(from_seconds(reason.begin))
    finish = pl.lit(from_seconds(reason.end))
    inside = plan.operations.filter(
        (pl.col("resource") == reason.subject)
        & (pl.col("start") < finish)
        & (pl.col("finish") > start)
    ).select(
        "supply",
        hours=(
            pl.min_horizontal("finish", finish) - pl.max_horizontal("start", start)
        ).dt.total_seconds()
        / 3600,
    )
    pegs = plan.pegging.select("demand", "supply").unique()
    held = (
        inside.join(pegs, on="supply")
        .filter(pl.col("demand") != reason.demand)
        .group_by("demand")
        .agg(pl.col("hours").sum())
    )
    return sorted(held.iter_rows(), key=lambda pair: (-pair[1], pair[0]))


EXPEDITED = 0.5
"""No supplier is asked for less than this share of its lead time."""
FIRST = 0
"""Priority above all (demands.priority)."""


class PlanChanges:
    """Gives the changes that may help against one reason.

    Parameters
    ----------
    snapshot, providers
        Tables of the plan and what is known from them.
    plan
        The plan with the late demands.
    """

    def __init__(self, snapshot: Snapshot, providers: Providers, plan: Plan) -> None:
        self._snapshot = snapshot
        self._providers = providers
        self._plan = plan

    def of(self, reason: Reason) -> Iterator[Proposal]:
        """Changes, the likeliest first."""
        yield from self._disruptions_ended(reason)
        if reason.code is Limiter.CAPACITY_SHORTFALL:
            yield from self._one_more(reason)
            yield from self._other_resource(reason)
            yield from self._smaller_lots(reason)
            yield from self._other_source(reason)
            yield from self._cut_in_two(reason)
            yield from self._others_later(reason)
            yield from self._first(reason)
        elif reason.code in {Limiter.LEAD_TIME, Limiter.MATERIAL_SHORTFALL}:
            yield from self._faster_supplier(reason)
            yield from self._more_transport(reason)
            yield from self._smaller_lots(reason)
            yield from self._other_source(reason)
            yield from self._cut_in_two(reason)
            yield from self._first(reason)
        elif reason.code is Limiter.NO_TRANSPORT_CAPACITY:
            yield from self._more_transport(reason)
            yield from self._other_source(reason)
            yield from self._first(reason)
        elif reason.code is Limiter.AWAITING_SUPPLY:
            yield from self._earlier_order(reason)
            yield from self._first(reason)
        elif reason.code is Limiter.RELEASE_FENCE:
            yield from self._no_fence(reason)
        if reason.code is Limiter.ORDER_RULE or not reason.late:
            # What is not delivered at all may be held back by a rule of its line.
            yield from self._no_rule(reason)

    def _rows(self, table: str, **cells: object) -> list[Row]:
        frame = self._snapshot[table]
        for name, value in cells.items():
            frame = frame.filter(pl.col(name).eq_missing(value))
        return frame.to_dicts()

    def _disruptions_ended(self, reason: Reason) -> Iterator[Proposal]:
        """End disruptions when their subject is waited for."""
        if self._snapshot["disruptions"].is_empty():
            return
        orders = self._binding_orders(reason)
        nodes = {tuple(reason.subject.split("|")[:2])}
        nodes |= set(orders.select("product", "location").iter_rows())
        resources = {reason.subject}
        if reason.code is not Limiter.CAPACITY_SHORTFALL:
            resources |= self._workers(reason, orders)
        since = self._snapshot.settings.as_of if reason.begin is None else reason.begin
        hindered = WaitingScope(since, reason.end, nodes, resources, {reason.subject})
        yield from ended_disruptions(self._snapshot, hindered)

    def _workers(self, reason: Reason, orders: pl.DataFrame) -> set[str]:
        """Resources of orders; of the routing itself where it makes none."""
        used = self._plan.operations.filter(
            pl.col("supply").is_in(orders["id"].to_list())
        )
        able = self._rows("step_resources", routing=reason.subject)
        named = used["resource"].to_list() or [str(row["resource"]) for row in able]
        return set(named)

    # ------------------------------------------------------------------- resources
    def _one_more(self, reason: Reason) -> Iterator[Proposal]:
        """Add one more unit of the resource while it is waited for."""
        found = self._rows("resources", resource=reason.subject)
        if not found or reason.begin is None or reason.end is None:
            return
        begin = max(reason.begin, self._snapshot.settings.as_of)
        # Begun where it waits now, the work ends that much earlier.
        waited = reason.end - reason.begin
        end = max(reason.end, self._worked_until(reason) - waited)
        if begin >= end:
            return
        row = found[0]
        working = self._providers.capacity.working_time(reason.subject)
        hours = working.between(begin, end) / HOUR
        price = hours * overtime_rate(row)  # type: ignore[arg-type]
        stated = self._rows("resource_units", resource=reason.subject)
        units = one_unit_more(row, stated, begin, end)
        text = (
            f"one more {reason.subject} from {_day(begin)} to {_day(end)}, "
            f"{hours:.1f} h"
        )
        yield proposal(RemedyKind.OVERTIME, text, price, resource_units=units)

    def _worked_until(self, reason: Reason) -> int:
        """When the resource ends its work for the demand, 0 where it has none."""
        orders = self._binding_orders(reason)["id"].to_list()
        ends = self._plan.operations.filter(
            pl.col("supply").is_in(orders) & (pl.col("resource") == reason.subject)
        )["finish"].to_list()
        return max((to_seconds(end) for end in ends), default=0)

    def _others_later(self, reason: Reason) -> Iterator[Proposal]:
        """Move the due date of what is in the way and not more important."""
        mine = self._rows("demands", demand=reason.demand)
        for demand, _ in others_in_the_way(self._plan, reason):
            row = self._rows("demands", demand=demand)[0]
            if not mine or _rank(row) < _rank(mine[0]):
                continue
            due = to_seconds(row["due"]) + reason.late  # type: ignore[arg-type]
            end = row["period_end"]
            changed = {**row, "due": from_seconds(due)}
            if end is not None:
                changed["period_end"] = from_seconds(to_seconds(end) + reason.late)  # type: ignore[arg-type]
            text = f"give {demand} until {_day(due)}"
            yield proposal(RemedyKind.LATER_DATE, text, 0.0, demands=[changed])
            return

    def _first(self, reason: Reason) -> Iterator[Proposal]:
        """Put the demand before all others."""
        for row in self._rows("demands", demand=reason.demand):
            if row["priority"] == FIRST:
                return
            text = f"put {reason.demand} before all others"
            first = {**row, "priority": FIRST}
            yield proposal(RemedyKind.SWAP, text, 0.0, demands=[first])

    def _other_resource(self, reason: Reason) -> Iterator[Proposal]:
        """Use another resource for the work too, the best proven one."""
        sources = dict(self._binding_orders(reason).select("id", "source").iter_rows())
        work = self._plan.operations.filter(
            pl.col("supply").is_in(list(sources))
            & (pl.col("resource") == reason.subject)
        )
        steps = {
            (sources[supply], step)
            for supply, step in work.select("supply", "step").iter_rows()
        }
        yield from other_resources(self._snapshot, reason.subject, steps, 1)

    # ----------------------------------------------------------------------- orders
    def _smaller_lots(self, reason: Reason) -> Iterator[Proposal]:
        """Split orders that make much more than the demand waits for."""
        orders = orders_behind(self._plan, reason.demand).filter(
            (pl.col("kind") == "make") & (pl.col("qty") > pl.col("pegged"))
        )
        if reason.code is Limiter.CAPACITY_SHORTFALL:
            orders = orders.filter(pl.col("id").is_in(self._users(reason.subject)))
        for order in orders.sort("qty", "id", descending=[True, False]).to_dicts():
            for row in self._rows("routings", routing=order["source"]):
                share = float(order["order_qty"] or order["qty"]) / float(order["qty"])
                lot = self._whole(max(float(order["pegged"]) * share, 1.0), row)
                low = min(float(str(row["min_lot"] or 0.0)), lot)
                changed = {**row, "min_lot": low, "max_lot": lot, "lot_multiple": 0.0}
                text = f"make at most {lot:g} at once by {row['routing']}"
                yield proposal(RemedyKind.SMALLER_LOT, text, 0.0, routings=[changed])
                return

    def _cut_in_two(self, reason: Reason) -> Iterator[Proposal]:
        """Split an order in halves over two routings."""
        orders = self._binding_orders(reason).filter(pl.col("kind") == "make")
        for order in orders.sort("qty", "id", descending=[True, False]).to_dicts():
            known = self._providers.sourcing.sources(
                order["product"], order["location"]
            )
            makes = {source.source for source in known if source.kind == "make"}
            if order["source"] not in makes or len(makes) == 1:
                continue
            for row in self._rows("routings", routing=order["source"]):
                half = float(order["order_qty"] or order["qty"]) / 2
                multiple = float(str(row["lot_multiple"] or 0.0))
                lot = (
                    math.ceil(half / multiple) * multiple
                    if multiple
                    else self._whole(half, row)
                )
                if not float(str(row["min_lot"] or 0.0)) <= lot < 2 * half:
                    continue
                text = f"make at most {lot:g} at once by {row['routing']}"
                cut = {**row, "max_lot": lot}
                yield proposal(RemedyKind.SMALLER_LOT, text, 0.0, routings=[cut])
                return

    def _whole(self, qty: float, routing: Row) -> float:
        """Raise a quantity to whole steps of what a routing makes."""
        step = self._providers.facts.step(str(routing["product"]))
        return from_units(units_up(qty, step), step)

    def _users(self, resource: str) -> list[str]:
        """Orders that work on a resource."""
        used = self._plan.operations.filter(pl.col("resource") == resource)
        return used["supply"].unique().to_list()

    def _binding_orders(self, reason: Reason) -> pl.DataFrame:
        """Orders behind a demand, or beside them, that use what binds."""
        plan = self._plan
        if reason.code is Limiter.CAPACITY_SHORTFALL:
            binding = pl.col("id").is_in(self._users(reason.subject))
        else:
            binding = pl.col("source") == reason.subject
        own = orders_behind(plan, reason.demand).filter(binding)
        return own if own.height else orders_beside(plan, reason.demand).filter(binding)

    def _other_source(self, reason: Reason) -> Iterator[Proposal]:
        """Prefer another source for the product that comes from what binds."""
        orders = self._binding_orders(reason)
        nodes = orders.select("product", "location", "kind", "source").unique()
        for product, location, kind, source in sorted(nodes.iter_rows()):
            known = self._providers.sourcing.sources(product, location)
            other = next(
                (s for s in known if (s.kind, s.source) != (kind, source)), None
            )
            if other is None:
                continue
            least = min(s.preference for s in known)
            rows = tuple(
                {
                    **dict.fromkeys(self._snapshot["sourcing"].columns),
                    **_stated(
                        self._rows("sourcing", product=product, location=location), s
                    ),
                    "product": product,
                    "location": location,
                    "kind": s.kind,
                    "source": s.source,
                    "preference": least - 1 if s is other else s.preference,
                }
                for s in known
            )
            text = f"get {product} at {location} from {other.source} first"
            yield proposal(RemedyKind.OTHER_SOURCE, text, 0.0, sourcing=rows)
            return

    def _faster_supplier(self, reason: Reason) -> Iterator[Proposal]:
        """Expedite the binding supplier as far as the due date needs."""
        orders = self._binding_orders(reason).filter(pl.col("kind") == "buy")
        bought = set(orders.select("product", "location").iter_rows())
        lead_times, days = self._providers.lead_times, reason.late / DAY
        found = [
            faster_supplier(row, str(row["product"]), lead_times, days, EXPEDITED)
            for row in self._rows("supply_terms", supplier=reason.subject)
            if (row["product"], row["location"]) in bought
        ]
        if found:
            products = ", ".join(sorted({str(one.row["product"]) for one in found}))
            saved = max(one.saved for one in found)
            text = f"{reason.subject} delivers {products} {saved:.1f} days earlier"
            yield Proposal(RemedyKind.EXPEDITE, text, rows_of_faster(found))

    def _earlier_order(self, reason: Reason) -> Iterator[Proposal]:
        """Bring the order forward that is waited for."""
        for row in self._rows("supply_orders", supply_order=reason.subject):
            yield earlier_order(row, reason.late, self._snapshot.settings.as_of)

    # --------------------------------------------------------------- rules and lanes
    def _more_transport(self, reason: Reason) -> Iterator[Proposal]:
        """Add a departure of the lane when the goods wait for the next one."""
        if reason.begin is None:
            return
        row = extra_departure(self._providers, reason.subject, reason.begin)
        if row is not None:
            day = calendar.day_name[row["weekday"] - 1]
            text = f"an extra departure of {reason.subject}, {day} {row['time']:%H:%M}"
            (lane,) = self._rows("lanes", lane=reason.subject)
            price = float(str(lane["fixed_cost"] or 0.0))
            yield proposal(RemedyKind.OTHER_LANE, text, price, departures=[row])

    def _no_fence(self, reason: Reason) -> Iterator[Proposal]:
        """Start inside the release fence."""
        for table, key in (("routings", "routing"), ("supply_terms", "supplier")):
            rows = tuple(
                {**row, "fence_days": 0.0}
                for row in self._rows(table, **{key: reason.subject})
                if row["fence_days"]
            )
            if rows:
                text = f"release orders of {reason.subject} inside the fence"
                yield Proposal(RemedyKind.RELEASE_FENCE, text, {table: rows}, 0.0)

    def _no_rule(self, reason: Reason) -> Iterator[Proposal]:
        """Accept several deliveries."""
        for row in self._rows("demands", demand=reason.demand):
            changed = {
                **row,
                "full_line": False,
                "order_policy": "independent",
                "min_shipment": 0.0,
                "max_lateness_days": None,
            }
            if changed != row:
                text = f"deliver {reason.demand} in parts, when it is ready"
                yield proposal(RemedyKind.RELAX_POLICY, text, 0.0, demands=[changed])


def _stated(rows: list[Row], source: object) -> Row:
    """Stated row of a source, if it has one."""
    return next(
        (
            row
            for row in rows
            if (row["kind"], row["source"]) == (source.kind, source.source)  # type: ignore[attr-defined]
        ),
        {},
    )


def _rank(row: Mapping[str, object]) -> int:
    return int(str(row["priority"]))


def _day(instant: int) -> str:
    return f"{from_seconds(instant):%Y-%m-%d %H:%M} UTC"
