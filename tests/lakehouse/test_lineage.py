"""Lineage of a cell: the events that made it, exactly, and what hides them."""

from __future__ import annotations

import tempfile

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from medhavi.errors import UsageError
from medhavi.results.reports.lineage import Standing, StepEffect
from medhavi.schema import tables
from tests.api import Lake
from tests.examples import examples
from tests.lakehouse.lake_events import (
    day,
    event,
    line,
    rows_only,
    small_company,
    store_of,
)
from tests.lakehouse.random_facts import facts_told


def lake_of(tmp_path, told) -> Lake:
    lake = Lake(tmp_path)
    lake.mirror(store_of(told))
    return lake


def term(number, days, kind="SupplyTermChanged"):
    key = {"supplier": "S", "product": "A", "location": "DC"}
    return event(number, kind, **key, lead_time_days=days)


def override(number, value, **validity):
    key = {"supplier": "S", "product": "A", "location": "DC"}
    return event(
        number,
        "OverrideRecorded",
        override=f"O{number}",
        table="supply_terms",
        key=key,
        column="lead_time_days",
        value=value,
        approver="ann",
        **validity,
    )


def amended(number, kind, target, **fields):
    name = store_event_id(target)
    return event(number, kind, event=name, reason="wrong", approver="ann", **fields)


def store_event_id(number):
    return event(number, "ProductDefined", product="A")[1][0].event_id


LEAD = ("supply_terms", "S|A|DC", "lead_time_days")


@pytest.mark.req("NEX-09")
def test_a_cell_comes_from_the_events_that_changed_it(tmp_path):
    lake = lake_of(tmp_path, [*small_company(), term(9, 7.0), term(10, 9.0)])
    found = lake.lineage(*LEAD)
    assert (found.value, found.unit, found.origin) == (9.0, "day", "events")
    assert [(one.position, one.cells["lead_time_days"]) for one in found.steps] == [
        (4, (None, 5.0)),
        (8, (5.0, 7.0)),
        (9, (7.0, 9.0)),
    ]
    assert [one.type for one in found.steps] == [
        "SupplyTermDefined",
        "SupplyTermChanged",
        "SupplyTermChanged",
    ]
    assert found.value == lake.snapshot()["supply_terms"]["lead_time_days"][0]


def test_another_event_is_another_lineage(tmp_path):
    for place, days in (("one", 7.0), ("other", 8.0)):
        lake = lake_of(tmp_path / place, [*small_company(), term(9, days)])
        last = lake.lineage(*LEAD).steps[-1]
        assert last.cells == {"lead_time_days": (5.0, days)}


def test_an_override_hides_what_was_stated_while_it_holds(tmp_path):
    told = [*small_company(), override(9, 3.0, valid_to=day(2)), term(10, 9.0)]
    lake = lake_of(tmp_path, told)
    found = lake.lineage(*LEAD)
    assert (found.value, found.stated, found.origin) == (3.0, 9.0, "override")
    last = found.steps[-1]
    assert (last.effect, last.position) == (StepEffect.OVERRIDDEN, 8)
    assert last.cells == {"lead_time_days": (9.0, 3.0)}
    assert last.detail == "until 2026-01-07 00:00 UTC"
    later = lake.lineage(*LEAD, effective_at=day(3))
    assert (later.value, later.origin) == (9.0, "events")
    assert later.steps[-1].effect is StepEffect.NOT_VALID


def test_a_fact_that_is_recorded_later_is_not_known_before(tmp_path):
    lake = lake_of(tmp_path, [*small_company(), term(9, 7.0), term(10, 9.0)])
    before = lake.lineage(*LEAD, known_at=day(9.5 / 1440))
    assert before.value == 7.0
    assert [one.position for one in before.steps] == [4, 8]


def test_a_void_and_a_correction_are_told_with_who_amended(tmp_path):
    told = [*small_company(), term(9, 7.0), term(10, 9.0)]
    right = {"supplier": "S", "product": "A", "location": "DC", "lead_time_days": 6.0}
    told += [
        amended(11, "EventVoided", 10),
        amended(12, "EventCorrected", 9, payload=right),
    ]
    found = lake_of(tmp_path, told).lineage(*LEAD)
    assert found.value == 6.0
    assert [(one.effect, one.position, one.amended_by) for one in found.steps] == [
        (StepEffect.STATED, 4, None),
        (StepEffect.STATED, 8, 11),
        (StepEffect.VOIDED, 9, 10),
    ]


def test_what_cannot_be_read_and_what_makes_no_sense_is_told_as_refused(tmp_path):
    told = [*small_company(), event(9, "StockMoved", product="A", location="DC", qty=1)]
    told.append(event(10, "LotStatusChanged", product="A", location="X", status="held"))
    events = list(store_of(told).read_all())
    bad = msgspec.structs.replace(
        events[7], payload='{"product":"A","location":"DC","qty":"ten"}'
    )
    lake = Lake(tmp_path)
    lake.mirror(rows_only([*events[:7], bad, *events[8:]]))
    first, second = lake.lineage("stock", "A|DC", "qty").steps
    assert (first.effect, first.cells) == (StepEffect.STATED, {"qty": (None, 40.0)})
    assert (second.effect, second.position) == (StepEffect.REFUSED, 8)
    assert second.codes == ("LAKE001",)
    assert "ten" in second.detail or "float" in second.detail
    (unknown,) = lake.lineage("stock", "A|X").steps
    assert (unknown.effect, unknown.codes) == (StepEffect.REFUSED, ("LAKE003",))


def test_a_late_fact_is_placed_by_its_effect_and_says_so(tmp_path):
    told = [event(5, "StockCounted", product="A", location="DC", qty=40.0)]
    told.append(
        event(9, "LotReceived", occurred=day(-1), product="A", location="DC", qty=9.0)
    )
    received, counted = lake_of(tmp_path, told).lineage("stock", "A|DC", "qty").steps
    assert (received.position, received.codes) == (2, ("LAKE008",))
    assert counted.cells == {"qty": (9.0, 40.0)}


def test_an_empty_cell_has_the_default_of_its_column(tmp_path):
    lake = lake_of(tmp_path, small_company())
    found = lake.lineage("products", "A", "uom")
    assert (found.value, found.stated, found.origin) == ("each", None, "default")
    assert found.steps == ()


def test_a_row_that_is_held_or_finished_or_gone_says_so(tmp_path):
    odd = event(9, "OrderPlaced", sales_order="SO-2", lines=[line("D-2", product="Z")])
    done = event(10, "SupplyOrderCompleted", supply_order="PO-1", completed_at=day(0))
    told = [*small_company(), odd, done, event(11, "ProductRetired", product="A")]
    lake = lake_of(tmp_path / "held", told[:-1])
    held = lake.lineage("demands", "D-2", "qty")
    assert held.standing is Standing.HELD
    assert held.reason.startswith("SNAP")
    assert held.value == 1.0
    assert lake.lineage("supply_orders", "PO-1").standing is Standing.FINISHED
    gone = lake_of(tmp_path / "gone", told).lineage("products", "A", "unit_cost")
    assert gone.standing is Standing.REMOVED
    assert gone.steps[-1].effect is StepEffect.REMOVED
    assert lake.lineage("products", "Q").standing is Standing.UNKNOWN


def test_the_moment_of_the_settings_is_that_of_the_question(tmp_path):
    lake = lake_of(tmp_path, small_company())
    assert lake.lineage("settings", "", "as_of").origin == "moment"


@pytest.mark.parametrize(
    ("asked", "words"),
    [
        (("supply_term", "S"), "no planning table 'supply_term'.*supply_terms"),
        (("supply_terms", "S|A|DC", "lead_time"), "no column 'lead_time'"),
        (("supply_terms", ""), "is not a key of supply_terms: give supplier"),
        (("steps", "R|x"), "is not a key of steps"),
    ],
)
def test_what_is_no_cell_is_refused_with_the_nearest(tmp_path, asked, words):
    lake = lake_of(tmp_path, small_company())
    with pytest.raises(UsageError, match=words):
        lake.lineage(*asked)


_odd_times = st.lists(
    st.tuples(facts_told, st.sampled_from([0.0, 0.0, -3.0, 2.0])), max_size=20
)


@pytest.mark.nightly
@settings(max_examples=examples(3, 60))
@given(_odd_times)
def test_the_steps_of_each_row_end_in_what_the_lake_has(told):
    """For every row of every table, also of facts that come late."""
    events = []
    for number, ((kind, fields), shift) in enumerate(told, start=1):
        times = {"occurred": day(number + shift), "recorded": day(number + 2)}
        events.append(event(number, kind, **times, **fields))
    with tempfile.TemporaryDirectory() as folder:
        lake = Lake(folder)
        lake.mirror(store_of(events))
        if not events:
            return
        for table in tables():
            frame = lake.table(f"silver.{table}").collect()
            for row in frame.iter_rows(named=True):
                key = {
                    n: str(row[n]) for n in tables()[table].key if row[n] is not None
                }
                found = lake.lineage(table, key)
                ends: dict[str, object] = {}
                for one in found.steps:
                    if one.effect in (StepEffect.STATED, StepEffect.REMOVED):
                        ends |= {name: after for name, (_, after) in one.cells.items()}
                stated = {name: cell for name, cell in row.items() if cell is not None}
                made = {name: cell for name, cell in ends.items() if cell is not None}
                assert made == stated


def test_an_order_and_a_forecast_reach_lines_that_they_do_not_name(tmp_path):
    told = [
        *small_company(),
        event(9, "OrderCancelled", sales_order="SO-1"),
        event(10, "ForecastPublished", forecast="base", rows=[line("F-1", qty=8.0)]),
        event(11, "ForecastPublished", forecast="base", rows=[line("F-2", qty=9.0)]),
    ]
    lake = lake_of(tmp_path, told)
    last = lake.lineage("demands", "D-1", "status").steps[-1]
    assert (last.type, last.cells) == (
        "OrderCancelled",
        {"status": (None, "cancelled")},
    )
    gone = lake.lineage("demands", "F-1", "qty")
    assert gone.standing is Standing.REMOVED
    assert [one.cells["qty"] for one in gone.steps] == [(None, 8.0), (8.0, None)]
