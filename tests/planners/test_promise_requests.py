"""Reading requests: every problem at once, with its position and column."""

from __future__ import annotations

import io
import json
import re

import polars as pl
import pytest

from medhavi.errors import UsageError
from medhavi.findings import BadData
from tests.api import read_requests
from tests.planners.small_promises import cells, day, tables

ROW = {"product": "A", "location": "L", "qty": 10, "due": "2026-01-09T00:00:00Z"}


def read(source: object):
    return read_requests(source, tables(stock=[{"qty": 1}]))


def codes(source: object) -> list[tuple[str, int | None, str | None]]:
    with pytest.raises(BadData) as told:
        read(source)
    return [(one.code, one.row, one.column) for one in told.value.findings]


@pytest.mark.req("ATP-07")
@pytest.mark.parametrize(
    "source",
    [
        [ROW],
        json.dumps([ROW]),
        json.dumps([ROW]).encode("utf-8-sig"),
        json.dumps(ROW),
        ROW,
        pl.DataFrame([ROW]),
        b"product,location,qty,due\nA,L,10,2026-01-09T00:00:00Z\n",
    ],
)
def test_every_form_reads_the_same(source):
    (request,) = read(source).requests
    assert (request.product, request.location, request.qty) == ("A", "L", 10.0)
    assert request.due == int(day(4).timestamp())
    assert request.priority == 1


@pytest.mark.req("ATP-07")
@pytest.mark.parametrize(
    "source",
    [
        "product;location;qty;due\r\nA;L;10;2026-01-09\r\n",
        "product\tlocation\tqty\tdue\nA\tL\t10\t2026-01-09\n".encode("utf-16"),
        "product,location,qty,due,\nA,L,10,2026-01-09,\n,,,,\n\n",
        "product,location,qty,due\rA,L,10,2026-01-09\r",
        '\n"product","location","qty","due"\n"A","L","10","2026-01-09"\n',
    ],
)
def test_files_as_spreadsheets_save_them_read_the_same(source):
    (request,) = read(source).requests
    assert (request.product, request.location, request.qty) == ("A", "L", 10.0)
    assert request.due == int(day(5).timestamp()), "the end of that day"


@pytest.mark.req("ATP-22")
@pytest.mark.parametrize(
    ("text", "rows"),
    [
        ("product,location,qty,due\nA,L,1,2026-01-09\nA,L,2,2026-01-09\n", [2, 3]),
        ("\nproduct,location,qty,due\nA,L,1,2026-01-09\n,,,\nA,L,2,2026-01-09", [3, 5]),
    ],
)
def test_rows_of_a_file_are_numbered_as_a_spreadsheet_shows_them(text, rows):
    """The header is row 1, and empty rows count."""
    assert [one.position for one in read(text).requests] == rows
    wrong = text.replace(",2,", ",many,")
    assert codes(wrong)[0] == ("SNAP005", rows[1], "qty")


@pytest.mark.parametrize(
    ("source", "told"),
    [
        (b"PK\x03\x04 broken", "cannot be read"),
        (
            "product,location,qty,due\nÄ,L,1,2026-01-09\n".encode("latin-1"),
            "line 2 .*UTF-8",
        ),
        ("product,location,qty,due\nA,L,1,2026-01-09,x\n", "line 2 has 5 cells"),
        ("null", "no column of a request"),
        ("{}", "Entry 1 of the list is empty"),
    ],
)
def test_a_file_that_is_no_list_of_requests_says_where_and_why(source, told):
    with pytest.raises(BadData) as found:
        read(source)
    (one,) = found.value.findings
    assert re.search(told, one.message)


def test_a_workbook_is_read():
    content = io.BytesIO()
    pl.DataFrame([ROW]).write_excel(content)
    assert read(content.getvalue()).requests[0].product == "A"


def test_all_problems_are_told_at_once():
    bad = [
        {**ROW, "qty": 0, "product": "AA"},
        {**ROW, "due": "soon", "location": "M"},
        {"product": "A", "location": "L", "qty": "ten"},
        {**ROW, "order_policy": "some", "kind": "forecast"},
    ]
    assert set(codes(bad)) == {
        ("SNAP007", 1, "qty"),
        ("PRM003", 1, "product"),
        ("SNAP005", 2, "due"),
        ("PRM003", 2, "location"),
        ("SNAP005", 3, "qty"),
        ("SNAP004", 3, "due"),
        ("SNAP006", 4, "order_policy"),
        ("PRM007", 4, "kind"),
    }


def test_a_missing_column_is_an_error():
    assert codes([{"product": "A", "location": "L", "qty": 1}]) == [
        ("SNAP003", None, "due")
    ]


def test_an_unknown_column_is_a_warning_with_the_nearest_name():
    (found,) = read([{**ROW, "quantity": 5, "qtty": 1}]).findings[:1]
    assert (found.code, found.severity) == ("SNAP001", "warning")
    assert "qty" in read([{**ROW, "qtty": 1}]).findings[0].message


def test_an_unknown_customer_is_a_warning():
    (found,) = read([{**ROW, "customer": "NEW"}]).findings
    assert (found.code, found.value) == ("PRM005", "NEW")


def test_the_same_line_twice_is_an_error():
    twice = [{**ROW, "sales_order": "SO", "line": 1}] * 2
    assert codes(twice) == [("PRM006", 2, None)]


@pytest.mark.parametrize("text", ["[{", "[1, 2", b"\xff\xfe\x00", "{]"])
def test_a_broken_file_is_a_finding(text):
    assert {"PRM001", "SNAP003"} & {code for code, *_ in codes(text)}


def test_an_entry_that_is_no_object_is_named():
    assert codes([ROW, 5]) == [("PRM002", 2, None)]


def test_an_empty_list_has_no_answers():
    assert read([]).requests == ()


def test_something_else_is_refused():
    with pytest.raises(UsageError, match="rows, a frame or a file"):
        read(5)


def test_infinite_quantities_are_refused():
    assert codes([{**ROW, "qty": float("inf")}]) == [("SNAP009", 1, "qty")]


def test_quantities_that_cannot_be_counted_are_refused():
    assert codes([{**ROW, "qty": 1e300}]) == [("PRM014", 1, "qty")]
    assert read([{**ROW, "qty": 1e12}]).requests[0].qty == 1e12


def test_a_request_that_is_a_demand_takes_its_id():
    snapshot = tables(demands=[{"demand": "D7", "sales_order": "SO", "line": 2}])
    asked = [cells(sales_order="SO", line=2), cells(sales_order="SO", line=3)]
    known, new = read_requests(asked, snapshot).requests
    assert (known.demand, known.known) == ("D7", True)
    assert (new.demand, new.known) == ("SO-3", False)


def test_a_class_that_nothing_ranks_is_named():
    with pytest.raises(BadData, match=r"asks for class A; .* ranks none"):
        read([{**ROW, "min_quality": "A"}])


@pytest.mark.parametrize(
    "column", ["qty", "line", "price", "priority", "due", "product"]
)
@pytest.mark.parametrize(
    "value",
    [2**63, 2**64, -(2**63) - 1, 10**400, 10**5000, float("nan"), float("inf"), 1e308],
    ids=["2^63", "2^64", "-2^63-1", "10^400", "10^5000", "nan", "inf", "1e308"],
)
def test_numbers_that_nothing_counts_are_findings(column, value):
    """No such cell ends the program: it is refused, or is text where text is asked."""
    with pytest.raises(BadData) as caught:
        read_requests([{**ROW, column: value}], tables())
    assert {(one.row, one.column) for one in caught.value.findings} == {(1, column)}


@pytest.mark.parametrize("due", ["9999-12-31T00:00:00Z", "1850-01-01T00:00:00Z"])
def test_instants_beyond_the_calendar_of_events_are_refused(due):
    assert codes([{**ROW, "due": due}]) == [("PRM014", 1, "due")]


def test_lists_of_lists_are_no_fault_of_the_program():
    read_requests([{**ROW, "requires": [[1], ["a=b"]]}], tables())


def test_an_own_id_makes_it_the_same_request_again():
    """Without one, two calls are two requests; with one, the second is the first."""

    def named(rows, *given):
        return [one.demand for one in read_requests(rows, tables(), *given).requests]

    first = named([ROW, ROW])
    assert named([ROW, ROW]) == first
    calls = [named([ROW, ROW], frozenset(), call) for call in "ab"]
    third = named([ROW, ROW], frozenset(first))
    assert len({*first, *third, *calls[0], *calls[1]}) == 8
    own = {**ROW, "demand": "W-1"}
    line = {**ROW, "sales_order": "SO-1", "line": 1}
    for call in ("", "a", "b"):
        assert named([own, line], frozenset(first), call) == ["W-1", "SO-1-1"]
    known = read_requests([own], tables(demands=[{"demand": "W-1"}])).requests[0]
    assert known.known
    assert codes([own, own]) == [("PRM006", 2, None)]
