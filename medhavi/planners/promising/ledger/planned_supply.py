"""Planned orders as supply, where the policy says so (rule 30 says no by default).

What a plan proposes is no supply to promise from: the next plan may drop it. With
`promise_policies.planned_orders` it counts as if it were firmed, with its components
and its work, less what is pegged to others. Only orders that the request may use are
looked at, and only while it is asked: nobody else sees them.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from medhavi.planners.promising.ledger.what_if import overlaid, rebuilt
from medhavi.planners.promising.supply_search.used_places import used_places
from medhavi.providers.altered_copy import altered

if TYPE_CHECKING:
    from medhavi.planners.promising.ledger.promise_ledger import PromiseLedger
    from medhavi.planners.promising.requests.asking import Request
    from medhavi.planners.promising.requests.rules_of_promise import Policy


def with_planned_orders(
    book: PromiseLedger, request: Request, policy: Policy
) -> PromiseLedger:
    """Promise ledger of a policy: where it says so, planned orders count.

    Parameters
    ----------
    book
        It stays as it is; as long as the new one is asked, nothing may be accepted on
        either. One that counts planned orders already is given back.
    request
        It may use what can reach it, down its bills of materials.
    """
    if not policy.planned_orders or book.counted_on is not None:
        return book
    known = book.planned_orders
    if not known.by_node:
        return book
    substitutes = book.substitutes.get(request.product, ())
    products = [request.product, *(row["substitute"] for row in substitutes)]
    used = used_places(book.stages, book.reach, products, request.location)
    made, names = book, []
    for row in known.firmed(used.nodes, request.demand):
        name = row["supply_order"]
        names.append(name)
        tables = {"supply_orders": (row,)}
        new = overlaid(made, "supply_orders", tables)
        # Its quantity is less what is pegged: the pegs must not bind it once more.
        made = new or rebuilt(made, {**tables, "pegs": known.loose(name)})
    return altered(made, counted_on=tuple(names))
