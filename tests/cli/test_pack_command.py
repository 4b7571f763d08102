"""pack: the PDF of a plan in force, of a folder, of the wrong facts."""

from __future__ import annotations

import pytest


@pytest.fixture(autouse=True)
def _own_cache(tmp_path, monkeypatch):
    monkeypatch.setenv("MEDHAVI_CACHE", str(tmp_path / "cache"))


@pytest.mark.nightly
def test_the_plan_in_force_and_a_plan_of_a_folder_are_packed(
    medhavi, example, tmp_path
):
    place = ("--tables", example)
    out = tmp_path / "pack.pdf"
    said = medhavi("pack", *place, "--out", out, "--json")
    assert (said.code, said.answer["out"]) == (0, str(out))
    first = out.read_bytes()
    assert first.startswith(b"%PDF-")
    assert medhavi("plan", *place, "--out", tmp_path / "plan").code == 0
    medhavi("pack", *place, "--plan", tmp_path / "plan", "--out", out)
    assert out.read_bytes() == first

    path = example / "demands.csv"
    path.write_text(path.read_text("utf-8").replace("600", "601"), "utf-8")
    other = medhavi("pack", *place, "--plan", tmp_path / "plan", "--out", out)
    assert (other.code, "a plan of other facts" in other.err) == (2, True)
    assert out.read_bytes() == first


def test_a_pdf_is_the_meeting_pack(medhavi, example, tmp_path):
    medhavi("plan", "--tables", example, "--out", tmp_path / "plan")
    said = medhavi("export", tmp_path / "plan", "--to", "pdf")
    assert (said.code, "medhavi pack" in said.err) == (2, True)


@pytest.mark.nightly
def test_trade_offs_that_were_found_are_added(medhavi, example, tmp_path):
    place = ("--tables", example)
    assert (
        medhavi("pareto", *place, "--points", 3, "--out", tmp_path / "front").code == 0
    )
    plain, full = tmp_path / "plain.pdf", tmp_path / "full.pdf"
    medhavi("pack", *place, "--out", plain)
    said = medhavi("pack", *place, "--front", tmp_path / "front", "--out", full)
    assert said.code == 0
    assert len(full.read_bytes()) > len(plain.read_bytes())
    wrong = medhavi("pack", *place, "--front", tmp_path / "gone", "--out", full)
    assert wrong.code == 2
