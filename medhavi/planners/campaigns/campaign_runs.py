"""Read the campaigns of a resource out of its work, and what they break."""

from __future__ import annotations

from itertools import pairwise
from typing import TYPE_CHECKING, NamedTuple

from medhavi.findings import finding
from medhavi.planners.campaigns.campaign_rules import check_campaign
from medhavi.units import MINUTE, from_seconds

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Sequence

    from medhavi.findings import Finding
    from medhavi.planners.campaigns.campaign_rules import CampaignRule
    from medhavi.providers.capacity.changeovers import Cleanings

    Cleans = Callable[[str, str | None, str | None], bool]
    """Tells whether the change on a resource between two families is a cleaning."""


class Work(NamedTuple):
    """Work on a resource, half-open in time [UTC seconds].

    Parameters
    ----------
    start, finish
        Set-up and run, pauses over closed time included.
    owner, step
        Its order, and which step of it.
    rule
        Rule of its family; `None`: it belongs to no campaign.
    family
        Set-up family; `None` without a rule: it leaves the resource as it is.
    qty, seconds
        Good units, run time [s].
    campaign, whole
        Number of the campaign it was planned for, and all its good units and run time;
        `None`: of any.
    fixed
        It exists and cannot be refused.
    """

    start: int
    finish: int
    owner: int
    rule: CampaignRule | None
    family: str | None
    qty: float = 0.0
    seconds: float = 0.0
    campaign: int | None = None
    whole: tuple[float, float] = (0.0, 0.0)
    fixed: bool = False
    step: int = 0

    @property
    def neutral(self) -> bool:
        """Whether it neither belongs to a campaign nor ends one."""
        return self.rule is None and self.family is None


class Run:
    """Work of one family in a row.

    Attributes
    ----------
    rule
        Rule of the family; `None`: other work.
    works
        In order of time.
    """

    def __init__(self, first: Work) -> None:
        self.rule = first.rule
        self.works = [first]

    @property
    def qty(self) -> float:
        """Good units of all work."""
        return sum(work.qty for work in self.works)

    @property
    def seconds(self) -> float:
        """Run time of all work [s]."""
        return sum(work.seconds for work in self.works)

    @property
    def free(self) -> list[int]:
        """Orders that can be refused."""
        return [work.owner for work in self.works if not work.fixed]

    def joined_by(self, work: Work) -> bool:
        """Whether work goes on with this campaign."""
        rule = self.rule
        if work.rule != rule:
            return False
        if rule is None:
            return work.family == self.works[-1].family
        planned = next((one for one in self.works if one.campaign is not None), None)
        if planned is not None and work.campaign is not None:
            return work.campaign == planned.campaign
        led = planned or work
        others = [one for one in (*self.works, work) if one.campaign is None]
        qty, seconds = led.whole if led.campaign is not None else (0.0, 0.0)
        total = qty + sum(one.qty for one in others)
        if rule.too_long(total, seconds + sum(one.seconds for one in others)):
            return False
        # What was placed at one pace must not end in a campaign of another.
        slowed = rule.efficiency(total) != rule.efficiency(qty)
        return not slowed or all(one.fixed for one in (*self.works, work))


class Breach(NamedTuple):
    """What is wrong with a campaign, and the orders that can be refused for it."""

    finding: Finding
    rule: CampaignRule
    owners: tuple[int, ...]


def runs(works: Iterable[Work]) -> list[Run]:
    """Put work of one resource, in order of time, into runs.

    Work of no family does not end a campaign and belongs to none.
    """
    found: list[Run] = []
    for work in sorted(works, key=by_time):
        if work.neutral:
            continue
        if found and found[-1].joined_by(work):
            found[-1].works.append(work)
        else:
            found.append(Run(work))
    return found


def breaches(
    resource: str, works: Sequence[Work], cleanings: Cleanings, cleans: Cleans
) -> list[Breach]:
    """List what the campaigns of a resource break.

    Parameters
    ----------
    resource
        Its id.
    works
        All its work.
    cleanings
        When it can be cleaned.
    cleans
        Whether a change of families is a cleaning.
    """
    found: list[Breach] = []
    rows = runs(works)
    for run in rows:
        rule = run.rule
        if rule is None or rule.allows(run.qty, run.seconds):
            continue
        wrong = check_campaign(rule, run.qty, run.seconds)
        free = tuple(run.free)
        if free:
            found += [Breach(one, rule, free) for one in wrong]
        else:
            found.append(Breach(_standing(run, rule, wrong), rule, ()))
    for before, after in pairwise(rows):
        if before.rule is None or gap_cleaned(
            (before.works[-1], after.works[0]), works, cleanings, cleans
        ):
            continue
        free = tuple(after.free or before.free)
        if free:
            found.append(Breach(_uncleaned(resource, before, after), before.rule, free))
    return found


def gap_cleaned(
    pair: tuple[Work, Work], works: Iterable[Work], cleanings: Cleanings, cleans: Cleans
) -> bool:
    """Whether a campaign is followed by a cleaning before the next work.

    Parameters
    ----------
    pair
        Its last work, and the first of the next campaign.
    works
        All work of the resource: what lies between takes room.
    cleanings, cleans
        As in `breaches`.
    """
    last, first = pair
    rule = last.rule
    if rule is None or not rule.cleaning.seconds:
        return True
    if cleans(rule.resource, last.family, first.family):
        return True
    free_from = last.finish
    between = sorted(
        (w for w in works if w.neutral and last.finish <= w.start < first.start),
        key=by_time,
    )
    for work in (*between, first):
        if cleanings.fits(rule.cleaning, free_from, work.start):
            return True
        free_from = max(free_from, work.finish)
    return False


def by_time(work: Work) -> tuple[int, int, int, int]:
    """What sorts the work of a resource."""
    return work.start, work.finish, work.owner, work.step


def _standing(run: Run, rule: CampaignRule, wrong: Sequence[Finding]) -> Finding:
    limits = ", ".join(f"{one.column} of {rule.family}" for one in wrong)
    return finding(
        "CAM006",
        table="supply_orders",
        value=rule.name,
        resource=rule.resource,
        qty=run.qty,
        rule=limits,
    )


def _uncleaned(resource: str, before: Run, after: Run) -> Finding:
    rule, first = before.rule, after.works[0]
    return finding(
        "CAM004",
        table="campaign_rules",
        column="cleaning_minutes",
        value=None if rule is None else rule.name,
        resource=resource,
        before=before.works[-1].family or ("" if rule is None else rule.family),
        after=first.family or ("" if first.rule is None else first.rule.family),
        moment=f"{from_seconds(first.start):%Y-%m-%dT%H:%M:%SZ}",
        minutes=0.0 if rule is None else rule.cleaning.seconds / MINUTE,
    )
