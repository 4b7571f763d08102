"""The server: a landing page that lists apps, health, and this machine only."""

from __future__ import annotations

import socket

import pytest

from medhavi.errors import EnvironmentFailure, UsageError
from medhavi.service.app import serve
from medhavi.service.health import health
from medhavi.service.landing import landing_html
from medhavi.service.pages import entries, folder_of


@pytest.fixture
def nowhere(monkeypatch, tmp_path):
    for name in ("MEDHAVI_LAKE", "MEDHAVI_STORE", "MEDHAVI_TABLES"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.chdir(tmp_path)
    return tmp_path


def test_apps_and_lessons_are_found_with_their_questions():
    apps = {entry.address: entry for entry in entries("apps")}
    assert apps["/plan/"].question == "Does the plan hold?"
    lessons = entries("notebooks")
    assert lessons[0].address == "/n01_first_plan/"
    assert lessons[0].title.startswith("Open the data")


def test_an_app_without_docstring_is_called_by_its_name(tmp_path):
    (tmp_path / "a_trade_off.py").write_text("x = 1\n", "utf-8")
    (tmp_path / "other.py").write_text("x = 1\n", "utf-8")
    (entry,) = entries("apps", tmp_path)
    assert (entry.question, entry.title) == ("trade off", "")


def test_apps_lie_in_the_wheel_or_in_the_checkout():
    assert folder_of("apps").name in ("apps", "_apps")


def test_health_without_data_says_so(nowhere):
    facts = health()
    assert (facts["status"], facts["data"]) == ("no data", "none")


def test_health_names_the_data(nowhere, monkeypatch):
    monkeypatch.setenv("MEDHAVI_TABLES", str(nowhere))
    assert health()["status"] == "ok"
    monkeypatch.setenv("MEDHAVI_TABLES", str(nowhere / "gone"))
    assert health()["status"] == "unreachable"
    monkeypatch.delenv("MEDHAVI_TABLES")
    monkeypatch.setenv("MEDHAVI_LAKE", str(nowhere))
    assert health()["data"] == "lake"


def test_the_landing_page_lists_every_app_with_its_question(nowhere):
    text = landing_html(entries("apps"), entries("notebooks"), health())
    assert 'href="/plan/"' in text
    assert "Does the plan hold?" in text
    assert "Your first plan" in text
    assert "There is no data yet" in text
    assert "http" not in text.replace("https://www.w3.org", "")


def test_the_landing_page_shows_where_the_data_is(nowhere, monkeypatch):
    monkeypatch.setenv("MEDHAVI_TABLES", str(nowhere))
    text = landing_html((), (), health())
    assert str(nowhere) in text
    assert "There is no data yet" not in text


def test_other_machines_are_not_served():
    with pytest.raises(UsageError, match="served to this machine only"):
        serve(host="0.0.0.0")


def test_a_taken_port_is_named_with_a_way_out():
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = taken.getsockname()[1]
        with pytest.raises(EnvironmentFailure, match=f"Port {port} is taken"):
            serve(port=port)
