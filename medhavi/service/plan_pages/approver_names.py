"""Names of approvers, one of each browser: nobody is offered the name of another.

There are no accounts. The guard hands each browser a cookie of random digits, which
opens nothing: it only finds the name that was entered last in this browser. It is read
from requests of pages and stands on no page, in no address and in no log. Names outlive
the server in a file of the cache, which has a hash of the digits: who reads it cannot
pass for a browser.
"""

from __future__ import annotations

import hashlib
import threading
from collections import deque
from contextlib import suppress
from typing import TYPE_CHECKING, Any, Final
from weakref import WeakKeyDictionary

import msgspec

from medhavi.views.words import say
from medhavi.workbench.files.atomic_write import replaced_file
from medhavi.workbench.files.cache import cache_folder

if TYPE_CHECKING:
    import marimo as mo

BROWSER: Final = "medhavi-browser"
"""Cookie of random digits that tells browsers apart."""
MOST_KNOWN = 1000
"""Browsers whose name is kept, those in which one was entered last."""
FILE = "approvers.json"
"""File of the cache: name by hash of the digits, the last one at the end."""
_MOST_SHOWN = 8
"""Fields of a page that are read; those of earlier outputs are gone."""
_names: dict[str, str] = {}
_browsers: WeakKeyDictionary[Any, str] = WeakKeyDictionary()
"""Browser of each open page: a job that ends runs a cell without any request."""
_lock = threading.Lock()


def last_approver() -> str:
    """Name that was entered last in this browser; empty before."""
    browser = _this_browser()
    if browser is None:
        return ""
    key = _key(browser)
    with _lock:
        return _names.get(key) or _kept().get(key, "")


def remember_approver(name: str) -> None:
    """Offer a name wherever this browser is asked for one from now on."""
    browser, name = _this_browser(), name.strip()
    if browser is None or not name:
        return
    key = _key(browser)
    with _lock:
        _enter(_names, key, name)
        # A page outside a server has no browser, and nobody to be told from.
        if browser:
            _keep(key, name)


def _key(browser: str) -> str:
    return hashlib.sha256(browser.encode()).hexdigest()


def _enter(names: dict[str, str], key: str, name: str) -> None:
    """Enter a name as the last one; the oldest beyond `MOST_KNOWN` go."""
    names.pop(key, None)
    names[key] = name
    for oldest in list(names)[:-MOST_KNOWN]:
        del names[oldest]


def _kept() -> dict[str, str]:
    """Names of the file; none where it is absent or cannot be read."""
    try:
        text = (cache_folder() / FILE).read_bytes()
        return msgspec.json.decode(text, type=dict[str, str])
    except (OSError, msgspec.MsgspecError):
        return {}


def _keep(key: str, name: str) -> None:
    """Write a name into the file, readable by its owner alone."""
    names = _kept()
    _enter(names, key, name)
    # Where nothing can be written the name is known until the server ends.
    with suppress(OSError), replaced_file(cache_folder() / FILE) as fresh:
        fresh.touch(mode=0o600)
        fresh.write_bytes(msgspec.json.encode(names))


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
