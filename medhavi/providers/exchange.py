"""Exchange rates: the latest one up to now, and what is missing or stale."""

from __future__ import annotations

from typing import TYPE_CHECKING

from medhavi.findings import finding
from medhavi.units import DAY, from_seconds

if TYPE_CHECKING:
    import datetime as dt
    from collections.abc import Iterable, Mapping

    from medhavi.findings import Finding
    from medhavi.providers.table_rows import Rows
    from medhavi.snapshot import Settings


class Exchange:
    """Rates into the base currency at the moment of the plan.

    Parameters
    ----------
    tables : mapping of str to Rows
        `fx_rates`.
    settings : Settings
        Moment, base currency and the age at which a rate is stale.
    """

    __slots__ = ("_base", "_max_age", "_rates", "_today")

    def __init__(self, tables: Mapping[str, Rows], settings: Settings) -> None:
        self._base = settings.base_currency
        self._max_age = settings.fx_max_age_days
        self._today = from_seconds(settings.as_of).date()
        self._rates: dict[str, tuple[dt.date, float]] = {}
        rates = tables["fx_rates"]
        for currency, date, rate in zip(
            rates.column("currency"),
            rates.column("as_of"),
            rates.column("rate"),
            strict=True,
        ):
            known = self._rates.get(currency)
            if date <= self._today and (known is None or known[0] < date):
                self._rates[currency] = (date, rate)

    def rate(self, currency: str | None) -> float:
        """Base currency per unit; 1 for the base itself and where none is known.

        The missing rate is a finding, so 1 is never taken in silence.
        """
        if currency is None or currency == self._base:
            return 1.0
        known = self._rates.get(currency)
        return 1.0 if known is None else known[1]

    def fresh(self, currency: str | None) -> bool:
        """Whether a currency has a rate that is young enough (CORE-09)."""
        if currency is None or currency == self._base:
            return True
        known = self._rates.get(currency)
        return known is not None and self._age(known[0]) <= self._max_age

    def renewed(self, currency: str) -> dict[str, object] | None:
        """Latest rate as a row of today; None: none is known."""
        known = self._rates.get(currency)
        if known is None:
            return None
        return {"currency": currency, "as_of": self._today, "rate": known[1]}

    def _age(self, date: dt.date) -> float:
        """Age of a rate [days]."""
        return (self._today - date).total_seconds() / DAY

    def findings(self, currencies: Iterable[str]) -> tuple[Finding, ...]:
        """Which of the currencies in use have no rate or a stale one."""
        found = []
        for currency in sorted(set(currencies) - {self._base}):
            known = self._rates.get(currency)
            if known is None:
                found.append(
                    finding(
                        "SRC007",
                        table="fx_rates",
                        column="currency",
                        value=currency,
                        base=self._base,
                        today=self._today,
                    )
                )
                continue
            age = self._age(known[0])
            if age > self._max_age:
                found.append(
                    finding(
                        "SRC008",
                        table="fx_rates",
                        column="as_of",
                        value=known[0],
                        currency=currency,
                        age=f"{age:g}",
                        limit=f"{self._max_age:g}",
                    )
                )
        return tuple(found)
