"""Demands: planned, short, late and why, delivered as agreed (rules 12, 21, 22, 45).

Derived from due dates, pegs and the states of orders in the snapshot; what judges
lateness for pages and figures is not called.

What serves a demand itself is looked at, through moves down to where the goods come
from; components are not: a demand asks of its product, not of what goes into it.
"""

from __future__ import annotations

from collections import defaultdict
from typing import TYPE_CHECKING, Any

import polars as pl

from medhavi.results.exceptions import ExceptionCode
from medhavi.results.verify.facts import SECONDS, TOLERANCE, faults
from medhavi.schema import PLANNED_STATUS
from medhavi.units import DAY, HOUR

if TYPE_CHECKING:
    from medhavi.findings import Finding
    from medhavi.results.verify.facts import Facts

    Place = tuple[str, str]


def check_fulfilment(facts: Facts) -> list[Finding]:
    """Check the fulfilment of every demand against its deliveries."""
    rows = _judged(facts)
    return [
        *_coverage(facts),
        *_sums(rows),
        *_statuses(rows, facts.as_of),
        *_dates(facts, rows),
        *_masters(facts, rows),
    ]


def _judged(facts: Facts) -> pl.DataFrame:
    """Join fulfilment, deliveries and demand of each demand."""
    sums = facts.plan.deliveries.group_by("demand").agg(
        pl.col("qty").sum().alias("delivered"),
        pl.col("date").min().dt.epoch("s").alias("first_s"),
        pl.col("date").max().dt.epoch("s").alias("last_s"),
    )
    masters = facts.demands.select(
        "demand",
        "kind",
        pl.col("status").alias("state"),
        pl.col("due_s").alias("master_due_s"),
        "wanted",
        "max_lateness_days",
    )
    return (
        facts.plan.fulfilment.join(sums, on="demand", how="left")
        .join(masters, on="demand")
        .with_columns(
            pl.col("delivered").fill_null(0.0),
            pl.col("due").dt.epoch("s").alias("due_s"),
        )
        .sort("demand")
    )


def _left_out(facts: Facts) -> pl.DataFrame:
    """Demands of which an exception says that the whole quantity is not planned."""
    held = pl.col("code") == str(ExceptionCode.HELD_DATA)
    told = (
        facts.plan.exceptions.filter(held).group_by("demand").agg(pl.col("qty").sum())
    )
    whole = facts.demands.select("demand", "wanted").join(told, on="demand")
    odd = pl.col("qty") - pl.col("wanted")
    return whole.filter(odd.abs() <= TOLERANCE * pl.col("wanted")).select("demand")


def _coverage(facts: Facts) -> list[Finding]:
    planned = facts.plan.fulfilment.select("demand")
    wanted = facts.demands.filter(pl.col("status").is_in(PLANNED_STATUS)).select(
        "demand"
    )
    silent = wanted.join(planned, on="demand", how="anti")
    if facts.snapshot.holds:
        silent = silent.join(_left_out(facts), on="demand", how="anti")
    unknown = planned.join(facts.demands, on="demand", how="anti")
    stray = (
        facts.plan.deliveries.select("demand")
        .unique()
        .join(planned, on="demand", how="anti")
    )
    texts = (
        (silent, "it is open and has no row"),
        (unknown, "the snapshot does not have it"),
        (stray, "it has deliveries and no row"),
    )
    found: list[Finding] = []
    for rows, what in texts:
        found += faults(
            "VER050",
            "fulfilment",
            rows.sort("demand"),
            value="demand",
            what=pl.lit(what),
        )
    return found


def _sums(rows: pl.DataFrame) -> list[Finding]:
    slack = TOLERANCE * (1 + pl.col("qty"))
    odd = rows.filter((pl.col("planned") - pl.col("delivered")).abs() > slack)
    open_rest = rows.filter(
        (pl.col("planned") + pl.col("short") - pl.col("qty")).abs() > slack
    ).filter(pl.col("status") != "ignored")
    return [
        *faults("VER051", "fulfilment", odd, "planned", "delivered", value="demand"),
        *faults(
            "VER052", "fulfilment", open_rest, "planned", "short", "qty", value="demand"
        ),
    ]


def _statuses(rows: pl.DataFrame, as_of: int) -> list[Finding]:
    slack = TOLERANCE * (1 + pl.col("qty"))
    # Mode mrp dates deliveries on their due date, but nothing is there before now.
    there_s = pl.col("last_s").clip(lower_bound=as_of)
    right = (
        pl.when(pl.col("delivered") <= TOLERANCE)
        .then(pl.lit("unplanned"))
        .when(pl.col("delivered") < pl.col("qty") - slack)
        .then(pl.lit("short"))
        .when(there_s > pl.col("due_s"))
        .then(pl.lit("late"))
        .otherwise(pl.lit("on_time"))
    )
    hours = (
        pl.when(pl.col("delivered") > TOLERANCE)
        .then((there_s - pl.col("due_s")).clip(lower_bound=0) / HOUR)
        .otherwise(None)
    )
    live = rows.filter(pl.col("status") != "ignored").with_columns(
        right=right, right_hours=hours
    )
    near = (pl.col("lateness_h") - pl.col("right_hours")).abs() <= SECONDS / HOUR
    same = near.fill_null(
        pl.col("lateness_h").is_null() & pl.col("right_hours").is_null()
    )
    return [
        *faults(
            "VER053",
            "fulfilment",
            live.filter(pl.col("status") != pl.col("right")),
            "status",
            value="demand",
            expected="right",
        ),
        *faults(
            "VER054",
            "fulfilment",
            live.filter(~same),
            value="demand",
            hours="lateness_h",
            expected="right_hours",
        ),
    ]


def _dates(facts: Facts, rows: pl.DataFrame) -> list[Finding]:
    floor = pl.col("due_s")
    if facts.mode != "mrp":
        floor = pl.max_horizontal("due_s", pl.lit(facts.as_of))
    early = rows.filter(pl.col("first_s") < floor)
    found = faults(
        "VER055", "deliveries", early, value="demand", moment="first_s", due="due_s"
    )
    if facts.mode == "mrp":
        return found
    limit = pl.col("due_s") + (pl.col("max_lateness_days") * DAY).ceil().cast(pl.Int64)
    late = rows.with_columns(limit=limit).filter(pl.col("last_s") > pl.col("limit"))
    return found + faults(
        "VER063", "deliveries", late, "limit", value="demand", moment="last_s"
    )


def _masters(facts: Facts, rows: pl.DataFrame) -> list[Finding]:
    """Check due and quantity against the demand, and that ignoring has a reason."""
    horizon = facts.as_of + round(facts.snapshot.settings.horizon_days * DAY)
    live = rows.filter(pl.col("status") != "ignored")
    forecast = pl.col("kind") == "forecast"
    moved = live.filter(
        (pl.col("due_s") != pl.col("master_due_s"))
        & ~(forecast & (pl.col("due_s") == facts.as_of))
    )
    slack = TOLERANCE * (1 + pl.col("wanted"))
    resized = live.filter(
        pl.when(forecast)
        .then(pl.col("qty") > pl.col("wanted") + slack)
        .otherwise((pl.col("qty") - pl.col("wanted")).abs() > slack)
    )
    ignored = rows.filter(
        (pl.col("status") == "ignored")
        & ~forecast
        & pl.col("state").is_in(PLANNED_STATUS)
        & (pl.col("master_due_s") <= horizon)
    )
    served = rows.filter((pl.col("status") == "ignored") & (pl.col("delivered") > 0))
    return [
        *faults(
            "VER056",
            "fulfilment",
            moved,
            column="due",
            value="demand",
            cell=pl.col("due").cast(pl.String),
            expected="master_due_s",
        ),
        *faults(
            "VER056",
            "fulfilment",
            resized,
            column="qty",
            value="demand",
            cell=pl.col("qty").cast(pl.String),
            expected=pl.col("wanted").cast(pl.String),
        ),
        *faults("VER057", "fulfilment", pl.concat([ignored, served]), value="demand"),
    ]


_PLACED = ("released", "in_process")
_PAST_DUE = "PastDue"


def check_lateness(facts: Facts) -> list[Finding]:
    """Check the flags of every demand, its causes, and that no-source means short."""
    return [*_flags(facts), *_causes(facts)]


def _flags(facts: Facts) -> list[Finding]:
    live = pl.col("status") != "ignored"
    overdue = live & (pl.col("due").dt.epoch("s") < facts.as_of)
    missed = _missed(facts)
    risky = live & ~overdue & pl.col("demand").is_in(missed.implode())
    if facts.mode != "mrp":
        risky = pl.lit(value=False)
    rows = facts.plan.fulfilment.with_columns(
        right_past_due=overdue, right_at_risk=risky
    ).sort("demand")
    found: list[Finding] = []
    for code, flag in (("VER077", "past_due"), ("VER078", "at_risk")):
        right = f"right_{flag}"
        odd = rows.filter(pl.col(flag).ne_missing(pl.col(right)))
        found += faults(
            code,
            "fulfilment",
            odd,
            column=flag,
            value="demand",
            told=flag,
            right=right,
        )
    return found


def _missed(facts: Facts) -> pl.Series:
    """Demands pegged to an order that starts before now and is not placed yet."""
    orders = facts.snapshot["supply_orders"]
    placed = orders.filter(pl.col("status").is_in(_PLACED))["supply_order"]
    early = facts.supplies.filter(
        (pl.col("start_s") < facts.as_of) & ~pl.col("order").is_in(placed.implode())
    )
    pegs = facts.plan.pegging
    return pegs.join(early, left_on="supply", right_on="id", how="semi")[
        "demand"
    ].unique()


def _causes(facts: Facts) -> list[Finding]:
    """Check that hours sum to the lateness, those before now under their own code."""
    hours = pl.col("hours").fill_null(0.0)
    sums = facts.plan.causes.group_by("demand").agg(
        hours.sum().alias("told"),
        hours.filter(pl.col("code") == _PAST_DUE).sum().alias("told_overdue"),
        pl.len().alias("causes"),
    )
    late = pl.col("lateness_h").fill_null(0.0)
    overdue = (facts.as_of - pl.col("due").dt.epoch("s")) / HOUR
    rows = (
        facts.plan.fulfilment.filter(pl.col("status") != "ignored")
        .join(sums, on="demand", how="left")
        .with_columns(
            pl.col("told", "told_overdue").fill_null(0.0),
            lateness=late,
            overdue=pl.min_horizontal(late, overdue.clip(lower_bound=0.0)),
        )
        .sort("demand")
    )
    near = SECONDS / HOUR * pl.max_horizontal(1, pl.col("causes").fill_null(1))
    return [
        *faults(
            "VER079",
            "causes",
            rows.filter((pl.col("told") - pl.col("lateness")).abs() > near),
            "told",
            value="demand",
            right="lateness",
        ),
        *faults(
            "VER080",
            "causes",
            rows.filter((pl.col("told_overdue") - pl.col("overdue")).abs() > near),
            value="demand",
            told="told_overdue",
            right="overdue",
        ),
    ]


Row = dict[str, Any]


def check_agreements(facts: Facts) -> list[Finding]:
    """Check least shipments, full lines and the policies of orders."""
    if facts.mode == "mrp":
        return []
    planned = facts.plan.fulfilment.filter(pl.col("status") != "ignored")
    terms = "demand", "sales_order", "order_policy", "full_line", "min_shipment"
    tied = (pl.col("sales_order") != "") & (pl.col("order_policy") != "independent")
    agreed = (
        planned.select("demand", pl.col("qty").alias("wanted"))
        .join(facts.snapshot["demands"].select(terms), on="demand")
        .filter(pl.col("full_line") | (pl.col("min_shipment") > 0) | tied)
        .sort("demand")
    )
    if agreed.is_empty():
        return []
    lines = agreed.to_dicts()
    given: dict[str, dict[int, float]] = {}
    deliveries = facts.plan.deliveries.join(agreed, on="demand", how="semi")
    for demand, moment, qty in deliveries.select(
        "demand", pl.col("date").dt.epoch("s"), "qty"
    ).iter_rows():
        dates = given.setdefault(demand, {})
        dates[moment] = dates.get(moment, 0.0) + qty
    small = [fault for row in lines for fault in _small(row, given)]
    apart = _apart(lines, given)
    return [
        *faults("VER068", "deliveries", small),
        *faults("VER069", "deliveries", apart),
    ]


def _small(row: Row, given: dict[str, dict[int, float]]) -> list[Row]:
    dates = given.get(row["demand"], {})
    found = []
    still = row["wanted"]
    for moment, qty in sorted(dates.items()):
        least = row["wanted"] if row["full_line"] else min(row["min_shipment"], still)
        if qty < least - TOLERANCE * (1 + least):
            found.append(
                {"value": row["demand"], "qty": qty, "moment": moment, "least": least}
            )
        still -= qty
    return found


def _apart(lines: list[Row], given: dict[str, dict[int, float]]) -> list[Row]:
    orders: dict[str, list[Row]] = {}
    for row in lines:
        if row["sales_order"] and row["order_policy"] != "independent":
            orders.setdefault(row["sales_order"], []).append(row)
    found = []
    for order, members in sorted(orders.items()):
        policy = members[0]["order_policy"]
        moments = sorted({m for row in members for m in given.get(row["demand"], {})})
        for moment in moments:
            shares = [
                sum(q for m, q in given.get(row["demand"], {}).items() if m <= moment)
                / row["wanted"]
                for row in members
            ]
            equal = max(shares) - min(shares) <= TOLERANCE
            whole = min(shares) >= 1 - TOLERANCE
            if not equal or (policy == "all_together" and not whole):
                found.append({"value": order, "policy": policy, "moment": moment})
                break
    return found


def check_asked(facts: Facts) -> list[Finding]:
    """Check what demands with `requires` or `min_quality` get."""
    asking = facts.demands.filter(
        (pl.col("requires").list.len() > 0) | pl.col("min_quality").is_not_null()
    )
    if asking.is_empty():
        return []
    book = _SupplyCharacteristics(facts)
    pegs: dict[str, list[dict[str, Any]]] = defaultdict(list)
    for peg in facts.plan.pegging.sort("demand", "level", "supply").iter_rows(
        named=True
    ):
        pegs[peg["demand"]].append(peg)
    found: dict[tuple[str, str], dict[str, str]] = {}
    for row in asking.sort("demand").iter_rows(named=True):
        demand = row["demand"]
        for supply in _givers(pegs[demand], book):
            missing = book.lacks(supply, row["requires"] or (), row["min_quality"])
            if missing:
                found[demand, supply] = {
                    "value": demand,
                    "supply": supply,
                    "missing": ", ".join(missing),
                }
    return faults("VER075", "pegging", list(found.values()))


def check_shipped(facts: Facts) -> list[Finding]:
    """Check that demands with `ship_from` get what lies there or leaves from there."""
    bound = facts.demands.filter(
        pl.col("ship_from").is_not_null() & (pl.col("ship_from") != pl.col("location"))
    ).select("demand", "ship_from")
    if bound.is_empty():
        return []
    served = (
        facts.plan.pegging.filter(level=0)
        .select("demand", "supply")
        .join(bound, on="demand")
        .join(_origins(facts), on="supply", how="left")
    )
    odd = served.filter(pl.col("origin").ne_missing(pl.col("ship_from"))).unique()
    rows = odd.sort("demand", "supply").select("supply", "ship_from", value="demand")
    return faults("VER084", "pegging", rows.to_dicts())


def check_carried(facts: Facts) -> list[Finding]:
    """Check that new moves take lanes which may carry the product to their end."""
    snapshot = facts.snapshot
    ends = snapshot["locations"].select("country", destination="location")
    lanes = snapshot["lanes"].select(
        "lane", "destination", "hazmat_allowed", "blocked_countries"
    )
    moves = (
        facts.new_orders.filter(kind="move")
        .select("product", value="id", lane=pl.coalesce("lane", "source"))
        .join(lanes.join(ends, on="destination", how="left"), on="lane")
        .join(snapshot["products"].select("product", "hazmat"), on="product")
    )
    barred = pl.col("blocked_countries").list.contains(pl.col("country"))
    odd = moves.with_columns(
        why=pl.when(pl.col("hazmat") & ~pl.col("hazmat_allowed"))
        .then(pl.lit("takes no dangerous goods"))
        .when(barred.fill_null(value=False))
        .then(pl.format("takes nothing to {}", pl.col("country").fill_null("")))
    ).filter(pl.col("why").is_not_null())
    rows = odd.sort("value").select("value", "product", "lane", "why")
    return faults("VER088", "supplies", rows)


def _origins(facts: Facts) -> pl.DataFrame:
    """Where moves leave, by `supply`, and whether they are `existing` orders."""
    lanes = facts.snapshot["lanes"].select("lane", leaves="origin")
    return (
        facts.supplies.filter(kind="move")
        .select("source", "existing", supply="id", lane=pl.coalesce("lane", "source"))
        .join(lanes, on="lane", how="left")
        .select("supply", "existing", origin=pl.coalesce("leaves", "source"))
    )


def _givers(pegs: list[dict[str, Any]], book: _SupplyCharacteristics) -> list[str]:
    """List what serves a demand, new moves replaced by what they carry."""
    found: list[str] = []
    places: dict[int, set[Place]] = defaultdict(set)
    for peg in pegs:
        level, place = peg["level"], (peg["product"], peg["location"])
        if level > 0 and place not in places[level]:
            continue
        origin = book.origins.get(peg["supply"])
        if origin is None:
            found.append(peg["supply"])
        else:
            places[level + 1].add((peg["product"], origin))
    return found


class _SupplyCharacteristics:
    """What each supply has; `origins` are those of new moves."""

    def __init__(self, facts: Facts) -> None:
        snapshot = facts.snapshot
        self._ranks = facts.quality_ranks
        self._products = {
            product: (set(pairs or ()), quality)
            for product, pairs, quality in snapshot["products"]
            .select("product", "characteristics", "quality_class")
            .iter_rows()
        }
        # What is always there has what its product has.
        self._of: dict[str, tuple[str, str | None, str | None]] = {
            f"{product}|{location}|": (product, None, None)
            for product, location in facts.unlimited.iter_rows()
        }
        for product, location, lot, quality in (
            snapshot["stock"]
            .select("product", "location", "lot", "quality")
            .iter_rows()
        ):
            self._of[f"{product}|{location}|{lot}"] = (product, None, quality)
        provides = dict(snapshot["routings"].select("routing", "provides").iter_rows())
        self._provides = {name: set(pairs or ()) for name, pairs in provides.items()}
        new = _origins(facts).filter(~pl.col("existing"))
        self.origins: dict[str, str] = dict(new.select("supply", "origin").iter_rows())
        for row in facts.supplies.iter_rows(named=True):
            making = row["kind"] == "make"
            routing = row["source"] if making else None
            self._of[row["id"]] = (row["product"], routing, None)

    def lacks(
        self, supply: str, requires: tuple[str, ...], least: str | None
    ) -> list[str]:
        """List what is asked for and a supply does not have."""
        product, routing, stated = self._of.get(supply, (supply, None, None))
        pairs, quality = self._products.get(product, (set(), None))
        has = pairs | self._provides.get(routing or "", set())
        missing = sorted(set(requires) - has)
        worst = len(self._ranks)
        rank = self._ranks.get(stated or quality or "", worst)
        if least is not None and rank > self._ranks.get(least, worst):
            missing.append(f"class {least}")
        return missing
