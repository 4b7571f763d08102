"""Bucket resources as work sees them that leaves a share of their hours free."""

from __future__ import annotations

from medhavi.providers.finite_capacity.bucket_ledger import BucketLedger
from medhavi.units import exact


class KeptBuckets(BucketLedger):
    """The hours of a bucket resource, as work sees them that leaves a share free.

    Parameters
    ----------
    book
        The ledger that is kept; it is asked, never changed.
    share
        Withheld share of the hours of each bucket.
    """

    __slots__ = ("_book", "_part")

    def __init__(self, book: BucketLedger, share: float) -> None:
        super().__init__(book.clock)
        self._book = book
        self._part = exact(share)

    def room(self, start: int) -> int:
        """Unit-seconds that are left beside what is withheld [millionths]."""
        kept = int(self._book.offer(start) * self._part)
        return max(self._book.room(start) - kept, 0)
