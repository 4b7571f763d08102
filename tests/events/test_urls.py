"""A URL opens the right store, or says what is wrong with it."""

from __future__ import annotations

import pytest

from medhavi.errors import EnvironmentFailure, UsageError
from medhavi.events.urls import shown_url
from tests.api import JsonlStore, KurrentStore, MemoryStore, SqliteStore, open_store


def test_memory_is_empty_each_time():
    assert isinstance(open_store("memory:"), MemoryStore)
    assert open_store("memory:").head() == 0


def test_three_slashes_are_a_relative_path(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    store = open_store("sqlite:///data/events.db")
    assert isinstance(store, SqliteStore)
    assert store.path == tmp_path / "data" / "events.db"
    assert store.path.exists()


def test_four_slashes_are_an_absolute_path(tmp_path):
    store = open_store(f"sqlite:///{tmp_path}/events.db")
    assert isinstance(store, SqliteStore)
    assert store.path == tmp_path / "events.db"


def test_a_reader_does_not_make_the_file(tmp_path):
    with pytest.raises(EnvironmentFailure, match="there is no event store"):
        open_store(f"sqlite:///{tmp_path}/events.db", create=False)


def test_a_text_file_is_opened(tmp_path):
    path = tmp_path / "events.jsonl"
    path.write_text("")
    assert isinstance(open_store(f"jsonl:{path}"), JsonlStore)


@pytest.mark.parametrize(
    "url",
    ["kurrentdb://host:2113?tls=false", "esdb://u:p@host", "kdb+discover://u:p@h"],
)
def test_a_server_is_not_called_before_it_is_used(url):
    assert isinstance(open_store(url), KurrentStore)


@pytest.mark.parametrize(
    "url",
    [
        "",
        "events.db",
        "sqlite:",
        "kurrentb://u:s3cret@host",
        "sqlite://x",
        "sqlite:///",
        "jsonl:",
        "memory:x",
    ],
)
def test_what_names_no_store_is_refused(url):
    with pytest.raises(UsageError, match="names no event store") as caught:
        open_store(url)
    assert "s3cret" not in str(caught.value)


@pytest.mark.parametrize(
    ("url", "shown"),
    [
        (
            "kurrentdb://admin:s3cret@a:1,b:2?tls=true",
            "kurrentdb://***@a:1,b:2?tls=true",
        ),
        ("esdb://admin:a@b/?:@host", "esdb://***@host"),
        ("kurrentdb:admin:s3cret@host", "kurrentdb:***@host"),
        ("admin:s3cret@host", "admin:***@host"),
        ("kurrentdb://host:2113", "kurrentdb://host:2113"),
        ("sqlite:////data/a@b/events.db", "sqlite:////data/a@b/events.db"),
        ("jsonl:a@b", "jsonl:a@b"),
    ],
)
def test_a_url_is_shown_without_its_login(url, shown):
    assert shown_url(url) == shown
