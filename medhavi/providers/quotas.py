"""What suppliers deliver and vehicles carry at most, and what of it is taken.

A supplier's quantity counts by receipt (rule 32): per period of `supply_terms`, counted
from as_of, and per window of `supplier_capacity`. A vehicle's weight and volume count
per departure; where a lane leaves at any time, each move is a departure of its own.
"""

from __future__ import annotations

from collections import defaultdict
from typing import TYPE_CHECKING, NamedTuple

from medhavi.units import DAY, exact, seconds_up, steps_down

if TYPE_CHECKING:
    from collections.abc import Iterator
    from fractions import Fraction

    from medhavi.providers.product_facts import ProductFacts
    from medhavi.providers.sources import Source
    from medhavi.providers.sourcing import Sourcing
    from medhavi.providers.table_rows import Row, Rows


class Limit(NamedTuple):
    """One limit that holds at an instant: its name, until when, and how much."""

    key: tuple[object, ...]
    until: int
    most: Fraction


class Quotas:
    """Limits of suppliers and vehicles with what is taken of them.

    Parameters
    ----------
    capacities
        Table `supplier_capacity`.
    facts
        Groups, weights and volumes of products.
    sourcing
        Calendars of locations, for receipt days.
    as_of
        Now; periods count from it [UTC seconds].
    """

    def __init__(
        self,
        capacities: Rows,
        facts: ProductFacts,
        sourcing: Sourcing,
        as_of: int,
    ) -> None:
        self._facts = facts
        self._sourcing = sourcing
        self._as_of = as_of
        self._windows: dict[str, list[tuple[int, Row]]] = defaultdict(list)
        for number, row in enumerate(capacities):
            self._windows[row["supplier"]].append((number, row))
        self._taken: dict[tuple[object, ...], Fraction] = defaultdict(
            lambda: exact(0.0)
        )

    def largest(self, source: Source) -> int | None:
        """Give the largest order that ever fits [steps]; None: no limit."""
        found = []
        if source.kind == "buy" and source.row["capacity_per_period"] is not None:
            most = float(str(source.row["capacity_per_period"]))
            found.append(steps_down(most, source.step))
        if source.kind == "move":
            for limit in self._carried(source, 0):
                used = self._use(source, limit)
                found.append(int(limit.most / (used * source.step)))
        return min(found, default=None)

    def until(self, source: Source, steps: int, at: int) -> int | None:
        """Tell until when an order does not fit that comes, or leaves, at an instant.

        Parameters
        ----------
        source
            A purchase or a move.
        steps
            Size of the order [steps].
        at
            Receipt at the door of a purchase, departure of a move [UTC seconds].

        Returns
        -------
        int or None
            First instant after `at` that is worth a try; None: it fits.
        """
        full = [
            limit.until
            for limit in self._limits(source, at)
            if self._taken[limit.key] + self._amount(source, steps, limit) > limit.most
        ]
        return max(full, default=None)

    def take(self, source: Source, steps: int, at: int, sign: int = 1) -> None:
        """Take an order's part of all limits; `sign` -1 gives it back."""
        for limit in self._limits(source, at):
            self._taken[limit.key] += sign * self._amount(source, steps, limit)

    def door(self, source: Source, finish: int) -> int:
        """Give when goods of a purchase reach the door: receipt days come after it."""
        days = source.row["receipt_days"]
        if not isinstance(days, float) or not days:
            return finish
        calendar = self._sourcing.location_time(source.location)
        found = calendar.subtract_days(finish, days)
        return finish if found is None else found

    # --- limits --------------------------------------------------------------------
    def _limits(self, source: Source, at: int) -> Iterator[Limit]:
        if source.kind == "move":
            yield from self._carried(source, at)
            return
        row = source.row
        most = row["capacity_per_period"]
        if most is not None:
            length = seconds_up(float(str(row["period_days"])), DAY)
            begin = self._as_of + (at - self._as_of) // length * length
            key = (source.source, row["product"], row["location"], begin, length)
            yield Limit(key, begin + length, exact(float(str(most))))
        windows = self._windows.get(source.source)
        if not windows:
            return
        lineage = {"*", *self._facts.lineage(source.product)}
        for number, window in windows:
            inside = window["valid_from"] <= at < window["valid_to"]
            if inside and window["product"] in lineage:
                most = exact(float(window["qty"]))
                yield Limit(("window", number), window["valid_to"], most)

    def _carried(self, source: Source, at: int) -> Iterator[Limit]:
        for column in ("capacity_kg", "capacity_m3"):
            most = source.row[column]
            if most is not None:
                limit = Limit(
                    (source.source, at, column), at + 1, exact(float(str(most)))
                )
                if self._use(source, limit) > 0:
                    yield limit

    def _amount(self, source: Source, steps: int, limit: Limit) -> Fraction:
        return steps * source.step * self._use(source, limit)

    def _use(self, source: Source, limit: Limit) -> Fraction:
        """Give what one unit of the product takes of a limit."""
        if source.kind != "move":
            return exact(1.0)
        if limit.key[-1] == "capacity_kg":
            return exact(self._facts.weight_kg(source.product))
        return exact(self._facts.volume_m3(source.product))
