"""What a person has chosen on a page; it outlives the plan that the page shows."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

MOST_RENEWALS = 3
"""Times in a row that facts may overtake one preview before a person is asked."""
_last_approver: list[str] = []


def last_approver() -> str:
    """Name of who approved last on this server; empty before."""
    return _last_approver[-1] if _last_approver else ""


def remember_approver(name: str) -> None:
    """Offer a name on every page that is opened from now on."""
    _last_approver[:] = [name.strip()] if name.strip() else _last_approver


@dataclass(slots=True, kw_only=True)
class EditSession:
    """Choices of one open page.

    A page that plans again makes its widgets again; they begin with what stands here.

    Parameters
    ----------
    supply
        Id of the chosen order.
    form
        The edit form as it was sent last.
    renewals
        Times that the page has planned again for the preview that is asked for.
    """

    supply: str | None = None
    form: dict[str, Any] = field(default_factory=dict)
    renewals: int = 0

    def choose(self, supply: str | None) -> None:
        """Take the order of the row that was ticked; none leaves the last one."""
        self.supply = supply or self.supply

    def send(self, form: dict[str, Any]) -> dict[str, Any]:
        """Keep a form that was sent; give it with the chosen order."""
        self.form, self.renewals = dict(form), 0
        return {**form, "supply": self.supply}

    def may_renew(self) -> bool:
        """Whether the page may plan again by itself, and count that it does."""
        self.renewals += 1
        return self.renewals <= MOST_RENEWALS
