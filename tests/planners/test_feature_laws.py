"""One random property for each feature of net requirements, in both modes.

Each feature has tables with random numbers in them, added to the same small business,
and a law that its plans obey beside the independent check.
"""

from __future__ import annotations

import datetime as dt
import math
from collections import defaultdict
from itertools import pairwise
from typing import Any

import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests import factories
from tests.api import plan, verify
from tests.examples import examples
from tests.planners.small_plans import day, days

FEW = settings(max_examples=examples(1, 2))
MODES = ["mrp", "constrained"]
LEAD = 3
SECOND = 1.5 / 86_400
"""Dates are whole seconds [days]."""
WHOLE = st.integers(1, 20)


@st.composite
def wanted(draw, **columns):
    """One to four demands of A; `columns` are further cells."""
    return [
        {
            "demand": f"D{place}",
            "qty": draw(WHOLE),
            "due": day(draw(st.integers(LEAD, 40))),
            "priority": draw(st.integers(1, 3)),
            **{name: draw(values) for name, values in columns.items()},
        }
        for place in range(1, draw(st.integers(2, 5)))
    ]


def policy(**cells):
    return {"inventory_policies": [cells]}


BOUGHT = {"supply_terms": [{"lead_time_days": LEAD}]}
MADE = {
    "routings": [{}],
    "steps": [{"fixed_minutes": 60}],
    "bom_lines": [{"component": "B", "qty_per": 2}],
    "supply_terms": [{"product": "B", "lead_time_days": 1}],
}


# --- what a plan holds -------------------------------------------------------------
def flows(made, given):
    """List (day, quantity) of A: stock, supplies, and demands at their delivery."""
    found = [(-1e9, row["qty"]) for row in given.get("stock", ())]
    supplies = made.supplies.filter(product="A")
    found += [(days(row["finish"]) or 0.0, row["qty"]) for row in supplies.to_dicts()]
    found += [
        (days(row["date"]) or 0.0, -row["qty"]) for row in made.deliveries.to_dicts()
    ]
    return found


def projection(made, given, moment):
    """Stock of A after all events of a moment [days]."""
    return sum(qty for at, qty in flows(made, given) if at <= moment)


def moments(made, given):
    return sorted({at for at, _ in flows(made, given) if at >= LEAD})


def finishes(made, product="A"):
    rows = made.supplies.filter(product=product, status="planned")
    return sorted({days(moment) for moment in rows["finish"]})


# --- laws --------------------------------------------------------------------------
def holds(level, begin=LEAD, end=1e9):
    """Check that the projection never falls below a level, from day to day."""

    def law(made, given):
        looked = [at for at in moments(made, given) if begin <= at < end]
        assert all(projection(made, given, at) >= level for at in looked)

    return law


def no_more(_made, _given):
    """Nothing beside the independent check: it covers the feature."""


def apart(least):
    def law(made, _given):
        times = finishes(made)
        assert all(later - sooner >= least for sooner, later in pairwise(times))

    return law


def first_needs(made, given):
    dues = {days(row["due"]) for row in given["demands"]}
    assert set(finishes(made)) <= dues


def next_days(count):
    def law(made, given):
        for at in moments(made, given):
            ahead = sum(
                -qty
                for when, qty in flows(made, given)
                if at < when <= at + count and qty < 0
            )
            assert projection(made, given, at) >= ahead

    return law


def none_of(product):
    def law(made, _given):
        assert made.supplies.filter(product=product).is_empty()

    return law


def from_source(source):
    def law(made, _given):
        assert set(made.supplies["source"]) == {source}

    return law


def shared(parts):
    def law(made, _given):
        sums: dict[Any, dict[str, float]] = defaultdict(lambda: defaultdict(float))
        for row in made.supplies.to_dicts():
            sums[row["finish"]][row["source"]] += row["qty"]
        for got in sums.values():
            total = sum(got.values())
            for source, share in parts.items():
                assert abs(got[source] - total * share / sum(parts.values())) < 1

    return law


def statuses(made, given):
    served = dict(made.fulfilment.select("demand", "status").iter_rows())
    for row in given["demands"]:
        planned = row["status"] in {"open", "quote"}
        assert (served[row["demand"]] == "ignored") is not planned


def together(made, _given):
    dates = made.deliveries.group_by("demand").agg(pl.col("date").n_unique())
    assert set(dates["date"]) <= {1}


def periods_eaten(made, given):
    """Consume period by period by hand (rule 1); all is one product at one place."""
    [rule] = given["forecast_policies"]
    rows = [row for row in given["demands"] if row["kind"] == "forecast"]
    spans = {row["demand"]: (days(row["due"]), days(row["period_end"])) for row in rows}
    rests = {row["demand"]: row["qty"] for row in rows}
    orders = [row for row in given["demands"] if row["kind"] == "order"]
    for order in sorted(orders, key=lambda row: (row["due"], row["demand"])):
        due, left = days(order["due"]), order["qty"]
        own = [name for name, (start, end) in spans.items() if start <= due < end]
        before = sorted(
            (
                name
                for name, (start, end) in spans.items()
                if end <= due and start >= due - rule["backward_days"]
            ),
            key=lambda name: -spans[name][0],
        )
        after = sorted(
            (
                name
                for name, (start, _) in spans.items()
                if due < start <= due + rule["forward_days"]
            ),
            key=lambda name: spans[name][0],
        )
        for name in (*own, *before, *after):
            taken = min(left, rests[name])
            rests[name] -= taken
            left -= taken
    found = made.fulfilment.filter(pl.col("demand").is_in(list(rests)))
    assert dict(found.select("demand", "qty").iter_rows()) == rests


def oldest_first(made, given):
    """While an older lot has some that lives, no later one is taken and none bought."""
    last = dict(
        made.deliveries.group_by("demand").agg(pl.col("date").max()).iter_rows()
    )
    lots = {f"A|L|{lot['lot']}": lot for lot in given["stock"]}
    taken = dict(made.pegging.group_by("supply").agg(pl.col("qty").sum()).iter_rows())
    for peg in made.pegging.to_dicts():
        for name, lot in lots.items():
            if name == peg["supply"]:
                break
            lives = lot["expires_at"] >= last[peg["demand"]]
            assert not lives or taken.get(name, 0.0) == lot["qty"]


def substitute_first(made, given):
    """Nothing new is bought while the substitute in stock makes one more."""
    [stock], [row] = given["stock"], given["substitutes"]
    taken = made.pegging.filter(pl.col("supply") == "B|L|")["qty"].sum()
    if made.supplies.filter(product="A").height:
        assert stock["qty"] - taken < row["ratio"]


def economic(made, given):
    """Order the root of 2 D K / h, or what is missing where that is more (rule 6)."""
    [rule] = given["inventory_policies"]
    needs: dict[float, float] = defaultdict(float)
    for row in given["demands"]:
        needs[days(row["due"])] += row["qty"]
    cost = 2 * sum(needs.values()) * rule["order_cost"]
    size = math.ceil(math.sqrt(cost / rule["holding_rate"]) - 1e-9)
    left, sizes = 0.0, []
    for _, qty in sorted(needs.items()):
        left -= qty
        if left < 0:
            sizes.append(max(size, -left))
            left += sizes[-1]
    assert made.supplies.sort("finish")["qty"].to_list() == sizes


def ahead(margin):
    """Check that goods are there before their need by the safety time, if they can."""

    def law(made, given):
        dues = {days(row["due"]) for row in given["demands"]}
        for row in made.supplies.to_dicts():
            finish = days(row["finish"])
            in_time = any(abs(due - margin - finish) < SECOND for due in dues)
            now = made.run.mode == "constrained" and abs(days(row["start"])) < SECOND
            assert in_time or now, row

    return law


def lives(length):
    def law(made, _given):
        born = {row["id"]: row["finish"] for row in made.supplies.to_dicts()}
        due = dict(made.fulfilment.select("demand", "due").iter_rows())
        for peg in made.pegging.to_dicts():
            if peg["supply"] in born:
                age = due[peg["demand"]] - born[peg["supply"]]
                assert age <= dt.timedelta(days=length)

    return law


# --- features ----------------------------------------------------------------------
@st.composite
def feature(draw, name):
    """Tables and law of a feature."""
    qty, count = draw(WHOLE), draw(st.integers(1, 9))
    return FEATURES[name](draw, qty, count)


def _expiring(draw, qty, count):
    lots = [
        {"lot": "1", "qty": qty, "expires_at": day(count)},
        {"lot": "2", "qty": qty, "expires_at": day(3 * count)},
    ]
    return {**BOUGHT, "stock": lots}, oldest_first


def _remaining(draw, qty, count):
    order = {"kind": "work", "source": "R", "qty": qty, "status": "in_process"}
    steps = [{"step": n, "fixed_minutes": 60 * n} for n in (1, 2)]
    done = {"step": 1, "status": "completed", "qty_done": qty}
    return {
        **MADE,
        "steps": steps,
        "supply_orders": [{**order, "due": day(count)}],
        "supply_order_steps": [done],
    }, lambda made, _: set(made.operations.filter(supply="O1")["step"]) == {2}


def _group(draw, qty, count):
    return {
        "products": [{"product": "G"}, {"product": "A", "parent": "G"}],
        "supply_terms": [{"product": "G", "lead_time_days": count}],
        "demands": [{"demand": "D1", "qty": qty, "due": day(30)}],
    }, from_source("S")


def _rule(draw, qty, count):
    rule = draw(st.sampled_from(["silver_meal", "wagner_whitin"]))
    cells = {"lot_rule": rule, "order_cost": qty, "holding_rate": float(count)}
    return {**BOUGHT, **policy(**cells)}, first_needs


def _dying(draw, qty, count):
    tables, _ = _rule(draw, qty, count)
    products = [{"product": "A", "shelf_life_days": count}]
    return {**tables, "products": products}, lives(count)


def _limited(draw, qty, count):
    tables, _ = _rule(draw, qty, count)
    terms = [{"lead_time_days": LEAD, "moq": 4, "lot_multiple": 4, "max_lot": 16}]
    return {**tables, "supply_terms": terms}, no_more


def _lines(name):
    def made(draw, qty, count):
        demands = draw(
            wanted(
                due=st.just(day(count)),
                sales_order=st.just("O"),
                order_policy=st.just(name),
                product=st.sampled_from("AB"),
            )
        )
        stock = [{"qty": qty}, {"product": "B", "qty": count}]
        terms = [{"lead_time_days": 4}, {"product": "B", "lead_time_days": 6}]
        law = no_more if name == "independent" else _equal_last
        return {"demands": demands, "stock": stock, "supply_terms": terms}, law

    return made


def _equal_last(made, _given):
    if made.run.mode == "constrained":
        last = made.deliveries.group_by("demand").agg(pl.col("date").max())
        assert last["date"].n_unique() == 1


def _row(**values):
    """A feature that is cells of each demand, some of it in stock."""

    def made(draw, qty, count):
        demands = draw(wanted(due=st.just(day(count)), **values))
        return {**BOUGHT, "demands": demands, "stock": [{"qty": qty}]}, no_more

    return made


def _one_delivery(draw, qty, count):
    tables, _ = _row(full_line=st.just(value=True))(draw, qty, count)
    return (
        tables,
        lambda made, given: (
            together(made, given) if made.run.mode == "constrained" else None
        ),
    )


def _forecast(draw, qty, count):
    forecast = [
        {
            "demand": f"F{place}",
            "kind": "forecast",
            "qty": draw(WHOLE),
            "due": day(7 * place),
            "period_end": day(7 * place + 7),
        }
        for place in range(-1, 4)
    ]
    orders = [{**row, "kind": "order"} for row in draw(wanted())]
    rule = {
        "backward_days": 3 * count,
        "forward_days": draw(st.integers(0, 25)),
        "level": draw(st.sampled_from(["location", "product", "customer"])),
        "past": "keep",
    }
    return {
        **BOUGHT,
        "demands": [*forecast, *orders],
        "forecast_policies": [rule],
    }, periods_eaten


def _three(rule, source):
    def made(draw, qty, count):
        terms = [
            {"supplier": "S", "preference": 1, "unit_price": 5, "lead_time_days": 2},
            {"supplier": "T", "preference": 2, "unit_price": 1, "lead_time_days": 3},
            {"supplier": "U", "preference": 3, "unit_price": 9, "lead_time_days": 1},
        ]
        suppliers = [{"supplier": name} for name in "STU"]
        return {
            "suppliers": suppliers,
            "supply_terms": terms,
            **policy(source_rule=rule),
        }, from_source(source)

    return made


def _shares(draw, qty, count):
    parts = {"S": float(qty), "T": float(count)}
    rows = [
        {"kind": "buy", "source": name, "share_pct": share}
        for name, share in parts.items()
    ]
    return {
        "suppliers": [{"supplier": "S"}, {"supplier": "T"}],
        "supply_terms": [{"supplier": name, "lead_time_days": LEAD} for name in parts],
        "sourcing": rows,
    }, shared(parts)


def _linked(draw, qty, count):
    kinds = st.sampled_from(["finish_start", "start_start", "finish_finish"])
    steps = [{"step": n, "fixed_minutes": 30 * m} for n, m in ((1, qty), (2, count))]
    link = {"kind": draw(kinds), "lag_minutes": 10 * count}
    return {**MADE, "steps": steps, "step_links": [link]}, no_more


def _crew(skills):
    def made(draw, qty, count):
        crew = [{"resource": name, "pool": "CREW"} for name in ("ANN", "BEN")]
        need = {"resource": "CREW", **({"skill": "weld"} if skills else {})}
        tables = {
            **MADE,
            "steps": [{"fixed_minutes": 60 * qty}],
            "resources": [{"resource": "CREW"}, *crew],
            "step_resources": [need],
        }
        if skills:
            tables["resource_skills"] = [{"resource": "BEN", "skill": "weld"}]
        return tables, _by({"BEN"} if skills else {"ANN", "BEN"})

    return made


def _by(names):
    def law(made, _given):
        assert set(made.operations["resource"]) <= names

    return law


def _hours(draw, qty, count):
    return {
        **MADE,
        "steps": [{"fixed_minutes": 30 * qty}],
        "resources": [{"bucket": draw(st.sampled_from(["day", "week"]))}],
        "step_resources": [{}],
    }, no_more


def _asked(draw, qty, count):
    pair = st.sampled_from([[], ["color=red"], ["color=red", "size=2"]])
    return {
        "settings": [{"quality_classes": ["A", "B"]}],
        "demands": draw(
            wanted(requires=pair, min_quality=st.sampled_from([None, "A", "B"]))
        ),
        "stock": [
            {"lot": "a", "qty": qty, "quality": "A"},
            {"lot": "b", "qty": count, "quality": "B"},
        ],
        "routings": [{"provides": ["color=red"]}, {"routing": "Q", "preference": 2}],
    }, no_more


def _bought(**terms):
    """A feature of the supply terms; a callable cell takes the random count."""

    def made(draw, qty, count):
        cells = {name: cell * count for name, cell in terms.items()}
        return {"supply_terms": [{"lead_time_days": 1, **cells}]}, no_more

    return made


FEATURES = {
    "work in progress with remaining steps": _remaining,
    "first expired, first out": _expiring,
    "make to order": lambda draw, qty, count: (
        {**BOUGHT, "products": [{"product": "A", "make_to_order": True}]},
        no_more,
    ),
    "product groups": _group,
    "levels by date": lambda draw, qty, count: (
        {
            **BOUGHT,
            "inventory_levels": [
                {"valid_from": day(9), "valid_to": day(20), "safety_qty": qty}
            ],
        },
        holds(qty, 9, 20),
    ),
    "reorder point": lambda draw, qty, count: (
        {
            **BOUGHT,
            "stock": [{"qty": 99}],
            **policy(lot_rule="fixed", lot_size=count, reorder_point=qty),
        },
        holds(qty),
    ),
    "safety quantity": lambda draw, qty, count: (
        {**BOUGHT, **policy(safety_qty=qty)},
        holds(qty),
    ),
    "cover days": lambda draw, qty, count: (
        {**BOUGHT, **policy(lot_rule="poq", cover_days=count)},
        apart(count),
    ),
    "safety days": lambda draw, qty, count: (
        {**BOUGHT, **policy(safety_days=count)},
        next_days(count),
    ),
    "target": lambda draw, qty, count: (
        {**BOUGHT, "settings": [{"horizon_days": 50}], **policy(target_qty=qty)},
        holds(qty, 50),
    ),
    "forecast": _forecast,
    "lines that are independent": _lines("independent"),
    "lines all together": _lines("all_together"),
    "lines in ratio": _lines("in_ratio"),
    "least shipment": _row(min_shipment=WHOLE),
    "most lateness": _row(max_lateness_days=st.sampled_from([0, 1, 2])),
    "full line": _one_delivery,
    "fence": _bought(fence_days=1),
    "batch window": lambda draw, qty, count: (
        {"supply_terms": [{"lead_time_days": LEAD, "batch_window_days": count}]},
        apart(count),
    ),
    "shares": _shares,
    "substitutes": lambda draw, qty, count: (
        {
            **BOUGHT,
            "stock": [{"product": "B", "qty": qty}],
            "substitutes": [{"ratio": count}],
        },
        substitute_first,
    ),
    "source by preference": _three("preference", "S"),
    "source by cost": _three("cost", "T"),
    "source by earliest": _three("earliest", "U"),
    "unlimited stock": lambda draw, qty, count: (
        {**MADE, **policy(product="B", unlimited=True)},
        none_of("B"),
    ),
    "step links with lags": _linked,
    "skills": _crew(skills=True),
    "pools": _crew(skills=False),
    "bucket resources": _hours,
    "receipt and safety time": lambda draw, qty, count: (
        _bought(receipt_days=0.1, safety_days=0.2)(draw, qty, count)[0],
        ahead(0.2 * count),
    ),
    "orders by status": lambda draw, qty, count: (
        {
            **BOUGHT,
            "demands": draw(
                wanted(
                    status=st.sampled_from(
                        ["open", "quote", "inquiry", "closed", "cancelled"]
                    )
                )
            ),
        },
        statuses,
    ),
    "lots by cost": _rule,
    "lots by cost within limits": _limited,
    "lots that die": _dying,
    "whole lots": lambda draw, qty, count: (
        {**BOUGHT, **policy(lot_rule="fixed", lot_size=qty)},
        lambda made, _: all(size % qty == 0 for size in made.supplies["qty"]),
    ),
    "up to a maximum": lambda draw, qty, count: (
        {**BOUGHT, **policy(lot_rule="min_max", min_qty=qty, max_qty=qty + count)},
        holds(qty),
    ),
    "economic quantity": lambda draw, qty, count: (
        {**BOUGHT, **policy(lot_rule="eoq", order_cost=qty, holding_rate=count)},
        economic,
    ),
    "characteristics and classes": _asked,
}
"""Feature to what makes its tables and its law from two random numbers."""


def check(name: str, data: st.DataObject, mode: str) -> None:
    tables, law = data.draw(feature(name), "feature")
    given_tables = {"demands": data.draw(wanted(), "demands"), **tables}
    snapshot = factories.snapshot(**given_tables)
    made = plan(snapshot, mode)
    assert [str(fault) for fault in verify(made, snapshot)] == []
    verdict = law(made, given_tables)
    assert verdict is None or verdict


@pytest.mark.req("QA-03", "MRP-04")
@pytest.mark.parametrize("name", FEATURES)
@given(st.data())
@FEW
def test_plans_of_a_feature_obey_its_law(name, data):
    check(name, data, data.draw(st.sampled_from(MODES), "mode"))


@pytest.mark.nightly
@pytest.mark.parametrize("mode", MODES)
@pytest.mark.parametrize("name", FEATURES)
@given(st.data())
@settings(max_examples=40)
def test_many_plans_of_a_feature_obey_its_law(name, mode, data):
    check(name, data, mode)
