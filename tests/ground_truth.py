"""What was planted in the demo company: no product code reads it (design 10)."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache

from medhavi.demo.aurora import History, scale_of
from medhavi.demo.company_model.assortment import DEAD_STOCK, DISCONTINUED
from medhavi.demo.company_model.company import BOTTLENECK
from medhavi.demo.company_model.places import LATE_LANE
from medhavi.demo.company_model.procurement import (
    DRIFT_FROM_DAYS,
    DRIFT_TO_DAYS,
    DRIFTING,
    MISSTATED,
    STATED_DAYS,
    TRUE_DAYS,
)
from medhavi.demo.simulation.inbound import MISSED_SHARE
from medhavi.demo.simulation.planted_facts import DEAD_SINCE, PlantedFacts
from medhavi.demo.simulation.simulation_state import DRIFT_BEGIN, END


@dataclass(frozen=True, slots=True, kw_only=True)
class GroundTruth:
    """The planted facts of one history; instants in seconds, times in days.

    `planted` has the ids that depend on the seed.
    """

    planted: PlantedFacts
    now: int = END
    drifting_supplier: str = DRIFTING
    drift_begin: int = DRIFT_BEGIN
    drift_from_days: float = DRIFT_FROM_DAYS
    drift_to_days: float = DRIFT_TO_DAYS
    bottleneck: str = BOTTLENECK
    misstated_supplier: str = MISSTATED[0]
    misstated_product: str = MISSTATED[1]
    stated_days: float = STATED_DAYS
    true_days: float = TRUE_DAYS
    dead_stock: tuple[str, str] = (DEAD_STOCK, "MILANO")
    dead_since: int = DEAD_SINCE
    late_lane: str = LATE_LANE
    missed_share: float = MISSED_SHARE
    discontinued: str = DISCONTINUED


@cache
def truth(scale: str = "small", seed: int = 1) -> GroundTruth:
    """Play the history of a scale and seed and give what was planted in it."""
    history = History(scale_of(scale), seed)
    history.play()
    return GroundTruth(planted=history.story.planted)
