"""Where the parts of a lake lie in its folder, and what is no lake."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from urllib.parse import unquote, urlsplit

from medhavi.errors import EnvironmentFailure, NotAvailable
from medhavi.lakehouse.failures import environment

_LAYERS = frozenset({"bronze", "silver", "gold"})


@dataclass(frozen=True, slots=True, kw_only=True)
class LakeLayout:
    """Folders of one lake."""

    root: Path

    @property
    def events(self) -> Path:
        """The Delta table of all events."""
        return self.root / "bronze" / "events"

    @property
    def quarantine(self) -> Path:
        """The Delta table of events that are not folded, with their reason."""
        return self.root / "bronze" / "quarantine"

    @property
    def silver(self) -> Path:
        """The folder of tables and checkpoints; may be deleted at any time."""
        return self.root / "silver"

    def gold(self, table: str) -> Path:
        """Folder of one Delta table of gold."""
        return self.root / "gold" / table

    def create(self) -> None:
        """Make the folder for its owner alone; refuse one with other files in it.

        Raises
        ------
        EnvironmentFailure
            The place is a file, or a folder with something else in it.
        """
        with environment("looking for a lake", self.root):
            if not self.root.exists():
                self.root.mkdir(mode=0o700, parents=True)
                return
            foreign = (
                [self.root.name]
                if not self.root.is_dir()
                else sorted(
                    entry.name
                    for entry in self.root.iterdir()
                    if entry.name not in _LAYERS and not entry.name.startswith(".")
                )
            )
        if foreign:
            message = (
                f"{self.root} is not a lake and not empty: it has {foreign[0]!r}. "
                "Choose a new folder, or one that holds only bronze, silver and gold."
            )
            raise EnvironmentFailure(message)

    def check_exists(self) -> None:
        """Refuse to read where no lake is.

        Raises
        ------
        EnvironmentFailure
            Nothing is there, or it has no table of events.
        """
        with environment("looking for a lake", self.root):
            if has_table(self.events):
                return
            there = self.root.exists()
        message = (
            f"{self.root} is not a lake: it has no bronze/events. "
            if there
            else f"There is no lake at {self.root}. "
        )
        remedy = "Make one with: medhavi mirror --from STORE --lake " + str(self.root)
        raise EnvironmentFailure(message + remedy)


def has_table(path: Path) -> bool:
    """Whether a Delta table is there; a log that was only begun is none.

    A kill in the moment of creation leaves an empty log; the next writer makes the
    table in its place.
    """
    return any((path / "_delta_log").glob("[0-9]*"))


def lake_layout(uri: str | Path) -> LakeLayout:
    """Find the folder that a lake's URI names.

    Raises
    ------
    NotAvailable
        Object stores are not built yet.

    Examples
    --------
    >>> lake_layout("file:///data/my%20lake").root.as_posix()
    '/data/my lake'
    """
    text = str(uri)
    if "://" not in text:
        return LakeLayout(root=Path(text))
    parts = urlsplit(text)
    if parts.scheme != "file" or parts.netloc not in {"", "localhost"}:
        message = f"{text}: lakes in object stores are not built yet; use a folder or file://."
        raise NotAvailable(message)
    return LakeLayout(root=Path(unquote(parts.path)))
