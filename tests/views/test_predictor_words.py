"""Predictors in words: finding, tiles, grids, versions, the picture of coverage."""

from __future__ import annotations

import datetime as dt
from dataclasses import replace
from pathlib import Path

import polars as pl
import pytest

from medhavi.predict.coverage import (
    COVERAGE,
    SPREAD,
    PredictorReport,
    RecentCoverage,
    coverage_by_month,
)
from medhavi.predict.plan_effects import EFFECTS
from medhavi.predict.versions import PredictorVersion
from medhavi.predict.windows import OUTCOMES
from medhavi.service.predictor_pages.predictor_page import kept_html, versions_part
from medhavi.views.plan_pages.predictors import (
    coverage_chart,
    effect_rows,
    predictor_finding,
    predictor_tiles,
    spread_rows,
    versions_html,
)
from medhavi.views.theme import title_of
from tests.api import Names
from tests.views.mark_names import unnamed_marks

NOW = dt.datetime(2026, 11, 2, 6, tzinfo=dt.UTC)
NAMES = Names(texts={"S-1": "Glassworks", "RM-1": "Bottle"}, zone="Europe/Rome")
HELD = RecentCoverage(
    quantile="p80", told=0.8, share=0.75, orders=60, low=0.67, high=0.92, since=None
)
SLIPPED = replace(HELD, share=0.5, since=NOW - dt.timedelta(days=90))


def version(number: str, *, promotable: str = "yes", **metrics: float):
    return PredictorVersion(
        model="supplier-lead-time",
        version=number,
        aliases=(),
        trained_at=NOW,
        place=Path("model"),
        tags={
            "promotable": promotable,
            "method": "boosting",
            "reason": f"reason {number}",
            "observations": "1000",
            "position": "36443",
        },
        metrics={"gain": 0.24, "tested": 354.0, **metrics},
    )


def report(model: str = "supplier-lead-time", **given) -> PredictorReport:
    usual = {
        "kind": "lead_time",
        "about": "supplier",
        "versions": (),
        "champion": None,
        "challenger": None,
        "observations": 1208,
        "outcomes": pl.DataFrame(schema=OUTCOMES),
        "recent": (),
        "by_month": pl.DataFrame(schema=COVERAGE),
        "spread": pl.DataFrame(schema=SPREAD),
    }
    return PredictorReport(model=model, **{**usual, **given})


USED = version("1")


@pytest.mark.req("ANA-06")
def test_the_finding_names_what_has_slipped_and_since_when():
    slipped = report(champion=USED, recent=(SLIPPED,))
    told = predictor_finding([slipped, report("lane-lead-time")], NAMES)
    assert told == (
        "Supplier lead time: P80 covers 50 % of the newest 60 orders since 4 Aug 2026; "
        "67 % to 92 % would be normal by chance"
    )
    chance = replace(SLIPPED, quantile="on_time", told=0.7)
    told = predictor_finding([report("lane-on-time", recent=(chance,))], NAMES)
    assert "50 % of the newest 60 orders were on time since 4 Aug 2026" in told


def test_the_finding_counts_models_that_hold_and_names_plain_rules():
    used = [report(champion=USED, recent=(HELD,)) for _ in range(2)]
    plain = report("lane-on-time", recent=(HELD,))
    assert predictor_finding([*used, plain], NAMES) == (
        "2 models in use, all within their coverage; plain rule for lane reliability"
    )
    assert predictor_finding([report()], NAMES) == "No model is in use"
    timed = pl.DataFrame({"orders": [3, 4]})
    assert predictor_finding([report()], NAMES, timed) == (
        "No model is in use; published estimates of plain rules time 7 orders"
    )
    gone = report(champion=USED, problem="gone")
    assert "1 is not watched: train again" in predictor_finding([gone], NAMES)
    empty = report(observations=0)
    assert predictor_finding([empty], NAMES) == "No order has been observed yet"


def test_a_supplier_that_its_own_quantile_does_not_cover_is_named():
    rows = [
        {"subject": name, "product": "*", "judged": 55, "within_p80": share}
        for name, share in (("S-1", 0.27), ("S-2", 0.7), ("S-3", 0.8))
    ]
    spread = pl.DataFrame(rows, schema=SPREAD)
    used = report(champion=USED, recent=(HELD,), spread=spread)
    assert predictor_finding([used], NAMES) == (
        "1 model in use, within coverage; P80 of Glassworks covers 27 % of 55 orders"
    )
    told = spread_rows(spread, NAMES)["Within P80"].to_list()
    assert told == ["▲ 27 % of 55", "70 % of 55", "80 % of 55"]


def test_tiles_count_models_orders_and_what_came_since_the_training():
    effects = pl.DataFrame(
        [
            {"orders": 5, "planned_days": 12.0, "stated_days": 10.0},
            {"orders": 2, "planned_days": 8.0, "stated_days": 10.0},
        ]
    )
    used = report(
        champion=USED, challenger=version("2"), versions=(USED,), recent=(SLIPPED,)
    )
    tiles = predictor_tiles([used, report("lane-on-time")], effects, NAMES)
    assert [tile.figure for tile in tiles] == ["1 of 2", "0 of 1", "7", "2 Nov"]
    assert tiles[0].note == "1 challenger ready"
    assert (tiles[1].state, tiles[1].word) == ("bad", "supplier lead time")
    assert tiles[2].note == "5 longer than stated"
    assert tiles[3].note == "208 orders observed since"
    assert [tile.rows for tile in tiles] == [
        "tab=champion-and-challenger",
        f"tab=spread-by-supplier-or-lane&predictor={used.model}",
        "tab=effect-on-the-plan",
        "tab=champion-and-challenger",
    ]
    never = predictor_tiles([report()], None, NAMES)
    assert [tile.note for tile in never[2:]] == ["no plan yet", "never trained"]


def test_a_model_whose_store_is_not_here_counts_as_in_use():
    lost = report(lost="1", problem="Its files are not in the predictor store.")
    reports = [lost, report("lane-on-time")]
    assert predictor_finding(reports, NAMES) == (
        "1 model in use, 1 is not watched: train again; plain rule for lane reliability"
    )
    tiles = predictor_tiles(reports, None, NAMES)
    assert (tiles[0].figure, tiles[0].note) == (
        "1 of 2",
        "1 not in the predictor store",
    )
    assert tiles[3].note == "its runs are not in the predictor store"
    told = versions_part(lost, NAMES)
    assert "Its versions are not in the predictor store" in told
    assert "plain rule" not in told
    assert "Train first" not in kept_html(lost)


def test_grids_have_names_and_put_predicted_beside_actual():
    spread = pl.DataFrame(
        [
            {"subject": "S-1", "product": "RM-1", "basis": "model", "orders": 60}
            | {"stated_days": 12.0, "told_p50": 13.4, "came_p50": 14.6}
            | {"told_p80": 15.21, "judged": 22, "within_p80": 0.75}
            | {"on_time_told": 0.15, "on_time_came": 0.2}
        ],
        schema=SPREAD,
    )
    (row,) = spread_rows(spread, NAMES).to_dicts()
    assert (row["Name"], row["Item"], row["P50"]) == (
        "Glassworks",
        "Bottle",
        "13.4 / 14.6 d",
    )
    assert (row["P80"], row["P95"]) == ("15.2 d", "")
    assert (row["Within P80"], row["On time"]) == ("75 % of 22", "15 / 20 %")
    effects = pl.DataFrame(
        [
            {"kind": "supplier", "subject": "S-1", "product": "*", "basis": "group"}
            | {"planned_days": 12.5, "stated_days": 10.0, "orders": 3}
            | {"first_start": NOW, "demands": 4, "late": 1}
        ],
        schema=EFFECTS,
    )
    (row,) = effect_rows(effects, NAMES).to_dicts()
    assert (row["Item"], row["Planned"], row["Stated"]) == (
        "all items",
        "12.5 d",
        "10 d",
    )
    assert row["Difference"] == "2 d 12 h longer"
    assert f"{row['First start']:%H:%M}" == "07:00"


def test_versions_have_their_role_basis_and_verdict():
    newest = version("3", promotable="no", coverage_p80=0.74, coverage_p95=0.96)
    older = version("1")
    one = report(
        champion=USED, challenger=newest, versions=(newest, USED, replace(older))
    )
    told = versions_html(one, NAMES)
    for words in (
        "refused",
        "champion, in use",
        "earlier",
        "74 % / 96 %",
        "24 % better",
        "1,000 orders, up to event 36,443",
        "reason 3",
        "Mon 2 Nov 2026, 07:00",
    ):
        assert words in told


def test_the_picture_marks_months_that_chance_does_not_allow():
    rows = [
        {"subject": "A", "ordered_at": NOW + dt.timedelta(days=n), "known_at": NOW}
        | {"lead_days": lead, "p80": 10.0, "p95": 12.0}
        for n, lead in enumerate([9.0] * 25 + [11.0] * 5 + [11.0] * 30)
    ]
    outcomes = pl.DataFrame(rows, schema=OUTCOMES, orient="row")
    by_month = coverage_by_month(outcomes, "Europe/Rome")
    chart = coverage_chart(by_month, "What it finds")
    assert chart is not None
    assert title_of(chart) == "What it finds"
    assert unnamed_marks(chart) == []
    rows = chart.to_dict()["data"]["values"]
    outside = {(row["month"], row["what"]) for row in rows if row["outside"]}
    assert ("2026-12", "P80") in outside
    assert ("2026-11", "P95") not in outside
    assert coverage_chart(by_month.clear(), "") is None
