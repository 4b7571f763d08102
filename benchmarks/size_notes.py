"""Plan companies of the sizes of the source in mode optimize: seconds beside its own.

    python benchmarks/size_notes.py [ORDER_LINES …]

The source notes how long its optimizer takes for so many order lines, products in
stocking points and levels. Companies of so many demands are those of `company_models`:
half as many products on four levels, two sites, three steps, two shifts. What a company
has of each is told beside; none is made to fit, and the machine of the source is not
known: the rows say of what order the times are, no more.
"""

from __future__ import annotations

import sys
import time
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

import numpy as np

if __name__ == "__main__":
    # Run as a file, this folder, not the repository, is on the path.
    sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from benchmarks.company_case.network import ModelSize
from benchmarks.company_case.tables import tables_of
from benchmarks.performance_page import write_section

if TYPE_CHECKING:
    from medhavi.snapshot import Snapshot

EFFORT = "light"


class SizeNote(NamedTuple):
    """What the source notes: its size, and how long a run takes [min]."""

    name: str
    places: int
    depth: int
    minutes: int


NOTES = {
    400: SizeNote("small", 15, 5, 20),
    600: SizeNote("medium", 1200, 5, 45),
    4000: SizeNote("large", 1000, 5, 240),
    6500: SizeNote("very large", 4000, 7, 600),
}
"""By order lines."""
HEAD = (
    *(
        "size",
        "order lines",
        "product-locations",
        "levels",
        "of the source",
        "its time",
    ),
    *("CPU of mode optimize, light", "late", "late without the program", "verifier"),
)


def levels_of(snapshot: Snapshot) -> int:
    """Levels of the longest chain of components, the product itself included."""
    from medhavi.snapshot.network.network import levels

    number = {one: row for row, one in enumerate(snapshot["products"]["product"])}
    made = dict(snapshot["routings"].select("routing", "product").iter_rows())
    lines = snapshot["bom_lines"].select("routing", "component").iter_rows()
    uses = np.array([(number[made[one]], number[part]) for one, part in lines])
    return 1 + int(levels(len(number), uses[:, 0], uses[:, 1]).max())


def row_of(lines: int) -> tuple[object, ...]:
    """Plan a company of so many order lines."""
    from medhavi.planners.pipeline import plan
    from medhavi.results.plans.lateness import tally
    from medhavi.results.verify import verify
    from medhavi.snapshot import Snapshot

    note = NOTES[lines]
    snapshot = Snapshot.from_frames(tables_of(ModelSize(demands=lines)))
    begin = time.process_time()
    made = plan(snapshot, "optimize", {"effort": EFFORT})
    seconds = time.process_time() - begin
    return (
        note.name,
        f"{lines:,}",
        f"{made.positions.select('product', 'location').unique().height:,}",
        levels_of(snapshot),
        f"{lines:,} / {note.places:,} / {note.depth}",
        f"{note.minutes // 60} h" if note.minutes % 60 == 0 else f"{note.minutes} min",
        f"{seconds:.0f} s",
        tally(made).not_kept,
        made.run.steps[0].late,
        "clean" if not verify(made, snapshot) else "faults",
    )


def main() -> int:
    """Plan companies of some sizes, all unless they are named; write the section."""
    asked = [int(one) for one in sys.argv[1:]] or list(NOTES)
    # Loading of kernels counts in no row.
    row_of(min(NOTES))
    rows = []
    for lines in asked:
        rows.append(row_of(lines))
        print(*rows[-1], flush=True)
    write_section(
        "sizes of the source", HEAD, rows, (__doc__ or "").split("\n\n")[2].strip()
    )
    return 1 if any(row[-1] != "clean" for row in rows) else 0


if __name__ == "__main__":
    sys.exit(main())
