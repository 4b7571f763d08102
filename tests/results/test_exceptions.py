"""Exception codes say what they are and what to do."""

from __future__ import annotations

import pytest

from medhavi.results.exceptions import ExceptionCode
from medhavi.results.limiter import ReasonSeverity


@pytest.mark.parametrize("code", list(ExceptionCode))
def test_every_code_has_severity_headline_and_remedy(code: ExceptionCode) -> None:
    assert code.severity in ReasonSeverity
    assert code.headline
    assert not code.headline.endswith(".")
    assert code.remedy.endswith(".")


def test_codes_are_unique_words() -> None:
    assert all(code.value.isalpha() for code in ExceptionCode)
    assert len({code.headline for code in ExceptionCode}) == len(ExceptionCode)
