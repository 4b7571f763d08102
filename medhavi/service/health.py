"""What the server says about itself and its data."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from medhavi import __version__
from medhavi.errors import MedhaviError
from medhavi.service.page_data import choose_source

if TYPE_CHECKING:
    from medhavi.service.desk_keeper import DeskKeeper


def health(keeper: DeskKeeper | None = None) -> dict[str, object]:
    """Give status, version, data and desk; nothing is read but presence of folders.

    `status` is "ok" where there is data, "no data" where not, "unreachable" where its
    folder is not there. `desk` is there where promises can be made binding.
    """
    facts: dict[str, object] = {"version": __version__}
    if keeper is not None:
        facts["desk"] = keeper.as_dict()
    try:
        source = choose_source()
    except MedhaviError as failure:
        return {**facts, "status": "no data", "data": "none", "place": str(failure)}
    place = source.tables or source.lake
    there = "://" in place or Path(place).exists()
    return {
        **facts,
        "status": "ok" if there else "unreachable",
        "data": "tables" if source.tables else "lake",
        "place": place,
    }
