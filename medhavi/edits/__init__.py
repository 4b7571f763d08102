"""Changes of planning data, each one function of a snapshot and arguments to a patch.

Name, parameters, checks and the page of documentation of a change are read from the
signature of its function.
"""

from __future__ import annotations

from medhavi.edits.edit import Edit, apply, changes

__all__ = ["Edit", "apply", "changes"]
