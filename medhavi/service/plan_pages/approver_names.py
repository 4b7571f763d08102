"""Names of approvers, one of each browser: nobody is offered the name of another.

There are no accounts. The guard hands each browser a cookie of random digits, which
opens nothing: it only finds the name that was entered last in this browser. It is read
from requests of pages and stands on no page, in no address and in no log.
"""

from __future__ import annotations

import threading
from collections import deque
from typing import TYPE_CHECKING, Any, Final
from weakref import WeakKeyDictionary

from medhavi.views.words import say

if TYPE_CHECKING:
    import marimo as mo

BROWSER: Final = "medhavi-browser"
"""Cookie of random digits that tells browsers apart."""
MOST_KNOWN = 1000
"""Browsers whose name is kept, those in which one was entered last."""
_MOST_SHOWN = 8
"""Fields of a page that are read; those of earlier outputs are gone."""
_names: dict[str, str] = {}
_browsers: WeakKeyDictionary[Any, str] = WeakKeyDictionary()
"""Browser of each open page: a job that ends runs a cell without any request."""
_lock = threading.Lock()


def last_approver() -> str:
    """Name that was entered last in this browser; empty before."""
    with _lock:
        return _names.get(_this_browser() or "", "")


def remember_approver(name: str) -> None:
    """Offer a name wherever this browser is asked for one from now on."""
    browser, name = _this_browser(), name.strip()
    if browser is None or not name:
        return
    with _lock:
        _names.pop(browser, None)
        _names[browser] = name
        for oldest in list(_names)[:-MOST_KNOWN]:
            del _names[oldest]


class Approver:
    """Who approves on a page.

    It is no widget: a name that is entered runs no cell, so what was asked for, and
    the button beside the name, stay as they are.

    Attributes
    ----------
    value
        The name that the page shows.
    """

    def __init__(self) -> None:
        self.value = last_approver()
        self._shown: deque[mo.ui.text] = deque(maxlen=_MOST_SHOWN)

    def field(self) -> mo.ui.text:
        """Ask for the name; it begins with the one that was entered last."""
        import marimo as mo

        self.value = last_approver() or self.value
        shown = mo.ui.text(
            value=self.value,
            label=say("approver"),
            placeholder=say("your_name"),
            on_change=self._take,
        )
        self._shown.append(shown)
        return shown

    def _take(self, name: str) -> None:
        self.value = name
        remember_approver(name)


def _this_browser() -> str | None:
    """Browser of the page whose kernel runs now.

    Empty outside a page, where one person works alone; None of a page whose browser
    keeps no cookies.
    """
    from marimo._runtime.context import safe_get_context
    from marimo._runtime.context.kernel_context import KernelRuntimeContext

    context = safe_get_context()
    if not isinstance(context, KernelRuntimeContext):
        return ""
    kernel, request = context._kernel, context.request  # noqa: SLF001 - no public way
    known = "" if request is None else request.cookies.get(BROWSER, "")
    if known:
        _browsers[kernel] = known
    return _browsers.get(kernel)
