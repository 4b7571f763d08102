from __future__ import annotations

import datetime as dt

import polars as pl
import pytest
from hypothesis import Phase, given, settings
from hypothesis import strategies as st

from medhavi.schema import Column
from medhavi.snapshot.reading.cells import typed

UTC = dt.UTC


def read(kind, values, dtype=None, **rules):
    result = typed(
        pl.Series("cell", values, dtype), Column(name="cell", type=kind, **rules)
    )
    wrong = [] if result.wrong is None else result.wrong.arg_true().to_list()
    return result.values.to_list(), wrong


@pytest.mark.parametrize(
    ("kind", "text", "value"),
    [
        ("str", "0012", "0012"),
        ("str", " A ", " A "),
        ("int", "12", 12),
        ("int", " 12.0 ", 12),
        ("int", "9007199254740993", 9007199254740993),
        ("float", "1e3", 1000.0),
        ("float", "+0.1", 0.1),
        ("bool", "TRUE", True),
        ("bool", "0", False),
        ("timestamp", "2026-01-05T06:00:00Z", dt.datetime(2026, 1, 5, 6, tzinfo=UTC)),
        ("timestamp", "2026-01-05 06:00", dt.datetime(2026, 1, 5, 6, tzinfo=UTC)),
        ("timestamp", "2026-01-05T06:00+02:00", dt.datetime(2026, 1, 5, 4, tzinfo=UTC)),
        ("timestamp", "2026-01-05 6:00", dt.datetime(2026, 1, 5, 6, tzinfo=UTC)),
        ("date", "2026-01-05", dt.date(2026, 1, 5)),
        ("date", "2026-01-05T00:00:00", dt.date(2026, 1, 5)),
        ("time", "06:30", dt.time(6, 30)),
        ("time", "6:00", dt.time(6)),
        ("time", "24:00", dt.time(0)),
        ("list", "a; b;;c", ["a", "b", "c"]),
        ("list", " ; ", None),
    ],
)
def test_text_becomes_the_type_of_the_schema(kind, text, value):
    assert read(kind, [text, None, ""]) == ([value, None, None], [])


WRITTEN = {
    "int": ("12", "-3", "9007199254740993"),
    "float": ("0.1", "1e3", "-0.0", "12"),
    "bool": ("true", "FALSE", "1"),
    "timestamp": ("2026-01-05T06:00:00Z", "2026-12-31T23:59:59Z"),
    "date": ("2026-01-05", "2026-12-31"),
    "time": ("06:30", "00:00"),
}


@pytest.mark.parametrize("kind", WRITTEN)
@given(data=st.data())
@settings(phases=[Phase.generate])
def test_a_cell_is_read_alike_whatever_else_its_column_holds(kind, data):
    cells = st.lists(st.none() | st.sampled_from(WRITTEN[kind]), max_size=8)
    plain = data.draw(cells)
    odd = data.draw(st.sampled_from([" ", "", "nonsense", f" {WRITTEN[kind][0]}"]))
    values, wrong = read(kind, plain, pl.String)
    beside, wrong_beside = read(kind, [*plain, odd], pl.String)
    assert (beside[:-1], wrong) == (values, [])
    assert wrong_beside == ([len(plain)] if odd == "nonsense" else [])


@pytest.mark.parametrize(
    ("kind", "text"),
    [
        ("int", "12.5"),
        ("int", "1e300"),
        ("float", "12,5"),
        ("float", "1_000"),
        ("bool", "maybe"),
        ("timestamp", "05.01.2026"),
        ("timestamp", "2026-02-30"),
        ("timestamp", "0001-01-01T00:00+05:00"),
        ("timestamp", "1767592800"),
        ("date", "soon"),
        ("time", "25:00"),
        ("time", "06:00Z"),
    ],
)
def test_text_without_sense_is_marked_wrong(kind, text):
    assert read(kind, ["", text]) == ([None, None], [1])


@pytest.mark.parametrize(
    ("kind", "values", "dtype", "expected"),
    [
        ("str", [12, 7], pl.Int32, ["12", "7"]),
        ("str", [12.0, 0.5], pl.Float64, ["12", "0.5"]),
        ("str", ["a", "b"], pl.Categorical, ["a", "b"]),
        ("str", [True, False], pl.Boolean, ["true", "false"]),
        ("str", [b"x", None], pl.Binary, ["b'x'", None]),
        ("int", [1.0, 2.0], pl.Float32, [1, 2]),
        ("int", [3, 4], pl.UInt8, [3, 4]),
        ("float", [1, 2], pl.Int16, [1.0, 2.0]),
        ("float", [0.1, None], pl.Float32, [0.1, None]),
        ("bool", [1, 0], pl.Int8, [True, False]),
        ("float", [None, None], pl.Null, [None, None]),
        ("list", [["a", "b;c"], []], pl.List(pl.String), [["a", "b", "c"], None]),
        ("list", [[1, 2], None], pl.List(pl.Int64), [["1", "2"], None]),
        ("list", ["a;b", None], pl.String, [["a", "b"], None]),
    ],
)
def test_other_types_are_brought_to_the_type_of_the_schema(
    kind, values, dtype, expected
):
    assert read(kind, values, dtype) == (expected, [])


def test_naive_instants_are_utc_and_others_are_converted():
    naive = [dt.datetime(2026, 1, 5, 6, tzinfo=UTC).replace(tzinfo=None)]
    berlin = pl.Series(naive).dt.replace_time_zone("Europe/Berlin")
    assert read("timestamp", naive)[0] == [dt.datetime(2026, 1, 5, 6, tzinfo=UTC)]
    assert read("timestamp", berlin)[0] == [dt.datetime(2026, 1, 5, 5, tzinfo=UTC)]


@pytest.mark.parametrize("cell", ["2026-01-05", dt.date(2026, 1, 5)])
def test_a_date_without_a_time_comes_apart_from_instants(cell):
    column = Column(name="cell", type="timestamp")
    result = typed(pl.Series([cell, None]), column)
    assert result.values.to_list() == [None, None]
    assert result.days.to_list() == [dt.date(2026, 1, 5), None]


@pytest.mark.parametrize(
    ("text", "date_format", "day"),
    [
        ("20.11.2026", "DD.MM.YYYY", dt.date(2026, 11, 20)),
        ("5.1.2026", "DD.MM.YYYY", dt.date(2026, 1, 5)),
        ("11/20/2026", "MM/DD/YYYY", dt.date(2026, 11, 20)),
        ("20-11-26", "%d-%m-%y", dt.date(2026, 11, 20)),
        ("2026-11-20", "DD.MM.YYYY", dt.date(2026, 11, 20)),
    ],
)
def test_a_stated_order_of_dates_is_read_beside_iso(text, date_format, day):
    cells = pl.Series([text])
    moments = typed(cells, Column(name="cell", type="timestamp"), date_format)
    assert moments.days.to_list() == [day]
    dates = typed(cells, Column(name="cell", type="date"), date_format)
    assert dates.values.to_list() == [day]


def test_a_stated_order_may_have_a_time_behind_it():
    column = Column(name="cell", type="timestamp")
    result = typed(pl.Series(["20.11.2026 6:30"]), column, "DD.MM.YYYY")
    assert result.values.to_list() == [dt.datetime(2026, 11, 20, 6, 30, tzinfo=UTC)]


def test_dates_are_days_and_instants_have_dates():
    day = dt.date(2026, 1, 5)
    midnight = dt.datetime(2026, 1, 5, tzinfo=UTC)
    assert read("date", [midnight])[0] == [day]
    assert read("date", [day])[0] == [day]


def test_fractions_of_a_second_are_cut_and_counted():
    cells = pl.Series(["2026-01-05T06:00:00.900Z", "2026-01-05T06:00:00Z"])
    result = typed(cells, Column(name="cell", type="timestamp"))
    assert result.cut == 1
    assert result.values.to_list() == [dt.datetime(2026, 1, 5, 6, tzinfo=UTC)] * 2


def test_a_time_is_no_instant():
    assert read("timestamp", [dt.time(6)]) == ([None], [0])


def test_the_open_begin_may_be_written_out():
    assert read("timestamp", ["Always"], default="always") == ([None], [])
    assert read("timestamp", ["always"]) == ([None], [0])


def test_numbers_that_are_not_finite_are_left_to_the_caller():
    assert read("float", [float("inf")]) == ([float("inf")], [])
