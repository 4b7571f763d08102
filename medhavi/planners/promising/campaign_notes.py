"""What a trace says of campaigns: rules that hold for new work and are not applied.

A promise knows no campaign that other work will form. It obeys the changeovers and
cleaning windows of its resources; least and greatest runs, the cleaning after them and
the loss of pace in long ones are the plan's (CMP-03, CMP-05). Who confirms a date on
such a resource is told.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from medhavi.planners.campaigns.campaign_rules import CampaignRules
from medhavi.units import from_steps

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from medhavi.planners.campaigns.campaign_rules import CampaignRule
    from medhavi.planners.promising.offers import Offered
    from medhavi.planners.promising.quest import Quest


def campaign_notes(quote: Quest, chosen: Offered) -> Iterator[Mapping[str, object]]:
    """Name the campaign rules that the work of an option falls under, once each."""
    rows = quote.book.snapshot["campaign_rules"]
    if rows.is_empty():
        return
    rules = CampaignRules(rows.to_dicts())
    told: set[str] = set()
    for piece in chosen.times.evaluation.pieces():
        good = piece.steps + piece.surplus
        qty = from_steps(good, quote.book.stages.step(piece.product))
        for window in () if piece.timing is None else piece.timing.steps:
            for resource, _ in window.resources:
                rule = rules.of(resource, window.family, piece.product)
                if rule is not None and rule.name not in told:
                    told.add(rule.name)
                    yield _note(rule, qty, window.run_seconds)


def _note(rule: CampaignRule, qty: float, run_seconds: int) -> Mapping[str, object]:
    return {
        "stage": "capacity",
        "resource": rule.resource,
        "family": rule.family,
        "order_qty": qty,
        "below_least_run": rule.too_short(qty),
        "above_longest_run": rule.too_long(qty, run_seconds),
        "note": "the plan joins it to a campaign; the date may move with that",
    }
