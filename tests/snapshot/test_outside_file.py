"""Files from outside: what would end the process or fill the memory is a reason."""

from __future__ import annotations

import json
import random
import resource
import struct
import subprocess
import sys
import time
import zipfile

import polars as pl
import pytest
import xlsxwriter

from medhavi.snapshot import Snapshot
from medhavi.snapshot.reading import outside_file
from medhavi.snapshot.reading.outside_file import ReadLimits, UnreadableFile
from tests.api import columns, raw_requests

SHEET = "xl/worksheets/sheet1.xml"


def workbook(path, *, sheet="products", far=None, blank=None):
    """A workbook of one product, with a cell or an empty cell far away."""
    with xlsxwriter.Workbook(path) as book:
        page = book.add_worksheet(sheet)
        page.write_row(0, 0, ["product", "qty"])
        page.write_row(1, 0, ["A", 2.5])
        if far is not None:
            page.write(*far, "x")
        if blank is not None:
            page.write_blank(*blank, None, book.add_format({"bold": True}))
    return path


def changed(path, part, content):
    """The workbook with one part replaced."""
    with zipfile.ZipFile(path) as old:
        parts = {name: old.read(name) for name in old.namelist()}
    parts[part] = content(parts[part]) if callable(content) else content
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as new:
        for name, each in parts.items():
            new.writestr(name, each)
    return path


def reasons(path):
    return [found.message for found in Snapshot.from_folder(path).findings]


@pytest.mark.req("ING-06")
def test_a_far_cell_is_refused_with_its_sheet_place_and_the_way_out(tmp_path):
    path = workbook(tmp_path / "far.xlsx", far=(1_048_575, 16_383))
    reason = reasons(path)[0]
    assert "sheet products has filled cells as far as XFD1048576" in reason
    assert "Delete the rows and columns outside the table" in reason


@pytest.mark.parametrize("far", [(1_048_575, 40), (30_000, 16_000)])
def test_a_corner_far_in_one_direction_counts_with_the_other(tmp_path, far):
    path = workbook(tmp_path / "far.xlsx", far=far)
    with pytest.raises(UnreadableFile, match="sheet products has filled cells"):
        outside_file.check_workbook(path)


def test_far_cells_that_have_a_format_alone_do_no_harm(tmp_path):
    path = workbook(tmp_path / "blank.xlsx", blank=(1_048_575, 16_383))
    sheets = outside_file.read_sheets(path, {"products"}.__contains__)
    assert sheets["products"].rows() == [("A", "2.5")]


def test_a_far_cell_of_a_sheet_that_is_no_table_does_no_harm(tmp_path):
    path = workbook(tmp_path / "notes.xlsx", sheet="notes", far=(1_048_575, 16_383))
    assert outside_file.read_sheets(path, {"products"}.__contains__) == {"notes": None}


def test_a_far_cell_that_the_look_misses_ends_the_reading_process_alone(tmp_path):
    path = workbook(tmp_path / "odd.xlsx", far=(1_048_575, 16_383))
    changed(path, SHEET, lambda xml: xml.replace(b'<c r="XFD', b'<c\nr="XFD'))
    changed(
        path, SHEET, lambda xml: xml.replace(b'<row r="1048576"', b'<row\nr="1048576"')
    )
    outside_file.check_workbook(path)
    with pytest.raises(UnreadableFile, match="2,048 MiB of memory"):
        outside_file.read_sheets(path, {"products"}.__contains__)
    good = workbook(tmp_path / "good.xlsx")
    assert (
        outside_file.read_sheets(good, {"products"}.__contains__)["products"].height
        == 1
    )


@pytest.mark.req("ING-06")
def test_a_sheet_of_700_mb_is_refused_without_unpacking_it(tmp_path):
    path = workbook(tmp_path / "bomb.xlsx")
    with zipfile.ZipFile(path, "a", zipfile.ZIP_DEFLATED) as book:
        for number in range(7):
            book.writestr(f"xl/worksheets/s{number}.xml", bytes(2**20))
    content = path.read_bytes()
    for place in (content.find(b"PK\x01\x02"), content.rfind(b"PK\x01\x02")):
        # The directory states 700 MB, as that of a real one does.
        content = (
            content[: place + 24] + struct.pack("<I", 700 << 20) + content[place + 28 :]
        )
    before = time.process_time()
    with pytest.raises(UnreadableFile, match="at most 512 MiB are read"):
        outside_file.check_workbook(content)
    assert time.process_time() - before < 0.5


def test_a_part_that_unpacks_to_much_more_is_refused(tmp_path):
    path = changed(workbook(tmp_path / "bomb.xlsx"), SHEET, b" " * (8 << 20))
    with pytest.raises(UnreadableFile, match="more than 200 times"):
        outside_file.check_workbook(path)


def test_a_workbook_of_many_parts_is_refused(tmp_path):
    path = workbook(tmp_path / "many.xlsx")
    most = outside_file.LIMITS.entries
    with zipfile.ZipFile(path, "a") as book:
        for number in range(most):
            book.writestr(f"part{number}", "")
    with pytest.raises(UnreadableFile, match=f"parts; at most {most:,} are read"):
        outside_file.check_workbook(path)


def test_a_directory_that_would_fill_the_memory_is_not_listed(tmp_path):
    content = workbook(tmp_path / "book.xlsx").read_bytes()
    at = content.rfind(b"PK\x05\x06") + 12
    forged = content[:at] + struct.pack("<I", 2_000_000_000) + content[at + 4 :]
    with pytest.raises(UnreadableFile, match="its directory takes 2,000,000,000"):
        outside_file.check_workbook(forged)


@pytest.mark.parametrize("left", [1, 30, 400, 2_000, 4_000])
def test_a_workbook_that_is_cut_off_is_a_finding(tmp_path, left):
    path = workbook(tmp_path / "cut.xlsx")
    path.write_bytes(path.read_bytes()[:left])
    assert "cut.xlsx cannot be read: it is not a complete workbook" in reasons(path)[0]


def test_a_workbook_with_a_password_is_named_as_such(tmp_path):
    path = tmp_path / "secret.xlsx"
    path.write_bytes(b"\xd0\xcf\x11\xe0" + bytes(600))
    assert "save it as .xlsx without a password" in reasons(path)[0]


@pytest.mark.nightly
def test_requests_in_a_workbook_have_the_same_guard(tmp_path):
    found = []
    far = workbook(tmp_path / "far.xlsx", far=(1_048_575, 16_383)).read_bytes()
    assert raw_requests(far, columns(), found).is_empty()
    assert [(one.code, "XFD1048576" in one.message) for one in found] == [
        ("PRM001", True)
    ]
    good = workbook(tmp_path / "good.xlsx").read_bytes()
    assert raw_requests(good, columns(), []).rows() == [("A", "2.5", 2)]


# --- Parquet ---------------------------------------------------------------------
def parquet(path, rows=3):
    pl.DataFrame({"product": [f"P{row}" for row in range(rows)]}).write_parquet(path)
    return path


@pytest.mark.parametrize("left", [0, 5, 12, 100, -1])
def test_a_parquet_file_that_is_cut_off_is_a_finding(tmp_path, left):
    path = parquet(tmp_path / "products.parquet")
    path.write_bytes(path.read_bytes()[:left])
    assert next(one.code for one in Snapshot.from_folder(tmp_path).findings) in {
        "FILE001",
        "FILE002",
    }


def test_a_footer_longer_than_its_file_is_named(tmp_path):
    path = parquet(tmp_path / "products.parquet")
    path.write_bytes(path.read_bytes()[:-8] + struct.pack("<I", 2**31) + b"PAR1")
    assert "its footer would take 2,147,483,648 of" in reasons(tmp_path)[0]


def test_damaged_bytes_in_a_parquet_file_never_end_the_process(tmp_path):
    content = parquet(tmp_path / "products.parquet", rows=50).read_bytes()
    for seed in range(40):
        draw = random.Random(seed)
        bad = bytearray(content)
        for _ in range(draw.randint(1, 4)):
            bad[draw.randrange(4, len(bad) - 8)] = draw.randrange(256)
        (tmp_path / "products.parquet").write_bytes(bad)
        findings = Snapshot.from_folder(tmp_path).findings
        assert all(one.message for one in findings)


def test_a_small_file_of_very_many_rows_is_refused(tmp_path):
    limits = ReadLimits(cells=100)
    path = parquet(tmp_path / "products.parquet", rows=1_001)
    with pytest.raises(UnreadableFile, match=r"it has 1,001 rows of 1 columns"):
        outside_file.read_table(path, "parquet", limits)


def test_a_file_that_takes_more_memory_than_the_limit_is_refused(tmp_path):
    # One column of 16 MB is 80 columns here, and 1.3 GB for who reads the file.
    # Equal texts would not do: polars keeps each text of a file's dictionary once.
    path = tmp_path / "products.parquet"
    column = pl.repeat(1, 2_000_000, dtype=pl.Int64, eager=True)
    pl.DataFrame({f"c{number}": column for number in range(80)}).write_parquet(path)
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    with pytest.raises(UnreadableFile, match="more than 700 MiB of memory"):
        outside_file.read_table(path, "parquet", ReadLimits(memory_mib=700))
    grown = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before
    assert grown < 100 * 1024


def test_a_file_that_takes_too_long_is_refused(tmp_path):
    path = parquet(tmp_path / "products.parquet")
    with pytest.raises(UnreadableFile, match=r"took more than 0 s"):
        outside_file.read_table(path, "parquet", ReadLimits(seconds=0.001))
    assert outside_file.read_table(path, "parquet").height == 3


def test_a_folder_of_csv_files_starts_no_process(tmp_path):
    (tmp_path / "products.csv").write_text("product\nA\n")
    command = (
        "import sys, json; from medhavi.snapshot import Snapshot;from medhavi.snapshot.reading import outside_file;"
        "Snapshot.from_folder(__import__('pathlib').Path(sys.argv[1]));"
        "print(json.dumps(len(outside_file._idle)))"
    )
    done = subprocess.run(
        [sys.executable, "-c", command, str(tmp_path)],
        capture_output=True,
        check=True,
        text=True,
    )
    assert json.loads(done.stdout) == 0
