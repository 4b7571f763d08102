"""Are promises kept as often as they say? Promises over a simulated history.

    python benchmarks/promise_calibration.py [--seeds 8] [--promises 520]

Every seed is a company of its own: six suppliers and four lanes whose true times are
drawn log-normal around what they state, a year of observations, estimates learned from
them by the product's own group quantiles, and promises on these estimates. Then each
promise is carried out once with true times that the estimates never saw. Bought goods
wait for one purchase, made ones for the later of two; each then travels one lane.
"""

from __future__ import annotations

import argparse
import datetime as dt
import math
import random
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

if __name__ == "__main__":
    # Run as a file, this folder, not the repository, is on the path.
    sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

import polars as pl

from benchmarks.performance_page import write_section

if TYPE_CHECKING:
    from medhavi.snapshot import Snapshot

    Rows = list[dict[str, Any]]

NOW = dt.datetime(2026, 6, 1, tzinfo=dt.UTC)
SUPPLIERS = 6
LANES = 4
OBSERVED = 240
"""Orders of each supplier and lane over the year before now."""
STATED = {"supplier": 10.0, "lane": 2.0}
"""Stated times [days]."""
CORRELATION = 0.5
"""Of the delays in companies where they have a common cause."""
TIERS = {"Gold": "p95", "Silver": "p80", "Bronze": "p50"}
GATES = {"p80": (0.75, 0.85), "p95": (0.92, 0.98)}
Z_99 = 2.5758


@dataclass(frozen=True, slots=True)
class TrueTime:
    """A log-normal time: median [days] and spread of its logarithm."""

    median: float
    spread: float

    def draw(self, chance: random.Random, common: float = 0.0) -> float:
        """Draw one time [days]; `common` is what others are late by, as a score."""
        own = math.sqrt(1 - CORRELATION) if common else 1.0
        score = math.sqrt(CORRELATION) * common + own * chance.gauss(0.0, 1.0)
        return self.median * math.exp(self.spread * score)


def true_times(chance: random.Random) -> dict[tuple[str, str], TrueTime]:
    """Draw how suppliers and lanes really are: who keeps their word, who does not."""
    found = {}
    for kind, count in (("supplier", SUPPLIERS), ("lane", LANES)):
        for number in range(count):
            ratio, spread = chance.uniform(0.8, 1.6), chance.uniform(0.06, 0.35)
            key = kind, f"{kind[0].upper()}{number}"
            found[key] = TrueTime(STATED[kind] * ratio, spread)
    return found


def history(
    kind: str, truth: dict[tuple[str, str], TrueTime], chance: random.Random
) -> pl.DataFrame:
    """What a year of orders told, columns of `predict.features.HISTORY`."""
    from medhavi.predict.windows import HISTORY

    rows = []
    for (which, subject), time in truth.items():
        for number in range(OBSERVED if which == kind else 0):
            ordered = NOW - dt.timedelta(days=365.0 * (1 - number / OBSERVED))
            days = time.draw(chance)
            if ordered + dt.timedelta(days=days) > NOW:
                continue  # still under way: nobody knows yet how long it takes
            rows.append(
                {
                    "subject": subject,
                    "product": "*",
                    "qty": 1.0,
                    "ordered_at": ordered,
                    "known_at": ordered + dt.timedelta(days=days),
                    "lead_days": days,
                    "stated_days": STATED[kind],
                    "on_time": days <= STATED[kind],
                }
            )
    return pl.DataFrame(rows, schema=HISTORY)


def estimates(
    truth: dict[tuple[str, str], TrueTime], chance: random.Random
) -> pl.DataFrame:
    """Learn quantiles from the history, as the product does."""
    from medhavi.predict.backtest import final_model
    from medhavi.predict.estimates import asked
    from medhavi.predict.recipe import TrainingRecipe

    recipe, parts = TrainingRecipe(), []
    for kind, stated in STATED.items():
        told = history(kind, truth, chance)
        model = final_model(told, "group", recipe)
        subjects = pl.DataFrame(
            [
                {"subject": name, "product": "*", "stated_days": stated}
                for which, name in truth
                if which == kind
            ]
        )
        rows = asked(told, subjects, NOW, recipe, stated=model.stated)
        found = model.predict(rows)
        parts.append(
            rows.select(
                kind=pl.lit(kind),
                subject="subject",
                product=pl.lit("*"),
                quantity=pl.lit("lead_days"),
                p50=pl.Series(found[:, 0]),
                p80=pl.Series(found[:, 1]),
                p95=pl.Series(found[:, 2]),
                model=pl.lit("group"),
                version=pl.lit("1"),
                basis=pl.lit("group"),
            )
        )
    return pl.concat(parts)


def company(learned: pl.DataFrame, correlation: float = 0.0) -> Snapshot:
    """Make the tables: goods bought or made at one plant, shipped over four lanes."""
    from medhavi.snapshot import Snapshot

    bought = [f"B{number}" for number in range(SUPPLIERS)]
    made = [f"M{number}" for number in range(SUPPLIERS)]
    lines: Rows = []
    for number, product in enumerate(made):
        for other in (number, (number + 1) % SUPPLIERS):
            lines.append(
                {
                    "product": product,
                    "location": "PLANT",
                    "routing": f"R-{product}",
                    "line": other,
                    "component": bought[other],
                    "qty_per": 1.0,
                }
            )
    tables: dict[str, Any] = {
        "settings": [
            {"as_of": NOW, "horizon_days": 180.0, "delay_correlation": correlation}
        ],
        "products": [{"product": name} for name in (*bought, *made)],
        "locations": [
            {"location": "PLANT"},
            *({"location": f"C{number}"} for number in range(LANES)),
        ],
        "suppliers": [{"supplier": f"S{number}"} for number in range(SUPPLIERS)],
        "supply_terms": [
            {
                "supplier": f"S{number}",
                "product": product,
                "location": "PLANT",
                "lead_time_days": STATED["supplier"],
            }
            for number, product in enumerate(bought)
        ],
        "routings": [
            {"product": name, "location": "PLANT", "routing": f"R-{name}"}
            for name in made
        ],
        "bom_lines": lines,
        "lanes": [
            {
                "lane": f"L{number}",
                "origin": "PLANT",
                "destination": f"C{number}",
                "duration_h": 24 * STATED["lane"],
            }
            for number in range(LANES)
        ],
        "promise_policies": [
            {"policy": tier, "risk_basis": basis} for tier, basis in TIERS.items()
        ],
        "estimates": learned.to_dicts(),
    }
    return Snapshot.from_frames(tables)


def carried_out(
    seed: int, promises: int, correlation: float | None = None
) -> pl.DataFrame:
    """Promise and carry out; one row a promise.

    Parameters
    ----------
    correlation
        What the promises take for the correlation of the delays, which is `CORRELATION`
        then; None: the delays are independent and so are the promises.

    Returns
    -------
    DataFrame
        `tier`, `kind` (bought, made), `p80_met`, `p95_met`, `met` (the quoted date),
        `date_prob`; `on_time_prob`, and `on_time` (the requested date); and `days`, by
        how much the goods came after the quoted date.
    """
    from medhavi.planners.promising.promise_ledger import PromiseLedger
    from medhavi.planners.promising.quoting import quote
    from medhavi.planners.promising.supply_search.requests import read_requests

    chance = random.Random(seed)
    truth = true_times(chance)
    snapshot = company(estimates(truth, chance), correlation or 0.0)
    book = PromiseLedger.from_snapshot(snapshot)
    known: dict[tuple[str, int, str, int], Any] = {}
    rows = []
    for number in range(promises):
        kind = ("bought", "made")[number % 2]
        place, lane = chance.randrange(SUPPLIERS), chance.randrange(LANES)
        tier = tuple(TIERS)[number % len(TIERS)]
        wait = chance.randrange(8, 24)
        key = kind, place * LANES + lane, tier, wait
        if key not in known:
            request = {
                "product": f"{kind[0].upper()}{place}",
                "location": f"C{lane}",
                "qty": 1.0,
                "due": NOW + dt.timedelta(days=wait),
                "policy": tier,
            }
            (asked,) = read_requests([request], snapshot).requests
            known[key] = quote(book, asked, detail="date")
        promise = known[key]
        common = 0.0 if correlation is None else chance.gauss(0.0, 1.0)
        days = [truth["supplier", f"S{place}"].draw(chance, common)]
        if kind == "made":
            other = truth["supplier", f"S{(place + 1) % SUPPLIERS}"]
            days.append(other.draw(chance, common))
        way = max(days) + truth["lane", f"L{lane}"].draw(chance, common)
        there = int(NOW.timestamp() + way * 86_400)
        due = int(request_due(wait))
        rows.append(
            {
                "seed": seed,
                "tier": tier,
                "kind": kind,
                "p80_met": there <= promise.date_p80,
                "p95_met": there <= promise.date_p95,
                "met": there <= promise.date,
                "on_time_prob": promise.on_time_prob,
                "date_prob": promise.date_prob,
                "on_time": there <= due,
                "days": (there - promise.date) / 86_400,
            }
        )
    return pl.DataFrame(rows)


def request_due(wait: int) -> float:
    """Due date of a request that waits so many days [s]."""
    return (NOW + dt.timedelta(days=wait)).timestamp()


def summed(name: str, rows: pl.DataFrame) -> tuple[object, ...]:
    """A row of the page: shares met with their Wilson 99 % intervals, bias."""
    from medhavi.predict.calibration import wilson

    cells: list[object] = [name, rows.height]
    for column in ("p80_met", "p95_met"):
        share = float(rows[column].mean())  # type: ignore[arg-type]
        low, high = wilson(share, rows.height, Z_99)
        cells.append(f"{share:.1%} ({low:.1%} to {high:.1%})")
    cells.append(f"{float(rows['on_time_prob'].mean()):.1%}")  # type: ignore[arg-type]
    cells.append(f"{float(rows['on_time'].mean()):.1%}")  # type: ignore[arg-type]
    cells.append(f"{float(rows['date_prob'].mean()):.1%}")  # type: ignore[arg-type]
    cells.append(f"{float(rows['met'].mean()):.1%}")  # type: ignore[arg-type]
    cells.append(f"{float(rows['days'].median()):+.1f} d")  # type: ignore[arg-type]
    return tuple(cells)


def missed(rows: pl.DataFrame) -> list[str]:
    """Name the gates that are missed: the whole interval must lie inside."""
    from medhavi.predict.calibration import wilson

    found = []
    for name, (least, most) in GATES.items():
        share = float(rows[f"{name}_met"].mean())  # type: ignore[arg-type]
        low, high = wilson(share, rows.height, Z_99)
        if low < least or high > most:
            found.append(
                f"{name}: {low:.1%} to {high:.1%}, not in {least:.0%}-{most:.0%}"
            )
    return found


def main() -> int:
    """Write the section; exit 1 where a gate is missed."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--seeds", type=int, default=8)
    parser.add_argument("--promises", type=int, default=520, help="of each seed")
    chosen = parser.parse_args()
    rows = pl.concat(
        [carried_out(seed, chosen.promises) for seed in range(1, chosen.seeds + 1)]
    )
    parts = [("all", rows)]
    for column in ("tier", "kind"):
        for (value,), part in rows.group_by(column, maintain_order=True):
            parts.append((str(value), part))
    common = {
        name: pl.concat(
            [
                carried_out(seed, chosen.promises, taken)
                for seed in range(1, chosen.seeds + 1)
            ]
        )
        for name, taken in (("common cause", CORRELATION), ("left out", 0.0))
    }
    parts += common.items()
    write_section(
        "promise_calibration",
        (
            "promises",
            "count",
            "came by p80 (gate 75-85 %)",
            "came by p95 (gate 92-98 %)",
            "by the requested date: stated",
            "by the requested date: was",
            "by the quoted date: stated",
            "by the quoted date: was",
            "median distance from the quoted date",
        ),
        [summed(name, part) for name, part in parts],
        note=(
            f"{rows.height:,} promises over {chosen.seeds} simulated companies, each "
            "carried out once with times that the estimates never saw. In brackets: "
            "Wilson's 99 % interval; the gates are for all together. Tiers quote "
            "different quantiles: Gold p95, Silver p80, Bronze p50. `common cause`: "
            f"companies whose delays correlate by {CORRELATION} and whose settings say "
            "so, the same gates; `left out`: where the settings say that they do not."
        ),
    )
    problems = missed(rows) + missed(common["common cause"])
    for problem in problems:
        print(f"MISSED {problem}", file=sys.stderr)
    return int(bool(problems))


if __name__ == "__main__":
    sys.exit(main())
