"""Saved views: by name, a few, beside the data."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor

import pytest

from medhavi.errors import UsageError
from medhavi.workbench.files import saved_views
from medhavi.workbench.files.saved_views import SavedViews, views_of


def test_two_who_save_at_once_lose_nothing(tmp_path):
    views = SavedViews(tmp_path / "views.json")
    with ThreadPoolExecutor(8) as pool:
        list(pool.map(lambda n: views.save(f"view {n:02}", "/data/"), range(24)))
    assert [one.name for one in views.read()] == [f"view {n:02}" for n in range(24)]


def test_there_are_a_few_and_the_way_out_is_told(tmp_path, monkeypatch):
    monkeypatch.setattr(saved_views, "MOST_VIEWS", 2)
    views = SavedViews(tmp_path / "views.json")
    views.save("a", "/data/")
    views.save("b", "/data/")
    with pytest.raises(UsageError, match="delete one first"):
        views.save("c", "/data/")
    views.save("b", "/items/")
    assert views.delete("a")
    assert not views.delete("a")


def test_each_folder_of_tables_has_its_own(tmp_path):
    one, other = (views_of("", tmp_path / name, tmp_path / "cache") for name in "ab")
    one.save("mine", "/data/")
    assert other.read() == ()
    assert views_of("", tmp_path / "a", tmp_path / "cache").read() == one.read()
