"""What could be changed for late demands: rows of tables by what they wait for.

A change of what binds helps all that wait for it; a change of orders or of the demand
itself is one for a single demand. Changes come in order of price: what the lateness
costs that they may cure.
"""

from __future__ import annotations

import calendar
import heapq
import math
from types import MappingProxyType
from typing import TYPE_CHECKING, NamedTuple
from zoneinfo import ZoneInfo

import polars as pl

from medhavi.edits.remedy_changes import (
    SHIFT,
    Proposal,
    WaitingScope,
    earlier_order,
    ended_disruptions,
    extra_departure,
    faster_supplier,
    hours_after_work,
    one_unit_more,
    other_resources,
    own_calendar,
    proposal,
    rows_of_faster,
)
from medhavi.planners.late_remedies.reasons import (
    orders_behind,
    orders_beside,
    others_in_the_way,
    reasons,
)
from medhavi.providers import Providers
from medhavi.results.amounts import duration
from medhavi.results.limiter import Limiter, RemedyKind
from medhavi.units import (
    DAY,
    HOUR,
    MINUTE,
    from_seconds,
    from_units,
    to_seconds,
    units_up,
)

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from medhavi.planners.late_remedies.reasons import Reason
    from medhavi.results.plans.plan import Plan
    from medhavi.snapshot import Snapshot

    Row = dict[str, object]


SMALLEST = 0.05
"""No lot is made smaller than this share of an order."""
EXPEDITED = 0.5
"""No supplier is asked for less than this share of its lead time."""
FIRST = 0
"""Priority above all (demands.priority)."""
SHARED = frozenset(
    {
        Limiter.CAPACITY_SHORTFALL,
        Limiter.LEAD_TIME,
        Limiter.MATERIAL_SHORTFALL,
        Limiter.NO_TRANSPORT_CAPACITY,
        Limiter.AWAITING_SUPPLY,
    }
)
"""Reasons of waiting for what others get: priority may help."""
LOOSER: Mapping[Limiter, tuple[Row, str]] = MappingProxyType(
    {
        Limiter.QUALITY_MISMATCH: (
            {"requires": [], "min_quality": None},
            "deliver {demand} whatever class and characteristics it asks for",
        ),
        Limiter.SHELF_LIFE_EXCEEDED: (
            {"min_shelf_days": 0.0},
            "deliver {demand} with any life that is left",
        ),
    }
)
"""What a demand may ask for that goods lack: its cells without, and the change."""


class Candidate(NamedTuple):
    """A change to try, the reason it answers, and the demands it is meant for."""

    reason: Reason
    change: Proposal
    demands: tuple[str, ...]


def window_of_help(
    snapshot: Snapshot, plan: Plan, resource: str
) -> tuple[int, int] | None:
    """When more of a resource would help a plan, as remedies try it [UTC seconds].

    None: no demand of the plan waits for it.
    """
    for reason in reasons(plan):
        if reason.code is Limiter.CAPACITY_SHORTFALL and reason.subject == resource:
            changes = PlanChanges(snapshot, Providers(snapshot), plan)
            return changes.window_of(reason)
    return None


class PlanChanges:
    """Changes that may help against a reason.

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

    def by_price(self, reasons: Sequence[Reason]) -> Iterator[Candidate]:
        """Changes for some reasons, none twice, the one with the highest price first.

        The price of the first change against a reason is the cost of the lateness for
        it, that of the n-th an n-th of this: what is left of a bottleneck after n - 1
        changes that did not cure it is worth less tries.
        """
        sources = [
            source
            for reason in reasons
            for source in (
                (reason, self.of_all(reason)),
                *((one, self.of_one(one)) for one in reason.each),
            )
        ]
        turns = [(-reason.money, 1, n) for n, (reason, _) in enumerate(sources)]
        heapq.heapify(turns)
        seen: set[str] = set()
        while turns:
            _, turn, place = heapq.heappop(turns)
            reason, changes = sources[place]
            change = next((one for one in changes if one.text not in seen), None)
            if change is None:
                continue
            seen.add(change.text)
            heapq.heappush(turns, (-reason.money / (turn + 1), turn + 1, place))
            yield Candidate(reason, change, reason.demands)

    def of_all(self, reason: Reason) -> Iterator[Proposal]:
        """Changes of what binds, for all that wait for it, the likeliest first."""
        yield from self._disruptions_ended(reason)
        if reason.code is Limiter.CAPACITY_SHORTFALL:
            yield from self._one_more(reason)
            yield from self._more_hours(reason)
            yield from self._other_resource(reason)
        elif reason.code in {Limiter.LEAD_TIME, Limiter.MATERIAL_SHORTFALL}:
            yield from self._faster_supplier(reason)
            yield from self._more_transport(reason)
        elif reason.code is Limiter.NO_TRANSPORT_CAPACITY:
            yield from self._more_transport(reason)
        elif reason.code is Limiter.AWAITING_SUPPLY:
            yield from self._earlier_order(reason)
        elif reason.code is Limiter.RELEASE_FENCE:
            yield from self._no_fence(reason)

    def of_one(self, reason: Reason) -> Iterator[Proposal]:
        """Changes for the demand of a reason alone, the likeliest first."""
        capacity = reason.code is Limiter.CAPACITY_SHORTFALL
        if capacity or reason.code in {Limiter.LEAD_TIME, Limiter.MATERIAL_SHORTFALL}:
            yield from self._smaller_lots(reason)
            yield from self._other_source(reason)
            yield from self._cut_in_two(reason)
        elif reason.code is Limiter.NO_TRANSPORT_CAPACITY or reason.code in LOOSER:
            yield from self._other_source(reason)
        if reason.code in LOOSER:
            yield from self._looser(reason)
        if capacity:
            yield from self._others_later(reason)
        if reason.code in SHARED:
            yield from self._first(reason)
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
        window = self.window_of(reason)
        if not found or window is None:
            return
        begin, end = window
        row = found[0]
        working = self._providers.capacity.working_time(reason.subject)
        hours = working.between(begin, end) / HOUR
        stated = self._rows("resource_units", resource=reason.subject)
        units = one_unit_more(row, stated, begin, end)
        text = (
            f"one more {reason.subject} from {_day(begin)} to {_day(end)}, "
            f"{duration(hours)}"
        )
        yield proposal(RemedyKind.OVERTIME, text, priced=True, resource_units=units)

    def _more_hours(self, reason: Reason) -> Iterator[Proposal]:
        """Overtime that the resource states, and a shift after each of its days."""
        found = self._rows("resources", resource=reason.subject)
        window = self.window_of(reason)
        if not found or window is None or found[0]["calendar"] is None:
            return
        row, (begin, end) = found[0], window
        working = self._providers.capacity.working_time(reason.subject)
        (own,) = self._rows("calendars", calendar=row["calendar"])
        zone = ZoneInfo(str(own["timezone"]))
        agreed = float(str(row["overtime_minutes_per_day"] or 0.0)) * MINUTE
        for seconds, name in ((int(agreed), "overtime"), (SHIFT, "an extra shift")):
            spans = hours_after_work(working, zone, seconds, window)
            if not spans:
                continue
            hours = sum(until - since for since, until in spans) / HOUR
            text = (
                f"{name} of {reason.subject} after each day of work from "
                f"{_day(begin)} to {_day(end)}, {duration(hours)}"
            )
            rows = own_calendar(self._snapshot, row, spans, name)
            yield proposal(RemedyKind.OVERTIME, text, priced=True, **rows)

    def window_of(self, reason: Reason) -> tuple[int, int] | None:
        """When more of the resource would help [UTC seconds]; None: at no time."""
        if reason.begin is None or reason.end is None:
            return None
        begin = max(reason.begin, self._snapshot.settings.as_of)
        # Begun where it waits now, the work ends that much earlier.
        waited = reason.end - reason.begin
        end = max(reason.end, self._worked_until(reason) - waited)
        return (begin, end) if begin < end else None

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
            yield proposal(RemedyKind.LATER_DATE, text, priced=True, demands=[changed])
            return

    def _first(self, reason: Reason) -> Iterator[Proposal]:
        """Put the demand before all others, where it weighs more then."""
        weight = self._snapshot.settings.weight
        for row in self._rows("demands", demand=reason.demand):
            if weight(FIRST) <= weight(_rank(row)):
                return
            text = f"put {reason.demand} before all others"
            first = {**row, "priority": FIRST}
            yield proposal(RemedyKind.SWAP, text, priced=True, demands=[first])

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
        orders = orders_behind(self._plan, reason.demands).filter(
            (pl.col("kind") == "make") & (pl.col("qty") > pl.col("pegged"))
        )
        if reason.code is Limiter.CAPACITY_SHORTFALL:
            orders = orders.filter(pl.col("id").is_in(self._users(reason.subject)))
        for order in orders.sort("qty", "id", descending=[True, False]).to_dicts():
            for row in self._rows("routings", routing=order["source"]):
                whole = float(order["order_qty"] or order["qty"])
                pegged = float(order["pegged"]) / float(order["qty"])
                lot = self._whole(max(whole * max(pegged, SMALLEST), 1.0), row)
                low = min(float(str(row["min_lot"] or 0.0)), lot)
                changed = {**row, "min_lot": low, "max_lot": lot, "lot_multiple": 0.0}
                text = f"make at most {lot:g} at once by {row['routing']}"
                yield proposal(
                    RemedyKind.SMALLER_LOT, text, priced=True, routings=[changed]
                )
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
                yield proposal(
                    RemedyKind.SMALLER_LOT, text, priced=True, routings=[cut]
                )
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
        own = orders_behind(plan, reason.demands).filter(binding)
        if own.height:
            return own
        return orders_beside(plan, reason.demands).filter(binding)

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
            yield proposal(RemedyKind.OTHER_SOURCE, text, priced=True, sourcing=rows)
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
            text = (
                f"{reason.subject} delivers {products} {duration(24 * saved)} earlier"
            )
            yield Proposal(RemedyKind.EXPEDITE, text, rows_of_faster(found))

    def _earlier_order(self, reason: Reason) -> Iterator[Proposal]:
        """Bring the order forward that is waited for."""
        for row in self._rows("supply_orders", supply_order=reason.subject):
            as_of = self._snapshot.settings.as_of
            sooner = earlier_order(row, reason.late, as_of)
            if sooner is not None:
                yield sooner

    # --------------------------------------------------------------- rules and lanes
    def _more_transport(self, reason: Reason) -> Iterator[Proposal]:
        """Add a departure of the lane when the goods wait for the next one."""
        if reason.begin is None:
            return
        row = extra_departure(self._providers, reason.subject, reason.begin)
        if row is not None:
            day = calendar.day_name[row["weekday"] - 1]
            text = (
                f"an extra departure of {reason.subject} each {day} {row['time']:%H:%M}"
            )
            yield proposal(RemedyKind.OTHER_LANE, text, priced=True, departures=[row])

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
                yield Proposal(
                    RemedyKind.RELEASE_FENCE, text, {table: rows}, priced=True
                )

    def _looser(self, reason: Reason) -> Iterator[Proposal]:
        """Accept what is there without what is asked for; the customer has to agree."""
        cells, text = LOOSER[reason.code]
        for row in self._rows("demands", demand=reason.demand):
            asked = [name for name in cells if row[name]]
            if asked:
                changed = {**row, **{name: cells[name] for name in asked}}
                told = text.format(demand=reason.demand)
                yield proposal(RemedyKind.RELAX_POLICY, told, demands=[changed])

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
                yield proposal(
                    RemedyKind.RELAX_POLICY, text, priced=True, demands=[changed]
                )


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
