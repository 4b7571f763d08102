"""Kernels of records: what is called from outside is compiled for it, and kept."""

from __future__ import annotations

import sys
from types import FunctionType, ModuleType
from typing import TYPE_CHECKING

import pytest

from medhavi.planners.kernels.compiled import (
    COMPILING,
    announce_compiling,
    are_kept,
    compiled_records,
    digest_of,
)
from medhavi.progress import Progress

if TYPE_CHECKING:
    from pathlib import Path


def double(value: int) -> int:
    return value + value


def triple(value: int) -> int:
    return value + double(value)


@pytest.mark.req("ATP-22")
def test_an_entry_is_kept_with_all_that_it_calls(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    pytest.importorskip("numba")
    monkeypatch.setattr("numba.config.CACHE_DIR", str(tmp_path))
    functions = [one for one in (double, triple) if isinstance(one, FunctionType)]
    hits, known, told = [], [], []
    for _ in range(2):
        made = compiled_records(functions, frozenset(), frozenset({"triple"}))
        known.append(are_kept(made))
        announce_compiling(made, told.append)
        assert list(vars(made)) == ["triple"]
        assert made.triple(5) == 15
        hits.append(sum(made.triple.stats.cache_hits.values()))
    assert hits == [0, 1]
    assert known == [False, True]
    assert told == [Progress(COMPILING)]
    (kept,) = tmp_path.rglob("*.nbi")
    assert ".triple_" in kept.name


@pytest.mark.parametrize(
    "other", [("Shift", ("begin", "end")), ("Window", ("end", "begin"))]
)
def test_another_record_gives_another_name_on_disk(
    monkeypatch: pytest.MonkeyPatch, other: tuple[str, tuple[str, ...]]
) -> None:
    # What numba keeps names the records of a call: with one renamed it cannot be read.
    names = []
    for name, fields in (("Window", ("begin", "end")), other):
        module = ModuleType("kernel_module")
        setattr(module, name, type(name, (tuple,), {"_fields": fields}))
        kernel = FunctionType(double.__code__, vars(module), "double")
        kernel.__module__ = module.__name__
        monkeypatch.setitem(sys.modules, module.__name__, module)
        names.append(digest_of([kernel]))
    assert names[0] != names[1]
