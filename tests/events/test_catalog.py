"""The catalogue: complete against schema and design, and a codec that is strict."""

from __future__ import annotations

import datetime as dt
import json
from typing import Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from medhavi.events.event_types.catalog import decode_like, encode, event_type
from medhavi.events.event_types.decision_types import (
    PlanPublished,
    PromiseAtRisk,
    SettingChanged,
)
from medhavi.events.event_types.movements import DemandRow, OrderPlaced, StockMoved
from medhavi.schema import tables
from tests.api import (
    MASTER,
    TYPES,
    UndecodableEvent,
    decode,
    master_event,
    new_event,
    stream_for,
)
from tests.events.sample_events import NOON, event_id

MOVEMENTS = """
    OrderPlaced OrderLineChanged OrderCancelled ForecastPublished StockCounted StockMoved
    LotReceived LotStatusChanged SupplyOrderPlaced SupplyOrderConfirmed
    SupplyOrderRescheduled SupplyOrderReleased SupplyOrderStarted
    SupplyOrderProgressReported SupplyOrderReceived SupplyOrderCompleted
    SupplyOrderCancelled ShipmentDelivered ResourceSetupObserved
"""
DISRUPTIONS = "ResourceDown ResourceRestored SupplierDelayed LotHeld LaneBlocked"
DECISIONS = """
    ReservationCreated ReservationConfirmed ReservationReduced ReservationReleased
    ReservationExpired OrderPromised PromiseRejected PromiseRevised PromiseAtRisk
    SupplyOrderFirmed SupplyOrderSuperseded OperationLocked OperationUnlocked PegFirmed
    PegReleased PlanPublished ExceptionReviewed EstimatesPublished ModelPromoted SettingChanged
    OverrideRecorded
"""


def example(annotation):
    """A value of a field's type, simple and not the default."""
    kind = msgspec.inspect.type_info(annotation)
    return _example(kind)


def _example(kind):
    if isinstance(kind, msgspec.inspect.Metadata):
        return _example(kind.type)
    if isinstance(kind, msgspec.inspect.UnionType):
        return _example(kind.types[0])
    if isinstance(kind, msgspec.inspect.ListType):
        return [_example(kind.item_type)]
    if isinstance(kind, msgspec.inspect.DictType):
        return {"key": _example(kind.value_type)}
    if isinstance(kind, msgspec.inspect.StructType):
        return full(kind.cls)
    values: dict[Any, object] = {
        msgspec.inspect.StrType: "é-1",
        msgspec.inspect.IntType: 7,
        msgspec.inspect.FloatType: 0.1,
        msgspec.inspect.BoolType: True,
        msgspec.inspect.DateTimeType: NOON,
        msgspec.inspect.DateType: NOON.date(),
        msgspec.inspect.TimeType: dt.time(6, 30),
        msgspec.inspect.AnyType: "é-2",
    }
    return values[type(kind)]


def full(payload):
    """A payload with every field filled."""
    fields = msgspec.structs.fields(payload)
    return payload(**{field.name: example(field.type) for field in fields})


# ------------------------------------------------------------- completeness
@pytest.mark.parametrize(
    ("group", "names"),
    [("movement", MOVEMENTS), ("disruption", DISRUPTIONS), ("decision", DECISIONS)],
)
def test_the_catalogue_has_the_types_of_the_design(group, names):
    found = {name for name, entry in TYPES.items() if entry.group == group}
    assert found == set(names.split())


NOT_MASTER = frozenset(
    {
        "settings",
        "stock",
        "supply_orders",
        "supply_order_steps",
        "demands",
        "reservations",
        "pegs",
        "disruptions",
        "resource_state",
        "estimates",
    }
)
"""Tables that movements, disruptions and decisions fill."""


def test_every_table_is_master_data_or_filled_by_other_events():
    assert set(MASTER) | NOT_MASTER == set(tables())
    assert not set(MASTER) & NOT_MASTER


def test_every_master_table_has_three_events():
    wanted = {
        f"{master.singular}{verb}"
        for master in MASTER.values()
        for verb in ("Defined", "Changed", "Retired")
    }
    assert {n for n, entry in TYPES.items() if entry.group == "master"} == wanted


@pytest.mark.parametrize("table", MASTER)
def test_a_definition_carries_the_whole_row_and_a_retirement_the_key(table):
    singular = MASTER[table].singular

    def fields(verb):
        payload = TYPES[f"{singular}{verb}"].payload
        return [field.encode_name for field in msgspec.structs.fields(payload)]

    assert fields("Defined") == fields("Changed") == list(tables()[table].columns)
    assert fields("Retired") == list(tables()[table].key)


@pytest.mark.parametrize("table", MASTER)
def test_the_stream_of_a_row_follows_from_its_key(table):
    assert set(MASTER[table].stream_key) <= set(tables()[table].key)


@pytest.mark.parametrize("table", MASTER)
def test_exactly_the_required_columns_must_be_there(table):
    payload = TYPES[f"{MASTER[table].singular}Defined"].payload
    needed = {f.encode_name for f in msgspec.structs.fields(payload) if f.required}
    columns = tables()[table].columns.values()
    assert needed == {column.name for column in columns if column.required}


@pytest.mark.parametrize(
    ("event", "table", "extra"),
    [
        ("StockCounted", "stock", set()),
        ("LotReceived", "stock", {"supply_order"}),
        ("SupplyOrderPlaced", "supply_orders", set()),
        ("SupplyOrderFirmed", "supply_orders", {"approver", "run", "steps"}),
        ("ReservationCreated", "reservations", set()),
        ("PegFirmed", "pegs", {"approver"}),
    ],
)
def test_events_that_state_a_row_have_all_its_columns(event, table, extra):
    fields = {f.encode_name for f in msgspec.structs.fields(TYPES[event].payload)}
    assert fields == set(tables()[table].columns) | extra


@pytest.mark.req("GEN-07")
@pytest.mark.parametrize(
    "name",
    [
        "SupplyOrderFirmed",
        "SupplyOrderSuperseded",
        "PlanPublished",
        "ExceptionReviewed",
        "ModelPromoted",
        "OverrideRecorded",
    ],
)
def test_decisions_that_commit_need_an_approver(name):
    (field,) = [
        f for f in msgspec.structs.fields(TYPES[name].payload) if f.name == "approver"
    ]
    assert field.required


@pytest.mark.parametrize("name", TYPES)
def test_every_payload_says_what_it_means(name):
    payload = TYPES[name].payload
    assert payload.__doc__
    assert payload.__name__ == name


@pytest.mark.parametrize(
    "name", [n for n, entry in TYPES.items() if entry.group != "master"]
)
def test_every_field_of_our_own_payloads_has_a_meaning(name):
    columns = {n for table in tables().values() for n in table.columns}
    for field in msgspec.structs.fields(TYPES[name].payload):
        if field.encode_name not in columns:
            meta = msgspec.inspect.type_info(field.type)
            assert isinstance(meta, msgspec.inspect.Metadata)
            assert (meta.extra_json_schema or {}).get("description")


def test_the_stream_category_is_a_lower_name():
    assert all(stream_for(full(e.payload)).isascii() for e in TYPES.values())


# --------------------------------------------------------------------- codec
@pytest.mark.parametrize("name", TYPES)
def test_every_payload_survives_its_own_text(name):
    payload = full(TYPES[name].payload)
    assert decode(name, TYPES[name].version, encode(payload)) == payload


@pytest.mark.parametrize("name", TYPES)
def test_every_payload_without_its_optional_fields_survives(name):
    fields = msgspec.structs.fields(TYPES[name].payload)
    needed = {f.name: example(f.type) for f in fields if f.required}
    payload = TYPES[name].payload(**needed)
    text = encode(payload)
    assert set(json.loads(text)) == {f.encode_name for f in fields if f.required}
    assert decode(name, TYPES[name].version, text) == payload


@given(
    qty=st.floats(-1e12, 1e12),
    lot=st.text(st.characters(codec="utf-8", exclude_characters="\x00")),
    reason=st.none() | st.text(st.characters(codec="utf-8", exclude_characters="\x00")),
)
def test_numbers_and_texts_are_exact(qty, lot, reason):
    moved = StockMoved(product="A", location="L", qty=qty, lot=lot, reason=reason)
    assert decode("StockMoved", 1, encode(moved)) == moved


def test_numbers_are_json_numbers_and_instants_end_in_z():
    east = dt.timezone(dt.timedelta(hours=2))
    row = DemandRow(
        demand="D", product="A", location="L", qty=2.5, due=NOON.astimezone(east)
    )
    text = encode(OrderPlaced(sales_order="S", lines=[row]))
    (line,) = json.loads(text)["lines"]
    assert (line["qty"], line["due"]) == (2.5, "2026-03-02T12:00:00Z")
    assert "promised" not in line


def test_a_text_that_looks_like_an_offset_stays_as_it_is():
    moved = StockMoved(product="A", location="L", qty=1.0, reason="delta +02:00")
    assert decode("StockMoved", 1, encode(moved)) == moved


def test_null_is_written_where_it_means_undefined():
    plan = PlanPublished(
        run="r",
        fingerprint="f",
        snapshot="s",
        planner="mrp",
        mode="mrp",
        status="heuristic",
        as_of=NOON,
        approver="planner",
        kpis={"KPI-01": None, "KPI-05": 0.5},
    )
    text = encode(plan)
    assert json.loads(text)["kpis"] == {"KPI-01": None, "KPI-05": 0.5}
    assert "tables" not in json.loads(text)
    assert decode("PlanPublished", 1, text) == plan


@pytest.mark.parametrize("number", [float("nan"), float("inf"), -float("inf")])
def test_a_number_that_is_not_finite_is_never_written_as_null(number):
    with pytest.raises(ValueError, match="leave the field out"):
        encode(StockMoved(product="A", location="L", qty=number))
    with pytest.raises(ValueError, match="leave the field out"):
        encode(PromiseAtRisk(demand="D", promised=NOON, on_time_prob=number))


def test_a_column_named_like_a_keyword_keeps_its_name_in_json():
    step = master_event(
        "steps", {"routing": "R", "step": 1, "sequence": 1, "yield": 0.9}
    )
    assert json.loads(encode(step))["yield"] == 0.9


@pytest.mark.parametrize("value", [True, 3, 0.5, "week", ["10", "5"], None])
def test_a_setting_keeps_the_type_of_its_value(value):
    changed = SettingChanged(setting="bucket", value=value)
    again = decode("SettingChanged", 1, encode(changed)).value
    assert (again, type(again)) == (value, type(value))


# ------------------------------------------------------------- what is refused
@pytest.mark.req("ING-07")
@pytest.mark.parametrize(
    ("name", "version", "payload", "code", "reason"),
    [
        ("OrderPlacd", 1, "{}", "EVT001", "'OrderPlacd' is not registered"),
        ("OrderPlaced", 3, "{}", "EVT002", "schema version 3; versions 1 to 2"),
        ("StockMoved", 0, "{}", "EVT002", "schema version 0"),
        ("StockMoved", 1, '{"product"', "EVT003", "not a JSON object"),
        ("StockMoved", 1, b'{"product":"\xff"}', "EVT003", "not a JSON object"),
        ("OrderPlaced", 1, "{", "EVT003", "not a JSON object"),
        ("OrderPlaced", 1, "[]", "EVT003", "not a JSON object"),
        ("StockMoved", 1, "[]", "EVT004", "Expected `object`"),
        ("StockMoved", 1, '{"product":"A"}', "EVT004", "missing required field"),
        (
            "StockMoved",
            1,
            '{"product":"A","location":"L","qty":"ten"}',
            "EVT004",
            r"Expected `float`, got `str` - at `\$\.qty`",
        ),
        (
            "StockMoved",
            1,
            '{"product":"A","location":"L","qty":1,"colour":"red"}',
            "EVT004",
            "unknown field `colour`",
        ),
        (
            "ResourceSetupObserved",
            1,
            '{"resource":"R","family":"F","since":"2026-01-01T00:00:00"}',
            "EVT004",
            "timezone",
        ),
    ],
)
def test_what_cannot_be_read_says_why(name, version, payload, code, reason):
    with pytest.raises(UndecodableEvent, match=reason) as caught:
        decode(name, version, payload)
    assert caught.value.code == code
    assert caught.value.at(12).row == 12
    assert caught.value.at(12).code == code


# ---------------------------------------------------------------- conveniences
def test_a_new_event_takes_type_version_and_text_from_its_payload():
    placed = OrderPlaced(sales_order="S", lines=[])
    event = new_event(placed, event_id=event_id(1), occurred_at=NOON, actor="erp")
    assert (event.type, event.schema_version, event.actor) == ("OrderPlaced", 2, "erp")
    assert event.payload == '{"sales_order":"S","lines":[]}'


def test_a_struct_outside_the_catalogue_is_refused():
    with pytest.raises(KeyError, match="DemandRow"):
        event_type(DemandRow(demand="D", product="A", location="L", qty=1, due=NOON))


def test_rows_of_one_thing_share_its_stream():
    routing = master_event(
        "routings", {"routing": "R,1", "product": "A", "location": "L"}
    )
    line = master_event(
        "bom_lines", {"routing": "R,1", "line": 1, "component": "B", "qty_per": 2}
    )
    assert stream_for(routing) == stream_for(line) == "routing-R%2C1"


def test_an_empty_key_cell_that_means_all_is_a_star_in_the_stream():
    assert (
        stream_for(master_event("forecast_policies", {})) == "forecast_policy-%2A,%2A"
    )


def test_a_retirement_takes_the_key_out_of_a_row():
    row = {"product": "A", "uom": "box", "factor": 12.0}
    retired = master_event("uom_conversions", row, "Retired")
    assert msgspec.structs.asdict(retired) == {"product": "A", "uom": "box"}


def test_a_row_with_an_unknown_column_is_refused():
    with pytest.raises(msgspec.ValidationError, match="unknown field `colour`"):
        master_event("customers", {"customer": "C", "colour": "red"})


def test_a_table_that_is_no_master_data_is_refused():
    with pytest.raises(KeyError, match="stock"):
        master_event("stock", {})


@pytest.mark.parametrize(
    ("length", "admissible"), [(60_000, True), (100_000, True), (100_001, False)]
)
def test_a_long_payload_is_judged_alike_with_and_without_a_closer_look(
    length, admissible
):
    stock = {"product": "A", "location": "DC", "qty": 1.0}
    payload = json.dumps({**stock, "lot": 60_000 * "y", "reason": length * "x"})
    for is_plain in (False, True):
        if admissible:
            body = decode("StockMoved", 1, payload, is_plain=is_plain)
            assert len(body.reason) == length
        else:
            with pytest.raises(UndecodableEvent) as refused:
                decode("StockMoved", 1, payload, is_plain=is_plain)
            assert refused.value.code == "EVT007"


TEXTS = [
    '{"product":"A","location":"DC","qty":1.0,"reason":"sale"}',
    '{"location":"DC","product":"A","qty":2,"reason":"sale"}',
    '{"product":"A","location":"DC","qty":3.50,"reason":"scrap","lot":"\\"L\\":"}',
]


@pytest.mark.parametrize(
    "odd",
    [
        '{"product":"A","location":"DC","qty":1.0,"qty":2.0,"reason":"sale"}',
        '{"product":"A","location":"DC","qty" :1.0,"qty":2.0,"reason":"sale"}',
        '{"product":"A","location":"DC","reason":"sale"}',
        '{"product":"A","location":"DC","qty":1.0,"reason":"sale","more":1}',
        "",
        "\n",
        TEXTS[0] + "\n" + TEXTS[1],
        TEXTS[0] + "," + TEXTS[1],
        TEXTS[0][:-1],
        "[" + TEXTS[0] + "]",
    ],
)
def test_payloads_read_together_are_those_that_each_would_be(odd):
    assert decode_like("StockMoved", 1, TEXTS) == [
        decode("StockMoved", 1, text) for text in TEXTS
    ]
    for at in range(4):
        assert decode_like("StockMoved", 1, [*TEXTS[:at], odd, *TEXTS[at:]]) is None
    assert decode_like("StockMoved", 1, [TEXTS[0], odd, "}"]) is None
    assert decode_like("StockMoved", 9, TEXTS) is None
    assert decode_like("Unknown", 1, TEXTS) is None
