"""The server: a landing page that lists apps, health, and this machine only."""

from __future__ import annotations

import asyncio
import socket

import pytest
from starlette.testclient import TestClient

from medhavi.errors import EnvironmentFailure, UsageError
from medhavi.service.app import (
    entries,
    folder_of,
    health,
    landing_html,
    listening_socket,
    serve,
)
from medhavi.service.page_files import PageApps
from medhavi.service.shell import START, shell_html
from medhavi.views.page import PAGES, navigation_html
from tests.asynchronous import finished


@pytest.fixture
def nowhere(monkeypatch, tmp_path):
    for name in ("MEDHAVI_LAKE", "MEDHAVI_STORE", "MEDHAVI_TABLES"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.chdir(tmp_path)
    return tmp_path


def test_apps_stand_in_the_order_of_a_day_with_the_titles_of_the_links():
    apps = {entry.address.strip("/"): entry.title for entry in entries("apps")}
    assert list(apps.items()) == list(PAGES.items())
    lessons = entries("notebooks")
    assert lessons[0].address == "/n01_first_plan/"
    assert lessons[0].summary.startswith("Open the data")


@pytest.mark.parametrize("entry", entries("apps"), ids=lambda one: one.path.stem)
def test_every_app_leads_to_the_start_page_and_to_every_other(entry):
    name = entry.address.strip("/")
    assert f'page.top_html("{name}"' in entry.path.read_text("utf-8")
    text = navigation_html(name)
    assert 'href="/"' in text
    assert [one for one in PAGES if f'href="/{one}/"' not in text] == []


@pytest.mark.parametrize("entry", entries("notebooks"), ids=lambda one: one.path.stem)
def test_every_lesson_leads_to_the_start_page_with_medhavi_alone(entry):
    text = entry.path.read_text("utf-8")
    assert "[Start page and lessons](/)" in text
    assert "medhavi.views" not in text


def test_an_app_without_docstring_is_called_by_its_name(tmp_path):
    (tmp_path / "a_trade_off.py").write_text("x = 1\n", "utf-8")
    (tmp_path / "other.py").write_text("x = 1\n", "utf-8")
    (entry,) = entries("apps", tmp_path)
    assert (entry.title, entry.summary) == ("trade off", "")


def test_apps_lie_in_the_wheel_or_in_the_checkout():
    assert folder_of("apps").name in ("apps", "_apps")


def test_health_without_data_says_so(nowhere):
    facts = health()
    assert (facts["status"], facts["data"]) == ("no data", "none")


@pytest.mark.req("UI-10")
def test_health_names_the_data(nowhere, monkeypatch):
    monkeypatch.setenv("MEDHAVI_TABLES", str(nowhere))
    assert health()["status"] == "no data"
    (nowhere / "products.csv").write_text("product\nA\n", "utf-8")
    facts = health()
    assert (facts["status"], facts["ready"]) == ("ok", True)
    assert str(nowhere) not in str(facts)
    monkeypatch.setenv("MEDHAVI_TABLES", str(nowhere / "gone"))
    facts = health()
    assert (facts["status"], facts["ready"]) == ("unreachable", False)
    monkeypatch.delenv("MEDHAVI_TABLES")
    monkeypatch.setenv("MEDHAVI_LAKE", str(nowhere))
    assert health()["data"] == "lake"


def test_the_shell_leads_to_the_start_page_and_to_every_app():
    text = shell_html("north <plant>")
    addresses = [START, *(f"/{name}/" for name in PAGES)]
    assert [one for one in addresses if f'href="{one}"' not in text] == []
    assert "north &lt;plant&gt;" in text
    assert "http" not in text


def test_the_bar_asks_for_the_workspace_where_there_are_several():
    one, several = shell_html("a", tables=("a",)), shell_html("a", tables=("a", "<b>"))
    assert 'aria-label="Workspace"' not in one
    assert "<option>a</option><option>&lt;b&gt;</option>" in several


def test_the_landing_page_lists_every_app_with_its_question(nowhere):
    text = landing_html(entries("apps"), entries("notebooks"), health())
    assert 'href="/plan/"' in text
    assert text.index('href="/plan/"') < text.index('href="/promise/"')
    assert "Production schedule" in text
    assert "Your first plan" in text
    assert "There is no data yet" in text
    assert "http" not in text.replace("https://www.w3.org", "")


def test_the_landing_page_of_an_empty_folder_leads_to_the_upload(nowhere, monkeypatch):
    monkeypatch.setenv("MEDHAVI_TABLES", str(nowhere))
    text = landing_html((), (), health())
    assert "There is no data yet" in text
    assert 'href="/data/"' in text


def test_the_landing_page_names_the_data_and_no_path(nowhere, monkeypatch):
    (nowhere / "products.csv").write_text("product\nA\n", "utf-8")
    monkeypatch.setenv("MEDHAVI_TABLES", str(nowhere))
    text = landing_html((), (), health())
    assert f"tables {nowhere.name}" in text
    assert str(nowhere) not in text
    assert "There is no data yet" not in text


def test_other_machines_are_not_served():
    with pytest.raises(UsageError, match="served to this machine only"):
        serve(host="0.0.0.0")


def test_a_taken_port_is_named_with_a_way_out(nowhere):
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = taken.getsockname()[1]
        with pytest.raises(EnvironmentFailure, match=f"Port {port} is taken"):
            serve(port=port)
    assert not any(nowhere.iterdir())


@pytest.mark.req("UI-08")
def test_small_parts_of_answers_are_sent_at_once():
    """Else each waits 40 ms for the one before: 310 files of a page took 2 s."""
    found = []

    async def answered() -> None:
        def met(_reader, writer):
            taken = writer.get_extra_info("socket")
            found.append(taken.getsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY))
            writer.close()

        with listening_socket("127.0.0.1", 0) as listener:
            server = await asyncio.start_server(met, sock=listener)
            reader, writer = await asyncio.open_connection(*listener.getsockname())
            assert await reader.read() == b""
            writer.close()
            server.close()

    finished(answered())
    assert found == [1]


def test_a_page_is_read_when_it_is_first_asked_for(tmp_path):
    """The second file is no notebook: nobody asks for it, so nothing fails."""
    for name, text in (("one", "import marimo\n\napp = marimo.App()\n"), ("two", "(")):
        (tmp_path / f"{name}.py").write_text(text, "utf-8")
    files = {f"/{name}/": tmp_path / f"{name}.py" for name in ("one", "two")}
    pages = PageApps(files, head="<meta name='ours'>", files="/marimo")
    client = TestClient(pages)
    assert client.get("/three/").status_code == 404
    first = client.get("/one/")
    assert first.status_code == 200
    assert "<meta name='ours'>" in first.text
    assert client.get("/one", follow_redirects=False).headers["location"] == "one/"
    assert pages.session_of("s_000000") is None
