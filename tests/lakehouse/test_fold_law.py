"""Laws of the fold: pieces give the whole, also through a checkpoint's files."""

from __future__ import annotations

import tempfile
from pathlib import Path
from typing import TYPE_CHECKING

from hypothesis import given, settings
from hypothesis import strategies as st

from medhavi.lakehouse.checkpoints import Checkpoints, FactScope
from medhavi.lakehouse.folds.projections import fold
from medhavi.lakehouse.folds.silver_state import State
from medhavi.lakehouse.log.log_reading import Moment
from tests.examples import examples
from tests.lakehouse.lake_events import START, facts
from tests.lakehouse.random_facts import facts_told

if TYPE_CHECKING:
    from medhavi.lakehouse.checkpoints import Checkpoint


@given(st.lists(facts_told, max_size=25), st.integers(0, 25))
def test_folding_in_two_pieces_is_folding_at_once(told, cut):
    all_facts = facts(*told)
    whole = fold(State(), all_facts)
    pieces = fold(fold(State(), all_facts[:cut]), all_facts[cut:])
    assert pieces.equals(whole)


@given(st.lists(facts_told, max_size=25))
def test_folding_twice_gives_the_same(told):
    assert fold(State(), facts(*told)).equals(fold(State(), facts(*told)))


@settings(max_examples=examples(8, 15))
@given(st.lists(facts_told, max_size=25), st.integers(0, 25))
def test_folding_on_from_a_checkpoints_files_is_folding_at_once(told, cut):
    all_facts = facts(*told)
    whole = fold(State(), all_facts)
    with tempfile.TemporaryDirectory() as folder:
        checkpoints = Checkpoints(Path(folder))
        empty: Checkpoint = checkpoints.empty()
        half = fold(State(), all_facts[:cut])
        checkpoints.write(empty.advanced(half, FactScope(position=cut)))
        moment = Moment(known_at=None, effective_at=START)
        start = checkpoints.newest(moment)
        assert fold(start.state, all_facts[cut:]).equals(whole)
