"""What the trade-off app shows: efficient plans, or what stands in the way."""

from __future__ import annotations

import threading
from collections import OrderedDict
from dataclasses import dataclass
from typing import TYPE_CHECKING

from medhavi.findings import Finding
from medhavi.results.pareto_front import ParetoFront
from medhavi.service.page_data import PageProblem, findings_of, problem_of
from medhavi.workbench.files.export import trade_offs

if TYPE_CHECKING:
    from medhavi.progress import Observe
    from medhavi.service.page_data import PageData

OBJECTIVES = ("cost", "lateness", "co2", "inventory")
_KEPT = 4
_fronts: OrderedDict[str, ParetoFront] = OrderedDict()
_lock = threading.Lock()


@dataclass(frozen=True, slots=True, kw_only=True)
class TradeOffPage:
    """A front; None where `problem` says why."""

    front: ParetoFront | None = None
    problem: PageProblem | None = None
    findings: tuple[Finding, ...] = ()


def load_front(
    data: PageData, points: int, observe: Observe | None = None
) -> TradeOffPage:
    """Find efficient plans of the page's tables, or give those of before.

    Parameters
    ----------
    points
        How many plans are looked for.
    observe
        Called with a line of progress.
    """
    if data.snapshot is None:
        return TradeOffPage(problem=data.problem)
    key = f"{data.snapshot.fingerprint} {points}"
    try:
        with _lock:
            if key not in _fronts:
                _fronts[key] = trade_offs(
                    data.snapshot, list(OBJECTIVES), points, observe=observe
                )
                while len(_fronts) > _KEPT:
                    _fronts.popitem(last=False)
            _fronts.move_to_end(key)
            return TradeOffPage(front=_fronts[key])
    except Exception as failure:  # noqa: BLE001 - a page shows what went wrong
        return TradeOffPage(problem=problem_of(failure), findings=findings_of(failure))
