"""Generating tells how far it is, and telling changes nothing."""

from __future__ import annotations

from dataclasses import replace
from types import MappingProxyType

import pytest

from medhavi.demo.timeline import DRIFT_BEGIN, END
from medhavi.units import DAY
from medhavi.workbench.demonstration import generate_company
from tests.api import aurora, open_store


@pytest.fixture
def short(monkeypatch: pytest.MonkeyPatch) -> None:
    """The small company, played for its last half year alone."""
    small = replace(aurora.SCALES["small"], begin=DRIFT_BEGIN)
    monkeypatch.setattr(aurora, "SCALES", MappingProxyType({"small": small}))


def test_each_month_and_each_tenth_of_the_events_is_told(short, tmp_path):
    lines: list[str] = []
    url = f"sqlite:///{tmp_path}/events.db"
    count = generate_company(url, observe=lines.append)
    played = [line for line in lines if "played to" in line]
    days = (END - DRIFT_BEGIN) // DAY
    assert played[0].startswith("  played to 2026-06-01, ")
    assert played[-1].endswith(f"({days:,} of {days:,})")
    assert len(played) == 7
    written = [line for line in lines if "written" in line]
    assert len(written) == 10
    # One event comes twice.
    assert written[-1] == f"  events written ({count + 1:,} of {count + 1:,})"


class StoppedError(Exception):
    """Somebody pressed the key."""


def test_who_stops_it_leaves_an_empty_store(short, tmp_path):
    def stop(line: str) -> None:
        if "written (" in line:
            raise StoppedError

    url = f"sqlite:///{tmp_path}/events.db"
    with pytest.raises(StoppedError):
        generate_company(url, observe=stop)
    assert open_store(url).head() == 0
