"""doctor: what is there, what is missing, what only takes something away."""

from __future__ import annotations

from importlib import metadata

import pytest

from medhavi.cli import surroundings


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
    monkeypatch.setattr(surroundings, "_installed", lambda name: name != "numba")
    assert states(medhavi("doctor", "--json"))["numba"] == "optional"


def test_a_disk_that_is_nearly_full_is_named(medhavi, monkeypatch):
    monkeypatch.setattr(surroundings, "LEAST_FREE_GB", 1e9)
    assert medhavi("doctor").code == 4


@pytest.mark.parametrize(
    ("line", "name"),
    [("numpy>=2", "numpy"), ("marimo[sql]==1", "marimo"), ("rich", "rich")],
)
def test_a_requirement_is_cut_to_its_name(line, name):
    assert surroundings._bare(line) == name
