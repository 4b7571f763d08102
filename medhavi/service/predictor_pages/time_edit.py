"""Another time in the place of a learned one: one edit of all its quantiles."""

from __future__ import annotations

from html import escape
from typing import TYPE_CHECKING, Any, NamedTuple

import polars as pl

from medhavi.edits.data_changes import learned_time_edit
from medhavi.providers import Providers
from medhavi.providers.lead_times import EVERY_PRODUCT
from medhavi.service.page_data import PageProblem, html
from medhavi.views import page
from medhavi.views.names import number
from medhavi.views.plan_pages import predictors
from medhavi.views.words import say

if TYPE_CHECKING:
    from collections.abc import Mapping

    import marimo as mo

    from medhavi.predict.coverage import PredictorReport
    from medhavi.service.plan_pages.plan_loading import PlanPage
    from medhavi.views.names import Names

    Days = tuple[float, float, float]
    """P50, P80 and P95 [days]."""

QUANTILES = ("p50", "p80", "p95")
OBSERVED, STATED, OTHER = (
    say("as_newest_orders_took"),
    say("as_stated"),
    say("another_median"),
)


class LearnedTime(NamedTuple):
    """A learned time that orders count on, with what may stand in its place [days].

    `estimate` is its row of `estimates`; `observed` quantiles of the newest orders and
    `orders` their number, `stated` the time of master data, where they are known.
    """

    estimate: Mapping[str, Any]
    observed: Days | None = None
    orders: int = 0
    stated: float | None = None

    @property
    def learned(self) -> Days:
        """Quantiles that are planned with."""
        return (self.estimate["p50"], self.estimate["p80"], self.estimate["p95"])

    def around(self, median: float) -> Days:
        """Quantiles of another median, as far apart as the learned ones in shares."""
        p50, *others = self.learned
        share = median / p50 if p50 else 1.0
        p80, p95 = (round(one * share, 2) for one in others)
        return (median, max(p80, median), max(p95, median))

    def proposed(self, wish: str, median: float | None = None) -> Days | None:
        """Quantiles of a choice; None: nothing is known for it.

        Parameters
        ----------
        wish
            `OBSERVED`, `STATED` or `OTHER`.
        median
            Of another time [days].
        """
        if wish == OBSERVED:
            return self.observed
        days = self.stated if wish == STATED else median
        return None if days is None else self.around(days)


def learned_time(
    shown: PlanPage, key: str | None, effects: pl.DataFrame, report: PredictorReport
) -> LearnedTime | None:
    """Learned time of a supplier or lane and an item; None: there is none.

    Parameters
    ----------
    key
        Supplier or lane and item, as `predictor_page.key_choice` has them.
    effects, report
        What the plan counts on, and what the newest orders took.
    """
    if not key or shown.snapshot is None:
        return None
    subject, product = key.rsplit("|", 1)
    lead_times = Providers(shown.snapshot).lead_times
    estimate = lead_times.learned_days(subject, product, report.about)
    if estimate is None:
        return None

    def of(product: str) -> pl.Expr:
        return (pl.col("subject") == subject) & (pl.col("product") == product)

    # The row that is learned may be that of all items.
    took = report.spread.filter(of(estimate["product"])).to_dicts()
    stated = effects.filter(of(product))["stated_days"].to_list()
    came = [took[0][f"came_{name}"] for name in QUANTILES] if took else [None]
    p50, p80, p95 = (
        (None,) * 3 if None in came else (round(float(one or 0), 2) for one in came)
    )
    observed = None
    if p50 is not None and p80 is not None and p95 is not None:
        observed = p50, p80, p95
    return LearnedTime(
        estimate=estimate,
        observed=observed,
        orders=int(took[0]["orders"] or 0) if took else 0,
        stated=stated[0] if stated else None,
    )


def time_words(time: LearnedTime, names: Names) -> str:
    """What is planned with for whom, and what the newest orders took."""
    subject, product = time.estimate["subject"], time.estimate["product"]
    whose = names.name(subject)
    if product == EVERY_PRODUCT:
        whose += f", {say('all_its_items')}" if time.estimate["kind"] != "lane" else ""
    else:
        whose += f", {names.name(product)}"
    p50, p80, p95 = map(number, time.learned)
    told = say(
        "planned_with_quantiles",
        whose,
        p50,
        p80,
        p95,
        _publisher(time.estimate),
    )
    if time.observed is not None:
        p50, p80, p95 = map(number, time.observed)
        told += f" {say('newest_orders_took', time.orders, p50, p80, p95)}"
    return told


def _publisher(estimate: Mapping[str, Any]) -> str:
    """Who published an estimate: a model with its version, or the plain rule."""
    title = predictors.TITLES.get(estimate["model"])
    if title is None:
        return say("the_plain_rule")
    return say("model_with_version", title.lower(), estimate["version"])


def time_form(time: LearnedTime | None) -> mo.ui.form[Any, Any] | None:
    """Ask which time is planned with in the place of a learned one."""
    import marimo as mo

    if time is None:
        return None
    offered = {
        wish: f"{wish}: {' / '.join(map(number, days))} d"
        for wish in (OBSERVED, STATED)
        if (days := time.proposed(wish)) is not None
    }
    options = {**{told: wish for wish, told in offered.items()}, OTHER: OTHER}
    return (
        mo.md("{wish} {median} {reason}")
        .batch(
            wish=mo.ui.dropdown(
                options, value=next(iter(options)), label=say("plan_with")
            ),
            median=mo.ui.number(
                start=0.01,
                step=0.01,
                value=round(time.learned[0], 2),
                label=say("median_days"),
            ),
            reason=mo.ui.text(
                label=say("reason"), placeholder=say("what_the_supplier_said")
            ),
        )
        .form(submit_button_label=say("price_it"), bordered=False)
    )


def time_edit(
    time: LearnedTime, form: Mapping[str, Any]
) -> dict[str, Any] | PageProblem:
    """Edit of the chosen time; a problem where the form says none."""
    days = time.proposed(form["wish"], form["median"])
    if days is None:
        return PageProblem(title=say("no_time_chosen"), text=say("state_a_median"))
    reason = (form["reason"] or "").strip() or None
    quantiles = dict(zip(QUANTILES, days, strict=True))
    return {**learned_time_edit(time.estimate, quantiles), "reason": reason}


def time_part(
    time: LearnedTime | None,
    form: mo.ui.form[Any, Any] | None,
    key: Any,
    names: Names,
) -> mo.Html:
    """Which time is learned, and the form that puts another in its place."""
    import marimo as mo

    if time is None or form is None:
        return html(page.empty(say("no_predicted_time"), say("stated_times_are_used")))
    return mo.vstack(
        [key, html(f"<p>{escape(time_words(time, names))}</p>"), form], gap=1
    )
