"""Files dropped on the pages of a real server: refused, and it lives on."""

from __future__ import annotations

import json
import os
import signal
import socket
import struct
import subprocess
import sys
import time
import urllib.request
import zipfile
from contextlib import contextmanager
from pathlib import Path

import pytest
import xlsxwriter

from medhavi.schema.template import example_rows
from medhavi.snapshot import Snapshot
from tests.service.page_client import PageClient

MEDHAVI = Path(sys.executable).with_name("medhavi")
MOST_MORE_MB = 100
"""Memory that a refused file may cost a server [MB]."""
REFUSED = {
    "far.xlsx": "filled cells as far as XFD1048576",
    "bomb.xlsx": "at most 512 MiB are read",
    "cut.xlsx": "not a complete workbook",
}
"""What is told of each bad workbook."""


@pytest.fixture(scope="module")
def bad(tmp_path_factory):
    """Workbooks by name: a cell at XFD1048576, 700 MB unpacked, cut off."""
    place = tmp_path_factory.mktemp("bad")
    for name, far in (("far.xlsx", (1_048_575, 16_383)), ("bomb.xlsx", (1, 0))):
        with xlsxwriter.Workbook(place / name) as book:
            sheet = book.add_worksheet("products")
            sheet.write_row(0, 0, ["product", "qty"])
            sheet.write(*far, "A")
    with zipfile.ZipFile(place / "bomb.xlsx", "a", zipfile.ZIP_DEFLATED) as book:
        book.writestr("xl/worksheets/s.xml", bytes(2**20))
    content = (place / "bomb.xlsx").read_bytes()
    last = content.rfind(b"PK\x01\x02")
    stated = struct.pack("<I", 700 << 20)
    found = {"far.xlsx": (place / "far.xlsx").read_bytes()}
    found["bomb.xlsx"] = content[: last + 24] + stated + content[last + 28 :]
    found["cut.xlsx"] = found["far.xlsx"][:700]
    return found


@pytest.fixture(scope="module")
def tables(tmp_path_factory):
    folder = tmp_path_factory.mktemp("tables") / "lemonade"
    Snapshot.from_frames(example_rows()).to_folder(folder, format="csv")
    return folder


@contextmanager
def served(*options):
    """Serve on a free port of this machine: port and process, once it answers."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    server = subprocess.Popen(
        [MEDHAVI, "serve", "--port", str(port), *options],
        env={
            name: value
            for name, value in os.environ.items()
            if name not in {"MEDHAVI_LAKE", "MEDHAVI_STORE", "MEDHAVI_TABLES"}
        },
    )
    try:
        last = time.monotonic() + 120
        while health(port) is None:
            assert server.poll() is None
            assert time.monotonic() < last
            time.sleep(0.1)
        yield port, server
    finally:
        server.send_signal(signal.SIGINT)
        server.wait(timeout=30)


def health(port):
    """What the server tells of itself; None while it does not answer."""
    try:
        with urllib.request.urlopen(f"http://127.0.0.1:{port}/health") as said:
            return json.load(said)
    except OSError:
        return None


def most_mb(pid):
    """Most memory that a process had so far [MB]."""
    lines = Path(f"/proc/{pid}/status").read_text("utf-8").splitlines()
    return next(int(one.split()[1]) for one in lines if one.startswith("VmHWM")) / 1e3


@pytest.mark.req("ING-06")
@pytest.mark.parametrize(
    ("address", "query"),
    [
        ("/data", "&tab=upload"),
        pytest.param("/promise", "", marks=pytest.mark.nightly),
    ],
)
def test_a_bad_workbook_on_a_page_is_told_and_the_server_lives(
    bad, tables, address, query
):
    with served("--tables", str(tables)) as (port, server):
        with PageClient(port, address, query) as client:
            # The first file loads what reads files; the others may cost little.
            assert client.drop("cut.xlsx", bad["cut.xlsx"]) == 200
            client.until(REFUSED["cut.xlsx"])
            before = most_mb(server.pid)
            for name in ("far.xlsx", "bomb.xlsx"):
                assert client.drop(name, bad[name]) == 200
                client.until(REFUSED[name])
                assert "/medhavi-" not in client.text
        assert most_mb(server.pid) - before <= MOST_MORE_MB
        assert health(port)["status"] == "ok"


@pytest.mark.req("ATP-01", "UI-09")
@pytest.mark.parametrize(
    ("address", "filled"),
    [
        ("/promise", "Sourcing options"),
        pytest.param(
            "/campaigns", "Campaigns are not compared yet", marks=pytest.mark.nightly
        ),
        pytest.param("/tradeoffs", "Find the trade-offs", marks=pytest.mark.nightly),
    ],
)
@pytest.mark.nightly
def test_a_page_opened_before_there_are_tables_is_filled_by_the_first(
    tmp_path, address, filled
):
    folder = tmp_path / "mine"
    folder.mkdir()
    with (
        served("--tables", str(folder)) as (port, _server),
        PageClient(port, address) as desk,
    ):
        desk.until("There is no data yet")
        desk.until('"op": "completed-run"')
        desk.text = ""
        Snapshot.from_frames(example_rows()).to_folder(folder, format="csv")
        with PageClient(port, "/data") as data:  # it tells the other pages
            data.until('"op": "completed-run"')
        desk.until(filled)
        desk.until('"op": "completed-run"')
        assert "NameError" not in desk.text


@pytest.mark.nightly
@pytest.mark.parametrize("name", ["far.xlsx", "bomb.xlsx"])
def test_a_server_that_starts_on_a_bad_workbook_says_so_on_its_pages(
    bad, tmp_path, name
):
    path = tmp_path / name
    path.write_bytes(bad[name])
    with (
        served("--tables", str(path)) as (port, server),
        PageClient(port, "/plan") as client,
    ):
        client.until(REFUSED[name])
        assert str(tmp_path) not in client.text
        assert server.poll() is None
