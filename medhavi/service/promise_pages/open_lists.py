"""Records of promises that open pages show, and how they hear of news."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import polars as pl

from medhavi.errors import MedhaviError
from medhavi.lakehouse import Lake
from medhavi.results.promises.parts import RECORDS
from medhavi.service.answer_cache import AnswerCache
from medhavi.service.jobs.open_pages import OpenPages, this_cell
from medhavi.service.page_data import bench_of, recorded_until
from medhavi.workbench.promise_desk.promise_records import promise_records

if TYPE_CHECKING:
    import datetime as dt

    from medhavi.service.data_source import DataSource
    from medhavi.service.page_data import PageData

_records: AnswerCache[pl.DataFrame] = AnswerCache(4)
_open_lists = OpenPages()


def records_of(data: PageData) -> pl.DataFrame:
    """Promises that the lake of a page knew at its moment; empty without a lake."""
    if data.snapshot is None or not data.source.lake:
        return pl.DataFrame(schema=RECORDS)
    try:
        until = recorded_until(data.known_at, data.names)
        return records_known(data.source, data.snapshot.as_of, until)
    except (MedhaviError, OSError):
        return pl.DataFrame(schema=RECORDS)  # the desk answers without the list


def records_known(
    source: DataSource, now: int, until: dt.datetime | None
) -> pl.DataFrame:
    """Promises that a lake knew at a moment; read once for each state of its log.

    Parameters
    ----------
    now
        Now of the company [UTC s].
    until
        Later events do not count; None: all count.

    Raises
    ------
    MedhaviError, OSError
        The lake or its store cannot be read.
    """
    bench = bench_of(source)
    lake = Lake(source.lake) if bench is None else bench.lake
    if bench is not None:
        bench.edits.facts.read()
    place = str(Path(source.lake).absolute())
    key = (place, lake.stamp() or object(), now, until)
    return _records.get(key, lambda: promise_records(lake, now, until))


def followed_records(data: PageData) -> pl.DataFrame:
    """Records of a page; its cell runs again when there is news of promises."""
    cell = this_cell()
    if cell is not None:
        _open_lists.follow(data.source, cell)
    return records_of(data)


def tell_lists(source: DataSource) -> None:
    """Fill every open list of promises anew: the log has more."""
    _open_lists.tell(source)
