"""What behavioural tests ask of the product: the one place that knows where it is.

Tests import from here and from `medhavi.results`, `medhavi.snapshot`, `medhavi.units`
and `medhavi.findings`; where a planner lives inside is nobody else's business.
"""

from __future__ import annotations

from medhavi.planners.late_remedies.trying_out import remedies
from medhavi.planners.parameters import ConstrainedParameters
from medhavi.planners.pipeline import plan, plan_to_build_on
from medhavi.planners.promising.ledger.book import Book, apply, revert
from medhavi.planners.promising.ledger.what_if import asked_again, changed
from medhavi.planners.promising.promise_run import promise, quote_all
from medhavi.planners.promising.quoting import quote
from medhavi.planners.promising.requests.asking import Request, read_requests
from medhavi.planners.replenishment.replenishing import replenish
from medhavi.planners.replenishment.safety_stock import safety_stock
from medhavi.planners.scheduling.problem_file import read_problem
from medhavi.planners.scheduling.solve import solve
from medhavi.planners.work_orders.order_edit import edit
from medhavi.results.difference import compare
from medhavi.results.verify import verify

__all__ = [
    "Book",
    "ConstrainedParameters",
    "Request",
    "apply",
    "asked_again",
    "changed",
    "compare",
    "edit",
    "plan",
    "plan_to_build_on",
    "promise",
    "quote",
    "quote_all",
    "read_problem",
    "read_requests",
    "remedies",
    "replenish",
    "revert",
    "safety_stock",
    "solve",
    "verify",
]
