"""What the server says about itself and its data."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from medhavi import __version__
from medhavi.errors import MedhaviError
from medhavi.service.page_data import choose_source

if TYPE_CHECKING:
    from medhavi.service.api.desk_maintenance import DeskMaintenance


def health(keeper: DeskMaintenance | None = None) -> dict[str, object]:
    """State of the server: version, data and desk; only presence of folders is read.

    `status` is "ok" where there is data and the desk, if any, is open; "no data" and
    "unreachable" (the folder is gone) of the data, else the state of the desk: opening,
    behind, rebuilding or failed. `ready` is false where nothing can be answered: a
    probe gets status code 503. No path of the server is shown.
    """
    facts: dict[str, object] = {"version": __version__}
    if keeper is not None:
        facts["desk"] = keeper.as_dict()
    try:
        source = choose_source()
    except MedhaviError:
        told = {"status": "no data", "ready": True, "data": "none", "place": ""}
        return {**facts, **told}
    place = source.tables or source.lake
    there = "://" in place or Path(place).exists()
    status, ready = ("ok", True) if there else ("unreachable", False)
    if there and keeper is not None:
        status, ready = _status(keeper.state), keeper.ready
    return {
        **facts,
        "status": status,
        "ready": ready,
        "data": "tables" if source.tables else "lake",
        "place": str(source),
    }


def _status(desk: str) -> str:
    return "ok" if desk == "open" else desk
