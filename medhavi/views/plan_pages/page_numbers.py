"""What waits on each page, as the start page tells it."""

from __future__ import annotations

from typing import TYPE_CHECKING

import polars as pl

from medhavi.results.amounts import currency_of
from medhavi.schema import PLANNED_STATUS
from medhavi.views.data_pages.finding_list import asks_for_nothing, data_findings
from medhavi.views.names import count, money, names_of
from medhavi.views.page import AS_OF, findings_words, moment_facts
from medhavi.views.plan_pages.suppliers import purchases_and_transfers
from medhavi.views.words import say

if TYPE_CHECKING:
    from medhavi.snapshot import Snapshot


def numbers_of(snapshot: Snapshot) -> dict[str, str]:
    """Sentence with a number by page, and the planning date."""
    lines = snapshot["demands"].filter(
        (pl.col("kind") == "order") & pl.col("status").is_in(PLANNED_STATUS)
    )
    now = pl.lit(snapshot.as_of * 1_000_000).cast(pl.Datetime("us", "UTC"))
    overdue = lines.filter(pl.col("due") < now).height
    waiting = lines.filter(pl.col("promised").is_null()).height
    standing = snapshot["supply_orders"].height
    started = snapshot["supply_orders"].filter(pl.col("kind") == "work").height
    coming = snapshot["supply_orders"].filter(pl.col("kind") != "work").height
    stock = snapshot["stock"].join(
        snapshot["products"].select("product", "unit_cost"), on="product", how="left"
    )
    changing = snapshot["resources"]["changeover_matrix"].drop_nulls().len()
    down = snapshot["disruptions"].filter(pl.col("kind") == "resource_down").height
    value = float((stock["qty"] * stock["unit_cost"].fill_null(0.0)).sum())
    currency = currency_of(snapshot)
    items, places = len(snapshot.network), snapshot["locations"].height
    predicted = snapshot["estimates"].height
    found = data_findings(snapshot, snapshot.findings)
    asking = [one for one in found if not asks_for_nothing(one)]
    return {
        AS_OF: dict(moment_facts(snapshot, names_of(snapshot), ""))[AS_OF],
        "suppliers": purchases_and_transfers(coming),
        "predictors": count(predicted, "published estimate"),
        "cockpit": count(lines.height, say("open_order_line")),
        "items": f"{count(items, 'item')} at {count(places, 'location')}",
        "capacity": f"{count(snapshot['resources'].height, 'resource')}, "
        f"{count(down, 'disruption')} of them",
        "orders": f"{count(standing, 'open order')}",
        "campaigns": say("with_a_changeover_matrix", count(changing, "resource")),
        "plan": say("of_past_due", overdue, count(lines.height, "order line")),
        "scenarios": say(
            "for_a_what_if",
            count(snapshot["resources"].height, "resource"),
            count(snapshot["suppliers"].height, "supplier"),
        ),
        "schedule": say("listed_under_orders", count(started, say("open_work_order"))),
        "promise": say("without_a_promised_date", count(waiting, "order line")),
        "tradeoffs": say("of_stock_on_hand", money(value, currency)),
        "data": say("in_the_tables", findings_words(asking)),
    }
