"""Values of master data that are likely wrong: found, named, mended, and no others."""

from __future__ import annotations

import math
import time
from collections import Counter
from random import Random

import polars as pl
import pytest

import medhavi
from benchmarks.company_case.network import ModelSize
from benchmarks.company_case.tables import tables_of
from benchmarks.demo_company import company
from medhavi.errors import UsageError
from medhavi.schema import tables
from medhavi.snapshot import Snapshot
from tests.api import (
    CHANGES,
    CellHistory,
    DoubtSettings,
    LikeRows,
    MistakeKind,
    doubtful_values,
    like_rules,
)
from tests.predict.histories import frame, row
from tests.predict.planted_errors import FACTORS, planted

pytestmark = pytest.mark.req("NEX-09", "ANA-12")


@pytest.fixture(scope="module")
def demo() -> Snapshot:
    """The small demo company, as its history leaves it."""
    return company("small")


@pytest.fixture(scope="module")
def drawn() -> Snapshot:
    """A company of drawn numbers: 300 products, two sites."""
    return Snapshot.from_frames(tables_of(ModelSize(demands=600)))


def steps(*minutes, column="queue_minutes"):
    """Steps of one routing each, on one machine."""
    return {
        "steps": [
            {"routing": f"R{n}", "step": 10, "sequence": 10, column: cell}
            for n, cell in enumerate(minutes)
        ],
        "step_resources": [
            {"routing": f"R{n}", "step": 10, "resource": "M"}
            for n in range(len(minutes))
        ],
    }


def lanes(*hours):
    """Lanes by road; their cost is all the same."""
    return {
        "lanes": [
            {
                "lane": f"T{n}",
                "origin": "L",
                "destination": f"C{n}",
                "duration_h": cell,
                "fixed_cost": 50.0,
            }
            for n, cell in enumerate(hours)
        ]
    }


def only(**frames):
    """The one doubtful value of some tables."""
    found = doubtful_values(Snapshot.from_frames(frames)).values
    assert len(found) == 1, found
    return found[0]


def test_a_day_among_minutes_is_proposed_in_minutes():
    """Five like steps wait 1,440 minutes and one 24: somebody thought of hours."""
    told = only(**steps(1440, 1440, 1440, 1440, 1440, 24))
    assert (told.table, told.column, told.row) == ("steps", "queue_minutes", 6)
    assert (told.mistake, told.words) == (MistakeKind.TIME_UNIT, "in hours")
    assert (told.value, told.proposed) == (24.0, 1440.0)
    assert (told.like_rows, told.usual) == (5, 1440.0)
    assert told.chance > 0.9
    assert told.like == {"step_resources.resource": "M"}


def test_minutes_among_hours_are_proposed_in_hours():
    told = only(**lanes(24, 24, 26, 22, 24, 1440))
    assert (told.words, told.proposed) == ("in minutes", 24.0)
    assert told.key == {"lane": "T5"}


PRICES = (4.0, 4.2, 3.9, 4.1, 4.0, 3.8, 4.3)


@pytest.mark.parametrize(
    ("factor", "words"),
    [
        (10, "10 times"),
        (100, "100 times"),
        (1000, "1,000 times"),
        (0.1, "1/10"),
        (0.01, "1/100"),
        (0.001, "1/1,000"),
    ],
)
def test_a_moved_decimal_point_is_named_and_moved_back(factor, words):
    rows = [
        {"product": f"P{n}", "family": "F", "kind": "raw", "unit_cost": cost}
        for n, cost in enumerate(PRICES)
    ]
    rows.append({**rows[0], "product": "X", "unit_cost": 4.0 * factor})
    told = only(products=rows)
    assert (told.mistake, told.words) == (MistakeKind.DECIMAL, words)
    assert told.proposed == pytest.approx(4.0)


def test_pieces_among_packs_are_named():
    """A product is bought in boxes of 144; one minimum counts boxes."""
    terms = [
        {
            "supplier": f"S{n}",
            "product": "A",
            "location": "L",
            "lead_time_days": 5,
            "moq": moq,
        }
        for n, moq in enumerate((1440, 1440, 1440, 1440, 1440, 10))
    ]
    boxes = [{"product": "A", "uom": "box", "factor": 144}]
    told = only(supply_terms=terms, uom_conversions=boxes)
    assert (told.mistake, told.words) == (MistakeKind.PACKS, "in packs")
    assert told.proposed == 1440


def test_a_loss_among_yields_is_named():
    rows = steps(0.97, 0.98, 0.97, 0.97, 0.97, 0.98, 0.02, column="yield")
    told = only(**rows)
    assert (told.mistake, told.proposed) == (MistakeKind.LOSS, 0.98)


def test_a_cost_far_above_the_price_says_so():
    rows = [
        {"product": f"P{n}", "family": f"F{n}", "kind": "finished", "unit_cost": cost}
        for n, cost in enumerate((1.0, 2.0, 3.0, 4.0, 5.0, 6.0, 7.0, 80.0))
    ]
    sold = [
        {
            "demand": f"D{n}",
            "product": f"P{n}",
            "location": "L",
            "qty": 1,
            "due": "2026-12-01",
            "price": 2.0 * price,
        }
        for n, price in enumerate((1.0, 2.0, 3.0, 4.0, 5.0, 6.0, 7.0, 8.0))
    ]
    told = only(products=rows, demands=sold)
    assert (told.beside, told.words) == ("demands.price", "10 times, above its price")
    assert told.proposed == 8.0


def test_a_wrong_price_is_not_blamed_on_the_cost_beside_it(drawn):
    """Costs are drawn: beside the one price that is ten times as high one looks low."""
    rows = drawn["supply_terms"].to_dicts()
    wrong = next(one for one in rows if one["product"] == "RM00044")
    right, wrong["unit_price"] = wrong["unit_price"], wrong["unit_price"] * 10
    schema = drawn["supply_terms"].schema
    loose = DoubtSettings(least_chance=0.3)
    found = doubtful_values(
        drawn.replace(supply_terms=pl.DataFrame(rows, schema=schema)), loose
    )
    told = [one for one in found.values if "RM00044" in one.key.values()]
    assert [(one.table, one.column) for one in told] == [("supply_terms", "unit_price")]
    assert told[0].proposed == pytest.approx(right)


def test_two_values_apart_accuse_neither():
    """A table of two or three rows says nothing."""
    assert not doubtful_values(Snapshot.from_frames(lanes(24.0, 1440.0))).values
    assert not doubtful_values(Snapshot.from_frames(lanes(24.0, 24.0, 1440.0))).values


def test_fewer_like_rows_than_are_asked_for_call_nothing_wrong():
    """Three lanes by road take a day, one sixty; those by sea a third of that."""
    rows = lanes(24.0, 24.0, 24.0, 1440.0, *([600.0] * 12))["lanes"]
    for one in rows[4:]:
        one["mode"] = "sea"
    snapshot = Snapshot.from_frames({"lanes": rows})
    (told,) = doubtful_values(snapshot).values
    assert (told.key["lane"], told.like_rows) == ("T3", 3)
    assert not doubtful_values(snapshot, DoubtSettings(fewest_like_rows=4)).values


def test_a_cost_above_its_price_is_the_more_doubtful():
    """Fourfold a cost is below one price and above another; both spread alike."""
    random = Random(2)

    def chance(price):
        costs = [round(math.exp(random.gauss(2, 0.4)), 2) for _ in range(60)]
        costs[0] = 220.0
        rows = [
            {"product": f"P{n}", "kind": "finished", "unit_cost": cost}
            for n, cost in enumerate(costs)
        ]
        sold = {"location": "L", "qty": 1, "due": "2026-12-01"}
        demands = [{"demand": "D", "product": "P0", "price": price, **sold}]
        loose = DoubtSettings(least_chance=0.01)
        found = doubtful_values(
            Snapshot.from_frames({"products": rows, "demands": demands}), loose
        )
        return max(
            (o.chance for o in found.values if o.key["product"] == "P0"), default=0
        )

    assert chance(100.0) > chance(400.0)


def test_the_only_lane_by_air_is_no_wrong_lane_by_road():
    rows = lanes(*([24.0] * 8))["lanes"]
    rows.append({**rows[0], "lane": "AIR", "mode": "air", "duration_h": 2.4})
    assert not doubtful_values(Snapshot.from_frames({"lanes": rows})).values


def test_two_lanes_by_air_bear_each_other_out():
    rows = lanes(*([24.0] * 8))["lanes"]
    rows += [
        {**rows[0], "lane": f"AIR{n}", "mode": "air", "duration_h": 2.4 + n / 10}
        for n in range(2)
    ]
    assert not doubtful_values(Snapshot.from_frames({"lanes": rows})).values


def test_a_column_that_spreads_widely_raises_no_alarm():
    """Costs over six orders of magnitude, and nothing beside them."""
    random = Random(5)
    rows = [
        {"product": f"P{n}", "unit_cost": math.exp(random.gauss(2, 3))}
        for n in range(2_000)
    ]
    found = doubtful_values(Snapshot.from_frames({"products": rows}))
    assert found.checked == 2_000
    assert len(found.values) <= 2


@pytest.mark.parametrize(
    "rows",
    [
        [],
        [{"product": "A", "unit_cost": 3.0}],
        [{"product": f"P{n}", "unit_cost": None} for n in range(9)],
        [{"product": f"P{n}", "unit_cost": 0.0} for n in range(9)],
        [{"product": f"P{n}", "unit_cost": 3.0} for n in range(9)],
        [{"product": f"P{n}", "unit_cost": float("nan")} for n in range(9)],
        [{"product": f"P{n}", "unit_cost": float("inf")} for n in range(9)],
        [{"product": f"P{n}", "unit_cost": -3.0} for n in range(9)],
        [{"product": "A", "unit_cost": 3.0 * 10**n} for n in range(9)],
    ],
)
@pytest.mark.filterwarnings("error")
def test_what_cannot_be_compared_is_not_doubtful(rows):
    assert not doubtful_values(Snapshot.from_frames({"products": rows})).values


def test_no_table_at_all_is_compared():
    found = medhavi.doubtful_values(Snapshot.from_frames({}))
    assert (found.values, found.checked, found.precision) == ((), 0, None)
    assert found.to_frame().is_empty()


@pytest.mark.nightly
def test_the_clean_demo_company_has_a_handful_of_doubtful_values_at_most(demo):
    """At half the default chance: one lane within a site, by far the cheapest."""
    assert not doubtful_values(demo).values
    looser = doubtful_values(demo, DoubtSettings(least_chance=0.25))
    assert len(looser.values) <= 3


def rates(company_, number, seeds, settings=None):
    """Hits, alarms and planted errors of some drawings, and each error missed."""
    hits, alarms, errors, mended = 0, 0, 0, 0
    bins: Counter[tuple[int, bool]] = Counter()
    kinds: dict[str, Counter[bool]] = {}
    for seed in seeds:
        made = planted(company_, number, Random(seed))
        found = made.found(settings)
        hits += len(found.keys() & made.right.keys())
        alarms, errors = alarms + len(found), errors + len(made.right)
        for cell, one in found.items():
            bins[min(int(one.chance * 4), 3), cell in made.right] += 1
            right = made.right.get(cell)
            mended += right is not None and one.proposed == pytest.approx(right)
        for cell, kind in made.kinds.items():
            kinds.setdefault(kind, Counter())[cell in found] += 1
    return hits, alarms, errors, mended, bins, kinds


@pytest.mark.req("NEX-03")
@pytest.mark.nightly
def test_planted_errors_of_the_demo_company_are_found_and_nothing_else(demo):
    """Gates: precision 0.95, recall 0.8, nine of ten proposals exact."""
    hits, alarms, errors, mended, _, kinds = rates(demo, 30, range(8))
    assert hits / alarms >= 0.95
    assert hits / errors >= 0.8
    assert mended / hits >= 0.9
    assert all(told[True] / told.total() >= 0.6 for told in kinds.values()), kinds


@pytest.mark.nightly
@pytest.mark.req("NEX-03")
def test_planted_errors_of_a_drawn_company_are_found_and_nothing_else(drawn):
    """Its order minimums and costs are drawn over two orders of magnitude.

    A lead time in weeks is one of those that are usual there: of times in another unit
    half are found, of moved decimal points four of five.
    """
    hits, alarms, errors, mended, _, kinds = rates(drawn, 30, range(10))
    assert hits / alarms >= 0.95
    assert hits / errors >= 0.75
    assert mended / hits >= 0.9
    moved = [told for kind, told in kinds.items() if kind in FACTORS]
    found = sum(told[True] for told in moved)
    assert found / sum(told.total() for told in moved) >= 0.8


@pytest.mark.req("NEX-03")
@pytest.mark.nightly
def test_chances_say_how_many_are_wrong(demo, drawn):
    """Of cells with a chance of a half to three quarters at least half are wrong.

    Errors are planted in 0.5 % to 0.7 % of the cells, as is assumed.
    """
    loose = DoubtSettings(least_chance=0.1)
    bins: Counter[tuple[int, bool]] = Counter()
    for made in (rates(demo, 30, range(8), loose), rates(drawn, 40, range(6), loose)):
        bins += made[4]
    share = [bins[n, True] / (bins[n, True] + bins[n, False]) for n in range(4)]
    assert 0.1 <= share[0] <= 0.8
    assert share[2] >= 0.5
    assert share[3] >= 0.93
    assert share[3] >= share[2] - 0.05 >= share[0] - 0.1


def test_expected_precision_is_the_mean_chance(demo):
    made = planted(demo, 30, Random(1))
    found = doubtful_values(made.snapshot)
    assert found.precision == pytest.approx(
        sum(one.chance for one in found.values) / len(found.values)
    )
    assert "expected precision" in str(found)
    frame = found.to_frame()
    assert frame["chance"].is_sorted(descending=True)
    assert frame.height == len(found.values)
    assert frame.schema["value"] == pl.Float64
    assert found.without([found.values[0].place]).values == found.values[1:]


def changes(*rows):
    return CellHistory(pl.DataFrame(rows, schema=CHANGES, orient="row"))


def wide_costs(number=60):
    random = Random(3)
    return [
        {"product": f"P{n}", "unit_cost": round(math.exp(random.gauss(2, 2)), 2)}
        for n in range(number)
    ]


def test_the_value_before_is_the_best_like_row():
    """Among costs that spread widely only the cell's own past tells of a mistake."""
    rows = wide_costs()
    before, after = rows[7]["unit_cost"], round(rows[7]["unit_cost"] * 100, 2)
    rows[7]["unit_cost"] = after
    snapshot = Snapshot.from_frames({"products": rows})
    assert not doubtful_values(snapshot).values
    history = changes(("products", "P7", "unit_cost", before, after))
    (told,) = doubtful_values(snapshot, history=history).values
    assert told.beside == "earlier"
    assert told.proposed == pytest.approx(before)


def test_a_corrected_value_is_not_doubted_for_its_wrong_past():
    rows = [{"product": f"P{n}", "unit_cost": 4.0 + n / 50} for n in range(40)]
    history = changes(("products", "P7", "unit_cost", 400.0, rows[7]["unit_cost"]))
    snapshot = Snapshot.from_frames({"products": rows})
    assert not doubtful_values(snapshot, history=history).values


def test_a_usual_change_is_not_doubted():
    rows = wide_costs()
    history = changes(
        (
            "products",
            "P7",
            "unit_cost",
            rows[7]["unit_cost"] * 0.7,
            rows[7]["unit_cost"],
        )
    )
    snapshot = Snapshot.from_frames({"products": rows})
    assert not doubtful_values(snapshot, history=history).values


def test_past_corrections_tell_the_share_of_wrong_cells():
    """12 of 40 cells were corrected; the assumed 0.5 % weighs as much as 200."""
    rows = [{"product": f"P{n}", "unit_cost": 4.0 + n / 50} for n in range(40)]
    snapshot = Snapshot.from_frames({"products": rows})
    past = [("products", f"P{n}", "unit_cost", 4000.0, 4.0) for n in range(12)]
    found = doubtful_values(snapshot, history=changes(*past))
    assert found.shares["products.unit_cost"] == pytest.approx((12 + 1) / (40 + 200))
    few = doubtful_values(snapshot, history=changes(*past[:9]))
    assert not few.shares
    small = [("products", f"P{n}", "unit_cost", 4.4, 4.0) for n in range(12)]
    assert not doubtful_values(snapshot, history=changes(*small)).shares


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("least_chance", 0.0),
        ("wrong_share", 1.0),
        ("fewest_like_rows", 1),
        ("least_spread", 0.0),
        ("enough_corrections", 0),
    ],
)
def test_a_setting_out_of_its_range_is_refused(name, value):
    with pytest.raises(UsageError, match=name):
        DoubtSettings(**{name: value})


def test_every_rule_names_columns_that_there_are():
    """Paths lead through references and tables of the schema to numbers."""
    known = tables()
    rows = LikeRows(Snapshot.from_frames({}), fewest=3, least_spread=0.1)
    for table, columns in like_rules().items():
        for column, rule in columns.items():
            assert known[table].columns[column].type in ("float", "int")
            paths = [
                *(p for by in rule.like for p in by),
                *(of for of, _ in rule.beside),
            ]
            paths += [name for _, by in rule.beside for name in by]
            assert column not in paths
            assert all(rows.cells(table, path).len() == 0 for path in paths)


@pytest.mark.nightly
def test_a_hundred_thousand_numbers_take_seconds():
    random = Random(1)
    number = 25_000
    made = {
        "routing": [f"R{n}" for n in range(number)],
        "step": [10] * number,
        "sequence": [10] * number,
        "family": [f"F{n % 40}" for n in range(number)],
    }
    for name in ("setup_minutes", "fixed_minutes", "queue_minutes", "move_minutes"):
        made[name] = [math.exp(random.gauss(n % 40 / 10, 0.3)) for n in range(number)]
    snapshot = Snapshot.from_frames({"steps": pl.DataFrame(made)})
    begin = time.process_time()
    found = doubtful_values(snapshot)
    assert time.process_time() - begin < 6.0
    assert found.checked == 125_000  # with yields, which are all 1
    assert len(found.values) <= 20


def term(product, days, **cells):
    """A supply term of one supplier, each product at its own price."""
    return {
        "supplier": "S",
        "product": product,
        "location": "DC",
        "lead_time_days": float(days),
        **cells,
    }


def delivered(product, *days, subject="S", location="DC"):
    """Deliveries of a product, one ordered each week."""
    return [
        row(subject, 7.0 * n, took, product=product, location=location)
        for n, took in enumerate(days)
    ]


def judged(terms, *deliveries, settings=None):
    """Doubtful values of terms beside what was delivered."""
    snapshot = Snapshot.from_frames({"supply_terms": terms})
    history = {"supplier": frame(*(one for part in deliveries for one in part))}
    return doubtful_values(snapshot, settings, deliveries=history).values


SLOW = (18.0, 19.0, 20.0, 21.0, 22.0, 20.0) * 3


def test_a_stated_lead_time_that_deliveries_refute_should_say_their_median():
    (told,) = judged([term("A", 3), term("B", 20)], delivered("A", *SLOW))
    assert (told.key["product"], told.column, told.value) == ("A", "lead_time_days", 3)
    assert (told.mistake, told.beside) == (MistakeKind.DELIVERED, "deliveries")
    assert (told.like_rows, told.usual, told.proposed) == (18, 20.0, 20.0)
    assert told.low < 20.0 < told.high
    assert told.chance > 0.9


def test_a_stated_lead_time_that_is_too_long_is_doubtful_too():
    (told,) = judged([term("A", 60)], delivered("A", *SLOW))
    assert told.proposed == 20.0


@pytest.mark.parametrize("stated_days", [17, 19, 20, 22, 24])
def test_a_stated_lead_time_near_its_deliveries_is_right(stated_days):
    assert not judged([term("A", stated_days)], delivered("A", *SLOW))


def test_a_day_on_a_short_lead_time_is_no_doubt():
    assert not judged([term("A", 1)], delivered("A", *[1.9] * 18))


def test_nine_deliveries_refute_nothing():
    assert not judged([term("A", 3)], delivered("A", *SLOW[:9]))


def test_some_slow_deliveries_among_many_refute_nothing():
    assert not judged([term("A", 10)], delivered("A", *[10.0] * 10, *[20.0] * 8))


def test_a_delivery_counts_for_its_product_and_place_alone():
    terms = [term("A", 3), term("A", 20, location="HUB"), term("B", 3)]
    (told,) = judged(
        terms, delivered("A", *SLOW, location="HUB"), delivered("B", *SLOW)
    )
    assert told.key["product"] == "B"


def test_a_term_for_a_group_and_all_places_is_told_by_all_its_products():
    snapshot = Snapshot.from_frames(
        {
            "products": [{"product": "G"}, {"product": "A", "parent": "G"}],
            "supply_terms": [term("G", 3, location="*")],
        }
    )
    history = {"supplier": frame(*delivered("A", *SLOW))}
    (told,) = doubtful_values(snapshot, deliveries=history).values
    assert told.key["product"] == "G"


def test_deliveries_that_bear_a_value_out_clear_it_of_what_like_rows_say():
    terms = [term(f"P{n}", 10) for n in range(8)] + [term("A", 100)]
    (alone,) = judged(terms)
    assert alone.key["product"] == "A"
    assert not judged(terms, delivered("A", *[98.0] * 18))


def test_a_transport_is_judged_without_its_customs():
    """It takes 48 hours, 12 of them at customs: 36 is right, 12 is not."""
    lane = {"lane": "T", "origin": "L", "destination": "C", "customs_h": 12.0}
    took = {"lane": frame(*delivered("P", *[2.0] * 18, subject="T"))}
    for hours, proposed in ((36.0, []), (12.0, [36.0])):
        snapshot = Snapshot.from_frames({"lanes": [{**lane, "duration_h": hours}]})
        told = doubtful_values(snapshot, deliveries=took).values
        assert [one.proposed for one in told] == proposed


def test_what_one_truck_brings_is_one_delivery():
    snapshot = Snapshot.from_frames({"supply_terms": [term("A", 3)]})
    same = [row("S", 1.0, 20.0, product="A", location="DC") for _ in range(18)]
    history = {"supplier": frame(*same)}
    assert not doubtful_values(snapshot, deliveries=history).values
