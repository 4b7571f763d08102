"""The request of an open page of the promise desk, as facts change beside it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from medhavi.service.page_data import PageData
from medhavi.service.promise_pages.promise_commit import CommitMessage
from medhavi.service.promise_pages.promise_page import PromisePage, ask


@dataclass(slots=True, kw_only=True, eq=False)
class OpenRequest:
    """The request of an open page: asked again by itself when facts change.

    What was promised is not: the goods that it got are taken, so the same request
    would get another answer beside the promise.

    Parameters
    ----------
    data, line, told
        Tables and line that were asked last, and the answer.
    promised
        What became of promising that answer; None: nothing yet.
    """

    data: PageData | None = None
    line: Mapping[str, object] | None = None
    told: PromisePage | None = None
    promised: CommitMessage | None = None

    def answer(self, data: PageData, line: Mapping[str, object]) -> PromisePage:
        """Answer to a line, of the facts of now.

        Where only the tables are others, the line that was asked is asked again, not
        one that is being typed.
        """
        by_itself = self.data is not None and self.data is not data
        kept = self.promised is not None and self.promised.kept
        self.data = data
        if self.told is not None and by_itself and kept:
            return self.told
        if self.line is None or not by_itself:
            self.line = line
        self.promised = None
        self.told = ask(data, self.line)
        return self.told

    def keep(self, done: CommitMessage) -> CommitMessage:
        """Keep what became of promising the answer."""
        self.promised = done
        return done
