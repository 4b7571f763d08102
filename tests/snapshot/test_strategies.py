from __future__ import annotations

from hypothesis import given

from medhavi.findings import has_errors
from tests.strategies import snapshots


@given(snapshots())
def test_random_networks_have_no_errors(snapshot):
    assert not has_errors(snapshot.findings), snapshot


@given(snapshots(plain=True))
def test_plain_networks_have_no_errors(snapshot):
    assert not has_errors(snapshot.findings), snapshot
