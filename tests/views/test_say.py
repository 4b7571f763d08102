"""Sentences of the catalogue with their values."""

from __future__ import annotations

import datetime as dt

import pytest

from medhavi.views.words import say


def test_numbers_are_written_in_one_way_and_times_need_a_zone():
    assert say("of_target_100", 1714.0, 1743) == "1,714 of 1,743; target 100 %"
    with pytest.raises(TypeError, match="needs a zone"):
        say("of_target_100", dt.datetime(2026, 1, 6, tzinfo=dt.UTC), 3)


def test_a_sentence_without_its_values_is_refused():
    with pytest.raises(ValueError, match="shorter"):
        say("of_target_100", 1714)
    with pytest.raises(KeyError, match="unknown"):
        say("unknown")
