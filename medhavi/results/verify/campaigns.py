"""Campaigns of a constrained plan: limits, cleanings, rows, changes of families.

Read again from the tables: which work a rule means, what a campaign sums to, whether a
gap holds a cleaning, what a change of families takes over any idle time.
"""

from __future__ import annotations

from fnmatch import fnmatchcase
from typing import TYPE_CHECKING, Any, NamedTuple

import polars as pl

from medhavi.results.verify.facts import SECONDS, TOLERANCE, faults
from medhavi.results.verify.material_use import step_yields
from medhavi.units import MINUTE

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping, Sequence

    from medhavi.findings import Finding
    from medhavi.results.verify.facts import Facts

    Row = Mapping[str, Any]


class CampaignOperation(NamedTuple):
    """One step of one order on one resource [UTC seconds]."""

    start: int
    finish: int
    supply: str
    operation: str
    family: str | None
    rule: Row | None
    campaign: str | None
    qty: float
    setup: float
    own_setup: float
    run: float
    work: float
    new: bool

    @property
    def neutral(self) -> bool:
        """Whether it leaves the resource as it is."""
        return self.family is None and self.rule is None


def check_campaigns(facts: Facts) -> list[Finding]:
    """Check the campaigns of a plan that obeys them."""
    settings = facts.plan.run.settings
    if facts.mode == "mrp":
        return []
    found: list[Finding] = []
    ruled = settings.get("campaigns", "off") != "off"
    rules = _rules(facts) if ruled else {}
    for resource, jobs in sequences(facts, rules):
        found += _changes(facts, resource, jobs)
        if resource in rules:
            found += _named(resource, jobs)
            found += _limits(jobs)
            found += _interrupted(resource, jobs)
            found += _cleanings(facts, resource, jobs)
            found += _efficiency(jobs)
    return found


# ------------------------------------------------------------------------------ rows
def _rules(facts: Facts) -> dict[str, list[Row]]:
    found: dict[str, list[Row]] = {}
    for row in facts.snapshot["campaign_rules"].iter_rows(named=True):
        found.setdefault(row["resource"], []).append(row)
    for rows in found.values():
        rows.sort(key=lambda r: ("*" in r["family"], -len(r["family"]), r["family"]))
    return found


def _rule_of(rules: Iterable[Row], family: str | None, product: str) -> Row | None:
    for rule in rules:
        name = str(rule["family"])
        if "*" not in name:
            if name == (product if family is None else family):
                return rule
            continue
        plain = name.replace("[", "[[]").replace("?", "[?]")
        if any(fnmatchcase(text, plain) for text in (family or "", product)):
            return rule
    return None


def sequences(
    facts: Facts, rules: Mapping[str, Sequence[Row]]
) -> Iterator[tuple[str, list[CampaignOperation]]]:
    """Walk over the resources whose sequence matters, each with its work in order.

    Resources with a matrix of changes, or with campaign rules: `rules` by resource.
    """
    resources = facts.snapshot["resources"]
    # Beside a second unit nothing says which of them is set up for what.
    more = facts.snapshot["resource_units"].filter(pl.col("units") > 1)
    single = resources.filter(
        pl.col("finite") & pl.col("bucket").is_null() & (pl.col("units") == 1)
    ).join(more, on="resource", how="anti")
    wanted = single.filter(
        pl.col("changeover_matrix").is_not_null() | pl.col("resource").is_in(set(rules))
    )
    if wanted.is_empty():
        return
    rows = _operations(facts, wanted.select("resource"))
    for (resource,), group in rows.group_by("resource", maintain_order=True):
        name = str(resource)
        yield (
            name,
            [
                CampaignOperation(
                    start=row["begin"],
                    finish=row["end"],
                    supply=row["order"],
                    operation=row["operation"],
                    family=row["family"],
                    rule=_rule_of(rules.get(name, ()), row["family"], row["product"]),
                    campaign=row["campaign"],
                    qty=row["qty"],
                    setup=row["setup"],
                    own_setup=row["own_setup"],
                    run=row["run"],
                    work=row["work"],
                    new=not row["existing"],
                )
                for row in group.iter_rows(named=True)
            ],
        )


def _operations(facts: Facts, wanted: pl.DataFrame) -> pl.DataFrame:
    """Row per order, step and resource, in order of time, but what takes no turn.

    Where existing orders overlap, one that is done inside another leaves the machine to
    it: the state after both is that of the one that ends last.
    """
    main = facts.supplies.filter(pl.col("main") & (pl.col("kind") == "make"))
    used = (
        facts.plan.operations.join(wanted, on="resource", how="semi")
        .group_by(pl.col("supply").alias("order"), "step", "resource")
        .agg(
            pl.col("start").min().dt.epoch("s").alias("begin"),
            pl.col("finish").max().dt.epoch("s").alias("end"),
            pl.col("id").first().alias("operation"),
            pl.col("setup_minutes").fill_null(0.0).sum().alias("setup"),
            pl.col("run_minutes").fill_null(0.0).sum().alias("run"),
        )
    )
    steps = facts.snapshot["steps"].select(
        pl.col("routing").alias("source"),
        "step",
        "family",
        "setup_minutes",
        "fixed_minutes",
        "run_minutes_per_unit",
    )
    own = (
        facts.snapshot["step_resources"]
        .group_by(pl.col("routing").alias("source"), "step")
        .agg(
            pl.col("setup_minutes").min().alias("choice_setup"),
            pl.col("speed").max(),
        )
    )
    pace = facts.snapshot["resources"].select("resource", "efficiency")
    columns = ("order", "product", "source", "qty", "order_qty", "campaign", "existing")
    return (
        used.join(main.select(columns), on="order")
        .join(steps, on=["source", "step"], how="left")
        .join(own, on=["source", "step"], how="left")
        .join(pace, on="resource", how="left")
        .join(
            step_yields(facts).select("order", "step", "entering"), on=["order", "step"]
        )
        .with_columns(
            own_setup=pl.min_horizontal("setup_minutes", "choice_setup").fill_null(0.0),
            work=(
                pl.col("fixed_minutes").fill_null(0.0)
                + pl.col("run_minutes_per_unit").fill_null(0.0)
                * pl.col("order_qty")
                * pl.col("entering")
            )
            / (pl.col("efficiency").fill_null(1.0) * pl.col("speed").fill_null(1.0)),
        )
        .sort("resource", "begin", "end", "order", "step")
        .filter(
            pl.col("end") > pl.col("end").cum_max().shift(fill_value=0).over("resource")
        )
    )


# --------------------------------------------------------------------------- checks
def _named(resource: str, jobs: Sequence[CampaignOperation]) -> list[Finding]:
    wrong = []
    for job in jobs:
        # What takes no time runs in no campaign.
        if job.rule is None or not job.new or job.start == job.finish:
            continue
        if _campaign(job) is None:
            wrong.append(
                {
                    "value": job.operation,
                    "supply": job.supply,
                    "resource": resource,
                    "family": job.rule["family"],
                    "campaign": job.campaign or "none",
                }
            )
    return faults("CAM093", "operations", wrong, column="campaign")


def _campaign(job: CampaignOperation) -> str | None:
    """Campaign in which a job runs by its rule."""
    if job.rule is None:
        return None
    begin = f"{job.rule['resource']}|{job.rule['family']}|"
    names = (job.campaign or "").split("; ")
    return next((name for name in names if name.startswith(begin)), None)


def _limits(jobs: Sequence[CampaignOperation]) -> list[Finding]:
    groups: dict[str, list[CampaignOperation]] = {}
    for job in jobs:
        name = _campaign(job)
        if name is not None:
            groups.setdefault(name, []).append(job)
    low, high = [], []
    for name, members in sorted(groups.items()):
        rule = members[0].rule
        if rule is None or not any(job.new for job in members):
            continue
        qty = sum({job.supply: job.qty for job in members}.values())
        least, most = rule["min_run_qty"] or 0.0, rule["max_run_qty"]
        if qty < least - TOLERANCE * (1 + least):
            low.append({"value": name, "qty": qty, "limit": least})
        if most is not None and qty > most + TOLERANCE * (1 + most):
            high.append({"value": name, "qty": qty, "limit": most, "unit": "units"})
        minutes, longest = sum(job.run for job in members), rule["max_run_minutes"]
        slack = SECONDS / MINUTE * len(members)
        if longest is not None and minutes > longest + slack:
            row = {"value": name, "qty": minutes, "limit": longest, "unit": "minutes"}
            high.append(row)
    return [
        *faults("CAM090", "supplies", low),
        *faults("CAM091", "supplies", high),
    ]


def _interrupted(resource: str, jobs: Sequence[CampaignOperation]) -> list[Finding]:
    """Find campaigns that go on after other work."""
    wrong = []
    ended: set[str] = set()
    before: str | None = None
    for job in jobs:
        if job.neutral:
            continue
        name = _campaign(job)
        if before is not None and name != before:
            ended.add(before)
        if name is not None and name in ended and job.new:
            wrong.append({"value": name, "resource": resource, "moment": job.start})
        before = name
    return faults("CAM094", "supplies", wrong)


def _cleanings(
    facts: Facts, resource: str, jobs: Sequence[CampaignOperation]
) -> list[Finding]:
    changes = Changes(facts, resource)
    planned = [
        (row["valid_from"].timestamp(), row["valid_to"].timestamp())
        for row in facts.snapshot["cleaning_windows"]
        .filter(pl.col("resource") == resource)
        .iter_rows(named=True)
    ]
    wrong = []
    last: CampaignOperation | None = None
    gaps: list[tuple[int, int]] = []
    busy = 0
    for job in jobs:
        if last is not None:
            gaps.append((busy, job.start))
        busy = max(busy, job.finish)
        if job.neutral:
            continue
        if last is not None and last.rule is not None and (job.new or last.new):
            seconds = (last.rule["cleaning_minutes"] or 0.0) * MINUTE
            other = _campaign(last) != _campaign(job) or last.rule is not job.rule
            cleaned = changes.cleans(last.family, job.family) or any(
                _holds(facts, last.rule["cleaning_window"], gap, planned, seconds)
                for gap in gaps
            )
            if other and seconds and not cleaned:
                wrong.append(
                    {
                        "value": job.operation,
                        "resource": resource,
                        "start": job.start,
                        "minutes": seconds / MINUTE,
                        "before": last.supply,
                    }
                )
        last, gaps = job, []
    return faults("CAM092", "operations", wrong)


def _holds(
    facts: Facts,
    calendar: str | None,
    gap: tuple[int, int],
    planned: Iterable[tuple[float, float]],
    seconds: float,
) -> bool:
    """Whether a gap holds so many seconds of cleaning in one piece."""
    start, finish = gap
    if any(
        start <= first and last <= finish and last - first >= seconds
        for first, last in planned
    ):
        return True
    if calendar is None:
        return finish - start >= seconds - SECONDS
    open_time = facts.clock.open_time(calendar)
    begun = end = 0
    for first, last in zip(
        open_time.starts.tolist(), open_time.finishes.tolist(), strict=True
    ):
        begun = begun if first == end else first
        end = last
        if min(end, finish) - max(begun, start) >= seconds - SECONDS:
            return True
    return False


def _efficiency(jobs: Sequence[CampaignOperation]) -> list[Finding]:
    totals: dict[str, dict[str, float]] = {}
    for job in jobs:
        name = _campaign(job)
        if name is not None:
            totals.setdefault(name, {})[job.supply] = job.qty
    wrong = []
    for job in jobs:
        name, rule = _campaign(job), job.rule
        if name is None or rule is None or rule["reduction_over"] is None:
            continue
        total = sum(totals[name].values())
        if not job.new or total <= rule["reduction_over"] * (1 + TOLERANCE):
            continue
        share = 1 - (rule["reduction_pct"] or 0.0) / 100
        needed = job.work / share if share > 0 else 0.0
        if job.run < needed - SECONDS / MINUTE:
            wrong.append(
                {
                    "value": job.operation,
                    "supply": job.supply,
                    "minutes": job.run,
                    "needed": needed,
                }
            )
    return faults("CAM095", "operations", wrong, column="run_minutes")


def _changes(
    facts: Facts, resource: str, jobs: Sequence[CampaignOperation]
) -> list[Finding]:
    """Compare the set-up between families with the matrix; idle time changes nothing.

    What is owed may also lie in the idle time directly before. An operation that takes
    no time holds no machine, so it changes nothing.
    """
    changes = Changes(facts, resource)
    wrong = []
    before = changes.state
    busy = facts.as_of
    for job in jobs:
        if job.finish <= job.start:
            continue
        needed = changes.minutes(before, job.family)
        given = job.setup - job.own_setup + max(0, job.start - busy) / MINUTE
        if job.new and given < needed - SECONDS / MINUTE:
            wrong.append(
                {
                    "value": job.operation,
                    "resource": resource,
                    "start": job.start,
                    "minutes": given,
                    "before": before,
                    "after": job.family,
                    "needed": needed,
                }
            )
        before = job.family or before
        busy = max(busy, job.finish)
    return faults("CAM096", "operations", wrong, column="setup_minutes")


class Changes:
    """The matrix of one resource, read row by row: the fewest stars win."""

    def __init__(self, facts: Facts, resource: str) -> None:
        tables = facts.snapshot
        own = tables["resources"].filter(pl.col("resource") == resource)
        matrix = own["changeover_matrix"].to_list()[:1]
        rows = tables["changeovers"].filter(pl.col("matrix").is_in(matrix))
        self._rows = sorted(
            rows.iter_rows(named=True),
            key=lambda r: (
                (r["from_family"] == "*") + (r["to_family"] == "*"),
                r["from_family"] == "*",
            ),
        )
        state = tables["resource_state"].filter(pl.col("resource") == resource)
        self.state: str | None = next(iter(state["family"].to_list()), None)

    def _row(self, before: str | None, after: str | None) -> Row | None:
        if before is None or after is None or before == after:
            return None
        for row in self._rows:
            if row["from_family"] in ("*", before) and row["to_family"] in ("*", after):
                return row
        return None

    def minutes(self, before: str | None, after: str | None) -> float:
        """Time of a change [min]."""
        row = self._row(before, after)
        return 0.0 if row is None else float(row["setup_minutes"])

    def cost(self, before: str | None, after: str | None) -> float:
        """Money of a change besides its time [base currency]."""
        row = self._row(before, after)
        return 0.0 if row is None else float(row["cost"] or 0.0)

    def cleans(self, before: str | None, after: str | None) -> bool:
        """Whether a change is a cleaning."""
        row = self._row(before, after)
        return row is not None and bool(row["cleaning"])
