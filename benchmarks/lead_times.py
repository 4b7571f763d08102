"""Predictors against the plain quantile on public data: writes docs/predictors.md.

    MEDHAVI_PUBLIC_DATA=… python benchmarks/lead_times.py

Each table of that page is renewed between its two marks; the prose around is written by
hand. Exit 1 where the public data are not there.
"""

from __future__ import annotations

import os
import re
import sys
import time
from pathlib import Path
from typing import TYPE_CHECKING

if __name__ == "__main__":
    # Run as a file, this folder, not the repository, is on the path.
    sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from benchmarks.performance_page import write_section
from benchmarks.public_lead_times import (
    cargo,
    file_order,
    scms_lead_times,
    scms_punctuality,
)
from medhavi.predict.backtest import Score, backtest
from medhavi.predict.recipe import TrainingRecipe
from medhavi.predict.reliability import RateScore, backtest_rates

if TYPE_CHECKING:
    from collections.abc import Sequence

    from medhavi.predict.backtest import Comparison

    Compared = Comparison[Score] | Comparison[RateScore]

PAGE = Path(__file__).resolve().parents[1] / "docs" / "predictors.md"


def comparisons(folder: Path) -> dict[str, Compared]:
    """Judge every way on the public data."""
    recipe = TrainingRecipe()
    transports = cargo(folder)
    return {
        "scms-lead-times": backtest(scms_lead_times(folder), recipe),
        "scms-punctuality": backtest_rates(scms_punctuality(folder), recipe),
        "cargo-lead-times": backtest(transports, recipe, cut=file_order),
        "cargo-punctuality": backtest_rates(transports, recipe, cut=file_order),
    }


def table(made: Compared, *, dated: bool = True) -> str:
    """Write a comparison as a table with its verdict."""
    rates = [one for one in made.scores if isinstance(one, RateScore)]
    if not rates:
        head: tuple[str, ...] = (
            "way",
            "pinball p80",
            "pinball p95",
            "sum",
            "covers p80",
            "covers p95",
        )
        rows: list[Sequence[str]] = [
            (
                score.method,
                f"{score.pinball[1]:.2f}",
                f"{score.pinball[2]:.2f}",
                f"{score.loss:.2f}",
                f"{score.coverage[1]:.1%}",
                f"{score.coverage[2]:.1%}",
            )
            for score in made.scores
            if isinstance(score, Score)
        ]
    else:
        head = ("way", "Brier", "said on average", "came true")
        rows = [
            (
                rate.method,
                f"{rate.loss:.4f}",
                f"{rate.stated:.1%}",
                f"{rate.observed:.1%}",
            )
            for rate in rates
        ]
    verdict = "would be used" if made.promotable else "the plain one stays"
    span = ""
    if dated and made.test_from is not None and made.test_to is not None:
        span = f", {made.test_from:%Y-%m-%d} to {made.test_to:%Y-%m-%d}"
    lines = [
        "| " + " | ".join(head) + " |",
        "|---|" + "---:|" * (len(head) - 1),
        *("| " + " | ".join(row) + " |" for row in rows),
        "",
        (
            f"Fitted on {made.fitted:,}, calibrated on {made.calibrated:,}, judged on "
            f"{made.tested:,} later ones{span}. Verdict: {verdict} ({made.reason})."
        ),
    ]
    return "\n".join(lines)


def renewed(page: str, name: str, text: str) -> str:
    """Put a table between its marks.

    Raises
    ------
    ValueError
        The page has no such marks.
    """
    marks = f"<!-- {name} -->", f"<!-- /{name} -->"
    pattern = re.compile(f"{re.escape(marks[0])}.*?{re.escape(marks[1])}", re.DOTALL)
    if not pattern.search(page):
        message = f"{PAGE.name} has no marks {marks[0]} … {marks[1]}."
        raise ValueError(message)
    return pattern.sub(lambda _: f"{marks[0]}\n{text}\n{marks[1]}", page)


def main() -> int:
    """Renew the tables of the page, and say what they cost."""
    place = os.environ.get("MEDHAVI_PUBLIC_DATA", "")
    if not (Path(place) / "leadtime").is_dir() or not place:
        print("MEDHAVI_PUBLIC_DATA is not set to a folder with leadtime/")
        return 1
    started = time.process_time()
    made = comparisons(Path(place))
    spent = time.process_time() - started
    page = PAGE.read_text("utf-8")
    for name, comparison in made.items():
        page = renewed(page, name, table(comparison, dated=name.startswith("scms")))
    PAGE.write_text(page, "utf-8")
    write_section(
        "predictors",
        ("what", "CPU"),
        [("all ways on the public lead times, fitted and judged", f"{spent:.1f} s")],
        "What came out stands in docs/predictors.md.",
    )
    return 0


if __name__ == "__main__":
    sys.exit(main())
