"""Who takes care of which exception message or doubtful value, and what is settled."""

from __future__ import annotations

import datetime as dt
from typing import TYPE_CHECKING

import msgspec
import polars as pl

from medhavi.errors import UsageError
from medhavi.predict.master_data.cell_history import CellHistory
from medhavi.predict.master_data.doubtful_values import doubtful_values
from medhavi.predict.master_data.duplicates import likely_duplicates
from medhavi.workbench.decisions import append_reviews
from medhavi.workbench.training.observed_history import history_of

if TYPE_CHECKING:
    from collections.abc import Sequence

    from medhavi.events.store import BulkStore
    from medhavi.lakehouse import Lake
    from medhavi.predict.master_data.doubtful_values import (
        DoubtfulValues,
        DoubtSettings,
    )
    from medhavi.predict.master_data.duplicates import (
        DuplicateSettings,
        LikelyDuplicates,
    )
    from medhavi.snapshot import Snapshot


class ExceptionReview(msgspec.Struct, frozen=True, kw_only=True):
    """The newest word on one exception message; see the event ExceptionReviewed."""

    exception: str
    approver: str
    done: bool = False
    assignee: str | None = None
    note: str | None = None
    recorded_at: dt.datetime | None = None


class ExceptionReviewing:
    """Exceptions and doubtful master data as verbs of the workbench.

    Who has them, what is settled; a doubtful value that was settled is listed no more.
    """

    if TYPE_CHECKING:

        @property
        def lake(self) -> Lake:
            """The lake."""

        @property
        def store(self) -> BulkStore:
            """The event store."""

        def snapshot(self) -> Snapshot:
            """Planning tables of the latest moment."""

    def exception_reviews(self) -> dict[str, ExceptionReview]:
        """Newest review of each exception message, by its key (`exception_list`)."""
        said = (
            self.lake.table("bronze.events")
            .filter(pl.col("type") == "ExceptionReviewed")
            .sort("position")
            .select("payload", "recorded_at")
            .collect()
        )
        found = {}
        for payload, recorded_at in said.iter_rows():
            review = msgspec.json.decode(payload, type=ExceptionReview)
            found[review.exception] = msgspec.structs.replace(
                review, recorded_at=recorded_at
            )
        return found

    def review_exceptions(
        self,
        exceptions: Sequence[str],
        *,
        approver: str,
        assignee: str | None = None,
        note: str | None = None,
        done: bool | None = None,
        as_of: int | None = None,
    ) -> tuple[str, ...]:
        """Record who takes care of exceptions, a note, or that they are settled.

        Parameters
        ----------
        exceptions
            Keys of `exception_list`.
        assignee, note, done
            Who takes care, what was found, whether nothing is left to do; None: as was
            said before. An empty text takes it away.
        as_of
            Now of the plan [UTC s]; None: that of the newest snapshot.

        Returns
        -------
        tuple of str
            Ids of the events, one an exception.

        Raises
        ------
        UsageError
            No exception, no key of one, or no approver is named.
        """
        wrong = [key for key in exceptions if key.count("|") < 4]
        if not exceptions or wrong:
            named = f" {wrong[0]!r} is not a key of one." if wrong else ""
            message = f"Name the exceptions by the keys of the exception list.{named}"
            raise UsageError(message)
        if not approver.strip():
            message = "An exception is reviewed by somebody: name the approver."
            raise UsageError(message)
        self.lake.mirror(self.store)
        known = self.exception_reviews()
        moment = self.snapshot().as_of if as_of is None else as_of
        made: list[str] = []
        for key in exceptions:
            before = known.get(key) or ExceptionReview(exception=key, approver="")
            who = before.assignee if assignee is None else assignee
            told = before.note if note is None else note
            made += append_reviews(
                self.store,
                [key],
                approver=approver.strip(),
                assignee=(who or "").strip() or None,
                note=(told or "").strip() or None,
                done=before.done if done is None else done,
                as_of=moment,
            )
        # No table changes: an open desk need not look again.
        self.lake.mirror(self.store)
        return tuple(made)

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
        snapshot
            Tables of the lake; None: the newest.
        """
        taken = snapshot or self.snapshot()
        return likely_duplicates(taken, settings).without(self._settled())

    def _settled(self) -> list[str]:
        return [key for key, one in self.exception_reviews().items() if one.done]
