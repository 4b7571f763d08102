"""Rules of campaigns, and the campaigns that the work of a resource makes.

A campaign is work of one family in a row on one resource. It ends with work of another
family or with a cleaning; nothing is merged into a batch, each order stays what it is
(CMP-08).
"""

from __future__ import annotations

from dataclasses import dataclass
from fnmatch import fnmatchcase
from fractions import Fraction
from itertools import pairwise
from typing import TYPE_CHECKING, NamedTuple

import polars as pl

from medhavi.errors import NotAvailable
from medhavi.findings import finding
from medhavi.providers.capacity.axis import Cleaning
from medhavi.units import DAY, MINUTE, exact, from_seconds, seconds_up

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
    from typing import Any

    from medhavi.findings import Finding
    from medhavi.planners.parameters import ConstrainedParameters
    from medhavi.providers.capacity.axis import Cleanings
    from medhavi.snapshot import Snapshot

    Cleans = Callable[[str, str | None, str | None], bool]
    """Tells whether the change on a resource between two families is a cleaning."""


SLACK = 1e-6
"""Quantities that differ by less, relative to their size, are equal."""


@dataclass(frozen=True, slots=True, kw_only=True)
class CampaignRule:
    """How a family runs on a resource: a row of `campaign_rules`.

    Parameters
    ----------
    resource, family
        Where it holds; a `*` in the family stands for any letters (SKU-100-*).
    min_run_qty, max_run_qty
        Least and most of a campaign, in good units of what is made; empty: no most.
    max_run_minutes
        Longest run of a campaign [min], set-ups not counted.
    reduction_over, reduction_pct
        A campaign of more than so much loses so much of its efficiency [percent].
    cleaning_minutes, cleaning_window
        What follows a campaign: how long, and the calendar of when; empty: any time.
    stated
        False: made up for a family that has no rule, without any limit.
    """

    resource: str
    family: str
    min_run_qty: float = 0.0
    max_run_qty: float | None = None
    max_run_minutes: float | None = None
    reduction_over: float | None = None
    reduction_pct: float = 0.0
    cleaning_minutes: float = 0.0
    cleaning_window: str | None = None
    stated: bool = True

    @property
    def name(self) -> str:
        """Key of the rule: resource, bar, family."""
        return f"{self.resource}|{self.family}"

    @property
    def cleaning(self) -> Cleaning:
        """The cleaning that follows a campaign."""
        seconds = seconds_up(self.cleaning_minutes, MINUTE)
        return Cleaning(self.resource, seconds, self.cleaning_window)

    @property
    def slows(self) -> bool:
        """Whether long campaigns have another pace."""
        return self.reduction_over is not None and self.reduction_pct > 0

    def too_short(self, qty: float) -> bool:
        """Whether a campaign of a quantity is below the least run."""
        return qty < self.min_run_qty * (1 - SLACK)

    def too_long(self, qty: float, run_seconds: float = 0.0) -> bool:
        """Whether a campaign is above the most quantity or the longest run."""
        most, minutes = self.max_run_qty, self.max_run_minutes
        over = most is not None and qty > most * (1 + SLACK)
        return over or (
            minutes is not None and run_seconds > minutes * MINUTE * (1 + SLACK) + 1
        )

    def allows(self, qty: float, run_seconds: float = 0.0) -> bool:
        """Whether a campaign keeps all limits."""
        return not self.too_short(qty) and not self.too_long(qty, run_seconds)

    def efficiency(self, qty: float) -> Fraction:
        """Share of its capacity that a campaign of a quantity can use.

        A campaign longer than `reduction_over` loses `reduction_pct` for all of its
        run (CMP-05: more than 1000 → capacity x 0.95).
        """
        over = self.reduction_over
        if over is None or qty <= over * (1 + SLACK):
            return Fraction(1)
        return 1 - exact(self.reduction_pct) / 100


class CampaignRules:
    """The rules of all resources.

    Parameters
    ----------
    rows
        Table `campaign_rules`.
    all_families
        Resources on which every family counts as a campaign without limits, so that
        set-ups can be saved where no rule is stated.
    ahead
        Time by which work is pulled ahead to save set-up [s]; None: none is.
    """

    def __init__(
        self,
        rows: Iterable[Mapping[str, Any]],
        all_families: Collection[str] = (),
        ahead: int | None = None,
    ) -> None:
        self.ahead = ahead
        self._all = frozenset(all_families)
        self._rules: dict[str, list[CampaignRule]] = {}
        for row in rows:
            rule = CampaignRule(
                resource=row["resource"],
                family=row["family"],
                min_run_qty=row["min_run_qty"] or 0.0,
                max_run_qty=row["max_run_qty"],
                max_run_minutes=row["max_run_minutes"],
                reduction_over=row["reduction_over"],
                reduction_pct=row["reduction_pct"] or 0.0,
                cleaning_minutes=row["cleaning_minutes"] or 0.0,
                cleaning_window=row["cleaning_window"],
            )
            self._rules.setdefault(rule.resource, []).append(rule)
        for rules in self._rules.values():
            # The exact name first, then the longest pattern.
            rules.sort(key=lambda r: ("*" in r.family, -len(r.family), r.family))
        self._known: dict[tuple[str, str | None, str], CampaignRule | None] = {}

    @property
    def resources(self) -> list[str]:
        """List the resources with campaigns, by id."""
        return sorted({*self._rules, *self._all})

    @property
    def stated(self) -> list[CampaignRule]:
        """List the rules of the table."""
        return [rule for rules in self._rules.values() for rule in rules]

    def of(
        self, resource: str, family: str | None, product: str
    ) -> CampaignRule | None:
        """Rule of work; `None`: it belongs to no campaign.

        A rule names the set-up family of the step; of a step without one, the product.
        A pattern may name either.
        """
        key = (resource, family, product)
        if key not in self._known:
            self._known[key] = self._find(*key)
        return self._known[key]

    def _find(
        self, resource: str, family: str | None, product: str
    ) -> CampaignRule | None:
        for rule in self._rules.get(resource, ()):
            if matches(rule.family, family, product):
                return rule
        if family is not None and resource in self._all:
            return CampaignRule(resource=resource, family=family, stated=False)
        return None


def matches(pattern: str, family: str | None, product: str) -> bool:
    """Whether a family of a rule holds for work.

    >>> matches("SKU-100-*", None, "SKU-100-7"), matches("SKU-100-*", "SKU-200-1", "X")
    (True, False)
    """
    if "*" not in pattern:
        return pattern == (product if family is None else family)
    # A bracket or a question mark of a name is meant as it is written.
    plain = pattern.replace("[", "[[]").replace("?", "[?]")
    return fnmatchcase(family or "", plain) or fnmatchcase(product, plain)


def check_campaign(
    rule: CampaignRule, qty: float, run_seconds: float = 0.0
) -> list[Finding]:
    """What limits of its rule a campaign breaks; an empty list: none.

    Parameters
    ----------
    qty
        Good units of the whole campaign.
    run_seconds
        Run time of the whole campaign [s].
    """
    named: dict[str, Any] = {
        "table": "campaign_rules",
        "value": rule.name,
        "family": rule.family,
        "resource": rule.resource,
    }
    found: list[Finding] = []
    if rule.too_short(qty):
        found.append(
            finding(
                "CAM001",
                column="min_run_qty",
                qty=qty,
                limit=rule.min_run_qty,
                missing=rule.min_run_qty - qty,
                **named,
            )
        )
    if rule.max_run_qty is not None and rule.too_long(qty):
        found.append(
            finding(
                "CAM002",
                column="max_run_qty",
                qty=qty,
                limit=rule.max_run_qty,
                over=qty - rule.max_run_qty,
                **named,
            )
        )
    if rule.max_run_minutes is not None and rule.too_long(0.0, run_seconds):
        found.append(
            finding(
                "CAM003",
                column="max_run_minutes",
                minutes=run_seconds / MINUTE,
                limit=rule.max_run_minutes,
                **named,
            )
        )
    return found


class ResourceWork(NamedTuple):
    """Work on a resource, half-open in time [UTC seconds].

    Parameters
    ----------
    start, finish
        Set-up and run, pauses over closed time included.
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


class CampaignRun:
    """Work of one family in a row.

    Attributes
    ----------
    rule
        Rule of the family; `None`: other work.
    works
        In order of time.
    """

    def __init__(self, first: ResourceWork) -> None:
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

    def joined_by(self, work: ResourceWork) -> bool:
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


class CampaignViolation(NamedTuple):
    """What is wrong with a campaign, and the orders that can be refused for it."""

    finding: Finding
    rule: CampaignRule
    owners: tuple[int, ...]


def runs(works: Iterable[ResourceWork]) -> list[CampaignRun]:
    """Put work of one resource into runs, in order of time.

    Work of no family does not end a campaign and belongs to none.
    """
    found: list[CampaignRun] = []
    for work in in_turn(works):
        if work.neutral:
            continue
        if found and found[-1].joined_by(work):
            found[-1].works.append(work)
        else:
            found.append(CampaignRun(work))
    return found


def breaches(
    resource: str, works: Sequence[ResourceWork], cleanings: Cleanings, cleans: Cleans
) -> list[CampaignViolation]:
    """List what the campaigns of a resource break.

    Parameters
    ----------
    works
        All its work.
    cleanings
        When it can be cleaned.
    cleans
        Whether a change of families is a cleaning.
    """
    found: list[CampaignViolation] = []
    rows = runs(works)
    for run in rows:
        rule = run.rule
        if rule is None or rule.allows(run.qty, run.seconds):
            continue
        wrong = check_campaign(rule, run.qty, run.seconds)
        free = tuple(run.free)
        if free:
            found += [CampaignViolation(one, rule, free) for one in wrong]
        else:
            found.append(CampaignViolation(_standing(run, rule, wrong), rule, ()))
    for before, after in pairwise(rows):
        if before.rule is None or gap_cleaned(
            (before.works[-1], after.works[0]), works, cleanings, cleans
        ):
            continue
        free = tuple(after.free or before.free)
        if free:
            found.append(
                CampaignViolation(
                    _uncleaned(resource, before, after), before.rule, free
                )
            )
    return found


def gap_cleaned(
    pair: tuple[ResourceWork, ResourceWork],
    works: Iterable[ResourceWork],
    cleanings: Cleanings,
    cleans: Cleans,
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


def in_turn(works: Iterable[ResourceWork]) -> list[ResourceWork]:
    """Work of one resource by start, without what is done inside other work.

    Existing orders may overlap; the one that ends last leaves its family.
    """
    found: list[ResourceWork] = []
    for work in sorted(works, key=by_time):
        if not found or work.finish > found[-1].finish:
            found.append(work)
    return found


def by_time(work: ResourceWork) -> tuple[int, int, int, int]:
    """What sorts the work of a resource."""
    return work.start, work.finish, work.owner, work.step


def _standing(
    run: CampaignRun, rule: CampaignRule, wrong: Sequence[Finding]
) -> Finding:
    limits = ", ".join(f"{one.column} of {rule.family}" for one in wrong)
    return finding(
        "CAM006",
        table="supply_orders",
        value=rule.name,
        resource=rule.resource,
        qty=run.qty,
        rule=limits,
    )


def _uncleaned(resource: str, before: CampaignRun, after: CampaignRun) -> Finding:
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


def campaigns_obeyed(
    snapshot: Snapshot,
    parameters: ConstrainedParameters,
    findings: list[Finding],
    days: float | None,
) -> CampaignRules | None:
    """Rules that a run obeys; `None`: it has no campaigns.

    Parameters
    ----------
    findings
        Where it is told that rules have no effect.
    days
        Days by which work is pulled ahead to save set-up; None: none is.

    Raises
    ------
    NotAvailable
        A rule stands for a resource whose work has no sequence.
    """
    how = parameters.campaigns
    rows = snapshot["campaign_rules"]
    if how == "off":
        if rows.height:
            told = finding("CAM005", table="campaign_rules", value=rows.height)
            findings.append(told)
        return None
    more = snapshot["resource_units"].filter(pl.col("units") > 1)["resource"]
    resources = snapshot["resources"].with_columns(
        row=pl.col("finite")
        & pl.col("bucket").is_null()
        & (pl.col("units") == 1)
        & ~pl.col("resource").is_in(more.to_list())
    )
    in_a_row = set(resources.filter("row")["resource"].to_list())
    odd = sorted(set(rows["resource"].to_list()) - in_a_row)
    if odd:
        message = (
            f"Campaigns need resources of one unit at any time, finite and sequenced by "
            f"the minute; {', '.join(odd)} in campaign_rules is not. Take these rows "
            "out, or plan with campaigns = off."
        )
        asking = snapshot.input_rows("campaign_rules").filter(
            rows["resource"].is_in(odd)
        )
        raise NotAvailable(message, {"campaign_rules": tuple(asking)})
    if days is None:
        made = CampaignRules(rows.iter_rows(named=True))
    else:
        matrix = resources.filter(
            pl.col("changeover_matrix").is_not_null() & pl.col("row")
        )
        every, ahead = matrix["resource"].to_list(), round(days * DAY)
        made = CampaignRules(rows.iter_rows(named=True), every, ahead)
    return made if made.resources else None
