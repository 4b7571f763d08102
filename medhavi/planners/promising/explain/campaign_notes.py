"""What a trace says of campaigns: the rules that new work falls under.

The room of a promise keeps what can be said of one order (see `campaign_room`). Which
orders that nobody has made yet will stand beside it is the plan's: who confirms a date
on such a resource is told the rule, and whether the work alone is below the least run.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from medhavi.units import from_steps

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from medhavi.planners.campaigns.campaign_rules import CampaignRule
    from medhavi.planners.promising.options.offers import Offered
    from medhavi.planners.promising.options.quest import Quest


def campaign_notes(quote: Quest, chosen: Offered) -> Iterator[Mapping[str, object]]:
    """Name the campaign rules that the work of an option falls under, once each."""
    campaigns = quote.book.campaigns
    if campaigns is None:
        return
    told: set[str] = set()
    for piece in chosen.times.evaluation.pieces():
        good = piece.steps + piece.surplus
        qty = from_steps(good, quote.book.stages.step(piece.product))
        for window in () if piece.timing is None else piece.timing.steps:
            for resource, _ in window.resources:
                rule = campaigns.rules.of(resource, window.family, piece.product)
                if rule is not None and rule.name not in told:
                    told.add(rule.name)
                    yield _note(rule, qty)


def _note(rule: CampaignRule, qty: float) -> Mapping[str, object]:
    return {
        "stage": "capacity",
        "resource": rule.resource,
        "family": rule.family,
        "order_qty": qty,
        "below_least_run": rule.too_short(qty),
        "note": "the plan may join it to a campaign; the date may move with that",
    }
