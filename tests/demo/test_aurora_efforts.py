"""The demo company in mode constrained: more effort is never dearer."""

from __future__ import annotations

from itertools import pairwise
from typing import TYPE_CHECKING

import pytest

from medhavi.results.figures.scorecard import scorecard
from tests.api import EFFORTS, plan, verify

if TYPE_CHECKING:
    from medhavi.snapshot import Snapshot


@pytest.mark.nightly
@pytest.mark.req("CAP-06", "DEF-06")
def test_more_effort_never_costs_the_company_more_lateness(snapshot: Snapshot) -> None:
    plans = [plan(snapshot, "constrained", {"effort": effort}) for effort in EFFORTS]
    assert not any(verify(made, snapshot) for made in plans)
    # As much is missing at each effort, so lateness is what differs.
    missing = [made.fulfilment["short"].sum() for made in plans]
    assert missing == [missing[0]] * len(EFFORTS)
    lateness = [scorecard(made, snapshot).lateness for made in plans]
    assert all(more <= less + 1e-6 for less, more in pairwise(lateness)), lateness
    assert lateness[-1] < lateness[0]
