"""doctor: what is there, what is missing, what only takes something away."""

from __future__ import annotations

from importlib import metadata

import pytest

from medhavi.cli import desk_commands
from tests.api import Lake, open_store
from tests.lakehouse.lake_events import small_company, store_of


def states(said):
    return {check["name"]: check["state"] for check in said.answer["checks"]}


def test_a_good_machine_is_all_right(medhavi, monkeypatch, tmp_path):
    monkeypatch.delenv("MEDHAVI_LAKE", raising=False)
    monkeypatch.delenv("MEDHAVI_PUBLIC_DATA", raising=False)
    said = medhavi("doctor", "--json")
    assert said.code == 0
    assert states(said)["Python"] == "ok"
    assert states(said)["packages"] == "ok"
    assert states(said)["lake"] == "optional"
    assert states(said)["public data"] == "optional"


def test_a_lake_that_is_there_is_all_right(medhavi, tmp_path):
    assert states(medhavi("doctor", "--lake", tmp_path, "--json"))["lake"] == "ok"


def test_a_lake_that_is_not_there_ends_in_4(medhavi, tmp_path):
    said = medhavi("doctor", "--lake", tmp_path / "none")
    assert said.code == 4
    assert "none is not there" in said.err


def test_a_lake_elsewhere_is_not_looked_at(medhavi):
    said = medhavi("doctor", "--lake", "s3://bucket/lake", "--json")
    assert states(said)["lake"] == "unknown"


def test_public_data_that_is_not_there_ends_in_4(medhavi, monkeypatch, tmp_path):
    monkeypatch.setenv("MEDHAVI_PUBLIC_DATA", str(tmp_path / "none"))
    assert medhavi("doctor").code == 4


def test_chromium_is_found_by_its_variable(medhavi, monkeypatch):
    monkeypatch.setenv("CHROMIUM", "/opt/chromium")
    assert states(medhavi("doctor", "--json"))["Chromium"] == "ok"


def test_a_missing_chromium_only_skips_tests(medhavi, monkeypatch):
    monkeypatch.delenv("CHROMIUM", raising=False)
    monkeypatch.setenv("PATH", "")
    said = medhavi("doctor", "--json")
    assert states(said)["Chromium"] == "optional"


def test_a_missing_package_is_named_with_the_way_out(medhavi, monkeypatch):
    monkeypatch.setattr(metadata, "requires", lambda _name: ["polars>=2", "nonesuch"])
    said = medhavi("doctor")
    assert said.code == 4
    assert "not installed: nonesuch; run `make setup`" in said.err


def test_without_numba_kernels_run_uncompiled(medhavi, monkeypatch):
    monkeypatch.setattr(desk_commands, "_installed", lambda name: name != "numba")
    assert states(medhavi("doctor", "--json"))["numba"] == "optional"


def test_a_disk_that_is_nearly_full_is_named(medhavi, monkeypatch):
    monkeypatch.setattr(desk_commands, "LEAST_FREE_GB", 1e9)
    assert medhavi("doctor").code == 4


@pytest.mark.parametrize(
    ("line", "name"),
    [("numpy>=2", "numpy"), ("marimo[sql]==1", "marimo"), ("rich", "rich")],
)
def test_a_requirement_is_cut_to_its_name(line, name):
    assert desk_commands._bare(line) == name


def opened(path, mode):
    """Modes of a place and of all below it."""
    places = [path, *path.rglob("*")] if path.is_dir() else [path]
    return {oct(one.stat().st_mode & mode) for one in places}


@pytest.mark.req("SEC-02")
def test_a_new_workspace_is_its_owners_alone(medhavi, tmp_path):
    place = tmp_path / "workspace"
    store = f"sqlite:///{place}/events.db"
    open_store(store).append_many(small_company())
    lake = place / "lake"
    assert medhavi("mirror", "--from", store, "--lake", lake).code == 0
    made = medhavi("query", "SELECT count(*) FROM silver.stock", "--lake", lake)
    assert made.code == 0
    assert opened(place, 0o077) == {"0o0"}
    said = medhavi("doctor", "--lake", lake, "--json")
    assert states(said)["permissions"] == "ok"


def test_files_of_a_lake_that_a_group_shares_stay_shared(tmp_path):
    lake = tmp_path / "lake"
    lake.mkdir(mode=0o750)
    lake.chmod(0o750)
    Lake(lake).mirror(store_of(small_company()))
    assert opened(lake, 0o007) == {"0o0"}
    assert all(one.stat().st_mode & 0o040 for one in lake.rglob("*"))


def test_wide_permissions_are_named_with_the_way_to_close_them(
    medhavi, tmp_path, monkeypatch
):
    tmp_path.chmod(0o755)
    monkeypatch.setattr(desk_commands, "_closed_above", lambda place: False)
    lake = tmp_path / "lake"
    lake.mkdir()
    lake.chmod(0o755)
    (tmp_path / "events.db").touch()
    (tmp_path / "events.db").chmod(0o644)
    said = medhavi("doctor", "--lake", lake, "--json")
    [check] = [one for one in said.answer["checks"] if one["name"] == "permissions"]
    assert check["state"] == "optional"
    assert f"{lake} (755)" in check["detail"]
    assert "events.db (644)" in check["detail"]
    assert "chmod -R go-rwx" in check["detail"]
