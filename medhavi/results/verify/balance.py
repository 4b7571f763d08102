"""Stock at every instant: nothing is taken that is not there or has expired.

Per product and location all flows are listed and summed in order of time:
balance(t) = stock + outputs and receipts up to t - components, departures and
deliveries up to t >= 0, flows of one instant taken together. Stock of as_of counts for
instants before it too, since mode mrp may start in the past; what existing orders take
before as_of counts at as_of. What mode mrp takes without any source is in its
exceptions and counts as if it came.

First expired, first out is the best any plan can do with given receipts and needs, so
where even that leaves a need without a usable lot, the plan used an expired one.
"""

from __future__ import annotations

import heapq
from itertools import groupby
from operator import itemgetter
from typing import TYPE_CHECKING, Any

import polars as pl

from medhavi.results.verify.facts import PLACE, TOLERANCE, faults, once, whole_down
from medhavi.results.verify.material_use import consumption, move_departures, outputs
from medhavi.units import ALWAYS, DAY, NEVER

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable

    from medhavi.findings import Finding
    from medhavi.results.verify.facts import Facts

    Flow = tuple[int, float, int]
    """Instant, quantity, and the last instant of use (receipts) or the life that must
    be left (needs), in seconds."""


FLOW = {
    "product": pl.String(),
    "location": pl.String(),
    "instant_s": pl.Int64(),
    "qty": pl.Float64(),
    "owner": pl.String(),
    "order": pl.String(),
    "finish_s": pl.Int64(),
    "stated_s": pl.Int64(),
    "given": pl.Boolean(),
}
"""Columns of flows: plus is what comes; `owner` is the demand that takes, `order` the
order that takes, null where neither does; `finish_s` is when a supply is finished, also
where it counts earlier because it should be brought forward; `stated_s` is when an
order takes by its dates, also where it counts later because that has passed; `given`
tells of what comes whether it is stock or an order that exists, null where neither."""


def check_balance(facts: Facts) -> list[Finding]:
    """Check that stock never falls below zero."""
    flows = all_flows(facts)
    # Numbers in the order of the places: compared and sorted faster than two texts.
    places = flows.select(PLACE).unique().sort(PLACE).with_row_index("place")
    running = (
        flows.lazy()
        .join(places.lazy(), on=PLACE, nulls_equal=True, maintain_order="left")
        .group_by("place", "instant_s")
        .agg(pl.col("qty").sum(), pl.col("qty").abs().max().alias("size"))
        .sort("place", "instant_s")
        .with_columns(
            pl.col("qty").cum_sum().over("place").alias("balance"),
            pl.col("size").cum_max().over("place"),
        )
        .collect(engine="in-memory")
    )
    below = (
        running.filter(pl.col("balance") < -TOLERANCE * (1 + pl.col("size")))
        .group_by("place", maintain_order=True)
        .first()
        .join(places, on="place", maintain_order="left")
    )
    return faults(
        "VER001",
        "supplies",
        below.join(facts.unlimited, on=PLACE, how="anti"),
        value=pl.format("{}|{}", *PLACE),
        short=(-pl.col("balance")),
        moment=pl.col("instant_s").clip(lower_bound=-(2**34)),
    )


@once
def all_flows(facts: Facts) -> pl.DataFrame:
    """List every quantity that comes or goes."""
    parts = [
        stock(facts),
        receipts(facts),
        taken(facts).with_columns(-pl.col("qty")),
        deliveries(facts),
        facts.unsourced.select(*PLACE, "instant_s", "qty"),
        # What an order that stands takes too early counts when it is there.
        facts.awaited.select(*PLACE, "qty", instant_s="use_s"),
        facts.awaited.select(*PLACE, qty=-pl.col("qty"), instant_s="there_s"),
    ]
    return pl.concat(
        [
            part.select(
                pl.col(name).cast(dtype)
                if name in part.columns
                else pl.lit(None, dtype).alias(name)
                for name, dtype in FLOW.items()
            )
            for part in parts
        ]
    )


@once
def taken(facts: Facts) -> pl.DataFrame:
    """What orders take, existing ones from now on; `stated_s`: when by their dates."""
    columns = (*PLACE, "instant_s", "qty", "order", "existing")
    parts = [part(facts).select(*columns) for part in (consumption, move_departures)]
    return pl.concat(parts).with_columns(
        stated_s="instant_s",
        instant_s=pl.when("existing")
        .then(pl.col("instant_s").clip(lower_bound=facts.as_of))
        .otherwise("instant_s"),
    )


def stock(facts: Facts) -> pl.DataFrame:
    """What is on hand: our lots, and of customers' lots what is pegged."""
    lots = usable_lots(facts).lazy()
    foreign = of_customers(facts)
    pegged = (
        facts.plan.pegging.lazy()
        .join(
            lots.filter(foreign).select(pl.col("lot_id").alias("supply"), "owner"),
            on="supply",
        )
        .join(
            facts.snapshot["demands"].lazy().select("demand", "customer"), on="demand"
        )
        .filter(pl.col("owner") == pl.col("customer"))
        .select(*PLACE, "qty")
    )
    return (
        pl.concat([lots.filter(~foreign).select(*PLACE, "qty"), pegged])
        .with_columns(
            given=True,
            # A missing booking is made up by now, not before all time.
            instant_s=pl.when(pl.col("qty") < 0)
            .then(pl.lit(facts.as_of, dtype=pl.Int64))
            .otherwise(pl.lit(ALWAYS, dtype=pl.Int64)),
        )
        .collect(engine="in-memory")
    )


def of_customers(facts: Facts) -> pl.Expr:
    """Which lots belong to customers; such a lot serves its owner alone."""
    customers = facts.snapshot["customers"]["customer"].to_list()
    demands = facts.snapshot["demands"]["customer"].drop_nulls().to_list()
    return pl.col("owner").is_in([*customers, *demands]).fill_null(value=False)


@once
def usable_lots(facts: Facts) -> pl.DataFrame:
    """Available lots with `lot_id`; whole steps, broken ones rounded down.

    A lot of a lower class than its product is no stock, nor is one where
    settings.quality_classes does not rank the two, best first.
    """
    step = pl.col("step_qty").fill_null(1.0)

    def rank(quality: str) -> pl.Expr:
        return pl.col(quality).replace_strict(
            facts.quality_ranks, default=None, return_dtype=pl.Int64
        )

    products = facts.snapshot["products"].select("product", "quality_class")
    return (
        facts.snapshot["stock"]
        .filter(pl.col("status") == "available")
        .join(products, on="product", how="left", maintain_order="left")
        .filter(
            pl.col("quality").is_null()
            | pl.col("quality").eq(pl.col("quality_class")).fill_null(value=False)
            | (rank("quality") <= rank("quality_class")).fill_null(
                rank("quality").is_not_null() & pl.col("quality_class").is_null()
            )
        )
        .drop("quality_class")
        .join(facts.steps_of_products, on="product", how="left")
        .with_columns(
            (whole_down(pl.col("qty") / step) * step).alias("qty"),
            pl.format("{}|{}|{}", "product", "location", "lot").alias("lot_id"),
        )
    )


def receipts(facts: Facts) -> pl.DataFrame:
    """What supplies bring: outputs at their own step, all else at finish.

    `supply` is the order that brings it; `dated_s` is when it comes by its dates, also
    where it counts earlier because it should be brought forward.
    """
    given = outputs(facts).select(
        "order", "product", pl.col("location").alias("out_location"), "instant_s"
    )
    # A row stands for all outputs of its product; where they come at several moments
    # the latest is certain.
    given = given.group_by("order", "product").agg(pl.col("instant_s").max())
    rows = facts.supplies.join(given, on=["order", "product"], how="left").join(
        facts.brought_forward, left_on="id", right_on="supply", how="left"
    )
    usable = pl.when("existing").then("usable_s")
    # What an existing order gives besides comes with its step, which may be behind its
    # due date where the order does not move.
    dated = (
        pl.when("main")
        .then("finish_s")
        .when("existing")
        .then(pl.coalesce("instant_s", "finish_s"))
        .otherwise(pl.min_horizontal("instant_s", "finish_s"))
    )
    return rows.select(
        *PLACE,
        pl.min_horizontal(dated, usable).alias("instant_s"),
        dated.alias("dated_s"),
        "qty",
        "finish_s",
        pl.col("existing").alias("given"),
        pl.col("order").alias("supply"),
    )


def deliveries(facts: Facts) -> pl.DataFrame:
    """What goes to demands; substitutes leave as the pegs say."""
    rows = (
        facts.plan.deliveries.select("demand", "qty", "date")
        .with_columns(pl.col("date").dt.epoch("s").alias("instant_s"))
        .join(
            facts.demands.select(
                "demand",
                pl.col("product").alias("wanted_product"),
                pl.col("location").alias("wanted_location"),
            ),
            on="demand",
        )
    )
    served = substituted(facts)
    plain = rows.join(served.select("demand").unique(), on="demand", how="anti").select(
        pl.col("wanted_product").alias("product"),
        pl.col("wanted_location").alias("location"),
        "instant_s",
        -pl.col("qty"),
        pl.col("demand").alias("owner"),
    )
    if served.is_empty():
        return plain
    last = rows.group_by("demand").agg(last_s=pl.col("instant_s").max())
    # What a peg names goes with the first delivery after it is there.
    ready = facts.supplies.select(pl.col("id").alias("supply"), ready_s="finish_s")
    other = (
        served.with_row_index("peg")
        .join(last, on="demand")
        .join(ready, on="supply", how="left")
        .join(rows.select("demand", "instant_s"), on="demand")
        .with_columns(
            instant_s=pl.when(
                pl.col("ready_s").fill_null(ALWAYS) <= pl.col("instant_s")
            )
            .then("instant_s")
            .otherwise("last_s")
        )
        .group_by("peg", maintain_order=True)
        .agg(
            pl.col("product", "location", "qty", "demand").first(),
            pl.col("instant_s").min(),
        )
        .select(
            "product",
            "location",
            "instant_s",
            -pl.col("qty"),
            pl.col("demand").alias("owner"),
        )
    )
    return pl.concat([plain, other])


def substituted(facts: Facts) -> pl.DataFrame:
    """Pegs of level 0 of demands that got another product or place."""
    top = (
        facts.plan.pegging.lazy()
        .filter(pl.col("level") == 0)
        .join(
            facts.demands.lazy().select(
                "demand",
                pl.col("product").alias("wanted_product"),
                pl.col("location").alias("wanted_location"),
            ),
            on="demand",
        )
    )
    odd = top.filter(
        (pl.col("product") != pl.col("wanted_product"))
        | (pl.col("location") != pl.col("wanted_location"))
    )
    return (
        top.join(odd.select("demand").unique(), on="demand", how="semi")
        .select("demand", *PLACE, "qty", "supply")
        .collect(engine="in-memory")
    )


_HOLDING = ("tentative", "reduced", "confirmed")


def check_lifetime(facts: Facts) -> list[Finding]:
    """Check that no expired lot serves a need."""
    places = perishable_places(facts)
    if places.is_empty():
        return []
    lives = dict(
        facts.snapshot["products"]
        .filter(pl.col("shelf_life_days").is_not_null())
        .select("product", "shelf_life_days")
        .iter_rows()
    )
    # What a customer asks for binds the product it ordered, not what goes into it.
    shelf = {
        (demand, wanted): days
        for demand, wanted, days in facts.demands.select(
            "demand", "product", "min_shelf_days"
        ).iter_rows()
    }
    lots = usable_lots(facts).join(places, on=PLACE, how="semi")
    # What is below zero is a need among the flows already.
    lying = _by_place(lots.filter(pl.col("qty") > 0), "qty", "expires_at")
    flows = all_flows(facts).join(places, on=PLACE, how="semi")
    columns = ("instant_s", "qty", "owner", "finish_s", "stated_s")
    rows: list[dict[str, object]] = []
    for (product, location), own in _by_place(flows, *columns).items():
        life = lives.get(product)
        incoming: list[Flow] = [
            (-NEVER, qty, NEVER if expires is None else int(expires.timestamp()))
            for qty, expires in lying.get((product, location), ())
        ]
        needs: list[Flow] = []
        for instant, qty, owner, finish, stated in own:
            if qty > 0 and instant > -NEVER:
                born = instant if finish is None else finish
                end = NEVER if life is None else born + round(life * DAY)
                # What is only awaited makes up for what its order takes by its dates.
                early = finish is None and instant <= facts.as_of
                incoming.append((-NEVER if early else instant, qty, end))
            elif qty < 0:
                days = shelf.get((owner, product), 0.0)
                at = instant if stated is None else stated
                needs.append((at, -qty, round((days or 0.0) * DAY)))
        fault = first_expired_use(incoming, needs)
        if fault is not None:
            rows.append(
                {
                    "value": f"{product}|{location}",
                    "moment": fault[0],
                    "short": fault[1],
                }
            )
    return faults("VER072", "pegging", rows)


def _by_place(
    rows: pl.DataFrame, *columns: str
) -> dict[tuple[str, str], list[tuple[Any, ...]]]:
    """Collect the cells of some columns by place, in the sequence of the rows."""
    found: dict[tuple[str, str], list[tuple[Any, ...]]] = {}
    for product, location, *cells in rows.select(*PLACE, *columns).iter_rows():
        found.setdefault((product, location), []).append(tuple(cells))
    return found


def perishable_places(facts: Facts) -> pl.DataFrame:
    """Product and location of what may expire there, sorted.

    Lots with a date do, and what is made, bought or moved of a product with a life.
    """
    dated = facts.snapshot["stock"].filter(pl.col("expires_at").is_not_null())
    mortal = facts.snapshot["products"].filter(pl.col("shelf_life_days").is_not_null())
    if dated.is_empty() and mortal.is_empty():
        return dated.select(PLACE)
    made = facts.supplies.join(mortal, on="product", how="semi")
    places = pl.concat([dated.select(PLACE), made.select(PLACE)]).unique()
    return places.join(facts.unlimited, on=PLACE, how="anti").sort(PLACE)


def first_expired_use(
    incoming: Iterable[Flow], needs: Iterable[Flow]
) -> tuple[int, float] | None:
    """Serve needs first expired, first out; give the first that finds nothing usable.

    A need is a fault only where enough is there and too much of it is dead.

    >>> first_expired_use([(0, 5.0, 10)], [(11, 2.0, 0)])
    (11, 2.0)
    """
    waiting = sorted(incoming)
    lots: list[list[float]] = []
    dead = 0.0
    place = 0
    for instant, qty, life in sorted(needs):
        while place < len(waiting) and waiting[place][0] <= instant:
            heapq.heappush(lots, [waiting[place][2], waiting[place][1]])
            place += 1
        rest = qty
        aside: list[list[float]] = []
        while rest > TOLERANCE and lots:
            lot = heapq.heappop(lots)
            if lot[0] < instant + life:
                if lot[0] < instant:
                    dead += max(lot[1], 0.0)
                else:
                    aside.append(lot)
                continue
            used = min(rest, lot[1])
            rest -= used
            if lot[1] - used > TOLERANCE:
                heapq.heappush(lots, [lot[0], lot[1] - used])
        too_old = sum(lot[1] for lot in aside)
        for lot in aside:
            heapq.heappush(lots, lot)
        if rest > TOLERANCE * (1 + qty) and dead + too_old > 0:
            return instant, rest
    return None


def check_holds(facts: Facts) -> list[Finding]:
    """Check that stock held for a demand is not given to another before it is taken.

    Held of what goes into a demand, or at another place, it may be: its owner gets as
    much by another way.
    """
    holds = _active_holds(facts)
    if holds.is_empty():
        return []
    flows = all_flows(facts).join(holds.select(PLACE).unique(), on=PLACE, how="semi")
    flows = flows.join(_feeding(facts, holds), on="order", how="left").with_columns(
        owners=pl.when(pl.col("owner").is_null())
        .then("fed")
        .otherwise(pl.concat_list("owner"))
    )
    now = (pl.col("instant_s") <= facts.as_of) & (pl.col("qty") > 0) & pl.col("given")
    at_now = _sums(flows.filter(now))
    promised = _promised(facts, holds)
    spared = _spared(facts, holds)
    taken = _by_place(flows.sort("instant_s"), "instant_s", "qty", "owners")
    rows: list[dict[str, object]] = []
    for place, own in _by_place(holds, "demand", "qty").items():
        # A hold takes what there is; new supply is for those it is made for.
        free = max(at_now.get(place, 0.0) - promised.get(place, 0.0), 0.0)
        kept = {owner for owner, _ in own if (*place, owner) not in spared}
        fault = _broken_hold(facts.as_of, own, kept, taken.get(place, ()), free)
        if fault is not None:
            product, location = place
            moment, short = fault
            value = f"{product}|{location}"
            rows.append({"value": value, "moment": moment, "short": short})
    return faults("VER073", "pegging", rows)


def _active_holds(facts: Facts) -> pl.DataFrame:
    expires = pl.col("expires_at").dt.epoch("s").fill_null(NEVER)
    return (
        facts.snapshot["reservations"]
        .filter(
            (pl.col("kind") == "material")
            & pl.col("state").is_in(_HOLDING)
            & (expires > facts.as_of)
            & pl.col("location").is_not_null()
        )
        .rename({"subject": "product"})
        .select(*PLACE, "demand", "qty")
        .join(facts.unlimited, on=PLACE, how="anti")
        .sort(*PLACE, "demand")
    )


def _spared(facts: Facts, holds: pl.DataFrame) -> set[tuple[object, ...]]:
    """Holds farther up whose owners get all that they ask for, by place and demand.

    They are served without what is held of a component or at another place.
    """
    served = facts.plan.fulfilment.filter(
        pl.col("planned") >= pl.col("qty") * (1 - TOLERANCE)
    ).select("demand")
    asked = facts.snapshot["demands"].select("demand", *PLACE)
    farther = holds.join(served, on="demand", how="semi").join(
        asked, on=[*PLACE, "demand"], how="anti"
    )
    return set(farther.select(*PLACE, "demand").iter_rows())


def _feeding(facts: Facts, holds: pl.DataFrame) -> pl.DataFrame:
    """Orders that work for owners of holds: order, fed (list of demands)."""
    owners = holds.filter(pl.col("demand").is_not_null()).select("demand").unique()
    return (
        facts.plan.pegging.join(owners, on="demand", how="semi")
        .select(pl.col("supply").alias("order"), pl.col("demand").alias("fed"))
        .unique()
        .sort("order", "fed")
        .group_by("order", maintain_order=True)
        .agg("fed")
    )


def _sums(rows: pl.DataFrame) -> dict[tuple[str, str], float]:
    """Sum of `qty` by place."""
    sums = rows.group_by(PLACE).agg(pl.col("qty").sum()).iter_rows()
    return {(product, location): qty for product, location, qty in sums}


def _promised(facts: Facts, holds: pl.DataFrame) -> dict[tuple[str, str], float]:
    """What firm pegs, orders made for a demand and owners keep from holds, by place.

    What an owner of a hold has pegged firmly beside it, or takes of lots of its own,
    counts as far as it is used: lots of customers are held for nobody else.
    """
    lots = usable_lots(facts).filter(of_customers(facts))["lot_id"].to_list()
    made_for = facts.open_orders.filter(pl.col("demand").is_not_null())
    names = [*made_for["supply_order"].to_list(), *lots]
    owner = [*PLACE, "demand"]
    pegged = facts.plan.pegging.join(holds, on=PLACE, how="semi")
    kept = pl.col("firm") | pl.col("supply").is_in(names)
    others = pegged.filter(kept).join(holds, on=owner, how="anti")
    of_lots = pegged.filter(pl.col("supply").is_in(lots))
    firm = facts.snapshot["pegs"].filter("firm")
    stated, held, used = (
        rows.group_by(owner).agg(pl.col("qty").sum().alias(name))
        for name, rows in (
            ("qty", pl.concat([one.select(*owner, "qty") for one in (firm, of_lots)])),
            ("held", holds),
            ("used", pegged.filter(pl.col("firm") | pl.col("supply").is_in(lots))),
        )
    )
    beside = (
        stated.join(held, on=owner)
        .join(used, on=owner)
        .with_columns(
            qty=pl.min_horizontal("qty", (pl.col("used") - pl.col("held")).clip(0))
        )
    )
    return _sums(pl.concat([rows.select(*PLACE, "qty") for rows in (others, beside)]))


def _broken_hold(
    as_of: int,
    holds: Iterable[tuple[str | None, float]],
    kept: Collection[str | None],
    flows: Iterable[tuple[int, float, list[str] | None]],
    free: float,
) -> tuple[int, float] | None:
    """Walk in time: what is held and not yet taken must be there when others take.

    `kept` are the owners of holds that they are not served without.
    """
    outstanding: dict[str | None, float] = {}
    for demand, qty in holds:
        outstanding[demand] = outstanding.get(demand, 0.0) + qty
    coverable = min(sum(outstanding.values()), free)
    balance = 0.0
    for instant, rows in groupby(flows, key=itemgetter(0)):
        others = 0.0
        for _, qty, owners in rows:
            balance += qty
            rest = max(-qty, 0.0)
            for owner in owners or ():
                taken = min(outstanding.get(owner, 0.0), rest)
                if taken > 0:
                    outstanding[owner] -= taken
                    coverable -= taken
                    rest -= taken
            others += rest
        wanted = sum(qty for owner, qty in outstanding.items() if owner in kept)
        held = min(wanted, max(coverable, 0.0))
        if instant >= as_of and others > 0 and balance < held - TOLERANCE * (1 + held):
            return instant, held - balance
    return None
