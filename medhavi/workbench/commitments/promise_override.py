"""A date that a person promises in place of the one that was found (ATP-23)."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from medhavi.errors import UsageError

if TYPE_CHECKING:
    from collections.abc import Sequence

    from medhavi.results.promises.promise import Promise


@dataclass(frozen=True, slots=True, kw_only=True)
class Override:
    """The date, and why; the holds stay those that were found.

    Parameters
    ----------
    date
        What is promised [s]; earlier than what was found is a risk that somebody takes.
    reason
        For those who read the log.
    """

    date: int
    reason: str

    def check(self, promises: Sequence[Promise]) -> None:
        """Refuse what nobody could answer for.

        Raises
        ------
        UsageError
            There is no reason, not exactly one promise, or the date is past.
        """
        if not self.reason.strip():
            message = (
                "Another date than the one that was found needs a reason: say why you "
                "promise it."
            )
            raise UsageError(message)
        if len(promises) != 1:
            message = (
                f"{len(promises)} promises are committed at once; a date of your own "
                "is for one. Commit that one alone."
            )
            raise UsageError(message)
        if self.date <= promises[0].known_at:
            message = "The date is past already. Promise a later one."
            raise UsageError(message)


def binding_date(promise: Promise, override: Override | None) -> int | None:
    """Date that binds once it is committed [s]."""
    return promise.date if override is None else override.date
