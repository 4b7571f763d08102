"""Quality of the master data of a lake: doubtful values and likely duplicates.

What somebody settled by a review of exceptions is listed no more.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from medhavi.predict.master_data.cell_history import CellHistory
from medhavi.predict.master_data.doubtful_values import doubtful_values
from medhavi.predict.master_data.duplicates import likely_duplicates
from medhavi.workbench.exception_reviews import ExceptionReviewing
from medhavi.workbench.training.observed_history import history_of

if TYPE_CHECKING:
    import datetime as dt

    from medhavi.predict.master_data.doubtful_values import (
        DoubtfulValues,
        DoubtSettings,
    )
    from medhavi.predict.master_data.duplicates import (
        DuplicateSettings,
        LikelyDuplicates,
    )
    from medhavi.snapshot import Snapshot


class DataQuality(ExceptionReviewing):
    """Quality of master data as verbs of the workbench."""

    def doubtful_values(
        self,
        settings: DoubtSettings | None = None,
        *,
        snapshot: Snapshot | None = None,
        known_at: dt.datetime | None = None,
    ) -> DoubtfulValues:
        """Cells that are likely wrong, with what the log tells of them.

        It tells their earlier values, and what was delivered of the stated lead times.

        Parameters
        ----------
        settings
            See `DoubtSettings`.
        snapshot
            Tables of the lake; None: those of `known_at`.
        known_at
            Events recorded up to then; default: all.
        """
        taken = snapshot or self.lake.snapshot(known_at)
        rows = {table: frame.height for table, frame in taken.tables.items()}
        history = CellHistory(self.lake.cell_changes(known_at, rows))
        observed = self.lake.lead_time_observations(known_at)
        deliveries = {
            kind: history_of(observed, taken, kind) for kind in ("supplier", "lane")
        }
        found = doubtful_values(taken, settings, history, deliveries)
        return found.without(self._settled())

    def likely_duplicates(
        self,
        settings: DuplicateSettings | None = None,
        *,
        snapshot: Snapshot | None = None,
    ) -> LikelyDuplicates:
        """Rows of master data that are likely one.

        Parameters
        ----------
        settings
            See `DuplicateSettings`.
        snapshot
            Tables of the lake; None: the newest.
        """
        taken = snapshot or self.snapshot()
        return likely_duplicates(taken, settings).without(self._settled())

    def _settled(self) -> list[str]:
        return [key for key, one in self.exception_reviews().items() if one.done]
