"""The demo company as a snapshot, straight from its events: no store and no lake."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator

    from medhavi.lakehouse.folds.silver_state import Fact
    from medhavi.snapshot import Snapshot


def company(scale: str, seed: int = 7) -> Snapshot:
    """Fold the history of aurora into the snapshot of its last Monday morning."""
    from medhavi.demo.simulation.simulation_state import END
    from medhavi.lakehouse.folds.projections import fold
    from medhavi.lakehouse.folds.silver_state import State
    from medhavi.lakehouse.lake import assemble
    from medhavi.units import from_seconds

    return assemble(fold(State(), _facts(scale, seed)), from_seconds(END))


def _facts(scale: str, seed: int) -> Iterator[Fact]:
    """Decode every event once; the one that a broker repeats counts once."""
    from medhavi.demo import aurora
    from medhavi.events.event_types.catalog import decode
    from medhavi.lakehouse.folds.silver_state import Fact

    known: set[str] = set()
    for _, events in aurora.generate(scale, seed):
        for event in events:
            if event.event_id in known:
                continue
            known.add(event.event_id)
            body = decode(event.type, event.schema_version, event.payload)
            assert event.occurred_at is not None
            yield Fact(len(known), event.type, event.occurred_at, body)
