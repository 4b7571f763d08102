"""What is told about campaigns: savings, adherence, two plans side by side."""

from __future__ import annotations

import datetime as dt
from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING

from medhavi.results.figures.measure import Measure, amount, ratio

if TYPE_CHECKING:
    from collections.abc import Sequence

NOT_BEGUN = "no order of a campaign has begun"


@dataclass(frozen=True, slots=True, kw_only=True)
class CampaignProposal:
    """Orders that would run in a row, and what that saves.

    Parameters
    ----------
    campaign, resource, family
        Name of the campaign in the plan with campaigns, and where it runs.
    orders
        Ids of its orders, by start.
    qty
        Good units of all.
    start, finish
        Of the first and the last order.
    setup_before_minutes, setup_minutes
        Changes into these orders without campaigns, and with them [min].
    saved_money
        Money of these changes, time at the cost of the resource included.
    ahead_hours
        Sum of the time by which orders finish earlier than without campaigns [h].
    lateness_hours
        Change of the lateness of the demands that these orders serve [h]; more than 0:
        later.
    lateness_money
        Change of the money of their lateness and shortage [base currency].
    """

    campaign: str
    resource: str
    family: str
    orders: tuple[str, ...]
    qty: float
    start: dt.datetime
    finish: dt.datetime
    setup_before_minutes: float
    setup_minutes: float
    saved_money: float
    ahead_hours: float
    lateness_hours: float
    lateness_money: float

    @property
    def saved_minutes(self) -> float:
        """Set-up that is not needed any more [min]; below 0: more is."""
        return self.setup_before_minutes - self.setup_minutes

    def as_dict(self) -> dict[str, object]:
        """All fields and the saving, for JSON."""
        return {**asdict(self), "saved_minutes": self.saved_minutes}


@dataclass(frozen=True, slots=True, kw_only=True)
class CampaignAdherence:
    """One planned campaign and how it was carried out (CMP-07).

    Variances are actual less planned; `None`: nothing is reported yet. `finish` counts
    when all orders are through.

    Parameters
    ----------
    assigned, executed, in_campaign
        Orders of the plan; of these begun; of these begun in a row on the resource.
    setup_planned_minutes, setup_actual_minutes
        Changes into its orders by the matrix, in the sequence of each [min].
    """

    campaign: str
    resource: str
    planned_start: dt.datetime
    planned_finish: dt.datetime
    actual_start: dt.datetime | None
    actual_finish: dt.datetime | None
    start_days: float | None
    finish_days: float | None
    qty_planned: float
    qty_actual: float
    setup_planned_minutes: float
    setup_actual_minutes: float
    assigned: int
    executed: int
    in_campaign: int

    @property
    def qty_variance(self) -> float:
        """Good units done less planned."""
        return self.qty_actual - self.qty_planned

    @property
    def adherence(self) -> float | None:
        """Orders executed in the campaign ÷ orders assigned to it (KPI-20)."""
        return self.in_campaign / self.assigned if self.assigned else None

    def as_dict(self) -> dict[str, object]:
        """All fields, the variance and the share, for JSON."""
        return {
            **asdict(self),
            "qty_variance": self.qty_variance,
            "adherence": self.adherence,
        }


@dataclass(frozen=True, slots=True, kw_only=True)
class CampaignFigures:
    """What one plan has of set-up and lateness.

    `setups` counts changes of families, `lateness_money` the money of late, short and
    unplanned demands, `inventory` the mean value of stock.
    """

    setups: int
    setup_minutes: float
    setup_money: float
    late: int
    unserved: int
    lateness_hours: float
    lateness_money: float
    inventory: float


@dataclass(frozen=True, slots=True, kw_only=True)
class CampaignDifference:
    """A plan without campaigns beside one with them (CMP-10)."""

    without: CampaignFigures
    with_campaigns: CampaignFigures

    @property
    def setup_reduction(self) -> float | None:
        """(base - campaign) ÷ base of the set-up minutes (KPI-19); no base: None."""
        base = self.without.setup_minutes
        return (base - self.with_campaigns.setup_minutes) / base if base else None

    @property
    def lateness_hours(self) -> float:
        """Hours of lateness that campaigns add (KPI-21)."""
        return self.with_campaigns.lateness_hours - self.without.lateness_hours

    @property
    def saved_money(self) -> float:
        """Set-up and lateness that campaigns save [base currency]."""
        before, after = self.without, self.with_campaigns
        setup = before.setup_money - after.setup_money
        return setup + before.lateness_money - after.lateness_money

    def as_dict(self) -> dict[str, object]:
        """Both plans and what they differ by, for JSON."""
        return {
            "without": asdict(self.without),
            "with_campaigns": asdict(self.with_campaigns),
            "setup_reduction": self.setup_reduction,
            "lateness_hours": self.lateness_hours,
            "saved_money": self.saved_money,
        }


def campaign_measures(
    difference: CampaignDifference,
    adherence: Sequence[CampaignAdherence] | None = None,
) -> dict[str, list[Measure]]:
    """Figures of campaigns by name; they need two plans, or what came of one.

    KPI-19: minutes of change saved ÷ those without campaigns. KPI-20: orders executed
    in their campaign ÷ orders assigned, over the campaigns that have begun. KPI-21:
    hours of lateness with campaigns less without, and both.

    Parameters
    ----------
    adherence
        Of the campaigns of a plan that was carried out; None: there is no such plan.
    """
    before, after = difference.without, difference.with_campaigns
    saved = before.setup_minutes - after.setup_minutes
    carried_out = {} if adherence is None else {"KPI-20": [_kept(adherence)]}
    return {
        "KPI-19": [ratio(saved, before.setup_minutes)],
        **carried_out,
        "KPI-21": [
            amount(difference.lateness_hours, "hour"),
            amount(
                before.lateness_hours, "hour", "without", "Lateness without campaigns"
            ),
            amount(after.lateness_hours, "hour", "with", "Lateness with campaigns"),
        ],
    }


def _kept(adherence: Sequence[CampaignAdherence]) -> Measure:
    begun = [one for one in adherence if one.executed]
    if not begun:
        return Measure(value=None, reason=NOT_BEGUN)
    kept = sum(one.in_campaign for one in begun)
    return ratio(kept, sum(one.assigned for one in begun))
