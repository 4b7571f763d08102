"""Follow one promise request through its calls: `python -m tools.request_path`.

Counts, over the first 400 calls of functions of the package that answer a request, the
modules that the calls lie in and the names of their parameters; and of those calls that
are given the request itself or its search, the modules and the names it goes by.
"""

from __future__ import annotations

import sys
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from benchmarks.promise_case import promise_case
from benchmarks.promising import read
from medhavi.planners.promising.option_search import OptionSearch
from medhavi.planners.promising.promise_ledger import PromiseLedger
from medhavi.planners.promising.quoting import quote

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence
    from types import FrameType

PACKAGE = Path(__file__).resolve().parents[1] / "medhavi"
CALLS = 400


def main() -> None:
    """Print the figures of a request of the promise benchmark, one a line."""
    ledger = PromiseLedger.from_snapshot(promise_case())
    first, request = read(ledger, 2)
    quote(ledger, first)
    for name, value in figures(lambda: quote(ledger, request), request).items():
        print(f"{name:48s} {value:>6,}")


@dataclass(frozen=True, slots=True, kw_only=True)
class Call:
    """A call of a function of the package.

    Parameters
    ----------
    module
        Path inside the package.
    function
        Qualified name.
    names
        Of its parameters.
    carrying
        Those of them that are the request or its search.
    """

    module: str
    function: str
    names: tuple[str, ...]
    carrying: tuple[str, ...]


def figures(answer: Callable[[], object], request: object) -> Mapping[str, int]:
    """Figures of the first calls of an answer, by name."""
    made = calls(answer, request)
    inside = [one for one in made if one.module.startswith("planners/promising/")]
    given = [one for one in made if one.carrying]
    return {
        "calls": len(made),
        "functions": len({(one.module, one.function) for one in made}),
        "modules": len({one.module for one in made}),
        "modules of promising": len({one.module for one in inside}),
        "parameter names": len({name for one in made for name in one.names}),
        "parameter names in promising": len(
            {name for one in inside for name in one.names}
        ),
        "modules that are given the request": len({one.module for one in given}),
        "names of the request": len({name for one in given for name in one.carrying}),
    }


def calls(answer: Callable[[], object], request: object) -> Sequence[Call]:
    """First `CALLS` calls of functions of the package while an answer is made."""
    found: list[Call] = []

    def note(frame: FrameType, event: str, arg: Any) -> None:
        del arg
        path = Path(frame.f_code.co_filename)
        if event != "call" or len(found) >= CALLS or PACKAGE not in path.parents:
            return
        code = frame.f_code
        names = code.co_varnames[: code.co_argcount + code.co_kwonlyargcount]
        values = {name: frame.f_locals.get(name) for name in names}
        carrying = tuple(
            name
            for name, value in values.items()
            if value is request
            # Its own first call has no attributes yet.
            or (
                isinstance(value, OptionSearch)
                and getattr(value, "request", None) is request
            )
        )
        found.append(
            Call(
                module=path.relative_to(PACKAGE).as_posix(),
                function=code.co_qualname,
                names=names,
                carrying=carrying,
            )
        )

    sys.setprofile(note)
    try:
        answer()
    finally:
        sys.setprofile(None)
    return found


if __name__ == "__main__":
    main()
