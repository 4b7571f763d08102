"""Files of marimo: one address for all pages, asked for once, nothing else is read."""

from __future__ import annotations

import ast
import base64
import gc
import re
import time
from concurrent.futures import ThreadPoolExecutor
from typing import get_args

import altair as alt
import msgspec
import polars as pl
import pytest
from marimo._ast import compiler, load, parse
from marimo._entrypoints import registry
from marimo._messaging import serde
from marimo._messaging.notification import (
    CompletedRunNotification,
    NotificationMessage,
)
from marimo._session.state import session_view
from starlette.applications import Starlette
from starlette.routing import Mount
from starlette.testclient import TestClient

from medhavi.service.app import create_app
from medhavi.service.page_files import (
    ADDRESS,
    PageFiles,
    decode_by_one_decoder,
    find_extensions_once,
    parse_once,
    parse_one_at_a_time,
    send_data_with_charts,
)

OWN = "http://localhost:8710"
_LINKED = re.compile(r'(?:src|href)="([^"#]+\.(?:js|css|woff2))"')


@pytest.fixture
def client(monkeypatch, tmp_path):
    for name in ("MEDHAVI_LAKE", "MEDHAVI_STORE", "MEDHAVI_TABLES"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.chdir(tmp_path)
    return TestClient(create_app(), base_url=OWN)


def test_all_pages_have_their_files_at_one_address_that_never_changes(client):
    linked = [
        set(_LINKED.findall(client.get(page).text)) for page in ("/plan/", "/items/")
    ]
    assert linked[0] == linked[1]
    assert len(linked[0]) > 100
    assert all(one.startswith(f"{ADDRESS}/assets/") for one in linked[0])
    for address in sorted(linked[0])[:3]:
        answer = client.get(address)
        assert answer.status_code == 200
        assert answer.headers["cache-control"].endswith("immutable")
        assert len(answer.content) == int(answer.headers["content-length"])
        assert client.head(address).content == b""
    kinds = {client.get(one).headers["content-type"] for one in linked[0]}
    assert {kind.split(";")[0] for kind in kinds} <= {
        "text/javascript",
        "application/javascript",
        "text/css",
        "font/woff2",
    }


def test_nothing_else_is_read(tmp_path):
    (tmp_path / "files").mkdir()
    (tmp_path / "files/a.js").write_text("1", "utf-8")
    (tmp_path / "files/a.html").write_text("1", "utf-8")
    (tmp_path / "secret.js").write_text("1", "utf-8")
    files = Starlette(routes=[Mount("/files", app=PageFiles(tmp_path / "files"))])
    client = TestClient(files)
    assert client.get("/files/a.js").text == "1"
    for path in ("a.html", "../secret.js", "%2e%2e/secret.js", "b.js", ""):
        assert client.get(f"/files/{path}").status_code == 404, path


def test_a_notebook_is_parsed_once_and_each_visitor_has_cells_of_his_own(tmp_path):
    place = tmp_path / "a_page.py"
    text = "import marimo\napp = marimo.App()\n@app.cell\ndef one():\n    x = {}\n"
    parse_once()
    place.write_text(text.format(1), "utf-8")
    first, second = load.load_app(place), load.load_app(place)
    assert parse.parse_notebook(text, str(place)) is parse.parse_notebook(
        text, str(place)
    )
    assert first is not second
    assert (
        [*first._cell_manager.codes()] == [*second._cell_manager.codes()] == ["x = 1"]
    )
    place.write_text(text.format(2), "utf-8")
    assert [*load.load_app(place)._cell_manager.codes()] == ["x = 2"]


def test_a_cell_is_compiled_once_and_each_visitor_has_a_state_of_his_own(tmp_path):
    parse_once()
    first, second = (compiler.compile_cell("x = y + 1", "one") for _ in range(2))
    assert first.body is second.body
    assert (second.defs, second.refs) == ({"x"}, {"y"})
    first.defs.clear()
    first.refs.clear()
    first.configure({"disabled": True})
    first.set_stale(stale=True, broadcast=False)
    first.import_workspace.imported_defs.add("x")
    first._run_result_status.state = "success"
    first._output.output = "seen by one visitor alone"
    third = compiler.compile_cell("x = y + 1", "one")
    for other in (second, third):
        assert (other.defs, other.refs) == ({"x"}, {"y"})
        assert not other.config.disabled
        assert not other.stale
        assert not other.import_workspace.imported_defs
        assert other.run_result_status is None
        assert other.output is None
    assert compiler.compile_cell("x = y + 2", "one").body is not first.body


@pytest.mark.nightly
def test_threads_that_parse_together_do_not_disturb_each_other():
    """A page that was opened while another one ran a cell failed with SystemError."""
    parse_one_at_a_time()
    text = "\n".join(
        f"x = [f(a, b=[{one}]) for a in (1, (2, 3))]" for one in range(300)
    )
    pool = ThreadPoolExecutor(8)
    limits = gc.get_threshold()

    def give_way(*_: object) -> None:
        time.sleep(1e-5)

    gc.callbacks.append(give_way)
    gc.set_threshold(50)
    try:
        found = list(pool.map(ast.parse, [text] * 48))
    finally:
        gc.set_threshold(*limits)
        gc.callbacks.remove(give_way)
        pool.shutdown()
    assert {len(tree.body) for tree in found} == {300}


def test_messages_of_kernels_are_read_as_marimo_reads_them():
    """All kinds that it has, by one decoder that a session's view uses."""
    decode_by_one_decoder()
    kinds = get_args(NotificationMessage)
    assert len(kinds) > 30
    message = serde.serialize_kernel_message(CompletedRunNotification())
    view = session_view.SessionView()
    view.add_raw_notification(message)
    read = vars(session_view)["deserialize_kernel_message"]
    assert read(message) == serde.deserialize_kernel_message(message)
    assert read.__self__.type == NotificationMessage
    with pytest.raises(msgspec.ValidationError):
        read(b'{"op": "none of these"}')


def test_extensions_are_looked_for_once():
    find_extensions_once()
    find = vars(registry)["get_entry_points"]
    group = "marimo.cell.executor"
    assert find(group) is find(group)
    assert list(find(group)) == list(find.__wrapped__(group))
    find_extensions_once()
    assert vars(registry)["get_entry_points"] is find


@pytest.mark.parametrize(("rows", "comes_along"), [(3, True), (100_000, False)])
def test_a_chart_brings_few_data_with_it_and_many_are_a_file(rows, comes_along):
    """A file is gone when its cell runs again, before each browser asked for it."""
    from marimo._plugins.ui._impl.charts import altair_transformer

    send_data_with_charts()
    data = pl.DataFrame({"week": range(rows), "hours": [1.5] * rows})
    altair_transformer.register_transformers()
    with alt.data_transformers.enable("marimo_arrow"):
        drawn = alt.Chart(data).mark_bar().to_dict(validate=False)["data"]
    assert drawn["format"] == {"type": "arrow"}
    # By its end a page reads the address as a table; without one marimo made it.
    content, _, end = drawn["url"].partition("#")
    assert (end == ".arrow") == comes_along
    if comes_along:
        table = base64.b64decode(content.partition(";base64,")[2])
        assert pl.read_ipc(table).equals(data)
