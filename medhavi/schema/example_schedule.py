"""An example schedule file: six orders on five lines, fillings uncertain."""

from __future__ import annotations

from typing import Any

_STEPS = ("filling", "labelling", "packing", "quality control")
_LINES = (("FILL-1", "FILL-2"), ("LABEL",), ("PACK",), ("QC",))
_ORDERS = (
    ("Shampoo 250 ml", (420, 285, 180, 105), 1200),
    ("Detergent 1 l", (240, 135, 120, 45), 1860),
    ("Body wash 200 ml", (390, 210, 150, 90), 1740),
    ("Conditioner 250 ml", (330, 195, 150, 60), 1290),
    ("Face cream 50 ml", (240, 195, 135, 75), 690),
    ("Soap 4 x 100 g", (300, 195, 105, 60), 1500),
)
_SLOWER = 1.25
_RANGE = (0.8, 1.0, 1.35)


def example_schedule() -> dict[str, Any]:
    """Document of a schedule file (docs/scheduling.md).

    Two filling lines, the second a quarter slower, with two hours of cleaning between
    products; labelling, packing and quality control follow.
    """
    return {
        "schema": "medhavi.schedule/1",
        "name": "six orders",
        "start": "2026-01-05T06:00:00Z",
        "time_axis": "working",
        "objective": ["late_orders", "makespan", "setup"],
        "resources": [
            {
                "resource": "FILL-1",
                "name": "Filling 1",
                "changeover_matrix": "clean",
            },
            {
                "resource": "FILL-2",
                "name": "Filling 2",
                "changeover_matrix": "clean",
            },
            {"resource": "LABEL", "name": "Labelling"},
            {"resource": "PACK", "name": "Packing"},
            {"resource": "QC", "name": "Quality control"},
        ],
        "changeovers": [
            {
                "matrix": "clean",
                "from_family": "*",
                "to_family": "*",
                "setup_minutes": 120,
            }
        ],
        "orders": [_order(*told) for told in _ORDERS],
    }


def _order(name: str, minutes: tuple[int, ...], due: int) -> dict[str, Any]:
    steps: list[dict[str, Any]] = []
    for place, (step, lines, run) in enumerate(
        zip(_STEPS, _LINES, minutes, strict=True), start=1
    ):
        options = [
            {
                "resource": line,
                "run_minutes": run if line == lines[0] else run * _SLOWER,
            }
            for line in lines
        ]
        steps.append(
            {
                "step": place,
                "name": step,
                "family": name,
                "after": [place - 1] if place > 1 else [],
                "options": options,
            }
        )
    steps[0]["run_minutes_range"] = [share * minutes[0] for share in _RANGE]
    return {"order": name, "product": name, "due_minutes": due, "steps": steps}
