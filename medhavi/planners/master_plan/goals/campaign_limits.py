"""Campaigns below their least run, which a plan refuses and the program does not see.

Work that makes no campaign of min_run_qty on one machine may be made on another one, by
another routing. So the program is solved again without what such sources have from the
campaign before until the campaign after the refused one, and with no more of them in
all than the plan has in campaigns.
"""

from __future__ import annotations

from collections import defaultdict
from typing import TYPE_CHECKING, NamedTuple

import numpy as np
import polars as pl

from medhavi.planners.campaigns.campaign_rules import CampaignRules, matches
from medhavi.planners.master_plan import statement as names
from medhavi.results.figures.order_costs import new_orders
from medhavi.results.limiter import Limiter
from medhavi.units import NEVER

if TYPE_CHECKING:
    from collections.abc import Iterator

    from medhavi.optimize.problem import Ints
    from medhavi.planners.campaigns.campaign_rules import CampaignRule
    from medhavi.planners.master_plan.blocks import BuiltProgram
    from medhavi.planners.master_plan.source_rates import SourceColumns
    from medhavi.planners.master_plan.statement import Statement
    from medhavi.results.plans.plan import Plan


class ColumnLimit(NamedTuple):
    """The most that some columns of a program, by their place, come to in all."""

    columns: Ints
    most: float


def short_campaigns(made: Plan, built: BuiltProgram) -> Iterator[ColumnLimit]:
    """Limits of what makes campaigns that a plan refused, none where none was."""
    statement = built.statement
    refused = _refused(made)
    rules = CampaignRules(statement.run.stated["campaign_rules"].iter_rows(named=True))
    orders = built.program.column_block(names.ORDERS)
    for rule in rules.stated:
        dates = refused.get(rule.name, [])
        plans = [plan for plan in statement.plans if _works(plan, rule, statement)]
        if not (dates and plans):
            continue
        spans, kept = _accepted(made, plans, statement)
        every, barred = [], []
        for plan in plans:
            columns = plan.first + np.arange(len(plan.times.start))
            inside = np.zeros(len(columns), bool)
            for date in dates:
                after = max((end for _, end in spans if end <= date), default=-NEVER)
                before = min((at for at, _ in spans if at >= date), default=NEVER)
                inside |= (plan.times.start >= after) & (plan.times.finish <= before)
            every.append(orders.at(columns))
            barred.append(orders.at(columns[inside]))
        yield ColumnLimit(np.concatenate(barred), 0.0)
        yield ColumnLimit(np.concatenate(every), kept)


def _refused(made: Plan) -> dict[str, list[int]]:
    """Dates of the demands that a rule refuses something, by its name [UTC s]."""
    rows = made.causes.filter(pl.col("code") == Limiter.QTY_DURATION_UNSUPPORTED)
    due = made.fulfilment.select("demand", pl.col("due").dt.epoch("s"))
    found: dict[str, list[int]] = defaultdict(list)
    for subject, date in rows.join(due, on="demand").select("subject", "due").rows():
        found[subject].append(date)
    return found


def _works(plan: SourceColumns, rule: CampaignRule, statement: Statement) -> bool:
    """Whether a source does work of a rule, by any of its steps."""
    if plan.kind != "make" or all(
        work.resource != rule.resource for work in plan.occupied
    ):
        return False
    source = plan.ways[0].source
    steps = statement.run.stated["steps"].filter(pl.col("routing") == source.source)
    return any(matches(rule.family, one, source.product) for one in steps["family"])


def _accepted(
    made: Plan, plans: list[SourceColumns], statement: Statement
) -> tuple[list[tuple[int, int]], float]:
    """When new orders of some sources run [UTC s], and what they are of in all."""
    rates = {plan.ways[0].source.source: plan.given[0].rate for plan in plans}
    rows = (
        new_orders(made, statement.run.stated)
        .filter(pl.col("source").is_in(list(rates)), pl.col("kind") == "make")
        .select("source", "qty", *(pl.col(one).dt.epoch("s") for one in _SPAN))
    )
    found = [*rows.iter_rows()]
    spans = [(start, finish) for _, _, start, finish in found]
    return spans, sum(qty / rates[source] for source, qty, *_ in found)


_SPAN = "start", "finish"
