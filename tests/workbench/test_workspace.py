"""Which lake and store are meant: environment, project file, demo, or a clear no."""

from __future__ import annotations

import pytest

from medhavi.errors import UsageError
from medhavi.workbench.workspace import current_workspace


@pytest.fixture(autouse=True)
def quiet_surroundings(monkeypatch):
    """No variable of this machine decides a test."""
    monkeypatch.delenv("MEDHAVI_LAKE", raising=False)
    monkeypatch.delenv("MEDHAVI_STORE", raising=False)


def test_the_environment_comes_first(tmp_path, monkeypatch):
    (tmp_path / "medhavi.toml").write_text('lake = "other"')
    monkeypatch.setenv("MEDHAVI_LAKE", "/data/lake")
    found = current_workspace(tmp_path)
    assert (found.lake, found.store) == ("/data/lake", None)


def test_the_store_beside_a_lake_is_its_store(tmp_path, monkeypatch):
    monkeypatch.setenv("MEDHAVI_LAKE", str(tmp_path / "lake"))
    assert current_workspace().store is None
    (tmp_path / "events.db").touch()
    assert current_workspace().store == f"sqlite:///{tmp_path}/events.db"


def test_the_nearest_project_file_counts_from_its_own_folder(tmp_path):
    inner = tmp_path / "a" / "b"
    inner.mkdir(parents=True)
    text = 'lake = "lake"\nstore = "sqlite:///events.db"\n'
    (tmp_path / "medhavi.toml").write_text(text)
    found = current_workspace(inner)
    assert found.lake == str(tmp_path / "lake")
    assert found.store == f"sqlite:///{tmp_path}/events.db"


@pytest.mark.parametrize(
    ("url", "expected"),
    [
        ("kurrentdb://host:2113", "kurrentdb://host:2113"),
        ("sqlite:////var/events.db", "sqlite:////var/events.db"),
        ("jsonl:/var/events", "jsonl:/var/events"),
    ],
)
def test_absolute_places_stay_as_they_are(tmp_path, url, expected):
    text = f'lake = "file:///data/lake"\nstore = "{url}"\n'
    (tmp_path / "medhavi.toml").write_text(text)
    found = current_workspace(tmp_path)
    assert (found.lake, found.store) == ("file:///data/lake", expected)


def test_a_project_file_may_name_a_lake_alone(tmp_path):
    (tmp_path / "medhavi.toml").write_text('lake = "lake"')
    assert current_workspace(tmp_path).store is None


def test_the_demo_is_used_where_nothing_is_named(tmp_path):
    demo = tmp_path / "lakehouse" / "aurora-small"
    (demo / "lake").mkdir(parents=True)
    found = current_workspace(tmp_path)
    assert (found.lake, found.store) == (
        str(demo / "lake"),
        f"sqlite:///{demo}/events.db",
    )


def test_nothing_at_all_says_what_to_do(tmp_path):
    with pytest.raises(UsageError, match=r"MEDHAVI_LAKE .* medhavi demo"):
        current_workspace(tmp_path)


@pytest.mark.parametrize(
    ("text", "message"),
    [("lake = ", "cannot be read"), ('lak = "x"', "unknown key 'lak'")],
)
def test_a_project_file_that_makes_no_sense_is_named(tmp_path, text, message):
    (tmp_path / "medhavi.toml").write_text(text)
    with pytest.raises(UsageError, match=message):
        current_workspace(tmp_path)
