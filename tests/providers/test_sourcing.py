"""Which sources a product at a location may use, in which order."""

from __future__ import annotations

import datetime as dt
from fractions import Fraction

import pytest

from medhavi.units import ALWAYS, DAY, NEVER
from tests import factories
from tests.factories import AS_OF
from tests.providers.given_times import moment, providers, text


def sourcing(**tables):
    return providers(factories.snapshot(**tables)).sourcing


def names(product: str, location: str, **tables) -> list[tuple[str, str]]:
    found = sourcing(**tables).sources(product, location)
    return [(source.kind, source.source) for source in found]


def day(number: int) -> dt.datetime:
    return AS_OF + dt.timedelta(days=number)


# --------------------------------------------------------------- without sourcing rows
def test_routings_and_terms_supply_a_product_by_preference_then_id():
    assert names(
        "A",
        "L",
        routings=[
            {"routing": "R2"},
            {"routing": "R1"},
            {"routing": "R0", "preference": 3},
        ],
        supply_terms=[{"preference": 2}],
        lanes=[{"origin": "W", "destination": "L"}],
        stock=[{"location": "W"}],
    ) == [("make", "R1"), ("make", "R2"), ("buy", "S"), ("make", "R0")]


def test_lanes_supply_where_nothing_else_does():
    assert names(
        "A",
        "C",
        locations=[{"location": "C", "kind": "customer"}],
        routings=[{"location": "L"}],
        supply_terms=[{"location": "W"}],
        lanes=[
            {"lane": "T2", "origin": "L", "destination": "C"},
            {"lane": "T1", "origin": "W", "destination": "C"},
            {"lane": "T0", "origin": "L", "destination": "C", "preference": 2},
        ],
    ) == [("move", "T1"), ("move", "T2"), ("move", "T0")]


def test_product_without_anything_has_no_source():
    assert names("A", "L", products=[{}]) == []


@pytest.mark.parametrize(
    "reason",
    [
        {"stock": [{"location": "W"}]},
        {"supply_orders": [{"location": "W"}]},
        {"inventory_policies": [{"location": "W", "unlimited": True}]},
        {"supply_terms": [{"location": "W"}]},
        {"routings": [{"location": "W"}]},
        {"sourcing": [{"location": "W", "kind": "buy", "source": "S"}]},
        {"stock": [{"location": "X"}], "lanes": [{"origin": "X", "destination": "W"}]},
    ],
)
def test_lane_is_a_source_when_its_origin_can_have_the_product(reason):
    tables = {**reason, "suppliers": [{"supplier": "S"}]}
    tables["lanes"] = [
        {"lane": "GOOD", "origin": "W", "destination": "L"},
        {"lane": "BACK", "origin": "N", "destination": "L"},
        *tables.get("lanes", []),
    ]
    assert names("A", "L", **tables) == [("move", "GOOD")]


def test_lanes_to_and_fro_without_any_supply_are_no_source():
    lanes = [
        {"origin": "W", "destination": "L"},
        {"origin": "L", "destination": "W"},
    ]
    assert names("A", "L", lanes=lanes, products=[{}]) == []


TO_AND_FRO = [
    {"lane": "P1", "origin": "P", "destination": "D1"},
    {"lane": "P2", "origin": "P", "destination": "D2"},
    {"lane": "D12", "origin": "D1", "destination": "D2"},
    {"lane": "D21", "origin": "D2", "destination": "D1"},
]


def test_places_do_not_wait_for_each_other():
    tables = {"lanes": TO_AND_FRO, "supply_terms": [{"location": "P"}]}
    assert names("A", "D1", **tables) == [("move", "P1")]
    assert names("A", "D2", **tables) == [("move", "P2")]


def test_of_a_circle_the_lanes_away_from_the_supply_stay():
    tables = {
        "lanes": [
            {"lane": "PA", "origin": "P", "destination": "W1"},
            {"lane": "AB", "origin": "W1", "destination": "W2"},
            {"lane": "BC", "origin": "W2", "destination": "W3"},
            {"lane": "CA", "origin": "W3", "destination": "W1"},
        ],
        "supply_terms": [{"location": "P"}],
    }
    assert names("A", "W1", **tables) == [("move", "PA")]
    assert names("A", "W2", **tables) == [("move", "AB")]
    assert names("A", "W3", **tables) == [("move", "BC")]


def test_stock_on_both_sides_of_two_lanes_is_no_supply_of_the_other():
    tables = {
        "lanes": TO_AND_FRO[2:],
        "stock": [{"location": "D1"}, {"location": "D2"}],
    }
    assert names("A", "D1", **tables) == []
    assert names("A", "D2", **tables) == []


def test_detour_without_a_circle_is_a_source_too():
    lanes = [
        {"lane": "DIRECT", "origin": "P", "destination": "C"},
        {"lane": "IN", "origin": "P", "destination": "H"},
        {"lane": "BY_HUB", "origin": "H", "destination": "C"},
    ]
    assert names("A", "C", lanes=lanes, supply_terms=[{"location": "P"}]) == [
        ("move", "BY_HUB"),
        ("move", "DIRECT"),
    ]


def test_customer_sends_nothing_on():
    assert (
        names(
            "A",
            "L",
            locations=[{"location": "C", "kind": "customer"}],
            stock=[{"location": "C"}],
            lanes=[{"origin": "C", "destination": "L"}],
        )
        == []
    )


def test_routing_that_ended_is_never_proposed():
    tables = {
        "routings": [{"valid_to": AS_OF}],
        "lanes": [{"lane": "T", "origin": "W", "destination": "L"}],
        "stock": [{"location": "W"}],
    }
    assert names("A", "L", **tables) == [("move", "T")]
    kept = sourcing(**tables).source_of("work", "R", "A", "L")
    assert kept is not None
    assert kept.windows == ((ALWAYS, NEVER),)


@pytest.mark.parametrize("ends", [None, day(1), AS_OF, day(-1)])
@pytest.mark.parametrize("table", ["routings", "supply_terms"])
@pytest.mark.parametrize("of_group", [False, True])
def test_a_place_is_decided_by_what_has_not_ended(table, ends, of_group):
    group = {"products": [{"product": "A", "parent": "G"}, {"product": "G"}]}
    named = {"product": "G"} if of_group and table == "supply_terms" else {}
    found = sourcing(
        **(group if named else {}), **{table: [{**named, "valid_to": ends}]}
    )
    own = {source.kind for source in found.sources("A", "L")} - {"move"}
    assert found.is_decided("A", "L") is bool(own)
    assert bool(own) is (ends is None or ends > AS_OF)


def test_need_for_a_coproduct_may_start_an_order_and_for_a_byproduct_not():
    tables = {
        "routing_outputs": [
            {"product": "CO", "role": "co"},
            {"product": "BY", "role": "by"},
        ]
    }
    assert names("CO", "L", **tables) == [("make", "R")]
    assert names("BY", "L", **tables) == []
    assert names("A", "L", **tables) == [("make", "R")]


def test_output_elsewhere_supplies_that_place():
    tables = {"routing_outputs": [{"product": "A", "location": "W"}]}
    assert names("A", "W", **tables) == [("make", "R")]
    assert names("A", "L", **tables) == []


def test_lots_of_a_coproduct_count_the_main_products_steps():
    source = sourcing(
        products=[{"product": "A", "qty_step": 0.5}, {"product": "CO"}],
        routings=[{"min_lot": 10}],
        routing_outputs=[{"product": "CO", "role": "co"}],
    ).sources("CO", "L")[0]
    assert source.step == Fraction(1, 2)
    assert source.min_lot == 20


# ------------------------------------------------------------------ with sourcing rows
def test_sourcing_rows_alone_decide():
    assert names(
        "A",
        "L",
        routings=[{}, {"routing": "R2"}],
        supply_terms=[{}],
        sourcing=[{"source": "R2"}],
    ) == [("make", "R2")]


def test_row_overrides_preference_lots_window_and_safety():
    source = sourcing(
        supply_terms=[
            {"preference": 5, "moq": 10, "lot_multiple": 5, "batch_window_days": 7}
        ],
        sourcing=[
            {
                "kind": "buy",
                "source": "S",
                "preference": 2,
                "min_lot": 40,
                "max_lot": 100,
                "lot_multiple": 20,
                "batch_window_days": 3,
                "safety_days": 1,
            }
        ],
    ).sources("A", "L")[0]
    assert source.preference == 2
    assert (source.min_lot, source.max_lot, source.multiple) == (40, 100, 20)
    assert source.batch_window_days == 3
    assert source.safety_days == 1
    need = moment("2026-01-20T00:00")
    assert source.clock.latest(need, 1).finish == need - DAY


def test_row_that_states_zero_overrides_too():
    source = sourcing(
        supply_terms=[{"moq": 10, "safety_days": 3}],
        sourcing=[{"kind": "buy", "source": "S", "min_lot": 0, "safety_days": 0}],
    ).sources("A", "L")[0]
    assert source.min_lot == 0
    assert source.safety_days == 0


def test_empty_cells_of_a_row_keep_what_the_source_says():
    source = sourcing(
        supply_terms=[{"preference": 5, "moq": 10, "max_lot": 30, "safety_days": 2}],
        sourcing=[{"kind": "buy", "source": "S"}],
    ).sources("A", "L")[0]
    assert (source.preference, source.min_lot, source.max_lot) == (5, 10, 30)
    assert source.safety_days == 2


def test_window_is_the_overlap_of_row_and_source():
    sources = sourcing(
        supply_terms=[
            {"valid_to": day(10), "lead_time_days": 3},
            {"valid_from": day(10), "lead_time_days": 8},
        ],
        sourcing=[
            {"kind": "buy", "source": "S", "valid_from": day(5), "valid_to": day(20)}
        ],
    ).sources("A", "L")
    assert [[text(edge) for edge in source.windows[0]] for source in sources] == [
        ["Sat 2026-01-10 00:00", "Thu 2026-01-15 00:00"],
        ["Thu 2026-01-15 00:00", "Sun 2026-01-25 00:00"],
    ]
    assert [source.row["lead_time_days"] for source in sources] == [3, 8]


def test_rows_of_one_source_with_different_dates_change_its_lots():
    sources = sourcing(
        routings=[{}],
        sourcing=[
            {"source": "R", "valid_to": day(10), "min_lot": 5},
            {"source": "R", "valid_from": day(10), "min_lot": 50},
        ],
    ).sources("A", "L")
    start = moment("2026-01-14T23:59")
    assert [s.min_lot for s in sources if s.valid_at(start)] == [5]
    assert [s.min_lot for s in sources if s.valid_at(start + 60)] == [50]


@pytest.mark.parametrize(
    "row",
    [
        {"valid_to": AS_OF},
        {"valid_from": day(30)},
    ],
)
def test_row_that_ended_or_misses_its_source_gives_none(row):
    assert (
        names(
            "A",
            "L",
            supply_terms=[{"valid_to": day(30)}],
            sourcing=[{"kind": "buy", "source": "S", **row}],
        )
        == []
    )


def test_shares_are_exact():
    shares = [
        source.share
        for source in sourcing(
            supply_terms=[{}, {"supplier": "T"}, {"supplier": "U"}],
            sourcing=[
                {"kind": "buy", "source": "S", "share_pct": 33.3},
                {"kind": "buy", "source": "T", "share_pct": 66.7},
                {"kind": "buy", "source": "U"},
            ],
        ).sources("A", "L")
    ]
    assert shares == [Fraction(333, 10), Fraction(667, 10), None]


def test_move_row_may_name_a_lane_or_an_origin():
    lanes = [
        {"lane": "SLOW", "destination": "W", "preference": 2},
        {"lane": "FAST", "destination": "W"},
        {"lane": "OTHER", "origin": "X", "destination": "W"},
    ]
    by_lane = [{"location": "W", "kind": "move", "source": "SLOW"}]
    by_origin = [{"location": "W", "kind": "move", "source": "L"}]
    assert names("A", "W", lanes=lanes, sourcing=by_lane) == [("move", "SLOW")]
    assert names("A", "W", lanes=lanes, sourcing=by_origin) == [
        ("move", "FAST"),
        ("move", "SLOW"),
    ]


def test_share_of_an_origin_goes_to_its_preferred_lane():
    sources = sourcing(
        lanes=[
            {"lane": "SLOW", "destination": "W", "preference": 2},
            {"lane": "FAST", "destination": "W"},
            {"lane": "X", "origin": "X", "destination": "W", "preference": 3},
        ],
        sourcing=[
            {"location": "W", "kind": "move", "source": "L", "share_pct": 40},
            {"location": "W", "kind": "move", "source": "X", "share_pct": 60},
        ],
    ).sources("A", "W")
    assert {s.source: s.share for s in sources} == {"FAST": 40, "SLOW": 0, "X": 60}


def test_share_passes_a_forbidden_lane_by():
    sources = sourcing(
        products=[{"product": "A", "hazmat": True}],
        lanes=[
            {"lane": "AIR", "destination": "W", "hazmat_allowed": False},
            {"lane": "SEA", "destination": "W", "preference": 2},
        ],
        sourcing=[{"location": "W", "kind": "move", "source": "L", "share_pct": 40}],
    ).sources("A", "W")
    assert [(s.source, s.share) for s in sources] == [("SEA", 40)]


# ---------------------------------------------------------------------------- groups
GROUPS = [{"product": "A", "parent": "G"}, {"product": "G", "parent": "TOP"}]


def test_rows_of_a_group_hold_for_its_members():
    assert names(
        "A",
        "L",
        products=GROUPS,
        supply_terms=[{}, {"supplier": "T"}],
        sourcing=[{"product": "TOP", "kind": "buy", "source": "T"}],
    ) == [("buy", "T")]


def test_own_row_hides_group_rows_of_its_kind_only():
    tables = {
        "products": GROUPS,
        "supply_terms": [{}, {"supplier": "T"}],
        "lanes": [{"lane": "X", "origin": "W", "destination": "L"}],
        "sourcing": [
            {"kind": "buy", "source": "S"},
            {"product": "G", "kind": "buy", "source": "T"},
            {"product": "G", "kind": "move", "source": "W"},
        ],
    }
    assert names("A", "L", **tables) == [("buy", "S"), ("move", "X")]


# ------------------------------------------------------------------- existing orders
def test_source_of_a_purchase_takes_the_terms_that_hold_now():
    found = sourcing(
        supply_terms=[
            {"valid_to": day(-10), "lead_time_days": 1},
            {"valid_from": day(-10), "valid_to": day(5), "lead_time_days": 2},
            {"valid_from": day(5), "lead_time_days": 3},
        ],
        sourcing=[{"kind": "make", "source": "R"}],
    ).source_of("purchase", "S", "A", "L")
    assert found is not None
    assert found.row["lead_time_days"] == 2
    assert found.windows == ((ALWAYS, NEVER),)


def test_source_of_an_old_purchase_takes_the_latest_terms():
    found = sourcing(
        supply_terms=[
            {"valid_to": day(-10), "lead_time_days": 1},
            {"valid_from": day(-10), "valid_to": day(-5), "lead_time_days": 2},
        ]
    ).source_of("purchase", "S", "A", "L")
    assert found is not None
    assert found.row["lead_time_days"] == 2


@pytest.mark.parametrize("source", ["T", "L"])
def test_source_of_a_transfer_is_its_lane_or_one_from_its_origin(source):
    found = sourcing(lanes=[{"lane": "T"}]).source_of("transfer", source, "A", "W")
    assert found is not None
    assert (found.kind, found.source) == ("move", "T")


@pytest.mark.parametrize("kind", ["work", "purchase", "transfer"])
def test_unknown_source_of_an_order_is_none(kind):
    assert sourcing(products=[{}]).source_of(kind, "X", "A", "L") is None


def test_source_of_an_order_for_another_product_is_none():
    assert sourcing(routings=[{}]).source_of("work", "R", "B", "L") is None


# --------------------------------------------------------------------------- places
def test_customers_hold_no_stock():
    found = sourcing(locations=[{"location": "C", "kind": "customer"}, {}])
    assert not found.holds_stock("C")
    assert found.holds_stock("L")
    assert found.holds_stock("somewhere unknown")


def test_fence_of_a_routing_counts_in_the_calendar_of_its_location():
    source = sourcing(
        locations=[{"location": "L", "calendar": "CAL"}],
        routings=[{"fence_days": 1}],
        shifts=[{"weekday": 3}],
    ).sources("A", "L")[0]
    # The only open day is Wednesday; its count is full when it ends.
    assert text(source.fence_start) == "Thu 2026-01-08 00:00"


def test_cost_of_making_is_per_order_and_per_unit():
    source = sourcing(routings=[{"fixed_cost": 100, "cost_per_unit": 2}]).sources(
        "A", "L"
    )[0]
    assert source.cost(10) == 120


def test_order_of_rows_does_not_matter():
    tables = {
        "routings": [{"routing": "R2"}, {"routing": "R1"}],
        "supply_terms": [{"supplier": "T"}, {"supplier": "S"}],
    }
    turned = {name: list(reversed(rows)) for name, rows in tables.items()}
    assert names("A", "L", **tables) == names("A", "L", **turned)


def test_sources_are_built_once():
    found = sourcing(supply_terms=[{}])
    assert found.sources("A", "L") is found.sources("A", "L")
