"""What a plan costs, part by part and beside another one; where its lateness is from.

The parts of KPI-33 have one meaning in every mode, so that plans of different modes
stand side by side; an optimised plan's own objective is in `contributions`.

In mode mrp nothing is moved out of the past and no hour is refused, so what cannot be
in time shows as starts before now and as overload.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import polars as pl

from medhavi.results.amounts import MINUS, NO_PRICES, currency_of, number, with_unit
from medhavi.results.figures.openings import openings
from medhavi.results.figures.order_costs import emitted_by, order_costs, overtime_cost
from medhavi.results.limiter import Limiter
from medhavi.results.plans.lateness import late_cost
from medhavi.results.plans.money_parts import PARTS, Scorecard
from medhavi.units import DAY, DAYS_PER_YEAR, from_seconds

if TYPE_CHECKING:
    from collections.abc import Sequence

    from medhavi.results.plans.plan import Plan
    from medhavi.snapshot import Snapshot


HOLDING_RATE: Final = 0.2
"""Share of its value that stock costs a year, where inventory_policies has no row."""
SHORT_PRICES: Final = 3.0
"""Default cost of a unit never delivered, in prices (demands.short_cost)."""
SAFETY_SHARE: Final = 0.01 / 7.0
"""Cost of a unit below safety a day, in values of the unit: 1 % a week, five times what
it costs to hold one at the usual rate."""


def scorecard(plan: Plan, snapshot: Snapshot) -> Scorecard:
    """Measure a plan against its snapshot, once: it is kept with the plan.

    New orders count with their cost (see `order_costs`), existing ones are the same in
    every plan. Stock is valued at `products.unit_cost` from now to the end of the
    horizon; between the rows of `positions` it stays as it was.
    """
    key = plan.run.mode, snapshot.fingerprint
    known = plan.scorecards.get(key)
    if known is None:
        known = plan.scorecards[key] = _measured(plan, snapshot)
    return known


def cheapest(plans: Sequence[Plan], snapshot: Snapshot) -> Plan:
    """The first of the plans that cost least; one alone is not measured.

    Of plans of mode constrained. Where no money is stated, that which leaves least
    short, and of those the one with the least weighted lateness.
    """
    if len(plans) == 1:
        return plans[0]
    if snapshot.is_priced:
        return min(plans, key=lambda one: scorecard(one, snapshot).total)
    return min(
        plans,
        key=lambda one: (
            float(one.fulfilment["short"].sum() or 0.0),
            one.run.effort["weighted_days"],
        ),
    )


def _measured(plan: Plan, snapshot: Snapshot) -> Scorecard:
    held = _stock(plan, snapshot)
    stock = _stock_days(held, snapshot)
    below, at_end = _below_safety(held, snapshot)
    span = snapshot.settings.horizon_days
    value_days = float((stock["days"] * stock["unit_cost"]).sum())
    holding = stock["days"] * stock["unit_cost"] * stock["rate"] / DAYS_PER_YEAR
    extra = overtime_cost(plan, snapshot)
    sold = sales(plan, snapshot)
    return Scorecard(
        **order_costs(plan, snapshot),
        opening=float(openings(plan, snapshot)["cost"].sum()),
        overtime=extra.overtime,
        overload=extra.overload,
        holding=float(holding.sum()),
        lateness=late_cost(plan),
        inventory=value_days / span if span > 0 else 0.0,
        co2_kg=emitted_by(plan, snapshot),
        revenue=float(sold["revenue"].sum()),
        shortage=float(sold["shortage"].sum()),
        goodwill=float((sold["shortage"] - sold["penalty"]).sum()),
        below_safety=below,
        below_at_end=at_end,
    )


def sales(plan: Plan, snapshot: Snapshot) -> pl.DataFrame:
    """What each planned demand brings, and what it costs never to deliver the rest.

    Returns
    -------
    polars.DataFrame
        demand, priced (whether its price is stated); revenue, of what is delivered, and
        lost, of what is not, at its stated price; shortage, the money in its causes of
        what is not delivered, and penalty, of it what demands.short_cost states
        [base currency].
    """
    demands = snapshot["demands"]
    live = plan.fulfilment.filter(pl.col("status") != "ignored")
    weights = {one: snapshot.settings.weight(one) for one in demands["priority"]}
    weight = pl.col("priority").replace_strict(weights, return_dtype=pl.Float64)
    stated = demands.select("demand", "product", "price", "short_cost", weight=weight)
    costs = snapshot["products"].select("product", "unit_cost")
    usual = pl.col("unit_cost").fill_null(0.0).replace(0.0, 1.0)
    default = SHORT_PRICES * pl.col("weight") * pl.coalesce("price", usual)
    return (
        live.select("demand", "planned", rest=pl.col("qty") - pl.col("planned"))
        .join(stated, on="demand", how="left", maintain_order="left")
        .join(costs, on="product", how="left", maintain_order="left")
        .select(
            "demand",
            priced=pl.col("price").is_not_null(),
            revenue=pl.col("planned") * pl.col("price").fill_null(0.0),
            lost=pl.col("rest") * pl.col("price").fill_null(0.0),
            shortage=pl.col("rest") * pl.coalesce("short_cost", default),
            penalty=pl.col("rest") * pl.col("short_cost").fill_null(0.0),
        )
    )


def _below_safety(held: pl.DataFrame, snapshot: Snapshot) -> tuple[float, float]:
    """Value of what is missing to safety stocks: times its days, and at the end."""
    missing = (pl.col("safety") - pl.col("on_hand")).clip(lower_bound=0.0)
    found = (
        held
        # What begins after the horizon lasts no day of it.
        .filter(pl.col("days") > 0)
        .with_columns(missing=missing.fill_null(0.0))
        .group_by("product", "location", maintain_order=True)
        .agg(
            days=(pl.col("missing") * pl.col("days")).sum(),
            last=pl.col("missing").last(),
        )
        .join(
            snapshot["products"].select("product", "unit_cost"),
            on="product",
            how="left",
            maintain_order="left",
        )
    )
    # What has no value is worth something where it is missing.
    value = found["unit_cost"].fill_null(0.0).replace(0.0, 1.0)
    return float((value * found["days"]).sum()), float((value * found["last"]).sum())


def _stock_days(held: pl.DataFrame, snapshot: Snapshot) -> pl.DataFrame:
    """Product, location, days (quantity x days on hand), unit_cost and rate."""
    days = held.group_by("product", "location", maintain_order=True).agg(
        (pl.col("on_hand") * pl.col("days")).sum().alias("days")
    )
    return valued(days, snapshot)


def valued(rows: pl.DataFrame, snapshot: Snapshot) -> pl.DataFrame:
    """Rows of products at locations with their unit_cost and yearly holding rate."""
    policies = snapshot["inventory_policies"].select(
        "product", "location", rate="holding_rate"
    )
    return (
        rows.join(
            snapshot["products"].select("product", "unit_cost"),
            on="product",
            how="left",
            maintain_order="left",
        )
        .join(policies, on=["product", "location"], how="left", maintain_order="left")
        .with_columns(
            pl.col("rate").fill_null(HOLDING_RATE), pl.col("unit_cost").fill_null(0.0)
        )
    )


def _stock(plan: Plan, snapshot: Snapshot) -> pl.DataFrame:
    """Product, location, on_hand, safety, and for how many days that is so."""
    begin = from_seconds(snapshot.as_of)
    end = from_seconds(snapshot.settings.horizon_end)
    first = (
        snapshot["stock"]
        .filter(pl.col("status") == "available")
        .group_by("product", "location", maintain_order=True)
        .agg(pl.col("qty").sum().alias("on_hand"))
        .with_columns(
            moment=pl.lit(begin, pl.Datetime("us", "UTC")),
            safety=pl.lit(None, pl.Float64),
        )
    )
    columns = ["product", "location", "moment", "on_hand", "safety"]
    later = plan.positions.rename({"bucket": "moment"}).select(columns)
    return (
        pl.concat([first.select(columns), later])
        .with_columns(
            pl.col("moment").clip(begin, end), pl.col("on_hand").clip(lower_bound=0.0)
        )
        .sort("product", "location", "moment", maintain_order=True)
        .with_columns(
            until=pl.col("moment").shift(-1).over("product", "location").fill_null(end)
        )
        .with_columns(
            days=(pl.col("until") - pl.col("moment")).dt.total_seconds() / DAY
        )
    )


def late_hours_by_domain(plan: Plan) -> dict[str, float]:
    """Hours of `causes` by the domain of their code, sorted by domain."""
    hours: dict[str, float] = {}
    rows = plan.causes.sort("demand", "code", "subject")
    for code, amount in rows.select("code", "hours").iter_rows():
        domain = str(Limiter(code).domain)
        hours[domain] = hours.get(domain, 0.0) + float(amount or 0.0)
    return dict(sorted(hours.items()))


def names_of(snapshot: Snapshot) -> dict[str, str]:
    """Texts for people by id, of the things that have one."""
    named = (
        ("products", "product"),
        ("suppliers", "supplier"),
        ("customers", "customer"),
    )
    return {
        row[key]: row["name"]
        for table, key in named
        for row in snapshot[table].select(key, "name").iter_rows(named=True)
        if row["name"]
    }


DIFFERENCE = {
    "part": pl.String(),
    "old": pl.Float64(),
    "new": pl.Float64(),
    "change": pl.Float64(),
    "unit": pl.String(),
}
"""Columns of the difference: parts of the cost, then `total`, their sum, then what is
no part of it."""
TOTAL = "total"
_KPI = "KPI-33"
_BESIDE = ("inventory", "co2")
_CENT = 0.005


def money_difference(old: Plan, new: Plan) -> pl.DataFrame:
    """Money, stock and emissions of two plans side by side (`DIFFERENCE`).

    Read from their key figures, or measured where these were not made and the tables of
    a plan are at hand. Without rows where one of them is not known, or where they are
    in two currencies.

    Examples
    --------
    Of a plan that costs 90 where another one cost 100, and holds more stock for it::

        part       old   new  change  unit
        transport   80    60     -20   EUR
        holding     20    30      10   EUR
        total      100    90     -10   EUR
    """
    before, after = _figures(old), _figures(new)
    apart = any(before[name][1] != after[name][1] for name in before.keys() & after)
    if not before or not after or apart:
        return pl.DataFrame(schema=DIFFERENCE)
    rows = []
    for name in (*PARTS, TOTAL, *_BESIDE):
        (was, unit), (now, other) = (
            figures.get(name, (0.0, "")) for figures in (before, after)
        )
        if name in before or name in after:
            rows.append((name, was, now, now - was, unit or other))
    return pl.DataFrame(rows, schema=DIFFERENCE, orient="row")


def _figures(plan: Plan) -> dict[str, tuple[float, str]]:
    """Value and unit of each part; empty where they are not known."""
    rows = plan.kpis.filter(
        pl.col("kpi").str.starts_with(_KPI) & pl.col("value").is_not_null()
    )
    if not rows.is_empty():
        return {
            str(name).removeprefix(f"{_KPI}.").replace(_KPI, TOTAL): (value, unit)
            for name, value, unit in rows.select("kpi", "value", "unit").iter_rows()
        }
    snapshot = None if plan.basis is None else plan.basis.snapshot
    if snapshot is None:
        return {}
    card, unit = scorecard(plan, snapshot), currency_of(snapshot)
    return {
        **{name: (value, unit) for name, value in card.parts.items()},
        TOTAL: (card.total, unit),
        "inventory": (card.inventory, unit),
        "co2": (card.co2_kg, "kg"),
    }


def money_words(difference: pl.DataFrame) -> list[str]:
    """Sentences on a difference: the total by its parts, the largest change first.

    >>> rows = [("holding", 20.0, 30.0, 10.0, "EUR")]
    >>> rows += [("transport", 60.0, 80.0, 20.0, "EUR")]
    >>> rows += [("total", 80.0, 110.0, 30.0, "EUR")]
    >>> rows += [("co2", 5.0, 9.0, 4.0, "kg")]
    >>> frame = pl.DataFrame(rows, schema=DIFFERENCE, orient="row")
    >>> print(*money_words(frame), sep=chr(10))
    cost: 80 EUR before, 110 EUR now, 30 EUR more: transport +20, holding +10
    co2: 5 kg before, 9 kg now
    """
    changed = difference.filter(
        (pl.col("change").abs() >= _CENT) & (pl.col("unit") != NO_PRICES)
    )
    rows = {row["part"]: row for row in changed.iter_rows(named=True)}
    total = rows.get(TOTAL)
    parts = sorted(
        (row for name, row in rows.items() if name in PARTS),
        key=lambda row: -abs(row["change"]),
    )
    named = ", ".join(f"{row['part']} {_signed(row['change'])}" for row in parts)
    words = []
    if total is not None:
        apart = with_unit(abs(total["change"]), total["unit"])
        more = "more" if total["change"] > 0 else "less"
        words.append(f"cost: {_sides(total)}, {apart} {more}: {named}")
    elif parts:
        words.append(f"cost: the same: {named}")
    names = {"inventory": "mean stock", "co2": "co2"}
    return words + [
        f"{told}: {_sides(rows[name])}" for name, told in names.items() if name in rows
    ]


def _sides(row: dict[str, object]) -> str:
    old, new = (with_unit(row[side], row["unit"]) for side in ("old", "new"))  # type: ignore[arg-type]
    return f"{old} before, {new} now"


def _signed(change: float) -> str:
    return f"{'+' if change > 0 else MINUS}{number(abs(change))}"
