"""Random small supply networks that are valid: no error is found in any of them.

    @given(snapshots())
    def test_a_law(snapshot): ...

Products P1 … P6 in one bill of materials (a product uses only products of a higher
number, so nothing is cyclic), a plant, often a warehouse and a customer, lanes between
them, stock, existing orders, demands, working time.
"""

from __future__ import annotations

import datetime as dt
from typing import Any

from hypothesis import strategies as st

from medhavi.snapshot import Snapshot
from tests import factories
from tests.factories import AS_OF

PLANT, WAREHOUSE, CUSTOMER = "PLANT", "WAREHOUSE", "CUSTOMER"

Tables = dict[str, list[dict[str, object]]]
Draw = Any


def instants(
    first_day: int = -10, last_day: int = 60
) -> st.SearchStrategy[dt.datetime]:
    """Full hours in a range of days around as_of."""
    hours = st.integers(first_day * 24, last_day * 24)
    return hours.map(lambda count: AS_OF + dt.timedelta(hours=count))


def quantities(step: float = 1.0, most: int = 60) -> st.SearchStrategy[float]:
    """Positive multiples of a product's step."""
    return st.integers(1, most).map(lambda count: round(count * step, 9))


@st.composite
def snapshots(draw: Draw, *, plain: bool = False, max_products: int = 6) -> Snapshot:
    """A valid small network; `plain` leaves out lots, yields and calendars."""
    return Snapshot.from_frames(draw(network_tables(plain, max_products)))


@st.composite
def network_tables(draw: Draw, plain: bool = False, max_products: int = 6) -> Tables:
    """Tables of a valid small network as rows, in no special order."""
    products = _products(draw, plain, max_products)
    names = [str(row["product"]) for row in products]
    steps = {str(row["product"]): float(str(row["qty_step"] or 1)) for row in products}
    given: Tables = {"products": products}
    with_warehouse = draw(st.booleans())
    given["locations"] = _locations(draw, plain, with_warehouse)
    given["lanes"] = _lanes(draw, with_warehouse)
    _sources(draw, given, names, plain)
    places = [PLANT, CUSTOMER, *([WAREHOUSE] if with_warehouse else [])]
    _state(draw, given, steps, places)
    if not plain:
        _calendars(draw, given)
        given["inventory_policies"] = draw(
            st.lists(
                st.builds(
                    lambda product, count, rule: {
                        "product": product,
                        "location": PLANT,
                        "safety_qty": round(count * steps[product], 9),
                        **rule,
                    },
                    st.sampled_from(names),
                    st.integers(0, 20),
                    _lot_rules(),
                ),
                max_size=2,
                unique_by=lambda row: row["product"],
            )
        )
    return factories.tables(**given)


def _products(draw: Draw, plain: bool, most: int) -> list[dict[str, object]]:
    count = draw(st.integers(1, most))
    steps = st.just(None) if plain else st.sampled_from([None, None, 0.1, 0.001, 5.0])
    return [
        {
            "product": f"P{number}",
            "qty_step": draw(steps),
            "unit_cost": draw(st.sampled_from([0.0, 1.0, 2.5])),
        }
        for number in range(1, count + 1)
    ]


def _locations(
    draw: Draw, plain: bool, with_warehouse: bool
) -> list[dict[str, object]]:
    zone = "UTC" if plain else draw(st.sampled_from(["UTC", "Europe/Berlin"]))
    rows: list[dict[str, object]] = [
        {"location": PLANT, "timezone": zone},
        {"location": CUSTOMER, "kind": "customer"},
    ]
    if with_warehouse:
        rows.append({"location": WAREHOUSE, "kind": "warehouse"})
    return rows


def _lanes(draw: Draw, with_warehouse: bool) -> list[dict[str, object]]:
    hours = st.sampled_from([0.0, 1.5, 24.0, 48.0])
    legs = [(PLANT, WAREHOUSE), (WAREHOUSE, CUSTOMER)]
    if not with_warehouse:
        legs = [(PLANT, CUSTOMER)]
    return [
        {
            "lane": f"{origin}-{destination}",
            "origin": origin,
            "destination": destination,
            "duration_h": draw(hours),
        }
        for origin, destination in legs
    ]


def _sources(draw: Draw, given: Tables, names: list[str], plain: bool) -> None:
    """Make a product from later ones, or buy it; the last one is always bought."""
    lots = st.just({}) if plain else _lots()
    for position, product in enumerate(names):
        later = names[position + 1 :]
        if later and draw(st.booleans()):
            _routing(draw, given, product, later, {} if plain else draw(lots))
        else:
            terms = {} if plain else dict(draw(lots))
            if "min_lot" in terms:
                terms["moq"] = terms.pop("min_lot")
            given.setdefault("supply_terms", []).append(
                {
                    "product": product,
                    "location": PLANT,
                    "lead_time_days": draw(st.sampled_from([0.0, 1.0, 2.5, 7.0])),
                    **terms,
                }
            )


def _lots() -> st.SearchStrategy[dict[str, object]]:
    return st.sampled_from(
        [
            {},
            {},
            {"min_lot": 10.0},
            {"lot_multiple": 5.0},
            {"min_lot": 10.0, "lot_multiple": 4.0, "max_lot": 24.0},
            {"max_lot": 15.0},
        ]
    )


def _lot_rules() -> st.SearchStrategy[dict[str, object]]:
    """Lot rules with the values that they need; half of them none."""
    costs = st.sampled_from([0.0, 1.0, 50.0])
    ruled = st.one_of(
        st.just({"lot_rule": "fixed", "lot_size": 25.0}),
        st.just({"lot_rule": "min_max", "min_qty": 10.0, "max_qty": 60.0}),
        st.just({"lot_rule": "poq", "cover_days": 7.0}),
        st.builds(
            lambda rule, cost: {"lot_rule": rule, "order_cost": cost},
            st.sampled_from(["eoq", "silver_meal", "wagner_whitin"]),
            costs,
        ),
    )
    return st.just({}) | ruled


def _routing(
    draw: Draw,
    given: Tables,
    product: str,
    later: list[str],
    lots: dict[str, object],
) -> None:
    routing = f"R-{product}"
    plain_yields = st.sampled_from([1.0, 1.0, 0.9, 0.5]) if lots else st.just(1.0)
    given.setdefault("routings", []).append(
        {"routing": routing, "product": product, "location": PLANT, **lots}
    )
    count = draw(st.integers(1, 2))
    for number in range(1, count + 1):
        given.setdefault("steps", []).append(
            {
                "routing": routing,
                "step": number,
                "setup_minutes": draw(st.sampled_from([0.0, 15.0])),
                "run_minutes_per_unit": draw(st.sampled_from([0.0, 1.0, 7.5])),
                "yield": draw(plain_yields),
            }
        )
        if draw(st.booleans()):
            given.setdefault("step_resources", []).append(
                {
                    "routing": routing,
                    "step": number,
                    "resource": draw(st.sampled_from(["M1", "M2"])),
                }
            )
    components = draw(
        st.lists(st.sampled_from(later), min_size=1, max_size=3, unique=True)
    )
    for line, component in enumerate(components, 1):
        given.setdefault("bom_lines", []).append(
            {
                "routing": routing,
                "line": line,
                "component": component,
                "qty_per": draw(st.sampled_from([1.0, 2.0, 0.5, 3.0])),
                "step": draw(st.sampled_from([None, 1, count])),
            }
        )
    given["resources"] = [
        {"resource": resource, "location": PLANT} for resource in ("M1", "M2")
    ]


def _state(
    draw: Draw, given: Tables, steps: dict[str, float], places: list[str]
) -> None:
    """Stock, existing purchases and demands."""
    names = sorted(steps)
    for product in names:
        if draw(st.booleans()):
            given.setdefault("stock", []).append(
                {
                    "product": product,
                    "location": PLANT,
                    "qty": draw(quantities(steps[product])),
                }
            )
    for _ in range(draw(st.integers(0, 2))):
        product = draw(st.sampled_from(names))
        given.setdefault("supply_orders", []).append(
            {
                "product": product,
                "location": PLANT,
                "qty": draw(quantities(steps[product])),
                "due": draw(instants(0, 30)),
                "status": draw(st.sampled_from(["released", "firmed", "planned"])),
            }
        )
    for _ in range(draw(st.integers(1, 4))):
        product = draw(st.sampled_from(names))
        given.setdefault("demands", []).append(
            {
                "product": product,
                "location": draw(st.sampled_from(places)),
                "qty": draw(quantities(steps[product])),
                "due": draw(instants()),
                "priority": draw(st.integers(1, 3)),
            }
        )


def _calendars(draw: Draw, given: Tables) -> None:
    """Sometimes the plant works by day only, with a holiday."""
    if not draw(st.booleans()):
        return
    given["locations"][0]["calendar"] = "DAYS"
    given["calendars"] = [
        {"calendar": "DAYS", "timezone": given["locations"][0]["timezone"]}
    ]
    days = draw(st.sampled_from([range(1, 6), range(1, 8)]))
    given["shifts"] = [
        {"calendar": "DAYS", "weekday": day, "start": dt.time(6), "finish": dt.time(22)}
        for day in days
    ]
    if draw(st.booleans()):
        holiday = draw(instants(0, 20))
        given["calendar_exceptions"] = [
            {
                "calendar": "DAYS",
                "start": holiday,
                "finish": holiday + dt.timedelta(hours=30),
            }
        ]
