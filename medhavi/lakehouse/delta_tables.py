"""Delta tables in local folders.

A table states its files as addresses, in which a space, a percent sign or an umlaut of
the folder is written as `%20` and the like; readers of Parquet take them for paths.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any, cast
from urllib.parse import unquote

from deltalake import DeltaTable  # noqa: TID253 - this module is imported to open one

from medhavi.errors import EnvironmentFailure

if TYPE_CHECKING:
    from pathlib import Path

_UNUSABLE = re.compile(r"[\[\]^|\\]|%[0-9A-Fa-f]{2}")
"""In a path: what Delta refuses, and what it reads as another path."""


class LocalTable(DeltaTable):
    """Delta table of a local folder, whose files are named by their paths."""

    @classmethod
    def made(cls, path: Path, schema: Any, **options: Any) -> LocalTable:
        """Open a table, made where there is none; `options` as of `DeltaTable.create`.

        Raises
        ------
        EnvironmentFailure
            The name of the folder has characters that Delta cannot keep.
        """
        odd = _UNUSABLE.search(str(path.absolute()))
        if odd is not None:
            message = (
                f"A lake cannot be kept at {path}: {odd[0]} in the name of a folder is "
                "not read back as written. Use a name without [ ] ^ | \\ and without % "
                "before two hexadecimal digits."
            )
            raise EnvironmentFailure(message)
        table = cls.create(str(path), schema, mode="ignore", **options)
        return cast("LocalTable", table)

    def file_uris(self, *arguments: Any, **options: Any) -> list[str]:
        """Paths of the files of the table; see `DeltaTable.file_uris`."""
        found: list[str] = super().file_uris(*arguments, **options)
        return [unquote(address) for address in found]
