from __future__ import annotations

import datetime as dt

import polars as pl
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from medhavi import schema
from medhavi.errors import EnvironmentFailure
from medhavi.snapshot import Snapshot
from medhavi.snapshot.reading import folder
from tests import factories
from tests.examples import examples
from tests.strategies import snapshots


def codes(snapshot):
    return [found.code for found in snapshot.findings]


def written(place, **files):
    """Write files by name (a dot is written __) and a readable settings table."""
    place.joinpath("settings.csv").write_text("as_of\n2026-01-05T00:00:00Z\n")
    for name, content in files.items():
        path = place / name.replace("__", ".")
        path.write_bytes(content if isinstance(content, bytes) else content.encode())
    return Snapshot.from_folder(place)


@pytest.mark.parametrize("kind", ["csv", "parquet"])
@settings(
    suppress_health_check=[HealthCheck.function_scoped_fixture],
    max_examples=examples(3, 15),
)
@given(snapshot=snapshots())
def test_a_folder_gives_back_what_was_written(tmp_path, kind, snapshot):
    snapshot.to_folder(tmp_path, kind)
    again = Snapshot.from_folder(tmp_path)
    assert again.fingerprint == snapshot.fingerprint
    assert codes(again) == codes(snapshot)


CELLS = {
    "str": st.text(
        st.characters(blacklist_categories=["Cs"], blacklist_characters="\0"),
        min_size=1,
    ),
    "int": st.integers(-(2**63), 2**63 - 1),
    "float": st.floats(allow_nan=False, allow_infinity=False),
    "bool": st.booleans(),
    "timestamp": st.datetimes(
        dt.datetime(1, 1, 2),  # noqa: DTZ001 - hypothesis wants naive bounds
        dt.datetime(9999, 1, 1),  # noqa: DTZ001
        timezones=st.just(dt.UTC),
    ).map(lambda moment: moment.replace(microsecond=0)),
    "date": st.dates(),
    "time": st.times().map(lambda time: time.replace(microsecond=0)),
    "list": st.lists(
        st.text(
            st.characters(blacklist_categories=["Cs"], blacklist_characters="\0;"),
            min_size=1,
        ).filter(lambda text: text == text.strip()),
        min_size=1,
        max_size=3,
    ),
}


def _says_something(row):
    """Whether any cell is filled: lines of a file without any are no rows."""
    return any(value is not None for value in row.values())


@st.composite
def any_rows(draw):
    """Rows of any table with any cells of the right type, sensible or not."""
    name = draw(st.sampled_from(sorted(schema.tables())))
    columns = schema.tables()[name].columns.values()
    rows = st.fixed_dictionaries(
        {column.name: st.none() | CELLS[column.type] for column in columns}
    ).filter(_says_something)
    return {name: draw(st.lists(rows, min_size=1, max_size=3))}


@pytest.mark.parametrize("kind", ["csv", "parquet"])
@settings(suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(tables=any_rows())
def test_no_cell_is_lost_or_changed_in_a_file(tmp_path, kind, tables):
    snapshot = Snapshot.from_frames(tables)
    snapshot.to_folder(tmp_path, kind)
    assert Snapshot.from_folder(tmp_path).fingerprint == snapshot.fingerprint


def test_equal_content_gives_equal_bytes(tmp_path):
    rows = [{"product": name} for name in ("B", "A", "C")]
    for name, order in (("one", rows), ("two", rows[::-1])):
        factories.snapshot(products=order).to_folder(tmp_path / name)
    files = sorted(path.name for path in (tmp_path / "one").iterdir())
    assert files == ["products.parquet", "settings.parquet"]
    for name in files:
        one, two = ((tmp_path / part / name).read_bytes() for part in ("one", "two"))
        assert one == two


def test_files_of_vanished_tables_and_other_formats_go_and_others_stay(tmp_path):
    (tmp_path / "note.md").write_text("mine")
    factories.snapshot(stock=[{}]).to_folder(tmp_path, "csv")
    factories.snapshot().to_folder(tmp_path, "parquet")
    left = sorted(path.name for path in tmp_path.iterdir())
    assert left == ["note.md", "settings.parquet"]


def test_a_place_that_cannot_be_written_is_one_clear_message(tmp_path):
    place = tmp_path / "file"
    place.write_text("in the way")
    with pytest.raises(EnvironmentFailure, match=r"cannot be written to .*file"):
        factories.snapshot().to_folder(place)


def test_a_failing_write_leaves_the_last_good_file(tmp_path, monkeypatch):
    factories.snapshot(stock=[{}]).to_folder(tmp_path, "csv")
    before = (tmp_path / "settings.csv").read_bytes()

    def full(*_arguments, **_options):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(pl.DataFrame, "write_csv", full)
    with pytest.raises(EnvironmentFailure, match="No space left"):
        factories.snapshot().to_folder(tmp_path, "csv")
    assert (tmp_path / "settings.csv").read_bytes() == before
    assert sorted(path.name for path in tmp_path.iterdir()) == [
        "locations.csv",
        "products.csv",
        "settings.csv",
        "stock.csv",
    ]


def test_ids_that_look_like_numbers_stay_text(tmp_path):
    snapshot = written(tmp_path, products__csv="product\n0012\n1e3\n")
    assert snapshot["products"]["product"].to_list() == ["0012", "1e3"]
    assert snapshot.findings == ()


def test_a_byte_order_mark_and_quotes_are_no_part_of_cells(tmp_path):
    text = '\ufeffproduct,name\r\nA,"two, with ""quotes"" and\nlines"\r\n'
    snapshot = written(tmp_path, products__csv=text)
    assert snapshot["products"].row(0)[:2] == ("A", 'two, with "quotes" and\nlines')
    assert snapshot.findings == ()


def test_unknown_files_are_named_with_the_nearest_table(tmp_path):
    snapshot = written(tmp_path, product__csv="product\nA\n", notes__md="x", __DS="x")
    [found] = snapshot.findings
    assert found.code == "FILE003"
    assert "the nearest name is products" in found.message


@pytest.mark.req("QA-05")
def test_an_empty_file_is_an_error_and_a_header_alone_is_not(tmp_path):
    snapshot = written(
        tmp_path, products__csv="", stock__csv="\n", customers__csv="customer\n"
    )
    assert codes(snapshot) == ["FILE002", "FILE002"]


def test_lines_longer_than_the_header_are_named(tmp_path):
    snapshot = written(tmp_path, products__csv="product,name\nA,a\nB,b,12\n")
    [found] = snapshot.findings
    assert (found.code, found.row) == ("FILE004", 3)
    assert "3 cells where the header names 2 columns" in found.message
    assert snapshot["products"].height == 2


def test_many_long_lines_are_counted(tmp_path):
    lines = "A,a,1\n" * 130
    snapshot = written(tmp_path, products__csv="product,name\n" + lines)
    told = [found for found in snapshot.findings if found.code == "FILE004"]
    rest = [f for f in snapshot.findings if "FILE004" in f.message]
    assert (len(told), [found.value for found in rest]) == (100, ["30"])


def test_a_column_named_twice_is_an_error(tmp_path):
    snapshot = written(tmp_path, products__csv="product,name,name\nA,a,b\n")
    assert "FILE007" in codes(snapshot)


@pytest.mark.parametrize("name", ["products__parquet", "products__csv", "book__xlsx"])
def test_a_file_that_cannot_be_read_is_a_finding(tmp_path, name):
    snapshot = written(tmp_path, **{name: b"\xff\xfe\x00\x81 no table"})
    assert [found.code for found in snapshot.findings] == ["FILE001"]


def test_two_files_for_one_table_are_an_error(tmp_path):
    factories.snapshot(products=[{}]).to_folder(tmp_path, "parquet")
    snapshot = written(tmp_path, products__csv="product\nB\n")
    assert codes(snapshot).count("FILE005") == 2  # settings too
    assert snapshot["products"]["product"].to_list() == ["B"]


@pytest.mark.req("ING-06")
def test_names_of_files_may_be_written_as_people_write_them(tmp_path):
    made = written(
        tmp_path,
        Products__csv="Product,UOM\nA,each\n",
        **{"Supply Orders__csv": "supply_order,kind,product,location,qty,due\n"},
    )
    assert made["products"]["product"].to_list() == ["A"]
    assert "FILE003" not in codes(made)
    made.to_folder(tmp_path, "csv")
    names = sorted(one.name for one in tmp_path.iterdir())
    assert names == ["products.csv", "settings.csv"]


@pytest.mark.req("ING-06", "SNP-02")
def test_a_column_by_another_name_is_told_once(tmp_path):
    made = written(
        tmp_path,
        locations__csv="location\nA\nB\n",
        lanes__csv="lane,from,to location,transit hours\nL,A,B,8\n",
    )
    told = [(f.code, f.column) for f in made.findings if f.table == "lanes"]
    assert told == [
        ("SNAP061", "from"),
        ("SNAP061", "to location"),
        ("SNAP061", "transit hours"),
    ]


def test_a_lacking_column_is_told_where_its_other_name_is_not_listed(tmp_path):
    many = ",".join(f"x{number}" for number in range(100))
    header, row = f"lane,{many},from,destination,duration_h", f"L{',' * 101}A,B,8"
    made = written(
        tmp_path,
        locations__csv="location\nA\nB\n",
        lanes__csv=f"{header}\n{row}\n",
    )
    told = [f.column for f in made.findings if f.code == "SNAP003"]
    assert told == ["origin"]


def test_rows_without_a_column_of_their_key_are_no_twins(tmp_path):
    made = written(
        tmp_path,
        products__csv="product\nA\nB\n",
        locations__csv="location\nW\n",
        routings__csv="routing,product,location\nR,A,W\n",
        bom_lines__csv="routing,component,qty_per\nR,B,1\nR,B,2\n",
    )
    assert [f.code for f in made.findings if f.table == "bom_lines"][:1] == ["SNAP003"]
    assert "SNAP008" not in codes(made)


def test_a_missing_or_bare_folder_is_an_error(tmp_path):
    [missing, _] = Snapshot.from_folder(tmp_path / "nowhere").findings
    [bare, _] = Snapshot.from_folder(tmp_path).findings
    (tmp_path / "file.bin").write_bytes(b"x")
    [file, _] = Snapshot.from_folder(tmp_path / "file.bin").findings
    assert [missing.code, bare.code, file.code] == ["FILE006"] * 3
    assert "does not exist" in missing.message
    assert "holds no planning table" in bare.message
    assert str(tmp_path.parent) not in missing.message + bare.message + file.message


def test_ten_times_too_many_columns_are_named_and_counted(tmp_path):
    names = ["product", *(f"extra {number}" for number in range(300))]
    header, cells = ",".join(names), ",".join(["A"] * len(names))
    snapshot = written(tmp_path, products__csv=f"{header}\n{cells}\n")
    told = [found for found in snapshot.findings if found.code == "SNAP001"]
    assert len(told) == 100
    assert codes(snapshot).count("SNAP013") == 1
    assert codes(snapshot)[0] == "SNAP051"


def test_a_workbook_is_read_like_a_folder_of_text(tmp_path):
    import xlsxwriter

    path = tmp_path / "tables.xlsx"
    with xlsxwriter.Workbook(path) as book:
        sheet = book.add_worksheet("settings")
        sheet.write_row(0, 0, ["as_of"])
        sheet.write_row(1, 0, ["2026-01-05T00:00:00Z"])
        sheet = book.add_worksheet("products")
        sheet.write_row(0, 0, ["product", "unit_cost"])
        sheet.write_row(1, 0, ["0012", 2.5])
        sheet.write_row(3, 0, ["B", 3])
        book.add_worksheet("custmers")
        book.add_worksheet("customers")
        book.add_worksheet(folder.DOCUMENTATION)
    for place in (path, tmp_path):
        snapshot = Snapshot.from_folder(place)
        assert snapshot["products"]["product"].to_list() == ["0012", "B"]
        assert snapshot["products"]["unit_cost"].to_list() == [2.5, 3.0]
        [found] = snapshot.findings
        assert (found.code, found.value) == ("FILE003", "tables.xlsx, sheet custmers")


@pytest.mark.req("QA-05")
def test_excel_times_dates_and_serials_are_read_with_excels_own_row(tmp_path):
    import xlsxwriter

    path = tmp_path / "tables.xlsx"
    with xlsxwriter.Workbook(path) as book:
        time = book.add_format({"num_format": "hh:mm"})
        date = book.add_format({"num_format": "dd.mm.yyyy"})
        clock = book.add_format({"num_format": "dd.mm.yyyy hh:mm"})
        sheet = book.add_worksheet("settings")
        sheet.write_row(0, 0, ["as_of", "timezone"])
        sheet.write_row(1, 0, ["2026-11-02T00:00:00Z", "Europe/Berlin"])
        sheet = book.add_worksheet("shifts")
        sheet.write_row(0, 0, ["calendar", "weekday", "start", "Finish "])
        sheet.write_row(1, 0, ["C", 1])
        sheet.write_datetime(1, 2, dt.time(6), time)
        sheet.write_number(1, 3, 0.5833333333333334, time)
        sheet.write_row(2, 0, ["C", 2, "6:00", "soon"])
        sheet = book.add_worksheet("demands")
        sheet.write_row(0, 0, ["demand", "due"])
        sheet.write_string(1, 0, "a")
        sheet.write_datetime(1, 1, dt.datetime(2026, 11, 16), date)  # noqa: DTZ001
        sheet.write_row(2, 0, ["b", 46342])
        sheet.write_string(4, 0, "c")
        sheet.write_datetime(4, 1, dt.datetime(2026, 11, 16, 6, 30), clock)  # noqa: DTZ001
        sheet.write_row(5, 0, ["d", "tomorrow"])
    made = Snapshot.from_folder(path)
    assert made["shifts"]["start"].to_list() == [dt.time(6), dt.time(6)]
    assert made["shifts"]["finish"][0] == dt.time(14)
    end = dt.datetime(2026, 11, 16, 23, tzinfo=dt.UTC)
    stated = dt.datetime(2026, 11, 16, 6, 30, tzinfo=dt.UTC)
    assert made["demands"]["due"].to_list() == [end, end, stated, None]
    wrong = [f for f in made.findings if f.code == "SNAP005"]
    assert {(f.table, f.row, f.value) for f in wrong} == {
        ("shifts", 3, "soon"),
        ("demands", 6, "tomorrow"),
    }


def test_findings_of_a_csv_file_tell_its_line(tmp_path):
    made = written(tmp_path, demands__csv="demand,due\na,2026-11-16\nb,tomorrow\n")
    (wrong,) = [f for f in made.findings if f.code == "SNAP005"]
    assert wrong.row == 3


@pytest.mark.parametrize(("mark", "word"), [(";", "semicolons"), ("\t", "tabulators")])
def test_a_file_that_no_comma_separates_is_named(tmp_path, mark, word):
    text = mark.join(["demand", "product"]) + "\n" + mark.join(["D-1", "A"]) + "\n"
    (tmp_path / "demands.csv").write_text(text)
    told = [one for one in Snapshot.from_folder(tmp_path).findings if word in str(one)]
    assert [one.code for one in told] == ["FILE008"]


def test_lines_without_any_cell_are_no_rows_and_count_as_lines(tmp_path):
    """As spreadsheets leave them below the table, and between its rows."""
    (tmp_path / "locations.csv").write_text("location,country\nL,DE\n,\nM,\n,\n")
    snapshot = Snapshot.from_folder(tmp_path)
    assert snapshot["locations"]["location"].to_list() == ["L", "M"]
    assert snapshot.input_rows("locations").to_list() == [2, 4]
    assert "SNAP004" not in {one.code for one in snapshot.findings}
