"""Generating tells how far it is, and telling changes nothing."""

from __future__ import annotations

from dataclasses import replace
from types import MappingProxyType

import pytest

from medhavi.demo.simulation.simulation_state import DRIFT_BEGIN, END
from medhavi.units import DAY
from medhavi.workbench.demonstration import generate_company
from tests.api import Progress, aurora, open_store


@pytest.fixture
def short(monkeypatch: pytest.MonkeyPatch) -> None:
    """The small company, played for its last half year alone."""
    small = replace(aurora.SCALES["small"], begin=DRIFT_BEGIN)
    monkeypatch.setattr(aurora, "SCALES", MappingProxyType({"small": small}))


def test_each_month_and_each_tenth_of_the_events_is_told(short, tmp_path):
    told: list[Progress] = []
    url = f"sqlite:///{tmp_path}/events.db"
    count = generate_company(url, observe=told.append)
    played = [one for one in told if "played to" in one.phase]
    days = (END - DRIFT_BEGIN) // DAY
    assert played[0].phase.startswith("played to 2026-06-01, ")
    assert (played[-1].done, played[-1].total) == (days, days)
    assert len(played) == 7
    written = [one for one in told if "written" in one.phase]
    assert len(written) == 10
    # One event comes twice.
    assert written[-1] == Progress("events written", count + 1, count + 1)


class StoppedError(Exception):
    """Somebody pressed the key."""


def test_who_stops_it_leaves_an_empty_store(short, tmp_path):
    def stop(told: Progress) -> None:
        if "written" in told.phase:
            raise StoppedError

    url = f"sqlite:///{tmp_path}/events.db"
    with pytest.raises(StoppedError):
        generate_company(url, observe=stop)
    assert open_store(url).head() == 0
