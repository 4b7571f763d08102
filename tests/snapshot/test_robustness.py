"""Whatever the tables hold, the findings say it and nothing raises."""

from __future__ import annotations

import datetime as dt

from hypothesis import Phase, given, settings
from hypothesis import strategies as st

from medhavi import schema
from medhavi.snapshot import Snapshot
from tests.examples import examples
from tests.factories import AS_OF
from tests.strategies import network_tables

JUNK = [
    None,
    "",
    "A",
    "P1",
    "*",
    "PLANT",
    "12,5",
    "\x00",
    -1,
    0,
    7,
    2**63,
    1e300,
    float("nan"),
    float("-inf"),
    True,
    [],
    ["a", "b=c"],
    AS_OF,
    AS_OF - dt.timedelta(days=1),
    dt.time(6),
    dt.date(2026, 1, 5),
    {"a": 1},
    b"\xff",
]


def junk_rows(name):
    columns = schema.tables()[name].columns
    cells = {column: st.sampled_from(JUNK) for column in columns}
    return st.lists(st.fixed_dictionaries({}, optional=cells), max_size=4)


# Shrinking a whole snapshot takes minutes and seldom says more.
@settings(
    max_examples=examples(4), phases=[Phase.explicit, Phase.reuse, Phase.generate]
)
@given(st.fixed_dictionaries({}, optional={n: junk_rows(n) for n in schema.tables()}))
def test_tables_of_junk_give_findings_and_no_failure(tables):
    snapshot = Snapshot.from_frames(tables)
    assert isinstance(snapshot.findings, tuple)
    assert str(snapshot).startswith("Snapshot of")
    assert len(snapshot.fingerprint) == 64


@settings(phases=[Phase.explicit, Phase.reuse, Phase.generate])
@given(st.data())
def test_a_network_with_one_wrong_cell_gives_findings_and_no_failure(data):
    tables = data.draw(network_tables())
    name = data.draw(
        st.sampled_from(sorted(name for name, rows in tables.items() if rows))
    )
    column = data.draw(st.sampled_from(sorted(schema.tables()[name].columns)))
    row = data.draw(st.sampled_from(tables[name]))
    row[column] = data.draw(st.sampled_from(JUNK))
    snapshot = Snapshot.from_frames(tables)
    assert isinstance(snapshot.findings, tuple)
    assert len(snapshot.network.order) == len(snapshot.network)
