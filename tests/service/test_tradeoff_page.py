"""The data of the trade-off app: a front of the page's tables, failures in words."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from medhavi.schema.template import example_rows
from medhavi.service import tradeoff_page
from medhavi.service.tradeoff_page import load_front
from medhavi.snapshot import Snapshot
from tests.api import load_data

if TYPE_CHECKING:
    from tests.api import Progress


@pytest.fixture
def lemonade(tmp_path):
    Snapshot.from_frames(example_rows()).to_folder(tmp_path)
    tradeoff_page._fronts.clear()
    return load_data(str(tmp_path))


def test_a_front_is_found_once(lemonade):
    told: list[Progress] = []
    first = load_front(lemonade, 3, told.append)
    assert first.problem is None
    assert first.front.points.height >= 1
    assert told
    assert load_front(lemonade, 3).front is first.front


def test_only_so_many_fronts_are_kept(lemonade, monkeypatch):
    monkeypatch.setattr(tradeoff_page, "_KEPT", 1)
    load_front(lemonade, 2)
    load_front(lemonade, 3)
    assert len(tradeoff_page._fronts) == 1


def test_what_cannot_be_asked_is_told(lemonade):
    page = load_front(lemonade, -1)
    assert page.front is None
    assert page.problem is not None


def test_a_page_without_data_says_why(tmp_path):
    assert load_front(load_data(str(tmp_path / "none")), 3).problem is not None
