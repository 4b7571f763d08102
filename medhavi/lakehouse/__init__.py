"""The lakehouse: bronze events, silver state, gold plan runs, all of it in one folder.

Events enter once (`mirror`), become tables by a pure fold (`projections`), and leave as
a typed snapshot (`assemble`). Nothing here plans.
"""

from medhavi.lakehouse.lake import Lake
from medhavi.lakehouse.log.mirror import MirrorReport
from medhavi.lakehouse.query import QueryLimits

__all__ = ["Lake", "MirrorReport", "QueryLimits"]
