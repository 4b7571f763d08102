"""Settings of the planners: frozen records with their ranges checked."""

from __future__ import annotations

from dataclasses import dataclass, fields
from typing import TYPE_CHECKING

from medhavi.errors import UsageError
from medhavi.planners.kernels.compiled import Engine

if TYPE_CHECKING:
    from collections.abc import Mapping


ENGINES = ("auto", "python", "numba")


@dataclass(frozen=True, slots=True, kw_only=True)
class MrpParameters:
    """How net requirements are computed.

    Parameters
    ----------
    past
        "allow": a supply that should have started before now keeps its date and gets
        an exception PastDueStart. Nothing else is built.
    closed_orders_consume_forecast
        Whether delivered (closed) orders eat the forecast of their period too. Off by
        default: the demand table's status says what is planned, and what was
        delivered is usually out of the forecast already.
    engine
        "python", "numba", or "auto" (numba where it is installed and the run is
        large). The result is the same.
    """

    past: str = "allow"
    closed_orders_consume_forecast: bool = False
    engine: Engine = "auto"

    def __post_init__(self) -> None:
        if self.past != "allow":
            message = (
                f"past ({self.past}) must be allow; mode constrained, which keeps "
                "starts out of the past, is not built yet."
            )
            raise UsageError(message)
        if self.engine not in ENGINES:
            message = f"engine ({self.engine}) must be one of {', '.join(ENGINES)}."
            raise UsageError(message)
        if self.closed_orders_consume_forecast not in {True, False}:
            message = "closed_orders_consume_forecast must be true or false."
            raise UsageError(message)

    @classmethod
    def from_mapping(cls, values: Mapping[str, object]) -> MrpParameters:
        """Read settings by name.

        Raises
        ------
        UsageError
            An unknown name or a value out of range.
        """
        known = {field.name for field in fields(cls)}
        unknown = sorted(set(values) - known)
        if unknown:
            message = (
                f"Unknown setting {', '.join(unknown)}; mode mrp knows "
                f"{', '.join(sorted(known))}."
            )
            raise UsageError(message)
        return cls(**values)  # type: ignore[arg-type]

    def as_dict(self) -> dict[str, object]:
        """Give what identifies a run: the engine does not, for results are equal."""
        return {
            "past": self.past,
            "closed_orders_consume_forecast": self.closed_orders_consume_forecast,
        }
