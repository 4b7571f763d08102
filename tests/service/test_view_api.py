"""Saved views and notebooks by their addresses: kept, replaced, deleted, refused."""

from __future__ import annotations

import json

import pytest
from starlette.applications import Starlette
from starlette.testclient import TestClient

from medhavi.schema.template import example_rows
from medhavi.service.api.view_api import known_views, view_routes
from medhavi.service.search_page import search_html
from medhavi.snapshot import Snapshot
from medhavi.views.page import navigation_html


@pytest.fixture
def client(tmp_path, monkeypatch):
    for name in ("MEDHAVI_LAKE", "MEDHAVI_STORE"):
        monkeypatch.delenv(name, raising=False)
    Snapshot.from_frames(example_rows()).to_folder(tmp_path / "own", format="csv")
    monkeypatch.setenv("MEDHAVI_TABLES", str(tmp_path / "own"))
    monkeypatch.setenv("MEDHAVI_CACHE", str(tmp_path / "cache"))
    monkeypatch.chdir(tmp_path)
    return TestClient(Starlette(routes=view_routes(lambda _: None)))


def post(client, path="/views", **view):
    return client.post(path, content=json.dumps(view))


def test_a_view_is_saved_replaced_and_deleted(client):
    assert client.get("/views").json() == {"views": []}
    made = post(client, name=" Late  orders ", address="/orders/?kind=buy").json()
    assert made["views"] == [{"name": "Late orders", "address": "/orders/?kind=buy"}]
    post(client, name="A first one", address="/items/")
    again = post(client, name="Late orders", address="/orders/?kind=make").json()
    assert [one["address"] for one in again["views"]] == [
        "/items/",
        "/orders/?kind=make",
    ]
    left = post(client, "/views/delete", name="Late orders", address="").json()
    assert [one["name"] for one in left["views"]] == ["A first one"]
    assert client.get("/views").json() == left


@pytest.mark.parametrize(
    ("view", "words"),
    [
        ({"name": "", "address": "/orders/"}, "needs a name"),
        ({"name": "x" * 61, "address": "/orders/"}, "1 to 60 characters"),
        ({"name": "x", "address": "https://example.org"}, "an address of these pages"),
        ({"name": "x", "address": "//example.org/"}, "an address of these pages"),
        ({"name": "x", "address": "javascript:alert(1)"}, "an address of these pages"),
        ({"name": "x"}, "a name and an address"),
    ],
)
def test_what_is_no_view_is_refused_and_nothing_is_written(client, view, words):
    said = post(client, **view)
    assert said.status_code == 422
    assert words in said.json()["error"]
    assert known_views().read() == ()
    assert client.post("/views", content=b"x" * 30_000).status_code == 413


def test_views_of_a_lake_lie_in_it_and_a_broken_file_is_no_view(
    client, tmp_path, monkeypatch
):
    monkeypatch.delenv("MEDHAVI_TABLES")
    (tmp_path / "lake").mkdir()
    monkeypatch.setenv("MEDHAVI_LAKE", str(tmp_path / "lake"))
    post(client, name="mine", address="/data/")
    file = tmp_path / "lake" / ".views.json"
    assert json.loads(file.read_text("utf-8")) == [
        {"name": "mine", "address": "/data/"}
    ]
    file.write_text("{", "utf-8")
    assert client.get("/views").json() == {"views": []}


def test_nothing_served_has_no_views(client, monkeypatch):
    monkeypatch.delenv("MEDHAVI_TABLES")
    assert client.get("/views").json() == {"views": []}
    assert post(client, name="x", address="/data/").status_code == 422


def test_a_page_is_shown_as_a_notebook_and_downloaded(client):
    shown = client.get("/notebook", params={"of": "/orders/?kind=buy"})
    assert "plan.chart.orders(snapshot, kind=&#x27;buy&#x27;)" in shown.text
    file = client.get("/notebook.py", params={"of": "/orders/?kind=buy"})
    assert file.headers["content-disposition"] == 'attachment; filename="orders.py"'
    assert "plan.chart.orders(snapshot, kind='buy')" in file.text
    assert client.get("/notebook", params={"of": "/health"}).status_code == 404


def test_documents_follow_the_readers_light_or_dark():
    """The style of marimo's pages, which a class turns dark, is not in documents."""
    assert "<style>" not in navigation_html("plan")
    assert ":root,.light{" not in search_html("")


def test_only_an_open_page_is_moved(client):
    """One that is not there, or no request at all, is refused."""
    assert (
        post(client, "/move", session="s_gone", query="order=PO-1").status_code == 404
    )
    assert client.post("/move", content="{half").status_code == 422
