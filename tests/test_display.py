"""Results show their text in a notebook."""

from __future__ import annotations

import pytest

from medhavi.predict.coverage import PredictorReport
from medhavi.results.plan_remedy import PlanRemedy
from medhavi.results.plans.plan import Plan
from medhavi.results.plans.source_trace import Trace
from medhavi.results.promises.promise import Promise
from medhavi.results.reports.lineage import Lineage
from medhavi.results.reports.risk import RiskReport
from medhavi.results.reports.study import HindsightReport, StudyReport
from medhavi.results.schedules.schedule import Schedule
from medhavi.snapshot import Snapshot
from medhavi.workbench.cycle.cycle import CycleReport
from medhavi.workbench.studies.studies import StudyResult
from tests import factories
from tests.api import plan

SHOWN = (
    *(Snapshot, Plan, Promise, Schedule, StudyReport, HindsightReport, RiskReport),
    *(Trace, PlanRemedy, Lineage, CycleReport, PredictorReport, StudyResult),
)


@pytest.mark.parametrize("kind", SHOWN, ids=lambda kind: kind.__name__)
def test_each_result_has_a_text_of_its_own_and_is_shown_by_it(kind):
    assert kind.__str__ is not object.__str__
    assert hasattr(kind, "_repr_html_")


def test_a_prompt_shows_the_text_of_a_plan_and_of_its_pictures():
    made = plan(factories.snapshot(demands=[{}]))
    assert repr(made) == str(made)
    assert repr(made.chart) == str(made.chart)


def test_a_plan_is_shown_with_its_first_line_as_heading():
    made = plan(factories.snapshot(demands=[{}]))
    head, *rest = str(made).splitlines()
    shown = made._repr_html_()
    assert f"<strong>{head}</strong>" in shown
    assert all(line in shown for line in rest)


def test_what_a_name_says_is_text_and_no_markup():
    snapshot = factories.snapshot(products=[{"product": "<b>A</b>"}], demands=[{}])
    assert "<b>A" not in snapshot._repr_html_()
