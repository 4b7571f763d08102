"""What the server says about itself and its data."""

from __future__ import annotations

from pathlib import Path

from medhavi import __version__
from medhavi.errors import MedhaviError
from medhavi.service.page_data import choose_source


def health() -> dict[str, object]:
    """Give status, version and data; nothing is read but the presence of folders.

    `status` is "ok" where there is data, "no data" where not, "unreachable" where its
    folder is not there.
    """
    facts: dict[str, object] = {"version": __version__}
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
