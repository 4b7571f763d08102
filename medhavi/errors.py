"""Exceptions of Medhavi; each knows the exit code of the command line (design 9)."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence


class MedhaviError(Exception):
    """Root of all errors that are raised on purpose.

    The text is for people: what is wrong, where, and what to do.
    """

    exit_code = 1


class UsageError(MedhaviError):
    """The call is wrong: an unknown option, name or combination."""

    exit_code = 2


class NotAvailable(MedhaviError):  # noqa: N818 - the public name of design 6
    """A capability that is not built yet; it refuses instead of approximating.

    Parameters
    ----------
    message
        What is not built, and what to do instead.
    rows
        Input rows that ask for it by table, where rows do.
    """

    exit_code = 2

    def __init__(
        self, message: str, rows: Mapping[str, tuple[int, ...]] | None = None
    ) -> None:
        super().__init__(message)
        self.rows: Mapping[str, tuple[int, ...]] = rows or {}


class InfeasibleBudgets(MedhaviError):  # noqa: N818 - reads as what it is
    """Budgets that no plan can keep together; the text names the least relaxations.

    Parameters
    ----------
    message
        Which budgets conflict, and by how much one of them has to rise.
    more
        For each conflict by how much each budget has to rise, where it alone does.
    """

    def __init__(self, message: str, more: Sequence[Mapping[str, float]] = ()) -> None:
        super().__init__(message)
        self.more = tuple(more)


class LimitReached(MedhaviError):  # noqa: N818 - reads as what it is
    """Work was ended at a limit of time, memory or size; the text names it."""

    exit_code = 3


class EnvironmentFailure(MedhaviError):  # noqa: N818 - reads as what it is
    """The surroundings fail: store, lake, disk, permission."""

    exit_code = 4


class RevisionConflict(MedhaviError):  # noqa: N818 - reads as what it is
    """Another writer appended first: the expected revision is not the stream's."""


class VerificationFailed(MedhaviError):  # noqa: N818 - reads as what it is
    """A result breaks its own snapshot; a defect of the planner, never of the data."""
