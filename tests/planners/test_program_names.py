"""Names of the columns and rows of the program of mode optimize."""

from __future__ import annotations

import pytest

from medhavi.errors import NotAvailable
from medhavi.findings import BadData
from medhavi.planners.master_plan.blocks import build
from medhavi.planners.master_plan.master_run import built_run
from medhavi.planners.master_plan.program_names import ProgramNames
from medhavi.planners.master_plan.statement import state
from tests import factories
from tests.api import OptimizeParameters
from tests.planners.wide_snapshots import wide_tables


@pytest.mark.parametrize("seed", range(8))
def test_every_column_and_row_of_a_program_has_a_name_of_its_own(seed):
    """Blocks of all kinds: lots, levels, lanes, suppliers, overtime, waiting orders."""
    parameters = OptimizeParameters.from_mapping({"bucket": "7xday+1xweek"})
    try:
        run = built_run(factories.snapshot(**wide_tables(seed)), parameters)
    except (BadData, NotAvailable):
        return
    built = build(state(run, parameters))
    named = ProgramNames(built)
    for found, size in (
        (named.columns(), built.program.n_columns),
        (named.rows(), built.program.n_rows),
    ):
        assert len(found) == len(set(found)) == size
